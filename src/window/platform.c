/* SPDX-License-Identifier: MIT */
/*
 * What platforms make of a request. PowerNV: by rules that are the same for any
 * machine, so that a hypervisor can know beforehand what a table is charged.
 * PSERIES: what the firmware below does; its tables are not ours to size.
 *
 * Source: Linux 7.3, arch/powerpc/platforms/powernv/pci-ioda.c,
 * pnv_pci_ioda2_get_table_size(), pci-ioda-tce.c,
 * pnv_pci_ioda2_table_alloc_pages(); arch/powerpc/platforms/pseries/iommu.c,
 * spapr_tce_create_table(), spapr_tce_get_table_size()
 */
#include <string.h>

#include "window/set.h"

#define ENTRY_LG2 3
/* Of a table, by the pages that hardware and allocator have: 16 MiB. */
#define TABLE_LG2_MAX 24
#define HIGH          (UINT64_C(1) << 59)
/* PSERIES: the size of a table of more levels than there are. */
#define NO_TABLE UINT32_MAX

static const struct ioas_platform platforms[] = {
	{"power8", IOAS_RULES_POWERNV, 2, 5, 0x11011000, 0, 0x80000000, HIGH},
	{"power9", IOAS_RULES_POWERNV, 2, 5, 0x40211000, 0, 0x80000000, HIGH},
	{"pseries", IOAS_RULES_PSERIES, 2, 1, 0x1211000, 0, 0x40000000, HIGH},
	{"pseries-1", IOAS_RULES_PSERIES, 1, 1, 0x1211000, 0, 0x40000000, HIGH},
	{"free", IOAS_RULES_FREE, IOAS_WINDOWS_MAX, 5, 0x45f211000, 0, 0, 0},
};

const struct ioas_platform *ioas_platform_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(platforms); i++)
		if (!strcmp(name, platforms[i].name))
			return &platforms[i];
	return NULL;
}

static unsigned int log2_of(uint64_t n)
{
	return 63 - (unsigned int)__builtin_clzll(n);
}

static bool is_power(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* ---- PowerNV, and FREE which has its tables. ---- */

/* As a power of two, for which tables are made. */
static unsigned int size_lg2(const struct ioas_window_shape *shape)
{
	return log2_of(shape->bytes) + !is_power(shape->bytes);
}

static unsigned int entries_lg2(const struct ioas_window_shape *shape)
{
	unsigned int lg2 = size_lg2(shape);

	return lg2 > shape->page_shift ? lg2 - shape->page_shift : 0;
}

/* Bytes of a table of each level, as a power of two. */
static unsigned int level_shift_of(const struct ioas_windows *ws,
                                   const struct ioas_window_shape *shape)
{
	unsigned int each =
		(entries_lg2(shape) + shape->levels - 1) / shape->levels;
	unsigned int shift = each + ENTRY_LG2;

	return shift > ws->page_shift ? shift : ws->page_shift;
}

static bool is_sized(const struct ioas_windows *ws,
                     const struct ioas_window_shape *shape)
{
	uint64_t page = UINT64_C(1) << shape->page_shift;

	if (!shape->levels || shape->levels > IOAS_WINDOW_LEVELS_MAX ||
	    !shape->bytes)
		return false;
	if (ws->platform->rules == IOAS_RULES_FREE)
		return !(shape->bytes & (page - 1));
	/* A table of less than an entry's byte is none. */
	return is_power(shape->bytes) && shape->bytes << ENTRY_LG2 >= page;
}

/* Entries and what is beside them: the same again. */
static uint64_t table_pages(const struct ioas_windows *ws,
                            const struct ioas_window_shape *shape)
{
	unsigned int shift = level_shift_of(ws, shape), level;
	unsigned int lg2 =
		size_lg2(shape) + ENTRY_LG2 > shape->page_shift
			? size_lg2(shape) + ENTRY_LG2 - shape->page_shift
			: 0;
	uint64_t whole = UINT64_C(1) << shift, bytes = 0, tables;

	tables = UINT64_C(1) << lg2;
	if (tables < 4096)
		tables = 4096;
	for (level = 0; level < shape->levels; level++) {
		bytes += (tables + (whole - 1)) & ~(whole - 1);
		tables = tables / whole << ENTRY_LG2;
		if (tables < whole)
			tables = whole;
	}
	return 2 * bytes >> ws->page_shift;
}

/*
 * Linux divides the entries' logarithm by the levels in numbers without a sign:
 * a window of less than a page has none, and what is below zero even when it is
 * rounded up makes a table of no size.
 */
static bool is_below_levels(const struct ioas_window_shape *shape)
{
	return shape->levels > 1 &&
	       size_lg2(shape) + shape->levels - 1 < shape->page_shift;
}

static int plan_tables(const struct ioas_windows *ws,
                       const struct ioas_window_shape *shape,
                       struct ioas_window_plan *plan)
{
	unsigned int shift = level_shift_of(ws, shape);
	unsigned int least = ws->page_shift - ENTRY_LG2;

	bool powernv = ws->platform->rules == IOAS_RULES_POWERNV;

	if (powernv &&
	    ((shift - ENTRY_LG2) * shape->levels + shape->page_shift >= 55 ||
	     is_below_levels(shape)))
		return -EINVAL;
	if (shift > TABLE_LG2_MAX)
		return -ENOMEM;
	plan->levels = shape->levels;
	plan->level_shift = shift;
	plan->entries = shape->bytes >> shape->page_shift;
	if (powernv && plan->entries < UINT64_C(1) << least)
		plan->entries = UINT64_C(1) << least;
	return 0;
}

static int place_powernv(struct ioas_windows *ws,
                         const struct ioas_window_shape *shape,
                         struct ioas_window_plan *plan)
{
	const struct ioas_platform *p = ws->platform;

	plan->start = plan->slot ? p->high_start : p->default_start;
	return plan_tables(ws, shape, plan);
}

static int place_free(const struct ioas_windows *ws,
                      const struct ioas_window_shape *shape,
                      const struct ioas_window *replaced,
                      struct ioas_window_plan *plan)
{
	uint64_t last = shape->start + (shape->bytes - 1);
	unsigned int i;

	if ((shape->start & ioas_mask_lg2(shape->page_shift)) ||
	    last < shape->start)
		return -EINVAL;
	for (i = 0; i < IOAS_WINDOWS_MAX; i++) {
		const struct ioas_window *w = ws->window[i];

		if (w && w != replaced && shape->start <= ioas_window_last(w) &&
		    last >= w->plan.start)
			return -EEXIST;
	}
	plan->start = shape->start;
	return plan_tables(ws, shape, plan);
}

/* ---- PSERIES. ---- */

static const struct ioas_window *high_window(const struct ioas_windows *ws,
                                             const struct ioas_window *but)
{
	unsigned int i;

	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		if (ws->window[i] && ws->window[i] != but &&
		    ws->window[i]->plan.start == ws->platform->high_start)
			return ws->window[i];
	return NULL;
}

static bool is_default_size(const struct ioas_windows *ws,
                            const struct ioas_window_shape *shape)
{
	return shape->page_shift == 12 &&
	       shape->bytes <= ws->platform->default_bytes;
}

static unsigned int live_but(const struct ioas_windows *ws,
                             const struct ioas_window *but)
{
	unsigned int i, live = 0;

	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		live += ws->window[i] && ws->window[i] != but;
	return live;
}

static int place_pseries(struct ioas_windows *ws,
                         const struct ioas_window_shape *shape,
                         const struct ioas_window *replaced,
                         struct ioas_window_plan *plan)
{
	const struct ioas_window *high = high_window(ws, replaced);
	bool low = !plan->slot && is_default_size(ws, shape);

	if (shape->levels > 1 || !is_power(shape->bytes))
		return -EINVAL;
	if (ws->refused)
		return -ENODEV;
	if (!plan->slot && high)
		return -EPERM;
	if (!plan->slot && !(shape->bytes >> shape->page_shift))
		return -EINVAL;
	if ((!low && high) || live_but(ws, replaced) >= ws->platform->windows) {
		ws->refused = ioas_windows_quirk(ws, IOAS_QUIRK_REFUSED_EVER);
		return -ENODEV;
	}
	plan->start =
		low ? ws->platform->default_start : ws->platform->high_start;
	plan->levels = 1;
	plan->entries = shape->bytes >> shape->page_shift;
	plan->level_shift =
		plan->entries ? log2_of(plan->entries) + ENTRY_LG2 : 0;
	return plan->level_shift > TABLE_LG2_MAX ? -ENOMEM : 0;
}

static uint64_t pseries_pages(const struct ioas_windows *ws,
                              const struct ioas_window_shape *shape)
{
	uint64_t bytes = shape->bytes >> shape->page_shift << ENTRY_LG2;

	return (shape->levels > 1 ? NO_TABLE : bytes) >> ws->page_shift;
}

/* ---- What a set asks. ---- */

int ioas_platform_charge(const struct ioas_windows *ws,
                         const struct ioas_window_shape *shape,
                         uint64_t *ret_pages)
{
	if (ws->platform->rules == IOAS_RULES_PSERIES) {
		*ret_pages = pseries_pages(ws, shape);
		return 0;
	}
	if (!is_sized(ws, shape))
		return -EINVAL;
	*ret_pages = table_pages(ws, shape);
	return 0;
}

int ioas_platform_place(struct ioas_windows *ws,
                        const struct ioas_window_shape *shape,
                        const struct ioas_window *replaced,
                        struct ioas_window_plan *plan)
{
	plan->page_shift = shape->page_shift;
	plan->bytes = shape->bytes;
	switch (ws->platform->rules) {
	case IOAS_RULES_POWERNV:
		return place_powernv(ws, shape, plan);
	case IOAS_RULES_PSERIES:
		return place_pseries(ws, shape, replaced, plan);
	default:
		return place_free(ws, shape, replaced, plan);
	}
}
