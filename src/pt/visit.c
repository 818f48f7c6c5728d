/* SPDX-License-Identifier: MIT */
/* See visit.h. */
#include "pt/visit.h"

static int over(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                struct iova_range range)
{
	const struct ioas_pt *pt = visit->pt;
	struct iova_range piece = {.last = range.first - 1};
	uint64_t mask = ioas_mask_lg2(ioas_pt_shift_of(pt, node->level));
	unsigned int i;
	int rc = 0;

	do {
		piece.first = piece.last + 1;
		piece.last = piece.first | mask;
		if (piece.last > range.last)
			piece.last = range.last;
		i = ioas_pt_index(pt, node, piece.first);
		if (!(node->level && node->child[i]) &&
		    ioas_pt_get(pt, node, i))
			rc = visit->entry(visit, node, i, piece);
		if (!rc && node->level && node->child[i])
			rc = over(visit, node->child[i], piece);
	} while (!rc && piece.last != range.last);
	return rc;
}

int ioas_pt_visit(struct ioas_pt_visit *visit, struct iova_range range)
{
	return over(visit, visit->pt->root, range);
}
