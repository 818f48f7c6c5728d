/* SPDX-License-Identifier: MIT */
/*
 * Which submission queue is next, when more than one has commands.
 *
 *	round robin       all queues, the admin queue among them, in turn
 *	weighted (CC.AMS) admin queue, then the urgent class, strictly; then
 *	                  high, medium and low share by their weights
 *
 * Within a class queues take turns, each with a burst of commands. A round of
 * the three weighted classes ends when none that has commands has credit left;
 * then each gets as many commands as its weight says.
 *
 * Source: NVM Express 1.4, 4.13.
 */
#include "nvme/nvme.h"

enum class {
	URGENT, /* with round robin: all of them */
	HIGH,
	LOW = NVME_CLASSES - 1,
};

static bool is_weighted(const struct nvme *n)
{
	return (n->reg[NVME_CC / 4] & NVME_CC_AMS) == NVME_CC_WRR;
}

static unsigned int class_of(const struct nvme *n, unsigned int queue)
{
	return is_weighted(n) ? n->sq[queue].priority : URGENT;
}

void ioas_nvme_arbiter_add(struct nvme *n, unsigned int queue)
{
	nvme_include(&n->arbiter.class[class_of(n, queue)].members, queue);
}

void ioas_nvme_arbiter_remove(struct nvme *n, unsigned int queue)
{
	nvme_exclude(&n->arbiter.class[class_of(n, queue)].members, queue);
	nvme_exclude(&n->ready, queue);
}

static bool has_commands(const struct nvme *n, unsigned int class)
{
	const struct nvme_set *members = &n->arbiter.class[class].members;

	return (members->word[0] & n->ready.word[0]) |
	       (members->word[1] & n->ready.word[1]);
}

/* The member of the two sets that comes next after @queue, round and round. */
static unsigned int next_of_both(const struct nvme_set *a,
                                 const struct nvme_set *b, unsigned int queue)
{
	unsigned int word = queue / 64;
	uint64_t both = a->word[word] & b->word[word];

	/* Those above the queue first; its own word comes again at the end. */
	both &= queue % 64 == 63 ? 0 : UINT64_MAX << (queue % 64 + 1);
	while (!both) {
		word = (word + 1) % 2;
		both = a->word[word] & b->word[word];
	}
	return word * 64 + (unsigned int)__builtin_ctzll(both);
}

/* One that has commands is there. */
static unsigned int take_turn(struct nvme *n, unsigned int class)
{
	const struct nvme_set *members = &n->arbiter.class[class].members;
	unsigned int queue = n->arbiter.class[class].last;

	if (n->arbiter.class[class].burst && nvme_includes(members, queue) &&
	    nvme_includes(&n->ready, queue)) {
		n->arbiter.class[class].burst--;
		return queue;
	}
	queue = next_of_both(members, &n->ready, queue);
	n->arbiter.class[class].last = queue;
	n->arbiter.class[class].burst = ioas_nvme_burst(n) - 1;
	return queue;
}

/* Return: the class whose turn it is in this round, or NVME_CLASSES. */
static unsigned int class_with_credit(const struct nvme *n)
{
	unsigned int c = HIGH;

	while (c < NVME_CLASSES &&
	       !(n->arbiter.class[c].credit && has_commands(n, c)))
		c++;
	return c;
}

static unsigned int next_weighted(struct nvme *n)
{
	unsigned int c = class_with_credit(n);

	if (c == NVME_CLASSES) {
		for (c = HIGH; c <= LOW; c++)
			n->arbiter.class[c].credit = ioas_nvme_weight(n, c);
		c = class_with_credit(n);
	}
	n->arbiter.class[c].credit--;
	return take_turn(n, c);
}

/* n->ready is not empty. */
unsigned int ioas_nvme_arbiter_next(struct nvme *n)
{
	if (is_weighted(n) && nvme_includes(&n->ready, 0))
		return 0;
	if (has_commands(n, URGENT))
		return take_turn(n, URGENT);
	return next_weighted(n);
}
