/* SPDX-License-Identifier: MIT */
/*
 * Linux, arm-smmu-v3, before 6.6: devices forgot a range that a process gave
 * back page by page, whatever its size, with a lock held: the unmap of some
 * hundred GiB stopped a processor for long enough to be reported. And an
 * exclusive end was given on where an inclusive last one was meant.
 *
 * Here: a device is told once for a range, by its first and its last address;
 * all of an address space is a range like others (SVA-3).
 */
#include "sva_rig.h"

static void a_range_of_any_size_is_told_once(struct rig *r)
{
	static const uint64_t range[][2] = {
		{0, UINT64_MAX},
		{UINT64_C(1) << 40, (UINT64_C(1) << 47) - 1},
		{UINT64_MAX - 4095, UINT64_MAX},
		{0x1000, 0x1fff},
	};
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d;
	unsigned int i;

	device_new(r, sva, 20, 0, &d);
	bind_new(r, &d, mm);
	for (i = 0; i < IOAS_ARRAY_SIZE(range); i++) {
		ioas_sva_mm_changed(mm, range[i][0], range[i][1]);
		assert_int_equal(d.invalidations, i + 1);
		assert_true(d.first == range[i][0] && d.last == range[i][1]);
	}
}

RIG_MAIN("bug invalidation_page_by_page",
         RIG_TEST(a_range_of_any_size_is_told_once))
