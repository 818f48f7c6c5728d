/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <time.h>

#include "base/grace.h"
#include "pt/table.h"
#include "pt_rig.h"

/* What is allocated, but for tables that are kept for the next time. */
static uint64_t live_without_kept(struct rig *r)
{
	ioas_pt_drop_kept(&pt);
	return rig_live(r);
}

static void an_empty_table_maps_nothing(struct rig *r)
{
	start(r, 12, 48);
	leads_nowhere(0);
	leads_nowhere(0xffffffffffff);
}

static void an_address_beyond_the_input_range_is_not_folded_back(struct rig *r)
{
	start(r, 12, 39);
	rig_ok(r, map(0, 0xfff, 0x1000, RW));
	leads_to(0, 0x1000, 0xfff);
	leads_nowhere(UINT64_C(1) << 39);
	leads_nowhere(UINT64_C(1) << 63);
}

static void a_walk_gives_address_end_and_permission(struct rig *r)
{
	struct ioas_pt_leaf leaf;

	start(r, 12, 48);
	rig_ok(r, map(0x3000, 0x4fff, 0x70000, IOAS_READ));
	rig_ok(r, map(0x5000, 0x5fff, 0x90000, IOAS_WRITE));
	assert_true(walk(0x4123, &leaf));
	assert_true(leaf.phys.raw == 0x71123);
	assert_true(leaf.last == 0x4fff);
	assert_int_equal(leaf.perm, IOAS_READ);
	assert_true(walk(0x5fff, &leaf));
	assert_int_equal(leaf.perm, IOAS_WRITE);
	leads_nowhere(0x2fff);
	leads_nowhere(0x6000);
}

static void aligned_ranges_get_the_largest_leaves(struct rig *r)
{
	uint64_t lg2[] = {12, 21, 30}, live;
	unsigned int i;

	start(r, 12, 48);
	for (i = 0; i < IOAS_ARRAY_SIZE(lg2); i++) {
		uint64_t size = UINT64_C(1) << lg2[i];

		live = rig_live(r);
		rig_ok(r, map(size, 2 * size - 1, 3 * size, RW));
		leads_to(size + 5, 3 * size + 5, 2 * size - 1);
		unmap(size, 2 * size - 1);
		leads_nowhere(size);
		free_gone(NULL);
		assert_true(live_without_kept(r) == live);
	}
}

static void no_leaf_is_larger_than_1_GiB(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, (UINT64_C(1) << 40) - 1, 0, RW));
	leads_to(0, 0, (UINT64_C(1) << 30) - 1);
}

static void
a_physical_address_that_is_not_aligned_keeps_leaves_small(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x200000, 0x3fffff, 0x601000, RW));
	leads_to(0x200000, 0x601000, 0x200fff);
	leads_to(0x3fffff, 0x800fff, 0x3fffff);
}

static void a_range_is_cut_into_leaves_of_every_size(struct rig *r)
{
	uint64_t gib = UINT64_C(1) << 30, mib2 = 2 << 20;
	uint64_t first = gib - mib2 - 0x1000, last = 2 * gib + mib2 + 0xfff;

	start(r, 12, 48);
	rig_ok(r, map(first, last, first, RW));
	leads_to(first, first, first + 0xfff);
	leads_to(gib - mib2, gib - mib2, gib - 1);
	leads_to(gib, gib, 2 * gib - 1);
	leads_to(2 * gib, 2 * gib, 2 * gib + mib2 - 1);
	leads_to(last, last, last);
	leads_nowhere(first - 1);
	leads_nowhere(last + 1);
	unmap(first, last);
	leads_nowhere(first);
	leads_nowhere(gib);
	leads_nowhere(last);
}

static void the_last_page_of_64_bits_can_be_mapped(struct rig *r)
{
	uint64_t first = -UINT64_C(0x3000);

	start(r, 12, 64);
	rig_ok(r, map(first, UINT64_MAX, 0x5000, RW));
	leads_to(UINT64_MAX, 0x7fff, UINT64_MAX);
	unmap(first, UINT64_MAX);
	leads_nowhere(UINT64_MAX);
}

static void an_input_range_of_one_level_works(struct rig *r)
{
	start(r, 16, 17);
	assert_int_equal(pt.levels, 1);
	rig_ok(r, map(0x10000, 0x1ffff, 0x30000, RW));
	leads_to(0x10000, 0x30000, 0x1ffff);
	unmap(0x10000, 0x1ffff);
	leads_nowhere(0x10000);
}

/* Both halves of what PT-1 says about a failure. */
static void PT_1_a_failed_map_leaves_the_table_as_it_was(struct rig *r)
{
	uint64_t live;
	int rc;

	start(r, 12, 57);
	rig_ok(r, map(0x1000, 0x1fff, 0x5000, RW));
	live = rig_live(r);
	rc = rig_try(r, map(0x2000, UINT64_C(1) << 39 | 0xfff, 0x2000, RW));
	if (!rig_failed(r)) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_int_equal(rc, -ENOMEM);
	assert_true(rig_live(r) == live);
	leads_to(0x1000, 0x5000, 0x1fff);
	leads_nowhere(0x2000);
	leads_nowhere(UINT64_C(1) << 39);
}

static void PT_3_tables_are_kept_until_they_are_freed(struct rig *r)
{
	uint64_t before, tables;

	start(r, 12, 48);
	before = rig_live(r);
	rig_ok(r, map(0x1000, 0x3fff, 0x5000, RW));
	/* A node and a table each, but for a table in the row. */
	tables = pt.row ? 5 : 6;
	assert_true(rig_live(r) == before + tables);
	unmap(0x1000, 0x3fff);
	assert_true(rig_live(r) == before + tables);
	free_gone(NULL);
	assert_true(live_without_kept(r) == before);
	assert_null(gone.tables);
}

static void
an_empty_table_of_each_level_is_kept_for_the_next_time(struct rig *r)
{
	uint64_t before, once, far = UINT64_C(1) << 40;

	start(r, 12, 48);
	before = rig_live(r);
	rig_ok(r, map(0x1000, 0x1fff, 0x5000, RW));
	once = rig_live(r);
	rig_ok(r, map(far, far + 0xfff, 0x5000, RW));
	unmap(0x1000, 0x1fff);
	unmap(far, far + 0xfff);
	free_gone(NULL);
	assert_true(rig_live(r) == once);
	assert_true(ioas_a64_load(&pt.tables) == 1);
	rig_ok(r, map(far, far + 0xfff, 0x7000, RW));
	assert_true(rig_live(r) == once);
	leads_to(far, 0x7000, far + 0xfff);
	leads_nowhere(far + 0x1000);
	leads_nowhere(0x1000);
	unmap(far, far + 0xfff);
	free_gone(NULL);
	assert_true(live_without_kept(r) == before);
}

static void a_table_goes_with_its_last_entry(struct rig *r)
{
	uint64_t before, both;

	start(r, 12, 48);
	before = rig_live(r);
	rig_ok(r, map(0x1000, 0x1fff, 0x5000, RW));
	rig_ok(r, map(0x200000, 0x200fff, 0x5000, RW));
	both = rig_live(r);
	unmap(0x1000, 0x1fff);
	free_gone(NULL);
	assert_true(live_without_kept(r) == both - 2);
	leads_to(0x200000, 0x5000, 0x200fff);
	unmap(0x200000, 0x200fff);
	free_gone(NULL);
	assert_true(live_without_kept(r) == before);
}

static void a_large_leaf_can_follow_where_tables_were(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x200000, 0x3fffff, 0x1000, RW));
	unmap(0x200000, 0x3fffff);
	rig_ok(r, map(0x200000, 0x3fffff, 0, RW));
	leads_to(0x200000, 0, 0x3fffff);
}

static void map_twice(void *arg)
{
	(void)!map(0x200000, 0x3fffff, 0, RW);
}

static void PT_1_a_leaf_over_a_leaf_breaks_it(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x200000, 0x3fffff, 0, RW));
	rig_breaks(r, "PT_1", map_twice, NULL);
}

static void unmap_half(void *arg)
{
	unmap(0x200000, 0x2fffff);
}

static void PT_4_half_of_a_leaf_breaks_it(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x200000, 0x3fffff, 0, RW));
	rig_breaks(r, "PT_4", unmap_half, NULL);
	leads_to(0x200000, 0, 0x3fffff);
}

/*
 * Random maps and unmaps against a plain array. The window of pages lies
 * around a border of the highest tables that can be crossed, and its upper
 * half ends where the input range ends.
 */
#define PAGES    4096
#define MAPPINGS 48

struct model {
	unsigned int page_shift;
	uint64_t base;
	uint64_t phys[PAGES]; /* of the page; 0: not mapped */
	unsigned int perm[PAGES];
	struct {
		unsigned int first, count; /* pages; count 0: free */
	} mapping[MAPPINGS];
};

static struct model m;

static uint64_t at_page(unsigned int i)
{
	return m.base + ((uint64_t)i << m.page_shift);
}

static bool is_free(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		if (m.phys[i])
			return false;
	return true;
}

/* Half of them lie so that large leaves can be used. */
static void pick(struct rig *r, unsigned int *first, unsigned int *count,
                 uint64_t *phys)
{
	*count = 1 + (unsigned int)rig_random_below(
			     r, 1 << rig_random_below(r, 11));
	*first = (unsigned int)rig_random_below(r, PAGES - *count + 1);
	*phys = (UINT64_C(1) << 40) +
	        (rig_random_below(r, PAGES) << m.page_shift);
	if (rig_random_below(r, 2))
		*phys = (UINT64_C(1) << 52) + at_page(*first) - m.base +
		        (m.base & ioas_mask_lg2(m.page_shift + 18));
}

static void model_map(struct rig *r, unsigned int slot)
{
	unsigned int first, count, i;
	unsigned int perm = 1 + (unsigned int)rig_random_below(r, 3);
	uint64_t phys, tables = ioas_a64_load(&pt.tables);
	int rc;

	pick(r, &first, &count, &phys);
	if (!is_free(first, count))
		return;
	rc = rig_try(
		r, map(at_page(first),
	               at_page(first) + (((uint64_t)count << m.page_shift) - 1),
	               phys, perm));
	if (rig_failed(r)) {
		assert_int_equal(rc, -ENOMEM);
		assert_true(ioas_a64_load(&pt.tables) == tables);
		return;
	}
	assert_int_equal(rc, 0);
	m.mapping[slot].first = first;
	m.mapping[slot].count = count;
	for (i = 0; i < count; i++) {
		m.phys[first + i] = phys + ((uint64_t)i << m.page_shift);
		m.perm[first + i] = perm;
	}
}

static void model_unmap(unsigned int slot)
{
	unsigned int first = m.mapping[slot].first;
	unsigned int count = m.mapping[slot].count, i;

	unmap(at_page(first),
	      at_page(first) + (((uint64_t)count << m.page_shift) - 1));
	for (i = 0; i < count; i++)
		m.phys[first + i] = 0;
	m.mapping[slot].count = 0;
}

static void compare_page(unsigned int i, uint64_t offset)
{
	struct ioas_pt_leaf leaf;
	unsigned int last;
	bool found = walk(at_page(i) + offset, &leaf);

	assert_int_equal(found, m.phys[i] != 0);
	if (!found)
		return;
	assert_true(leaf.phys.raw == m.phys[i] + offset);
	assert_int_equal(leaf.perm, m.perm[i]);
	last = (unsigned int)((leaf.last - m.base) >> m.page_shift);
	assert_true(last >= i && last < PAGES);
	assert_true(m.phys[last] - m.phys[i] == (uint64_t)(last - i)
	                                                << m.page_shift);
}

static void run_model(struct rig *r, unsigned int page_shift, unsigned int bits)
{
	unsigned int step, i;
	uint64_t live;

	start(r, page_shift, bits);
	live = rig_live(r);
	m = (struct model){.page_shift = page_shift};
	m.base = ioas_mask_lg2(bits - 1) * 2 + 2 -
	         ((uint64_t)PAGES << page_shift);
	if (bits %
	    2) /* else around the middle, where the root's entries meet */
		m.base = (UINT64_C(1) << (bits - 1)) -
		         ((uint64_t)PAGES / 2 << page_shift);
	for (step = 0; step < 1500; step++) {
		unsigned int slot = (unsigned int)rig_random_below(r, MAPPINGS);

		if (m.mapping[slot].count)
			model_unmap(slot);
		else
			model_map(r, slot);
		if (rig_random_below(r, 3) == 0)
			free_gone(NULL);
		for (i = 0; i < 16; i++)
			compare_page((unsigned int)rig_random_below(r, PAGES),
			             rig_random_below(r, 1 << page_shift));
	}
	for (i = 0; i < PAGES; i++)
		compare_page(i, 0);
	for (i = 0; i < MAPPINGS; i++)
		if (m.mapping[i].count)
			model_unmap(i);
	free_gone(NULL);
	assert_true(live_without_kept(r) == live);
}

#define MODEL_TEST(shift, bits)                                             \
	static void                                                         \
		pages_of_2_to_the_##shift##_in_##bits##_bits_match_a_model( \
			struct rig *r)                                      \
	{                                                                   \
		run_model(r, shift, bits);                                  \
	}

MODEL_TEST(11, 39)
MODEL_TEST(11, 64)
MODEL_TEST(12, 39)
MODEL_TEST(12, 48)
MODEL_TEST(12, 57)
MODEL_TEST(12, 64)
MODEL_TEST(16, 48)
MODEL_TEST(16, 64)

/*
 * PT-2: one page leads to A, to B as part of a large leaf, or nowhere; a walk
 * never finds anything else, and never a table that was freed.
 */
struct race {
	struct ioas_a32 stop, walks, wrong;
};

static struct race race;

static void *walk_often(void *arg)
{
	struct ioas_pt_leaf leaf;
	bool a, b;

	while (!ioas_a32_load_relaxed(&race.stop)) {
		ioas_grace_enter(IOAS_GRACE_DMA);
		if (walk(0x201005, &leaf)) {
			a = leaf.phys.raw == 0x7005 && leaf.last == 0x201fff &&
			    leaf.perm == IOAS_READ;
			b = leaf.phys.raw == 0x40001005 &&
			    leaf.last == 0x3fffff && leaf.perm == IOAS_WRITE;
			ioas_a32_add(&race.wrong, !a && !b);
			ioas_a32_add(&race.walks, 1);
		}
		ioas_grace_leave(IOAS_GRACE_DMA);
	}
	return NULL;
}

static void flip(struct rig *r, uint64_t first, uint64_t last, uint64_t phys,
                 unsigned int perm)
{
	rig_ok(r, map(first, last, phys, perm));
	unmap(first, last);
	ioas_grace_sync(IOAS_GRACE_DMA);
	free_gone(NULL);
}

#define FLIPS   2000
#define WALKS   100
#define SECONDS 60 /* a machine may have much else to do */

static void PT_2_a_walk_never_finds_a_mix(struct rig *r)
{
	time_t end = time(NULL) + SECONDS;
	unsigned int i;
	pthread_t t;

	start(r, 12, 48);
	race = (struct race){0};
	assert_int_equal(pthread_create(&t, NULL, walk_often, NULL), 0);
	for (i = 0; i < FLIPS ||
	            (ioas_a32_load(&race.walks) < WALKS && time(NULL) < end);
	     i++) {
		flip(r, 0x201000, 0x201fff, 0x7000, IOAS_READ);
		flip(r, 0x200000, 0x3fffff, 0x40000000, IOAS_WRITE);
	}
	ioas_a32_store(&race.stop, 1);
	pthread_join(t, NULL);
	assert_int_equal(ioas_a32_load(&race.wrong), 0);
	assert_true(ioas_a32_load(&race.walks) >= WALKS);
}

static void flush_not(void *arg)
{
	ioas_pt_free(&pt, &gone);
}

static void PT_3_tables_are_freed_only_after_a_flush(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x1000, 0x3fff, 0x5000, RW));
	unmap(0x1000, 0x3fff);
	rig_breaks(r, "PT_3", flush_not, NULL);
}

static void PT_3_what_is_gathered_after_a_flush_is_flushed_too(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0x1000, 0x3fff, 0x5000, RW));
	rig_ok(r, map(0x4000, 0x4fff, 0x5000, RW));
	unmap(0x1000, 0x3fff);
	ioas_pt_flush(&pt, &gone);
	unmap(0x4000, 0x4fff);
	rig_breaks(r, "PT_3", flush_not, NULL);
}

RIG_MAIN("pt_pt", RIG_TEST(an_empty_table_maps_nothing),
         RIG_TEST(an_address_beyond_the_input_range_is_not_folded_back),
         RIG_TEST(a_walk_gives_address_end_and_permission),
         RIG_TEST(aligned_ranges_get_the_largest_leaves),
         RIG_TEST(no_leaf_is_larger_than_1_GiB),
         RIG_TEST(a_physical_address_that_is_not_aligned_keeps_leaves_small),
         RIG_TEST(a_range_is_cut_into_leaves_of_every_size),
         RIG_TEST(the_last_page_of_64_bits_can_be_mapped),
         RIG_TEST(an_input_range_of_one_level_works),
         RIG_TEST(PT_1_a_failed_map_leaves_the_table_as_it_was),
         RIG_TEST(PT_3_tables_are_kept_until_they_are_freed),
         RIG_TEST(an_empty_table_of_each_level_is_kept_for_the_next_time),
         RIG_TEST(a_table_goes_with_its_last_entry),
         RIG_TEST(a_large_leaf_can_follow_where_tables_were),
         RIG_TEST(PT_1_a_leaf_over_a_leaf_breaks_it),
         RIG_TEST(PT_4_half_of_a_leaf_breaks_it),
         RIG_TEST(PT_3_tables_are_freed_only_after_a_flush),
         RIG_TEST(PT_3_what_is_gathered_after_a_flush_is_flushed_too),
         RIG_TEST(pages_of_2_to_the_11_in_39_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_11_in_64_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_12_in_39_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_12_in_48_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_12_in_57_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_12_in_64_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_16_in_48_bits_match_a_model),
         RIG_TEST(pages_of_2_to_the_16_in_64_bits_match_a_model),
         RIG_ONCE(PT_2_a_walk_never_finds_a_mix))
