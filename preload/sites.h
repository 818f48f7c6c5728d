/* SPDX-License-Identifier: MIT */
/*
 * Places in the program: hooks.call_site. A place is a stack of return
 * addresses; equal stacks have one number.
 *
 *	wrapper --entry--> core --hooks.call_site--> cache --> number
 *	                                   a new one: unwind --> table
 *	MMIO handler --instruction--> core --hooks.call_site--> table
 *
 * Unwinding costs microseconds and a call of MAP_DMA should not. So a cache
 * keeps, for a wrapper's return address and frame, where on the stack the
 * return addresses above were and what they were. When they all are what they
 * were, it is the same stack. Each is looked at only when those below it are
 * right: it lies in the frame of the function that the last one returns to, so
 * in memory that is there. A function whose frame has no fixed size (alloca)
 * may in theory be skipped by an old value that was left in place; the report
 * then names a caller too many or too few.
 *
 * In the MMIO handler nothing is unwound: a place is one instruction there.
 * Its callers the tool finds, from a piece of the stack (snapshot.h).
 *
 * Laws
 *	SITE-1  a number means the same stack as long as the process lives
 *	SITE-2  finding a place takes no lock and allocates nothing in a signal
 *	        handler; a new stack elsewhere may take modules.c's lock
 *
 * Limits: frames beyond IOAS_SITE_DEPTH are not kept; after IOAS_SITES_MAX
 * different stacks new ones are 0, unknown.
 */
#ifndef IOAS_PRELOAD_SITES_H
#define IOAS_PRELOAD_SITES_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "watch/finding.h"

#define IOAS_SITE_DEPTH 32
#define IOAS_SITES_MAX  (1u << 16)

/* How the program came in. All 0: it is not known. */
struct ioas_site_entry {
	uintptr_t return_address, frame; /* of a wrapper: frame is its CFA */
	/* Of the MMIO handler: what it interrupted. */
	uintptr_t instruction;
	const ucontext_t *context;
};

extern __thread struct ioas_site_entry ioas_site_entry
	__attribute__((tls_model("initial-exec")));

/* Give back what was there before, for the end of the call. */
static inline struct ioas_site_entry
ioas_site_enter(struct ioas_site_entry entry)
{
	struct ioas_site_entry before = ioas_site_entry;

	ioas_site_entry = entry;
	return before;
}

static inline void ioas_site_leave(struct ioas_site_entry *before)
{
	ioas_site_entry = *before;
}

/* In a wrapper, among its variables: from here to the end of the block. */
#define IOAS_SITE_ENTRY                                                 \
	struct ioas_site_entry ioas_site_before                         \
		__attribute__((cleanup(ioas_site_leave), unused)) =     \
			ioas_site_enter((struct ioas_site_entry){       \
				(uintptr_t)__builtin_return_address(0), \
				(uintptr_t)__builtin_dwarf_cfa(), 0, NULL})

/* From now on hooks.call_site knows places. Once. */
void ioas_sites_begin(void);
/* In a forked child: the tool knows nothing of its numbers. */
void ioas_sites_forked(void);

/* Let the tool know a place, once; 0 is fine. False: there is no tool. */
bool ioas_site_send(uint32_t site);
/* The same for a module; IOAS_NO_MODULE is fine. */
bool ioas_site_send_module(uint16_t module);
/* For people, when there is no tool: modules and offsets. */
void ioas_site_text(struct ioas_text *text, const char *label, uint32_t site);

#endif /* IOAS_PRELOAD_SITES_H */
