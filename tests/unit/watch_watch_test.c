/* SPDX-License-Identifier: MIT */
/* Events to findings: what is found, how often, and what is never said. */
#include <string.h>

#include <ioas/device.h>

#include "rig.h"
#include "watch/watch.h"

static struct ioas_watch watch;
static struct ioas_finding last;
static unsigned int found_count, complaints;
static char complaint[256];
static uint64_t time_now;
static uint32_t thread_now;

static void found(const struct ioas_finding *finding)
{
	last = *finding;
	found_count++;
}

static void complain(const char *text)
{
	strncpy(complaint, text, sizeof(complaint) - 1);
	complaints++;
}

static uint64_t now(void)
{
	return time_now;
}

static uint32_t thread(void)
{
	return thread_now;
}

/* The observers of a process are never taken away: one watch serves all. */
static void begin_with(const char *list)
{
	static const struct ioas_watch_ways ways = {found, complain, now,
	                                            thread};
	const char *wrong;
	size_t length;
	uint32_t checks;

	assert_true(ioas_checks_parse(list, &checks, &wrong, &length));
	if (!watch.ways)
		ioas_watch_init(&watch, &ways, 0);
	ioas_watch_forget(&watch);
	watch.checks = checks;
	memset(&last, 0, sizeof(last));
	found_count = complaints = 0;
	time_now = 1000;
	thread_now = 7;
}

static void begin(void)
{
	begin_with("default");
}

static const struct ioas_issuer read_prp1 = {"READ", "PRP1", 1, 0x17,
                                             IOAS_NO_PASID};

static const struct ioas_event fault = {
	.kind = IOAS_EVENT_DMA_FAULT,
	.fault = IOAS_FAULT_UNMAPPED,
	.perm = IOAS_WRITE,
	.space = 3,
	.range = {0x10a400000, 0x10a400fff},
	.device = "0000:01:00.0",
	.model = "nvme",
	.issuer = &read_prp1,
};

static const struct ioas_event mapping = {
	.kind = IOAS_EVENT_LIVE_AT_CLOSE,
	.perm = IOAS_READ | IOAS_WRITE,
	.range = {0x10a400000, 0x10a400fff},
	.uaddr = {0x7000},
	.space = 3,
	.site = 41,
	.site_now = 42,
};

static void tell_mapping(enum ioas_event_kind kind)
{
	struct ioas_event ev = mapping;

	ev.kind = kind;
	ioas_tell(&ev);
}

static void a_fault_carries_the_command_behind_it(struct rig *r)
{
	(void)r;
	begin();
	ioas_tell(&fault);
	assert_int_equal(last.check, IOAS_CHECK_WILD_DMA);
	assert_int_equal(last.number, 1);
	assert_string_equal(last.command, "READ");
	assert_string_equal(last.role, "PRP1");
	assert_int_equal(last.queue, 2);
	assert_int_equal(last.id, 0x18);
	assert_int_equal(last.pieces, 1);
	assert_int_equal(last.piece[0].fault, IOAS_FAULT_UNMAPPED);
}

static void an_issuer_says_only_what_it_has(struct rig *r)
{
	struct ioas_issuer engine = {"DMA", NULL, -1, -1, IOAS_NO_PASID};
	struct ioas_event ev = fault;

	(void)r;
	begin();
	ev.issuer = &engine;
	ioas_tell(&ev);
	assert_int_equal(last.queue, 0);
	assert_int_equal(last.id, 0);
	assert_null(last.role);
	ev.issuer = NULL;
	ioas_tell(&ev);
	assert_null(last.command);
}

static void an_access_is_told_with_all_that_was_refused(struct rig *r)
{
	struct ioas_event_access access = {
		.range = {0x1000, 0x4fff},
		.piece = {{{0x2000, 0x2fff}, IOAS_FAULT_UNMAPPED},
	                  {{0x4000, 0x4fff}, IOAS_FAULT_PERMISSION}},
		.pieces = 2,
		.more = true,
		.at = {{0x2000, 0x2fff}, {0}, IOAS_READ, 0},
		.below = {{0x1000, 0x1fff}, {0}, IOAS_WRITE, 0},
		.above = {{0x4000, 0x5fff}, {0}, IOAS_READ, 0},
	};
	struct ioas_event ev = fault;

	(void)r;
	begin();
	ev.access = &access;
	ioas_tell(&ev);
	assert_int_equal(last.range.first, 0x1000);
	assert_int_equal(last.pieces, 2);
	assert_int_equal(last.piece[1].range.last, 0x4fff);
	assert_int_equal(last.piece[1].fault, IOAS_FAULT_PERMISSION);
	assert_true(last.more);
	assert_int_equal(last.at.perm, IOAS_READ);
	assert_int_equal(last.below.perm, IOAS_WRITE);
	assert_int_equal(last.above.range.last, 0x5fff);
}

static void each_reason_of_a_fault_has_a_check(struct rig *r)
{
	static const struct {
		enum ioas_fault fault;
		unsigned int perm;
		enum ioas_check_id check;
	} rows[] = {
		{IOAS_FAULT_UNMAPPED, IOAS_READ, IOAS_CHECK_WILD_DMA},
		{IOAS_FAULT_PERMISSION, IOAS_WRITE, IOAS_CHECK_READ_ONLY},
		{IOAS_FAULT_PERMISSION, IOAS_READ, IOAS_CHECK_WRITE_ONLY},
		{IOAS_FAULT_APERTURE, IOAS_READ, IOAS_CHECK_OUTSIDE_APERTURE},
		{IOAS_FAULT_GONE, IOAS_READ, IOAS_CHECK_MEMORY_GONE},
		{IOAS_FAULT_NO_MASTER, IOAS_READ, IOAS_CHECK_NO_BUS_MASTER},
		{IOAS_FAULT_NO_SPACE, IOAS_READ, IOAS_CHECK_NO_CONTAINER},
		{IOAS_FAULT_PEER, IOAS_WRITE, IOAS_CHECK_PEER},
	};
	struct ioas_event ev = fault;
	unsigned int i;

	(void)r;
	begin();
	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		ev.fault = rows[i].fault;
		ev.perm = rows[i].perm;
		ioas_tell(&ev);
		assert_int_equal(last.check, rows[i].check);
		assert_int_equal(found_count, i + 1);
	}
}

static void an_access_after_unmap_is_told_from_a_wild_one(struct rig *r)
{
	struct ioas_event ev = fault;

	(void)r;
	begin();
	tell_mapping(IOAS_EVENT_UNMAP);
	time_now += 1800000;
	thread_now = 8;
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_USE_AFTER_UNMAP);
	assert_int_equal(last.site_map, 41);
	assert_int_equal(last.site_gone, 42);
	assert_int_equal(last.age_ns, 1800000);
	assert_int_equal(last.thread, 7);
	assert_false(last.same_thread);
	/* Beside it, and in another space. */
	ev.range = (struct iova_range){0x10a401000, 0x10a401fff};
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_WILD_DMA);
	ev.range = fault.range;
	ev.space = 4;
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_WILD_DMA);
}

static void a_device_without_a_container_knows_what_was_unmapped(struct rig *r)
{
	struct ioas_event ev = fault;

	(void)r;
	begin();
	tell_mapping(IOAS_EVENT_UNMAP);
	ev.fault = IOAS_FAULT_NO_SPACE;
	ev.space = 0;
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_NO_CONTAINER);
	assert_int_equal(last.site_gone, 42);
	assert_true(last.same_thread);
}

static void
memory_freed_while_mapped_is_a_finding_and_explains_more(struct rig *r)
{
	struct ioas_event ev = fault;

	(void)r;
	begin();
	tell_mapping(IOAS_EVENT_FREED);
	assert_int_equal(last.check, IOAS_CHECK_FREED_WHILE_MAPPED);
	assert_int_equal(last.uaddr, 0x7000);
	ev.fault = IOAS_FAULT_GONE;
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_MEMORY_GONE);
	assert_int_equal(last.site_gone, 42);
	/* It is no unmap. */
	ev.fault = IOAS_FAULT_UNMAPPED;
	ioas_tell(&ev);
	assert_int_equal(last.check, IOAS_CHECK_WILD_DMA);
}

static void leaks_at_close_reset_and_exit_are_told_apart(struct rig *r)
{
	(void)r;
	begin_with("all");
	tell_mapping(IOAS_EVENT_LIVE_AT_CLOSE);
	assert_int_equal(last.check, IOAS_CHECK_LEAK_ON_CLOSE);
	assert_int_equal(ioas_checks[last.check].severity, IOAS_FINDING);
	tell_mapping(IOAS_EVENT_LIVE_AT_RESET);
	assert_int_equal(last.check, IOAS_CHECK_LEAK_AT_RESET);
	assert_int_equal(ioas_checks[last.check].severity, IOAS_NOTE);
	tell_mapping(IOAS_EVENT_LIVE_AT_EXIT);
	assert_int_equal(last.check, IOAS_CHECK_LEAK_AT_EXIT);
	assert_int_equal(ioas_checks[last.check].severity, IOAS_NOTE);
	assert_int_equal(last.number, 3);
}

static void each_reason_of_a_denial_has_a_check(struct rig *r)
{
	static const char *const name[IOAS_DENIED_NR] = {
		[IOAS_DENIED_NO_IOMMU] = "map-before-iommu",
		[IOAS_DENIED_MAPPED] = "stale-map",
		[IOAS_DENIED_ENTRIES] = "entry-limit",
		[IOAS_DENIED_MEMLOCK] = "memlock",
		[IOAS_DENIED_APERTURE] = "map-outside-aperture",
		[IOAS_DENIED_RESERVED] = "reserved-overlap",
		[IOAS_DENIED_EMPTY] = "zero-unmap",
		[IOAS_DENIED_UNREGISTERED] = "map-unregistered",
		[IOAS_DENIED_NOT_ENABLED] = "map-before-enable",
	};
	struct ioas_event ev = {.kind = IOAS_EVENT_DENIED, .site_now = 5};

	(void)r;
	begin_with("all");
	for (ev.number = 0; ev.number < IOAS_DENIED_NR; ev.number++) {
		ioas_tell(&ev);
		assert_int_equal(found_count, ev.number + 1);
		assert_string_equal(ioas_checks[last.check].name,
		                    name[ev.number]);
		assert_false(ioas_checks[last.check].by_default);
	}
	/* The same call again, elsewhere. */
	ev.number = IOAS_DENIED_MAPPED;
	ev.range = (struct iova_range){0x5000, 0x5fff};
	ioas_tell(&ev);
	assert_int_equal(found_count, IOAS_DENIED_NR);
}

static void a_check_that_is_off_finds_nothing(struct rig *r)
{
	struct ioas_tally tally[IOAS_CHECK_NR];

	(void)r;
	begin();
	tell_mapping(IOAS_EVENT_LIVE_AT_RESET);
	assert_int_equal(found_count, 0);
	begin_with("none");
	ioas_tell(&fault);
	tell_mapping(IOAS_EVENT_LIVE_AT_CLOSE);
	assert_int_equal(found_count, 0);
	ioas_watch_tally(&watch, tally);
	assert_int_equal(tally[IOAS_CHECK_WILD_DMA].count, 0);
}

static uint32_t again_number;
static uint64_t again_count, again_bytes;
static unsigned int agains;

static void again(uint32_t number, uint64_t count, uint64_t bytes)
{
	again_number = number;
	again_count = count;
	again_bytes = bytes;
	agains++;
}

static void WATCH_1_one_cause_is_reported_once_and_counted(struct rig *r)
{
	struct ioas_event ev = mapping;
	struct ioas_tally tally[IOAS_CHECK_NR];
	unsigned int i;

	(void)r;
	begin();
	ioas_tell(&fault);
	for (i = 0; i < 10; i++) {
		ev.range.first += 0x1000;
		ev.range.last += 0x1000;
		ioas_tell(&ev);
	}
	assert_int_equal(found_count, 2);
	agains = 0;
	ioas_watch_repeated(&watch, again);
	assert_int_equal(agains, 1);
	assert_int_equal(again_number, 2);
	assert_int_equal(again_count, 10);
	assert_int_equal(again_bytes, 0xa000);
	ioas_watch_tally(&watch, tally);
	assert_int_equal(tally[IOAS_CHECK_LEAK_ON_CLOSE].count, 10);
	assert_int_equal(tally[IOAS_CHECK_LEAK_ON_CLOSE].reported, 1);
	assert_int_equal(tally[IOAS_CHECK_WILD_DMA].bytes, 0);
}

static void
WATCH_1_another_site_command_or_device_is_another_cause(struct rig *r)
{
	struct ioas_issuer write = {"WRITE", "PRP1", 1, 0x17, IOAS_NO_PASID};
	struct ioas_event ev = fault;

	(void)r;
	begin();
	ev.site = 1;
	ioas_tell(&ev);
	ev.site = 2;
	ioas_tell(&ev);
	assert_int_equal(found_count, 2);
	ev.site_now = 3;
	ioas_tell(&ev);
	assert_int_equal(found_count, 3);
	ev.issuer = &write;
	ioas_tell(&ev);
	assert_int_equal(found_count, 4);
	ev.device = "0000:02:00.0";
	ioas_tell(&ev);
	assert_int_equal(found_count, 5);
	/* Only the command's number differs. */
	write.id++;
	ioas_tell(&ev);
	assert_int_equal(found_count, 5);
}

static void without_sites_the_address_tells_causes_apart(struct rig *r)
{
	struct ioas_event ev = fault;

	(void)r;
	begin();
	ioas_tell(&ev);
	ioas_tell(&ev);
	assert_int_equal(found_count, 1);
	ev.range.first += 0x1000;
	ev.range.last += 0x1000;
	ioas_tell(&ev);
	assert_int_equal(found_count, 2);
}

static void a_flood_of_causes_is_counted_and_not_reported(struct rig *r)
{
	struct ioas_tally tally[IOAS_CHECK_NR];
	struct ioas_event ev = fault;
	unsigned int i;

	(void)r;
	begin();
	for (i = 0; i < IOAS_SEEN_MAX + 100; i++) {
		ev.range.first += 0x1000;
		ev.range.last += 0x1000;
		ioas_tell(&ev);
	}
	assert_int_equal(found_count, IOAS_WATCH_NAMED);
	ioas_watch_tally(&watch, tally);
	assert_int_equal(tally[IOAS_CHECK_WILD_DMA].count, IOAS_SEEN_MAX + 100);
	assert_int_equal(tally[IOAS_CHECK_WILD_DMA].reported, IOAS_WATCH_NAMED);
	/* Others are not kept from being reported. */
	ioas_tell(&mapping);
	assert_int_equal(found_count, IOAS_WATCH_NAMED + 1);
}

static void WATCH_2_nothing_found_is_nothing_said(struct rig *r)
{
	struct ioas_tally tally[IOAS_CHECK_NR];
	unsigned int i;

	(void)r;
	begin();
	tell_mapping(IOAS_EVENT_MAP);
	tell_mapping(IOAS_EVENT_UNMAP);
	tell_mapping(IOAS_EVENT_RESET);
	assert_int_equal(found_count + complaints, 0);
	ioas_watch_tally(&watch, tally);
	for (i = 0; i < IOAS_CHECK_NR; i++)
		assert_int_equal(tally[i].count, 0);
}

static void what_ioas_cannot_do_is_a_complaint(struct rig *r)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_UNKNOWN,
	                        .number = 0x3b75,
	                        .what = "container"};

	(void)r;
	/* Whatever is checked. */
	begin_with("none");
	ioas_tell(&ev);
	assert_non_null(strstr(complaint, "ioctl 0x3b75 on a container"));
	ev.kind = IOAS_EVENT_STALE_FILE;
	ioas_tell(&ev);
	assert_non_null(strstr(complaint, "inherited from the parent"));
	assert_int_equal(complaints, 2);
	assert_int_equal(found_count, 0);
}

RIG_MAIN("watch_watch", RIG_TEST(a_fault_carries_the_command_behind_it),
         RIG_TEST(an_issuer_says_only_what_it_has),
         RIG_TEST(an_access_is_told_with_all_that_was_refused),
         RIG_TEST(each_reason_of_a_fault_has_a_check),
         RIG_TEST(an_access_after_unmap_is_told_from_a_wild_one),
         RIG_TEST(a_device_without_a_container_knows_what_was_unmapped),
         RIG_TEST(memory_freed_while_mapped_is_a_finding_and_explains_more),
         RIG_TEST(leaks_at_close_reset_and_exit_are_told_apart),
         RIG_TEST(each_reason_of_a_denial_has_a_check),
         RIG_TEST(a_check_that_is_off_finds_nothing),
         RIG_TEST(WATCH_1_one_cause_is_reported_once_and_counted),
         RIG_TEST(WATCH_1_another_site_command_or_device_is_another_cause),
         RIG_TEST(without_sites_the_address_tells_causes_apart),
         RIG_TEST(a_flood_of_causes_is_counted_and_not_reported),
         RIG_TEST(WATCH_2_nothing_found_is_nothing_said),
         RIG_TEST(what_ioas_cannot_do_is_a_complaint))
