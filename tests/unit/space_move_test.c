/* SPDX-License-Identifier: MIT */
#include "base/grace.h"
#include "space/move.h"
#include "space_rig.h"

static unsigned int ended, told;
static struct ioas_event last_told;
static struct ioas_keep keep;

static void end(struct ioas_keep *self)
{
	ended++;
}

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind != IOAS_EVENT_FREED)
		return;
	told++;
	last_told = *ev;
}

static void begin(struct rig *r)
{
	static struct ioas_observer observer;

	ended = told = 0;
	keep = (struct ioas_keep){.end = end};
	ioas_aptr_store(&ioas_observers, NULL);
	observer = (struct ioas_observer){.event = hear};
	ioas_observe(&observer);
	start(r, rig_page_shift(), 48);
}

static struct uaddr_range pages(unsigned int first, unsigned int n)
{
	uint64_t at = (uintptr_t)memory_at(first);

	return (struct uaddr_range){at, at + bytes_of(n) - 1};
}

static struct uaddr target(unsigned int page)
{
	return (struct uaddr){(uintptr_t)memory_at(page)};
}

static void leads_to(unsigned int page, const char *where)
{
	struct ioas_translation t;

	assert_int_equal(translate(bytes_of(page), 1, IOAS_READ, &t), 0);
	assert_ptr_equal(t.pointer, where);
}

static void is_gone(unsigned int page)
{
	struct ioas_translation t;

	assert_int_equal(translate(bytes_of(page), 1, IOAS_READ, &t),
	                 IOAS_FAULT_GONE);
}

static int move_range(struct uaddr_range range, struct uaddr to,
                      struct ioas_keep *k)
{
	struct ioas_move m;
	int rc;

	ioas_move_begin(&m);
	rc = ioas_move_prepare_locked(range, to, k);
	if (!rc)
		ioas_move_to_locked(range, to, k);
	ioas_move_end(&m);
	return rc;
}

static int move(unsigned int first, unsigned int n, unsigned int to,
                struct ioas_keep *k)
{
	return move_range(pages(first, n), target(to), k);
}

static void entries_follow_the_pages_that_moved(struct rig *r)
{
	begin(r);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	rig_ok(r, move(1, 2, 9, &keep));
	leads_to(0, memory_at(0));
	leads_to(1, memory_at(9));
	leads_to(2, memory_at(10));
	leads_to(3, memory_at(3));
	assert_true(keep.users == 1);
	unmap_at(0);
	assert_int_equal(ended, 1);
}

static void every_mapping_of_a_page_follows_it(struct rig *r)
{
	begin(r);
	rig_ok(r, map_to(0, 2, memory_at(0), RW));
	rig_ok(r, map_to(bytes_of(8), 2, memory_at(1), RW));
	rig_ok(r, move(1, 1, 9, &keep));
	leads_to(1, memory_at(9));
	leads_to(8, memory_at(9));
	leads_to(9, memory_at(2));
	unmap_at(0);
	assert_int_equal(ended, 0);
	unmap_at(bytes_of(8));
	assert_int_equal(ended, 1);
}

static void a_mapping_made_later_at_the_old_address_is_another(struct rig *r)
{
	begin(r);
	rig_ok(r, map_to(0, 1, memory_at(0), RW));
	rig_ok(r, move(0, 1, 9, &keep));
	rig_ok(r, map_to(bytes_of(4), 1, memory_at(0), RW));
	leads_to(0, memory_at(9));
	leads_to(4, memory_at(0));
	rig_ok(r, move(0, 1, 10, NULL));
	leads_to(0, memory_at(9));
	leads_to(4, memory_at(10));
	unmap_at(bytes_of(4));
	leads_to(0, memory_at(9));
}

static void pages_that_stay_the_programs_can_move_again(struct rig *r)
{
	struct uaddr_range run;

	begin(r);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	rig_ok(r, move(1, 2, 9, NULL));
	assert_true(ioas_pins_run(pages(9, 4), &run));
	assert_true(run.first == pages(9, 2).first &&
	            run.last == pages(9, 2).last);
	assert_false(ioas_pins_run(pages(1, 2), &run));
	rig_ok(r, move(10, 1, 12, NULL));
	leads_to(1, memory_at(9));
	leads_to(2, memory_at(12));
	unmap_at(0);
	assert_false(ioas_pins_any());
}

static void lost_pages_are_a_fault_and_can_be_unmapped(struct rig *r)
{
	struct ioas_move m;

	begin(r);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	rig_ok(r, map_to(bytes_of(8), 1, memory_at(6), RW));
	ioas_move_begin(&m);
	ioas_move_lose_locked(pages(2, 1));
	ioas_move_end(&m);
	is_gone(0);
	is_gone(3);
	leads_to(8, memory_at(6));
	unmap_at(0);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	leads_to(2, memory_at(2));
}

static int lose_cut(unsigned int page)
{
	struct ioas_move m;
	int rc;

	ioas_move_begin(&m);
	rc = ioas_move_prepare_locked(pages(page, 1), target(page), NULL);
	if (!rc)
		ioas_move_lose_locked(pages(page, 1));
	ioas_move_end(&m);
	return rc;
}

static void after_a_cut_only_the_part_is_lost(struct rig *r)
{
	begin(r);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	rig_ok(r, lose_cut(1));
	leads_to(0, memory_at(0));
	is_gone(1);
	leads_to(2, memory_at(2));
}

static void MOVE_2_what_cannot_be_prepared_is_as_it_was(struct rig *r)
{
	int rc;

	begin(r);
	rig_ok(r, map_to(0, 4, memory_at(0), RW));
	rc = (int)rig_try(r, move(1, 2, 9, &keep));
	if (!rc)
		return;
	assert_int_equal(rc, -ENOMEM);
	leads_to(1, memory_at(1));
	leads_to(3, memory_at(3));
	assert_true(keep.users == 0);
}

static void who_translated_before_is_told_to_do_it_again(struct rig *r)
{
	uint32_t before;

	begin(r);
	rig_ok(r, map_to(0, 1, memory_at(0), RW));
	before = ioas_moves_now();
	assert_false(ioas_moves_since(before));
	rig_ok(r, move(0, 1, 9, &keep));
	assert_true(ioas_moves_since(before));
	assert_false(ioas_moves_since(ioas_moves_now()));
}

static void tell(struct uaddr_range range)
{
	struct ioas_move m;

	ioas_move_begin(&m);
	ioas_move_tell_locked(range, 77);
	ioas_move_end(&m);
}

static void a_mapping_whose_memory_is_freed_is_told_once(struct rig *r)
{
	begin(r);
	rig_ok(r, map_to(bytes_of(2), 2, memory_at(4), IOAS_READ));
	tell(pages(0, 4));
	assert_int_equal(told, 0);
	tell(pages(5, 3));
	assert_int_equal(told, 1);
	assert_true(last_told.range.first == bytes_of(2));
	assert_true(last_told.uaddr.raw == pages(4, 1).first);
	assert_true(last_told.site_now == 77);
	assert_int_equal(last_told.perm, IOAS_READ);
	tell(pages(4, 2));
	assert_int_equal(told, 1);
}

static void a_neighbour_of_a_mapping_in_its_page_is_not_about_it(struct rig *r)
{
	struct uaddr_range block;

	begin(r);
	rig_ok(r, map_to(0, 2, memory_at(4), RW));
	block = pages(4, 1);
	block.first += 64;
	tell(block);
	assert_int_equal(told, 0);
	block.last += 64;
	tell(block);
	assert_int_equal(told, 0);
	block.first = pages(4, 1).first;
	block.last = block.first + 63;
	tell(block);
	assert_int_equal(told, 1);
}

static void a_block_that_holds_a_page_is_about_its_mapping(struct rig *r)
{
	struct uaddr_range block;

	begin(r);
	rig_ok(r, map_to(0, 2, memory_at(4), RW));
	block = pages(4, 2);
	block.first += 16;
	tell(block);
	assert_int_equal(told, 1);
}

/* A space with smaller pages than the program's. */
static void a_mapping_inside_of_a_page_moves_with_it(struct rig *r)
{
	struct ioas_translation t;
	struct uaddr_range range;
	char *to;

	ended = 0;
	keep = (struct ioas_keep){.end = end};
	start(r, 11, 48);
	rig_ok(r, map_to(0, 1, s.memory + 2048, RW));
	range.first = (uintptr_t)s.memory;
	range.last = range.first + rig_page() - 1;
	to = s.memory + 4 * rig_page();
	rig_ok(r, move_range(range, (struct uaddr){(uintptr_t)to}, &keep));
	assert_int_equal(translate(5, 1, IOAS_READ, &t), 0);
	assert_ptr_equal(t.pointer, to + 2048 + 5);
	unmap_at(0);
	assert_int_equal(ended, 1);
}

RIG_MAIN("space_move", RIG_TEST(entries_follow_the_pages_that_moved),
         RIG_TEST(every_mapping_of_a_page_follows_it),
         RIG_TEST(a_mapping_made_later_at_the_old_address_is_another),
         RIG_TEST(pages_that_stay_the_programs_can_move_again),
         RIG_TEST(lost_pages_are_a_fault_and_can_be_unmapped),
         RIG_TEST(after_a_cut_only_the_part_is_lost),
         RIG_TEST(MOVE_2_what_cannot_be_prepared_is_as_it_was),
         RIG_TEST(who_translated_before_is_told_to_do_it_again),
         RIG_TEST(a_mapping_whose_memory_is_freed_is_told_once),
         RIG_TEST(a_neighbour_of_a_mapping_in_its_page_is_not_about_it),
         RIG_TEST(a_block_that_holds_a_page_is_about_its_mapping),
         RIG_TEST(a_mapping_inside_of_a_page_moves_with_it))
