/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "asid/asid.h"
#include "asid_rig.h"

/* ASID-2, with and without a CPU that runs it. */
static void a_pinned_context_keeps_its_number(struct rig *r,
                                              enum ioas_asid_way way)
{
	unsigned int c = 1, round;
	uint32_t n;

	w_begin(r, way, 4, 2);
	n = w_pin(r, 0);
	for (round = 0; round < 6; round++) {
		c = w_roll(round % 2, c);
		if (round % 3 == 2)
			assert_int_equal(w_run(0, 0), n);
		assert_int_equal(w_pin(r, 0), n);
		ioas_asid_unpin(&w.context[0]);
	}
	assert_false(ioas_asid_unpin(&w.context[0]));
	assert_int_equal(w.forgets, 1);
	assert_int_equal(w.forgot, n);
}
W_BOTH(a_pinned_context_keeps_its_number)

static void pins_are_counted(struct rig *r, enum ioas_asid_way way)
{
	unsigned int i;

	w_begin(r, way, 4, 2);
	for (i = 0; i < 5; i++)
		w_pin(r, 0);
	assert_int_equal(w_report().pinned, 1);
	for (i = 0; i < 5; i++) {
		assert_int_equal(w.forgets, 0);
		assert_int_equal(w_report().pinned, 1);
		ioas_asid_unpin(&w.context[0]);
	}
	assert_int_equal(w.forgets, 1);
	assert_int_equal(w_report().pinned, 0);
	assert_int_equal(w_report().most_pinned, 1);
}
W_BOTH(pins_are_counted)

/* covers: ioas_asid_pin -ENOSPC, ioas_asid_pin_slow -ENOSPC */
static void a_refused_pin_changes_nothing(struct rig *r, enum ioas_asid_way way)
{
	struct ioas_asid_report before, after;

	w_begin(r, way, 3, 4);
	w_pin(r, 0);
	w_pin(r, 1);
	before = w_report();
	rig_fails(r, ioas_asid_pin(&w.context[2], NULL), -ENOSPC);
	after = w_report();
	assert_int_equal(after.refused, before.refused + 1);
	after.refused = before.refused;
	assert_memory_equal(&before, &after,
	                    offsetof(struct ioas_asid_report, asymmetric));
	assert_int_equal(w.context[2].id, 0);
	assert_int_equal(w.context[2].pins, 0);
	rig_fails(r, ioas_asid_pin_slow(&w.context[2], NULL), -ENOSPC);
	w_pin(r, 1);
	ioas_asid_unpin(&w.context[0]);
	w_pin(r, 2);
}
W_BOTH(a_refused_pin_changes_nothing)

/* covers: ioas_asid_pin -EOVERFLOW, ioas_asid_pin_slow -EOVERFLOW */
static void pins_do_not_overflow(struct rig *r, enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_pin(r, 0);
	w.context[0].pins = IOAS_ASID_PINS;
	rig_fails(r, ioas_asid_pin(&w.context[0], NULL), -EOVERFLOW);
	rig_fails(r, ioas_asid_pin_slow(&w.context[0], NULL), -EOVERFLOW);
	assert_int_equal(w.context[0].pins, IOAS_ASID_PINS);
}
W_BOTH(pins_do_not_overflow)

/* covers: ioas_asid_pin -ESRCH, ioas_asid_pin_slow -ESRCH */
static void exit_while_pinned_keeps_the_number(struct rig *r,
                                               enum ioas_asid_way way)
{
	unsigned int c;
	uint32_t n;

	w_begin(r, way, 4, 2);
	n = w_pin(r, 0);
	w_pin(r, 0);
	assert_false(ioas_asid_context_exit(&w.context[0]));
	rig_fails(r, ioas_asid_pin(&w.context[0], NULL), -ESRCH);
	for (c = 1; c < 60; c++)
		assert_int_not_equal(w_run(c % 2, c), n);
	ioas_asid_invalidate(&w.context[0], 0x1000, 0x1fff);
	assert_int_equal(w.invalidated.number, n);
	assert_false(ioas_asid_unpin(&w.context[0]));
	assert_int_equal(w.forgets, 0);
	assert_true(ioas_asid_unpin(&w.context[0]));
	assert_int_equal(w.forgets, 1);
	rig_fails(r, ioas_asid_pin(&w.context[0], NULL), -ESRCH);
	rig_fails(r, ioas_asid_pin_slow(&w.context[0], NULL), -ESRCH);
}
W_BOTH(exit_while_pinned_keeps_the_number)

/* ASID-8: not before the next rollover either. */
static void an_unpinned_number_waits_for_a_rollover(struct rig *r,
                                                    enum ioas_asid_way way)
{
	unsigned int c = 1;
	uint32_t n;

	w_begin(r, way, 4, 2);
	n = w_pin(r, 0);
	ioas_asid_unpin(&w.context[0]);
	assert_true(ioas_asid_context_exit(&w.context[0]));
	while (w_report().rollovers == 0) {
		uint32_t other = w_run(0, c++);

		if (w_report().rollovers == 0)
			assert_int_not_equal(other, n);
	}
}
W_BOTH(an_unpinned_number_waits_for_a_rollover)

static void pin_and_unpin(void)
{
	uint32_t n;

	if (ioas_asid_pin(&w.context[0], &n))
		abort();
	ioas_asid_unpin(&w.context[0]);
}

/* Its device may have cached what the first forget had passed already. */
static void who_pins_during_forget_is_forgotten_too(struct rig *r,
                                                    enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_pin(r, 0);
	w.meanwhile = pin_and_unpin;
	ioas_asid_unpin(&w.context[0]);
	assert_int_equal(w.forgets, 2);
	assert_int_equal(w_report().pinned, 0);
}
W_BOTH(who_pins_during_forget_is_forgotten_too)

static void pin_and_keep(void)
{
	if (ioas_asid_pin(&w.context[0], NULL))
		abort();
}

static void who_pins_during_forget_keeps_it_pinned(struct rig *r,
                                                   enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_pin(r, 0);
	w.meanwhile = pin_and_keep;
	assert_false(ioas_asid_unpin(&w.context[0]));
	assert_int_equal(w.forgets, 1);
	assert_int_equal(w_report().pinned, 1);
	ioas_asid_unpin(&w.context[0]);
	assert_int_equal(w.forgets, 2);
	assert_int_equal(w_report().pinned, 0);
}
W_BOTH(who_pins_during_forget_keeps_it_pinned)

static void exit_now(void)
{
	if (ioas_asid_context_exit(&w.context[0]))
		abort();
}

static void exit_during_forget_is_told_to_the_last(struct rig *r,
                                                   enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	w_pin(r, 0);
	w.meanwhile = exit_now;
	assert_true(ioas_asid_unpin(&w.context[0]));
}
W_BOTH(exit_during_forget_is_told_to_the_last)

static void unpin(void *context)
{
	ioas_asid_unpin(context);
}

static void an_unpin_without_a_pin_is_told(struct rig *r,
                                           enum ioas_asid_way way)
{
	w_begin(r, way, 4, 2);
	rig_breaks(r, "ASID_2", unpin, &w.context[0]);
}
W_BOTH(an_unpin_without_a_pin_is_told)

static void invalidation_is_by_context(struct rig *r, enum ioas_asid_way way)
{
	uint32_t n;

	w_begin(r, way, 4, 2);
	ioas_asid_invalidate(&w.context[0], 0, UINT64_MAX);
	assert_int_equal(w.invalidations, 0);
	n = w_run(0, 0);
	/* It runs on, under that number, whatever the generation is. */
	w_roll(1, 1);
	ioas_asid_invalidate(&w.context[0], 0x2000, 0x2fff);
	assert_int_equal(w.invalidated.number, n);
	assert_int_equal(w.invalidated.count, 1);
	assert_int_equal(w.invalidated.first, 0x2000);
	assert_int_equal(w.invalidated.last, 0x2fff);
	assert_ptr_equal(w.invalidated.context, &w.context[0]);
}
W_BOTH(invalidation_is_by_context)

RIG_MAIN("asid_pin", W_TESTS(a_pinned_context_keeps_its_number),
         W_TESTS(pins_are_counted), W_TESTS(a_refused_pin_changes_nothing),
         W_TESTS(pins_do_not_overflow),
         W_TESTS(exit_while_pinned_keeps_the_number),
         W_TESTS(an_unpinned_number_waits_for_a_rollover),
         W_TESTS(who_pins_during_forget_is_forgotten_too),
         W_TESTS(who_pins_during_forget_keeps_it_pinned),
         W_TESTS(exit_during_forget_is_told_to_the_last),
         W_TESTS(an_unpin_without_a_pin_is_told),
         W_TESTS(invalidation_is_by_context))
