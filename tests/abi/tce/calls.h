/* SPDX-License-Identifier: MIT */
/* Calls as constants. */
#ifndef TCE_CALLS_H
#define TCE_CALLS_H

#include "tce.h"

#define CALL(fd, number, size, member, ...)                          \
	{                                                            \
		.on = FD_##fd, .command = (number), .bytes = (size), \
		.argument = {                                        \
			.member = {__VA_ARGS__}                      \
		}                                                    \
	}
#define NO_ARGUMENT_OF(fd, number)                 \
	{                                          \
		.on = FD_##fd, .command = (number) \
	}
#define NO_ARGUMENT(fd, name) NO_ARGUMENT_OF(fd, VFIO_IOMMU_##name)
#define TYPE(fd, type)                                                    \
	{                                                                 \
		.on = FD_##fd, .command = VFIO_SET_IOMMU, .value = (type) \
	}
#define ATTACH(group, to) \
	CALL(group, VFIO_GROUP_SET_CONTAINER, 4, word, (uint32_t)FD(to))
#define INFO(fd, given) \
	CALL(fd, VFIO_IOMMU_SPAPR_TCE_GET_INFO, (given), info, .argsz = (given))
#define MAP(fd, access, from, to, size)                                   \
	CALL(fd, VFIO_IOMMU_MAP_DMA, 32, map, 32, (access), (from), (to), \
	     (size))
#define UNMAP(fd, at, size) \
	CALL(fd, VFIO_IOMMU_UNMAP_DMA, 24, unmap, 24, 0, (at), (size))
#define REGISTER(fd, from, size)                                              \
	CALL(fd, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, 24, memory, 24, 0, (from), \
	     (size))
#define UNREGISTER(fd, from, size)                                      \
	CALL(fd, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, 24, memory, 24, 0, \
	     (from), (size))
#define CREATE(fd, shift, size, depth)                                 \
	CALL(fd, VFIO_IOMMU_SPAPR_TCE_CREATE, 40, create, .argsz = 40, \
	     .page_shift = (shift), .window_size = (size), .levels = (depth))
#define REMOVE(fd, at)                                                 \
	CALL(fd, VFIO_IOMMU_SPAPR_TCE_REMOVE, 16, remove, .argsz = 16, \
	     .start_addr = (at))
#define EEH(fd, number) \
	CALL(fd, VFIO_EEH_PE_OP, 40, eeh, .argsz = 40, .op = (number))

#endif /* TCE_CALLS_H */
