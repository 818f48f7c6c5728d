/* SPDX-License-Identifier: MIT */
/*
 * A lock of one word: 0 free, 1 held, 2 held and somebody may sleep.
 *
 * Not a pthread mutex, for two reasons: it may be taken in a signal handler
 * (where the interrupted code cannot hold it, see preload/trap.c), and it is
 * made of base/atomic.h alone, so the explorer sees it. Not recursive.
 *
 * Ordering: lock is an acquire, unlock a release.
 */
#ifndef IOAS_BASE_LOCK_H
#define IOAS_BASE_LOCK_H

#include "base/atomic.h"
#include "base/hooks.h"
#include "base/law.h"

struct ioas_lock {
	struct ioas_a32 word;
};

static inline bool ioas_lock_try(struct ioas_lock *lock)
{
	uint32_t seen = 0;

	return ioas_a32_cas(&lock->word, &seen, 1);
}

static inline void ioas_lock(struct ioas_lock *lock)
{
	if (ioas_lock_try(lock))
		return;
	/* From here on whoever unlocks must wake: leave 2 behind, always. */
	while (ioas_a32_exchange(&lock->word, 2) != 0)
		ioas_hooks.wait(&lock->word, 2);
}

static inline void ioas_unlock(struct ioas_lock *lock)
{
	uint32_t was = ioas_a32_exchange(&lock->word, 0);

	ioas_law(LOCK_1, was != 0);
	if (was == 2)
		ioas_hooks.wake(&lock->word);
}

/* In a forked child: the holder may be a thread that is not here. */
static inline void ioas_lock_reset(struct ioas_lock *lock)
{
	ioas_a32_store_relaxed(&lock->word, 0);
}

/*
 * A lock that a store releases, for short work that threads seldom meet at.
 * Whoever has to sleep pays for that, with a barrier on all threads:
 *
 *	unlock  word = 0;    compiler barrier;  sleepers? then wake
 *	lock    sleepers++;  hooks.barrier();   word not 0? then sleep
 *
 * Either the barrier makes that 0 seen, or unlock looks after the barrier, and
 * finds the sleeper. Whoever takes the lock after the barrier finds it as well,
 * so one is enough. Not for signal handlers. Zeroed memory is a free one.
 *
 * Ordering: as above.
 */
struct ioas_light {
	struct ioas_a32 word; /* 0 free, 1 held */
	struct ioas_a32 sleepers;
	bool fenced; /* constant: no barrier is wanted; unlock has a fence */
};

static inline bool ioas_light_try(struct ioas_light *light)
{
	uint32_t seen = 0;

	return ioas_a32_cas(&light->word, &seen, 1);
}

/* Out of line: the short way has fewer registers to keep. */
__attribute__((cold, noinline, unused)) static void
ioas_light_sleep(struct ioas_light *light)
{
	ioas_a32_add(&light->sleepers, 1);
	/* Pairs with the compiler barrier, or the fence, of unlock. */
	if (light->fenced)
		ioas_fence();
	else
		ioas_law(LOCK_1, ioas_hooks.barrier());
	while (!ioas_light_try(light))
		ioas_hooks.wait(&light->word, 1);
	ioas_a32_add(&light->sleepers, UINT32_MAX);
}

static inline void ioas_light_lock(struct ioas_light *light)
{
	if (__builtin_expect(!ioas_light_try(light), 0))
		ioas_light_sleep(light);
}

static inline void ioas_light_unlock(struct ioas_light *light)
{
	ioas_law(LOCK_1, ioas_a32_load_relaxed(&light->word) != 0);
	ioas_a32_store(&light->word, 0);
	if (light->fenced)
		ioas_fence();
	else
		ioas_compiler_barrier();
	/* The order is what is above. */
	if (__builtin_expect(ioas_a32_load_relaxed(&light->sleepers), 0))
		ioas_hooks.wake(&light->word);
}

#endif /* IOAS_BASE_LOCK_H */
