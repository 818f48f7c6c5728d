/* SPDX-License-Identifier: MIT */
/*
 * Arm, VMSAv8-64 tables of stage 1 and of stage 2, granules of 4, 16 and 64
 * KiB, as the SMMU reads them. Arm counts levels from the root: its level 3 is
 * our 0.
 *
 *	1:0         01 a leaf above our level 0 (block); 11 a table there, a
 *	            leaf on level 0 (page); else nothing, and hardware looks at
 *	            no other bit
 *	stage 1     7:6 AP: bit 6 not for the privileged alone, bit 7 read only;
 *	            4:2 memory by index, 11 not global
 *	stage 2     7:6 S2AP: bit 6 read, bit 7 write; 5:2 memory
 *	9:8, 10     shareable, accessed
 *	47:12       address of the page or the table
 *	51          DBM: hardware writes down what a device writes to, by making
 *	            what is read only writable (AP) or by adding write (S2AP)
 *	52          contiguous: one of a cluster
 *	58:55       software's: 55, 56 what was asked for
 *
 * Stage 1 cannot refuse reads alone: a mapping for writing is read as well,
 * and what was asked for is known from bits 55 and 56. Leaves are normal
 * memory, written back, inner shareable. Stage 1 takes attribute 1, as Linux
 * lays out MAIR.
 *
 * Output addresses have 48 bits: FEAT_LPA and FEAT_LPA2 lay out others (which
 * would not be linear). Clusters are not used when devices' writes are to be
 * marked, because hardware marks any entry of one for all.
 *
 * In stage 2 up to 16 tables side by side are the root where that saves a
 * level; with 16 KiB and 48 bits it has to be so, and with 4 KiB for inputs
 * that end below 2^44 on processors with as few output bits.
 *
 * A lost entry: bit 57, what was asked for in 56:55, bit 0 clear.
 *
 * Source: Arm Architecture Reference Manual (DDI 0487), D8.2 (translation
 * process, concatenation), D8.3 (descriptors), D8.6 (contiguous), D8.5 (dirty
 * state).
 */
#include "pt/walk.h"

#define VALID       (UINT64_C(1) << 0)
#define TABLE       (UINT64_C(3) << 0) /* on level 0: a leaf */
#define BLOCK       (UINT64_C(1) << 0)
#define ADDRESS     UINT64_C(0x0000fffffffff000)
#define SHAREABLE   (UINT64_C(3) << 8)
#define ACCESSED    (UINT64_C(1) << 10)
#define DBM         (UINT64_C(1) << 51)
#define CONTIGUOUS  (UINT64_C(1) << 52)
#define ASKED_SHIFT 55
#define LOST        (UINT64_C(1) << 57)

#define S1_MEMORY     (UINT64_C(1) << 2)
#define S1_ANYBODY    (UINT64_C(1) << 6)
#define S1_READ_ONLY  (UINT64_C(1) << 7)
#define S1_NOT_GLOBAL (UINT64_C(1) << 11)

#define S2_MEMORY (UINT64_C(15) << 2)
#define S2_READ   (UINT64_C(1) << 6)
#define S2_WRITE  (UINT64_C(1) << 7)

static enum ioas_pt_kind lpae_kind(unsigned int level, uint64_t entry)
{
	/* First what readers ask on each level. */
	if (level && (entry & TABLE) == TABLE)
		return IOAS_PT_TABLE;
	if (entry & VALID)
		return IOAS_PT_LEAF;
	return entry ? IOAS_PT_LOST : IOAS_PT_NONE;
}

static uint64_t lpae_table(const struct ioas_pt *pt, unsigned int level,
                           uint64_t phys)
{
	return phys | TABLE;
}

static uint64_t lpae_table_at(const struct ioas_pt *pt, unsigned int level,
                              uint64_t entry)
{
	return entry & ADDRESS;
}

/* What both stages have of a leaf. */
static uint64_t leaf_of(const struct ioas_pt *pt, unsigned int level,
                        const struct ioas_pt_says *says)
{
	bool writes = says->asked & IOAS_WRITE;

	return says->phys | (level ? BLOCK : TABLE) | SHAREABLE | ACCESSED |
	       (says->lg2 > ioas_pt_shift_of(pt, level) ? CONTIGUOUS : 0) |
	       (pt->dirty && writes ? DBM : 0) |
	       (uint64_t)says->asked << ASKED_SHIFT;
}

static uint64_t stage1_leaf(const struct ioas_pt *pt, unsigned int level,
                            const struct ioas_pt_says *says)
{
	bool writes = says->asked & IOAS_WRITE;

	return leaf_of(pt, level, says) | S1_MEMORY | S1_ANYBODY |
	       S1_NOT_GLOBAL | (pt->dirty || !writes ? S1_READ_ONLY : 0);
}

static uint64_t stage2_leaf(const struct ioas_pt *pt, unsigned int level,
                            const struct ioas_pt_says *says)
{
	bool writes = says->asked & IOAS_WRITE;

	return leaf_of(pt, level, says) | S2_MEMORY |
	       (says->asked & IOAS_READ ? S2_READ : 0) |
	       (writes && !pt->dirty ? S2_WRITE : 0);
}

/* What both stages say alike; perm is what was asked for. */
IOAS_PT_INLINE struct ioas_pt_says says_of(const struct ioas_pt *pt,
                                           unsigned int level, uint64_t entry)
{
	unsigned int asked = entry >> ASKED_SHIFT & (IOAS_READ | IOAS_WRITE);
	unsigned int more = entry & CONTIGUOUS ? pt->cluster[level] : 0;

	return (struct ioas_pt_says){
		.phys = entry & ADDRESS,
		.perm = asked,
		.asked = asked,
		.lost = entry & VALID ? 0 : IOAS_PT_FOUND_LOST,
		.lg2 = ioas_pt_shift_of(pt, level) + more,
	};
}

IOAS_PT_INLINE struct ioas_pt_says
stage1_says(const struct ioas_pt *pt, unsigned int level, uint64_t entry)
{
	struct ioas_pt_says says = says_of(pt, level, entry);
	bool writes = !(entry & S1_READ_ONLY) || (entry & DBM);

	if (entry & VALID)
		says.perm = IOAS_READ | (writes ? IOAS_WRITE : 0);
	return says;
}

IOAS_PT_INLINE struct ioas_pt_says
stage2_says(const struct ioas_pt *pt, unsigned int level, uint64_t entry)
{
	struct ioas_pt_says says = says_of(pt, level, entry);

	if (entry & VALID)
		says.perm = (entry & S2_READ ? IOAS_READ : 0) |
		            (entry & (S2_WRITE | DBM) ? IOAS_WRITE : 0);
	return says;
}

static uint64_t lpae_lost(unsigned int asked)
{
	return LOST | (uint64_t)asked << ASKED_SHIFT;
}

/* Only of leaves with DBM there is a clean state that devices can end. */

static bool stage1_is_dirty(uint64_t entry)
{
	return (entry & DBM) && !(entry & S1_READ_ONLY);
}

static uint64_t stage1_dirty(uint64_t entry)
{
	return entry & DBM ? entry & ~S1_READ_ONLY : entry;
}

static uint64_t stage1_clean(uint64_t entry)
{
	return entry & DBM ? entry | S1_READ_ONLY : entry;
}

static bool stage2_is_dirty(uint64_t entry)
{
	return (entry & DBM) && (entry & S2_WRITE);
}

static uint64_t stage2_dirty(uint64_t entry)
{
	return entry & DBM ? entry | S2_WRITE : entry;
}

static uint64_t stage2_clean(uint64_t entry)
{
	return entry & DBM ? entry & ~S2_WRITE : entry;
}

static const struct ioas_pt_granule stage1_granules[] = {
	{12, 12, 9, 9, 9, 2, 4, 3, {4, 4, 4}},
	{14, 14, 11, 11, 11, 1, 4, 2, {7, 5, 0}},
	{16, 16, 13, 13, 13, 1, 3, 2, {5, 5, 0}},
};

static const struct ioas_pt_granule stage2_granules[] = {
	{12, 12, 9, 9, 9, 2, 4, 3, {4, 4, 4}},
	{14, 14, 11, 11, 11, 1, 3, 2, {7, 5, 0}},
	{16, 16, 13, 13, 13, 1, 3, 2, {5, 5, 0}},
};

IOAS_PT_WALKS(stage1_walk);
IOAS_PT_WALKS(stage2_walk);

#define LPAE_FORMAT(is_called, stage, its_extra, is_exact)                     \
	{                                                                      \
		.name = is_called, .granules = stage##_granules,               \
		.granule_count = IOAS_ARRAY_SIZE(stage##_granules),            \
		.input_bits = 48, .output_bits = 48, .root_extra = its_extra,  \
		.clusters = true, .write_only = is_exact, .kind = lpae_kind,   \
		.table = lpae_table, .table_at = lpae_table_at,                \
		.leaf = stage##_leaf, .says = stage##_says, .lost = lpae_lost, \
		.is_dirty = stage##_is_dirty, .dirty = stage##_dirty,          \
		.clean = stage##_clean, .usual_bits = 9,                       \
		IOAS_PT_WALK_HOOKS(stage##_walk),                              \
	}

const struct ioas_pt_format ioas_pt_lpae1 =
	LPAE_FORMAT("lpae1", stage1, 0, false);
const struct ioas_pt_format ioas_pt_lpae2 =
	LPAE_FORMAT("lpae2", stage2, 4, true);

IOAS_PT_WALK(stage1_walk, ioas_pt_lpae1)
IOAS_PT_WALK(stage2_walk, ioas_pt_lpae2)
