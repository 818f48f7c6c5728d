/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "pci/post.h"
#include "rig.h"

static struct ioas_post post;

static struct ioas_posted numbered(uint64_t value)
{
	return (struct ioas_posted){.offset = 8, .value = value, .size = 4};
}

static void empty(void)
{
	memset(&post, 0, sizeof(post));
	ioas_post_init(&post);
}

static uint64_t take(void)
{
	struct ioas_posted store;

	assert_true(ioas_post_next(&post, &store));
	ioas_post_take(&post);
	return store.value;
}

static void what_was_put_is_taken_in_order(struct rig *r)
{
	struct ioas_posted store;
	uint64_t i, put = 0;

	empty();
	assert_false(ioas_post_any(&post));
	assert_false(ioas_post_next(&post, &store));
	/* Many times around. */
	for (i = 0; i < 5 * IOAS_POST_SLOTS; i++) {
		store = numbered(put++);
		assert_true(ioas_post_try(&post, &store));
		store = numbered(put++);
		ioas_post_put(&post, &store);
		assert_true(ioas_post_any(&post));
		assert_int_equal(take(), 2 * i);
		assert_int_equal(take(), 2 * i + 1);
	}
	assert_false(ioas_post_any(&post));
}

static void a_full_queue_takes_nothing(struct rig *r)
{
	struct ioas_posted store;
	uint64_t i;

	empty();
	for (i = 0; i < IOAS_POST_SLOTS; i++) {
		store = numbered(i);
		assert_true(ioas_post_try(&post, &store));
	}
	store = numbered(i);
	assert_false(ioas_post_try(&post, &store));
	assert_int_equal(take(), 0);
	assert_true(ioas_post_try(&post, &store));
	assert_false(ioas_post_try(&post, &store));
	for (i = 1; i <= IOAS_POST_SLOTS; i++)
		assert_int_equal(take(), i);
}

#define WRITERS 3
#define EACH    20000

static void *put_many(void *arg)
{
	uint64_t writer = (uintptr_t)arg, i;
	struct ioas_posted store;

	for (i = 1; i <= EACH; i++) {
		store = numbered(writer << 32 | i);
		ioas_post_put(&post, &store);
	}
	return NULL;
}

/* Writers wait for room, since who takes is one against three. */
static void POST_1_holds_with_many_writers(struct rig *r)
{
	uint64_t last[WRITERS] = {0}, taken = 0;
	bool in_order = true;
	struct ioas_posted store;
	pthread_t t[WRITERS];
	uintptr_t i;

	empty();
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&t[i], NULL, put_many, (void *)i), 0);
	while (taken < WRITERS * EACH) {
		if (!ioas_post_next(&post, &store))
			continue;
		ioas_post_take(&post);
		i = store.value >> 32;
		in_order &= (uint32_t)store.value == ++last[i];
		taken++;
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
	assert_true(in_order);
	assert_false(ioas_post_any(&post));
	assert_int_equal(ioas_a32_load(&post.waiting), 0);
}

/* ---- The bell ---- */

static struct ioas_bell bell;
static struct ioas_a64 sum;
static struct ioas_a32 finished;

static bool any(void *context)
{
	return ioas_post_any(&post) || ioas_a32_load(&finished);
}

static void *sleep_and_take(void *arg)
{
	struct ioas_posted store;

	while (ioas_post_any(&post) || !ioas_a32_load(&finished)) {
		if (!ioas_post_next(&post, &store)) {
			ioas_bell_sleep(&bell, UINT64_MAX, any, NULL);
			continue;
		}
		ioas_post_take(&post);
		ioas_a64_add(&sum, store.value);
	}
	return NULL;
}

/* A ring that got lost would end this test by its time limit. */
static void
POST_2_holds_between_one_that_sleeps_and_one_that_rings(struct rig *r)
{
	struct ioas_posted store;
	uint64_t i, before;
	pthread_t t;

	empty();
	ioas_a64_store(&sum, 0);
	ioas_a32_store(&finished, 0);
	assert_int_equal(pthread_create(&t, NULL, sleep_and_take, NULL), 0);
	for (i = 1; i <= 5000; i++) {
		before = ioas_a64_load(&sum);
		store = numbered(i);
		ioas_post_put(&post, &store);
		ioas_bell_ring(&bell);
		/* Now and then it is waited for, so that it is asleep. */
		while (i % 3 == 0 && ioas_a64_load(&sum) == before)
			ioas_hooks.relax(20);
	}
	ioas_a32_store(&finished, 1);
	ioas_bell_ring(&bell);
	pthread_join(t, NULL);
	assert_int_equal(ioas_a64_load(&sum), 5000 * 5001 / 2);
}

static bool never(void *context)
{
	return false;
}

static void a_bell_sleeps_until_its_deadline(struct rig *r)
{
	uint64_t until = ioas_hooks.now() + 2000000;

	while (ioas_hooks.now() < until)
		ioas_bell_sleep(&bell, until, never, NULL);
	assert_false(ioas_bell_ring(&bell));
}

static bool always(void *context)
{
	return true;
}

static void a_bell_does_not_sleep_when_there_is_work(struct rig *r)
{
	ioas_bell_sleep(&bell, UINT64_MAX, always, NULL);
	assert_int_equal(ioas_a32_load(&bell.asleep), 0);
}

RIG_MAIN("pci_post", RIG_TEST(what_was_put_is_taken_in_order),
         RIG_TEST(a_full_queue_takes_nothing),
         RIG_TEST(POST_1_holds_with_many_writers),
         RIG_TEST(POST_2_holds_between_one_that_sleeps_and_one_that_rings),
         RIG_TEST(a_bell_sleeps_until_its_deadline),
         RIG_TEST(a_bell_does_not_sleep_when_there_is_work))
