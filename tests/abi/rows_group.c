/* SPDX-License-Identifier: MIT */
/* Commands of a group, and opening one. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "abi.h"

#define STATUS(...)    (&(const struct vfio_group_status){__VA_ARGS__})
#define GET_STATUS     .on = FD_GROUP, .command = VFIO_GROUP_GET_STATUS
#define SET_CONTAINER  .on = FD_GROUP, .command = VFIO_GROUP_SET_CONTAINER
#define SET_CONTAINER2 .on = FD_GROUP2, .command = VFIO_GROUP_SET_CONTAINER
#define UNSET          .on = FD_GROUP, .command = VFIO_GROUP_UNSET_CONTAINER
#define WORD(value)    .argument = &(const int32_t){value}, .bytes = 4

static const struct abi_row rows[] = {
	{.name = "reserved ranges in /sys",
         GROUP_FILE("reserved_regions",
                    "0x00000000fee00000 0x00000000feefffff msi\n")},
	{.name = "type in /sys", GROUP_FILE("type", "DMA-FQ\n")},
	{.name = "status of a group without container",
         GET_STATUS,
         .argument = STATUS(.argsz = 8),
         .bytes = 8,
         .out = STATUS(8, VFIO_GROUP_FLAGS_VIABLE)},
	{.name = "status of an attached group",
         GET_STATUS,
         .state = S_ATTACHED,
         .also = S_V2_MAPPED,
         .argument = STATUS(.argsz = 8),
         .bytes = 8,
         .out = STATUS(8, 3)},
	{.name = "status while a device is open",
         GET_STATUS,
         .state = S_DEVICE,
         .argument = STATUS(.argsz = 8),
         .bytes = 8,
         .out = STATUS(8, 3)},
	{.name = "status of the second group",
         .on = FD_GROUP2,
         .command = VFIO_GROUP_GET_STATUS,
         .state = S_NEIGHBOUR,
         .argument = STATUS(.argsz = 8),
         .bytes = 8,
         .out = STATUS(8, 1)},
	{.name = "status, flags before do not matter",
         GET_STATUS,
         .argument = STATUS(8, UINT32_MAX),
         .bytes = 8,
         .out = STATUS(8, 1)},
	{.name = "status, a larger argsz stays",
         GET_STATUS,
         .argument = STATUS(.argsz = 100),
         .bytes = 8,
         .out = STATUS(100, 1)},
	{.name = "status, argsz too small",
         GET_STATUS,
         .argument = STATUS(.argsz = 7),
         .bytes = 8,
         .expected = -EINVAL},
	{.name = "status, argsz 0",
         GET_STATUS,
         .argument = STATUS(.argsz = 0),
         .bytes = 8,
         .expected = -EINVAL},
	{.name = "status, argument cut",
         GET_STATUS,
         .argument = STATUS(.argsz = 8),
         .bytes = 7,
         .expected = -EFAULT},
	{.name = "status, null",
         GET_STATUS,
         .place = AT_NULL,
         .expected = -EFAULT},
	{.name = "status, hole",
         GET_STATUS,
         .place = AT_HOLE,
         .expected = -EFAULT},
	{.name = "status, cannot be written",
         GET_STATUS,
         .place = AT_READ_ONLY,
         .argument = STATUS(.argsz = 8),
         .bytes = 8,
         .expected = -EFAULT},

	{.name = "set container", SET_CONTAINER, WORD(FD(CONTAINER))},
	{.name = "set another container", SET_CONTAINER, WORD(FD(CONTAINER2))},
	{.name = "set container, null",
         SET_CONTAINER,
         .place = AT_NULL,
         .expected = -EFAULT,
         .also = S_ATTACHED},
	{.name = "set container, hole",
         SET_CONTAINER,
         .place = AT_HOLE,
         .expected = -EFAULT},
	{.name = "set container, argument cut",
         SET_CONTAINER,
         .argument = &(const int32_t){0},
         .bytes = 3,
         .expected = -EFAULT},
	{.name = "set container, descriptor -1",
         SET_CONTAINER,
         WORD(-1),
         .expected = -EBADF,
         .also = S_ATTACHED},
	{.name = "set container, closed descriptor",
         SET_CONTAINER,
         WORD(FD(CLOSED)),
         .expected = -EBADF,
         .also = S_ATTACHED},
	{.name = "set container, another file",
         SET_CONTAINER,
         WORD(FD(OTHER)),
         .expected = -EBADFD},
	{.name = "set container, an eventfd",
         SET_CONTAINER,
         WORD(FD(EVENT0)),
         .expected = -EBADFD},
	{.name = "set container, the group itself",
         SET_CONTAINER,
         WORD(FD(GROUP)),
         .expected = -EBADFD},
	{.name = "set container, has one",
         SET_CONTAINER,
         WORD(FD(CONTAINER)),
         .state = S_ATTACHED,
         .also = S_V2_MAPPED,
         .expected = -EINVAL},
	{.name = "set another container, has one",
         SET_CONTAINER,
         WORD(FD(CONTAINER2)),
         .state = S_ATTACHED,
         .also = S_DEVICE,
         .expected = -EINVAL},
	{.name = "set container, has one, another file",
         SET_CONTAINER,
         WORD(FD(OTHER)),
         .state = S_ATTACHED,
         .expected = -EINVAL},
	{.name = "set container, a device",
         SET_CONTAINER2,
         WORD(FD(GROUP)),
         .state = S_NEIGHBOUR,
         .expected = -EBADFD},
	{.name = "second group joins a mapped container",
         SET_CONTAINER2,
         WORD(FD(CONTAINER)),
         .state = S_NEIGHBOUR},
	{.name = "second group beside a mapped container",
         SET_CONTAINER2,
         WORD(FD(CONTAINER2)),
         .state = S_NEIGHBOUR},
	{.name = "nobody joins while a vaddr is invalid",
         SET_CONTAINER2,
         WORD(FD(CONTAINER)),
         .state = S_INVALID_NEIGHBOUR,
         .expected = -EBUSY},
	{.name = "an invalid vaddr elsewhere does not matter",
         SET_CONTAINER2,
         WORD(FD(CONTAINER2)),
         .state = S_INVALID_NEIGHBOUR},

	{.name = "unset container, none", UNSET, .expected = -EINVAL},
	{.name = "unset container", UNSET, .state = S_ATTACHED, .also = S_V2},
	{.name = "unset container with mappings",
         UNSET,
         .state = S_V2_MAPPED,
         .also = S_V1_MAPPED},
	{.name = "unset container with an invalid vaddr",
         UNSET,
         .state = S_V2_INVALID},
	{.name = "unset one of two groups", UNSET, .state = S_TWO},
	{.name = "unset the other of two groups",
         .on = FD_GROUP2,
         .command = VFIO_GROUP_UNSET_CONTAINER,
         .state = S_TWO},
	{.name = "unset container, device open",
         UNSET,
         .state = S_DEVICE,
         .also = S_MSIX,
         .expected = -EBUSY},
	{.name = "unset of a group that has none",
         .on = FD_GROUP2,
         .command = VFIO_GROUP_UNSET_CONTAINER,
         .state = S_NEIGHBOUR,
         .expected = -EINVAL},

	{.name = "read of a group",
         .call = CALL_READ,
         .on = FD_GROUP,
         .bytes = 4,
         .expected = -EINVAL},
	{.name = "write of a group",
         .call = CALL_WRITE,
         .on = FD_GROUP,
         .bytes = 4,
         .expected = -EINVAL},
	{.name = "mmap of a group",
         .call = CALL_MMAP,
         .on = FD_GROUP,
         .bytes = PAGE,
         .prot = PROT_READ,
         .flags = MAP_SHARED,
         .expected = -ENODEV},
	{.name = "seek in a group",
         .call = CALL_SEEK,
         .on = FD_GROUP,
         .expected = -ESPIPE},

	{.name = "open of an open group",
         .call = CALL_OPEN_GROUP,
         .value = 1,
         .expected = -EBUSY,
         .also = S_DEVICE},
	{.name = "open of a group whose device is open",
         .call = CALL_OPEN_GROUP,
         .value = 1,
         .state = S_DEVICE_ONLY,
         .expected = -EBUSY},
	{.name = "open of another group",
         .call = CALL_OPEN_GROUP,
         .value = 2,
         .expected = ANY_FD,
         .also = S_DEVICE_ONLY},
	{.name = "open of no group",
         .call = CALL_OPEN_GROUP,
         .value = 99,
         .expected = -ENODEV},
	{.name = "open of group 0",
         .call = CALL_OPEN_GROUP,
         .value = 0,
         .expected = -ENODEV},
};

/* ---- GET_DEVICE_FD ---- */

static const struct {
	const char *text;
	long expected; /* with a back end */
} names[] = {
	{"0000:01:00.0", ANY_FD},
	{"0000:01:00.0 ", ANY_FD},
	{"0000:01:00.0   ", ANY_FD},
	{" 0000:01:00.0", -ENODEV},
	{"0000:01:00.00", -ENODEV},
	{"0000:01:00.", -ENODEV},
	{"0000:01:00.1", -ENODEV},
	{"0000:02:00.0", -ENODEV}, /* of another group */
	{"0000:02:00.0 vf_token=", -ENODEV},
	{"01:00.0", -ENODEV},
	{"0000:01:00.0\t", -ENODEV},
	{"0000:01:00.0\n", -ENODEV},
	{"0000:01:00.0,vf_token=1", -ENODEV},
	{"", -ENODEV},
	/* It has no token, so a good one is one too many. */
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258", -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258 ",
         -EINVAL},
	{"0000:01:00.0   vf_token=2ab74924-c335-45f4-9b16-8569e5b08258",
         -EINVAL},
	{"0000:01:00.0 vf_token=2AB74924-C335-45F4-9B16-8569E5B08258", -EINVAL},
	{"0000:01:00.0 "
         "vf_token=2ab74924-c335-45f4-9b16-8569e5b08258 "
         "vf_token=2ab74924-c335-45f4-9b16-8569e5b08258",
         -EINVAL},
	{"0000:01:00.0 "
         "vf_token=2ab74924-c335-45f4-9b16-8569e5b08258vf_token=2ab74924-c335-"
         "45f4-9b16-8569e5b08258",
         -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258x",
         -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258 x",
         -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b0825", -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b0825g", -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924_c335_45f4_9b16_8569e5b08258", -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924c33545f49b168569e5b082580000", -EINVAL},
	{"0000:01:00.0 vf_token={2ab74924-c335-45f4-9b16-8569e5b08258}",
         -EINVAL},
	{"0000:01:00.0 vf_token= 2ab74924-c335-45f4-9b16-8569e5b08258",
         -EINVAL},
	{"0000:01:00.0 vf_token =2ab74924-c335-45f4-9b16-8569e5b08258",
         -EINVAL},
	{"0000:01:00.0 VF_TOKEN=2ab74924-c335-45f4-9b16-8569e5b08258", -EINVAL},
	{"0000:01:00.0 vf_token=2ab74924", -EINVAL},
	{"0000:01:00.0 vf_token=", -EINVAL},
	{"0000:01:00.0 vf_token", -EINVAL},
	{"0000:01:00.0 =", -EINVAL},
	{"0000:01:00.0 other=1", -EINVAL},
	{"0000:01:00.0  x", -EINVAL},
};

/* Without a back end a device that is there cannot be opened. */
static long without_back_end(long expected)
{
	return expected == ANY_FD ? -EINVAL : expected;
}

static void device_names(void (*emit)(const struct abi_row *))
{
	static const enum abi_state state[] = {S_V2,  S_V1_MAPPED, S_DEVICE,
	                                       S_TWO, S_OPEN,      S_ATTACHED};
	size_t i, n;
	char name[128];

	for (i = 0; i < COUNT(names) * COUNT(state); i++) {
		n = i % COUNT(names);
		snprintf(name, sizeof(name), "device \"%s\"", names[n].text);
		emit(&(struct abi_row){
			.name = name,
			.state = state[i / COUNT(names)],
			.on = FD_GROUP,
			.command = VFIO_GROUP_GET_DEVICE_FD,
			.argument = names[n].text,
			.bytes = strlen(names[n].text) + 1,
			.expected =
				i / COUNT(names) < 4
					? names[n].expected
					: without_back_end(names[n].expected),
		});
	}
}

/* The length is limited: 4096 bytes with the end. */
static void long_name(void (*emit)(const struct abi_row *), const char *name,
                      size_t bytes, bool ended, long expected)
{
	char text[5000];

	memset(text, ' ', sizeof(text));
	memcpy(text, "0000:01:00.0", 12);
	if (ended)
		text[bytes - 1] = '\0';
	emit(&(struct abi_row){
		.name = name,
		.state = S_V2,
		.on = FD_GROUP,
		.command = VFIO_GROUP_GET_DEVICE_FD,
		.argument = text,
		.bytes = bytes,
		.expected = expected,
	});
}

static void generate(void (*emit)(const struct abi_row *))
{
	static const enum abi_place bad[] = {AT_NULL, AT_HOLE};
	size_t i;

	device_names(emit);
	long_name(emit, "device name of 4095 characters", 4096, true, ANY_FD);
	long_name(emit, "device name of 4096 characters", 4097, true, -EINVAL);
	long_name(emit, "device name of 4096 without end", 4096, false,
	          -EINVAL);
	long_name(emit, "device name that runs into a hole", 100, false,
	          -EFAULT);
	long_name(emit, "device name that runs into a hole at once", 1, false,
	          -EFAULT);
	for (i = 0; i < COUNT(bad); i++)
		emit(&(struct abi_row){
			.name = "device name that is not there",
			.state = S_V2,
			.also = S_ATTACHED,
			.on = FD_GROUP,
			.command = VFIO_GROUP_GET_DEVICE_FD,
			.place = bad[i],
			.expected = -EFAULT,
		});
}

const struct abi_set abi_group_set = {
	.subject = "group",
	.source = "Linux 7.3 drivers/vfio/group.c, drivers/vfio/vfio_main.c, "
		  "drivers/iommu/iommu.c",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
