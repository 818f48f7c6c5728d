/* SPDX-License-Identifier: MIT */
/*
 * Switch, new numbers, rollover: laws ASID-1 to ASID-6 of <ioas/asid.h>.
 *
 * Memory order. A switch says what it runs (active), and then looks whether the
 * generation is still the one it has seen; a rollover writes the generation,
 * and then looks what CPUs run. One of them has to find the other's store:
 *
 *	ASYMMETRIC  the switch has a compiler barrier between the two, the
 *	            rollover hooks.barrier(), a full one on every thread
 *	EXCHANGE    both exchange active: the rollover puts 0 there, and the
 *	            switch goes the long way when it finds that
 *
 * With ASYMMETRIC nobody but its CPU writes active. So it may hold the id of a
 * switch that failed, and a rollover takes it only when it is of the
 * generation that ends: then it was valid, whether it is run or not. An older
 * one means that the CPU ran nothing in this generation, and what it kept at
 * the last rollover is what it still runs.
 */
#include "asid/asid.h"

#include <string.h>

/* ---- Rollover ---- */

static uint32_t bit_of(const struct ioas_asids *asids, uint64_t id)
{
	return ioas_asid_number(asids, id) >> asids->step_lg2;
}

/* Return: it was free. */
static bool take(struct ioas_asids *asids, uint32_t bit)
{
	if (ioas_asid_test(asids->map, bit))
		return false;
	ioas_asid_set(asids->map, bit);
	asids->report.taken++;
	return true;
}

/* What a CPU keeps: what it ran in the generation that ended, or before. */
static uint64_t kept_by(struct ioas_asids *asids, unsigned int i,
                        uint64_t ended)
{
	struct ioas_a64 *active = ioas_asid_cell(&asids->cpu[i].active);
	uint64_t id;

	if (asids->asymmetric) {
		/* After the barrier: pairs with the store of a switch. */
		id = ioas_a64_load(active);
		if (id != IOAS_ASID_IDLE && !ioas_asid_is_of(asids, id, ended))
			return asids->reserved[i];
	} else {
		/* Pairs with the exchange of a switch. */
		id = ioas_a64_exchange(active, 0);
		if (!id)
			return asids->reserved[i];
	}
	return id == IOAS_ASID_IDLE ? 0 : id;
}

static void begin_generation(struct ioas_asids *asids)
{
	uint64_t ended = ioas_a64_load_relaxed(&asids->generation);
	uint64_t next = ended + asids->mask + 1;

	ioas_law(ASID_12, next < IOAS_ASID_IDLE);
	/* Pairs with the load of a switch, after it said what it runs. */
	ioas_a64_store(&asids->generation, next);
	if (asids->asymmetric)
		ioas_law(ASID_1, ioas_hooks.barrier());
}

__attribute__((noinline)) static void rollover_locked(struct ioas_asids *asids)
{
	uint64_t ended = ioas_a64_load_relaxed(&asids->generation);
	unsigned int i;

	begin_generation(asids);
	memcpy(asids->map, asids->pinned, asids->words * sizeof(*asids->map));
	asids->hint = 0;
	asids->report.taken = asids->report.pinned;
	asids->report.rollovers++;
	for (i = 0; i < asids->cpus; i++) {
		asids->reserved[i] = kept_by(asids, i, ended);
		take(asids, bit_of(asids, asids->reserved[i]));
	}
	if (asids->broadcast) {
		asids->ops->flush_all(asids->arg);
		asids->report.flushes++;
	}
}

/* ---- Numbers ---- */

/*
 * Was it kept by a CPU? Then it stays under that number. All that have it are
 * told the new id (ASID-3): two CPUs can run one context.
 */
static bool renew_reserved(struct ioas_asids *asids, uint64_t id,
                           uint64_t renewed)
{
	bool hit = false;
	unsigned int i;

	for (i = 0; i < asids->cpus; i++) {
		if (asids->reserved[i] == id) {
			asids->reserved[i] = renewed;
			hit = true;
		}
	}
	return hit;
}

#define NONE UINT32_MAX

/* The lowest that is free is taken; NONE: there is none. */
static inline uint32_t take_lowest(struct ioas_asids *asids)
{
	size_t word = asids->hint;
	uint64_t taken;

	while (word < asids->words && !~asids->map[word])
		word++;
	asids->hint = word;
	if (word == asids->words)
		return NONE;
	taken = asids->map[word];
	asids->map[word] = taken | (taken + 1);
	asids->report.taken++;
	return (uint32_t)(word * 64 + __builtin_ctzll(~taken));
}

/*
 * From here to the switch all is one function: what a call keeps on the stack
 * would be stores, and the next locked instruction waits for them.
 *
 * Can the context go on under its number? In this order: one that a CPU kept
 * has to be found there even if it is pinned, or that CPU's slot would name an
 * id that the context has no more (ASID-3).
 */
__attribute__((always_inline)) static inline bool
keeps_number(struct ioas_asids *asids, struct ioas_asid_context *context,
             uint64_t id, uint64_t renewed)
{
	return renew_reserved(asids, id, renewed) ||
	       (ioas_a32_load_relaxed(ioas_asid_pins(context)) &
	        IOAS_ASID_PINS) ||
	       take(asids, bit_of(asids, id));
}

__attribute__((always_inline)) static inline uint64_t
give_number(struct ioas_asids *asids)
{
	uint32_t bit = take_lowest(asids);

	if (__builtin_expect(bit == NONE, 0)) {
		rollover_locked(asids);
		bit = take_lowest(asids);
		ioas_law(ASID_4, bit != NONE);
	}
	return ioas_a64_load_relaxed(&asids->generation) +
	       ((uint64_t)bit << asids->step_lg2);
}

__attribute__((always_inline)) static inline uint64_t
renew(struct ioas_asids *asids, struct ioas_asid_context *context, uint64_t id,
      bool *ret_renumbered)
{
	uint64_t renewed = ioas_a64_load_relaxed(&asids->generation) +
	                   ioas_asid_number(asids, id);
	bool keeps = id && keeps_number(asids, context, id, renewed);

	if (!keeps)
		renewed = give_number(asids);
	/* Pairs with the load of a switch, and of an invalidation. */
	ioas_a64_store(ioas_asid_cell(&context->id), renewed);
	asids->report.kept += keeps;
	if (id && (id ^ renewed) & asids->mask) {
		asids->report.renumbered++;
		*ret_renumbered = true;
	}
	return renewed;
}

uint64_t ioas_asid_renew_older(struct ioas_asids *asids,
                               struct ioas_asid_context *context, uint64_t id,
                               bool *ret_renumbered)
{
	return renew(asids, context, id, ret_renumbered);
}

__attribute__((cold, noinline)) void
ioas_asid_tell_renumbered(struct ioas_asids *asids,
                          struct ioas_asid_context *context, uint64_t id)
{
	struct ioas_asid_renumbering what = {
		.context = context,
		.number = ioas_asid_number(asids, id) | asids->step_lg2,
		.generation = id & ~asids->mask,
	};

	asids->ops->renumbered(asids->arg, &what);
}

/* ---- Switch ---- */

/*
 * EXCHANGE, without the lock. 0 in active: a rollover has come since this CPU
 * switched, and its cache is not flushed yet. Return: the id, or 0: the lock is
 * needed.
 */
__attribute__((noinline)) static uint64_t
exchange(struct ioas_asids *asids, struct ioas_asid_cpu *cpu,
         struct ioas_asid_context *context)
{
	struct ioas_a64 *active = ioas_asid_cell(&cpu->active);
	uint64_t was = ioas_a64_load_relaxed(active);
	uint64_t id = ioas_a64_load_relaxed(ioas_asid_cell(&context->id));

	if (!was ||
	    !ioas_asid_is_of(asids, id, ioas_a64_load(&asids->generation)))
		return 0;
	/* Pairs with the exchange of a rollover. */
	return ioas_a64_cas(active, &was, id) ? id : 0;
}

/* The CPU's cache has nothing of generations before this one (ASID-5). */
static void flush_due(struct ioas_asids *asids, struct ioas_asid_cpu *cpu)
{
	uint64_t generation = ioas_a64_load_relaxed(&asids->generation);

	if (cpu->flushed == generation)
		return;
	if (!asids->broadcast) {
		asids->ops->flush(asids->arg, cpu->index);
		asids->report.flushes++;
	}
	cpu->flushed = generation;
	if (asids->asymmetric)
		cpu->seen = generation;
}

static inline uint64_t switch_locked(struct ioas_asids *asids,
                                     struct ioas_asid_cpu *cpu,
                                     struct ioas_asid_context *context,
                                     bool *ret_renumbered)
{
	uint64_t id = ioas_a64_load_relaxed(ioas_asid_cell(&context->id));
	uint64_t generation = ioas_a64_load_relaxed(&asids->generation);

	ioas_law(ASID_11, !(ioas_a32_load_relaxed(ioas_asid_pins(context)) &
	                    IOAS_ASID_EXITED));
	if (!ioas_asid_is_of(asids, id, generation))
		id = renew(asids, context, id, ret_renumbered);
	flush_due(asids, cpu);
	/* No rollover looks before the lock is released. */
	ioas_a64_store(ioas_asid_cell(&cpu->active), id);
	asids->report.slow++;
	return id;
}

uint32_t ioas_asid_switch_slow(struct ioas_asid_cpu *cpu,
                               struct ioas_asid_context *context)
{
	struct ioas_asids *asids = cpu->asids;
	bool renumbered = false;
	uint64_t id = asids->asymmetric ? 0 : exchange(asids, cpu, context);

	if (id)
		return ioas_asid_number(asids, id);
	ioas_light_lock(&asids->lock);
	id = switch_locked(asids, cpu, context, &renumbered);
	ioas_light_unlock(&asids->lock);
	if (renumbered)
		ioas_asid_tell(asids, context, id);
	return ioas_asid_number(asids, id);
}

void ioas_asid_idle(struct ioas_asid_cpu *cpu)
{
	struct ioas_a64 *active = ioas_asid_cell(&cpu->active);
	uint64_t was;

	if (cpu->asids->asymmetric) {
		/* A rollover that misses it keeps a number too many. */
		ioas_a64_store(active, IOAS_ASID_IDLE);
		return;
	}
	/* 0 has to stay: the next switch goes the long way. */
	was = ioas_a64_load_relaxed(active);
	if (was)
		ioas_a64_cas(active, &was, IOAS_ASID_IDLE);
}
