/* SPDX-License-Identifier: MIT */
/* See gaps.h. */
#include "iova/gaps.h"

#include <errno.h>

#include "base/hooks.h"
#include "base/law.h"

struct ioas_gap {
	struct ioas_inode node; /* worth: 1 + lg2 of its largest block */
	struct ioas_gap *next;  /* when it is spare */
};

static struct ioas_gap *gap_of(struct ioas_inode *node)
{
	return ioas_container_of(node, struct ioas_gap, node);
}

/* ---- Nodes ---- */

/*
 * What is not taken is at most one range more than what is; each end of a
 * usable range cuts one of them in two.
 */
static uint64_t nodes_wanted(const struct ioas_gaps *gaps, uint64_t taken,
                             unsigned int usable)
{
	return taken + 1 + 2 * (uint64_t)usable;
}

static int make_nodes(struct ioas_gaps *gaps, uint64_t wanted)
{
	struct ioas_gap *gap;

	while (gaps->nodes < wanted) {
		gap = ioas_new(struct ioas_gap);
		if (!gap)
			return -ENOMEM;
		gap->next = gaps->spare;
		gaps->spare = gap;
		gaps->nodes++;
	}
	return 0;
}

static void drop_node(struct ioas_gaps *gaps, struct ioas_itree *tree,
                      struct ioas_inode *node)
{
	struct ioas_gap *gap = gap_of(node);

	ioas_itree_erase(tree, node);
	gap->next = gaps->spare;
	gaps->spare = gap;
}

/* ---- Blocks ---- */

/* The power of two that is @npages or next above. */
static unsigned int order_of(uint64_t npages)
{
	return npages > 1 ? 64 - (unsigned int)__builtin_clzll(npages - 1) : 0;
}

/* The first multiple of 2^order from @page on; it may wrap to 0. */
static uint64_t align_up(uint64_t page, unsigned int order)
{
	return (page + ioas_mask_lg2(order)) & ~ioas_mask_lg2(order);
}

static bool fits(const struct ioas_inode *n, uint64_t npages,
                 unsigned int order, uint64_t last)
{
	uint64_t at = align_up(n->first, order);

	if (last > n->last)
		last = n->last;
	return at >= n->first && at <= last && last - at >= npages - 1;
}

/* 1 + lg2 of the largest aligned block in the range. */
static uint8_t worth_of(uint64_t first, uint64_t last)
{
	const struct ioas_inode n = {.first = first, .last = last};
	uint64_t npages = last - first + 1; /* pages: never 2^64 */
	unsigned int order = 63 - (unsigned int)__builtin_clzll(npages);

	/* Of half the size there is one in any case. */
	if (!fits(&n, UINT64_C(1) << order, order, last))
		order--;
	return (uint8_t)(1 + order);
}

static void node_set(struct ioas_inode *n, uint64_t first, uint64_t last)
{
	n->first = first;
	n->last = last;
	n->worth = worth_of(first, last);
}

static void node_change(struct ioas_inode *n, uint64_t first, uint64_t last)
{
	node_set(n, first, last);
	ioas_itree_changed(n);
}

static void node_add(struct ioas_gaps *gaps, struct ioas_itree *tree,
                     uint64_t first, uint64_t last)
{
	struct ioas_gap *gap = gaps->spare;

	ioas_law(IOVA_2, gap != NULL);
	gaps->spare = gap->next;
	node_set(&gap->node, first, last);
	ioas_itree_insert(tree, &gap->node);
}

/* ---- Ranges ---- */

/* Join [first, last] with what is beside it. */
static void put(struct ioas_gaps *gaps, struct ioas_itree *tree, uint64_t first,
                uint64_t last)
{
	struct ioas_inode *before, *after;

	ioas_itree_around(tree, first, &before, &after);
	ioas_law(IOVA_1, !before || before->last < first);
	ioas_law(IOVA_1, !after || after->first > last);
	if (before && before->last + 1 < first)
		before = NULL;
	if (after && after->first > last + 1)
		after = NULL;
	if (before && after) {
		last = after->last;
		drop_node(gaps, tree, after);
		node_change(before, before->first, last);
	} else if (before) {
		node_change(before, before->first, last);
	} else if (after) {
		node_change(after, first, after->last);
	} else {
		node_add(gaps, tree, first, last);
	}
}

/* Is the page usable? The answer is the same up to *ret_last. */
static bool usable_from(const struct ioas_gaps *gaps, uint64_t page,
                        uint64_t *ret_last)
{
	const struct iova_range *r = gaps->usable.range;
	const struct iova_range *end = r + gaps->usable.count;

	while (r < end && r->last < page)
		r++;
	*ret_last = UINT64_MAX;
	if (r == end)
		return false;
	*ret_last = r->first <= page ? r->last : r->first - 1;
	return r->first <= page;
}

/* Each part to the tree where it belongs. */
static void put_parts(struct ioas_gaps *gaps, uint64_t first, uint64_t last)
{
	uint64_t end;
	bool usable;

	for (;; first = end + 1) {
		usable = usable_from(gaps, first, &end);
		if (end > last)
			end = last;
		put(gaps, usable ? &gaps->free : &gaps->held, first, end);
		if (end == last)
			return;
	}
}

/* ---- Take and give ---- */

static struct ioas_inode *find_any(const struct ioas_gaps *gaps,
                                   uint64_t npages, unsigned int order,
                                   uint64_t last)
{
	struct ioas_inode *n = ioas_itree_find(&gaps->free, 0, last);

	while (n && !fits(n, npages, order, last))
		n = ioas_itree_find_next(n, 0, last);
	return n;
}

static void cut_out(struct ioas_gaps *gaps, struct ioas_inode *n, uint64_t at,
                    uint64_t npages)
{
	uint64_t first = n->first, last = n->last, next = at + npages;

	if (first == at && next > last) {
		drop_node(gaps, &gaps->free, n);
	} else if (first == at) {
		node_change(n, next, last);
	} else {
		node_change(n, first, at - 1);
		if (next <= last)
			node_add(gaps, &gaps->free, next, last);
	}
}

int ioas_gaps_take(struct ioas_gaps *gaps, uint64_t npages, uint64_t last,
                   uint64_t *ret_page)
{
	unsigned int order = order_of(npages);
	struct ioas_inode *n;
	uint64_t at;

	if (order > 63)
		return -ENOSPC;
	if (make_nodes(gaps,
	               nodes_wanted(gaps, gaps->taken + 1, gaps->usable.count)))
		return -ENOMEM;
	n = ioas_itree_worth(&gaps->free, order + 1);
	if (!n || !fits(n, npages, order, last))
		n = find_any(gaps, npages, order, last);
	if (!n)
		return -ENOSPC;
	at = align_up(n->first, order);
	cut_out(gaps, n, at, npages);
	gaps->taken++;
	*ret_page = at;
	return 0;
}

void ioas_gaps_give(struct ioas_gaps *gaps, uint64_t page, uint64_t npages)
{
	ioas_law(IOVA_1, gaps->taken > 0);
	gaps->taken--;
	put_parts(gaps, page, page + (npages - 1));
}

/* ---- Which are usable ---- */

/* Whole pages of a range; false: there is none. */
static bool whole_pages(struct iova_range range, unsigned int page_shift,
                        struct iova_range *ret_pages)
{
	uint64_t mask = ioas_mask_lg2(page_shift);
	uint64_t first = (range.first >> page_shift) + !!(range.first & mask);
	uint64_t end =
		(range.last >> page_shift) + ((range.last & mask) == mask);

	if (first >= end)
		return false;
	*ret_pages = (struct iova_range){first, end - 1};
	return true;
}

/* Ranges of page numbers. Return: 0 or -ENOMEM. */
static int pages_of(const struct ioas_iova_ranges *ranges,
                    unsigned int page_shift, struct ioas_iova_ranges *ret_pages)
{
	struct ioas_iova_ranges pages = {.room = ranges->count};
	unsigned int i;

	pages.range = ioas_hooks.alloc(pages.room * sizeof(*pages.range));
	if (!pages.range)
		return -ENOMEM;
	for (i = 0; i < ranges->count; i++)
		pages.count += whole_pages(ranges->range[i], page_shift,
		                           &pages.range[pages.count]);
	*ret_pages = pages;
	return 0;
}

static void move_all(struct ioas_gaps *gaps, struct ioas_itree from)
{
	uint64_t first, last;

	while (from.root) {
		first = from.root->first;
		last = from.root->last;
		drop_node(gaps, &from, from.root);
		put_parts(gaps, first, last);
	}
}

int ioas_gaps_set(struct ioas_gaps *gaps, const struct ioas_iova_ranges *ranges)
{
	const struct ioas_itree none = {NULL};
	struct ioas_itree free = gaps->free, held = gaps->held;
	struct ioas_iova_ranges usable;

	if (make_nodes(gaps,
	               nodes_wanted(gaps, gaps->taken,
	                            gaps->usable.count + ranges->count)) ||
	    pages_of(ranges, gaps->page_shift, &usable))
		return -ENOMEM;
	ioas_iova_ranges_fini(&gaps->usable);
	gaps->usable = usable;
	gaps->free = gaps->held = none;
	move_all(gaps, free);
	move_all(gaps, held);
	return 0;
}

/* ---- Life ---- */

int ioas_gaps_init(struct ioas_gaps *gaps, struct iova_range aperture,
                   unsigned int page_shift)
{
	struct iova_range pages;

	*gaps = (struct ioas_gaps){.page_shift = page_shift};
	if (!whole_pages(aperture, page_shift, &pages))
		return -EINVAL;
	if (make_nodes(gaps, 1))
		return -ENOMEM;
	put(gaps, &gaps->held, pages.first, pages.last);
	return 0;
}

static void spare_all(struct ioas_gaps *gaps, struct ioas_itree *tree)
{
	while (tree->root)
		drop_node(gaps, tree, tree->root);
}

void ioas_gaps_fini(struct ioas_gaps *gaps)
{
	struct ioas_gap *gap;

	spare_all(gaps, &gaps->free);
	spare_all(gaps, &gaps->held);
	while ((gap = gaps->spare)) {
		gaps->spare = gap->next;
		ioas_delete(gap);
	}
	ioas_iova_ranges_fini(&gaps->usable);
}
