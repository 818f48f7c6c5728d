/* SPDX-License-Identifier: MIT */
#include "pt_rig.h"

static int split(uint64_t first, uint64_t last, uint64_t delta)
{
	return ioas_pt_split(&pt, (struct iova_range){first, last}, delta);
}

static void shift(uint64_t first, uint64_t last, uint64_t delta)
{
	ioas_pt_shift(&pt, (struct iova_range){first, last}, delta);
}

static void a_split_leaf_leads_where_it_led(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, 0x3fffffff, 0x40000000, RW));
	leads_to(0x201234, 0x40201234, 0x3fffffff);
	rig_ok(r, split(0x201000, 0x201fff, 0));
	leads_to(0x201234, 0x40201234, 0x201fff);
	leads_to(0x200000, 0x40200000, 0x200fff);
	leads_to(0x202000, 0x40202000, 0x202fff);
	leads_to(0x1fffff, 0x401fffff, 0x1fffff);
	leads_to(0x400000, 0x40400000, 0x5fffff);
	unmap(0, 0x3fffffff);
	leads_nowhere(0x201000);
}

static void a_shift_moves_its_range_and_nothing_else(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, 0x3fffff, 0x40000000, IOAS_WRITE));
	rig_ok(r, split(0x1ff000, 0x200fff, 0x5000));
	shift(0x1ff000, 0x200fff, 0x5000);
	leads_to(0x1fe000, 0x401fe000, 0x1fefff);
	leads_to(0x1ff000, 0x40204000, 0x1fffff);
	leads_to(0x200000, 0x40205000, 0x200fff);
	leads_to(0x201000, 0x40201000, 0x201fff);
	unmap(0, 0x3fffff);
}

static void a_shift_as_aligned_as_a_leaf_keeps_it_large(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, 0x5fffff, 0x40000000, RW));
	rig_ok(r, split(0x200000, 0x3fffff, 0x800000));
	shift(0x200000, 0x3fffff, 0x800000);
	leads_to(0x200000, 0x40a00000, 0x3fffff);
	leads_to(0x400000, 0x40400000, 0x5fffff);
	rig_ok(r, split(0x200000, 0x3fffff, -UINT64_C(0x1000)));
	shift(0x200000, 0x3fffff, -UINT64_C(0x1000));
	leads_to(0x200000, 0x409ff000, 0x200fff);
	unmap(0, 0x5fffff);
}

static void half_of_a_leaf_is_unmapped_after_a_split(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, 0x1fffff, 0, RW));
	rig_ok(r, split(0x1000, 0x1fff, 0));
	unmap(0, 0xfffff);
	leads_nowhere(0);
	leads_to(0x100000, 0x100000, 0x100fff);
	unmap(0x100000, 0x1fffff);
	rig_ok(r, map(0, 0x1fffff, 0, RW));
	leads_to(0, 0, 0x1fffff);
}

static void merge(uint64_t first, uint64_t last)
{
	ioas_pt_merge(&pt, (struct iova_range){first, last}, &gone);
}

static void what_was_split_is_merged_again(struct rig *r)
{
	uint64_t tables;

	start(r, 12, 48);
	rig_ok(r, map(0, 0x3fffffff, 0x40000000, RW));
	tables = ioas_a64_load(&pt.tables);
	rig_ok(r, split(0x201000, 0x201fff, 0));
	assert_true(ioas_a64_load(&pt.tables) == tables + 2);
	merge(0, 0x3fffffff);
	leads_to(0x201234, 0x40201234, 0x3fffffff);
	free_gone(NULL);
	assert_true(ioas_a64_load(&pt.tables) == tables);
	unmap(0, 0x3fffffff);
}

static void only_leaves_that_continue_each_other_are_merged(struct rig *r)
{
	start(r, 12, 48);
	rig_ok(r, map(0, 0xfffff, 0x40000000, RW));
	rig_ok(r, map(0x100000, 0x1fffff, 0x40100000, IOAS_READ));
	rig_ok(r, map(0x200000, 0x2fffff, 0x40200000, RW));
	rig_ok(r, map(0x300000, 0x3fffff, 0x40301000, RW));
	rig_ok(r, map(0x400000, 0x5fffff, 0x40401000, RW));
	rig_ok(r, map(0x600000, 0x7fefff, 0x40600000, RW));
	merge(0, 0x7fffff);
	leads_to(0x000000, 0x40000000, 0xfff);
	leads_to(0x200000, 0x40200000, 0x200fff);
	leads_to(0x400000, 0x40401000, 0x400fff);
	leads_to(0x600000, 0x40600000, 0x600fff);
	rig_ok(r, map(0x7ff000, 0x7fffff, 0x407ff000, RW));
	merge(0, 0x7fffff);
	leads_to(0x600000, 0x40600000, 0x7fffff);
	merge(0x600000, 0x6fffff);
	leads_to(0x600000, 0x40600000, 0x7fffff);
}

static void what_is_lost_is_known_to_be(struct rig *r)
{
	struct ioas_pt_leaf leaf;

	start(r, 12, 48);
	rig_ok(r, map(0, 0x400fff, 0x40000000, IOAS_WRITE));
	rig_ok(r, split(0x400000, 0x400fff, 0));
	ioas_pt_lose(&pt, (struct iova_range){0x200000, 0x400fff});
	assert_true(walk(0x1fffff, &leaf) && !leaf.lost);
	assert_true(walk(0x200123, &leaf) && leaf.lost);
	assert_true(leaf.last == 0x3fffff && leaf.perm == IOAS_WRITE);
	assert_true(walk(0x400123, &leaf) && leaf.lost);
	unmap(0, 0x400fff);
	leads_nowhere(0x200000);
}

/* ---- Dirty tracking, in the formats that have it. ---- */

struct count {
	struct ioas_pt_finder finder;
	uint64_t bytes;
};

static void count_bytes(struct ioas_pt_finder *finder, struct iova_range range)
{
	((struct count *)finder)->bytes += range.last - range.first + 1;
}

static uint64_t dirty_bytes(bool clear)
{
	struct count count = {{count_bytes}, 0};

	ioas_pt_take_dirty(&pt, (struct iova_range){0, 0x5fffff}, clear,
	                   &count.finder, &gone);
	return count.bytes;
}

static void start_dirty(struct rig *r, const struct ioas_pt_format *format)
{
	struct ioas_pt_config config = {
		.format = format, .page_shift = 12, .bits = 48, .dirty = true};

	gone = (struct ioas_pt_gather){0};
	rig_ok(r, ioas_pt_init(&pt, &config));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_defer(r, free_gone, NULL);
	rig_ok(r, map(0, 0x1fffff, 0x40000000, IOAS_WRITE));
	rig_ok(r, map(0x200000, 0x3fffff, 0x80000000, IOAS_READ));
	rig_ok(r, map(0x400000, 0x400fff, 0x40001000, RW));
}

static void marks_are_kept(struct rig *r, const struct ioas_pt_format *format)
{
	start_dirty(r, format);
	assert_true(dirty_bytes(true) == 0);
	ioas_pt_mark(&pt, (struct iova){0x1005});
	ioas_pt_mark(&pt, (struct iova){0x200005});
	ioas_pt_mark(&pt, (struct iova){0x500000});
	ioas_pt_mark(&pt, (struct iova){UINT64_MAX});
	assert_true(dirty_bytes(false) == 0x200000);
	rig_ok(r, split(0x1000, 0x1fff, 0));
	assert_true(dirty_bytes(true) == 0x200000);
	assert_true(dirty_bytes(true) == 0);
	ioas_pt_mark(&pt, (struct iova){0x1005});
	ioas_pt_mark(&pt, (struct iova){0x400fff});
	assert_true(dirty_bytes(false) == 0x2000);
	merge(0, 0x3fffff);
	leads_to(0x1000, 0x40001000, 0x1fffff);
	assert_true(dirty_bytes(true) == 0x201000);
	assert_true(dirty_bytes(true) == 0);
}

static void PT_8_marks_stay_over_split_and_merge(struct rig *r)
{
	marks_are_kept(r, &ioas_pt_native);
}

static void last_marks_are_told(struct rig *r,
                                const struct ioas_pt_format *format)
{
	struct count count = {{count_bytes}, 0};

	start_dirty(r, format);
	rig_ok(r, split(0x1000, 0x1fff, 0));
	assert_true(ioas_pt_mark(&pt, (struct iova){0x1005}));
	assert_true(ioas_pt_mark(&pt, (struct iova){0x1005}));
	assert_false(ioas_pt_mark(&pt, (struct iova){0x200005}));
	assert_false(ioas_pt_mark(&pt, (struct iova){0x500000}));
	assert_false(ioas_pt_mark(&pt, (struct iova){UINT64_MAX}));
	ioas_pt_lose_dirty(&pt, (struct iova_range){0, 0x1fffff},
	                   &count.finder);
	assert_true(count.bytes == 0x1000);
	assert_false(ioas_pt_mark(&pt, (struct iova){0x1005}));
	assert_false(ioas_pt_mark(&pt, (struct iova){0x2005}));
	assert_true(dirty_bytes(true) == 0);
}

static void lost_leaves_are_told_and_marked_no_more(struct rig *r)
{
	last_marks_are_told(r, &ioas_pt_native);
}

static void so_are_those_of_vtd(struct rig *r)
{
	last_marks_are_told(r, &ioas_pt_vtd);
}

static void so_are_those_of_amdv1(struct rig *r)
{
	last_marks_are_told(r, &ioas_pt_amdv1);
}

static void so_are_those_of_stage_1(struct rig *r)
{
	last_marks_are_told(r, &ioas_pt_lpae1);
}

static void so_are_those_of_stage_2(struct rig *r)
{
	last_marks_are_told(r, &ioas_pt_lpae2);
}

static void small_tables_have_pages_alone(struct rig *r)
{
	struct ioas_pt_config config = {
		.page_shift = 12, .bits = 48, .dirty = true, .small = true};

	gone = (struct ioas_pt_gather){0};
	rig_ok(r, ioas_pt_init(&pt, &config));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_defer(r, free_gone, NULL);
	rig_ok(r, map(0, 0x3fffff, 0x40000000, RW));
	leads_to(0x201000, 0x40201000, 0x201fff);
	assert_true(ioas_pt_mark(&pt, (struct iova){0x201005}));
	assert_true(dirty_bytes(true) == 0x1000);
	merge(0, 0x3fffff);
	leads_to(0x201000, 0x40201000, 0x201fff);
	unmap(0, 0x3fffff);
	leads_nowhere(0x201000);
}

static void PT_8_so_in_vtd(struct rig *r)
{
	marks_are_kept(r, &ioas_pt_vtd);
}

static void PT_8_so_in_amdv1(struct rig *r)
{
	marks_are_kept(r, &ioas_pt_amdv1);
}

static void PT_8_so_in_stage_1(struct rig *r)
{
	marks_are_kept(r, &ioas_pt_lpae1);
}

static void PT_8_so_in_stage_2(struct rig *r)
{
	marks_are_kept(r, &ioas_pt_lpae2);
}

RIG_MAIN("pt_change", RIG_TEST(PT_8_marks_stay_over_split_and_merge),
         RIG_TEST(lost_leaves_are_told_and_marked_no_more),
         RIG_TEST(so_are_those_of_vtd), RIG_TEST(so_are_those_of_amdv1),
         RIG_TEST(so_are_those_of_stage_1), RIG_TEST(so_are_those_of_stage_2),
         RIG_TEST(small_tables_have_pages_alone), RIG_TEST(PT_8_so_in_vtd),
         RIG_TEST(PT_8_so_in_amdv1), RIG_TEST(PT_8_so_in_stage_1),
         RIG_TEST(PT_8_so_in_stage_2),
         RIG_TEST(a_split_leaf_leads_where_it_led),
         RIG_TEST(a_shift_moves_its_range_and_nothing_else),
         RIG_TEST(a_shift_as_aligned_as_a_leaf_keeps_it_large),
         RIG_TEST(half_of_a_leaf_is_unmapped_after_a_split),
         RIG_TEST(what_was_split_is_merged_again),
         RIG_TEST(only_leaves_that_continue_each_other_are_merged),
         RIG_TEST(what_is_lost_is_known_to_be))
