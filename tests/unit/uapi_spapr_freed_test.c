/* SPDX-License-Identifier: MIT */
/* Containers with windows: memory that the program gives back. */
#include "rig_hooks.h"
#include "space/move.h"
#include "spapr_calls.h"

#define STRICT IOAS_CONTRACT_STRICT

static char *memory;
static uint64_t page;
static int container;

static void begin(struct rig *r, unsigned int pages)
{
	int device;

	memory = rig_memory(r, pages * rig_page());
	page = rig_page();
	container = windows_begin(r, "power9", STRICT, &device);
	rig_ok(r, register_memory(container, memory, pages * page));
}

static struct uaddr_range bytes_of(const char *at, uint64_t bytes)
{
	return (struct uaddr_range){(uintptr_t)at, (uintptr_t)at + bytes - 1};
}

/* What the front end does when a block of the heap is freed. */
static void give_back(const char *at, uint64_t bytes)
{
	struct ioas_move move;

	ioas_move_begin(&move);
	ioas_move_tell_locked(bytes_of(at, bytes), 77);
	ioas_move_end(&move);
}

static const struct ioas_event *freed(unsigned int n)
{
	return told_nth(IOAS_EVENT_FREED, n);
}

static void what_goes_on_is_told_as_one_and_once(struct rig *r)
{
	unsigned int i;

	begin(r, 6);
	for (i = 0; i < 3; i++)
		rig_ok(r, map(container, i * page, memory + i * page, page));
	/* Goes on in I/O addresses, not in memory; for reading; far away. */
	rig_ok(r, map(container, 3 * page, memory + 4 * page, page));
	rig_ok(r, map_perm(container, 4 * page, memory + 5 * page, page, 1));
	rig_ok(r, map(container, 90 * page, memory, page));
	give_back(memory, 6 * page);
	assert_int_equal(told(IOAS_EVENT_FREED), 4);
	assert_int_equal(freed(0)->range.first, 0);
	assert_int_equal(freed(0)->range.last, 3 * page - 1);
	assert_int_equal(freed(0)->uaddr.raw, (uintptr_t)memory);
	assert_int_equal(freed(0)->site_now, 77);
	assert_int_equal(freed(0)->window, 1);
	assert_int_equal(freed(0)->number, 0);
	assert_int_equal(freed(1)->range.last, 4 * page - 1);
	assert_int_equal(freed(2)->perm, IOAS_READ);
	assert_int_equal(freed(3)->range.first, 90 * page);
	give_back(memory, 6 * page);
	assert_int_equal(told(IOAS_EVENT_FREED), 4);
	/* A mapping of it made later is another one. */
	rig_ok(r, map(container, 3 * page, memory + 4 * page, page));
	give_back(memory, 6 * page);
	assert_int_equal(told(IOAS_EVENT_FREED), 5);
}

static void the_window_and_the_calls_are_told(struct rig *r)
{
	uint64_t start;
	int device;

	memory = rig_memory(r, rig_page());
	container = windows_begin(r, "power9", STRICT, &device);
	ioas_a32_store(&rig_call_site, 5);
	rig_ok(r, register_memory(container, memory, rig_page()));
	ioas_a32_store(&rig_call_site, 6);
	rig_ok(r, create_window(container, 12, MIB, 1, &start));
	rig_ok(r, map(container, start, memory, rig_page()));
	ioas_a32_store(&rig_call_site, 0);
	give_back(memory, rig_page());
	assert_int_equal(freed(0)->window, 2);
	assert_int_equal(freed(0)->site_registered, 5);
	assert_int_equal(freed(0)->site, 6);
}

/* A page of a block that is another block's as well stays its mapping's. */
static void a_block_has_whole_pages_or_the_first_byte(struct rig *r)
{
	begin(r, 4);
	rig_ok(r, map(container, 0, memory, page));
	rig_ok(r, map(container, 8 * page, memory + page, 2 * page));
	give_back(memory + 16, page);
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
	assert_int_equal(freed(0)->range.first, 8 * page);
	give_back(memory + 3 * page, page);
	give_back(memory + 2 * page, page);
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
	give_back(memory, 16);
	assert_int_equal(told(IOAS_EVENT_FREED), 2);
}

static void what_is_not_mapped_is_not_told(struct rig *r)
{
	begin(r, 4);
	rig_ok(r, map(container, 0, memory, 4 * page));
	rig_ok(r, unmap_windows(container, page, 2 * page));
	give_back(memory + page, 2 * page);
	assert_int_equal(told(IOAS_EVENT_FREED), 0);
	give_back(memory + 2 * page, 2 * page);
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
	assert_int_equal(freed(0)->range.first, 3 * page);
}

static void ended(struct ioas_keep *keep)
{
}

/* And now the pages go aside, as for munmap(). */
static void keep_aside(struct rig *r, const char *at, uint64_t bytes)
{
	static struct ioas_keep keep = {.end = ended};
	struct uaddr_range range = bytes_of(at, bytes);
	struct ioas_move move;
	int rc;

	ioas_move_begin(&move);
	rc = rig_try(r, ioas_move_prepare_locked(
				range, (struct uaddr){range.first}, &keep));
	if (!rc) {
		ioas_move_tell_locked(range, 77);
		ioas_move_to_locked(range, (struct uaddr){range.first}, &keep);
	}
	ioas_move_end(&move);
	if (rig_failed(r))
		rig_leave(r);
	assert_int_equal(rc, 0);
}

static void a_map_of_what_was_given_back_is_told(struct rig *r)
{
	begin(r, 4);
	keep_aside(r, memory + page, page);
	assert_int_equal(told(IOAS_EVENT_FREED), 0);
	rig_ok(r, map(container, 0, memory, page));
	rig_ok(r, map(container, 2 * page, memory + 2 * page, 2 * page));
	assert_int_equal(told(IOAS_EVENT_FREED), 0);
	rig_ok(r, map(container, 4 * page, memory, 4 * page));
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
	assert_int_equal(freed(0)->range.first, 4 * page);
	assert_int_equal(freed(0)->number, 1);
	assert_int_equal(freed(0)->site_now, 77);
	assert_int_equal(freed(0)->window, 1);
	/* What was set aside is not the program's to give back again. */
	give_back(memory + page, page);
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
	rig_ok(r, unmap_windows(container, 0, 8 * page));
	rig_ok(r, unregister_memory(container, memory, 4 * page));
	rig_ok(r, register_memory(container, memory, 4 * page));
	rig_ok(r, map(container, 4 * page, memory, 4 * page));
	assert_int_equal(told(IOAS_EVENT_FREED), 1);
}

RIG_MAIN("uapi_spapr_freed", RIG_TEST(what_goes_on_is_told_as_one_and_once),
         RIG_TEST(the_window_and_the_calls_are_told),
         RIG_TEST(a_block_has_whole_pages_or_the_first_byte),
         RIG_TEST(what_is_not_mapped_is_not_told),
         RIG_TEST(a_map_of_what_was_given_back_is_told))
