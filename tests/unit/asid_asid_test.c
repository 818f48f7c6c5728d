/* SPDX-License-Identifier: MIT */
#include "asid/asid.h"
#include "asid_rig.h"

static void a_number_stays_within_a_generation(struct rig *r,
                                               enum ioas_asid_way way)
{
	uint32_t n[10];
	unsigned int i;

	w_begin(r, way, 4, 2);
	for (i = 0; i < 10; i++)
		n[i] = w_run(0, i);
	for (i = 0; i < 10; i++)
		assert_int_equal(w_run(i % 2, i), n[i]);
	assert_int_equal(w_report().rollovers, 0);
	assert_int_equal(w_report().taken, 10);
}
W_BOTH(a_number_stays_within_a_generation)

/* ASID-1, and ASID-5 by the caches of the rig. */
static void no_cache_ever_has_anothers_entries(struct rig *r,
                                               enum ioas_asid_way way)
{
	unsigned int i;

	w_begin(r, way, 4, 4);
	for (i = 0; i < 20000; i++)
		w_run((unsigned int)rig_random_below(r, 4),
		      (unsigned int)rig_random_below(r, 25));
	assert_true(w_report().rollovers > 100);
}
W_BOTH(no_cache_ever_has_anothers_entries)

static void who_runs_keeps_its_number_over_rollovers(struct rig *r,
                                                     enum ioas_asid_way way)
{
	unsigned int c = 1, round;
	uint32_t n;

	w_begin(r, way, 4, 2);
	n = w_run(0, 0);
	for (round = 0; round < 5; round++)
		c = w_roll(1, c);
	/* CPU 0 has not switched at all meanwhile. */
	assert_int_equal(w_run(1, 0), n);
	assert_int_equal(w_run(0, 0), n);
	assert_int_equal(w.renumberings, 0);
}
W_BOTH(who_runs_keeps_its_number_over_rollovers)

/* ASID-5: once for each CPU, at its first switch after a rollover. */
static void a_cache_is_flushed_once_after_a_rollover(struct rig *r,
                                                     enum ioas_asid_way way)
{
	unsigned int c;

	w_begin(r, way, 4, 2);
	w_run(0, 0);
	w_run(1, 1);
	c = w_roll(1, 2);
	assert_int_equal(w.flushes[0], 1);
	assert_int_equal(w.flushes[1], 2);
	/* Renewed by another CPU: CPU 0 has to flush all the same. */
	w_run(1, 0);
	w_run(0, 0);
	assert_int_equal(w.flushes[0], 2);
	w_run(0, c - 1);
	assert_int_equal(w.flushes[0], 2);
	assert_int_equal(w_report().flushes, 4);
}
W_BOTH(a_cache_is_flushed_once_after_a_rollover)

static void broadcast_flushes_all_at_the_rollover(struct rig *r,
                                                  enum ioas_asid_way way)
{
	unsigned int c;

	w.config =
		(struct ioas_asid_config){.flush = IOAS_ASID_FLUSH_BROADCAST};
	w_begin(r, way, 4, 2);
	memset(&w.config, 0, sizeof(w.config));
	w_run(0, 0);
	c = w_roll(1, 1);
	assert_int_equal(w.broadcasts, 1);
	w_roll(0, c);
	assert_int_equal(w.broadcasts, 2);
	assert_int_equal(w.flushes[0] + w.flushes[1], 0);
}
W_BOTH(broadcast_flushes_all_at_the_rollover)

static void an_idle_cpu_keeps_no_number(struct rig *r, enum ioas_asid_way way)
{
	w_begin(r, way, 2, 2);
	w_run(0, 0);
	ioas_asid_idle(w.cpu[0]);
	w_run(1, 1);
	/* Of 1, 2, 3 only CPU 1 keeps one, whatever CPU 0 had run. */
	w_roll(1, 2);
	assert_int_equal(w_report().taken, 2);
	w_run(0, 0);
}
W_BOTH(an_idle_cpu_keeps_no_number)

static void another_number_is_told(struct rig *r, enum ioas_asid_way way)
{
	uint32_t n, was;
	unsigned int c;

	w_begin(r, way, 4, 2);
	was = w_run(0, 0);
	w_run(0, 1);
	c = w_roll(1, 2);
	/* Somebody has it now. */
	while (w.context[c - 1].id % 16 != was)
		w_run(1, c++);
	w.renumberings = 0;
	n = w_run(0, 0);
	assert_int_not_equal(n, was);
	assert_int_equal(w.renumberings, 1);
	assert_ptr_equal(w.renumbered.context, &w.context[0]);
	assert_int_equal(w.renumbered.number, n);
	assert_true(w.renumbered.generation > 0);
}
W_BOTH(another_number_is_told)

static void a_context_begins_anew_in_used_memory(struct rig *r,
                                                 enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_pin(r, 0);
	ioas_asid_unpin(&w.context[0]);
	assert_true(ioas_asid_context_exit(&w.context[0]));
	memset(&w.context[0], 0xa5, sizeof(w.context[0]));
	ioas_asid_context_init(w.asids, &w.context[0]);
	assert_int_equal(w_report().pinned, 0);
	w_run(0, 0);
	w_pin(r, 0);
	assert_false(ioas_asid_unpin(&w.context[0]));
	assert_int_equal(w_report().pinned, 0);
}
W_BOTH(a_context_begins_anew_in_used_memory)

static void run_dead(void *context)
{
	ioas_asid_switch(w.cpu[0], context);
}

static void a_context_that_exited_does_not_run(struct rig *r,
                                               enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	assert_true(ioas_asid_context_exit(&w.context[0]));
	rig_breaks(r, "ASID_11", run_dead, &w.context[0]);
}
W_BOTH(a_context_that_exited_does_not_run)

static void roll_over(void *arg)
{
	w_roll(0, 0);
}

static void the_generation_never_wraps(struct rig *r, enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w.asids->generation.cell = IOAS_ASID_IDLE - 32;
	w_roll(0, 0);
	rig_breaks(r, "ASID_12", roll_over, NULL);
}
W_BOTH(the_generation_never_wraps)

static void short_switches_have_no_barrier(struct rig *r)
{
	uint64_t before, slow;
	unsigned int i;

	w_begin(r, IOAS_ASID_ASYMMETRIC, 4, 1);
	for (i = 0; i < 8; i++)
		w_run(0, i);
	before = rig_barriers(r);
	slow = w_report().slow;
	for (i = 0; i < 800; i++)
		w_run(0, i % 8);
	assert_int_equal(w_report().slow, slow);
	assert_int_equal(rig_barriers(r), before);
	w_roll(0, 8);
	assert_int_equal(rig_barriers(r), before + 1);
}

RIG_MAIN("asid_asid", W_TESTS(a_number_stays_within_a_generation),
         W_TESTS(no_cache_ever_has_anothers_entries),
         W_TESTS(who_runs_keeps_its_number_over_rollovers),
         W_TESTS(a_cache_is_flushed_once_after_a_rollover),
         W_TESTS(broadcast_flushes_all_at_the_rollover),
         W_TESTS(an_idle_cpu_keeps_no_number), W_TESTS(another_number_is_told),
         W_TESTS(a_context_begins_anew_in_used_memory),
         W_TESTS(a_context_that_exited_does_not_run),
         W_TESTS(the_generation_never_wraps),
         RIG_TEST(short_switches_have_no_barrier))
