/* SPDX-License-Identifier: MIT */
/*
 * Linux, powernv: what is kept beside an entry has levels of its own, allocated
 * after the entry's; when that fails a null slot is used, unless the exchange
 * failed before. And of two levels that race, the loser is freed by a size that
 * is a shift.
 *
 * Here: both are one allocation, made before anything is written; tables that
 * are not used are given back whole (WIN-8). Each allocation fails once.
 */
#include "window_rig.h"

static void an_entry_has_its_word_or_there_is_no_table(struct rig *r)
{
	uint64_t here = 0, live;
	int rc;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(12, UINT64_C(1) << 40, 4, &here));
	live = rig_live(r);
	rc = rig_try(r, map(UINT64_C(1) << 39, 0, 2, RW));
	if (!rig_failed(r)) {
		assert_true(entry_at(UINT64_C(1) << 39).uaddr == uaddr(0));
		return;
	}
	assert_int_equal(rc, -ENOMEM);
	assert_true(rig_live(r) == live);
	assert_int_equal(counts(), 0);
}

RIG_MAIN("bug table_beside_not_there",
         RIG_TEST(an_entry_has_its_word_or_there_is_no_table))
