/* SPDX-License-Identifier: MIT */
/* Findings as text: each line of it, and what does not fit. */
#include <string.h>

#include <ioas/perm.h>

#include "rig.h"
#include "watch/finding.h"

static char room[2048];

static void write_site(const struct ioas_finding_writer *self,
                       struct ioas_text *text, const char *label, uint32_t site)
{
	(void)self;
	ioas_text_add(text, "  %-12s site %u\n", label, site);
}

static const char *text_of(const struct ioas_finding *finding)
{
	static const struct ioas_finding_writer writer = {write_site};
	struct ioas_text text = {room, 0, sizeof(room)};

	ioas_finding_text(finding, &writer, &text);
	return room;
}

static const struct ioas_finding late = {
	.check = IOAS_CHECK_USE_AFTER_UNMAP,
	.perm = IOAS_WRITE,
	.range = {0x10a400000, 0x10a400fff},
	.device = "0000:01:00.0",
	.model = "nvme",
	.command = "READ",
	.role = "PRP1",
	.queue = 2,
	.id = 0x18,
	.piece = {{{0x10a400000, 0x10a400fff}, IOAS_FAULT_UNMAPPED}},
	.pieces = 1,
	.site_map = 4,
	.site_gone = 5,
	.site_now = 6,
	.age_ns = 1890000,
	.thread = 33,
};

static const struct ioas_finding left = {
	.check = IOAS_CHECK_LEAK_ON_CLOSE,
	.perm = IOAS_READ | IOAS_WRITE,
	.range = {0x10000, 0x10fff},
	.uaddr = 0x7000,
	.space = 3,
	.device = "0000:01:00.0",
	.site_map = 4,
	.site_now = 6,
};

static void an_access_is_a_line_and_what_explains_it(struct rig *r)
{
	(void)r;
	assert_string_equal(
		text_of(&late),
		"ERROR: use-after-unmap: DMA fault: device 0000:01:00.0 (nvme) "
		"cannot WRITE 4096 bytes at IOVA 0x10a400000: not mapped any "
		"more\n"
		"  issued by:   SQ 1, CID 0x17, READ, PRP1\n"
		"  done by:     site 6\n"
		"  unmapped at: site 5\n"
		"               1.8 ms before, by thread 33\n"
		"  mapped at:   site 4\n"
		"  law:         SPACE-2\n");
}

static void a_moment_ago_is_told_in_microseconds(struct rig *r)
{
	struct ioas_finding f = late;

	(void)r;
	f.age_ns = 999999;
	f.same_thread = 1;
	assert_non_null(strstr(text_of(&f),
	                       "               999 us before, by this thread, "
	                       "33\n"));
}

static void pieces_are_listed_when_the_access_was_refused_in_part(struct rig *r)
{
	struct ioas_finding f = late;

	(void)r;
	f.check = IOAS_CHECK_WILD_DMA;
	f.site_gone = 0;
	f.age_ns = f.thread = 0;
	f.range.last = 0x10a403fff;
	f.piece[1].range = (struct iova_range){0x10a402000, 0x10a402fff};
	f.piece[1].fault = IOAS_FAULT_PERMISSION;
	f.pieces = 2;
	f.more = 1;
	assert_non_null(strstr(text_of(&f),
	                       "  refused:     0x10a400000-0x10a400fff: not "
	                       "mapped\n"
	                       "               0x10a402000-0x10a402fff: "
	                       "mapped, but not for this\n"
	                       "               and more of it\n"));
	assert_null(strstr(room, "unmapped at"));
	assert_null(strstr(room, "before"));
}

static void neighbours_are_shown_where_there_are_any(struct rig *r)
{
	struct ioas_finding f = late;

	(void)r;
	assert_null(strstr(text_of(&f), "neighbours"));
	f.above.range = (struct iova_range){0x10a500000, 0x10a5fffff};
	f.above.perm = IOAS_READ;
	f.below.range = (struct iova_range){0x10a200000, 0x10a3fffff};
	f.below.perm = IOAS_READ | IOAS_WRITE;
	assert_non_null(
		strstr(text_of(&f),
	               "  neighbours:  0x10a200000-0x10a3fffff READ|WRITE, "
	               "below\n"
	               "               0x10a500000-0x10a5fffff READ, above\n"));
}

static void each_kind_of_leak_reads_differently(struct rig *r)
{
	struct ioas_finding f = left;

	(void)r;
	assert_non_null(strstr(text_of(&f),
	                       "ERROR: leak-on-close: leak at close: still "
	                       "mapped: IOVA 0x10000-0x10fff (READ|WRITE, "
	                       "program memory 0x7000, container 3)\n"));
	assert_non_null(strstr(room, "  closed at:   site 6\n"));
	f.check = IOAS_CHECK_LEAK_AT_RESET;
	assert_non_null(strstr(text_of(&f), "note: leak-at-reset: alive at "
	                                    "reset of 0000:01:00.0: still"));
	f.check = IOAS_CHECK_LEAK_AT_EXIT;
	assert_non_null(strstr(text_of(&f), "note: leak-at-exit: alive at "
	                                    "exit: still mapped"));
	assert_null(strstr(room, "site 6"));
	f.check = IOAS_CHECK_FREED_WHILE_MAPPED;
	assert_non_null(strstr(text_of(&f), "ERROR: freed-while-mapped: memory "
	                                    "given back while it is mapped"));
	assert_non_null(strstr(room, "  freed at:    site 6\n"));
	assert_null(strstr(room, "window"));
	f.early = 1;
	f.window = 2;
	f.site_registered = 8;
	assert_non_null(strstr(text_of(&f), "given back before it was mapped"));
	assert_non_null(strstr(room, ", container 3, window 1)\n"));
	assert_non_null(strstr(room, "  registered:  site 8\n"));
}

static void what_is_not_known_is_left_out(struct rig *r)
{
	struct ioas_finding f = {.check = IOAS_CHECK_NO_BUS_MASTER,
	                         .perm = IOAS_READ,
	                         .pieces = 1,
	                         .piece = {{{0, 0}, IOAS_FAULT_NO_MASTER}}};

	(void)r;
	assert_string_equal(text_of(&f),
	                    "ERROR: no-bus-master: DMA fault: device ? (?) "
	                    "cannot READ 1 bytes at IOVA 0x0: bus mastering is "
	                    "off in its command register\n");
	/* What another version may say. */
	f.piece[0].fault = 999;
	f.perm = 0;
	assert_non_null(strstr(text_of(&f), "cannot nothing"));
	assert_non_null(strstr(room, ": refused"));
}

static void what_does_not_fit_is_cut(struct rig *r)
{
	static const struct ioas_finding_writer writer = {write_site};
	char small[64];
	struct ioas_text text = {small, 0, sizeof(small)};

	(void)r;
	ioas_finding_text(&late, &writer, &text);
	assert_int_equal(text.used, sizeof(small) - 1);
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void a_suppression_looks_at_the_place_that_erred(struct rig *r)
{
	struct ioas_finding f = late;

	(void)r;
	assert_int_equal(ioas_finding_site(&f), 5);
	f.site_gone = 0;
	assert_int_equal(ioas_finding_site(&f), 4);
	f.site_map = 0;
	assert_int_equal(ioas_finding_site(&f), 6);
	assert_int_equal(ioas_finding_site(&left), 4);
	f = left;
	f.check = IOAS_CHECK_FREED_WHILE_MAPPED;
	assert_int_equal(ioas_finding_site(&f), 6);
	f.check = IOAS_CHECK_STALE_MAP;
	assert_int_equal(ioas_finding_site(&f), 6);
}

static void a_summary_has_errors_before_notes(struct rig *r)
{
	struct ioas_tally tally[IOAS_CHECK_NR] = {{0}};
	struct ioas_text text = {room, 0, sizeof(room)};

	(void)r;
	ioas_summary_text(tally, &text);
	assert_int_equal(text.used, 0);
	tally[IOAS_CHECK_LEAK_AT_EXIT] = (struct ioas_tally){4, 8192, 1};
	ioas_summary_text(tally, &text);
	assert_string_equal(room, "summary: notes: 4 leak-at-exit (8 KiB)");
	text.used = 0;
	tally[IOAS_CHECK_WILD_DMA] = (struct ioas_tally){150, 0, 1};
	tally[IOAS_CHECK_LEAK_ON_CLOSE] = (struct ioas_tally){2, 4096, 1};
	ioas_summary_text(tally, &text);
	assert_string_equal(room, "summary: 150 wild-dma, 2 leak-on-close (4 "
	                          "KiB); notes: 4 leak-at-exit (8 KiB)");
}

RIG_MAIN("watch_text", RIG_TEST(an_access_is_a_line_and_what_explains_it),
         RIG_TEST(a_moment_ago_is_told_in_microseconds),
         RIG_TEST(pieces_are_listed_when_the_access_was_refused_in_part),
         RIG_TEST(neighbours_are_shown_where_there_are_any),
         RIG_TEST(each_kind_of_leak_reads_differently),
         RIG_TEST(what_is_not_known_is_left_out),
         RIG_TEST(what_does_not_fit_is_cut),
         RIG_TEST(a_suppression_looks_at_the_place_that_erred),
         RIG_TEST(a_summary_has_errors_before_notes))
