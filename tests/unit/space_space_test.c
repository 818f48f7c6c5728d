/* SPDX-License-Identifier: MIT */
#include "base/grace.h"
#include "rig_hooks.h"
#include "space/space.h"
#include "space_rig.h"

/* Everything that was told since the test began. */
struct listener {
	struct ioas_observer observer;
	unsigned int maps, unmaps;
	struct ioas_event last;
};

static void listen(struct ioas_observer *self, const struct ioas_event *ev)
{
	struct listener *l = ioas_container_of(self, struct listener, observer);

	l->maps += ev->kind == IOAS_EVENT_MAP;
	l->unmaps += ev->kind == IOAS_EVENT_UNMAP;
	l->last = *ev;
}

static struct listener heard;

static void start_listening(struct rig *r)
{
	ioas_aptr_store(&ioas_observers, NULL);
	heard = (struct listener){.observer = {.event = listen}};
	ioas_observe(&heard.observer);
	start(r, rig_page_shift(), 48);
}

static void create_refuses_a_page_size_it_cannot_have(struct rig *r)
{
	struct ioas_space_config config = {.page_shift = 10,
	                                   .aperture = {0, UINT64_MAX}};
	struct ioas_space *space = NULL;

	rig_fails(r, ioas_space_create(&config, &space), -EINVAL);
	config.page_shift = 31;
	rig_fails(r, ioas_space_create(&config, &space), -EINVAL);
	assert_null(space);
}

static void create_refuses_an_aperture_with_nothing_left(struct rig *r)
{
	struct ioas_reserved all = {.range = {0, UINT64_MAX},
	                            .kind = IOAS_RESERVED_OTHER};
	struct ioas_space_config config = {
		.page_shift = 12,
		.aperture = {0, 0xffff},
		.reserved = &all,
		.reserved_count = 1,
	};
	struct ioas_space *space = NULL;

	rig_fails(r, ioas_space_create(&config, &space), -EINVAL);
	config.aperture.first = 0x10000;
	config.reserved_count = 0;
	rig_fails(r, ioas_space_create(&config, &space), -EINVAL);
	assert_null(space);
}

static void every_space_has_a_number_of_its_own(struct rig *r)
{
	struct ioas_space_config config = {
		.page_shift = 12,
		.aperture = {0, 0xffff},
	};
	struct ioas_space *other;

	start(r, 12, 48);
	rig_ok(r, ioas_space_create(&config, &other));
	assert_true(s.space->id > 0);
	assert_true(other->id > s.space->id);
	ioas_space_destroy(other);
}

static void destroy_of_nothing_is_fine(struct rig *r)
{
	ioas_space_destroy(NULL);
}

static void SPACE_4_destroy_puts_every_count(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 4, s.memory, RW));
	rig_ok(r, map_to(bytes_of(8), 2, s.memory, IOAS_READ));
	assert_true(ioas_a64_load(&s.account.pages) == 6);
	rig_cancel(r, s.space);
	ioas_space_destroy(s.space);
	assert_true(ioas_a64_load(&s.account.pages) == 0);
	assert_true(ioas_a64_load(&s.mem.regions) == 0);
	assert_true(rig_pinned_bytes(r) == 0);
}

static void map_makes_memory_visible_and_unmap_takes_it_away(struct rig *r)
{
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(bytes_of(3), 2, memory_at(1), RW));
	assert_int_equal(translate(bytes_of(3) + 7, 1, IOAS_READ, &t), 0);
	assert_ptr_equal(t.pointer, memory_at(1) + 7);
	assert_true(s.space->area_count == 1);
	unmap_at(bytes_of(3));
	assert_int_equal(translate(bytes_of(3), 1, IOAS_READ, &t),
	                 IOAS_FAULT_UNMAPPED);
	assert_true(s.space->area_count == 0);
}

static void map_refuses_a_permission_that_is_none(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	rig_fails(r, map_to(0, 1, s.memory, 0), -EINVAL);
	rig_fails(r, map_to(0, 1, s.memory, 4), -EINVAL);
}

static int map_range(uint64_t first, uint64_t last, uint64_t uaddr)
{
	struct ioas_map_request request = {&s.mem, {first, last}, {uaddr}, RW};

	return ioas_space_map_locked(s.space, &request);
}

static void map_refuses_what_is_not_page_aligned(struct rig *r)
{
	uint64_t page, at;

	start(r, rig_page_shift(), 48);
	page = bytes_of(1);
	at = (uintptr_t)s.memory;
	rig_fails(r, map_range(page / 2, page - 1, at), -EINVAL);
	rig_fails(r, map_range(0, page / 2 - 1, at), -EINVAL);
	rig_fails(r, map_range(0, page - 1, at + page / 2), -EINVAL);
	rig_ok(r, map_range(0, page - 1, at));
}

static void map_refuses_a_range_that_wraps(struct rig *r)
{
	uint64_t page;

	start(r, rig_page_shift(), 64);
	page = bytes_of(1);
	rig_fails(r, map_range(page, -page - 1, -page), -EINVAL);
	rig_fails(r, map_range(2 * page, page - 1, (uintptr_t)s.memory),
	          -EINVAL);
	rig_fails(r, map_range(0, 2 * page - 1, -page), -EINVAL);
}

static void map_refuses_what_is_not_in_one_usable_range(struct rig *r)
{
	start(r, rig_page_shift(), 39);
	rig_fails(r, map_to(0xfee00000, 1, s.memory, RW), -EINVAL);
	rig_fails(r, map_to(0xfee00000 - bytes_of(1), 2, s.memory, RW),
	          -EINVAL);
	rig_fails(r, map_to(UINT64_C(1) << 39, 1, s.memory, RW), -EINVAL);
	rig_fails(r, map_to((UINT64_C(1) << 39) - bytes_of(1), 2, s.memory, RW),
	          -EINVAL);
	rig_ok(r, map_to((UINT64_C(1) << 39) - bytes_of(1), 1, s.memory, RW));
	rig_ok(r, map_to(0xfee00000 - bytes_of(1), 1, s.memory, RW));
}

static void map_refuses_what_is_mapped(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(bytes_of(4), 2, s.memory, RW));
	rig_fails(r, map_to(bytes_of(4), 1, s.memory, RW), -EEXIST);
	rig_fails(r, map_to(bytes_of(5), 4, s.memory, RW), -EEXIST);
	rig_fails(r, map_to(bytes_of(3), 8, s.memory, RW), -EEXIST);
	rig_ok(r, map_to(bytes_of(6), 1, s.memory, RW));
	rig_ok(r, map_to(bytes_of(3), 1, s.memory, RW));
}

static void map_looks_for_overlap_before_memory(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 1, s.memory, RW));
	rig_hole(r, memory_at(1), bytes_of(1));
	rig_fails(r, map_to(0, 1, memory_at(1), RW), -EEXIST);
}

static void map_looks_at_the_request_before_overlap(struct rig *r)
{
	uint64_t page;

	start(r, rig_page_shift(), 48);
	page = bytes_of(1);
	rig_ok(r, map_to(0, 2, s.memory, RW));
	rig_fails(r, map_range(0, 2 * page - 1, -page), -EINVAL);
	rig_fails(r, map_to(0, 2, s.memory, 0), -EINVAL);
}

static void map_refuses_more_than_the_limit(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	s.account.limit = 3;
	rig_ok(r, map_to(0, 2, s.memory, RW));
	rig_fails(r, map_to(bytes_of(2), 2, s.memory, RW), -ENOMEM);
	assert_true(s.space->area_count == 1);
	unmap_at(0);
	rig_ok(r, map_to(bytes_of(2), 2, s.memory, RW));
}

static void map_refuses_memory_that_is_not_there(struct rig *r)
{
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_hole(r, memory_at(2), bytes_of(1));
	rig_fails(r, map_to(0, 4, s.memory, IOAS_READ), -EFAULT);
	assert_int_equal(translate(0, 1, IOAS_READ, &t), IOAS_FAULT_UNMAPPED);
	assert_true(s.space->area_count == 0);
}

static void map_refuses_to_write_read_only_memory(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	rig_read_only(r, s.memory, bytes_of(4));
	rig_fails(r, map_to(0, 1, s.memory, IOAS_WRITE), -EFAULT);
	rig_ok(r, map_to(0, 1, s.memory, IOAS_READ));
}

/* The account, the areas and the entries are as they were. */
static void SPACE_1_a_failed_map_changes_nothing(struct rig *r)
{
	struct ioas_translation t;
	uint64_t live;
	int rc;

	start_listening(r);
	/* What says that pages are pinned keeps its tables for the next. */
	rig_ok(r, map_to(0, 4, s.memory, RW));
	unmap_at(0);
	heard.maps = 0;
	rig_ok(r, map_to(0, 1, s.memory, RW));
	live = rig_live(r);
	rc = rig_try(r, map_to(UINT64_C(1) << 40, 4, s.memory, RW));
	if (!rig_failed(r)) {
		assert_int_equal(rc, 0);
		assert_int_equal(heard.maps, 2);
		return;
	}
	assert_int_equal(rc, -ENOMEM);
	assert_true(rig_live(r) == live);
	assert_true(rig_pinned_bytes(r) == bytes_of(1));
	assert_true(ioas_a64_load(&s.account.pages) == 1);
	assert_true(s.space->area_count == 1);
	assert_int_equal(heard.maps, 1);
	assert_int_equal(translate(UINT64_C(1) << 40, 1, IOAS_READ, &t),
	                 IOAS_FAULT_UNMAPPED);
}

static void map_and_unmap_are_told_once_an_area(struct rig *r)
{
	start_listening(r);
	rig_ok(r, map_to(bytes_of(7), 3, memory_at(2), IOAS_READ));
	assert_int_equal(heard.maps, 1);
	assert_int_equal(heard.last.space, s.space->id);
	assert_int_equal(heard.last.perm, IOAS_READ);
	assert_true(heard.last.range.first == bytes_of(7));
	assert_true(heard.last.range.last == bytes_of(10) - 1);
	assert_true(heard.last.uaddr.raw == (uintptr_t)memory_at(2));
	rig_fails(r, map_to(bytes_of(7), 1, s.memory, RW), -EEXIST);
	assert_int_equal(heard.maps, 1);
	unmap_at(bytes_of(8));
	assert_int_equal(heard.unmaps, 1);
	assert_int_equal(heard.last.kind, IOAS_EVENT_UNMAP);
	assert_true(heard.last.range.first == bytes_of(7));
}

static void call_sites_of_map_and_unmap_are_told(struct rig *r)
{
	start_listening(r);
	ioas_a32_store(&rig_call_site, 7);
	rig_ok(r, map_to(0, 1, s.memory, RW));
	assert_int_equal(heard.last.site, 7);
	assert_int_equal(heard.last.site_now, 7);
	ioas_a32_store(&rig_call_site, 8);
	unmap_at(0);
	assert_int_equal(heard.last.site, 7);
	assert_int_equal(heard.last.site_now, 8);
}

static void removed_memory_stays_pinned_until_release(struct rig *r)
{
	struct ioas_space_gone gone = {0};
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 2, s.memory, RW));
	remove_at(0, &gone);
	assert_int_equal(translate(0, 1, IOAS_READ, &t), IOAS_FAULT_UNMAPPED);
	assert_true(rig_pinned_bytes(r) == bytes_of(2));
	ioas_space_release(s.space, &gone);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_null(gone.areas);
}

static void release_takes_one_grace_period_however_much_it_is(struct rig *r)
{
	struct ioas_space_gone gone = {0};
	uint64_t barriers;
	unsigned int i;

	start(r, rig_page_shift(), 48);
	rig_reader(r);
	for (i = 0; i < 8; i++)
		rig_ok(r, map_to(bytes_of(2 * i), 1, memory_at(i), RW));
	for (i = 0; i < 8; i++)
		remove_at(bytes_of(2 * i), &gone);
	ioas_grace_sync(IOAS_GRACE_DMA);
	barriers = rig_barriers(r);
	ioas_space_release(s.space, &gone);
	assert_true(rig_barriers(r) == barriers + ioas_hooks.barrier());
}

static void no_barrier_is_asked_for_where_nobody_else_reads(struct rig *r)
{
	struct ioas_space_gone gone = {0};
	uint64_t barriers;
	char byte;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 1, s.memory, RW));
	/* This thread is a reader itself. */
	rig_ok(r,
	       ioas_space_copy(s.space, (struct iova){0}, &byte, 1, IOAS_READ));
	barriers = rig_barriers(r);
	remove_at(0, &gone);
	ioas_space_release(s.space, &gone);
	assert_true(rig_barriers(r) == barriers);
}

static void release_of_nothing_waits_for_nobody(struct rig *r)
{
	struct ioas_space_gone gone = {0};
	uint64_t barriers;

	start(r, rig_page_shift(), 48);
	barriers = rig_barriers(r);
	ioas_grace_enter(IOAS_GRACE_DMA);
	ioas_space_release(s.space, &gone);
	ioas_grace_leave(IOAS_GRACE_DMA);
	assert_true(rig_barriers(r) == barriers);
}

static void areas_are_found_in_order(struct rig *r)
{
	struct iova_range some;
	struct ioas_area *a;

	start(r, rig_page_shift(), 48);
	some = (struct iova_range){bytes_of(1), bytes_of(6)};
	rig_ok(r, map_to(bytes_of(6), 2, s.memory, RW));
	rig_ok(r, map_to(bytes_of(0), 2, s.memory, RW));
	rig_ok(r, map_to(bytes_of(3), 1, s.memory, RW));
	rig_ok(r, map_to(bytes_of(9), 1, s.memory, RW));
	a = ioas_space_find_locked(s.space, some);
	assert_true(a && a->range.first == bytes_of(0));
	a = ioas_space_next_locked(a, some);
	assert_true(a && a->range.first == bytes_of(3));
	a = ioas_space_next_locked(a, some);
	assert_true(a && a->range.first == bytes_of(6));
	assert_null(ioas_space_next_locked(a, some));
	some = (struct iova_range){bytes_of(4), bytes_of(6) - 1};
	assert_null(ioas_space_find_locked(s.space, some));
}

/* A space with pages of 2 KiB over memory with larger ones. */
static void an_area_smaller_than_a_program_page_pins_that_page(struct rig *r)
{
	struct ioas_translation t;

	start(r, 11, 48);
	rig_ok(r, map_to(0x1800, 1, s.memory + 0x800, RW));
	assert_true(rig_pinned_bytes(r) == rig_page());
	assert_true(ioas_a64_load(&s.account.pages) == 1);
	assert_int_equal(translate(0x1805, 0x2000, RW, &t), 0);
	assert_ptr_equal(t.pointer, s.memory + 0x805);
	assert_true(t.bytes == 0x800 - 5);
	assert_int_equal(translate(0x17ff, 1, RW, &t), IOAS_FAULT_UNMAPPED);
	assert_int_equal(translate(0x2000, 1, RW, &t), IOAS_FAULT_UNMAPPED);
	/* The first half of the same page: pinned and counted again. */
	rig_ok(r, map_to(0x3000, 1, s.memory, RW));
	assert_true(ioas_a64_load(&s.account.pages) == 2);
}

RIG_MAIN("space_space", RIG_TEST(create_refuses_a_page_size_it_cannot_have),
         RIG_TEST(create_refuses_an_aperture_with_nothing_left),
         RIG_TEST(every_space_has_a_number_of_its_own),
         RIG_TEST(destroy_of_nothing_is_fine),
         RIG_TEST(SPACE_4_destroy_puts_every_count),
         RIG_TEST(map_makes_memory_visible_and_unmap_takes_it_away),
         RIG_TEST(map_refuses_a_permission_that_is_none),
         RIG_TEST(map_refuses_what_is_not_page_aligned),
         RIG_TEST(map_refuses_a_range_that_wraps),
         RIG_TEST(map_refuses_what_is_not_in_one_usable_range),
         RIG_TEST(map_refuses_what_is_mapped),
         RIG_TEST(map_looks_for_overlap_before_memory),
         RIG_TEST(map_looks_at_the_request_before_overlap),
         RIG_TEST(map_refuses_more_than_the_limit),
         RIG_TEST(map_refuses_memory_that_is_not_there),
         RIG_TEST(map_refuses_to_write_read_only_memory),
         RIG_TEST(SPACE_1_a_failed_map_changes_nothing),
         RIG_TEST(map_and_unmap_are_told_once_an_area),
         RIG_TEST(call_sites_of_map_and_unmap_are_told),
         RIG_TEST(removed_memory_stays_pinned_until_release),
         RIG_TEST(release_takes_one_grace_period_however_much_it_is),
         RIG_TEST(no_barrier_is_asked_for_where_nobody_else_reads),
         RIG_TEST(release_of_nothing_waits_for_nobody),
         RIG_TEST(areas_are_found_in_order),
         RIG_TEST(an_area_smaller_than_a_program_page_pins_that_page))
