/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "window_rig.h"

static const struct ioas_window_group_ops other_ops = {group_set, group_unset};

/* covers: ioas_windows_create -EINVAL */
static void create_wants_a_platform_that_can_be(struct rig *r)
{
	struct ioas_platform p = *ioas_platform_find("power9");
	struct ioas_windows_config config = {.platform = NULL};
	struct ioas_backend nowhere = ioas_backend_identity;

	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	config.platform = &p;
	config.page_shift = 11;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	config.page_shift = 17;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	config.page_shift = 0;
	config.quirks = 1u << 31;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	config.quirks = 0;
	nowhere.pointer = NULL;
	config.backend = &nowhere;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	config.backend = NULL;
	p.windows = 3;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	p.windows = 2;
	p.page_sizes = 1 << 11;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	p.page_sizes = 1 << 12;
	p.levels = 6;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
	p.levels = 1;
	p.default_bytes = 3 * IO;
	rig_fails(r, ioas_windows_create(&config, &w.ws), -EINVAL);
}

/* covers: ioas_windows_create -ENOMEM */
static void create_wants_memory(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9")};
	int rc;

	memset(&w, 0, sizeof(w));
	rc = rig_try(r, ioas_windows_create(&config, &w.ws));
	if (rig_failed(r))
		assert_int_equal(rc, -ENOMEM);
	ioas_windows_destroy(w.ws);
}

static void destroy_of_nothing_is_fine(struct rig *r)
{
	ioas_windows_destroy(NULL);
}

/* SPACE-4: whatever is there. */
static void destroy_puts_everything(struct rig *r)
{
	uint64_t at_ = 0;

	start(r, "power9");
	rig_ok(r, map(0, 0, 8, RW));
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &at_));
	rig_ok(r, map(IO * 100, 8, 8, IOAS_READ));
	assert_int_equal(counts(), 16);
	ioas_windows_destroy(w.ws);
	w.ws = NULL;
	assert_false(w.group[0].shows[0] || w.group[0].shows[1]);
	assert_int_equal(counts(), 0);
	assert_int_equal(charged(), 0);
}

static void describe_says_what_the_platform_has(struct rig *r)
{
	struct ioas_windows_info info;

	start(r, "power8");
	info = about();
	assert_true(info.default_start == 0);
	assert_true(info.default_bytes == 0x80000000);
	assert_true(info.page_sizes == 0x11011000);
	assert_int_equal(info.windows, 2);
	assert_int_equal(info.levels, 5);
	assert_int_equal(info.groups, 1);
	assert_int_equal(info.live, 0);
}

/* covers: ioas_windows_attach -EBUSY, ioas_windows_attach -EPERM */
static void attach_refuses_the_same_group_and_other_kinds(struct rig *r)
{
	start(r, "power9");
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[0].group), -EBUSY);
	w.group[1].group.ops = &other_ops;
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[1].group), -EPERM);
	assert_int_equal(about().groups, 1);
}

/* WIN-3 */
static void a_group_that_comes_sees_every_window(struct rig *r)
{
	uint64_t at_ = 0;

	start(r, "power9");
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &at_));
	w.group[1].answer = -EIO;
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[1].group), -EIO);
	assert_int_equal(about().groups, 1);
	w.group[1].answer = 0;
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	assert_true(w.group[1].shows[0] && w.group[1].shows[1]);
	assert_true(w.group[0].shows[0] && w.group[0].shows[1]);
}

/* Tables are shared, so it wipes what the others have. */
static void a_group_that_goes_clears_every_window(struct rig *r)
{
	uint64_t at_ = 0;

	start(r, "power9");
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &at_));
	rig_ok(r, map(0, 0, 8, RW));
	ioas_windows_detach(w.ws, &w.group[0].group);
	assert_int_equal(counts(), 0);
	assert_int_equal(fault_at(0, IOAS_READ), IOAS_FAULT_UNMAPPED);
	assert_false(w.group[0].shows[0] || w.group[0].shows[1]);
	assert_true(w.group[1].shows[0] && w.group[1].shows[1]);
	rig_ok(r, map(0, 0, 8, RW));
	assert_true(leads_to(0, 0, RW));
}

static void the_first_group_owes_a_default_window(struct rig *r)
{
	start(r, "power9");
	assert_true(about().default_pending);
	rig_ok(r, ioas_window_remove(w.ws, 0));
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	assert_false(about().default_pending);
	ioas_windows_detach(w.ws, &w.group[0].group);
	ioas_windows_detach(w.ws, &w.group[1].group);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	assert_true(about().default_pending);
}

/* covers: ioas_windows_attach -EINVAL */
static void as_linux_attach_wants_dynamic_windows(struct rig *r)
{
	const struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"),
		.no_dynamic = true,
		.quirks = IOAS_QUIRKS_LINUX_7_3,
	};

	stand_config(r, &config);
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[0].group), -EINVAL);
	assert_int_equal(about().groups, 0);
}

static void as_linux_an_attach_that_fails_owes_the_window(struct rig *r)
{
	uint64_t at_ = 0;

	start_quirks(r, "power9", IOAS_QUIRKS_LINUX_7_3);
	rig_ok(r, create(16, UINT64_C(1) << 30, 1, &at_));
	rig_ok(r, ioas_window_remove(w.ws, 0));
	ioas_windows_detach(w.ws, &w.group[0].group);
	w.group[0].answer = -EIO;
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[0].group), -EIO);
	assert_true(about().default_pending);
}

static void pseries_windows_are_of_one_group(struct rig *r)
{
	uint64_t at_ = 0;

	start(r, "pseries");
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[1].group));
	rig_fails(r, map(0, 0, 1, RW), -EPERM);
	rig_fails(r, unmap(0, 1), -EPERM);
	rig_fails(r, create(16, UINT64_C(1) << 30, 1, &at_), -EPERM);
	assert_int_equal(charged(), 0);
	ioas_windows_detach(w.ws, &w.group[1].group);
	rig_ok(r, map(0, 0, 1, RW));
	rig_fails(r, ioas_windows_attach(w.ws, &w.group[1].group), -EPERM);
	assert_true(leads_to(0, 0, RW));
}

RIG_MAIN("window_set", RIG_TEST(create_wants_a_platform_that_can_be),
         RIG_TEST(create_wants_memory), RIG_TEST(destroy_of_nothing_is_fine),
         RIG_TEST(destroy_puts_everything),
         RIG_TEST(describe_says_what_the_platform_has),
         RIG_TEST(attach_refuses_the_same_group_and_other_kinds),
         RIG_TEST(a_group_that_comes_sees_every_window),
         RIG_TEST(a_group_that_goes_clears_every_window),
         RIG_TEST(the_first_group_owes_a_default_window),
         RIG_TEST(as_linux_attach_wants_dynamic_windows),
         RIG_TEST(as_linux_an_attach_that_fails_owes_the_window),
         RIG_TEST(pseries_windows_are_of_one_group))
