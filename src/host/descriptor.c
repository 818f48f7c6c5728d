/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of ours, which the program does not know.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "host/members.h"

void (*ioas_host_internal_fd)(int fd, bool internal);

long ioas_host_take_own(long fd)
{
	if (fd >= 0 && ioas_host_internal_fd)
		ioas_host_internal_fd((int)fd, true);
	return fd;
}

long ioas_host_open_own(const char *path)
{
	return ioas_host_take_own(ioas_sys(SYS_openat, AT_FDCWD, (long)path,
	                                   O_RDONLY | O_CLOEXEC, 0, 0, 0));
}

void ioas_host_close_own(long fd)
{
	if (fd < 0)
		return;
	if (ioas_host_internal_fd)
		ioas_host_internal_fd((int)fd, false);
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}
