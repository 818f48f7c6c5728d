/* SPDX-License-Identifier: MIT */
/*
 * Changes of leaves that stay mapped: split and merge, shift and lose. A
 * reader finds the old entry or the new one; until hardware has been told it
 * may know either.
 *
 * Where hardware reads the tables it has to bear that a leaf is replaced by a
 * table of smaller ones, and the reverse, while it is in use. VT-d and AMD-Vi
 * do; on Arm it is FEAT_BBM of level 2 that says so.
 */
#include <errno.h>

#include "pt/visit.h"

struct moving {
	struct ioas_pt_visit visit;
	uint64_t delta;
};

static bool is_leaf(const struct ioas_pt *pt, const struct ioas_pt_node *node,
                    uint64_t entry)
{
	return pt->format->kind(node->level, entry) == IOAS_PT_LEAF;
}

/* ---- Split. ---- */

/* The leaf of a piece of another leaf, or of a lost one. */
static uint64_t part_of(const struct ioas_pt *pt, unsigned int level,
                        uint64_t entry, bool lost,
                        const struct ioas_pt_says *says)
{
	uint64_t part;

	if (lost)
		return pt->format->lost(says->asked);
	part = pt->format->leaf(pt, level, says);
	if (pt->format->is_dirty && pt->format->is_dirty(entry))
		return pt->format->dirty(part);
	return part;
}

/* All entries of a new table that says the same as @entry. */
static void parts_of(const struct ioas_pt *pt, struct ioas_pt_node *child,
                     uint64_t entry)
{
	unsigned int shift = ioas_pt_shift_of(pt, child->level), i;
	bool lost = pt->format->kind(child->level + 1, entry) == IOAS_PT_LOST;
	struct ioas_pt_says says =
		pt->format->says(pt, child->level + 1, entry);

	says.lg2 = shift;
	for (i = 0; i < 1u << child->bits; i++) {
		ioas_pt_put(pt, child, i,
		            part_of(pt, child->level, entry, lost, &says));
		says.phys += UINT64_C(1) << shift;
	}
	child->live = 1u << child->bits;
}

/* Return: 0 or -ENOMEM; the entry then is as it was. */
static int split_entry(struct ioas_pt *pt, struct ioas_pt_node *node,
                       unsigned int i, uint64_t at)
{
	struct ioas_pt_node *child = ioas_pt_node_new(pt, node->level - 1);
	uint64_t phys, entry;

	if (!child)
		return -ENOMEM;
	ioas_pt_place(pt, child, at);
	phys = (uintptr_t)child->entry - pt->hardware.linear;
	do {
		entry = ioas_pt_get(pt, node, i);
		parts_of(pt, child, entry);
	} while (!ioas_pt_change(pt, node, i, entry,
	                         pt->format->table(pt, node->level, phys)));
	node->child[i] = child;
	return 0;
}

/* Each leaf of the cluster that @i is in is one of its own from now on. */
static void split_cluster(const struct ioas_pt *pt, struct ioas_pt_node *node,
                          unsigned int i)
{
	unsigned int n = 1u << pt->cluster[node->level], j;
	struct ioas_pt_says says;
	uint64_t entry;

	for (j = i & ~(n - 1); j < (i & ~(n - 1)) + n; j++) {
		do {
			entry = ioas_pt_get(pt, node, j);
			says = pt->format->says(pt, node->level, entry);
			says.lg2 = ioas_pt_shift_of(pt, node->level);
		} while (!ioas_pt_change(
			pt, node, j, entry,
			part_of(pt, node->level, entry, false, &says)));
	}
}

/* Does [at, at + 2^lg2) around @piece lie in the range, and move as a whole? */
static bool stays(struct iova_range piece, struct iova_range range,
                  unsigned int lg2, uint64_t delta)
{
	uint64_t mask = ioas_mask_lg2(lg2);

	return (piece.first & ~mask) >= range.first &&
	       (piece.first | mask) <= range.last && !(delta & mask);
}

struct splitting {
	struct ioas_pt_visit visit;
	struct iova_range range;
	uint64_t delta;
};

static int split_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                    unsigned int i, struct iova_range piece)
{
	struct splitting *s = (struct splitting *)visit;
	struct ioas_pt *pt = visit->pt;
	unsigned int shift = ioas_pt_shift_of(pt, node->level);
	uint64_t entry = ioas_pt_get(pt, node, i);
	unsigned int lg2 = pt->format->says(pt, node->level, entry).lg2;

	if (is_leaf(pt, node, entry) && lg2 > shift &&
	    !stays(piece, s->range, lg2, s->delta))
		split_cluster(pt, node, i);
	if (!node->level || stays(piece, s->range, shift, s->delta))
		return 0;
	return split_entry(pt, node, i, piece.first);
}

int ioas_pt_split(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	struct splitting s = {{pt, split_at}, range, delta};

	return ioas_pt_visit(&s.visit, range);
}

/* ---- Shift and lose. ---- */

static int shift_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                    unsigned int i, struct iova_range piece)
{
	const struct moving *m = (const struct moving *)visit;
	uint64_t entry;

	ioas_law(PT_4, piece.last - piece.first ==
	                       ioas_mask_lg2(ioas_pt_shift_of(visit->pt,
	                                                      node->level)));
	do {
		entry = ioas_pt_get(visit->pt, node, i);
		ioas_law(PT_4, is_leaf(visit->pt, node, entry));
	} while (!ioas_pt_change(visit->pt, node, i, entry, entry + m->delta));
	return 0;
}

void ioas_pt_shift(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	struct moving m = {{pt, shift_at}, delta};

	ioas_pt_visit(&m.visit, range);
	ioas_pt_invalidate(pt, range);
}

static int lose_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                   unsigned int i, struct iova_range piece)
{
	const struct ioas_pt_format *format = visit->pt->format;
	uint64_t entry = ioas_pt_get(visit->pt, node, i);
	struct ioas_pt_says says = format->says(visit->pt, node->level, entry);

	ioas_law(PT_4, piece.last - piece.first ==
	                       ioas_mask_lg2(ioas_pt_shift_of(visit->pt,
	                                                      node->level)));
	/* What a device wrote there last is lost with it. */
	ioas_pt_put(visit->pt, node, i, format->lost(says.asked));
	return 0;
}

void ioas_pt_lose(struct ioas_pt *pt, struct iova_range range)
{
	struct ioas_pt_visit visit = {pt, lose_at};

	ioas_pt_visit(&visit, range);
	ioas_pt_invalidate(pt, range);
}

/* ---- Merge. ---- */

/* Do the leaves of a table continue each other? *says is of them all then. */
static bool is_one(const struct ioas_pt *pt, const struct ioas_pt_node *node,
                   struct ioas_pt_says *says)
{
	unsigned int shift = ioas_pt_shift_of(pt, node->level), i;
	struct ioas_pt_says next;
	uint64_t entry;

	for (i = 0; i < 1u << node->bits; i++) {
		entry = ioas_pt_get(pt, node, i);
		if (!is_leaf(pt, node, entry))
			return false;
		next = pt->format->says(pt, node->level, entry);
		if (!i)
			*says = next;
		if (next.phys != says->phys + ((uint64_t)i << shift) ||
		    next.perm != says->perm || next.asked != says->asked)
			return false;
	}
	says->lg2 = shift + node->bits;
	return !(says->phys & ioas_mask_lg2(says->lg2));
}

static void merge_child(struct ioas_pt *pt, struct ioas_pt_node *node,
                        unsigned int i, struct ioas_pt_gather *gather)
{
	struct ioas_pt_says says;
	uint64_t leaf;

	if (node->level >= pt->leaf_levels ||
	    !is_one(pt, node->child[i], &says))
		return;
	leaf = pt->format->leaf(pt, node->level, &says);
	/* A device may be marking one of the old entries now. */
	if (pt->dirty && (says.perm & IOAS_WRITE))
		leaf = pt->format->dirty(leaf);
	ioas_pt_gather_table(gather, node->child[i]);
	ioas_pt_put(pt, node, i, leaf);
	/* Before a table of the row is empty: ioas_pt_walk_missed(). */
	ioas_a64_add(&pt->merged, 1);
	ioas_pt_forget(pt, node->child[i]);
	node->child[i] = NULL;
}

static void merge(struct ioas_pt *pt, struct ioas_pt_node *node,
                  struct iova_range range, struct ioas_pt_gather *gather)
{
	struct iova_range piece = {.last = range.first - 1};
	uint64_t mask = ioas_mask_lg2(ioas_pt_shift_of(pt, node->level));
	unsigned int i;

	while (node->level && piece.last != range.last) {
		piece.first = piece.last + 1;
		piece.last = piece.first | mask;
		if (piece.last > range.last)
			piece.last = range.last;
		i = ioas_pt_index(pt, node, piece.first);
		if (!node->child[i])
			continue;
		merge(pt, node->child[i], piece, gather);
		if (piece.last - piece.first == mask)
			merge_child(pt, node, i, gather);
	}
}

void ioas_pt_merge(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gather *gather)
{
	merge(pt, pt->root, range, gather);
	ioas_pt_gather_range(gather, range);
}
