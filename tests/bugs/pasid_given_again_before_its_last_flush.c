/* SPDX-License-Identifier: MIT */
/*
 * Linux, before 5.18: a PASID went back when the process ended. A driver that
 * was told of the end only later flushed caches by that number, or used what
 * was freed with it, while another process had the number already.
 *
 * Here: it is taken until the last device is not bound to it any more, whatever
 * has ended (SVA-1, SVA-4).
 */
#include "sva_rig.h"

static void a_pasid_is_given_again_after_the_last_unbind(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 1);
	struct array first = array_new(), second = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &first);
	struct ioas_sva_mm *next = mm_new(r, sva, &second);
	static struct device d;
	uint32_t pasid = 0;
	char byte;

	device_new(r, sva, 20, 0, &d);
	assert_int_equal(bind_new(r, &d, mm), 1);
	rig_cancel(r, mm);
	ioas_sva_mm_destroy(mm);
	/* The device has not stopped: what it does is refused, quietly. */
	rig_fails(r, ioas_sva_read(d.dev, 1, ARRAY_AT, &byte, 1), -ESRCH);
	rig_fails(r, ioas_sva_bind(d.dev, next, &pasid), -ENOSPC);
	rig_ok(r, ioas_sva_unbind(d.dev, 1));
	assert_int_equal(d.pasid, 1);
	assert_int_equal(bind_new(r, &d, next), 1);
	rig_ok(r, ioas_sva_read(d.dev, 1, ARRAY_AT, &byte, 1));
}

RIG_MAIN("bug pasid_given_again_before_its_last_flush",
         RIG_TEST(a_pasid_is_given_again_after_the_last_unbind))
