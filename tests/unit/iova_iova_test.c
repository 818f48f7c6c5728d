/* SPDX-License-Identifier: MIT */
#include "iova/iova.h"
#include "rig.h"

static struct ioas_iova_ranges ranges;

static struct ioas_reserved hole(uint64_t first, uint64_t last)
{
	return (struct ioas_reserved){.range = {first, last},
	                              .kind = IOAS_RESERVED_MSI};
}

static void begin(struct rig *r)
{
	rig_defer(r, RIG_CALL(ioas_iova_ranges_fini), &ranges);
}

static void is(unsigned int i, uint64_t first, uint64_t last)
{
	assert_true(i < ranges.count);
	assert_true(ranges.range[i].first == first);
	assert_true(ranges.range[i].last == last);
}

static int set(uint64_t last, const struct ioas_reserved *reserved,
               unsigned int count)
{
	struct iova_range aperture = {0, last};

	return ioas_iova_ranges_set(&ranges, aperture, reserved, count);
}

static void without_reserved_ranges_the_aperture_is_usable(struct rig *r)
{
	begin(r);
	rig_ok(r, set(UINT64_MAX, NULL, 0));
	assert_int_equal(ranges.count, 1);
	is(0, 0, UINT64_MAX);
}

static void a_reserved_range_splits_the_aperture(struct rig *r)
{
	struct ioas_reserved msi = hole(0xfee00000, 0xfeefffff);

	begin(r);
	rig_ok(r, set(0xffffffffffff, &msi, 1));
	assert_int_equal(ranges.count, 2);
	is(0, 0, 0xfedfffff);
	is(1, 0xfef00000, 0xffffffffffff);
}

static void reserved_ranges_at_both_ends_shorten_it(struct rig *r)
{
	struct ioas_reserved two[] = {hole(0xf000, UINT64_MAX), hole(0, 0xfff)};

	begin(r);
	rig_ok(r, set(0xffff, two, 2));
	assert_int_equal(ranges.count, 1);
	is(0, 0x1000, 0xefff);
}

static void overlapping_reserved_ranges_are_one(struct rig *r)
{
	struct ioas_reserved some[] = {hole(0x5000, 0x6fff),
	                               hole(0x2000, 0x4fff),
	                               hole(0x4000, 0x5fff)};

	begin(r);
	rig_ok(r, set(0xffff, some, 3));
	assert_int_equal(ranges.count, 2);
	is(0, 0, 0x1fff);
	is(1, 0x7000, 0xffff);
}

static void a_relaxable_direct_range_stays_usable(struct rig *r)
{
	struct ioas_reserved direct = {.range = {0x1000, 0x1fff},
	                               .kind = IOAS_RESERVED_DIRECT_RELAXABLE};

	begin(r);
	rig_ok(r, set(0xffff, &direct, 1));
	assert_int_equal(ranges.count, 1);
	direct.kind = IOAS_RESERVED_DIRECT;
	rig_ok(r, set(0xffff, &direct, 1));
	assert_int_equal(ranges.count, 2);
}

static void set_refuses_when_nothing_is_left(struct rig *r)
{
	struct iova_range inverted = {1, 0};
	struct ioas_reserved all = hole(0, UINT64_MAX);

	begin(r);
	rig_ok(r, set(0xffff, NULL, 0));
	rig_fails(r, set(0xffff, &all, 1), -EINVAL);
	rig_fails(r, ioas_iova_ranges_set(&ranges, inverted, NULL, 0), -EINVAL);
	assert_int_equal(ranges.count, 1);
	is(0, 0, 0xffff);
}

/* What one owner takes when it goes must not need memory. */
static void set_with_fewer_ranges_never_lacks_memory(struct rig *r)
{
	struct ioas_reserved many[200];
	unsigned int i, n;

	begin(r);
	for (i = 0; i < 200; i++)
		many[i] = hole(0x2000 * i + 0x1000, 0x2000 * i + 0x1fff);
	rig_ok(r, set(0xffffff, many, 200));
	assert_int_equal(ranges.count, 201);
	for (n = 200; n > 0; n--) {
		assert_int_equal(set(0xffffff, many + 200 - n, n), 0);
		assert_int_equal(ranges.count, n + 1);
	}
}

static void a_set_that_fails_changes_nothing(struct rig *r)
{
	struct ioas_reserved many[40];
	unsigned int i;

	begin(r);
	for (i = 0; i < 40; i++)
		many[i] = hole(0x2000 * i + 0x1000, 0x2000 * i + 0x1fff);
	rig_ok(r, set(0xffff, NULL, 0));
	if (rig_try(r, set(0xffffff, many, 40)) == 0)
		return;
	assert_true(rig_failed(r));
	assert_int_equal(ranges.count, 1);
	is(0, 0, 0xffff);
}

static bool usable(uint64_t first, uint64_t last)
{
	return ioas_iova_usable(&ranges, (struct iova_range){first, last});
}

static void usable_wants_one_range_around_it(struct rig *r)
{
	struct ioas_reserved msi = hole(0x4000, 0x4fff);

	begin(r);
	rig_ok(r, set(0xffff, &msi, 1));
	assert_true(usable(0, 0x3fff));
	assert_true(usable(0x5000, 0xffff));
	assert_false(usable(0x3fff, 0x4000));
	assert_false(usable(0x4fff, 0x5000));
	assert_false(usable(0x4000, 0x4fff));
	assert_false(usable(0x3000, 0x5fff));
	assert_false(usable(0xffff, 0x10000));
	assert_false(usable(2, 1));
}

#define SPAN 256

static void random_sets_match_a_plain_array(struct rig *r)
{
	unsigned int round, i, n, at;

	begin(r);
	for (round = 0; round < 300; round++) {
		struct ioas_reserved some[8];
		bool free[SPAN], any = false;

		for (at = 0; at < SPAN; at++)
			free[at] = true;
		n = (unsigned int)rig_random_below(r, 8);
		for (i = 0; i < n; i++) {
			uint64_t first = rig_random_below(r, SPAN);

			some[i] = hole(first, first + rig_random_below(r, 90));
			for (at = (unsigned int)first;
			     at < SPAN && at <= some[i].range.last; at++)
				free[at] = false;
		}
		for (at = 0; at < SPAN; at++)
			any |= free[at];
		if (any)
			rig_ok(r, set(SPAN - 1, some, n));
		else
			rig_fails(r, set(SPAN - 1, some, n), -EINVAL);
		for (at = 0; any && at < SPAN; at++)
			assert_int_equal(usable(at, at), free[at]);
	}
}

RIG_MAIN("iova_iova", RIG_TEST(without_reserved_ranges_the_aperture_is_usable),
         RIG_TEST(a_reserved_range_splits_the_aperture),
         RIG_TEST(reserved_ranges_at_both_ends_shorten_it),
         RIG_TEST(overlapping_reserved_ranges_are_one),
         RIG_TEST(a_relaxable_direct_range_stays_usable),
         RIG_TEST(set_refuses_when_nothing_is_left),
         RIG_TEST(set_with_fewer_ranges_never_lacks_memory),
         RIG_TEST(a_set_that_fails_changes_nothing),
         RIG_TEST(usable_wants_one_range_around_it),
         RIG_TEST(random_sets_match_a_plain_array))
