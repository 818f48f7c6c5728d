/* SPDX-License-Identifier: MIT */
/* GET_PCI_HOT_RESET_INFO and PCI_HOT_RESET. */
#include <stdio.h>

#include "abi.h"

/* As struct vfio_pci_dependent_device, without its union. */
struct dependent {
	uint32_t group;
	uint16_t segment;
	uint8_t bus, devfn;
};

/* Room for two: more are on no bus here. */
struct reset_info {
	struct ioas_vfio_hot_reset head;
	struct dependent device[2];
};

#define GET_INFO      VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
#define GET           .on = FD_DEVICE, .command = GET_INFO
#define INFO(...)     (&(const struct reset_info){__VA_ARGS__})
#define ASK(argsz, n) GET, .argument = INFO(.head = {argsz, 0, 0}), .bytes = (n)
#define FIRST(argsz)  INFO(.head = {argsz, 0, 1}, .device = {{1, 0, 1, 0}})
#define PAIR(argsz) \
	INFO(.head = {argsz, 0, 2}, .device = {{3, 0, 3, 0}, {4, 0, 3, 8}})
#define DEVICE .state = S_DEVICE

struct reset {
	struct ioas_vfio_hot_reset head;
	int32_t fd[3];
};

#define SET .on = FD_DEVICE, .command = VFIO_DEVICE_PCI_HOT_RESET
#define RESET(flags, count, ...)                                           \
	SET,                                                               \
		.argument = (&(const struct reset){                        \
			{12 + 4 * (count), flags, count}, {__VA_ARGS__}}), \
		.bytes = 12 + 4 * (count)

static const struct abi_row rows[] = {
	{.name = "info", DEVICE, ASK(20, 20), .out = FIRST(20)},
	{.name = "info, more room", DEVICE, ASK(28, 28), .out = FIRST(28)},
	{.name = "info, flags before do not matter",
         DEVICE,
         GET,
         .argument = INFO(.head = {20, UINT32_MAX, 77}),
         .bytes = 20,
         .out = FIRST(20)},
	{.name = "info, group and container closed",
         .state = S_DEVICE_ONLY,
         ASK(20, 20),
         .out = FIRST(20)},
	{.name = "info, no room",
         DEVICE,
         ASK(12, 12),
         .expected = -ENOSPC,
         .out = INFO(.head = {12, 0, 1})},
	{.name = "info, one byte short",
         DEVICE,
         ASK(19, 20),
         .expected = -ENOSPC,
         .out = INFO(.head = {19, 0, 1})},
	{.name = "info of two", .state = S_PLAIN, ASK(28, 28), .out = PAIR(28)},
	{.name = "info of two, room for one",
         .state = S_PLAIN,
         ASK(20, 28),
         .expected = -ENOSPC,
         .out = INFO(.head = {20, 0, 2})},
	{.name = "info, argsz too small",
         DEVICE,
         ASK(11, 20),
         .expected = -EINVAL},
	{.name = "info, argument cut",
         DEVICE,
         ASK(20, 11),
         .expected = -EFAULT},
	{.name = "info, array cut",
         DEVICE,
         ASK(20, 19),
         .expected = -EFAULT,
         .out_is_open = true},
	{.name = "info, null",
         DEVICE,
         GET,
         .place = AT_NULL,
         .expected = -EFAULT},
	{.name = "info, hole",
         DEVICE,
         GET,
         .place = AT_HOLE,
         .expected = -EFAULT},
	{.name = "info, cannot be written",
         DEVICE,
         ASK(20, 20),
         .place = AT_READ_ONLY,
         .expected = -EFAULT},
	{.name = "info wakes",
         .state = S_LOW_WAKE,
         ASK(20, 20),
         .out = FIRST(20),
         .signals = 1},

	{.name = "reset", DEVICE, RESET(0, 1, FD(GROUP))},
	{.name = "reset, in version 1",
         .state = S_DEVICE_V1,
         RESET(0, 1, FD(GROUP))},
	{.name = "reset with interrupts on",
         .state = S_MSIX,
         RESET(0, 1, FD(GROUP)),
         .also = S_INTX},
	{.name = "reset with memory decoding off",
         .state = S_NO_DECODE,
         RESET(0, 1, FD(GROUP))},
	{.name = "reset of two by both groups",
         .state = S_PAIR,
         RESET(0, 2, FD(GROUP), FD(GROUP2))},
	{.name = "reset of two by both groups, the other way round",
         .state = S_PAIR,
         RESET(0, 2, FD(GROUP2), FD(GROUP))},
	{.name = "reset of two by one group",
         .state = S_PAIR,
         RESET(0, 1, FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset of two by one group twice",
         .state = S_PAIR,
         RESET(0, 2, FD(GROUP), FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset of two, one group is not open",
         .state = S_PLAIN,
         RESET(0, 1, FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset by no group", DEVICE, RESET(0, 0), .expected = -EINVAL},
	{.name = "reset by more groups than devices",
         DEVICE,
         RESET(0, 2, FD(GROUP), FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset, the number of groups comes before their descriptors",
         DEVICE,
         RESET(0, 2, FD(CLOSED), FD(CLOSED)),
         .expected = -EINVAL},
	{.name = "reset with a flag",
         DEVICE,
         RESET(1, 1, FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset with the last flag",
         DEVICE,
         RESET(1u << 31, 1, FD(GROUP)),
         .expected = -EINVAL},
	{.name = "reset, closed descriptor",
         DEVICE,
         RESET(0, 1, FD(CLOSED)),
         .expected = -EBADF},
	{.name = "reset, descriptor -1",
         DEVICE,
         RESET(0, 1, -1),
         .expected = -EBADF},
	{.name = "reset by a container",
         DEVICE,
         RESET(0, 1, FD(CONTAINER)),
         .expected = -EINVAL},
	{.name = "reset by the device",
         DEVICE,
         RESET(0, 1, FD(DEVICE)),
         .expected = -EINVAL},
	{.name = "reset by something else",
         DEVICE,
         RESET(0, 1, FD(OTHER)),
         .expected = -EINVAL},
	{.name = "reset, argsz too small",
         DEVICE,
         SET,
         .argument = (&(const struct reset){{11, 0, 1}, {FD(GROUP)}}),
         .bytes = 16,
         .expected = -EINVAL},
	{.name = "reset, argsz does not count the groups",
         DEVICE,
         SET,
         .argument = (&(const struct reset){{12, 0, 1}, {FD(GROUP)}}),
         .bytes = 16},
	{.name = "reset, argument cut",
         DEVICE,
         SET,
         .argument = (&(const struct reset){{16, 0, 1}, {FD(GROUP)}}),
         .bytes = 11,
         .expected = -EFAULT},
	{.name = "reset, descriptors cut",
         DEVICE,
         SET,
         .argument = (&(const struct reset){{16, 0, 1}, {FD(GROUP)}}),
         .bytes = 15,
         .expected = -EFAULT},
	{.name = "reset, argument only read",
         DEVICE,
         RESET(0, 1, FD(GROUP)),
         .place = AT_READ_ONLY},
	{.name = "reset, null",
         DEVICE,
         SET,
         .place = AT_NULL,
         .expected = -EFAULT},
	{.name = "reset, hole",
         DEVICE,
         SET,
         .place = AT_HOLE,
         .expected = -EFAULT},
};

const struct abi_set abi_reset_set = {
	.subject = "hot reset",
	.source = "Linux 7.3 drivers/vfio/pci/vfio_pci_core.c, "
		  "vfio_pci_ioctl_get_pci_hot_reset_info, "
		  "vfio_pci_ioctl_pci_hot_reset",
	.rows = rows,
	.count = COUNT(rows),
};
