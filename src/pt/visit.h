/* SPDX-License-Identifier: MIT */
/*
 * The writer's side of the walker for what is there already: each entry that
 * is not 0 and no table is visited once, in order; tables that are not there
 * are passed as a whole.
 */
#ifndef IOAS_PT_VISIT_H
#define IOAS_PT_VISIT_H

#include "pt/table.h"

struct ioas_pt_visit {
	struct ioas_pt *pt;
	/*
	 * @piece of the range is the entry's: less than the entry where the
	 * range ends inside of it. A table may be put in its place; that is
	 * visited then. Return: not 0 ends the visit.
	 */
	int (*entry)(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
	             unsigned int i, struct iova_range piece);
};

/* Return: 0, or what an entry returned. */
int ioas_pt_visit(struct ioas_pt_visit *visit, struct iova_range range);

#endif /* IOAS_PT_VISIT_H */
