/* SPDX-License-Identifier: MIT */
/*
 * The published way to hand out I/O addresses, made again to be compared with:
 *
 *	sizes up to 32 pages, rounded up to a power of two: for each processor
 *	and each of 6 sizes two magazines of 127 addresses, under a lock of
 *	that processor; full and empty magazines are exchanged with a depot,
 *	under a lock of the size;
 *	everything else, and what no magazine has: a tree of what is taken,
 *	walked from the top down, from where the last walk ended.
 *
 * What is left out is in its favour: a processor's data are found by a
 * variable of the thread, interrupts are not disabled, magazines come from a
 * pool, and the tree is a list beside it, so that a step of a walk is a load.
 *
 * Source: Bonwick and Adams, "Magazines and Vmem", USENIX 2001; Linux 7.3
 * drivers/iommu/iova.c for sizes, exchange and walk.
 */
#ifndef BENCHMARKS_IOVA_PEER_H
#define BENCHMARKS_IOVA_PEER_H

#include <stdint.h>

struct peer_iova;

/* Pages 1 to @last. NULL: no memory. */
struct peer_iova *peer_iova_create(uint64_t last);
void peer_iova_destroy(struct peer_iova *peer);
/* Return: the page, or 0: there is none. */
uint64_t peer_iova_take(struct peer_iova *peer, uint64_t npages);
void peer_iova_give(struct peer_iova *peer, uint64_t page, uint64_t npages);

#endif /* BENCHMARKS_IOVA_PEER_H */
