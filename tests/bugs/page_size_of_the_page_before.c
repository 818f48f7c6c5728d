/* SPDX-License-Identifier: MIT */
/*
 * Linux, mm_iommu_do_alloc(): the variable for a page's size is not set back in
 * the loop. One huge page makes all ordinary pages behind it look huge, and an
 * I/O page may be mapped that is larger than what is behind it.
 *
 * Here: by run (MEM-6); a large page first, and a large page last.
 */
#include "mem/backend.h"
#include "mem_rig.h"

/* Pages 0 to 3 and 4 to 7: one half is a piece of 4 pages, the other is not. */
static bool large_first;

static int pin_halves(const struct ioas_backend *self,
                      const struct ioas_pin *pin,
                      struct ioas_extent *ret_extents, unsigned int max)
{
	uint64_t i, phys;

	for (i = 0; i < pin->npages; i++) {
		bool large = (i < 4) == large_first;

		phys = large ? 64 + (i & 3) : 200 + 2 * i;
		ret_extents[i] =
			(struct ioas_extent){phys << pin->page_shift, 1};
	}
	return (int)i;
}

static void no_unpin(const struct ioas_backend *self,
                     const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
}

static int get_large(unsigned int first)
{
	struct ioas_mapping what = mapping(first, 4);
	struct ioas_mapped got;
	int rc;

	what.io_shift = rig_page_shift() + 2;
	rc = ioas_registry_get(m.registry, &what, &got);
	if (!rc)
		ioas_region_put(got.region, 4);
	return rc;
}

static void each_half_has_its_own_page_size(struct rig *r)
{
	static const struct ioas_backend halves = {
		.name = "halves", .pin = pin_halves, .unpin = no_unpin};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		large_first = i;
		start_on(r, &halves);
		m.memory = rig_memory(r, pages(32));
		m.memory += -(uintptr_t)m.memory & (pages(16) - 1);
		rig_ok(r, enter(m.a, 0, 8));
		rig_ok(r, get_large(large_first ? 0 : 4));
		rig_fails(r, get_large(large_first ? 4 : 0), -EINVAL);
		destroy_registry(NULL);
	}
}

RIG_MAIN("bug page_size_of_the_page_before",
         RIG_TEST(each_half_has_its_own_page_size))
