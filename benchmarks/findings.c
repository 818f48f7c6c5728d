/* SPDX-License-Identifier: MIT */
/*
 * bench-findings, under `ioas run`: MAP_DMA and UNMAP_DMA of 4 KiB, called from
 * below a few frames as a driver does. bench.py runs it with and without
 * checks; the difference is what findings cost: two call sites and what is kept
 * of a mapping that ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "benchmarks/meter.h"

#define BYTES  4096 /* the bench runs on x86-64 */
#define FRAMES 10

struct client {
	int container, group, device;
	void *bar;
	void *memory;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-findings: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_all(struct client *c)
{
	c->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	c->group = open("/dev/vfio/1", O_RDWR | O_CLOEXEC);
	if (c->container < 0 || c->group < 0)
		die("/dev/vfio");
	if (ioctl(c->group, VFIO_GROUP_SET_CONTAINER, &c->container) ||
	    ioctl(c->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("container");
	c->device = ioctl(c->group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.0");
	/* As every driver: with the registers mapped, copies are cheap. */
	c->bar = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	              c->device, 0);
	c->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->bar == MAP_FAILED || c->memory == MAP_FAILED)
		die("mmap");
}

__attribute__((noinline)) static void pair(const struct client *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)c->memory,
		.iova = 0x100000,
		.size = BYTES,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = map.iova, .size = BYTES};

	if (ioctl(c->container, VFIO_IOMMU_MAP_DMA, &map))
		die("MAP_DMA");
	if (ioctl(c->container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		die("UNMAP_DMA");
}

__attribute__((noinline)) static void
below(const struct client *c, unsigned int frames, unsigned long n)
{
	if (frames)
		below(c, frames - 1, n);
	else
		while (n--)
			pair(c);
	/* No tail call: there would be no frame. */
	meter_use(c);
}

static void slice(void *state, unsigned long n)
{
	below(state, FRAMES, n);
}

int main(void)
{
	struct client c;
	struct meter_case cases[] = {{"MAP+UNMAP", slice, &c, 0, 0, 0}};

	open_all(&c);
	meter_run(cases, 1);
	meter_row("findings", &cases[0], NULL, NULL);
	return 0;
}
