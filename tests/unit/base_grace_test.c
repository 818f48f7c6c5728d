/* SPDX-License-Identifier: MIT */
/*
 * Runs three times: as it is, with --no-barrier (readers execute fences) and
 * with --no-thread-exit (readers count themselves).
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/grace.h"
#include "base/types.h"
#include "rig.h"

#define DMA   IOAS_GRACE_DMA
#define FILES IOAS_GRACE_FILE

static void nap(unsigned int ms)
{
	struct timespec t = {0, ms * 1000000L};

	nanosleep(&t, NULL);
}

static long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
	       (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* Long enough for a machine that has much else to do. */
#define PATIENCE_MS 60000

static bool comes_true_within(const struct ioas_a32 *flag, long ms)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!ioas_a32_load(flag) && ms_since(&start) < ms)
		nap(1);
	return ioas_a32_load(flag);
}

static bool comes_true(const struct ioas_a32 *flag)
{
	return comes_true_within(flag, PATIENCE_MS);
}

/* A thread in a section until it is let go. */
struct holder {
	pthread_t thread;
	struct ioas_a32 in;
	sem_t go;
	enum ioas_grace_domain domain;
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	ioas_grace_enter(h->domain);
	ioas_a32_store(&h->in, 1);
	while (sem_wait(&h->go))
		;
	ioas_grace_leave(h->domain);
	return NULL;
}

static void holder_start(struct holder *h, enum ioas_grace_domain d)
{
	pthread_attr_t small;

	*h = (struct holder){.domain = d};
	assert_int_equal(sem_init(&h->go, 0, 0), 0);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 * 1024);
	assert_int_equal(pthread_create(&h->thread, &small, hold, h), 0);
	pthread_attr_destroy(&small);
}

static void holder_stop(struct holder *h)
{
	sem_post(&h->go);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->go);
}

/* A thread that waits for a grace period. */
struct syncer {
	pthread_t thread;
	struct ioas_a32 done;
};

static void *sync_dma(void *arg)
{
	struct syncer *s = arg;

	ioas_grace_sync(DMA);
	ioas_a32_store(&s->done, 1);
	return NULL;
}

static void syncer_start(struct syncer *s)
{
	*s = (struct syncer){0};
	assert_int_equal(pthread_create(&s->thread, NULL, sync_dma, s), 0);
}

static void syncer_stop(struct syncer *s)
{
	assert_true(comes_true(&s->done));
	pthread_join(s->thread, NULL);
}

static void sync_returns_when_nobody_reads(struct rig *r)
{
	ioas_grace_sync(DMA);
	ioas_grace_sync(FILES);
	ioas_grace_enter(DMA);
	ioas_grace_leave(DMA);
	ioas_grace_sync(DMA);
}

static void GRACE_1_sync_waits_for_a_section_that_had_begun(struct rig *r)
{
	struct holder h;
	struct syncer s;

	holder_start(&h, DMA);
	assert_true(comes_true(&h.in));
	syncer_start(&s);
	nap(20);
	assert_false(ioas_a32_load(&s.done));
	holder_stop(&h);
	syncer_stop(&s);
}

static void sync_does_not_wait_for_the_other_domain(struct rig *r)
{
	struct holder h;
	struct syncer s;

	holder_start(&h, FILES);
	assert_true(comes_true(&h.in));
	syncer_start(&s);
	syncer_stop(&s);
	holder_stop(&h);
}

/* False, too, when sync has not begun after @ms. */
static bool ends_before_a_later_section(unsigned int ms)
{
	struct holder first, later;
	struct syncer s;
	bool ended;

	holder_start(&first, DMA);
	assert_true(comes_true(&first.in));
	syncer_start(&s);
	nap(ms);
	holder_start(&later, DMA);
	assert_true(comes_true(&later.in));
	holder_stop(&first);
	ended = comes_true_within(&s.done, 100L * ms);
	holder_stop(&later);
	syncer_stop(&s);
	return ended;
}

static void sync_does_not_wait_for_a_section_that_began_later(struct rig *r)
{
	assert_true(ends_before_a_later_section(20) ||
	            ends_before_a_later_section(100) ||
	            ends_before_a_later_section(500));
}

static void two_writers_wait_side_by_side(struct rig *r)
{
	struct holder h;
	struct syncer s, t;

	holder_start(&h, DMA);
	assert_true(comes_true(&h.in));
	syncer_start(&s);
	syncer_start(&t);
	nap(20);
	assert_false(ioas_a32_load(&s.done) || ioas_a32_load(&t.done));
	holder_stop(&h);
	syncer_stop(&s);
	syncer_stop(&t);
}

static void an_inner_section_does_not_end_the_outer_one(struct rig *r)
{
	assert_false(ioas_grace_inside(DMA));
	ioas_grace_enter(DMA);
	ioas_grace_enter(DMA);
	ioas_grace_enter(FILES);
	ioas_grace_leave(DMA);
	assert_true(ioas_grace_inside(DMA));
	ioas_grace_leave(DMA);
	assert_false(ioas_grace_inside(DMA));
	assert_true(ioas_grace_inside(FILES));
	ioas_grace_leave(FILES);
}

static void leave(void *arg)
{
	ioas_grace_leave(DMA);
}

static void GRACE_3_a_leave_without_an_enter_breaks_it(struct rig *r)
{
	rig_breaks(r, "GRACE_3", leave, NULL);
}

static void sync_here(void *arg)
{
	ioas_grace_sync(DMA);
}

static void GRACE_1_a_sync_inside_a_section_breaks_it(struct rig *r)
{
	ioas_grace_enter(DMA);
	rig_breaks(r, "GRACE_1", sync_here, NULL);
	ioas_grace_leave(DMA);
}

static void a_slot_is_given_back_at_thread_exit(struct rig *r)
{
	unsigned int before, i;

	ioas_grace_enter(DMA);
	ioas_grace_leave(DMA);
	before = ioas_grace_threads();
	assert_int_equal(before, ioas_hooks.at_thread_exit ? 1 : 0);
	for (i = 0; i < 20; i++) {
		struct holder h;

		holder_start(&h, FILES);
		assert_true(comes_true(&h.in));
		assert_int_equal(ioas_grace_threads(), 2 * before);
		holder_stop(&h);
		assert_int_equal(ioas_grace_threads(), before);
	}
}

static pthread_key_t late_key;
static bool shares_a_slot;

static void *look_around(void *arg)
{
	ioas_grace_enter(FILES);
	shares_a_slot = ioas_grace_inside(DMA);
	ioas_grace_leave(FILES);
	return NULL;
}

/* Runs after the rig's own: the slot has been given back. */
static void late_section(void *arg)
{
	pthread_t other;

	ioas_grace_enter(DMA);
	if (pthread_create(&other, NULL, look_around, NULL) == 0)
		pthread_join(other, NULL);
	ioas_grace_leave(DMA);
}

static void *end_late(void *arg)
{
	ioas_grace_enter(DMA);
	ioas_grace_leave(DMA);
	pthread_setspecific(late_key, arg);
	return NULL;
}

static void
a_section_after_the_slot_was_given_back_leaves_it_alone(struct rig *r)
{
	pthread_t t;

	shares_a_slot = true;
	assert_int_equal(pthread_key_create(&late_key, late_section), 0);
	assert_int_equal(pthread_create(&t, NULL, end_late, r), 0);
	pthread_join(t, NULL);
	pthread_key_delete(late_key);
	assert_false(shares_a_slot);
	assert_true(ioas_grace_threads() <= 1);
}

#define CROWD 300 /* more than there are slots */

static void GRACE_1_holds_for_more_threads_than_slots(struct rig *r)
{
	static struct holder h[CROWD];
	struct syncer s;
	unsigned int i;

	for (i = 0; i < CROWD; i++)
		holder_start(&h[i], DMA);
	for (i = 0; i < CROWD; i++)
		assert_true(comes_true(&h[i].in));
	syncer_start(&s);
	for (i = 0; i < CROWD; i++) {
		assert_false(ioas_a32_load(&s.done));
		holder_stop(&h[i]);
	}
	syncer_stop(&s);
	assert_int_equal(ioas_grace_threads(),
	                 ioas_hooks.at_thread_exit ? 1 : 0);
}

/* What the child of a fork that had another thread in a section sees. */
static int child_of_fork(void)
{
	ioas_grace_forked();
	if (!ioas_grace_inside(FILES))
		return 1;
	alarm(PATIENCE_MS / 1000);
	ioas_grace_sync(DMA); /* does not wait for a thread that is not here */
	ioas_grace_leave(FILES);
	ioas_grace_sync(FILES);
	ioas_grace_enter(DMA);
	ioas_grace_leave(DMA);
	return ioas_grace_threads() > 1 ? 2 : 0;
}

static void a_forked_child_waits_for_nobody_it_left_behind(struct rig *r)
{
	struct holder h;
	int status = -1;
	pid_t pid;

	holder_start(&h, DMA);
	assert_true(comes_true(&h.in));
	ioas_grace_enter(FILES);
	pid = fork();
	if (pid == 0)
		_exit(child_of_fork());
	ioas_grace_leave(FILES);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	holder_stop(&h);
}

/*
 * Readers look at one of two cells; the writer moves them to the other one,
 * waits, and spoils the first. A reader that sees a spoilt cell was not waited
 * for.
 */
#define GOOD 0x600d
#define BAD  0xbad

struct race {
	struct ioas_a32 cell[2];
	struct ioas_aptr current;
	struct ioas_a32 stop, spoilt, sections;
};

static struct race race;

static void look(void)
{
	const struct ioas_a32 *cell;
	unsigned int i;

	ioas_grace_enter(DMA);
	cell = ioas_aptr_load(&race.current);
	for (i = 0; i < 20; i++)
		if (ioas_a32_load_relaxed(cell) != GOOD)
			ioas_a32_store_relaxed(&race.spoilt, 1);
	ioas_grace_leave(DMA);
	ioas_a32_add(&race.sections, 1);
}

static void *look_often(void *arg)
{
	while (!ioas_a32_load_relaxed(&race.stop))
		look();
	return NULL;
}

static void on_signal(int signo)
{
	look();
}

static void move_and_spoil(void (*wait)(void *))
{
	struct ioas_a32 *old = ioas_aptr_load(&race.current);
	struct ioas_a32 *new =
		old == &race.cell[0] ? &race.cell[1] : &race.cell[0];

	ioas_a32_store(new, GOOD);
	ioas_aptr_store(&race.current, new);
	wait(NULL);
	ioas_a32_store(old, BAD);
}

/*
 * After @ms, but not before a reader came by; and when something spoilt was
 * seen.
 */
static bool goes_on(const struct timespec *start, long ms)
{
	long past = ms_since(start);

	if (ioas_a32_load(&race.spoilt))
		return false;
	return past < ms ||
	       (!ioas_a32_load(&race.sections) && past < PATIENCE_MS);
}

static void run_race(void (*wait)(void *), bool by_signal, long ms)
{
	struct timespec start;
	pthread_t reader[2];
	unsigned int i;

	race = (struct race){.cell = {{GOOD}, {BAD}}};
	ioas_aptr_store(&race.current, &race.cell[0]);
	for (i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&reader[i], NULL, look_often, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		move_and_spoil(wait);
		if (by_signal)
			pthread_kill(reader[0], SIGUSR1);
	} while (goes_on(&start, ms));
	ioas_a32_store(&race.stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(reader[i], NULL);
	assert_true(ioas_a32_load(&race.sections) > 0);
}

static void GRACE_1_holds_while_readers_come_and_go(struct rig *r)
{
	run_race(sync_here, false, 300);
	assert_false(ioas_a32_load(&race.spoilt));
}

static void GRACE_1_holds_with_sections_in_signal_handlers(struct rig *r)
{
	struct sigaction act = {.sa_handler = on_signal}, old;

	sigaction(SIGUSR1, &act, &old);
	run_race(sync_here, true, 300);
	sigaction(SIGUSR1, &old, NULL);
	assert_false(ioas_a32_load(&race.spoilt));
}

static void wait_for_nobody(void *arg)
{
}

/* Otherwise the two tests before would show nothing. */
static void the_race_notices_a_missing_sync(struct rig *r)
{
	run_race(wait_for_nobody, false, PATIENCE_MS);
	assert_true(ioas_a32_load(&race.spoilt));
}

RIG_MAIN("base_grace", RIG_TEST(sync_returns_when_nobody_reads),
         RIG_TEST(GRACE_1_sync_waits_for_a_section_that_had_begun),
         RIG_TEST(sync_does_not_wait_for_the_other_domain),
         RIG_TEST(sync_does_not_wait_for_a_section_that_began_later),
         RIG_TEST(two_writers_wait_side_by_side),
         RIG_TEST(an_inner_section_does_not_end_the_outer_one),
         RIG_TEST(GRACE_3_a_leave_without_an_enter_breaks_it),
         RIG_TEST(GRACE_1_a_sync_inside_a_section_breaks_it),
         RIG_TEST(a_slot_is_given_back_at_thread_exit),
         RIG_TEST(a_section_after_the_slot_was_given_back_leaves_it_alone),
         RIG_TEST(GRACE_1_holds_for_more_threads_than_slots),
         RIG_TEST(a_forked_child_waits_for_nobody_it_left_behind),
         RIG_ONCE(the_race_notices_a_missing_sync),
         RIG_ONCE(GRACE_1_holds_while_readers_come_and_go),
         RIG_ONCE(GRACE_1_holds_with_sections_in_signal_handlers))
