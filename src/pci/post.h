/* SPDX-License-Identifier: MIT */
/*
 * Stores on their way to a device: a bounded queue from the threads that store
 * to the one that runs the device, and the bell that wakes it.
 *
 *	put (any thread) --> slot 0 1 2 ... --> take (one at a time)
 *
 * Each slot has a turn: ticket t may fill it when the turn is t, and what it
 * holds may be taken when the turn is t + 1. Tickets are given in order, so
 * what one thread puts is taken in the order in which it put it.
 *
 * Who finds the queue full waits until something was taken. The thread that
 * takes sleeps on the bell; it says so, looks once more, and only then sleeps,
 * and who puts looks whether it sleeps after the store is to be seen.
 *
 * Laws
 *	POST-1  what was put is taken once, in the order of the tickets
 *	POST-2  no thread sleeps while the other side has work for it
 */
#ifndef IOAS_PCI_POST_H
#define IOAS_PCI_POST_H

#include "base/atomic.h"
#include "base/types.h"

#define IOAS_POST_SLOTS 64 /* a power of two */

/* One store of the program to a register. */
struct ioas_posted {
	uint64_t offset, value;
	uint64_t due; /* on the clock of hooks.now; 0: at once */
	uint8_t bar, size;
};

/* The thread that runs a device, while it has nothing to do. */
struct ioas_bell {
	struct ioas_a32 rings;  /* what it sleeps on */
	struct ioas_a32 asleep; /* it sleeps, or is about to */
};

struct ioas_post {
	struct {
		struct ioas_a32 turn;
		struct ioas_posted store; /* by the turn */
	} slot[IOAS_POST_SLOTS];
	struct ioas_a32 put;     /* tickets given */
	struct ioas_a32 taken;   /* written by who takes */
	struct ioas_a32 waiting; /* threads that wait for a free slot */
};

void ioas_post_init(struct ioas_post *post);
/* Any thread. False: it is full. */
bool ioas_post_try(struct ioas_post *post, const struct ioas_posted *store);
/* Likewise; waits for room. Somebody else has to take. */
void ioas_post_put(struct ioas_post *post, const struct ioas_posted *store);
/*
 * The store that is next, or false. One thread at a time, of which the caller
 * sees to it (the device's lock). take forgets it.
 */
bool ioas_post_next(const struct ioas_post *post,
                    struct ioas_posted *ret_store);
void ioas_post_take(struct ioas_post *post);
/* Is something there? Any thread; a hint unless it takes. */
bool ioas_post_any(const struct ioas_post *post);

/* Wake the thread, if it sleeps. Return: did it? */
bool ioas_bell_ring(struct ioas_bell *bell);
/*
 * Sleep until it is rung or until @deadline (UINT64_MAX: for ever); may return
 * early. Before, @ready(context) is asked once more, when every ring that it
 * could miss finds the thread asleep.
 */
void ioas_bell_sleep(struct ioas_bell *bell, uint64_t deadline,
                     bool (*ready)(void *context), void *context);

#endif /* IOAS_PCI_POST_H */
