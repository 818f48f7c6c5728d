/* SPDX-License-Identifier: MIT */
/*
 * Linux, MAP_DMA of sPAPR v2 that races with an unregister: the increment
 * fails, the loop is left with the result 0, and the call succeeds with part
 * of its range mapped.
 *
 * Here: all counts of a range are taken in one step or none is, and what is
 * going says so (MEM-9). What the call itself undoes belongs to its container.
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void all_counts_are_taken_or_none(struct rig *r)
{
	struct ioas_mapping what;
	struct ioas_region *region;
	struct ioas_mapped got = {.phys = 1};

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 1);
	ioas_region_put(region, 1);
	/* The moment in which it has ended and is still found. */
	assert_true(ioas_count_end(&region->mapped, false));
	what = mapping(0, 4);
	rig_fails(r, ioas_registry_get(m.registry, &what, &got), -ENXIO);
	assert_true(got.phys == 1);
	assert_true(ioas_a64_load(&region->mapped) == 0);
	ioas_a64_store(&region->mapped, 1);
}

RIG_MAIN("bug success_with_a_part_mapped",
         RIG_TEST(all_counts_are_taken_or_none))
