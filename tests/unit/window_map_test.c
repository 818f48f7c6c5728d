/* SPDX-License-Identifier: MIT */
#include "window_rig.h"

/* covers: ioas_windows_map -ENXIO */
static void map_wants_a_window_at_its_address(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_fails(r, map(UINT64_C(1) << 28, 0, 1, RW), -ENXIO);
	rig_fails(r, map(HIGH, 0, 1, RW), -ENXIO);
	rig_ok(r, map((UINT64_C(1) << 28) - IO, 0, 1, RW));
}

/* covers: ioas_windows_map -EINVAL */
static void map_refuses_what_is_not_whole_pages(struct rig *r)
{
	struct ioas_window_map what = {0, 0, IO, RW};

	start(r, "power9");
	window_at_0(r);
	what.uaddr = uaddr(0);
	what.bytes = IO - 1;
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	what.bytes = IO;
	what.uaddr++;
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	what.uaddr--;
	what.iova = 1;
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	rig_fails(r, map(0, 0, 1, 0), -EINVAL);
	rig_fails(r, map(0, 0, 1, RW | 4), -EINVAL);
	assert_true(counts() == 0);
}

/* WIN-1 */
static void no_range_goes_past_the_end_or_around(struct rig *r)
{
	uint64_t end = UINT64_C(1) << 28;
	struct ioas_window_map what = {end - IO, 0, 2 * IO, RW};

	start(r, "power9");
	window_at_0(r);
	what.uaddr = uaddr(0);
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	what.bytes = -IO;
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	what = (struct ioas_window_map){0, -IO, 2 * IO, RW};
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	rig_fails(r, unmap(end - IO, 2), -EINVAL);
	rig_fails(r, ioas_windows_unmap(w.ws, end - IO, -IO), -EINVAL);
	assert_true(entry_at(end - IO).tce == 0);
}

/* A length of 0 is fine, where the rest is. */
static void nothing_can_be_mapped_and_unmapped(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 0, RW));
	rig_ok(r, unmap(IO, 0));
	rig_fails(r, map(1, 0, 0, RW), -EINVAL);
	rig_fails(r, unmap(1, 0), -EINVAL);
	rig_fails(r, unmap(HIGH, 0), -ENXIO);
}

/* Each entry has its own region, and they follow each other. */
static void a_range_may_be_of_several_regions(struct rig *r)
{
	uint64_t page = rig_page(), io = page / IO;
	char *more = rig_memory(r, 4 * page);
	struct ioas_window_map what = {0, (uintptr_t)more, 4 * page, RW};
	unsigned int i;

	start(r, "power9");
	window_at_0(r);
	for (i = 0; i < 4; i++)
		rig_ok(r, enter((uintptr_t)more + i * page, page, RW));
	rig_ok(r, ioas_windows_map(w.ws, &what));
	assert_true(counts() == 4 * io);
	rig_ok(r, unmap(io * IO, io));
	rig_ok(r, leave((uintptr_t)more + page, page));
	rig_fails(r, leave((uintptr_t)more, page), -EBUSY);
	/* The second is missing now: nothing of the rest changes. */
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	assert_true(counts() == 3 * io);
	assert_true(entry_at(io * IO).tce == 0);
	rig_ok(r, unmap(0, 4 * io));
	assert_true(counts() == 0);
}

/* WIN-2, MEM-8 */
static void what_fails_leaves_every_entry_as_it_was(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 8, 4, IOAS_READ));
	rig_ok(r, map(8 * IO, 20, 1, RW));
	/* The last page of it is not registered. */
	rig_fails(r, map(2 * IO, PAGES - 7, 8, RW), -EINVAL);
	assert_true(counts() == 5);
	assert_true(leads_to(2 * IO, 10, IOAS_READ));
	assert_true(leads_to(3 * IO, 11, IOAS_READ));
	assert_true(entry_at(4 * IO).tce == 0);
	assert_true(leads_to(8 * IO, 20, RW));
}

/* WIN-9 */
static void a_map_over_another_takes_its_place(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 8, RW));
	rig_ok(r, map(2 * IO, 16, 4, RW));
	assert_true(counts() == 8);
	assert_true(leads_to(IO, 1, RW));
	assert_true(leads_to(2 * IO, 16, RW));
	assert_true(leads_to(5 * IO, 19, RW));
	assert_true(leads_to(6 * IO, 6, RW));
	rig_ok(r, unmap(0, 8));
	assert_true(counts() == 0);
}

/* WIN-13 */
static void write_lets_a_device_read_on_powernv(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, IOAS_WRITE));
	rig_ok(r, map(IO, 1, 1, IOAS_READ));
	assert_true(leads_to(0, 0, IOAS_READ));
	assert_int_equal(entry_at(0).perm, RW);
	assert_int_equal(entry_at(0).asked, IOAS_WRITE);
	assert_int_equal(fault_at(IO, IOAS_WRITE), IOAS_FAULT_PERMISSION);
}

static void write_alone_stays_alone_on_pseries(struct rig *r)
{
	start(r, "pseries");
	rig_ok(r, map(0, 0, 1, IOAS_WRITE));
	assert_int_equal(fault_at(0, IOAS_READ), IOAS_FAULT_PERMISSION);
	assert_true(leads_to(0, 0, IOAS_WRITE));
	assert_int_equal(entry_at(0).perm, IOAS_WRITE);
}

/* covers: ioas_windows_map -EACCES */
static void a_region_for_reading_is_not_mapped_to_be_written(struct rig *r)
{
	char *more = rig_memory(r, rig_page());
	struct ioas_window_map what = {0, (uintptr_t)more, IO, RW};

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, enter((uintptr_t)more, rig_page(), IOAS_READ));
	rig_fails(r, ioas_windows_map(w.ws, &what), -EACCES);
	what.perm = IOAS_READ;
	rig_ok(r, ioas_windows_map(w.ws, &what));
}

/* MEM-6 */
static void a_large_page_wants_memory_that_is_as_large(struct rig *r)
{
	uint64_t large = UINT64_C(1) << 16, start_at, page = rig_page();
	char *more = rig_memory(r, 4 * large), *good;
	struct ioas_window_map what = {HIGH, 0, large, RW};

	start(r, "power9");
	rig_ok(r, map(0, 0, 1, RW));
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &start_at));
	assert_true(start_at == HIGH);
	good = more + (-(uintptr_t)more & (large - 1));
	rig_ok(r, enter((uintptr_t)good, 2 * large, RW));
	what.uaddr = (uintptr_t)good;
	if (page < large && rig_backend() != &ioas_backend_identity) {
		rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
		return;
	}
	rig_ok(r, ioas_windows_map(w.ws, &what));
	what.uaddr = (uintptr_t)good + IO;
	rig_fails(r, ioas_windows_map(w.ws, &what), -EINVAL);
	assert_true(counts() == 2);
}

/* WIN-10 */
static void holes_are_passed_a_table_at_a_time(struct rig *r)
{
	struct ioas_window_info info;
	uint64_t start_at;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(12, UINT64_C(1) << 46, 4, &start_at));
	rig_ok(r, map(UINT64_C(1) << 45, 0, 1, RW));
	/* 2^34 entries: by the entry this would take minutes. */
	rig_ok(r, ioas_windows_unmap(w.ws, 0, UINT64_C(1) << 46));
	assert_true(counts() == 0);
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.tables[0], 1);
	assert_int_equal(info.mapped, 0);
	rig_ok(r, ioas_windows_unmap(w.ws, 0, UINT64_C(1) << 46));
}

static void levels_come_when_they_are_needed(struct rig *r)
{
	struct ioas_window_info info;
	uint64_t start_at;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(12, UINT64_C(1) << 39, 3, &start_at));
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.tables[2], 1);
	assert_int_equal(info.tables[1], 0);
	rig_ok(r, map(0, 0, 2, RW));
	rig_ok(r, map((UINT64_C(1) << 38) - IO, 8, 2, RW));
	rig_ok(r, ioas_window_query(w.ws, 0, &info));
	assert_int_equal(info.tables[0], 3);
	assert_int_equal(info.tables[1], 3);
	assert_int_equal(info.mapped, 4);
	assert_true(leads_to((UINT64_C(1) << 38) - IO, 8, RW));
	assert_true(leads_to(UINT64_C(1) << 38, 9, RW));
}

static void put_away(void *arg)
{
	assert_true(counts() == *(const uint64_t *)arg);
}

/* covers: ioas_windows_map -ENOMEM */
static void without_memory_for_a_table_nothing_is_mapped(struct rig *r)
{
	static uint64_t expected;
	int rc;

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	expected = 1;
	rig_defer(r, put_away, &expected);
	rc = rig_try(r, map(UINT64_C(1) << 27, 0, 8, RW));
	if (rig_failed(r)) {
		assert_int_equal(rc, -ENOMEM);
		assert_true(entry_at(UINT64_C(1) << 27).tce == 0);
		return;
	}
	assert_int_equal(rc, 0);
	expected = 9;
}

/* MEM-3: an unregister that is refused changes nothing. */
static void a_mapped_region_is_not_unregistered(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 4, RW));
	rig_fails(r, leave(uaddr(0), PAGES * IO), -EBUSY);
	rig_ok(r, unmap(0, 3));
	rig_fails(r, leave(uaddr(0), PAGES * IO), -EBUSY);
	rig_ok(r, unmap(3 * IO, 1));
	rig_ok(r, leave(uaddr(0), PAGES * IO));
	rig_fails(r, map(0, 0, 1, RW), -EINVAL);
}

/* What a device may have written is dirty when it is unpinned. */
static void what_is_cleared_is_marked_as_dirty(struct rig *r)
{
	struct ioas_mapping what = {.counts = 1, .perm = RW};
	struct ioas_mapped got;
	unsigned int per = (unsigned int)(rig_page() / IO);
	uint64_t first;

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 2 * per, per, RW));
	rig_ok(r, map(64 * IO, 0, per, IOAS_READ));
	rig_ok(r, unmap(0, 2 * 64));
	what.start = uaddr(0);
	what.length = IO;
	rig_ok(r, ioas_registry_get(w.registry, &what, &got));
	first = ioas_region_fetch_dirty(got.region, 0);
	ioas_region_put(got.region, 1);
	assert_true(first == 1 << 2);
}

static void accesses_go_through_the_entries(struct rig *r)
{
	char text[] = "a device was here", back[sizeof(text)];

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 4, 1, RW));
	rig_ok(r, map(IO, 9, 1, IOAS_READ));
	rig_ok(r, ioas_windows_write(w.ws, IO - 10, text, 10));
	assert_memory_equal(at(5) - 10, text, 10);
	memcpy(at(9), text + 10, sizeof(text) - 10);
	rig_ok(r, ioas_windows_read(w.ws, IO - 10, back, sizeof(back)));
	assert_string_equal(back, text);
	/* covers: ioas_windows_write -EFAULT, ioas_windows_read -EFAULT */
	rig_fails(r, ioas_windows_write(w.ws, IO - 1, text, 2), -EFAULT);
	rig_fails(r, ioas_windows_read(w.ws, 2 * IO - 1, back, 2), -EFAULT);
	rig_fails(r, ioas_windows_read(w.ws, HIGH, back, 1), -EFAULT);
}

/* Two windows side by side: an access goes on in the next one. */
static void an_access_may_cross_from_window_to_window(struct rig *r)
{
	struct ioas_window_shape shape = {12, 1, 1 << 20, 0x40000000};
	struct ioas_window_info info;
	char text[32] = "over the end of one window";
	char back[32];

	start(r, "free");
	rig_ok(r, ioas_window_create(w.ws, &shape, &info));
	shape.start += shape.bytes;
	rig_ok(r, ioas_window_create(w.ws, &shape, &info));
	rig_ok(r, map(shape.start - IO, 0, 1, RW));
	rig_ok(r, map(shape.start, 1, 1, RW));
	rig_ok(r, ioas_windows_write(w.ws, shape.start - 8, text, 32));
	assert_memory_equal(at(1) - 8, text, 32);
	rig_ok(r, ioas_windows_read(w.ws, shape.start - 8, back, 32));
	assert_memory_equal(back, text, 32);
	assert_int_equal(fault_at(shape.start + (1 << 20), IOAS_READ),
	                 IOAS_FAULT_APERTURE);
	assert_int_equal(fault_at(shape.start + IO, IOAS_READ),
	                 IOAS_FAULT_UNMAPPED);
}

/* covers: ioas_windows_unmap -ENXIO, ioas_windows_unmap -EINVAL */
static void unmap_wants_whole_pages_of_a_window(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 0, 2, RW));
	rig_fails(r, ioas_windows_unmap(w.ws, HIGH, IO), -ENXIO);
	rig_fails(r, ioas_windows_unmap(w.ws, 0, IO + 1), -EINVAL);
	rig_fails(r, ioas_windows_unmap(w.ws, 8, IO), -EINVAL);
	assert_true(counts() == 2);
}

/* covers: ioas_windows_unmap -ENOMEM */
static void unmap_makes_the_default_window_that_is_owed(struct rig *r)
{
	start(r, "power9");
	w.limit = 10;
	rig_fails(r, unmap(0, 1), -ENOMEM);
	assert_true(about().default_pending);
	w.limit = UINT64_MAX;
	rig_ok(r, unmap(0, 1));
	assert_int_equal(about().live, 1);
}

static void as_linux_an_odd_address_answers_1(struct rig *r)
{
	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rig_fails(r, map(8, 0, 1, RW), 1);
	rig_fails(r, ioas_windows_unmap(w.ws, 8, IO), 1);
	/* What is wrong besides comes first. */
	rig_fails(r, map(8, 0, 1, 0), -EINVAL);
	assert_true(counts() == 0);
}

static void as_linux_unmap_past_the_end_is_by_version(struct rig *r)
{
	uint64_t end = UINT64_C(1) << 28;

	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rig_ok(r, map(end - IO, 0, 1, RW));
	rig_fails(r, unmap(end - IO, 2), 1);
	assert_true(counts() == 1);
	w.ws->quirks = IOAS_QUIRKS_LINUX_6_12;
	rig_ok(r, unmap(end - IO, 2));
	assert_true(counts() == 0);
}

static void as_linux_a_map_past_the_end_is_counted_for_ever(struct rig *r)
{
	uint64_t end = UINT64_C(1) << 28;

	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rig_ok(r, map(end - IO, 0, 2, RW));
	assert_true(leads_to(end - IO, 0, RW));
	assert_int_equal(fault_at(end, IOAS_READ), IOAS_FAULT_APERTURE);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_true(counts() == 1);
	rig_fails(r, leave(uaddr(0), PAGES * IO), -EBUSY);
}

static void as_linux_a_map_that_fails_forgets(struct rig *r)
{
	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rig_ok(r, map(0, 8, 4, RW));
	/* First page: nothing. Second: what the first replaced is lost. */
	rig_fails(r, map(0, PAGES, 2, RW), -EINVAL);
	assert_true(leads_to(0, 8, RW));
	rig_fails(r, map(0, PAGES - 1, 2, RW), -EINVAL);
	assert_true(entry_at(0).tce == 0);
	assert_true(leads_to(IO, 9, RW));
	assert_true(counts() == 3);
}

static void as_linux_a_level_that_is_missing_keeps_a_count(struct rig *r)
{
	int rc;

	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	window_at_0(r);
	rc = rig_try(r, map(0, 0, 4, RW));
	if (!rig_failed(r))
		return;
	assert_int_equal(rc, -ENOMEM);
	assert_true(counts() == 1);
}

RIG_MAIN("window_map", RIG_TEST(map_wants_a_window_at_its_address),
         RIG_TEST(map_refuses_what_is_not_whole_pages),
         RIG_TEST(no_range_goes_past_the_end_or_around),
         RIG_TEST(nothing_can_be_mapped_and_unmapped),
         RIG_TEST(a_range_may_be_of_several_regions),
         RIG_TEST(what_fails_leaves_every_entry_as_it_was),
         RIG_TEST(a_map_over_another_takes_its_place),
         RIG_TEST(write_lets_a_device_read_on_powernv),
         RIG_TEST(write_alone_stays_alone_on_pseries),
         RIG_TEST(a_region_for_reading_is_not_mapped_to_be_written),
         RIG_TEST(a_large_page_wants_memory_that_is_as_large),
         RIG_TEST(holes_are_passed_a_table_at_a_time),
         RIG_TEST(levels_come_when_they_are_needed),
         RIG_TEST(without_memory_for_a_table_nothing_is_mapped),
         RIG_TEST(a_mapped_region_is_not_unregistered),
         RIG_TEST(what_is_cleared_is_marked_as_dirty),
         RIG_TEST(accesses_go_through_the_entries),
         RIG_TEST(an_access_may_cross_from_window_to_window),
         RIG_TEST(unmap_wants_whole_pages_of_a_window),
         RIG_TEST(unmap_makes_the_default_window_that_is_owed),
         RIG_TEST(as_linux_an_odd_address_answers_1),
         RIG_TEST(as_linux_unmap_past_the_end_is_by_version),
         RIG_TEST(as_linux_a_map_past_the_end_is_counted_for_ever),
         RIG_TEST(as_linux_a_map_that_fails_forgets),
         RIG_TEST(as_linux_a_level_that_is_missing_keeps_a_count))
