/* SPDX-License-Identifier: MIT */
/*
 * DMA logging, of the device that has it. What is logged is a matter of unit
 * tests: no row makes a device write.
 */
#include "abi.h"

#define GET  VFIO_DEVICE_FEATURE_GET
#define SETS VFIO_DEVICE_FEATURE_SET

/* The ranges are behind the argument, and the bitmap is. */
struct start {
	uint32_t argsz, flags;
	struct ioas_vfio_logging_control control;
	struct ioas_vfio_logging_range range[2];
};

struct report {
	uint32_t argsz, flags;
	struct ioas_vfio_logging_report report;
	uint64_t bitmap[2];
};

#define HERE .on = FD_DEVICE, .command = VFIO_DEVICE_FEATURE

#define RANGES ARGUMENT(offsetof(struct start, range))
#define BITMAP ARGUMENT(offsetof(struct report, bitmap))

#define START_AT(at, page, count, ...)                         \
	HERE,                                                  \
		.argument = (&(const struct start){            \
			32,                                    \
			SETS | IOAS_FEATURE_DMA_LOGGING_START, \
			{page, count, 0, at},                  \
			{__VA_ARGS__},                         \
		}),                                            \
		.bytes = sizeof(struct start)
#define START(page, count, ...) START_AT(RANGES, page, count, __VA_ARGS__)
#define STARTED(page, count, ...)                      \
	.out = (&(const struct start){                 \
		32,                                    \
		SETS | IOAS_FEATURE_DMA_LOGGING_START, \
		{page, count, 0, RANGES},              \
		{__VA_ARGS__},                         \
	})
#define STOP(argsz, flags)                                                \
	HERE,                                                             \
		.argument = (&(const uint32_t[]){                         \
			argsz, (flags) | IOAS_FEATURE_DMA_LOGGING_STOP}), \
		.bytes = 8
#define REPORT_AT(at, iova, length, page)                      \
	HERE,                                                  \
		.argument = (&(const struct report){           \
			40,                                    \
			GET | IOAS_FEATURE_DMA_LOGGING_REPORT, \
			{iova, length, page, at},              \
			{0, 0},                                \
		}),                                            \
		.bytes = sizeof(struct report)
#define REPORT(iova, length, page) REPORT_AT(BITMAP, iova, length, page)

#define ONE             \
	{               \
		0, PAGE \
	}
#define TOP (UINT64_MAX - PAGE + 1)
#define NEW (IN_STRICT | IN_7_3)

static const struct abi_row rows[] = {
	{.name = "start", START(PAGE, 1, ONE), .state = S_LOGS},
	{.name = "start, two ranges",
         START(PAGE, 2, {PAGE, PAGE}, {0, PAGE}),
         .state = S_LOGS},
	{.name = "start, the page size is said",
         START(0x200, 1, ONE),
         .state = S_LOGS,
         STARTED(PAGE, 1, ONE)},
	{.name = "start while it logs",
         START(PAGE, 1, ONE),
         .state = S_LOGGING,
         .expected = -EINVAL},
	{.name = "start, no ranges",
         START(PAGE, 0, ONE),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, more ranges than a page holds",
         START_AT(0, PAGE, 257, ONE),
         .state = S_LOGS,
         .expected = -E2BIG},
	{.name = "start, ranges at null",
         START_AT(0, PAGE, 256, ONE),
         .state = S_LOGS,
         .expected = -EFAULT},
	{.name = "start, ranges in a hole",
         START_AT(HOLE(0), PAGE, 1, ONE),
         .state = S_LOGS,
         .expected = -EFAULT},
	{.name = "start, unaligned address",
         START(PAGE, 1, {1, PAGE}),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, unaligned length",
         START(PAGE, 1, {0, PAGE + 1}),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, page size 0",
         START(0, 1, {PAGE, PAGE}),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, a range up to 2^64",
         START(PAGE, 1, {TOP, PAGE}),
         .state = S_LOGS,
         .expected = -EOVERFLOW},
	{.name = "start, unaligned comes before wrapping",
         START(PAGE, 1, {UINT64_MAX, PAGE}),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, ranges that overlap",
         START(PAGE, 2, {0, 2 * PAGE}, {PAGE, PAGE}),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "start, the first bad range decides",
         START(PAGE, 2, {TOP, PAGE}, {1, PAGE}),
         .state = S_LOGS,
         .expected = -EOVERFLOW},

	{.name = "stop", STOP(8, SETS), .state = S_LOGGING, .also = S_LOGS},
	{.name = "stop, asked for as an answer",
         STOP(8, GET),
         .state = S_LOGGING,
         .expected = -EINVAL},
	{.name = "stop, is it there",
         STOP(8, SETS | VFIO_DEVICE_FEATURE_PROBE),
         .state = S_LOGGING,
         .also = S_LOGS},

	{.name = "report", REPORT(0, PAGE, PAGE), .state = S_LOGGING},
	{.name = "report of large pages",
         REPORT(0, PAGE, 0x200000),
         .state = S_LOGGING},
	{.name = "report of what is not watched",
         REPORT(0x500000, PAGE, PAGE),
         .state = S_LOGGING},
	{.name = "report while it does not log",
         REPORT(0, PAGE, PAGE),
         .state = S_LOGS,
         .expected = -EINVAL},
	{.name = "report, pages too small",
         REPORT(0, PAGE, PAGE / 2),
         .state = S_LOGGING,
         .also = S_LOGS,
         .expected = -EINVAL},
	{.name = "report, pages of no power of two",
         REPORT(0, PAGE, 3 * PAGE),
         .state = S_LOGGING,
         .expected = -EINVAL},
	{.name = "report up to 2^64",
         REPORT(TOP, PAGE, PAGE),
         .state = S_LOGGING,
         .expected = -EOVERFLOW},
	{.name = "report, page size comes before wrapping",
         REPORT(TOP, PAGE, 1),
         .state = S_LOGGING,
         .expected = -EINVAL},
	/* What is not written to is not looked at, since it is not pinned. */
	{.name = "report of nothing, bitmap in a hole",
         REPORT_AT(HOLE(0), 0, PAGE, PAGE),
         .state = S_LOGGING,
         .in = NEW},
	{.name = "report of nothing, bitmap in a hole",
         REPORT_AT(HOLE(0), 0, PAGE, PAGE),
         .state = S_LOGGING,
         .in = IN_6_12,
         .expected = -EFAULT},
};

const struct abi_set abi_logging_set = {
	.subject = "DMA logging",
	.source = "Linux 7.3 drivers/vfio/vfio_main.c "
		  "(vfio_ioctl_device_feature_logging_start), "
		  "drivers/vfio/pci/mlx5/cmd.c",
	.rows = rows,
	.count = COUNT(rows),
};
