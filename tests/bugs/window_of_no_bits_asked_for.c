/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.12 as a guest, ddw_memory_hotplug_max(): a machine whose memory
 * cannot grow says nothing that it could be read from, so the guest takes it
 * for 0 and asks its firmware for a window of 2^0 bytes. It is told -3, and
 * goes on without a window for all of its memory.
 *
 * Here: that answer, whatever the pages, and no window of another size in its
 * place; the default window is as it was, and the next who asks for a window
 * has it.
 */
#include "papr_rig.h"

static void no_window_has_a_size_of_2_to_the_0(struct rig *r)
{
	static const unsigned int shift[] = {12, 16, 21, 24, 30, 0};
	unsigned int i;

	guest_on(r, "power9");
	hcall_ok(r, put(0, LOW | RW));
	for (i = 0; i < IOAS_ARRAY_SIZE(shift); i++) {
		assert_int_equal(rtas_create(shift[i], 0), -3);
		assert_true(g.ret[0] == (uint32_t)-3);
	}
	assert_int_equal(about().live, 1);
	assert_true(leads_to(0, 0, RW));
	rtas_ok(r, rtas_create(16, 31));
	assert_true(g.ret[2] == 0x08000000 && g.ret[3] == 0);
	assert_int_equal(about().live, 2);
}

RIG_MAIN("bug window_of_no_bits_asked_for",
         RIG_TEST(no_window_has_a_size_of_2_to_the_0))
