/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "window_rig.h"

#define MIB (UINT64_C(1) << 20)

static struct ioas_window_info info;

static int replace(unsigned int page_shift, uint64_t bytes, unsigned int levels)
{
	const struct ioas_window_shape shape = {
		.page_shift = page_shift, .levels = levels, .bytes = bytes};

	return ioas_window_replace(w.ws, 8 * IO, &shape, &info);
}

static void a_window_grows_and_keeps_its_entries(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 8, RW));
	rig_ok(r, map(255 * MIB, 8, 2, IOAS_READ));
	rig_ok(r, replace(12, 1024 * MIB, 3));
	assert_true(info.start == 0 && info.bytes == 1024 * MIB);
	assert_int_equal(info.mapped, 10);
	assert_int_equal(info.levels, 3);
	assert_int_equal(counts(), 10);
	assert_true(leads_to(7 * IO, 7, RW));
	assert_true(leads_to(255 * MIB + IO, 9, IOAS_READ));
	assert_true(entry_at(7 * IO).uaddr == uaddr(7));
	rig_ok(r, map(1023 * MIB, 1, 1, RW));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_int_equal(counts(), 0);
	assert_true(charged() == 0);
}

/* covers: ioas_window_replace -EBUSY */
static void a_window_shrinks_down_to_what_is_mapped(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(64 * MIB - IO, 0, 2, RW));
	rig_fails(r, replace(12, 64 * MIB, 2), -EBUSY);
	assert_true(leads_to(64 * MIB, 1, RW));
	rig_ok(r, unmap(64 * MIB, 1));
	rig_ok(r, replace(12, 64 * MIB, 2));
	assert_true(leads_to(64 * MIB - IO, 0, RW));
	assert_int_equal(fault_at(64 * MIB, IOAS_READ), IOAS_FAULT_APERTURE);
}

/* Pages that become smaller are more entries, and more counts. */
static void pages_may_become_smaller(struct rig *r)
{
	uint64_t large = UINT64_C(1) << 16, here = 0;
	char *more = rig_memory(r, 4 * large), *good;
	struct ioas_window_map what = {.perm = RW};
	struct ioas_window_entry entry;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(16, 256 * MIB, 1, &here));
	if (rig_page() < large && rig_backend() != &ioas_backend_identity)
		rig_skip("no large pages on frames in no order");
	good = more + (-(uintptr_t)more & (large - 1));
	rig_ok(r, enter((uintptr_t)good, 2 * large, RW));
	what.uaddr = (uintptr_t)good;
	what.bytes = 2 * large;
	rig_ok(r, ioas_windows_map(w.ws, &what));
	assert_int_equal(counts(), 2);
	rig_ok(r, replace(12, 256 * MIB, 2));
	assert_int_equal(counts(), 32);
	assert_int_equal(info.mapped, 32);
	entry = entry_at(17 * IO);
	assert_true(entry.uaddr == (uintptr_t)good + 17 * IO);
	assert_int_equal(entry.page_shift, 12);
	rig_ok(r, unmap(17 * IO, 1));
	assert_int_equal(counts(), 31);
	/* covers: ioas_window_replace -EINVAL */
	rig_fails(r, replace(16, 256 * MIB, 1), -EINVAL);
	rig_ok(r, unmap(0, 32));
	rig_ok(r, replace(16, 256 * MIB, 1));
	assert_int_equal(counts(), 0);
}

static void replace_refuses_what_create_refuses(struct rig *r)
{
	start(r, "power9");
	rig_fails(r, replace(12, 256 * MIB, 2), -EINVAL);
	window_at_0(r);
	rig_ok(r, map(0, 0, 4, RW));
	rig_fails(r, replace(12, 3 * MIB, 1), -EINVAL);
	rig_fails(r, replace(13, 4 * MIB, 1), -EINVAL);
	rig_fails(r, replace(12, 4 * MIB, 6), -EINVAL);
	/* covers: ioas_window_replace -ENOMEM */
	w.limit = charged() + 10;
	rig_fails(r, replace(12, 512 * MIB, 1), -ENOMEM);
	assert_true(leads_to(IO, 1, RW));
	assert_int_equal(counts(), 4);
	w.ws->no_dynamic = true;
	/* covers: ioas_window_replace -EPERM */
	rig_fails(r, replace(12, 512 * MIB, 1), -EPERM);
	w.ws->no_dynamic = false;
}

/* covers: ioas_window_replace -ENODEV */
static void firmware_has_sizes_at_its_addresses(struct rig *r)
{
	start(r, "pseries");
	rig_ok(r, map(0, 0, 4, RW));
	rig_fails(r, replace(12, 2048 * MIB, 1), -ENODEV);
	rig_ok(r, replace(12, 512 * MIB, 1));
	assert_true(leads_to(3 * IO, 3, RW));
}

/* covers: ioas_window_replace -EEXIST */
static void a_free_window_does_not_grow_into_another(struct rig *r)
{
	struct ioas_window_shape shape = {12, 1, MIB, 0};

	start(r, "free");
	rig_ok(r, ioas_window_create(w.ws, &shape, &info));
	shape.start = 2 * MIB;
	rig_ok(r, ioas_window_create(w.ws, &shape, &info));
	rig_fails(r, replace(12, 2 * MIB + IO, 1), -EEXIST);
	rig_ok(r, replace(12, 2 * MIB, 1));
}

/* WIN-3 */
static void a_group_that_refuses_leaves_the_old_one_everywhere(struct rig *r)
{
	start(r, "power9");
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	window_at_0(r);
	rig_ok(r, map(0, 0, 4, RW));
	w.group[0].answer = -EIO;
	w.tolds = 0;
	rig_fails(r, replace(12, 512 * MIB, 2), -EIO);
	assert_int_equal(w.tolds, 3);
	/* The first has the old one again. */
	assert_int_equal(w.told[2].group, 1);
	assert_true(w.told[2].set && w.told[2].bytes == 256 * MIB);
	assert_true(leads_to(0, 0, RW));
	assert_int_equal(counts(), 4);
}

static void put_away(void *arg)
{
	(void)arg;
	assert_int_equal(counts(), 6);
	assert_true(leads_to(0, 0, RW));
}

static void without_memory_the_old_one_stays(struct rig *r)
{
	uint64_t before;
	int rc;

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 4, RW));
	rig_ok(r, map(128 * MIB, 4, 2, RW));
	rig_defer(r, put_away, NULL);
	before = charged();
	rc = rig_try(r, replace(12, 512 * MIB, 4));
	/* What is only faster with reserved addresses goes without them. */
	if (!rc)
		return;
	assert_true(rig_failed(r));
	assert_int_equal(rc, -ENOMEM);
	assert_true(charged() == before);
}

RIG_MAIN("window_replace", RIG_TEST(a_window_grows_and_keeps_its_entries),
         RIG_TEST(a_window_shrinks_down_to_what_is_mapped),
         RIG_TEST(pages_may_become_smaller),
         RIG_TEST(replace_refuses_what_create_refuses),
         RIG_TEST(firmware_has_sizes_at_its_addresses),
         RIG_TEST(a_free_window_does_not_grow_into_another),
         RIG_TEST(a_group_that_refuses_leaves_the_old_one_everywhere),
         RIG_TEST(without_memory_the_old_one_stays))
