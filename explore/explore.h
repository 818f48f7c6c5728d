/* SPDX-License-Identifier: MIT */
/*
 * What a set of the explorer is made of: cases, each a few threads over the
 * shipped sources. README.md says how to write one.
 *
 * A set is compiled like the shipped sources, with every access announced to
 * the engine. Its threads are plain functions; one that loops for ever is
 * explored for any number of rounds, because states that were seen before are
 * not gone into again.
 */
#ifndef IOAS_EXPLORE_H
#define IOAS_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

#define EXPLORE_THREADS 6 /* of a case, at most */

struct explore_thread {
	const char *name;
	void (*run)(void);
	/* A signal handler that may come between any two accesses, or NULL. */
	void (*handler)(void);
	/* It may sleep for ever when everybody else has ended. */
	bool serves;
};

struct explore_case {
	const char *name;
	const char *about; /* one line */
	void (*init)(void);
	/* The first without a name ends them. */
	struct explore_thread thread[EXPLORE_THREADS + 1];
	void (*rest)(void); /* all threads have ended: what holds now? */
	bool thorough;      /* with --all only */
};

/* A set has one of these; the first without a name ends it. */
extern const struct explore_case explore_cases[];

/*
 * What only the explorer knows, to say laws with. Its variables belong to the
 * state, but to look at them is no step, and no race.
 */
#define EXPLORE_GHOST __attribute__((section("ioas_ghost")))

/* A law of the set: the same as ioas_law(), with a sentence for the trace. */
#define explore_law(name, condition, sentence)                       \
	do {                                                         \
		if (!(condition))                                    \
			explore_broken(#name, #condition, sentence); \
	} while (0)
_Noreturn void explore_broken(const char *law, const char *condition,
                              const char *sentence);

/* Any of 0 .. n - 1: the explorer tries each. */
unsigned int explore_choose(unsigned int n);
/* Which thread of the case runs now. */
unsigned int explore_self(void);
/* A line for the trace; at no cost. */
void explore_note(const char *text);
/* As fork() in the child: all other threads are gone. */
void explore_fork(void);
/* The thread ends here; what it asked hooks.at_thread_exit for is run. */
_Noreturn void explore_exit(void);

/*
 * Numbers that only grow and are only compared, so that only their order
 * matters: they begin at EXPLORE_RANK, and the engine renames them to
 * consecutive ones in every state. It finds them by their looks, also shifted
 * by 16 bits. With them any number of rounds is a finite space.
 */
#define EXPLORE_RANK UINT64_C(0x5ea15000)

/* Live objects of hooks.alloc. */
unsigned int explore_objects(void);

#endif /* IOAS_EXPLORE_H */
