/* SPDX-License-Identifier: MIT */
/*
 * Linux, tce_iommu_build_v2(): when a later page fails, the pages done are
 * cleared, those that were mapped before the call as well.
 *
 * Here: nothing is written before all can be (WIN-2).
 */
#include "window_rig.h"

static void what_was_mapped_before_is_mapped_after(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 8, 4, RW));
	rig_fails(r, map(0, PAGES - 3, 4, RW), -EINVAL);
	assert_true(leads_to(0, 8, RW) && leads_to(3 * IO, 11, RW));
	assert_int_equal(counts(), 4);
}

RIG_MAIN("bug replaced_mappings_lost_by_an_undo",
         RIG_TEST(what_was_mapped_before_is_mapped_after))
