/* SPDX-License-Identifier: MIT */
/* Dirty bitmaps: long ones, and what fails half way. */
#include <string.h>

#include "uapi_world.h"

#define IOVA  UINT64_C(0x100000)
#define PAGES 5000 /* their bits are written in more than one piece */

struct get {
	struct ioas_vfio_head head;
	struct ioas_vfio_dirty_range range;
};

static long track(int container, uint32_t flag)
{
	struct ioas_vfio_head arg = {8, flag};

	return call(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static long get(int container, uint64_t iova, uint64_t size, void *bitmap)
{
	struct get arg = {
		.head = {48, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP},
		.range = {iova, size, {rig_page(), 8192, (uintptr_t)bitmap}},
	};

	return call(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static long unmap_dirty(int container, uint64_t iova, uint64_t size,
                        void *bitmap)
{
	struct {
		struct ioas_vfio_unmap head;
		struct ioas_vfio_bitmap bitmap;
	} arg = {
		.head = {48, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, iova, size},
		.bitmap = {rig_page(), 8192, (uintptr_t)bitmap},
	};
	long ret = call(container, VFIO_IOMMU_UNMAP_DMA, &arg);

	return ret ? ret : (long)arg.head.size;
}

/* Are exactly the bits [first, end) set, of those that are there? */
static void assert_bits(const uint64_t *words, unsigned int count,
                        unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = 0; i < count * 64; i++)
		assert_int_equal(words[i / 64] >> i % 64 & 1,
		                 i >= first && i < end);
}

static void every_mapped_page_is_dirty_each_time(struct rig *r)
{
	char *memory = rig_memory(r, PAGES * rig_page());
	uint64_t words[90];
	int container, group;
	unsigned int i;

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, PAGES * rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	for (i = 0; i < 3; i++) {
		memset(words, 0, sizeof(words));
		rig_ok(r, get(container, IOVA - i * rig_page(),
		              (PAGES + i) * rig_page(), words));
		assert_bits(words, 90, i, PAGES + i);
	}
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP));
	rig_fails(r, get(container, IOVA, PAGES * rig_page(), words), -EINVAL);
}

static void a_mapping_made_while_tracking_is_dirty(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	uint64_t word = 0;
	int container, group;

	world_attached(r, &container, &group);
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, get(container, IOVA, 2 * rig_page(), &word));
	assert_int_equal(word, 0);
	rig_ok(r, map(container, IOVA, memory, 2 * rig_page()));
	rig_ok(r, get(container, IOVA, 2 * rig_page(), &word));
	assert_int_equal(word, 3);
}

static void unmap_gives_the_bits_and_removes(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	uint64_t word = 0;
	int container, group;

	world_attached(r, &container, &group);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	assert_int_equal(unmap_dirty(container, IOVA - rig_page(),
	                             4 * rig_page(), &word),
	                 rig_page());
	assert_int_equal(word, 2);
	assert_int_equal(rig_pinned_bytes(r), 0);
}

/* The bits of the second would be in the word behind the end of memory. */
static void a_bitmap_that_cannot_be_written_keeps_every_mapping(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	uint64_t *words = rig_memory(r, 2 * rig_page());
	int container, group, device;

	world_attached(r, &container, &group);
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	bus_master_on(device);
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, map(container, IOVA + 64 * rig_page(), memory, rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_hole(r, (char *)words + rig_page(), rig_page());
	words += rig_page() / sizeof(*words) - 1;
	rig_fails(r, unmap_dirty(container, IOVA, 65 * rig_page(), words),
	          -EFAULT);
	assert_int_equal(*words, 1);
	assert_int_equal(rig_pinned_bytes(r), 2 * rig_page());
	assert_int_equal(dma_read(device, IOVA), 0);
	assert_int_equal(dma_read(device, IOVA + 64 * rig_page()), 0);
}

RIG_MAIN("uapi_type1_dirty", RIG_TEST(every_mapped_page_is_dirty_each_time),
         RIG_TEST(a_mapping_made_while_tracking_is_dirty),
         RIG_TEST(unmap_gives_the_bits_and_removes),
         RIG_TEST(a_bitmap_that_cannot_be_written_keeps_every_mapping))
