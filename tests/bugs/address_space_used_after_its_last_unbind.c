/* SPDX-License-Identifier: MIT */
/*
 * Linux, until 2026, iommu_sva_unbind_device(): when the last handle went, the
 * domain was freed, and with it what the process had of PASIDs; the lines after
 * that looked into it once more.
 *
 * Here: who unbinds has a count of its own on the address space, which its
 * owner may have destroyed long before. (The rig sees a use of freed memory
 * under the address sanitizer, and a leak without.)
 */
#include "sva_rig.h"

static void the_last_unbind_is_the_end_of_the_address_space(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d, e;
	uint64_t live;
	uint32_t pasid;

	device_new(r, sva, 20, 4, &d);
	device_new(r, sva, 20, 4, &e);
	pasid = bind_new(r, &d, mm);
	bind_new(r, &e, mm);
	rig_cancel(r, mm);
	ioas_sva_mm_destroy(mm);
	memset(&array, 0, sizeof(array));
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	live = rig_live(r);
	rig_ok(r, ioas_sva_unbind(e.dev, pasid));
	/* Its binding, itself, and what the index of numbers had for it. */
	assert_true(rig_live(r) <= live - 2);
	rig_fails(r, ioas_sva_unbind(e.dev, pasid), -ENOENT);
}

RIG_MAIN("bug address_space_used_after_its_last_unbind",
         RIG_TEST(the_last_unbind_is_the_end_of_the_address_space))
