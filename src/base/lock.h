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

#endif /* IOAS_BASE_LOCK_H */
