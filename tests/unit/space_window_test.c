/* SPDX-License-Identifier: MIT */
/* Where writes of a device are interrupts, and what stays mapped there. */
#include <errno.h>

#include "base/grace.h"
#include "space_rig.h"

#define WINDOW   UINT64_C(0x8000000)
#define DOORBELL UINT64_C(0x8090040)

static struct ioas_msi_doorbells table;

static void start_window(struct rig *r)
{
	static const struct ioas_reserved software = {
		.range = {WINDOW, 0x80fffff}, .kind = IOAS_RESERVED_SW_MSI};
	const struct ioas_space_config config = {
		.page_shift = 12,
		.aperture = {0, ioas_mask_lg2(48)},
		.reserved = &software,
		.reserved_count = 1,
	};

	start_config(r, &config);
	ioas_space_msi_set(s.space, software.range, true);
	ioas_msi_doorbells_init(&table, &software.range, 12);
}

static struct ioas_msi_doorbell install(struct rig *r, uint64_t phys)
{
	struct ioas_msi_doorbell d;

	rig_ok(r, ioas_msi_doorbells_prepare(&table, (struct phys){phys}, &d));
	rig_ok(r, ioas_space_install(s.space, &table));
	return d;
}

static void check_doorbell(uint64_t iova, uint64_t phys)
{
	struct ioas_translation t;

	assert_int_equal(translate(iova, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_DOORBELL);
	assert_true(t.doorbell.raw == phys);
	assert_int_equal(t.bytes, 4);
	assert_null(t.pointer);
}

static void a_doorbell_is_mapped_where_it_was_prepared(struct rig *r)
{
	struct ioas_translation t;

	start_window(r);
	assert_int_equal(translate(WINDOW, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_UNMAPPED);
	install(r, DOORBELL);
	install(r, 0x1234000);
	check_doorbell(WINDOW + 0x40, DOORBELL);
	check_doorbell(WINDOW + 0x1004, 0x1234004);
	assert_int_equal(translate(WINDOW + 0x2000, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_UNMAPPED);
	/* Reads find no memory either. */
	assert_int_equal(translate(WINDOW, 4, IOAS_READ, &t),
	                 IOAS_FAULT_DOORBELL);
}

static void MSI_4_a_new_space_gets_every_doorbell_of_its_context(struct rig *r)
{
	const struct ioas_msi_doorbells *same = &table;
	struct ioas_msi_doorbells before;

	start_window(r);
	install(r, DOORBELL);
	install(r, 0x1234000);
	before = *same;
	/* Another space, the same context. */
	start_window(r);
	table = before;
	rig_ok(r, ioas_space_install(s.space, &table));
	check_doorbell(WINDOW + 0x40, DOORBELL);
	check_doorbell(WINDOW + 0x1000, 0x1234000);
	assert_int_equal(s.space->doorbell_count, 2);
}

static void map_in_the_window_is_refused(struct rig *r)
{
	start_window(r);
	install(r, DOORBELL);
	assert_int_equal(map_to(WINDOW, 1, s.memory, RW), -EINVAL);
	assert_int_equal(map_to(WINDOW + 0xff000, 1, s.memory, RW), -EINVAL);
	assert_int_equal(map_to(WINDOW - 0x1000, 2, s.memory, RW), -EINVAL);
}

/* What unmaps takes areas, and those beside the window are all there are. */
static void MSI_5_removing_every_area_leaves_the_doorbells(struct rig *r)
{
	struct ioas_space_gone gone = {0};
	struct iova_range all = {0, UINT64_MAX};
	struct ioas_area *area;

	start_window(r);
	install(r, DOORBELL);
	rig_ok(r, map_to(WINDOW - 0x10000, 16, s.memory, RW));
	rig_ok(r, map_to(WINDOW + 0x100000, 16, s.memory, RW));
	ioas_lock(&s.space->lock);
	while ((area = ioas_space_find_locked(s.space, all)))
		ioas_space_remove_locked(s.space, area, &gone);
	ioas_unlock(&s.space->lock);
	ioas_space_release(s.space, &gone);
	check_doorbell(WINDOW + 0x40, DOORBELL);
	/* In the table of the doorbell nothing else is left: it stays. */
	rig_ok(r, map_to(WINDOW - 0x10000, 16, s.memory, RW));
	unmap_at(WINDOW - 0x10000);
	check_doorbell(WINDOW + 0x40, DOORBELL);
}

/* With identity, memory may lie physically in front of a doorbell's page. */
static void memory_in_front_of_the_window_ends_there(struct rig *r)
{
	struct ioas_translation t;
	uint64_t end;

	start_window(r);
	end = (uint64_t)(uintptr_t)memory_at(2);
	rig_ok(r, map_to(WINDOW - 0x2000, 2, s.memory, RW));
	install(r, end);
	assert_int_equal(translate(WINDOW - 0x10, 0x20, IOAS_WRITE, &t),
	                 IOAS_FAULT_NONE);
	assert_int_equal(t.bytes, 0x10);
	check_doorbell(WINDOW, end);
}

static void without_doorbells_the_range_is_not_translated(struct rig *r)
{
	struct ioas_translation t;

	start(r, 12, 39);
	assert_int_equal(translate(0xfee00018, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_UNMAPPED);
	ioas_space_msi_set(s.space, (struct iova_range){0xfee00000, 0xfeefffff},
	                   false);
	check_doorbell(0xfee00018, 0xfee00018);
	check_doorbell(0xfeeffffc, 0xfeeffffc);
	assert_int_equal(translate(0xfedffffc, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_UNMAPPED);
	assert_int_equal(translate(0xfef00000, 4, IOAS_WRITE, &t),
	                 IOAS_FAULT_UNMAPPED);
	/* An access over its end is told how far it goes. */
	assert_int_equal(translate(0xfeeffffc, 8, IOAS_WRITE, &t),
	                 IOAS_FAULT_DOORBELL);
	assert_int_equal(t.bytes, 4);
}

static void set_again(void *arg)
{
	(void)arg;
	ioas_space_msi_set(s.space, (struct iova_range){0, 0xfff}, true);
}

static void MSI_2_a_window_does_not_move(struct rig *r)
{
	start_window(r);
	rig_breaks(r, "MSI_2", set_again, NULL);
}

RIG_MAIN("space_window", RIG_TEST(a_doorbell_is_mapped_where_it_was_prepared),
         RIG_TEST(MSI_4_a_new_space_gets_every_doorbell_of_its_context),
         RIG_TEST(map_in_the_window_is_refused),
         RIG_TEST(MSI_5_removing_every_area_leaves_the_doorbells),
         RIG_TEST(memory_in_front_of_the_window_ends_there),
         RIG_TEST(without_doorbells_the_range_is_not_translated),
         RIG_TEST(MSI_2_a_window_does_not_move))
