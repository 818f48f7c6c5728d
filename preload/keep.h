/* SPDX-License-Identifier: MIT */
/*
 * Memory that the program gives back while a device may use it. The kernel
 * would keep pinned pages; a process cannot keep pages that it has given back,
 * so they are moved aside before, and stay the devices' until their mappings
 * go (MEM-10). What each wall covers:
 *
 *	wall (a)  wrap_heap.c   free, realloc: the block is not given back
 *	wall (b)  here          munmap, mmap over it, mremap, madvise, shmdt,
 *	                        holes in files, called by the program
 *	wall (c)  pci/dma.c     what the C library does inside itself, and what
 *	                        (b) cannot move: devices get a fault
 *
 * A call has two ends, with the real one between them:
 *
 *	begin   everything that is pinned in the range moves aside; the old
 *	        addresses are closed (PROT_NONE), and nobody uses them when it
 *	        returns. What cannot move is lost: devices get a fault there
 *	(the real call)
 *	end     given: what was moved is kept. Not given: it moves back
 *
 * A thread of the program that touches the range meanwhile, as it may during
 * an madvise, faults and waits in the handler for the end.
 *
 * Laws
 *	KEEP-1  while a mapping lives no page of it is anybody else's
 *	KEEP-2  a call that fails leaves the memory where it was
 */
#ifndef IOAS_PRELOAD_KEEP_H
#define IOAS_PRELOAD_KEEP_H

#include <signal.h>

#include "base/hooks.h"
#include "mem/pins.h"

/* What the program gives back. */
enum ioas_give {
	IOAS_GIVE_AWAY,    /* the addresses */
	IOAS_GIVE_CONTENT, /* what is there; private memory reads 0 then */
	IOAS_GIVE_HOLE,    /* what is in the file behind shared memory */
	IOAS_GIVE_ACCESS,  /* what is there, and faults come in its place */
	IOAS_GIVE_MOVE,    /* nothing: it will be at other addresses */
};

struct ioas_giving {
	enum ioas_give how;
	bool even_locked;          /* content of locked memory as well */
	bool active;               /* something is pinned there */
	bool lost;                 /* something could not be moved */
	uint32_t site;             /* hooks.call_site */
	struct ioas_kept *pieces;  /* that were moved aside */
	struct ioas_signals saved; /* signals are blocked in between */
};

/*
 * In our own calls, or in a handler that interrupted one: nothing may be waited
 * for, and no lock taken.
 */
bool ioas_keep_inside(void);

/* Is something pinned in the @bytes from @start? */
bool ioas_keep_look(uint64_t start, uint64_t bytes);

static inline bool ioas_keep_concerns(const void *start, uint64_t bytes)
{
	return ioas_pins_any() && ioas_keep_look((uintptr_t)start, bytes);
}

/* @how and, if it matters, @even_locked are set; nothing else is. */
void ioas_keep_begin(struct ioas_giving *giving, uint64_t start,
                     uint64_t bytes);
/* For IOAS_GIVE_HOLE: all that maps [first, last] of a file. */
struct ioas_file_range {
	uint64_t device, inode, first, last;
};

void ioas_keep_begin_file(struct ioas_giving *giving,
                          const struct ioas_file_range *range);
/* @given: the real call went well. */
void ioas_keep_end(struct ioas_giving *giving, bool given);
/* For IOAS_GIVE_MOVE: what was at @start is at @to now. */
void ioas_keep_end_moved(struct ioas_giving *giving, uint64_t start,
                         uint64_t to);

/*
 * In the fault handler, for a fault that is not about a view: did it come from
 * memory that was closed for a moment? Then the instruction is run again.
 */
bool ioas_keep_retry(const siginfo_t *info);

/* In a forked child. */
void ioas_keep_forked(void);

#endif /* IOAS_PRELOAD_KEEP_H */
