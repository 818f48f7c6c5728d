/* SPDX-License-Identifier: MIT */
/*
 * Unmaps of nothing, answered without a lock. That each answer is that of the
 * call is looked at in every test of uapi (unmap_ways.h); here is where there
 * is one, and where there must be none.
 */
#include "spapr_calls.h"

#define STRICT IOAS_CONTRACT_STRICT

static bool answers_argument(int container, unsigned long argument)
{
	struct ioas_unmap_try try;

	return ioas_unmap_fetch(argument, &try) &&
	       ioas_file_unmaps_nothing(world.file[container], &try);
}

static bool answers(int container, uint64_t iova, uint64_t bytes)
{
	struct ioas_vfio_unmap unmap = {24, 0, iova, bytes};

	return answers_argument(container, (uintptr_t)&unmap);
}

static void it_begins_when_something_could_be_mapped(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	uint64_t page = rig_page();
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_fails(r, unmap_windows(container, 0, page), -EPERM);
	assert_false(answers(container, 0, page));
	rig_ok(r, register_memory(container, memory, page));
	/* The default window is made by the first call. */
	assert_false(answers(container, 0, page));
	rig_ok(r, unmap_windows(container, 0, page));
	assert_true(answers(container, 0, page));
	assert_int_equal(told(IOAS_EVENT_DENIED), 1);
}

static void only_what_a_call_would_do_is_done(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	struct ioas_vfio_unmap unmap = {24, 0, 0, rig_page()};
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, unmap_windows(container, 0, rig_page()));
	assert_true(answers_argument(container, (uintptr_t)&unmap));
	unmap.flags = 1;
	assert_false(answers_argument(container, (uintptr_t)&unmap));
	unmap.flags = 0;
	unmap.argsz = 23;
	assert_false(answers_argument(container, (uintptr_t)&unmap));
	unmap.argsz = 4096;
	assert_true(answers_argument(container, (uintptr_t)&unmap));
	assert_false(answers_argument(container, 0));
	assert_false(answers_argument(device, (uintptr_t)&unmap));
	assert_false(answers(container, 0, 0));
	assert_false(answers(container, 1, rig_page()));
	assert_false(answers(container, HIGH, rig_page()));
}

static void what_is_mapped_is_left_to_the_call(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	uint64_t page = rig_page(), start;
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_ok(r, register_memory(container, memory, page));
	rig_ok(r, map(container, 0, memory, page));
	assert_false(answers(container, 0, page));
	assert_true(answers(container, 64 * MIB, page));
	rig_ok(r, create_window(container, 12, MIB, 1, &start));
	assert_true(answers(container, start, MIB));
	assert_false(answers(container, 0, page));
	rig_ok(r, unmap_windows(container, 0, page));
	assert_true(answers(container, 0, page));
	assert_int_equal(told(IOAS_EVENT_UNMAP), 1);
	rig_ok(r, remove_window(container, start));
	assert_false(answers(container, start, page));
}

static void version_1_answers_while_it_is_enabled(struct rig *r)
{
	uint64_t page = rig_page();
	int device, group, container;

	windows_begin(r, "power9", STRICT, &device);
	container = windows_of(r, 2, V1, &group);
	assert_false(answers(container, 0, page));
	rig_ok(r, call(container, VFIO_IOMMU_ENABLE, NULL));
	rig_ok(r, unmap_windows(container, 0, page));
	assert_true(answers(container, 0, page));
	rig_ok(r, call(container, VFIO_IOMMU_DISABLE, NULL));
	assert_false(answers(container, 0, page));
	rig_fails(r, unmap_windows(container, 0, page), -EPERM);
	rig_ok(r, call(container, VFIO_IOMMU_ENABLE, NULL));
	assert_true(answers(container, 0, page));
}

static void another_process_is_not_answered(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	uint64_t page = rig_page();
	int device, container = windows_begin(r, "power9", STRICT, &device);

	world.caller = 1;
	rig_ok(r, register_memory(container, memory, page));
	rig_ok(r, unmap_windows(container, 0, page));
	assert_true(answers(container, 0, page));
	world.caller = 2;
	assert_false(answers(container, 0, page));
	rig_fails(r, unmap_windows(container, 0, page), -EPERM);
}

/* The back end goes with the last group, and another one may come. */
static void it_ends_with_the_back_end(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	uint64_t page = rig_page();
	int device, group, container;

	windows_begin(r, "power9", STRICT, &device);
	container = windows_of(r, 2, V2, &group);
	rig_ok(r, register_memory(container, memory, page));
	rig_ok(r, unmap_windows(container, 0, page));
	assert_true(answers(container, 0, page));
	rig_ok(r, call_value(group, VFIO_GROUP_UNSET_CONTAINER, 0));
	assert_false(answers(container, 0, page));
	rig_fails(r, unmap_windows(container, 0, page), -EINVAL);
	rig_ok(r, attach(group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, V2));
	assert_false(answers(container, 0, page));
	rig_ok(r, register_memory(container, memory, page));
	rig_ok(r, map(container, 0, memory, page));
	assert_false(answers(container, 0, page));
	assert_true(answers(container, 64 * MIB, page));
}

RIG_MAIN("uapi_quick", RIG_TEST(it_begins_when_something_could_be_mapped),
         RIG_TEST(only_what_a_call_would_do_is_done),
         RIG_TEST(what_is_mapped_is_left_to_the_call),
         RIG_TEST(version_1_answers_while_it_is_enabled),
         RIG_TEST(another_process_is_not_answered),
         RIG_TEST(it_ends_with_the_back_end))
