/* SPDX-License-Identifier: MIT */
#include "base/lock.h"
#include "mem/mem.h"
#include "rig.h"

#define RW    (IOAS_READ | IOAS_WRITE)
#define CHUNK 512 /* pages that pins.c counts together */

static struct ioas_mem_account account;
static struct ioas_mem mem;
static uint64_t base; /* page aligned to a chunk, of 4 chunks */

static void start(struct rig *r)
{
	uint64_t chunk = CHUNK * (uint64_t)rig_page();

	account = (struct ioas_mem_account){.limit = UINT64_MAX};
	ioas_mem_init(&mem, &account, rig_page_shift());
	rig_defer(r, RIG_CALL(ioas_mem_fini), &mem);
	base = (uintptr_t)rig_memory(r, 5 * chunk);
	base = (base + chunk - 1) & ~(chunk - 1);
}

static uint64_t at(uint64_t page)
{
	return base + page * rig_page();
}

static void unregister(void *region)
{
	assert_int_equal(ioas_mem_unregister(region), 0);
}

static struct ioas_region *pinned(struct rig *r, uint64_t first, uint64_t n)
{
	struct ioas_region *region = NULL;

	rig_ok(r, ioas_mem_register(&mem, (struct uaddr){at(first)},
	                            n * rig_page(), RW, &region));
	rig_defer(r, unregister, region);
	return region;
}

static void unpinned(struct rig *r, struct ioas_region *region)
{
	rig_cancel(r, region);
	unregister(region);
}

static struct uaddr_range pages(uint64_t first, uint64_t n)
{
	return (struct uaddr_range){at(first), at(first + n) - 1};
}

/* The first run in [first, first + n) is [is, is + count). */
static void run_is(uint64_t first, uint64_t n, uint64_t is, uint64_t count)
{
	struct uaddr_range run;

	assert_true(ioas_pins_run(pages(first, n), &run));
	assert_true(run.first == at(is));
	assert_true(run.last == at(is + count) - 1);
}

static void no_run(uint64_t first, uint64_t n)
{
	struct uaddr_range run;

	assert_false(ioas_pins_run(pages(first, n), &run));
}

static unsigned int found(uint64_t first, uint64_t n)
{
	struct ioas_span *span;
	unsigned int count = 0;

	ioas_pins_lock();
	span = ioas_pins_find_locked(pages(first, n));
	for (; span; span = span->found)
		count++;
	ioas_pins_unlock();
	return count;
}

static void a_page_is_pinned_from_register_to_unregister(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	assert_false(ioas_pins_any());
	region = pinned(r, 3, 1);
	assert_true(ioas_pins_any());
	run_is(0, 8, 3, 1);
	no_run(0, 3);
	no_run(4, 4);
	unpinned(r, region);
	assert_false(ioas_pins_any());
	no_run(0, 8);
}

static void a_byte_stands_for_its_page(struct rig *r)
{
	struct uaddr_range byte, run;

	start(r);
	pinned(r, 3, 1);
	byte.first = byte.last = at(3) + 17;
	assert_true(ioas_pins_run(byte, &run));
	assert_true(run.first == at(3) && run.last == at(4) - 1);
	byte.first = byte.last = at(4);
	assert_false(ioas_pins_run(byte, &run));
}

static void PINS_1_a_page_pinned_twice_stays_after_one_unpin(struct rig *r)
{
	struct ioas_region *one;

	start(r);
	one = pinned(r, 0, 4);
	pinned(r, 2, 4);
	run_is(0, 8, 0, 6);
	assert_int_equal(found(2, 2), 2);
	unpinned(r, one);
	run_is(0, 8, 2, 4);
	assert_int_equal(found(0, 2), 0);
	assert_int_equal(found(0, 3), 1);
}

static void runs_are_found_one_after_the_other(struct rig *r)
{
	start(r);
	pinned(r, 1, 2);
	pinned(r, 5, 1);
	run_is(0, 8, 1, 2);
	run_is(2, 8, 2, 1);
	run_is(3, 8, 5, 1);
	no_run(6, 2);
}

static void a_span_over_several_chunks_is_found_in_each(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	region = pinned(r, CHUNK - 1, 2 * CHUNK + 2);
	run_is(0, 4 * CHUNK, CHUNK - 1, 2 * CHUNK + 2);
	run_is(2 * CHUNK, CHUNK, 2 * CHUNK, CHUNK);
	assert_int_equal(found(0, CHUNK - 1), 0);
	assert_int_equal(found(0, CHUNK), 1);
	assert_int_equal(found(2 * CHUNK, 1), 1);
	assert_int_equal(found(3 * CHUNK, 1), 1);
	assert_int_equal(found(3 * CHUNK + 1, 1), 0);
	unpinned(r, region);
	no_run(0, 4 * CHUNK);
}

static int cut(struct ioas_region *region, uint64_t page)
{
	int rc;

	ioas_pins_lock();
	rc = ioas_span_cut_locked(&region->span, page * rig_page());
	ioas_pins_unlock();
	return rc;
}

static void PINS_2_a_span_that_is_cut_covers_the_same_pages(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	region = pinned(r, 0, 3 * CHUNK);
	rig_ok(r, cut(region, CHUNK + 7));
	run_is(0, 4 * CHUNK, 0, 3 * CHUNK);
	assert_true(region->span.bytes == (CHUNK + 7) * rig_page());
	assert_true(region->span.sibling->at.raw == at(CHUNK + 7));
	assert_int_equal(found(CHUNK + 6, 1), 1);
	assert_int_equal(found(CHUNK + 6, 2), 2);
	rig_ok(r, cut(region, 1));
	run_is(0, 4 * CHUNK, 0, 3 * CHUNK);
	assert_int_equal(found(0, 3 * CHUNK), 3);
	unpinned(r, region);
	no_run(0, 4 * CHUNK);
}

static unsigned int ended;

static void end(struct ioas_keep *keep)
{
	ended++;
}

/* As a move does. */
static void set_aside(struct ioas_span *span, struct ioas_keep *keep)
{
	ioas_pins_lock();
	ioas_pins_remove_locked(span);
	span->keep = keep;
	keep->users++;
	ioas_pins_unlock();
}

static void PINS_3_kept_memory_ends_with_its_last_span(struct rig *r)
{
	struct ioas_keep keep = {.end = end};
	struct ioas_region *one, *two;

	start(r);
	ended = 0;
	one = pinned(r, 0, 2);
	two = pinned(r, 1, 2);
	set_aside(&one->span, &keep);
	set_aside(&two->span, &keep);
	no_run(0, 4);
	unpinned(r, one);
	assert_int_equal(ended, 0);
	unpinned(r, two);
	assert_int_equal(ended, 1);
}

static void a_forked_child_has_nothing_pinned(struct rig *r)
{
	start(r);
	/* Some thread of the parent may hold the lock for ever. */
	ioas_pins_lock();
	ioas_pins_forked();
	assert_false(ioas_pins_any());
	no_run(0, 8);
	pinned(r, 0, 1);
	run_is(0, 8, 0, 1);
}

RIG_MAIN("mem_pins", RIG_TEST(a_page_is_pinned_from_register_to_unregister),
         RIG_TEST(a_byte_stands_for_its_page),
         RIG_TEST(PINS_1_a_page_pinned_twice_stays_after_one_unpin),
         RIG_TEST(runs_are_found_one_after_the_other),
         RIG_TEST(a_span_over_several_chunks_is_found_in_each),
         RIG_TEST(PINS_2_a_span_that_is_cut_covers_the_same_pages),
         RIG_TEST(PINS_3_kept_memory_ends_with_its_last_span),
         RIG_TEST(a_forked_child_has_nothing_pinned))
