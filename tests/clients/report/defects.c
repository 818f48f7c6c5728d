/* SPDX-License-Identifier: MIT */
/*
 * Defects that drivers have, one a case, each in functions of its own, so that
 * the report can be compared with their names and lines. "AT: NAME" marks a
 * line; test_report.py reads the marks. The device is an edu at 0000:01:00.0,
 * in the cases nvme_* a controller.
 */
#include <dlfcn.h>
#include <pthread.h>

#include "../preload/client.h"

#define PAGE 4096 /* the programs run on x86-64 */
#define IOVA 0x10000ull

#define SOURCE      0x80
#define DESTINATION 0x88
#define COUNT       0x90
#define COMMAND     0x98
#define BUFFER      0x40000

#define NOINLINE __attribute__((noinline, noclone))

static struct vfio v;
static volatile uint8_t *bar;
static char *memory;

static void enable_bus_master(void)
{
	uint16_t command = 6;

	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
}

static void start(void)
{
	vfio_open(&v);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES);
	enable_bus_master();
	memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
}

NOINLINE void map_buffer(uint64_t iova, const void *at, uint64_t bytes,
                         uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = bytes,
	};

	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map)); /* AT: map */
}

NOINLINE void unmap_buffer(uint64_t iova, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap u = {
		.argsz = sizeof(u), .iova = iova, .size = bytes};

	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &u)); /* AT: unmap */
}

NOINLINE void ring(uint64_t command)
{
	put(bar, COMMAND, command);
}

NOINLINE void device_writes(uint64_t iova, uint64_t bytes)
{
	put(bar, SOURCE, BUFFER);
	put(bar, DESTINATION, iova);
	put(bar, COUNT, bytes);
	ring(3);
}

NOINLINE void device_reads(uint64_t iova, uint64_t bytes)
{
	put(bar, SOURCE, iova);
	put(bar, DESTINATION, BUFFER);
	put(bar, COUNT, bytes);
	ring(1);
}

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/* ---- Accesses. ---- */

static void use_after_unmap(void)
{
	start();
	map_buffer(IOVA - 2 * PAGE, memory + PAGE, PAGE, RW);
	map_buffer(IOVA, memory, PAGE, RW);
	unmap_buffer(IOVA, PAGE);
	device_writes(IOVA + 8, 16);
	unmap_buffer(IOVA - 2 * PAGE, PAGE);
}

static void *unmap_elsewhere(void *arg)
{
	(void)arg;
	unmap_buffer(IOVA, PAGE);
	return NULL;
}

static void use_after_unmap_by_a_thread(void)
{
	pthread_t thread;

	start();
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(!pthread_create(&thread, NULL, unmap_elsewhere, NULL));
	CHECK(!pthread_join(thread, NULL));
	device_writes(IOVA, 16);
}

static void wild(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	device_reads(0x7000000, 64);
	unmap_buffer(IOVA, PAGE);
}

/* The driver is a library that nothing but the store leads through. */
static void wild_by_a_library(void)
{
	void *library = dlopen(getenv("DRIVER"), RTLD_NOW);
	void (*library_rings)(volatile uint8_t * command);

	CHECK(library);
	*(void **)&library_rings = dlsym(library, "library_rings");
	CHECK(library_rings);
	start();
	put(bar, SOURCE, 0x7000000);
	put(bar, DESTINATION, BUFFER);
	put(bar, COUNT, 64);
	library_rings(bar + COMMAND);
}

static void read_only(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, VFIO_DMA_MAP_FLAG_READ);
	device_reads(IOVA, 16);
	device_writes(IOVA, 16);
	unmap_buffer(IOVA, PAGE);
}

static void write_only(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, VFIO_DMA_MAP_FLAG_WRITE);
	device_writes(IOVA, 16);
	device_reads(IOVA, 16);
	unmap_buffer(IOVA, PAGE);
}

static void outside_aperture(void)
{
	start();
	device_writes(1ull << 60, 16);
}

static void in_part(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	device_writes(IOVA + PAGE - 8, 24);
	unmap_buffer(IOVA, PAGE);
}

static void no_bus_master(void)
{
	uint16_t command = 2;

	start();
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
	device_writes(IOVA, 16);
	unmap_buffer(IOVA, PAGE);
}

NOINLINE void write_register(uint64_t at, uint64_t value)
{
	CHECK(pwrite(v.device, &value, 8, BAR0 + at) == 8); /* AT: pwrite */
}

/* The doorbell by a call: there is a stack then. */
static void wild_by_pwrite(void)
{
	start();
	put(bar, SOURCE, BUFFER);
	put(bar, DESTINATION, IOVA);
	put(bar, COUNT, 16);
	write_register(COMMAND, 3);
}

/* ---- Memory. ---- */

NOINLINE void free_buffer(void *at, size_t bytes)
{
	CHECK(!munmap(at, bytes)); /* AT: free */
}

static void freed_while_mapped(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	free_buffer(memory, PAGE);
	device_writes(IOVA, 16);
	unmap_buffer(IOVA, PAGE);
}

/* ---- Leaks. ---- */

NOINLINE void close_all(void)
{
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(!close(v.device));
	CHECK(!close(v.container));
	CHECK(!close(v.group)); /* AT: close */
}

static void leak_on_close(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	map_buffer(IOVA + PAGE, memory + PAGE, PAGE, RW);
	unmap_buffer(IOVA, PAGE);
	close_all();
}

static void leak_at_exit(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
}

static void leak_of_many(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 8; i++)
		map_buffer(IOVA + i * PAGE, memory + i * PAGE, PAGE, RW);
	close_all();
}

static void leak_by_a_child(void)
{
	start();
	close_all();
	CHECK(!run_child(leak_on_close));
}

/* ---- Calls that do nothing. ---- */

NOINLINE void try_to_map(uint64_t iova, uint64_t bytes, int wanted)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = RW,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = bytes,
	};

	FAILS(ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map), wanted);
}

static void map_before_iommu(void)
{
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK((v.container = open(CONTAINER, O_RDWR)) >= 0);
	try_to_map(IOVA, PAGE, EINVAL);
}

static void stale_map(void)
{
	start();
	map_buffer(IOVA, memory, 2 * PAGE, RW);
	try_to_map(IOVA + PAGE, PAGE, EEXIST);
	unmap_buffer(IOVA, 2 * PAGE);
}

/* Of another address, and nobody looks at what came of it. */
NOINLINE void unmap_the_wrong_one(void)
{
	unmap_buffer(IOVA + PAGE, PAGE);
}

static void stale_after_failed_unmap(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	unmap_the_wrong_one();
	try_to_map(IOVA, PAGE, EEXIST);
	device_writes(IOVA, 16);
	unmap_buffer(IOVA, PAGE);
}

static void limits(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	try_to_map(2 * IOVA, 2 * PAGE, ENOMEM);
	map_buffer(3 * IOVA, memory, PAGE, RW);
	try_to_map(4 * IOVA, PAGE, ENOSPC);
	unmap_buffer(0, 4 * IOVA);
}

static void wrong_ranges(void)
{
	start();
	try_to_map(1ull << 60, PAGE, EINVAL);
	try_to_map(0xfee00000, PAGE, EINVAL);
	unmap_buffer(IOVA, PAGE);
}

/* ---- How often. ---- */

static void one_cause_many_times(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 50; i++) {
		map_buffer(IOVA + i * PAGE, memory, PAGE, RW);
		unmap_buffer(IOVA + i * PAGE, PAGE);
		device_writes(IOVA + i * PAGE, 16);
	}
}

static void many_causes(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 150; i++)
		device_writes(IOVA + i * PAGE, 16);
}

static void nothing_wrong(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 10; i++) {
		map_buffer(IOVA, memory, PAGE, RW);
		device_writes(IOVA, PAGE);
		device_reads(IOVA, PAGE);
		unmap_buffer(IOVA, PAGE);
	}
	close_all();
}

/* ---- Stacks. ---- */

NOINLINE void map_by_one_way(void)
{
	map_buffer(IOVA, memory, PAGE, RW);
	__asm__ volatile("");
}

NOINLINE void map_by_another_way(void)
{
	map_buffer(IOVA, memory, PAGE, RW);
	__asm__ volatile("");
}

/* Same caller of ioctl() and, as the frames are alike, the same addresses. */
static void two_ways_by_turns(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 6; i++) {
		if (i % 2)
			map_by_one_way();
		else
			map_by_another_way();
		unmap_buffer(IOVA, PAGE);
		device_writes(IOVA, 16);
	}
}

NOINLINE void dive(unsigned int depth)
{
	if (depth)
		dive(depth - 1);
	else
		map_buffer(IOVA, memory, PAGE, RW);
	__asm__ volatile("");
}

static void deep_stack(void)
{
	start();
	dive(100);
}

static inline __attribute__((always_inline)) void inlined_wrapper(void)
{
	map_buffer(IOVA, memory, PAGE, RW); /* AT: inlined */
}

NOINLINE void holds_an_inlined_one(void)
{
	inlined_wrapper(); /* AT: outer */
	__asm__ volatile("");
}

static void inlined(void)
{
	start();
	holds_an_inlined_one();
}

static void on_signal(int number)
{
	(void)number;
	map_buffer(IOVA, memory, PAGE, RW);
}

static void map_in_a_signal_handler(void)
{
	start();
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	CHECK(!raise(SIGUSR1));
}

/* ---- NVMe: the command behind an access. ---- */

#define CC   0x14
#define CSTS 0x1c
#define AQA  0x24

static void put32(unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(bar + at) = value;
}

static void enable_controller(void)
{
	put32(AQA, 1 << 16 | 1);
	put(bar, ASQ, IOVA);
	put(bar, ACQ, IOVA + PAGE);
	put32(CC, 0x460001);
	while (!(*(volatile uint32_t *)(bar + CSTS) & 1))
		;
}

/* Identify controller, command id 0x17, into @prp1. */
NOINLINE void identify(uint64_t prp1)
{
	uint32_t *entry = (uint32_t *)memory;

	memset(entry, 0, 64);
	entry[0] = 0x17 << 16 | 6;
	memcpy(&entry[6], &prp1, 8);
	entry[10] = 1;
	put32(0x1000, 1);
}

static void nvme_identify_into_nothing(void)
{
	start();
	map_buffer(IOVA, memory, 2 * PAGE, RW);
	enable_controller();
	identify(0x5000000);
	put32(CC, 0);
	unmap_buffer(IOVA, 2 * PAGE);
}

NOINLINE void reset_device(void)
{
	CHECK(!ioctl(v.device, VFIO_DEVICE_RESET)); /* AT: reset */
}

static void nvme_reset_with_a_mapping(void)
{
	start();
	map_buffer(IOVA, memory, PAGE, RW);
	reset_device();
	reset_device();
	unmap_buffer(IOVA, PAGE);
}

int main(int argc, char **argv)
{
	static const struct client_case cases[] = {
		CASE(use_after_unmap),
		CASE(use_after_unmap_by_a_thread),
		CASE(wild),
		CASE(wild_by_a_library),
		CASE(read_only),
		CASE(write_only),
		CASE(outside_aperture),
		CASE(in_part),
		CASE(no_bus_master),
		CASE(wild_by_pwrite),
		CASE(freed_while_mapped),
		CASE(leak_on_close),
		CASE(leak_at_exit),
		CASE(leak_of_many),
		CASE(leak_by_a_child),
		CASE(map_before_iommu),
		CASE(stale_map),
		CASE(stale_after_failed_unmap),
		CASE(limits),
		CASE(wrong_ranges),
		CASE(one_cause_many_times),
		CASE(many_causes),
		CASE(nothing_wrong),
		CASE(two_ways_by_turns),
		CASE(deep_stack),
		CASE(inlined),
		CASE(map_in_a_signal_handler),
		CASE(nvme_identify_into_nothing),
		CASE(nvme_reset_with_a_mapping),
		{NULL, NULL},
	};

	return client_main(cases, argc, argv);
}
