/* SPDX-License-Identifier: MIT */
/* The string of GET_DEVICE_FD. */
#include <string.h>

#include "rig.h"
#include "uapi/state.h"

#define NAME "0000:01:00.0"
#define UUID "2ab74924-c335-45f4-9b16-8569e5b08258"

static struct ioas_vf_token token;

static int match(const char *text)
{
	memset(&token, 0x77, sizeof(token));
	return ioas_name_match(text, NAME, &token);
}

static void a_name_alone_has_no_token(struct rig *r)
{
	static const char *const good[] = {NAME, NAME " ", NAME "     "};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(good); i++) {
		assert_int_equal(match(good[i]), 1);
		assert_false(token.given);
	}
}

static void another_name_does_not_match(struct rig *r)
{
	static const char *const other[] = {
		"",
		" " NAME,
		"0000:01:00.1",
		"0000:01:00",
		NAME "0",
		NAME "\t",
		NAME ",vf_token=" UUID,
		"01:00.0",
		"vf_token=" UUID,
	};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(other); i++)
		assert_int_equal(match(other[i]), 0);
	assert_int_equal(token.uuid[0], 0x77);
}

static void a_token_is_sixteen_bytes_in_the_order_of_the_text(struct rig *r)
{
	static const uint8_t bytes[] = {0x2a, 0xb7, 0x49, 0x24, 0xc3, 0x35,
	                                0x45, 0xf4, 0x9b, 0x16, 0x85, 0x69,
	                                0xe5, 0xb0, 0x82, 0x58};
	static const char *const good[] = {
		NAME " vf_token=" UUID,
		NAME "   vf_token=" UUID,
		NAME " vf_token=" UUID "  ",
		NAME " vf_token=2AB74924-C335-45F4-9B16-8569E5B08258",
	};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(good); i++) {
		assert_int_equal(match(good[i]), 1);
		assert_true(token.given);
		assert_memory_equal(token.uuid, bytes, sizeof(bytes));
	}
}

static void what_is_no_option_is_refused(struct rig *r)
{
	static const char *const bad[] = {
		NAME " x",
		NAME " vf_token",
		NAME " vf_token=",
		NAME " vf_token= " UUID,
		NAME " VF_TOKEN=" UUID,
		NAME " vf_token=" UUID "x",
		NAME " vf_token=" UUID " x",
		NAME " vf_token=" UUID " vf_token=" UUID,
		NAME " vf_token=" UUID "vf_token=" UUID,
		NAME " vf_token=2ab74924-c335-45f4-9b16-8569e5b0825",
		NAME " vf_token=2ab74924-c335-45f4-9b16-8569e5b0825g",
		NAME " vf_token=2ab749240c335-45f4-9b16-8569e5b08258",
		NAME " vf_token=2ab74924-c335-45f4-9b16-8569e5b-8258",
	};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		assert_int_equal(match(bad[i]), -EINVAL);
		assert_int_equal(token.uuid[0], 0x77);
	}
}

RIG_MAIN("uapi_name", RIG_TEST(a_name_alone_has_no_token),
         RIG_TEST(another_name_does_not_match),
         RIG_TEST(a_token_is_sixteen_bytes_in_the_order_of_the_text),
         RIG_TEST(what_is_no_option_is_refused))
