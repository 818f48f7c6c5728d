/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.12 and 7.3, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: with live mappings it
 * answers 0. The look-up takes a count itself, so the put that refuses is the
 * second one, whose result is dropped: the region stays pinned, charged and
 * translated, and nobody has it any more.
 *
 * Here: -EBUSY, and everything is as it was (MEM-3).
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void mapped_memory_is_not_unregistered(struct rig *r)
{
	struct ioas_region *region;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 4);
	rig_fails(r, leave(m.a, 0, 4), -EBUSY);
	assert_true(found(3) && report().regions == 1);
	ioas_region_put(region, 4);
	/* It was not forgotten whose it is. */
	rig_ok(r, leave(m.a, 0, 4));
	ioas_registry_settle(m.registry);
	assert_true(rig_pinned_bytes(r) == 0 && report().charged == 0);
}

RIG_MAIN("bug unregister_of_mapped_memory",
         RIG_TEST(mapped_memory_is_not_unregistered))
