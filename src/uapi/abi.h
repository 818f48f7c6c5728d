/* SPDX-License-Identifier: MIT */
/*
 * Numbers and layouts of the VFIO interface. The only file that includes
 * <linux/vfio.h>; what the header of an older system lacks is declared here,
 * so that building needs no newer one. Every layout is asserted, the system's
 * own too: a mistake in either does not compile.
 *
 * Source: Linux 7.3 include/uapi/linux/vfio.h
 */
#ifndef IOAS_UAPI_ABI_H
#define IOAS_UAPI_ABI_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

/* The same number means different things on different kinds of file. */
#define IOAS_VFIO_COMMAND(n) _IO(VFIO_TYPE, VFIO_BASE + (n))
#define IOAS_VFIO_COMMANDS   32

#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD IOAS_VFIO_COMMAND(18)
#endif
#ifndef VFIO_DEVICE_ATTACH_IOMMUFD_PT
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT IOAS_VFIO_COMMAND(19)
#endif
#ifndef VFIO_DEVICE_DETACH_IOMMUFD_PT
#define VFIO_DEVICE_DETACH_IOMMUFD_PT IOAS_VFIO_COMMAND(20)
#endif
#ifndef VFIO_MIG_GET_PRECOPY_INFO
#define VFIO_MIG_GET_PRECOPY_INFO IOAS_VFIO_COMMAND(21)
#endif

/* Features of VFIO_DEVICE_FEATURE; one enum, since the header grows. */
enum ioas_vfio_feature {
	IOAS_FEATURE_PCI_VF_TOKEN = 0,
	IOAS_FEATURE_MIGRATION = 1,
	IOAS_FEATURE_MIG_DEVICE_STATE = 2,
	IOAS_FEATURE_LOW_POWER_ENTRY = 3,
	IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP = 4,
	IOAS_FEATURE_LOW_POWER_EXIT = 5,
	IOAS_FEATURE_DMA_LOGGING_START = 6,
	IOAS_FEATURE_DMA_LOGGING_STOP = 7,
	IOAS_FEATURE_DMA_LOGGING_REPORT = 8,
	IOAS_FEATURE_MIG_DATA_SIZE = 9,
	IOAS_FEATURE_BUS_MASTER = 10,
	IOAS_FEATURE_DMA_BUF = 11,
	IOAS_FEATURE_MIG_PRECOPY_INFO = 12,
	IOAS_FEATURE_ZPCI_ERROR = 13,
};

/* A region is at index << 40 on a device file. */
#define IOAS_REGION_SHIFT  40
#define IOAS_REGION_OFFSET ((UINT64_C(1) << IOAS_REGION_SHIFT) - 1)

/* The opening of most arguments. */
struct ioas_vfio_head {
	uint32_t argsz;
	uint32_t flags;
};

/* Younger headers end it with an explicit pad. */
struct ioas_vfio_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
	uint32_t cap_offset;
	uint32_t pad;
};

struct ioas_vfio_type1_info {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova_pgsizes;
	uint32_t cap_offset;
	uint32_t pad;
};

/* struct vfio_irq_set without its data. */
struct ioas_vfio_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

/* struct vfio_pci_hot_reset and ..._hot_reset_info without their arrays. */
struct ioas_vfio_hot_reset {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
};

/* struct vfio_iommu_type1_dma_unmap without its data. */
struct ioas_vfio_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t iova;
	uint64_t size;
};

/* struct vfio_bitmap; the pointer as the program's address it is. */
struct ioas_vfio_bitmap {
	uint64_t pgsize;
	uint64_t size;
	uint64_t data;
};

/* struct vfio_device_feature_dma_buf; the ranges come behind it. */
struct ioas_vfio_dma_buf {
	uint32_t region_index;
	uint32_t open_flags;
	uint32_t flags;
	uint32_t nr_ranges;
};

struct ioas_vfio_dma_range {
	uint64_t offset;
	uint64_t length;
};

/* struct vfio_device_feature_dma_logging_control */
struct ioas_vfio_logging_control {
	uint64_t page_size;
	uint32_t num_ranges;
	uint32_t reserved;
	uint64_t ranges; /* address of struct ioas_vfio_logging_range[] */
};

/* struct vfio_device_feature_dma_logging_range */
struct ioas_vfio_logging_range {
	uint64_t iova;
	uint64_t length;
};

/* struct vfio_device_feature_dma_logging_report */
struct ioas_vfio_logging_report {
	uint64_t iova;
	uint64_t length;
	uint64_t page_size;
	uint64_t bitmap; /* address */
};

/* struct vfio_iommu_type1_dirty_bitmap_get */
struct ioas_vfio_dirty_range {
	uint64_t iova;
	uint64_t size;
	struct ioas_vfio_bitmap bitmap;
};

/*
 * The sPAPR back ends. Structures under names of their own, since the header
 * has a nested one; struct vfio_iommu_spapr_tce_info.
 */
struct ioas_spapr_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t dma32_window_start;
	uint32_t dma32_window_size;
	uint64_t pgsizes; /* from here on only to who has room for all */
	uint32_t max_dynamic_windows_supported;
	uint32_t levels;
};

#define IOAS_SPAPR_INFO_DDW UINT32_C(1)

/* struct vfio_iommu_spapr_register_memory */
struct ioas_spapr_memory {
	uint32_t argsz;
	uint32_t flags;
	uint64_t vaddr;
	uint64_t size;
};

/* struct vfio_iommu_spapr_tce_create */
struct ioas_spapr_window {
	uint32_t argsz;
	uint32_t flags;
	uint32_t page_shift;
	uint32_t reserved1;
	uint64_t window_size;
	uint32_t levels;
	uint32_t reserved2;
	uint64_t start_addr;
};

/* struct vfio_iommu_spapr_tce_remove */
struct ioas_spapr_remove {
	uint32_t argsz;
	uint32_t flags;
	uint64_t start_addr;
};

/* struct vfio_eeh_pe_op */
struct ioas_eeh_op {
	uint32_t argsz;
	uint32_t flags;
	uint32_t op;
	struct {
		uint32_t type;
		uint32_t func;
		uint64_t addr;
		uint64_t mask;
	} err;
};

#define IOAS_EEH_OP_BYTES (offsetof(struct ioas_eeh_op, op) + sizeof(uint32_t))

#define IOAS_LAYOUT(type, field, at)                \
	_Static_assert(offsetof(type, field) == at, \
	               #type "." #field " is not at " #at)
#define IOAS_SIZE(type, bytes)                \
	_Static_assert(sizeof(type) == bytes, \
	               #type " is not of " #bytes " bytes")

IOAS_SIZE(struct ioas_vfio_head, 8);

IOAS_SIZE(struct vfio_group_status, 8);
IOAS_LAYOUT(struct vfio_group_status, flags, 4);

IOAS_SIZE(struct ioas_vfio_device_info, 24);
IOAS_LAYOUT(struct vfio_device_info, flags, 4);
IOAS_LAYOUT(struct vfio_device_info, num_regions, 8);
IOAS_LAYOUT(struct vfio_device_info, num_irqs, 12);
IOAS_LAYOUT(struct vfio_device_info, cap_offset, 16);
IOAS_LAYOUT(struct ioas_vfio_device_info, num_regions, 8);
IOAS_LAYOUT(struct ioas_vfio_device_info, num_irqs, 12);
IOAS_LAYOUT(struct ioas_vfio_device_info, cap_offset, 16);

IOAS_SIZE(struct vfio_info_cap_header, 8);
IOAS_LAYOUT(struct vfio_info_cap_header, version, 2);
IOAS_LAYOUT(struct vfio_info_cap_header, next, 4);

IOAS_SIZE(struct vfio_region_info, 32);
IOAS_LAYOUT(struct vfio_region_info, index, 8);
IOAS_LAYOUT(struct vfio_region_info, cap_offset, 12);
IOAS_LAYOUT(struct vfio_region_info, size, 16);
IOAS_LAYOUT(struct vfio_region_info, offset, 24);

IOAS_SIZE(struct vfio_irq_info, 16);
IOAS_LAYOUT(struct vfio_irq_info, index, 8);
IOAS_LAYOUT(struct vfio_irq_info, count, 12);

IOAS_SIZE(struct ioas_vfio_irq_set, 20);
IOAS_LAYOUT(struct vfio_irq_set, index, 8);
IOAS_LAYOUT(struct vfio_irq_set, start, 12);
IOAS_LAYOUT(struct vfio_irq_set, count, 16);
IOAS_LAYOUT(struct vfio_irq_set, data, 20);
IOAS_LAYOUT(struct ioas_vfio_irq_set, count, 16);

IOAS_SIZE(struct vfio_device_ioeventfd, 32);
IOAS_LAYOUT(struct vfio_device_ioeventfd, offset, 8);
IOAS_LAYOUT(struct vfio_device_ioeventfd, data, 16);
IOAS_LAYOUT(struct vfio_device_ioeventfd, fd, 24);

IOAS_SIZE(struct ioas_vfio_hot_reset, 12);
IOAS_LAYOUT(struct vfio_pci_hot_reset_info, count, 8);
IOAS_LAYOUT(struct vfio_pci_hot_reset_info, devices, 12);
IOAS_LAYOUT(struct vfio_pci_hot_reset, count, 8);
IOAS_LAYOUT(struct vfio_pci_hot_reset, group_fds, 12);
IOAS_SIZE(struct vfio_pci_dependent_device, 8);
IOAS_LAYOUT(struct vfio_pci_dependent_device, segment, 4);
IOAS_LAYOUT(struct vfio_pci_dependent_device, bus, 6);
IOAS_LAYOUT(struct vfio_pci_dependent_device, devfn, 7);

IOAS_SIZE(struct ioas_vfio_logging_control, 24);
IOAS_SIZE(struct ioas_vfio_logging_range, 16);
IOAS_SIZE(struct ioas_vfio_logging_report, 32);
IOAS_SIZE(struct vfio_device_feature, 8);
IOAS_SIZE(struct vfio_device_low_power_entry_with_wakeup, 8);
IOAS_LAYOUT(struct vfio_device_low_power_entry_with_wakeup, wakeup_eventfd, 0);

IOAS_SIZE(struct ioas_vfio_type1_info, 24);
IOAS_SIZE(struct vfio_iommu_type1_info, 24);
IOAS_LAYOUT(struct vfio_iommu_type1_info, iova_pgsizes, 8);
IOAS_LAYOUT(struct vfio_iommu_type1_info, cap_offset, 16);
IOAS_LAYOUT(struct ioas_vfio_type1_info, iova_pgsizes, 8);
IOAS_LAYOUT(struct ioas_vfio_type1_info, cap_offset, 16);

IOAS_SIZE(struct vfio_iommu_type1_info_cap_iova_range, 16);
IOAS_LAYOUT(struct vfio_iommu_type1_info_cap_iova_range, nr_iovas, 8);
IOAS_LAYOUT(struct vfio_iommu_type1_info_cap_iova_range, iova_ranges, 16);
IOAS_SIZE(struct vfio_iova_range, 16);
IOAS_SIZE(struct vfio_iommu_type1_info_cap_migration, 32);
IOAS_LAYOUT(struct vfio_iommu_type1_info_cap_migration, flags, 8);
IOAS_LAYOUT(struct vfio_iommu_type1_info_cap_migration, pgsize_bitmap, 16);
IOAS_LAYOUT(struct vfio_iommu_type1_info_cap_migration, max_dirty_bitmap_size,
            24);
IOAS_SIZE(struct vfio_iommu_type1_info_dma_avail, 12);
IOAS_LAYOUT(struct vfio_iommu_type1_info_dma_avail, avail, 8);

IOAS_SIZE(struct vfio_iommu_type1_dma_map, 32);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_map, vaddr, 8);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_map, iova, 16);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_map, size, 24);

IOAS_SIZE(struct vfio_iommu_type1_dma_unmap, 24);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_unmap, iova, 8);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_unmap, size, 16);
IOAS_LAYOUT(struct vfio_iommu_type1_dma_unmap, data, 24);
IOAS_SIZE(struct ioas_vfio_unmap, 24);
IOAS_LAYOUT(struct ioas_vfio_unmap, iova, 8);
IOAS_LAYOUT(struct ioas_vfio_unmap, size, 16);
IOAS_SIZE(struct ioas_vfio_bitmap, 24);
IOAS_LAYOUT(struct vfio_bitmap, size, 8);
IOAS_LAYOUT(struct vfio_bitmap, data, 16);
IOAS_SIZE(struct vfio_iommu_type1_dirty_bitmap, 8);
IOAS_SIZE(struct vfio_iommu_type1_dirty_bitmap_get, 40);
IOAS_LAYOUT(struct vfio_iommu_type1_dirty_bitmap_get, bitmap, 16);
IOAS_SIZE(struct ioas_vfio_dirty_range, 40);
IOAS_LAYOUT(struct ioas_vfio_dirty_range, bitmap, 16);

IOAS_SIZE(struct ioas_spapr_info, 32);
IOAS_SIZE(struct vfio_iommu_spapr_tce_info, 32);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_info, dma32_window_start, 8);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_info, dma32_window_size, 12);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_info, ddw, 16);
IOAS_LAYOUT(struct ioas_spapr_info, pgsizes, 16);
IOAS_SIZE(struct ioas_spapr_memory, 24);
IOAS_SIZE(struct vfio_iommu_spapr_register_memory, 24);
IOAS_LAYOUT(struct vfio_iommu_spapr_register_memory, vaddr, 8);
IOAS_LAYOUT(struct vfio_iommu_spapr_register_memory, size, 16);
IOAS_SIZE(struct ioas_spapr_window, 40);
IOAS_SIZE(struct vfio_iommu_spapr_tce_create, 40);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_create, window_size, 16);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_create, levels, 24);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_create, start_addr, 32);
IOAS_LAYOUT(struct ioas_spapr_window, start_addr, 32);
IOAS_SIZE(struct ioas_spapr_remove, 16);
IOAS_SIZE(struct vfio_iommu_spapr_tce_remove, 16);
IOAS_LAYOUT(struct vfio_iommu_spapr_tce_remove, start_addr, 8);
IOAS_SIZE(struct ioas_eeh_op, 40);
IOAS_SIZE(struct vfio_eeh_pe_op, 40);
IOAS_LAYOUT(struct vfio_eeh_pe_op, op, 8);
IOAS_LAYOUT(struct ioas_eeh_op, err, 16);
_Static_assert(IOAS_EEH_OP_BYTES == 12, "the least of an operation");

#endif /* IOAS_UAPI_ABI_H */
