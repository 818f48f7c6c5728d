/* SPDX-License-Identifier: MIT */
/*
 * Linux, tce_iommu_build_v2(), when the exchange of an entry fails: what is
 * counted down is found by the address in the slot, which is that of the old
 * entry. Its region loses a count that it needs, the new one keeps its.
 *
 * Here: who counted undoes by the region that it was given (MEM-8). That the
 * table of a window does so is a test of the window.
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void an_undo_touches_the_new_region_only(struct rig *r)
{
	struct ioas_region *old, *new;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, enter(m.a, 4, 4));
	old = mapped(r, 0, 1);
	new = mapped(r, 4, 1);
	ioas_region_put(new, 1);
	rig_fails(r, leave(m.a, 0, 4), -EBUSY);
	rig_ok(r, leave(m.a, 4, 4));
	ioas_region_put(old, 1);
	rig_ok(r, leave(m.a, 0, 4));
}

RIG_MAIN("bug undo_takes_the_old_entrys_count",
         RIG_TEST(an_undo_touches_the_new_region_only))
