/* SPDX-License-Identifier: MIT */
/*
 * Back ends of our own: what physical addresses are.
 *
 *	identity   the program's addresses
 *	scattered  its page numbers, permuted by a seed: no two pages that
 *	           follow each other do so physically, and it can be undone
 */
#ifndef IOAS_MEM_BACKEND_H
#define IOAS_MEM_BACKEND_H

#include <errno.h>

#include "base/hooks.h"
#include "mem/table.h"

extern const struct ioas_backend ioas_backend_identity;

/*
 * Its pin. Inline, since a system call is behind it: after one a processor may
 * have forgotten where it came from, and has to guess at each return.
 */
static inline int ioas_identity_pin(const struct ioas_pin *pin,
                                    struct ioas_extent *ret_extent)
{
	uint64_t bytes = pin->npages << pin->page_shift, pinned;
	struct uaddr start = {pin->start};
	int rc;

	/* Physical addresses have fewer bits than these could have. */
	if ((pin->start + bytes - 1) >> IOAS_PHYS_BITS)
		return -EFAULT;
	rc = ioas_hooks.pin(start, bytes, pin->perm, &pinned);
	if (rc) {
		ioas_hooks.unpin(start, pinned);
		return rc;
	}
	ret_extent->phys = pin->start;
	ret_extent->npages = pin->npages;
	return 1;
}

/* Scattered frames are below 2^48: every format of page tables has them. */
#define IOAS_SCATTER_BITS 48

/* A page number below 2^(IOAS_SCATTER_BITS - page_shift), and back. */
uint64_t ioas_scatter(uint64_t number, uint64_t seed, unsigned int page_shift);
uint64_t ioas_gather(uint64_t frame, uint64_t seed, unsigned int page_shift);

#endif /* IOAS_MEM_BACKEND_H */
