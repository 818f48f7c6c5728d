/* SPDX-License-Identifier: MIT */
/*
 * The allocator of I/O addresses: caches of threads without locks, a depot
 * between them, and somebody who wants what is in all of them. It is compiled
 * as a part of this file, with caches of two pieces of one size, so that a
 * batch is one piece.
 *
 * Laws
 *	IOVA-1  no page is given twice
 *	IOVA-2  no page is lost: when all threads have ended, each can be taken
 *	IOVA-5  a piece is refused only when the pages are not there
 */
#define IOAS_IOVA_SIZES 1
#define IOAS_IOVA_HOLDS 2
#include "explore.h"
#include "iova/alloc.c"

#define SHIFT 12
#define PAGES 4 /* without page 0 */

static struct ioas_iova_alloc alloc, beside;
static struct ioas_a32 phase;

static EXPLORE_GHOST struct {
	bool taken[PAGES + 1];
	bool taken_beside[PAGES + 1];
	uint32_t had; /* pages that threads have */
} ghost;

static uint64_t take_page(void)
{
	struct iova iova = {0};
	int rc = ioas_iova_take(&alloc, 1, (struct iova){UINT64_MAX}, &iova);
	uint64_t page = iova.raw >> SHIFT;

	explore_law(IOVA_5, rc == 0, "a page is left, and it is refused");
	explore_law(IOVA_1, page >= 1 && page <= PAGES,
	            "there is no such page");
	explore_law(IOVA_1, !ghost.taken[page], "somebody has that page");
	ghost.taken[page] = true;
	ghost.had++;
	return page;
}

static void give_page(uint64_t page)
{
	ghost.taken[page] = false;
	ghost.had--;
	ioas_iova_give(&alloc, (struct iova){page << SHIFT}, 1);
}

/* ---- Threads ---- */

static void take_and_give(void)
{
	give_page(take_page());
}

static void twice(void)
{
	take_and_give();
	take_and_give();
}

/* Its cache has one piece, and is used without the lock. */
static void quick(void)
{
	uint64_t page;

	take_and_give();
	page = take_page();
	give_page(page);
}

static void wait_for(uint32_t wanted)
{
	uint32_t seen;

	while ((seen = ioas_a32_load(&phase)) < wanted)
		ioas_hooks.wait(&phase, seen);
}

static void go_on(uint32_t reached)
{
	ioas_a32_store(&phase, reached);
	ioas_hooks.wake(&phase);
}

/* What it gave stays in its cache while another wants every page. */
static void keep_some(void)
{
	uint64_t one = take_page(), other = take_page();

	give_page(one);
	give_page(other);
	go_on(1);
	wait_for(2);
}

static void take_every_page(void)
{
	uint64_t page[PAGES];
	unsigned int i;

	wait_for(1);
	for (i = 0; i < PAGES; i++)
		page[i] = take_page();
	for (i = 0; i < PAGES; i++)
		give_page(page[i]);
	go_on(2);
}

static void use_beside(void)
{
	struct iova iova = {0};
	int rc = ioas_iova_take(&beside, 1, (struct iova){UINT64_MAX}, &iova);
	uint64_t page = iova.raw >> SHIFT;

	explore_law(IOVA_5, rc == 0, "a page is left, and it is refused");
	explore_law(IOVA_1, !ghost.taken_beside[page],
	            "somebody has that page");
	ghost.taken_beside[page] = true;
	ghost.taken_beside[page] = false;
	ioas_iova_give(&beside, iova, 1);
}

static void one_and_the_other(void)
{
	take_and_give();
	use_beside();
	use_beside();
}

static void the_other_and_one(void)
{
	use_beside();
	take_and_give();
}

/* So many that a cache gives some away. */
static void many(void)
{
	uint64_t page[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		page[i] = take_page();
	for (i = 0; i < 3; i++)
		give_page(page[i]);
}

static void want_all(void)
{
	ioas_lock(&alloc.lock);
	empty_all_locked(&alloc, NULL);
	ioas_unlock(&alloc.lock);
}

static void want_and_use(void)
{
	want_all();
	take_and_give();
}

/* A thread is there, and no other: as in the child of a fork. */
static void fork_and_use(void)
{
	unsigned int i;

	take_and_give();
	explore_fork();
	for (i = 0; i <= PAGES; i++)
		ghost.taken[i] = false;
	ioas_iova_forked();
	explore_law(IOVA_4, ioas_iova_threads() <= 1,
	            "threads that are not here have caches");
	ioas_lock(&all.lock);
	explore_law(IOVA_4, !all.first, "the parent's allocators are known");
	ioas_unlock(&all.lock);
}

/* ---- Cases ---- */

static void make(struct ioas_iova_alloc *which)
{
	const struct iova_range aperture = {0, ((PAGES + 1) << SHIFT) - 1};
	struct ioas_iova_ranges ranges = {0};
	int rc = ioas_iova_ranges_set(&ranges, aperture, NULL, 0);

	if (!rc)
		rc = ioas_iova_alloc_init(which, aperture, SHIFT, &ranges);
	explore_law(IOVA_5, rc == 0, "there is no memory");
	ioas_iova_ranges_fini(&ranges);
}

static void init(void)
{
	make(&alloc);
}

static void init_two(void)
{
	make(&alloc);
	make(&beside);
}

static void init_lacking(void)
{
	ioas_hooks.barrier = NULL;
	init();
}

/* No thread has a cache. */
static void init_locked(void)
{
	init();
	ioas_hooks.at_thread_exit = NULL;
}

static void is_there(struct ioas_iova_alloc *which)
{
	unsigned int i;

	for (i = 0; i < which->top; i++)
		explore_law(IOVA_4,
		            !cache_of(which, i) ||
		                    !cache_of(which, i)->count[0],
		            "a thread has ended, and left a page in its cache");
	empty_depot_locked(which);
	explore_law(IOVA_2, which->gaps.taken == 0, "a page was lost");
	ioas_iova_alloc_fini(which);
}

static void all_is_there(void)
{
	explore_law(IOVA_4, ioas_iova_threads() == 0,
	            "a cache has an owner, and no thread is there");
	is_there(&alloc);
	if (beside.page_shift)
		is_there(&beside);
	explore_law(IOVA_2, explore_objects() == 0, "memory was lost");
}

const struct explore_case explore_cases[] = {
	{"emptied", "caches are emptied while one is used without the lock",
         init, .thread = {{"user", quick}, {"wants", want_all}},
         .rest = all_is_there},
	{"no-barrier", "likewise, without a process-wide barrier", init_lacking,
         .thread = {{"user", quick}, {"wants", want_all}},
         .rest = all_is_there},
	{"depot", "pieces go from one thread to another", init,
         .thread = {{"gives", many}, {"takes", twice}}, .rest = all_is_there},
	{"both", "both use their caches, and one wants all", init,
         .thread = {{"user", quick}, {"wants", want_and_use}},
         .rest = all_is_there},
	{"ends", "a thread ends, another takes over its caches", init,
         .thread = {{"first", take_and_give},
                    {"second", take_and_give},
                    {"wants", want_all}},
         .rest = all_is_there, .thorough = true},
	{"used-up", "one wants every page, and some are in another's cache",
         init, .thread = {{"keeps", keep_some}, {"wants", take_every_page}},
         .rest = all_is_there},
	{"two", "two allocators, and threads that come at once", init_two,
         .thread = {{"first", one_and_the_other},
                    {"second", the_other_and_one}},
         .rest = all_is_there},
	{"locked", "threads without caches", init_locked,
         .thread = {{"first", twice}, {"second", twice}}, .rest = all_is_there},
	{"fork", "the child of a fork", init,
         .thread = {{"forks", fork_and_use}, {"other", take_and_give}}},
	{.name = NULL},
};
