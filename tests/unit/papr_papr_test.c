/* SPDX-License-Identifier: MIT */
/* A guest's memory and bridges; <ioas/papr.h>. */
#include "papr_rig.h"

/* ---- Life ---- */

/* covers: ioas_papr_create -EINVAL */
static void two_calls_of_one_token_are_refused(struct rig *r)
{
	static const struct ioas_papr_config bad = {{1, 2, 3, 2}};
	static const struct ioas_papr_config fine = {{1, 0, 3, 0}};
	struct ioas_papr *papr = NULL;

	rig_fails(r, ioas_papr_create(&bad, &papr), -EINVAL);
	assert_null(papr);
	rig_ok(r, ioas_papr_create(&fine, &papr));
	ioas_papr_destroy(papr);
	ioas_papr_destroy(NULL);
	ioas_papr_bridge_destroy(NULL);
}

/* covers: ioas_papr_create -ENOMEM */
static void without_memory_there_is_no_guest(struct rig *r)
{
	struct ioas_papr *papr = NULL;
	int rc = rig_try(r, ioas_papr_create(NULL, &papr));

	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_int_equal(papr == NULL, rc != 0);
	ioas_papr_destroy(papr);
}

/* ---- Memory ---- */

static void each_piece_has_its_answer(struct rig *r)
{
	uint64_t free = UINT64_C(1) << 40, other = UINT64_C(1) << 44;
	const struct {
		struct ioas_papr_memory piece;
		int answer;
	} row[] = {
		{{free, other, 0}, -EINVAL},
		{{free, 0, IO}, -EINVAL},
		{{free + 1, other, IO}, -EINVAL},
		{{free, other + 8, IO}, -EINVAL},
		{{free, other, IO + 1}, -EINVAL},
		{{-IO, other, 2 * IO}, -EINVAL},
		{{free, -IO, 2 * IO}, -EINVAL},
		{{LOW, other, IO}, -EEXIST},
		{{LOW + 31 * IO, other, 4 * IO}, -EEXIST},
		{{LOW - IO, other, 4 * IO}, -EEXIST},
		{{free, uaddr(0), IO}, -EEXIST},
		{{free, uaddr(0) - IO, 2 * IO}, -EEXIST},
		{{free, uaddr(47), 2 * IO}, -EEXIST},
		{{-IO, uaddr(48), IO}, 0},
		{{free, -IO, IO}, 0},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
		if (row[i].answer)
			rig_fails(r,
			          ioas_papr_add_memory(g.papr, &row[i].piece),
			          row[i].answer);
		else
			rig_ok(r, ioas_papr_add_memory(g.papr, &row[i].piece));
}

/* covers: ioas_papr_add_memory -EINVAL, ioas_papr_add_memory -EEXIST */
static void memory_is_refused_that_cannot_be(struct rig *r)
{
	start(r, "power9");
	guest_begin(r);
	each_piece_has_its_answer(r);
}

/* covers: ioas_papr_add_memory -ENOMEM */
static void memory_without_memory_is_not_there(struct rig *r)
{
	int rc;

	guest_on(r, "power9");
	rc = rig_try(r, add_piece(UINT64_C(1) << 40, at(48), 1));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	if (rc)
		assert_int_equal(put(0, UINT64_C(1) << 40 | RW),
		                 IOAS_H_PARAMETER);
	hcall_ok(r, put(0, LOW | RW));
}

/* covers: ioas_papr_remove_memory -ENOENT */
static void memory_goes_as_it_came(struct rig *r)
{
	guest_on(r, "power9");
	rig_fails(r, ioas_papr_remove_memory(g.papr, LOW + IO), -ENOENT);
	rig_fails(r, ioas_papr_remove_memory(g.papr, 0), -ENOENT);
	rig_ok(r, ioas_papr_remove_memory(g.papr, LOW));
	rig_fails(r, ioas_papr_remove_memory(g.papr, LOW), -ENOENT);
	assert_int_equal(put(0, LOW | RW), IOAS_H_PARAMETER);
	hcall_ok(r, put(0, NEXT | RW));
	assert_true(leads_to(0, 32, RW));
	/* The same memory, elsewhere in the guest. */
	rig_ok(r, add_piece(UINT64_C(1) << 40, at(0), 8));
	hcall_ok(r, put(IO, (UINT64_C(1) << 40) + 3 * IO + RW));
	assert_true(leads_to(IO, 3, RW));
}

static void what_is_mapped_stays_when_its_memory_goes(struct rig *r)
{
	guest_on(r, "power9");
	hcall_ok(r, put(5 * IO, (LOW + 7 * IO) | IOAS_WRITE));
	rig_ok(r, ioas_papr_remove_memory(g.papr, LOW));
	assert_true(leads_to(5 * IO, 7, IOAS_WRITE));
	assert_true(counts() == 1);
	assert_int_equal(hypercall(IOAS_H_GET_TCE, LIOBN, 5 * IO, 0, 0),
	                 IOAS_H_PARTIAL);
	assert_true(g.r4 == IOAS_WRITE);
	hcall_ok(r, stuff(5 * IO, 1));
	assert_true(counts() == 0);
}

/* ---- Bridges ---- */

/* covers: ioas_papr_bridge_create -EINVAL, ioas_papr_bridge_create -EEXIST */
static void bridges_are_refused_that_cannot_be(struct rig *r)
{
	const struct {
		struct ioas_papr_bridge_config config;
		int answer;
	} row[] = {
		{{NULL, BUID + 1, 0, 0}, -EINVAL},
		{{w.ws, BUID + 1, UINT32_MAX - 14, 0}, -EINVAL},
		{{w.ws, BUID, 0, 0}, -EEXIST},
		{{w.ws, BUID + 1, LIOBN, 0}, -EEXIST},
		{{w.ws, BUID + 1, LIOBN - 15, 0}, -EEXIST},
		{{w.ws, BUID + 1, LIOBN + 15, 0}, -EEXIST},
	};
	struct ioas_papr_bridge *bridge = NULL;
	unsigned int i;

	guest_on(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct ioas_papr_bridge_config config = row[i].config;

		if (i)
			config.windows = w.ws;
		rig_fails(r, ioas_papr_bridge_create(g.papr, &config, &bridge),
		          row[i].answer);
	}
	assert_null(bridge);
}

/* covers: ioas_papr_bridge_create -ENOMEM */
static void a_bridge_without_memory_leaves_the_set_usable(struct rig *r)
{
	struct ioas_papr_bridge *bridge = NULL;
	int rc;

	start(r, "power9");
	guest_begin(r);
	rc = rig_try(r, add_bridge(&bridge));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_int_equal(has_window(LIOBN), rc == 0);
	if (rc)
		rig_ok(r, add_bridge(&bridge));
	assert_true(has_window(LIOBN));
}

static void an_accountant_that_refuses_leaves_no_bridge(struct rig *r)
{
	start(r, "power9");
	guest_begin(r);
	w.limit = 0;
	rig_fails(r, add_bridge(&g.bridge), -ENOMEM);
	assert_true(about().default_pending);
	w.limit = UINT64_MAX;
	rig_ok(r, add_bridge(&g.bridge));
	assert_false(about().default_pending);
}

/* covers: ioas_papr_find_window -ENOENT */
static void a_window_is_found_by_its_liobn(struct rig *r)
{
	struct ioas_papr_window window;

	guest_on(r, "power9");
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN, &window));
	assert_true(window.liobn == LIOBN && window.slot == 0);
	assert_true(window.page_shift == 12 && window.start == 0);
	assert_true(window.bytes == about().default_bytes);
	rig_fails(r, ioas_papr_find_window(g.papr, LIOBN + 1, &window),
	          -ENOENT);
	rig_fails(r, ioas_papr_find_window(g.papr, LIOBN - 1, &window),
	          -ENOENT);
	/* The upper half of the register counts. */
	rig_fails(r,
	          ioas_papr_find_window(g.papr, LIOBN | UINT64_C(1) << 32,
	                                &window),
	          -ENOENT);
}

static void windows_that_are_there_get_their_liobns(struct rig *r)
{
	struct ioas_papr_window window;
	uint64_t start_of = 0;

	start(r, "power9");
	rig_ok(r, create(16, UINT64_C(1) << 32, 2, &start_of));
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	assert_true(has_window(LIOBN));
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN + 1, &window));
	assert_true(window.start == start_of && window.page_shift == 16);
	assert_true(window.bytes == UINT64_C(1) << 32);
}

static void a_bridge_goes_and_its_windows_stay(struct rig *r)
{
	guest_on(r, "power9");
	hcall_ok(r, put(0, LOW | RW));
	ioas_papr_bridge_destroy(g.bridge);
	assert_false(has_window(LIOBN));
	assert_int_equal(put(0, LOW | RW), IOAS_H_PARAMETER);
	assert_true(leads_to(0, 0, RW));
	rig_ok(r, add_bridge(&g.bridge));
	assert_true(get(0) == (LOW | RW));
}

static void each_bridge_has_its_own_windows(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"), .page_shift = 12};
	struct ioas_papr_bridge_config second = {.buid = 7, .liobn = 0};
	static struct group group; /* until what is deferred has run */
	struct ioas_windows_config with = config;
	struct ioas_papr_bridge *bridge;
	struct ioas_window_entry entry;

	guest_on(r, "power9");
	group = (struct group){.group.ops = &group_ops};
	with.registry = w.registry;
	rig_ok(r, ioas_windows_create(&with, &second.windows));
	rig_defer(r, RIG_CALL(ioas_windows_destroy), second.windows);
	rig_ok(r, ioas_windows_attach(second.windows, &group.group));
	rig_ok(r, ioas_papr_bridge_create(g.papr, &second, &bridge));
	rig_defer(r, RIG_CALL(ioas_papr_bridge_destroy), bridge);
	hcall_ok(r, put(0, LOW | RW));
	hcall_ok(r, hypercall(IOAS_H_PUT_TCE, 0, IO, (LOW + IO) | RW, 0));
	assert_true(get(0) == (LOW | RW) && get(IO) == 0);
	rig_ok(r, ioas_windows_get(second.windows, IO, &entry));
	assert_true(entry.uaddr == uaddr(1));
	rig_ok(r, ioas_windows_get(second.windows, 0, &entry));
	assert_true(entry.uaddr == 0);
}

/* covers: ioas_papr_bridge_reset -ENOMEM */
static void a_reset_without_memory_can_be_tried_again(struct rig *r)
{
	guest_on(r, "power9");
	rtas_ok(r, rtas_create(16, 32));
	assert_int_equal(rtas_remove(LIOBN), IOAS_RTAS_SUCCESS);
	w.limit = 0;
	rig_fails(r, ioas_papr_bridge_reset(g.bridge), -ENOMEM);
	assert_false(has_window(LIOBN) || has_window(LIOBN + 1));
	assert_true(charged() == 0);
	w.limit = UINT64_MAX;
	rig_ok(r, ioas_papr_bridge_reset(g.bridge));
	assert_true(has_window(LIOBN));
}

static void a_reset_clears_the_default_window_and_removes_others(struct rig *r)
{
	guest_on(r, "power9");
	rtas_ok(r, rtas_create(16, 32));
	hcall_ok(r, put(0, LOW | RW));
	hcall_ok(r, put(9 * IO, NEXT | RW));
	rig_ok(r, ioas_papr_bridge_reset(g.bridge));
	assert_true(has_window(LIOBN) && !has_window(LIOBN + 1));
	assert_true(counts() == 0);
	assert_true(get(0) == 0 && get(9 * IO) == 0);
	assert_true(about().live == 1);
}

static void a_reset_makes_the_default_window_anew(struct rig *r)
{
	struct ioas_papr_window window;

	guest_on(r, "power9");
	assert_int_equal(rtas_remove(LIOBN), IOAS_RTAS_SUCCESS);
	/* In its slot, at its address: not the one. */
	rtas_ok(r, rtas_create(16, 31));
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN, &window));
	assert_true(window.start == 0 && window.page_shift == 16);
	rig_ok(r, ioas_papr_bridge_reset(g.bridge));
	rig_ok(r, ioas_papr_find_window(g.papr, LIOBN, &window));
	assert_true(window.start == 0 && window.page_shift == 12);
	assert_true(window.bytes == about().default_bytes);
}

/* The group left and came: the set owes the window, and a reset makes it. */
static void a_reset_makes_what_is_pending(struct rig *r)
{
	guest_on(r, "power9");
	assert_int_equal(rtas_remove(LIOBN), IOAS_RTAS_SUCCESS);
	ioas_windows_detach(w.ws, &w.group[0].group);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	assert_true(about().default_pending);
	rig_ok(r, ioas_papr_bridge_reset(g.bridge));
	assert_true(has_window(LIOBN) && !has_window(LIOBN + 1));
	assert_true(about().live == 1);
}

static void a_set_without_dynamic_windows_is_cleared(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"), .no_dynamic = true};

	stand_config(r, &config);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
	hcall_ok(r, put(0, LOW | RW));
	rig_ok(r, ioas_papr_bridge_reset(g.bridge));
	assert_true(get(0) == 0 && counts() == 0);
}

RIG_MAIN("papr_papr", RIG_TEST(two_calls_of_one_token_are_refused),
         RIG_TEST(without_memory_there_is_no_guest),
         RIG_TEST(memory_is_refused_that_cannot_be),
         RIG_TEST(memory_without_memory_is_not_there),
         RIG_TEST(memory_goes_as_it_came),
         RIG_TEST(what_is_mapped_stays_when_its_memory_goes),
         RIG_TEST(bridges_are_refused_that_cannot_be),
         RIG_TEST(a_bridge_without_memory_leaves_the_set_usable),
         RIG_TEST(an_accountant_that_refuses_leaves_no_bridge),
         RIG_TEST(a_window_is_found_by_its_liobn),
         RIG_TEST(windows_that_are_there_get_their_liobns),
         RIG_TEST(a_bridge_goes_and_its_windows_stay),
         RIG_TEST(each_bridge_has_its_own_windows),
         RIG_TEST(a_reset_without_memory_can_be_tried_again),
         RIG_TEST(a_reset_clears_the_default_window_and_removes_others),
         RIG_TEST(a_reset_makes_the_default_window_anew),
         RIG_TEST(a_reset_makes_what_is_pending),
         RIG_TEST(a_set_without_dynamic_windows_is_cleared))
