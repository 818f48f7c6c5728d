/* SPDX-License-Identifier: MIT */
/*
 * The locks of base/lock.h: one thread at a time, and no sleeper is forgotten.
 * Threads end after a few rounds, so that one that sleeps for ever is seen
 * (HANG-1) and not hidden by others that go on.
 *
 * Laws
 *	LOCK-2  one thread at a time has it
 *	LOCK-3  what was done under it is seen by who has it next
 */
#include "base/lock.h"

#include "explore.h"

static struct ioas_lock lock;
static struct ioas_light light;
static uint32_t under_lock;

static EXPLORE_GHOST struct {
	uint32_t rounds;
	bool held;
} ghost;

static void critical(void)
{
	explore_law(LOCK_2, !ghost.held, "two threads have the lock");
	ghost.held = true;
	explore_law(LOCK_3, under_lock == ghost.rounds,
	            "not what the last one did");
	under_lock++;
	ghost.rounds++;
	ghost.held = false;
}

static void round_of_lock(void)
{
	ioas_lock(&lock);
	critical();
	ioas_unlock(&lock);
}

static void twice(void)
{
	round_of_lock();
	round_of_lock();
}

static void try_twice(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!ioas_lock_try(&lock))
			continue;
		critical();
		ioas_unlock(&lock);
	}
}

/* A wait may end early, for no reason. */
static void wait_early(const struct ioas_a32 *word, uint32_t seen)
{
	if (explore_choose(2))
		ioas_hooks.wait_until(word, seen, UINT64_MAX);
}

static void init_early(void)
{
	ioas_hooks.wait = wait_early;
}

static void free_at_the_end(void)
{
	explore_law(LOCK_1, ioas_a32_load(&lock.word) == 0,
	            "the lock is held, and no thread is there");
	explore_law(LOCK_3, under_lock == ghost.rounds, "a round was lost");
}

static void round_of_light(void)
{
	ioas_light_lock(&light);
	critical();
	ioas_light_unlock(&light);
}

static void light_twice(void)
{
	round_of_light();
	round_of_light();
}

static void init_fenced(void)
{
	light.fenced = true;
}

static void light_at_the_end(void)
{
	explore_law(LOCK_1, ioas_a32_load(&light.word) == 0,
	            "the lock is held, and no thread is there");
	explore_law(LOCK_1, ioas_a32_load(&light.sleepers) == 0,
	            "nobody sleeps, and sleepers are counted");
	explore_law(LOCK_3, under_lock == ghost.rounds, "a round was lost");
}

/* The child of a fork: whoever had the lock is not there. */
static void fork_and_lock(void)
{
	explore_fork();
	ioas_lock_reset(&lock);
	ghost.held = false;
	under_lock = 0;
	ghost.rounds = 0;
	round_of_lock();
}

const struct explore_case explore_cases[] = {
	{"two", "two threads, two rounds each",
         .thread = {{"one", twice}, {"two", twice}}, .rest = free_at_the_end},
	{"three", "three threads, two rounds each",
         .thread = {{"one", twice}, {"two", twice}, {"three", twice}},
         .rest = free_at_the_end},
	{"early", "likewise, sleep may end early", init_early,
         .thread = {{"one", twice}, {"two", twice}, {"three", round_of_lock}},
         .rest = free_at_the_end},
	{"try", "one of them does not wait",
         .thread = {{"one", twice},
                    {"two", round_of_lock},
                    {"tries", try_twice}},
         .rest = free_at_the_end},
	{"fork", "the child of a process whose threads use the lock",
         .thread = {{"forks", fork_and_lock}, {"other", twice}},
         .rest = free_at_the_end},
	{"light", "two threads, two rounds each of the light lock",
         .thread = {{"one", light_twice}, {"two", light_twice}},
         .rest = light_at_the_end},
	{"light-three", "three threads, one round each, and one more",
         .thread = {{"one", light_twice},
                    {"two", round_of_light},
                    {"three", round_of_light}},
         .rest = light_at_the_end},
	{"light-early", "likewise two, sleep may end early", init_early,
         .thread = {{"one", light_twice}, {"two", light_twice}},
         .rest = light_at_the_end},
	{"light-fenced", "likewise, where there is no barrier", init_fenced,
         .thread = {{"one", light_twice}, {"two", light_twice}},
         .rest = light_at_the_end},
	{NULL},
};
