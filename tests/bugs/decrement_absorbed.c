/* SPDX-License-Identifier: MIT */
/*
 * Linux, mm_iommu_mapped_dec(): it stays at 1, so that a decrement without an
 * increment is not noticed; and with one mapping left it takes that one's.
 *
 * Here: an error, at once (MEM-8).
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void put_two(void *region)
{
	ioas_region_put(region, 2);
}

static void a_decrement_too_many_is_told(struct rig *r)
{
	struct ioas_region *region;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 1));
	region = mapped(r, 0, 1);
	rig_breaks(r, "MEM_8", put_two, region);
	ioas_a64_store(&region->mapped, 1);
}

RIG_MAIN("bug decrement_absorbed", RIG_TEST(a_decrement_too_many_is_told))
