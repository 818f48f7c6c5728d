/* SPDX-License-Identifier: MIT */
/*
 * The hooks of the rig: an allocator that counts and can fail, pins that are
 * counted, and the rest by system calls.
 */
#ifndef RIG_HOOKS_H
#define RIG_HOOKS_H

#include "base/hooks.h"

struct rig_counts {
	struct ioas_a64 allocated;  /* calls of alloc in this run */
	struct ioas_a64 fail_at;    /* the call that fails; 0: none */
	struct ioas_a64 failed;     /* calls that failed */
	struct ioas_a64 live;       /* allocations not freed */
	struct ioas_a64 pinned;     /* bytes */
	struct ioas_a64 pinned_sum; /* changes with what is pinned */
	struct ioas_a64 barriers;   /* calls of barrier */
};

extern struct rig_counts rig_counts;

bool rig_hooks_emulated(void); /* see rig_emulated() */
void rig_hooks_install(bool barrier, bool thread_exit, bool shadow);
/* Print what is still allocated. */
void rig_hooks_print_live(void);
/* Forget what is still allocated: it was reported. */
void rig_hooks_forget(void);
/* What hooks.call_site answers; a test sets it. */
extern struct ioas_a32 rig_call_site;
/* Where a broken law goes; NULL: print and abort. */
extern void (*rig_on_law)(const char *law);

#endif /* RIG_HOOKS_H */
