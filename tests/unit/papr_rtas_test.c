/* SPDX-License-Identifier: MIT */
/* RTAS calls: cells in and out, every check, status by status. */
#include "papr_rig.h"

#define OK       IOAS_RTAS_SUCCESS
#define BAD      IOAS_RTAS_PARAMETER
#define HARDWARE IOAS_RTAS_HARDWARE

static int32_t rtas_query(unsigned int nret)
{
	return rtas(QUERY, CELLS(BUID_CELLS), nret);
}

/* ---- What they do ---- */

static void query_tells_what_can_be_had(struct rig *r)
{
	guest_on(r, "power9");
	assert_int_equal(rtas_query(5), OK);
	assert_int_equal(g.ret[1], 1);
	assert_true(g.ret[2] == UINT32_MAX);      /* does not fit the cell */
	assert_true(g.ret[3] == (1 | 2 | 0x100)); /* 4 KiB, 64 KiB, 2 MiB */
	assert_int_equal(g.ret[4], 0);
	assert_int_equal(rtas_query(6), OK);
	assert_int_equal(g.ret[1], 1);
	assert_true(g.ret[2] == 0x20 && g.ret[3] == 0);
	assert_true(g.ret[4] == (1 | 2 | 0x100));
	assert_int_equal(g.ret[5], 0);
	rtas_ok(r, rtas_create(16, 32));
	assert_int_equal(rtas_query(5), OK);
	assert_int_equal(g.ret[1], 0);
}

static void every_page_size_has_its_bit(struct rig *r)
{
	static const struct {
		unsigned int shift;
		uint32_t bit;
	} size[] = {{12, 1},    {16, 2},    {24, 4},    {25, 8},     {26, 16},
	            {27, 0x20}, {28, 0x40}, {34, 0x80}, {21, 0x100}, {30, 0}};
	struct ioas_platform platform = *ioas_platform_find("power9");
	const struct ioas_windows_config config = {.platform = &platform};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(size); i++) {
		platform.page_sizes =
			UINT64_C(1) << 12 | UINT64_C(1) << size[i].shift;
		stand_config(r, &config);
		rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
		guest_begin(r);
		rig_ok(r, add_bridge(&g.bridge));
		assert_int_equal(rtas_query(5), OK);
		assert_true(g.ret[3] == (1 | size[i].bit));
		guest_end(NULL);
		rig_cancel(r, NULL);
		stand_end(NULL);
		rig_cancel(r, NULL);
	}
}

static void create_tells_where_the_window_is(struct rig *r)
{
	struct ioas_papr_window window;

	guest_on(r, "power9");
	rtas_ok(r, rtas_create(16, 40));
	assert_true(g.ret[1] == LIOBN + 1);
	assert_true(g.ret[2] == 0x08000000 && g.ret[3] == 0);
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN + 1, &window));
	assert_true(window.start == HIGH && window.page_shift == 16);
	assert_true(window.bytes == UINT64_C(1) << 40);
	assert_int_equal(rtas_create(16, 40), HARDWARE);
	assert_int_equal(rtas_remove(LIOBN + 1), OK);
	assert_false(has_window(LIOBN + 1));
	/* The same slot has the same LIOBN again. */
	rtas_ok(r, rtas_create(12, 31));
	assert_true(g.ret[1] == LIOBN + 1);
}

/* As a guest does it whose function can have one window at a time. */
static void the_default_window_makes_room_for_another(struct rig *r)
{
	struct ioas_papr_window window;

	start(r, "pseries-1");
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	assert_int_equal(rtas_query(5), OK);
	assert_int_equal(g.ret[1], 0);
	assert_int_equal(rtas_remove(LIOBN), OK);
	assert_int_equal(rtas_query(5), OK);
	assert_int_equal(g.ret[1], 1);
	rtas_ok(r, rtas_create(16, 32));
	assert_true(g.ret[1] == LIOBN && g.ret[2] == 0x08000000);
	rtas_ok(r, rtas_reset());
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN, &window));
	assert_true(window.start == 0 && window.page_shift == 12);
}

static void tables_are_as_deep_as_the_platform_can(struct rig *r)
{
	/* Entries lg2, page size, and levels that come out. */
	static const struct {
		uint32_t page_shift, window_shift;
		unsigned int levels;
	} row[] = {{16, 29, 1}, {16, 30, 2}, {12, 38, 2},
	           {12, 39, 3}, {21, 34, 1}, {30, 54, 2}};
	struct ioas_window_info info;
	unsigned int i;

	guest_on(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		rtas_ok(r, rtas_create(row[i].page_shift, row[i].window_shift));
		rig_ok(r, ioas_window_query(w.ws, 1, &info));
		assert_true(info.page_shift == row[i].page_shift);
		assert_int_equal(info.levels, row[i].levels);
		assert_int_equal(rtas_remove(LIOBN + 1), OK);
	}
}

/* Two levels of 64 KiB would have more entries than the address has bits. */
static void fewer_levels_will_do(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"), .page_shift = 16};
	struct ioas_window_info info;

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	rtas_ok(r, rtas_create(30, 44));
	rig_ok(r, ioas_window_query(w.ws, 1, &info));
	assert_int_equal(info.levels, 1);
	assert_true(info.bytes == UINT64_C(1) << 44);
}

static void an_embedder_has_as_many_windows_as_it_likes(struct rig *r)
{
	struct ioas_platform platform = *ioas_platform_find("free");
	const struct ioas_windows_config config = {.platform = &platform};
	struct ioas_papr_window window;
	uint64_t behind = HIGH;
	unsigned int i, windows;

	platform.default_bytes = UINT64_C(1) << 30;
	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	windows = about().windows;
	assert_true(windows >= 4);
	for (i = 1; i < windows; i++) {
		rtas_ok(r, rtas_create(i & 1 ? 12 : 16, 20 + i));
		assert_true(g.ret[1] == LIOBN + i);
		rig_ok(r, ioas_papr_find_window(g.papr, LIOBN + i, &window));
		assert_true(window.start >= behind);
		behind = window.start + window.bytes;
	}
	assert_int_equal(rtas_create(12, 20), HARDWARE);
}

static void remove_takes_what_is_mapped_with_it(struct rig *r)
{
	guest_on(r, "power9");
	rtas_ok(r, rtas_create(12, 31));
	hcall_ok(r, hypercall(IOAS_H_PUT_TCE, LIOBN + 1, HIGH, LOW | RW, 0));
	assert_true(leads_to(HIGH, 0, RW) && counts() == 1);
	assert_int_equal(rtas_remove(LIOBN + 1), OK);
	assert_false(leads_to(HIGH, 0, RW));
	assert_true(counts() == 0);
	assert_int_equal(
		hypercall(IOAS_H_PUT_TCE, LIOBN + 1, HIGH, LOW | RW, 0),
		IOAS_H_PARAMETER);
}

static void reset_leaves_the_default_window(struct rig *r)
{
	guest_on(r, "power9");
	rtas_ok(r, rtas_create(16, 32));
	hcall_ok(r, put(0, LOW | RW));
	rtas_ok(r, rtas_reset());
	assert_true(has_window(LIOBN) && !has_window(LIOBN + 1));
	assert_true(get(0) == 0);
}

/* ---- What they refuse ---- */

static void numbers_of_cells_are_checked(struct rig *r)
{
	static const struct {
		uint32_t token;
		unsigned int nargs, nret;
	} bad[] = {
		{QUERY, 3, 4},  {QUERY, 3, 7},  {QUERY, 2, 5},   {QUERY, 4, 5},
		{CREATE, 5, 3}, {CREATE, 5, 5}, {CREATE, 4, 4},  {CREATE, 6, 4},
		{REMOVE, 1, 2}, {REMOVE, 0, 1}, {REMOVE, 2, 1},  {RESET, 3, 2},
		{RESET, 2, 1},  {RESET, 4, 1},  {REMOVE, 40, 9},
	};
	static const uint32_t args[40] = {BUID_CELLS, 16, 32};
	unsigned int i, j;

	guest_on(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			rtas(bad[i].token, args, bad[i].nargs, bad[i].nret),
			BAD);
		/* The rest is as the guest had it. */
		for (j = 1; j < bad[i].nret && j < 8; j++)
			assert_true(g.ret[j] == 0xabababab);
	}
	assert_int_equal(about().live, 1);
}

static void create_refuses(struct rig *r)
{
	static const struct {
		uint32_t page_shift, window_shift;
		int32_t status;
	} row[] = {
		{16, 0, BAD},  /* a guest that does not know its memory */
		{16, 15, BAD}, /* smaller than a page */
		{13, 31, BAD}, {24, 31, BAD},  {0, 31, BAD},
		{64, 64, BAD}, {76, 80, BAD},  {140, 141, BAD},
		{12, 64, BAD}, {12, 255, BAD}, {16, UINT32_MAX, BAD},
		{12, 50, BAD}, /* 2^38 entries, more than query says */
		{12, 12, OK},
	};
	unsigned int i;

	guest_on(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		if (!row[i].status)
			rtas_ok(r, rtas_create(row[i].page_shift,
			                       row[i].window_shift));
		else
			assert_int_equal(rtas_create(row[i].page_shift,
			                             row[i].window_shift),
			                 row[i].status);
	}
}

static void bridges_and_windows_that_are_not_there(struct rig *r)
{
	guest_on(r, "power9");
	assert_int_equal(rtas(QUERY, CELLS(0, 1, 2), 5), BAD);
	assert_int_equal(rtas(CREATE, CELLS(0, 1, 2, 16, 32), 4), BAD);
	assert_int_equal(rtas(RESET, CELLS(0, 1, 2), 1), BAD);
	assert_int_equal(rtas(RESET, CELLS(0, (uint32_t)BUID, BUID >> 32), 1),
	                 BAD);
	assert_int_equal(rtas_remove(LIOBN + 1), BAD);
	assert_int_equal(rtas_remove(0), BAD);
	assert_int_equal(rtas_remove(LIOBN), OK);
	assert_int_equal(rtas_remove(LIOBN), BAD);
}

static void a_set_without_dynamic_windows_answers_none_of_them(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"), .no_dynamic = true};

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	assert_int_equal(rtas_query(5), BAD);
	assert_int_equal(rtas_create(16, 32), BAD);
	assert_int_equal(rtas_remove(LIOBN), BAD);
	assert_int_equal(rtas_reset(), BAD);
	assert_true(has_window(LIOBN));
}

static void what_query_says_can_be_less(struct rig *r)
{
	struct ioas_papr_bridge_config config = {
		.buid = BUID, .liobn = LIOBN, .entries = 1 << 16};

	start(r, "power9");
	guest_begin(r);
	config.windows = w.ws;
	rig_ok(r, ioas_papr_bridge_create(g.papr, &config, &g.bridge));
	assert_int_equal(rtas_query(5), OK);
	assert_true(g.ret[2] == 1 << 16);
	assert_int_equal(rtas_create(12, 29), BAD);
	rtas_ok(r, rtas_create(12, 28));
}

/* The window is not made, and the next one is. */
static void create_without_memory_changes_nothing(struct rig *r)
{
	struct ioas_windows_info before, after;
	int32_t status;

	guest_on(r, "power9");
	before = about();
	status = rig_try(r, rtas_create(16, 32));
	assert_true(status == OK || (status == HARDWARE && rig_failed(r)));
	if (status) {
		after = about();
		assert_true(after.live == before.live);
		assert_true(after.charged == before.charged);
		rtas_ok(r, rtas_create(16, 32));
	}
	w.limit = charged();
	assert_int_equal(rtas_remove(LIOBN), OK);
	w.limit = 0;
	assert_int_equal(rtas_create(16, 32), HARDWARE);
	assert_false(has_window(LIOBN));
}

static void a_group_that_refuses_is_a_hardware_error(struct rig *r)
{
	guest_on(r, "power9");
	w.group[0].answer = -EIO;
	assert_int_equal(rtas_create(16, 32), HARDWARE);
	assert_int_equal(about().live, 1);
	w.group[0].answer = 0;
	rtas_ok(r, rtas_create(16, 32));
}

/* covers: ioas_papr_rtas -ENOENT, ioas_papr_rtas -EFAULT */
/* covers: ioas_papr_rtas -EINVAL */
static void blocks_are_refused_that_cannot_be(struct rig *r)
{
	unsigned char *end = (unsigned char *)g.loose;
	uint64_t last = LOOSE + LOOSE_PAGES * IO;

	guest_on(r, "power9");
	end = (unsigned char *)g.loose + LOOSE_PAGES * IO;
	/* Not there, or not all of its head. */
	rig_fails(r, ioas_papr_rtas(g.papr, 0), -EFAULT);
	rig_fails(r, ioas_papr_rtas(g.papr, last), -EFAULT);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 8), -EFAULT);
	rig_fails(r, ioas_papr_rtas(g.papr, UINT64_MAX - 3), -EFAULT);
	/* Another call; one that has no token. */
	store_be(end - 12, 0x2027 + 99, 4);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 12), -ENOENT);
	store_be(end - 12, 0, 4);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 12), -ENOENT);
	/* Nowhere to return a status to. */
	store_be(end - 12, REMOVE, 4);
	store_be(end - 8, 1, 4);
	store_be(end - 4, 0, 4);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 12), -EINVAL);
	/* The status would be behind the end. */
	store_be(end - 4, 1, 4);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 12), -EFAULT);
	store_be(end - 8, UINT32_MAX, 4);
	rig_fails(r, ioas_papr_rtas(g.papr, last - 12), -EFAULT);
	assert_true(has_window(LIOBN));
}

/* What cannot be told is not done. */
static void a_block_that_is_read_only_does_nothing(struct rig *r)
{
	unsigned char *block = (unsigned char *)g.loose;

	guest_on(r, "power9");
	block = (unsigned char *)g.loose;
	store_be(block, REMOVE, 4);
	store_be(block + 4, 1, 4);
	store_be(block + 8, 1, 4);
	store_be(block + 12, LIOBN, 4);
	rig_read_only(r, block, rig_page());
	rig_fails(r, ioas_papr_rtas(g.papr, LOOSE), -EFAULT);
	assert_true(has_window(LIOBN));
}

RIG_MAIN("papr_rtas", RIG_TEST(query_tells_what_can_be_had),
         RIG_TEST(every_page_size_has_its_bit),
         RIG_TEST(create_tells_where_the_window_is),
         RIG_TEST(the_default_window_makes_room_for_another),
         RIG_TEST(tables_are_as_deep_as_the_platform_can),
         RIG_TEST(fewer_levels_will_do),
         RIG_TEST(an_embedder_has_as_many_windows_as_it_likes),
         RIG_TEST(remove_takes_what_is_mapped_with_it),
         RIG_TEST(reset_leaves_the_default_window),
         RIG_TEST(numbers_of_cells_are_checked), RIG_TEST(create_refuses),
         RIG_TEST(bridges_and_windows_that_are_not_there),
         RIG_TEST(a_set_without_dynamic_windows_answers_none_of_them),
         RIG_TEST(what_query_says_can_be_less),
         RIG_TEST(create_without_memory_changes_nothing),
         RIG_TEST(a_group_that_refuses_is_a_hardware_error),
         RIG_TEST(blocks_are_refused_that_cannot_be),
         RIG_TEST(a_block_that_is_read_only_does_nothing))
