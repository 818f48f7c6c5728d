/* SPDX-License-Identifier: MIT */
/* Bind and unbind: src/sva/bind.c. */
#include "sva_rig.h"

static void SVA_2_binds_are_counted_for_each_device(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d, e;
	uint32_t pasid;
	char byte;

	device_new(r, sva, 20, 0, &d);
	device_new(r, sva, 20, 0, &e);
	pasid = bind_new(r, &d, mm);
	assert_int_equal(bind_new(r, &d, mm), pasid);
	assert_int_equal(bind_new(r, &e, mm), pasid);
	assert_int_equal(bound_of(&d), 1);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	rig_ok(r, ioas_sva_read(d.dev, pasid, ARRAY_AT, &byte, 1));
	assert_int_equal(d.invalidations, 0);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	assert_int_equal(d.invalidations, 1);
	assert_int_equal(d.pasid, pasid);
	assert_true(d.first == 0 && d.last == UINT64_MAX);
	assert_int_equal(bound_of(&d), 0);
	rig_fails(r, ioas_sva_read(d.dev, pasid, ARRAY_AT, &byte, 1), -ENOENT);
	/* The other device's is its own matter. */
	rig_ok(r, ioas_sva_read(e.dev, pasid, ARRAY_AT, &byte, 1));
	assert_int_equal(e.invalidations, 0);
}

/* covers: ioas_sva_unbind -ENOENT */
static void unbind_refuses_what_is_not_bound(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d, e;
	uint32_t pasid;

	device_new(r, sva, 20, 0, &d);
	device_new(r, sva, 3, 0, &e);
	pasid = bind_new(r, &d, mm);
	rig_fails(r, ioas_sva_unbind(d.dev, IOAS_NO_PASID), -ENOENT);
	rig_fails(r, ioas_sva_unbind(d.dev, pasid + 1), -ENOENT);
	rig_fails(r, ioas_sva_unbind(d.dev, UINT32_MAX), -ENOENT);
	rig_fails(r, ioas_sva_unbind(e.dev, pasid), -ENOENT);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	rig_fails(r, ioas_sva_unbind(d.dev, pasid), -ENOENT);
}

/* Address spaces that take the numbers below @n. */
static void take_numbers(struct rig *r, struct ioas_sva *sva, struct device *d,
                         struct array *array, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		array[i] = array_new();
		bind_new(r, d, mm_new(r, sva, &array[i]));
	}
}

/* covers: ioas_sva_bind -EOVERFLOW, ioas_sva_bind -ENOSPC */
static void a_number_has_to_fit_the_device(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array[4], last = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &last);
	static struct device wide, narrow;
	uint32_t pasid = 9;

	device_new(r, sva, 20, 0, &wide);
	device_new(r, sva, 2, 0, &narrow);
	take_numbers(r, sva, &wide, array, 4);
	rig_fails(r, ioas_sva_bind(narrow.dev, mm, &pasid), -ENOSPC);
	assert_int_equal(bind_new(r, &wide, mm), 5);
	rig_fails(r, ioas_sva_bind(narrow.dev, mm, &pasid), -EOVERFLOW);
	assert_int_equal(pasid, 9);
	assert_int_equal(bound_of(&narrow), 0);
}

/* covers: ioas_sva_bind -EINVAL, ioas_sva_bind -ESRCH */
static void bind_refuses_what_has_ended_or_is_anothers(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20), *other = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d, foreign;
	uint32_t pasid = 9;

	device_new(r, sva, 20, 0, &d);
	device_new(r, other, 20, 0, &foreign);
	rig_fails(r, ioas_sva_bind(foreign.dev, mm, &pasid), -EINVAL);
	ioas_sva_mm_exit(mm);
	rig_fails(r, ioas_sva_bind(d.dev, mm, &pasid), -ESRCH);
	assert_int_equal(pasid, 9);
}

/* covers: ioas_sva_bind -ENOMEM */
static void a_bind_without_memory_changes_nothing(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new(), more = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	struct ioas_sva_mm *next = mm_new(r, sva, &more);
	static struct device d;
	uint32_t pasid = 9;
	int err;

	device_new(r, sva, 20, 0, &d);
	err = rig_try(r, ioas_sva_bind(d.dev, mm, &pasid));
	assert_int_equal(err, rig_failed(r) ? -ENOMEM : 0);
	assert_int_equal(pasid, err ? 9 : 1);
	assert_int_equal(bound_of(&d), err ? 0 : 1);
	/* No number was lost. */
	assert_int_equal(bind_new(r, &d, next), err ? 1 : 2);
}

static void SVA_2_a_device_that_ends_is_unbound_from_all(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array[3];
	struct array mine = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &mine);
	static struct device d, e;

	device_new(r, sva, 20, 0, &d);
	device_new(r, sva, 20, 0, &e);
	take_numbers(r, sva, &d, array, 3);
	bind_new(r, &d, mm);
	bind_new(r, &d, mm);
	rig_cancel(r, d.dev);
	ioas_sva_device_destroy(d.dev);
	assert_int_equal(d.invalidations, 4);
	ioas_sva_mm_changed(mm, 0, 10);
	assert_int_equal(d.invalidations, 4);
	ioas_sva_device_destroy(NULL);
}

RIG_MAIN("sva_bind", RIG_TEST(SVA_2_binds_are_counted_for_each_device),
         RIG_TEST(unbind_refuses_what_is_not_bound),
         RIG_TEST(a_number_has_to_fit_the_device),
         RIG_TEST(bind_refuses_what_has_ended_or_is_anothers),
         RIG_TEST(a_bind_without_memory_changes_nothing),
         RIG_TEST(SVA_2_a_device_that_ends_is_unbound_from_all))
