/* SPDX-License-Identifier: MIT */
/*
 * bench-mem: registered memory, beside its peers (mem_peers.h).
 *
 * 4 GiB of the program's addresses in regions, registered in no order. Nobody
 * touches that memory, so a back end that pins nothing stands for it; physical
 * addresses are the program's. All ways are compared with each other, address
 * by address, before the clock runs.
 *
 *	hot        1024 pages in no order: what queues do
 *	learned    the same pages, always in the same order
 *	cold       pages at random, of all: every one misses
 *	dependent  hot, each address known only when the one before is found
 *
 * bench-mem static: what is called, with both libraries linked statically.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "benchmarks/mem_ways.h"

#define BATCH       64
#define SMALL_BATCH 8
#define NOSUCH      4096 /* addresses outside that nobody may find */

HOT_LOOP(by_inline)
HOT_LOOP(by_call)
HOT_LOOP(by_list)
HOT_LOOP(by_array)
HOT_LOOP(by_map)
HOT_LOOP(by_joined)
HOT_LOOP(by_nothing)
HOT_LOOP(by_load)
COLD_LOOP(by_inline)
COLD_LOOP(by_call)
COLD_LOOP(by_list)
COLD_LOOP(by_array)
COLD_LOOP(by_map)
DEPENDENT_LOOP(by_inline)
DEPENDENT_LOOP(by_call)
DEPENDENT_LOOP(by_list)
DEPENDENT_LOOP(by_array)
DEPENDENT_LOOP(by_map)
DEPENDENT_LOOP(by_load)

/* ---- Batches. ---- */

static void one_batch(struct world *w, const uint64_t *uaddr, size_t n)
{
	static uint64_t phys[BATCH];
	struct ioas_mem_batch batch = {uaddr, phys, n, RW};

	ioas_registry_translate_batch(w->registry, &batch);
	meter_use(phys);
}

/* The addresses of a batch are put together first: that counts. */
static void batches_hot(struct world *w, unsigned long n, size_t size)
{
	uint64_t uaddr[BATCH];
	struct part part;
	size_t i = 0;

	while (n) {
		part = next_part(&n);
		for (; part.at < part.end; part.at++) {
			uaddr[i++] = hot[*part.at];
			if (i < size)
				continue;
			one_batch(w, uaddr, size);
			i = 0;
		}
	}
}

static void by_batch_hot(void *state, unsigned long n)
{
	batches_hot(state, n, BATCH);
}

static void by_small_batch_hot(void *state, unsigned long n)
{
	batches_hot(state, n, SMALL_BATCH);
}

static void by_batch_cold(void *state, unsigned long n)
{
	struct cold_part part;
	size_t size;

	while (n) {
		part = next_cold_part(&n);
		for (; part.at < part.end; part.at += size) {
			size = (size_t)(part.end - part.at);
			size = size < BATCH ? size : BATCH;
			one_batch(state, part.at, size);
		}
	}
}

/* ---- The order, learned. ---- */

static void by_list_learned(void *state, unsigned long n)
{
	struct world *w = state;
	uint64_t sum = 0;

	while (n--)
		sum += by_list(w, hot[order[n % HOT]]);
	meter_use((void *)(uintptr_t)sum);
}

static void by_inline_learned(void *state, unsigned long n)
{
	const struct world w = *(const struct world *)state;
	uint64_t sum = 0;

	while (n--)
		sum += by_inline(&w, hot[order[n % HOT]]);
	meter_use((void *)(uintptr_t)sum);
}

static void compare(struct world *w)
{
	uint64_t at, i, phys, size;

	for (i = 0; i < 2 * NOSUCH; i++) {
		at = i < NOSUCH ? cold[i] : BASE + TOTAL + any_number() % TOTAL;
		phys = i < NOSUCH ? at : PEER_NONE;
		size = 1;
		if (by_inline(w, at) != phys || by_call(w, at) != phys ||
		    by_array(w, at) != phys || by_map(w, at) != phys ||
		    by_joined(w, at) != phys ||
		    peer_map_find(at, &size) != phys)
			die("the ways do not agree");
		if (i % 64 == 0 && by_list(w, at) != phys)
			die("the list does not agree");
	}
}

/* ---- Rows. ---- */

/*
 * What is wanted of ours beside a list of so many regions; and how many times
 * so many are looked for in the list, for a few say nothing of the others.
 */
static const struct wanted {
	unsigned int regions;
	const char *by_inline, *by_call;
	unsigned long finds, slices;
} beside_list[] = {
	{1, NULL, NULL, 1u << 16, 200},
	{16, "ratio >= 15", "ratio >= 12", 1u << 15, 200},
	{256, "ratio >= 150", "ratio >= 120", 1u << 13, 200},
	{4096, "ratio >= 5000", "ratio >= 4000", 1u << 10, 25},
	{65536, NULL, NULL, 1u << 6, 15},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OURS (1u << 17)

/* By itself: a long list is all that a cache can hold. */
static void list_rows(struct world *w, const struct wanted *wanted)
{
	unsigned int regions = w->regions;
	struct meter_case c[] = {
		{named("list", "inline", regions), by_inline_hot, w, OURS, 0,
	         0},
		{named("list", "call", regions), by_call_hot, w, OURS, 0, 0},
		{named("list", "itself", regions), by_list_hot, w,
	         wanted->finds, 0, 0},
	};

	meter_run_long(c, COUNT(c), wanted->slices);
	meter_row("mem", &c[0], &c[2], wanted->by_inline);
	meter_row("mem", &c[1], &c[2], wanted->by_call);
}

static void hot_rows(const struct wanted *wanted)
{
	unsigned int regions = wanted->regions;
	struct world w;
	struct meter_case c[] = {
		{named("hot", "inline", regions), by_inline_hot, &w, 0, 0, 0},
		{named("hot", "call", regions), by_call_hot, &w, 0, 0, 0},
		{named("hot", "batch", regions), by_batch_hot, &w, 0, 0, 0},
		{named("hot", "batch of 8", regions), by_small_batch_hot, &w, 0,
	         0, 0},
		{named("hot", "map", regions), by_map_hot, &w, 0, 0, 0},
		{named("hot", "map joined", regions), by_joined_hot, &w, 0, 0,
	         0},
		{named("hot", "array", regions), by_array_hot, &w, 0, 0, 0},
		{named("hot", "loop", regions), by_nothing_hot, &w, 0, 0, 0},
	};
	size_t i;

	world_init(&w, regions, false);
	compare(&w);
	meter_run(c, COUNT(c));
	meter_row("mem", &c[0], &c[4], "ratio >= 2");
	meter_row("mem", &c[1], &c[4], "ratio >= 1.7");
	meter_row("mem", &c[2], &c[4], "ratio >= 3");
	meter_row("mem", &c[3], &c[4], NULL);
	for (i = 4; i < COUNT(c); i++)
		meter_row("mem", &c[i], NULL, NULL);
	list_rows(&w, wanted);
	world_fini(&w);
}

/* Constant: one region and very many, by turns. */
static void constant_rows(void)
{
	struct world one, many;
	struct meter_case c[] = {
		{"65,536 regions beside 1, inline", by_inline_hot, &many, 0, 0,
	         0},
		{"", by_inline_hot, &one, 0, 0, 0},
		{"65,536 regions beside 1, call", by_call_hot, &many, 0, 0, 0},
		{"", by_call_hot, &one, 0, 0, 0},
		{"65,536 regions beside 1, batch", by_batch_hot, &many, 0, 0,
	         0},
		{"", by_batch_hot, &one, 0, 0, 0},
	};
	size_t i;

	world_init(&one, 1, false);
	world_init(&many, 65536, false);
	meter_run(c, COUNT(c));
	for (i = 0; i < COUNT(c); i += 2)
		meter_row("mem", &c[i], &c[i + 1], "ratio >= 0.8");
	world_fini(&many);
	world_fini(&one);
}

/* Of ours, by how its table is made. */
static const char *const names[2][3] = {
	{"inline", "call", "batch"},
	{"tree", "tree call", "tree batch"},
};

/* Ours beside the map; what others take is the same whatever ours is. */
static void print(const struct meter_case *c, size_t ours, size_t count,
                  bool tree)
{
	size_t i;

	for (i = 0; i < ours; i++)
		meter_row("mem", &c[i], &c[ours], NULL);
	for (; i < count && !tree; i++)
		meter_row("mem", &c[i], NULL, NULL);
}

static void cold_rows(struct world *w, bool tree)
{
	const char *const *name = names[tree];
	struct meter_case c[] = {
		{named("cold", name[0], 16), by_inline_cold, w, 0, 0, 0},
		{named("cold", name[1], 16), by_call_cold, w, 0, 0, 0},
		{named("cold", name[2], 16), by_batch_cold, w, 0, 0, 0},
		{named("cold", "map", 16), by_map_cold, w, 0, 0, 0},
		{named("cold", "array", 16), by_array_cold, w, 0, 0, 0},
		{named("cold", "list", 16), by_list_cold, w, 0, 0, 0},
	};

	meter_run(c, COUNT(c));
	print(c, 3, COUNT(c), tree);
}

static void dependent_rows(struct world *w, bool tree)
{
	const char *const *name = names[tree];
	struct meter_case c[] = {
		{named("dependent", name[0], 16), by_inline_dependent, w, 0, 0,
	         0},
		{named("dependent", name[1], 16), by_call_dependent, w, 0, 0,
	         0},
		{named("dependent", "map", 16), by_map_dependent, w, 0, 0, 0},
		{named("dependent", "array", 16), by_array_dependent, w, 0, 0,
	         0},
		{named("dependent", "list", 16), by_list_dependent, w, 0, 0, 0},
	};

	meter_run(c, COUNT(c));
	print(c, 2, COUNT(c), tree);
}

static void tree_rows(void)
{
	const char *const *name = names[true];
	struct world w;
	struct meter_case c[] = {
		{named("hot", name[0], 16), by_inline_hot, &w, 0, 0, 0},
		{named("hot", name[1], 16), by_call_hot, &w, 0, 0, 0},
		{named("hot", name[2], 16), by_batch_hot, &w, 0, 0, 0},
		{named("hot", "map", 16), by_map_hot, &w, 0, 0, 0},
	};

	world_init(&w, 16, true);
	compare(&w);
	meter_run(c, COUNT(c));
	print(c, 3, COUNT(c), true);
	cold_rows(&w, true);
	dependent_rows(&w, true);
	world_fini(&w);
}

/* ---- Limits. ---- */

#define LINE       64
#define L2_LINES   2048 /* 128 KiB */
#define L2_STRIDES (LINE / sizeof(void *))

static void *l2_ring[L2_LINES * L2_STRIDES];

/* A step that is odd visits every line; it is not one that is foreseen. */
static void *l2_chain(void)
{
	size_t i, next;

	for (i = 0; i < L2_LINES; i++) {
		next = (i * 1664525 + 1013904223) % L2_LINES;
		l2_ring[i * L2_STRIDES] = &l2_ring[next * L2_STRIDES];
	}
	return &l2_ring[0];
}

/* By themselves: what others read would push these lines out. */
static void chase_rows(void)
{
	static struct meter_chase l1;
	struct meter_chase l2 = {.at = l2_chain()};
	struct meter_case c[] = {
		{"limit: L1, dependent", meter_chase_slice, &l1, 0, 0, 0},
		{"limit: L2, dependent", meter_chase_slice, &l2, 0, 0, 0},
	};

	meter_chase_init(&l1);
	meter_run(c, COUNT(c));
	meter_row("mem", &c[0], NULL, NULL);
	meter_row("mem", &c[1], NULL, NULL);
}

/* What the machine allows: loads of the entries, and nothing else. */
static void limit_rows(struct world *w)
{
	struct meter_case c[] = {
		{"hot, inline, beside its limit", by_inline_hot, w, 0, 0, 0},
		{"limit: loads of the entries", by_load_hot, w, 0, 0, 0},
		{"dependent, beside its limit", by_inline_dependent, w, 0, 0,
	         0},
		{"limit: those, dependent", by_load_dependent, w, 0, 0, 0},
	};
	size_t i;

	meter_run(c, COUNT(c));
	for (i = 0; i < COUNT(c); i++)
		meter_row("mem", &c[i], i & 1 ? NULL : &c[i + 1], NULL);
}

/* A list whose every branch the processor knows, beside the one above. */
static void learned_rows(struct world *w)
{
	struct meter_case c[] = {
		{"learned order, inline, 16 regions", by_inline_learned, w, 0,
	         0, 0},
		{"learned order, list, 16 regions", by_list_learned, w, 0, 0,
	         0},
	};

	meter_run(c, COUNT(c));
	meter_row("mem", &c[0], &c[1], NULL);
	meter_row("mem", &c[1], NULL, NULL);
}

static void shadow_rows(void)
{
	struct world w;

	chase_rows();
	world_init(&w, 16, false);
	limit_rows(&w);
	learned_rows(&w);
	cold_rows(&w, false);
	dependent_rows(&w, false);
	world_fini(&w);
}

/* ---- DPDK. ---- */

static void by_dpdk_hot(void *state, unsigned long n)
{
	uintptr_t sum = 0;
	struct part part;

	(void)state;
	while (n) {
		part = next_part(&n);
		for (; part.at < part.end; part.at++)
			sum += (uintptr_t)peer_dpdk_find(
				(void *)(uintptr_t)hot[*part.at], NULL);
	}
	meter_use((void *)sum);
}

static void dpdk_rows(void)
{
	struct world w;
	struct meter_case c[] = {
		{"call, beside rte_mem_virt2memseg", by_call_hot, &w, 0, 0, 0},
		{"rte_mem_virt2memseg, 16 regions", by_dpdk_hot, &w, 0, 0, 0},
	};

	if (!peer_dpdk_start(BASE, TOTAL, 16))
		return;
	world_init(&w, 16, false);
	if (!peer_dpdk_find((void *)(uintptr_t)hot[0], NULL))
		die("DPDK does not find it");
	meter_run(c, COUNT(c));
	meter_row("mem", &c[0], &c[1], NULL);
	meter_row("mem", &c[1], NULL, NULL);
	world_fini(&w);
}

/* ---- Static. ---- */

static void static_rows(unsigned int regions)
{
	struct world w;
	struct meter_case c[] = {
		{named("static", "call", regions), by_call_hot, &w, 0, 0, 0},
		{named("static", "map", regions), by_map_hot, &w, 0, 0, 0},
	};

	world_init(&w, regions, false);
	compare(&w);
	meter_run(c, COUNT(c));
	meter_row("mem", &c[0], &c[1], "ratio >= 1.7");
	world_fini(&w);
}

static void all_rows(void)
{
	size_t i;

	for (i = 0; i < COUNT(beside_list); i++)
		hot_rows(&beside_list[i]);
	constant_rows();
	shadow_rows();
	tree_rows();
	thread_rows();
	register_rows();
	dpdk_rows();
}

static void *idle(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	size_t i;

	ioas_begin();
	urcu_memb_register_thread();
	/* With one thread the C library's mutex is no mutex. */
	if (pthread_create(&thread, NULL, idle, NULL))
		die("thread");
	addresses_init();
	if (argc > 1 && !strcmp(argv[1], "static"))
		for (i = 0; i < COUNT(beside_list); i++)
			static_rows(beside_list[i].regions);
	else
		all_rows();
	return 0;
}
