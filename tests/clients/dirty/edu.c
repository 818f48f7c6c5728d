/* SPDX-License-Identifier: MIT */
/* Transfers of an edu device, both ways, told by both. */
#include "dirty.h"

#define DMA    0x100000ull
#define BUFFER 0x40000u
#define BYTES  (DIRTY_PAGES * DIRTY_PAGE)

enum { SOURCE = 0x80, DESTINATION = 0x88, COUNT = 0x90, COMMAND = 0x98 };

static volatile uint8_t *bar;

static void transfer(bool to_memory)
{
	uint32_t bytes = 1 + dirty_random(4095);
	uint64_t iova = DMA + dirty_random(BYTES - bytes);

	put(bar, SOURCE, to_memory ? BUFFER : iova);
	put(bar, DESTINATION, to_memory ? iova : BUFFER);
	put(bar, COUNT, bytes);
	put(bar, COMMAND, to_memory ? 3 : 1);
	while (get(bar, COMMAND) & 1)
		;
	if (to_memory)
		dirty_expect(iova, bytes);
}

int main(int argc, char **argv)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = DMA,
		.size = BYTES,
	};
	uint16_t command = 6;
	unsigned int round, i;
	struct vfio vfio;
	uint8_t *memory;

	vfio_open(&vfio);
	CHECK(pwrite(vfio.device, &command, 2, CONFIG + 4) == 2);
	bar = map_bar(&vfio, PROT_READ | PROT_WRITE, 4096);
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	for (i = 0; i < BYTES; i++)
		memory[i] = (uint8_t)(i * 31 + i / 4096);
	map.vaddr = (uintptr_t)memory;
	CHECK(!ioctl(vfio.container, VFIO_IOMMU_MAP_DMA, &map));
	dirty_start(&vfio, DMA, memory);
	for (round = 0; round < 200; round++) {
		for (i = dirty_random(12); i; i--)
			transfer(dirty_random(2));
		dirty_look();
	}
	dirty_end();
	return 0;
}
