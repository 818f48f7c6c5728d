/* SPDX-License-Identifier: MIT */
/* SET_IRQS of the pin, to the event and back. */
#include "uapi_world.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX

static int begin(struct rig *r)
{
	int container, group;

	world_attached(r, &container, &group);
	return (int)rig_value(r, open_device(group, "0000:01:00.0"));
}

static long act(int device, uint32_t action, uint32_t data, int32_t value)
{
	struct {
		struct ioas_vfio_irq_set set;
		int32_t value;
	} arg = {{sizeof(arg), action | data, INTX, 0, 1}, value};

	return call(device, VFIO_DEVICE_SET_IRQS, &arg);
}

static long mask(int device)
{
	return act(device, VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_DATA_NONE, 0);
}

static long unmask(int device)
{
	return act(device, VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_DATA_NONE,
	           0);
}

static long unmask_by(int device, int32_t fd)
{
	return act(device, VFIO_IRQ_SET_ACTION_UNMASK,
	           VFIO_IRQ_SET_DATA_EVENTFD, fd);
}

static void line(bool level)
{
	ioas_lock(&probe.dev->lock);
	ioas_device_line(probe.dev, level);
	ioas_unlock(&probe.dev->lock);
}

static uint64_t raised(struct rig *r, int n)
{
	return rig_event_count(r, world.event[n]);
}

/* On, with event 0. */
static int begin_on(struct rig *r)
{
	static const int32_t fd[] = {EVENT_FD};
	int device = begin(r);

	rig_ok(r, set_irqs(device, INTX, 0, 1, fd));
	return device;
}

static void the_line_arrives_and_waits_for_an_unmask(struct rig *r)
{
	int device = begin_on(r);

	line(true);
	assert_int_equal(raised(r, 0), 1);
	rig_ok(r, unmask(device));
	assert_int_equal(raised(r, 0), 1);
	line(false);
	rig_ok(r, unmask(device));
	assert_int_equal(raised(r, 0), 0);
	rig_ok(r, mask(device));
	line(true);
	assert_int_equal(raised(r, 0), 0);
}

static void a_byte_of_0_neither_masks_nor_unmasks(struct rig *r)
{
	int device = begin_on(r);

	rig_ok(r, act(device, VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_DATA_BOOL,
	              0));
	line(true);
	assert_int_equal(raised(r, 0), 1);
	rig_ok(r, act(device, VFIO_IRQ_SET_ACTION_UNMASK,
	              VFIO_IRQ_SET_DATA_BOOL, 0));
	assert_int_equal(raised(r, 0), 0);
	rig_ok(r, act(device, VFIO_IRQ_SET_ACTION_UNMASK,
	              VFIO_IRQ_SET_DATA_BOOL, 1));
	assert_int_equal(raised(r, 0), 1);
}

static void an_event_of_the_program_unmasks(struct rig *r)
{
	int device = begin_on(r);

	rig_ok(r, unmask_by(device, EVENT_FD + 1));
	line(true);
	assert_int_equal(raised(r, 0), 1);
	program_raises(1);
	assert_int_equal(raised(r, 0), 1);
	line(false);
	program_raises(1);
	line(true);
	assert_int_equal(raised(r, 0), 1);
}

static void one_event_unmasks_at_a_time(struct rig *r)
{
	int device = begin_on(r);

	rig_ok(r, unmask_by(device, EVENT_FD + 1));
	rig_fails(r, unmask_by(device, EVENT_FD + 2), -EBUSY);
	rig_fails(r, unmask_by(device, 5), -EBADF);
	rig_ok(r, unmask_by(device, -1));
	assert_null(world.watcher[1]);
	rig_ok(r, unmask_by(device, -1));
	rig_ok(r, unmask_by(device, EVENT_FD + 2));
	assert_non_null(world.watcher[2]);
}

static void an_event_that_cannot_be_watched_is_put(struct rig *r)
{
	int device = begin_on(r);

	world.watch_says = -ENOMEM;
	rig_fails(r, unmask_by(device, EVENT_FD + 1), -ENOMEM);
	assert_int_equal(world.gets, world.puts + 1);
	world.watch_says = 0;
	rig_ok(r, unmask_by(device, EVENT_FD + 1));
}

static void off_ends_the_watch(struct rig *r)
{
	int device = begin_on(r);

	rig_ok(r, unmask_by(device, EVENT_FD + 1));
	rig_ok(r, set_irqs(device, INTX, 0, 0, NULL));
	assert_null(world.watcher[1]);
	assert_int_equal(world.gets, world.puts);
	rig_fails(r, unmask(device), -EINVAL);
	rig_fails(r, mask(device), -EINVAL);
	line(true);
	assert_int_equal(raised(r, 0), 0);
}

static void the_last_close_ends_the_watch(struct rig *r)
{
	int device = begin_on(r);

	rig_ok(r, unmask_by(device, EVENT_FD + 1));
	close_fd(device);
	assert_null(world.watcher[1]);
	assert_int_equal(world.gets, world.puts);
}

static void a_bad_replacement_keeps_the_event(struct rig *r)
{
	static const int32_t bad[] = {3}, next[] = {EVENT_FD + 2},
			     none[] = {-1};
	int device = begin_on(r);

	rig_fails(r, set_irqs(device, INTX, 0, 1, bad), -EBADF);
	rig_ok(r, set_irqs(device, INTX, 0, 1, NULL));
	assert_int_equal(raised(r, 0), 1);
	rig_ok(r, set_irqs(device, INTX, 0, 1, next));
	rig_ok(r, set_irqs(device, INTX, 0, 1, NULL));
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(raised(r, 2), 1);
	rig_ok(r, set_irqs(device, INTX, 0, 1, none));
	rig_ok(r, set_irqs(device, INTX, 0, 1, NULL));
	assert_int_equal(raised(r, 2), 0);
	assert_int_equal(world.gets, world.puts);
}

RIG_MAIN("uapi_intx", RIG_TEST(the_line_arrives_and_waits_for_an_unmask),
         RIG_TEST(a_byte_of_0_neither_masks_nor_unmasks),
         RIG_TEST(an_event_of_the_program_unmasks),
         RIG_TEST(one_event_unmasks_at_a_time),
         RIG_TEST(an_event_that_cannot_be_watched_is_put),
         RIG_TEST(off_ends_the_watch), RIG_TEST(the_last_close_ends_the_watch),
         RIG_TEST(a_bad_replacement_keeps_the_event))
