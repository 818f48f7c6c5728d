/* SPDX-License-Identifier: MIT */
/* Walking the stack, and knowing again one that was walked. See sites.h. */
#ifndef IOAS_PRELOAD_STACK_H
#define IOAS_PRELOAD_STACK_H

#include "preload/sites.h"

struct ioas_stack {
	uint32_t depth;
	bool plain; /* one stack, no signal frame: it may be kept */
	/* Inside the calls: return addresses less one. */
	uint64_t address[IOAS_SITE_DEPTH];
	uint64_t slot[IOAS_SITE_DEPTH]; /* where each return address is */
};

/* From the frame with this CFA on; 0: from the caller on. */
void ioas_stack_walk(uintptr_t frame, struct ioas_stack *ret_stack);

/* Remember the number of a stack under its entry. */
void ioas_stack_keep(const struct ioas_site_entry *entry,
                     const struct ioas_stack *stack, uint32_t number);
/* The number of this very stack, or 0: not kept. */
uint32_t ioas_stack_kept(const struct ioas_site_entry *entry);

#endif /* IOAS_PRELOAD_STACK_H */
