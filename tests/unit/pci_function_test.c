/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>

#include "base/grace.h"
#include "pci_probe.h"

#define COMMAND 0x04

static void a_bdf_is_written_as_linux_does(struct rig *r)
{
	char text[IOAS_BDF_TEXT];

	ioas_bdf_format((struct ioas_bdf){0, 1, 0, 0}, text);
	assert_string_equal(text, "0000:01:00.0");
	ioas_bdf_format((struct ioas_bdf){0xffff, 0xfe, 0x1f, 7}, text);
	assert_string_equal(text, "ffff:fe:1f.7");
}

static void a_new_device_is_in_power_on_state_and_no_space(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	assert_string_equal(dev->name, "0000:01:00.0");
	assert_null(ioas_aptr_load(&dev->space));
	assert_int_equal(dev->irq.mode, IOAS_IRQ_OFF);
	assert_int_equal(dev->irq.count, 0);
	assert_ptr_equal(probe_of(dev)->dev, dev);
}

static void create_says_that_there_is_no_memory(struct rig *r)
{
	struct ioas_device_request request = {.model = &probe_model};
	char text[IOAS_FAILURE_TEXT] = "untouched";
	struct ioas_device *dev = NULL;
	int err = rig_try(r, ioas_device_create(&request, &dev, text));

	if (!err) {
		assert_string_equal(text, "untouched");
		ioas_device_destroy(dev);
		return;
	}
	assert_true(rig_failed(r));
	assert_int_equal(err, -ENOMEM);
	assert_null(dev);
	assert_string_equal(text, "out of memory");
}

static void create_gives_the_models_errno_and_words(struct rig *r)
{
	static const struct ioas_option option = {"fail", "you"};
	struct ioas_device_request request = {
		.model = &probe_model, .options = &option, .option_count = 1};
	char text[IOAS_FAILURE_TEXT] = "";
	struct ioas_device *dev = NULL;

	rig_fails(r, ioas_device_create(&request, &dev, text), -EACCES);
	assert_string_equal(text, "told to: you");
	assert_null(dev);
	rig_fails(r, ioas_device_create(&request, &dev, NULL), -EACCES);
}

static void destroy_takes_null(struct rig *r)
{
	ioas_device_destroy(NULL);
	assert_int_equal(rig_live(r), 0);
}

static void bar_sizes_are_those_of_the_model(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	assert_int_equal(ioas_device_bar_size(dev, 0), 0x4000);
	assert_int_equal(ioas_device_bar_size(dev, 1), 0);
	assert_int_equal(ioas_device_bar_size(dev, 2), 0x1000);
	assert_int_equal(ioas_device_bar_size(dev, 4), UINT64_C(1) << 33);
	assert_int_equal(ioas_device_bar_size(dev, 6), 0);
	assert_int_equal(ioas_device_bar_size(dev, UINT32_MAX), 0);
}

static void a_load_gives_the_bytes_asked_for(struct rig *r)
{
	static const struct {
		unsigned int size;
		uint64_t value;
	} row[] = {
		{1, 0x11},
		{2, 0x2211},
		{4, 0x44332211},
		{8, UINT64_C(0x8877665544332211)},
	};
	struct ioas_device *dev = probe_device(r);
	struct probe *p = probe_of(dev);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		assert_int_equal(ioas_device_load(dev, 0, 0x18, row[i].size),
		                 row[i].value);
		assert_int_equal(p->size, row[i].size);
		assert_int_equal(p->bar, 0);
		assert_int_equal(p->offset, 0x18);
		ioas_device_store(dev, 0, 0x20, row[i].size, UINT64_MAX);
		assert_int_equal(p->value,
		                 row[i].size == 8
		                         ? UINT64_MAX
		                         : ioas_mask_lg2(8 * row[i].size));
		assert_int_equal(p->offset, 0x20);
	}
	assert_int_equal(ioas_a64_load(&dev->stats.loads), 4);
	assert_int_equal(ioas_a64_load(&dev->stats.stores), 4);
}

static void reset_keeps_configuration_but_for_power(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	struct probe_ear *ear = probe_ear();

	config_set(dev, COMMAND, 2, 0x0406);
	config_set(dev, 0x10, 4, 0xfe000000);
	config_set(dev, dev->cap_pm + 4, 1, 3);
	ioas_device_reset(dev);
	assert_int_equal(probe_of(dev)->resets, 1);
	assert_int_equal(config_get(dev, COMMAND, 2), 0x0406);
	assert_int_equal(config_get(dev, 0x10, 4), 0xfe000004);
	assert_int_equal(config_get(dev, dev->cap_pm + 4, 2), 0x0008);
	assert_int_equal(ear->count[IOAS_EVENT_RESET], 1);
	assert_string_equal(ear->last.device, "0000:01:00.0");
}

static void restart_resets_the_model_and_takes_mastering_away(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	struct probe_ear *ear = probe_ear();

	config_set(dev, COMMAND, 2, 0x0404);
	ioas_device_restart(dev);
	assert_int_equal(probe_of(dev)->resets, 1);
	assert_int_equal(config_get(dev, COMMAND, 2), 0x0002);
	assert_int_equal(ear->count[IOAS_EVENT_RESET], 1);
}

/* ---- Threads ---- */

#define ROUNDS 20000

static struct ioas_a32 running, overlaps;

static void alone(struct probe *p)
{
	if (ioas_a32_add(&running, 1) != 1)
		ioas_a32_add(&overlaps, 1);
	ioas_a32_add(&running, -1u);
}

static void *store_many(void *dev)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		ioas_device_store(dev, 0, 0, 4, i);
	return NULL;
}

static void FN_1_the_model_runs_one_call_at_a_time(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	pthread_t other;

	ioas_a32_store(&overlaps, 0);
	probe_of(dev)->inside = alone;
	assert_int_equal(pthread_create(&other, NULL, store_many, dev), 0);
	store_many(dev);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(ioas_a32_load(&overlaps), 0);
	assert_int_equal(probe_of(dev)->stores, 2 * ROUNDS);
	assert_int_equal(ioas_a64_load(&dev->stats.stores), 2 * ROUNDS);
}

/* 1: the device is in its section; 2: it may leave; 3: it has left */
static struct ioas_a32 stage;
static uint32_t stage_at_detach;

static void *hold_a_section(void *dev)
{
	ioas_dma_begin(dev);
	ioas_a32_store(&stage, 1);
	while (ioas_a32_load(&stage) != 2)
		sched_yield();
	ioas_a32_store(&stage, 3);
	ioas_dma_end(dev);
	return NULL;
}

static void *detach(void *dev)
{
	ioas_device_attach(dev, NULL);
	stage_at_detach = ioas_a32_load(&stage);
	return NULL;
}

static void FN_2_detach_waits_for_dma_that_began_before(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	struct ioas_space space = {.id = 7};
	pthread_t reader, writer;

	ioas_a32_store(&stage, 0);
	ioas_device_attach(dev, &space);
	assert_int_equal(pthread_create(&reader, NULL, hold_a_section, dev), 0);
	while (ioas_a32_load(&stage) != 1)
		sched_yield();
	assert_int_equal(pthread_create(&writer, NULL, detach, dev), 0);
	/* The pointer goes at once, before the wait. */
	while (ioas_aptr_load(&dev->space))
		sched_yield();
	ioas_a32_store(&stage, 2);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(stage_at_detach, 3);
}

/* ---- Peer to peer ---- */

static void peers_load_and_store(struct rig *r)
{
	struct ioas_device *from = probe_device(r), *to = probe_device(r);
	struct ioas_peer_access access = {from, to, 0, 4, 0x10};
	uint64_t value = 0;

	rig_ok(r, ioas_device_peer_store(&access, 0x1122334455));
	assert_int_equal(probe_of(to)->stores, 1);
	assert_int_equal(probe_of(to)->offset, 0x10);
	assert_int_equal(probe_of(to)->value, 0x22334455);
	rig_ok(r, ioas_device_peer_load(&access, &value));
	assert_int_equal(value, 0x44332211);
	assert_false(to->serves_peer);
	assert_null(ioas_aptr_load(&from->waits_for));
	config_set(to, 4, 2, 0);
	rig_fails(r, ioas_device_peer_store(&access, 1), -EIO);
	rig_fails(r, ioas_device_peer_load(&access, &value), -EIO);
	assert_int_equal(probe_of(to)->stores, 1);
}

static void who_serves_a_peer_is_no_peer(struct rig *r)
{
	struct ioas_device *from = probe_device(r), *to = probe_device(r);
	struct ioas_peer_access access = {from, to, 0, 4, 0};

	from->serves_peer = true;
	rig_fails(r, ioas_device_peer_store(&access, 1), -EIO);
	from->serves_peer = false;
	rig_ok(r, ioas_device_peer_store(&access, 1));
}

/* Each holds its own lock and wants the other's: one of them gets it. */
static struct ioas_peer_access crossed[2];
static int crossed_err[2];
static struct ioas_a32 holding;

static void *cross(void *access)
{
	struct ioas_peer_access *a = access;
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_lock(&a->from->lock);
	ioas_a32_add(&holding, 1);
	while (ioas_a32_load(&holding) < 2)
		sched_yield();
	crossed_err[a - crossed] = ioas_device_peer_store(a, 1);
	ioas_unlock(&a->from->lock);
	ioas_hooks.signals_restore(&saved);
	return NULL;
}

static void of_two_that_wait_for_each_other_one_gives_up(struct rig *r)
{
	struct ioas_device *a = probe_device(r), *b = probe_device(r);
	pthread_t one, two;

	crossed[0] = (struct ioas_peer_access){a, b, 0, 4, 0};
	crossed[1] = (struct ioas_peer_access){b, a, 0, 4, 0};
	ioas_a32_store(&holding, 0);
	assert_int_equal(pthread_create(&one, NULL, cross, &crossed[0]), 0);
	assert_int_equal(pthread_create(&two, NULL, cross, &crossed[1]), 0);
	assert_int_equal(pthread_join(one, NULL), 0);
	assert_int_equal(pthread_join(two, NULL), 0);
	/* The lower one. */
	assert_int_equal(crossed_err[0], a < b ? -EIO : 0);
	assert_int_equal(crossed_err[1], a < b ? 0 : -EIO);
}

/* Threads and their grace slots do not allocate the same each time. */
RIG_MAIN("pci_function", RIG_TEST(a_bdf_is_written_as_linux_does),
         RIG_TEST(a_new_device_is_in_power_on_state_and_no_space),
         RIG_TEST(create_says_that_there_is_no_memory),
         RIG_TEST(create_gives_the_models_errno_and_words),
         RIG_TEST(destroy_takes_null),
         RIG_TEST(bar_sizes_are_those_of_the_model),
         RIG_TEST(a_load_gives_the_bytes_asked_for),
         RIG_TEST(reset_keeps_configuration_but_for_power),
         RIG_TEST(restart_resets_the_model_and_takes_mastering_away),
         RIG_TEST(peers_load_and_store), RIG_TEST(who_serves_a_peer_is_no_peer),
         RIG_ONCE(of_two_that_wait_for_each_other_one_gives_up),
         RIG_ONCE(FN_1_the_model_runs_one_call_at_a_time),
         RIG_ONCE(FN_2_detach_waits_for_dma_that_began_before))
