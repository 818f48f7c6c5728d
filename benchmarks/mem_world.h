/* SPDX-License-Identifier: MIT */
/* What the rows of bench-mem stand on: regions in every form (mem_peers.h). */
#ifndef BENCHMARKS_MEM_WORLD_H
#define BENCHMARKS_MEM_WORLD_H

#include <ioas/mem.h>

#include "benchmarks/mem_peers.h"

#define BASE  (UINT64_C(1) << 40)
#define TOTAL (UINT64_C(4) << 30)
#define RW    (IOAS_READ | IOAS_WRITE)

/* Beside what is registered. */
#define OTHERS_START (BASE + 2 * TOTAL)

/* One number of regions, in every form. */
struct world {
	unsigned int regions;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_mem_view view;
	struct peer_list list;
	struct peer_array *array;
	struct world *origin; /* itself, also in a copy */
	struct peer_map *map;
};

_Noreturn void die(const char *what);
uint64_t any_number(void); /* the same ones in each run */

/* @backend NULL: the identity, which checks what is there. */
struct ioas_registry *new_registry(const struct ioas_backend *backend,
                                   bool no_shadow);
void enter(struct ioas_holder *holder, uint64_t start, uint64_t bytes);
void leave(struct ioas_holder *holder, uint64_t start, uint64_t bytes);

extern const struct ioas_backend pins_nothing;

/* Also: its map is the one that is found in from now on. */
void world_init(struct world *w, unsigned int regions, bool no_shadow);
void world_fini(struct world *w);

/* ---- Addresses. ---- */

#define HOT   1024
#define ORDER (1u << 20)
#define COLD  (1u << 20)

/*
 * Pages that are in use, and the order they are used in: numbers of hot[]. It
 * goes on where the slice before stopped, so that what a slice meets is new to
 * it, as it is to a program; in the same order over and over a processor soon
 * knows where each branch goes.
 */
extern uint64_t hot[HOT];
extern uint16_t order[ORDER];
extern uint64_t *cold; /* COLD of them, of all pages */

void addresses_init(void);

/* The next part of an order, at most *n long; *n less. Empty when it is 0. */
struct part {
	const uint16_t *at, *end;
};
struct cold_part {
	const uint64_t *at, *end;
};

struct part next_part(unsigned long *n);
struct cold_part next_cold_part(unsigned long *n);

/* "WAY, HOW, N regions", never freed. */
char *named(const char *way, const char *how, unsigned int regions);

/* mem_register.c */
void register_rows(void);
/* mem_threads.c */
void thread_rows(void);

#endif /* BENCHMARKS_MEM_WORLD_H */
