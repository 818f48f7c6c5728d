/* SPDX-License-Identifier: MIT */
/*
 * UNMAP_DMA has two ways in: what unmaps nothing is answered without a lock
 * (src/uapi/quick.c), the rest is the call. Here a call goes both ways, and
 * where the first one answers, the second has to say the same.
 */
#ifndef UNMAP_WAYS_H
#define UNMAP_WAYS_H

#include <stdio.h>
#include <stdlib.h>

#include "uapi/abi.h"
#include "uapi/vfio.h"

static inline long ioctl_both_ways(struct ioas_file *file,
                                   unsigned long command,
                                   unsigned long argument)
{
	bool nothing = false;
	struct ioas_unmap_try try;
	long ret;

	if ((uint32_t)command == VFIO_IOMMU_UNMAP_DMA)
		nothing = ioas_unmap_fetch(argument, &try) &&
		          ioas_file_unmaps_nothing(file, &try);
	ret = ioas_file_ioctl(file, command, argument);
	if (nothing && ret) {
		fprintf(stderr,
		        "an unmap of nothing is 0 without a lock, and "
		        "%ld with it\n",
		        ret);
		abort();
	}
	return ret;
}

#endif /* UNMAP_WAYS_H */
