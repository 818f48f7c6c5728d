/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/grace.h"
#include "mem/backend.h"
#include "rig_hooks.h"

#define DEFERRED_MAX 256

/*
 * Runs with failing allocations: each n up to @dense, from there on steps of
 * n / dense, so that a test with thousands of allocations ends in time.
 */
static unsigned long dense = 32;

struct deferred {
	void (*fn)(void *arg);
	void *arg;
};

struct rig_piece {
	void *start;
	size_t bytes;
};

struct rig {
	const struct rig_test *test;
	jmp_buf leave;
	const char *skipped; /* the reason, or NULL */
	uint64_t failed_at_mark;
	uint64_t random;
	unsigned int deferred_count, memory_count, event_count;
	struct deferred deferred[DEFERRED_MAX];
	struct rig_piece memory[DEFERRED_MAX];
	int event[DEFERRED_MAX];
	bool failed_before; /* a test, which left something behind */
};

static struct rig the_rig;

/* The law that rig_breaks() waits for, and where to go then. */
static const char *law_expected;
static jmp_buf law_jump;

static void law_seen(const char *law)
{
	if (!law_expected || strcmp(law, law_expected) != 0)
		return;
	law_expected = NULL;
	longjmp(law_jump, 1);
}

void rig_breaks(struct rig *r, const char *law, void (*fn)(void *arg),
                void *arg)
{
	rig_on_law = law_seen;
	law_expected = law;
	if (setjmp(law_jump) == 0) {
		fn(arg);
		law_expected = NULL;
		fail_msg("law %s was not broken", law);
	}
	rig_on_law = NULL;
}

void rig_mark(struct rig *r)
{
	r->failed_at_mark = ioas_a64_load(&rig_counts.failed);
}

bool rig_failed(const struct rig *r)
{
	return ioas_a64_load(&rig_counts.failed) != r->failed_at_mark;
}

void rig_leave(struct rig *r)
{
	longjmp(r->leave, 1);
}

bool rig_emulated(void)
{
	return rig_hooks_emulated();
}

void rig_skip(const char *reason)
{
	the_rig.skipped = reason;
	rig_leave(&the_rig);
}

void rig_want(struct rig *r, long is, long wanted,
              const struct rig_place *place)
{
	if (is == wanted)
		return;
	if (is == -ENOMEM && rig_failed(r))
		rig_leave(r);
	print_error("%s is %ld, not %ld\n", place->call, is, wanted);
	_fail(place->file, place->line);
}

long rig_want_value(struct rig *r, long is, const struct rig_place *place)
{
	if (is < 0)
		rig_want(r, is, 0, place);
	return is;
}

void *rig_want_pointer(struct rig *r, void *is, const struct rig_place *place)
{
	if (!is)
		rig_want(r, -ENOMEM, 0, place);
	return is;
}

void rig_defer(struct rig *r, void (*fn)(void *arg), void *arg)
{
	assert_true(r->deferred_count < DEFERRED_MAX);
	r->deferred[r->deferred_count++] = (struct deferred){fn, arg};
}

void rig_cancel(struct rig *r, const void *arg)
{
	unsigned int i = r->deferred_count;

	while (i-- > 0) {
		if (r->deferred[i].arg != arg)
			continue;
		r->deferred_count--;
		memmove(&r->deferred[i], &r->deferred[i + 1],
		        (r->deferred_count - i) * sizeof(r->deferred[0]));
		return;
	}
	fail_msg("nothing is deferred for %p", arg);
}

size_t rig_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

unsigned int rig_page_shift(void)
{
	return (unsigned int)__builtin_ctzl(rig_page());
}

void *rig_memory(struct rig *r, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_true(r->memory_count < DEFERRED_MAX);
	r->memory[r->memory_count++] = (struct rig_piece){p, bytes};
	return p;
}

void rig_hole(struct rig *r, void *start, size_t bytes)
{
	/* Kept reserved, so that nothing else lands in the hole. */
	assert_true(
		mmap(start, bytes, PROT_NONE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
	             -1, 0) == start);
}

void rig_read_only(struct rig *r, void *start, size_t bytes)
{
	assert_int_equal(mprotect(start, bytes, PROT_READ), 0);
}

uint64_t rig_live(const struct rig *r)
{
	return ioas_a64_load(&rig_counts.live);
}

uint64_t rig_pinned_bytes(const struct rig *r)
{
	return ioas_a64_load(&rig_counts.pinned);
}

uint64_t rig_barriers(const struct rig *r)
{
	return ioas_a64_load(&rig_counts.barriers);
}

static struct {
	pthread_t thread;
	sem_t has_read, may_end;
} reader;

static void *read_once(void *arg)
{
	ioas_grace_enter(IOAS_GRACE_DMA);
	ioas_grace_leave(IOAS_GRACE_DMA);
	sem_post(&reader.has_read);
	sem_wait(&reader.may_end);
	return arg;
}

static void end_reader(void *arg)
{
	(void)arg;
	sem_post(&reader.may_end);
	pthread_join(reader.thread, NULL);
	sem_destroy(&reader.may_end);
	sem_destroy(&reader.has_read);
}

void rig_reader(struct rig *r)
{
	assert_int_equal(sem_init(&reader.has_read, 0, 0), 0);
	assert_int_equal(sem_init(&reader.may_end, 0, 0), 0);
	assert_int_equal(pthread_create(&reader.thread, NULL, read_once, NULL),
	                 0);
	rig_defer(r, end_reader, NULL);
	sem_wait(&reader.has_read);
}

int rig_event(struct rig *r)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	assert_true(r->event_count < DEFERRED_MAX);
	r->event[r->event_count++] = fd;
	return fd;
}

uint64_t rig_event_count(struct rig *r, int event)
{
	uint64_t n = 0;

	return read(event, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

/* Marsaglia's xorshift with the shifts 13, 7, 17. */
uint64_t rig_random(struct rig *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t rig_random_below(struct rig *r, uint64_t n)
{
	return rig_random(r) % n;
}

static void run_deferred(struct rig *r)
{
	while (r->deferred_count) {
		struct deferred *d = &r->deferred[--r->deferred_count];

		d->fn(d->arg);
	}
}

static void drop_memory_and_events(struct rig *r)
{
	while (r->memory_count) {
		struct rig_piece *m = &r->memory[--r->memory_count];

		munmap(m->start, m->bytes);
	}
	while (r->event_count)
		close(r->event[--r->event_count]);
}

static void judge(void)
{
	if (ioas_a64_load(&rig_counts.live)) {
		rig_hooks_print_live();
		fail_msg("memory was left allocated");
	}
	if (ioas_a64_load(&rig_counts.pinned) ||
	    ioas_a64_load(&rig_counts.pinned_sum))
		fail_msg("memory was left pinned, or unpinned twice");
}

/* Return: did an allocation fail? */
static bool run_once(struct rig *r, uint64_t fail_at)
{
	memset(&rig_counts, 0, sizeof(rig_counts));
	ioas_a64_store(&rig_counts.fail_at, fail_at);
	r->failed_at_mark = 0;
	r->random = UINT64_C(0x9e3779b97f4a7c15);
	if (setjmp(r->leave) == 0)
		r->test->body(r);
	run_deferred(r);
	drop_memory_and_events(r);
	judge();
	return ioas_a64_load(&rig_counts.failed) != 0;
}

/* Seconds for a test when one before it failed, and may hold locks. */
#define AFTER_FAILURE 30

static _Noreturn void too_late(int signal)
{
	static const char text[] = "a test that failed before holds what this "
				   "one waits for: no more tests are run\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static void run(void **state)
{
	struct rig *r = &the_rig;
	uint64_t n;

	if (r->failed_before) {
		signal(SIGALRM, too_late);
		alarm(AFTER_FAILURE);
	}
	r->test = *state;
	r->deferred_count = 0;
	r->skipped = NULL;
	run_once(r, 0);
	if (r->skipped) {
		print_message("SKIPPED [1] %s: %s\n", r->test->name,
		              r->skipped);
		skip();
	}
	if (r->test->once)
		return;
	for (n = 1; run_once(r, n); n += 1 + n / dense)
		;
}

/* Also after a failure: say in which run it was, and start the next clean. */
static int clean_up(void **state)
{
	uint64_t n = ioas_a64_load(&rig_counts.fail_at);

	if (the_rig.memory_count || the_rig.deferred_count || rig_live(NULL)) {
		if (n)
			print_error("in the run where allocation %lu fails\n",
			            (unsigned long)n);
		the_rig.deferred_count = 0;
		drop_memory_and_events(&the_rig);
		the_rig.failed_before = true;
	}
	alarm(0);
	rig_on_law = NULL;
	rig_hooks_forget();
	return 0;
}

/* ---- What a run is about: the arguments. ---- */

static struct {
	bool no_barrier, no_thread_exit, no_shadow, limited, scattered;
} way;

static const struct {
	const char *name;
	bool *given;
} ways[] = {
	{"--no-barrier", &way.no_barrier},
	{"--no-thread-exit", &way.no_thread_exit},
	{"--no-shadow", &way.no_shadow},
	{"--limited", &way.limited},
	{"--scattered", &way.scattered},
};

static bool take_way(const char *argument)
{
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(ways); i++) {
		if (strcmp(argument, ways[i].name) != 0)
			continue;
		*ways[i].given = true;
		return true;
	}
	return false;
}

/* For all programs of a suite. Return: is there none that is not known? */
static bool take_environment(void)
{
	const char *argument = getenv("IOAS_RIG");
	const char *steps = getenv("IOAS_RIG_DENSE");

	if (steps)
		dense = strtoul(steps, NULL, 10);
	if (!dense) {
		print_error("IOAS_RIG_DENSE is '%s', which is not 1 or more\n",
		            steps);
		return false;
	}
	if (!argument || !*argument || take_way(argument))
		return true;
	print_error("IOAS_RIG is '%s', which is no way to run\n", argument);
	return false;
}

bool rig_wants_tree(void)
{
	return way.no_shadow || way.limited || rig_emulated();
}

const struct ioas_backend *rig_backend(void)
{
	static struct ioas_backend_scattered scattered;

	if (!way.scattered)
		return &ioas_backend_identity;
	ioas_backend_scattered_init(5, rig_page_shift(), &scattered);
	return &scattered.backend;
}

int rig_main(const char *group, const struct rig_test *tests, size_t count,
             char **argv, int argc)
{
	struct CMUnitTest *unit = calloc(count, sizeof(*unit));
	int i, failed;
	size_t t;

	for (i = 1; i < argc; i++)
		if (!take_way(argv[i]))
			cmocka_set_test_filter(argv[i]);
	if (!unit || !take_environment())
		return 1;
	rig_hooks_install(!way.no_barrier, !way.no_thread_exit, !way.no_shadow);
	for (t = 0; t < count; t++)
		unit[t] = (struct CMUnitTest){tests[t].name, run, NULL,
		                              clean_up, (void *)&tests[t]};
	failed = _cmocka_run_group_tests(group, unit, count, NULL, NULL);
	free(unit);
	return failed ? 1 : 0;
}
