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

void world_init(struct world *w, unsigned int regions, bool no_shadow);
void world_fini(struct world *w);

/* mem_register.c */
void register_rows(void);

#endif /* BENCHMARKS_MEM_WORLD_H */
