/* SPDX-License-Identifier: MIT */
/*
 * Two threads: one that is measured, and another that rests, does the same, or
 * registers and unregisters all the time.
 *
 * What a writer costs a reader is what the processor makes of it: lines that
 * move, and the interruption of a reader for each grace period. Beside it are
 * a writer that has nothing to do with what is read, and one that makes as
 * many such interruptions as registering does and nothing else.
 */
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "benchmarks/mem_ways.h"

#define REGIONS     16
#define OTHER_BYTES (64u << 10)

HOT_LOOP(by_inline)
HOT_LOOP(by_call)
HOT_LOOP(by_list)
HOT_LOOP(by_array)
HOT_LOOP(by_map)

/* ---- The other thread. ---- */

typedef void other_fn(struct world *w);

static void rest(struct world *w)
{
	(void)w;
}

static void end(struct world *w)
{
	(void)w;
}

/* A look of the loop at what is wanted costs as much as some of these. */
#define SOME 1000

static void find_inline(struct world *w)
{
	by_inline_hot(w, SOME);
}

static void find_by_call(struct world *w)
{
	by_call_hot(w, SOME);
}

static void find_in_list(struct world *w)
{
	by_list_hot(w, SOME);
}

static void find_in_array(struct world *w)
{
	by_array_hot(w, SOME);
}

static void find_in_map(struct world *w)
{
	by_map_hot(w, SOME);
}

static void change_ours(struct world *w)
{
	enter(w->holder, OTHERS_START, OTHER_BYTES);
	leave(w->holder, OTHERS_START, OTHER_BYTES);
}

static void change_list(struct world *w)
{
	peer_list_add(&w->list, OTHERS_START, OTHER_BYTES);
	peer_list_remove(&w->list, OTHERS_START);
}

static void change_array(struct world *w)
{
	peer_array_grow(&w->array, OTHERS_START, OTHER_BYTES);
	peer_array_shrink(&w->array);
}

static void change_map(struct world *w)
{
	peer_map_register(w->map, OTHERS_START, OTHER_BYTES, 1 << PEER_SHIFT);
	peer_map_unregister(w->map, OTHERS_START, OTHER_BYTES, 1 << PEER_SHIFT);
}

/* As many stores as a registration makes to the table, with as many locks. */
static void write_elsewhere(struct world *w)
{
	static _Atomic uint64_t lines[64][8];
	static unsigned int turn;
	unsigned int i;

	(void)w;
	for (i = 0; i < 64; i++)
		atomic_store_explicit(&lines[i][turn & 7], turn,
		                      memory_order_relaxed);
	atomic_fetch_add(&lines[0][0], turn++);
}

static void interrupt(struct world *w)
{
	unsigned int i;

	/* Once for so many registrations. */
	for (i = 0; i < 1024; i++)
		write_elsewhere(w);
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static struct {
	_Atomic(other_fn *) wanted, does;
	struct world *world;
} other;

static void *others_life(void *arg)
{
	other_fn *does;

	urcu_memb_register_thread();
	while ((does = atomic_load(&other.wanted)) != end) {
		atomic_store(&other.does, does);
		does(arg);
	}
	urcu_memb_unregister_thread();
	return NULL;
}

/* ---- Rows. ---- */

/* What is measured, and what the other thread does meanwhile. */
struct pair {
	void (*slice)(void *state, unsigned long n);
	other_fn *other;
};

static void pair_slice(void *state, unsigned long n)
{
	const struct pair *pair = state;

	atomic_store(&other.wanted, pair->other);
	while (atomic_load(&other.does) != pair->other)
		;
	pair->slice(other.world, n);
	atomic_store(&other.wanted, rest);
}

/* A row: beside the same while the other thread rests. */
static const struct row {
	const char *name;
	struct pair pair;
	const char *wanted;
} rows[] = {
	{"2 threads, inline", {by_inline_hot, find_inline}, NULL},
	{"2 threads, call", {by_call_hot, find_by_call}, NULL},
	{"2 threads, map", {by_map_hot, find_in_map}, NULL},
	{"2 threads, array", {by_array_hot, find_in_array}, NULL},
	{"2 threads, list", {by_list_hot, find_in_list}, NULL},
	/* At most 1.1 times as slow. */
	{"other registers, inline",
         {by_inline_hot, change_ours},
         "ratio >= 0.909"},
	{"other registers, call", {by_call_hot, change_ours}, "ratio >= 0.909"},
	{"other registers, map", {by_map_hot, change_map}, NULL},
	{"other registers, array", {by_array_hot, change_array}, NULL},
	{"other registers, list", {by_list_hot, change_list}, NULL},
	{"limit: other writes elsewhere",
         {by_inline_hot, write_elsewhere},
         NULL},
	{"limit: and interrupts for 1024", {by_inline_hot, interrupt}, NULL},
};

static void measure(const struct row *row)
{
	struct pair alone = {row->pair.slice, rest};
	struct pair both = row->pair;
	struct meter_case c[] = {
		{row->name, pair_slice, &both, 0, 0, 0},
		{"", pair_slice, &alone, 0, 0, 0},
	};

	meter_run(c, 2);
	meter_row("mem", &c[0], &c[1], row->wanted);
}

void thread_rows(void)
{
	pthread_t thread;
	struct world w;
	size_t i;

	world_init(&w, REGIONS, false);
	other.world = &w;
	atomic_store(&other.wanted, rest);
	/* Once, or the system does not know what is asked for. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
	        0);
	if (pthread_create(&thread, NULL, others_life, &w))
		die("thread");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		measure(&rows[i]);
	atomic_store(&other.wanted, end);
	pthread_join(thread, NULL);
	world_fini(&w);
}
