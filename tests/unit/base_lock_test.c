/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/lock.h"
#include "rig.h"

#define ROUNDS 20000

static struct ioas_lock lock;
static uint64_t guarded; /* plain: the lock is what makes it right */

static void *add(void *arg)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		ioas_lock(&lock);
		guarded++;
		ioas_unlock(&lock);
	}
	return NULL;
}

static void one_thread_at_a_time_has_it(struct rig *r)
{
	pthread_t t[3];
	unsigned int i;

	guarded = 0;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, add, NULL), 0);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_true(guarded == 3 * ROUNDS);
}

static void try_fails_while_it_is_held(struct rig *r)
{
	ioas_lock(&lock);
	assert_false(ioas_lock_try(&lock));
	ioas_unlock(&lock);
	assert_true(ioas_lock_try(&lock));
	ioas_unlock(&lock);
}

static void unlock(void *arg)
{
	ioas_unlock(arg);
}

static void unlocking_a_free_lock_breaks_LOCK_1(struct rig *r)
{
	rig_breaks(r, "LOCK_1", unlock, &lock);
}

static void reset_frees_what_another_thread_held(struct rig *r)
{
	ioas_lock(&lock);
	ioas_lock_reset(&lock);
	assert_true(ioas_lock_try(&lock));
	ioas_unlock(&lock);
}

static struct ioas_light light;

static void *add_light(void *arg)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		ioas_light_lock(&light);
		guarded++;
		ioas_light_unlock(&light);
	}
	return NULL;
}

static void add_by_three(void)
{
	pthread_t t[3];
	unsigned int i;

	guarded = 0;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, add_light, NULL),
		                 0);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_true(guarded == 3 * ROUNDS);
	assert_int_equal(ioas_a32_load(&light.sleepers), 0);
}

static void one_thread_at_a_time_has_a_light_one(struct rig *r)
{
	light.fenced = !ioas_hooks.barrier();
	add_by_three();
	light.fenced = true;
	add_by_three();
}

static void unlock_light(void *arg)
{
	ioas_light_unlock(arg);
}

static void unlocking_a_free_light_one_breaks_LOCK_1(struct rig *r)
{
	rig_breaks(r, "LOCK_1", unlock_light, &light);
}

RIG_MAIN("base_lock", RIG_TEST(one_thread_at_a_time_has_it),
         RIG_TEST(try_fails_while_it_is_held),
         RIG_TEST(unlocking_a_free_lock_breaks_LOCK_1),
         RIG_TEST(reset_frees_what_another_thread_held),
         RIG_TEST(one_thread_at_a_time_has_a_light_one),
         RIG_TEST(unlocking_a_free_light_one_breaks_LOCK_1))
