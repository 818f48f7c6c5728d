/* SPDX-License-Identifier: MIT */
/*
 * Linux in 2019: pages were turned into addresses before overlaps were looked
 * for, so the way out released addresses as if they were pages; and the counter
 * of 64 bits was changed by an exchange of 32.
 *
 * Here: what is refused last is unpinned as it was pinned (MEM-4, MEM-7); the
 * width of the counter is a type.
 */
#include "mem/backend.h"
#include "mem_rig.h"

_Static_assert(sizeof(((struct ioas_region *)0)->mapped) == 8, "64 bits");

static void what_overlaps_is_unpinned_as_it_was_pinned(struct rig *r)
{
	static struct ioas_backend_scattered scattered;
	struct ioas_backend_scattered *s = &scattered;

	ioas_backend_scattered_init(7, rig_page_shift(), s);
	start_on(r, &s->backend);
	rig_ok(r, enter(m.a, 4, 4));
	rig_fails(r, enter(m.b, 0, 8), -EINVAL);
	assert_true(ioas_a64_load(&m.unpins) == 8);
	/* The rig compares ranges, not only how much it is. */
	assert_true(rig_pinned_bytes(r) == pages(4));
}

static void counts_beyond_32_bits_are_counts(struct rig *r)
{
	struct ioas_region *region;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 1));
	region = mapped(r, 0, 1);
	assert_true(ioas_region_get(region, UINT64_C(1) << 32));
	ioas_region_put(region, 1);
	rig_fails(r, leave(m.a, 0, 1), -EBUSY);
	ioas_region_put(region, UINT64_C(1) << 32);
	rig_ok(r, leave(m.a, 0, 1));
}

RIG_MAIN("bug pages_converted_before_the_last_check",
         RIG_TEST(what_overlaps_is_unpinned_as_it_was_pinned),
         RIG_TEST(counts_beyond_32_bits_are_counts))
