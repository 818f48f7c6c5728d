/* SPDX-License-Identifier: MIT */
/*
 * Replay: the second engine, for one algorithm with little state that wants
 * very many of them. README.md says how it works.
 *
 *	run.c     one step of a thread: the operation, again from its start
 *	state.c   a state in memory and in few bytes; the same for equal ones
 *	world.c   CPUs, devices, exits: what may happen, and the laws
 *	search.c  breadth first, and random walks
 *	cases.c   sizes
 *	main.c    options, what is printed
 */
#ifndef IOAS_EXPLORE_REPLAY_H
#define IOAS_EXPLORE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "asid/asid.h"

#define CPUS     3
#define CONTEXTS 6
#define DEVICES  2
#define THREADS  (CPUS + DEVICES + 1) /* and one that changes tables */
#define LOG      28
#define BITS     3
#define DEAD     0x7f /* in a cache: of a context that has exited */
#define DELAYED  2    /* stores of a CPU that others do not see yet */
/* The one that is, in every state; so many may come in a walk. */
#define GENERATION 24u

/* What a thread is about: an operation, and what its accesses gave so far. */
struct progress {
	uint8_t op, arg, used, holds;
	uint32_t ids; /* which of the log are ids */
	uint16_t log[LOG];
};

enum op { NOTHING, SWITCH, IDLE, PIN, UNPIN, CHANGE };
enum life { LIVE, EXITED };

/* Contexts are named by their index and 1; 0: none. */
struct state {
	uint16_t generation;
	uint8_t lock, map, pinned, npinned;
	uint16_t id[CONTEXTS];
	uint8_t pins[CONTEXTS], life[CONTEXTS];
	uint16_t active[CPUS], reserved[CPUS], flushed[CPUS], seen[CPUS];
	uint16_t delayed[CPUS][DELAYED];
	uint8_t delays[CPUS];
	/* What a CPU runs, and under which number; what its cache has. */
	uint8_t runs[CPUS], number[CPUS], cache[CPUS];
	uint8_t stale[CPUS]; /* that entry is older than the change */
	uint8_t bound[DEVICES], bound_number[DEVICES], device_cache[DEVICES];
	uint8_t device_stale[DEVICES];
	/* The context whose tables change, and: nobody sees that so far. */
	uint8_t changed, pending;
	struct progress thread[THREADS];
};

struct replay_case {
	const char *name, *about;
	unsigned int cpus, contexts, numbers, devices;
	unsigned int pinnable; /* contexts that may be pinned, the first ones */
	/* The number whose entries are watched in caches. */
	unsigned int watch;
	bool asymmetric, exits, idle, changes;
	bool walk, thorough;
};

extern const struct replay_case replay_cases[], *the_case;
extern struct options {
	bool delays; /* TSO: stores wait in buffers */
	bool merged; /* what is under the lock is one step (README.md) */
	bool rests;
	bool tracing;
	double max_seconds;
	uint64_t max_bytes;
} options;

/* ---- run.c ---- */

enum outcome { WENT_ON, NOT_NOW, BROKE };

struct broken {
	const char *law, *condition, *sentence, *file;
	int line;
};

extern struct broken broken;
/* Merged steps are not of this code, and why. */
extern const char *misfit;
_Noreturn void break_law(const char *law, const char *condition,
                         const char *sentence);
#define must_hold(law, condition, sentence)                   \
	do {                                                  \
		if (!(condition))                             \
			break_law(law, #condition, sentence); \
	} while (0)

void run_init(void);
/* As run_whole, on memory that no state has been in. */
void run_begin(struct state *s, void (*fn)(struct state *s, unsigned int arg));
/* The thread goes on, or begins with @op of @arg. */
enum outcome run_step(struct state *s, unsigned int t, enum op op,
                      unsigned int arg);
/* CPUs whose delayed stores a merged step would have seen. */
extern unsigned int run_missed;
/* A switch is at the lock: what it read before matters no more. */
void run_forget(struct progress *p);
/* On a copy: does the next step come to the lock, and has changed nothing? */
bool run_is_vain(struct state *copy, unsigned int t);
/* fn(state, arg) all at once; laws may break in it. */
enum outcome run_whole(struct state *s,
                       void (*fn)(struct state *s, unsigned int arg),
                       unsigned int arg);
/* In a callback: has it been before? Otherwise it is one step (@visible). */
bool run_again(bool visible, const char *where, const char *what);

/* ---- state.c ---- */

extern struct ioas_asids *asids;
extern struct ioas_asid_context context[CONTEXTS];
extern struct ioas_asid_cpu *cpu[CPUS];

void state_to_memory(const struct state *s);
/* What is not only seen under the lock; and that. */
void state_from_memory(struct state *s, bool all);
uint64_t wide(uint16_t narrow, bool id);
uint16_t narrow(uint64_t wide, bool id);
/* Which one became which. */
struct naming {
	uint8_t context[CONTEXTS], cpu[CPUS];
};

/* The same state for all that are equal. */
void state_normal(struct state *s, struct naming *ret_order);
/* In bytes; at most STATE_BYTES. */
#define STATE_BYTES (sizeof(struct state))
unsigned int state_pack(const struct state *s, uint8_t *bytes);
unsigned int state_unpack(struct state *s, const uint8_t *bytes);

/* ---- world.c ---- */

/* What may happen next: a step of a thread, or what needs no thread. */
struct choice {
	uint8_t thread, op, arg; /* thread EXITS: arg exits; DRAINS: its CPU */
};

#define EXITS   0xfe
#define DRAINS  0xfd
#define CHOICES 64
unsigned int world_choices(const struct state *s, struct choice *ret);
enum outcome world_do(struct state *s, struct choice c);
void world_init(struct state *s);
/* The operation itself, on the thread that runs. */
void world_run(unsigned int t, enum op op, unsigned int arg);
/* May the operation begin anew after its lock was released? */
bool world_restarts(enum op op);

/* ---- search.c ---- */

struct result {
	uint64_t states, transitions, bytes;
	uint64_t rests; /* states in which nobody is about anything */
	uint32_t depth, steps;
	double seconds;
	bool broke, stopped;
};

struct result search(void);
struct result walk(void);

/* ---- main.c ---- */

void trace(unsigned int thread, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* IOAS_EXPLORE_REPLAY_H */
