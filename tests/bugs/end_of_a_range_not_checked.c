/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.12, iommu_tce_check_ioba(): the number of pages is ignored, so map,
 * unmap and a guest's lists are checked by their first page; behind the end of
 * the window memory beside its table is taken for entries. 7.3 looks at the
 * number, but a map still passes 1.
 *
 * Here: one function checks all of a range, for every entry point (WIN-1).
 */
#include "window_rig.h"

static void nothing_behind_the_end_is_touched(struct rig *r)
{
	const uint64_t end = UINT64_C(1) << 28;
	const uint64_t entry[] = {0, 0};
	const struct ioas_window_list list = {end - IO, entry, 2, true};

	start(r, "power9");
	window_at_0(r);
	rig_fails(r, map(end - IO, 0, 2, RW), -EINVAL);
	rig_fails(r, unmap(end - IO, 2), -EINVAL);
	rig_fails(r, ioas_windows_put(w.ws, &list), -EINVAL);
	rig_ok(r, map(end - IO, 0, 1, RW));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, leave(uaddr(0), PAGES * IO));
}

RIG_MAIN("bug end_of_a_range_not_checked",
         RIG_TEST(nothing_behind_the_end_is_touched))
