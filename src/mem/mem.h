/* SPDX-License-Identifier: MIT */
/*
 * Registered memory that is one mapping's alone, as a type1 container makes it
 * at each map: pinned when it is registered and unpinned when it is released.
 * Nobody looks it up, nobody shares it. The registry (registry.h) has those
 * that are found and shared; both are a struct ioas_region, and who maps holds
 * counts on it by ioas_region_get() and ioas_region_put() of <ioas/mem.h>.
 *
 *	register --pin--> region (mapped = 1: idle) --get--> mapped = n + 1
 *	unregister: mapped 1 -> 0 by compare-and-swap, then unpin
 *
 * Laws
 *	MEM-1  a region is released exactly once, and with no live mapping
 *	MEM-2  mapped moves 1 -> n + 1 -> 1 -> 0 only; 0 is final
 *	MEM-3  a refused unregister changes nothing
 *	MEM-5  a translation returns the address of that page of the region
 *	MEM-7  a failed register leaves no pin and no charge; a released region
 *	       returns exactly what it was charged
 *	MEM-8  a put without a get is an error, never absorbed
 *	MEM-10 a device never touches memory that is not the mapped page: while
 *	       it is mapped the page stays the device's, or the access fails
 *
 * The physical address of a page is a property of the back end. Here it is
 * the identity: physical address = program address.
 */
#ifndef IOAS_MEM_MEM_H
#define IOAS_MEM_MEM_H

#include "base/types.h"
#include "mem/pins.h"
#include "mem/table.h" /* before <ioas/mem.h>: whose loads are ours */

/* Pages that one owner may have pinned; several memories may share it. */
struct ioas_mem_account {
	struct ioas_a64 pages; /* pinned now */
	uint64_t limit;        /* at most; UINT64_MAX: no limit */
	/* What it is now, where that can change: in place of `limit`. */
	uint64_t (*limit_now)(void);
};

struct ioas_mem {
	struct ioas_mem_account *account;
	unsigned int page_shift; /* of the program's memory */
	struct ioas_a64 regions; /* live ones, for destroy and tests */
};

struct ioas_region {
	struct ioas_mem *mem;
	struct uaddr start;
	uint64_t length;        /* bytes */
	unsigned int perm;      /* what it was pinned for */
	struct ioas_a64 mapped; /* MEM-2 */
	struct ioas_span span;  /* the first; under the lock of the pins */
	void *owner;            /* its area, under the space's lock, or NULL */
};

void ioas_mem_init(struct ioas_mem *mem, struct ioas_mem_account *account,
                   unsigned int page_shift);
/* Every region must have been unregistered. */
void ioas_mem_fini(struct ioas_mem *mem);

/*
 * Charge and pin [start, start + length), which is page aligned and does not
 * wrap. As in Linux the pages are taken in order: -ENOMEM when the limit comes
 * before the first hole, -EFAULT when the hole comes first.
 * Return: 0, -EINVAL (empty, unaligned, wraps), -ENOMEM (limit, or no memory
 * for the region), -EFAULT (hole, or no permission).
 */
int ioas_mem_register(struct ioas_mem *mem, struct uaddr start, uint64_t length,
                      unsigned int perm, struct ioas_region **ret_region);
/* Return: 0, or -EBUSY (mapped; nothing changed). */
int ioas_mem_unregister(struct ioas_region *region);

/* Back end. A program address inside a registered region, and back. */
struct phys ioas_mem_phys(const struct ioas_region *region, struct uaddr at);
void *ioas_mem_pointer(struct phys at);

#endif /* IOAS_MEM_MEM_H */
