/* SPDX-License-Identifier: MIT */
/* Memory that moves under a window, what reports are told, and events. */
#include "space/move.h"
#include "window_rig.h"

static unsigned int per(void)
{
	return (unsigned int)(rig_page() / IO);
}

static struct uaddr_range pages(unsigned int first, unsigned int n)
{
	return (struct uaddr_range){uaddr(first * per()),
	                            uaddr((first + n) * per()) - 1};
}

static void move(struct rig *r, unsigned int first, unsigned int n, int to)
{
	struct uaddr target = {uaddr((unsigned int)to * per())};
	struct ioas_move going;
	int rc;

	ioas_move_begin(&going);
	rc = rig_try(r,
	             ioas_move_prepare_locked(pages(first, n), target, NULL));
	if (!rc)
		ioas_move_to_locked(pages(first, n), target, NULL);
	ioas_move_end(&going);
	if (rig_failed(r))
		rig_leave(r);
	assert_int_equal(rc, 0);
}

/* MEM-10: entries lead where the memory is; and it can be told apart still. */
static void entries_follow_what_moves(struct rig *r)
{
	start(r, "power9");
	if (per() * 12 > PAGES)
		rig_skip("pages of the program are too large for this");
	window_at_0(r);
	rig_ok(r, map(0, 0, 4 * per(), RW));
	rig_ok(r, map(512 * IO, per(), 1, IOAS_READ));
	move(r, 1, 2, 8);
	assert_true(leads_to(0, 0, RW));
	assert_true(leads_to(per() * IO, 8 * per(), RW));
	assert_true(leads_to(2 * per() * IO, 9 * per(), RW));
	assert_true(leads_to(3 * per() * IO, 3 * per(), RW));
	assert_true(leads_to(512 * IO, 8 * per(), IOAS_READ));
	assert_int_equal(fault_at(512 * IO, IOAS_WRITE), IOAS_FAULT_PERMISSION);
	assert_true(entry_at(512 * IO).uaddr == uaddr(per()));
	/* What is mapped later is where it is now. */
	rig_ok(r, map(1024 * IO, per(), 1, RW));
	assert_true(leads_to(1024 * IO, 8 * per(), RW));
	rig_ok(r, unmap(0, 2048));
	assert_int_equal(counts(), 0);
}

static void what_is_lost_is_a_fault(struct rig *r)
{
	struct ioas_move going;
	int rc;

	start(r, "power9");
	if (per() * 4 > PAGES)
		rig_skip("pages of the program are too large for this");
	window_at_0(r);
	rig_ok(r, map(0, 0, 3 * per(), RW));
	ioas_move_begin(&going);
	rc = rig_try(r, ioas_move_prepare_locked(pages(1, 1),
	                                         (struct uaddr){uaddr(per())},
	                                         NULL));
	if (!rc)
		ioas_move_lose_locked(pages(1, 1));
	ioas_move_end(&going);
	if (rig_failed(r))
		rig_leave(r);
	assert_int_equal(fault_at(per() * IO, IOAS_READ), IOAS_FAULT_GONE);
	assert_true(leads_to(0, 0, RW));
	assert_true(entry_at(per() * IO).tce == 0);
	assert_true(entry_at(per() * IO).uaddr == uaddr(per()));
	/* It cannot be mapped again, and it can be unmapped. */
	rig_fails(r, map(512 * IO, per(), 1, RW), -EINVAL);
	rig_ok(r, unmap(0, 3 * per()));
	assert_int_equal(counts(), 0);
}

/* A set of another registry has nothing to do with it. */
static void only_sets_of_its_registry_are_told(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power8")};
	struct ioas_windows *other;

	start(r, "power9");
	if (per() * 9 > PAGES)
		rig_skip("pages of the program are too large for this");
	rig_ok(r, ioas_windows_create(&config, &other));
	rig_defer(r, RIG_CALL(ioas_windows_destroy), other);
	rig_ok(r, map(0, 0, 1, RW));
	move(r, 0, 1, 8);
	assert_true(leads_to(0, 8 * per(), RW));
}

static void reports_know_what_is_around(struct rig *r)
{
	struct ioas_space_around around;

	start(r, "power9");
	window_at_0(r);
	rig_ok(r, map(4 * IO, 2, 1, IOAS_READ));
	rig_ok(r, map(90 * IO, 5, 1, RW));
	assert_true(ioas_space_around_try(w.ws->space, (struct iova){8 * IO},
	                                  &around));
	assert_int_equal(around.at.perm, 0);
	assert_true(around.below.range.first == 4 * IO);
	assert_true(around.below.uaddr.raw == uaddr(2));
	assert_int_equal(around.below.perm, IOAS_READ);
	assert_true(around.above.range.last == 91 * IO - 1);
	assert_true(ioas_space_around_try(w.ws->space, (struct iova){90 * IO},
	                                  &around));
	assert_int_equal(around.at.perm, RW);
	assert_true(ioas_space_around_try(w.ws->space, (struct iova){HIGH},
	                                  &around));
	assert_int_equal(around.at.perm | around.below.perm, 0);
}

/* ---- Events. ---- */

static struct ioas_event heard[8];
static unsigned int heard_count;

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind <= IOAS_EVENT_UNMAP)
		heard[heard_count++ % 8] = *ev;
}

static void deafen(void *arg)
{
	(void)arg;
	ioas_aptr_store(&ioas_observers, NULL);
}

static uint32_t site_now;

static uint32_t site(void)
{
	return site_now;
}

static void no_sites(void *arg)
{
	ioas_hooks.call_site = *(uint32_t(**)(void))arg;
}

static void mappings_are_told_with_their_sites(struct rig *r)
{
	static struct ioas_observer observer;
	static uint32_t (*before)(void);

	before = ioas_hooks.call_site;
	ioas_hooks.call_site = site;
	rig_defer(r, no_sites, &before);
	site_now = 6;
	start(r, "power9");
	window_at_0(r);
	observer = (struct ioas_observer){.event = hear};
	heard_count = 0;
	ioas_observe(&observer);
	rig_defer(r, deafen, NULL);
	site_now = 7;
	rig_ok(r, map(0, 0, 8, IOAS_WRITE));
	assert_int_equal(heard_count, 1);
	assert_int_equal(heard[0].kind, IOAS_EVENT_MAP);
	assert_true(heard[0].range.last == 8 * IO - 1);
	assert_int_equal(heard[0].perm, IOAS_WRITE);
	assert_int_equal(heard[0].site, 7);
	site_now = 8;
	rig_ok(r, unmap(2 * IO, 3));
	assert_int_equal(heard_count, 2);
	assert_int_equal(heard[1].kind, IOAS_EVENT_UNMAP);
	assert_true(heard[1].range.first == 2 * IO);
	assert_true(heard[1].uaddr.raw == uaddr(2));
	assert_int_equal(heard[1].site, 7);
	assert_int_equal(heard[1].site_now, 8);
	/* What is left is two pieces; and replaced ones are told as well. */
	rig_ok(r, map(0, 32, 8, RW));
	assert_int_equal(heard_count, 5);
	assert_int_equal(heard[4].kind, IOAS_EVENT_MAP);
}

RIG_MAIN("window_around", RIG_TEST(entries_follow_what_moves),
         RIG_TEST(what_is_lost_is_a_fault),
         RIG_TEST(only_sets_of_its_registry_are_told),
         RIG_TEST(reports_know_what_is_around),
         RIG_TEST(mappings_are_told_with_their_sites))
