/* SPDX-License-Identifier: MIT */
/*
 * Grace periods: how a writer knows that every reader that might still use
 * what it took away has finished.
 *
 *	reader                          writer
 *	  ioas_grace_enter(d)             take it away (clear the entry)
 *	  load the entry, use it          ioas_grace_sync(d)
 *	  ioas_grace_leave(d)             nobody uses it: free it
 *
 * A section may be entered on any thread and in a signal handler, and may
 * nest. A reader pays a store and a compiler barrier: the writer's
 * hooks.barrier() makes them ordered on every processor. Where the system has
 * no such barrier, readers use a full fence each.
 *
 * Laws
 *	GRACE-1  when sync returns, every section of the domain that had begun
 *	         before sync was called has ended
 *	GRACE-2  enter and leave never block, allocate or make a system call
 *	         once the thread has its slot
 *	GRACE-3  sections balance, per thread and domain
 */
#ifndef IOAS_BASE_GRACE_H
#define IOAS_BASE_GRACE_H

#include <stdbool.h>

/* A writer of one domain never waits for readers of another. */
enum ioas_grace_domain {
	IOAS_GRACE_DMA,   /* readers: devices; writers: unmap, page tables */
	IOAS_GRACE_FILE,  /* readers: calls on a file; writers: last close */
	IOAS_GRACE_MEM,   /* readers: look-ups; writers: unregister */
	IOAS_GRACE_GUEST, /* readers: hypercalls; writers: remove a window */
	IOAS_GRACE_NR
};

void ioas_grace_enter(enum ioas_grace_domain d);
void ioas_grace_leave(enum ioas_grace_domain d);

/* Is the calling thread inside a section of the domain? sync would hang. */
bool ioas_grace_inside(enum ioas_grace_domain d);

/* Wait for all sections that began before. Not inside one (GRACE-1). */
void ioas_grace_sync(enum ioas_grace_domain d);

/* Threads that have a slot now; for tests and statistics. */
unsigned int ioas_grace_threads(void);

/* In a forked child, before anything else: the other threads are not here. */
void ioas_grace_forked(void);

#endif /* IOAS_BASE_GRACE_H */
