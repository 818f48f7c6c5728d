/* SPDX-License-Identifier: MIT */
/*
 * Interrupts from SET_IRQS to the eventfd, on the profile that translates
 * messages; and what a container does with the doorbells.
 */
#include "uapi_world.h"

#define WINDOW UINT64_C(0x8000000)
#define FIRST  EVENT_FD

struct stand {
	int container, group, device;
};

/* Beside those of every world, group 5: hardware's window is its own. */
static void begin_profile(struct rig *r, struct stand *st, const char *profile)
{
	more_profile = profile;
	more_shared = more_unsafe = false;
	more_spec[0] = "probe,reserved=msi:0x400000-0x4fffff";
	world_attached(r, &st->container, &st->group);
	st->device = (int)rig_value(r, open_device(st->group, "0000:01:00.0"));
	bus_master_on(st->device);
}

static void begin(struct rig *r, struct stand *st)
{
	begin_profile(r, st, "arm-smmuv3");
}

static long arm(const struct stand *st, unsigned int index, unsigned int count)
{
	static const int32_t fd[] = {FIRST, FIRST + 1, FIRST + 2, FIRST + 3};

	return set_irqs(st->device, index, 0, count, fd);
}

static void interrupt(unsigned int vector)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_lock(&probe.dev->lock);
	ioas_device_interrupt(probe.dev, vector);
	ioas_unlock(&probe.dev->lock);
	ioas_hooks.signals_restore(&saved);
}

static uint64_t raised(struct rig *r, unsigned int n)
{
	return rig_event_count(r, world.event[n]);
}

static uint64_t address_of(unsigned int vector)
{
	return ioas_device_load(probe.dev, 0, 0x2000 + 16u * vector, 8);
}

static void interrupts_come_through_the_window(struct rig *r)
{
	static const unsigned int index[] = {VFIO_PCI_MSIX_IRQ_INDEX,
	                                     VFIO_PCI_MSI_IRQ_INDEX};
	struct stand st;
	unsigned int i, v;

	begin(r, &st);
	for (i = 0; i < IOAS_ARRAY_SIZE(index); i++) {
		rig_ok(r, arm(&st, index[i], 4));
		for (v = 0; v < 4; v++) {
			interrupt(v);
			assert_int_equal(raised(r, v), 1);
		}
		rig_ok(r, set_irqs(st.device, index[i], 0, 0, NULL));
		interrupt(0);
		assert_int_equal(raised(r, 0), 0);
	}
	assert_int_equal(told(IOAS_EVENT_MESSAGE_LOST), 0);
	assert_int_equal(told(IOAS_EVENT_SPOOF), 0);
}

static void the_same_page_for_every_vector_and_set_up(struct rig *r)
{
	struct stand st;
	uint64_t read = 0;

	begin(r, &st);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 2));
	assert_true(address_of(0) == WINDOW + 0x40);
	assert_true(address_of(1) == WINDOW + 0x40);
	rig_ok(r, set_irqs(st.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, NULL));
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	assert_true(address_of(0) == WINDOW + 0x40);
	/* What the program reads in its region is no message of the host's. */
	assert_int_equal(read_region(st.device, 0x2000, &read, 8), 8);
	assert_true(read == UINT64_MAX);
}

static void vectors_are_added_while_some_are_on(struct rig *r)
{
	static const int32_t fd[] = {FIRST};
	struct vfio_irq_info info = {.argsz = sizeof(info),
	                             .index = VFIO_PCI_MSIX_IRQ_INDEX};
	struct stand st;

	begin(r, &st);
	rig_ok(r, call(st.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	assert_int_equal(info.flags, VFIO_IRQ_INFO_EVENTFD);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	rig_ok(r, set_irqs(st.device, VFIO_PCI_MSIX_IRQ_INDEX, 1, 1, fd));
	assert_true(address_of(1) == WINDOW + 0x40);
}

static void MSI_5_no_unmap_removes_a_doorbell(struct rig *r)
{
	uint64_t page = rig_page();
	char *memory = rig_memory(r, 2 * page);
	struct stand st;

	begin(r, &st);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	rig_ok(r, map(st.container, WINDOW - page, memory, page));
	rig_ok(r, map(st.container, WINDOW + 0x100000, memory, page));
	/* A range over the window, the window itself, everything; pieces. */
	assert_int_equal(rig_value(r, unmap(st.container, 0, WINDOW - page,
	                                    0x100000 + 2 * page)),
	                 2 * page);
	assert_int_equal(rig_value(r, unmap(st.container, 0, WINDOW, 0x100000)),
	                 0);
	assert_int_equal(rig_value(r, unmap(st.container, 0, WINDOW, page)), 0);
	rig_ok(r, map(st.container, WINDOW - page, memory, page));
	assert_int_equal(rig_value(r, unmap(st.container,
	                                    VFIO_DMA_UNMAP_FLAG_ALL, 0, 0)),
	                 page);
	interrupt(0);
	assert_int_equal(raised(r, 0), 1);
}

static void MSI_1_no_map_takes_the_window(struct rig *r)
{
	uint64_t page = rig_page();
	char *memory = rig_memory(r, 2 * page);
	struct stand st;

	begin(r, &st);
	rig_fails(r, map(st.container, WINDOW, memory, page), -EINVAL);
	rig_fails(r, map(st.container, WINDOW + 0x100000 - page, memory, page),
	          -EINVAL);
	rig_fails(r, map(st.container, WINDOW - page, memory, 2 * page),
	          -EINVAL);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	rig_fails(r, map(st.container, WINDOW, memory, page), -EINVAL);
}

static void MSI_3_whatever_fails_in_prepare_leaves_it_off(struct rig *r)
{
	struct stand st;
	long ret;

	begin(r, &st);
	ret = rig_try(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 2));
	if (ret) {
		assert_true(rig_failed(r));
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(probe.dev->irq.mode, IOAS_IRQ_OFF);
		/* And it can be asked for again. */
		assert_int_equal(arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 2), 0);
	}
	interrupt(1);
	assert_int_equal(raised(r, 1), 1);
}

static void writes_of_a_model_meet_the_doorbell(struct rig *r)
{
	struct stand st;

	begin(r, &st);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	/* It writes 8 bytes: no message. */
	assert_int_equal(dma_write(st.device, WINDOW + 0x40, 0), -EFAULT);
	assert_int_equal(told_nth(IOAS_EVENT_DMA_FAULT, 0)->fault,
	                 IOAS_FAULT_DOORBELL);
	assert_int_equal(dma_write(st.device, WINDOW + rig_page() + 0x40, 0),
	                 -EFAULT);
	assert_int_equal(told_nth(IOAS_EVENT_DMA_FAULT, 1)->fault,
	                 IOAS_FAULT_UNMAPPED);
	assert_int_equal(raised(r, 0), 0);
}

/* As Linux: with any range of hardware's in the first group there is none. */
static void a_group_with_a_window_of_hardware_gets_no_doorbells(struct rig *r)
{
	static const int32_t fd[] = {FIRST};
	int container, group, device;

	more_profile = "arm-smmuv3";
	more_spec[0] = "probe,reserved=msi:0x400000-0x4fffff";
	world_begin(r);
	container = (int)rig_value(r, open_container());
	group = (int)rig_value(r, open_group(5));
	rig_ok(r, attach(group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	device = (int)rig_value(r, open_device(group, "0000:03:00.0"));
	bus_master_on(device);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fd));
	interrupt(0);
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(told_nth(IOAS_EVENT_MESSAGE_LOST, 0)->fault,
	                 IOAS_FAULT_UNMAPPED);
}

/* MSI-2: whoever comes later gets what is there. */
static void groups_of_a_container_share_its_doorbells(struct rig *r)
{
	static const int32_t fd[] = {FIRST + 1};
	struct stand st;
	int group, device;

	begin(r, &st);
	rig_ok(r, arm(&st, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	group = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(group, st.container));
	device = (int)rig_value(r, open_device(group, "0000:02:00.0"));
	bus_master_on(device);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fd));
	assert_true(address_of(0) == WINDOW + 0x40);
	interrupt(0);
	assert_int_equal(raised(r, 1), 1);
	assert_int_equal(raised(r, 0), 0);
}

/* It is the first group that decides, also for those after it. */
static void a_later_group_brings_no_doorbells(struct rig *r)
{
	static const int32_t fd[] = {FIRST};
	int container, first, second, device;

	more_profile = "arm-smmuv3";
	more_shared = more_unsafe = false;
	more_spec[0] = "probe,reserved=msi:0x400000-0x4fffff";
	world_begin(r);
	container = (int)rig_value(r, open_container());
	first = (int)rig_value(r, open_group(5));
	rig_ok(r, attach(first, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	second = (int)rig_value(r, open_group(1));
	rig_ok(r, attach(second, container));
	device = (int)rig_value(r, open_device(second, "0000:01:00.0"));
	bus_master_on(device);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fd));
	interrupt(0);
	assert_int_equal(raised(r, 0), 0);
	assert_int_equal(told(IOAS_EVENT_MESSAGE_LOST), 1);
}

static void an_interrupt_that_others_can_raise_needs_permission(struct rig *r)
{
	static const char *const profile[] = {"intel", "amd", "arm-smmuv3"};
	unsigned int i, allowed;

	for (i = 0; i < IOAS_ARRAY_SIZE(profile); i++)
		for (allowed = 0; allowed < 2; allowed++) {
			int container, group;

			more_profile = profile[i];
			more_shared = true;
			more_unsafe = allowed;
			world_begin(r);
			container = (int)rig_value(r, open_container());
			group = (int)rig_value(r, open_group(1));
			rig_ok(r, attach(group, container));
			rig_fails(r,
			          call_value(container, VFIO_SET_IOMMU,
			                     VFIO_TYPE1v2_IOMMU),
			          allowed ? 0 : -EPERM);
			close_files(NULL);
		}
}

static void the_usable_ranges_have_the_hole(struct rig *r)
{
	struct {
		struct ioas_vfio_type1_info info;
		char room[128];
	} arg = {.info.argsz = sizeof(arg)};
	const struct vfio_iova_range *range;
	struct stand st;

	begin(r, &st);
	rig_ok(r, call(st.container, VFIO_IOMMU_GET_INFO, &arg));
	assert_int_equal(arg.info.iova_pgsizes, 0x40200000 | rig_page());
	range = (const void *)((const char *)&arg + 88);
	assert_true(range[0].start == 0 && range[0].end == 0x7ffffff);
	assert_true(range[1].start == 0x8100000 &&
	            range[1].end == 0xffffffffffff);
	assert_int_equal(
		rig_value(r, call_value(st.container, VFIO_CHECK_EXTENSION,
	                                VFIO_DMA_CC_IOMMU)),
		0);
}

RIG_MAIN("uapi_msi", RIG_TEST(interrupts_come_through_the_window),
         RIG_TEST(the_same_page_for_every_vector_and_set_up),
         RIG_TEST(vectors_are_added_while_some_are_on),
         RIG_TEST(MSI_5_no_unmap_removes_a_doorbell),
         RIG_TEST(MSI_1_no_map_takes_the_window),
         RIG_TEST(MSI_3_whatever_fails_in_prepare_leaves_it_off),
         RIG_TEST(writes_of_a_model_meet_the_doorbell),
         RIG_TEST(a_group_with_a_window_of_hardware_gets_no_doorbells),
         RIG_TEST(groups_of_a_container_share_its_doorbells),
         RIG_TEST(a_later_group_brings_no_doorbells),
         RIG_TEST(an_interrupt_that_others_can_raise_needs_permission),
         RIG_TEST(the_usable_ranges_have_the_hole))
