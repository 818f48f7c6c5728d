/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, rig_backend());
}

static void marks_are_read_and_cleared(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, PAGES));
	region = mapped(r, 0, 1);
	assert_true(ioas_region_fetch_dirty(region, 0) == 0);
	ioas_region_mark_dirty(region, page(3) + 5, 1);
	ioas_region_mark_dirty(region, page(6) - 1, 2);
	ioas_region_mark_dirty(region, page(1), 0);
	assert_true(ioas_region_fetch_dirty(region, 0) == 0x68);
	assert_true(ioas_region_fetch_dirty(region, 0) == 0);
	assert_true(ioas_region_fetch_dirty(region, 64) == 0);
	ioas_region_put(region, 1);
}

static void marks_of_many_pages_cross_words(struct rig *r)
{
	uint64_t n = 200, base;
	struct ioas_register what = {.perm = RW};
	struct ioas_mapping map = {.counts = 1, .perm = RW};
	struct ioas_mapped got;

	start(r);
	base = (uintptr_t)rig_memory(r, pages(n));
	what.start = map.start = base;
	what.length = map.length = pages(n);
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	rig_ok(r, ioas_registry_get(m.registry, &map, &got));
	ioas_region_mark_dirty(got.region, base + pages(60), pages(70));
	assert_true(ioas_region_fetch_dirty(got.region, 0) == UINT64_C(15)
	                                                              << 60);
	assert_true(ioas_region_fetch_dirty(got.region, 64) == UINT64_MAX);
	assert_true(ioas_region_fetch_dirty(got.region, 128) == 3);
	assert_true(ioas_region_fetch_dirty(got.region, 192) == 0);
	assert_true(ioas_region_fetch_dirty(got.region, 256) == 0);
	ioas_region_mark_dirty(got.region, base + pages(63), pages(2));
	ioas_region_put(got.region, 1);
}

static void pages_with_marks_are_unpinned_as_dirty(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, PAGES));
	region = mapped(r, 0, 1);
	ioas_region_mark_dirty(region, page(2), pages(3));
	ioas_region_mark_dirty(region, page(15), pages(1));
	ioas_region_put(region, 1);
	rig_ok(r, leave(m.a, 0, PAGES));
	ioas_registry_settle(m.registry);
	assert_true(ioas_a64_load(&m.dirty_pages) == 4);
	assert_true(ioas_a64_load(&m.unpins) == PAGES);
}

static void mark_outside(void *region)
{
	ioas_region_mark_dirty(region, page(1), pages(4));
}

static void MEM_5_a_mark_outside_breaks_it(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 1);
	rig_breaks(r, "MEM_5", mark_outside, region);
	ioas_region_put(region, 1);
}

static void what_is_only_read_has_no_marks(struct rig *r)
{
	struct ioas_register what;
	struct ioas_mapping map;
	struct ioas_mapped got;

	start(r);
	what = range(0, 4);
	what.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	map = mapping(0, 4);
	map.perm = IOAS_READ;
	rig_ok(r, ioas_registry_get(m.registry, &map, &got));
	ioas_region_mark_dirty(got.region, page(0), pages(4));
	assert_true(ioas_region_fetch_dirty(got.region, 0) == 0);
	ioas_region_put(got.region, 4);
}

RIG_MAIN("mem_dirty", RIG_TEST(marks_are_read_and_cleared),
         RIG_TEST(marks_of_many_pages_cross_words),
         RIG_TEST(pages_with_marks_are_unpinned_as_dirty),
         RIG_TEST(MEM_5_a_mark_outside_breaks_it),
         RIG_TEST(what_is_only_read_has_no_marks))
