/* SPDX-License-Identifier: MIT */
/* Sets without a registry: memory is pinned for as long as it is mapped. */
#include "mem/follow.h"
#include "space/move.h"
#include "window_rig.h"

static struct rig *rig;

static void nothing_is_pinned(void *arg)
{
	(void)arg;
	ioas_windows_destroy(w.ws);
	w.ws = NULL;
	assert_true(rig_pinned_bytes(rig) == 0);
	assert_true(w.quirks || charged() == 0);
}

static void start_own(struct rig *r, unsigned int quirks)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"),
		.backend = rig_backend(),
		.accountant = &w.accountant,
		.page_shift = 12,
		.quirks = quirks,
	};

	memset(&w, 0, sizeof(w));
	rig = r;
	w.accountant.charge = stand_charge;
	w.accountant.uncharge = stand_uncharge;
	w.limit = UINT64_MAX;
	w.quirks = quirks;
	w.group[0] = (struct group){.group.ops = &group_ops};
	w.group[1] = w.group[0];
	stand_memory(r);
	rig_defer(r, nothing_is_pinned, NULL);
	rig_ok(r, ioas_windows_create(&config, &w.ws));
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
}

/* Program pages that are pinned now. */
static unsigned int pinned(void)
{
	struct uaddr_range run, left = {uaddr(0), uaddr(PAGES) - 1};
	unsigned int n = 0;

	/* What is unregistered may wait for others. */
	ioas_registries_settle();
	while (ioas_pins_run(left, &run)) {
		n += (unsigned int)((run.last - run.first + 1) / rig_page());
		if (run.last >= left.last)
			break;
		left.first = run.last + 1;
	}
	return n;
}

static unsigned int per(void)
{
	return (unsigned int)(rig_page() / IO);
}

static void pages_are_pinned_while_an_entry_leads_there(struct rig *r)
{
	start_own(r, 0);
	rig_ok(r, map(0, 0, 4 * per(), RW));
	assert_int_equal(pinned(), 4);
	assert_true(leads_to(IO, 1, RW));
	/* The same pages again, elsewhere. */
	rig_ok(r, map(IO * 1000, 0, 2 * per(), RW));
	assert_int_equal(pinned(), 4);
	rig_ok(r, unmap(0, 4 * per()));
	assert_int_equal(pinned(), 2);
	rig_ok(r, unmap(IO * 1000, 2 * per()));
	assert_int_equal(pinned(), 0);
}

static void what_is_replaced_is_unpinned(struct rig *r)
{
	start_own(r, 0);
	rig_ok(r, map(0, 0, 2 * per(), RW));
	rig_ok(r, map(0, 2 * per(), 2 * per(), RW));
	assert_int_equal(pinned(), 2);
	rig_ok(r, map(0, 2 * per(), 2 * per(), RW));
	assert_int_equal(pinned(), 2);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_int_equal(pinned(), 0);
}

/* covers: ioas_windows_map -EFAULT */
static void a_hole_is_found_and_nothing_stays(struct rig *r)
{
	start_own(r, 0);
	rig_hole(r, at(3 * per()), rig_page());
	rig_fails(r, map(0, 0, 4 * per(), RW), -EFAULT);
	assert_int_equal(pinned(), 0);
	assert_true(entry_at(0).tce == 0);
	rig_ok(r, map(0, 0, 3 * per(), RW));
	rig_fails(r, map(0, 2 * per(), 2 * per(), RW), -EFAULT);
	assert_true(leads_to(0, 0, RW));
	assert_int_equal(pinned(), 3);
}

/* A9: pinned for what is asked. */
static void memory_to_read_is_mapped_to_be_read(struct rig *r)
{
	start_own(r, 0);
	rig_read_only(r, at(0), rig_page());
	rig_ok(r, map(0, 0, 1, IOAS_READ));
	rig_fails(r, map(IO, 0, 1, RW), -EFAULT);
	rig_fails(r, map(IO, 0, 1, IOAS_WRITE), -EFAULT);
	assert_true(leads_to(0, 0, IOAS_READ));
}

static void a_page_is_mapped_for_both_at_two_places(struct rig *r)
{
	start_own(r, 0);
	rig_ok(r, map(0, 0, 1, IOAS_READ));
	rig_ok(r, map(IO, 0, 1, RW));
	rig_ok(r, unmap(0, 1));
	assert_true(leads_to(IO, 0, RW));
	assert_int_equal(pinned(), 1);
}

static void as_linux_memory_to_read_cannot_be_mapped(struct rig *r)
{
	start_own(r, IOAS_QUIRKS_LINUX_7_3);
	rig_read_only(r, at(0), rig_page());
	rig_fails(r, map(0, 0, 1, IOAS_READ), -EFAULT);
	rig_ok(r, map(0, per(), 1, IOAS_READ));
}

static void such_a_set_has_one_group(struct rig *r)
{
	start_own(r, 0);
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[1].group), -EBUSY);
	ioas_windows_detach(w.ws, &w.group[0].group);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
}

static void more_is_taken_out_than_one_call_can_remember(struct rig *r)
{
	const unsigned int many = IOAS_GONE_MAX + 44;
	size_t page = rig_page();
	char *more = rig_memory(r, many * page);
	struct ioas_window_map what = {0, (uintptr_t)more, many * page, RW};

	start_own(r, 0);
	rig_ok(r, ioas_windows_map(w.ws, &what));
	rig_ok(r, ioas_windows_unmap(w.ws, 0, many * page));
	assert_true(entry_at(0).tce == 0);
	assert_true(entry_at((many - 1) * page).tce == 0);
}

/* MEM-10 */
static void pages_that_move_are_followed(struct rig *r)
{
	struct uaddr_range range;
	struct ioas_move move;
	int rc;

	start_own(r, 0);
	rig_ok(r, map(0, 0, 1, RW));
	range = (struct uaddr_range){uaddr(0), uaddr(0) + rig_page() - 1};
	ioas_move_begin(&move);
	rc = rig_try(r, ioas_move_prepare_locked(
				range, (struct uaddr){uaddr(8 * per())}, NULL));
	if (!rc)
		ioas_move_to_locked(range, (struct uaddr){uaddr(8 * per())},
		                    NULL);
	ioas_move_end(&move);
	if (rig_failed(r))
		rig_leave(r);
	assert_true(leads_to(0, 8 * per(), RW));
	rig_ok(r, unmap(0, 1));
}

RIG_MAIN("window_own", RIG_TEST(pages_are_pinned_while_an_entry_leads_there),
         RIG_TEST(what_is_replaced_is_unpinned),
         RIG_TEST(a_hole_is_found_and_nothing_stays),
         RIG_TEST(memory_to_read_is_mapped_to_be_read),
         RIG_TEST(a_page_is_mapped_for_both_at_two_places),
         RIG_TEST(as_linux_memory_to_read_cannot_be_mapped),
         RIG_TEST(such_a_set_has_one_group),
         /* By the hundred, page by page: the runs would take minutes. */
         RIG_ONCE(more_is_taken_out_than_one_call_can_remember),
         RIG_TEST(pages_that_move_are_followed))
