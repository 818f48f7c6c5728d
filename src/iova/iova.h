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

enum ioas_reserved_kind {
	IOAS_RESERVED_DIRECT,
	IOAS_RESERVED_DIRECT_RELAXABLE, /* stays usable */
	IOAS_RESERVED_OTHER,
	IOAS_RESERVED_MSI,
	IOAS_RESERVED_SW_MSI,
};

struct ioas_reserved {
	struct iova_range range;
	enum ioas_reserved_kind kind;
};

#define IOAS_IOVA_RANGES_MAX 64

struct ioas_iova_ranges {
	unsigned int count;
	struct iova_range range[IOAS_IOVA_RANGES_MAX];
};

/*
 * Reserved ranges may overlap and come in any order.
 * Return: 0, -EINVAL (nothing left), -EOVERFLOW (more than the maximum).
 */
int ioas_iova_ranges_set(struct ioas_iova_ranges *ranges,
                         struct iova_range aperture,
                         const struct ioas_reserved *reserved,
                         unsigned int count);
/* Does it lie wholly in one usable range? */
bool ioas_iova_usable(const struct ioas_iova_ranges *ranges,
                      struct iova_range range);

#endif /* IOAS_IOVA_IOVA_H */
