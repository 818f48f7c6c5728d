/* SPDX-License-Identifier: MIT */
/*
 * A radix tree, six bits of the number to a level, from the highest down. A
 * node says in one word which of its slots are taken, so the next taken one is
 * found without looking at them.
 *
 *	levels 2:   root  [0] [1] ... [63]      bits 11 to 6
 *	                   |
 *	                  node [0] ... [63]     bits 5 to 0: things
 *
 * It is as high as its highest number needs; numbers that all are below 64
 * need one node. A node that loses its last slot goes.
 *
 * Law: INDEX-1, a number is in it once.
 */
#include "base/index.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/hooks.h"
#include "base/law.h"

#define BITS       6
#define SLOTS      (1u << BITS)
#define LEVELS_MAX 11 /* 64 bits */

struct ioas_index_node {
	uint64_t taken; /* a bit for each slot */
	void *slot[SLOTS];
};

/* The slot that @number leads to in a node @level above the lowest. */
static unsigned int digit(uint64_t number, unsigned int level)
{
	return (unsigned int)(number >> (BITS * level)) & (SLOTS - 1);
}

/* Is it below what so many levels reach? */
static bool reaches(unsigned int levels, uint64_t number)
{
	return levels >= LEVELS_MAX || number >> (BITS * levels) == 0;
}

static void take(struct ioas_index_node *node, unsigned int slot, void *what)
{
	node->slot[slot] = what;
	node->taken |= UINT64_C(1) << slot;
}

static bool has(const struct ioas_index_node *node, unsigned int slot)
{
	return node->taken >> slot & 1;
}

static unsigned int lowest(uint64_t bits)
{
	return (unsigned int)__builtin_ctzll(bits);
}

static unsigned int highest(uint64_t bits)
{
	return SLOTS - 1 - (unsigned int)__builtin_clzll(bits);
}

/* ---- Change ---- */

/* Nodes at the top that lead to nothing but the one below them. */
static void lower(struct ioas_index *index)
{
	struct ioas_index_node *top;

	while (index->levels > 1 && index->root->taken == 1) {
		top = index->root;
		index->root = top->slot[0];
		index->levels--;
		ioas_delete(top);
	}
}

/* Higher, until @number is in reach. Return: 0 or -ENOMEM. */
static int grow(struct ioas_index *index, uint64_t number)
{
	struct ioas_index_node *top;

	while (!index->root || !reaches(index->levels, number)) {
		top = ioas_new(struct ioas_index_node);
		if (!top)
			return -ENOMEM;
		if (index->root)
			take(top, 0, index->root);
		else
			while (!reaches(index->levels + 1, number))
				index->levels++;
		index->root = top;
		index->levels++;
	}
	return 0;
}

/* The node behind a slot, made when there is none; or NULL. */
static struct ioas_index_node *child_at(struct ioas_index_node *node,
                                        unsigned int slot)
{
	struct ioas_index_node *child;

	if (has(node, slot))
		return node->slot[slot];
	child = ioas_new(struct ioas_index_node);
	if (child)
		take(node, slot, child);
	return child;
}

/* The way to @number, from @level up: nodes with nothing in them go. */
static void prune(struct ioas_index *index, struct ioas_index_node **path,
                  unsigned int level, uint64_t number)
{
	for (; level < index->levels && !path[level]->taken; level++) {
		ioas_delete(path[level]);
		if (level + 1 < index->levels)
			path[level + 1]->taken &=
				~(UINT64_C(1) << digit(number, level + 1));
	}
	if (level == index->levels) {
		index->root = NULL;
		index->levels = 0;
	}
	lower(index);
}

int ioas_index_insert(struct ioas_index *index, uint64_t number, void *thing)
{
	struct ioas_index_node *path[LEVELS_MAX], *node;
	unsigned int level;

	if (grow(index, number)) {
		lower(index);
		return -ENOMEM;
	}
	node = index->root;
	for (level = index->levels - 1; level; level--) {
		path[level] = node;
		node = child_at(node, digit(number, level));
		if (node)
			continue;
		prune(index, path, level, number);
		return -ENOMEM;
	}
	ioas_law(INDEX_1, !has(node, digit(number, 0)));
	take(node, digit(number, 0), thing);
	return 0;
}

void ioas_index_erase(struct ioas_index *index, uint64_t number)
{
	struct ioas_index_node *path[LEVELS_MAX], *node = index->root;
	unsigned int level = index->levels - 1;

	for (; level; level--) {
		path[level] = node;
		node = node->slot[digit(number, level)];
	}
	path[0] = node;
	ioas_law(INDEX_1, has(node, digit(number, 0)));
	node->taken &= ~(UINT64_C(1) << digit(number, 0));
	prune(index, path, 0, number);
}

/* ---- Look up ---- */

/*
 * The first or the last thing behind a slot of a node of this level; the digits
 * that lead there are added to *number.
 */
static void *first_behind(void *at, unsigned int level, uint64_t *number)
{
	struct ioas_index_node *node;

	while (level--) {
		node = at;
		at = node->slot[lowest(node->taken)];
		*number |= (uint64_t)lowest(node->taken) << (BITS * level);
	}
	return at;
}

static void *last_behind(void *at, unsigned int level)
{
	struct ioas_index_node *node;

	while (level--) {
		node = at;
		at = node->slot[highest(node->taken)];
	}
	return at;
}

/*
 * Down as far as slots are taken on the way to @number. Return: the level of
 * the last node, which is in the path with all above it.
 */
static unsigned int descend(const struct ioas_index *index, uint64_t number,
                            struct ioas_index_node **path)
{
	unsigned int level = index->levels - 1;

	path[level] = index->root;
	while (level && has(path[level], digit(number, level))) {
		path[level - 1] = path[level]->slot[digit(number, level)];
		level--;
	}
	return level;
}

/* @number with another digit at this level, and 0 below. */
static uint64_t with_digit(uint64_t number, unsigned int level,
                           unsigned int slot)
{
	unsigned int shift = BITS * level;

	number >>= shift;
	return ((number & ~(uint64_t)(SLOTS - 1)) | slot) << shift;
}

void *ioas_index_from(const struct ioas_index *index, uint64_t number,
                      uint64_t *ret_number)
{
	struct ioas_index_node *path[LEVELS_MAX];
	unsigned int level, slot;
	uint64_t above;

	if (!index->root || !reaches(index->levels, number))
		return NULL;
	level = descend(index, number, path);
	slot = digit(number, level);
	*ret_number = number;
	if (has(path[level], slot))
		return path[level]->slot[slot];
	for (; level < index->levels; level++) {
		above = path[level]->taken & UINT64_MAX << digit(number, level)
		                                        << 1;
		if (!above)
			continue;
		*ret_number = with_digit(number, level, lowest(above));
		return first_behind(path[level]->slot[lowest(above)], level,
		                    ret_number);
	}
	return NULL;
}

void *ioas_index_before(const struct ioas_index *index, uint64_t number)
{
	struct ioas_index_node *path[LEVELS_MAX];
	unsigned int level;
	uint64_t below;

	if (!index->root)
		return NULL;
	if (!reaches(index->levels, number))
		return last_behind(index->root, index->levels);
	for (level = descend(index, number, path); level < index->levels;
	     level++) {
		below = path[level]->taken &
		        ((UINT64_C(1) << digit(number, level)) - 1);
		if (below)
			return last_behind(path[level]->slot[highest(below)],
			                   level);
	}
	return NULL;
}
