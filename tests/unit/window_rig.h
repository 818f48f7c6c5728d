/* SPDX-License-Identifier: MIT */
/*
 * What tests of windows share: a set over a registry with one region of 64
 * I/O pages of 4 KiB, groups that note what they are told, and an accountant
 * with a limit.
 */
#ifndef WINDOW_RIG_H
#define WINDOW_RIG_H

#include <string.h>

#include "rig.h"
#include "window/set.h"

#define RW     (IOAS_READ | IOAS_WRITE)
#define PAGES  64
#define IO     UINT64_C(4096)
#define GROUPS 3
#define HIGH   (UINT64_C(1) << 59)

/* What groups were told, in order. */
struct told {
	unsigned int group, slot;
	bool set;
	uint64_t start, bytes;
	uint64_t entry; /* the first entry of what is unset, when it is */
};

struct group {
	struct ioas_window_group group;
	unsigned int number;
	int answer; /* of set */
	bool shows[IOAS_WINDOWS_MAX];
};

static struct stand {
	struct ioas_accountant accountant;
	struct ioas_a64 charged;
	uint64_t limit;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_windows *ws;
	struct group group[GROUPS];
	struct told told[32];
	unsigned int tolds;
	char *memory;
	unsigned int quirks;
	unsigned int cpu_shift;
} w;

static inline int stand_charge(struct ioas_accountant *self, uint64_t npages)
{
	if (ioas_a64_add(&w.charged, npages) <= w.limit)
		return 0;
	ioas_a64_add(&w.charged, -npages);
	return -ENOMEM;
}

static inline void stand_uncharge(struct ioas_accountant *self, uint64_t npages)
{
	ioas_a64_add(&w.charged, -npages);
}

static inline uint64_t charged(void)
{
	return ioas_a64_load(&w.charged);
}

static inline int group_set(struct ioas_window_group *group,
                            const struct ioas_window_program *program)
{
	struct group *g = ioas_container_of(group, struct group, group);

	w.told[w.tolds++ % 32] =
		(struct told){g->number,      program->slot,  true,
	                      program->start, program->bytes, 0};
	if (!g->answer)
		g->shows[program->slot] = true;
	return g->answer;
}

/* With the lock: what there is is looked at from inside. */
static inline void group_unset(struct ioas_window_group *group,
                               unsigned int slot)
{
	struct group *g = ioas_container_of(group, struct group, group);
	const struct ioas_window *window = w.ws->window[slot];

	w.told[w.tolds++ % 32] =
		(struct told){g->number, slot,
	                      false,     window ? window->plan.start : 0,
	                      0,         window ? window->mapped : 0};
	g->shows[slot] = false;
}

static const struct ioas_window_group_ops group_ops = {group_set, group_unset};

static inline char *at(unsigned int page)
{
	return w.memory + page * IO;
}

static inline uint64_t uaddr(unsigned int page)
{
	return (uintptr_t)at(page);
}

static inline int enter(uint64_t start, uint64_t bytes, unsigned int perm)
{
	const struct ioas_register what = {
		.start = start, .length = bytes, .perm = perm};

	return ioas_holder_register(w.holder, &what, NULL);
}

static inline int leave(uint64_t start, uint64_t bytes)
{
	const struct ioas_unregister what = {.start = start, .length = bytes};

	return ioas_holder_unregister(w.holder, &what);
}

/* Mappings that are counted in the registry. */
static inline uint64_t counts(void)
{
	struct ioas_registry_report report;

	ioas_registry_inspect(w.registry, &report);
	return report.counts;
}

static inline void stand_end(void *arg)
{
	struct ioas_registry_report left = {0};
	uint64_t counted;

	(void)arg;
	ioas_windows_destroy(w.ws);
	w.ws = NULL;
	counted = w.registry ? counts() : 0;
	ioas_holder_destroy(w.holder);
	if (w.registry)
		ioas_registry_destroy(w.registry, &left);
	/* What the quirks leave behind is the test's to expect. */
	if (w.quirks)
		return;
	assert_true(counted == 0 && left.counts == 0);
	assert_true(charged() == 0);
}

static inline void stand_memory(struct rig *r)
{
	size_t page = rig_page();

	w.memory = rig_memory(r, (PAGES * IO + page - 1) / page * page);
}

static inline void stand_config(struct rig *r,
                                const struct ioas_windows_config *given)
{
	struct ioas_windows_config config = *given;
	const struct ioas_registry_config registry = {
		.backend = rig_backend(), .moved = ioas_windows_moved};
	unsigned int i;

	memset(&w, 0, sizeof(w));
	w.accountant.charge = stand_charge;
	w.accountant.uncharge = stand_uncharge;
	w.limit = UINT64_MAX;
	w.quirks = config.quirks;
	for (i = 0; i < GROUPS; i++)
		w.group[i] =
			(struct group){.group.ops = &group_ops, .number = i};
	stand_memory(r);
	rig_defer(r, stand_end, NULL);
	rig_ok(r, ioas_registry_create(&registry, &w.registry));
	rig_ok(r, ioas_holder_create(w.registry, &w.holder));
	rig_ok(r, enter(uaddr(0), PAGES * IO, RW));
	config.registry = w.registry;
	config.accountant = &w.accountant;
	if (!config.page_shift)
		config.page_shift = 12;
	w.cpu_shift = config.page_shift;
	rig_ok(r, ioas_windows_create(&config, &w.ws));
}

/* A set of a platform, with one group and no window so far. */
static inline void start_quirks(struct rig *r, const char *platform,
                                unsigned int quirks)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find(platform), .quirks = quirks};

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
}

static inline void start(struct rig *r, const char *platform)
{
	start_quirks(r, platform, 0);
}

static inline int create(unsigned int page_shift, uint64_t bytes,
                         unsigned int levels, uint64_t *ret_start)
{
	const struct ioas_window_shape shape = {
		.page_shift = page_shift, .levels = levels, .bytes = bytes};
	struct ioas_window_info info;
	int rc = ioas_window_create(w.ws, &shape, &info);

	if (!rc)
		*ret_start = info.start;
	return rc;
}

/* A window of 4 KiB pages at 0, of 2^16 pages, in two levels. */
static inline void window_at_0(struct rig *r)
{
	uint64_t start;

	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(12, UINT64_C(1) << 28, 2, &start));
	assert_true(start == 0);
}

static inline int map(uint64_t iova, unsigned int page, uint64_t pages,
                      unsigned int perm)
{
	const struct ioas_window_map what = {iova, uaddr(page), pages * IO,
	                                     perm};

	return ioas_windows_map(w.ws, &what);
}

static inline int unmap(uint64_t iova, uint64_t pages)
{
	return ioas_windows_unmap(w.ws, iova, pages * IO);
}

static inline struct ioas_window_entry entry_at(uint64_t iova)
{
	struct ioas_window_entry entry;

	assert_int_equal(ioas_windows_get(w.ws, iova, &entry), 0);
	return entry;
}

/* A device may do this there, and finds that page. */
static inline bool leads_to(uint64_t iova, unsigned int page, unsigned int perm)
{
	struct ioas_translation t;
	enum ioas_fault fault;

	ioas_grace_enter(IOAS_GRACE_DMA);
	fault = ioas_space_translate(ioas_windows_space(w.ws),
	                             (struct iova){iova}, 1, perm, &t);
	ioas_grace_leave(IOAS_GRACE_DMA);
	return !fault && t.pointer == at(page);
}

static inline enum ioas_fault fault_at(uint64_t iova, unsigned int perm)
{
	struct ioas_translation t;
	enum ioas_fault fault;

	ioas_grace_enter(IOAS_GRACE_DMA);
	fault = ioas_space_translate(ioas_windows_space(w.ws),
	                             (struct iova){iova}, 1, perm, &t);
	ioas_grace_leave(IOAS_GRACE_DMA);
	return fault;
}

static inline struct ioas_windows_info about(void)
{
	struct ioas_windows_info info;

	ioas_windows_describe(w.ws, &info);
	return info;
}

#endif /* WINDOW_RIG_H */
