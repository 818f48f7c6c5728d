/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/grace.h"
#include "space_rig.h"

static int reserve(unsigned int owner, enum ioas_reserved_kind kind,
                   uint64_t first, uint64_t last)
{
	struct ioas_reserved one = {{first, last}, kind, owner};
	struct ioas_reserved_list list = {&one, 1, 1};
	int rc;

	ioas_lock(&s.space->lock);
	rc = ioas_space_reserve_locked(s.space, &list, owner);
	ioas_unlock(&s.space->lock);
	return rc;
}

static void unreserve(unsigned int owner, bool keep_ends)
{
	ioas_lock(&s.space->lock);
	ioas_space_unreserve_locked(s.space, owner, keep_ends);
	ioas_unlock(&s.space->lock);
}

static void is(unsigned int i, uint64_t first, uint64_t last)
{
	assert_true(i < s.space->ranges.count);
	assert_true(s.space->ranges.range[i].first == first);
	assert_true(s.space->ranges.range[i].last == last);
}

/* 2^20 bytes and nothing reserved. */
static void small(struct rig *r)
{
	struct ioas_space_config config = {.page_shift = rig_page_shift(),
	                                   .aperture = {0, 0xfffff}};

	start_config(r, &config);
}

static void MSI_1_no_map_reaches_into_a_reserved_range(struct rig *r)
{
	unsigned int kind;

	small(r);
	for (kind = 0; kind < IOAS_RESERVED_NR; kind++) {
		bool usable = kind == IOAS_RESERVED_DIRECT_RELAXABLE;
		uint64_t first = bytes_of(2), last = bytes_of(4) - 1;

		rig_ok(r,
		       reserve(1, (enum ioas_reserved_kind)kind, first, last));
		if (usable)
			rig_ok(r, map_to(bytes_of(1), 2, s.memory, RW));
		else
			rig_fails(r, map_to(bytes_of(1), 2, s.memory, RW),
			          -EINVAL);
		if (usable)
			unmap_at(bytes_of(1));
		rig_ok(r, map_to(bytes_of(4), 1, s.memory, RW));
		unmap_at(bytes_of(4));
		unreserve(1, false);
	}
}

static void MSI_1_what_hits_a_mapping_is_not_reserved(struct rig *r)
{
	small(r);
	rig_ok(r, map_to(bytes_of(4), 2, s.memory, RW));
	rig_fails(r,
	          reserve(1, IOAS_RESERVED_OTHER, bytes_of(5), bytes_of(7) - 1),
	          -EADDRINUSE);
	rig_fails(r, reserve(1, IOAS_RESERVED_SW_MSI, 0, bytes_of(5) - 1),
	          -EADDRINUSE);
	assert_int_equal(s.space->ranges.count, 1);
	assert_int_equal(s.space->reserved.count, 0);
	rig_ok(r, reserve(1, IOAS_RESERVED_DIRECT_RELAXABLE, 0, 0xfffff));
	rig_ok(r, reserve(2, IOAS_RESERVED_MSI, bytes_of(6), bytes_of(7) - 1));
	assert_int_equal(s.space->ranges.count, 2);
}

static void an_owner_that_leaves_nothing_usable_is_refused(struct rig *r)
{
	small(r);
	rig_ok(r, reserve(1, IOAS_RESERVED_OTHER, 0, 0x7ffff));
	rig_fails(r, reserve(2, IOAS_RESERVED_OTHER, 0x80000, UINT64_MAX),
	          -EINVAL);
	assert_int_equal(s.space->reserved.count, 1);
	is(0, 0x80000, 0xfffff);
}

static void MSI_9_an_owner_that_goes_gives_back_what_only_it_took(struct rig *r)
{
	small(r);
	rig_ok(r, reserve(1, IOAS_RESERVED_OTHER, 0, 0x1ffff));
	rig_ok(r, reserve(2, IOAS_RESERVED_OTHER, 0x10000, 0x3ffff));
	rig_ok(r, reserve(3, IOAS_RESERVED_OTHER, 0xf0000, 0xfffff));
	is(0, 0x40000, 0xeffff);
	unreserve(2, false);
	is(0, 0x20000, 0xeffff);
	unreserve(1, false);
	is(0, 0, 0xeffff);
	unreserve(3, false);
	is(0, 0, 0xfffff);
	assert_int_equal(s.space->ranges.count, 1);
}

/* As type1 of Linux does it. */
static void ends_can_stay_taken(struct rig *r)
{
	small(r);
	rig_ok(r, reserve(1, IOAS_RESERVED_OTHER, 0, 0xffff));
	rig_ok(r, reserve(2, IOAS_RESERVED_OTHER, 0x50000, 0x5ffff));
	rig_ok(r, reserve(3, IOAS_RESERVED_OTHER, 0xf0000, 0xfffff));
	unreserve(1, true);
	assert_int_equal(s.space->ranges.count, 2);
	is(0, 0x10000, 0x4ffff);
	unreserve(2, true);
	assert_int_equal(s.space->ranges.count, 1);
	is(0, 0x10000, 0xeffff);
	rig_ok(r, reserve(4, IOAS_RESERVED_OTHER, 0x20000, 0x2ffff));
	is(0, 0x10000, 0x1ffff);
	unreserve(3, false);
	is(0, 0, 0x1ffff);
	is(1, 0x30000, 0xfffff);
}

#define OWNERS 5
#define CELLS  16
#define CELL   (UINT64_C(0x100000) / CELLS) /* no page is larger */

/* The same as the space, as plain arrays. */
static struct {
	struct {
		bool there;
		uint64_t first, last; /* cells */
	} owner[OWNERS];
	bool mapped[CELLS];
} plain;

static bool is_taken(uint64_t cell)
{
	unsigned int i;

	for (i = 0; i < OWNERS; i++)
		if (plain.owner[i].there && plain.owner[i].first <= cell &&
		    plain.owner[i].last >= cell)
			return true;
	return false;
}

/* What has to come of it when owner @n comes. */
static int fate_of(unsigned int n)
{
	uint64_t cell, left = 0;

	for (cell = plain.owner[n].first;
	     cell < CELLS && cell <= plain.owner[n].last; cell++)
		if (plain.mapped[cell])
			return -EADDRINUSE;
	plain.owner[n].there = true;
	for (cell = 0; cell < CELLS; cell++)
		left += !is_taken(cell);
	plain.owner[n].there = false;
	return left ? 0 : -EINVAL;
}

static void owner_comes(struct rig *r, unsigned int n)
{
	int fate;

	plain.owner[n].first = rig_random_below(r, CELLS);
	plain.owner[n].last = plain.owner[n].first + rig_random_below(r, 20);
	fate = fate_of(n);
	rig_fails(r,
	          reserve(n + 1, IOAS_RESERVED_OTHER,
	                  plain.owner[n].first * CELL,
	                  (plain.owner[n].last + 1) * CELL - 1),
	          fate);
	plain.owner[n].there = !fate;
}

/* A device gets nowhere where nothing is mapped. */
static void device_gets(uint64_t cell, enum ioas_fault fault)
{
	const struct iova at = {cell * CELL};
	struct ioas_translation t;

	ioas_grace_enter(IOAS_GRACE_DMA);
	assert_int_equal(ioas_space_translate(s.space, at, 1, IOAS_READ, &t),
	                 fault);
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void views_agree_on(struct rig *r, uint64_t cell)
{
	struct iova_range here = {cell * CELL, (cell + 1) * CELL - 1};
	unsigned int pages = (unsigned int)(CELL >> s.page_shift);
	bool taken = is_taken(cell);

	assert_int_equal(ioas_iova_usable(&s.space->ranges, here), !taken);
	assert_false(taken && plain.mapped[cell]);
	if (taken) {
		rig_fails(r, map_to(here.first, pages, s.memory, RW), -EINVAL);
		device_gets(cell, IOAS_FAULT_UNMAPPED);
	} else if (plain.mapped[cell]) {
		device_gets(cell, IOAS_FAULT_NONE);
		unmap_at(here.first);
		plain.mapped[cell] = false;
	} else if (rig_random_below(r, 30) == 0) {
		rig_ok(r, map_to(here.first, pages, s.memory, RW));
		plain.mapped[cell] = true;
	}
}

/*
 * Owners with a range each come and go, and mappings with them. Whatever says
 * what is usable says the same as a plain array.
 */
static void MSI_6_all_views_agree_while_owners_come_and_go(struct rig *r)
{
	unsigned int step, n;
	uint64_t cell;

	memset(&plain, 0, sizeof(plain));
	small(r);
	for (step = 0; step < 400; step++) {
		n = (unsigned int)rig_random_below(r, OWNERS);
		if (plain.owner[n].there) {
			unreserve(n + 1, false);
			plain.owner[n].there = false;
		} else {
			owner_comes(r, n);
		}
		for (cell = 0; cell < CELLS; cell++)
			views_agree_on(r, cell);
	}
}

RIG_MAIN("space_reserve", RIG_TEST(MSI_1_no_map_reaches_into_a_reserved_range),
         RIG_TEST(MSI_1_what_hits_a_mapping_is_not_reserved),
         RIG_TEST(an_owner_that_leaves_nothing_usable_is_refused),
         RIG_TEST(MSI_9_an_owner_that_goes_gives_back_what_only_it_took),
         RIG_TEST(ends_can_stay_taken),
         /* Ten thousand allocations. */
         RIG_ONCE(MSI_6_all_views_agree_while_owners_come_and_go))
