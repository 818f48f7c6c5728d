/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

static struct ioas_device *device_with(struct rig *r,
                                       const struct ioas_option *option)
{
	struct ioas_device_request request = {
		.model = &probe_model, .options = option, .option_count = 1};
	struct ioas_device *dev = NULL;

	rig_ok(r, ioas_device_create(&request, &dev, NULL));
	rig_defer(r, RIG_CALL(ioas_device_destroy), dev);
	return dev;
}

static void an_option_is_found_by_its_key(struct rig *r)
{
	static const struct ioas_option option = {"size", "a,b=c"};
	struct ioas_device *dev = device_with(r, &option);

	assert_string_equal(ioas_device_option(dev, "size"), "a,b=c");
	assert_null(ioas_device_option(dev, "siz"));
	assert_null(ioas_device_option(dev, "fail"));
}

static void a_size_that_was_not_given_changes_nothing(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	uint64_t bytes = 77;

	rig_ok(r, ioas_device_option_size(dev, "size", &bytes));
	assert_int_equal(bytes, 77);
}

static const struct {
	const char *text;
	uint64_t bytes;
} good[] = {
	{"0", 0},
	{"007", 7},
	{"512", 512},
	{"0x10", 16},
	{"0XfF", 255},
	{"1K", 1024},
	{"0x2M", UINT64_C(2) << 20},
	{"3G", UINT64_C(3) << 30},
	{"8388607T", UINT64_C(8388607) << 40},
	{"9223372036854775807", INT64_MAX},
	{"0x7fffffffffffffff", INT64_MAX},
	{"9007199254740991K", UINT64_C(9007199254740991) << 10},
};

static void sizes_are_read_as_documented(struct rig *r)
{
	struct ioas_option option = {"size", NULL};
	struct ioas_device *dev = device_with(r, &option);
	uint64_t bytes;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(good); i++) {
		option.value = good[i].text;
		rig_ok(r, ioas_device_option_size(dev, "size", &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	assert_string_equal(dev->failure, "");
}

static const struct {
	const char *text, *says;
} bad[] = {
	{"", "not a number"},
	{"x", "not a number"},
	{"-1", "not a number"},
	{"+1", "not a number"},
	{" 1", "not a number"},
	{"1 ", "not a number"},
	{"0x", "not a number"},
	{"0xg", "not a number"},
	{"1KB", "not a number"},
	{"1k", "not a number"},
	{"1KK", "not a number"},
	{"1.5G", "not a number"},
	{"K", "not a number"},
	{"12f", "not a number"},
	{"9223372036854775808", "too large"},
	{"0x8000000000000000", "too large"},
	{"18446744073709551617", "too large"},
	{"99999999999999999999999", "too large"},
	{"8388608T", "too large"},
	{"9007199254740992K", "too large"},
};

/* covers: ioas_device_option_size -EINVAL */
static void what_is_no_size_is_refused_with_the_reason(struct rig *r)
{
	struct ioas_option option = {"size", NULL};
	struct ioas_device *dev = device_with(r, &option);
	uint64_t bytes = 77;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		option.value = bad[i].text;
		dev->failure[0] = '\0';
		rig_fails(r, ioas_device_option_size(dev, "size", &bytes),
		          -EINVAL);
		assert_non_null(strstr(dev->failure, bad[i].says));
		assert_non_null(strstr(dev->failure, "size="));
	}
	assert_int_equal(bytes, 77);
}

static const struct {
	const char *text;
	uint64_t ns;
} times[] = {
	{"0ns", 0},
	{"0s", 0},
	{"007ns", 7},
	{"50us", 50000},
	{"3ms", 3000000},
	{"2s", 2000000000},
	{"3600s", UINT64_C(3600000000000)},
	{"3600000000000ns", UINT64_C(3600000000000)},
};

static void times_are_read_as_documented(struct rig *r)
{
	struct ioas_option option = {"size", NULL};
	struct ioas_device *dev = device_with(r, &option);
	uint64_t ns = 77;
	unsigned int i;

	rig_ok(r, ioas_device_option_time(dev, "latency", &ns));
	assert_int_equal(ns, 77);
	for (i = 0; i < IOAS_ARRAY_SIZE(times); i++) {
		option.value = times[i].text;
		rig_ok(r, ioas_device_option_time(dev, "size", &ns));
		assert_int_equal(ns, times[i].ns);
	}
	assert_string_equal(dev->failure, "");
}

static const struct {
	const char *text, *says;
} bad_times[] = {
	{"", "is not a time"},
	{"5", "is not a time"},
	{"us", "is not a time"},
	{"-5us", "is not a time"},
	{"5 us", "is not a time"},
	{"5us ", "is not a time"},
	{"5m", "is not a time"},
	{"0x5us", "is not a time"},
	{"1.5ms", "is not a time"},
	{"3601s", "is too long"},
	{"3600000000001ns", "is too long"},
	{"99999999999999999999999s", "is too long"},
};

/* covers: ioas_device_option_time -EINVAL */
static void what_is_no_time_is_refused_with_the_reason(struct rig *r)
{
	struct ioas_option option = {"size", NULL};
	struct ioas_device *dev = device_with(r, &option);
	uint64_t ns = 77;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad_times); i++) {
		option.value = bad_times[i].text;
		dev->failure[0] = '\0';
		rig_fails(r, ioas_device_option_time(dev, "size", &ns),
		          -EINVAL);
		assert_non_null(strstr(dev->failure, bad_times[i].says));
		assert_non_null(strstr(dev->failure, "size="));
	}
	assert_int_equal(ns, 77);
}

static void a_failure_text_is_cut_at_255_bytes(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	ioas_device_fail(dev, "%0300d", 1);
	assert_int_equal(strlen(dev->failure), 255);
	ioas_device_fail(dev, "it is %s", "short");
	assert_string_equal(dev->failure, "it is short");
}

RIG_MAIN("pci_option", RIG_TEST(an_option_is_found_by_its_key),
         RIG_TEST(a_size_that_was_not_given_changes_nothing),
         RIG_TEST(sizes_are_read_as_documented),
         RIG_TEST(what_is_no_size_is_refused_with_the_reason),
         RIG_TEST(times_are_read_as_documented),
         RIG_TEST(what_is_no_time_is_refused_with_the_reason),
         RIG_TEST(a_failure_text_is_cut_at_255_bytes))
