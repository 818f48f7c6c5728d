/* SPDX-License-Identifier: MIT */
/*
 * Address-space identifiers, inside: <ioas/asid.h> has words and laws.
 *
 *	asid.c   switch, new numbers, rollover
 *	pin.c    pins, exit, invalidation
 *	life.c   an allocator, its CPUs and contexts begin and end
 *
 * An id is a generation and a number in one word: the generation counts in
 * steps of 2^bits, so what is above a number is what 64 bits leave (ASID-12).
 *
 *	63        bits  bits-1    0
 *	generation      number          0: none; IOAS_ASID_IDLE: runs nothing
 *
 * Who holds a number, at a rollover:
 *
 *	cpu->active  what it runs  --> reserved[cpu] --> map: taken
 *	pinned       (a map)       ---------------------> map: taken
 *
 * Lock order: the allocator's lock is the only one. flush and flush_all are
 * called under it and return soon; what may sleep is called without it. It is
 * a light one: where threads meet at it, who sleeps has a barrier, as a
 * rollover has; with EXCHANGE there is a fence instead.
 *
 * Under the lock: map, pinned, reserved, counts, and writing of a context's id.
 * Without: a CPU's active (its thread, and rollovers), its seen (its thread
 * alone), a context's pins while there are some and the last one does not go.
 */
#ifndef IOAS_ASID_ASID_H
#define IOAS_ASID_ASID_H

#include "asid/access.h"
#include "base/lock.h"

/* No id is of this generation. */
#define IOAS_ASID_IDLE (UINT64_C(1) << 63)

/* A context's pins: a count (IOAS_ASID_PINS), and */
#define IOAS_ASID_EXITED (UINT32_C(1) << 31)
/* the last one is about to go; nobody has pinned since. */
#define IOAS_ASID_GOING (UINT32_C(1) << 30)

struct ioas_asids {
	/* Written by rollovers alone: a line that all CPUs read. */
	struct ioas_a64 generation __attribute__((aligned(64)));
	uint64_t mask;         /* of a number */
	unsigned int step_lg2; /* numbers of a context: 0, or 1 with pairs */
	unsigned int cpus;
	unsigned int bits;
	bool asymmetric, broadcast;
	const struct ioas_asid_ops *ops;
	void *arg;
	struct ioas_asid_cpu *cpu;

	struct ioas_light lock __attribute__((aligned(64)));
	/* Numbers (pairs: halves of them) that are taken. */
	uint64_t *map;
	uint64_t *pinned;   /* that stay so; and those that are never given */
	uint64_t *reserved; /* of each CPU: the id that it kept */
	size_t words;       /* of each map */
	size_t hint;        /* no number is free in the words before */
	struct ioas_asid_report report;
	size_t bytes;
};

static inline struct ioas_a64 *ioas_asid_cell(uint64_t *word)
{
	return (struct ioas_a64 *)(void *)word;
}

static inline struct ioas_a32 *ioas_asid_pins(struct ioas_asid_context *context)
{
	return (struct ioas_a32 *)(void *)&context->pins;
}

static inline uint32_t ioas_asid_number(const struct ioas_asids *asids,
                                        uint64_t id)
{
	return (uint32_t)(id & asids->mask);
}

static inline bool ioas_asid_is_of(const struct ioas_asids *asids, uint64_t id,
                                   uint64_t generation)
{
	return id - generation <= asids->mask;
}

/* What the function below calls when the id is older. */
uint64_t ioas_asid_renew_older(struct ioas_asids *asids,
                               struct ioas_asid_context *context, uint64_t id,
                               bool *ret_renumbered);

/*
 * The context's id, of this generation; under the lock. Never fails.
 * *@ret_renumbered becomes true when it had another number.
 */
static inline uint64_t ioas_asid_renew_locked(struct ioas_asids *asids,
                                              struct ioas_asid_context *context,
                                              bool *ret_renumbered)
{
	/* Only written under the lock. */
	uint64_t id = ioas_a64_load_relaxed(ioas_asid_cell(&context->id));

	if (ioas_asid_is_of(asids, id,
	                    ioas_a64_load_relaxed(&asids->generation)))
		return id;
	return ioas_asid_renew_older(asids, context, id, ret_renumbered);
}

void ioas_asid_tell_renumbered(struct ioas_asids *asids,
                               struct ioas_asid_context *context, uint64_t id);

/* After the lock, of a context that is renumbered. */
static inline void ioas_asid_tell(struct ioas_asids *asids,
                                  struct ioas_asid_context *context,
                                  uint64_t id)
{
	if (__builtin_expect(asids->ops->renumbered != NULL, 0))
		ioas_asid_tell_renumbered(asids, context, id);
}

static inline bool ioas_asid_test(const uint64_t *map, uint32_t bit)
{
	return map[bit / 64] >> bit % 64 & 1;
}

static inline void ioas_asid_set(uint64_t *map, uint32_t bit)
{
	map[bit / 64] |= UINT64_C(1) << bit % 64;
}

static inline void ioas_asid_clear(uint64_t *map, uint32_t bit)
{
	map[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

#endif /* IOAS_ASID_ASID_H */
