/* SPDX-License-Identifier: MIT */
/*
 * An AVL tree by `first` (equal ones to the right), where each node also
 * knows the largest `last` and the largest worth below it. The look-ups lean on
 * two facts:
 *
 *	if something left of a node reaches up to `first`, then the answer is
 *	on the left, or there is none: what lies further right begins later
 *	still;
 *	a node that begins after `last` ends the search, for the same reason.
 */
#include "base/itree.h"

#include <stdbool.h>
#include <stddef.h>

enum { LEFT, RIGHT };

static int height(const struct ioas_inode *n)
{
	return n ? n->height : 0;
}

/* Is what the nodes above @n know of it another thing now? */
static bool refresh(struct ioas_inode *n)
{
	int left = height(n->child[LEFT]), right = height(n->child[RIGHT]);
	int height = 1 + (left > right ? left : right);
	uint64_t max_last = n->last;
	uint8_t max_worth = n->worth;
	unsigned int side;
	bool other;

	for (side = LEFT; side <= RIGHT; side++) {
		const struct ioas_inode *child = n->child[side];

		if (child && child->max_last > max_last)
			max_last = child->max_last;
		if (child && child->max_worth > max_worth)
			max_worth = child->max_worth;
	}
	other = height != n->height || max_last != n->max_last ||
	        max_worth != n->max_worth;
	n->height = height;
	n->max_last = max_last;
	n->max_worth = max_worth;
	return other;
}

/* Where the tree points to @n. */
static struct ioas_inode **link_to(struct ioas_itree *tree,
                                   const struct ioas_inode *n)
{
	if (!n->parent)
		return &tree->root;
	return &n->parent->child[n->parent->child[RIGHT] == n];
}

static void set_child(struct ioas_inode *n, unsigned int side,
                      struct ioas_inode *child)
{
	n->child[side] = child;
	if (child)
		child->parent = n;
}

/* The child at @side takes the place of @n and is returned. */
static struct ioas_inode *rotate(struct ioas_itree *tree, struct ioas_inode *n,
                                 unsigned int side)
{
	struct ioas_inode *top = n->child[side];

	*link_to(tree, n) = top;
	top->parent = n->parent;
	set_child(n, side, top->child[!side]);
	set_child(top, !side, n);
	refresh(n);
	refresh(top);
	return top;
}

/*
 * Heights below @n are right and differ by two at most. Return: what is in the
 * place of @n now, or NULL: it is as it was for those above.
 */
static struct ioas_inode *balance(struct ioas_itree *tree, struct ioas_inode *n)
{
	int lean = height(n->child[RIGHT]) - height(n->child[LEFT]);
	unsigned int side = lean > 0 ? RIGHT : LEFT;
	struct ioas_inode *heavy = n->child[side];
	bool other = refresh(n);

	if (lean >= -1 && lean <= 1)
		return other ? n : NULL;
	if (height(heavy->child[!side]) > height(heavy->child[side]))
		rotate(tree, heavy, !side);
	return rotate(tree, n, side);
}

static void retrace(struct ioas_itree *tree, struct ioas_inode *n)
{
	while (n) {
		n = balance(tree, n);
		n = n ? n->parent : NULL;
	}
}

void ioas_itree_insert(struct ioas_itree *tree, struct ioas_inode *node)
{
	struct ioas_inode **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[node->first >= parent->first];
	}
	*link = node;
	node->parent = parent;
	node->child[LEFT] = NULL;
	node->child[RIGHT] = NULL;
	node->height = 0; /* whatever it was: it is another */
	retrace(tree, node);
}

void ioas_itree_changed(struct ioas_inode *node)
{
	while (node && refresh(node))
		node = node->parent;
}

static struct ioas_inode *leftmost(struct ioas_inode *n)
{
	while (n->child[LEFT])
		n = n->child[LEFT];
	return n;
}

/* @n has one child at most: it moves up. Return: the lowest node changed. */
static struct ioas_inode *cut(struct ioas_itree *tree, struct ioas_inode *n)
{
	struct ioas_inode *child = n->child[n->child[LEFT] == NULL];

	*link_to(tree, n) = child;
	if (child)
		child->parent = n->parent;
	return n->parent;
}

void ioas_itree_erase(struct ioas_itree *tree, struct ioas_inode *node)
{
	struct ioas_inode *heir, *from;

	if (!node->child[LEFT] || !node->child[RIGHT]) {
		retrace(tree, cut(tree, node));
		return;
	}
	heir = leftmost(node->child[RIGHT]);
	from = cut(tree, heir);
	if (from == node)
		from = heir;
	*link_to(tree, node) = heir;
	heir->parent = node->parent;
	set_child(heir, LEFT, node->child[LEFT]);
	set_child(heir, RIGHT, node->child[RIGHT]);
	/* For those above, the heir is another than the node was. */
	heir->height = 0;
	retrace(tree, from);
	retrace(tree, heir);
}

/* In the tree below @n. */
static struct ioas_inode *find_below(struct ioas_inode *n, uint64_t first,
                                     uint64_t last)
{
	while (n && n->max_last >= first) {
		struct ioas_inode *left = n->child[LEFT];

		if (left && left->max_last >= first) {
			n = left;
			continue;
		}
		if (n->first > last)
			return NULL;
		if (n->last >= first)
			return n;
		n = n->child[RIGHT];
	}
	return NULL;
}

struct ioas_inode *ioas_itree_find(const struct ioas_itree *tree,
                                   uint64_t first, uint64_t last)
{
	return find_below(tree->root, first, last);
}

/* The nearest node above @n that @n lies to the left of. */
static struct ioas_inode *up_right(const struct ioas_inode *n)
{
	while (n->parent && n->parent->child[RIGHT] == n)
		n = n->parent;
	return n->parent;
}

struct ioas_inode *ioas_itree_find_next(const struct ioas_inode *node,
                                        uint64_t first, uint64_t last)
{
	struct ioas_inode *right, *up;

	for (;; node = up) {
		right = node->child[RIGHT];
		if (right && right->max_last >= first)
			return find_below(right, first, last);
		up = up_right(node);
		if (!up || up->first > last)
			return NULL;
		if (up->last >= first)
			return up;
	}
}

struct ioas_inode *ioas_itree_worth(const struct ioas_itree *tree,
                                    unsigned int least)
{
	struct ioas_inode *n = tree->root;

	if (!n || n->max_worth < least)
		return NULL;
	for (;;) {
		struct ioas_inode *left = n->child[LEFT];

		if (left && left->max_worth >= least)
			n = left;
		else if (n->worth >= least)
			return n;
		else
			n = n->child[RIGHT];
	}
}

void ioas_itree_around(const struct ioas_itree *tree, uint64_t at,
                       struct ioas_inode **ret_before,
                       struct ioas_inode **ret_after)
{
	struct ioas_inode *n = tree->root, *beside[2] = {NULL, NULL};

	while (n) {
		unsigned int side = n->first < at ? RIGHT : LEFT;

		beside[!side] = n;
		n = n->child[side];
	}
	*ret_before = beside[LEFT];
	*ret_after = beside[RIGHT];
}

struct ioas_inode *ioas_itree_before(const struct ioas_itree *tree,
                                     uint64_t first)
{
	struct ioas_inode *n = tree->root, *found = NULL;

	while (n) {
		bool before = n->first < first;

		if (before)
			found = n;
		n = n->child[before ? RIGHT : LEFT];
	}
	return found;
}
