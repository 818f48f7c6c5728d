/* SPDX-License-Identifier: MIT */
/*
 * What one step does. A store goes into the store buffer of its thread; when it
 * leaves is a step of its own, at any later time. Who executes a fence, or an
 * operation that reads and writes, or calls the system has no store delayed
 * then: the step is not ready before.
 *
 *	sc     no store is delayed
 *	tso    they leave in order: x86
 *	weak   a relaxed store may overtake those before it, but not to the same
 *	       place; others leave when they are the oldest. Loads are done in
 *	       order, so a part of what AArch64 and POWER may do
 *
 * The process-wide barrier returns when all stores have left that other threads
 * had delayed when it began. That is the least it can mean: a fence on each
 * thread at the earliest time that orders its stores before.
 */
#include <string.h>

#include "engine.h"

struct options options = {
	.memory = MEMORY_TSO,
	.delayed = 2,
	.max_states = UINT32_MAX,
	.max_bytes = UINT64_C(8) << 30,
	.max_seconds = 600,
};

uint64_t memory_read(const void *at, unsigned int size)
{
	uint64_t value = 0;

	if (size == sizeof(uint32_t)) {
		uint32_t narrow;

		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&value, at, sizeof(value));
	return value;
}

void memory_write(void *at, unsigned int size, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	if (size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &value, sizeof(value));
	world_touch(at, size);
}

static bool anybody_awaits(unsigned int thread)
{
	const struct head *head;
	unsigned int t, i;

	for (t = 0; t < threads; t++) {
		head = local_head(t);
		for (i = 0; i < head->delays; i++)
			if (head->delayed[i].awaited >> thread & 1)
				return true;
	}
	return false;
}

bool step_ready(const struct head *head, unsigned int thread)
{
	if (head->done)
		return false;
	switch (head->next.kind) {
	case OP_LOAD:
	case OP_CHOOSE:
	case OP_PLAIN:
	case OP_POINT:
		return true;
	case OP_STORE:
		return options.memory == MEMORY_SC ||
		       head->delays < options.delayed;
	case OP_BARRIER_WAIT:
		return !anybody_awaits(thread);
	case OP_ASLEEP:
		return head->next.timeout;
	case OP_RELAX:
		return head->relaxed != RELAX_SAME;
	default:
		return !head->delays;
	}
}

/* The newest of its own stores, or memory. */
static uint64_t load(const struct head *head, const struct pending *op)
{
	unsigned int i;

	for (i = head->delays; i-- > 0;)
		if (head->delayed[i].at == op->at)
			return head->delayed[i].value;
	return memory_read(op->at, op->size);
}

static void store(struct head *head, const struct pending *op)
{
	if (options.memory == MEMORY_SC) {
		memory_write(op->at, op->size, op->value);
		return;
	}
	head->delayed[head->delays++] = (struct delayed){
		.at = op->at,
		.value = op->value,
		.size = op->size,
		.order = op->order,
	};
}

static uint64_t read_and_write(const struct pending *op)
{
	uint64_t was = memory_read(op->at, op->size);

	if (op->kind == OP_EXCHANGE)
		memory_write(op->at, op->size, op->value);
	else if (op->kind == OP_ADD)
		memory_write(op->at, op->size, was + op->value);
	else if (was == op->expected)
		memory_write(op->at, op->size, op->value);
	return was;
}

static void await_all(struct head *head, void *arg)
{
	const unsigned int *thread = arg;
	unsigned int i;

	for (i = 0; i < head->delays; i++)
		head->delayed[i].awaited |= (uint8_t)(1u << *thread);
}

static void wake_up(struct head *head, void *arg)
{
	if (head->next.kind == OP_ASLEEP && head->next.at == arg)
		head->next.kind = OP_POINT;
}

static void vanish(struct head *head, void *arg)
{
	memset(head, 0, sizeof(*head));
	head->done = true;
}

static void edit_others(unsigned int thread,
                        void (*edit)(struct head *, void *), void *arg)
{
	unsigned int t;

	for (t = 0; t < threads; t++)
		if (t != thread)
			local_edit(t, edit, arg);
}

/* Something that others see, and no access to memory. */
static bool perform_call(struct head *head, unsigned int thread)
{
	switch (head->next.kind) {
	case OP_BARRIER:
		edit_others(thread, await_all, &thread);
		return true;
	case OP_WAIT:
		if (memory_read(head->next.at, 4) != head->next.expected)
			return true;
		head->next.kind = OP_ASLEEP;
		return false;
	case OP_WAKE:
		edit_others(thread, wake_up, head->next.at);
		return true;
	case OP_RELAX:
		head->relaxed = RELAX_SAME;
		return true;
	case OP_FORK:
		edit_others(thread, vanish, NULL);
		return true;
	case OP_END:
		vanish(head, NULL);
		return false;
	default:
		return true;
	}
}

static bool is_access(const struct pending *op)
{
	return op->kind <= OP_CAS || op->kind == OP_WAIT;
}

bool step_perform(struct head *head, unsigned int thread, unsigned int branch,
                  uint64_t *ret_result)
{
	const struct pending *op = &head->next;

	*ret_result = branch;
	if (is_access(op) && !world_is_live(op->at, op->size)) {
		set_broken("HEAP-1", "an object is used after it was freed");
		broken.condition = "the object is there";
		return false;
	}
	switch (op->kind) {
	case OP_LOAD:
		*ret_result = load(head, op);
		return true;
	case OP_STORE:
		store(head, op);
		return true;
	case OP_EXCHANGE:
	case OP_ADD:
	case OP_CAS:
		*ret_result = read_and_write(op);
		return true;
	default:
		return perform_call(head, thread);
	}
}

static bool may_overtake(const struct head *head, unsigned int index)
{
	unsigned int i;

	if (head->delayed[index].order != EXPLORE_RELAXED)
		return false;
	for (i = 0; i < index; i++)
		if (head->delayed[i].at == head->delayed[index].at)
			return false;
	return true;
}

unsigned int step_may_leave(const struct head *head)
{
	unsigned int i, found = head->delays ? 1 : 0;

	for (i = 1; i < head->delays && options.memory == MEMORY_WEAK; i++)
		if (may_overtake(head, i))
			found |= 1u << i;
	return found;
}

void step_leave(struct head *head, unsigned int index)
{
	const struct delayed *store = &head->delayed[index];

	if (world_is_live(store->at, store->size))
		memory_write(store->at, store->size, store->value);
	else
		set_broken("HEAP-1", "a delayed store reaches an object that "
		                     "was freed");
	head->delays--;
	memmove(&head->delayed[index], &head->delayed[index + 1],
	        sizeof(*store) * (head->delays - index));
	memset(&head->delayed[head->delays], 0, sizeof(*store));
}
