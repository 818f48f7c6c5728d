/* SPDX-License-Identifier: MIT */
/*
 * A driver of I/OAT engines at 0000:01:00.0 and, where there is a second,
 * 0000:02:00.0. All its memory is one mapping at DMA: a ring of descriptors,
 * the completion at STATUS, data from DATA on. What a case needs besides it
 * maps for itself.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <pthread.h>
#include <time.h>

#include "../preload/client.h"

#define MIB     (1u << 20)
#define DMA     0x100000000ull
#define BYTES   (8u * MIB)
#define STATUS  0x8000u
#define DATA    0x10000u
#define RING    256u
#define NOWHERE 0x700000000ull

enum {
	INTRCTRL = 0x03,
	CHANCTRL = 0x80,
	CHANCMD = 0x84,
	DMACOUNT = 0x86,
	CHANSTS = 0x88,
	CHAINADDR = 0x90,
	CHANCMP = 0x98,
	CHANERR = 0xa8,
};

enum { ACTIVE, DONE, SUSPENDED, HALTED, ARMED };

#define RESET   0x20
#define RESUME  0x10
#define ABORT   0x08
#define SUSPEND 0x04

#define INTERRUPT  0x01
#define COMPLETION 0x08
#define FILL       0x01000000

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

struct driver {
	struct vfio vfio;
	volatile uint8_t *bar;
	uint8_t *memory;
};

static inline void put8(struct driver *d, unsigned int at, uint8_t value)
{
	d->bar[at] = value;
}

static inline void put16(struct driver *d, unsigned int at, uint16_t value)
{
	*(volatile uint16_t *)(d->bar + at) = value;
}

static inline uint32_t get32(struct driver *d, unsigned int at)
{
	return *(volatile uint32_t *)(d->bar + at);
}

static inline void map_at(const struct driver *d, uint64_t iova, void *memory,
                          uint64_t bytes, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = bytes,
	};

	CHECK(!ioctl(d->vfio.container, VFIO_IOMMU_MAP_DMA, &map));
}

static inline void unmap_at(const struct driver *d, uint64_t iova,
                            uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = bytes};

	CHECK(!ioctl(d->vfio.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(unmap.size == bytes);
}

static inline void *memory_of(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static inline struct descriptor *ring(struct driver *d)
{
	return (struct descriptor *)d->memory;
}

static inline uint64_t at_descriptor(unsigned int i)
{
	return DMA + i * sizeof(struct descriptor);
}

static inline uint64_t status(struct driver *d)
{
	return *(volatile uint64_t *)(d->memory + STATUS);
}

/* Descriptor @i, with the next in the ring behind it. */
static inline void describe(struct driver *d, unsigned int i, uint64_t source,
                            uint64_t destination, uint32_t size)
{
	ring(d)[i] = (struct descriptor){
		.size = size,
		.source = source,
		.destination = destination,
		.next = at_descriptor((i + 1) % RING),
	};
}

/* Completions and aborts on errors, the interrupt is let out. */
static inline void start(struct driver *d)
{
	put8(d, CHANCMD, RESET);
	CHECK((get32(d, CHANSTS) & 7) == HALTED);
	put16(d, CHANCTRL, 0x0d);
	put(d->bar, CHANCMP, DMA + STATUS);
	put(d->bar, CHAINADDR, DMA);
	CHECK(get(d->bar, CHANSTS) == ARMED);
	*(volatile uint64_t *)(d->memory + STATUS) = 0;
}

/* Until the channel has stopped by itself: it was armed before. */
static inline unsigned int wait_stopped(struct driver *d)
{
	time_t end = time(NULL) + 90;
	unsigned int now;

	do {
		now = get32(d, CHANSTS) & 7;
		CHECK(time(NULL) < end);
	} while (now == ARMED || now == ACTIVE);
	return now;
}

static inline unsigned int run(struct driver *d, uint16_t count)
{
	put16(d, DMACOUNT, count);
	return wait_stopped(d);
}

static inline void master_on(const struct driver *d)
{
	const uint16_t command = 0x0406;

	CHECK(pwrite(d->vfio.device, &command, 2, CONFIG + 4) == 2);
}

static inline void driver_start(struct driver *d)
{
	vfio_open(&d->vfio);
	master_on(d);
	d->bar = map_bar(&d->vfio, PROT_READ | PROT_WRITE, BAR_BYTES);
	d->memory = memory_of(BYTES);
	map_at(d, DMA, d->memory, BYTES,
	       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

/* A second one, in the same container. */
static inline void driver_second(struct driver *d, const struct driver *first)
{
	d->vfio.container = first->vfio.container;
	CHECK((d->vfio.group = open("/dev/vfio/2", O_RDWR)) >= 0);
	CHECK(!ioctl(d->vfio.group, VFIO_GROUP_SET_CONTAINER,
	             &d->vfio.container));
	d->vfio.device =
		ioctl(d->vfio.group, VFIO_GROUP_GET_DEVICE_FD, "0000:02:00.0");
	CHECK(d->vfio.device >= 0);
	master_on(d);
	d->bar = map_bar(&d->vfio, PROT_READ | PROT_WRITE, BAR_BYTES);
	d->memory = first->memory;
}

#endif /* DRIVER_H */
