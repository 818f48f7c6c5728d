/* SPDX-License-Identifier: MIT */
#include "benchmarks/asid_peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"

struct peer_cpu {
	struct ioas_a64 active;
	uint64_t reserved;
	bool flush_pending;
} __attribute__((aligned(64)));

struct peer_asids {
	struct ioas_a64 generation __attribute__((aligned(64)));
	uint64_t size; /* numbers */
	unsigned int cpus;
	struct ioas_a32 lock __attribute__((aligned(64)));
	uint64_t *map, *pinned;
	uint64_t next; /* where to look for a number that is free */
	uint64_t npinned, limit, flushes;
	struct peer_cpu cpu[];
};

/* One that spins: a store releases it. */
static void lock(struct peer_asids *a)
{
	uint32_t seen = 0;

	while (!ioas_a32_cas(&a->lock, &seen, 1))
		seen = 0;
}

static void unlock(struct peer_asids *a)
{
	ioas_a32_store(&a->lock, 0);
}

static bool test_and_set(uint64_t *map, uint64_t bit)
{
	uint64_t mask = UINT64_C(1) << bit % 64;
	bool was = map[bit / 64] & mask;

	map[bit / 64] |= mask;
	return was;
}

struct peer_asids *peer_asids_create(unsigned int bits, unsigned int cpus)
{
	size_t bytes =
		sizeof(struct peer_asids) + cpus * sizeof(struct peer_cpu);
	struct peer_asids *a = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	unsigned int i;

	if (!a)
		return NULL;
	memset(a, 0, bytes);
	a->size = UINT64_C(1) << bits;
	a->cpus = cpus;
	a->limit = a->size > cpus + 2 ? a->size - cpus - 2 : 0;
	a->map = calloc(a->size / 64 + 1, 8);
	a->pinned = calloc(a->size / 64 + 1, 8);
	if (!a->map || !a->pinned)
		abort();
	test_and_set(a->map, 0);
	test_and_set(a->pinned, 0);
	a->next = 1;
	a->generation.cell = a->size;
	for (i = 0; i < cpus; i++)
		a->cpu[i].flush_pending = true;
	return a;
}

void peer_asids_destroy(struct peer_asids *asids)
{
	free(asids->map);
	free(asids->pinned);
	free(asids);
}

static bool is_current(const struct peer_asids *a, uint64_t id)
{
	return !((id ^ ioas_a64_load(&a->generation)) & ~(a->size - 1));
}

static void rollover(struct peer_asids *a)
{
	unsigned int i;
	uint64_t id;

	ioas_a64_store(&a->generation,
	               ioas_a64_load_relaxed(&a->generation) + a->size);
	memcpy(a->map, a->pinned, a->size / 8);
	for (i = 0; i < a->cpus; i++) {
		id = ioas_a64_exchange(&a->cpu[i].active, 0);
		if (!id)
			id = a->cpu[i].reserved;
		test_and_set(a->map, id & (a->size - 1));
		a->cpu[i].reserved = id;
		a->cpu[i].flush_pending = true;
	}
}

static uint64_t find_free(const struct peer_asids *a, uint64_t from)
{
	uint64_t word = from / 64, bits;

	if (from >= a->size)
		return a->size;
	bits = ~a->map[word] & (UINT64_MAX << from % 64);
	while (!bits && ++word < a->size / 64)
		bits = ~a->map[word];
	return bits ? word * 64 + (unsigned int)__builtin_ctzll(bits) : a->size;
}

static bool was_reserved(struct peer_asids *a, uint64_t id, uint64_t renewed)
{
	bool hit = false;
	unsigned int i;

	for (i = 0; i < a->cpus; i++) {
		if (a->cpu[i].reserved == id) {
			a->cpu[i].reserved = renewed;
			hit = true;
		}
	}
	return hit;
}

static uint64_t new_id(struct peer_asids *a, struct peer_context *c)
{
	uint64_t number = c->id & (a->size - 1), renewed;

	if (c->id) {
		renewed = ioas_a64_load_relaxed(&a->generation) + number;
		if (was_reserved(a, c->id, renewed) || c->pins ||
		    !test_and_set(a->map, number))
			return renewed;
	}
	number = find_free(a, a->next);
	if (number == a->size) {
		rollover(a);
		number = find_free(a, 1);
	}
	test_and_set(a->map, number);
	a->next = number;
	return ioas_a64_load_relaxed(&a->generation) + number;
}

static struct ioas_a64 *id_of(struct peer_context *c)
{
	return (struct ioas_a64 *)(void *)&c->id;
}

static struct ioas_a64 *pins_of(struct peer_context *c)
{
	return (struct ioas_a64 *)(void *)&c->pins;
}

/* One more, where there are some: a reference count, though under the lock. */
static bool pin_again(struct peer_context *c)
{
	uint64_t seen = ioas_a64_load_relaxed(pins_of(c));

	while (seen)
		if (ioas_a64_cas(pins_of(c), &seen, seen + 1))
			return true;
	return false;
}

static void renew(struct peer_asids *a, struct peer_context *c)
{
	if (!is_current(a, c->id))
		ioas_a64_store(id_of(c), new_id(a, c));
}

static uint32_t switch_slow(struct peer_asids *a, struct peer_cpu *cpu,
                            struct peer_context *c)
{
	uint64_t id;

	lock(a);
	renew(a, c);
	id = c->id;
	if (cpu->flush_pending) {
		cpu->flush_pending = false;
		a->flushes++;
	}
	ioas_a64_store(&cpu->active, id);
	unlock(a);
	return (uint32_t)(id & (a->size - 1));
}

uint32_t peer_asid_switch(struct peer_asids *asids, unsigned int index,
                          struct peer_context *context)
{
	struct peer_cpu *cpu = &asids->cpu[index];
	uint64_t id = ioas_a64_load_relaxed(id_of(context));
	uint64_t was = ioas_a64_load_relaxed(&cpu->active);

	if (was && is_current(asids, id) &&
	    ioas_a64_cas(&cpu->active, &was, id))
		return (uint32_t)(id & (asids->size - 1));
	return switch_slow(asids, cpu, context);
}

uint32_t peer_asid_pin(struct peer_asids *asids, struct peer_context *context)
{
	uint32_t number = 0;

	lock(asids);
	if (pin_again(context)) {
		number = (uint32_t)(context->id & (asids->size - 1));
	} else if (asids->npinned < asids->limit) {
		renew(asids, context);
		number = (uint32_t)(context->id & (asids->size - 1));
		asids->npinned++;
		context->pins = 1;
		test_and_set(asids->pinned, number);
	}
	unlock(asids);
	return number;
}

static void nothing(void)
{
}

void peer_asid_unpin(struct peer_asids *asids, struct peer_context *context)
{
	peer_asid_unpin_waiting(asids, context, nothing);
}

void peer_asid_unpin_waiting(struct peer_asids *asids,
                             struct peer_context *context, void (*wait)(void))
{
	uint64_t number;

	lock(asids);
	if (ioas_a64_add(pins_of(context), UINT64_MAX) == 0) {
		wait();
		number = context->id & (asids->size - 1);
		asids->pinned[number / 64] &= ~(UINT64_C(1) << number % 64);
		asids->npinned--;
	}
	unlock(asids);
}
