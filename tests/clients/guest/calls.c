/* SPDX-License-Identifier: MIT */
/*
 * Preloaded in front of ioas: writes what a program maps and unmaps in its
 * containers to the file that GUEST_CALLS names, one call a line:
 *
 *	map IOVA SIZE RESULT
 *	unmap IOVA SIZE RESULT SIZE-AFTERWARDS
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define DESCRIPTORS 1024

static bool container[DESCRIPTORS];
static int out = -1;

/* Opened before the program can have closed or limited anything. */
__attribute__((constructor)) static void begin(void)
{
	const int how = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	const char *path = getenv("GUEST_CALLS");

	if (path)
		out = open(path, how, 0600);
}

static int map(int (*real)(int, unsigned long, ...), int fd, void *argument)
{
	struct vfio_iommu_type1_dma_map *call = argument;
	int result = real(fd, VFIO_IOMMU_MAP_DMA, argument), error = errno;

	dprintf(out, "map 0x%llx 0x%llx %d\n", call->iova, call->size,
	        result ? -error : 0);
	errno = error;
	return result;
}

static int unmap(int (*real)(int, unsigned long, ...), int fd, void *argument)
{
	struct vfio_iommu_type1_dma_unmap *call = argument;
	unsigned long long size = call->size;
	int result = real(fd, VFIO_IOMMU_UNMAP_DMA, argument), error = errno;

	dprintf(out, "unmap 0x%llx 0x%llx %d 0x%llx\n", call->iova, size,
	        result ? -error : 0, call->size);
	errno = error;
	return result;
}

int ioctl(int fd, unsigned long command, ...)
{
	static int (*real)(int, unsigned long, ...);
	void *argument;
	va_list list;
	int result;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	if (out < 0 || fd < 0 || fd >= DESCRIPTORS)
		return real(fd, command, argument);
	/* The numbers mean other things on other descriptors. */
	if (container[fd] && command == VFIO_IOMMU_UNMAP_DMA)
		return unmap(real, fd, argument);
	if (container[fd] && command == VFIO_IOMMU_MAP_DMA)
		return map(real, fd, argument);
	result = real(fd, command, argument);
	if (command == VFIO_SET_IOMMU && result == 0)
		container[fd] = true;
	return result;
}
