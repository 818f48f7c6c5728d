/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "rig.h"

/* Under the address sanitizer memory comes from malloc(3): see alloc.c. */
#ifdef __SANITIZE_ADDRESS__
#define IS_OWN false
#elif defined(__has_feature)
#define IS_OWN (!__has_feature(address_sanitizer))
#else
#define IS_OWN true
#endif

static struct ioas_hooks h;

static void start(struct rig *r)
{
	ioas_host_hooks(&h);
}

static void all_are(const uint8_t *p, size_t bytes, uint8_t value)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		assert_int_equal(p[i], value);
}

static void every_size_is_zeroed_aligned_and_alone(struct rig *r)
{
	enum { MAX = 70000, STEP = 97 };
	static uint8_t *p[MAX / STEP + 1];
	size_t bytes, i;

	start(r);
	for (bytes = 1, i = 0; bytes < MAX; bytes += STEP, i++) {
		p[i] = h.alloc(bytes);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 64, 0);
		all_are(p[i], bytes, 0);
		memset(p[i], (int)(i % 251), bytes);
	}
	for (bytes = 1, i = 0; bytes < MAX; bytes += STEP, i++) {
		all_are(p[i], bytes, (uint8_t)(i % 251));
		h.free(p[i], bytes);
	}
}

static void powers_of_two_are_aligned_to_their_size(struct rig *r)
{
	void *p[64];
	size_t bytes, i;

	start(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(p); i++) {
		bytes = (size_t)4096 << i % 6;
		p[i] = h.alloc(bytes);
		assert_non_null(p[i]);
		assert_true((uintptr_t)p[i] % bytes == 0);
		all_are(p[i], bytes, 0);
		memset(p[i], 0x55, bytes);
		h.free(h.alloc(100 + i), 100 + i);
	}
	for (i = 0; i < IOAS_ARRAY_SIZE(p); i++) {
		all_are(p[i], (size_t)4096 << i % 6, 0x55);
		h.free(p[i], (size_t)4096 << i % 6);
	}
}

static void what_was_freed_is_used_again_and_zeroed(struct rig *r)
{
	uint8_t *p, *again;
	unsigned int i;

	start(r);
	p = h.alloc(5000);
	assert_non_null(p);
	memset(p, 0xee, 5000);
	h.free(p, 5000);
	/* Not at once: what was freed earlier comes first. */
	for (i = 0; IS_OWN && i < 1000; i++) {
		again = h.alloc(5000);
		all_are(again, 5000, 0);
		h.free(again, 5000);
		if (again == p)
			return;
	}
	assert_false(IS_OWN);
}

static void to_free_nothing_is_fine(struct rig *r)
{
	start(r);
	h.free(NULL, 100);
	h.free(NULL, 1 << 20);
}

static struct ioas_a32 wrong;

/* Blocks of few sizes, each filled by who has it. */
static void *churn(void *argument)
{
	uint8_t mark = (uint8_t)(uintptr_t)argument;
	uint8_t *p[16] = {NULL};
	unsigned int i, k;

	for (i = 0; i < 20000; i++) {
		size_t bytes = 64 + i % 3 * 512;
		uint8_t **place = &p[i % 16];

		if (*place) {
			for (k = 0; k < 64; k++)
				ioas_a32_add(&wrong, (*place)[k] != mark);
			h.free(*place, 64 + (i - 16) % 3 * 512);
		}
		*place = h.alloc(bytes);
		for (k = 0; k < 64; k++)
			ioas_a32_add(&wrong, (*place)[k] != 0);
		memset(*place, mark, bytes);
	}
	for (; i < 20016; i++)
		h.free(p[i % 16], 64 + (i - 16) % 3 * 512);
	return NULL;
}

static void threads_never_get_the_same(struct rig *r)
{
	pthread_t thread[4];
	uintptr_t i;

	start(r);
	ioas_a32_store(&wrong, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, churn,
		                                (void *)(i + 1)),
		                 0);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(ioas_a32_load(&wrong), 0);
}

static struct ioas_a32 rung;

static void ring(int number)
{
	uint8_t *p = h.alloc(100);

	ioas_a32_add(&wrong, !p || p[0] || p[99]);
	memset(p, 0x77, 100);
	h.free(p, 100);
	ioas_a32_add(&rung, 1);
}

static void *interrupt(void *argument)
{
	pthread_t *thread = argument;

	/* Signals that come close together are one: not a number of them. */
	while (ioas_a32_load(&rung) < 500) {
		pthread_kill(*thread, SIGUSR1);
		usleep(20);
	}
	return NULL;
}

/* In a handler, wherever it interrupted an allocation of the same size. */
static void a_signal_handler_may_allocate(struct rig *r)
{
	struct sigaction act = {.sa_handler = ring}, before;
	pthread_t self = pthread_self(), thread;
	uint8_t *p;

	/* malloc(3) may not be called there. */
	if (!IS_OWN)
		return;
	start(r);
	ioas_a32_store(&wrong, 0);
	ioas_a32_store(&rung, 0);
	assert_int_equal(sigaction(SIGUSR1, &act, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);
	while (ioas_a32_load(&rung) < 500) {
		p = h.alloc(100);
		ioas_a32_add(&wrong, p[0] || p[99]);
		memset(p, 0x33, 100);
		h.free(p, 100);
	}
	pthread_join(thread, NULL);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	assert_int_equal(ioas_a32_load(&wrong), 0);
}

static void a_forked_child_goes_on(struct rig *r)
{
	int status;
	pid_t child;

	start(r);
	child = fork();
	if (!child) {
		ioas_host_alloc_forked();
		churn((void *)9);
		_exit(ioas_a32_load(&wrong) ? 1 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Once: nothing here is of the rig's own allocator. */
RIG_MAIN("host_alloc", RIG_ONCE(every_size_is_zeroed_aligned_and_alone),
         RIG_ONCE(powers_of_two_are_aligned_to_their_size),
         RIG_ONCE(what_was_freed_is_used_again_and_zeroed),
         RIG_ONCE(to_free_nothing_is_fine),
         RIG_ONCE(threads_never_get_the_same),
         RIG_ONCE(a_signal_handler_may_allocate),
         RIG_ONCE(a_forked_child_goes_on))
