/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/lines.h"
#include "rig.h"

static struct ioas_lines lines_of(const char *text, size_t bytes)
{
	struct ioas_lines l = {.fd = memfd_create("lines", MFD_CLOEXEC)};

	assert_true(l.fd >= 0);
	assert_int_equal(write((int)l.fd, text, bytes), bytes);
	assert_int_equal(lseek((int)l.fd, 0, SEEK_SET), 0);
	return l;
}

static void lines_come_one_by_one(struct rig *r)
{
	static const char text[] = "first\n\nthird line\n";
	struct ioas_lines l = lines_of(text, sizeof(text) - 1);

	assert_true(ioas_lines_next(&l));
	assert_string_equal(l.text, "first");
	assert_true(ioas_lines_next(&l));
	assert_string_equal(l.text, "");
	assert_true(ioas_lines_next(&l));
	assert_string_equal(l.text, "third line");
	assert_false(ioas_lines_next(&l));
	close((int)l.fd);
}

static void what_has_no_end_is_no_line(struct rig *r)
{
	struct ioas_lines l = lines_of("whole\nhalf", 10);

	assert_true(ioas_lines_next(&l));
	assert_false(ioas_lines_next(&l));
	close((int)l.fd);
	l = (struct ioas_lines){.fd = -1};
	assert_false(ioas_lines_next(&l));
}

/* A path of any length, and the line behind it. */
static void a_long_line_is_cut_and_its_rest_is_none(struct rig *r)
{
	static char text[4 * IOAS_LINE_BYTES];
	struct ioas_lines l;
	size_t length;

	for (length = IOAS_LINE_BYTES - 8; length < sizeof(text) - 8;
	     length += length < IOAS_LINE_BYTES + 8 ? 1 : 97) {
		memset(text, 'a', length);
		memcpy(text + length, "\nnext\n", 6);
		l = lines_of(text, length + 6);
		assert_true(ioas_lines_next(&l));
		assert_int_equal(strlen(l.text), length < IOAS_LINE_BYTES
		                                         ? length
		                                         : IOAS_LINE_BYTES);
		assert_true(ioas_lines_next(&l));
		assert_string_equal(l.text, "next");
		assert_false(ioas_lines_next(&l));
		close((int)l.fd);
	}
}

static void numbers_end_where_their_digits_do(struct rig *r)
{
	uint64_t number;

	assert_string_equal(ioas_number_in("7f00-8", 16, &number), "-8");
	assert_int_equal(number, 0x7f00);
	assert_string_equal(ioas_number_in("19a", 10, &number), "a");
	assert_int_equal(number, 19);
	assert_string_equal(ioas_number_in("", 10, &number), "");
	assert_int_equal(number, 0);
	ioas_number_in("ffffffffff600000", 16, &number);
	assert_true(number == UINT64_C(0xffffffffff600000));
}

RIG_MAIN("host_lines", RIG_TEST(lines_come_one_by_one),
         RIG_TEST(what_has_no_end_is_no_line),
         RIG_TEST(a_long_line_is_cut_and_its_rest_is_none),
         RIG_TEST(numbers_end_where_their_digits_do))
