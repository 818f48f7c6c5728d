/* SPDX-License-Identifier: MIT */
/* Interrupts, accesses, low power and unknown commands of a device file. */
#include <unistd.h>

#include "uapi_world.h"

static int begin(struct rig *r)
{
	int container, group;

	world_attached(r, &container, &group);
	return (int)rig_value(r, open_device(group, "0000:01:00.0"));
}

static uint64_t raised(struct rig *r, int n)
{
	return rig_event_count(r, world.event[n]);
}

static long loop_back(int device, uint32_t index, uint32_t start,
                      uint32_t count)
{
	return set_irqs(device, index, start, count, NULL);
}

/* ---- Interrupts ---- */

static void a_failed_block_clears_up_to_the_failing_vector(struct rig *r)
{
	static const int32_t all[] = {EVENT_FD, EVENT_FD + 1, EVENT_FD + 2,
	                              EVENT_FD + 3};
	static const int32_t bad[] = {EVENT_FD, -7 + EVENT_FD, EVENT_FD};
	int device = begin(r);

	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 4, all));
	rig_fails(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, bad),
	          -EBADF);
	rig_ok(r, loop_back(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 4));
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(raised(r, 1), 0);
	assert_int_equal(raised(r, 2), 1);
	assert_int_equal(raised(r, 3), 1);
}

static void a_failed_start_leaves_interrupts_off(struct rig *r)
{
	static const int32_t bad[] = {EVENT_FD, 5};
	static const int32_t good[] = {EVENT_FD};
	int device = begin(r);

	rig_fails(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, bad),
	          -EBADF);
	assert_int_equal(world.gets, world.puts);
	rig_fails(r, loop_back(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1), -EINVAL);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, good));
}

static void turning_off_puts_every_event(struct rig *r)
{
	static const int32_t fd[] = {EVENT_FD, EVENT_FD + 1};
	int device = begin(r);

	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fd));
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 7, 1, fd));
	assert_int_equal(world.gets, 3);
	rig_ok(r, loop_back(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0));
	assert_int_equal(world.puts, 3);
}

static void minus_one_clears_the_error_event(struct rig *r)
{
	static const int32_t set[] = {EVENT_FD}, clear[] = {-1};
	int device = begin(r);

	rig_ok(r, set_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, set));
	rig_ok(r, loop_back(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1));
	assert_int_equal(raised(r, 0), 1);
	rig_ok(r, set_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, clear));
	assert_int_equal(world.puts, 1);
	rig_fails(r, loop_back(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1), -EINVAL);
}

static void a_failed_replacement_keeps_the_error_event(struct rig *r)
{
	static const int32_t set[] = {EVENT_FD}, bad[] = {3};
	int device = begin(r);

	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, set));
	rig_fails(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, bad),
	          -EBADF);
	rig_ok(r, loop_back(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1));
	assert_int_equal(raised(r, 0), 1);
}

static void reset_keeps_interrupts(struct rig *r)
{
	static const int32_t fd[] = {EVENT_FD};
	int device = begin(r);

	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fd));
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
	rig_ok(r, loop_back(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1));
	assert_int_equal(raised(r, 0), 1);
	assert_int_equal(told(IOAS_EVENT_RESET) > 0, 1);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fd));
}

static void what_is_mapped_at_a_reset_is_told(struct rig *r)
{
	int container, group, device;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_RESET), 0);
	rig_ok(r,
	       map(container, 0x100000, rig_memory(r, rig_page()), rig_page()));
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_RESET), 1);
	assert_string_equal(told_nth(IOAS_EVENT_LIVE_AT_RESET, 0)->device,
	                    "0000:01:00.0");
}

static void an_interrupt_of_the_device_arrives(struct rig *r)
{
	static const int32_t fd[] = {EVENT_FD, EVENT_FD + 1};
	int device = begin(r);

	bus_master_on(device);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fd));
	ioas_lock(&probe.dev->lock);
	ioas_device_interrupt(probe.dev, 1);
	ioas_unlock(&probe.dev->lock);
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(raised(r, 1), 1);
}

/* ---- Accesses ---- */

static void a_read_is_made_of_the_largest_aligned_units(struct rig *r)
{
	static const unsigned int wanted[] = {1, 2, 4, 8, 8, 4, 2, 1};
	int device = begin(r);
	char buffer[30];
	size_t i;

	probe.accesses = 0;
	assert_int_equal(read_region(device, BAR2_AT + 1, buffer, 30), 30);
	assert_int_equal(probe.accesses, IOAS_ARRAY_SIZE(wanted));
	for (i = 0; i < IOAS_ARRAY_SIZE(wanted); i++)
		assert_int_equal(probe.sizes[i], wanted[i]);
}

static void a_write_is_done_up_to_the_bad_byte(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int device = begin(r);

	rig_hole(r, memory + rig_page(), rig_page());
	probe.accesses = 0;
	rig_fails(
		r,
		write_region(device, BAR2_AT + 16, memory + rig_page() - 8, 16),
		-EFAULT);
	assert_int_equal(probe.accesses, 1);
	assert_int_equal(probe.sizes[0], 8);
}

/* A handler of the program may make the same calls. */
static void signals_wait_while_the_device_runs(struct rig *r)
{
	int device = begin(r);
	char byte = 0;

	probe.usr1_blocked = false;
	assert_int_equal(write_region(device, BAR2_AT, &byte, 1), 1);
	assert_true(probe.usr1_blocked);
	probe.usr1_blocked = false;
	assert_int_equal(read_region(device, BAR2_AT, &byte, 1), 1);
	assert_true(probe.usr1_blocked);
	probe.usr1_blocked = false;
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
	assert_true(probe.usr1_blocked);
	note_signals();
	assert_false(probe.usr1_blocked);
}

static void the_vector_table_is_out_of_reach(struct rig *r)
{
	int device = begin(r);
	char buffer[64];

	probe.accesses = 0;
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(write_region(device, 0x2000, buffer, 64), 64);
	assert_int_equal(probe.accesses, 0);
	assert_int_equal(read_region(device, 0x2000, buffer, 64), 64);
	assert_int_equal(buffer[63], (char)0xff);
}

static void bar_registers_show_the_size(struct rig *r)
{
	const uint64_t at = (UINT64_C(7) << IOAS_REGION_SHIFT) + 0x18;
	const uint32_t ones = UINT32_MAX;
	int device = begin(r);
	uint32_t is = 0;

	assert_int_equal(write_region(device, at, &ones, 4), 4);
	assert_int_equal(read_region(device, at, &is, 4), 4);
	assert_int_equal(is, 0xffff0000);
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
	assert_int_equal(read_region(device, at, &is, 4), 4);
	assert_int_equal(is, 0xffff0000);
}

/* Or so much as fits. */
static void need_pages_in_bar_2(unsigned int pages)
{
	if (pages * rig_page() > 0x10000)
		rig_skip("a BAR of 64 KiB has too few pages");
}

static void a_window_says_where_in_the_bar_it_is(struct rig *r)
{
	struct ioas_bar_window window = {99, 99, 99};
	int device = begin(r);
	uint64_t page = rig_page();

	need_pages_in_bar_2(3);
	rig_ok(r, ioas_file_mmap(world.file[device], page + 1, 3, 1,
	                         BAR2_AT + page, &window));
	assert_int_equal(window.bar, 2);
	assert_int_equal(window.offset, page);
	assert_int_equal(window.bytes, 2 * page);
}

static void a_front_end_that_cannot_trap_maps_nothing(struct rig *r)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = 2};
	struct ioas_bar_window window;
	int device = begin(r);

	rig_ok(r, call(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	assert_true(info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	world.bars_unmappable = true;
	rig_ok(r, call(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	assert_false(info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	assert_int_equal(ioas_file_mmap(world.file[device], rig_page(), 3, 1,
	                                BAR2_AT, &window),
	                 -EINVAL);
}

static void a_buffer_of_a_bar_has_a_size_and_nothing_else(struct rig *r)
{
	uint64_t page = rig_page();
	struct {
		uint32_t argsz, flags, region, mode, zero, count;
		uint64_t range[4];
	} arg = {56,
	         VFIO_DEVICE_FEATURE_GET | IOAS_FEATURE_DMA_BUF,
	         2,
	         0,
	         0,
	         2,
	         {0, page, page, page}};
	struct ioas_bar_window window;
	int device = begin(r);
	struct ioas_file *file;
	long fd;

	need_pages_in_bar_2(2);
	fd = rig_value(r, call(device, VFIO_DEVICE_FEATURE, &arg));
	file = world.file[fd];
	assert_int_equal(ioas_file_kind(file), IOAS_FILE_DMABUF);
	assert_int_equal(ioas_file_seek(file, 0, SEEK_END), 2 * page);
	assert_int_equal(ioas_file_seek(file, 0, SEEK_SET), 0);
	assert_int_equal(ioas_file_seek(file, 1, SEEK_SET), -EINVAL);
	assert_int_equal(ioas_file_seek(file, 0, SEEK_CUR), -EINVAL);
	assert_int_equal(ioas_file_read(file, (struct uaddr){0}, 1, 0),
	                 -EINVAL);
	assert_int_equal(ioas_file_mmap(file, page, 3, 1, 0, &window), -EINVAL);
	assert_int_equal(call((int)fd, VFIO_DEVICE_RESET, NULL), -ENOTTY);
	assert_null(ioas_file_device(file));
}

/* ---- Low power ---- */

static long enter_low_power(int device, int fd)
{
	struct {
		uint32_t argsz, flags;
		int32_t fd;
		uint32_t reserved;
	} arg = {16,
	         VFIO_DEVICE_FEATURE_SET |
	                 IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
	         fd, 0};

	return call(device, VFIO_DEVICE_FEATURE, &arg);
}

static void one_access_wakes_and_only_one(struct rig *r)
{
	int device = begin(r);
	uint32_t word;

	rig_ok(r, enter_low_power(device, EVENT_FD));
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(read_region(device, BAR2_AT, &word, 4), 4);
	assert_int_equal(raised(r, 0), 1);
	assert_int_equal(world.puts, 1);
	assert_int_equal(read_region(device, BAR2_AT, &word, 4), 4);
	assert_int_equal(raised(r, 0), 0);
	rig_ok(r, enter_low_power(device, EVENT_FD + 1));
}

static void last_close_ends_low_power_silently(struct rig *r)
{
	int container, group, device;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	rig_ok(r, enter_low_power(device, EVENT_FD));
	close_fd(device);
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(world.gets, world.puts);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	rig_ok(r, enter_low_power(device, EVENT_FD));
}

/* ---- Commands that are not there ---- */

static void an_unknown_command_is_told_once_for_each_kind(struct rig *r)
{
	int container, group, device;
	const struct ioas_event *ev;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	assert_int_equal(call(device, IOAS_VFIO_COMMAND(22), NULL), -ENOTTY);
	assert_int_equal(call(device, IOAS_VFIO_COMMAND(22), NULL), -ENOTTY);
	assert_int_equal(told(IOAS_EVENT_UNKNOWN), 1);
	ev = told_nth(IOAS_EVENT_UNKNOWN, 0);
	assert_int_equal(ev->number, IOAS_VFIO_COMMAND(22));
	assert_string_equal(ev->what, "device");
	assert_string_equal(ev->device, "0000:01:00.0");
	assert_int_equal(call(group, IOAS_VFIO_COMMAND(22), NULL), -ENOTTY);
	assert_int_equal(call(container, IOAS_VFIO_COMMAND(22), NULL), -ENOTTY);
	assert_int_equal(told(IOAS_EVENT_UNKNOWN), 3);
	assert_string_equal(told_nth(IOAS_EVENT_UNKNOWN, 1)->what, "group");
	assert_string_equal(told_nth(IOAS_EVENT_UNKNOWN, 2)->what, "container");
}

static void what_linux_lacks_too_is_not_told(struct rig *r)
{
	static const unsigned int n[] = {14, 15, 19, 20, 21};
	int device = begin(r);
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(n); i++)
		assert_int_equal(call(device, IOAS_VFIO_COMMAND(n[i]), NULL),
		                 -ENOTTY);
	assert_int_equal(told(IOAS_EVENT_UNKNOWN), 0);
}

static void telling_unknown_commands_has_an_end(struct rig *r)
{
	int device = begin(r);
	unsigned int i;

	for (i = 0; i < 200; i++)
		assert_int_equal(call(device, 0x10000 + i, NULL), -ENOTTY);
	assert_true(told(IOAS_EVENT_UNKNOWN) >= 16);
	assert_true(told(IOAS_EVENT_UNKNOWN) < 200);
}

RIG_MAIN("uapi_device",
         RIG_TEST(a_failed_block_clears_up_to_the_failing_vector),
         RIG_TEST(a_failed_start_leaves_interrupts_off),
         RIG_TEST(turning_off_puts_every_event),
         RIG_TEST(minus_one_clears_the_error_event),
         RIG_TEST(a_failed_replacement_keeps_the_error_event),
         RIG_TEST(reset_keeps_interrupts),
         RIG_TEST(what_is_mapped_at_a_reset_is_told),
         RIG_TEST(an_interrupt_of_the_device_arrives),
         RIG_TEST(a_read_is_made_of_the_largest_aligned_units),
         RIG_TEST(a_write_is_done_up_to_the_bad_byte),
         RIG_TEST(signals_wait_while_the_device_runs),
         RIG_TEST(the_vector_table_is_out_of_reach),
         RIG_TEST(bar_registers_show_the_size),
         RIG_TEST(a_window_says_where_in_the_bar_it_is),
         RIG_TEST(a_buffer_of_a_bar_has_a_size_and_nothing_else),
         RIG_TEST(a_front_end_that_cannot_trap_maps_nothing),
         RIG_TEST(one_access_wakes_and_only_one),
         RIG_TEST(last_close_ends_low_power_silently),
         RIG_TEST(an_unknown_command_is_told_once_for_each_kind),
         RIG_TEST(what_linux_lacks_too_is_not_told),
         RIG_TEST(telling_unknown_commands_has_an_end))
