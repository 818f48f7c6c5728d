/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem_rig.h"
#include "space/move.h"

static unsigned int ended;
static struct ioas_keep keep;

static void end(struct ioas_keep *self)
{
	ended++;
}

static void start(struct rig *r)
{
	ended = 0;
	keep = (struct ioas_keep){.end = end};
	start_on(r, rig_backend());
}

static struct uaddr_range some(unsigned int first, unsigned int n)
{
	return (struct uaddr_range){page(first), page(first + n) - 1};
}

/* As who keeps memory does it: aside, and then it is the registry's alone. */
static int move(unsigned int first, unsigned int n, unsigned int to)
{
	struct uaddr at = {page(to)};
	struct ioas_move move;
	int rc;

	ioas_move_begin(&move);
	rc = ioas_move_prepare_locked(some(first, n), at, NULL);
	if (!rc)
		ioas_move_to_locked(some(first, n), at, NULL);
	ioas_move_end(&move);
	return rc;
}

static void keep_it(unsigned int first, unsigned int n)
{
	struct ioas_move move;

	ioas_move_begin(&move);
	ioas_move_to_locked(some(first, n), (struct uaddr){page(first)}, &keep);
	ioas_move_end(&move);
}

/* Nothing but these pages, where it can be told from the rest. */
static int lose(unsigned int first, unsigned int n)
{
	struct ioas_move move;
	int rc;

	ioas_move_begin(&move);
	rc = ioas_move_prepare_locked(some(first, n),
	                              (struct uaddr){page(first)}, NULL);
	if (!rc)
		ioas_move_lose_locked(some(first, n));
	ioas_move_end(&move);
	return rc;
}

static void leads_to(unsigned int i, unsigned int where)
{
	uint64_t phys = 0;

	assert_true(translated(page(i) + 5, RW, &phys));
	assert_true(phys == backend_frame(page(where) + 5));
}

static bool is_pinned(unsigned int i)
{
	struct uaddr_range run;

	return ioas_pins_run(some(i, 1), &run);
}

static int get(unsigned int i, uint64_t n, unsigned int io_shift)
{
	struct ioas_mapping what = mapping(i, n);
	struct ioas_mapped got;
	int rc;

	what.io_shift = io_shift;
	rc = ioas_registry_get(m.registry, &what, &got);
	if (!rc)
		ioas_region_put(got.region, n);
	return rc;
}

/* ---- What moved is found where it was registered. ---- */

static void MEM_10_entries_follow_the_pages(struct rig *r)
{
	struct ioas_region_info info;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, move(1, 2, 9));
	keep_it(9, 2);
	leads_to(0, 0);
	leads_to(1, 9);
	leads_to(2, 10);
	leads_to(3, 3);
	assert_false(is_pinned(1));
	assert_false(is_pinned(9));
	assert_int_equal(
		ioas_registry_find(m.registry, page(0), pages(4), &info), 0);
	assert_true(info.start == page(0) && info.length == pages(4));
	/* The addresses are registered still, and the memory is another. */
	rig_fails(r, enter(m.b, 1, 1), -EINVAL);
	assert_int_equal(get(0, 4, 0), 0);
	assert_int_equal(leave(m.a, 0, 4), 0);
	assert_int_equal(ended, 0);
	ioas_registry_settle(m.registry);
	assert_int_equal(ended, 1);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_false(ioas_pins_any());
}

static void KEEP_2_what_comes_back_is_as_it_was(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, move(0, 3, 8));
	leads_to(2, 10);
	rig_ok(r, move(8, 3, 0));
	leads_to(0, 0);
	leads_to(2, 2);
	leads_to(3, 3);
	assert_true(is_pinned(0) && is_pinned(2));
	assert_int_equal(get(0, 4, 0), 0);
}

static void a_region_that_two_share_follows_once(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.b, 0, 2));
	rig_ok(r, move(0, 2, 6));
	leads_to(1, 7);
	assert_int_equal(leave(m.a, 0, 2), 0);
	leads_to(1, 7);
	rig_ok(r, move(6, 2, 12));
	leads_to(1, 13);
	assert_int_equal(leave(m.b, 0, 2), 0);
	assert_false(found(0));
}

/* Two containers, a count of somebody else, and the registry end. */
static void end_one(unsigned int which, struct ioas_region *region)
{
	if (which == 0)
		ioas_holder_destroy(m.a);
	else if (which == 1)
		ioas_holder_destroy(m.b);
	else if (which == 2 && m.registry)
		ioas_region_put(region, 2);
	else if (which == 3)
		ioas_registry_destroy(m.registry, NULL);
	m.a = which == 0 ? NULL : m.a;
	m.b = which == 1 ? NULL : m.b;
	m.registry = which == 3 ? NULL : m.registry;
}

static void tear_down(struct rig *r, unsigned int order)
{
	struct ioas_region *region;
	unsigned int i;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.b, 0, 2));
	region = mapped(r, 0, 2);
	rig_ok(r, move(0, 2, 6));
	keep_it(6, 2);
	for (i = 0; i < 4; i++, order >>= 2)
		end_one(order & 3, region);
	assert_int_equal(ended, 1);
	assert_false(ioas_pins_any());
	assert_true(rig_pinned_bytes(r) == 0);
}

static void PINS_3_what_was_kept_ends_once_in_every_order(struct rig *r)
{
	unsigned int n, seen;

	for (n = 0; n < 256; n++) {
		seen = 1u << (n & 3) | 1u << (n >> 2 & 3) | 1u << (n >> 4 & 3) |
		       1u << (n >> 6);
		if (seen == 15)
			tear_down(r, n);
	}
}

/* ---- What could not be kept. ---- */

/* covers: ioas_registry_get -EFAULT */
static void MEM_10_what_is_lost_is_nowhere(struct rig *r)
{
	struct ioas_region_info info;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, lose(1, 2));
	leads_to(0, 0);
	assert_false(found(1));
	assert_false(found(2));
	leads_to(3, 3);
	assert_int_equal(get(1, 1, 0), -EFAULT);
	assert_int_equal(get(0, 2, 0), -EFAULT);
	assert_int_equal(get(0, 1, 0), 0);
	assert_int_equal(get(3, 1, 0), 0);
	assert_int_equal(report().counts, 0);
	/* It is registered until it is not. */
	assert_int_equal(ioas_registry_find(m.registry, page(1), 1, &info), 0);
	rig_fails(r, enter(m.b, 1, 1), -EINVAL);
	assert_int_equal(leave(m.a, 0, 4), 0);
	rig_ok(r, enter(m.b, 1, 1));
	leads_to(1, 1);
}

/* ---- Who is told. ---- */

static void who_has_counts_is_told(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, enter(m.a, 8, 1));
	rig_ok(r, move(8, 1, 9));
	assert_int_equal(m.moves, 0);
	region = mapped(r, 0, 4);
	rig_ok(r, move(1, 2, 10));
	assert_int_equal(m.moves, 1);
	assert_ptr_equal(m.moved.region, region);
	assert_true(m.moved.start == page(1) && m.moved.length == pages(2));
	assert_true(m.moved.to == page(10) && !m.moved.lost);
	/* That its addresses are not the program's any more is no news. */
	keep_it(10, 2);
	assert_int_equal(m.moves, 1);
	rig_ok(r, lose(3, 1));
	assert_int_equal(m.moves, 2);
	assert_true(m.moved.start == page(3) && m.moved.lost);
	ioas_region_put(region, 4);
}

/* It is in no table, and devices have it. */
static void quarantined_memory_is_told_of(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	region = mapped(r, 0, 2);
	assert_int_equal(leave_by(m.a, 0, 2, IOAS_UNREGISTER_QUARANTINE), 0);
	rig_ok(r, move(0, 2, 6));
	assert_int_equal(m.moves, 1);
	assert_true(m.moved.to == page(6));
	assert_false(found(0));
	ioas_region_put(region, 2);
	assert_true(ioas_registry_settle(m.registry) == 0);
}

/* ---- Before and after it is registered. ---- */

static void what_was_unregistered_does_not_move(struct rig *r)
{
	struct ioas_move move;
	bool pinned;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	assert_int_equal(leave(m.a, 0, 2), 0);
	/* One grace period serves many. */
	assert_true(is_pinned(0));
	ioas_move_begin(&move);
	pinned = is_pinned(0);
	ioas_move_end(&move);
	assert_false(pinned);
	assert_true(report().pinned == 0);
}

/* The program gives it back while it is being pinned. */
static int pin_and_move(const struct ioas_backend *self,
                        const struct ioas_pin *pin,
                        struct ioas_extent *ret_extents, unsigned int max)
{
	int count = rig_backend()->pin(rig_backend(), pin, ret_extents, max);

	if (count > 0)
		(void)move(1, 1, 9);
	return count;
}

static uint64_t frame(const struct ioas_backend *self, uint64_t uaddr,
                      unsigned int page_shift)
{
	return rig_backend()->frame(rig_backend(), uaddr, page_shift);
}

static void memory_given_back_while_it_is_registered_is_not_there(struct rig *r)
{
	static struct ioas_backend restless;

	start(r);
	restless = *rig_backend();
	restless.pin = pin_and_move;
	restless.frame = frame;
	m.below = &restless;
	/* Without memory the move has not happened. */
	if (rig_try(r, enter(m.a, 0, 2)) != -EFAULT)
		assert_true(rig_failed(r));
	else
		assert_false(found(0));
	m.below = rig_backend();
	if (rig_failed(r))
		return;
	assert_true(report().charged == 0 && report().pinned == 0);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_false(ioas_pins_any());
}

/* ---- Pages of other sizes. ---- */

/* MEM-6, of the frames that there are now. */
static void io_pages_are_whole_where_the_pages_are(struct rig *r)
{
	unsigned int two = rig_page_shift() + 1;
	unsigned int first;

	start_on(r, &ioas_backend_identity);
	first = page(0) & pages(1) ? 1 : 0;
	rig_ok(r, enter(m.a, first, 4));
	assert_int_equal(get(first, 4, two), 0);
	rig_ok(r, move(first, 1, first + 8));
	assert_int_equal(get(first, 2, two), -EINVAL);
	assert_int_equal(get(first + 2, 2, two), 0);
	rig_ok(r, move(first + 1, 1, first + 9));
	assert_int_equal(get(first, 4, two), 0);
	rig_ok(r, move(first + 8, 2, first + 5));
	assert_int_equal(get(first, 2, two), -EINVAL);
}

/* A page of the registry is two of the program's. */
static void a_page_in_pieces_is_lost(struct rig *r)
{
	unsigned int first;
	uint64_t phys;

	start_pages(r, &ioas_backend_identity, rig_page_shift() + 1);
	first = page(0) & pages(1) ? 1 : 0;
	rig_ok(r, enter(m.a, first, 4));
	rig_ok(r, move(first, 1, first + 8));
	assert_false(found(first));
	assert_false(found(first + 1));
	assert_true(found(first + 2));
	/* The rest of it comes along: it is one again. */
	rig_ok(r, move(first + 1, 1, first + 9));
	assert_true(translated(page(first + 1), RW, &phys));
	assert_true(phys == page(first + 9));
	rig_ok(r, move(first + 8, 2, first));
	assert_true(translated(page(first), RW, &phys));
	assert_true(phys == page(first));
}

RIG_MAIN("mem_follow", RIG_TEST(MEM_10_entries_follow_the_pages),
         RIG_TEST(KEEP_2_what_comes_back_is_as_it_was),
         RIG_TEST(a_region_that_two_share_follows_once),
         RIG_TEST(PINS_3_what_was_kept_ends_once_in_every_order),
         RIG_TEST(MEM_10_what_is_lost_is_nowhere),
         RIG_TEST(who_has_counts_is_told),
         RIG_TEST(quarantined_memory_is_told_of),
         RIG_TEST(what_was_unregistered_does_not_move),
         RIG_TEST(memory_given_back_while_it_is_registered_is_not_there),
         RIG_TEST(io_pages_are_whole_where_the_pages_are),
         RIG_TEST(a_page_in_pieces_is_lost))
