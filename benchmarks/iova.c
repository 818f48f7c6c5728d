/* SPDX-License-Identifier: MIT */
/*
 * bench-iova: I/O addresses by an allocator, beside the published way
 * (iova_peer.h). An operation is one piece taken and one given.
 *
 *	now    it is given at once
 *	live   4096 pieces are alive; one of them at random is replaced
 *	two    a second thread does the same with the same allocator
 *	large  64 to 255 pages, for which there are no caches: a tree that lies
 *	       in L2 at best, so the minimum counts
 *	loop   what all of them do besides, beside a dependent load from L1
 *
 * Sizes and places are numbers drawn before. What is alive is compared at the
 * end: no page may be in two pieces.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "benchmarks/iova_peer.h"
#include "benchmarks/meter.h"
#include "host/host.h"
#include "iova/alloc.h"

#define SHIFT 12
#define LAST  ((UINT64_C(1) << 32) - 1) /* page: of 44 bits */
#define ALIVE 4096
#define DRAWN (1u << 16)

/* In 8 bytes: what is alive lies in L1. npages 0: none. */
struct piece {
	uint32_t page, npages;
};

/* One thread's pieces of one allocator. */
struct pieces {
	struct piece small[ALIVE], large[ALIVE];
	unsigned int at; /* in the numbers drawn */
};

static uint16_t place[DRAWN];
static uint8_t small[DRAWN], large[DRAWN];
static struct ioas_iova_alloc alloc;
static struct peer_iova *peer;

enum { OURS, PEERS, NOTHING, ALLOCATORS };

static struct pieces pieces[ALLOCATORS], others[ALLOCATORS];

/* ---- The two ways ---- */

static uint64_t take_ours(uint64_t npages)
{
	struct iova iova = {0};

	if (ioas_iova_take(&alloc, npages, (struct iova){UINT64_MAX}, &iova))
		abort();
	return iova.raw >> SHIFT;
}

static void give_ours(uint64_t page, uint64_t npages)
{
	ioas_iova_give(&alloc, (struct iova){page << SHIFT}, npages);
}

static uint64_t take_peers(uint64_t npages)
{
	return peer_iova_take(peer, npages);
}

static void give_peers(uint64_t page, uint64_t npages)
{
	peer_iova_give(peer, page, npages);
}

/* For each a loop of its own, so that no call is by a pointer. */
#define LOOPS(way)                                                      \
	static void now_##way(void *state, unsigned long n)             \
	{                                                               \
		struct pieces *p = state;                               \
		uint64_t page, npages;                                  \
                                                                        \
		while (n--) {                                           \
			npages = small[p->at++ % DRAWN];                \
			page = take_##way(npages);                      \
			meter_use((void *)(uintptr_t)page);             \
			give_##way(page, npages);                       \
		}                                                       \
	}                                                               \
                                                                        \
	static void replace_##way(struct piece *piece, uint32_t npages) \
	{                                                               \
		if (piece->npages)                                      \
			give_##way(piece->page, piece->npages);         \
		piece->npages = npages;                                 \
		piece->page = (uint32_t)take_##way(npages);             \
	}                                                               \
                                                                        \
	static void live_##way(void *state, unsigned long n)            \
	{                                                               \
		struct pieces *p = state;                               \
                                                                        \
		for (; n--; p->at++)                                    \
			replace_##way(&p->small[place[p->at % DRAWN]],  \
			              small[p->at % DRAWN]);            \
	}                                                               \
                                                                        \
	static void large_##way(void *state, unsigned long n)           \
	{                                                               \
		struct pieces *p = state;                               \
                                                                        \
		for (; n--; p->at++)                                    \
			replace_##way(&p->large[place[p->at % DRAWN]],  \
			              large[p->at % DRAWN]);            \
	}

/* The loop alone: what both pay for besides. */
static uint64_t take_nothing(uint64_t npages)
{
	return npages;
}

static void give_nothing(uint64_t page, uint64_t npages)
{
}

LOOPS(ours)
LOOPS(peers)
LOOPS(nothing)

/* ---- The second thread ---- */

struct helped {
	void (*slice)(void *state, unsigned long n);
	struct pieces *own, *other;
};

static struct helped *helped; /* what the second thread does now */
static int ended;

static void *help(void *unused)
{
	struct helped *h;

	while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
		h = __atomic_load_n(&helped, __ATOMIC_ACQUIRE);
		if (h)
			h->slice(h->other, 32);
	}
	return NULL;
}

static void together(void *state, unsigned long n)
{
	struct helped *h = state;

	__atomic_store_n(&helped, h, __ATOMIC_RELEASE);
	h->slice(h->own, n);
	__atomic_store_n(&helped, NULL, __ATOMIC_RELEASE);
}

static void two(const char *name, struct helped ours, struct helped peers)
{
	struct meter_case cases[] = {
		{.name = name, .slice = together, .state = &ours},
		{.name = "peer", .slice = together, .state = &peers},
	};
	pthread_t thread;

	ended = 0;
	if (pthread_create(&thread, NULL, help, NULL))
		abort();
	meter_run(cases, 2);
	meter_row("iova", &cases[0], &cases[1], "ratio >= 3");
	__atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

/* ---- Rows ---- */

static void one(const char *name, void (*ours)(void *, unsigned long),
                void (*peers)(void *, unsigned long), const char *wanted)
{
	struct meter_case cases[] = {
		{.name = name, .slice = ours, .state = &pieces[OURS]},
		{.name = "peer", .slice = peers, .state = &pieces[PEERS]},
	};

	meter_run(cases, 2);
	meter_row("iova", &cases[0], &cases[1], wanted);
}

/* Physical limit, and the loop. */
static void limits(void)
{
	static struct meter_chase chase;
	struct meter_case cases[] = {
		{.name = "loop",
	         .slice = live_nothing,
	         .state = &pieces[NOTHING]},
		{.name = "load", .slice = meter_chase_slice, .state = &chase},
	};

	meter_chase_init(&chase);
	meter_run(cases, 2);
	meter_row("iova", &cases[0], &cases[1], NULL);
	(void)now_nothing;
	(void)large_nothing;
}

static void draw(void)
{
	uint64_t seed = 1;
	unsigned int i;

	for (i = 0; i < DRAWN; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		place[i] = seed >> 33 & (ALIVE - 1);
		small[i] = (uint8_t)(1 + (seed >> 45 & 31));
		large[i] = (uint8_t)(64 + (seed >> 50) % 192);
	}
}

static int by_page(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* No page is in two pieces. */
static void check_apart(const char *whose, const struct pieces *one,
                        const struct pieces *other)
{
	static struct piece all[4 * ALIVE];
	const struct piece *from[] = {one->small, one->large, other->small,
	                              other->large};
	size_t i, n, count = 0;

	for (i = 0; i < 4; i++)
		for (n = 0; n < ALIVE; n++)
			if (from[i][n].npages)
				all[count++] = from[i][n];
	qsort(all, count, sizeof(*all), by_page);
	for (i = 1; i < count; i++) {
		if (all[i - 1].page + all[i - 1].npages <= all[i].page)
			continue;
		fprintf(stderr, "%s: a page was given twice\n", whose);
		exit(1);
	}
}

static void begin(void)
{
	struct iova_range aperture = {0, ((LAST + 1) << SHIFT) - 1};
	struct ioas_iova_ranges ranges = {0};

	ioas_host_hooks(&ioas_hooks);
	draw();
	peer = peer_iova_create(LAST);
	if (!peer || ioas_iova_ranges_set(&ranges, aperture, NULL, 0) ||
	    ioas_iova_alloc_init(&alloc, aperture, SHIFT, &ranges))
		abort();
	ioas_iova_ranges_fini(&ranges);
}

int main(void)
{
	begin();
	/* All of ALIVE are there before the clock runs. */
	live_ours(&pieces[OURS], DRAWN);
	live_peers(&pieces[PEERS], DRAWN);
	one("now", now_ours, now_peers, "ratio >= 3");
	one("live", live_ours, live_peers, "ratio >= 3");
	two("now-two", (struct helped){now_ours, &pieces[OURS], &others[OURS]},
	    (struct helped){now_peers, &pieces[PEERS], &others[PEERS]});
	two("live-two",
	    (struct helped){live_ours, &pieces[OURS], &others[OURS]},
	    (struct helped){live_peers, &pieces[PEERS], &others[PEERS]});
	large_ours(&pieces[OURS], DRAWN);
	large_peers(&pieces[PEERS], DRAWN);
	one("large", large_ours, large_peers, "min <= 400");
	limits();
	check_apart("ours", &pieces[OURS], &others[OURS]);
	check_apart("peer", &pieces[PEERS], &others[PEERS]);
	peer_iova_destroy(peer);
	ioas_iova_alloc_fini(&alloc);
	return 0;
}
