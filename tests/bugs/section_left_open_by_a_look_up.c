/* SPDX-License-Identifier: MIT */
/*
 * Linux, mm_iommu_is_devmem(): it returns true with the read lock held, so that
 * from the first device's memory on no grace period ends.
 *
 * Here: every look-up, of whatever kind and result, leaves its section.
 */
#include "base/grace.h"
#include "mem/backend.h"
#include "mem_rig.h"

static void every_look_up_leaves_its_section(struct rig *r)
{
	struct ioas_register what;
	struct ioas_region_info info;
	struct ioas_mapped got;
	struct ioas_mapping map;

	start_on(r, rig_backend());
	what = range(0, 2);
	what.flags = IOAS_REGISTER_DEVICE;
	what.phys = UINT64_C(1) << 32;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	rig_ok(r, ioas_registry_find(m.registry, page(1), 1, &info));
	assert_true(info.device && info.left == pages(1));
	assert_false(ioas_grace_inside(IOAS_GRACE_MEM));
	map = mapping(0, 2);
	rig_ok(r, ioas_registry_get(m.registry, &map, &got));
	ioas_region_put(got.region, 2);
	assert_false(ioas_grace_inside(IOAS_GRACE_MEM));
	/* A partly covered page can be refused: so many bytes are left. */
	rig_fails(r, ioas_registry_find(m.registry, page(1), pages(2), &info),
	          -ENOENT);
	rig_ok(r, leave(m.a, 0, 2));
	ioas_registry_settle(m.registry);
}

RIG_MAIN("bug section_left_open_by_a_look_up",
         RIG_TEST(every_look_up_leaves_its_section))
