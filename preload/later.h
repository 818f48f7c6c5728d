/* SPDX-License-Identifier: MIT */
/*
 * What nobody can find any more, but a running call may still use: files whose
 * last descriptor is closed, views that were unmapped. It ends after a grace
 * period of IOAS_GRACE_FILE.
 *
 * A thread that is inside a section itself (a signal handler interrupted a
 * call on a file, and closes one) cannot wait: it leaves the rest to the call
 * it interrupted.
 */
#ifndef IOAS_PRELOAD_LATER_H
#define IOAS_PRELOAD_LATER_H

#include <stddef.h>

#include "base/atomic.h"

/* Embedded in what is to end. */
struct ioas_dead {
	struct ioas_dead *next;
	void (*end)(struct ioas_dead *dead);
};

/* Ends it before it returns, unless the thread is inside a section. */
void ioas_bury(struct ioas_dead *dead);

extern struct ioas_aptr ioas_unburied;
void ioas_bury_rest(void);

/* At the end of each section; one load when there is nothing to do. */
static inline void ioas_bury_what_is_left(void)
{
	/* Pairs with the push in ioas_bury(). */
	if (__builtin_expect(ioas_aptr_load(&ioas_unburied) != NULL, 0))
		ioas_bury_rest();
}

/* In a forked child: what was left belongs to the parent. */
void ioas_bury_forked(void);

#endif /* IOAS_PRELOAD_LATER_H */
