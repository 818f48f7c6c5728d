/* SPDX-License-Identifier: MIT */
/*
 * Index: things by a 64-bit number, ordered, at most one for each number. What
 * it is for is a million of them, looked up in no order: a look-up touches
 * few lines of memory, however many there are, where a balanced tree misses the
 * cache on every level. Numbers that are near each other share nodes.
 *
 * Not safe against concurrent use: its user holds a lock.
 */
#ifndef IOAS_BASE_INDEX_H
#define IOAS_BASE_INDEX_H

#include <stdint.h>

struct ioas_index_node;

/* All zero: empty. It has no memory of its own then. */
struct ioas_index {
	struct ioas_index_node *root; /* NULL: nothing is in it */
	unsigned int levels;          /* nodes on the way to a thing */
};

/* There is none of that number yet. Return: 0 or -ENOMEM (nothing changed). */
int ioas_index_insert(struct ioas_index *index, uint64_t number, void *thing);
/* There is one. Cannot fail. */
void ioas_index_erase(struct ioas_index *index, uint64_t number);

/* The thing of the lowest number that is @number or above, or NULL. */
void *ioas_index_from(const struct ioas_index *index, uint64_t number,
                      uint64_t *ret_number);
/* The thing of the highest number below @number, or NULL. */
void *ioas_index_before(const struct ioas_index *index, uint64_t number);

#endif /* IOAS_BASE_INDEX_H */
