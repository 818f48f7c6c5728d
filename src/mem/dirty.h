/* SPDX-License-Identifier: MIT */
/*
 * Marks: pages that a device may have written, a bit for each. They belong to
 * the region, not to the table, so that they are there until it is unpinned.
 */
#ifndef IOAS_MEM_DIRTY_H
#define IOAS_MEM_DIRTY_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/types.h"

struct ioas_marks {
	struct ioas_a64 *word; /* a bit for each page, or NULL: none */
	struct ioas_a64 one;   /* word, where 64 are enough */
	struct ioas_a32 any;   /* a bit of them was ever set */
};

/* All clean. Return: 0 or -ENOMEM. */
int ioas_marks_init(struct ioas_marks *marks, uint64_t npages);
void ioas_marks_fini(struct ioas_marks *marks, uint64_t npages);
/* Is @page marked? And how many from there on, up to @npages, are as it is? */
bool ioas_marks_alike(const struct ioas_marks *marks, uint64_t page,
                      uint64_t *npages);

#endif /* IOAS_MEM_DIRTY_H */
