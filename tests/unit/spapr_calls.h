/* SPDX-License-Identifier: MIT */
/* Calls of containers with windows; beside uapi_world.h. */
#ifndef SPAPR_CALLS_H
#define SPAPR_CALLS_H

#include "uapi_world.h"

#define V1   VFIO_SPAPR_TCE_IOMMU
#define V2   VFIO_SPAPR_TCE_v2_IOMMU
#define HIGH (UINT64_C(1) << 59)
#define MIB  (UINT64_C(1) << 20)

static inline long register_memory(int container, const void *memory,
                                   uint64_t bytes)
{
	struct ioas_spapr_memory arg = {24, 0, (uintptr_t)memory, bytes};

	return call(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &arg);
}

static inline long unregister_memory(int container, const void *memory,
                                     uint64_t bytes)
{
	struct ioas_spapr_memory arg = {24, 0, (uintptr_t)memory, bytes};

	return call(container, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, &arg);
}

/* *ret_start is what comes out, whatever the answer. */
static inline long create_window(int container, uint32_t page_shift,
                                 uint64_t bytes, uint32_t levels,
                                 uint64_t *ret_start)
{
	struct ioas_spapr_window arg = {
		.argsz = 40,
		.page_shift = page_shift,
		.window_size = bytes,
		.levels = levels,
		.start_addr = 77,
	};
	long ret = call(container, VFIO_IOMMU_SPAPR_TCE_CREATE, &arg);

	*ret_start = arg.start_addr;
	return ret;
}

static inline long remove_window(int container, uint64_t at)
{
	struct ioas_spapr_remove arg = {16, 0, at};

	return call(container, VFIO_IOMMU_SPAPR_TCE_REMOVE, &arg);
}

static inline long map_perm(int container, uint64_t iova, const void *memory,
                            uint64_t bytes, uint32_t perm)
{
	struct vfio_iommu_type1_dma_map arg = {32, perm, (uintptr_t)memory,
	                                       iova, bytes};

	return call(container, VFIO_IOMMU_MAP_DMA, &arg);
}

static inline long unmap_windows(int container, uint64_t iova, uint64_t bytes)
{
	struct ioas_vfio_unmap arg = {24, 0, iova, bytes};
	long ret = call(container, VFIO_IOMMU_UNMAP_DMA, &arg);

	/* Nothing is written back. */
	assert_true(arg.size == bytes);
	return ret;
}

static inline long eeh(int container, uint32_t op)
{
	struct ioas_eeh_op arg = {.argsz = sizeof(arg), .op = op};

	return call(container, VFIO_EEH_PE_OP, &arg);
}

/* Group @group in a container of its own. */
static inline int windows_of(struct rig *r, unsigned int group,
                             unsigned long type, int *ret_group)
{
	int container = (int)rig_value(r, open_container());

	*ret_group = (int)rig_value(r, open_group(group));
	rig_ok(r, attach(*ret_group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, type));
	return container;
}

/* The world's first device in a container; it may do DMA. */
static inline int windows_begin(struct rig *r, const char *profile,
                                enum ioas_contract contract, int *ret_device)
{
	int container, group;

	more_profile = profile;
	more_contract = contract;
	world_begin(r);
	container = windows_of(r, 1, V2, &group);
	*ret_device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	bus_master_on(*ret_device);
	return container;
}

#endif /* SPAPR_CALLS_H */
