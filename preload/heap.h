/* SPDX-License-Identifier: MIT */
/*
 * Blocks of the heap that the program freed while a device may use them: they
 * are not given to the allocator, whoever that is, until the last pin of their
 * pages has gone (KEEP-1). The thread that unmaps does it then.
 */
#ifndef IOAS_PRELOAD_HEAP_H
#define IOAS_PRELOAD_HEAP_H

#include "base/hooks.h"

/* Frees what the program freed, when it is unpinned. */
void ioas_heap_hooks(struct ioas_hooks *hooks);
/* In a forked child: the blocks stay what they are, for ever. */
void ioas_heap_forked(void);

#endif /* IOAS_PRELOAD_HEAP_H */
