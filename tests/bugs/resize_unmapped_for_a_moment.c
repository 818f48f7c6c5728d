/* SPDX-License-Identifier: MIT */
/*
 * DPDK, sPAPR (reworked in 2020): a window that has to grow is removed, made
 * anew and mapped again; what a device does in between fails.
 *
 * Here: a window is replaced, and a device finds its memory at each moment. The
 * group is told of the new one while the old one is still what devices see.
 */
#include "window_rig.h"

static bool seen_all_the_time;

static int look_and_set(struct ioas_window_group *group,
                        const struct ioas_window_program *program)
{
	/* With the lock, as a device would have it. */
	struct ioas_translation t;

	ioas_grace_enter(IOAS_GRACE_DMA);
	if (ioas_space_translate(w.ws->space, (struct iova){IO}, 1, IOAS_READ,
	                         &t))
		seen_all_the_time = false;
	ioas_grace_leave(IOAS_GRACE_DMA);
	return 0;
}

static const struct ioas_window_group_ops looks = {look_and_set, group_unset};

static void a_window_grows_under_a_device(struct rig *r)
{
	struct ioas_window_shape shape = {12, 3, UINT64_C(1) << 30, 0};
	struct ioas_window_info info;

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 4, RW));
	seen_all_the_time = true;
	w.group[0].group.ops = &looks;
	rig_ok(r, ioas_window_replace(w.ws, 0, &shape, &info));
	assert_true(seen_all_the_time);
	assert_true(leads_to(3 * IO, 3, RW));
	w.group[0].group.ops = &group_ops;
}

RIG_MAIN("bug resize_unmapped_for_a_moment",
         RIG_TEST(a_window_grows_under_a_device))
