/* SPDX-License-Identifier: MIT */
/* Bind and unbind: src/sva/bind.c. */
#include <ioas/asid.h>

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

/* ---- With ASIDs ---- */

static void flush(void *arg, unsigned int cpu)
{
}

static const struct ioas_asid_ops no_ops = {.flush = flush};
static struct ioas_asid_context context[3];
static struct ioas_asid_context *gone;
static struct device *pinned; /* looked at when its last pin goes */

static void forget(void *arg, struct ioas_asid_context *asid, uint32_t number)
{
	/* By then the device has forgotten all of it (ASID-8). */
	assert_int_equal(pinned->invalidations, 1);
	assert_true(pinned->last == UINT64_MAX);
	(*(unsigned int *)arg)++;
}

static void exited(struct ioas_asid_context *asid)
{
	gone = asid;
}

static struct ioas_asids *asids_new(struct rig *r, unsigned int bits,
                                    const struct ioas_asid_ops *ops, void *arg)
{
	const struct ioas_asid_config config = {
		.bits = bits,
		.cpus = 1,
		.way = IOAS_ASID_EXCHANGE,
		.ops = ops,
		.arg = arg,
	};
	struct ioas_asids *asids;

	rig_ok(r, ioas_asids_create(&config, &asids));
	rig_defer(r, RIG_CALL(ioas_asids_destroy), asids);
	return asids;
}

static struct ioas_sva_mm *mm_of_context(struct rig *r, struct ioas_sva *sva,
                                         struct array *array,
                                         struct ioas_asid_context *asid)
{
	const struct ioas_sva_mm_config config = {
		.memory = &array->memory, .asid = asid, .exited = exited};
	struct ioas_sva_mm *mm;

	rig_ok(r, ioas_sva_mm_create(sva, &config, &mm));
	rig_defer(r, RIG_CALL(ioas_sva_mm_destroy), mm);
	return mm;
}

/* covers: ioas_sva_asid -ENOENT, ioas_sva_asid -ENODATA */
static void ASID_8_a_bind_pins_until_the_device_has_forgotten(struct rig *r)
{
	static const struct ioas_asid_ops ops = {.flush = flush,
	                                         .forget = forget};
	static struct device d;
	static unsigned int forgotten;
	struct ioas_asids *asids = asids_new(r, 4, &ops, &forgotten);
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new(), other = array_new();
	struct ioas_sva_mm *mm;
	uint32_t number, again, pasid, plain;

	forgotten = 0;
	ioas_asid_context_init(asids, &context[0]);
	mm = mm_of_context(r, sva, &array, &context[0]);
	device_new(r, sva, 20, 0, &d);
	pinned = &d;
	plain = bind_new(r, &d, mm_new(r, sva, &other));
	rig_fails(r, ioas_sva_asid(d.dev, plain, &number), -ENODATA);
	pasid = bind_new(r, &d, mm);
	rig_ok(r, ioas_sva_asid(d.dev, pasid, &number));
	assert_int_not_equal(number, 0);
	rig_ok(r, ioas_asid_pin(&context[0], &again));
	assert_int_equal(again, number);
	assert_false(ioas_asid_unpin(&context[0]));
	assert_int_equal(forgotten, 0);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	assert_int_equal(forgotten, 1);
	rig_fails(r, ioas_sva_asid(d.dev, pasid, &number), -ENOENT);
	assert_true(ioas_asid_context_exit(&context[0]));
}

/* covers: ioas_sva_bind -ENOSPC, ioas_sva_bind -ESRCH */
static void a_context_that_cannot_be_pinned_is_not_bound(struct rig *r)
{
	/* Of three numbers one may be pinned. */
	struct ioas_asids *asids = asids_new(r, 2, &no_ops, NULL);
	struct ioas_sva *sva = sva_new(r, 20);
	static struct device d;
	struct array array[3];
	struct ioas_sva_mm *mm[3];
	uint32_t pasid = 9;
	unsigned int i;

	device_new(r, sva, 20, 0, &d);
	for (i = 0; i < 3; i++) {
		array[i] = array_new();
		ioas_asid_context_init(asids, &context[i]);
		mm[i] = mm_of_context(r, sva, &array[i], &context[i]);
	}
	assert_int_equal(bind_new(r, &d, mm[0]), 1);
	rig_fails(r, ioas_sva_bind(d.dev, mm[1], &pasid), -ENOSPC);
	assert_true(ioas_asid_context_exit(&context[2]));
	rig_fails(r, ioas_sva_bind(d.dev, mm[2], &pasid), -ESRCH);
	assert_int_equal(pasid, 9);
	assert_int_equal(bound_of(&d), 1);
	rig_ok(r, ioas_sva_unbind(d.dev, 1));
	/* Nothing was kept of what was refused. */
	assert_int_equal(bind_new(r, &d, mm[1]), 2);
	rig_ok(r, ioas_sva_unbind(d.dev, 2));
}

/* A process ends while its device works. */
static void SVA_4_a_context_that_exited_stays_until_unbind(struct rig *r)
{
	struct ioas_asids *asids = asids_new(r, 4, &no_ops, NULL);
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	static struct device d;
	struct ioas_sva_mm *mm;
	uint32_t pasid, number, still;

	gone = NULL;
	ioas_asid_context_init(asids, &context[0]);
	mm = mm_of_context(r, sva, &array, &context[0]);
	device_new(r, sva, 20, 0, &d);
	pasid = bind_new(r, &d, mm);
	rig_ok(r, ioas_sva_asid(d.dev, pasid, &number));
	ioas_sva_mm_exit(mm);
	assert_false(ioas_asid_context_exit(&context[0]));
	assert_null(gone);
	rig_ok(r, ioas_sva_asid(d.dev, pasid, &still));
	assert_int_equal(still, number);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	assert_ptr_equal(gone, &context[0]);
}

RIG_MAIN("sva_bind", RIG_TEST(SVA_2_binds_are_counted_for_each_device),
         RIG_TEST(unbind_refuses_what_is_not_bound),
         RIG_TEST(a_number_has_to_fit_the_device),
         RIG_TEST(bind_refuses_what_has_ended_or_is_anothers),
         RIG_TEST(a_bind_without_memory_changes_nothing),
         RIG_TEST(SVA_2_a_device_that_ends_is_unbound_from_all),
         RIG_TEST(ASID_8_a_bind_pins_until_the_device_has_forgotten),
         RIG_TEST(a_context_that_cannot_be_pinned_is_not_bound),
         RIG_TEST(SVA_4_a_context_that_exited_stays_until_unbind))
