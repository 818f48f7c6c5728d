/* SPDX-License-Identifier: MIT */
#include "window_rig.h"

#define GIB (UINT64_C(1) << 30)

static uint64_t start_of;

/* WIN-6: the first action makes it; a create takes the next slot. */
static void create_makes_the_default_window_first(struct rig *r)
{
	struct ioas_window_info info;

	start(r, "power9");
	assert_true(about().default_pending);
	assert_int_equal(about().live, 0);
	rig_ok(r, create(16, GIB, 1, &start_of));
	assert_true(start_of == HIGH);
	assert_false(about().default_pending);
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.page_shift, 12);
	assert_true(info.start == 0 && info.bytes == 2 * GIB);
	assert_int_equal(info.levels, 1);
	rig_ok(r, ioas_window_query(w.ws, 1, &info));
	assert_true(info.start == HIGH && info.level_shift == 17);
	rig_fails(r, create(16, GIB, 1, &start_of), -ENOSPC);
}

static void remove_of_0_cancels_a_default_window_that_is_owed(struct rig *r)
{
	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_false(about().default_pending);
	/* Now there is none. */
	rig_fails(r, ioas_window_remove(w.ws, 0), -EINVAL);
	rig_fails(r, map(0, 0, 1, RW), -ENXIO);
	rig_ok(r, create(16, GIB, 1, &start_of));
	assert_true(start_of == 0);
}

static void the_default_window_is_there_for_a_map(struct rig *r)
{
	start(r, "power9");
	rig_ok(r, map(2 * GIB - IO, 3, 1, RW));
	assert_true(leads_to(2 * GIB - IO, 3, RW));
	assert_int_equal(charged(), 2048);
	/* It stays when the map itself fails. */
	rig_fails(r, map(2 * GIB, 0, 1, RW), -ENXIO);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_int_equal(charged(), 0);
	assert_int_equal(counts(), 0);
}

static void a_default_window_that_is_not_paid_for_stays_owed(struct rig *r)
{
	start(r, "power9");
	w.limit = 2047;
	rig_fails(r, map(0, 0, 1, RW), -ENOMEM);
	rig_fails(r, create(16, GIB, 1, &start_of), -ENOMEM);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(16, GIB, 1, &start_of));
	assert_true(start_of == 0);
}

/* covers: ioas_window_create -EPERM, ioas_window_create -ENXIO */
static void create_wants_a_group_and_dynamic_windows(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"), .no_dynamic = true};
	const struct ioas_window_shape shape = {16, 1, GIB, 0};
	struct ioas_window_info info;

	stand_config(r, &config);
	assert_int_equal(about().windows, 0);
	rig_fails(r, ioas_window_create(w.ws, &shape, &info), -ENXIO);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	rig_fails(r, create(16, GIB, 1, &start_of), -EPERM);
	rig_ok(r, map(0, 0, 1, RW));
	assert_int_equal(about().live, 1);
}

/* WIN-3 */
static void a_window_is_in_all_groups_or_in_none(struct rig *r)
{
	start(r, "power9");
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[2].group));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	w.group[0].answer = -EIO; /* the last that is asked */
	rig_fails(r, create(16, GIB, 1, &start_of), -EIO);
	assert_false(w.group[1].shows[0] || w.group[2].shows[0]);
	assert_true(charged() == 0);
	assert_int_equal(about().live, 0);
	w.group[0].answer = 0;
	rig_ok(r, create(16, GIB, 1, &start_of));
	assert_true(w.group[0].shows[0] && w.group[1].shows[0] &&
	            w.group[2].shows[0]);
	assert_true(w.told[w.tolds - 1].set);
	assert_true(w.told[w.tolds - 1].bytes == GIB);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_false(w.group[0].shows[0] || w.group[1].shows[0]);
}

/* WIN-4: entries go before groups are told, then tables */
static void remove_clears_before_it_unsets(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 5, RW));
	assert_int_equal(counts(), 5);
	w.tolds = 0;
	rig_ok(r, ioas_window_remove(w.ws, 17 * IO));
	assert_int_equal(w.tolds, 1);
	assert_false(w.told[0].set);
	assert_true(w.told[0].entry == 0);
	assert_int_equal(counts(), 0);
	assert_int_equal(fault_at(0, IOAS_READ), IOAS_FAULT_APERTURE);
	/* covers: ioas_window_remove -EINVAL */
	rig_fails(r, ioas_window_remove(w.ws, 0), -EINVAL);
}

static const struct ioas_window_group_ops cannot_unset = {group_set, NULL};
static const struct ioas_window_group_ops cannot_set = {NULL, group_unset};

/* covers: ioas_window_remove -EPERM */
static void a_group_that_cannot_is_found_before_anything_is_done(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	w.group[0].group.ops = &cannot_unset;
	rig_fails(r, ioas_window_remove(w.ws, 0), -EPERM);
	assert_true(leads_to(0, 0, RW));
	rig_fails(r, create(16, GIB, 1, &start_of), -EPERM);
	w.group[0].group.ops = &cannot_set;
	rig_fails(r, create(16, GIB, 1, &start_of), -EPERM);
	w.group[0].group.ops = &group_ops;
	assert_int_equal(about().live, 1);
}

static void as_linux_such_a_remove_clears(struct rig *r)
{
	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	w.group[0].group.ops = &cannot_unset;
	rig_fails(r, ioas_window_remove(w.ws, 0), -EPERM);
	assert_int_equal(fault_at(0, IOAS_READ), IOAS_FAULT_UNMAPPED);
	assert_int_equal(counts(), 0);
	w.group[0].group.ops = &group_ops;
}

/* WIN-7 */
static void a_table_that_cannot_be_made_is_not_charged(struct rig *r)
{
	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_fails(r, create(12, GIB, 5, &start_of), -EINVAL);
	assert_int_equal(charged(), 0);
}

static void as_linux_it_stays_charged(struct rig *r)
{
	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_6_12);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_fails(r, create(12, GIB, 5, &start_of), -EINVAL);
	assert_true(charged() > 0);
}

static void query_knows_what_there_is(struct rig *r)
{
	struct ioas_window_info info;

	start(r, "power9");
	/* covers: ioas_window_query -ENOENT */
	rig_fails(r, ioas_window_query(w.ws, 0, &info), -ENOENT);
	rig_fails(r, ioas_window_query(w.ws, IOAS_WINDOWS_MAX, &info), -ENOENT);
	window_at_0(r);
	rig_ok(r, map(0, 0, 3, RW));
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.mapped, 3);
	assert_int_equal(info.levels, 2);
	assert_int_equal(info.tables[0], 1);
	assert_int_equal(info.tables[1], 1);
	assert_int_equal(info.entries, 1 << 16);
	/* The table of a level and what is beside it. */
	assert_true(info.table_bytes >= 4096 + 4096 + 4096);
	assert_true(info.table_bytes < 8 * 4096);
}

RIG_MAIN("window_create", RIG_TEST(create_makes_the_default_window_first),
         RIG_TEST(remove_of_0_cancels_a_default_window_that_is_owed),
         RIG_TEST(the_default_window_is_there_for_a_map),
         RIG_TEST(a_default_window_that_is_not_paid_for_stays_owed),
         RIG_TEST(create_wants_a_group_and_dynamic_windows),
         RIG_TEST(a_window_is_in_all_groups_or_in_none),
         RIG_TEST(remove_clears_before_it_unsets),
         RIG_TEST(a_group_that_cannot_is_found_before_anything_is_done),
         RIG_TEST(as_linux_such_a_remove_clears),
         RIG_TEST(a_table_that_cannot_be_made_is_not_charged),
         RIG_TEST(as_linux_it_stays_charged),
         RIG_TEST(query_knows_what_there_is))
