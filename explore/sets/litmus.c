/* SPDX-License-Identifier: MIT */
/*
 * The engine's own test: small programs of which it is known what can happen.
 * A case named `..._is_seen` breaks OUTCOME-1 when the engine is right, the
 * others hold; tests/explore says which under which memory.
 */
#include "base/atomic.h"
#include "base/hooks.h"
#include "base/law.h"
#include "base/lock.h"
#include "explore.h"

static struct ioas_a32 x, y;
static EXPLORE_GHOST uint32_t saw[4];

/* ---- Store buffering: both loads may find 0. ---- */

static void sb_left(void)
{
	ioas_a32_store(&x, 1);
	saw[0] = ioas_a32_load(&y);
}

static void sb_right(void)
{
	ioas_a32_store(&y, 1);
	saw[1] = ioas_a32_load(&x);
}

static void sb_left_fenced(void)
{
	ioas_a32_store(&x, 1);
	ioas_fence();
	saw[0] = ioas_a32_load(&y);
}

static void sb_right_fenced(void)
{
	ioas_a32_store(&y, 1);
	ioas_fence();
	saw[1] = ioas_a32_load(&x);
}

static void sb_right_barrier(void)
{
	ioas_a32_store(&y, 1);
	ioas_hooks.barrier();
	saw[1] = ioas_a32_load(&x);
}

static void not_both_zero(void)
{
	explore_law(OUTCOME_1, saw[0] || saw[1], "both loads found 0");
}

/* ---- Message passing. ---- */

static void mp_write(void)
{
	ioas_a32_store_relaxed(&x, 1);
	ioas_a32_store(&y, 1);
}

static void mp_write_relaxed(void)
{
	ioas_a32_store_relaxed(&x, 1);
	ioas_a32_store_relaxed(&y, 1);
}

static void mp_read(void)
{
	saw[0] = ioas_a32_load(&y);
	saw[1] = ioas_a32_load(&x);
}

static void message_came(void)
{
	explore_law(OUTCOME_1, !saw[0] || saw[1], "the flag without the rest");
}

/* ---- Lost update. ---- */

static void add_in_two(void)
{
	ioas_a32_store(&x, ioas_a32_load(&x) + 1);
}

static void add_in_one(void)
{
	ioas_a32_add(&x, 1);
}

static void both_counted(void)
{
	explore_law(OUTCOME_1, ioas_a32_load(&x) == 2, "an update was lost");
}

/* ---- Plain data. ---- */

static uint32_t data;
static struct ioas_lock lock;

static void write_plain(void)
{
	data++;
}

static void write_locked(void)
{
	ioas_lock(&lock);
	data++;
	ioas_unlock(&lock);
}

static void both_written(void)
{
	explore_law(OUTCOME_1, data == 2, "an update was lost");
}

static void publish(void)
{
	data = 7;
	ioas_a32_store(&x, 1);
}

static void wait_and_read(void)
{
	while (!ioas_a32_load(&x))
		ioas_hooks.relax(0);
	explore_law(OUTCOME_1, data == 7, "not what was published");
}

/* ---- Objects, ends, waits. ---- */

static struct ioas_aptr object;

static void make_object(void)
{
	uint64_t *p = ioas_hooks.alloc(sizeof(*p));

	*p = 5;
	ioas_aptr_store(&object, p);
}

static void use_object(void)
{
	uint64_t *p = ioas_aptr_load(&object);

	if (p)
		saw[0] = (uint32_t)*p;
}

static void free_object(void)
{
	void *p = ioas_aptr_exchange(&object, NULL);

	ioas_hooks.free(p, sizeof(uint64_t));
}

static void free_twice(void)
{
	void *p = ioas_aptr_load(&object);

	ioas_hooks.free(p, sizeof(uint64_t));
}

/* Compiled as if it were not of the set; in a line that nobody else writes. */
static volatile uint32_t aside[32];

static __attribute__((no_sanitize("thread"), noinline)) void write_hidden(void)
{
	aside[16] = 1;
}

static void sleeper(void)
{
	while (!ioas_a32_load(&x))
		ioas_hooks.wait(&x, 0);
}

static void waker(void)
{
	ioas_a32_store(&x, 1);
	ioas_hooks.wake(&x);
}

static void forgets_to_wake(void)
{
	ioas_a32_store(&x, 1);
}

/* ---- Counts that are known: n threads of k steps, and rounds. ---- */

static void three_steps(void)
{
	ioas_a32_add(&x, 1);
	ioas_a32_add(&x, 1);
	ioas_a32_add(&x, 1);
}

static struct ioas_a64 clock = {EXPLORE_RANK + 1};

static void tick_for_ever(void)
{
	for (;;)
		ioas_a64_add(&clock, 1);
}

static void watch_for_ever(void)
{
	uint64_t was = ioas_a64_load(&clock), is;

	for (;;) {
		is = ioas_a64_load(&clock);
		explore_law(OUTCOME_1, is >= was, "the clock went back");
		was = is;
	}
}

static void handler(void)
{
	saw[0]++;
	ioas_a32_add(&x, 1);
	explore_law(OUTCOME_1, saw[0] < 3, "three signals came");
}

const struct explore_case explore_cases[] = {
	{"sb_is_seen", "store buffering",
         .thread = {{"left", sb_left}, {"right", sb_right}},
         .rest = not_both_zero},
	{"sb_fenced", "with a fence on both sides",
         .thread = {{"left", sb_left_fenced}, {"right", sb_right_fenced}},
         .rest = not_both_zero},
	{"sb_fenced_once_is_seen", "with a fence on one side only",
         .thread = {{"left", sb_left_fenced}, {"right", sb_right}},
         .rest = not_both_zero},
	{"sb_barrier", "plain on one side, process-wide barrier on the other",
         .thread = {{"left", sb_left}, {"right", sb_right_barrier}},
         .rest = not_both_zero},
	{"mp", "message passing by release and acquire",
         .thread = {{"writer", mp_write}, {"reader", mp_read}},
         .rest = message_came},
	{"mp_relaxed", "message passing without order",
         .thread = {{"writer", mp_write_relaxed}, {"reader", mp_read}},
         .rest = message_came},
	{"lost_update_is_seen", "add by load and store",
         .thread = {{"one", add_in_two}, {"two", add_in_two}},
         .rest = both_counted},
	{"add", "add in one",
         .thread = {{"one", add_in_one}, {"two", add_in_one}},
         .rest = both_counted},
	{"race_is_seen", "plain data without a lock",
         .thread = {{"one", write_plain}, {"two", write_plain}}},
	{"locked", "plain data under a lock",
         .thread = {{"one", write_locked}, {"two", write_locked}},
         .rest = both_written},
	{"published", "plain data behind a flag",
         .thread = {{"writer", publish}, {"reader", wait_and_read}}},
	{"waited_for_first", "a wait is the first that a thread does",
         .thread = {{"reader", wait_and_read}, {"writer", publish}}},
	{"use_after_free_is_seen", "an object freed under a reader",
         .init = make_object,
         .thread = {{"user", use_object}, {"owner", free_object}}},
	{"free_twice_is_seen", "an object freed by two", .init = make_object,
         .thread = {{"one", free_twice}, {"two", free_twice}}},
	{"unannounced", "a write that the engine is not told of",
         .thread = {{"one", write_hidden}}},
	{"sleep", "a sleeper that is woken",
         .thread = {{"sleeper", sleeper}, {"waker", waker}}},
	{"lost_wake_is_seen", "a sleeper that nobody wakes",
         .thread = {{"sleeper", sleeper}, {"waker", forgets_to_wake}}},
	{"steps", "two threads of three steps: 4 times 4 states",
         .thread = {{"one", three_steps}, {"two", three_steps}}},
	{"rounds", "a clock that never stops",
         .thread = {{"clock", tick_for_ever}, {"watch", watch_for_ever}}},
	{"signals_is_seen", "any number of signals",
         .thread = {{"one", add_in_one, handler}, {"two", add_in_one}}},
	{NULL},
};
