/* SPDX-License-Identifier: MIT */
/* Events to lines: what is said, how often, and what is never said. */
#include <string.h>

#include <ioas/device.h>

#include "rig.h"
#include "watch/watch.h"

static struct ioas_watch watch;
static char last[1024];
static enum ioas_severity last_severity;
static unsigned int lines;

static void sink(enum ioas_severity severity, const char *text)
{
	last_severity = severity;
	strncpy(last, text, sizeof(last) - 1);
	lines++;
}

/* The observers of a process are never taken away: one watch serves all. */
static void begin(void)
{
	if (!watch.sink)
		ioas_watch_init(&watch, sink);
	memset(watch.count, 0, sizeof(watch.count));
	memset(watch.bytes, 0, sizeof(watch.bytes));
	memset(last, 0, sizeof(last));
	lines = 0;
}

static const struct ioas_issuer read_prp1 = {"READ", "PRP1", 1, 0x17};

static const struct ioas_event fault = {
	.kind = IOAS_EVENT_DMA_FAULT,
	.fault = IOAS_FAULT_UNMAPPED,
	.perm = IOAS_WRITE,
	.range = {0x10a400000, 0x10a400fff},
	.device = "0000:01:00.0",
	.model = "nvme",
	.issuer = &read_prp1,
};

static const struct ioas_event left = {
	.kind = IOAS_EVENT_LIVE_AT_CLOSE,
	.perm = IOAS_READ | IOAS_WRITE,
	.range = {0x10000, 0x10fff},
	.uaddr = {0x7000},
	.space = 3,
};

static void a_fault_is_named_with_the_command_behind_it(struct rig *r)
{
	(void)r;
	begin();
	ioas_tell(&fault);
	assert_int_equal(last_severity, IOAS_FINDING);
	assert_string_equal(
		last, "DMA fault: device 0000:01:00.0 (nvme) cannot WRITE 4096 "
		      "bytes at IOVA 0x10a400000: not mapped; issued by SQ 1, "
		      "CID 0x17, READ, PRP1");
}

static void each_reason_of_a_fault_reads_differently(struct rig *r)
{
	char seen[8][sizeof(last)];
	struct ioas_event ev = fault;
	unsigned int i, j;

	(void)r;
	begin();
	for (i = IOAS_FAULT_UNMAPPED; i <= IOAS_FAULT_NO_SPACE; i++) {
		ev.fault = (enum ioas_fault)i;
		ioas_tell(&ev);
		strcpy(seen[i], last);
		for (j = IOAS_FAULT_UNMAPPED; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
}

static void an_issuer_says_only_what_it_has(struct rig *r)
{
	struct ioas_issuer engine = {"DMA", NULL, -1, -1};
	struct ioas_event ev = fault;

	(void)r;
	begin();
	ev.issuer = &engine;
	ioas_tell(&ev);
	assert_non_null(strstr(last, "not mapped; issued by DMA"));
	assert_null(strstr(last, "SQ"));
	ev.issuer = NULL;
	ioas_tell(&ev);
	assert_null(strstr(last, "issued by"));
}

static void a_mapping_left_at_close_is_a_finding_at_exit_a_note(struct rig *r)
{
	struct ioas_event ev = left;

	(void)r;
	begin();
	ioas_tell(&ev);
	assert_int_equal(last_severity, IOAS_FINDING);
	assert_non_null(strstr(last, "0x10000-0x10fff (READ|WRITE, program "
	                             "memory 0x7000, container 3)"));
	ev.kind = IOAS_EVENT_LIVE_AT_EXIT;
	ioas_tell(&ev);
	assert_int_equal(last_severity, IOAS_NOTE);
}

static void a_flood_is_counted_and_not_printed(struct rig *r)
{
	unsigned int i;

	(void)r;
	begin();
	for (i = 0; i < IOAS_WATCH_NAMED + 50; i++)
		ioas_tell(&fault);
	assert_int_equal(lines, IOAS_WATCH_NAMED);
	ioas_watch_summary(&watch);
	assert_string_equal(last, "summary: 150 DMA faults");
}

static void nothing_found_is_nothing_said(struct rig *r)
{
	struct ioas_event ev = left;

	(void)r;
	begin();
	ev.kind = IOAS_EVENT_MAP;
	ioas_tell(&ev);
	ev.kind = IOAS_EVENT_UNMAP;
	ioas_tell(&ev);
	ioas_watch_summary(&watch);
	assert_int_equal(lines, 0);
}

static void an_unknown_command_is_a_complaint(struct rig *r)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_UNKNOWN,
	                        .number = 0x3b75,
	                        .what = "container"};

	(void)r;
	begin();
	ioas_tell(&ev);
	assert_int_equal(last_severity, IOAS_COMPLAINT);
	assert_non_null(strstr(last, "ioctl 0x3b75 on a container"));
	ev.kind = IOAS_EVENT_STALE_FILE;
	ioas_tell(&ev);
	assert_int_equal(last_severity, IOAS_COMPLAINT);
}

RIG_MAIN("watch_watch", RIG_TEST(a_fault_is_named_with_the_command_behind_it),
         RIG_TEST(each_reason_of_a_fault_reads_differently),
         RIG_TEST(an_issuer_says_only_what_it_has),
         RIG_TEST(a_mapping_left_at_close_is_a_finding_at_exit_a_note),
         RIG_TEST(a_flood_is_counted_and_not_printed),
         RIG_TEST(nothing_found_is_nothing_said),
         RIG_TEST(an_unknown_command_is_a_complaint))
