/* SPDX-License-Identifier: MIT */
/*
 * A probe with doorbells in BAR 0. What the model sees is noted in a list,
 * under the device's lock, since the device's thread calls it too.
 */
#include <sched.h>

#include "pci_probe.h"

#define BELLS   0x1000
#define BYTES   0x1000
#define CONTROL 0x14

static struct ioas_model bell_model;

/* What reached the model, by the offset and value of each store. */
#define SEEN_MAX 4096
static struct ioas_a32 seen_count;
static struct {
	uint64_t offset, value;
} seen[SEEN_MAX];
static struct ioas_a32 hold; /* the model waits while it is set */

static void note(struct probe *p)
{
	uint32_t n = ioas_a32_load(&seen_count);

	while (ioas_a32_load(&hold))
		sched_yield();
	seen[n % SEEN_MAX].offset = p->offset;
	seen[n % SEEN_MAX].value = p->value;
	ioas_a32_store(&seen_count, n + 1);
}

static struct ioas_device *device_with(struct rig *r, const char *key,
                                       const char *value)
{
	static struct ioas_option option;
	struct ioas_device_request request = {
		.model = &bell_model,
		.bdf = {.bus = 1},
		.options = &option,
		.option_count = key ? 1 : 0,
	};
	struct ioas_device *dev = NULL;

	option = (struct ioas_option){key, value};
	bell_model = probe_model;
	bell_model.doorbells.bar = 0;
	bell_model.doorbells.offset = BELLS;
	bell_model.doorbells.bytes = BYTES;
	bell_model.doorbells.width = 4;
	ioas_a32_store(&seen_count, 0);
	ioas_a32_store(&hold, 0);
	rig_ok(r, ioas_device_create(&request, &dev, NULL));
	rig_defer(r, RIG_CALL(ioas_device_destroy), dev);
	probe_of(dev)->inside = note;
	return dev;
}

static struct ioas_device *threaded(struct rig *r)
{
	struct ioas_device *dev = device_with(r, "mode", "thread");

	rig_ok(r, ioas_device_expect(dev, 0, 0, 0x4000));
	return dev;
}

static void wait_for(uint32_t count)
{
	while (ioas_a32_load(&seen_count) < count)
		sched_yield();
}

static void refuses(struct rig *r, const struct ioas_model *model,
                    const struct ioas_option *options, unsigned int count,
                    const char *words)
{
	struct ioas_device_request request = {
		.model = model, .options = options, .option_count = count};
	char text[IOAS_FAILURE_TEXT] = "";
	struct ioas_device *dev = NULL;

	rig_fails(r, ioas_device_create(&request, &dev, text), -EINVAL);
	assert_non_null(strstr(text, words));
	assert_null(dev);
}

static void options_that_make_no_sense_are_refused(struct rig *r)
{
	static const struct ioas_option odd = {"mode", "odd"};
	static const struct ioas_option soon = {"latency", "soon"};
	static const struct ioas_option late = {"latency", "5us"};
	static const struct ioas_option both[] = {{"mode", "inline"},
	                                          {"latency", "5us"}};

	device_with(r, NULL, NULL);
	refuses(r, &bell_model, &odd, 1, "mode=odd");
	refuses(r, &bell_model, &soon, 1, "latency=soon is not a time");
	refuses(r, &bell_model, both, 2, "mode=inline has none");
	refuses(r, &probe_model, &late, 1, "has none");
}

static void a_device_is_adaptive_unless_told(struct rig *r)
{
	assert_int_equal(device_with(r, NULL, NULL)->runner.mode,
	                 IOAS_MODE_ADAPTIVE);
	assert_int_equal(device_with(r, "mode", "inline")->runner.mode,
	                 IOAS_MODE_INLINE);
	assert_int_equal(device_with(r, "latency", "1ms")->runner.mode,
	                 IOAS_MODE_THREAD);
	/* Without doorbells there is nothing to adapt. */
	assert_int_equal(probe_device(r)->runner.mode, IOAS_MODE_INLINE);
}

static void no_thread_is_made_before_it_is_needed(struct rig *r)
{
	struct ioas_device *dev = device_with(r, "mode", "thread");

	assert_null(dev->runner.thread);
	rig_ok(r, ioas_device_expect(dev, 2, 0, 0x1000));
	rig_ok(r, ioas_device_expect(dev, 0, 0, BELLS));
	rig_ok(r, ioas_device_expect(dev, 0, BELLS + BYTES, 0x1000));
	assert_null(dev->runner.thread);
	rig_ok(r, ioas_device_expect(dev, 0, 0, BELLS + 4));
	assert_non_null(dev->runner.thread);
	rig_ok(r, ioas_device_expect(dev, 0, 0, BELLS + 4));
}

static void a_posted_doorbell_does_not_wait_for_the_model(struct rig *r)
{
	struct ioas_device *dev = threaded(r);
	unsigned int i;

	ioas_a32_store(&hold, 1);
	for (i = 0; i < IOAS_POST_SLOTS; i++)
		ioas_device_store(dev, 0, BELLS + 8, 4, i);
	assert_int_equal(ioas_a32_load(&seen_count), 0);
	ioas_a32_store(&hold, 0);
	wait_for(IOAS_POST_SLOTS);
	for (i = 0; i < IOAS_POST_SLOTS; i++)
		assert_int_equal(seen[i].value, i);
	assert_int_equal(ioas_a64_load(&dev->stats.trapped), IOAS_POST_SLOTS);
}

static void RUN_1_a_register_comes_after_the_doorbells_before_it(struct rig *r)
{
	struct ioas_device *dev = threaded(r);
	unsigned int i;

	for (i = 0; i < 100; i++) {
		ioas_device_store(dev, 0, BELLS, 4, i);
		ioas_device_store(dev, 0, BELLS + 4, 4, i);
		ioas_device_store(dev, 0, CONTROL, 4, i);
		assert_int_equal(ioas_a32_load(&seen_count), 3 * i + 3);
		assert_int_equal(seen[3 * i].offset, BELLS);
		assert_int_equal(seen[3 * i + 1].offset, BELLS + 4);
		assert_int_equal(seen[3 * i + 2].offset, CONTROL);
	}
}

static void
RUN_1_configuration_comes_after_the_doorbells_before_it(struct rig *r)
{
	struct ioas_device *dev = threaded(r);

	ioas_device_store(dev, 0, BELLS, 4, 1);
	config_set(dev, 4, 2, 0);
	assert_int_equal(ioas_a32_load(&seen_count), 1);
	/* Memory decoding is off now: nobody hears it. */
	ioas_device_store(dev, 0, BELLS, 4, 2);
	config_set(dev, 4, 2, 2);
	assert_int_equal(ioas_a32_load(&seen_count), 1);
}

static void latency_holds_a_doorbell_back(struct rig *r)
{
	struct ioas_device *dev = device_with(r, "latency", "3ms");
	uint64_t begin;

	rig_ok(r, ioas_device_expect(dev, 0, BELLS, BYTES));
	begin = ioas_hooks.now();
	ioas_device_store(dev, 0, BELLS, 4, 1);
	ioas_device_store(dev, 0, BELLS, 4, 2);
	wait_for(2);
	assert_true(ioas_hooks.now() - begin >= 3000000);
	/* Another register does not wait, and takes them with it. */
	ioas_device_store(dev, 0, BELLS, 4, 3);
	ioas_device_store(dev, 0, CONTROL, 4, 4);
	assert_int_equal(ioas_a32_load(&seen_count), 4);
}

static void RUN_2_a_reset_drops_what_was_posted(struct rig *r)
{
	struct ioas_device *dev = device_with(r, "latency", "2ms");
	uint64_t until;

	rig_ok(r, ioas_device_expect(dev, 0, BELLS, BYTES));
	ioas_device_store(dev, 0, BELLS, 4, 1);
	ioas_device_reset(dev);
	until = ioas_hooks.now() + 6000000;
	while (ioas_hooks.now() < until)
		sched_yield();
	assert_int_equal(ioas_a32_load(&seen_count), 0);
}

static void a_device_ends_with_doorbells_on_their_way(struct rig *r)
{
	struct ioas_device *dev = device_with(r, "latency", "1s");

	rig_ok(r, ioas_device_expect(dev, 0, BELLS, BYTES));
	ioas_device_store(dev, 0, BELLS, 4, 1);
}

/* ---- Doors ---- */

struct test_doors {
	struct ioas_doors doors;
	struct ioas_a32 cell[BYTES / 4];
	struct ioas_a32 allowed; /* 1: open now */
	struct ioas_a32 times;   /* opened */
	bool refuse;
};

/*
 * As a page: a store hits a door that is open when it does, or it faults. A
 * store here holds the lock, so that the doors do not close within it.
 */
static struct ioas_lock page;

static bool allow(struct ioas_doors *doors)
{
	struct test_doors *t = (struct test_doors *)(void *)doors;

	if (t->refuse)
		return false;
	ioas_a32_add(&t->times, 1);
	ioas_a32_store(&t->allowed, 1);
	return true;
}

static void trap(struct ioas_doors *doors)
{
	struct test_doors *t = (struct test_doors *)(void *)doors;

	ioas_lock(&page);
	ioas_a32_store(&t->allowed, 0);
	ioas_unlock(&page);
}

static struct test_doors the_doors;
static struct ioas_device *the_device;

static void take_back(void *arg)
{
	ioas_device_doors_take_back(the_device, arg);
}

static struct test_doors *doors_for(struct rig *r, struct ioas_device *dev)
{
	struct test_doors *t = &the_doors;

	memset(t, 0, sizeof(*t));
	t->doors = (struct ioas_doors){
		.cell = t->cell,
		.cells = BYTES / 4,
		.offset = BELLS,
		.allow = allow,
		.trap = trap,
	};
	assert_true(ioas_device_wants_doors(dev, 0, BELLS, BYTES));
	if (!rig_try(r, ioas_device_doors_give(dev, &t->doors))) {
		assert_true(rig_failed(r));
		rig_leave(r);
	}
	the_device = dev;
	rig_defer(r, take_back, &t->doors);
	return t;
}

/* As the program: a store, or a fault and a store by its handler. */
static void ring(struct ioas_device *dev, struct test_doors *t, unsigned int i,
                 uint32_t value)
{
	bool open;

	ioas_lock(&page);
	open = ioas_a32_load(&t->allowed);
	if (open)
		ioas_a32_store(&t->cell[i], value);
	ioas_unlock(&page);
	if (!open)
		ioas_device_store(dev, 0, BELLS + i * 4, 4, value);
}

static void make_hot(struct ioas_device *dev, struct test_doors *t)
{
	uint32_t i;

	for (i = 0; !ioas_a32_load(&t->allowed); i++)
		ioas_device_store(dev, 0, BELLS, 4, i);
}

static void doors_are_for_whole_pages_of_doorbells(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);

	assert_true(ioas_device_wants_doors(dev, 0, BELLS, BYTES));
	assert_false(ioas_device_wants_doors(dev, 2, BELLS, BYTES));
	assert_false(ioas_device_wants_doors(dev, 0, 0, 0x2000));
	assert_false(ioas_device_wants_doors(dev, 0, BELLS, 2 * BYTES));
	assert_false(ioas_device_wants_doors(dev, 0, 0x2000, 0x1000));
	assert_false(ioas_device_wants_doors(device_with(r, "mode", "inline"),
	                                     0, BELLS, BYTES));
}

static void a_device_has_doors_of_one_kind(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	struct test_doors other = *t;

	assert_false(ioas_device_doors_give(dev, &other.doors));
	/* To take back what it does not have changes nothing. */
	ioas_device_doors_take_back(dev, &other.doors);
	assert_ptr_equal(dev->runner.doors, &t->doors);
}

static void
doors_open_when_doorbells_come_often_and_close_when_idle(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);

	make_hot(dev, t);
	while (ioas_a32_load(&t->allowed))
		sched_yield();
	make_hot(dev, t);
	assert_true(ioas_a32_load(&t->times) >= 2);
	assert_true(ioas_a64_load(&dev->stats.wakes) >= 1);
}

static void pause_us(unsigned int us)
{
	uint64_t until = ioas_hooks.now() + us * 1000;

	while (ioas_hooks.now() < until)
		sched_yield();
}

/* The value that reached the model last from cell @i. */
static uint64_t last_of(unsigned int i)
{
	uint32_t n = ioas_a32_load(&seen_count);

	while (n && seen[n - 1].offset != BELLS + i * 4)
		n--;
	return n ? seen[n - 1].value : 0;
}

/* The pauses let the doors be closed now and then. */
static void RUN_3_no_doorbell_is_lost_when_doors_close(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	uint32_t value;

	for (value = 1; value <= 1500; value++) {
		ring(dev, t, 5, value);
		if (value % 300 == 0)
			pause_us(400);
	}
	ioas_device_doors_take_back(dev, &t->doors);
	assert_int_equal(ioas_a32_load(&t->allowed), 0);
	assert_false(dev->runner.open);
	assert_int_equal(last_of(5), 1500);
}

/* RUN-1: a register comes after what lies in the cells. */
static void RUN_1_holds_with_open_doors(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	uint32_t value, n;

	for (value = 1; value <= 1000; value++) {
		ring(dev, t, 3, value);
		ioas_device_store(dev, 0, CONTROL, 4, value);
		n = ioas_a32_load(&seen_count);
		assert_int_equal(last_of(3), value);
		assert_int_equal(seen[n - 1].offset, CONTROL);
	}
}

static void a_value_that_is_stored_again_is_seen_again(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	uint32_t n, tries = 0;

	do {
		make_hot(dev, t);
		n = ioas_a32_load(&seen_count);
		ring(dev, t, 7, 42);
		wait_for(n + 1);
		n = ioas_a32_load(&seen_count);
		ring(dev, t, 7, 42);
		wait_for(n + 1);
	} while (!ioas_a64_load(&dev->stats.polled) && ++tries < 100);
	assert_true(ioas_a64_load(&dev->stats.polled) > 0);
}

static void RUN_2_a_reset_drops_what_lies_in_a_cell(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	uint32_t n;

	make_hot(dev, t);
	/* Under the lock nobody takes what is stored before the reset does. */
	ioas_lock(&dev->lock);
	if (dev->runner.open)
		ioas_a32_store(&t->cell[9], 1);
	ioas_device_reset_locked(dev);
	n = ioas_a32_load(&seen_count);
	ioas_unlock(&dev->lock);
	pause_us(500);
	assert_int_equal(ioas_a32_load(&seen_count), n);
}

static void doors_that_cannot_open_do_no_harm(struct rig *r)
{
	struct ioas_device *dev = device_with(r, NULL, NULL);
	struct test_doors *t = doors_for(r, dev);
	unsigned int i;

	t->refuse = true;
	for (i = 0; i < 1000; i++)
		ioas_device_store(dev, 0, BELLS, 4, i);
	assert_int_equal(ioas_a32_load(&seen_count), 1000);
}

RIG_MAIN("pci_runner", RIG_TEST(options_that_make_no_sense_are_refused),
         RIG_TEST(a_device_is_adaptive_unless_told),
         RIG_TEST(no_thread_is_made_before_it_is_needed),
         RIG_TEST(a_posted_doorbell_does_not_wait_for_the_model),
         RIG_TEST(RUN_1_a_register_comes_after_the_doorbells_before_it),
         RIG_TEST(RUN_1_configuration_comes_after_the_doorbells_before_it),
         RIG_TEST(latency_holds_a_doorbell_back),
         RIG_TEST(RUN_2_a_reset_drops_what_was_posted),
         RIG_TEST(a_device_ends_with_doorbells_on_their_way),
         RIG_TEST(doors_are_for_whole_pages_of_doorbells),
         RIG_TEST(a_device_has_doors_of_one_kind),
         RIG_TEST(doors_open_when_doorbells_come_often_and_close_when_idle),
         RIG_TEST(RUN_3_no_doorbell_is_lost_when_doors_close),
         RIG_TEST(RUN_1_holds_with_open_doors),
         RIG_TEST(a_value_that_is_stored_again_is_seen_again),
         RIG_TEST(RUN_2_a_reset_drops_what_lies_in_a_cell),
         RIG_TEST(doors_that_cannot_open_do_no_harm))
