/* SPDX-License-Identifier: MIT */
/* FEATURE. */
#include <stdio.h>
#include <string.h>

#include "abi.h"

#define GET   VFIO_DEVICE_FEATURE_GET
#define SETS  VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

struct with_wakeup {
	uint32_t argsz, flags;
	int32_t fd;
	uint32_t reserved;
};

#define COMMAND .on = FD_DEVICE, .command = VFIO_DEVICE_FEATURE
#define PLAIN(argsz, flags) \
	COMMAND, .argument = (&(const uint32_t[]){argsz, flags}), .bytes = 8
#define WAKEUP(fd, reserved)                                                 \
	COMMAND,                                                             \
		.argument = (&(const struct with_wakeup){                    \
			16, SETS | IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, \
			fd, reserved}),                                      \
		.bytes = 16
#define ENTRY IOAS_FEATURE_LOW_POWER_ENTRY
#define EXIT  IOAS_FEATURE_LOW_POWER_EXIT
#define WITH  IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP
#define AWAKE .state = S_DEVICE

#define NEW (1u << IOAS_CONTRACT_STRICT | 1u << IOAS_CONTRACT_LINUX_7_3)

/* With room for two ranges. */
struct dma_buf {
	uint32_t argsz, flags;
	struct ioas_vfio_dma_buf get;
	struct ioas_vfio_dma_range range[2];
};

#define ONE_PAGE        \
	{               \
		0, PAGE \
	}
#define DMABUF(size, region, mode, zero, count, ...)          \
	AWAKE, COMMAND, .in = NEW,                            \
			.argument = (&(const struct dma_buf){ \
				size,                         \
				GET | IOAS_FEATURE_DMA_BUF,   \
				{region, mode, zero, count},  \
				{__VA_ARGS__},                \
			}),                                   \
			.bytes = sizeof(struct dma_buf)

static const struct abi_row rows[] = {
	{.name = "buffer",
         DMABUF(40, 0, 0, 0, 1, ONE_PAGE),
         .expected = ANY_FD},
	{.name = "buffer of two ranges that overlap",
         DMABUF(56, 0, 0, 0, 2, ONE_PAGE, ONE_PAGE),
         .expected = ANY_FD},
	{.name = "buffer, argsz ends before the ranges",
         DMABUF(24, 0, 0, 0, 1, ONE_PAGE),
         .expected = ANY_FD},
	{.name = "buffer, odd open flags",
         DMABUF(40, 0, 0xdeadbeef, 0, 1, ONE_PAGE),
         .expected = ANY_FD},
	{.name = "buffer, argsz ends in the head",
         DMABUF(23, 0, 0, 0, 1, ONE_PAGE),
         .expected = -EINVAL},
	{.name = "buffer without ranges",
         DMABUF(40, 0, 0, 0, 0, ONE_PAGE),
         .expected = -EINVAL},
	{.name = "buffer with flags",
         DMABUF(40, 0, 0, 1, 1, ONE_PAGE),
         .expected = -EINVAL},
	{.name = "buffer, flags come before the region",
         DMABUF(40, 6, 0, 1, 1, ONE_PAGE),
         .expected = -EINVAL},
	{.name = "buffer of no BAR",
         DMABUF(40, 6, 0, 0, 1, ONE_PAGE),
         .expected = -ENODEV},
	{.name = "buffer of nothing",
         DMABUF(40, 0, 0, 0, 1, {0, 0}),
         .expected = -EINVAL},
	{.name = "buffer that is no page",
         DMABUF(40, 0, 0, 0, 1, {0, PAGE + 1}),
         .expected = -EINVAL},
	{.name = "buffer at no page",
         DMABUF(40, 0, 0, 0, 1, {8, PAGE}),
         .expected = -EINVAL},
	{.name = "buffer past the BAR",
         DMABUF(40, 0, 0, 0, 1, {UINT64_C(1) << 39, PAGE}),
         .expected = -EINVAL},
	{.name = "buffer that wraps",
         DMABUF(40, 0, 0, 0, 1, {UINT64_MAX - PAGE + 1, 2 * PAGE}),
         .expected = -EOVERFLOW},
	{.name = "buffer whose second range is bad",
         DMABUF(56, 0, 0, 0, 2, ONE_PAGE, {0, 0}),
         .expected = -EINVAL},

	{.name = "null", AWAKE, COMMAND, .place = AT_NULL, .expected = -EFAULT},
	{.name = "hole", AWAKE, COMMAND, .place = AT_HOLE, .expected = -EFAULT},
	{.name = "argument cut",
         AWAKE,
         COMMAND,
         .argument = (&(const uint32_t[]){8, SETS | ENTRY}),
         .bytes = 7,
         .expected = -EFAULT},
	{.name = "argsz too small",
         AWAKE,
         PLAIN(7, SETS | ENTRY),
         .expected = -EINVAL},
	{.name = "argsz 0", AWAKE, PLAIN(0, SETS | ENTRY), .expected = -EINVAL},
	{.name = "argument only read",
         AWAKE,
         .place = AT_READ_ONLY,
         PLAIN(8, SETS | ENTRY)},
	{.name = "unknown bit comes before an absent feature",
         AWAKE,
         PLAIN(8, GET | 1u << 19 | IOAS_FEATURE_MIGRATION),
         .expected = -EINVAL},

	{.name = "low power", AWAKE, PLAIN(8, SETS | ENTRY)},
	{.name = "low power, larger argsz", AWAKE, PLAIN(64, SETS | ENTRY)},
	{.name = "low power, is in",
         .state = S_LOW,
         PLAIN(8, SETS | ENTRY),
         .expected = -EINVAL},
	{.name = "low power, is in with wakeup",
         .state = S_LOW_WAKE,
         PLAIN(8, SETS | ENTRY),
         .signals = 1},
	{.name = "low power with wakeup", AWAKE, WAKEUP(FD(EVENT0), 0)},
	{.name = "low power with wakeup, reserved word is not checked",
         AWAKE,
         WAKEUP(FD(EVENT0), 77)},
	{.name = "low power with wakeup, is in",
         .state = S_LOW,
         WAKEUP(FD(EVENT1), 0),
         .expected = -EINVAL},
	{.name = "low power with wakeup, is in so",
         .state = S_LOW_WAKE,
         WAKEUP(FD(EVENT1), 0),
         .signals = 1},
	{.name = "wakeup, descriptor -1",
         AWAKE,
         WAKEUP(-1, 0),
         .expected = -EINVAL},
	{.name = "wakeup, descriptor -1, is in",
         .state = S_LOW,
         WAKEUP(-1, 0),
         .expected = -EINVAL},
	{.name = "wakeup, closed descriptor",
         AWAKE,
         WAKEUP(FD(CLOSED), 0),
         .expected = -EBADF},
	{.name = "wakeup, closed descriptor, is in",
         .state = S_LOW,
         WAKEUP(FD(CLOSED), 0),
         .expected = -EBADF},
	{.name = "wakeup, not an eventfd",
         AWAKE,
         WAKEUP(FD(OTHER), 0),
         .expected = -EINVAL},
	{.name = "wakeup, argsz without data",
         AWAKE,
         PLAIN(8, SETS | WITH),
         .expected = -EINVAL},
	{.name = "wakeup, argsz one short",
         AWAKE,
         COMMAND,
         .argument =
                 (&(const struct with_wakeup){15, SETS | WITH, FD(EVENT0), 0}),
         .bytes = 16,
         .expected = -EINVAL},
	{.name = "wakeup, data not there",
         AWAKE,
         PLAIN(16, SETS | WITH),
         .expected = -EFAULT},
	{.name = "wakeup, probe needs no data",
         AWAKE,
         PLAIN(8, PROBE | SETS | WITH)},
	{.name = "exit", .state = S_LOW, PLAIN(8, SETS | EXIT)},
	{.name = "exit, was not in", AWAKE, PLAIN(8, SETS | EXIT)},
	{.name = "exit wakes",
         .state = S_LOW_WAKE,
         PLAIN(8, SETS | EXIT),
         .signals = 1},
	{.name = "probe wakes",
         .state = S_LOW_WAKE,
         PLAIN(8, PROBE | SETS | EXIT),
         .signals = 1},
	{.name = "an unknown feature wakes",
         .state = S_LOW_WAKE,
         PLAIN(8, GET | 500),
         .expected = -ENOTTY,
         .signals = 1},
	{.name = "an unknown command wakes",
         .state = S_LOW_WAKE,
         .on = FD_DEVICE,
         .command = VFIO_DEVICE_QUERY_GFX_PLANE,
         .expected = -ENOTTY,
         .signals = 1},
	{.name = "without wakeup nothing is signalled",
         .state = S_LOW,
         PLAIN(8, PROBE | SETS | EXIT)},
	{.name = "the container wakes nobody",
         .state = S_LOW_WAKE,
         .command = VFIO_CHECK_EXTENSION,
         .value = 1,
         .expected = 1},
	{.name = "a read wakes",
         .state = S_LOW_WAKE,
         .call = CALL_READ,
         .on = FD_DEVICE,
         .bytes = 4,
         .position = UINT64_C(7) << 40,
         .expected = 4,
         .out = "\x34\x12\x78\x56",
         .signals = 1},
	{.name = "a read in low power works",
         .state = S_LOW,
         .call = CALL_READ,
         .on = FD_DEVICE,
         .bytes = 4,
         .position = UINT64_C(2) << 40,
         .expected = 4,
         .out = "\x00\x01\x02\x03"},
	{.name = "a read of nothing wakes nobody",
         .state = S_LOW_WAKE,
         .call = CALL_READ,
         .on = FD_DEVICE,
         .position = UINT64_C(2) << 40},
	{.name = "a write wakes",
         .state = S_LOW_WAKE,
         .call = CALL_WRITE,
         .on = FD_DEVICE,
         .bytes = 4,
         .position = UINT64_C(2) << 40,
         .expected = 4,
         .signals = 1},
};

/* ---- Each feature with each set of operations ---- */

static const struct {
	long absent;
	uint32_t operations;
} features[] = {
	[IOAS_FEATURE_PCI_VF_TOKEN] = {.absent = -ENOTTY},
	[IOAS_FEATURE_MIGRATION] = {.absent = -ENOTTY},
	[IOAS_FEATURE_MIG_DEVICE_STATE] = {.absent = -ENOTTY},
	[IOAS_FEATURE_LOW_POWER_ENTRY] = {.operations = SETS},
	[IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP] = {.operations = SETS},
	[IOAS_FEATURE_LOW_POWER_EXIT] = {.operations = SETS},
	[IOAS_FEATURE_DMA_LOGGING_START] = {.absent = -ENOTTY},
	[IOAS_FEATURE_DMA_LOGGING_STOP] = {.absent = -ENOTTY},
	[IOAS_FEATURE_DMA_LOGGING_REPORT] = {.absent = -ENOTTY},
	[IOAS_FEATURE_MIG_DATA_SIZE] = {.absent = -ENOTTY},
	[IOAS_FEATURE_BUS_MASTER] = {.absent = -ENOTTY},
	[IOAS_FEATURE_DMA_BUF] = {.operations = GET},
	[IOAS_FEATURE_MIG_PRECOPY_INFO] = {.absent = -EINVAL},
	[IOAS_FEATURE_ZPCI_ERROR] = {.absent = -ENOTTY},
	[IOAS_FEATURE_ZPCI_ERROR + 1] = {.absent = -ENOTTY},
};

static long answer(uint32_t feature, uint32_t ops)
{
	if ((ops & (GET | SETS)) == (GET | SETS) && !(ops & PROBE))
		return -EINVAL;
	if (features[feature].absent)
		return features[feature].absent;
	if (ops & (GET | SETS) & ~features[feature].operations)
		return -EINVAL;
	if (ops & PROBE)
		return 0;
	return ops ? 0 : -EINVAL;
}

/* Features from DMA_BUF on are not known there. 0: the same answer. */
static long answer_6_12(uint32_t feature, uint32_t ops)
{
	if ((ops & (GET | SETS)) == (GET | SETS) && !(ops & PROBE))
		return 0;
	return feature >= IOAS_FEATURE_DMA_BUF ? -ENOTTY : 0;
}

static void feature_row(void (*emit)(const struct abi_row *), uint32_t feature,
                        uint32_t ops, enum abi_state state)
{
	struct with_wakeup arg = {16, ops | feature, FD(EVENT0), 0};
	char name[64];
	struct abi_row row = {
		.name = name,
		.state = state,
		COMMAND,
		.argument = &arg,
		.bytes = sizeof(arg),
		.expected = answer(feature, ops),
		.in_6_12 = answer_6_12(feature, ops),
	};

	snprintf(name, sizeof(name), "feature %u, operations 0x%x", feature,
	         ops >> 16);
	/* 8 bytes are too few for its data. */
	if (feature == IOAS_FEATURE_DMA_BUF && !row.expected && !(ops & PROBE))
		row.expected = -EINVAL;
	emit(&row);
}

static void generate(void (*emit)(const struct abi_row *))
{
	uint32_t feature, ops;

	for (feature = 0; feature < COUNT(features); feature++) {
		for (ops = 0; ops < 8; ops++) {
			feature_row(emit, feature, ops << 16, S_DEVICE);
			feature_row(emit, feature, ops << 16, S_PLAIN);
		}
	}
	for (ops = 19; ops < 32; ops++) {
		uint32_t flags[] = {8, PROBE | SETS | EXIT | 1u << ops};

		emit(&(struct abi_row){
			.name = "unknown bit",
			AWAKE,
			COMMAND,
			.argument = flags,
			.bytes = sizeof(flags),
			.expected = -EINVAL,
		});
	}
	emit(&(struct abi_row){.name = "the last feature number",
	                       AWAKE,
	                       PLAIN(8, PROBE | 0xffff),
	                       .expected = -ENOTTY});
}

const struct abi_set abi_feature_set = {
	.subject = "FEATURE",
	.source = "Linux 7.3 drivers/vfio/vfio_main.c, "
		  "vfio_ioctl_device_feature; "
		  "drivers/vfio/pci/vfio_pci_core.c",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
