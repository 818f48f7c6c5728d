/* SPDX-License-Identifier: MIT */
/* The ways of bench-mem to find an address, and loops over them. */
#ifndef BENCHMARKS_MEM_WAYS_H
#define BENCHMARKS_MEM_WAYS_H

#include "benchmarks/mem_world.h"
#include "benchmarks/meter.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE uint64_t by_inline(const struct world *w, uint64_t at)
{
	return ioas_mem_translate(&w->view, at, RW);
}

static ALWAYS_INLINE uint64_t by_call(const struct world *w, uint64_t at)
{
	return ioas_registry_translate(w->registry, at, RW);
}

/* List and array are the world's itself: they may be others soon. */
static ALWAYS_INLINE uint64_t by_list(const struct world *w, uint64_t at)
{
	return peer_list_find(&w->origin->list, at);
}

static ALWAYS_INLINE uint64_t by_array(const struct world *w, uint64_t at)
{
	return peer_array_find(&w->origin->array, at);
}

static ALWAYS_INLINE uint64_t by_map(const struct world *w, uint64_t at)
{
	(void)w;
	return peer_map_find(at, NULL);
}

static ALWAYS_INLINE uint64_t by_joined(const struct world *w, uint64_t at)
{
	(void)w;
	return peer_map_find_joined(at);
}

/* The limits: the loop, and the entry's load alone. */
static ALWAYS_INLINE uint64_t by_nothing(const struct world *w, uint64_t at)
{
	(void)w;
	return at;
}

static ALWAYS_INLINE uint64_t by_load(const struct world *w, uint64_t at)
{
	return w->view.shadow[at >> PEER_SHIFT];
}

/*
 * For each way a loop of its own, so that what is inline is. What is read of
 * the world is in registers, but for what changes while it is read. Loops are
 * aligned to lines (meson.build): one that lies across two costs each call a
 * fifth more on some processors, whoever is called.
 */
#define HOT_LOOP(way)                                                \
	static void way##_hot(void *state, unsigned long n)          \
	{                                                            \
		const struct world w = *(const struct world *)state; \
		uint64_t sum = 0;                                    \
		struct part part;                                    \
                                                                     \
		while (n) {                                          \
			part = next_part(&n);                        \
			for (; part.at < part.end; part.at++)        \
				sum += way(&w, hot[*part.at]);       \
		}                                                    \
		meter_use((void *)(uintptr_t)sum);                   \
	}

#define COLD_LOOP(way)                                               \
	static void way##_cold(void *state, unsigned long n)         \
	{                                                            \
		const struct world w = *(const struct world *)state; \
		uint64_t sum = 0;                                    \
		struct cold_part part;                               \
                                                                     \
		while (n) {                                          \
			part = next_cold_part(&n);                   \
			for (; part.at < part.end; part.at++)        \
				sum += way(&w, *part.at);            \
		}                                                    \
		meter_use((void *)(uintptr_t)sum);                   \
	}

/* An address is known when the one before is found: its top bits are 0. */
#define DEPENDENT_LOOP(way)                                                   \
	static void way##_dependent(void *state, unsigned long n)             \
	{                                                                     \
		const struct world w = *(const struct world *)state;          \
		uint64_t last = 0;                                            \
		struct part part;                                             \
                                                                              \
		while (n) {                                                   \
			part = next_part(&n);                                 \
			for (; part.at < part.end; part.at++)                 \
				last = way(&w, hot[*part.at] + (last >> 60)); \
		}                                                             \
		meter_use((void *)(uintptr_t)last);                           \
	}

#endif /* BENCHMARKS_MEM_WAYS_H */
