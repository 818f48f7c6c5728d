/* SPDX-License-Identifier: MIT */
/*
 * Reserved ranges: I/O addresses that no mapping may take, each with what it
 * is for and whose it is. One list, sorted by first address and then by kind;
 * ranges of one owner and one kind that overlap or touch are one.
 *
 *	direct            firmware's, mapped 1:1 for as long as the device lives
 *	direct-relaxable  the same, but only until a driver takes over: usable
 *	reserved          never usable
 *	msi               writes there are interrupts, and not translated
 *	sw-msi            doorbells are mapped there
 *
 * An owner is a number: a group's, or 0 for whoever made the space.
 *
 * Source: Linux 7.3 drivers/iommu/iommu.c (iommu_insert_resv_region),
 *         drivers/vfio/vfio_iommu_type1.c (vfio_iommu_has_sw_msi)
 */
#ifndef IOAS_IOVA_RESERVED_H
#define IOAS_IOVA_RESERVED_H

#include <stdbool.h>

#include "base/types.h"

/* In the kernel's order, which sorts ranges that begin at one address. */
enum ioas_reserved_kind {
	IOAS_RESERVED_DIRECT,
	IOAS_RESERVED_DIRECT_RELAXABLE, /* stays usable */
	IOAS_RESERVED_OTHER,
	IOAS_RESERVED_MSI,
	IOAS_RESERVED_SW_MSI,
	IOAS_RESERVED_NR
};

struct ioas_reserved {
	struct iova_range range;
	enum ioas_reserved_kind kind;
	unsigned int owner;
};

/* All 0 is an empty one. */
struct ioas_reserved_list {
	struct ioas_reserved *item;
	unsigned int count, room;
};

/* Return: 0, -EINVAL (inverted range), -ENOMEM; then the list is as it was. */
int ioas_reserved_add(struct ioas_reserved_list *list,
                      const struct ioas_reserved *what);
/* Everything of @from, as @owner's. -ENOMEM: some of it may be there. */
int ioas_reserved_add_all(struct ioas_reserved_list *list,
                          const struct ioas_reserved_list *from,
                          unsigned int owner);
/* An empty list becomes one like @from. Return: 0 or -ENOMEM. */
int ioas_reserved_copy(struct ioas_reserved_list *list,
                       const struct ioas_reserved_list *from);
/* All that @owner has. Cannot fail. */
void ioas_reserved_drop(struct ioas_reserved_list *list, unsigned int owner);
void ioas_reserved_fini(struct ioas_reserved_list *list);

/* Is nothing mapped there? */
bool ioas_reserved_is_hole(const struct ioas_reserved *r);
/* Is there one of this kind? */
bool ioas_reserved_has(const struct ioas_reserved_list *list,
                       enum ioas_reserved_kind kind);
/*
 * Where doorbells of a group are mapped, by the rule of type1: nowhere when
 * any range of it is hardware's; of several windows the last. @list is of this
 * group alone.
 */
bool ioas_reserved_sw_msi(const struct ioas_reserved_list *list,
                          struct iova_range *ret_window);

#endif /* IOAS_IOVA_RESERVED_H */
