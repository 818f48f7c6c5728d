/* SPDX-License-Identifier: MIT */
#include "machine/machine.h"
#include "pci_probe.h"

static const struct ioas_model *const models[] = {&probe_model, NULL};
static char text[IOAS_TEXT_MAX];

static struct ioas_machine *machine(struct rig *r, const char *spec)
{
	struct ioas_machine *m = NULL;

	rig_ok(r, ioas_machine_create("intel", models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	rig_ok(r, ioas_machine_add(m, spec, text));
	return m;
}

static void an_unknown_profile_is_refused_with_the_known_ones(struct rig *r)
{
	struct ioas_machine *m = NULL;

	rig_fails(r, ioas_machine_create("amd64", models, &m, text), -EINVAL);
	assert_string_equal(
		text,
		"there is no profile 'amd64'; known: intel intel-39bit amd "
		"arm-smmuv3 power8 power9 pseries");
	assert_null(m);
}

static void create_says_that_there_is_no_memory(struct rig *r)
{
	struct ioas_machine *m = NULL;
	int err = rig_try(r, ioas_machine_create("intel", models, &m, text));

	if (err) {
		assert_true(rig_failed(r));
		assert_int_equal(err, -ENOMEM);
		assert_string_equal(text, "out of memory");
		assert_null(m);
	}
	ioas_machine_destroy(m);
}

static void a_device_is_made_once_and_gets_its_options(struct rig *r)
{
	struct ioas_machine *m = machine(r, "probe,size=4K,bdf=05:00.1");
	struct ioas_device *dev = NULL, *again = NULL;
	uint64_t bytes = 0;

	rig_ok(r, ioas_machine_device(m, 0, &dev, text));
	rig_ok(r, ioas_machine_device(m, 0, &again, text));
	assert_ptr_equal(dev, again);
	assert_string_equal(dev->name, "0000:05:00.1");
	rig_ok(r, ioas_device_option_size(dev, "size", &bytes));
	assert_int_equal(bytes, 4096);
	assert_null(ioas_device_option(dev, "bdf"));
}

static void
a_device_that_cannot_start_is_named_and_may_be_tried_again(struct rig *r)
{
	struct ioas_machine *m = machine(r, "probe,fail=so");
	struct ioas_device *dev = NULL;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		text[0] = '\0';
		rig_fails(r, ioas_machine_device(m, 0, &dev, text), -EACCES);
		assert_string_equal(text, "probe at 0000:01:00.0: told to: so");
		assert_null(dev);
		assert_null(m->function[0].device);
	}
}

static void a_function_that_is_not_there_is_refused(struct rig *r)
{
	static const unsigned int beyond[] = {1, IOAS_FUNCTIONS_MAX,
	                                      UINT32_MAX};
	struct ioas_machine *m = machine(r, "probe");
	struct ioas_device *dev = NULL;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(beyond); i++) {
		rig_fails(r, ioas_machine_device(m, beyond[i], &dev, text),
		          -ENODEV);
		assert_non_null(strstr(text, "has no function"));
		assert_null(dev);
	}
}

static void destroy_takes_null(struct rig *r)
{
	ioas_machine_destroy(NULL);
	assert_int_equal(rig_live(r), 0);
}

static struct ioas_iova_ranges ranges; /* outlives the test that makes it */

static void intel_is_vtd_with_48_bits_and_the_x86_interrupt_range(struct rig *r)
{
	const struct ioas_profile *p = ioas_profile_find("intel");

	assert_non_null(p);
	ranges = (struct ioas_iova_ranges){0};
	rig_defer(r, RIG_CALL(ioas_iova_ranges_fini), &ranges);
	assert_int_equal(p->page_sizes, 0x40201000);
	assert_int_equal(UINT64_C(1) << p->page_shift,
	                 p->page_sizes & -p->page_sizes);
	assert_true(p->coherent);
	assert_true(p->msix_dynamic);
	assert_int_equal(p->reserved[0].kind, IOAS_RESERVED_MSI);
	rig_ok(r, ioas_iova_ranges_set(&ranges, p->aperture, p->reserved,
	                               p->reserved_count));
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.range[0].first, 0);
	assert_int_equal(ranges.range[0].last, 0xfedfffff);
	assert_int_equal(ranges.range[1].first, 0xfef00000);
	assert_int_equal(ranges.range[1].last, (UINT64_C(1) << 48) - 1);
}

static void intel_39bit_ends_at_39_bits_and_is_intel_otherwise(struct rig *r)
{
	const struct ioas_profile *p = ioas_profile_find("intel-39bit");
	const struct ioas_profile *intel = ioas_profile_find("intel");
	struct ioas_profile same;

	assert_non_null(p);
	assert_int_equal(p->aperture.first, 0);
	assert_int_equal(p->aperture.last, 0x7fffffffff);
	same = *p;
	same.name = intel->name;
	same.summary = intel->summary;
	same.aperture = intel->aperture;
	assert_memory_equal(&same, intel, sizeof(same));
}

static void amd_has_64_bits_and_the_hypertransport_range(struct rig *r)
{
	const struct ioas_profile *p = ioas_profile_find("amd");

	assert_non_null(p);
	ranges = (struct ioas_iova_ranges){0};
	rig_defer(r, RIG_CALL(ioas_iova_ranges_fini), &ranges);
	/* 4K to 2^51, but not 512G. */
	assert_int_equal(p->page_sizes, 0x000fff7ffffff000);
	assert_int_equal(p->page_sizes_6_12, 0xffffff7ffffff000);
	rig_ok(r, ioas_iova_ranges_set(&ranges, p->aperture, p->reserved,
	                               p->reserved_count));
	assert_int_equal(ranges.count, 3);
	assert_int_equal(ranges.range[0].last, 0xfedfffff);
	assert_int_equal(ranges.range[1].first, 0xfef00000);
	assert_int_equal(ranges.range[1].last, 0xfcffffffff);
	assert_int_equal(ranges.range[2].first, 0x10000000000);
	assert_int_equal(ranges.range[2].last, UINT64_MAX);
}

static void a_profile_is_found_by_its_whole_name(struct rig *r)
{
	const struct ioas_profile *p;

	for (p = ioas_profiles; p->name; p++) {
		assert_ptr_equal(ioas_profile_find(p->name), p);
		assert_non_null(p->summary);
	}
	assert_null(ioas_profile_find("inte"));
	assert_null(ioas_profile_find(""));
}

RIG_MAIN("machine_machine",
         RIG_TEST(an_unknown_profile_is_refused_with_the_known_ones),
         RIG_TEST(create_says_that_there_is_no_memory),
         RIG_TEST(a_device_is_made_once_and_gets_its_options),
         RIG_TEST(a_device_that_cannot_start_is_named_and_may_be_tried_again),
         RIG_TEST(a_function_that_is_not_there_is_refused),
         RIG_TEST(destroy_takes_null),
         RIG_TEST(intel_is_vtd_with_48_bits_and_the_x86_interrupt_range),
         RIG_TEST(intel_39bit_ends_at_39_bits_and_is_intel_otherwise),
         RIG_TEST(amd_has_64_bits_and_the_hypertransport_range),
         RIG_TEST(a_profile_is_found_by_its_whole_name))
