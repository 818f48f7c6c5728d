/* SPDX-License-Identifier: MIT */
/*
 * The format of our own: for tables that no hardware reads. It has every
 * permission, any physical address, any size of page, and a place for dirt.
 *
 *	0                 nothing
 *	bit 0, 1          IOAS_READ, IOAS_WRITE: of leaves
 *	bit 2             a table of the next level: its address | 4
 *	bit 3             lost: as IOAS_PT_FOUND_LOST
 *	bit 4             a device has written there
 *	above page_shift  the physical address
 *
 * A leaf stands for one page at level 0, for 512 at level 1, for 512 * 512 at
 * level 2: 4 KiB, 2 MiB, 1 GiB with a page shift of 12.
 */
#include "pt/walk.h"

#define PAGE_FROM 11
#define PERM      UINT64_C(3)
#define TABLE     (UINT64_C(1) << 2)
#define LOST      ((uint64_t)IOAS_PT_FOUND_LOST)
#define ADDRESS   (~ioas_mask_lg2(PAGE_FROM))
#define DIRTY     (UINT64_C(1) << 4)

static enum ioas_pt_kind native_kind(unsigned int level, uint64_t entry)
{
	if (level && (entry & TABLE))
		return IOAS_PT_TABLE;
	if (!entry)
		return IOAS_PT_NONE;
	return entry & LOST ? IOAS_PT_LOST : IOAS_PT_LEAF;
}

static uint64_t native_table(const struct ioas_pt *pt, unsigned int level,
                             uint64_t phys)
{
	return phys | TABLE;
}

static uint64_t native_table_at(const struct ioas_pt *pt, unsigned int level,
                                uint64_t entry)
{
	return entry - TABLE;
}

static uint64_t native_leaf(const struct ioas_pt *pt, unsigned int level,
                            const struct ioas_pt_says *says)
{
	return says->phys | says->asked;
}

IOAS_PT_INLINE struct ioas_pt_says
native_says(const struct ioas_pt *pt, unsigned int level, uint64_t entry)
{
	unsigned int perm = entry & PERM;

	return (struct ioas_pt_says){
		.phys = entry & ADDRESS,
		.perm = perm,
		.asked = perm,
		.lost = entry & LOST,
		.lg2 = ioas_pt_shift_of(pt, level),
	};
}

static uint64_t native_lost(unsigned int asked)
{
	return LOST | asked;
}

static bool native_is_dirty(uint64_t entry)
{
	return entry & DIRTY;
}

static uint64_t native_dirty(uint64_t entry)
{
	return entry | DIRTY;
}

static uint64_t native_clean(uint64_t entry)
{
	return entry & ~DIRTY;
}

static const struct ioas_pt_granule granules[] = {
	{PAGE_FROM, 30, 9, 3, 16, 1, IOAS_PT_LEVELS, 3, {0}},
};

IOAS_PT_WALKS(native_walk);

const struct ioas_pt_format ioas_pt_native = {
	.name = "native",
	.granules = granules,
	.granule_count = IOAS_ARRAY_SIZE(granules),
	.input_bits = 64,
	.output_bits = 64,
	.write_only = true,
	.kind = native_kind,
	.table = native_table,
	.table_at = native_table_at,
	.leaf = native_leaf,
	.says = native_says,
	.lost = native_lost,
	.is_dirty = native_is_dirty,
	.dirty = native_dirty,
	.clean = native_clean,
	.usual_bits = 9,
	IOAS_PT_WALK_HOOKS(native_walk),
};

IOAS_PT_WALK(native_walk, ioas_pt_native)
