/* SPDX-License-Identifier: MIT */
/*
 * Doorbells on their way to a device: the queue and the bell of pci/post.c,
 * used as pci/runner.c uses them. Stores carry who put them, and their number;
 * who takes checks both. All threads end, so that one that sleeps while there
 * is work for it is seen (POST-2, as HANG-1).
 */
#include "pci/post.h"

#include "base/hooks.h"
#include "base/law.h"
#include "base/lock.h"
#include "explore.h"

static struct ioas_post post;
static struct ioas_bell bell;
static struct ioas_lock device;

static EXPLORE_GHOST struct {
	uint32_t prefilled;
	uint32_t expected;              /* stores that the case puts */
	uint32_t taken;                 /* of these, up to now */
	uint32_t old_taken;             /* of those from before */
	uint32_t next[EXPLORE_THREADS]; /* number of the next of a thread */
} ghost;

#define OLD 99 /* in the queue before the threads begin */

/* ---- Who puts. ---- */

static void put(uint32_t number)
{
	struct ioas_posted store = {
		.offset = explore_self(),
		.value = number,
	};

	ioas_post_put(&post, &store);
	ioas_bell_ring(&bell);
}

static void put_one(void)
{
	put(0);
}

static void put_two(void)
{
	put(0);
	put(1);
}

/* ---- Who takes. ---- */

static void check(const struct ioas_posted *store)
{
	if (store->offset == OLD) {
		explore_law(POST_1, store->value == ghost.old_taken,
		            "an old store out of order, or again");
		ghost.old_taken++;
		return;
	}
	explore_law(POST_1, store->offset < EXPLORE_THREADS,
	            "a store that nobody put");
	explore_law(POST_1, store->value == ghost.next[store->offset],
	            "a store out of order, or again");
	ghost.next[store->offset]++;
	ghost.taken++;
}

static void take_all(void)
{
	struct ioas_posted store;

	ioas_lock(&device);
	while (ioas_post_next(&post, &store)) {
		ioas_post_take(&post);
		check(&store);
	}
	ioas_unlock(&device);
}

static bool has_work(void *context)
{
	return ioas_post_any(&post);
}

static bool has_taken_all(void)
{
	return ghost.taken == ghost.expected &&
	       ghost.old_taken == ghost.prefilled;
}

static void serve(void)
{
	while (!has_taken_all()) {
		if (ioas_post_any(&post))
			take_all();
		else
			ioas_bell_sleep(&bell, UINT64_MAX, has_work, NULL);
	}
}

/* The others are not due yet. */
static void take_one(void)
{
	struct ioas_posted store;

	ioas_lock(&device);
	if (ioas_post_next(&post, &store)) {
		ioas_post_take(&post);
		check(&store);
	}
	ioas_unlock(&device);
}

/* Another thread that uses the device runs what was posted before. */
static void flush(void)
{
	take_all();
}

/* ---- Cases. ---- */

/* Tickets from @first on; @old stores are there. */
static void begin(uint32_t first, uint32_t old, uint32_t expected)
{
	struct ioas_posted store = {.offset = OLD};
	uint32_t i, ticket;

	ioas_post_init(&post);
	for (i = 0; i < IOAS_POST_SLOTS; i++) {
		ticket = first + i;
		post.slot[ticket % IOAS_POST_SLOTS].turn.cell = ticket;
	}
	post.put.cell = first;
	post.taken.cell = first;
	for (i = 0; i < old; i++) {
		store.value = i;
		ioas_post_put(&post, &store);
	}
	ghost.prefilled = old;
	ghost.expected = expected;
}

static void init_two(void)
{
	begin(0, 0, 2);
}

static void init_three(void)
{
	begin(0, 0, 3);
}

static void init_full(void)
{
	begin(0, IOAS_POST_SLOTS, 1);
}

static void init_full_two(void)
{
	begin(0, IOAS_POST_SLOTS, 2);
}

static void init_wrap(void)
{
	begin(UINT32_MAX, 0, 3);
}

/* The one that flushes may take the last store, and nobody rings after it. */
static void serve_or_sleep(void)
{
	while (!has_taken_all()) {
		if (ioas_post_any(&post))
			take_all();
		else if (!has_taken_all())
			ioas_bell_sleep(&bell, UINT64_MAX, has_work, NULL);
	}
}

static void all_taken(void)
{
	explore_law(POST_1, has_taken_all(), "a store was not taken");
	explore_law(POST_1, !ioas_post_any(&post), "one too many is there");
	explore_law(POST_2, ioas_a32_load(&post.waiting) == 0,
	            "somebody waits for room");
}

static void room_was_used(void)
{
	explore_law(POST_2, ioas_a32_load(&post.put) == IOAS_POST_SLOTS + 1,
	            "nobody put a store where there was room");
}

const struct explore_case explore_cases[] = {
	{"two", "two put, one takes", init_three,
         .thread = {{"puts1", put_two}, {"puts2", put_one}, {"takes", serve}},
         .rest = all_taken},
	{"wrap", "likewise, and tickets wrap", init_wrap,
         .thread = {{"puts1", put_two}, {"puts2", put_one}, {"takes", serve}},
         .rest = all_taken},
	{"full", "the queue is full: who puts waits for room", init_full,
         .thread = {{"puts", put_one}, {"takes", serve}}, .rest = all_taken},
	{"room", "the queue is full, and one store only is due", init_full,
         .thread = {{"puts", put_one}, {"takes", take_one}},
         .rest = room_was_used},
	{"full-two", "likewise, and two wait", init_full_two,
         .thread = {{"puts1", put_one}, {"puts2", put_one}, {"takes", serve}},
         .rest = all_taken, .thorough = true},
	{"flush", "another thread takes what is there", init_two,
         .thread = {{"puts", put_two},
                    {"flushes", flush},
                    {"takes", serve_or_sleep, NULL, true}},
         .rest = all_taken},
	{NULL},
};
