/* SPDX-License-Identifier: MIT */
/*
 * Linux, mm_iommu_lookup(): the pointer is used when the read section has
 * ended, and MAP and UNMAP do not take the container's lock. libvfn 5.1 does
 * the same: it finds a mapping, drops the read lock, and frees it, so two
 * unmaps race.
 *
 * Here: what is found outlives its section by a count only, taken inside of it
 * (MEM-9). While one is held nothing of the region goes, whatever others do.
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void a_count_outlives_every_end(struct rig *r)
{
	struct ioas_region *region;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 1);
	ioas_holder_destroy(m.a);
	m.a = NULL;
	ioas_registry_settle(m.registry);
	assert_true(rig_pinned_bytes(r) == pages(4));
	/* Two that end the same: one of them is the last. */
	ioas_region_mark_dirty(region, page(0), 1);
	ioas_region_put(region, 1);
	ioas_registry_settle(m.registry);
	ioas_registry_settle(m.registry);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&m.dirty_pages) == 1);
}

static void two_unregisters_of_one_range_end_it_once(struct rig *r)
{
	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, leave(m.a, 0, 4));
	rig_fails(r, leave(m.a, 0, 4), -ENOENT);
	ioas_registry_settle(m.registry);
	assert_true(ioas_a64_load(&m.unpins) == 4);
}

RIG_MAIN("bug region_used_after_its_section",
         RIG_TEST(a_count_outlives_every_end),
         RIG_TEST(two_unregisters_of_one_range_end_it_once))
