/* SPDX-License-Identifier: MIT */
/* Which tables there are in each format, and what they cannot hold. */
#include "pt/format.h"
#include "pt_rig.h"

static void init_refuses_what_a_format_does_not_have(struct rig *r)
{
	static const struct ioas_pt_config rows[] = {
		{.page_shift = 10, .bits = 32},
		{.page_shift = 31, .bits = 40},
		{.page_shift = 12, .bits = 12},
		{.page_shift = 12, .bits = 65},
		{.page_shift = 12, .bits = 32, .base = 1 << 31},
		{.page_shift = 12, .bits = 48, .levels = 3},
		{&ioas_pt_vtd, .page_shift = 12, .bits = 58},
		{&ioas_pt_vtd, .page_shift = 16, .bits = 48},
		{&ioas_pt_vtd, .page_shift = 12, .bits = 30, .levels = 2},
		{&ioas_pt_vtd, .page_shift = 12, .bits = 39, .index_bits = 10},
		{&ioas_pt_lpae1, .page_shift = 13, .bits = 48},
		{&ioas_pt_lpae2, .page_shift = 14, .bits = 48, .levels = 4},
		{&ioas_pt_tce, .page_shift = 12, .bits = 40, .levels = 6},
		{&ioas_pt_tce, .page_shift = 12, .bits = 40, .dirty = true},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++)
		rig_fails(r, ioas_pt_init(&pt, &rows[i]), -EINVAL);
}

static void the_largest_page_up_to_a_size_is_found(struct rig *r)
{
	assert_int_equal(ioas_pt_page_shift(NULL, 13), 13);
	assert_int_equal(ioas_pt_page_shift(NULL, 10), 0);
	assert_int_equal(ioas_pt_page_shift(&ioas_pt_vtd, 16), 12);
	assert_int_equal(ioas_pt_page_shift(&ioas_pt_lpae1, 15), 14);
	assert_int_equal(ioas_pt_page_shift(&ioas_pt_tce, 16), 16);
}

static void map_refuses_what_entries_cannot_hold(struct rig *r)
{
	struct ioas_pt_config config = {
		.format = &ioas_pt_vtd, .page_shift = 12, .bits = 48};

	gone = (struct ioas_pt_gather){0};
	rig_ok(r, ioas_pt_init(&pt, &config));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_defer(r, free_gone, NULL);
	rig_fails(r, map(0, 0x1fff, (UINT64_C(1) << 52) - 0x1000, RW), -ERANGE);
	leads_nowhere(0);
	rig_ok(r, map(0, 0xfff, (UINT64_C(1) << 52) - 0x1000, RW));
	leads_to(0, (UINT64_C(1) << 52) - 0x1000, 0xfff);
}

static void stage_2_puts_tables_side_by_side_to_save_a_level(struct rig *r)
{
	static const struct {
		unsigned int granule, bits, levels;
	} rows[] = {{12, 40, 3}, {12, 43, 3}, {12, 44, 4}, {14, 40, 2},
	            {14, 48, 3}, {16, 46, 2}, {16, 48, 3}};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		struct ioas_pt_config config = {.format = &ioas_pt_lpae2,
		                                .page_shift = rows[i].granule,
		                                .bits = rows[i].bits};

		rig_ok(r, ioas_pt_init(&pt, &config));
		assert_int_equal(pt.levels, rows[i].levels);
		ioas_pt_fini(&pt);
	}
}

RIG_MAIN("pt_shape", RIG_TEST(init_refuses_what_a_format_does_not_have),
         RIG_TEST(the_largest_page_up_to_a_size_is_found),
         RIG_TEST(map_refuses_what_entries_cannot_hold),
         RIG_TEST(stage_2_puts_tables_side_by_side_to_save_a_level))
