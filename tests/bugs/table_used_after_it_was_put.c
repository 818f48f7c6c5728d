/* SPDX-License-Identifier: MIT */
/*
 * Linux, KVM of POWER (CVE-2024-41070): a table of a guest is found, the
 * reference that kept it is put, and then it is used; another thread may have
 * ended it in between.
 *
 * Here: a hypercall uses what it found inside of the section in which it was
 * found, and who removes a window waits for that (PAPR-3).
 */
#include <pthread.h>

#include "papr_rig.h"

enum { NOBODY, READING, GO_ON };

static struct ioas_a32 stage, removed;
static int (*copy)(void *dst, const void *src, size_t bytes);
static int64_t answer;

/* The guest's list is read, and that takes long. */
static int copy_slowly(void *dst, const void *src, size_t bytes)
{
	unsigned int round = 0;

	if (bytes == 8) {
		ioas_a32_store(&stage, READING);
		while (ioas_a32_load(&stage) != GO_ON)
			ioas_hooks.relax(round++);
	}
	return copy(dst, src, bytes);
}

static void *maps(void *arg)
{
	answer = hypercall(IOAS_H_PUT_TCE_INDIRECT, LIOBN + 1, HIGH, LOOSE, 1);
	return NULL;
}

static void *removes(void *arg)
{
	ioas_a32_store(&removed, rtas_remove(LIOBN + 1) == 0 ? 1 : 2);
	return NULL;
}

static void a_window_outlives_the_call_that_found_it(struct rig *r)
{
	pthread_t one, other;
	unsigned int round = 0;

	guest_on(r, "power9");
	rtas_ok(r, rtas_create(12, 28));
	list(0, LOW | RW);
	ioas_a32_store(&stage, NOBODY);
	ioas_a32_store(&removed, 0);
	copy = ioas_hooks.copy;
	ioas_hooks.copy = copy_slowly;
	assert_int_equal(pthread_create(&one, NULL, maps, NULL), 0);
	while (ioas_a32_load(&stage) != READING)
		ioas_hooks.relax(round++);
	assert_int_equal(pthread_create(&other, NULL, removes, NULL), 0);
	/* Nobody finds it any more, and it is there still. */
	while (has_window(LIOBN + 1))
		ioas_hooks.relax(round++);
	for (round = 0; round < 50; round++)
		ioas_hooks.relax(round);
	assert_true(ioas_a32_load(&removed) == 0);
	assert_int_equal(about().live, 2);
	ioas_a32_store(&stage, GO_ON);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	ioas_hooks.copy = copy;
	assert_int_equal(answer, IOAS_H_SUCCESS);
	assert_true(ioas_a32_load(&removed) == 1);
	assert_int_equal(about().live, 1);
	assert_true(counts() == 0);
}

/* A failing allocation on the threads would be nobody's. */
RIG_MAIN("bug table_used_after_it_was_put",
         RIG_ONCE(a_window_outlives_the_call_that_found_it))
