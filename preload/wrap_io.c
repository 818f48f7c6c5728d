/* SPDX-License-Identifier: MIT */
/* Wrappers of ioctl, read, write and lseek, with all their forms. */
#include <errno.h>
#include <stdarg.h>

#include "preload/fds.h"
#include "preload/io.h"
#include "preload/places.h"
#include "preload/setting.h"
#include "preload/sites.h"
#include "preload/wrap.h"

/* Linux 7.3 include/uapi/linux/vfio.h: VFIO_TYPE, in bits 8 to 15 */
#define VFIO_TYPE ';'

static bool of_vfio(unsigned long command)
{
	return IOAS_UNLIKELY((command >> 8 & 0xff) == VFIO_TYPE);
}

/* A file of the tree that can be written: answer. */
#define ANSWER_SETTING(fd, part, parts)                               \
	do {                                                          \
		ssize_t done;                                         \
                                                                      \
		if (IOAS_UNLIKELY(ioas_setting_maybe(fd)) &&          \
		    ioas_setting_write((fd), (part), (parts), &done)) \
			return ioas_result(done);                     \
	} while (0)

#define ONE_PART(buffer, bytes) \
	(&(struct iovec){(void *)(uintptr_t)(buffer), (bytes)})

int ioas_wrap_ioctl(int fd, unsigned long command, ...)
{
	va_list more;
	unsigned long argument;
	long lost;

	va_start(more, command);
	argument = va_arg(more, unsigned long);
	va_end(more);
	if (IOAS_UNLIKELY(!ioas_fd_foreign(fd))) {
		if (ioas_io_unmaps_nothing(fd, command, argument))
			return 0;
		IOAS_SITE_ENTRY;
		return (int)ioas_result(ioas_io_ioctl(fd, command, argument));
	}
	lost = of_vfio(command) ? ioas_fd_lost(fd) : 0;
	if (lost)
		return (int)ioas_result(lost);
	return ioas_real_ioctl()(fd, command, argument);
}

static ssize_t move(const struct ioas_transfer *transfer, const void *buffer,
                    size_t bytes)
{
	struct uaddr at = {(uintptr_t)buffer};

	return ioas_result(ioas_io_move(transfer, at, bytes));
}

static ssize_t read_own(int fd, void *buffer, size_t bytes)
{
	struct ioas_transfer transfer = {.fd = fd, .at_position = true};

	return move(&transfer, buffer, bytes);
}

static ssize_t read_at(int fd, void *buffer, size_t bytes, off64_t at)
{
	struct ioas_transfer transfer = {.fd = fd, .position = at};

	return move(&transfer, buffer, bytes);
}

static ssize_t write_at(int fd, const void *buffer, size_t bytes, off64_t at)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .position = at};

	return move(&transfer, buffer, bytes);
}

ssize_t ioas_wrap_read(int fd, void *buffer, size_t bytes)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_read()(fd, buffer, bytes);
	return read_own(fd, buffer, bytes);
}

ssize_t ioas_wrap___read_chk(int fd, void *buffer, size_t bytes, size_t size)
{
	/* What is too large for its buffer is the real one's to report. */
	if (IOAS_LIKELY(ioas_fd_foreign(fd)) || bytes > size)
		return ioas_real___read_chk()(fd, buffer, bytes, size);
	return read_own(fd, buffer, bytes);
}

ssize_t ioas_wrap_write(int fd, const void *buffer, size_t bytes)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .at_position = true};

	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, ONE_PART(buffer, bytes), 1);
		return ioas_real_write()(fd, buffer, bytes);
	}
	return move(&transfer, buffer, bytes);
}

ssize_t ioas_wrap_pread(int fd, void *buffer, size_t bytes, off_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_pread()(fd, buffer, bytes, at);
	return read_at(fd, buffer, bytes, at);
}

ssize_t ioas_wrap_pread64(int fd, void *buffer, size_t bytes, off64_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_pread64()(fd, buffer, bytes, at);
	return read_at(fd, buffer, bytes, at);
}

ssize_t ioas_wrap___pread_chk(int fd, void *buffer, size_t bytes, off_t at,
                              size_t size)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)) || bytes > size)
		return ioas_real___pread_chk()(fd, buffer, bytes, at, size);
	return read_at(fd, buffer, bytes, at);
}

ssize_t ioas_wrap___pread64_chk(int fd, void *buffer, size_t bytes, off64_t at,
                                size_t size)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)) || bytes > size)
		return ioas_real___pread64_chk()(fd, buffer, bytes, at, size);
	return read_at(fd, buffer, bytes, at);
}

ssize_t ioas_wrap_pwrite(int fd, const void *buffer, size_t bytes, off_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		if (at >= 0)
			ANSWER_SETTING(fd, ONE_PART(buffer, bytes), 1);
		return ioas_real_pwrite()(fd, buffer, bytes, at);
	}
	return write_at(fd, buffer, bytes, at);
}

ssize_t ioas_wrap_pwrite64(int fd, const void *buffer, size_t bytes, off64_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		if (at >= 0)
			ANSWER_SETTING(fd, ONE_PART(buffer, bytes), 1);
		return ioas_real_pwrite64()(fd, buffer, bytes, at);
	}
	return write_at(fd, buffer, bytes, at);
}

static ssize_t move_parts(const struct ioas_transfer *transfer,
                          const struct iovec *part, int parts)
{
	return ioas_result(ioas_io_move_parts(transfer, part, parts));
}

ssize_t ioas_wrap_readv(int fd, const struct iovec *part, int parts)
{
	struct ioas_transfer transfer = {.fd = fd, .at_position = true};

	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_readv()(fd, part, parts);
	return move_parts(&transfer, part, parts);
}

ssize_t ioas_wrap_writev(int fd, const struct iovec *part, int parts)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .at_position = true};

	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, part, parts);
		return ioas_real_writev()(fd, part, parts);
	}
	return move_parts(&transfer, part, parts);
}

static ssize_t readv_at(int fd, const struct iovec *part, int parts, off64_t at)
{
	struct ioas_transfer transfer = {.fd = fd, .position = at};

	return move_parts(&transfer, part, parts);
}

static ssize_t writev_at(int fd, const struct iovec *part, int parts,
                         off64_t at)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .position = at};

	return move_parts(&transfer, part, parts);
}

ssize_t ioas_wrap_preadv(int fd, const struct iovec *part, int parts, off_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_preadv()(fd, part, parts, at);
	return readv_at(fd, part, parts, at);
}

ssize_t ioas_wrap_preadv64(int fd, const struct iovec *part, int parts,
                           off64_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_preadv64()(fd, part, parts, at);
	return readv_at(fd, part, parts, at);
}

ssize_t ioas_wrap_pwritev(int fd, const struct iovec *part, int parts, off_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, part, parts);
		return ioas_real_pwritev()(fd, part, parts, at);
	}
	return writev_at(fd, part, parts, at);
}

ssize_t ioas_wrap_pwritev64(int fd, const struct iovec *part, int parts,
                            off64_t at)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, part, parts);
		return ioas_real_pwritev64()(fd, part, parts, at);
	}
	return writev_at(fd, part, parts, at);
}

/* No flag of these calls has a meaning for a device; -1: its own position. */
static ssize_t flagged(const struct ioas_transfer *asked,
                       const struct iovec *part, int parts, int flags)
{
	struct ioas_transfer transfer = *asked;

	if (flags)
		return ioas_result(-EOPNOTSUPP);
	transfer.at_position = transfer.position == -1;
	return move_parts(&transfer, part, parts);
}

ssize_t ioas_wrap_preadv2(int fd, const struct iovec *part, int parts, off_t at,
                          int flags)
{
	struct ioas_transfer transfer = {.fd = fd, .position = at};

	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_preadv2()(fd, part, parts, at, flags);
	return flagged(&transfer, part, parts, flags);
}

ssize_t ioas_wrap_preadv64v2(int fd, const struct iovec *part, int parts,
                             off64_t at, int flags)
{
	struct ioas_transfer transfer = {.fd = fd, .position = at};

	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_real_preadv64v2()(fd, part, parts, at, flags);
	return flagged(&transfer, part, parts, flags);
}

ssize_t ioas_wrap_pwritev2(int fd, const struct iovec *part, int parts,
                           off_t at, int flags)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .position = at};

	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, part, parts);
		return ioas_real_pwritev2()(fd, part, parts, at, flags);
	}
	return flagged(&transfer, part, parts, flags);
}

ssize_t ioas_wrap_pwritev64v2(int fd, const struct iovec *part, int parts,
                              off64_t at, int flags)
{
	struct ioas_transfer transfer = {
		.fd = fd, .to_device = true, .position = at};

	if (IOAS_LIKELY(ioas_fd_foreign(fd))) {
		ANSWER_SETTING(fd, part, parts);
		return ioas_real_pwritev64v2()(fd, part, parts, at, flags);
	}
	return flagged(&transfer, part, parts, flags);
}

off_t ioas_wrap_lseek(int fd, off_t at, int whence)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd) && !ioas_place_maybe(fd)))
		return ioas_real_lseek()(fd, at, whence);
	if (ioas_fd_foreign(fd))
		return ioas_result(ioas_place_seek(fd, at, whence));
	return ioas_result(ioas_io_seek(fd, at, whence));
}

off64_t ioas_wrap_lseek64(int fd, off64_t at, int whence)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd) && !ioas_place_maybe(fd)))
		return ioas_real_lseek64()(fd, at, whence);
	if (ioas_fd_foreign(fd))
		return ioas_result(ioas_place_seek(fd, at, whence));
	return ioas_result(ioas_io_seek(fd, at, whence));
}
