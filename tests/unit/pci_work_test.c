/* SPDX-License-Identifier: MIT */
/*
 * A probe whose stores say how many pieces of work there are to do, and when
 * the first may begin.
 */
#include <sched.h>

#include "pci_probe.h"

#define BELL 0x1000
#define WAIT 0x10 /* a store there: so many ns before the next piece */
#define HOUR UINT64_C(3600000000000)
#define MS   UINT64_C(1000000)

static struct ioas_model work_model;
static struct ioas_a32 left, done; /* pieces */
static struct ioas_a32 slow;       /* each takes a while */
static struct ioas_a64 begin;      /* not before this time */
static struct ioas_a32 seen;       /* pieces done when the last store came */

static void ask_for_work(struct probe *p)
{
	ioas_a32_store(&seen, ioas_a32_load(&done));
	if (p->offset == BELL)
		ioas_a32_store(&left, (uint32_t)p->value);
	if (p->offset == WAIT)
		ioas_a64_store(&begin, ioas_device_now(p->dev) + p->value);
}

static uint64_t work(void *state)
{
	const struct probe *p = state;

	if (!ioas_a32_load(&left))
		return IOAS_WORK_NONE;
	if (ioas_device_now(p->dev) < ioas_a64_load(&begin))
		return ioas_a64_load(&begin);
	if (ioas_a32_load(&slow))
		sched_yield();
	ioas_a32_add(&done, 1);
	return ioas_a32_add(&left, UINT32_MAX) ? IOAS_WORK_NOW : IOAS_WORK_NONE;
}

static void reset(void *state)
{
	probe_reset(state);
	ioas_a32_store(&left, 0);
}

static struct ioas_device *device(struct rig *r, const char *mode)
{
	static struct ioas_option option;
	struct ioas_device_request request = {
		.model = &work_model,
		.bdf = {.bus = 1},
		.options = &option,
		.option_count = mode ? 1 : 0,
	};
	struct ioas_device *dev = NULL;

	option = (struct ioas_option){"mode", mode};
	work_model = probe_model;
	work_model.work = work;
	work_model.reset = reset;
	work_model.doorbells = (struct ioas_doorbells){0, BELL, 2, 2};
	ioas_a32_store(&left, 0);
	ioas_a32_store(&done, 0);
	ioas_a32_store(&slow, 0);
	ioas_a64_store(&begin, 0);
	rig_ok(r, ioas_device_create(&request, &dev, NULL));
	rig_defer(r, RIG_CALL(ioas_device_destroy), dev);
	probe_of(dev)->inside = ask_for_work;
	return dev;
}

static void without_a_thread_the_store_does_all_of_it(struct rig *r)
{
	struct ioas_device *dev = device(r, "inline");

	ioas_device_store(dev, 0, BELL, 2, 1000);
	assert_int_equal(ioas_a32_load(&done), 1000);
	assert_true(ioas_device_store_try(dev, 0, BELL, 2, 5));
	assert_int_equal(ioas_a32_load(&done), 1005);
}

static void a_model_with_work_is_never_polled(struct rig *r)
{
	struct ioas_device *dev = device(r, NULL);

	assert_int_equal(dev->runner.mode, IOAS_MODE_INLINE);
	assert_false(ioas_device_wants_doors(dev, 0, BELL, 2));
}

static void wait_for(uint32_t pieces)
{
	while (ioas_a32_load(&done) < pieces)
		sched_yield();
}

/* More than any store does itself: the thread has to have done the rest. */
#define MANY 0x7fffffff

static void what_takes_long_is_left_to_the_thread(struct rig *r)
{
	static const char *const modes[] = {"inline", "thread", NULL};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(modes); i++) {
		struct ioas_device *dev = device(r, modes[i]);

		rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
		ioas_device_store(dev, 0, BELL, 4, MANY);
		ioas_device_store(dev, 0, 8, 4, 0);
		assert_true(ioas_a32_load(&left) > 0);
		/* Others get in, and a reset ends it. */
		ioas_device_load(dev, 0, 8, 4);
		ioas_device_reset(dev);
		assert_int_equal(ioas_a32_load(&left), 0);
		ioas_a32_store(&done, 0);
		ioas_device_store(dev, 0, BELL, 4, 100);
		wait_for(100);
		assert_int_equal(ioas_a32_load(&done), 100);
	}
}

static void a_device_ends_in_the_middle_of_its_work(struct rig *r)
{
	struct ioas_device *dev = device(r, "thread");

	ioas_a32_store(&slow, 1);
	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, BELL, 4, MANY);
	wait_for(1);
	assert_true(ioas_a32_load(&left) > 0);
}

static void another_register_brings_posted_work_to_the_thread(struct rig *r)
{
	struct ioas_device *dev = device(r, "thread");

	dev->runner.latency = HOUR;
	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, BELL, 2, 50);
	assert_int_equal(ioas_a32_load(&done), 0);
	ioas_device_store(dev, 0, 8, 4, 0);
	wait_for(50);
	assert_int_equal(ioas_a32_load(&done), 50);
}

/* ---- Pieces that have a time. ---- */

static uint64_t time_now;
static uint64_t (*real_now)(void);

static uint64_t fake_now(void)
{
	return time_now;
}

static void bring_clock_back(void *arg)
{
	ioas_hooks.now = real_now;
}

static void stop_clock(struct rig *r)
{
	real_now = ioas_hooks.now;
	time_now = HOUR;
	ioas_hooks.now = fake_now;
	rig_defer(r, bring_clock_back, NULL);
}

static void without_a_thread_an_access_takes_up_what_is_due(struct rig *r)
{
	struct ioas_device *dev = device(r, "inline");
	unsigned int i;

	stop_clock(r);
	for (i = 0; i < 2; i++) {
		ioas_device_store(dev, 0, WAIT, 4, 1000);
		ioas_device_store(dev, 0, BELL, 2, 3);
		time_now += 999;
		ioas_device_load(dev, 0, 8, 4);
		ioas_device_store(dev, 0, 8, 4, 0);
		assert_int_equal(ioas_a32_load(&done), 3 * i);
		time_now += 1;
		if (i)
			ioas_device_load(dev, 0, 8, 4);
		else
			ioas_device_store(dev, 0, 8, 4, 0);
		assert_int_equal(ioas_a32_load(&done), 3 * i + 3);
	}
	/* RUN-1: it was to be done before that store came. */
	ioas_device_store(dev, 0, WAIT, 4, 1000);
	ioas_device_store(dev, 0, BELL, 2, 3);
	time_now += 1000;
	ioas_device_store(dev, 0, 8, 4, 0);
	assert_int_equal(ioas_a32_load(&seen), 9);
}

static void the_thread_wakes_up_for_what_is_due(struct rig *r)
{
	static const char *const modes[] = {"inline", "thread", NULL};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(modes); i++) {
		struct ioas_device *dev = device(r, modes[i]);
		uint64_t before = ioas_hooks.now();

		rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
		ioas_device_store(dev, 0, WAIT, 4, 3 * MS);
		ioas_device_store(dev, 0, BELL, 2, 50);
		wait_for(50);
		assert_true(ioas_hooks.now() - before >= 3 * MS);
		assert_int_equal(ioas_a32_load(&done), 50);
	}
}

static struct ioas_a64 slept_until;
static void (*real_wait_until)(const struct ioas_a32 *word, uint32_t was,
                               uint64_t deadline);

static void note_wait(const struct ioas_a32 *word, uint32_t was,
                      uint64_t deadline)
{
	ioas_a64_store(&slept_until, deadline);
	real_wait_until(word, was, deadline);
}

static void stop_noting(void *arg)
{
	ioas_hooks.wait_until = real_wait_until;
}

static void the_thread_sleeps_until_it_is_time(struct rig *r)
{
	struct ioas_device *dev;

	real_wait_until = ioas_hooks.wait_until;
	ioas_a64_store(&slept_until, 0);
	ioas_hooks.wait_until = note_wait;
	rig_defer(r, stop_noting, NULL);
	dev = device(r, "inline");
	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, WAIT, 8, HOUR);
	ioas_device_store(dev, 0, BELL, 2, 5);
	while (ioas_a64_load(&slept_until) != ioas_a64_load(&begin))
		sched_yield();
	assert_int_equal(ioas_a32_load(&done), 0);
}

static void another_time_is_heard_by_the_thread_that_sleeps(struct rig *r)
{
	struct ioas_device *dev = device(r, "inline");

	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, BELL, 2, 1);
	ioas_device_store(dev, 0, WAIT, 8, HOUR);
	ioas_device_store(dev, 0, BELL, 2, 5);
	while (!ioas_a32_load(&dev->runner.bell.asleep))
		sched_yield();
	assert_int_equal(ioas_a32_load(&done), 1);
	ioas_device_store(dev, 0, WAIT, 4, MS);
	wait_for(6);
}

static void RUN_2_a_reset_forgets_what_was_due_later(struct rig *r)
{
	struct ioas_device *dev = device(r, "thread");

	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, WAIT, 8, HOUR);
	ioas_device_store(dev, 0, BELL, 2, 5);
	ioas_device_store(dev, 0, 8, 4, 0);
	ioas_device_reset(dev);
	assert_true(ioas_a64_load(&dev->runner.due) == IOAS_WORK_NONE);
	/* What comes after it does not wait. */
	ioas_a64_store(&begin, 0);
	ioas_device_store(dev, 0, BELL, 2, 5);
	wait_for(5);
	/* And the device ends with something due in an hour. */
	ioas_device_store(dev, 0, WAIT, 8, HOUR);
	ioas_device_store(dev, 0, BELL, 2, 5);
}

/* With a thread; the latency is constant from when that begins. */
static struct ioas_device *late_device(struct rig *r, uint64_t latency)
{
	struct ioas_device *dev = device(r, "thread");

	dev->runner.latency = latency;
	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	return dev;
}

static void a_late_doorbell_does_not_hold_work(struct rig *r)
{
	struct ioas_device *dev = late_device(r, HOUR);

	ioas_device_store(dev, 0, WAIT, 4, 3 * MS);
	ioas_device_store(dev, 0, BELL, 2, 5);
	/* Another register brings that one now. */
	ioas_device_store(dev, 0, 8, 4, 0);
	ioas_device_store(dev, 0, BELL, 2, 7);
	wait_for(5);
}

static void late_work_does_not_hold_a_doorbell(struct rig *r)
{
	struct ioas_device *dev = late_device(r, 3 * MS);

	ioas_device_store(dev, 0, WAIT, 8, HOUR);
	ioas_device_store(dev, 0, BELL, 2, 7);
	ioas_device_store(dev, 0, 8, 4, 0);
	assert_int_equal(ioas_a32_load(&left), 7);
	ioas_device_store(dev, 0, BELL, 2, 9);
	while (ioas_a32_load(&left) != 9)
		sched_yield();
}

RIG_MAIN("pci_work", RIG_TEST(without_a_thread_the_store_does_all_of_it),
         RIG_TEST(a_model_with_work_is_never_polled),
         RIG_TEST(what_takes_long_is_left_to_the_thread),
         RIG_TEST(a_device_ends_in_the_middle_of_its_work),
         RIG_TEST(another_register_brings_posted_work_to_the_thread),
         RIG_TEST(without_a_thread_an_access_takes_up_what_is_due),
         RIG_TEST(the_thread_wakes_up_for_what_is_due),
         RIG_TEST(the_thread_sleeps_until_it_is_time),
         RIG_TEST(another_time_is_heard_by_the_thread_that_sleeps),
         RIG_TEST(RUN_2_a_reset_forgets_what_was_due_later),
         RIG_TEST(a_late_doorbell_does_not_hold_work),
         RIG_TEST(late_work_does_not_hold_a_doorbell))
