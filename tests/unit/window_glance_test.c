/* SPDX-License-Identifier: MIT */
#include "window/glance.h"
#include "window_rig.h"

#define END_OF_0 (UINT64_C(1) << 28) /* of the window that is made there */

static struct ioas_glance glance;

static bool is_empty(uint64_t iova, uint64_t pages)
{
	return ioas_glance_is_empty(&glance, iova, pages * IO);
}

static void start_shown(struct rig *r)
{
	memset(&glance, 0, sizeof(glance));
	start(r, "power9");
	ioas_windows_glance(w.ws, &glance);
}

static void a_window_that_is_pending_is_not_seen(struct rig *r)
{
	start_shown(r);
	assert_false(is_empty(0, 1));
	rig_ok(r, unmap(0, 1));
	assert_true(is_empty(0, 1));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_false(is_empty(0, 1));
}

static void only_a_range_of_the_window_in_whole_pages_is_empty(struct rig *r)
{
	start_shown(r);
	window_at_0(r);
	assert_true(is_empty(0, 1));
	assert_true(is_empty(0, END_OF_0 / IO));
	assert_true(is_empty(END_OF_0 - IO, 1));
	assert_false(is_empty(END_OF_0 - IO, 2));
	assert_false(is_empty(END_OF_0, 1));
	assert_false(is_empty(1, 1));
	assert_false(is_empty(0, 0));
	assert_false(ioas_glance_is_empty(&glance, 0, IO + 1));
	assert_false(ioas_glance_is_empty(&glance, 0, -IO));
	assert_false(ioas_glance_is_empty(&glance, 0, UINT64_MAX));
	assert_false(is_empty(-IO, 1));
	assert_false(is_empty(HIGH, 1));
}

/* In 512 pieces: of this window 128 pages each. */
static void what_is_mapped_is_not_empty_and_its_neighbours_are(struct rig *r)
{
	const uint64_t piece = 128;

	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(200 * IO, 0, 1, RW));
	assert_false(is_empty(200 * IO, 1));
	assert_false(is_empty(piece * IO, 1));
	assert_false(is_empty(0, piece + 1));
	assert_false(is_empty(0, END_OF_0 / IO));
	assert_true(is_empty(0, piece));
	assert_true(is_empty(2 * piece * IO, 1));
	assert_true(is_empty(2 * piece * IO, END_OF_0 / IO - 2 * piece));
	/* Over the end of a word of bits, and far. */
	rig_ok(r, map((64 * piece - 1) * IO, 0, 2, RW));
	assert_false(is_empty(64 * piece * IO, 1));
	assert_false(is_empty((64 * piece - 1) * IO, 1));
	assert_true(is_empty(65 * piece * IO, 447 * piece));
	assert_true(is_empty(2 * piece * IO, 61 * piece));
	assert_false(is_empty(2 * piece * IO, 62 * piece));
}

static void it_is_empty_again_with_the_last_mapping(struct rig *r)
{
	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	rig_ok(r, map(1000 * IO, 0, 1, RW));
	rig_ok(r, unmap(0, 1));
	/* Maybe not: something is mapped. */
	assert_false(is_empty(0, 1));
	rig_ok(r, unmap(1000 * IO, 1));
	assert_true(is_empty(0, END_OF_0 / IO));
}

static void entries_of_a_list_are_seen(struct rig *r)
{
	uint64_t entry[2] = {0, 0};
	struct ioas_window_list list = {0, entry, 2, true};

	start_shown(r);
	window_at_0(r);
	entry[1] = uaddr(0) | RW;
	rig_ok(r, ioas_windows_put(w.ws, &list));
	assert_false(is_empty(IO, 1));
	entry[1] = 0;
	rig_ok(r, ioas_windows_put(w.ws, &list));
	rig_ok(r, unmap(0, 2));
	assert_true(is_empty(0, 2));
}

static void a_window_that_went_is_not_seen(struct rig *r)
{
	uint64_t at = 0;

	start_shown(r);
	window_at_0(r);
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &at));
	assert_true(is_empty(at, 16));
	assert_false(is_empty(at + IO, 16));
	rig_ok(r, map(0, 0, 1, RW));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	assert_false(is_empty(0, 1));
	assert_true(is_empty(at, 16));
	rig_ok(r, create(12, END_OF_0, 1, &at));
	assert_true(at == 0 && is_empty(0, 1));
}

/* What is mapped stays seen, whatever else comes and goes. */
static void another_window_changes_nothing(struct rig *r)
{
	uint64_t at = 0;

	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	rig_ok(r, create(12, UINT64_C(1) << 30, 1, &at));
	assert_false(is_empty(0, 1));
	assert_true(is_empty(1000 * IO, 1));
	rig_ok(r, ioas_window_remove(w.ws, at));
	assert_false(is_empty(0, 1));
	assert_true(is_empty(1000 * IO, 1));
}

static void entries_of_a_replaced_window_are_seen(struct rig *r)
{
	struct ioas_window_shape shape = {
		.page_shift = 12, .levels = 1, .bytes = UINT64_C(1) << 20};
	struct ioas_window_info info;

	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(9 * IO, 0, 1, RW));
	rig_ok(r, ioas_window_replace(w.ws, 0, &shape, &info));
	assert_false(is_empty(9 * IO, 1));
	assert_false(is_empty(UINT64_C(1) << 20, 1));
	rig_ok(r, unmap(9 * IO, 1));
	assert_true(is_empty(0, 256));
}

static void a_group_that_leaves_leaves_an_empty_window(struct rig *r)
{
	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	assert_false(is_empty(0, 1));
	ioas_windows_detach(w.ws, &w.group[1].group);
	/* It took the mappings along; the next unmap finds that. */
	rig_ok(r, unmap(0, 1));
	assert_true(is_empty(0, 1));
}

static void where_it_was_shown_before_nothing_is_seen(struct rig *r)
{
	struct ioas_glance other = {.turn = {0}};

	start_shown(r);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	ioas_windows_glance(w.ws, &other);
	assert_false(is_empty(IO, 1));
	/* It is not known where something is mapped already. */
	assert_false(ioas_glance_is_empty(&other, IO, IO));
	rig_ok(r, unmap(0, 1));
	assert_true(ioas_glance_is_empty(&other, IO, IO));
	ioas_windows_glance(w.ws, NULL);
	assert_false(ioas_glance_is_empty(&other, IO, IO));
	ioas_windows_glance(w.ws, &glance);
	assert_true(is_empty(0, 1));
	ioas_windows_destroy(w.ws);
	w.ws = NULL;
	assert_false(is_empty(0, 1));
}

/* Windows of a page, of 2^35 pages, and of a number that is no power of 2. */
static void windows_of_any_size_are_seen(struct rig *r)
{
	static const struct {
		uint64_t bytes, mapped, empty;
	} shape[] = {
		{IO, 0, 0},
		{UINT64_C(1) << 47, UINT64_C(1) << 46,
	         (UINT64_C(1) << 47) - IO},
		{1025 * IO, 0, 1024 * IO},
	};
	struct ioas_window_shape make = {.page_shift = 12, .levels = 4};
	struct ioas_window_info info;
	unsigned int i;

	memset(&glance, 0, sizeof(glance));
	start(r, "free");
	ioas_windows_glance(w.ws, &glance);
	for (i = 0; i < IOAS_ARRAY_SIZE(shape); i++) {
		make.bytes = shape[i].bytes;
		rig_ok(r, ioas_window_create(w.ws, &make, &info));
		assert_true(is_empty(shape[i].mapped, 1));
		assert_true(is_empty(0, info.entries));
		assert_false(is_empty(0, info.entries + 1));
		rig_ok(r, map(shape[i].mapped, 0, 1, RW));
		assert_false(is_empty(shape[i].mapped, 1));
		assert_false(is_empty(0, info.entries));
		if (shape[i].empty != shape[i].mapped)
			assert_true(is_empty(shape[i].empty, 1));
		rig_ok(r, ioas_window_remove(w.ws, 0));
	}
}

RIG_MAIN("window_glance", RIG_TEST(a_window_that_is_pending_is_not_seen),
         RIG_TEST(only_a_range_of_the_window_in_whole_pages_is_empty),
         RIG_TEST(what_is_mapped_is_not_empty_and_its_neighbours_are),
         RIG_TEST(it_is_empty_again_with_the_last_mapping),
         RIG_TEST(entries_of_a_list_are_seen),
         RIG_TEST(a_window_that_went_is_not_seen),
         RIG_TEST(another_window_changes_nothing),
         RIG_TEST(entries_of_a_replaced_window_are_seen),
         RIG_TEST(a_group_that_leaves_leaves_an_empty_window),
         RIG_TEST(where_it_was_shown_before_nothing_is_seen),
         RIG_TEST(windows_of_any_size_are_seen))
