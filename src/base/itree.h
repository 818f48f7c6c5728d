/* SPDX-License-Identifier: MIT */
/*
 * Interval tree: disjoint or overlapping ranges [first, last] of 64-bit
 * numbers, both ends included, ordered by first. Insert, erase and look-up
 * are O(log n); next is O(log n) and amortised O(1). The nodes are embedded in
 * what they describe; the tree owns nothing and allocates nothing. A node has
 * a worth, and the first one that is worth enough is found in O(log n) too.
 *
 * Not safe against concurrent use: its user holds a lock.
 */
#ifndef IOAS_BASE_ITREE_H
#define IOAS_BASE_ITREE_H

#include <stdint.h>

struct ioas_inode {
	uint64_t first, last; /* set by the user, constant while in a tree */
	uint64_t max_last;    /* largest last below and including this node */
	struct ioas_inode *parent, *child[2];
	int height;
	uint8_t worth;     /* set by the user, as first and last */
	uint8_t max_worth; /* largest below and including this node */
};

struct ioas_itree {
	struct ioas_inode *root;
};

void ioas_itree_insert(struct ioas_itree *tree, struct ioas_inode *node);
void ioas_itree_erase(struct ioas_itree *tree, struct ioas_inode *node);
/*
 * The user has changed a node that is in a tree, so that it still begins
 * behind the ones before it and before the ones behind it.
 */
void ioas_itree_changed(struct ioas_inode *node);

/* The node with the lowest first that overlaps [first, last], or NULL. */
struct ioas_inode *ioas_itree_find(const struct ioas_itree *tree,
                                   uint64_t first, uint64_t last);
/* The next one after @node, by first, that overlaps [first, last], or NULL. */
struct ioas_inode *ioas_itree_find_next(const struct ioas_inode *node,
                                        uint64_t first, uint64_t last);

/* The first node, by first, that is worth as much, or NULL. */
struct ioas_inode *ioas_itree_worth(const struct ioas_itree *tree,
                                    unsigned int least);

/* The last node that begins before @at and the first behind it, or NULL. */
void ioas_itree_around(const struct ioas_itree *tree, uint64_t at,
                       struct ioas_inode **ret_before,
                       struct ioas_inode **ret_after);

/* The last node, by first, that begins before @first, or NULL. */
struct ioas_inode *ioas_itree_before(const struct ioas_itree *tree,
                                     uint64_t first);

#endif /* IOAS_BASE_ITREE_H */
