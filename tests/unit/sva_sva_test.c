/* SPDX-License-Identifier: MIT */
/* PASIDs, and whose they are: src/sva/sva.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "sva/sva.h"
#include "sva_rig.h"

#define MANY 8

/* covers: ioas_sva_create -EINVAL */
static void create_refuses_widths_that_pasids_do_not_have(struct rig *r)
{
	struct ioas_sva_config config = {.pasid_bits = 0};
	struct ioas_sva *none = NULL;

	rig_fails(r, ioas_sva_create(&config, &none), -EINVAL);
	config.pasid_bits = 21;
	rig_fails(r, ioas_sva_create(&config, &none), -EINVAL);
	assert_null(none);
	ioas_sva_destroy(NULL);
}

/* covers: ioas_sva_create -ENOMEM */
static void create_says_when_there_is_no_memory(struct rig *r)
{
	const struct ioas_sva_config config = {.pasid_bits = 1};
	struct ioas_sva *sva = NULL;
	int err = rig_try(r, ioas_sva_create(&config, &sva));

	assert_int_equal(err, rig_failed(r) ? -ENOMEM : 0);
	if (!err)
		ioas_sva_destroy(sva);
}

static void SVA_1_numbers_are_the_lowest_that_are_free(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 4);
	struct array array[MANY];
	struct ioas_sva_mm *mm[MANY];
	static struct device d;
	uint32_t pasid;
	unsigned int i;

	device_new(r, sva, 20, 0, &d);
	for (i = 0; i < MANY; i++) {
		array[i] = array_new();
		mm[i] = mm_new(r, sva, &array[i]);
		assert_int_equal(bind_new(r, &d, mm[i]), i + 1);
	}
	rig_ok(r, ioas_sva_unbind(d.dev, 5));
	/* Bound nowhere, but not destroyed: the number is kept (SVA-1). */
	rig_ok(r, ioas_sva_bind(d.dev, mm[4], &pasid));
	assert_int_equal(pasid, 5);
	rig_ok(r, ioas_sva_unbind(d.dev, 5));
	rig_cancel(r, mm[4]);
	ioas_sva_mm_destroy(mm[4]);
	mm[4] = mm_new(r, sva, &array[4]);
	assert_int_equal(bind_new(r, &d, mm[4]), 5);
}

/* covers: ioas_sva_bind -ENOSPC */
static void SVA_1_a_number_is_kept_until_the_last_unbind(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 1);
	struct array first = array_new(), second = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &first);
	struct ioas_sva_mm *next = mm_new(r, sva, &second);
	static struct device d, e;
	uint32_t pasid = 77;

	device_new(r, sva, 20, 0, &d);
	device_new(r, sva, 20, 0, &e);
	assert_int_equal(bind_new(r, &d, mm), 1);
	assert_int_equal(bind_new(r, &e, mm), 1);
	rig_cancel(r, mm);
	ioas_sva_mm_destroy(mm);
	rig_fails(r, ioas_sva_bind(d.dev, next, &pasid), -ENOSPC);
	rig_ok(r, ioas_sva_unbind(d.dev, 1));
	rig_fails(r, ioas_sva_bind(d.dev, next, &pasid), -ENOSPC);
	assert_int_equal(pasid, 77);
	rig_ok(r, ioas_sva_unbind(e.dev, 1));
	assert_int_equal(bind_new(r, &d, next), 1);
}

/* What a forked child does; 0: all as it has to be. */
static int child(struct device *d, struct ioas_sva *sva, struct ioas_sva_mm *mm)
{
	const struct ioas_sva_mm_config own = {.memory = NULL};
	const struct ioas_sva_device_config config = {.pasid_bits = 1};
	const struct ioas_page_request request = {ARRAY_AT, 1, IOAS_READ, 1,
	                                          true};
	struct ioas_sva_device *dev;
	struct ioas_sva_mm *more;
	uint32_t pasid;
	char byte = 1;

	ioas_sva_forked();
	if (ioas_sva_bind(d->dev, mm, &pasid) != -ENODEV)
		return 1;
	if (ioas_sva_unbind(d->dev, 1) != -ENODEV)
		return 2;
	if (ioas_sva_mm_create(sva, &own, &more) != -ENODEV)
		return 3;
	if (ioas_sva_device_create(sva, &config, &dev) != -ENODEV)
		return 4;
	if (ioas_sva_read(d->dev, 1, address_of(&byte), &byte, 1) != -ENOENT)
		return 5;
	if (ioas_sva_write(d->dev, 1, address_of(&byte), "\2", 1) != -ENOENT ||
	    byte != 1)
		return 6;
	if (ioas_sva_request(d->dev, &request) != -ENOENT)
		return 7;
	ioas_sva_mm_changed(mm, 0, UINT64_MAX);
	ioas_sva_mm_exit(mm);
	ioas_sva_mm_destroy(mm);
	ioas_sva_device_destroy(d->dev);
	ioas_sva_destroy(sva);
	return d->invalidations ? 8 : 0;
}

/*
 * covers: ioas_sva_bind -ENODEV, ioas_sva_unbind -ENODEV
 * covers: ioas_sva_mm_create -ENODEV, ioas_sva_device_create -ENODEV
 */
static void SVA_7_a_forked_child_has_no_binding(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 8);
	struct ioas_sva_mm *mm = mm_new(r, sva, NULL);
	static struct device d;
	char byte = 3;
	int status;
	pid_t pid;

	device_new(r, sva, 20, 4, &d);
	assert_int_equal(bind_new(r, &d, mm), 1);
	pid = fork();
	if (!pid)
		_exit(child(&d, sva, mm));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The parent's goes on. */
	rig_ok(r, ioas_sva_write(d.dev, 1, address_of(&byte), "\4", 1));
	assert_int_equal(byte, 4);
}

RIG_MAIN("sva_sva", RIG_TEST(create_refuses_widths_that_pasids_do_not_have),
         RIG_TEST(create_says_when_there_is_no_memory),
         RIG_TEST(SVA_1_numbers_are_the_lowest_that_are_free),
         RIG_TEST(SVA_1_a_number_is_kept_until_the_last_unbind),
         RIG_TEST(SVA_7_a_forked_child_has_no_binding))
