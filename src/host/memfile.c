/* SPDX-License-Identifier: MIT */
/*
 * Files that are memory. Where a filter refuses memfd_create(2), one without a
 * name in a file system of memory, or else of temporary files, does the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "host/host.h"

/* Who can reach one of these by a name can reach nothing else through it. */
#define MODE 0600

static const char *const folders[] = {"/dev/shm", "/tmp", "/var/tmp"};

#define TRIES 16 /* names that another one has already */

static long open_unlinked(const char *folder, const char *name, int flags)
{
	static struct ioas_a32 last;
	char path[PATH_MAX];
	unsigned int try;
	long fd = -EEXIST;

	for (try = 0; try < TRIES && fd == -EEXIST; try++) {
		/* A number that nobody else of the process has. */
		snprintf(path, sizeof(path), "%s/%s-%ld-%u", folder, name,
		         ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0),
		         ioas_a32_add(&last, 1));
		fd = ioas_sys(SYS_openat, AT_FDCWD, (long)path,
		              O_RDWR | O_CREAT | O_EXCL | flags, MODE, 0, 0);
	}
	if (fd >= 0)
		ioas_sys(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
	return fd;
}

static bool is_refused(long error)
{
	return error == -ENOSYS || error == -EPERM || error == -EACCES;
}

long ioas_host_memory_file(const char *name, int flags)
{
	long fd = ioas_sys(SYS_memfd_create, (long)name,
	                   flags & O_CLOEXEC ? MFD_CLOEXEC : 0, 0, 0, 0, 0);
	unsigned int i;
	long other;

	for (i = 0; is_refused(fd) && i < IOAS_ARRAY_SIZE(folders); i++) {
		other = open_unlinked(folders[i], name, flags & O_CLOEXEC);
		if (other >= 0 || other == -EMFILE || other == -ENFILE)
			fd = other;
	}
	return fd;
}

long ioas_host_memory_grow(int fd, uint64_t bytes)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	ioas_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0);
	if (bytes > limit.rlim_cur)
		return -EFBIG;
	return ioas_sys(SYS_ftruncate, fd, (long)bytes, 0, 0, 0, 0);
}
