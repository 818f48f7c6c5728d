/* SPDX-License-Identifier: MIT */
/* What tests of the registry share: one registry, two holders, some pages. */
#ifndef MEM_RIG_H
#define MEM_RIG_H

#include <string.h>

#include "mem/registry.h"
#include "rig.h"

#define RW    (IOAS_READ | IOAS_WRITE)
#define PAGES 16

/* An accountant with a limit, and a back end that says what it was asked. */
static struct mem_rig {
	struct ioas_accountant accountant;
	struct ioas_a64 charged;
	uint64_t limit;
	struct ioas_backend backend;
	const struct ioas_backend *below; /* does the work */
	struct ioas_a64 pins, unpins, dirty_pages;
	unsigned int moves; /* that the registry told of */
	struct ioas_moved moved;
	struct ioas_registry *registry;
	struct ioas_holder *a, *b;
	char *memory; /* PAGES pages */
} m;

static inline int rig_charge(struct ioas_accountant *self, uint64_t npages)
{
	uint64_t now = ioas_a64_add(&m.charged, npages);

	assert_ptr_equal(self, &m.accountant);
	if (now <= m.limit)
		return 0;
	ioas_a64_add(&m.charged, -npages);
	return -ENOMEM;
}

static inline void rig_uncharge(struct ioas_accountant *self, uint64_t npages)
{
	ioas_a64_add(&m.charged, -npages);
}

static inline int rig_backend_pin(const struct ioas_backend *self,
                                  const struct ioas_pin *pin,
                                  struct ioas_extent *ret_extents,
                                  unsigned int max)
{
	ioas_a64_add(&m.pins, 1);
	return m.below->pin(m.below, pin, ret_extents, max);
}

static inline void rig_backend_unpin(const struct ioas_backend *self,
                                     const struct ioas_pin *pin, uint64_t phys,
                                     bool dirty)
{
	ioas_a64_add(&m.unpins, pin->npages);
	if (dirty)
		ioas_a64_add(&m.dirty_pages, pin->npages);
	m.below->unpin(m.below, pin, phys, dirty);
}

static inline uint64_t rig_backend_frame(const struct ioas_backend *self,
                                         uint64_t uaddr,
                                         unsigned int page_shift)
{
	return m.below->frame(m.below, uaddr, page_shift);
}

static inline void rig_moved(void *context, const struct ioas_moved *moved)
{
	assert_ptr_equal(context, &m);
	m.moves++;
	m.moved = *moved;
}

static inline void destroy_registry(void *arg)
{
	(void)arg;
	ioas_holder_destroy(m.a);
	ioas_holder_destroy(m.b);
	ioas_registry_destroy(m.registry, NULL);
	m.a = m.b = NULL;
	m.registry = NULL;
}

static inline uint64_t page(unsigned int i)
{
	return (uintptr_t)m.memory + i * (uint64_t)rig_page();
}

static inline uint64_t pages(uint64_t n)
{
	return n * (uint64_t)rig_page();
}

static inline void start_pages(struct rig *r, const struct ioas_backend *below,
                               unsigned int page_shift)
{
	struct ioas_registry_config config = {
		.backend = &m.backend,
		.accountant = &m.accountant,
		.page_shift = page_shift,
		.moved = rig_moved,
		.moved_context = &m,
	};

	memset(&m, 0, sizeof(m));
	m.accountant.charge = rig_charge;
	m.accountant.uncharge = rig_uncharge;
	m.limit = UINT64_MAX;
	m.below = below;
	m.backend = *below;
	m.backend.pin = rig_backend_pin;
	m.backend.unpin = rig_backend_unpin;
	if (below->frame)
		m.backend.frame = rig_backend_frame;
	m.memory = rig_memory(r, PAGES * rig_page());
	rig_defer(r, destroy_registry, NULL);
	rig_ok(r, ioas_registry_create(&config, &m.registry));
	rig_ok(r, ioas_holder_create(m.registry, &m.a));
	rig_ok(r, ioas_holder_create(m.registry, &m.b));
}

static inline void start_on(struct rig *r, const struct ioas_backend *below)
{
	start_pages(r, below, 0);
}

static inline struct ioas_register range(unsigned int i, uint64_t n)
{
	return (struct ioas_register){
		.start = page(i), .length = pages(n), .perm = RW};
}

static inline int enter(struct ioas_holder *holder, unsigned int i, uint64_t n)
{
	struct ioas_register what = range(i, n);

	return ioas_holder_register(holder, &what, NULL);
}

static inline int leave_by(struct ioas_holder *holder, unsigned int i,
                           uint64_t n, enum ioas_unregister_mode mode)
{
	struct ioas_unregister what = {page(i), pages(n), mode, 0};

	return ioas_holder_unregister(holder, &what);
}

static inline int leave(struct ioas_holder *holder, unsigned int i, uint64_t n)
{
	return leave_by(holder, i, n, IOAS_UNREGISTER_REFUSE);
}

static inline struct ioas_mapping mapping(unsigned int i, uint64_t n)
{
	return (struct ioas_mapping){
		.start = page(i), .length = pages(n), .counts = n, .perm = RW};
}

static inline struct ioas_region *mapped(struct rig *r, unsigned int i,
                                         uint64_t n)
{
	struct ioas_mapping what = mapping(i, n);
	struct ioas_mapped got;

	rig_ok(r, ioas_registry_get(m.registry, &what, &got));
	return got.region;
}

/* What the physical address of a byte is by the back end. */
static inline uint64_t backend_frame(uint64_t at)
{
	return m.below->frame(m.below, at, rig_page_shift());
}

static inline struct ioas_registry_report report(void)
{
	struct ioas_registry_report now;

	ioas_registry_inspect(m.registry, &now);
	return now;
}

/* The page at @at, for @perm. */
static inline bool translated(uint64_t at, unsigned int perm,
                              uint64_t *ret_phys)
{
	uint64_t phys = ioas_registry_translate(m.registry, at, perm);

	if (phys == IOAS_MEM_NONE)
		return false;
	*ret_phys = phys;
	return true;
}

static inline bool found(unsigned int i)
{
	uint64_t phys;

	return translated(page(i), IOAS_READ, &phys);
}

#endif /* MEM_RIG_H */
