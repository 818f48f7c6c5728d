/* SPDX-License-Identifier: MIT */
/*
 * What the tests of space/ share: a space over 64 pages of memory, and who
 * listens to its events.
 */
#ifndef SPACE_RIG_H
#define SPACE_RIG_H

#include "base/event.h"
#include "rig.h"
#include "space/space.h"

#define RW    (IOAS_READ | IOAS_WRITE)
#define PAGES 64

struct stand {
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	unsigned int page_shift; /* of the space */
	char *memory;            /* PAGES of the program's pages */
};

static struct stand s;

/* Pages of the space, as program memory. */
static inline char *memory_at(unsigned int page)
{
	return s.memory + ((size_t)page << s.page_shift);
}

static inline uint64_t bytes_of(unsigned int pages)
{
	return (uint64_t)pages << s.page_shift;
}

static inline struct iova_range range_of(uint64_t first, unsigned int pages)
{
	return (struct iova_range){first, first + (bytes_of(pages) - 1)};
}

static inline int map_to(uint64_t iova, unsigned int pages, const void *at,
                         unsigned int perm)
{
	struct ioas_map_request request = {
		.mem = &s.mem,
		.range = range_of(iova, pages),
		.uaddr = {(uintptr_t)at},
		.perm = perm,
	};
	int rc;

	ioas_lock(&s.space->lock);
	rc = ioas_space_map_locked(s.space, &request);
	ioas_unlock(&s.space->lock);
	return rc;
}

static inline void remove_at(uint64_t iova, struct ioas_space_gone *gone)
{
	struct ioas_area *area;

	ioas_lock(&s.space->lock);
	area = ioas_space_find_locked(s.space, (struct iova_range){iova, iova});
	assert_non_null(area);
	ioas_space_remove_locked(s.space, area, gone);
	ioas_unlock(&s.space->lock);
}

static inline void unmap_at(uint64_t iova)
{
	struct ioas_space_gone gone = {0};

	remove_at(iova, &gone);
	ioas_space_release(s.space, &gone);
}

static inline void check_nothing_is_charged(void *arg)
{
	assert_true(ioas_a64_load(&s.account.pages) == 0);
}

static inline void start_config(struct rig *r,
                                const struct ioas_space_config *given)
{
	struct ioas_space_config config = *given;
	size_t unit;

	config.backend = rig_backend();
	s = (struct stand){.account = {.limit = UINT64_MAX},
	                   .page_shift = config.page_shift};
	unit = rig_page() > bytes_of(1) ? rig_page() : bytes_of(1);
	/* Where the space's pages can begin, which may be larger. */
	s.memory = rig_memory(r, (PAGES + 1) * unit);
	s.memory += -(uintptr_t)s.memory & (unit - 1);
	ioas_mem_init(&s.mem, &s.account, rig_page_shift());
	s.mem.pinner.backend = rig_backend();
	rig_defer(r, check_nothing_is_charged, NULL);
	rig_defer(r, RIG_CALL(ioas_mem_fini), &s.mem);
	rig_ok(r, ioas_space_create(&config, &s.space));
	rig_defer(r, RIG_CALL(ioas_space_destroy), s.space);
}

/* A space of 2^@bits with the interrupt window of x86 cut out. */
static inline void start(struct rig *r, unsigned int page_shift,
                         unsigned int bits)
{
	static const struct ioas_reserved msi = {
		.range = {0xfee00000, 0xfeefffff}, .kind = IOAS_RESERVED_MSI};
	struct ioas_space_config config = {
		.page_shift = page_shift,
		.aperture = {0, ioas_mask_lg2(bits - 1) * 2 + 1},
		.reserved = &msi,
		.reserved_count = 1,
	};

	start_config(r, &config);
}

static inline enum ioas_fault translate(uint64_t iova, uint64_t bytes,
                                        unsigned int perm,
                                        struct ioas_translation *ret_t)
{
	return ioas_space_translate(s.space, (struct iova){iova}, bytes, perm,
	                            ret_t);
}

#endif /* SPACE_RIG_H */
