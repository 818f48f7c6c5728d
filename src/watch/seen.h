/* SPDX-License-Identifier: MIT */
/*
 * Causes that were reported, so that each is reported once. A cause is what a
 * key stands for; the table is of fixed size and only ever grows. Any thread,
 * async-signal-safe, no lock.
 */
#ifndef IOAS_WATCH_SEEN_H
#define IOAS_WATCH_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#define IOAS_SEEN_MAX 4096 /* a power of two */

struct ioas_seen {
	struct ioas_seen_cause {
		struct ioas_a64 key; /* 0: free */
		struct ioas_a64 count, bytes;
		struct ioas_a32 number; /* of its finding, from 1 */
	} cause[IOAS_SEEN_MAX];
};

/* The cause of a key that is not 0, or NULL: the table is full. */
struct ioas_seen_cause *ioas_seen_find(struct ioas_seen *seen, uint64_t key);

/* A key grows by what makes causes different. */
static inline uint64_t ioas_seen_mix(uint64_t key, uint64_t more)
{
	key = (key ^ more) * UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 29;
}

#endif /* IOAS_WATCH_SEEN_H */
