/* SPDX-License-Identifier: MIT */
/*
 * The profile arm-smmuv3: usable addresses with the window of the doorbells in
 * them, vectors that do not grow; and machines without isolated interrupts.
 */
#include "abi.h"

#define WINDOW UINT64_C(0x8000000)
#define BEHIND UINT64_C(0x8100000)
#define END    UINT64_C(0xffffffffffff)

#define MAP(at, size)                                                       \
	.on = FD_CONTAINER, .command = VFIO_IOMMU_MAP_DMA,                  \
	.argument = &(const struct vfio_iommu_type1_dma_map){32, 3, MEM(0), \
	                                                     (at), (size)}, \
	.bytes = 32
#define UNMAP(flag, at, size)                                                  \
	.on = FD_CONTAINER, .command = VFIO_IOMMU_UNMAP_DMA,                   \
	.argument = &(const struct ioas_vfio_unmap){24, (flag), (at), (size)}, \
	.bytes = 24
#define UNMAPPED(flag, at, size)               \
	.out = &(const struct ioas_vfio_unmap) \
	{                                      \
		24, (flag), (at), (size)       \
	}

#define VECTORS                                                              \
	.on = FD_DEVICE, .command = VFIO_DEVICE_GET_IRQ_INFO,                \
	.argument = &(const struct vfio_irq_info){16, 0, 2, 0}, .bytes = 16, \
	.state = S_DEVICE
#define NESTING                                        \
	.on = FD_CONTAINER, .command = VFIO_SET_IOMMU, \
	.value = VFIO_TYPE1_NESTING_IOMMU, .state = S_ATTACHED
#define ONE_MORE                                                              \
	.on = FD_DEVICE, .command = VFIO_DEVICE_SET_IRQS,                     \
	.argument = &(                                                        \
		const struct one_event){{24,                                  \
	                                 VFIO_IRQ_SET_DATA_EVENTFD |          \
	                                         VFIO_IRQ_SET_ACTION_TRIGGER, \
	                                 VFIO_PCI_MSIX_IRQ_INDEX, 15, 1},     \
	                                FD(EVENT2)},                          \
	.bytes = 24, .state = S_MSIX

struct one_event {
	struct ioas_vfio_irq_set set;
	int32_t fd;
};

struct info {
	struct ioas_vfio_type1_info info;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	struct vfio_info_cap_header header;
	uint32_t nr_iovas, reserved;
	struct vfio_iova_range range[2];
};

static const struct abi_row arm[] = {
	{.name = "info: the window is a hole",
         .on = FD_CONTAINER,
         .command = VFIO_IOMMU_GET_INFO,
         .argument = &(const struct info){.info = {.argsz = 120}},
         .bytes = sizeof(struct info),
         .state = S_V2,
         .out =
                 &(const struct info){
			 .info = {120, 3, 0x40201000, 24, 0},
			 .migration = {{2, 1, 56}, 0, PAGE, 0x10000000},
			 .avail = {{3, 1, 72}, 65535},
			 .header = {1, 1, 0},
			 .nr_iovas = 2,
			 .range = {{0, WINDOW - 1}, {BEHIND, END}}}},
	{.name = "coherency is not enforced",
         .on = FD_CONTAINER,
         .command = VFIO_CHECK_EXTENSION,
         .value = VFIO_DMA_CC_IOMMU,
         .state = S_V2},

	{.name = "map at the start of the window",
         MAP(WINDOW, PAGE),
         .state = S_V2,
         .also = S_MSIX,
         .expected = -EINVAL},
	{.name = "map at its end",
         MAP(BEHIND - PAGE, PAGE),
         .state = S_V2,
         .also = S_MSIX,
         .expected = -EINVAL},
	{.name = "map into it from below",
         MAP(WINDOW - PAGE, 2 * PAGE),
         .state = S_V2,
         .expected = -EINVAL},
	{.name = "map out of it",
         MAP(BEHIND - PAGE, 2 * PAGE),
         .state = S_V2,
         .expected = -EINVAL},
	{.name = "map below", MAP(WINDOW - PAGE, PAGE), .state = S_V2},
	{.name = "map behind", MAP(BEHIND, PAGE), .state = S_V2},
	{.name = "map where x86 has interrupts",
         MAP(0xfee00000, PAGE),
         .state = S_V2},
	{.name = "map at the end", MAP(END - PAGE + 1, PAGE), .state = S_V2},
	{.name = "map behind the end",
         MAP(END + 1, PAGE),
         .state = S_V2,
         .expected = -EINVAL},

	{.name = "unmap the window",
         UNMAP(0, WINDOW, 0x100000),
         .state = S_V2,
         .also = S_MSIX,
         UNMAPPED(0, WINDOW, 0)},
	{.name = "unmap a doorbell",
         UNMAP(0, WINDOW, PAGE),
         .state = S_V2,
         .also = S_MSIX,
         UNMAPPED(0, WINDOW, 0)},
	{.name = "unmap everything",
         UNMAP(VFIO_DMA_UNMAP_FLAG_ALL, 0, 0),
         .state = S_MSIX,
         UNMAPPED(VFIO_DMA_UNMAP_FLAG_ALL, 0, 0)},

	{.name = "the window in /sys",
         GROUP_FILE("reserved_regions",
                    "0x0000000008000000 0x00000000080fffff msi\n")},
	{.name = "type in /sys", GROUP_FILE("type", "DMA\n")},

	{.name = "vectors of MSI-X grow",
         VECTORS,
         .in = IN_NEW,
         .out = &(const struct vfio_irq_info){16, 1, 2, 16}},
	{.name = "vectors of MSI-X grow",
         VECTORS,
         .in = IN_6_12,
         .out = &(const struct vfio_irq_info){16, 9, 2, 16}},
	{.name = "one vector more than at first",
         ONE_MORE,
         .in = IN_NEW,
         .expected = 0},
	{.name = "one vector more than at first",
         ONE_MORE,
         .in = IN_6_12,
         .expected = -EINVAL},

	{.name = "nesting", NESTING, .in = IN_NEW, .expected = -ENODEV},
	{.name = "nesting", NESTING, .in = IN_6_12, .expected = -EPERM},
};

const struct abi_set abi_arm_set = {
	.profile = "arm-smmuv3",
	.subject = "arm-smmuv3",
	.source = "Linux 7.3 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c, "
		  "drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommu.c",
	.rows = arm,
	.count = COUNT(arm),
};

static const struct abi_row shared[] = {
	{.name = "a back end",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1v2_IOMMU,
         .state = S_ATTACHED,
         .expected = -EPERM},
	{.name = "a back end of version 1",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1_IOMMU,
         .state = S_ATTACHED,
         .expected = -EPERM},
	{.name = "a back end, as it may be",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1v2_IOMMU,
         .state = S_UNSAFE},
	{.name = "a back end of version 1, as it may be",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1_IOMMU,
         .state = S_UNSAFE},
	{.name = "no group comes first",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1v2_IOMMU,
         .state = S_OPEN,
         .expected = -EINVAL},
	{.name = "what is no back end comes first",
         .on = FD_CONTAINER,
         .command = VFIO_SET_IOMMU,
         .value = 77,
         .state = S_ATTACHED,
         .expected = -ENODEV},
};

const struct abi_set abi_shared_set = {
	.shared = true,
	.subject = "interrupts that are not isolated",
	.source = "Linux 7.3 drivers/vfio/vfio_iommu_type1.c "
		  "(vfio_iommu_type1_attach_group)",
	.rows = shared,
	.count = COUNT(shared),
};
