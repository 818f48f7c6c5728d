/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "machine/machine.h"
#include "rig.h"

static const struct ioas_model_key disk_keys[] = {
	{"file", "PATH", "where the data is"},
	{"size", "SIZE", "how much"},
	{.name = NULL},
};

static const struct ioas_model disk = {.name = "disk", .keys = disk_keys};
static const struct ioas_model bare = {.name = "bare"};

/* A model whose functions look like what they are told to. */
static int chameleon_describe(struct ioas_device *dev,
                              struct ioas_function_desc *desc)
{
	uint64_t id = desc->device, bytes = desc->bar[0].size;
	int err = ioas_device_option_size(dev, "id", &id);

	if (!err)
		err = ioas_device_option_size(dev, "size", &bytes);
	desc->device = (uint16_t)id;
	desc->bar[0].size = bytes;
	return err;
}

static const struct ioas_model_key chameleon_keys[] = {
	{"id", "ID", "its device id"},
	{"size", "SIZE", "its BAR"},
	{.name = NULL},
};

static const struct ioas_model chameleon = {
	.name = "chameleon",
	.keys = chameleon_keys,
	.function = {.vendor = 1, .device = 2, .bar = {{.size = 64}}},
	.describe = chameleon_describe,
};
static const struct ioas_model *const models[] = {&disk, &bare, &chameleon,
                                                  NULL};

static char text[IOAS_TEXT_MAX];

static struct ioas_machine *machine(struct rig *r)
{
	struct ioas_machine *m = NULL;

	rig_ok(r, ioas_machine_create("intel", models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	return m;
}

static void add(struct rig *r, struct ioas_machine *m, const char *spec)
{
	rig_ok(r, ioas_machine_add(m, spec, text));
}

static const char *option(const struct ioas_machine *m, unsigned int function,
                          const char *key)
{
	const struct ioas_function *f = &m->function[function];
	unsigned int i;

	for (i = 0; i < f->option_count; i++)
		if (strcmp(f->options[i].key, key) == 0)
			return f->options[i].value;
	return NULL;
}

static void functions_sit_on_a_bus_each_by_default(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	add(r, m, "disk");
	add(r, m, "bare");
	add(r, m, "disk");
	assert_int_equal(m->function_count, 3);
	assert_string_equal(m->function[0].name, "0000:01:00.0");
	assert_string_equal(m->function[1].name, "0000:02:00.0");
	assert_string_equal(m->function[2].name, "0000:03:00.0");
	assert_ptr_equal(m->function[0].model, &disk);
	assert_ptr_equal(m->function[1].model, &bare);
	assert_null(m->function[0].device);
}

static void each_function_is_a_group_from_1(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < 11; i++) {
		add(r, m, "bare");
		assert_int_equal(m->function[i].group, i + 1);
	}
	assert_string_equal(m->function[0].group_name, "1");
	assert_string_equal(m->function[10].group_name, "11");
}

static void options_are_keys_and_values_without_bdf(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	add(r, m, "disk,file=a=b,bdf=7f:1f.7,size=");
	assert_int_equal(m->function[0].option_count, 2);
	assert_string_equal(option(m, 0, "file"), "a=b");
	assert_string_equal(option(m, 0, "size"), "");
	assert_null(option(m, 0, "bdf"));
	assert_string_equal(m->function[0].name, "0000:7f:1f.7");
}

static void is_reserved(const struct ioas_function *f, unsigned int i,
                        enum ioas_reserved_kind kind, uint64_t first,
                        uint64_t last)
{
	assert_true(i < f->reserved_count);
	assert_int_equal(f->reserved[i].kind, kind);
	assert_true(f->reserved[i].range.first == first);
	assert_true(f->reserved[i].range.last == last);
}

static void a_function_can_have_reserved_ranges_of_its_own(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	const struct ioas_function *f = m->function;

	add(r, m,
	    "disk,reserved=direct:0x1000-0x1fff+sw-msi:134217728-0x80fffff");
	add(r, m,
	    "disk,reserved=reserved:0xfffffffffffff000-"
	    "0xffffffffffffffff+msi:0-4095+direct-relaxable:0-0xfff");
	add(r, m, "disk");
	assert_int_equal(f[0].reserved_count, 2);
	is_reserved(&f[0], 0, IOAS_RESERVED_DIRECT, 0x1000, 0x1fff);
	is_reserved(&f[0], 1, IOAS_RESERVED_SW_MSI, 0x8000000, 0x80fffff);
	assert_int_equal(f[0].option_count, 0);
	assert_int_equal(f[1].reserved_count, 3);
	is_reserved(&f[1], 0, IOAS_RESERVED_OTHER, UINT64_MAX - 0xfff,
	            UINT64_MAX);
	is_reserved(&f[1], 1, IOAS_RESERVED_MSI, 0, 0xfff);
	is_reserved(&f[1], 2, IOAS_RESERVED_DIRECT_RELAXABLE, 0, 0xfff);
	assert_int_equal(f[2].reserved_count, 0);
	assert_null(f[2].reserved_text);
}

static void reserved_ranges_that_are_none_are_refused(struct rig *r)
{
	static const char *const bad[] = {
		"",
		"direct",
		"direct:",
		":0-0xfff",
		"direct:0",
		"direct:0-",
		"direct:0-0xfff+",
		"direct:0-0xfff,,reserved:0-0xfff",
		"direct:0-0xfffx",
		"direct: 0-0xfff",
		"direct:-1-0xfff",
		"direct:0-+0xfff",
		"direct:0-010",
		"direct:0-0xffe",
		"direct:0x800-0xfff",
		"direct:0x2000-0xfff",
		"direct:0-0x1ffffffffffffffff",
		"Direct:0-0xfff",
		"direct-:0-0xfff",
		"msi-sw:0-0xfff",
	};
	struct ioas_machine *m = machine(r);
	char spec[128];
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		snprintf(spec, sizeof(spec), "disk,reserved=%s", bad[i]);
		rig_fails(r, ioas_machine_add(m, spec, text), -EINVAL);
		assert_non_null(strstr(text, "KIND:FIRST-LAST"));
	}
	assert_int_equal(m->function_count, 0);
}

static void a_function_has_eight_reserved_ranges_at_most(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	char spec[512] = "disk,reserved=msi:0-4095";
	unsigned int i;

	for (i = 1; i < IOAS_FUNCTION_RESERVED_MAX; i++)
		strcat(spec, "+msi:0-4095");
	add(r, m, spec);
	strcat(spec, "+msi:0-4095");
	rig_fails(r, ioas_machine_add(m, spec, text), -EINVAL);
	assert_non_null(strstr(text, "more than 8"));
}

static void a_group_has_its_functions_ranges_and_the_profiles(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	static struct ioas_reserved_list list; /* fini comes after the test */

	list = (struct ioas_reserved_list){0};
	add(r, m, "disk");
	add(r, m,
	    "disk,reserved=msi:0xfef00000-0xfeffffff+"
	    "direct-relaxable:0-0xffffff+msi:0x1000-0x1fff");
	rig_defer(r, RIG_CALL(ioas_reserved_fini), &list);
	rig_ok(r, ioas_group_reserved(m, 2, &list));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.item[0].kind, IOAS_RESERVED_DIRECT_RELAXABLE);
	assert_true(list.item[1].range.first == 0x1000);
	/* The profile's and its own touch. */
	assert_true(list.item[2].range.first == 0xfee00000);
	assert_true(list.item[2].range.last == 0xfeffffff);
	assert_int_equal(list.item[2].owner, 2);
	ioas_reserved_fini(&list);
	rig_ok(r, ioas_group_reserved(m, 1, &list));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.item[0].owner, 1);
	ioas_reserved_fini(&list);
	rig_ok(r, ioas_group_reserved(m, 3, &list));
	assert_int_equal(list.count, 0);
}

static void two_commas_are_a_comma_of_the_value(struct rig *r)
{
	static const struct {
		const char *spec, *file, *size;
	} row[] = {
		{"disk,file=a,,b", "a,b", NULL},
		{"disk,file=,,", ",", NULL},
		{"disk,file=,,,,x,size=1", ",,x", "1"},
		{"disk,file=a,,,size=1", "a,", "1"},
		{"disk,file=a,,size=1", "a,size=1", NULL},
	};
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		add(r, m, row[i].spec);
		assert_string_equal(option(m, i, "file"), row[i].file);
		if (row[i].size)
			assert_string_equal(option(m, i, "size"), row[i].size);
		else
			assert_null(option(m, i, "size"));
	}
}

static void a_bdf_is_taken_with_and_without_domain(struct rig *r)
{
	static const struct {
		const char *spec, *name;
	} row[] = {
		{"bare,bdf=01:00.0", "0000:01:00.0"},
		{"bare,bdf=0000:02:00.0", "0000:02:00.0"},
		{"bare,bdf=ABCD:eF:1f.7", "abcd:ef:1f.7"},
		{"bare,bdf=00:00.0", "0000:00:00.0"},
	};
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		add(r, m, row[i].spec);
		assert_string_equal(m->function[i].name, row[i].name);
		assert_int_equal(m->function[i].option_count, 0);
	}
	assert_int_equal(m->function[2].bdf.domain, 0xabcd);
	assert_int_equal(m->function[2].bdf.bus, 0xef);
	assert_int_equal(m->function[2].bdf.slot, 0x1f);
	assert_int_equal(m->function[2].bdf.function, 7);
}

static void a_default_bdf_goes_around_one_that_is_taken(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	add(r, m, "bare,bdf=01:00.0");
	add(r, m, "bare,bdf=03:00.0");
	add(r, m, "bare");
	add(r, m, "bare");
	assert_string_equal(m->function[2].name, "0000:02:00.0");
	assert_string_equal(m->function[3].name, "0000:04:00.0");
}

/* What is wrong, and in the same sentence what is right. */
static const struct {
	const char *spec;
	int err;
	const char *wrong, *right;
} bad[] = {
	{"", -EINVAL, "no device model is named", "disk bare"},
	{",file=x", -EINVAL, "no device model is named", "disk bare"},
	{"dsik", -EINVAL, "no device model 'dsik'", "disk bare"},
	{"disk,,file=x", -EINVAL, "no device model 'disk,file=x'", "disk bare"},
	{"DISK", -EINVAL, "no device model 'DISK'", "disk bare"},
	{"disk,fiel=x", -EINVAL, "disk has no option 'fiel'",
         "file=PATH size=SIZE mode="},
	{"disk,=x", -EINVAL, "disk has no option ''", "file=PATH"},
	{"bare,file=x", -EINVAL, "bare has no option 'file'", "bdf=BDF"},
	{"disk,file", -EINVAL, "disk: option 'file' has no '='", "key=value"},
	{"disk,", -EINVAL, "disk: option '' has no '='", "key=value"},
	{"disk,file=x,", -EINVAL, "option '' has no '='", "key=value"},
	{"disk,file=a,b", -EINVAL, "option 'b' has no '='", "',,'"},
	{"disk,file=a,file=b", -EINVAL, "option 'file' is given twice", "once"},
	{"bare,bdf=02:00.0,bdf=02:00.0", -EINVAL, "option 'bdf' is given twice",
         "once"},
	{"bare,bdf=", -EINVAL, "bdf= is not", "BB:SS.F"},
	{"bare,bdf=1:00.0", -EINVAL, "bdf=1:00.0 is not", "DDDD:BB:SS.F"},
	{"bare,bdf=01:0.0", -EINVAL, "bdf=01:0.0 is not", "0000:01:00.0"},
	{"bare,bdf=01:00", -EINVAL, "bdf=01:00 is not", "BB:SS.F"},
	{"bare,bdf=01:00.", -EINVAL, "bdf=01:00. is not", "BB:SS.F"},
	{"bare,bdf=01:00.8", -EINVAL, "bdf=01:00.8 is not", "F at most 7"},
	{"bare,bdf=01:20.0", -EINVAL, "bdf=01:20.0 is not", "SS at most 1f"},
	{"bare,bdf=01:00.00", -EINVAL, "bdf=01:00.00 is not", "BB:SS.F"},
	{"bare,bdf=01-00.0", -EINVAL, "bdf=01-00.0 is not", "BB:SS.F"},
	{"bare,bdf=0g:00.0", -EINVAL, "bdf=0g:00.0 is not", "hexadecimal"},
	{"bare,bdf=000:01:00.0", -EINVAL, "bdf=000:01:00.0 is not", "DDDD"},
	{"bare,bdf=10000:01:00.0", -EINVAL, "bdf=10000:01:00.0 is not", "DDDD"},
	{"bare,bdf=0:0000:01:00.0", -EINVAL, "bdf=0:0000:01:00.0", "DDDD"},
	{"bare,bdf=0000:01:00.0 ", -EINVAL, "is not", "DDDD"},
	{"bare,bdf=01:00.0", -EEXIST,
         "a function at 0000:01:00.0 already (disk)", "give another bdf="},
	{"bare,bdf=0000:01:00.0", -EEXIST, "at 0000:01:00.0 already", "bdf="},
};

static void what_is_wrong_is_refused_with_the_reason(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	uint64_t live;
	unsigned int i;

	add(r, m, "disk");
	live = rig_live(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		text[0] = '\0';
		rig_fails(r, ioas_machine_add(m, bad[i].spec, text),
		          bad[i].err);
		if (!strstr(text, bad[i].wrong) || !strstr(text, bad[i].right))
			fail_msg("'%s' says: %s", bad[i].spec, text);
		assert_int_equal(rig_live(r), live);
		assert_int_equal(m->function_count, 1);
	}
}

static void no_memory_is_said(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	int err = rig_try(r, ioas_machine_add(m, "disk,file=x", text));

	if (!rig_failed(r)) {
		assert_int_equal(err, 0);
		return;
	}
	assert_int_equal(err, -ENOMEM);
	assert_non_null(strstr(text, "out of memory"));
	assert_int_equal(m->function_count, 0);
}

static void one_function_too_many_is_refused(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < IOAS_FUNCTIONS_MAX; i++)
		add(r, m, "bare");
	rig_fails(r, ioas_machine_add(m, "bare", text), -ENOSPC);
	assert_non_null(strstr(text, "at most 64"));
	assert_int_equal(m->function_count, IOAS_FUNCTIONS_MAX);
	assert_string_equal(m->function[63].name, "0000:40:00.0");
}

static void a_long_word_is_cut_in_the_sentence(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	char spec[2000];

	memset(spec, 'x', sizeof(spec));
	spec[sizeof(spec) - 1] = '\0';
	rig_fails(r, ioas_machine_add(m, spec, text), -EINVAL);
	assert_non_null(strstr(text, "known: disk bare chameleon"));
}

static void an_option_may_say_what_a_function_looks_like(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	add(r, m, "chameleon");
	add(r, m, "chameleon,id=0x77,size=4K");
	assert_int_equal(m->function[0].desc.device, 2);
	assert_int_equal(m->function[0].desc.bar[0].size, 64);
	assert_int_equal(m->function[1].desc.vendor, 1);
	assert_int_equal(m->function[1].desc.device, 0x77);
	assert_int_equal(m->function[1].desc.bar[0].size, 4096);
	assert_int_equal(chameleon.function.device, 2);
}

static void check_file(const struct ioas_machine *m, const char *path,
                       const void *content, size_t bytes)
{
	struct ioas_entry entry;
	char got[IOAS_FILE_BYTES];
	long n;

	ioas_machine_entry(m, path, &entry);
	assert_int_equal(entry.kind, IOAS_ENTRY_FILE);
	n = ioas_machine_read(m, &entry, got);
	if (n == -ENOMEM)
		return;
	assert_true(n >= (long)bytes);
	assert_memory_equal(got, content, bytes);
}

static void sysfs_shows_what_each_function_looks_like(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	add(r, m, "chameleon");
	add(r, m, "chameleon,id=0x77");
	check_file(m, "/sys/bus/pci/devices/0000:01:00.0/device", "0x0002", 6);
	check_file(m, "/sys/bus/pci/devices/0000:02:00.0/device", "0x0077", 6);
	check_file(m, "/sys/bus/pci/devices/0000:02:00.0/config",
	           "\x01\x00\x77\x00", 4);
}

static void looks_that_cannot_be_are_refused_with_the_reason(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	rig_fails(r, ioas_machine_add(m, "chameleon,id=red", text), -EINVAL);
	assert_non_null(strstr(text, "chameleon at 0000:01:00.0: id=red is"));
	rig_fails(r, ioas_machine_add(m, "chameleon,size=5", text), -EINVAL);
	assert_non_null(strstr(text, "power of two"));
	assert_int_equal(m->function_count, 0);
}

RIG_MAIN("machine_spec", RIG_TEST(functions_sit_on_a_bus_each_by_default),
         RIG_TEST(each_function_is_a_group_from_1),
         RIG_TEST(options_are_keys_and_values_without_bdf),
         RIG_TEST(a_function_can_have_reserved_ranges_of_its_own),
         RIG_TEST(reserved_ranges_that_are_none_are_refused),
         RIG_TEST(a_function_has_eight_reserved_ranges_at_most),
         RIG_TEST(a_group_has_its_functions_ranges_and_the_profiles),
         RIG_TEST(two_commas_are_a_comma_of_the_value),
         RIG_TEST(a_bdf_is_taken_with_and_without_domain),
         RIG_TEST(a_default_bdf_goes_around_one_that_is_taken),
         RIG_TEST(what_is_wrong_is_refused_with_the_reason),
         RIG_TEST(no_memory_is_said),
         RIG_TEST(one_function_too_many_is_refused),
         RIG_TEST(a_long_word_is_cut_in_the_sentence),
         RIG_TEST(an_option_may_say_what_a_function_looks_like),
         RIG_TEST(sysfs_shows_what_each_function_looks_like),
         RIG_TEST(looks_that_cannot_be_are_refused_with_the_reason))
