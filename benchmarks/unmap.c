/* SPDX-License-Identifier: MIT */
/*
 * bench-unmap, under `ioas run --profile power9`: UNMAP_DMA of a page where
 * nothing is mapped, as a program calls it, in the window that a container of
 * sPAPR TCE version 2 begins with; beside a system call that does nothing. And
 * the same while something else is mapped in that window.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "benchmarks/meter.h"
#include "uapi/abi.h"

#define PAGE    UINT64_C(4096)
#define PAGES   512                   /* that are gone through */
#define BESIDE  (UINT64_C(256) << 20) /* where the others are */
#define OTHERS  64
#define TYPE_V2 7 /* VFIO_SPAPR_TCE_v2_IOMMU */

struct client {
	int container, group;
	void *memory;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-unmap: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_all(struct client *c)
{
	struct ioas_spapr_memory memory = {.argsz = sizeof(memory),
	                                   .size = OTHERS * PAGE};

	c->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	c->group = open("/dev/vfio/1", O_RDWR | O_CLOEXEC);
	if (c->container < 0 || c->group < 0)
		die("/dev/vfio");
	if (ioctl(c->group, VFIO_GROUP_SET_CONTAINER, &c->container) ||
	    ioctl(c->container, VFIO_SET_IOMMU, TYPE_V2))
		die("container");
	c->memory = mmap(NULL, memory.size, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->memory == MAP_FAILED)
		die("mmap");
	memory.vaddr = (uintptr_t)c->memory;
	if (ioctl(c->container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &memory))
		die("REGISTER_MEMORY");
}

static void map_others(const struct client *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)c->memory,
		.iova = BESIDE,
		.size = OTHERS * PAGE,
	};

	if (ioctl(c->container, VFIO_IOMMU_MAP_DMA, &map))
		die("MAP_DMA");
}

static void unmap_slice(void *state, unsigned long n)
{
	static uint64_t at;
	const struct client *c = state;

	while (n--) {
		struct ioas_vfio_unmap unmap = {.argsz = sizeof(unmap),
		                                .iova = at % PAGES * PAGE,
		                                .size = PAGE};

		at++;
		if (ioctl(c->container, VFIO_IOMMU_UNMAP_DMA, &unmap))
			die("UNMAP_DMA");
	}
}

static void syscall_slice(void *state, unsigned long n)
{
	(void)state;
	while (n--)
		if (syscall(SYS_getppid) < 0)
			die("getppid");
}

static void compare(const char *name, struct client *client, const char *wanted)
{
	struct meter_case cases[] = {
		{.name = name, .slice = unmap_slice, .state = client},
		{.name = "a system call", .slice = syscall_slice},
	};

	meter_run(cases, 2);
	meter_row_rate("ioctl", &cases[0], &cases[1], wanted);
}

int main(void)
{
	struct client client;

	open_all(&client);
	compare("UNMAP_DMA, empty window", &client, "min <= 200");
	map_others(&client);
	compare("UNMAP_DMA, others are mapped", &client, NULL);
	return 0;
}
