/* SPDX-License-Identifier: MIT */
#include "window_rig.h"

static uint64_t list[IOAS_WINDOW_LIST_MAX];

static int put_how(uint64_t iova, unsigned int count, bool may_sleep)
{
	const struct ioas_window_list what = {iova, list, count, may_sleep};

	return ioas_windows_put(w.ws, &what);
}

static int put(uint64_t iova, unsigned int count)
{
	return put_how(iova, count, true);
}

static void entries_are_written_in_one_call(struct rig *r)
{
	unsigned int i;

	start(r, "power9");
	window_at_0(r);
	for (i = 0; i < 8; i++)
		list[i] = uaddr(40 - 3 * i) | RW;
	list[3] = 0;
	list[5] = uaddr(1) | IOAS_READ;
	rig_ok(r, put(510 * IO, 8));
	assert_int_equal(counts(), 7);
	assert_true(leads_to(510 * IO, 40, RW));
	assert_true(leads_to(512 * IO, 34, RW));
	assert_int_equal(fault_at(513 * IO, IOAS_READ), IOAS_FAULT_UNMAPPED);
	assert_true(leads_to(515 * IO, 1, IOAS_READ));
	assert_int_equal(fault_at(515 * IO, IOAS_WRITE), IOAS_FAULT_PERMISSION);
	/* And over each other. */
	for (i = 0; i < 8; i++)
		list[i] = i % 2 ? uaddr(i) | RW : 0;
	rig_ok(r, put(510 * IO, 8));
	assert_int_equal(counts(), 4);
	assert_true(leads_to(511 * IO, 1, RW));
	memset(list, 0, sizeof(list));
	rig_ok(r, put(510 * IO, 8));
	assert_int_equal(counts(), 0);
}

/* WIN-2 */
static void one_entry_that_cannot_be_is_none_at_all(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(0, 8, 4, RW));
	list[0] = uaddr(0) | RW;
	list[1] = uaddr(1) | RW;
	list[2] = uaddr(PAGES) | RW;
	list[3] = 0;
	/* covers: ioas_windows_put -EINVAL */
	rig_fails(r, put(0, 4), -EINVAL);
	list[2] = (uaddr(2) + 8) | RW;
	rig_fails(r, put(0, 4), -EINVAL);
	assert_int_equal(counts(), 4);
	assert_true(leads_to(0, 8, RW));
	assert_true(leads_to(3 * IO, 11, RW));
}

/* WIN-1; covers: ioas_windows_put -ENXIO */
static void a_list_stays_inside_of_the_window(struct rig *r)
{
	uint64_t end = UINT64_C(1) << 28;

	start(r, "power9");
	/* A window that is owed is none. */
	list[0] = list[1] = 0;
	rig_fails(r, put(0, 1), -ENXIO);
	window_at_0(r);
	rig_fails(r, put(HIGH, 1), -ENXIO);
	rig_fails(r, put(end - IO, 2), -EINVAL);
	rig_fails(r, put(end - IO + 1, 1), -EINVAL);
	rig_fails(r, put(0, 0), -EINVAL);
	rig_fails(r, put(0, IOAS_WINDOW_LIST_MAX + 1), -EINVAL);
	rig_ok(r, put(end - IO, 1));
}

/* covers: ioas_windows_put -EACCES */
static void a_region_for_reading_is_not_written(struct rig *r)
{
	char *more = rig_memory(r, rig_page());

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, enter((uintptr_t)more, rig_page(), IOAS_READ));
	list[0] = (uintptr_t)more | IOAS_WRITE;
	rig_fails(r, put(0, 1), -EACCES);
	list[0] = (uintptr_t)more | IOAS_READ;
	rig_ok(r, put(0, 1));
}

/* covers: ioas_windows_put -ENOMEM */
static void without_memory_for_a_table_nothing_is_written(struct rig *r)
{
	int rc;

	start(r, "power9");
	window_at_0(r);
	list[0] = uaddr(0) | RW;
	list[1] = uaddr(1) | RW;
	rc = rig_try(r, put(511 * IO, 2));
	if (!rig_failed(r))
		return;
	assert_int_equal(rc, -ENOMEM);
	assert_int_equal(counts(), 0);
}

/* covers: ioas_windows_put -EAGAIN */
static void what_is_too_hard_is_not_begun(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	list[0] = uaddr(0) | RW;
	list[1] = uaddr(1) | RW;
	/* There is no table. */
	rig_fails(r, put_how(0, 2, false), -EAGAIN);
	assert_int_equal(counts(), 0);
	rig_ok(r, map(8 * IO, 8, 1, RW));
	rig_ok(r, put_how(0, 2, false));
	assert_int_equal(counts(), 3);
	/* A device may use what is there. */
	rig_fails(r, put_how(1 * IO, 2, false), -EAGAIN);
	assert_int_equal(counts(), 3);
	assert_true(entry_at(2 * IO).tce == 0);
	/* Somebody has the lock. */
	ioas_lock(&w.ws->space->lock);
	rig_fails(r, put_how(20 * IO, 1, false), -EAGAIN);
	ioas_unlock(&w.ws->space->lock);
	rig_ok(r, put_how(20 * IO, 1, false));
}

static void counts_are_by_region(struct rig *r)
{
	const unsigned int many = 40;
	size_t page = rig_page();
	char *more = rig_memory(r, many * page);
	unsigned int i;

	start(r, "power9");
	window_at_0(r);
	for (i = 0; i < many; i++)
		rig_ok(r, enter((uintptr_t)more + i * page, page, RW));
	for (i = 0; i < IOAS_WINDOW_LIST_MAX; i++)
		list[i] = ((uintptr_t)more + (i * 7 % many) * page) | RW;
	rig_ok(r, put(0, IOAS_WINDOW_LIST_MAX));
	assert_int_equal(counts(), IOAS_WINDOW_LIST_MAX);
	for (i = 0; i < many; i++)
		rig_fails(r, leave((uintptr_t)more + i * page, page), -EBUSY);
	rig_ok(r, unmap(0, IOAS_WINDOW_LIST_MAX));
	for (i = 0; i < many; i++)
		rig_ok(r, leave((uintptr_t)more + i * page, page));
}

/* More regions than a call remembers at once. */
static void regions_may_be_more_than_are_remembered(struct rig *r)
{
	const unsigned int many = IOAS_WINDOW_LIST_MAX;
	size_t page = rig_page();
	char *more = rig_memory(r, many * page);
	unsigned int i;

	start(r, "power9");
	window_at_0(r);
	for (i = 0; i < many; i++) {
		rig_ok(r, enter((uintptr_t)more + i * page, page, RW));
		list[i] = ((uintptr_t)more + i * page) | RW;
	}
	rig_ok(r, put(0, many));
	assert_int_equal(counts(), many);
	rig_ok(r, put(0, many));
	assert_int_equal(counts(), many);
	rig_ok(r, unmap(0, many));
	assert_int_equal(counts(), 0);
}

/* MEM-6 */
static void large_pages_want_memory_that_is_as_large(struct rig *r)
{
	uint64_t large = UINT64_C(1) << 16, here = 0;
	char *more = rig_memory(r, 4 * large), *good;

	start(r, "power9");
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &here));
	good = more + (-(uintptr_t)more & (large - 1));
	rig_ok(r, enter((uintptr_t)good, 2 * large, RW));
	list[0] = (uintptr_t)good | RW;
	list[1] = ((uintptr_t)good + large) | RW;
	if (rig_page() < large && rig_backend() != &ioas_backend_identity) {
		rig_fails(r, put(0, 2), -EINVAL);
		assert_int_equal(counts(), 0);
		return;
	}
	rig_ok(r, put(0, 2));
	assert_int_equal(counts(), 2);
	list[1] = ((uintptr_t)good + 2 * large) | RW;
	rig_fails(r, put(0, 2), -EINVAL);
	assert_int_equal(counts(), 2);
}

static void a_set_without_a_registry_has_no_lists(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9")};

	memset(&w, 0, sizeof(w));
	rig_ok(r, ioas_windows_create(&config, &w.ws));
	rig_defer(r, RIG_CALL(ioas_windows_destroy), w.ws);
	rig_fails(r, put(0, 1), -EINVAL);
}

/* covers: ioas_windows_get -ENXIO */
static void an_entry_can_be_read(struct rig *r)
{
	struct ioas_window_entry entry;

	start(r, "power9");
	window_at_0(r);
	rig_fails(r, ioas_windows_get(w.ws, HIGH, &entry), -ENXIO);
	entry = entry_at(IO + 77);
	assert_true(entry.tce == 0 && entry.uaddr == 0);
	assert_int_equal(entry.page_shift, 12);
	rig_ok(r, map(0, 3, 2, IOAS_READ));
	entry = entry_at(IO + 77);
	assert_true(entry.uaddr == uaddr(4));
	assert_int_equal(entry.tce & 3, IOAS_READ);
	assert_true((entry.tce & ~UINT64_C(3)) ==
	            rig_backend()->frame(rig_backend(), uaddr(4),
	                                 rig_page_shift()));
}

RIG_MAIN("window_put", RIG_TEST(entries_are_written_in_one_call),
         RIG_TEST(one_entry_that_cannot_be_is_none_at_all),
         RIG_TEST(a_list_stays_inside_of_the_window),
         RIG_TEST(a_region_for_reading_is_not_written),
         RIG_TEST(without_memory_for_a_table_nothing_is_written),
         RIG_TEST(what_is_too_hard_is_not_begun),
         RIG_TEST(counts_are_by_region),
         /* By the hundred: the runs would take minutes. */
         RIG_ONCE(regions_may_be_more_than_are_remembered),
         RIG_TEST(large_pages_want_memory_that_is_as_large),
         RIG_TEST(a_set_without_a_registry_has_no_lists),
         RIG_TEST(an_entry_can_be_read))
