/* SPDX-License-Identifier: MIT */
/*
 * Threads of the program: barriers across them, sleep, signals, their end.
 * Everything here is async-signal-safe but for the first call of
 * ioas_host_at_thread_exit() in the process, which makes a key; glibc's
 * pthread_key_create() is a compare-and-swap in a static table, so that one
 * is as well in practice.
 *
 * Laws
 *	HOST-1  a barrier that was there once works for ever
 *
 * Sources: membarrier(2), futex(2), rt_sigprocmask(2), pthread_key_create(3).
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/law.h"
#include "host/members.h"

static int membarrier(int command)
{
	return (int)ioas_sys(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

/* 0 not asked yet, 1 yes, 2 no: the first answer is kept. */
static struct ioas_a32 barrier_there;

static bool barrier_register(void)
{
	int err = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	uint32_t seen = 0;

	/* Two threads may ask at once; the one that is first decides. */
	if (ioas_a32_cas(&barrier_there, &seen, err ? 2 : 1))
		return !err;
	return seen == 1;
}

static bool barrier_is_there(void)
{
	/* Pairs with the exchange in barrier_register(). */
	uint32_t there = ioas_a32_load(&barrier_there);

	return there ? there == 1 : barrier_register();
}

/*
 * Once the answer was yes, readers do without fences, so it must stay yes. The
 * system can be out of memory for a moment, and registration is a property of
 * the address space, which fork copies: ask again, and fall back to the slow
 * barrier, which needs neither. A program that forbids itself the call (by
 * seccomp) in between leaves no way on.
 */
#define BARRIER_ROUNDS 128 /* about a tenth of a second */

bool ioas_host_barrier(void)
{
	unsigned int round;

	if (!barrier_is_there())
		return false;
	for (round = 0; membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); round++) {
		ioas_law(HOST_1, round < BARRIER_ROUNDS);
		membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
		if (round && !membarrier(MEMBARRIER_CMD_GLOBAL))
			break;
		ioas_host_relax(round);
	}
	return true;
}

void ioas_host_wait(const struct ioas_a32 *word, uint32_t seen)
{
	ioas_sys(SYS_futex, (long)&word->cell, FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
	         (long)seen, 0, 0, 0);
}

uint64_t ioas_host_now(void)
{
	struct timespec now = {0};

	/* Without a system call, where the system has a shared page for it. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void ioas_host_wait_until(const struct ioas_a32 *word, uint32_t seen,
                          uint64_t deadline)
{
	struct timespec end = {
		.tv_sec = (time_t)(deadline / 1000000000u),
		.tv_nsec = (long)(deadline % 1000000000u),
	};

	/* With a mask the end is a time of the clock, not a duration. */
	ioas_sys(SYS_futex, (long)&word->cell,
	         FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, (long)seen,
	         deadline == UINT64_MAX ? 0 : (long)&end, 0,
	         (long)FUTEX_BITSET_MATCH_ANY);
}

/* All of them: the callers' words do not say how many may go on. */
void ioas_host_wake(const struct ioas_a32 *word)
{
	ioas_sys(SYS_futex, (long)&word->cell, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
	         INT_MAX, 0, 0, 0);
}

#define ROUNDS_SPIN  16
#define ROUNDS_YIELD 16
#define SLEEP_LG2    20 /* at most 2^20 ns, a millisecond */

static void spin(void)
{
	/* The full fence costs tens of cycles and keeps the bus quiet. */
	ioas_fence();
}

void ioas_host_relax(unsigned int round)
{
	struct timespec nap = {0};
	unsigned int step;

	if (round < ROUNDS_SPIN) {
		spin();
		return;
	}
	if (round < ROUNDS_SPIN + ROUNDS_YIELD) {
		ioas_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
		return;
	}
	step = 10 + (round - ROUNDS_SPIN - ROUNDS_YIELD) / 4;
	nap.tv_nsec = 1L << (step < SLEEP_LG2 ? step : SLEEP_LG2);
	ioas_sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&nap, 0, 0, 0);
}

/* The kernel's signal set, which is shorter than libc's. */
#define SIGNAL_BYTES ((_NSIG - 1) / 8)

_Static_assert(SIGNAL_BYTES <= sizeof(struct ioas_signals), "signals");

/*
 * A fault of the code itself has to reach its handler at once (the kernel
 * would end the process otherwise): those stay as they are. libc's internal
 * signals are blocked too, which is why this is not sigprocmask(3).
 */
static void all_but_faults(struct ioas_signals *set)
{
	static const int kept[] = {SIGSEGV, SIGBUS,  SIGILL,
	                           SIGFPE,  SIGTRAP, SIGSYS};
	unsigned long *word = (unsigned long *)set->opaque;
	const unsigned int bits = 8 * sizeof(*word);
	unsigned int i, bit;

	memset(set, 0xff, sizeof(*set));
	for (i = 0; i < IOAS_ARRAY_SIZE(kept); i++) {
		bit = (unsigned int)kept[i] - 1;
		word[bit / bits] &= ~(1UL << bit % bits);
	}
}

/*
 * Calls are nested: the front end blocks signals around a call into uapi, which
 * does so itself. Only the outermost pair asks the system. No handler runs
 * while @depth is not 0, so nothing but this thread's own calls changes it.
 */
static __thread __attribute__((tls_model("initial-exec"))) struct {
	unsigned int depth;
	struct ioas_signals before;
} blocked;

void ioas_host_signals_block(struct ioas_signals *saved)
{
	struct ioas_signals set;

	if (!blocked.depth) {
		all_but_faults(&set);
		ioas_sys(SYS_rt_sigprocmask, SIG_BLOCK, (long)set.opaque,
		         (long)blocked.before.opaque, SIGNAL_BYTES, 0, 0);
	}
	blocked.depth++;
	*saved = blocked.before;
}

void ioas_host_signals_restore(const struct ioas_signals *saved)
{
	struct ioas_signals before = *saved;

	blocked.depth--;
	if (!blocked.depth)
		ioas_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)before.opaque,
		         0, SIGNAL_BYTES, 0, 0);
}

/* What a thread wants done when it ends. */
#define LAST_WORDS 4

struct last_words {
	struct ioas_a32 count; /* atomic against a signal handler's calls */
	struct {
		void (*fn)(void *arg);
		void *arg;
	} call[LAST_WORDS];
};

/* The model of the storage keeps the first access free of an allocation. */
static __thread
	__attribute__((tls_model("initial-exec"))) struct last_words last_words;

enum key_state {
	KEY_NONE,
	KEY_IN_THE_MAKING,
	KEY_THERE,
	KEY_REFUSED,
};

static struct ioas_a32 key_state;
static pthread_key_t key; /* constant once KEY_THERE */

/* glibc has room for this many in each thread; beyond, it allocates. */
#define KEYS_WITHOUT_ALLOCATION 32

static void speak_last_words(void *value)
{
	struct last_words *words = value;

	uint32_t i;

	/* No order: the thread alone uses them. What runs here may add more. */
	while ((i = ioas_a32_load_relaxed(&words->count)) != 0) {
		i = ioas_a32_add(&words->count, UINT32_MAX);
		words->call[i].fn(words->call[i].arg);
	}
}

static void make_key(void)
{
	uint32_t state = KEY_NONE;

	if (!ioas_a32_cas(&key_state, &state, KEY_IN_THE_MAKING))
		return;
	state = KEY_REFUSED;
	if (!pthread_key_create(&key, speak_last_words)) {
		if (key < KEYS_WITHOUT_ALLOCATION)
			state = KEY_THERE;
		else
			pthread_key_delete(key);
	}
	/* Pairs with the load in ioas_host_at_thread_exit(): key is seen. */
	ioas_a32_store(&key_state, state);
}

bool ioas_host_at_thread_exit(void (*fn)(void *arg), void *arg)
{
	struct last_words *words = &last_words;
	uint32_t i;

	/* Pairs with the store in make_key(). */
	if (ioas_a32_load(&key_state) == KEY_NONE)
		make_key();
	if (ioas_a32_load(&key_state) != KEY_THERE)
		return false;
	if (pthread_setspecific(key, words))
		return false;
	i = ioas_a32_add(&words->count, 1) - 1;
	if (i >= LAST_WORDS) {
		ioas_a32_add(&words->count, UINT32_MAX);
		return false;
	}
	words->call[i].fn = fn;
	words->call[i].arg = arg;
	return true;
}
