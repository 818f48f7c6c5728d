/* SPDX-License-Identifier: MIT */
/* Containers with windows: what is told of their mappings. */
#include "spapr_calls.h"

#define STRICT IOAS_CONTRACT_STRICT
#define LINUX  IOAS_CONTRACT_LINUX_7_3
#define OLD    IOAS_CONTRACT_LINUX_6_12

static void mappings_are_told_as_they_are_cut(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	uint64_t page = rig_page();
	int device, container = windows_begin(r, "power9", STRICT, &device);
	const struct ioas_event *ev;

	rig_ok(r, register_memory(container, memory, 4 * page));
	rig_ok(r, map(container, 0, memory, 4 * page));
	ev = told_nth(IOAS_EVENT_MAP, 0);
	assert_int_equal(ev->range.last, 4 * page - 1);
	assert_int_equal(ev->uaddr.raw, (uintptr_t)memory);
	/* One in the middle is replaced. */
	rig_ok(r, map_perm(container, page, memory, page, 1));
	ev = told_nth(IOAS_EVENT_UNMAP, 0);
	assert_int_equal(ev->range.first, page);
	assert_int_equal(ev->range.last, 2 * page - 1);
	assert_int_equal(ev->uaddr.raw, (uintptr_t)memory + page);
	rig_ok(r, unmap_windows(container, 3 * page, page));
	assert_int_equal(told(IOAS_EVENT_UNMAP), 2);
	/* What is refused is told with what lies around it. */
	assert_int_equal(dma_write(device, page, 1), -EFAULT);
	ev = told_nth(IOAS_EVENT_DMA_FAULT, 0);
	assert_int_equal(ev->fault, IOAS_FAULT_PERMISSION);
	assert_int_equal(ev->uaddr.raw, (uintptr_t)memory);
	close_files(NULL);
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_CLOSE), 3);
	ev = told_nth(IOAS_EVENT_LIVE_AT_CLOSE, 2);
	assert_int_equal(ev->range.first, 2 * page);
	assert_int_equal(ev->uaddr.raw, (uintptr_t)memory + 2 * page);
}

static void a_window_that_goes_takes_its_mappings_along(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int device, container = windows_begin(r, "power9", STRICT, &device);
	uint64_t start;

	rig_ok(r, register_memory(container, memory, 2 * rig_page()));
	rig_ok(r, create_window(container, 12, MIB, 1, &start));
	rig_ok(r, map(container, 0, memory, rig_page()));
	rig_ok(r, map(container, start, memory, 2 * rig_page()));
	rig_ok(r, remove_window(container, start + 5));
	assert_int_equal(told(IOAS_EVENT_UNMAP), 1);
	assert_true(told_nth(IOAS_EVENT_UNMAP, 0)->range.first == start);
	assert_int_equal(dma_read(device, start), -EFAULT);
	rig_ok(r, unmap_windows(container, 0, MIB));
	assert_int_equal(told(IOAS_EVENT_UNMAP), 2);
	rig_ok(r, unregister_memory(container, memory, 2 * rig_page()));
}

static void linux_loses_what_a_failing_map_replaced(struct rig *r)
{
	static const enum ioas_contract contracts[] = {STRICT, LINUX};
	uint64_t *memory = rig_memory(r, 2 * rig_page());
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		int device, container;
		bool strict = contracts[i] == STRICT;

		container = windows_begin(r, "power9", contracts[i], &device);
		rig_ok(r, register_memory(container, memory, rig_page()));
		rig_ok(r, map(container, 0, memory, rig_page()));
		/* The second page is nobody's. */
		rig_fails(r, map(container, 0, memory, 2 * rig_page()),
		          -EINVAL);
		assert_int_equal(dma_read(device, 0), strict ? 0 : -EFAULT);
		assert_int_equal(told(IOAS_EVENT_UNMAP), !strict);
		/* And when it is the first one, nothing is. */
		rig_ok(r, map(container, rig_page(), memory, rig_page()));
		rig_fails(r,
		          map(container, rig_page(),
		              (char *)memory + rig_page(), rig_page()),
		          -EINVAL);
		assert_int_equal(dma_read(device, rig_page()), 0);
		close_files(NULL);
	}
}

static void linux_maps_behind_the_end_of_a_window(struct rig *r)
{
	static const enum ioas_contract contracts[] = {STRICT, LINUX, OLD};
	char *memory = rig_memory(r, 2 * rig_page());
	/* A table of whole pages: less would be made so many entries. */
	uint64_t page = rig_page(), bytes = page / 8 << 12, start;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		enum ioas_contract c = contracts[i];
		int device, container;
		long says;

		container = windows_begin(r, "power9", c, &device);
		rig_ok(r, register_memory(container, memory, 2 * page));
		rig_ok(r, remove_window(container, 0));
		rig_ok(r, create_window(container, 12, bytes, 1, &start));
		says = c == STRICT ? -EINVAL : 0;
		rig_fails(r, map(container, bytes - page, memory, 2 * page),
		          says);
		assert_int_equal(told(IOAS_EVENT_MAP), c != STRICT);
		says = c == STRICT ? -EINVAL : c == LINUX ? 1 : 0;
		rig_fails(r, unmap_windows(container, bytes - page, 2 * page),
		          says);
		close_files(NULL);
	}
}

static void why_a_map_was_refused_is_told(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_fails(r, map(container, 0, memory, rig_page()), -EPERM);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_fails(r, map(container, 0, memory + rig_page(), rig_page()),
	          -EINVAL);
	rig_fails(r, map(container, HIGH, memory, rig_page()), -ENXIO);
	assert_int_equal(told_nth(IOAS_EVENT_DENIED, 0)->number,
	                 IOAS_DENIED_NOT_ENABLED);
	assert_int_equal(told_nth(IOAS_EVENT_DENIED, 1)->number,
	                 IOAS_DENIED_UNREGISTERED);
	assert_int_equal(told_nth(IOAS_EVENT_DENIED, 2)->number,
	                 IOAS_DENIED_APERTURE);
}

RIG_MAIN("uapi_spapr_notes", RIG_TEST(mappings_are_told_as_they_are_cut),
         RIG_TEST(a_window_that_goes_takes_its_mappings_along),
         RIG_TEST(linux_loses_what_a_failing_map_replaced),
         RIG_TEST(linux_maps_behind_the_end_of_a_window),
         RIG_TEST(why_a_map_was_refused_is_told))
