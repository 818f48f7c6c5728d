/* SPDX-License-Identifier: MIT */
/*
 * --pin=strict: what the C library gives back inside of itself (the stack of a
 * thread that ended, the end of the heap) never passes by a wrapper. A seccomp
 * filter stops those calls, and a thread of ours makes them in their place,
 * with pinned memory kept (give.h).
 *
 *	libc: munmap, mremap, madvise, brk --filter--> waits in the kernel
 *	ioas-pins: looks; nothing is pinned there -> the kernel goes on
 *	                  else the call is made here, and its result given
 *
 * Not by a signal: the C library makes such calls with all signals blocked,
 * when a thread ends and in posix_spawn(3), where SIGSYS would end the process.
 *
 * The filter goes by where the call comes from: the code of the C library, but
 * for its syscall(2), by which we make ours. It stays over fork and exec. A
 * program that is started has its C library elsewhere, so nothing is stopped
 * there; without randomised addresses that would not be so, and strict is
 * refused. A child that goes on without exec is served by its ancestor; when
 * that has ended, by a thread of its own, which lets everything go on.
 *
 * Source: seccomp(2), seccomp_unotify(2); Linux 5.7 (TSYNC_ESRCH).
 */
#ifndef IOAS_PRELOAD_STRICT_H
#define IOAS_PRELOAD_STRICT_H

#include "base/atomic.h"

/* When VFIO is first used: if IOAS_PIN says so. What is in its way is said. */
void ioas_strict_begin(void);

/* 1: our own calls that the C library would make go around it. */
extern struct ioas_a32 ioas_strict;

static inline bool ioas_strict_on(void)
{
	/* Relaxed: to go the other way is slower, and right. */
	return __builtin_expect(ioas_a32_load_relaxed(&ioas_strict) != 0, 0);
}

/* In a forked child, around what closes our descriptors. */
void ioas_strict_forking(void);
void ioas_strict_forked(void);

#endif /* IOAS_PRELOAD_STRICT_H */
