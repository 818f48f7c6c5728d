/* SPDX-License-Identifier: MIT */
/*
 * Linux, tce_iommu_remove_window(): entries are cleared, then a group whose
 * platform cannot unset a window makes it -EPERM, half way. The first form, of
 * 2015, unset the window in all groups and cleared entries after that.
 *
 * Here: whether it can be done is known before; then entries go, then groups
 * are told (WIN-4).
 */
#include "window_rig.h"

static const struct ioas_window_group_ops cannot = {group_set, NULL};

static void what_is_refused_has_changed_nothing(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 2, RW));
	w.group[0].group.ops = &cannot;
	rig_fails(r, ioas_window_remove(w.ws, 0), -EPERM);
	assert_true(leads_to(IO, 1, RW));
	w.group[0].group.ops = &group_ops;
	w.tolds = 0;
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_int_equal(w.tolds, 1);
	assert_true(w.told[0].entry == 0);
}

RIG_MAIN("bug remove_refused_after_clearing",
         RIG_TEST(what_is_refused_has_changed_nothing))
