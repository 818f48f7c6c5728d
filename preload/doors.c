/* SPDX-License-Identifier: MIT */
#include "preload/doors.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "pci/function.h"
#include "preload/say.h"
#include "preload/views.h"
#include "preload/wrap.h"

struct ioas_door {
	struct ioas_doors doors;
	struct ioas_device *device;
	const struct ioas_handle *handle;
	uint64_t bytes;
};

static bool open_door(struct ioas_doors *doors)
{
	struct ioas_door *door =
		ioas_container_of(doors, struct ioas_door, doors);

	return ioas_views_open(door->handle, door->device->model->doorbells.bar,
	                       doors->offset, doors->offset + door->bytes);
}

static void close_door(struct ioas_doors *doors)
{
	struct ioas_door *door =
		ioas_container_of(doors, struct ioas_door, doors);

	ioas_views_close(door->handle);
}

/* The whole pages of doorbells. Return: how many bytes; 0: none. */
static uint64_t pages_of(const struct ioas_device *dev, uint64_t *ret_start)
{
	uint64_t page = getauxval(AT_PAGESZ);
	uint64_t start = dev->model->doorbells.offset;
	uint64_t end = start + dev->model->doorbells.bytes;

	start = (start + page - 1) & ~(page - 1);
	end &= ~(page - 1);
	*ret_start = start;
	return end > start ? end - start : 0;
}

/* The device's own mapping of its pages; none in a forked child. */
static void *map_pages(int fd, uint64_t position, uint64_t bytes)
{
	long at = ioas_sys(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
	                   MAP_SHARED, fd, (long)position);

	if (at < 0 && at >= -4095)
		return NULL;
	ioas_sys(SYS_madvise, at, (long)bytes, MADV_DONTFORK, 0, 0, 0);
	return (void *)at;
}

void ioas_door_destroy(struct ioas_door *door)
{
	if (!door)
		return;
	ioas_device_doors_take_back(door->device, &door->doors);
	ioas_sys(SYS_munmap, (long)door->doors.cell, (long)door->bytes, 0, 0, 0,
	         0);
	ioas_delete(door);
}

static struct ioas_door *create(struct ioas_handle *handle, int fd,
                                uint64_t start, uint64_t bytes)
{
	struct ioas_door *door = ioas_new(struct ioas_door);
	struct ioas_device *dev = ioas_file_device(handle->file);
	uint64_t bar = dev->model->doorbells.bar;

	if (!door)
		return NULL;
	door->doors.cell = map_pages(fd, (bar << 40) + start, bytes);
	if (!door->doors.cell) {
		ioas_delete(door);
		return NULL;
	}
	door->doors.cells = (unsigned int)(bytes / sizeof(uint32_t));
	door->doors.offset = start;
	door->doors.allow = open_door;
	door->doors.trap = close_door;
	door->device = dev;
	door->handle = handle;
	door->bytes = bytes;
	return door;
}

/* Without doors a device is slower, and no worse: nothing here is an error. */
static void add_doors(struct ioas_handle *handle, int fd,
                      const struct ioas_bar_window *window)
{
	struct ioas_device *dev = ioas_file_device(handle->file);
	uint64_t start, bytes = pages_of(dev, &start);
	struct ioas_door *door;
	void *seen = NULL;

	if (!bytes || !handle->grown || window->offset >= start + bytes ||
	    start >= window->offset + window->bytes ||
	    !ioas_device_wants_doors(dev, window->bar, start, bytes) ||
	    ioas_aptr_load(&handle->doors))
		return;
	door = create(handle, fd, start, bytes);
	if (!door)
		return;
	/* Pairs with the load in end_handle() of fds.c. */
	if (!ioas_device_doors_give(dev, &door->doors) ||
	    !ioas_aptr_cas(&handle->doors, &seen, door))
		ioas_door_destroy(door);
}

long ioas_door_prepare(struct ioas_handle *handle, int fd,
                       const struct ioas_bar_window *window)
{
	struct ioas_device *dev = ioas_file_device(handle->file);

	if (ioas_device_expect(dev, window->bar, window->offset,
	                       window->bytes)) {
		ioas_complain("device %s: its BAR cannot be mapped, for the "
		              "thread that runs the device cannot be started: "
		              "a limit of processes (ulimit -u, a container's) "
		              "or no memory; raise it",
		              ioas_file_name(handle->file));
		return -ENOMEM;
	}
	add_doors(handle, fd, window);
	return 0;
}
