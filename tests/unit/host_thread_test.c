/* SPDX-License-Identifier: MIT */
/* The Linux hooks about threads and signals (src/host/thread.c, hooks.c). */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failing_call.h"
#include "host/host.h"
#include "rig.h"

static struct ioas_hooks host(void)
{
	struct ioas_hooks hooks;

	ioas_host_hooks(&hooks);
	return hooks;
}

static void the_set_is_complete(struct rig *r)
{
	struct ioas_hooks h = host();
	void (*member[sizeof(h) / sizeof(void (*)(void))])(void);
	unsigned int i;

	memcpy(member, &h, sizeof(h));
	for (i = 0; i < IOAS_ARRAY_SIZE(member); i++)
		assert_true(member[i] != NULL);
}

static bool barrier_is_never_there(void *arg)
{
	return !host().barrier() && !host().barrier();
}

/* First of all: the process has one answer for good. */
static void a_system_without_a_barrier_says_so(struct rig *r)
{
	check_with_failing_call(SYS_membarrier, ENOSYS, barrier_is_never_there,
	                        NULL);
	check_with_failing_call(SYS_membarrier, EPERM, barrier_is_never_there,
	                        NULL);
}

static void the_answer_of_barrier_stays(struct rig *r)
{
	struct ioas_hooks h = host();
	bool first = h.barrier();
	pid_t child;
	int i, status;

	for (i = 0; i < 100; i++)
		assert_int_equal(h.barrier(), first);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(h.barrier() == first ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* HOST-1: as by a program that locks itself in too tightly. */
static void a_barrier_that_goes_away_ends_the_process(struct rig *r)
{
	int status;
	pid_t child;

	if (!host().barrier())
		return;
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		ioas_host_hooks(&ioas_hooks);
		if (close(2) || !fail_system_call(SYS_membarrier, EPERM))
			_exit(2);
		host().barrier();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		rig_skip("the system has no seccomp filters");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

struct sleeper {
	struct ioas_hooks hooks;
	struct ioas_a32 word, awake;
};

static void *sleep_on_word(void *arg)
{
	struct sleeper *s = arg;

	while (!ioas_a32_load(&s->word))
		s->hooks.wait(&s->word, 0);
	ioas_a32_add(&s->awake, 1);
	return NULL;
}

static void wake_wakes_every_sleeper(struct rig *r)
{
	struct sleeper s = {.hooks = host()};
	struct timespec nap = {.tv_nsec = 20000000};
	pthread_t thread[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, sleep_on_word, &s), 0);
	nanosleep(&nap, NULL);
	assert_int_equal(ioas_a32_load(&s.awake), 0);
	ioas_a32_store(&s.word, 1);
	s.hooks.wake(&s.word);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(ioas_a32_load(&s.awake), 3);
}

static void wait_returns_when_the_word_has_changed(struct rig *r)
{
	struct ioas_a32 word = {5};

	host().wait(&word, 4);
	assert_int_equal(ioas_a32_load(&word), 5);
}

static uint64_t relax_ns(unsigned int round)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	host().relax(round);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000 +
	       (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
}

static void relax_sleeps_longer_with_the_rounds(struct rig *r)
{
	unsigned int round;

	for (round = 0; round < 40; round++)
		relax_ns(round);
	assert_true(relax_ns(1000) >= 1000000);
	assert_true(relax_ns(UINT32_MAX) >= 1000000);
}

static void all_signals_are_blocked_but_those_of_faults(struct rig *r)
{
	static const int faults[] = {SIGSEGV, SIGBUS,  SIGILL,
	                             SIGFPE,  SIGTRAP, SIGSYS};
	struct ioas_hooks h = host();
	struct ioas_signals saved;
	sigset_t before, inside, after, all;
	unsigned int i;
	int sig;

	/* What the system lets anyone block: an emulator keeps some. */
	sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &before), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, &all), 0);
	h.signals_block(&saved);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &inside), 0);
	h.signals_restore(&saved);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (sig = 1; sig <= SIGRTMAX; sig++)
		assert_int_equal(sigismember(&before, sig),
		                 sigismember(&after, sig));
	for (i = 0; i < IOAS_ARRAY_SIZE(faults); i++) {
		assert_int_equal(sigismember(&inside, faults[i]), 0);
		sigaddset(&inside, faults[i]);
	}
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		/* Those between belong to libc and cannot be asked about. */
		if (sig < SIGRTMIN && sig >= 32)
			continue;
		assert_int_equal(sigismember(&inside, sig),
		                 sigismember(&all, sig));
	}
}

static void a_fault_signal_that_was_blocked_stays_blocked(struct rig *r)
{
	struct ioas_hooks h = host();
	struct ioas_signals saved;
	sigset_t trap, inside, before;

	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &trap, &before), 0);
	h.signals_block(&saved);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &inside), 0);
	h.signals_restore(&saved);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(sigismember(&inside, SIGTRAP), 1);
}

static void signal_adds_one_and_never_blocks(struct rig *r)
{
	struct ioas_hooks h = host();
	const uint64_t full = UINT64_MAX - 1;
	uint64_t count;
	int fd = eventfd(0, 0);

	assert_true(fd >= 0);
	h.signal(fd);
	h.signal(fd);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 2);
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	h.signal(fd);
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_true(count == full);
	assert_int_equal(close(fd), 0);
	errno = 4711;
	h.signal(fd);
	assert_int_equal(errno, 4711);
}

/* Before the process has its key: one that would cost an allocation. */
static void a_late_key_is_refused(struct rig *r)
{
	pthread_key_t key;
	unsigned int i;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		for (i = 0; i < 32; i++)
			pthread_key_create(&key, NULL);
		_exit(host().at_thread_exit(free, NULL) ||
		      host().at_thread_exit(free, NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static struct ioas_a32 calls;
static uint32_t call_order[8];

static void note_call(void *arg)
{
	uint32_t i = ioas_a32_add(&calls, 1) - 1;

	if (i < 8)
		call_order[i] = (uint32_t)(uintptr_t)arg;
}

static void ask_again(void *arg)
{
	note_call(arg);
	if (!host().at_thread_exit(note_call, (void *)9))
		note_call((void *)0xbad);
}

static void *thread_with_wishes(void *arg)
{
	struct ioas_hooks h = host();
	uint32_t *taken = arg;
	uintptr_t i;

	taken[0] = h.at_thread_exit(ask_again, (void *)1);
	for (i = 2; i <= 5; i++)
		taken[i - 1] = h.at_thread_exit(note_call, (void *)i);
	return NULL;
}

static void a_thread_says_its_last_words_in_reverse_order(struct rig *r)
{
	static const uint32_t order[] = {4, 3, 2, 1, 9};
	uint32_t taken[5], i;
	pthread_t thread;

	ioas_a32_store(&calls, 0);
	assert_int_equal(
		pthread_create(&thread, NULL, thread_with_wishes, taken), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(taken[i], i < 4);
	assert_int_equal(ioas_a32_load(&calls), 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(call_order[i], order[i]);
}

static void *thread_without_wishes(void *arg)
{
	return arg;
}

static void a_thread_that_asked_for_nothing_ends_quietly(struct rig *r)
{
	pthread_t thread;

	ioas_a32_store(&calls, 0);
	assert_int_equal(
		pthread_create(&thread, NULL, thread_without_wishes, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ioas_a32_load(&calls), 0);
}

static void break_a_law(int to)
{
	if (dup2(to, 2) == 2)
		host().law_broken("TEST-1", "1 > 2", "file.c", 1234567);
	_exit(0);
}

static void a_broken_law_is_said_in_one_line_and_ends_the_process(struct rig *r)
{
	char text[512] = "";
	int fd[2], status;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		break_a_law(fd[1]);
	close(fd[1]);
	assert_true(read(fd[0], text, sizeof(text) - 1) > 0);
	close(fd[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	/* An emulator has more to say of the end, in lines of its own. */
	if (rig_emulated())
		text[strcspn(text, "\n") + 1] = '\0';
	assert_string_equal(text, "ioas: a law of ioas is broken, this is a "
	                          "defect: TEST-1: 1 > 2 (file.c:1234567)\n");
}

RIG_MAIN("host_thread", RIG_TEST(the_set_is_complete),
         RIG_TEST(a_system_without_a_barrier_says_so),
         RIG_TEST(the_answer_of_barrier_stays),
         RIG_TEST(a_barrier_that_goes_away_ends_the_process),
         RIG_TEST(wake_wakes_every_sleeper),
         RIG_TEST(wait_returns_when_the_word_has_changed),
         RIG_TEST(relax_sleeps_longer_with_the_rounds),
         RIG_TEST(all_signals_are_blocked_but_those_of_faults),
         RIG_TEST(a_fault_signal_that_was_blocked_stays_blocked),
         RIG_TEST(signal_adds_one_and_never_blocks),
         RIG_TEST(a_late_key_is_refused),
         RIG_TEST(a_thread_says_its_last_words_in_reverse_order),
         RIG_TEST(a_thread_that_asked_for_nothing_ends_quietly),
         RIG_TEST(a_broken_law_is_said_in_one_line_and_ends_the_process))
