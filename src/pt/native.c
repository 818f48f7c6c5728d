/* SPDX-License-Identifier: MIT */
/*
 * The format of our own: for tables that no hardware reads. It has every
 * permission, any physical address, any size of page, and a place for dirt.
 *
 *	0                 nothing
 *	bit 0             a table of the next level: its address | 1
 *	else a leaf: the physical address and
 *	bit 1, bit 2      IOAS_READ << 1, IOAS_WRITE << 1
 *	bit 3             a device has written there
 *	bit 4             lost
 *
 * A leaf stands for one page at level 0, for 512 at level 1, for 512 * 512 at
 * level 2: 4 KiB, 2 MiB, 1 GiB with a page shift of 12.
 */
#include "pt/walk.h"

#define TABLE      UINT64_C(1)
#define PERM_SHIFT 1
#define DIRTY      (UINT64_C(1) << 3)
#define LOST       (UINT64_C(1) << 4)

static enum ioas_pt_kind native_kind(unsigned int level, uint64_t entry)
{
	if (entry & TABLE)
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
	return entry & ~TABLE;
}

static uint64_t native_leaf(const struct ioas_pt *pt, unsigned int level,
                            const struct ioas_pt_says *says)
{
	return says->phys | (uint64_t)says->asked << PERM_SHIFT;
}

IOAS_PT_INLINE struct ioas_pt_says
native_says(const struct ioas_pt *pt, unsigned int level, uint64_t entry)
{
	unsigned int perm = (entry >> PERM_SHIFT) & (IOAS_READ | IOAS_WRITE);

	return (struct ioas_pt_says){
		.phys = entry & ~ioas_mask_lg2(pt->page_shift),
		.perm = perm,
		.asked = perm,
		.lg2 = ioas_pt_shift_of(pt, level),
	};
}

static uint64_t native_lost(unsigned int asked)
{
	return LOST | (uint64_t)asked << PERM_SHIFT;
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
	{11, 30, 9, 3, 16, 1, IOAS_PT_LEVELS, 3, {0}},
};

static bool native_walk(const struct ioas_pt *pt, struct iova at,
                        struct ioas_pt_leaf *ret_leaf);

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
	.walk = native_walk,
};

IOAS_PT_WALK(native_walk, ioas_pt_native)
