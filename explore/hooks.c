/* SPDX-License-Identifier: MIT */
/*
 * The hooks of the core as the explorer has them. What would go to the system
 * is a step, or nothing. Those that a set does not want are changed in its
 * cases' init; the ones that are NULL here end the program when they are
 * called, as a set that needs them has to say what they do.
 */
#include "base/hooks.h"

#include <stdio.h>
#include <string.h>

#include "engine.h"

struct ioas_hooks ioas_hooks;

static void hook_free(void *p, size_t bytes)
{
	access_free(p, bytes);
}

static bool hook_barrier(void)
{
	static const struct explore_site site = {"", "process-wide barrier", "",
	                                         0};
	struct pending op = {.kind = OP_BARRIER, .site = &site};

	if (!now_running || options.memory == MEMORY_SC)
		return true;
	yield(&op);
	op.kind = OP_BARRIER_WAIT;
	yield(&op);
	return true;
}

static void sleep_on(const struct ioas_a32 *word, uint32_t seen, bool timeout)
{
	static const struct explore_site site = {"", "sleeps", "", 0};
	struct pending op = {
		.kind = OP_WAIT,
		.at = (void *)(uintptr_t)word,
		.expected = seen,
		.size = sizeof(seen),
		.timeout = timeout,
		.site = &site,
	};

	if (!now_running)
		explore_broken("HANG-1", "somebody else can go on",
		               "sleeps where no other thread runs");
	yield(&op);
}

static void hook_wait(const struct ioas_a32 *word, uint32_t seen)
{
	sleep_on(word, seen, false);
}

static void hook_wait_until(const struct ioas_a32 *word, uint32_t seen,
                            uint64_t deadline)
{
	sleep_on(word, seen, deadline != UINT64_MAX);
}

static void hook_wake(const struct ioas_a32 *word)
{
	static const struct explore_site site = {"", "wakes", "", 0};
	struct pending op = {
		.kind = OP_WAKE,
		.at = (void *)(uintptr_t)word,
		.site = &site,
	};

	if (now_running)
		yield(&op);
}

static void hook_relax(unsigned int round)
{
	access_relax();
}

static bool hook_at_thread_exit(void (*fn)(void *arg), void *arg)
{
	if (!now_running)
		return true;
	if (now.exits == sizeof(now.at_exit) / sizeof(now.at_exit[0]))
		return false;
	now.at_exit[now.exits].fn = fn;
	now.at_exit[now.exits++].arg = arg;
	return true;
}

static void hook_law_broken(const char *law, const char *condition,
                            const char *file, int line)
{
	broken.file = file;
	broken.line = line;
	explore_broken(law, condition, "the source itself says so");
}

void hooks_init(void)
{
	ioas_hooks = (struct ioas_hooks){
		.alloc = access_alloc,
		.free = hook_free,
		.barrier = hook_barrier,
		.wait = hook_wait,
		.wait_until = hook_wait_until,
		.wake = hook_wake,
		.relax = hook_relax,
		.at_thread_exit = hook_at_thread_exit,
		.law_broken = hook_law_broken,
	};
}

/* ---- What a set calls. ---- */

void explore_broken(const char *law, const char *condition,
                    const char *sentence)
{
	set_broken(law, sentence);
	broken.condition = condition;
	give_up(BROKE);
}

unsigned int explore_choose(unsigned int n)
{
	static const struct explore_site site = {"", "chooses", "", 0};
	struct pending op = {
		.kind = OP_CHOOSE,
		.branches = (uint8_t)n,
		.site = &site,
	};

	return now_running ? (unsigned int)yield(&op) : 0;
}

unsigned int explore_self(void)
{
	return now_thread;
}

void explore_note(const char *text)
{
	if (now_running && tracing)
		trace_note(text);
}

void explore_fork(void)
{
	static const struct explore_site site = {"", "fork", "", 0};
	struct pending op = {.kind = OP_FORK, .site = &site};

	yield(&op);
}
