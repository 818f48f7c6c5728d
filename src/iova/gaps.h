/* SPDX-License-Identifier: MIT */
/*
 * Pages of I/O addresses that nobody has. What is taken is known to who took
 * it; here is the rest, in two trees of ranges: pages that can be given, and
 * pages that are held because they are not usable now.
 *
 *	take   from the lowest range that has an aligned block as large, which
 *	       the tree finds in O(log n)
 *	give   joined with its neighbours, O(log n); cannot fail: a node for it
 *	       was put by when it was taken
 *	set    other pages are usable: ranges move between the trees
 *
 * A piece of n pages begins at a multiple of the power of two that is n or
 * next above. When no block of that size is left, places where only the piece
 * itself fits are sought one by one: so a piece is refused when none is there,
 * and only then it takes time in proportion to the ranges.
 *
 * Not safe against concurrent use: its user holds a lock.
 *
 * Laws
 *	IOVA-1  no page is given twice
 *	IOVA-2  no page is lost: what was given back can be taken
 *	IOVA-3  only usable pages are given, aligned to their size, in the limit
 */
#ifndef IOAS_IOVA_GAPS_H
#define IOAS_IOVA_GAPS_H

#include "base/itree.h"
#include "iova/iova.h"

struct ioas_gap;

struct ioas_gaps {
	struct ioas_itree free, held; /* page numbers */
	struct ioas_gap *spare;
	uint64_t nodes;                 /* in the trees, and spare */
	uint64_t taken;                 /* pieces that somebody has */
	struct ioas_iova_ranges usable; /* of page numbers */
	unsigned int page_shift;
};

/*
 * Of the whole pages of @aperture, none of them usable. Return: 0, -EINVAL
 * (there is no whole page), -ENOMEM.
 */
int ioas_gaps_init(struct ioas_gaps *gaps, struct iova_range aperture,
                   unsigned int page_shift);
void ioas_gaps_fini(struct ioas_gaps *gaps);
/* The whole pages of these ranges are usable. 0, or -ENOMEM: as before. */
int ioas_gaps_set(struct ioas_gaps *gaps,
                  const struct ioas_iova_ranges *ranges);

/*
 * @npages, not 0, none of them above page @last. Return: 0, -ENOSPC (there is
 * no such piece), -ENOMEM.
 */
int ioas_gaps_take(struct ioas_gaps *gaps, uint64_t npages, uint64_t last,
                   uint64_t *ret_page);
/* A piece that was taken, as a whole. */
void ioas_gaps_give(struct ioas_gaps *gaps, uint64_t page, uint64_t npages);

#endif /* IOAS_IOVA_GAPS_H */
