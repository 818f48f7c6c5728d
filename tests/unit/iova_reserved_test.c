/* SPDX-License-Identifier: MIT */
#include "iova/reserved.h"
#include "rig.h"

static struct ioas_reserved_list list;

static struct ioas_reserved of(unsigned int owner, enum ioas_reserved_kind kind,
                               uint64_t first, uint64_t last)
{
	return (struct ioas_reserved){{first, last}, kind, owner};
}

static void begin(struct rig *r)
{
	list = (struct ioas_reserved_list){0};
	rig_defer(r, RIG_CALL(ioas_reserved_fini), &list);
}

static void add(struct rig *r, struct ioas_reserved what)
{
	rig_ok(r, ioas_reserved_add(&list, &what));
}

static void is(unsigned int i, struct ioas_reserved what)
{
	assert_true(i < list.count);
	assert_true(list.item[i].range.first == what.range.first);
	assert_true(list.item[i].range.last == what.range.last);
	assert_int_equal(list.item[i].kind, what.kind);
	assert_int_equal(list.item[i].owner, what.owner);
}

static void ranges_are_sorted_by_address_and_then_by_kind(struct rig *r)
{
	begin(r);
	add(r, of(1, IOAS_RESERVED_MSI, 0x5000, 0x5fff));
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	add(r, of(1, IOAS_RESERVED_DIRECT, 0x5000, 0x8fff));
	add(r, of(1, IOAS_RESERVED_SW_MSI, 0x5000, 0x5fff));
	assert_int_equal(list.count, 4);
	is(0, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	is(1, of(1, IOAS_RESERVED_DIRECT, 0x5000, 0x8fff));
	is(2, of(1, IOAS_RESERVED_MSI, 0x5000, 0x5fff));
	is(3, of(1, IOAS_RESERVED_SW_MSI, 0x5000, 0x5fff));
}

static void what_overlaps_or_touches_is_one(struct rig *r)
{
	begin(r);
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	add(r, of(1, IOAS_RESERVED_OTHER, 0x3000, 0x3fff));
	add(r, of(1, IOAS_RESERVED_OTHER, 0x5000, 0x5fff));
	assert_int_equal(list.count, 3);
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1800, 0x2fff));
	assert_int_equal(list.count, 2);
	is(0, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x3fff));
	add(r, of(1, IOAS_RESERVED_OTHER, 0, UINT64_MAX));
	assert_int_equal(list.count, 1);
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1000, UINT64_MAX));
	assert_int_equal(list.count, 1);
	is(0, of(1, IOAS_RESERVED_OTHER, 0, UINT64_MAX));
}

static void kinds_and_owners_stay_apart(struct rig *r)
{
	begin(r);
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	add(r, of(2, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	add(r, of(1, IOAS_RESERVED_MSI, 0x1000, 0x1fff));
	assert_int_equal(list.count, 3);
	ioas_reserved_drop(&list, 1);
	assert_int_equal(list.count, 1);
	is(0, of(2, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	ioas_reserved_drop(&list, 3);
	assert_int_equal(list.count, 1);
}

static void a_range_that_is_inverted_is_refused(struct rig *r)
{
	const struct ioas_reserved bad = of(1, IOAS_RESERVED_OTHER, 1, 0);

	begin(r);
	rig_fails(r, ioas_reserved_add(&list, &bad), -EINVAL);
	assert_int_equal(list.count, 0);
}

static void an_add_without_memory_changes_nothing(struct rig *r)
{
	unsigned int i, was;

	begin(r);
	for (i = 0; i < 40; i++) {
		struct ioas_reserved what = of(1, IOAS_RESERVED_OTHER,
		                               i * 0x2000, i * 0x2000 + 0xfff);

		was = list.count;
		if (rig_try(r, ioas_reserved_add(&list, &what)) == 0)
			continue;
		assert_true(rig_failed(r));
		assert_int_equal(list.count, was);
		rig_leave(r);
	}
	assert_int_equal(list.count, 40);
}

static void a_list_can_be_copied_and_given_to_an_owner(struct rig *r)
{
	static struct ioas_reserved_list other; /* fini comes after the test */

	other = (struct ioas_reserved_list){0};
	begin(r);
	rig_ok(r, ioas_reserved_copy(&other, &list));
	assert_null(other.item);
	add(r, of(1, IOAS_RESERVED_OTHER, 0x1000, 0x1fff));
	add(r, of(2, IOAS_RESERVED_OTHER, 0x2000, 0x2fff));
	rig_defer(r, RIG_CALL(ioas_reserved_fini), &other);
	rig_ok(r, ioas_reserved_copy(&other, &list));
	assert_int_equal(other.count, 2);
	ioas_reserved_drop(&list, 1);
	ioas_reserved_drop(&list, 2);
	rig_ok(r, ioas_reserved_add_all(&list, &other, 7));
	assert_int_equal(list.count, 1);
	is(0, of(7, IOAS_RESERVED_OTHER, 0x1000, 0x2fff));
}

static void only_relaxable_ranges_are_no_holes(struct rig *r)
{
	unsigned int kind;

	for (kind = 0; kind < IOAS_RESERVED_NR; kind++) {
		struct ioas_reserved one =
			of(1, (enum ioas_reserved_kind)kind, 0, 0xfff);

		assert_int_equal(ioas_reserved_is_hole(&one),
		                 kind != IOAS_RESERVED_DIRECT_RELAXABLE);
	}
}

static void doorbells_are_mapped_in_the_last_window(struct rig *r)
{
	struct iova_range window = {1, 2};

	begin(r);
	assert_false(ioas_reserved_sw_msi(&list, &window));
	add(r, of(1, IOAS_RESERVED_OTHER, 0x9000, 0x9fff));
	assert_false(ioas_reserved_sw_msi(&list, &window));
	assert_true(window.first == 1);
	add(r, of(1, IOAS_RESERVED_SW_MSI, 0x1000, 0x1fff));
	assert_true(ioas_reserved_sw_msi(&list, &window));
	assert_true(window.first == 0x1000 && window.last == 0x1fff);
	add(r, of(1, IOAS_RESERVED_SW_MSI, 0x4000, 0x5fff));
	assert_true(ioas_reserved_sw_msi(&list, &window));
	assert_true(window.first == 0x4000 && window.last == 0x5fff);
}

/* Wherever it lies: what hardware takes is not translated at all. */
static void a_hardware_window_beats_one_of_software(struct rig *r)
{
	struct iova_range window;

	begin(r);
	add(r, of(1, IOAS_RESERVED_SW_MSI, 0x1000, 0x1fff));
	add(r, of(1, IOAS_RESERVED_MSI, 0xfee00000, 0xfeefffff));
	assert_true(ioas_reserved_has(&list, IOAS_RESERVED_SW_MSI));
	assert_true(ioas_reserved_has(&list, IOAS_RESERVED_MSI));
	assert_false(ioas_reserved_has(&list, IOAS_RESERVED_DIRECT));
	assert_false(ioas_reserved_sw_msi(&list, &window));
}

#define SPAN 200

/* Kinds of two owners, each page by page. */
static void random_lists_match_plain_arrays(struct rig *r)
{
	unsigned int round, step, i;

	for (round = 0; round < 100; round++) {
		bool taken[2][IOAS_RESERVED_NR][SPAN] = {0};
		uint64_t covered = 0, expected = 0;

		begin(r);
		for (step = 0; step < 12; step++) {
			uint64_t at = rig_random_below(r, SPAN - 20);
			struct ioas_reserved one =
				of((unsigned int)rig_random_below(r, 2),
			           (enum ioas_reserved_kind)rig_random_below(
					   r, IOAS_RESERVED_NR),
			           at, at + rig_random_below(r, 20));

			add(r, one);
			for (; at <= one.range.last; at++)
				taken[one.owner][one.kind][at] = true;
		}
		for (i = 0; i < list.count; i++) {
			const struct ioas_reserved *one = &list.item[i];
			bool *page = taken[one->owner][one->kind];
			uint64_t at = one->range.first;

			/* As large as can be, and nothing but what was. */
			assert_false(at && page[at - 1]);
			for (; at <= one->range.last; at++, covered++)
				assert_true(page[at]);
			assert_false(page[at]);
			if (i)
				assert_true(one[-1].range.first <=
				            one->range.first);
		}
		for (i = 0; i < sizeof(taken); i++)
			expected += (&taken[0][0][0])[i];
		assert_int_equal(covered, expected);
		ioas_reserved_fini(&list);
	}
}

RIG_MAIN("iova_reserved",
         RIG_TEST(ranges_are_sorted_by_address_and_then_by_kind),
         RIG_TEST(what_overlaps_or_touches_is_one),
         RIG_TEST(kinds_and_owners_stay_apart),
         RIG_TEST(a_range_that_is_inverted_is_refused),
         RIG_TEST(an_add_without_memory_changes_nothing),
         RIG_TEST(a_list_can_be_copied_and_given_to_an_owner),
         RIG_TEST(only_relaxable_ranges_are_no_holes),
         RIG_TEST(doorbells_are_mapped_in_the_last_window),
         RIG_TEST(a_hardware_window_beats_one_of_software),
         RIG_TEST(random_lists_match_plain_arrays))
