/* SPDX-License-Identifier: MIT */
/*
 * A place of the cache is written under a sequence number that is odd
 * meanwhile. A reader looks at it again before it follows an address that it
 * read: an address of another thread's stack may lead nowhere.
 */
#include "preload/stack.h"

#include <unwind.h>

#include "base/atomic.h"
#include "preload/wrap.h"

/* Slots are this far above the entry's frame at most. */
#define STACK_MAX (UINT64_C(8) << 20)

#define KEPT 512 /* a power of two */

static struct kept {
	struct ioas_a32 sequence; /* 0: never written */
	struct ioas_a32 number, depth;
	struct ioas_a64 return_address, frame;
	struct {
		struct ioas_a64 slot, value;
	} above[IOAS_SITE_DEPTH];
} kept[KEPT];

/* ---- Walking. ---- */

struct walk {
	uintptr_t frame; /* to begin with; 0: has begun */
	struct ioas_stack *stack;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *argument)
{
	struct walk *walk = argument;
	struct ioas_stack *stack = walk->stack;
	uint64_t cfa = _Unwind_GetCFA(context);
	int exact = 0;
	uint64_t address = _Unwind_GetIPInfo(context, &exact);
	uint32_t n = stack->depth;

	if (!address || n == IOAS_SITE_DEPTH)
		return _URC_END_OF_STACK;
	if (walk->frame && cfa != walk->frame)
		return _URC_NO_REASON;
	walk->frame = 0;
	stack->slot[n] = cfa - sizeof(uint64_t);
	/* Below it is what a signal handler returns to: its first byte. */
	if (exact && n)
		stack->address[n - 1]++;
	if (exact || (n && stack->slot[n] <= stack->slot[n - 1]))
		stack->plain = false;
	stack->address[n] = exact ? address : address - 1;
	stack->depth++;
	return _URC_NO_REASON;
}

void ioas_stack_walk(uintptr_t frame, struct ioas_stack *ret_stack)
{
	struct walk walk = {frame, ret_stack};

	ret_stack->depth = 0;
	ret_stack->plain = true;
	_Unwind_Backtrace(step, &walk);
}

/* ---- Knowing again. ---- */

static struct kept *place_of(const struct ioas_site_entry *entry)
{
	uint64_t key = entry->frame ^ entry->return_address << 7;

	key *= UINT64_C(0x9e3779b97f4a7c15);
	return &kept[key >> 32 & (KEPT - 1)];
}

void ioas_stack_keep(const struct ioas_site_entry *entry,
                     const struct ioas_stack *stack, uint32_t number)
{
	struct kept *k = place_of(entry);
	uint32_t sequence = ioas_a32_load(&k->sequence), i;

	if (!stack->plain ||
	    stack->slot[stack->depth - 1] - entry->frame + 8 > STACK_MAX)
		return;
	/* Who comes second leaves it: the next call may keep its own. */
	if ((sequence & 1) ||
	    !ioas_a32_cas(&k->sequence, &sequence, sequence + 1))
		return;
	/* Pair with the loads in ioas_stack_kept(). */
	ioas_a64_store(&k->return_address, entry->return_address);
	ioas_a64_store(&k->frame, entry->frame);
	ioas_a32_store(&k->number, number);
	ioas_a32_store(&k->depth, stack->depth);
	for (i = 0; i < stack->depth; i++) {
		ioas_a64_store(&k->above[i].slot, stack->slot[i]);
		ioas_a64_store(&k->above[i].value, stack->address[i] + 1);
	}
	ioas_a32_store(&k->sequence, sequence + 2);
}

static bool changed(const struct kept *k, uint32_t sequence)
{
	return ioas_a32_load(&k->sequence) != sequence;
}

uint32_t ioas_stack_kept(const struct ioas_site_entry *entry)
{
	const struct kept *k = place_of(entry);
	/* Pair with the stores in ioas_stack_keep(). */
	uint32_t sequence = ioas_a32_load(&k->sequence);
	uint32_t depth = ioas_a32_load(&k->depth);
	uint32_t number = ioas_a32_load(&k->number), i;

	if (!sequence || (sequence & 1) ||
	    ioas_a64_load(&k->frame) != entry->frame ||
	    ioas_a64_load(&k->return_address) != entry->return_address)
		return 0;
	for (i = 0; i < depth; i++) {
		uint64_t slot = ioas_a64_load(&k->above[i].slot);
		uint64_t value = ioas_a64_load(&k->above[i].value);

		if (changed(k, sequence) ||
		    *(const volatile uint64_t *)(uintptr_t)slot != value)
			return 0;
	}
	return changed(k, sequence) ? 0 : number;
}
