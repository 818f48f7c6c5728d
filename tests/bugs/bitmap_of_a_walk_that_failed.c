/* SPDX-License-Identifier: MIT */
/*
 * Linux 7.3, iommufd_read_and_clear_dirty(): what the walk over the mappings
 * comes to is dropped, so a bitmap that lacks pages is a success; and marks
 * that were taken on the way are nobody's.
 *
 * Here, for DIRTY_PAGES of type1, which is the interface that ioas has: the
 * first error ends the walk and is the answer, and what was marked until then
 * is told by the next call.
 */
#include "uapi_world.h"

#define IOVA UINT64_C(0x10000000)
#define FAR  64 /* pages: a bit in the next word */

static uint64_t page_at(uint64_t page)
{
	return IOVA + page * rig_page();
}

static long track(int container)
{
	struct ioas_vfio_head arg = {8, VFIO_IOMMU_DIRTY_PAGES_FLAG_START};

	return call(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static long get(int container, uint64_t *bitmap)
{
	struct {
		struct ioas_vfio_head head;
		struct ioas_vfio_dirty_range range;
	} arg = {
		.head = {48, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP},
		.range = {IOVA,
	                  (FAR + 1) * rig_page(),
	                  {rig_page(), 16, (uintptr_t)bitmap}},
	};

	return call(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

/* Two mappings, far apart, and nothing between them; both were written to. */
static int stand(struct rig *r, int *ret_device)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int container, group;

	more_written = true;
	world_attached(r, &container, &group);
	more_written = false;
	*ret_device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	bus_master_on(*ret_device);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r,
	       map(container, page_at(FAR), memory + rig_page(), rig_page()));
	rig_ok(r, track(container));
	rig_ok(r, dma_write(*ret_device, IOVA, 1));
	rig_ok(r, dma_write(*ret_device, page_at(FAR), 1));
	return container;
}

/* A bitmap of two words, of which the second is not there. */
static uint64_t *half_a_bitmap(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());

	rig_hole(r, memory + rig_page(), rig_page());
	return (uint64_t *)(void *)(memory + rig_page()) - 1;
}

static void the_first_error_is_the_answer(struct rig *r)
{
	int device, container = stand(r, &device);
	uint64_t words[2] = {0, 0};

	rig_fails(r, get(container, half_a_bitmap(r)), -EFAULT);
	rig_ok(r, get(container, words));
	assert_true(words[0] == 1 && words[1] == 1);
	words[0] = words[1] = 0;
	rig_ok(r, get(container, words));
	assert_true(words[0] == 0 && words[1] == 0);
	rig_ok(r, dma_write(device, page_at(FAR), 1));
	rig_fails(r, get(container, half_a_bitmap(r)), -EFAULT);
	rig_ok(r, get(container, words));
	assert_true(words[0] == 0 && words[1] == 1);
}

RIG_MAIN("bug bitmap_of_a_walk_that_failed",
         RIG_TEST(the_first_error_is_the_answer))
