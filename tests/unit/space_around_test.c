/* SPDX-License-Identifier: MIT */
#include "rig_hooks.h"
#include "space/space.h"
#include "space_rig.h"

static struct ioas_space_around around(uint64_t iova)
{
	struct ioas_space_around a;

	assert_true(ioas_space_around_try(s.space, (struct iova){iova}, &a));
	return a;
}

static void an_empty_space_has_nothing_around(struct rig *r)
{
	struct ioas_space_around a;

	start(r, rig_page_shift(), 48);
	a = around(0x1000000);
	assert_int_equal(a.at.perm, 0);
	assert_int_equal(a.below.perm, 0);
	assert_int_equal(a.above.perm, 0);
}

static void the_nearest_mappings_are_found(struct rig *r)
{
	uint64_t base;
	struct ioas_space_around a;

	start(r, rig_page_shift(), 48);
	base = bytes_of(100);
	rig_ok(r, map_to(0, 1, memory_at(0), RW));
	ioas_a32_store(&rig_call_site, 9);
	rig_ok(r, map_to(base, 2, memory_at(1), IOAS_READ));
	rig_ok(r, map_to(base + bytes_of(4), 1, memory_at(3), IOAS_WRITE));
	rig_ok(r, map_to(base + bytes_of(9), 1, memory_at(4), RW));

	/* In the hole between the second and the third. */
	a = around(base + bytes_of(3));
	assert_int_equal(a.at.perm, 0);
	assert_true(a.below.range.first == base);
	assert_true(a.below.range.last == base + bytes_of(2) - 1);
	assert_int_equal(a.below.site, 9);
	assert_true(a.above.range.first == base + bytes_of(4));
	assert_int_equal(a.above.perm, IOAS_WRITE);

	/* In the second: it is no neighbour of its own. */
	a = around(base + bytes_of(1));
	assert_int_equal(a.at.perm, IOAS_READ);
	assert_true(a.at.uaddr.raw == (uintptr_t)memory_at(1));
	assert_true(a.below.range.first == 0);
	assert_true(a.above.range.first == base + bytes_of(4));

	/* Beyond all, and at both ends of the numbers. */
	a = around(base + bytes_of(20));
	assert_true(a.below.range.first == base + bytes_of(9));
	assert_int_equal(a.above.perm, 0);
	a = around(UINT64_MAX);
	assert_int_equal(a.above.perm, 0);
	a = around(0);
	assert_int_equal(a.at.perm, RW);
	assert_int_equal(a.below.perm, 0);
}

static void a_space_that_is_being_changed_is_not_waited_for(struct rig *r)
{
	struct ioas_space_around a = {.at = {.perm = 77}};

	start(r, rig_page_shift(), 48);
	ioas_lock(&s.space->lock);
	assert_false(ioas_space_around_try(s.space, (struct iova){0}, &a));
	ioas_unlock(&s.space->lock);
	assert_int_equal(a.at.perm, 77);
	around(0);
}

RIG_MAIN("space_around", RIG_TEST(an_empty_space_has_nothing_around),
         RIG_TEST(the_nearest_mappings_are_found),
         RIG_TEST(a_space_that_is_being_changed_is_not_waited_for))
