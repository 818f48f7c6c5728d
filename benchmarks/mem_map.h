/* SPDX-License-Identifier: MIT */
/*
 * A map of two levels, for bench-mem: what SPDK has in lib/env_dpdk/memory.c
 * (2026), re-created from what it does.
 *
 * Levels of 1 GiB, 2 MiB and 4 KiB: what is mapped by 2 MiB is found by two
 * loads. A function translates in any map and says how far that is good, by
 * asking page after page, if the caller wants to know; over it is the one that
 * users call, for the one map of physical addresses. The compilers (gcc 12,
 * clang 14, -O2) leave the first a call in SPDK, so it is none to join here;
 * peer_map_find_joined() shows what joining them would give.
 *
 * What is registered is in a second map of the same kind; both are changed
 * page by page, each page by a call through a pointer, under a mutex. Left
 * out, in its favour: further maps, and finding the physical address.
 *
 * It is a library of the same kind as libioas is: both shared in bench-mem,
 * both static in bench-mem-static.
 */
#ifndef BENCHMARKS_MEM_MAP_H
#define BENCHMARKS_MEM_MAP_H

#include <stdint.h>

#define PEER_SHIFT 12
#define PEER_NONE  UINT64_MAX
#define PEER_SHOWN __attribute__((visibility("default")))

struct peer_map;

PEER_SHOWN struct peer_map *peer_map_new(void);
PEER_SHOWN void peer_map_free(struct peer_map *map);
/* Physical is the program's. @page: 2 MiB or 4 KiB. */
PEER_SHOWN void peer_map_register(struct peer_map *map, uint64_t start,
                                  uint64_t bytes, uint64_t page);
PEER_SHOWN void peer_map_unregister(struct peer_map *map, uint64_t start,
                                    uint64_t bytes, uint64_t page);
/* The map that is found in from now on. */
PEER_SHOWN void peer_map_use(const struct peer_map *map);
/* @size: how far is wanted, and then how far it is good; or NULL. */
PEER_SHOWN uint64_t peer_map_find(uint64_t uaddr, uint64_t *size);
PEER_SHOWN uint64_t peer_map_find_joined(uint64_t uaddr);

#endif /* BENCHMARKS_MEM_MAP_H */
