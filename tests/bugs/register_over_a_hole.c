/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.12 and 7.3, VFIO_IOMMU_SPAPR_REGISTER_MEMORY: when part of a piece is
 * not there, the number of pages that were pinned is returned, a positive
 * number, and nothing is registered. A caller that tests for < 0 goes on.
 *
 * Here: -EFAULT wherever the hole is, and nothing is pinned (MEM-7).
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void a_hole_is_efault_wherever_it_is(struct rig *r)
{
	unsigned int i;

	start_on(r, rig_backend());
	rig_hole(r, m.memory + pages(5), rig_page());
	for (i = 0; i <= 5; i++) {
		rig_fails(r, enter(m.a, i, 8), -EFAULT);
		assert_true(rig_pinned_bytes(r) == 0);
		assert_true(ioas_a64_load(&m.charged) == 0);
	}
	rig_ok(r, enter(m.a, 6, 8));
}

RIG_MAIN("bug register_over_a_hole", RIG_TEST(a_hole_is_efault_wherever_it_is))
