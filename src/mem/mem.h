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
 * What the physical address of a page is belongs to the back end (backend.h).
 */
#ifndef IOAS_MEM_MEM_H
#define IOAS_MEM_MEM_H

#include <errno.h>

#include "base/types.h"
#include "mem/backend.h"
#include "mem/pin.h"
#include "mem/pins.h"

struct ioas_mem {
	struct ioas_pinner pinner;
	struct ioas_a64 regions; /* live ones, for destroy and tests */
};

enum ioas_region_kind {
	IOAS_REGION_ALONE,     /* of a struct ioas_mem */
	IOAS_REGION_DRAFT,     /* of a registry, and not published so far */
	IOAS_REGION_DISTURBED, /* likewise, and given back meanwhile */
	IOAS_REGION_SHARED,    /* of a registry: in a struct ioas_member */
};

struct ioas_region {
	struct uaddr start;
	uint64_t length;            /* bytes */
	unsigned int perm;          /* what it was pinned for */
	enum ioas_region_kind kind; /* under the lock of the pins */
	struct ioas_a64 mapped;     /* MEM-2 */
	struct ioas_mem *mem;       /* ALONE: whose */
	void *owner; /* ALONE: its area, under the space's lock, or NULL */
	struct ioas_pinned pinned;
	struct ioas_span span; /* the first; under the lock of the pins */
};

/*
 * On the identity; who wants another back end puts it into mem->pinner before
 * the first region. @page_shift: of the program's memory.
 */
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
/*
 * The same for a region inside of something else, zeroed but for start, length
 * and perm: a map of a page allocates one thing. Inline for the reason that
 * ioas_identity_pin() is.
 */
static inline int ioas_mem_register_at(struct ioas_mem *mem,
                                       struct ioas_region *region)
{
	uint64_t mask = ioas_mask_lg2(mem->pinner.page_shift);
	uint64_t start = region->start.raw, length = region->length;
	int rc;

	if (!length || ((start | length) & mask) ||
	    start + (length - 1) < start)
		return -EINVAL;
	region->mem = mem;
	rc = ioas_region_pin(region, &mem->pinner);
	if (rc)
		return rc;
	ioas_a64_store(&region->mapped, 1);
	ioas_a64_add(&mem->regions, 1);
	return 0;
}

int ioas_mem_unregister_at(struct ioas_region *region);

#endif /* IOAS_MEM_MEM_H */
