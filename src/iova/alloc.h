/* SPDX-License-Identifier: MIT */
/*
 * Who wants I/O addresses and does not care which: an allocator gives some.
 *
 *	thread --take, give--> its cache of the allocator     no lock
 *	                         |  ^  32 pieces of one size
 *	                         v  |                         allocator's lock
 *	                       depot <--> gaps (gaps.h)
 *
 * Pieces of up to 32 pages are kept by exact size in a cache of each thread
 * and go from there to the next one of that size, last in, first out. A cache
 * that is full gives half of a size to the depot, an empty one takes that much
 * there; so pages that one thread takes and another gives come round. What is
 * larger, and what no depot has, comes from the gaps.
 *
 * A cache is its thread's own: no operation on it is locked. When others want
 * what is in it (the space is used up, or other addresses became usable), the
 * allocator's turn goes on:
 *
 *	thread                             who wants all caches, with the lock
 *	  busy = 1                           turn + 1
 *	  compiler barrier   <- pairs ->     hooks.barrier()
 *	  turn as the cache has it?          for each cache: wait while busy,
 *	  take or give                         and empty it
 *	  busy = 0
 *
 * As with grace periods (base/grace.c) either the store of busy is seen, or
 * the thread sees the new turn, leaves the cache alone and waits for the lock.
 * Without hooks.barrier() every way is by the lock. None of it is for signal
 * handlers that may have interrupted it: who empties a cache waits with the
 * lock, and such a handler would wait for that lock.
 *
 * Page 0 is never given: to many a device, address 0 is none.
 *
 * Laws, beside those of gaps.h
 *	IOVA-4  a thread that ends leaves nothing in its caches
 *	IOVA-5  there is no piece only when all caches and the depot are empty
 *
 * Lock order: the list of allocators, an allocator's lock.
 */
#ifndef IOAS_IOVA_ALLOC_H
#define IOAS_IOVA_ALLOC_H

#include "base/atomic.h"
#include "base/lock.h"
#include "iova/gaps.h"

#ifndef IOAS_IOVA_SIZES
#define IOAS_IOVA_SIZES 32 /* sizes that are cached, from one page on */
#define IOAS_IOVA_HOLDS 64 /* pieces of a size in a cache, at most */
#endif
#define IOAS_IOVA_THREADS 256 /* that have caches; others take the lock */

struct ioas_iova_cache;
struct ioas_iova_batch;

struct ioas_iova_alloc {
	struct ioas_a32 turn;    /* written under lock */
	unsigned int page_shift; /* constant */
	bool has_barrier;        /* constant */
	uint64_t last;           /* address of all; constant */
	struct ioas_aptr cache[IOAS_IOVA_THREADS]; /* of each slot, or NULL */
	struct ioas_lock lock;
	uint32_t top; /* slots from here on have no cache; under lock */
	struct ioas_gaps gaps;                          /* under lock */
	struct ioas_iova_batch *depot[IOAS_IOVA_SIZES]; /* under lock */
	struct ioas_iova_batch *empty;                  /* under lock */
	uint64_t refused; /* times that all caches were emptied; under lock */
	struct ioas_iova_alloc *next; /* of all */
};

/* As ioas_gaps_init(), and the usable ranges. */
int ioas_iova_alloc_init(struct ioas_iova_alloc *alloc,
                         struct iova_range aperture, unsigned int page_shift,
                         const struct ioas_iova_ranges *ranges);
/* Nobody uses it any more; what is still taken does not matter. */
void ioas_iova_alloc_fini(struct ioas_iova_alloc *alloc);
/*
 * Other ranges are usable from now on. What was taken stays so. Return: 0 or
 * -ENOMEM, then nothing has changed.
 */
int ioas_iova_alloc_set(struct ioas_iova_alloc *alloc,
                        const struct ioas_iova_ranges *ranges);

/*
 * @npages, not 0, aligned to their size, none of them beyond @last. Return: 0,
 * -ENOSPC (there is no such piece) or -ENOMEM.
 */
int ioas_iova_take(struct ioas_iova_alloc *alloc, uint64_t npages,
                   struct iova last, struct iova *ret_iova);
/* A piece that was taken, as a whole. Cannot fail. */
void ioas_iova_give(struct ioas_iova_alloc *alloc, struct iova iova,
                    uint64_t npages);
/* The same, of a piece that may not be usable any more. */
void ioas_iova_give_unusable(struct ioas_iova_alloc *alloc, struct iova iova,
                             uint64_t npages);

/* Threads that have caches now; for tests. */
unsigned int ioas_iova_threads(void);
/* In a forked child: allocators were the parent's. */
void ioas_iova_forked(void);

#endif /* IOAS_IOVA_ALLOC_H */
