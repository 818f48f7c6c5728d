/* SPDX-License-Identifier: MIT */
/*
 * Device files: the life of a device between its first open and its last
 * close, and what it says about itself.
 *
 * A device may be opened several times; all its files show the same device. It
 * starts in its default state at the first open, and is put back there, with
 * its interrupts gone, at the last close.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_main.c, drivers/vfio/pci/vfio_pci_core.c
 */
#include <errno.h>

#include "uapi/state.h"

int ioas_vdevice_open(struct ioas_vdevice *vdevice)
{
	struct ioas_group *group = vdevice->group;
	int ret = 0;

	ioas_lock(&vdevice->vfio->lock);
	if (!group->container || !group->container->iommu)
		ret = -EINVAL;
	else if (vdevice->opens == 0)
		ret = ioas_vdevice_use(vdevice);
	if (!ret && vdevice->opens++ == 0) {
		group->users++;
		ioas_device_restart(vdevice->dev);
	}
	ioas_unlock(&vdevice->vfio->lock);
	return ret;
}

void ioas_vdevice_close(struct ioas_vdevice *vdevice)
{
	struct ioas_iommu *iommu = NULL;

	ioas_lock(&vdevice->vfio->lock);
	if (--vdevice->opens == 0) {
		ioas_irqs_put(vdevice);
		ioas_ioeventfds_put(vdevice);
		ioas_power_put(vdevice);
		ioas_device_restart(vdevice->dev);
		ioas_vdevice_unuse(vdevice);
		vdevice->group->users--;
		iommu = ioas_group_settle_locked(vdevice->group);
	}
	ioas_unlock(&vdevice->vfio->lock);
	ioas_iommu_put(iommu);
}

static long get_info(struct ioas_call *call)
{
	struct ioas_vfio_device_info *info = &call->in.device;
	size_t bytes =
		info->argsz < sizeof(*info) ? info->argsz : sizeof(*info);

	info->flags = VFIO_DEVICE_FLAGS_PCI;
	if (ioas_vdevice_resettable(call->file->device))
		info->flags |= VFIO_DEVICE_FLAGS_RESET;
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
	info->cap_offset = 0;
	info->pad = 0;
	return ioas_copy_out(call->at, info, bytes);
}

/*
 * A region's information, and the one capability that a BAR can have behind it.
 * The capability is copied first: where it finds no room, nothing was written.
 */

static long answer_region(struct ioas_call *call, bool capability)
{
	const struct vfio_info_cap_header msix_mappable = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};
	struct vfio_region_info *info = &call->in.region;
	const uint32_t bytes = sizeof(*info) + sizeof(msix_mappable);

	if (!capability)
		return ioas_copy_out(call->at, info, sizeof(*info));
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (info->argsz < bytes)
		info->argsz = bytes;
	else
		info->cap_offset = sizeof(*info);
	if (info->cap_offset &&
	    ioas_copy_out(ioas_uaddr_add(call->at, sizeof(*info)),
	                  &msix_mappable, sizeof(msix_mappable)))
		return -EFAULT;
	return ioas_copy_out(call->at, info, sizeof(*info));
}

static uint32_t region_flags(const struct ioas_vdevice *vdevice,
                             unsigned int index, uint64_t size)
{
	uint32_t flags = VFIO_REGION_INFO_FLAG_READ;

	if (size == 0)
		return 0;
	if (index != VFIO_PCI_ROM_REGION_INDEX)
		flags |= VFIO_REGION_INFO_FLAG_WRITE;
	if (ioas_region_mappable(vdevice, index))
		flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return flags;
}

static long get_region_info(struct ioas_call *call)
{
	struct ioas_vdevice *vdevice = call->file->device;
	struct vfio_region_info *info = &call->in.region;
	uint64_t first, end;

	/* No device here has VGA ranges. */
	if (info->index >= VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	info->offset = (uint64_t)info->index << IOAS_REGION_SHIFT;
	info->size = ioas_region_size(vdevice, info->index);
	info->flags = region_flags(vdevice, info->index, info->size);
	return answer_region(
		call, (info->flags & VFIO_REGION_INFO_FLAG_MMAP) &&
			      ioas_vdevice_msix_table(vdevice, info->index,
	                                              &first, &end));
}

static uint32_t irq_flags(const struct ioas_vdevice *vdevice,
                          unsigned int index, unsigned int count)
{
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
		       VFIO_IRQ_INFO_AUTOMASKED;
	if (index == VFIO_PCI_MSIX_IRQ_INDEX && count > 0 &&
	    ioas_irqs_grow(vdevice->vfio))
		return VFIO_IRQ_INFO_EVENTFD;
	return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
}

static long get_irq_info(struct ioas_call *call)
{
	struct ioas_vdevice *vdevice = call->file->device;
	struct vfio_irq_info *info = &call->in.irq;

	if (info->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (info->index == VFIO_PCI_ERR_IRQ_INDEX &&
	    !ioas_vdevice_has_error_irq(vdevice))
		return -EINVAL;
	info->count = ioas_vdevice_irq_count(vdevice, info->index);
	info->flags = irq_flags(vdevice, info->index, info->count);
	return ioas_copy_out(call->at, info, sizeof(*info));
}

#define IRQ_SET_FLAGS \
	(VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK)
#define FEATURE_FLAGS                                         \
	(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_GET | \
	 VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE)

const struct ioas_command ioas_device_commands[IOAS_VFIO_COMMANDS] = {
	[IOAS_COMMAND(VFIO_DEVICE_GET_INFO)] =
		{.name = "VFIO_DEVICE_GET_INFO",
                 .run = get_info,
                 .min = offsetof(struct ioas_vfio_device_info, cap_offset),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_GET_REGION_INFO)] =
		{.name = "VFIO_DEVICE_GET_REGION_INFO",
                 .run = get_region_info,
                 .min = sizeof(struct vfio_region_info),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_GET_IRQ_INFO)] =
		{.name = "VFIO_DEVICE_GET_IRQ_INFO",
                 .run = get_irq_info,
                 .min = sizeof(struct vfio_irq_info),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_SET_IRQS)] =
		{.name = "VFIO_DEVICE_SET_IRQS",
                 .run = ioas_device_set_irqs,
                 .min = sizeof(struct ioas_vfio_irq_set),
                 .known = IRQ_SET_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_RESET)] = {.name = "VFIO_DEVICE_RESET",
                                             .run = ioas_device_reset_call},
	[IOAS_COMMAND(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO)] =
		{.name = "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO",
                 .run = ioas_device_hot_reset_info,
                 .min = sizeof(struct ioas_vfio_hot_reset),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_PCI_HOT_RESET)] =
		{.name = "VFIO_DEVICE_PCI_HOT_RESET",
                 .run = ioas_device_hot_reset,
                 .min = sizeof(struct ioas_vfio_hot_reset)},
	[IOAS_COMMAND(VFIO_DEVICE_FEATURE)] =
		{.name = "VFIO_DEVICE_FEATURE",
                 .run = ioas_device_feature,
                 .min = sizeof(struct vfio_device_feature),
                 .known = FEATURE_FLAGS},
	[IOAS_COMMAND(VFIO_DEVICE_IOEVENTFD)] =
		{.name = "VFIO_DEVICE_IOEVENTFD",
                 .run = ioas_device_ioeventfd,
                 .min = offsetof(struct vfio_device_ioeventfd, fd) +
                        sizeof(int32_t),
                 .known = VFIO_DEVICE_IOEVENTFD_SIZE_MASK},
	/* Graphics: mediated devices only. */
	[IOAS_COMMAND(VFIO_DEVICE_QUERY_GFX_PLANE)] =
		{.name = "VFIO_DEVICE_QUERY_GFX_PLANE",
                 .run = ioas_command_absent},
	[IOAS_COMMAND(VFIO_DEVICE_GET_GFX_DMABUF)] =
		{.name = "VFIO_DEVICE_GET_GFX_DMABUF",
                 .run = ioas_command_absent},
	/* For files that were opened without a group. */
	[IOAS_COMMAND(VFIO_DEVICE_ATTACH_IOMMUFD_PT)] =
		{.name = "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
                 .run = ioas_command_absent},
	[IOAS_COMMAND(VFIO_DEVICE_DETACH_IOMMUFD_PT)] =
		{.name = "VFIO_DEVICE_DETACH_IOMMUFD_PT",
                 .run = ioas_command_absent},
	/* On the file of a migration's data only. */
	[IOAS_COMMAND(VFIO_MIG_GET_PRECOPY_INFO)] =
		{.name = "VFIO_MIG_GET_PRECOPY_INFO",
                 .run = ioas_command_absent},
};
