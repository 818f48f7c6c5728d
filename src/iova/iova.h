/* SPDX-License-Identifier: MIT */
/*
 * Which I/O addresses can be used: the aperture of the IOMMU less the reserved
 * ranges. One list, sorted and disjoint, feeds every view of it (MSI-6): the
 * IOVA_RANGE capability, the check of a map and the translation.
 */
#ifndef IOAS_IOVA_IOVA_H
#define IOAS_IOVA_IOVA_H

#include <stdbool.h>

#include "base/types.h"
#include "iova/reserved.h"

/* All 0 is an empty one. */
struct ioas_iova_ranges {
	unsigned int count, room;
	struct iova_range *range;
};

/*
 * Reserved ranges may overlap and come in any order.
 * Return: 0, -EINVAL (nothing left), -ENOMEM; then it is as it was. No -ENOMEM
 * when it was once set with as many reserved ranges or more.
 */
int ioas_iova_ranges_set(struct ioas_iova_ranges *ranges,
                         struct iova_range aperture,
                         const struct ioas_reserved *reserved,
                         unsigned int count);
void ioas_iova_ranges_fini(struct ioas_iova_ranges *ranges);
/* Does it lie wholly in one usable range? */
bool ioas_iova_usable(const struct ioas_iova_ranges *ranges,
                      struct iova_range range);

#endif /* IOAS_IOVA_IOVA_H */
