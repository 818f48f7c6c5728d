/* SPDX-License-Identifier: MIT */
/*
 * Doorbells in the software window. Where a message is translated like every
 * other write, the page that it goes to has to be mapped for the device, at an
 * address that the program does not use: in the reserved range of kind SW_MSI.
 * There is one table for each context (a container), and it only ever grows.
 *
 *	set-up     prepare: the page's place in the window, new if need be;
 *	           a space is given what it lacks (space/space.h)
 *	interrupt  compose: address := place, low bits kept
 *
 *	window  | 1st page | 2nd page | ...      one granule each, from the
 *	        +----------+----------+---       bottom, by physical page
 *
 * Laws
 *	MSI-2  one doorbell page has one I/O address for each context, which
 *	       never changes; the low bits of the address are kept
 *	MSI-3  compose does not sleep, allocate or fail, and needs nothing but
 *	       its arguments: everything that can fail is in prepare
 *	MSI-4  a space has every doorbell of its context before a device is
 *	       attached to it, or a vector enabled
 *
 * Sources: Linux 7.3 drivers/iommu/dma-iommu.c (windows of type1),
 * drivers/iommu/iommufd/driver.c (one table a context, its limit),
 * include/linux/msi.h (what is stored for compose).
 */
#ifndef IOAS_IOVA_MSI_DOORBELL_H
#define IOAS_IOVA_MSI_DOORBELL_H

#include <stdbool.h>

#include "base/lock.h"
#include "base/types.h"

#define IOAS_MSI_DOORBELLS_MAX 64

struct ioas_msi_doorbells {
	struct iova_range window; /* constant; first > last: none */
	unsigned int shift;       /* of a granule; constant */
	struct ioas_lock lock;    /* nothing is locked inside */
	unsigned int count;       /* under lock */
	/* Physical page numbers, by place in the window; under lock. */
	uint64_t page[IOAS_MSI_DOORBELLS_MAX];
};

/* What compose needs: a value, which outlives every table (MSI-3). */
struct ioas_msi_doorbell {
	unsigned int shift;
	uint64_t page; /* number of the page of I/O addresses */
};

/* A window that is not there, and none for a machine that needs none. */
void ioas_msi_doorbells_init(struct ioas_msi_doorbells *doorbells,
                             const struct iova_range *window,
                             unsigned int shift);

/*
 * The place of the page that @phys lies in.
 * Return: 0, -EOVERFLOW (no granule left, or IOAS_MSI_DOORBELLS_MAX are taken),
 * or -ENODEV (there is no window).
 */
int ioas_msi_doorbells_prepare(struct ioas_msi_doorbells *doorbells,
                               struct phys phys,
                               struct ioas_msi_doorbell *ret_doorbell);

/* How many there are; those below stay what they are. */
unsigned int ioas_msi_doorbells_count(struct ioas_msi_doorbells *doorbells);
/* The page behind place @i, which is below a count that was told. */
struct phys ioas_msi_doorbells_phys(struct ioas_msi_doorbells *doorbells,
                                    unsigned int i);
/* The granule of place @i. */
struct iova_range
ioas_msi_doorbells_range(const struct ioas_msi_doorbells *doorbells,
                         unsigned int i);

/* From a physical address to the one that a device has to write to. */
uint64_t ioas_msi_doorbell_compose(const struct ioas_msi_doorbell *doorbell,
                                   struct phys phys);

#endif /* IOAS_IOVA_MSI_DOORBELL_H */
