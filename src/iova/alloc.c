/* SPDX-License-Identifier: MIT */
/* See alloc.h. The quick way comes last, where all that it calls is known. */
#include "iova/alloc.h"

#include <errno.h>
#include <string.h>

#include "base/hooks.h"
#include "base/law.h"

#define SIZES   IOAS_IOVA_SIZES
#define THREADS IOAS_IOVA_THREADS
#define HOLDS   IOAS_IOVA_HOLDS
#define BATCH   (HOLDS / 2)

/* Pieces of one size that go from cache to cache. */
struct ioas_iova_batch {
	struct ioas_iova_batch *next;
	uint64_t iova[BATCH];
};

/*
 * Pieces of n pages are in stack n - 1. The counts are together, so that all of
 * them are in the line of `busy`. The stacks are not whole lines apart: their
 * tops spread over the sets of the processor's cache.
 */
struct ioas_iova_cache {
	struct ioas_a32 busy; /* 1: its thread is inside */
	uint32_t turn;        /* of the allocator, when it was last empty */
	uint8_t count[SIZES];
	struct {
		uint64_t iova[HOLDS + 1];
	} stack[SIZES];
};

/* ---- Threads ---- */

/* A slot is one number in all allocators; 0 is none. */
static struct ioas_a32 slots[THREADS]; /* 1: has an owner */

static struct {
	struct ioas_lock lock;
	struct ioas_iova_alloc *first;
} all;

/* What a thread knows about itself. */
static __thread struct {
	uint32_t slot;
	bool claiming; /* or leaving: it gets none now */
} self __attribute__((tls_model("initial-exec")));

static struct ioas_iova_cache *cache_of(const struct ioas_iova_alloc *alloc,
                                        uint32_t slot)
{
	/* Pairs with the store in make_cache(). */
	return ioas_aptr_load(&alloc->cache[slot]);
}

/* ---- What is in caches, with the lock ---- */

static void give_all(struct ioas_iova_alloc *alloc, const uint64_t *iova,
                     unsigned int count, unsigned int size)
{
	while (count--)
		ioas_gaps_give(&alloc->gaps, iova[count] >> alloc->page_shift,
		               size + 1);
}

static void empty_cache_locked(struct ioas_iova_alloc *alloc,
                               struct ioas_iova_cache *cache)
{
	unsigned int i;

	for (i = 0; i < SIZES; i++) {
		give_all(alloc, cache->stack[i].iova, cache->count[i], i);
		cache->count[i] = 0;
	}
}

static struct ioas_iova_batch *batch_get(struct ioas_iova_batch **from)
{
	struct ioas_iova_batch *batch = *from;

	if (batch)
		*from = batch->next;
	return batch;
}

static void batch_put(struct ioas_iova_batch **to,
                      struct ioas_iova_batch *batch)
{
	batch->next = *to;
	*to = batch;
}

static void empty_depot_locked(struct ioas_iova_alloc *alloc)
{
	struct ioas_iova_batch *batch;
	unsigned int i;

	for (i = 0; i < SIZES; i++) {
		while ((batch = batch_get(&alloc->depot[i]))) {
			give_all(alloc, batch->iova, BATCH, i);
			batch_put(&alloc->empty, batch);
		}
	}
}

/* Its thread is inside for a moment only. */
static void wait_until_idle(const struct ioas_iova_cache *cache)
{
	unsigned int round = 0;

	/* Pairs with the store in leave(). */
	while (ioas_a32_load(&cache->busy))
		ioas_hooks.relax(round++);
}

/* Everything to the gaps. @own: the caller's cache, in which it is. */
static void empty_all_locked(struct ioas_iova_alloc *alloc,
                             struct ioas_iova_cache *own)
{
	struct ioas_iova_cache *cache;
	uint32_t slot;

	ioas_a32_add(&alloc->turn, 1);
	if (alloc->has_barrier) {
		bool ordered = ioas_hooks.barrier();

		ioas_law(IOVA_1, ordered);
	}
	for (slot = 0; slot < alloc->top; slot++) {
		cache = cache_of(alloc, slot);
		if (!cache)
			continue;
		if (cache != own)
			wait_until_idle(cache);
		empty_cache_locked(alloc, cache);
	}
	empty_depot_locked(alloc);
	alloc->refused++;
}

/* ---- A thread comes and goes ---- */

/* On the thread's way out (IOVA-4). */
static void release(void *unused)
{
	struct ioas_iova_alloc *alloc;
	struct ioas_iova_cache *cache;
	uint32_t slot = self.slot;

	self.claiming = true;
	self.slot = 0;
	ioas_lock(&all.lock);
	for (alloc = all.first; alloc; alloc = alloc->next) {
		cache = cache_of(alloc, slot);
		if (!cache)
			continue;
		ioas_lock(&alloc->lock);
		/* One that was cancelled inside is not any more. */
		ioas_a32_store(&cache->busy, 0);
		empty_cache_locked(alloc, cache);
		ioas_unlock(&alloc->lock);
	}
	ioas_unlock(&all.lock);
	/* Pairs with the exchange in claim(): they are empty by then. */
	ioas_a32_store(&slots[slot], 0);
}

static uint32_t take_slot(void)
{
	uint32_t slot, seen = 0;

	for (slot = 1; slot < THREADS; slot++, seen = 0) {
		if (ioas_a32_load_relaxed(&slots[slot]))
			continue;
		/* Pairs with the store in release(). */
		if (ioas_a32_cas(&slots[slot], &seen, 1))
			return slot;
	}
	return 0;
}

/* Its slot, or 0: it has none, and can have none now. */
static uint32_t claim(void)
{
	uint32_t slot;

	if (self.slot || self.claiming || !ioas_hooks.at_thread_exit)
		return self.slot;
	/* While it is at it, a signal handler must not claim a second one. */
	self.claiming = true;
	ioas_compiler_barrier();
	slot = take_slot();
	if (slot && !ioas_hooks.at_thread_exit(release, NULL)) {
		ioas_a32_store(&slots[slot], 0);
		slot = 0;
	}
	self.slot = slot;
	ioas_compiler_barrier();
	self.claiming = false;
	return slot;
}

static struct ioas_iova_cache *make_cache(struct ioas_iova_alloc *alloc,
                                          uint32_t slot)
{
	struct ioas_iova_cache *cache = ioas_new(struct ioas_iova_cache);

	if (!cache)
		return NULL;
	/* Pairs with the load in cache_of(). */
	ioas_aptr_store(&alloc->cache[slot], cache);
	if (alloc->top <= slot)
		alloc->top = slot + 1;
	return cache;
}

/* What a cache is marked with; one that none has: only by the lock. */
static uint32_t turn_of(const struct ioas_iova_alloc *alloc)
{
	uint32_t turn = ioas_a32_load_relaxed(&alloc->turn);

	return alloc->has_barrier ? turn : turn - 1;
}

/* The thread's cache, entered and of this turn; or NULL: it has none. */
static struct ioas_iova_cache *enter_locked(struct ioas_iova_alloc *alloc)
{
	uint32_t slot = claim();
	struct ioas_iova_cache *cache = slot ? cache_of(alloc, slot) : NULL;

	if (slot && !cache)
		cache = make_cache(alloc, slot);
	if (!cache)
		return NULL;
	/* With the lock nobody else wants it. */
	ioas_a32_store_relaxed(&cache->busy, 1);
	cache->turn = turn_of(alloc);
	return cache;
}

static void leave(struct ioas_iova_cache *cache)
{
	/* Pairs with the load in wait_until_idle(). */
	ioas_a32_store(&cache->busy, 0);
}

/* ---- The way by the lock ---- */

/* Is a piece there that ends at or before @last? */
static inline bool pop(const struct ioas_iova_alloc *alloc,
                       struct ioas_iova_cache *cache, unsigned int size,
                       uint64_t last, uint64_t *ret_iova)
{
	unsigned int count = cache->count[size];
	uint64_t iova;

	if (!count)
		return false;
	iova = cache->stack[size].iova[count - 1];
	/* Most who ask take any. */
	if (last < alloc->last &&
	    iova + ((uint64_t)size << alloc->page_shift) +
	                    ioas_mask_lg2(alloc->page_shift) >
	            last)
		return false;
	cache->count[size] = (uint8_t)(count - 1);
	*ret_iova = iova;
	return true;
}

/* An empty stack gets what the depot has. */
static void refill_locked(struct ioas_iova_alloc *alloc,
                          struct ioas_iova_cache *cache, unsigned int size)
{
	struct ioas_iova_batch *batch;

	batch = cache->count[size] ? NULL : batch_get(&alloc->depot[size]);
	if (!batch)
		return;
	memcpy(cache->stack[size].iova, batch->iova, sizeof(batch->iova));
	cache->count[size] = BATCH;
	batch_put(&alloc->empty, batch);
}

/* The half of a full stack that was not used for longest. */
static void spill_locked(struct ioas_iova_alloc *alloc,
                         struct ioas_iova_cache *cache, unsigned int size)
{
	struct ioas_iova_batch *batch = batch_get(&alloc->empty);
	uint64_t *iova = cache->stack[size].iova;

	if (!batch)
		batch = ioas_new(struct ioas_iova_batch);
	if (batch) {
		memcpy(batch->iova, iova, sizeof(batch->iova));
		batch_put(&alloc->depot[size], batch);
	} else {
		give_all(alloc, iova, BATCH, size);
	}
	cache->count[size] = HOLDS - BATCH;
	memmove(iova, iova + BATCH, (HOLDS - BATCH) * sizeof(*iova));
}

/* Of the gaps, which count in pages. */
static int take_gap(struct ioas_iova_alloc *alloc, uint64_t npages,
                    uint64_t last, uint64_t *ret_iova)
{
	unsigned int shift = alloc->page_shift;
	/* Whole pages up to @last. */
	uint64_t end = (last >> shift) + !(~last & ioas_mask_lg2(shift));
	uint64_t page;
	int rc;

	if (!end)
		return -ENOSPC;
	rc = ioas_gaps_take(&alloc->gaps, npages, end - 1, &page);
	if (!rc)
		*ret_iova = page << shift;
	return rc;
}

static int take_locked(struct ioas_iova_alloc *alloc,
                       struct ioas_iova_cache *cache, uint64_t npages,
                       uint64_t last, uint64_t *ret_iova)
{
	unsigned int size = (unsigned int)npages - 1;
	int rc;

	if (cache && npages <= SIZES) {
		refill_locked(alloc, cache, size);
		if (pop(alloc, cache, size, last, ret_iova))
			return 0;
	}
	rc = take_gap(alloc, npages, last, ret_iova);
	if (rc != -ENOSPC)
		return rc;
	empty_all_locked(alloc, cache);
	return take_gap(alloc, npages, last, ret_iova);
}

static __attribute__((noinline)) int take_by_lock(struct ioas_iova_alloc *alloc,
                                                  uint64_t npages,
                                                  struct iova last,
                                                  struct iova *ret_iova)
{
	struct ioas_iova_cache *cache;
	int rc;

	ioas_lock(&alloc->lock);
	cache = enter_locked(alloc);
	rc = take_locked(alloc, cache, npages, last.raw, &ret_iova->raw);
	if (cache)
		leave(cache);
	ioas_unlock(&alloc->lock);
	return rc;
}

static void give_locked(struct ioas_iova_alloc *alloc,
                        struct ioas_iova_cache *cache, uint64_t iova,
                        uint64_t npages)
{
	unsigned int size = (unsigned int)npages - 1;

	if (!cache || npages > SIZES) {
		ioas_gaps_give(&alloc->gaps, iova >> alloc->page_shift, npages);
		return;
	}
	if (cache->count[size] == HOLDS)
		spill_locked(alloc, cache, size);
	cache->stack[size].iova[cache->count[size]++] = iova;
}

static __attribute__((noinline)) void
give_by_lock(struct ioas_iova_alloc *alloc, struct iova iova, uint64_t npages)
{
	struct ioas_iova_cache *cache;

	ioas_lock(&alloc->lock);
	cache = enter_locked(alloc);
	give_locked(alloc, cache, iova.raw, npages);
	if (cache)
		leave(cache);
	ioas_unlock(&alloc->lock);
}

void ioas_iova_give_unusable(struct ioas_iova_alloc *alloc, struct iova iova,
                             uint64_t npages)
{
	ioas_lock(&alloc->lock);
	ioas_gaps_give(&alloc->gaps, iova.raw >> alloc->page_shift, npages);
	ioas_unlock(&alloc->lock);
}

/* ---- The quick way ---- */

/* The thread's cache, entered; or NULL: only by the lock. */
static inline struct ioas_iova_cache *enter(struct ioas_iova_alloc *alloc)
{
	struct ioas_iova_cache *cache = cache_of(alloc, self.slot);

	if (__builtin_expect(!cache, 0))
		return NULL;
	/* Relaxed: what is between this and the barrier is ours alone. */
	ioas_a32_store_relaxed(&cache->busy, 1);
	/* Pairs with the barrier of empty_all_locked(). */
	ioas_compiler_barrier();
	/* Relaxed: an old turn means that we are waited for. */
	if (__builtin_expect(ioas_a32_load_relaxed(&alloc->turn) == cache->turn,
	                     1))
		return cache;
	leave(cache);
	return NULL;
}

int ioas_iova_take(struct ioas_iova_alloc *alloc, uint64_t npages,
                   struct iova last, struct iova *ret_iova)
{
	struct ioas_iova_cache *cache;
	bool had;

	if (__builtin_expect(npages - 1 < SIZES, 1) && (cache = enter(alloc))) {
		had = pop(alloc, cache, (unsigned int)npages - 1, last.raw,
		          &ret_iova->raw);
		leave(cache);
		if (__builtin_expect(had, 1))
			return 0;
	}
	return take_by_lock(alloc, npages, last, ret_iova);
}

void ioas_iova_give(struct ioas_iova_alloc *alloc, struct iova iova,
                    uint64_t npages)
{
	struct ioas_iova_cache *cache;
	unsigned int count;

	if (__builtin_expect(npages - 1 < SIZES, 1) && (cache = enter(alloc))) {
		count = cache->count[npages - 1];
		if (__builtin_expect(count < HOLDS, 1)) {
			cache->stack[npages - 1].iova[count] = iova.raw;
			cache->count[npages - 1] = (uint8_t)(count + 1);
			leave(cache);
			return;
		}
		leave(cache);
	}
	give_by_lock(alloc, iova, npages);
}

/* ---- Life ---- */

int ioas_iova_alloc_set(struct ioas_iova_alloc *alloc,
                        const struct ioas_iova_ranges *ranges)
{
	int rc;

	ioas_lock(&alloc->lock);
	empty_all_locked(alloc, NULL);
	rc = ioas_gaps_set(&alloc->gaps, ranges);
	ioas_unlock(&alloc->lock);
	return rc;
}

int ioas_iova_alloc_init(struct ioas_iova_alloc *alloc,
                         struct iova_range aperture, unsigned int page_shift,
                         const struct ioas_iova_ranges *ranges)
{
	int rc;

	memset(alloc, 0, sizeof(*alloc));
	alloc->page_shift = page_shift;
	alloc->last = aperture.last;
	alloc->has_barrier = ioas_hooks.barrier && ioas_hooks.barrier();
	if (!aperture.first)
		aperture.first = 1; /* no whole page 0 */
	if (aperture.first > aperture.last)
		return -EINVAL;
	rc = ioas_gaps_init(&alloc->gaps, aperture, page_shift);
	if (!rc)
		rc = ioas_gaps_set(&alloc->gaps, ranges);
	if (rc) {
		ioas_gaps_fini(&alloc->gaps);
		return rc;
	}
	ioas_lock(&all.lock);
	alloc->next = all.first;
	all.first = alloc;
	ioas_unlock(&all.lock);
	return 0;
}

static void free_batches(struct ioas_iova_batch **from)
{
	struct ioas_iova_batch *batch;

	while ((batch = batch_get(from)))
		ioas_delete(batch);
}

static void forget(struct ioas_iova_alloc *alloc)
{
	struct ioas_iova_alloc **link = &all.first;

	ioas_lock(&all.lock);
	while (*link != alloc)
		link = &(*link)->next;
	*link = alloc->next;
	ioas_unlock(&all.lock);
}

void ioas_iova_alloc_fini(struct ioas_iova_alloc *alloc)
{
	struct ioas_iova_cache *cache;
	unsigned int i;

	/* From here on no thread that ends looks at it. */
	forget(alloc);
	for (i = 0; i < SIZES; i++)
		free_batches(&alloc->depot[i]);
	free_batches(&alloc->empty);
	for (i = 0; i < alloc->top; i++) {
		cache = cache_of(alloc, i);
		if (cache)
			ioas_delete(cache);
	}
	ioas_gaps_fini(&alloc->gaps);
}

unsigned int ioas_iova_threads(void)
{
	unsigned int i, n = 0;

	/* Relaxed: a number to look at. */
	for (i = 1; i < THREADS; i++)
		n += ioas_a32_load_relaxed(&slots[i]);
	return n;
}

/* Only the calling thread is here, so nothing below races. */
void ioas_iova_forked(void)
{
	uint32_t slot;

	for (slot = 1; slot < THREADS; slot++)
		if (slot != self.slot)
			ioas_a32_store(&slots[slot], 0);
	ioas_lock_reset(&all.lock);
	all.first = NULL;
}
