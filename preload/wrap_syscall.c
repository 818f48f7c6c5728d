/* SPDX-License-Identifier: MIT */
/*
 * The wrapper of syscall(2): a call by number of what is wrapped by name goes
 * the same way, and so reaches files of ours. What is not in the table goes to
 * the kernel as it is.
 */
#include <errno.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "preload/paths.h"
/* Names are said here, to make the wrappers' from them; none is called. */
#define IOAS_PRELOAD_NO_POISON
#include "preload/wrap.h"

#define ARGUMENTS 6

/* One call: its wrapper with arguments a[0], a[1], ... */
#define CALL(name, ...)                                     \
	static long call_##name(const long *a)              \
	{                                                   \
		return (long)ioas_wrap_##name(__VA_ARGS__); \
	}

#define TEXT(i)  ((const char *)a[i])
#define WHERE(i) ((void *)a[i])
#define INT(i)   ((int)a[i])
#define SIZE(i)  ((size_t)a[i])

CALL(openat, INT(0), TEXT(1), INT(2), (mode_t)a[3])
CALL(close, INT(0))
CALL(ioctl, INT(0), (unsigned long)a[1], a[2])
CALL(read, INT(0), WHERE(1), SIZE(2))
CALL(write, INT(0), WHERE(1), SIZE(2))
CALL(pread64, INT(0), WHERE(1), SIZE(2), a[3])
CALL(pwrite64, INT(0), WHERE(1), SIZE(2), a[3])
CALL(readv, INT(0), WHERE(1), INT(2))
CALL(writev, INT(0), WHERE(1), INT(2))
CALL(preadv, INT(0), WHERE(1), INT(2), a[3])
CALL(pwritev, INT(0), WHERE(1), INT(2), a[3])
CALL(lseek, INT(0), a[1], INT(2))
CALL(mmap, WHERE(0), SIZE(1), INT(2), INT(3), INT(4), a[5])
CALL(munmap, WHERE(0), SIZE(1))
CALL(mremap, WHERE(0), SIZE(1), SIZE(2), INT(3), WHERE(4))
CALL(mprotect, WHERE(0), SIZE(1), INT(2))
CALL(madvise, WHERE(0), SIZE(1), INT(2))
CALL(mlockall, INT(0))
CALL(shmdt, WHERE(0))
CALL(process_madvise, INT(0), WHERE(1), SIZE(2), INT(3), (unsigned int)a[4])
CALL(truncate, TEXT(0), a[1])
CALL(ftruncate, INT(0), a[1])
CALL(fallocate, INT(0), INT(1), a[2], a[3])
CALL(dup, INT(0))
CALL(dup3, INT(0), INT(1), INT(2))
CALL(fcntl, INT(0), INT(1), a[2])
CALL(close_range, (unsigned int)a[0], (unsigned int)a[1], INT(2))
CALL(statfs, TEXT(0), WHERE(1))
CALL(fstatfs, INT(0), WHERE(1))
CALL(fstat, INT(0), WHERE(1))
CALL(fstatat, INT(0), TEXT(1), WHERE(2), INT(3))
CALL(statx, INT(0), TEXT(1), INT(2), (unsigned int)a[3], WHERE(4))
CALL(readlinkat, INT(0), TEXT(1), WHERE(2), SIZE(3))
CALL(chdir, TEXT(0))
CALL(fchdir, INT(0))

static long call_faccessat(const long *a)
{
	return ioas_wrap_faccessat(INT(0), TEXT(1), INT(2), 0);
}

static long call_faccessat2(const long *a)
{
	return ioas_wrap_faccessat(INT(0), TEXT(1), INT(2), INT(3));
}

/* How a path is resolved (RESOLVE_*) makes no difference in the tree. */
static long call_openat2(const long *a)
{
	const struct open_how *how = WHERE(2);
	struct ioas_found found;

	if (!ioas_path_maybe_at(INT(0), TEXT(1)) || SIZE(3) < sizeof(*how) ||
	    !ioas_path_find_at(INT(0), TEXT(1), !(how->flags & O_NOFOLLOW),
	                       &found))
		return ioas_real_syscall()(SYS_openat2, a[0], a[1], a[2], a[3],
		                           0L, 0L);
	return ioas_result(ioas_path_open(&found, (int)how->flags));
}

static long call_exit_group(const long *a)
{
	ioas_wrap__exit(INT(0));
	return 0;
}

#ifdef SYS_open
CALL(open, TEXT(0), INT(1), (mode_t)a[2])
CALL(stat, TEXT(0), WHERE(1))
CALL(lstat, TEXT(0), WHERE(1))
CALL(access, TEXT(0), INT(1))
CALL(readlink, TEXT(0), WHERE(1), SIZE(2))
CALL(dup2, INT(0), INT(1))
#endif

static long call_shmat(const long *a)
{
	return (long)ioas_wrap_shmat(INT(0), WHERE(1), INT(2));
}

typedef long call_fn(const long *a);

static call_fn *const calls[] = {
	[SYS_openat] = call_openat,
	[SYS_openat2] = call_openat2,
	[SYS_close] = call_close,
	[SYS_ioctl] = call_ioctl,
	[SYS_read] = call_read,
	[SYS_write] = call_write,
	[SYS_pread64] = call_pread64,
	[SYS_pwrite64] = call_pwrite64,
	[SYS_readv] = call_readv,
	[SYS_writev] = call_writev,
	[SYS_preadv] = call_preadv,
	[SYS_pwritev] = call_pwritev,
	[SYS_lseek] = call_lseek,
	[SYS_mmap] = call_mmap,
	[SYS_munmap] = call_munmap,
	[SYS_mremap] = call_mremap,
	[SYS_mprotect] = call_mprotect,
	[SYS_madvise] = call_madvise,
	[SYS_mlockall] = call_mlockall,
	[SYS_shmat] = call_shmat,
	[SYS_shmdt] = call_shmdt,
	[SYS_process_madvise] = call_process_madvise,
	[SYS_truncate] = call_truncate,
	[SYS_statfs] = call_statfs,
	[SYS_fstatfs] = call_fstatfs,
	[SYS_ftruncate] = call_ftruncate,
	[SYS_fallocate] = call_fallocate,
	[SYS_dup] = call_dup,
	[SYS_dup3] = call_dup3,
	[SYS_fcntl] = call_fcntl,
	[SYS_close_range] = call_close_range,
	[SYS_fstat] = call_fstat,
	[SYS_newfstatat] = call_fstatat,
	[SYS_statx] = call_statx,
	[SYS_readlinkat] = call_readlinkat,
	[SYS_faccessat] = call_faccessat,
	[SYS_faccessat2] = call_faccessat2,
	[SYS_chdir] = call_chdir,
	[SYS_fchdir] = call_fchdir,
	[SYS_exit_group] = call_exit_group,
#ifdef SYS_open
	[SYS_open] = call_open,
	[SYS_stat] = call_stat,
	[SYS_lstat] = call_lstat,
	[SYS_access] = call_access,
	[SYS_readlink] = call_readlink,
	[SYS_dup2] = call_dup2,
#endif
};

long ioas_wrap_syscall(long number, ...)
{
	long a[ARGUMENTS];
	va_list more;
	unsigned int i;

	/* There or not: an argument that is not, is not looked at. */
	va_start(more, number);
	for (i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(more, long);
	va_end(more);
	if (number >= 0 && number < (long)IOAS_ARRAY_SIZE(calls) &&
	    calls[number])
		return calls[number](a);
	return ioas_real_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
