/* SPDX-License-Identifier: MIT */
/* Address spaces, and what changes in them: src/sva/mm.c. */
#include "sva_rig.h"

static const struct ioas_sva_mm_config own;

/* covers: ioas_sva_mm_create -EEXIST */
static void SVA_1_an_address_space_is_there_once(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20), *other = sva_new(r, 20);
	struct array array = array_new(), alias = array_new();
	const struct ioas_sva_mm_config second = {.memory = &alias.memory};
	struct ioas_sva_mm *mm = mm_new(r, sva, NULL), *none = NULL;

	rig_fails(r, ioas_sva_mm_create(sva, &own, &none), -EEXIST);
	mm_new(r, other, NULL);
	array.memory.identity = alias.memory.identity = 5;
	mm_new(r, sva, &array);
	rig_fails(r, ioas_sva_mm_create(sva, &second, &none), -EEXIST);
	alias.memory.identity = 6;
	mm_new(r, sva, &alias);
	assert_null(none);
	/* One that has ended is no more; another one may come. */
	ioas_sva_mm_exit(mm);
	mm_new(r, sva, NULL);
}

/* covers: ioas_sva_mm_create -ENOMEM */
static void create_says_when_there_is_no_memory(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct ioas_sva_mm *mm = NULL;
	int err = rig_try(r, ioas_sva_mm_create(sva, &own, &mm));

	assert_int_equal(err, rig_failed(r) ? -ENOMEM : 0);
	ioas_sva_mm_destroy(mm);
}

static void SVA_3_every_device_hears_of_a_change(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d, e, f;

	device_new(r, sva, 20, 0, &d);
	device_new(r, sva, 20, 0, &e);
	device_new(r, sva, 20, 0, &f);
	bind_new(r, &d, mm);
	bind_new(r, &e, mm);
	ioas_sva_mm_changed(mm, 0x1000, 0x2fff);
	assert_int_equal(d.invalidations, 1);
	assert_int_equal(e.invalidations, 1);
	assert_int_equal(f.invalidations, 0);
	assert_true(d.first == 0x1000 && d.last == 0x2fff);
	/* A range that ends before it begins is empty; one of one byte not. */
	ioas_sva_mm_changed(mm, 0x1000, 0xfff);
	assert_int_equal(d.invalidations, 1);
	ioas_sva_mm_changed(mm, UINT64_MAX, UINT64_MAX);
	assert_int_equal(d.invalidations, 2);
	rig_ok(r, ioas_sva_unbind(e.dev, e.pasid));
	ioas_sva_mm_changed(mm, 0, 0);
	assert_int_equal(d.invalidations, 3);
	assert_int_equal(e.invalidations, 3);
}

/* An access that stays in the memory until it is let go. */
struct access {
	struct device *d;
	uint32_t pasid;
	int err;
};

static struct ioas_a32 inside, go;

static int slow_read(const struct ioas_sva_memory *self, uint64_t uaddr,
                     void *buffer, size_t bytes)
{
	ioas_a32_store(&inside, 1);
	while (!ioas_a32_load(&go))
		ioas_hooks.relax(20);
	return array_read(self, uaddr, buffer, bytes);
}

static void *read_slowly(void *arg)
{
	struct access *a = arg;
	char byte;

	a->err = ioas_sva_read(a->d->dev, a->pasid, ARRAY_AT, &byte, 1);
	return NULL;
}

struct waiter {
	struct ioas_sva_mm *mm;
	struct ioas_a32 done;
	void (*fn)(struct ioas_sva_mm *mm);
};

static void change_all(struct ioas_sva_mm *mm)
{
	ioas_sva_mm_changed(mm, 0, UINT64_MAX);
}

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	w->fn(w->mm);
	ioas_a32_store(&w->done, 1);
	return NULL;
}

static void waits_for_an_access(struct rig *r,
                                void (*fn)(struct ioas_sva_mm *mm))
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm;
	static struct device d;
	struct access a = {.d = &d};
	struct waiter w = {.fn = fn};
	pthread_t reader, waiter;
	unsigned int round;

	ioas_a32_store(&inside, 0);
	ioas_a32_store(&go, 0);
	array.memory.read = slow_read;
	mm = mm_new(r, sva, &array);
	device_new(r, sva, 20, 0, &d);
	a.pasid = bind_new(r, &d, mm);
	w.mm = mm;
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &a), 0);
	while (!ioas_a32_load(&inside))
		ioas_hooks.relax(20);
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_it, &w), 0);
	for (round = 0; round < 20; round++)
		ioas_hooks.relax(20);
	assert_int_equal(ioas_a32_load(&w.done), 0);
	ioas_a32_store(&go, 1);
	pthread_join(waiter, NULL);
	pthread_join(reader, NULL);
	assert_int_equal(a.err, 0);
}

static void SVA_3_a_change_waits_for_what_is_under_way(struct rig *r)
{
	waits_for_an_access(r, change_all);
}

static void SVA_4_an_exit_waits_for_what_is_under_way(struct rig *r)
{
	waits_for_an_access(r, ioas_sva_mm_exit);
}

static void destroy_may_come_before_the_last_unbind(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d;
	uint32_t pasid;
	char byte;

	device_new(r, sva, 20, 0, &d);
	pasid = bind_new(r, &d, mm);
	rig_cancel(r, mm);
	ioas_sva_mm_destroy(mm);
	/* Its memory may be gone now, and is not looked at. */
	array.memory = (struct ioas_sva_memory){0};
	rig_fails(r, ioas_sva_read(d.dev, pasid, ARRAY_AT, &byte, 1), -ESRCH);
	rig_ok(r, ioas_sva_unbind(d.dev, pasid));
	ioas_sva_mm_destroy(NULL);
}

RIG_MAIN("sva_mm", RIG_TEST(SVA_1_an_address_space_is_there_once),
         RIG_TEST(create_says_when_there_is_no_memory),
         RIG_TEST(SVA_3_every_device_hears_of_a_change),
         RIG_ONCE(SVA_3_a_change_waits_for_what_is_under_way),
         RIG_ONCE(SVA_4_an_exit_waits_for_what_is_under_way),
         RIG_TEST(destroy_may_come_before_the_last_unbind))
