/* SPDX-License-Identifier: MIT */
/* A probe whose stores say how many pieces of work there are to do. */
#include <sched.h>

#include "pci_probe.h"

#define BELL 0x1000

static struct ioas_model work_model;
static struct ioas_a32 left, done; /* pieces */
static struct ioas_a32 slow;       /* each takes a while */

static void ask_for_work(struct probe *p)
{
	if (p->offset == BELL)
		ioas_a32_store(&left, (uint32_t)p->value);
}

static bool work(void *state)
{
	if (!ioas_a32_load(&left))
		return false;
	if (ioas_a32_load(&slow))
		sched_yield();
	ioas_a32_add(&done, 1);
	return ioas_a32_add(&left, UINT32_MAX) != 0;
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

	dev->runner.latency = UINT64_C(3600000000000);
	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	ioas_device_store(dev, 0, BELL, 2, 50);
	assert_int_equal(ioas_a32_load(&done), 0);
	ioas_device_store(dev, 0, 8, 4, 0);
	wait_for(50);
	assert_int_equal(ioas_a32_load(&done), 50);
}

RIG_MAIN("pci_work", RIG_TEST(without_a_thread_the_store_does_all_of_it),
         RIG_TEST(a_model_with_work_is_never_polled),
         RIG_TEST(what_takes_long_is_left_to_the_thread),
         RIG_TEST(a_device_ends_in_the_middle_of_its_work),
         RIG_TEST(another_register_brings_posted_work_to_the_thread))
