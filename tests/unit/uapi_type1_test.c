/* SPDX-License-Identifier: MIT */
/* Mappings: what a device can do with them, and invalid addresses. */
#include "uapi_world.h"

#define IOVA UINT64_C(0x100000)

/* A container of version 2 with a device that may do DMA. */
static int begin(struct rig *r, int *ret_container, int *ret_group)
{
	int device;

	world_attached(r, ret_container, ret_group);
	device = (int)rig_value(r, open_device(*ret_group, "0000:01:00.0"));
	bus_master_on(device);
	return device;
}

static void a_mapping_is_what_the_device_sees(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int container, group, device = begin(r, &container, &group);

	rig_ok(r, map(container, IOVA, memory, rig_page()));
	memory[1] = 77;
	assert_int_equal(dma_read(device, IOVA + 8), 0);
	assert_int_equal(probe.dma_value, 77);
	assert_int_equal(dma_write(device, IOVA + 16, 78), 0);
	assert_int_equal(memory[2], 78);
}

static void nothing_is_reached_after_unmap(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int container, group, device = begin(r, &container, &group);

	rig_ok(r, map(container, IOVA, memory, rig_page()));
	assert_int_equal(dma_read(device, IOVA), 0);
	assert_int_equal(unmap(container, 0, IOVA, rig_page()), rig_page());
	assert_int_equal(rig_pinned_bytes(r), 0);
	assert_int_equal(dma_read(device, IOVA), -EFAULT);
	assert_int_equal(told_nth(IOAS_EVENT_DMA_FAULT, 0)->fault,
	                 IOAS_FAULT_UNMAPPED);
}

static void unmap_waits_once_however_much_it_is(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group;
	uint64_t i, before;

	world_attached(r, &container, &group);
	rig_reader(r);
	for (i = 0; i < 20; i++)
		rig_ok(r, map(container, IOVA + 2 * i * rig_page(), memory,
		              rig_page()));
	before = rig_barriers(r);
	assert_int_equal(unmap(container, 0, 0, UINT64_C(1) << 40),
	                 20 * rig_page());
	assert_true(rig_barriers(r) - before <= 2);
	before = rig_barriers(r);
	assert_int_equal(unmap(container, 0, 0, UINT64_C(1) << 40), 0);
	assert_int_equal(rig_barriers(r), before);
}

static void a_failed_map_pins_nothing(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	int container, group;

	world_attached(r, &container, &group);
	rig_hole(r, memory + 2 * rig_page(), rig_page());
	rig_fails(r, map(container, IOVA, memory, 4 * rig_page()), -EFAULT);
	assert_int_equal(rig_pinned_bytes(r), 0);
	assert_int_equal(unmap(container, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0), 0);
	rig_ok(r, map(container, IOVA, memory, 2 * rig_page()));
}

static void an_invalid_vaddr_does_not_stop_the_device(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int container, group, device = begin(r, &container, &group);

	rig_ok(r, map(container, IOVA, memory, rig_page()));
	assert_int_equal(
		unmap(container, VFIO_DMA_UNMAP_FLAG_VADDR, IOVA, rig_page()),
		rig_page());
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	*memory = 5;
	assert_int_equal(dma_read(device, IOVA), 0);
	assert_int_equal(probe.dma_value, 5);
	rig_ok(r, map_vaddr(container, IOVA, memory, rig_page()));
	rig_fails(r, map_vaddr(container, IOVA, memory, rig_page()), -EINVAL);
	assert_int_equal(unmap(container, 0, IOVA, rig_page()), rig_page());
}

/* Each way in which the last invalid address ends lets a group in again. */
static void nobody_joins_until_every_vaddr_is_valid(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group, second;

	world_attached(r, &container, &group);
	second = (int)rig_value(r, open_group(2));
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, map(container, 2 * IOVA, memory, rig_page()));
	assert_int_equal(
		unmap(container,
	              VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0,
	              0),
		2 * rig_page());
	rig_fails(r, attach(second, container), -EBUSY);
	assert_int_equal(unmap(container, 0, IOVA, rig_page()), rig_page());
	rig_fails(r, attach(second, container), -EBUSY);
	rig_ok(r, map_vaddr(container, 2 * IOVA, memory, rig_page()));
	rig_ok(r, attach(second, container));
}

static void a_refused_invalidation_takes_its_marks_back(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group, second;

	world_attached(r, &container, &group);
	second = (int)rig_value(r, open_group(2));
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, map(container, 2 * IOVA, memory, rig_page()));
	rig_ok(r, map(container, 3 * IOVA, memory, rig_page()));
	assert_int_equal(unmap(container, VFIO_DMA_UNMAP_FLAG_VADDR, 2 * IOVA,
	                       rig_page()),
	                 rig_page());
	rig_fails(r,
	          unmap(container,
	                VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0,
	                0),
	          -EINVAL);
	rig_fails(r, map_vaddr(container, IOVA, memory, rig_page()), -EINVAL);
	rig_fails(r, map_vaddr(container, 3 * IOVA, memory, rig_page()),
	          -EINVAL);
	rig_ok(r, map_vaddr(container, 2 * IOVA, memory, rig_page()));
	rig_ok(r, attach(second, container));
}

static void a_mapping_made_before_serves_a_group_that_joins(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group, second, device;

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	second = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(second, container));
	device = (int)rig_value(r, open_device(second, "0000:02:00.0"));
	bus_master_on(device);
	assert_int_equal(dma_read(device, IOVA), 0);
}

static void an_unmap_whose_answer_fails_is_done(struct rig *r)
{
	struct ioas_vfio_unmap *arg = rig_memory(r, rig_page());
	char *memory = rig_memory(r, rig_page());
	int container, group;

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	*arg = (struct ioas_vfio_unmap){24, 0, IOVA, rig_page()};
	rig_read_only(r, arg, rig_page());
	rig_fails(r, call(container, VFIO_IOMMU_UNMAP_DMA, arg), -EFAULT);
	assert_int_equal(rig_pinned_bytes(r), 0);
}

static void maps_and_unmaps_are_told_in_order(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	int container, group;
	unsigned int i = 0;

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	assert_int_equal(unmap(container, 0, IOVA, rig_page()), rig_page());
	while (i < world.told_count && world.told[i].kind != IOAS_EVENT_MAP)
		i++;
	assert_true(i + 1 < world.told_count);
	assert_int_equal(world.told[i].range.first, IOVA);
	assert_int_equal(world.told[i].uaddr.raw, (uintptr_t)memory);
	assert_int_equal(world.told[i + 1].kind, IOAS_EVENT_UNMAP);
	assert_int_equal(world.told[i + 1].range.first, IOVA);
}

RIG_MAIN("uapi_type1", RIG_TEST(a_mapping_is_what_the_device_sees),
         RIG_TEST(nothing_is_reached_after_unmap),
         RIG_TEST(unmap_waits_once_however_much_it_is),
         RIG_TEST(a_failed_map_pins_nothing),
         RIG_TEST(an_invalid_vaddr_does_not_stop_the_device),
         RIG_TEST(nobody_joins_until_every_vaddr_is_valid),
         RIG_TEST(a_refused_invalidation_takes_its_marks_back),
         RIG_TEST(a_mapping_made_before_serves_a_group_that_joins),
         RIG_TEST(an_unmap_whose_answer_fails_is_done),
         RIG_TEST(maps_and_unmaps_are_told_in_order))
