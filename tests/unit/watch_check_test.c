/* SPDX-License-Identifier: MIT */
/* Lists of checks, as users write them. */
#include <string.h>

#include "rig.h"
#include "watch/check.h"

#define BIT(check) (UINT32_C(1) << IOAS_CHECK_##check)
#define ALL        ((UINT32_C(1) << IOAS_CHECK_NR) - 1)

static uint32_t parsed(const char *list)
{
	const char *wrong;
	size_t length;
	uint32_t checks;

	assert_true(ioas_checks_parse(list, &checks, &wrong, &length));
	return checks;
}

static void every_check_has_a_name_of_its_own_and_a_family(struct rig *r)
{
	unsigned int i, j;

	(void)r;
	for (i = 0; i < IOAS_CHECK_NR; i++) {
		assert_non_null(ioas_checks[i].name);
		assert_non_null(ioas_checks[i].help);
		assert_int_equal(parsed(ioas_checks[i].name), 1u << i);
		assert_true(parsed(ioas_checks[i].family) >> i & 1);
		for (j = 0; j < IOAS_CHECK_NR; j++)
			assert_string_not_equal(ioas_checks[i].name,
			                        ioas_checks[j].family);
	}
}

static void lists_add_up(struct rig *r)
{
	(void)r;
	assert_int_equal(parsed("all"), ALL);
	assert_int_equal(parsed("none"), 0);
	assert_int_equal(parsed("default") & BIT(LEAK_AT_RESET), 0);
	assert_int_equal(parsed("default,leak-at-reset"),
	                 parsed("default") | BIT(LEAK_AT_RESET));
	assert_int_equal(parsed("leak"), BIT(LEAK_ON_CLOSE) |
	                                         BIT(LEAK_AT_RESET) |
	                                         BIT(LEAK_AT_EXIT));
	assert_int_equal(parsed("wild-dma,read-only"),
	                 BIT(WILD_DMA) | BIT(READ_ONLY));
}

static void what_is_taken_away_is_off(struct rig *r)
{
	(void)r;
	assert_int_equal(parsed("all,-leak"), ALL & ~parsed("leak"));
	assert_int_equal(parsed("-wild-dma"), parsed("default,-wild-dma"));
	assert_int_equal(parsed("default,-wild-dma"),
	                 parsed("default") & ~BIT(WILD_DMA));
	assert_int_equal(parsed("leak,-leak"), 0);
}

static void what_is_no_check_is_named(struct rig *r)
{
	static const struct {
		const char *list, *wrong;
	} rows[] = {
		{"colour", "colour"},
		{"wild-dma,colour", "colour"},
		{"", ""},
		{"leak,", ""},
		{"-", "-"},
		{"-colour,leak", "-colour"},
		{"wild", "wild"},
		{"wild-dma2", "wild-dma2"},
		{",leak", ""},
	};
	const char *wrong;
	uint32_t checks = 5;
	size_t length;
	unsigned int i;

	(void)r;
	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		assert_false(ioas_checks_parse(rows[i].list, &checks, &wrong,
		                               &length));
		assert_int_equal(length, strlen(rows[i].wrong));
		assert_memory_equal(wrong, rows[i].wrong, length);
	}
	assert_int_equal(checks, 5);
}

RIG_MAIN("watch_check",
         RIG_TEST(every_check_has_a_name_of_its_own_and_a_family),
         RIG_TEST(lists_add_up), RIG_TEST(what_is_taken_away_is_off),
         RIG_TEST(what_is_no_check_is_named))
