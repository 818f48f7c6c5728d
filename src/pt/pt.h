/* SPDX-License-Identifier: MIT */
/*
 * I/O page tables, native format: a radix tree of 512-entry tables. Entries
 * are 64 bits:
 *
 *	0                      nothing
 *	bit 0 set              a table of the next level (pointer | 1)
 *	bit 1 and/or bit 2     a leaf: physical address | IOAS_READ << 1 |
 *	                       IOAS_WRITE << 1
 *
 * A leaf stands for one page at level 0, for 512 at level 1, for 512 * 512 at
 * level 2 (4 KiB, 2 MiB, 1 GiB with a page shift of 12); larger leaves are
 * used where the address, the physical address and the length allow.
 *
 *	readers: ioas_pt_walk(), inside an IOAS_GRACE_DMA section, no lock
 *	writers: map and unmap, under the lock of the space that owns the table
 *
 * Laws
 *	PT-1  map writes all of the range or, on failure, leaves the table as
 *	      it was
 *	PT-2  a walk returns what one entry held at one moment, or nothing;
 *	      never a mix
 *	PT-3  a table page is freed only after a grace period
 *	PT-4  a leaf is unmapped whole or not at all
 */
#ifndef IOAS_PT_PT_H
#define IOAS_PT_PT_H

#include "base/atomic.h"
#include "base/types.h"

struct ioas_pt_table;

struct ioas_pt {
	unsigned int page_shift; /* of the smallest leaf, 11 and up */
	unsigned int bits;       /* input addresses are below 2^bits, to 64 */
	unsigned int levels;
	struct ioas_pt_table *root;
};

/* What a walk found: the piece from the address to the end of its leaf. */
struct ioas_pt_leaf {
	struct phys phys; /* of the address asked for */
	uint64_t last;    /* last address of the leaf */
	unsigned int perm;
};

/* Tables that unmap took out, until the grace period is over. */
struct ioas_pt_gone {
	struct ioas_pt_table *first;
};

/* @bits is above @page_shift. Return: 0 or -ENOMEM. */
int ioas_pt_init(struct ioas_pt *pt, unsigned int page_shift,
                 unsigned int bits);
/* Nobody walks any more. */
void ioas_pt_fini(struct ioas_pt *pt);

/*
 * The range is page aligned, inside the input range and holds no leaf.
 * Return: 0 or -ENOMEM (PT-1).
 */
int ioas_pt_map(struct ioas_pt *pt, struct iova_range range, struct phys phys,
                unsigned int perm);
/*
 * The range was mapped by calls of map, each taken whole (PT-4). Cannot fail.
 * A section that began before may still find what was there.
 */
void ioas_pt_unmap(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gone *gone);
/* After the grace period (PT-3). */
void ioas_pt_free_gone(struct ioas_pt_gone *gone);

/*
 * Memory moves while it is mapped. First, where no leaf may cross an end of
 * the range, nor be larger than @delta is aligned, it is split, which nobody
 * can see; then @delta is added to every physical address, entry by entry.
 * Return: 0 or -ENOMEM (what was split stays so).
 */
int ioas_pt_split(struct ioas_pt *pt, struct iova_range range, uint64_t delta);
void ioas_pt_shift(struct ioas_pt *pt, struct iova_range range, uint64_t delta);

/*
 * A writer's hint: the entry of a smallest page there is about to be written.
 * With millions of them it is in no cache, and the way to it can be gone while
 * other memory is waited for.
 */
void ioas_pt_prefetch(const struct ioas_pt *pt, struct iova at);

/* Return: false when nothing is mapped there. Wait-free. */
bool ioas_pt_walk(const struct ioas_pt *pt, struct iova at,
                  struct ioas_pt_leaf *ret_leaf);

#endif /* IOAS_PT_PT_H */
