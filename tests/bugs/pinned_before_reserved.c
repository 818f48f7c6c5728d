/* SPDX-License-Identifier: MIT */
/*
 * Linux, arm64, pinned ASIDs, first version (2018): a context that is pinned
 * was found to be so before it was looked for among what CPUs kept. One ran on
 * CPU 1 all along; after a rollover it was pinned, and switched to on CPU 2:
 * its id was renewed, and CPU 1's slot was not. Unpinned, it got another number
 * after the next rollover, while CPU 1 ran it under the old one.
 *
 * And the search may not stop at the first CPU that has it.
 *
 * Here: all slots are rewritten, pinned or not (ASID-3).
 */
#include "asid_rig.h"

static void its_slot_is_rewritten(struct rig *r, enum ioas_asid_way way)
{
	unsigned int c = 1, i;
	uint32_t n;

	w_begin(r, way, 3, 3);
	n = w_run(1, 0);
	c = w_roll(0, c);
	assert_int_equal(w_pin(r, 0), n);
	assert_int_equal(w_run(2, 0), n);
	ioas_asid_unpin(&w.context[0]);
	for (i = 0; i < 4; i++) {
		c = w_roll(0, c);
		/* CPU 1 has not switched: it runs under n. */
		assert_int_equal(w_run(2, 0), n);
	}
}
W_BOTH(its_slot_is_rewritten)

static void all_slots_are_rewritten(struct rig *r, enum ioas_asid_way way)
{
	unsigned int c = 1;
	uint32_t n;

	w_begin(r, way, 4, 4);
	n = w_run(1, 0);
	assert_int_equal(w_run(2, 0), n);
	c = w_roll(0, c);
	assert_int_equal(w_run(3, 0), n);
	w_run(3, c);
	w_roll(0, c + 1);
	assert_int_equal(w_run(3, 0), n);
	assert_int_equal(w_run(2, c) != n, true);
	assert_int_equal(w_run(2, 0), n);
}
W_BOTH(all_slots_are_rewritten)

RIG_MAIN("bug pinned_before_reserved", W_TESTS(its_slot_is_rewritten),
         W_TESTS(all_slots_are_rewritten))
