/* SPDX-License-Identifier: MIT */
/*
 * AMD I/O page tables of host translation, format 1: up to six levels of 512
 * entries (of the sixth 128 are used: 64 bits).
 *
 *	bit 0       something is there; without it hardware looks at no other
 *	bit 5, 6    of leaves: accessed, written to (where hardware does that)
 *	11:9        next level: 0 a leaf of the size that this level has, else
 *	            the level of the table, counted from 1
 *	51:12       address of the page or the table
 *	61, 62      a device may read, write, through here: all entries on the
 *	            way have to say so
 *
 * The size of a leaf could be any power of two (next level 7), which would be
 * eight equal entries or more; and a table may be more than one level below.
 * We write neither. Leaves are of 4 KiB, 2 MiB and 1 GiB.
 *
 * A lost entry: bit 1, what was asked for in 3:2.
 *
 * Source: AMD I/O Virtualization Technology (IOMMU) Specification, 2.2.3 (I/O
 * page tables for host translations), 2.2.7.4 (host access and dirty bits).
 */
#include "pt/walk.h"

#define PRESENT     (UINT64_C(1) << 0)
#define ACCESSED    (UINT64_C(1) << 5)
#define WRITTEN     (UINT64_C(1) << 6)
#define NEXT_SHIFT  9
#define NEXT        (UINT64_C(7) << NEXT_SHIFT)
#define ADDRESS     UINT64_C(0x000ffffffffff000)
#define PERM_SHIFT  61 /* READ, then WRITE */
#define LOST        (UINT64_C(1) << 1)
#define ASKED_SHIFT 2

static enum ioas_pt_kind amdv1_kind(unsigned int level, uint64_t entry)
{
	if (!(entry & PRESENT))
		return entry ? IOAS_PT_LOST : IOAS_PT_NONE;
	return entry & NEXT ? IOAS_PT_TABLE : IOAS_PT_LEAF;
}

static uint64_t amdv1_table(const struct ioas_pt *pt, unsigned int level,
                            uint64_t phys)
{
	/* Our level 0 is their 1, so ours of this table is theirs below. */
	return phys | PRESENT | (uint64_t)level << NEXT_SHIFT |
	       (uint64_t)(IOAS_READ | IOAS_WRITE) << PERM_SHIFT;
}

static uint64_t amdv1_table_at(const struct ioas_pt *pt, unsigned int level,
                               uint64_t entry)
{
	return entry & ADDRESS;
}

static uint64_t amdv1_leaf(const struct ioas_pt *pt, unsigned int level,
                           const struct ioas_pt_says *says)
{
	return says->phys | PRESENT | (uint64_t)says->asked << PERM_SHIFT;
}

IOAS_PT_INLINE struct ioas_pt_says
amdv1_says(const struct ioas_pt *pt, unsigned int level, uint64_t entry)
{
	unsigned int shift = entry & PRESENT ? PERM_SHIFT : ASKED_SHIFT;
	unsigned int perm = entry >> shift & (IOAS_READ | IOAS_WRITE);

	return (struct ioas_pt_says){
		.phys = entry & ADDRESS,
		.perm = perm,
		.asked = perm,
		.lost = entry & PRESENT ? 0 : IOAS_PT_FOUND_LOST,
		.lg2 = ioas_pt_shift_of(pt, level),
	};
}

static uint64_t amdv1_lost(unsigned int asked)
{
	return LOST | (uint64_t)asked << ASKED_SHIFT;
}

static bool amdv1_is_dirty(uint64_t entry)
{
	return entry & WRITTEN;
}

static uint64_t amdv1_dirty(uint64_t entry)
{
	return entry | WRITTEN | ACCESSED;
}

static uint64_t amdv1_clean(uint64_t entry)
{
	return entry & ~WRITTEN;
}

static const struct ioas_pt_granule granules[] = {
	{12, 12, 9, 9, 9, 1, 6, 3, {0}},
};

IOAS_PT_WALKS(amdv1_walk);

const struct ioas_pt_format ioas_pt_amdv1 = {
	.name = "amdv1",
	.granules = granules,
	.granule_count = IOAS_ARRAY_SIZE(granules),
	.input_bits = 64,
	.output_bits = 52,
	.write_only = true,
	.kind = amdv1_kind,
	.table = amdv1_table,
	.table_at = amdv1_table_at,
	.leaf = amdv1_leaf,
	.says = amdv1_says,
	.lost = amdv1_lost,
	.is_dirty = amdv1_is_dirty,
	.dirty = amdv1_dirty,
	.clean = amdv1_clean,
	.usual_bits = 9,
	IOAS_PT_WALK_HOOKS(amdv1_walk),
};

IOAS_PT_WALK(amdv1_walk, ioas_pt_amdv1)
