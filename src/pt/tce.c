/* SPDX-License-Identifier: MIT */
/*
 * POWER: tables of TCEs (translation control entries) for a DMA window, one to
 * five levels, big-endian. The size of a window's pages and of its tables are
 * the window's: index_bits is the level shift less 3.
 *
 *	bit 0, 1    a device may read, write; neither: nothing is there
 *	51:12       address of the page, or of a table of the next level, which
 *	            has both permissions
 *
 * Leaves are on level 0 only. No bit is software's: what the program asked for
 * is not kept where hardware has it otherwise. The areas of a space know.
 *
 *	tce         as the hosts of PowerNV write entries: write implies read
 *	tce-papr    as the hypercalls do: what was asked for
 *
 * A lost entry has neither permission: bit 2, what was asked for in 4:3.
 *
 * Source: PAPR (LoPAPR 2.9, "TCE and PCI address spaces"); Linux 7.3
 * arch/powerpc/platforms/powernv/pci-ioda-tce.c for levels.
 */
#include "pt/low.h"

#define READ        (UINT64_C(1) << 0)
#define WRITE       (UINT64_C(1) << 1)
#define LOST        (UINT64_C(1) << 2)
#define ASKED_SHIFT 3

static enum ioas_pt_kind tce_kind(unsigned int level, uint64_t entry)
{
	if (!(entry & (READ | WRITE)))
		return entry ? IOAS_PT_LOST : IOAS_PT_NONE;
	return level ? IOAS_PT_TABLE : IOAS_PT_LEAF;
}

static uint64_t papr_leaf(const struct ioas_pt *pt, unsigned int level,
                          const struct ioas_pt_says *says)
{
	/* READ and WRITE are the bits of our permissions. */
	return says->phys | says->asked;
}

static uint64_t tce_leaf(const struct ioas_pt *pt, unsigned int level,
                         const struct ioas_pt_says *says)
{
	return papr_leaf(pt, level, says) |
	       (says->asked & IOAS_WRITE ? READ : 0);
}

IOAS_PT_INLINE struct ioas_pt_says tce_says(const struct ioas_pt *pt,
                                            unsigned int level, uint64_t entry)
{
	return ioas_pt_low_says(entry, ioas_pt_shift_of(pt, level), LOST,
	                        ASKED_SHIFT);
}

static uint64_t tce_lost(unsigned int asked)
{
	return LOST | (uint64_t)asked << ASKED_SHIFT;
}

/* Tables of 4 KiB and up; with one level, as large as the window wants it. */
static const struct ioas_pt_granule granules[] = {
	{12, 12, 13, 9, 31, 1, 5, 1, {0}}, {16, 16, 13, 9, 31, 1, 5, 1, {0}},
	{21, 21, 13, 9, 31, 1, 5, 1, {0}}, {24, 28, 13, 9, 31, 1, 5, 1, {0}},
	{30, 30, 13, 9, 31, 1, 5, 1, {0}}, {34, 34, 13, 9, 31, 1, 5, 1, {0}},
};

IOAS_PT_WALKS(tce_walk);

#define TCE_FORMAT(is_called, is_exact, its_leaf)                              \
	{                                                                      \
		.name = is_called, .granules = granules,                       \
		.granule_count = IOAS_ARRAY_SIZE(granules), .input_bits = 64,  \
		.output_bits = 52, .big_endian = true, .write_only = is_exact, \
		.kind = tce_kind, .table = ioas_pt_low_table,                  \
		.table_at = ioas_pt_low_table_at, .leaf = its_leaf,            \
		.says = tce_says, .lost = tce_lost, .usual_bits = 13,          \
		IOAS_PT_WALK_HOOKS(tce_walk),                                  \
	}

const struct ioas_pt_format ioas_pt_tce = TCE_FORMAT("tce", false, tce_leaf);
const struct ioas_pt_format ioas_pt_tce_papr =
	TCE_FORMAT("tce-papr", true, papr_leaf);

IOAS_PT_WALK(tce_walk, ioas_pt_tce)
