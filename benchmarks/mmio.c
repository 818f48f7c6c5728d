/* SPDX-License-Identifier: MIT */
/*
 * bench-mmio, under `ioas run -d ioat`: what a store to and a load of a
 * register cost that the program has mapped, and what a copy by the engine
 * does. The argument is the device's mode, for the names of cases; with "traps"
 * behind it the accesses are measured as well.
 *
 * The physical limit of a trapped access is a fault that nobody does anything
 * about: to a handler that steps over the instruction, and back. Each of its
 * slices puts that handler in place of the library's, by the system call that
 * nobody stands in front of, and then puts the library's back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "benchmarks/meter.h"

#define FUNCTION "0000:01:00.0"
#define CONFIG   ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

/* Registers of the engine. */
#define DMACOUNT    0x86
#define CHAINADDR   0x90
#define CHANCMP     0x98
#define CHANERRMASK 0xac

#define BAR_BYTES 0x2000
#define CHAIN     32
#define BUFFER    (1u << 20)

/* What the device reaches: descriptors and status, source, destination. */
#define IOVA        0x40000000ull
#define LARGE       (2u << 20) /* a leaf of the IOMMU */
#define SOURCE      (1u << 20)
#define DESTINATION (SOURCE + CHAIN * BUFFER)
#define ALL         (DESTINATION + CHAIN * BUFFER)
#define STATUS      0x10000

/* The same memory again, one page farther: only the smallest leaves fit. */
#define IOVA_SMALL 0x80000000ull

#define ADDRESS_OF_STATUS (~UINT64_C(63))
#define WRITE_COMPLETION  8u

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next, unused[4];
};

static struct {
	int container, device;
	volatile uint8_t *bar;
	uint8_t *memory;
	uint16_t released; /* of the descriptors, since they were written */
	uint64_t page;
} d;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-mmio: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set64(unsigned int at, uint64_t value)
{
	*(volatile uint64_t *)(d.bar + at) = value;
}

/* ---- Accesses. ---- */

static void store_slice(void *state, unsigned long n)
{
	(void)state;
	while (n--)
		*(volatile uint32_t *)(d.bar + CHANERRMASK) = (uint32_t)n;
}

static void load_slice(void *state, unsigned long n)
{
	(void)state;
	while (n--)
		(void)*(volatile uint32_t *)(d.bar + CHANERRMASK);
}

static void pwrite_slice(void *state, unsigned long n)
{
	uint32_t value = 0;

	(void)state;
	while (n--)
		if (pwrite(d.device, &value, sizeof(value), CHANERRMASK) != 4)
			die("pwrite");
}

static void pread_slice(void *state, unsigned long n)
{
	uint32_t value;

	(void)state;
	while (n--)
		if (pread(d.device, &value, sizeof(value), CHANERRMASK) != 4)
			die("pread");
}

/* ---- A fault and nothing else. ---- */

/* As the kernel has it. */
struct action {
	void (*handler)(int number, siginfo_t *info, void *context);
	uint64_t flags;
	const void *restorer;
	uint64_t blocked;
};

static char *closed; /* a page that cannot be touched */

#ifndef __x86_64__
#error "the handler does not know how long the store in fault() is"
#endif

/* movl %eax, (%rdi) */
#define STORE       ".byte 0x89, 0x07"
#define STORE_BYTES 2

static void step_over(int number, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	(void)number;
	(void)info;
	at->uc_mcontext.gregs[REG_RIP] += STORE_BYTES;
}

static void fault(void)
{
	__asm__ volatile(STORE : : "a"(0), "D"(closed) : "memory");
}

static void action(const struct action *next, struct action *before)
{
	if (syscall(SYS_rt_sigaction, SIGSEGV, next, before,
	            sizeof(next->blocked)))
		die("rt_sigaction");
}

static void fault_slice(void *state, unsigned long n)
{
	struct action ours, bare;

	(void)state;
	action(NULL, &ours);
	bare = ours;
	bare.handler = step_over;
	action(&bare, NULL);
	while (n--)
		fault();
	action(&ours, NULL);
}

/* ---- Copies. ---- */

struct copies {
	uint32_t bytes; /* of each */
	unsigned int chain;
	bool small; /* leaves */
};

static volatile uint64_t *status(void)
{
	return (volatile uint64_t *)(d.memory + STATUS);
}

static uint64_t descriptor_at(unsigned int i)
{
	return IOVA + i * sizeof(struct descriptor);
}

/* In a ring; the last of each chain says that it is done. */
static void write_descriptors(const struct copies *c)
{
	struct descriptor *ring = (struct descriptor *)d.memory;
	const uint64_t base = c->small ? IOVA_SMALL + d.page : IOVA;
	unsigned int i;

	for (i = 0; i < c->chain; i++)
		ring[i] = (struct descriptor){
			.size = c->bytes,
			.control = i + 1 == c->chain ? WRITE_COMPLETION : 0,
			.source = base + SOURCE + (uint64_t)i * c->bytes,
			.destination =
				base + DESTINATION + (uint64_t)i * c->bytes,
			.next = descriptor_at((i + 1) % c->chain),
		};
	set64(CHANCMP, IOVA + STATUS);
	set64(CHAINADDR, IOVA);
	d.released = 0;
}

/* One store for all of a chain, then its last one is waited for. */
static void run_chain(const struct copies *c)
{
	*status() = 0;
	d.released = (uint16_t)(d.released + c->chain);
	*(volatile uint16_t *)(d.bar + DMACOUNT) = d.released;
	while ((*status() & ADDRESS_OF_STATUS) != descriptor_at(c->chain - 1))
		;
}

static void device_slice(void *state, unsigned long n)
{
	const struct copies *c = state;

	while (n--)
		run_chain(c);
}

static void memcpy_slice(void *state, unsigned long n)
{
	const struct copies *c = state;
	unsigned int i;

	while (n--)
		for (i = 0; i < c->chain; i++) {
			memcpy(d.memory + DESTINATION + i * c->bytes,
			       d.memory + SOURCE + i * c->bytes, c->bytes);
			meter_use(d.memory);
		}
}

/* ---- The device. ---- */

static void open_device(void)
{
	int group = open("/dev/vfio/1", O_RDWR | O_CLOEXEC);
	uint16_t command = 6; /* memory, bus master */

	d.container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (d.container < 0 || group < 0 ||
	    ioctl(group, VFIO_GROUP_SET_CONTAINER, &d.container) ||
	    ioctl(d.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("group");
	d.device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION);
	if (d.device < 0 ||
	    pwrite(d.device, &command, sizeof(command), CONFIG + 4) != 2)
		die("device");
	d.bar = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	             d.device, 0);
	if (d.bar == MAP_FAILED)
		die("BAR");
}

static void map_at(uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)d.memory,
		.iova = iova,
		.size = ALL,
	};

	if (ioctl(d.container, VFIO_IOMMU_MAP_DMA, &map))
		die("map");
}

static void map_memory(void)
{
	unsigned int i;

	d.page = (uint64_t)sysconf(_SC_PAGESIZE);
	d.memory = mmap(NULL, ALL + LARGE, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	closed = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (d.memory == MAP_FAILED || closed == MAP_FAILED)
		die("memory");
	d.memory += -(uintptr_t)d.memory % LARGE;
	for (i = SOURCE; i < ALL; i++)
		d.memory[i] = (uint8_t)(i * 2654435761u >> 24);
	/* As huge pages are: IOVA and address agree in their low bits. */
	map_at(IOVA);
	/* As what malloc() returns: they do not. */
	map_at(IOVA_SMALL + d.page);
}

/* ---- Rows. ---- */

static void measure_accesses(void)
{
	struct meter_case c[] = {
		{"bare fault", fault_slice, NULL, 0, 0, 0},
		{"trapped store", store_slice, NULL, 0, 0, 0},
		{"trapped load", load_slice, NULL, 0, 0, 0},
		{"store by pwrite, as --mmap=off", pwrite_slice, NULL, 0, 0, 0},
		{"load by pread, as --mmap=off", pread_slice, NULL, 0, 0, 0},
	};

	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mmio", &c[0], NULL, NULL);
	/* A fault is the kernel's; what we add is a quarter of it at most. */
	meter_row("mmio", &c[1], &c[0], "ratio >= 0.8");
	meter_row("mmio", &c[2], &c[0], "ratio >= 0.8");
	meter_row("mmio", &c[3], NULL, NULL);
	meter_row("mmio", &c[4], NULL, NULL);
}

/* Result before time: are they where they should be? */
static void check_copies(struct copies *c)
{
	size_t all = (size_t)c->bytes * c->chain;

	memset(d.memory + DESTINATION, 0, all);
	write_descriptors(c);
	run_chain(c);
	if (memcmp(d.memory + SOURCE, d.memory + DESTINATION, all) != 0) {
		fprintf(stderr, "bench-mmio: the engine copied wrongly\n");
		exit(1);
	}
}

static void name_copies(const struct copies *c, const char *mode,
                        char *ret_name, size_t bytes)
{
	const char *unit = "B";
	uint32_t size = c->bytes;

	if (size >= 1 << 20) {
		unit = "MiB";
		size >>= 20;
	} else if (size >= 1 << 10) {
		unit = "KiB";
		size >>= 10;
	}
	snprintf(ret_name, bytes, "copy %u %s x %u, %s%s", size, unit, c->chain,
	         mode, c->small ? ", small leaf" : "");
}

static void measure_copies(struct copies *copies, const char *mode,
                           const char *wanted)
{
	char name[64];
	struct meter_case c[] = {
		{"memcpy", memcpy_slice, copies, 0, 0, 0},
		{name, device_slice, copies, 0, 0, 0},
	};
	unsigned int i;

	name_copies(copies, mode, name, sizeof(name));
	check_copies(copies);
	meter_run(c, 2);
	/* A copy, not a chain. */
	for (i = 0; i < 2; i++) {
		c[i].min /= copies->chain;
		c[i].median /= copies->chain;
	}
	meter_row_rate("mmio", &c[1], &c[0], wanted);
}

/*
 * Where the storing thread copies, a megabyte costs what it costs memcpy, and
 * the store. A device's thread finds the buffers in another processor's cache.
 * With small leaves each page of both sides is looked up besides.
 */
static const struct {
	struct copies copies;
	const char *wanted; /* of mode inline */
} measured[] = {
	{{64, 1, false}, NULL},
	{{64, CHAIN, false}, NULL},
	{{4096, 1, false}, NULL},
	{{4096, CHAIN, false}, NULL},
	{{4096, CHAIN, true}, NULL},
	{{BUFFER, 1, false}, "ratio >= 0.85"},
	{{BUFFER, 1, true}, "ratio >= 0.8"},
	{{BUFFER, CHAIN, false}, "ratio >= 0.9"},
	{{BUFFER, CHAIN, true}, "ratio >= 0.9"},
};

int main(int argc, char **argv)
{
	struct copies copies;
	bool is_inline;
	unsigned int i;

	if (argc < 2) {
		errno = EINVAL;
		die("which mode?");
	}
	is_inline = !strcmp(argv[1], "inline");
	open_device();
	map_memory();
	if (argc > 2)
		measure_accesses();
	for (i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		copies = measured[i].copies;
		measure_copies(&copies, argv[1],
		               is_inline ? measured[i].wanted : NULL);
	}
	return 0;
}
