/* SPDX-License-Identifier: MIT */
/*
 * SPDK issue 1705: an unmap named addresses where nothing was mapped. VFIO
 * answers such a call with success and 0 bytes, which nobody looked at. The
 * next map of the buffer's addresses was refused with EEXIST, which was taken
 * for "it is there already": the device wrote into the buffer from before.
 *
 * The answers have to be those, programs are made for them. Here both calls are
 * told, the second with where the mapping in the way was made: the checks
 * zero-unmap and stale-map. And nothing else moves: neither that mapping, nor
 * what it counts.
 */
#include "rig_hooks.h"
#include "uapi_world.h"

#define AT UINT64_C(0x100000)

enum { SITE_BEFORE = 7, SITE_AFTER };

static struct {
	int container, group, device;
	uint64_t *before, *after; /* buffers */
} d;

static void start(struct rig *r)
{
	world_attached(r, &d.container, &d.group);
	d.device = (int)rig_value(r, open_device(d.group, "0000:01:00.0"));
	bus_master_on(d.device);
	d.before = rig_memory(r, rig_page());
	d.after = rig_memory(r, rig_page());
	ioas_a32_store(&rig_call_site, SITE_BEFORE);
	rig_ok(r, map(d.container, AT, d.before, rig_page()));
	ioas_a32_store(&rig_call_site, SITE_AFTER);
}

static void both_calls_are_told_and_nothing_moved(struct rig *r)
{
	const struct ioas_event *ev;
	uint64_t pinned;

	start(r);
	pinned = rig_pinned_bytes(r);
	rig_ok(r, unmap(d.container, 0, AT + rig_page(), rig_page()));
	rig_fails(r, map(d.container, AT, d.after, rig_page()), -EEXIST);
	assert_true(rig_pinned_bytes(r) == pinned);

	assert_int_equal(told(IOAS_EVENT_DENIED), 2);
	ev = told_nth(IOAS_EVENT_DENIED, 0);
	assert_int_equal(ev->number, IOAS_DENIED_EMPTY);
	assert_true(ev->range.first == AT + rig_page());
	ev = told_nth(IOAS_EVENT_DENIED, 1);
	assert_int_equal(ev->number, IOAS_DENIED_MAPPED);
	assert_true(ev->range.first == AT);
	assert_int_equal(ev->site, SITE_BEFORE);
	assert_int_equal(ev->site_now, SITE_AFTER);
}

static void the_device_writes_where_it_was_told_to_until_then(struct rig *r)
{
	start(r);
	rig_ok(r, unmap(d.container, 0, AT + rig_page(), rig_page()));
	rig_fails(r, map(d.container, AT, d.after, rig_page()), -EEXIST);
	rig_ok(r, dma_write(d.device, AT, 1));
	assert_true(d.before[0] == 1 && d.after[0] == 0);

	/* As it should have been. */
	assert_true(unmap(d.container, 0, AT, rig_page()) == (long)rig_page());
	rig_ok(r, map(d.container, AT, d.after, rig_page()));
	rig_ok(r, dma_write(d.device, AT, 2));
	assert_true(d.before[0] == 1 && d.after[0] == 2);
}

RIG_MAIN("stale_map_after_failed_unmap",
         RIG_TEST(both_calls_are_told_and_nothing_moved),
         RIG_TEST(the_device_writes_where_it_was_told_to_until_then))
