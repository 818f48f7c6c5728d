/* SPDX-License-Identifier: MIT */
/* IOEVENTFD: an event in place of a store. */
#include "uapi_world.h"

static int begin(struct rig *r)
{
	int container, group;

	world_attached(r, &container, &group);
	return (int)rig_value(r, open_device(group, "0000:01:00.0"));
}

static long ioeventfd(int device, uint64_t at, uint64_t data, uint32_t size,
                      int fd)
{
	struct vfio_device_ioeventfd arg = {.argsz = 28,
	                                    .flags = size,
	                                    .offset = at,
	                                    .data = data,
	                                    .fd = fd};

	return call(device, VFIO_DEVICE_IOEVENTFD, &arg);
}

static void decoding(int device, bool on)
{
	const uint16_t command = on ? 2 : 0;

	assert_int_equal(write_region(device, COMMAND_AT, &command, 2), 2);
}

static void the_event_is_the_store(struct rig *r)
{
	int device = begin(r);

	rig_ok(r, ioeventfd(device, BAR2_AT + 32, 0x1122334455667788, 4,
	                    EVENT_FD));
	probe.accesses = 0;
	program_raises(0);
	assert_int_equal(probe.accesses, 1);
	assert_int_equal(probe.sizes[0], 4);
	assert_int_equal(probe.last_store, 0x55667788);
	assert_true(probe.usr1_blocked);
	program_raises(0);
	assert_int_equal(probe.accesses, 2);
}

static void without_memory_decoding_it_is_dropped(struct rig *r)
{
	int device = begin(r);

	rig_ok(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD));
	decoding(device, false);
	probe.accesses = 0;
	program_raises(0);
	assert_int_equal(probe.accesses, 0);
	decoding(device, true);
	program_raises(0);
	assert_int_equal(probe.accesses, 1);
}

static void each_place_width_and_value_has_its_own(struct rig *r)
{
	int device = begin(r);

	rig_ok(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD));
	rig_fails(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD + 1), -EEXIST);
	rig_ok(r, ioeventfd(device, BAR2_AT, 2, 4, EVENT_FD + 1));
	rig_ok(r, ioeventfd(device, BAR2_AT, 1, 2, EVENT_FD + 2));
	rig_ok(r, ioeventfd(device, BAR2_AT, 2, 4, -1));
	assert_null(world.watcher[1]);
	rig_fails(r, ioeventfd(device, BAR2_AT, 2, 4, -1), -ENODEV);
	program_raises(2);
	assert_int_equal(probe.last_store, 1);
}

static void a_failure_leaves_nothing(struct rig *r)
{
	int device = begin(r);

	rig_fails(r, ioeventfd(device, BAR2_AT, 1, 4, 5), -EBADF);
	world.watch_says = -ENOMEM;
	rig_fails(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD), -ENOMEM);
	world.watch_says = 0;
	assert_int_equal(world.gets, world.puts);
	rig_ok(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD));
}

static void the_vector_table_is_out_of_reach(struct rig *r)
{
	int device = begin(r);

	rig_fails(r, ioeventfd(device, 0x1ffd, 0, 4, EVENT_FD), -EINVAL);
	rig_fails(r, ioeventfd(device, 0x2000, 0, 1, EVENT_FD), -EINVAL);
	rig_fails(r, ioeventfd(device, 0x207f, 0, 1, EVENT_FD), -EINVAL);
	rig_ok(r, ioeventfd(device, 0x2080, 0, 1, EVENT_FD));
	rig_ok(r, ioeventfd(device, 0x1ffc, 0, 4, EVENT_FD + 1));
}

static void the_last_close_ends_them(struct rig *r)
{
	int device = begin(r);

	rig_ok(r, ioeventfd(device, BAR2_AT, 1, 4, EVENT_FD));
	rig_ok(r, ioeventfd(device, BAR2_AT, 2, 4, EVENT_FD + 1));
	close_fd(device);
	assert_null(world.watcher[0]);
	assert_null(world.watcher[1]);
	assert_int_equal(world.gets, world.puts);
}

RIG_MAIN("uapi_ioeventfd", RIG_TEST(the_event_is_the_store),
         RIG_TEST(without_memory_decoding_it_is_dropped),
         RIG_TEST(each_place_width_and_value_has_its_own),
         RIG_TEST(a_failure_leaves_nothing),
         RIG_TEST(the_vector_table_is_out_of_reach),
         RIG_TEST(the_last_close_ends_them))
