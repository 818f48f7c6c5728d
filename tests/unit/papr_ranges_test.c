/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/grace.h"
#include "papr/ranges.h"
#include "rig.h"

static struct ioas_ranges ranges;

static void end(void *arg)
{
	(void)arg;
	ioas_ranges_fini(&ranges);
}

static void begin(struct rig *r)
{
	memset(&ranges, 0, sizeof(ranges));
	rig_defer(r, end, NULL);
}

static int insert(uint64_t first, uint64_t last, uint64_t value)
{
	const struct ioas_range range = {first, last, value};

	return ioas_ranges_insert(&ranges, &range);
}

static uint64_t find(uint64_t number)
{
	struct ioas_range range;
	uint64_t value;

	ioas_grace_enter(IOAS_GRACE_GUEST);
	value = ioas_ranges_find(&ranges, number, &range);
	ioas_grace_leave(IOAS_GRACE_GUEST);
	if (value)
		assert_true(range.first <= number && number <= range.last);
	return value;
}

static void nothing_is_in_an_empty_one(struct rig *r)
{
	struct ioas_range range;

	begin(r);
	assert_true(find(0) == 0);
	assert_true(find(UINT64_MAX) == 0);
	assert_true(ioas_ranges_erase(&ranges, 0) == 0);
	assert_true(ioas_ranges_find_values(&ranges, 0, UINT64_MAX, &range) ==
	            0);
}

static void ranges_are_found_by_each_of_their_numbers(struct rig *r)
{
	begin(r);
	rig_ok(r, insert(10, 19, 1));
	rig_ok(r, insert(0, 4, 2));
	rig_ok(r, insert(UINT64_MAX, UINT64_MAX, 3));
	rig_ok(r, insert(20, 20, 4));
	assert_true(find(0) == 2 && find(4) == 2);
	assert_true(find(5) == 0 && find(9) == 0);
	assert_true(find(10) == 1 && find(19) == 1);
	assert_true(find(20) == 4 && find(21) == 0);
	assert_true(find(UINT64_MAX) == 3 && find(UINT64_MAX - 1) == 0);
}

static void ranges_do_not_overlap(struct rig *r)
{
	static const struct ioas_range bad[] = {{10, 19, 9}, {0, 10, 9},
	                                        {19, 40, 9}, {0, 99, 9},
	                                        {12, 12, 9}, {0, 30, 9}};
	unsigned int i;

	begin(r);
	rig_ok(r, insert(10, 19, 1));
	rig_ok(r, insert(30, 39, 2));
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		rig_fails(r, ioas_ranges_insert(&ranges, &bad[i]), -EEXIST);
	rig_ok(r, insert(20, 29, 3));
	assert_true(find(15) == 1 && find(25) == 3 && find(35) == 2);
}

static void what_is_taken_out_leaves_its_place(struct rig *r)
{
	begin(r);
	rig_ok(r, insert(10, 19, 1));
	rig_ok(r, insert(30, 39, 2));
	assert_true(ioas_ranges_erase(&ranges, 11) == 0);
	assert_true(ioas_ranges_erase(&ranges, 10) == 1);
	assert_true(ioas_ranges_erase(&ranges, 10) == 0);
	assert_true(find(15) == 0 && find(35) == 2);
	/* Over where it was, and beyond. */
	rig_ok(r, insert(5, 29, 3));
	assert_true(find(5) == 3 && find(10) == 3 && find(29) == 3);
	assert_true(find(30) == 2);
	assert_true(ioas_ranges_erase(&ranges, 30) == 2);
	assert_true(ioas_ranges_erase(&ranges, 5) == 3);
	assert_true(find(5) == 0 && find(30) == 0);
}

static void an_insert_without_memory_changes_nothing(struct rig *r)
{
	int rc;

	begin(r);
	rig_ok(r, insert(10, 19, 1));
	rc = rig_try(r, insert(20, 29, 2));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_true(find(15) == 1);
	assert_true(find(25) == (rc ? 0 : 2));
}

static void values_are_found_where_they_lie(struct rig *r)
{
	struct ioas_range range;

	begin(r);
	rig_ok(r, insert(10, 19, 1000));
	rig_ok(r, insert(20, 29, 500));
	assert_true(ioas_ranges_find_values(&ranges, 1000, 0, &range) == 1000);
	assert_true(ioas_ranges_find_values(&ranges, 1009, 0, &range) == 1000);
	assert_true(range.first == 10 && range.last == 19);
	assert_true(ioas_ranges_find_values(&ranges, 1010, 9, &range) == 0);
	assert_true(ioas_ranges_find_values(&ranges, 990, 9, &range) == 0);
	assert_true(ioas_ranges_find_values(&ranges, 990, 10, &range) == 1000);
	assert_true(ioas_ranges_find_values(&ranges, 400, 800, &range) != 0);
	ioas_ranges_erase(&ranges, 10);
	assert_true(ioas_ranges_find_values(&ranges, 1000, 9, &range) == 0);
}

/* ---- Against a list of numbers, each with what it leads to ---- */

#define NUMBERS 64

static struct {
	uint64_t value[NUMBERS];
	uint64_t first[NUMBERS]; /* of the range that it is in */
} plain;

static void put_plain(uint64_t first, uint64_t last, uint64_t value)
{
	uint64_t i;

	for (i = first; i <= last; i++) {
		plain.value[i] = value;
		plain.first[i] = first;
	}
}

static bool is_free(uint64_t first, uint64_t last)
{
	for (; first <= last; first++)
		if (plain.value[first])
			return false;
	return true;
}

static void take_plain(uint64_t first)
{
	uint64_t value = plain.value[first], i;

	assert_true(ioas_ranges_erase(&ranges, first) == value);
	for (i = first; i < NUMBERS && plain.value[i] == value; i++)
		plain.value[i] = 0;
}

static void many_that_come_and_go_are_as_a_plain_list_has_them(struct rig *r)
{
	unsigned int turn, i;

	begin(r);
	memset(&plain, 0, sizeof(plain));
	for (turn = 1; turn < 600; turn++) {
		uint64_t at = rig_random_below(r, NUMBERS - 4);
		uint64_t last = at + rig_random_below(r, 4);

		if (is_free(at, last)) {
			rig_ok(r, insert(at, last, turn));
			put_plain(at, last, turn);
		} else if (plain.value[at] && plain.first[at] == at) {
			take_plain(at);
		} else {
			rig_fails(r, insert(at, last, turn), -EEXIST);
		}
		for (i = 0; i < NUMBERS; i++)
			assert_true(find(i) == plain.value[i]);
	}
}

RIG_MAIN("papr_ranges", RIG_TEST(nothing_is_in_an_empty_one),
         RIG_TEST(ranges_are_found_by_each_of_their_numbers),
         RIG_TEST(ranges_do_not_overlap),
         RIG_TEST(what_is_taken_out_leaves_its_place),
         RIG_TEST(an_insert_without_memory_changes_nothing),
         RIG_TEST(values_are_found_where_they_lie),
         /* As many allocations as there are turns. */
         RIG_ONCE(many_that_come_and_go_are_as_a_plain_list_has_them))
