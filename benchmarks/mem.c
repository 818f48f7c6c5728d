/* SPDX-License-Identifier: MIT */
/*
 * bench-mem: registered memory, beside its peers (mem_peers.h).
 *
 * 4 GiB of the program's addresses in regions, registered in no order. Nobody
 * touches that memory, so a back end that pins nothing stands for it; physical
 * addresses are the program's. All ways are compared with each other, address
 * by address, before the clock runs.
 *
 *	hot        1024 pages in no order, over and over: what queues do. The
 *	           order is so long that no processor learns it
 *	cold       pages at random, of all: every one misses
 *	dependent  hot, each address known only when the one before is found
 */
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "benchmarks/mem_world.h"
#include "benchmarks/meter.h"

#define HOT    1024
#define ORDER  (1u << 16)
#define COLD   (1u << 20)
#define BATCH  64
#define NOSUCH 4096 /* addresses outside that nobody may find */

static uint64_t hot[ORDER], *cold;

/* ---- Ways. ---- */

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE uint64_t by_inline(const struct world *w, uint64_t at)
{
	return ioas_mem_translate(&w->view, at, RW);
}

static ALWAYS_INLINE uint64_t by_call(const struct world *w, uint64_t at)
{
	return ioas_registry_translate(w->registry, at, RW);
}

static ALWAYS_INLINE uint64_t by_list(const struct world *w, uint64_t at)
{
	return peer_list_find(&w->list, at);
}

static ALWAYS_INLINE uint64_t by_array(const struct world *w, uint64_t at)
{
	return peer_array_find(&w->array, at);
}

static ALWAYS_INLINE uint64_t by_map(const struct world *w, uint64_t at)
{
	return peer_map_find(w->map, at);
}

static ALWAYS_INLINE uint64_t by_nothing(const struct world *w, uint64_t at)
{
	(void)w;
	return at;
}

/* For each way a loop of its own, so that what is inline is. */
#define HOT_LOOP(way)                                                \
	static void way##_hot(void *state, unsigned long n)          \
	{                                                            \
		const struct world w = *(const struct world *)state; \
		uint64_t sum = 0;                                    \
                                                                     \
		while (n--)                                          \
			sum += way(&w, hot[n % ORDER]);              \
		meter_use((void *)(uintptr_t)sum);                   \
	}

#define COLD_LOOP(way)                                               \
	static void way##_cold(void *state, unsigned long n)         \
	{                                                            \
		const struct world w = *(const struct world *)state; \
		static unsigned long from;                           \
		uint64_t sum = 0;                                    \
                                                                     \
		while (n--)                                          \
			sum += way(&w, cold[from++ % COLD]);         \
		meter_use((void *)(uintptr_t)sum);                   \
	}

#define DEPENDENT_LOOP(way)                                            \
	static void way##_dependent(void *state, unsigned long n)      \
	{                                                              \
		const struct world w = *(const struct world *)state;   \
		uint64_t last = 0;                                     \
                                                                       \
		while (n--)                                            \
			/* 0, but only the result says so. */          \
			last = way(&w, hot[n % ORDER] + (last >> 60)); \
		meter_use((void *)(uintptr_t)last);                    \
	}

HOT_LOOP(by_inline)
HOT_LOOP(by_call)
HOT_LOOP(by_list)
HOT_LOOP(by_array)
HOT_LOOP(by_map)
HOT_LOOP(by_nothing)
COLD_LOOP(by_inline)
COLD_LOOP(by_array)
COLD_LOOP(by_map)
DEPENDENT_LOOP(by_inline)
DEPENDENT_LOOP(by_map)

static void batch_over(struct world *w, const uint64_t *list, size_t mask,
                       unsigned long n)
{
	static uint64_t phys[BATCH];
	struct ioas_mem_batch batch = {.phys = phys, .n = BATCH, .perm = RW};
	unsigned long i;

	for (i = 0; i < n; i += BATCH) {
		batch.uaddr = &list[i & mask];
		ioas_registry_translate_batch(w->registry, &batch);
		meter_use(phys);
	}
}

static void by_batch_hot(void *state, unsigned long n)
{
	batch_over(state, hot, ORDER - 1, n);
}

static void by_batch_cold(void *state, unsigned long n)
{
	batch_over(state, cold, COLD - 1, n);
}

static void compare(struct world *w)
{
	uint64_t at, i, phys;

	for (i = 0; i < 2 * NOSUCH; i++) {
		at = i < NOSUCH ? cold[i] : BASE + TOTAL + any_number() % TOTAL;
		phys = i < NOSUCH ? at : PEER_NONE;
		if (by_inline(w, at) != phys || by_call(w, at) != phys ||
		    by_array(w, at) != phys || by_map(w, at) != phys)
			die("the ways do not agree");
		if (i % 64 == 0 && by_list(w, at) != phys)
			die("the list does not agree");
	}
}

/* ---- Rows. ---- */

static char *named(const char *way, const char *how, unsigned int regions)
{
	char *name = malloc(96);

	if (!name)
		die("memory");
	snprintf(name, 96, "%s, %s, %u regions", way, how, regions);
	return name;
}

/* What is wanted of ours beside a list of so many regions. */
static const struct wanted {
	unsigned int regions;
	const char *by_inline, *by_call;
} beside_list[] = {
	{1, NULL, NULL},
	{16, "ratio >= 15", "ratio >= 12"},
	{256, "ratio >= 150", "ratio >= 120"},
	{4096, "ratio >= 5000", "ratio >= 4000"},
	{65536, NULL, NULL},
};

/* By itself: a long list is all that a cache can hold. */
static void list_rows(struct world *w, const struct wanted *wanted)
{
	unsigned int regions = w->regions;
	struct meter_case c[] = {
		{named("list", "inline", regions), by_inline_hot, w, 0, 0, 0},
		{named("list", "call", regions), by_call_hot, w, 0, 0, 0},
		{named("list", "itself", regions), by_list_hot, w, 0, 0, 0},
	};

	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mem", &c[0], &c[2], wanted->by_inline);
	meter_row("mem", &c[1], &c[2], wanted->by_call);
}

static struct meter_case hot_rows(const struct wanted *wanted)
{
	unsigned int regions = wanted->regions;
	struct world w;
	struct meter_case c[] = {
		{named("hot", "inline", regions), by_inline_hot, &w, 0, 0, 0},
		{named("hot", "call", regions), by_call_hot, &w, 0, 0, 0},
		{named("hot", "batch", regions), by_batch_hot, &w, 0, 0, 0},
		{named("hot", "map", regions), by_map_hot, &w, 0, 0, 0},
		{named("hot", "array", regions), by_array_hot, &w, 0, 0, 0},
		{named("hot", "loop", regions), by_nothing_hot, &w, 0, 0, 0},
	};

	world_init(&w, regions, false);
	compare(&w);
	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mem", &c[0], &c[3], "ratio >= 2");
	meter_row("mem", &c[1], &c[3], "ratio >= 1.7");
	meter_row("mem", &c[2], &c[3], "ratio >= 3");
	meter_row("mem", &c[4], NULL, NULL);
	meter_row("mem", &c[5], NULL, NULL);
	list_rows(&w, wanted);
	world_fini(&w);
	return c[0];
}

static void all_hot_rows(void)
{
	struct meter_case first, last;
	size_t i;

	for (i = 0; i < sizeof(beside_list) / sizeof(beside_list[0]); i++) {
		last = hot_rows(&beside_list[i]);
		if (i == 0)
			first = last;
	}
	last.name = "65,536 regions beside 1";
	meter_row("mem", &last, &first, "ratio >= 0.8");
}

static void other_rows(unsigned int regions, bool no_shadow)
{
	const char *how = no_shadow ? "tree" : "inline";
	struct world w;
	struct meter_case c[] = {
		{named("hot", how, regions), by_inline_hot, &w, 0, 0, 0},
		{named("hot", "map", regions), by_map_hot, &w, 0, 0, 0},
		{named("cold", how, regions), by_inline_cold, &w, 0, 0, 0},
		{named("cold", "map", regions), by_map_cold, &w, 0, 0, 0},
		{named("cold", "array", regions), by_array_cold, &w, 0, 0, 0},
		{named("cold", "batch", regions), by_batch_cold, &w, 0, 0, 0},
		{named("dependent", how, regions), by_inline_dependent, &w, 0,
	         0, 0},
		{named("dependent", "map", regions), by_map_dependent, &w, 0, 0,
	         0},
	};

	world_init(&w, regions, no_shadow);
	compare(&w);
	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mem", &c[0], &c[1], NULL);
	meter_row("mem", &c[2], &c[3], NULL);
	meter_row("mem", &c[4], NULL, NULL);
	meter_row("mem", &c[5], &c[3], NULL);
	meter_row("mem", &c[6], &c[7], NULL);
	world_fini(&w);
}

/* ---- Two threads. ---- */

/* The other thread: what it does, from slice to slice. */
enum { RESTS, READS, WRITES, ENDS };

static struct {
	_Atomic int wanted, does;
	struct world *world;
} other;

#define OTHERS_BYTES (64u << 10)

static void *others_life(void *arg)
{
	int does;

	(void)arg;
	urcu_memb_register_thread();
	while ((does = atomic_load(&other.wanted)) != ENDS) {
		atomic_store(&other.does, does);
		if (does == READS)
			by_inline_hot(other.world, 1000);
		if (does != WRITES)
			continue;
		enter(other.world->holder, OTHERS_START, OTHERS_BYTES);
		leave(other.world->holder, OTHERS_START, OTHERS_BYTES);
	}
	urcu_memb_unregister_thread();
	return NULL;
}

static void slice_while(int does, unsigned long n)
{
	atomic_store(&other.wanted, does);
	while (atomic_load(&other.does) != does)
		;
	by_inline_hot(other.world, n);
}

static void while_rests(void *state, unsigned long n)
{
	(void)state;
	slice_while(RESTS, n);
}

static void while_reads(void *state, unsigned long n)
{
	(void)state;
	slice_while(READS, n);
}

static void while_writes(void *state, unsigned long n)
{
	(void)state;
	slice_while(WRITES, n);
}

static void two_thread_rows(void)
{
	struct meter_case c[] = {
		{"other thread rests", while_rests, NULL, 0, 0, 0},
		{"other thread translates too", while_reads, NULL, 0, 0, 0},
		{"other thread registers", while_writes, NULL, 0, 0, 0},
	};
	pthread_t thread;
	struct world w;

	world_init(&w, 16, false);
	other.world = &w;
	if (pthread_create(&thread, NULL, others_life, NULL))
		die("thread");
	meter_run(c, sizeof(c) / sizeof(c[0]));
	atomic_store(&other.wanted, ENDS);
	pthread_join(thread, NULL);
	meter_row("mem", &c[0], NULL, NULL);
	meter_row("mem", &c[1], &c[0], NULL);
	/* At most 1.1 times as slow. */
	meter_row("mem", &c[2], &c[0], "ratio >= 0.909");
	world_fini(&w);
}

/* ---- DPDK. ---- */

static void by_dpdk_hot(void *state, unsigned long n)
{
	uintptr_t sum = 0;

	(void)state;
	while (n--)
		sum += (uintptr_t)peer_dpdk_find(
			(void *)(uintptr_t)hot[n % ORDER], NULL);
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
	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mem", &c[0], &c[1], NULL);
	meter_row("mem", &c[1], NULL, NULL);
	world_fini(&w);
}

static void *idle(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	unsigned int i;

	ioas_begin();
	urcu_memb_register_thread();
	cold = calloc(COLD, sizeof(*cold));
	/* With one thread the C library's mutex is no mutex. */
	if (!cold || pthread_create(&thread, NULL, idle, NULL))
		die("memory");
	for (i = 0; i < ORDER; i++)
		hot[i] = i < HOT ? BASE + any_number() % TOTAL
		                 : hot[any_number() % HOT];
	for (i = 0; i < COLD; i++)
		cold[i] = BASE + any_number() % TOTAL;
	all_hot_rows();
	other_rows(16, false);
	other_rows(16, true);
	two_thread_rows();
	register_rows();
	dpdk_rows();
	return 0;
}
