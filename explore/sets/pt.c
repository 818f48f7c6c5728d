/* SPDX-License-Identifier: MIT */
/*
 * Page tables: src/pt with native tables of eight entries, and base/grace.c,
 * which is compiled as a part of this file so that its epochs can be renamed.
 *
 * A reader walks to one address while the writer maps and unmaps there, as a
 * page and as a large leaf, splits and merges it. What it finds is one of what
 * was mapped, whole (PT-2), and it never stands in a table that was freed
 * (PT-3: HEAP-1). Marks of a device are found, each (PT-8).
 *
 * A table of two levels begins with its row. One of three has it in addresses
 * that are reserved, with leaves above it: there are two ways down.
 */
#include "pt/pt.h"

#include "base/grace.c"
#include "base/lock.h"
#include "explore.h"

#define PAGE  UINT64_C(0x1000)
#define LARGE (8 * PAGE)
#define HUGE  (8 * LARGE)
/* Inside of a large leaf, and of a huge one where there are such. */
#define AT         (large + 2 * PAGE + 5)
#define SMALL_PHYS UINT64_C(0x700000)
#define LARGE_PHYS UINT64_C(0x400000)

static struct ioas_pt pt;
/* What is mapped as one: where, and of how many bytes. */
static uint64_t whole, whole_bytes;
static uint64_t large; /* the large part of it that AT is in */

static EXPLORE_GHOST struct {
	uint32_t marked; /* marks that have been made, and not taken */
} ghost;

/* Return: something was found. */
static bool read_once(void)
{
	struct ioas_pt_leaf leaf;
	bool found;

	ioas_grace_enter(IOAS_GRACE_DMA);
	found = ioas_pt_walk(&pt, (struct iova){AT}, &leaf);
	if (found) {
		bool small = leaf.phys.raw == SMALL_PHYS + 5 &&
		             leaf.last == (AT | (PAGE - 1)) &&
		             leaf.perm == IOAS_READ;
		bool part = leaf.phys.raw == LARGE_PHYS + (AT - whole) &&
		            (leaf.last == (AT | (PAGE - 1)) ||
		             leaf.last == (AT | (LARGE - 1)) ||
		             leaf.last == whole + whole_bytes - 1) &&
		            leaf.perm == IOAS_WRITE;

		explore_law(PT_2, small || part, "what was never mapped");
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
	return found;
}

static void read_for_ever(void)
{
	for (;;)
		read_once();
}

/* Nobody can see that a leaf is split or merged. */
static void read_what_is_there(void)
{
	for (;;)
		explore_law(PT_2, read_once(), "what is mapped is not found");
}

static void must_map(uint64_t first, uint64_t bytes, uint64_t phys,
                     unsigned int perm)
{
	int rc = ioas_pt_map(&pt, (struct iova_range){first, first + bytes - 1},
	                     (struct phys){phys}, perm);

	explore_law(PT_1, !rc, "there was memory, and map failed");
}

static void unmap(uint64_t first, uint64_t bytes)
{
	struct ioas_pt_gather gather = {0};

	ioas_pt_unmap(&pt, (struct iova_range){first, first + bytes - 1},
	              &gather);
	ioas_pt_flush(&pt, &gather);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_pt_free(&pt, &gather);
}

static void must_split(void)
{
	struct iova_range page = {large + PAGE, large + 2 * PAGE - 1};

	explore_law(PT_1, !ioas_pt_split(&pt, page, 0),
	            "there was memory, and split failed");
}

static void flip_for_ever(void)
{
	for (;;) {
		must_map(large + 2 * PAGE, PAGE, SMALL_PHYS, IOAS_READ);
		unmap(large + 2 * PAGE, PAGE);
		must_map(whole, whole_bytes, LARGE_PHYS, IOAS_WRITE);
		/* Tables that are taken out with all that is in them. */
		if (whole_bytes > LARGE)
			must_split();
		unmap(whole, whole_bytes);
	}
}

static void split_and_merge_for_ever(void)
{
	struct iova_range all = {whole, whole + whole_bytes - 1};
	struct ioas_pt_gather gather;

	for (;;) {
		gather = (struct ioas_pt_gather){0};
		must_split();
		ioas_pt_merge(&pt, all, &gather);
		ioas_pt_flush(&pt, &gather);
		ioas_grace_sync(IOAS_GRACE_DMA);
		ioas_pt_free(&pt, &gather);
	}
}

/* ---- Two writers ---- */

static struct ioas_lock lock;

/*
 * The only page of its table, again and again: the table goes without the lock,
 * and the next one may be that of the other writer.
 */
static void flip_own_for_ever(void)
{
	uint64_t at = (1 + explore_self()) * LARGE;
	struct ioas_pt_gather gather;
	struct ioas_pt_leaf leaf;

	for (;;) {
		gather = (struct ioas_pt_gather){0};
		ioas_lock(&lock);
		must_map(at, PAGE, SMALL_PHYS + at, IOAS_READ);
		ioas_unlock(&lock);
		ioas_lock(&lock);
		explore_law(PT_2,
		            ioas_pt_walk(&pt, (struct iova){at}, &leaf) &&
		                    leaf.phys.raw == SMALL_PHYS + at &&
		                    !ioas_pt_walk(&pt, (struct iova){at + PAGE},
		                                  &leaf),
		            "somebody else wrote into the table");
		ioas_pt_unmap(&pt, (struct iova_range){at, at + PAGE - 1},
		              &gather);
		ioas_unlock(&lock);
		ioas_pt_flush(&pt, &gather);
		ioas_grace_sync(IOAS_GRACE_DMA);
		ioas_pt_free(&pt, &gather);
	}
}

/* ---- Marks ---- */

static void note_dirty(struct ioas_pt_finder *finder, struct iova_range range)
{
	ghost.marked = 0;
}

static void take(void)
{
	struct ioas_pt_finder finder = {note_dirty};
	struct ioas_pt_gather gather = {0};

	ioas_pt_take_dirty(&pt,
	                   (struct iova_range){whole, whole + whole_bytes - 1},
	                   true, &finder, &gather);
}

static void mark_twice(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ioas_grace_enter(IOAS_GRACE_DMA);
		ioas_pt_mark(&pt, (struct iova){AT});
		ghost.marked = 1;
		ioas_grace_leave(IOAS_GRACE_DMA);
	}
}

static void take_and_split(void)
{
	take();
	must_split();
	take();
}

static void all_marks_are_found(void)
{
	take();
	explore_law(PT_8, !ghost.marked, "a mark was never found");
}

/* ---- Cases ---- */

static struct ioas_a64 addresses[64];

/* Zeroed, as they are asked for once. */
static void *reserve(size_t bytes)
{
	return bytes == sizeof(addresses) ? addresses : NULL;
}

static void init_as(bool dirty, bool deep)
{
	struct ioas_pt_config config = {.page_shift = 12,
	                                .bits = deep ? 21 : 18,
	                                .index_bits = 3,
	                                .dirty = dirty};

	ioas_hooks.reserve = reserve;
	domains[IOAS_GRACE_DMA].epoch.cell = EXPLORE_RANK + 1;
	explore_law(PT_1, !ioas_pt_init(&pt, &config), "there is no table");
	explore_law(PT_1, (pt.row == addresses) == deep, "there is no row");
	pt.merged.cell = EXPLORE_RANK + 1;
	whole = whole_bytes = deep ? HUGE : LARGE;
	large = deep ? HUGE + LARGE : LARGE;
}

static void init(void)
{
	init_as(false, false);
}

static void init_deep(void)
{
	init_as(false, true);
}

static void map_whole(void)
{
	must_map(whole, whole_bytes, LARGE_PHYS, IOAS_WRITE);
}

static void init_mapped(void)
{
	init_as(false, false);
	map_whole();
}

static void init_deep_mapped(void)
{
	init_as(false, true);
	map_whole();
}

static void init_marked(void)
{
	init_as(true, false);
	map_whole();
}

static void init_deep_marked(void)
{
	init_as(true, true);
	map_whole();
}

const struct explore_case explore_cases[] = {
	{"flip",
         "a page, nothing, a large leaf, nothing",
         init,
         {{"reader", read_for_ever}, {"writer", flip_for_ever}}},
	{"split",
         "a large leaf is split and merged",
         init_mapped,
         {{"reader", read_what_is_there},
          {"writer", split_and_merge_for_ever}}},
	{"marks",
         "a device marks while marks are taken and leaves split",
         init_marked,
         {{"device", mark_twice}, {"writer", take_and_split}},
         all_marks_are_found},
	{"flip-deep",
         "a page, nothing, a huge leaf that is split, nothing; the row is "
         "reserved",
         init_deep,
         {{"reader", read_for_ever}, {"writer", flip_for_ever}}},
	{"split-deep",
         "a huge leaf is split and merged; the row is reserved",
         init_deep_mapped,
         {{"reader", read_what_is_there},
          {"writer", split_and_merge_for_ever}}},
	{"marks-deep",
         "as marks, of a huge leaf; the row is reserved",
         init_deep_marked,
         {{"device", mark_twice}, {"writer", take_and_split}},
         all_marks_are_found},
	{"kept",
         "two writers map and unmap the only page of a table",
         init,
         {{"one", flip_own_for_ever}, {"other", flip_own_for_ever}}},
	{0},
};
