/* SPDX-License-Identifier: MIT */
/*
 * What pins.c and pins_heap.c share: memory that a device uses is given back,
 * in each way that there is, while the device writes and reads it (the "edu"
 * device, DMA when its register is stored to, from a thread). What must hold:
 *
 *	the device finds in its memory what it put there, until it is unmapped
 *	what the program then has at the same addresses never changes
 *
 * Cases whose name begins with "kept" end with a finding, "lost" ones with DMA
 * faults as well, the others with neither.
 */
#ifndef PINS_H
#define PINS_H

#include <pthread.h>
#include <sched.h>

#include "client.h"

#define PAGE    ((size_t)4096)
#define PAGES   4
#define BYTES   (PAGES * PAGE)
#define IOVA    0x100000ull
#define SCRATCH 0x10000ull

#define EDU_BYTES  0x100000
#define EDU_BUFFER 0x40000ull

#define SENTINEL 0x5a

static struct vfio v;
static volatile uint8_t *bar;
static uint8_t *scratch;

/* ---- The device. ---- */

static inline int map_dma(uint64_t iova, void *at, size_t bytes)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = bytes,
	};

	return ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map);
}

static inline void unmap_dma(uint64_t iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = bytes};

	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(unmap.size == bytes);
}

static inline void dma(uint64_t from, uint64_t to, uint64_t command)
{
	put(bar, 0x80, from);
	put(bar, 0x88, to);
	put(bar, 0x90, PAGE);
	put(bar, 0x98, command);
}

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;

/* The device fills a page of its memory. */
static inline void device_puts(uint64_t iova, uint8_t value)
{
	pthread_mutex_lock(&device_lock);
	memset(scratch, value, PAGE);
	dma(SCRATCH, EDU_BUFFER, 1);
	dma(EDU_BUFFER, iova, 1 | 2);
	pthread_mutex_unlock(&device_lock);
}

/* What the device finds there: the byte, or -1: they differ. */
static inline int device_gets(uint64_t iova)
{
	int value;
	size_t i;

	pthread_mutex_lock(&device_lock);
	dma(iova, EDU_BUFFER, 1);
	dma(EDU_BUFFER, SCRATCH, 1 | 2);
	value = scratch[0];
	for (i = 0; i < PAGE; i++)
		if (scratch[i] != value)
			value = -1;
	pthread_mutex_unlock(&device_lock);
	return value;
}

static inline void set_up(void)
{
	uint16_t command = 6; /* memory, bus master */

	vfio_open(&v);
	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, EDU_BYTES);
	scratch = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(scratch != MAP_FAILED);
	CHECK(!map_dma(SCRATCH, scratch, PAGE));
}

/* ---- The device at work. ---- */

static volatile int stop, wrong, rounds;
static pthread_t worker;

/* Every page in turn, each time another value, and is it there? */
static inline void *work(void *unused)
{
	uint8_t value = 1;
	unsigned int page;

	while (!stop) {
		for (page = 0; page < PAGES; page++) {
			device_puts(IOVA + page * PAGE, value);
			if (device_gets(IOVA + page * PAGE) != value)
				wrong++;
		}
		value = value % 63 + 1;
		rounds++;
	}
	return NULL;
}

static inline void work_some(int more)
{
	int until = rounds + more;

	while (rounds < until)
		sched_yield();
}

static inline void start_work(void *at)
{
	CHECK(!map_dma(IOVA, at, BYTES));
	CHECK(!pthread_create(&worker, NULL, work, NULL));
	work_some(3);
}

static inline void end_work(void)
{
	work_some(20);
	stop = 1;
	pthread_join(worker, NULL);
	CHECK(!wrong);
}

static inline void all_are(const uint8_t *at, size_t bytes, uint8_t value)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		CHECK(at[i] == value);
}

/* The program has something else at these addresses from now on. */
static inline void move_in(uint8_t *at, size_t bytes)
{
	CHECK(mmap(at, bytes, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
	           0) == at);
	memset(at, SENTINEL, bytes);
}

static inline uint8_t *private_memory(size_t bytes)
{
	uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static int file;

static inline uint8_t *shared_memory(size_t bytes)
{
	uint8_t *at;

	CHECK((file = memfd_create("pins", 0)) >= 0);
	CHECK(!ftruncate(file, (off_t)bytes));
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(at != MAP_FAILED);
	return at;
}

#endif /* PINS_H */
