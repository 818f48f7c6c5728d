/* SPDX-License-Identifier: MIT */
/*
 * A switch by a plain store and a look at the generation: when another CPU has
 * renewed the context's id since the rollover, the look passes, and the flush
 * that is due on this CPU is skipped. Linux, arm64, has not got that, for there
 * the rollover puts 0 where each CPU says what it runs.
 *
 * The same happens where idle is said by a value that hides that 0: Linux,
 * arm64, VMIDs (2022), took a 0 that meant idle for a rollover.
 *
 * Here: a CPU compares with the generation that it has seen itself (ASID-5).
 */
#include "asid_rig.h"

static void it_is_flushed_all_the_same(struct rig *r, enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_run(0, 0);
	w_run(1, 1);
	w_roll(1, 2);
	w_run(1, 0);
	assert_int_equal(w.flushes[0], 1);
	w_run(0, 0);
	assert_int_equal(w.flushes[0], 2);
}
W_BOTH(it_is_flushed_all_the_same)

static void idle_does_not_hide_a_rollover(struct rig *r, enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_run(0, 0);
	w_roll(1, 1);
	ioas_asid_idle(w.cpu[0]);
	w_run(1, 0);
	w_run(0, 0);
	assert_int_equal(w.flushes[0], 2);
}
W_BOTH(idle_does_not_hide_a_rollover)

RIG_MAIN("bug flush_skipped_when_renewed_elsewhere",
         W_TESTS(it_is_flushed_all_the_same),
         W_TESTS(idle_does_not_hide_a_rollover))
