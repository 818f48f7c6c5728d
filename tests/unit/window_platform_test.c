/* SPDX-License-Identifier: MIT */
/*
 * Slots, addresses, sizes and charges. The charges are by hand, from what the
 * driver of Linux does.
 */
#include "window_rig.h"

#define GIB (UINT64_C(1) << 30)

static void start_on_pages(struct rig *r, const char *name, unsigned int shift)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find(name), .page_shift = shift};

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	rig_ok(r, ioas_window_remove(w.ws, 0));
}

static void platforms_are_found_by_name(struct rig *r)
{
	assert_int_equal(ioas_platform_find("power8")->page_sizes, 0x11011000);
	assert_int_equal(ioas_platform_find("power9")->page_sizes, 0x40211000);
	assert_int_equal(ioas_platform_find("pseries")->page_sizes, 0x1211000);
	assert_int_equal(ioas_platform_find("pseries-1")->windows, 1);
	assert_null(ioas_platform_find("power"));
}

struct charged {
	unsigned int cpu_shift, page_shift, levels;
	uint64_t bytes, pages;
};

static void charge_each(struct rig *r, const struct charged *row)
{
	struct ioas_window_shape shape = {row->page_shift, row->levels,
	                                  row->bytes, 0};
	uint64_t pages = 0;

	w.ws->page_shift = row->cpu_shift;
	assert_int_equal(ioas_platform_charge(w.ws, &shape, &pages), 0);
	assert_int_equal(pages, row->pages);
}

static void powernv_charges_a_full_table_twice(struct rig *r)
{
	static const struct charged rows[] = {
		{12, 12, 1, 2 * GIB, 2048},
		{12, 12, 2, 2 * GIB, 2052},
		{16, 12, 1, 2 * GIB, 128},
		{16, 12, 2, 2 * GIB, 130},
		/* The least table there is. */
		{12, 12, 1, 4096, 2},
		{16, 12, 1, 4096, 2},
		{12, 16, 1, 8192, 2},
		/* 1 TiB of 64 KiB pages: 2^24 entries, 2 times 2^12. */
		{12, 16, 2, 1024 * GIB, 65552},
		{12, 30, 1, 1024 * GIB, 4},
	};
	unsigned int i;

	start(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++)
		charge_each(r, &rows[i]);
	w.ws->page_shift = 12;
}

/* WIN-7 */
static void what_is_charged_is_what_the_formula_says(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_ok(r, create(12, 2 * GIB, 2, &at_));
	assert_int_equal(charged(), 2052);
	rig_ok(r, create(16, 1024 * GIB, 2, &at_));
	assert_int_equal(charged(), 2052 + 65552);
	assert_int_equal(about().charged, charged());
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_int_equal(charged(), 65552);
	rig_ok(r, ioas_window_remove(w.ws, at_));
	assert_int_equal(charged(), 0);
}

/* covers: ioas_window_create -EINVAL */
static void powernv_refuses_levels_and_sizes(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_fails(r, create(12, GIB, 0, &at_), -EINVAL);
	rig_fails(r, create(12, GIB, 6, &at_), -EINVAL);
	rig_fails(r, create(12, 3 * IO, 1, &at_), -EINVAL);
	rig_fails(r, create(12, 0, 1, &at_), -EINVAL);
	rig_fails(r, create(13, GIB, 1, &at_), -EINVAL);
	rig_fails(r, create(64, GIB, 1, &at_), -EINVAL);
	rig_fails(r, create(76, GIB, 1, &at_), -EINVAL);
	rig_fails(r, create(12 + 128, GIB, 1, &at_), -EINVAL);
	/* Smaller than an eighth of a page. */
	rig_fails(r, create(16, 4096, 1, &at_), -EINVAL);
	/* Less than a page, shared by levels. */
	rig_fails(r, create(21, 1 << 18, 2, &at_), -EINVAL);
	rig_fails(r, create(21, 1 << 18, 3, &at_), -EINVAL);
	rig_fails(r, create(21, 1 << 19, 2, &at_), -EINVAL);
	assert_true(charged() == 0);
	rig_ok(r, create(21, 1 << 18, 1, &at_));
	rig_ok(r, create(21, 1 << 20, 2, &at_));
}

static void usable_levels_follow_from_the_processors_pages(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_fails(r, create(12, GIB, 5, &at_), -EINVAL);
	rig_ok(r, create(12, GIB, 4, &at_));
	rig_ok(r, ioas_window_remove(w.ws, at_));
	rig_fails(r, create(21, 4 * GIB, 4, &at_), -EINVAL);
	rig_ok(r, create(21, 4 * GIB, 3, &at_));
	rig_ok(r, ioas_window_remove(w.ws, at_));
	assert_true(charged() == 0);
}

static void pages_of_64_KiB_leave_fewer_levels(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 16);
	rig_fails(r, create(12, GIB, 4, &at_), -EINVAL);
	rig_ok(r, create(12, GIB, 3, &at_));
	rig_ok(r, ioas_window_remove(w.ws, at_));
	rig_fails(r, create(16, GIB, 3, &at_), -EINVAL);
	rig_ok(r, create(16, GIB, 2, &at_));
}

/* covers: ioas_window_create -ENOMEM */
static void one_table_is_at_most_so_large(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_fails(r, create(12, UINT64_C(1) << 34, 1, &at_), -ENOMEM);
	assert_true(charged() == 0);
	w.limit = 2047;
	rig_fails(r, create(12, 2 * GIB, 1, &at_), -ENOMEM);
	assert_true(charged() == 0);
}

/* All entries of its table can be used. */
static void a_tiny_window_is_as_large_as_its_table(struct rig *r)
{
	struct ioas_window_info info;
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_ok(r, create(12, IO, 1, &at_));
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.entries, 512);
	rig_ok(r, map(511 * IO, 0, 1, RW));
	assert_true(leads_to(511 * IO, 0, RW));
	rig_fails(r, map(512 * IO, 0, 1, RW), -ENXIO);
}

/* WIN-5 */
static void slots_have_their_addresses(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "power9", 12);
	rig_ok(r, create(12, GIB, 1, &at_));
	assert_true(at_ == 0);
	rig_ok(r, create(16, GIB, 1, &at_));
	assert_true(at_ == HIGH);
	rig_fails(r, create(16, GIB, 1, &at_), -ENOSPC);
	rig_ok(r, ioas_window_remove(w.ws, IO));
	rig_ok(r, create(16, GIB, 1, &at_));
	assert_true(at_ == 0);
	rig_ok(r, ioas_window_remove(w.ws, HIGH + IO));
	rig_ok(r, create(12, GIB, 1, &at_));
	assert_true(at_ == HIGH);
}

static void pseries_has_its_addresses_by_size(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "pseries", 12);
	/* As large as the default window at most, and of its pages. */
	rig_ok(r, create(12, GIB / 2, 0, &at_));
	assert_true(at_ == 0);
	assert_int_equal(charged(), 256);
	rig_ok(r, create(12, GIB / 2, 1, &at_));
	assert_true(at_ == HIGH);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	/* covers: ioas_window_create -EPERM */
	rig_fails(r, create(12, GIB / 2, 1, &at_), -EPERM);
	rig_ok(r, ioas_window_remove(w.ws, HIGH));
	rig_ok(r, create(16, GIB, 1, &at_));
	assert_true(at_ == HIGH);
	/* covers: ioas_window_create -ENODEV */
	rig_fails(r, create(16, GIB, 1, &at_), -ENODEV);
	rig_fails(r, create(16, GIB, 2, &at_), -EINVAL);
	rig_fails(r, create(12, 3 * IO, 1, &at_), -EINVAL);
}

static void pseries_of_one_window_has_no_more(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "pseries-1", 12);
	rig_ok(r, create(24, 4 * GIB, 1, &at_));
	assert_true(at_ == HIGH);
	rig_fails(r, create(24, 4 * GIB, 1, &at_), -ENODEV);
	rig_ok(r, ioas_window_remove(w.ws, HIGH));
	rig_ok(r, create(24, 4 * GIB, 1, &at_));
}

/* As Linux does: a refusal of the firmware is remembered. */
static void as_linux_what_firmware_refused_is_refused_ever(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("pseries"),
		.quirks = IOAS_QUIRKS_LINUX_6_12,
	};
	uint64_t at_ = 0;

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(16, GIB, 1, &at_));
	rig_fails(r, create(16, GIB, 1, &at_), -ENODEV);
	rig_ok(r, ioas_window_remove(w.ws, HIGH));
	rig_fails(r, create(16, GIB, 1, &at_), -ENODEV);
	rig_fails(r, create(12, GIB, 1, &at_), -ENODEV);
}

static void pseries_charges_whole_pages_only(struct rig *r)
{
	uint64_t at_ = 0;

	start_on_pages(r, "pseries", 16);
	rig_ok(r, create(12, UINT64_C(1) << 24, 1, &at_));
	assert_true(charged() == 0);
	rig_ok(r, create(12, UINT64_C(1) << 25, 1, &at_));
	assert_true(charged() == 1);
	w.limit = 100;
	rig_fails(r, create(12, GIB, 2, &at_), -ENOSPC);
	rig_ok(r, ioas_window_remove(w.ws, HIGH));
	/* More levels than there are: a table of 4 GiB, to be charged. */
	rig_fails(r, create(12, GIB, 2, &at_), -ENOMEM);
}

/* The second one may be smaller than its pages: no entries, but a slot. */
static void pseries_takes_a_window_without_entries(struct rig *r)
{
	struct ioas_window_info info;
	uint64_t at_ = 0;

	start_on_pages(r, "pseries", 12);
	rig_fails(r, create(16, IO, 1, &at_), -EINVAL);
	rig_ok(r, create(12, GIB, 1, &at_));
	assert_true(at_ == 0);
	rig_ok(r, create(16, IO, 1, &at_));
	assert_true(at_ == HIGH);
	rig_ok(r, ioas_window_query(w.ws, 1, &info));
	assert_int_equal(info.entries, 0);
	rig_fails(r, map(HIGH, 0, 1, RW), -ENXIO);
	rig_fails(r, ioas_window_remove(w.ws, HIGH), -EINVAL);
	assert_int_equal(about().live, 2);
}

static int create_at(uint64_t start_at, uint64_t bytes)
{
	const struct ioas_window_shape shape = {12, 2, bytes, start_at};
	struct ioas_window_info info;

	return ioas_window_create(w.ws, &shape, &info);
}

/* covers: ioas_window_create -EEXIST */
static void free_windows_are_anywhere_but_in_each_other(struct rig *r)
{
	unsigned int i;

	start(r, "free");
	assert_false(about().default_pending);
	rig_ok(r, create_at(5 * IO, 3 * IO));
	rig_fails(r, create_at(7 * IO, IO), -EEXIST);
	rig_fails(r, create_at(0, 6 * IO), -EEXIST);
	rig_fails(r, create_at(1, IO), -EINVAL);
	rig_fails(r, create_at(0, IO + 1), -EINVAL);
	rig_fails(r, create_at(-IO, 2 * IO), -EINVAL);
	rig_ok(r, create_at(8 * IO, 5 * IO));
	rig_ok(r, create_at(-3 * IO, 3 * IO));
	rig_ok(r, map(-2 * IO, 0, 2, RW));
	assert_true(leads_to(-IO, 1, RW));
	rig_ok(r, map(7 * IO, 2, 1, RW));
	rig_fails(r, map(7 * IO, 2, 2, RW), -EINVAL);
	for (i = 3; i < IOAS_WINDOWS_MAX; i++)
		rig_ok(r, create_at(i * 0x1000000, 0x1000000));
	/* covers: ioas_window_create -ENOSPC */
	rig_fails(r, create_at(HIGH, IO), -ENOSPC);
}

RIG_MAIN("window_platform", RIG_TEST(platforms_are_found_by_name),
         RIG_TEST(powernv_charges_a_full_table_twice),
         RIG_TEST(what_is_charged_is_what_the_formula_says),
         RIG_TEST(powernv_refuses_levels_and_sizes),
         RIG_TEST(usable_levels_follow_from_the_processors_pages),
         RIG_TEST(pages_of_64_KiB_leave_fewer_levels),
         RIG_TEST(one_table_is_at_most_so_large),
         RIG_TEST(a_tiny_window_is_as_large_as_its_table),
         RIG_TEST(slots_have_their_addresses),
         RIG_TEST(pseries_has_its_addresses_by_size),
         RIG_TEST(pseries_of_one_window_has_no_more),
         RIG_TEST(as_linux_what_firmware_refused_is_refused_ever),
         RIG_TEST(pseries_charges_whole_pages_only),
         RIG_TEST(pseries_takes_a_window_without_entries),
         RIG_TEST(free_windows_are_anywhere_but_in_each_other))
