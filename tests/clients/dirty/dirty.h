/* SPDX-License-Identifier: MIT */
/*
 * What a program is told of the pages that devices wrote to, beside what it
 * knows of them: by DIRTY_PAGES of the container, by the DMA logging of the
 * device, and by the memory itself, of which a copy is kept.
 *
 * Every page that a device may write to is in one mapping of DIRTY_PAGES pages;
 * only all of a mapping can be asked for.
 */
#ifndef DIRTY_H
#define DIRTY_H

#include <stdbool.h>

#include "../preload/client.h"

#define DIRTY_PAGE 4096u
#ifndef DIRTY_PAGES
#define DIRTY_PAGES 512u
#endif
#define DIRTY_WORDS (DIRTY_PAGES / 64)

static struct {
	const struct vfio *vfio;
	uint64_t iova;
	uint8_t *memory, *copy;
	uint8_t expected[DIRTY_PAGES]; /* since the last look */
	bool own[DIRTY_PAGES];         /* the program writes there as well */
	uint64_t told, random;
} dirty = {.random = 1};

static inline unsigned int dirty_random(unsigned int below)
{
	dirty.random =
		dirty.random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(dirty.random >> 33) % below;
}

/* The device is about to write there. */
static inline void dirty_expect(uint64_t iova, uint64_t bytes)
{
	uint64_t page = (iova - dirty.iova) / DIRTY_PAGE;

	for (; page <= (iova + bytes - 1 - dirty.iova) / DIRTY_PAGE; page++)
		dirty.expected[page] = 1;
}

static inline void dirty_container(uint32_t flag)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {.argsz = sizeof(arg),
	                                            .flags = flag};

	CHECK(!ioctl(dirty.vfio->container, VFIO_IOMMU_DIRTY_PAGES, &arg));
}

static inline int dirty_feature(uint32_t flags, void *data, size_t bytes)
{
	union {
		struct vfio_device_feature head;
		uint64_t room[16];
	} arg = {.head = {.argsz = sizeof(arg.head) + bytes, .flags = flags}};

	memcpy(arg.head.data, data, bytes);
	return ioctl(dirty.vfio->device, VFIO_DEVICE_FEATURE, &arg);
}

static inline void dirty_start(const struct vfio *vfio, uint64_t iova,
                               uint8_t *memory)
{
	struct vfio_device_feature_dma_logging_range range = {
		.iova = iova, .length = DIRTY_PAGES * DIRTY_PAGE};
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = DIRTY_PAGE,
		.num_ranges = 1,
		.ranges = (uintptr_t)&range};

	dirty.vfio = vfio;
	dirty.iova = iova;
	dirty.memory = memory;
	dirty.copy = malloc(DIRTY_PAGES * DIRTY_PAGE);
	memcpy(dirty.copy, memory, DIRTY_PAGES * DIRTY_PAGE);
	dirty_container(VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
	CHECK(!dirty_feature(VFIO_DEVICE_FEATURE_SET |
	                             VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
	                     &control, sizeof(control)));
}

static inline void dirty_by_container(uint64_t *words)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {.head = {.argsz = sizeof(arg),
	                  .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP},
	         .get = {.iova = dirty.iova,
	                 .size = DIRTY_PAGES * DIRTY_PAGE,
	                 .bitmap = {.pgsize = DIRTY_PAGE,
	                            .size = DIRTY_WORDS * 8,
	                            .data = (void *)words}}};

	CHECK(!ioctl(dirty.vfio->container, VFIO_IOMMU_DIRTY_PAGES, &arg));
}

static inline void dirty_by_device(uint64_t *words)
{
	struct vfio_device_feature_dma_logging_report report = {
		.iova = dirty.iova,
		.length = DIRTY_PAGES * DIRTY_PAGE,
		.page_size = DIRTY_PAGE,
		.bitmap = (uintptr_t)words};

	CHECK(!dirty_feature(VFIO_DEVICE_FEATURE_GET |
	                             VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
	                     &report, sizeof(report)));
}

static inline bool dirty_bit(const uint64_t *words, unsigned int page)
{
	return words[page / 64] >> page % 64 & 1;
}

static inline void dirty_compare(const char *who, const uint64_t *words)
{
	unsigned int i;

	for (i = 0; i < DIRTY_PAGES; i++) {
		if (dirty_bit(words, i) == dirty.expected[i])
			continue;
		fprintf(stderr, "%s: page %u: told %d, written %d\n", who, i,
		        dirty_bit(words, i), dirty.expected[i]);
		exit(1);
	}
}

/*
 * Both tell exactly the pages that are expected, and after those are copied
 * the copy is the memory: but for pages that the program writes to.
 */
static inline void dirty_look(void)
{
	uint64_t words[DIRTY_WORDS] = {0}, logged[DIRTY_WORDS] = {0};
	unsigned int i;

	dirty_by_container(words);
	dirty_by_device(logged);
	dirty_compare("the container", words);
	dirty_compare("the device", logged);
	for (i = 0; i < DIRTY_PAGES; i++) {
		uint8_t *page = dirty.memory + i * DIRTY_PAGE;
		uint8_t *kept = dirty.copy + i * DIRTY_PAGE;

		if (dirty_bit(words, i)) {
			memcpy(kept, page, DIRTY_PAGE);
			dirty.told++;
		}
		CHECK(dirty.own[i] || !memcmp(kept, page, DIRTY_PAGE));
	}
	memset(dirty.expected, 0, sizeof(dirty.expected));
}

static inline void dirty_end(void)
{
	dirty_look();
	dirty_container(VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
	CHECK(!dirty_feature(VFIO_DEVICE_FEATURE_SET |
	                             VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
	                     "", 0));
	CHECK(dirty.told);
	printf("told %llu\n", (unsigned long long)dirty.told);
}

#endif /* DIRTY_H */
