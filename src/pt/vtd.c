/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d, second-stage tables: three to five levels of 512 entries, leaves
 * of 4 KiB, 2 MiB and 1 GiB.
 *
 *	bit 0, 1    a device may read, write; neither: nothing is there, and
 *	            hardware looks at no other bit
 *	bit 7       above level 0: a leaf, not a table
 *	bit 8, 9    of leaves: accessed, written to (where hardware does that)
 *	51:12       address of the page or the table
 *	61:52       hardware does not look at them
 *
 * A table is entered with both permissions: the leaf's are what counts.
 *
 * A lost entry has neither permission: bit 52, what was asked for in 54:53.
 *
 * Source: Intel Virtualization Technology for Directed I/O, Architecture
 * Specification 4.1, 3.7 (second-stage translation), 9.8 (second-stage paging
 * entries).
 */
#include "pt/low.h"

#define READ        (UINT64_C(1) << 0)
#define WRITE       (UINT64_C(1) << 1)
#define PAGE_SIZE   (UINT64_C(1) << 7)
#define ACCESSED    (UINT64_C(1) << 8)
#define WRITTEN     (UINT64_C(1) << 9)
#define LOST        (UINT64_C(1) << 52)
#define ASKED_SHIFT 53

static enum ioas_pt_kind vtd_kind(unsigned int level, uint64_t entry)
{
	if (!(entry & (READ | WRITE)))
		return entry ? IOAS_PT_LOST : IOAS_PT_NONE;
	return level && !(entry & PAGE_SIZE) ? IOAS_PT_TABLE : IOAS_PT_LEAF;
}

static uint64_t vtd_leaf(const struct ioas_pt *pt, unsigned int level,
                         const struct ioas_pt_says *says)
{
	return says->phys | (says->asked & IOAS_READ ? READ : 0) |
	       (says->asked & IOAS_WRITE ? WRITE : 0) | (level ? PAGE_SIZE : 0);
}

IOAS_PT_INLINE struct ioas_pt_says vtd_says(const struct ioas_pt *pt,
                                            unsigned int level, uint64_t entry)
{
	return ioas_pt_low_says(entry, ioas_pt_shift_of(pt, level), LOST,
	                        ASKED_SHIFT);
}

static uint64_t vtd_lost(unsigned int asked)
{
	return LOST | (uint64_t)asked << ASKED_SHIFT;
}

static bool vtd_is_dirty(uint64_t entry)
{
	return entry & WRITTEN;
}

static uint64_t vtd_dirty(uint64_t entry)
{
	return entry | WRITTEN | ACCESSED;
}

static uint64_t vtd_clean(uint64_t entry)
{
	return entry & ~WRITTEN;
}

static const struct ioas_pt_granule granules[] = {
	{12, 12, 9, 9, 9, 3, 5, 3, {0}},
};

IOAS_PT_WALKS(vtd_walk);

const struct ioas_pt_format ioas_pt_vtd = {
	.name = "vtd",
	.granules = granules,
	.granule_count = IOAS_ARRAY_SIZE(granules),
	.input_bits = 57,
	.output_bits = 52,
	.write_only = true,
	.kind = vtd_kind,
	.table = ioas_pt_low_table,
	.table_at = ioas_pt_low_table_at,
	.leaf = vtd_leaf,
	.says = vtd_says,
	.lost = vtd_lost,
	.is_dirty = vtd_is_dirty,
	.dirty = vtd_dirty,
	.clean = vtd_clean,
	.usual_bits = 9,
	IOAS_PT_WALK_HOOKS(vtd_walk),
};

IOAS_PT_WALK(vtd_walk, ioas_pt_vtd)
