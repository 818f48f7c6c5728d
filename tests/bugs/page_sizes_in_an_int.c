/* SPDX-License-Identifier: MIT */
/*
 * Linux, pseries: the mask of page sizes is gathered in an int, so pages of
 * 16 GiB (bit 34) are lost; and asking for slot 0 while the 64-bit window
 * exists falls through.
 *
 * Here: masks have 64 bits; and that is -EPERM.
 */
#include "window_rig.h"

static void each_page_size_makes_a_window(struct rig *r)
{
	static const unsigned int shift[] = {12, 16, 21, 24, 25,
	                                     26, 27, 28, 30, 34};
	unsigned int i;

	start(r, "free");
	for (i = 0; i < IOAS_ARRAY_SIZE(shift); i++) {
		const struct ioas_window_shape shape = {
			shift[i], 1, UINT64_C(4) << shift[i], HIGH};
		struct ioas_window_info info;

		assert_true(about().page_sizes >> shift[i] & 1);
		rig_ok(r, ioas_window_create(w.ws, &shape, &info));
		assert_int_equal(info.entries, 4);
		rig_ok(r, ioas_window_remove(w.ws, HIGH));
	}
}

static void slot_0_is_refused_beside_the_64_bit_window(struct rig *r)
{
	uint64_t here = 0;

	start(r, "pseries");
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &here));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_fails(r, create(12, UINT64_C(1) << 30, 1, &here), -EPERM);
}

RIG_MAIN("bug page_sizes_in_an_int", RIG_TEST(each_page_size_makes_a_window),
         RIG_TEST(slot_0_is_refused_beside_the_64_bit_window))
