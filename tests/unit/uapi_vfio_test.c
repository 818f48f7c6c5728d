/* SPDX-License-Identifier: MIT */
/* Lives: who keeps whom, and what ends with the last one. */
#include <pthread.h>

#include "uapi_world.h"

#define IOVA UINT64_C(0x100000)

static void a_device_keeps_its_group_and_mappings(struct rig *r)
{
	int container, group, device;
	uint64_t *memory = rig_memory(r, rig_page());

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	close_fd(group);
	close_fd(container);
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_CLOSE), 0);
	rig_fails(r, open_group(1), -EBUSY);
	bus_master_on(device);
	*memory = 42;
	assert_int_equal(dma_read(device, IOVA), 0);
	assert_int_equal(probe.dma_value, 42);

	close_fd(device);
	assert_int_equal(rig_pinned_bytes(r), 0);
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_CLOSE), 1);
	assert_int_equal(world.claims, 0);
	rig_value(r, open_group(1));
}

static void the_last_group_takes_the_mappings_along(struct rig *r)
{
	const struct ioas_event *ev;
	int container, group;
	char *memory = rig_memory(r, 4 * rig_page());

	world_attached(r, &container, &group);
	rig_ok(r, map(container, 2 * IOVA, memory, 3 * rig_page()));
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, unset(group));
	assert_int_equal(rig_pinned_bytes(r), 0);
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_CLOSE), 2);
	ev = told_nth(IOAS_EVENT_LIVE_AT_CLOSE, 0);
	assert_int_equal(ev->range.first, IOVA);
	assert_int_equal(ev->range.last, IOVA + rig_page() - 1);
	assert_int_equal(ev->uaddr.raw, (uintptr_t)memory);
	assert_int_equal(ev->perm, IOAS_READ | IOAS_WRITE);
	assert_true(ev->space > 0);
	assert_int_equal(told_nth(IOAS_EVENT_LIVE_AT_CLOSE, 1)->range.first,
	                 2 * IOVA);

	rig_fails(r, map(container, IOVA, memory, rig_page()), -EINVAL);
	assert_int_equal(
		call_value(container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR),
		0);
	rig_ok(r, attach(group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	rig_ok(r, map(container, IOVA, memory, rig_page()));
}

static void a_container_outlives_its_file(struct rig *r)
{
	int container, group, device;

	world_attached(r, &container, &group);
	close_fd(container);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	close_fd(device);
	rig_ok(r, unset(group));
	rig_fails(r, open_device(group, "0000:01:00.0"), -EINVAL);
}

static void one_of_two_groups_may_leave(struct rig *r)
{
	int container, group, second, device;
	char *memory = rig_memory(r, rig_page());

	world_attached(r, &container, &group);
	second = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(second, container));
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, unset(group));
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_CLOSE), 0);
	rig_fails(r, open_device(group, "0000:01:00.0"), -EINVAL);
	device = (int)rig_value(r, open_device(second, "0000:02:00.0"));
	bus_master_on(device);
	assert_int_equal(dma_read(device, IOVA), 0);
}

static void a_group_that_left_does_no_dma(struct rig *r)
{
	int container, group, second;
	struct ioas_device *left;

	world_attached(r, &container, &group);
	left = probe.dev;
	second = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(second, container));
	assert_non_null(ioas_aptr_load(&left->space));
	rig_ok(r, unset(group));
	assert_null(ioas_aptr_load(&left->space));
	assert_non_null(ioas_aptr_load(&probe.dev->space));
	rig_ok(r, unset(second));
	assert_null(ioas_aptr_load(&probe.dev->space));
}

static void a_device_starts_anew_at_first_open_only(struct rig *r)
{
	const uint64_t value = 0x1122334455667788;
	int container, group, first, second;
	unsigned int resets;
	uint64_t is = 0;

	world_attached(r, &container, &group);
	first = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	resets = probe.resets;
	write_region(first, BAR2_AT + 16, &value, 8);
	second = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	close_fd(first);
	assert_int_equal(probe.resets, resets);
	assert_int_equal(read_region(second, BAR2_AT + 16, &is, 8), 8);
	assert_int_equal(is, value);
	rig_fails(r, unset(group), -EBUSY);
	close_fd(second);
	assert_int_equal(probe.resets, resets + 1);
	rig_ok(r, unset(group));
}

static void last_close_puts_every_event(struct rig *r)
{
	static const int32_t fd[] = {EVENT_FD, EVENT_FD + 1, EVENT_FD + 2};
	int container, group, device;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	rig_ok(r, set_irqs(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fd));
	rig_ok(r, set_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, fd));
	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, fd));
	assert_int_equal(world.gets, 5);
	assert_int_equal(world.puts, 0);
	close_fd(device);
	assert_int_equal(world.puts, 5);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	rig_fails(r, set_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, NULL),
	          -EINVAL);
	rig_ok(r, set_irqs(device, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, fd));
}

static void a_device_without_descriptor_is_not_open(struct rig *r)
{
	int container, group;

	world_attached(r, &container, &group);
	world.install_says = -EMFILE;
	rig_fails(r, open_device(group, "0000:01:00.0"), -EMFILE);
	world.install_says = 0;
	rig_ok(r, unset(group));
}

static void a_group_claimed_elsewhere_is_busy(struct rig *r)
{
	world_begin(r);
	world.claim_says = -EBUSY;
	rig_fails(r, open_group(1), -EBUSY);
	world.claim_says = 0;
	rig_value(r, open_group(1));
}

static void a_device_that_cannot_start_says_why(struct rig *r)
{
	world_begin(r);
	probe.create_fails = -EACCES;
	rig_fails(r, open_group(1), -EACCES);
	assert_non_null(strstr(world.complaint, "on fire"));
	assert_int_equal(world.claims, 0);
	probe.create_fails = 0;
	rig_value(r, open_group(1));
}

static void files_have_names_and_kinds(struct rig *r)
{
	int container, group, device;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	assert_string_equal(ioas_file_name(world.file[container]), "container");
	assert_string_equal(ioas_file_name(world.file[group]), "group 1");
	assert_string_equal(ioas_file_name(world.file[device]), "0000:01:00.0");
	assert_int_equal(ioas_file_kind(world.file[device]), IOAS_FILE_DEVICE);
	assert_ptr_equal(ioas_file_device(world.file[device]), probe.dev);
	assert_null(ioas_file_device(world.file[group]));
}

static void statistics_count_mappings_and_accesses(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group, device;
	char text[1024], cut[20];

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, map(container, 2 * IOVA, memory, rig_page()));
	assert_int_equal(unmap(container, 0, IOVA, rig_page()), rig_page());
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	bus_master_on(device);
	assert_int_equal(dma_read(device, 2 * IOVA), 0);
	assert_int_equal(dma_read(device, IOVA), -EFAULT);
	ioas_vfio_stats(world.vfio, text, sizeof(text));
	assert_string_equal(text,
	                    "maps 2, unmaps 1, live now 1, peak 2\n"
	                    "device 0000:01:00.0 (probe): loads 0, stores 2, "
	                    "DMA reads 1 (8 bytes), DMA writes 0 (0 bytes), "
	                    "faults 1, interrupts 0\n");
	ioas_vfio_stats(world.vfio, cut, sizeof(cut));
	assert_string_equal(cut, "maps 2, unmaps 1, l");
}

static void what_is_alive_can_be_told(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group, other;

	world_attached(r, &container, &group);
	other = (int)rig_value(r, open_container());
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	ioas_vfio_tell_live(world.vfio);
	assert_int_equal(told(IOAS_EVENT_LIVE_AT_EXIT), 1);
	assert_int_equal(told_nth(IOAS_EVENT_LIVE_AT_EXIT, 0)->range.first,
	                 IOVA);
	close_fd(other);
	assert_int_equal(rig_pinned_bytes(r), rig_page());
}

static void locked_memory_is_counted_over_containers(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int container[2], group[2], i;

	world_begin_limited(r, 2);
	for (i = 0; i < 2; i++) {
		container[i] = (int)rig_value(r, open_container());
		group[i] = (int)rig_value(r, open_group(1 + (unsigned int)i));
		rig_ok(r, attach(group[i], container[i]));
		rig_ok(r, call_value(container[i], VFIO_SET_IOMMU,
		                     VFIO_TYPE1v2_IOMMU));
	}
	rig_ok(r, map(container[0], IOVA, memory, 2 * rig_page()));
	rig_fails(r, map(container[1], IOVA, memory, rig_page()), -ENOMEM);
	rig_ok(r, unset(group[0]));
	rig_ok(r, map(container[1], IOVA, memory, 2 * rig_page()));
}

/* ---- Two threads ---- */

static struct {
	int container;
	char *memory;
	struct ioas_a32 stop;
	unsigned int odd; /* answers that are none */
} race;

static void *map_and_unmap(void *unused)
{
	long ret;

	/* Pairs with the store below; the loop ends soon after it. */
	while (!ioas_a32_load(&race.stop)) {
		ret = map(race.container, IOVA, race.memory, rig_page());
		if (ret && ret != -EINVAL && ret != -EEXIST)
			race.odd++;
		ret = unmap(race.container, 0, IOVA, rig_page());
		if (ret < 0 && ret != -EINVAL)
			race.odd++;
	}
	return NULL;
}

/* A call that is inside the back end finishes on it. */
static void a_back_end_may_go_under_a_call(struct rig *r)
{
	int group, i;
	pthread_t thread;

	race.memory = rig_memory(r, rig_page());
	race.odd = 0;
	world_attached(r, &race.container, &group);
	ioas_a32_store(&race.stop, 0);
	assert_int_equal(pthread_create(&thread, NULL, map_and_unmap, NULL), 0);
	for (i = 0; i < 300; i++) {
		unset(group);
		attach(group, race.container);
		call_value(race.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	}
	/* Pairs with the load above. */
	ioas_a32_store(&race.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(race.odd, 0);
	rig_ok(r, unset(group));
	assert_int_equal(rig_pinned_bytes(r), 0);
}

static void a_contract_is_found_by_its_whole_name(struct rig *r)
{
	enum ioas_contract found = IOAS_CONTRACT_NR;
	unsigned int i;

	assert_false(ioas_contract_find("linux-7", &found));
	assert_false(ioas_contract_find("", &found));
	assert_int_equal(found, IOAS_CONTRACT_NR);
	for (i = 0; i < IOAS_CONTRACT_NR; i++) {
		assert_true(ioas_contract_find(ioas_contract_name[i], &found));
		assert_int_equal(found, i);
	}
}

RIG_MAIN("uapi_vfio", RIG_TEST(a_device_keeps_its_group_and_mappings),
         RIG_TEST(the_last_group_takes_the_mappings_along),
         RIG_TEST(a_container_outlives_its_file),
         RIG_TEST(one_of_two_groups_may_leave),
         RIG_TEST(a_group_that_left_does_no_dma),
         RIG_TEST(a_device_starts_anew_at_first_open_only),
         RIG_TEST(last_close_puts_every_event),
         RIG_TEST(a_device_without_descriptor_is_not_open),
         RIG_TEST(a_group_claimed_elsewhere_is_busy),
         RIG_TEST(a_device_that_cannot_start_says_why),
         RIG_TEST(files_have_names_and_kinds),
         RIG_TEST(statistics_count_mappings_and_accesses),
         RIG_TEST(what_is_alive_can_be_told),
         RIG_TEST(a_contract_is_found_by_its_whole_name),
         RIG_TEST(locked_memory_is_counted_over_containers),
         /* How often it allocates depends on who is first. */
         RIG_ONCE(a_back_end_may_go_under_a_call))
