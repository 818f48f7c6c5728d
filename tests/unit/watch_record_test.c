/* SPDX-License-Identifier: MIT */
/* A finding goes through a record unchanged, and a bad record does no harm. */
#include <string.h>

#include "rig.h"
#include "watch/finding.h"

static char record[2048];

/* Every byte that is not a pointer or the check has a value of its own. */
static struct ioas_finding full(void)
{
	struct ioas_finding f;
	unsigned int i;

	for (i = 0; i < sizeof(f) / 4; i++)
		((uint32_t *)(void *)&f)[i] = 0x11110000 + i;
	f.check = IOAS_CHECK_READ_ONLY;
	f.device = "0000:01:00.0";
	f.model = "nvme";
	f.command = "READ";
	f.role = "PRP list";
	f.victim = "0000:02:00.0";
	f.pieces = IOAS_FINDING_PIECES;
	return f;
}

static void assert_same(const struct ioas_finding *a,
                        const struct ioas_finding *b)
{
	struct ioas_finding x = *a, y = *b;
	const uint32_t *left = (const uint32_t *)(const void *)&x;
	const uint32_t *right = (const uint32_t *)(const void *)&y;
	unsigned int i;

	assert_string_equal(x.device, y.device);
	assert_string_equal(x.model, y.model);
	assert_string_equal(x.command, y.command);
	assert_string_equal(x.role, y.role);
	assert_string_equal(x.victim, y.victim);
	x.device = x.model = x.command = x.role = x.victim = NULL;
	y.device = y.model = y.command = y.role = y.victim = NULL;
	for (i = 0; i < sizeof(x) / 4; i++)
		/* Padding is not carried. */
		if (right[i])
			assert_int_equal(left[i], right[i]);
}

static void every_field_survives(struct rig *r)
{
	struct ioas_finding f = full(), back;
	size_t bytes = ioas_finding_encode(&f, record, sizeof(record));
	unsigned int i, zero = 0;

	(void)r;
	assert_true(bytes > 0 && bytes < sizeof(record));
	assert_true(ioas_finding_decode(record, &back));
	assert_same(&f, &back);
	for (i = 0; i < sizeof(back) / 4; i++)
		zero += !((uint32_t *)(void *)&back)[i];
	/* Upper halves of pointers aside, only padding is zero. */
	assert_true(zero <= 15);
}

static void a_finding_with_little_to_say_is_short(struct rig *r)
{
	struct ioas_finding f = {.check = IOAS_CHECK_LEAK_AT_EXIT, .number = 1},
			    back;

	(void)r;
	ioas_finding_encode(&f, record, sizeof(record));
	assert_string_equal(record, "check=leak-at-exit\nnumber=1\n");
	assert_true(ioas_finding_decode(record, &back));
	assert_int_equal(back.check, IOAS_CHECK_LEAK_AT_EXIT);
	assert_null(back.device);
}

static void what_does_not_fit_is_left_out_by_whole_lines(struct rig *r)
{
	struct ioas_finding f = full(), back;
	size_t room;

	(void)r;
	for (room = 32; room < 512; room++) {
		size_t bytes = ioas_finding_encode(&f, record, room);

		assert_true(bytes < room);
		assert_int_equal(record[bytes - 1], '\n');
		assert_true(ioas_finding_decode(record, &back));
		assert_int_equal(back.check, IOAS_CHECK_READ_ONLY);
	}
}

static void a_name_with_a_newline_cannot_forge_a_field(struct rig *r)
{
	struct ioas_finding f = {.check = IOAS_CHECK_LEAK_AT_EXIT,
	                         .device = "a\nnumber=9"},
			    back;

	(void)r;
	ioas_finding_encode(&f, record, sizeof(record));
	assert_true(ioas_finding_decode(record, &back));
	assert_int_equal(back.number, 0);
	assert_null(back.device);
}

static void what_is_no_record_is_refused(struct rig *r)
{
	static const char *const bad[] = {
		"",
		"\n",
		"=",
		"number=1\n",
		"check\n",
		"check=\n",
		"check=no-such-check\nnumber=1\n",
	};
	struct ioas_finding back;
	unsigned int i;

	(void)r;
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		strcpy(record, bad[i]);
		assert_false(ioas_finding_decode(record, &back));
	}
}

static void what_a_record_says_too_much_is_left_alone(struct rig *r)
{
	struct ioas_finding back;

	(void)r;
	strcpy(record, "colour=red\ncheck=wild-dma\npieces=ffffffff\nline");
	assert_true(ioas_finding_decode(record, &back));
	assert_int_equal(back.check, IOAS_CHECK_WILD_DMA);
	assert_int_equal(back.pieces, IOAS_FINDING_PIECES);
}

RIG_MAIN("watch_record", RIG_TEST(every_field_survives),
         RIG_TEST(a_finding_with_little_to_say_is_short),
         RIG_TEST(what_does_not_fit_is_left_out_by_whole_lines),
         RIG_TEST(a_name_with_a_newline_cannot_forge_a_field),
         RIG_TEST(what_is_no_record_is_refused),
         RIG_TEST(what_a_record_says_too_much_is_left_alone))
