/* SPDX-License-Identifier: MIT */
/*
 * The engine, inside. See README.md for the method.
 *
 *	main.c     options, cases, what is printed
 *	search.c   breadth first over all states; laws that broke; traces
 *	thread.c   threads of a case: run one to its next step, keep it as bytes
 *	step.c     what one step does: memory, store buffers, sleep
 *	access.c   accesses as announced, and which of them are steps
 *	world.c    shared memory: what is not as in the beginning; objects
 *	intern.c   pieces of states, each kept once
 *	hooks.c    the hooks of the core
 *	trace.c, symbol.c   steps as a person reads them
 *
 * All of it runs on one thread of the system. Threads of a case have one stack
 * in common: the part in use is moved out and in, so that what a thread is
 * does not depend on which one it is.
 */
#ifndef IOAS_EXPLORE_ENGINE_H
#define IOAS_EXPLORE_ENGINE_H

#include <setjmp.h>
#include <stddef.h>

#include "base/atomic.h"
#include "explore.h"

/* ---- intern.c ---- */

/* Pieces, each kept once: equal bytes have equal numbers, from 1. */
struct intern {
	struct piece *piece;
	uint32_t count, room;
	uint32_t *table;
	uint64_t mask;
	char *bytes;
	size_t used;
};

struct piece {
	uint64_t hash;
	uint64_t ranks; /* which renamed numbers are in it */
	size_t offset;
	uint32_t length;
};

void intern_init(struct intern *in);
uint32_t intern(struct intern *in, const void *bytes, uint32_t length);
static inline const void *interned(const struct intern *in, uint32_t id)
{
	return in->bytes + in->piece[id].offset;
}

uint64_t explore_hash(const void *bytes, size_t length, uint64_t seed);
static inline uint64_t explore_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) *
	                      (b ^ 0xd1b54a32d192ed03u);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Renamed numbers in a piece, one bit each; and renaming them. */
uint64_t ranks_in(const void *bytes, size_t length);
void ranks_rename(void *bytes, size_t length, uint64_t present);

/* ---- world.c ---- */

#define LINE 64 /* bytes that are compared and kept together */

struct world_line {
	uint32_t line, piece;
};

extern struct intern world_pieces;

void world_init(void);
/* What it is now is how every execution begins. */
void world_begin(void);
bool world_has(const void *at, size_t bytes);
bool world_is_ghost(const void *at);
/* Index of the four bytes that @at is in. */
uint32_t world_granule(const void *at);
uint32_t world_granules(void);
void world_touch(const void *at, size_t bytes);
/* Lines that were touched become pieces; the former ones are remembered. */
void world_commit(void);
/* Has one of them changed since it was last taken back, or brought in? */
bool world_changed(void);
uint64_t world_hash(void);
uint64_t world_ranks(void);
void world_rename(uint64_t present);
/* Back to before the last commits; or they stay. */
void world_undo(void);
void world_forget(void);
/* Lines that are not as in the beginning. */
uint32_t world_save(struct world_line *ret_lines);
void world_load(const struct world_line *lines, uint32_t count);
uint32_t world_lines(void);
/* Every write was announced? Ends the program when one was not. */
void world_audit(void);

void *world_alloc(size_t bytes);
void world_free(void *p, size_t bytes);
/* Is the access inside of a live object, or of no object at all? */
bool world_is_live(const void *at, size_t bytes);

/* Number of the object that @at is in, and where in it; 0: in none. */
unsigned int world_object(const void *at, uint64_t *ret_offset);

/* ---- step.c ---- */

enum kind {
	OP_LOAD,
	OP_STORE,
	OP_EXCHANGE,
	OP_ADD,
	OP_CAS,
	OP_FENCE,
	OP_BARRIER,      /* process-wide: begins */
	OP_BARRIER_WAIT, /* until every store from before it is out */
	OP_WAIT,
	OP_ASLEEP,
	OP_WAKE,
	OP_CHOOSE,
	OP_PLAIN, /* accesses that are not atomic, up to the next that is */
	OP_POINT, /* nothing: a signal may come here */
	OP_RELAX, /* goes on when somebody else has changed something */
	OP_FORK,
	OP_END,
};

struct pending {
	void *at;
	uint64_t value, expected;
	const struct explore_site *site;
	uint8_t kind, size, order, branches;
	bool timeout; /* a wait that may end by itself */
};

/* A store on its way to memory. */
struct delayed {
	void *at;
	uint64_t value;
	uint8_t size, order;
	uint8_t awaited; /* barriers of these threads wait for it */
};

/* Of a thread that waits by looking: has memory changed since it last did? */
enum relaxed { RELAX_NEVER, RELAX_CHANGED, RELAX_SAME };

#define DELAYED 4 /* stores of one thread, at most */

/* What a thread is, with its stack and thread-local memory behind it. */
struct head {
	jmp_buf context;
	struct pending next;
	struct delayed delayed[DELAYED];
	uint32_t stack_bytes;
	uint8_t delays, exits, relaxed;
	bool handling, done;
	struct {
		void (*fn)(void *arg);
		void *arg;
	} at_exit[2];
};

enum memory {
	MEMORY_SC,   /* sequentially consistent */
	MEMORY_TSO,  /* x86: stores leave in order */
	MEMORY_WEAK, /* relaxed stores overtake others */
};

extern struct options {
	enum memory memory;
	unsigned int delayed; /* stores a thread may delay */
	bool every_access;    /* is a step, needed or not */
	bool no_rename;
	bool thorough;
	uint64_t max_states, max_bytes;
	double max_seconds;
} options;

/* Can the pending operation of @head be done now? */
bool step_ready(const struct head *head, unsigned int thread);
/*
 * Do it, in memory. False: the thread does not go on (it sleeps now). Result
 * for the code that asked in *ret_result.
 */
bool step_perform(struct head *head, unsigned int thread, unsigned int branch,
                  uint64_t *ret_result);
/* Which delayed store may leave? bit per index. */
unsigned int step_may_leave(const struct head *head);
void step_leave(struct head *head, unsigned int index);
uint64_t memory_read(const void *at, unsigned int size);
void memory_write(void *at, unsigned int size, uint64_t value);

/* ---- thread.c ---- */

enum outcome {
	WENT_ON = 1,
	SPINS, /* a look that found nothing: as if it had not been */
	BROKE,
};

extern struct intern locals;
extern const struct explore_case *the_case;
extern unsigned int threads;
/* The piece that each thread is. */
extern uint32_t local_id[EXPLORE_THREADS];
/* What runs; valid while a thread does. */
extern struct head now;
extern unsigned int now_thread;
extern bool now_running;

static inline const struct head *local_head(unsigned int thread)
{
	return interned(&locals, local_id[thread]);
}

void threads_init(void);
enum outcome threads_begin(void);
enum outcome thread_step(unsigned int thread, unsigned int branch);
enum outcome thread_signal(unsigned int thread);
void thread_leave(unsigned int thread, unsigned int index);
/* Edit what another thread is. */
void local_edit(unsigned int thread, void (*edit)(struct head *, void *),
                void *arg);
void local_rename(unsigned int thread, uint64_t present);
/* Call on the engine's side, as in rest(). */
enum outcome engine_call(void (*fn)(void));
bool on_stack(const void *at);
bool on_tls(const void *at);

/* From a thread: this is what I do next; it comes back when it was done. */
uint64_t yield(const struct pending *next);
_Noreturn void give_up(enum outcome outcome);

/* A law that broke, and where. */
extern struct broken {
	const char *law, *condition, *sentence, *file;
	char text[200];
	int line;
} broken;
void set_broken(const char *law, const char *sentence);

/* ---- access.c ---- */

/* An access of the step that ran last. */
struct footprint {
	const void *at;
	uint32_t size;
	bool write, plain;
	const struct explore_site *site;
};

#define FOOTPRINTS 64
extern struct footprint footprint[FOOTPRINTS];
extern unsigned int footprints;

void access_init(void);
/* A new execution of a step begins with this operation. */
void access_step(const struct pending *first);
/* Has something become a step that was none? Then begin again. */
bool access_grew(void);
void access_adopt(void);
unsigned int access_shared(void);
bool access_is_step(const void *at, unsigned int size);
/* hooks.relax, alloc and free, as the thread that runs. */
void access_relax(void);
void *access_alloc(size_t bytes);
void access_free(void *p, size_t bytes);

/* ---- hooks.c ---- */

void hooks_init(void);

/* ---- search.c ---- */

struct result {
	uint64_t states, transitions;
	uint32_t depth, passes, shared;
	uint64_t bytes;
	double seconds;
	uint32_t trace; /* steps, when a law broke */
	bool broke, stopped;
};

struct result search(const struct explore_case *c);

/* ---- trace.c ---- */

extern bool tracing;
void trace_step(const struct head *head, unsigned int thread,
                const struct pending *op, uint64_t result);
void trace_leave(unsigned int thread, const struct delayed *store);
void trace_signal(unsigned int thread);
void trace_note(const char *text);
void trace_reset(void);

/* ---- symbol.c ---- */

const char *symbol_of(const void *at);

#endif /* IOAS_EXPLORE_ENGINE_H */
