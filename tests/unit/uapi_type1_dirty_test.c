/* SPDX-License-Identifier: MIT */
/* Dirty bitmaps: long ones, and what fails half way. */
#include <string.h>

#include "uapi_world.h"

#define IOVA  UINT64_C(0x10000000)
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

/* ---- Where what was written is told ---- */

/* A device that may write, in a container that tells what it wrote. */
static int begin_written(struct rig *r, int *ret_container)
{
	int group, device;

	more_written = true;
	world_attached(r, ret_container, &group);
	more_written = false;
	device = (int)rig_value(r, open_device(group, "0000:01:00.0"));
	bus_master_on(device);
	return device;
}

static uint64_t page_at(uint64_t page)
{
	return IOVA + page * rig_page();
}

/* Are exactly these pages set, in bits that begin @lead pages before them? */
static void assert_pages(const uint64_t *words, unsigned int lead,
                         const unsigned int *page, unsigned int count)
{
	unsigned int bit, i;

	for (bit = 0; bit < 90 * 64; bit++) {
		bool set = words[bit / 64] >> bit % 64 & 1, want = false;

		for (i = 0; i < count; i++)
			want |= bit == page[i] + lead;
		assert_int_equal(set, want);
	}
}

static void written_pages_are_told_once(struct rig *r)
{
	/* At the ends of words, and of the pieces in which they are told. */
	static const unsigned int page[] = {0,    1,    62,       63,   64,
	                                    4030, 4031, 4032,     4095, 4096,
	                                    4097, 4998, PAGES - 1};
	char *memory = rig_memory(r, PAGES * rig_page());
	unsigned int count = IOAS_ARRAY_SIZE(page), lead, i;
	uint64_t words[90];
	int container, device = begin_written(r, &container);

	rig_ok(r, map(container, IOVA, memory, PAGES * rig_page()));
	rig_ok(r, dma_write(device, page_at(7), 1));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	for (lead = 0; lead < 131; lead += 65) {
		uint64_t from = IOVA - lead * rig_page();
		uint64_t bytes = (PAGES + lead) * rig_page();

		for (i = 0; i < count; i++)
			rig_ok(r, dma_write(device, page_at(page[i]) + 8, i));
		memset(words, 0, sizeof(words));
		rig_ok(r, get(container, from, bytes, words));
		assert_pages(words, lead, page, count);
		rig_ok(r, get(container, from, bytes, words));
		assert_pages(words, lead, page, 0);
	}
}

static void an_access_across_pages_marks_each(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	int container, device = begin_written(r, &container);
	uint64_t word = 0;

	rig_ok(r, map(container, IOVA, memory, 2 * rig_page()));
	rig_ok(r, map(container, page_at(2), memory, 2 * rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, dma_write(device, page_at(1) - 4, 1));
	rig_ok(r, dma_write(device, page_at(2) - 4, 1));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 7);
	/* Of the same memory it is not what was written through. */
	rig_ok(r, dma_write(device, page_at(3), 1));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 8);
}

static void what_was_not_written_is_clean(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	struct vfio_iommu_type1_dma_map read_only = {32, VFIO_DMA_MAP_FLAG_READ,
	                                             (uintptr_t)memory,
	                                             page_at(2), rig_page()};
	int container, device = begin_written(r, &container);
	uint64_t word = 0;

	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, map(container, IOVA, memory, 2 * rig_page()));
	rig_ok(r, call(container, VFIO_IOMMU_MAP_DMA, &read_only));
	rig_ok(r, dma_read(device, IOVA));
	assert_true(dma_write(device, page_at(2), 1) != 0);
	assert_true(dma_write(device, page_at(3), 1) != 0);
	/* Where messages go there is no page. */
	assert_true(dma_write(device, 0xfee00000, 1) != 0);
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 0);
	/* Before tracking and after it nothing is kept. */
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP));
	rig_ok(r, dma_write(device, IOVA, 1));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 0);
	rig_ok(r, dma_write(device, IOVA, 1));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 0);
}

static void unmap_tells_what_was_written_last(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	int container, device = begin_written(r, &container);
	uint64_t word = 0;

	rig_ok(r, map(container, IOVA, memory, 4 * rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, dma_write(device, page_at(1), 1));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	rig_ok(r, dma_write(device, page_at(3), 1));
	assert_int_equal(unmap_dirty(container, IOVA, 4 * rig_page(), &word),
	                 4 * rig_page());
	assert_int_equal(word, 8);
	assert_true(dma_write(device, page_at(3), 1) != 0);
	/* A mapping at the same place begins clean. */
	rig_ok(r, map(container, IOVA, memory, 4 * rig_page()));
	rig_ok(r, get(container, IOVA, 4 * rig_page(), &word));
	assert_int_equal(word, 0);
}

static int (*copy_as_ever)(void *to, const void *from, size_t bytes);
static unsigned int copies_left;

static int copy_fails_once(void *to, const void *from, size_t bytes)
{
	if (copies_left && !--copies_left)
		return -EFAULT;
	return copy_as_ever(to, from, bytes);
}

static void copies_again(void *unused)
{
	ioas_hooks.copy = copy_as_ever;
}

/* The n-th copy of the call fails: of its arguments, then of its bitmap. */
static void copies_fail_at(struct rig *r, unsigned int n)
{
	if (!copy_as_ever) {
		copy_as_ever = ioas_hooks.copy;
		rig_defer(r, copies_again, NULL);
		ioas_hooks.copy = copy_fails_once;
	}
	copies_left = n;
}

static void marks_that_were_not_told_are_kept(struct rig *r)
{
	char *memory = rig_memory(r, 3 * rig_page());
	int container, device = begin_written(r, &container);
	uint64_t word = 0;

	copy_as_ever = NULL;
	rig_ok(r, map(container, IOVA, memory, 2 * rig_page()));
	rig_ok(r, map(container, page_at(2), memory, rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, dma_write(device, page_at(1), 1));
	/* Looked at: the head, the range, two times one word. */
	copies_fail_at(r, 3);
	rig_fails(r, get(container, IOVA, 3 * rig_page(), &word), -EFAULT);
	rig_ok(r, get(container, IOVA, 3 * rig_page(), &word));
	assert_int_equal(word, 2);
	/* Taken: then all may have been written. */
	rig_ok(r, dma_write(device, page_at(1), 1));
	copies_fail_at(r, 6);
	rig_fails(r, get(container, IOVA, 3 * rig_page(), &word), -EFAULT);
	rig_ok(r, get(container, IOVA, 3 * rig_page(), &word));
	assert_int_equal(word, 7);
}

static void a_bitmap_that_goes_meanwhile_ends_the_unmap(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	int container, device = begin_written(r, &container);
	uint64_t word = 0;

	copy_as_ever = NULL;
	rig_ok(r, map(container, IOVA, memory, rig_page()));
	rig_ok(r, map(container, page_at(1), memory, rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	/* One is before the call: unmap_ways.h. */
	copies_fail_at(r, 1 + 4);
	assert_int_equal(unmap_dirty(container, IOVA, 2 * rig_page(), &word),
	                 -EFAULT);
	assert_int_equal(rig_pinned_bytes(r), 2 * rig_page());
	rig_ok(r, dma_write(device, IOVA, 1));
	copies_fail_at(r, 1 + 6);
	assert_int_equal(unmap_dirty(container, IOVA, 2 * rig_page(), &word),
	                 -EFAULT);
	/* Which no device could use any more has gone; the other one not. */
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	rig_ok(r, dma_write(device, page_at(1), 1));
	assert_true(dma_write(device, IOVA, 1) != 0);
}

static void each_contract_tells_what_was_written(struct rig *r)
{
	uint64_t words[2] = {0, UINT64_MAX};
	char *memory = rig_memory(r, 70 * rig_page());
	enum ioas_contract contract = more_contract;
	int container, device;

	more_contract = IOAS_CONTRACT_LINUX_7_3;
	device = begin_written(r, &container);
	more_contract = contract;
	rig_ok(r, map(container, IOVA, memory, 70 * rig_page()));
	rig_ok(r, track(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	rig_ok(r, dma_write(device, page_at(69), 1));
	rig_ok(r, get(container, page_at(0) - 3 * rig_page(), 73 * rig_page(),
	              words));
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], UINT64_C(1) << (72 - 64));
}

RIG_MAIN("uapi_type1_dirty", RIG_TEST(every_mapped_page_is_dirty_each_time),
         RIG_TEST(a_mapping_made_while_tracking_is_dirty),
         RIG_TEST(unmap_gives_the_bits_and_removes),
         RIG_TEST(a_bitmap_that_cannot_be_written_keeps_every_mapping),
         RIG_TEST(written_pages_are_told_once),
         RIG_TEST(an_access_across_pages_marks_each),
         RIG_TEST(what_was_not_written_is_clean),
         RIG_TEST(unmap_tells_what_was_written_last),
         RIG_TEST(marks_that_were_not_told_are_kept),
         RIG_TEST(a_bitmap_that_goes_meanwhile_ends_the_unmap),
         RIG_TEST(each_contract_tells_what_was_written))
