/* SPDX-License-Identifier: MIT */
/*
 * Which memory of the program is pinned now, by program address, and where the
 * memory of each region is.
 *
 * A region is cut into spans, at first into one. A span is memory that moves
 * as a whole:
 *
 *	the program's   where the program sees it; found by address
 *	kept            set aside, because the program gave its addresses back;
 *	                no address of the program leads there any more
 *	gone            neither could be done: devices get a fault
 *
 *	map, unmap, move --the lock--> counts, lists
 *	free, munmap     --no lock, IOAS_GRACE_DMA section--> counts
 *
 * For each page there is a count of the spans that hold it, in chunks of 512
 * pages below a radix tree. A span inside of one chunk is in the chunk's list,
 * one that is not in the list of the wide ones. So a map of a page costs a walk
 * and a few stores, however many there are; to find whose a page is takes as
 * long as the two lists, which matters when memory is given back in use only.
 *
 * There is one of these, as the process has one address space; every mem in
 * the process has the same page size.
 *
 * Laws
 *	PINS-1  the count of a page is the number of the program's spans over it
 *	PINS-2  the spans of a region cover it, each byte once
 *	PINS-3  kept memory ends when its last span does, once
 *
 * Lock order: the lock of the pins comes after those of spaces and registries.
 */
#ifndef IOAS_MEM_PINS_H
#define IOAS_MEM_PINS_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/types.h"

struct ioas_region;

/* Memory that was set aside. Embedded in what the front end knows of it. */
struct ioas_keep {
	uint64_t users; /* spans; under the lock */
	/* No span is left; called without locks. */
	void (*end)(struct ioas_keep *keep);
	struct ioas_keep *next; /* among those to end */
};

struct ioas_span {
	struct ioas_region *region;
	uint64_t offset; /* of the region's bytes */
	uint64_t bytes;
	struct uaddr at; /* where they are now */
	struct ioas_keep *keep;
	bool gone, news;             /* news: in the list of that name */
	struct ioas_span *sibling;   /* of the same region */
	struct ioas_span *found;     /* result of ioas_pins_find_locked() */
	struct ioas_span *next;      /* the program's: in the chunk's list */
	struct ioas_span **place;    /* what points here */
	struct ioas_span *next_news; /* follow.c */
};

/* The program's spans that there are; for a first look. */
extern struct ioas_a64 ioas_pins_live;

static inline bool ioas_pins_any(void)
{
	/*
	 * Relaxed: who gives memory back while another thread maps it has to
	 * order the two anyway.
	 */
	return __builtin_expect(ioas_a64_load_relaxed(&ioas_pins_live) != 0, 0);
}

/* Addresses of the program, both ends included. */
struct uaddr_range {
	uint64_t first, last;
};

/* The first pages in @range that are pinned, as many as follow each other. */
bool ioas_pins_run(struct uaddr_range range, struct uaddr_range *ret_run);

/* The lock. Signal handlers of the program must not come between. */
void ioas_pins_lock(void);
void ioas_pins_unlock(void);

/* The shift of the program's pages, when something was ever reserved. */
unsigned int ioas_pins_page_shift(void);
/* What adding a span over this needs. Return: 0 or -ENOMEM. */
int ioas_pins_reserve_locked(struct uaddr at, uint64_t bytes,
                             unsigned int page_shift);
/* It was reserved. */
void ioas_pins_add_locked(struct ioas_span *span);
void ioas_pins_remove_locked(struct ioas_span *span);
/* The program's spans with a byte in the range, linked by `found`. */
struct ioas_span *ioas_pins_find_locked(struct uaddr_range range);
/*
 * Cut a span so that a new one begins at @offset of the region, which is
 * inside of it. Return: 0 or -ENOMEM.
 */
int ioas_span_cut_locked(struct ioas_span *span, uint64_t offset);

/*
 * All of a region, whose span is zeroed, as one; known by its address from here
 * on. Without the lock. Return: 0 or -ENOMEM.
 */
int ioas_spans_enter(struct ioas_region *region, unsigned int page_shift);
/* Not any more; what was set aside for it alone ends. */
void ioas_spans_leave(struct ioas_region *region);

/* One count less. Without the lock; the last one ends it. */
void ioas_keep_put(struct ioas_keep *keep);

/* Nothing is pinned in this process any more: give the index back. */
void ioas_pins_fini(void);
/* In a forked child: nothing is pinned there. */
void ioas_pins_forked(void);

#endif /* IOAS_MEM_PINS_H */
