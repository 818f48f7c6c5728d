/* SPDX-License-Identifier: MIT */
/*
 * Linux, clearing a table of sPAPR v2: the region of an entry is sought again,
 * by the address beside the entry, to count it down. When it is not found, the
 * count stays for ever.
 *
 * Here: an entry names its region by number, and who counted holds the region
 * itself; putting needs no look-up, also when it is found no more (MEM-8).
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void a_count_is_put_when_the_region_is_found_no_more(struct rig *r)
{
	struct ioas_region *region;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 4);
	rig_ok(r, leave_by(m.a, 0, 4, IOAS_UNREGISTER_QUARANTINE));
	assert_false(found(0));
	ioas_region_put(region, 4);
	assert_true(ioas_registry_settle(m.registry) == 0);
	assert_true(rig_pinned_bytes(r) == 0);
}

RIG_MAIN("bug region_sought_by_address_to_put",
         RIG_TEST(a_count_is_put_when_the_region_is_found_no_more))
