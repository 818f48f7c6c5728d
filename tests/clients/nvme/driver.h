/* SPDX-License-Identifier: MIT */
/*
 * A driver of an NVMe controller at 0000:01:00.0, group 1, for small programs:
 * one admin queue and one I/O queue, polled. All its memory is one mapping of
 * 2 MiB at DMA: queues first, a page for each, data from DATA on.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "../preload/client.h"

#define PAGE  4096u
#define DMA   0x100000ull
#define BYTES (2u << 20)
#define DATA  (16 * PAGE)

#define ENTRIES 32u

enum { REG_CC = 0x14, REG_CSTS = 0x1c, REG_AQA = 0x24, DOORBELLS = 0x1000 };

struct sqe {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t unused, metadata, prp1, prp2;
	uint32_t dw10, dw11, dw12, dw13, dw14, dw15;
};

struct driver {
	struct vfio vfio;
	volatile uint8_t *bar;
	uint8_t *memory;
	struct {
		uint32_t tail, head, phase;
	} queue[2];
};

static inline void set32(struct driver *d, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(d->bar + at) = value;
}

static inline uint32_t get32(struct driver *d, unsigned int at)
{
	return *(volatile uint32_t *)(d->bar + at);
}

/* Put into the queue; ring() starts what was put. */
static inline void submit(struct driver *d, unsigned int q,
                          const struct sqe *sqe)
{
	struct sqe *queue = (struct sqe *)(d->memory + 2 * q * PAGE);

	queue[d->queue[q].tail] = *sqe;
	d->queue[q].tail = (d->queue[q].tail + 1) % ENTRIES;
}

static inline void ring(struct driver *d, unsigned int q)
{
	set32(d, DOORBELLS + 8 * q, d->queue[q].tail);
}

/* The status of the next completion, without its phase. */
static inline unsigned int wait_one(struct driver *d, unsigned int q)
{
	volatile uint16_t *cqe =
		(volatile uint16_t *)(d->memory + (2 * q + 1) * PAGE +
	                              16 * d->queue[q].head);

	while ((cqe[7] & 1) == d->queue[q].phase)
		;
	d->queue[q].head = (d->queue[q].head + 1) % ENTRIES;
	if (!d->queue[q].head)
		d->queue[q].phase ^= 1;
	set32(d, DOORBELLS + 8 * q + 4, d->queue[q].head);
	return cqe[7] >> 1;
}

static inline unsigned int run_one(struct driver *d, unsigned int q,
                                   const struct sqe *sqe)
{
	submit(d, q, sqe);
	ring(d, q);
	return wait_one(d, q);
}

static inline void map_memory(struct driver *d)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = DMA,
		.size = BYTES,
	};

	d->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(d->memory != MAP_FAILED);
	map.vaddr = (uintptr_t)d->memory;
	CHECK(!ioctl(d->vfio.container, VFIO_IOMMU_MAP_DMA, &map));
}

static inline void enable(struct driver *d)
{
	set32(d, REG_CC, 0);
	while (get32(d, REG_CSTS) & 1)
		;
	set32(d, REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	put(d->bar, ASQ, DMA);
	put(d->bar, ACQ, DMA + PAGE);
	set32(d, REG_CC, 0x00460001);
	while (!(get32(d, REG_CSTS) & 3))
		;
	CHECK(get32(d, REG_CSTS) == 1);
}

static inline void driver_open(struct driver *d)
{
	const struct sqe cq = {.opcode = 5,
	                       .prp1 = DMA + 3 * PAGE,
	                       .dw10 = (ENTRIES - 1) << 16 | 1,
	                       .dw11 = 1};
	const struct sqe sq = {.opcode = 1,
	                       .prp1 = DMA + 2 * PAGE,
	                       .dw10 = (ENTRIES - 1) << 16 | 1,
	                       .dw11 = 1 << 16 | 1};
	uint16_t command = 6;

	vfio_open(&d->vfio);
	CHECK(pwrite(d->vfio.device, &command, 2, CONFIG + 4) == 2);
	d->bar = map_bar(&d->vfio, PROT_READ | PROT_WRITE, BAR_BYTES);
	map_memory(d);
	enable(d);
	CHECK(!run_one(d, 0, &cq));
	CHECK(!run_one(d, 0, &sq));
}

#endif /* DRIVER_H */
