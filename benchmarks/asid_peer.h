/* SPDX-License-Identifier: MIT */
/*
 * The published way to give address-space identifiers, made again from its
 * description, as a peer to measure against: a compare and swap of the CPU's
 * active id for each switch; everything else under one lock that spins: new
 * numbers from a bitmap, rollover, and pins, which are reference counts. Left
 * out, in its favour: the flush itself, statistics, and whatever is checked in
 * ours.
 */
#ifndef BENCHMARKS_ASID_PEER_H
#define BENCHMARKS_ASID_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct peer_context {
	uint64_t id;
	uint64_t pins;
};

struct peer_asids;

struct peer_asids *peer_asids_create(unsigned int bits, unsigned int cpus);
void peer_asids_destroy(struct peer_asids *asids);
uint32_t peer_asid_switch(struct peer_asids *asids, unsigned int cpu,
                          struct peer_context *context);
/* 0: there are too many. */
uint32_t peer_asid_pin(struct peer_asids *asids, struct peer_context *context);
void peer_asid_unpin(struct peer_asids *asids, struct peer_context *context);
/* As unpin, with a device that is told under the lock. */
void peer_asid_unpin_waiting(struct peer_asids *asids,
                             struct peer_context *context, void (*wait)(void));

#endif /* BENCHMARKS_ASID_PEER_H */
