/* SPDX-License-Identifier: MIT */
#include "preload/io.h"

#include <errno.h>
#include <limits.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "host/host.h"
#include "preload/fds.h"
#include "preload/signals.h"
#include "preload/trap.h"
#include "preload/wrap.h"

/* Linux moves no more than this in one call. Linux 7.3 fs.h: MAX_RW_COUNT */
#define TRANSFER_MAX 0x7ffff000

/* Linux answers these for any file, before the file is asked. */
static bool of_any_file(unsigned long command)
{
	return command == FIOCLEX || command == FIONCLEX ||
	       command == FIONBIO || command == FIOASYNC;
}

/* Without a lock, and a matter of nanoseconds. */
static bool is_quick(unsigned long command)
{
	return (uint32_t)command == VFIO_GET_API_VERSION ||
	       (uint32_t)command == VFIO_CHECK_EXTENSION;
}

static long quick_ioctl(int fd, unsigned long command, unsigned long argument)
{
	struct ioas_handle *handle;
	long result = ioas_fd_enter_quick(fd, &handle);

	if (result)
		return result;
	result = ioas_file_ioctl(handle->file, command, argument);
	ioas_grace_leave(IOAS_GRACE_FILE);
	ioas_bury_what_is_left();
	return result;
}

/*
 * An UNMAP_DMA that unmaps nothing. The handle is compared and not looked into:
 * nothing holds it. The argument is looked at by a copy that may fault, which
 * without the handler is a system call for each of its words.
 */
bool ioas_io_unmaps_nothing(int fd, unsigned long command,
                            unsigned long argument)
{
	struct ioas_unmap_try try;
	const struct ioas_shown *shown;
	void *handle;

	if ((uint32_t)command != VFIO_IOMMU_UNMAP_DMA ||
	    (unsigned int)fd >= IOAS_FD_SHOWN ||
	    IOAS_UNLIKELY(!ioas_signals_installed()) ||
	    !ioas_unmap_fetch(argument, &try))
		return false;
	/* Both pair with the stores in ioas_fd_swap(). */
	handle = ioas_aptr_load(&ioas_fd_table[fd]);
	shown = ioas_aptr_load(&ioas_fd_shown_table[fd]);
	return handle && shown &&
	       ioas_shown_unmaps_nothing(shown, (uintptr_t)handle, &try) &&
	       ioas_aptr_load(&ioas_fd_table[fd]) == handle;
}

/* From the first one on arguments are looked at without a system call. */
static bool is_of_mappings(unsigned long command)
{
	return (uint32_t)command == VFIO_IOMMU_MAP_DMA ||
	       (uint32_t)command == VFIO_IOMMU_UNMAP_DMA;
}

long ioas_io_ioctl(int fd, unsigned long command, unsigned long argument)
{
	struct ioas_visit visit;
	long result;

	if (is_quick(command))
		return quick_ioctl(fd, command, argument);
	result = ioas_fd_enter(fd, &visit);
	if (result)
		return result;
	/* When it cannot be had, copies are system calls, as before. */
	if (is_of_mappings(command))
		(void)!ioas_trap_install();
	if (of_any_file(command))
		result = ioas_sys(SYS_ioctl, fd, (long)command, (long)argument,
		                  0, 0, 0);
	else
		result = ioas_file_ioctl(visit.handle->file, command, argument);
	ioas_fd_leave(&visit);
	return result;
}

static long move(struct ioas_file *file, const struct ioas_transfer *transfer,
                 const struct iovec *part, uint64_t position)
{
	struct uaddr buffer = {(uintptr_t)part->iov_base};
	size_t bytes = part->iov_len;

	bytes = bytes < TRANSFER_MAX ? bytes : TRANSFER_MAX;
	if (transfer->to_device)
		return ioas_file_write(file, buffer, bytes, position);
	return ioas_file_read(file, buffer, bytes, position);
}

/* Part by part, as vfio-pci does it: until one is short or fails. */
static long move_all(struct ioas_file *file,
                     const struct ioas_transfer *transfer,
                     const struct iovec *part, int parts)
{
	uint64_t position = (uint64_t)transfer->position;
	long done = 0;
	long n;
	int i;

	for (i = 0; i < parts; i++) {
		if (parts > 1 && !part[i].iov_len)
			continue;
		n = move(file, transfer, &part[i], position + (uint64_t)done);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < part[i].iov_len)
			break;
	}
	return done;
}

static long run_transfer(const struct ioas_transfer *asked,
                         const struct iovec *part, int parts)
{
	struct ioas_transfer transfer = *asked;
	struct ioas_visit visit;
	long done = ioas_fd_enter(transfer.fd, &visit);
	struct ioas_handle *handle;

	if (done)
		return done;
	handle = visit.handle;
	/* Relaxed: a program that races itself here gets either order. */
	if (transfer.at_position)
		transfer.position =
			(int64_t)ioas_a64_load_relaxed(&handle->position);
	/* One that is negative is beyond every region. */
	done = move_all(handle->file, &transfer, part, parts);
	if (done > 0 && transfer.at_position)
		ioas_a64_store_relaxed(&handle->position,
		                       (uint64_t)(transfer.position + done));
	ioas_fd_leave(&visit);
	return done;
}

long ioas_io_move(const struct ioas_transfer *transfer, struct uaddr buffer,
                  size_t bytes)
{
	struct iovec part = {(void *)(uintptr_t)buffer.raw, bytes};

	if ((ssize_t)bytes < 0)
		return -EINVAL;
	return run_transfer(transfer, &part, 1);
}

/* Parts that are looked at; the program's array may be bad memory. */
#define PARTS_AT_ONCE 8

long ioas_io_move_parts(const struct ioas_transfer *transfer,
                        const struct iovec *part, int parts)
{
	struct iovec some[PARTS_AT_ONCE];
	struct ioas_transfer rest = *transfer;
	long done = 0;
	long n, wanted;
	int i, count;

	if (parts < 0 || parts > IOV_MAX)
		return -EINVAL;
	for (; parts; part += count, parts -= count) {
		count = parts < PARTS_AT_ONCE ? parts : PARTS_AT_ONCE;
		if (ioas_hooks.copy(some, part, (size_t)count * sizeof(*part)))
			return done ? done : -EFAULT;
		n = run_transfer(&rest, some, count);
		if (n < 0)
			return done ? done : n;
		done += n;
		rest.position += n;
		for (wanted = 0, i = 0; i < count; i++)
			wanted += (long)some[i].iov_len;
		if (n < wanted)
			break;
	}
	return done;
}

long ioas_io_seek(int fd, int64_t offset, int whence)
{
	struct ioas_visit visit;
	long result = ioas_fd_enter(fd, &visit);

	if (result)
		return result;
	result = ioas_file_seek(visit.handle->file, offset, whence);
	ioas_fd_leave(&visit);
	return result;
}
