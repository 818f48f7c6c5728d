/* SPDX-License-Identifier: MIT */
/*
 * Linux, tce_iommu_create_table(): the table is charged, then made; when that
 * fails the charge stays until the process ends. An advertised number of levels
 * that never works is enough.
 *
 * Here: what is charged is given back, on every way (WIN-7).
 */
#include "window_rig.h"

static void a_table_that_is_not_made_costs_nothing(struct rig *r)
{
	uint64_t here;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_fails(r, create(12, UINT64_C(1) << 30, 5, &here), -EINVAL);
	assert_true(charged() == 0);
	w.group[0].answer = -EIO;
	rig_fails(r, create(12, UINT64_C(1) << 30, 1, &here), -EIO);
	assert_true(charged() == 0);
}

RIG_MAIN("bug charge_of_a_table_not_made",
         RIG_TEST(a_table_that_is_not_made_costs_nothing))
