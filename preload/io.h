/* SPDX-License-Identifier: MIT */
/*
 * Calls on files of ioas, without errno: what the wrappers of ioctl, read,
 * write and lseek do once they know that a descriptor is not foreign. Each
 * returns what the system call would, or -errno.
 */
#ifndef IOAS_PRELOAD_IO_H
#define IOAS_PRELOAD_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/types.h"

struct iovec;

long ioas_io_ioctl(int fd, unsigned long command, unsigned long argument);
/* Is that all there is to say? Then the answer is 0. No system call. */
bool ioas_io_unmaps_nothing(int fd, unsigned long command,
                            unsigned long argument);

struct ioas_transfer {
	int fd;
	bool to_device;
	bool at_position; /* the file's own, which moves */
	int64_t position;
};

long ioas_io_move(const struct ioas_transfer *transfer, struct uaddr buffer,
                  size_t bytes);
long ioas_io_move_parts(const struct ioas_transfer *transfer,
                        const struct iovec *part, int parts);
long ioas_io_seek(int fd, int64_t offset, int whence);

#endif /* IOAS_PRELOAD_IO_H */
