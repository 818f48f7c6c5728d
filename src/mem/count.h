/* SPDX-License-Identifier: MIT */
/*
 * The count of mappings of a region: one word, the only one of it that races.
 *
 *	1        idle and alive
 *	n + 1    n mappings
 *	| CLOSED   its end is being decided: no more may be counted
 *	0        dead, for ever (MEM-2)
 *
 * What keeps a map from coming between the test and the release is that both
 * are one exchange, 1 -> 0: it fails when something is mapped, and what comes
 * after it finds 0.
 *
 * Ordering: every change acquires and releases, so what a mapper did before
 * its put comes before what is done after the exchange that succeeds.
 */
#ifndef IOAS_MEM_COUNT_H
#define IOAS_MEM_COUNT_H

#include <errno.h>

#include "base/atomic.h"
#include "base/law.h"

#define IOAS_COUNT_CLOSED (UINT64_C(1) << 63)
#define IOAS_COUNT_MAX    (UINT64_C(1) << 60)

/* Mappings now. */
static inline uint64_t ioas_count_mappings(const struct ioas_a64 *mapped)
{
	uint64_t now = ioas_a64_load(mapped) & ~IOAS_COUNT_CLOSED;

	return now ? now - 1 : 0;
}

/* Return: 0, -ENXIO (dead), -EAGAIN (closed), -EOVERFLOW. */
static inline int ioas_count_get(struct ioas_a64 *mapped, uint64_t n)
{
	uint64_t seen = ioas_a64_load(mapped);

	/* Pairs with end() and close(). */
	do {
		if (!seen)
			return -ENXIO;
		if (seen & IOAS_COUNT_CLOSED)
			return -EAGAIN;
		if (n > IOAS_COUNT_MAX || seen > IOAS_COUNT_MAX - n)
			return -EOVERFLOW;
	} while (!ioas_a64_cas(mapped, &seen, seen + n));
	return 0;
}

static inline void ioas_count_put(struct ioas_a64 *mapped, uint64_t n)
{
	uint64_t before = ioas_a64_add(mapped, -n) + n;

	/* At least its own 1 stays. */
	ioas_law(MEM_8, (before & ~IOAS_COUNT_CLOSED) > n);
}

/* Idle -> dead; closed or not. False: it is mapped, and nothing changed. */
static inline bool ioas_count_end(struct ioas_a64 *mapped, bool closed)
{
	uint64_t idle = closed ? IOAS_COUNT_CLOSED | 1 : 1;

	/* Pairs with get and put; whoever makes it 0 is alone with it. */
	if (ioas_a64_cas(mapped, &idle, 0))
		return true;
	ioas_law(MEM_1, idle != 0);
	return false;
}

/* No more counts from here on. It is not closed, nor dead. */
static inline void ioas_count_close(struct ioas_a64 *mapped)
{
	uint64_t before =
		ioas_a64_add(mapped, IOAS_COUNT_CLOSED) - IOAS_COUNT_CLOSED;

	ioas_law(MEM_2, before && !(before & IOAS_COUNT_CLOSED));
}

static inline void ioas_count_open(struct ioas_a64 *mapped)
{
	uint64_t after = ioas_a64_add(mapped, -IOAS_COUNT_CLOSED);

	ioas_law(MEM_2, after && !(after & IOAS_COUNT_CLOSED));
}

#endif /* IOAS_MEM_COUNT_H */
