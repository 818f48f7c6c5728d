/* SPDX-License-Identifier: MIT */
/*
 * Groups that reserve I/O addresses: who may join a container, and what it
 * says is usable then.
 */
#include "abi.h"

#define JOIN                                                  \
	.on = FD_GROUP2, .command = VFIO_GROUP_SET_CONTAINER, \
	.argument = &(const int32_t){FD(CONTAINER)}, .bytes = 4
#define JOIN_OTHER                                            \
	.on = FD_GROUP2, .command = VFIO_GROUP_SET_CONTAINER, \
	.argument = &(const int32_t){FD(CONTAINER2)}, .bytes = 4
#define MAP(at)                                                             \
	.on = FD_CONTAINER, .command = VFIO_IOMMU_MAP_DMA,                  \
	.argument = &(const struct vfio_iommu_type1_dma_map){32, 3, MEM(0), \
	                                                     (at), PAGE},   \
	.bytes = 32

#define RANGES 4

/* The answer of GET_INFO, all of it. */
struct info {
	struct ioas_vfio_type1_info info;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	struct vfio_info_cap_header header;
	uint32_t nr_iovas, reserved;
	struct vfio_iova_range range[RANGES];
};

#define BYTES(count)           \
	(sizeof(struct info) - \
	 (RANGES - (count)) * sizeof(struct vfio_iova_range))
#define ALL(count, ...)                                                       \
	(&(const struct info){.info = {BYTES(RANGES), 3, 0x40201000, 24, 0},  \
	                      .migration = {{2, 1, 56}, 0, PAGE, 0x10000000}, \
	                      .avail = {{3, 1, 72}, 65535},                   \
	                      .header = {1, 1, 0},                            \
	                      .nr_iovas = (count),                            \
	                      .range = {__VA_ARGS__}})
#define ASK                                                                 \
	.on = FD_CONTAINER, .command = VFIO_IOMMU_GET_INFO,                 \
	.argument = &(const struct info){.info = {.argsz = BYTES(RANGES)}}, \
	.bytes = sizeof(struct info)

#define END UINT64_C(0xffffffffffff)
#define HIGH                    \
	{                       \
		0xfef00000, END \
	}

static const struct abi_row rows[] = {
	{.name = "a group whose ranges hit mappings",
         JOIN,
         .state = S_BESIDE_LOW,
         .expected = -EINVAL},
	{.name = "it may go elsewhere", JOIN_OTHER, .state = S_BESIDE_LOW},
	{.name = "an invalid vaddr comes first",
         JOIN,
         .state = S_BESIDE_INVALID,
         .expected = -EBUSY},
	{.name = "ranges that may be given up hit nothing",
         JOIN,
         .state = S_BESIDE_RELAXED},
	{.name = "a group with a range that must be mapped 1:1",
         JOIN,
         .state = S_BESIDE_DIRECT,
         .also = S_DIRECT,
         .expected = -EINVAL},
	{.name = "nor may it go elsewhere",
         JOIN_OTHER,
         .state = S_BESIDE_DIRECT,
         .expected = -EINVAL},

	{.name = "map where only the group forbids it",
         MAP(0x1000),
         .state = S_WITH_LOW,
         .expected = -EINVAL},
	{.name = "map beside", MAP(0x200000), .state = S_WITH_LOW},
	{.name = "map in the range of another kind",
         MAP(0x4ff000),
         .state = S_WITH_MIDDLE,
         .expected = -EINVAL},
	{.name = "map in its other range",
         MAP(0x500000),
         .state = S_WITH_MIDDLE,
         .expected = -EINVAL},
	{.name = "map where it was, in the middle",
         MAP(0x4ff000),
         .state = S_WITHOUT_MIDDLE},
	/* The kernel's new list ends where the old one did. */
	{.name = "map where it was, at the bottom",
         MAP(0x1000),
         .state = S_WITHOUT_LOW,
         .in = IN_STRICT},
	{.name = "map where it was, at the bottom",
         MAP(0x1000),
         .state = S_WITHOUT_LOW,
         .in = IN_LINUX,
         .expected = -EINVAL},

	{.name = "info with a group that takes the bottom",
         ASK,
         .state = S_WITH_LOW,
         .out = ALL(2, {0x200000, 0xfedfffff}, HIGH)},
	{.name = "info when it has gone",
         ASK,
         .state = S_WITHOUT_LOW,
         .in = IN_STRICT,
         .out = ALL(2, {0, 0xfedfffff}, HIGH)},
	{.name = "info when it has gone",
         ASK,
         .state = S_WITHOUT_LOW,
         .in = IN_LINUX,
         .out = ALL(2, {0x200000, 0xfedfffff}, HIGH)},
	{.name = "info with a group that takes of the middle",
         ASK,
         .state = S_WITH_MIDDLE,
         .out = ALL(3, {0, 0x3fffff}, {0x600000, 0xfedfffff}, HIGH)},
	{.name = "info when that has gone",
         ASK,
         .state = S_WITHOUT_MIDDLE,
         .out = ALL(2, {0, 0xfedfffff}, HIGH)},
};

const struct abi_set abi_reserved_set = {
	.subject = "reserved ranges",
	.source = "Linux 7.3 drivers/vfio/vfio_iommu_type1.c "
		  "(vfio_iommu_type1_attach_group, vfio_iommu_resv_refresh), "
		  "drivers/iommu/iommu.c (iommu_group_claim_dma_owner)",
	.rows = rows,
	.count = COUNT(rows),
};
