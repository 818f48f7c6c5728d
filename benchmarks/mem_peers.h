/* SPDX-License-Identifier: MIT */
/*
 * What others find registered memory by, for bench-mem; each re-created from
 * what it does, and called as its users call it.
 *
 *	list    regions in a list under RCU, each with an array of physical
 *	        pages: what Linux 7.3 does in mm_iommu_lookup() and
 *	        mm_iommu_ua_to_hpa(). liburcu's memb flavour, inlined
 *	array   a sorted array under RCU, searched by halves without branches.
 *	        Inlined
 *	map     mem_map.h
 *	dpdk    rte_mem_virt2memseg() itself, when librte-eal is there
 */
#ifndef BENCHMARKS_MEM_PEERS_H
#define BENCHMARKS_MEM_PEERS_H

#define _LGPL_SOURCE /* read sections are inlined */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <urcu/urcu-memb.h>

#include "benchmarks/mem_map.h"

static inline uint64_t peer_inside(uint64_t uaddr, unsigned int shift)
{
	return uaddr & ((UINT64_C(1) << shift) - 1);
}

/* ---- List. ---- */

struct peer_region {
	struct peer_region *next;
	uint64_t start, entries;
	uint64_t *hpa; /* a page each */
};

struct peer_list {
	struct peer_region *first;
};

static inline uint64_t peer_list_find(const struct peer_list *list,
                                      uint64_t uaddr)
{
	struct peer_region *region;
	uint64_t found = PEER_NONE;

	urcu_memb_read_lock();
	for (region = rcu_dereference(list->first); region;
	     region = rcu_dereference(region->next))
		if (region->start <= uaddr &&
		    uaddr < region->start + (region->entries << PEER_SHIFT)) {
			found = region->hpa[(uaddr - region->start) >>
			                    PEER_SHIFT] |
			        peer_inside(uaddr, PEER_SHIFT);
			break;
		}
	urcu_memb_read_unlock();
	return found;
}

void peer_list_add(struct peer_list *list, uint64_t start, uint64_t bytes);
/* Waits for readers, and frees it. One thread changes the list at a time. */
void peer_list_remove(struct peer_list *list, uint64_t start);
void peer_list_free(struct peer_list *list);

/* ---- Array. ---- */

struct peer_array {
	size_t count;
	struct peer_piece {
		uint64_t start, bytes, phys;
	} piece[];
};

static inline uint64_t peer_array_find(struct peer_array *const *published,
                                       uint64_t uaddr)
{
	const struct peer_array *array;
	const struct peer_piece *piece;
	uint64_t found = PEER_NONE;
	size_t n;

	urcu_memb_read_lock();
	array = rcu_dereference(*published);
	piece = array->piece;
	for (n = array->count; n > 1; n -= n / 2)
		piece += piece[n / 2].start <= uaddr ? n / 2 : 0;
	if (uaddr - piece->start < piece->bytes)
		found = piece->phys + (uaddr - piece->start);
	urcu_memb_read_unlock();
	return found;
}

struct peer_array *peer_array_new(const uint64_t *start, size_t count,
                                  uint64_t bytes);
/* With one more at the end, or the last one less. Waits for readers. */
void peer_array_grow(struct peer_array **published, uint64_t start,
                     uint64_t bytes);
void peer_array_shrink(struct peer_array **published);

/* ---- DPDK. ---- */

/* At most so many regions; it has no room for more. */
#define PEER_DPDK_REGIONS 64

/* False, with a line on stderr: it is not here. */
bool peer_dpdk_start(uint64_t base, uint64_t bytes, unsigned int regions);
extern void *(*peer_dpdk_find)(const void *uaddr, const void *list);

#endif /* BENCHMARKS_MEM_PEERS_H */
