/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of stat and its family. The forms with 64 and those that programs
 * built against an older C library import (__xstat) fill the same structure on
 * 64-bit Linux; a static assertion says so where it matters.
 */
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/types.h"
#include "host/host.h"
#include "preload/fds.h"
#include "preload/paths.h"
#include "preload/places.h"
#include "preload/wrap.h"

_Static_assert(sizeof(IOAS_STAT) == sizeof(IOAS_STAT64) &&
                       offsetof(IOAS_STAT, st_size) ==
                               offsetof(IOAS_STAT64, st_size),
               "one structure");

#define STAT_DEVICE makedev(0, 5) /* a file system without a disk */

static long page_bytes(void)
{
	return (long)getauxval(AT_PAGESZ);
}

static long identity(long number)
{
	return ioas_sys(number, 0, 0, 0, 0, 0, 0);
}

static void fill(const struct ioas_attributes *a, IOAS_STAT *st)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = STAT_DEVICE;
	st->st_ino = a->inode;
	st->st_mode = a->mode;
	st->st_nlink = a->links;
	st->st_rdev = a->rdev;
	st->st_size = a->bytes;
	/* Whoever runs the program may use it. */
	st->st_uid = (uid_t)identity(SYS_geteuid);
	st->st_gid = (gid_t)identity(SYS_getegid);
	st->st_blksize = (blksize_t)page_bytes();
}

static int fill_path(const struct ioas_found *found, void *st)
{
	struct ioas_attributes attributes;
	long err = ioas_path_attributes(found, &attributes);

	if (!err)
		fill(&attributes, st);
	return (int)ioas_result(err);
}

/* A file or directory of the tree that is open. */
static bool place_attributes(int fd, struct ioas_attributes *ret_attributes,
                             long *ret_err)
{
	char path[IOAS_PATH_ROOM];
	struct ioas_found found;
	bool ours;

	if (!ioas_place_path(fd, path, &ours) || !ours ||
	    !ioas_path_find(path, false, &found))
		return false;
	*ret_err = ioas_path_attributes(&found, ret_attributes);
	return true;
}

/* False: what the descriptor says itself is right (it is stale). */
static bool file_attributes(int fd, struct ioas_attributes *ret_attributes,
                            long *ret_err)
{
	struct ioas_visit visit;

	if (ioas_fd_foreign(fd))
		return place_attributes(fd, ret_attributes, ret_err);
	if (ioas_fd_kind(fd) == IOAS_FD_STALE)
		return false;
	*ret_err = ioas_fd_enter(fd, &visit);
	if (*ret_err)
		return true;
	ioas_file_attributes(visit.handle->file, ret_attributes);
	ioas_fd_leave(&visit);
	return true;
}

/* Nearly always: a descriptor with nothing of ours behind it. */
static bool is_real(int fd)
{
	return ioas_fd_foreign(fd) && !ioas_place_maybe(fd);
}

static bool fill_file(int fd, void *st, int *ret_result)
{
	struct ioas_attributes attributes;
	long err = 0;

	if (IOAS_LIKELY(is_real(fd)) || !file_attributes(fd, &attributes, &err))
		return false;
	if (!err)
		fill(&attributes, st);
	*ret_result = (int)ioas_result(err);
	return true;
}

/* A path, from the point where it can be ours: answer, or ask the real one. */
#define ANSWER_PATH(dir, path, follow, st, real)                        \
	do {                                                            \
		struct ioas_found found;                                \
                                                                        \
		if (ioas_path_find_at((dir), (path), (follow), &found)) \
			return fill_path(&found, (st));                 \
		(path) = found.use;                                     \
		return real;                                            \
	} while (0)

int ioas_wrap_stat(const char *path, IOAS_STAT *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_stat()(path, st);
	ANSWER_PATH(AT_FDCWD, path, true, st, ioas_real_stat()(path, st));
}

int ioas_wrap_stat64(const char *path, IOAS_STAT64 *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_stat64()(path, st);
	ANSWER_PATH(AT_FDCWD, path, true, st, ioas_real_stat64()(path, st));
}

int ioas_wrap_lstat(const char *path, IOAS_STAT *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_lstat()(path, st);
	ANSWER_PATH(AT_FDCWD, path, false, st, ioas_real_lstat()(path, st));
}

int ioas_wrap_lstat64(const char *path, IOAS_STAT64 *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_lstat64()(path, st);
	ANSWER_PATH(AT_FDCWD, path, false, st, ioas_real_lstat64()(path, st));
}

int ioas_wrap_fstat(int fd, IOAS_STAT *st)
{
	int result;

	return fill_file(fd, st, &result) ? result : ioas_real_fstat()(fd, st);
}

int ioas_wrap_fstat64(int fd, IOAS_STAT64 *st)
{
	int result;

	return fill_file(fd, st, &result) ? result
	                                  : ioas_real_fstat64()(fd, st);
}

/* fstatat(fd, "", AT_EMPTY_PATH) is fstat(fd). */
static bool means_descriptor(const char *path, int flags)
{
	return (flags & AT_EMPTY_PATH) && (!path || !*path);
}

int ioas_wrap_fstatat(int dir, const char *path, IOAS_STAT *st, int flags)
{
	int result;

	if (means_descriptor(path, flags) && fill_file(dir, st, &result))
		return result;
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real_fstatat()(dir, path, st, flags);
	ANSWER_PATH(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), st,
	            ioas_real_fstatat()(dir, path, st, flags));
}

int ioas_wrap_fstatat64(int dir, const char *path, IOAS_STAT64 *st, int flags)
{
	int result;

	if (means_descriptor(path, flags) && fill_file(dir, st, &result))
		return result;
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real_fstatat64()(dir, path, st, flags);
	ANSWER_PATH(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), st,
	            ioas_real_fstatat64()(dir, path, st, flags));
}

int ioas_wrap___xstat(int version, const char *path, IOAS_STAT *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___xstat()(version, path, st);
	ANSWER_PATH(AT_FDCWD, path, true, st,
	            ioas_real___xstat()(version, path, st));
}

int ioas_wrap___xstat64(int version, const char *path, IOAS_STAT64 *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___xstat64()(version, path, st);
	ANSWER_PATH(AT_FDCWD, path, true, st,
	            ioas_real___xstat64()(version, path, st));
}

int ioas_wrap___lxstat(int version, const char *path, IOAS_STAT *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___lxstat()(version, path, st);
	ANSWER_PATH(AT_FDCWD, path, false, st,
	            ioas_real___lxstat()(version, path, st));
}

int ioas_wrap___lxstat64(int version, const char *path, IOAS_STAT64 *st)
{
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___lxstat64()(version, path, st);
	ANSWER_PATH(AT_FDCWD, path, false, st,
	            ioas_real___lxstat64()(version, path, st));
}

int ioas_wrap___fxstat(int version, int fd, IOAS_STAT *st)
{
	int result;

	return fill_file(fd, st, &result)
	               ? result
	               : ioas_real___fxstat()(version, fd, st);
}

int ioas_wrap___fxstat64(int version, int fd, IOAS_STAT64 *st)
{
	int result;

	return fill_file(fd, st, &result)
	               ? result
	               : ioas_real___fxstat64()(version, fd, st);
}

int ioas_wrap___fxstatat(int version, int dir, const char *path, IOAS_STAT *st,
                         int flags)
{
	int result;

	if (means_descriptor(path, flags) && fill_file(dir, st, &result))
		return result;
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real___fxstatat()(version, dir, path, st, flags);
	ANSWER_PATH(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), st,
	            ioas_real___fxstatat()(version, dir, path, st, flags));
}

int ioas_wrap___fxstatat64(int version, int dir, const char *path,
                           IOAS_STAT64 *st, int flags)
{
	int result;

	if (means_descriptor(path, flags) && fill_file(dir, st, &result))
		return result;
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real___fxstatat64()(version, dir, path, st, flags);
	ANSWER_PATH(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), st,
	            ioas_real___fxstatat64()(version, dir, path, st, flags));
}

static void fill_extended(const struct ioas_attributes *a, IOAS_STATX *st)
{
	memset(st, 0, sizeof(*st));
	st->stx_mask = STATX_BASIC_STATS;
	st->stx_blksize = (uint32_t)page_bytes();
	st->stx_nlink = (uint32_t)a->links;
	st->stx_uid = (uint32_t)identity(SYS_geteuid);
	st->stx_gid = (uint32_t)identity(SYS_getegid);
	st->stx_mode = (uint16_t)a->mode;
	st->stx_ino = a->inode;
	st->stx_size = (uint64_t)a->bytes;
	st->stx_rdev_major = major(a->rdev);
	st->stx_rdev_minor = minor(a->rdev);
	st->stx_dev_major = major(STAT_DEVICE);
	st->stx_dev_minor = minor(STAT_DEVICE);
}

int ioas_wrap_statx(int dir, const char *path, int flags, unsigned int mask,
                    IOAS_STATX *st)
{
	struct ioas_attributes attributes;
	struct ioas_found found;
	long err = 0;

	found.use = path;
	if (means_descriptor(path, flags)) {
		if (is_real(dir) || !file_attributes(dir, &attributes, &err))
			return ioas_real_statx()(dir, path, flags, mask, st);
	} else if (ioas_path_maybe_at(dir, path) &&
	           ioas_path_find_at(dir, path, !(flags & AT_SYMLINK_NOFOLLOW),
	                             &found)) {
		err = ioas_path_attributes(&found, &attributes);
	} else {
		return ioas_real_statx()(dir, found.use, flags, mask, st);
	}
	if (!err)
		fill_extended(&attributes, st);
	return (int)ioas_result(err);
}
