/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what takes a path: open, readlink, realpath, access; and of the
 * current directory.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "preload/fds.h"
#include "preload/paths.h"
#include "preload/places.h"
#include "preload/setting.h"
#include "preload/wrap.h"

/* The mode of open(2), which is there only when a file may be made. */
#define OPEN_MODE(mode, flags)                                              \
	do {                                                                \
		va_list more;                                               \
                                                                            \
		if (!((flags)&O_CREAT) && ((flags)&O_TMPFILE) != O_TMPFILE) \
			break;                                              \
		va_start(more, flags);                                      \
		(mode) = va_arg(more, mode_t);                              \
		va_end(more);                                               \
	} while (0)

/*
 * Ours: true, with the result. Not ours: false, with the path to open; it
 * differs from the one given where a link of ours leads out, and is then in
 * @found.
 */
static bool open_ours(int dir, const char *path, int flags,
                      struct ioas_found *found, int *ret_fd)
{
	if (!ioas_path_find_at(dir, path, !(flags & O_NOFOLLOW), found))
		return false;
	*ret_fd = (int)ioas_result(ioas_path_open(found, flags));
	return true;
}

/* A real directory above the tree: relative paths from it may lead there. */
static int opened(const struct ioas_found *found, int fd)
{
	if (fd >= 0 && found->entry.kind == IOAS_ENTRY_ABOVE)
		ioas_place_mark(fd, true);
	return fd;
}

int ioas_wrap_open(const char *path, int flags, ...)
{
	struct ioas_found found;
	mode_t mode = 0;
	int fd;

	OPEN_MODE(mode, flags);
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_open()(path, flags, mode);
	if (open_ours(AT_FDCWD, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real_open()(found.use, flags, mode));
}

int ioas_wrap_open64(const char *path, int flags, ...)
{
	struct ioas_found found;
	mode_t mode = 0;
	int fd;

	OPEN_MODE(mode, flags);
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_open64()(path, flags, mode);
	if (open_ours(AT_FDCWD, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real_open64()(found.use, flags, mode));
}

int ioas_wrap_openat(int dir, const char *path, int flags, ...)
{
	struct ioas_found found;
	mode_t mode = 0;
	int fd;

	OPEN_MODE(mode, flags);
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real_openat()(dir, path, flags, mode);
	if (open_ours(dir, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real_openat()(dir, found.use, flags, mode));
}

int ioas_wrap_openat64(int dir, const char *path, int flags, ...)
{
	struct ioas_found found;
	mode_t mode = 0;
	int fd;

	OPEN_MODE(mode, flags);
	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real_openat64()(dir, path, flags, mode);
	if (open_ours(dir, path, flags, &found, &fd))
		return fd;
	return opened(&found,
	              ioas_real_openat64()(dir, found.use, flags, mode));
}

int ioas_wrap___open_2(const char *path, int flags)
{
	struct ioas_found found;
	int fd;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___open_2()(path, flags);
	if (open_ours(AT_FDCWD, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real___open_2()(found.use, flags));
}

int ioas_wrap___open64_2(const char *path, int flags)
{
	struct ioas_found found;
	int fd;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real___open64_2()(path, flags);
	if (open_ours(AT_FDCWD, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real___open64_2()(found.use, flags));
}

int ioas_wrap___openat_2(int dir, const char *path, int flags)
{
	struct ioas_found found;
	int fd;

	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real___openat_2()(dir, path, flags);
	if (open_ours(dir, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real___openat_2()(dir, found.use, flags));
}

int ioas_wrap___openat64_2(int dir, const char *path, int flags)
{
	struct ioas_found found;
	int fd;

	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real___openat64_2()(dir, path, flags);
	if (open_ours(dir, path, flags, &found, &fd))
		return fd;
	return opened(&found, ioas_real___openat64_2()(dir, found.use, flags));
}

/* fopen(3), of an entry that is ours. */
static FILE *open_stream(const struct ioas_found *found, const char *mode)
{
	int flags = strchr(mode, '+') ? O_RDWR
	            : mode[0] == 'r'  ? O_RDONLY
	                              : O_WRONLY;
	long fd;
	FILE *stream;

	if (strchr(mode, 'e'))
		flags |= O_CLOEXEC;
	/* What it writes must be told from what was there to be read. */
	if (found->entry.writable)
		flags |= O_TRUNC;
	fd = ioas_result(ioas_path_open(found, flags));
	if (fd < 0)
		return NULL;
	stream = fdopen((int)fd, mode);
	if (!stream)
		ioas_fd_close((int)fd);
	return stream;
}

FILE *ioas_wrap_fopen(const char *path, const char *mode)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_fopen()(path, mode);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_fopen()(found.use, mode);
	return open_stream(&found, mode);
}

FILE *ioas_wrap_fopen64(const char *path, const char *mode)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_fopen64()(path, mode);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_fopen64()(found.use, mode);
	return open_stream(&found, mode);
}

/*
 * The C library closes it by a call that does not come by here. Return: 0, or
 * the -errno of what was written to it as a file of the tree.
 */
static long leave(FILE *stream)
{
	int fd = stream ? fileno_unlocked(stream) : -1;
	long err = 0;

	if (fd >= 0 && !ioas_fd_foreign(fd))
		ioas_fd_forget(fd);
	if (IOAS_UNLIKELY(fd >= 0 && ioas_setting_maybe(fd))) {
		err = ioas_setting_settle_stream(stream);
		ioas_place_mark(fd, false);
	}
	return err;
}

/*
 * freopen(3), to an entry that is ours: the stream is opened for something
 * else, and its descriptor then made one of ours.
 */
static FILE *reopen_stream(const struct ioas_found *found, const char *mode,
                           FILE *stream)
{
	FILE *source = open_stream(found, mode);
	int cloexec = strchr(mode, 'e') ? O_CLOEXEC : 0;
	int error = errno;

	if (!source) {
		ioas_real_fclose()(stream);
		ioas_result(-error);
		return NULL;
	}
	stream = ioas_real_freopen()("/dev/null", mode, stream);
	if (stream && ioas_wrap_dup3(fileno_unlocked(source),
	                             fileno_unlocked(stream), cloexec) < 0) {
		ioas_real_fclose()(stream);
		stream = NULL;
	}
	ioas_wrap_fclose(source);
	return stream;
}

FILE *ioas_wrap_freopen(const char *path, const char *mode, FILE *stream)
{
	struct ioas_found found;

	leave(stream);
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_freopen()(path, mode, stream);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_freopen()(found.use, mode, stream);
	return reopen_stream(&found, mode, stream);
}

FILE *ioas_wrap_freopen64(const char *path, const char *mode, FILE *stream)
{
	struct ioas_found found;

	leave(stream);
	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_freopen64()(path, mode, stream);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_freopen64()(found.use, mode, stream);
	return reopen_stream(&found, mode, stream);
}

int ioas_wrap_fclose(FILE *stream)
{
	long err = leave(stream);
	int result = ioas_real_fclose()(stream);

	return result || !err ? result : (int)ioas_result(err);
}

/* What a stream writes goes by the C library's own call. */
int ioas_wrap_fflush(FILE *stream)
{
	int result = ioas_real_fflush()(stream);
	long err;

	if (!stream || IOAS_LIKELY(!ioas_a32_load_relaxed(&ioas_settings)))
		return result;
	err = ioas_setting_settle_stream(stream);
	if (!err)
		return result;
	/* ferror(3) is what some programs ask. */
	stream->_flags |= _IO_ERR_SEEN;
	return (int)ioas_result(err);
}

/* Of other processes the system tells. */
static ssize_t shown(const char *path, char *buffer, ssize_t bytes)
{
	static const char own[] = "/proc/self/fd/";

	if (IOAS_LIKELY(bytes <= 0 || strncmp(path, own, sizeof(own) - 1) != 0))
		return bytes;
	return ioas_place_shown(buffer, bytes);
}

ssize_t ioas_wrap_readlink(const char *path, char *buffer, size_t room)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return shown(path, buffer,
		             ioas_real_readlink()(path, buffer, room));
	if (!ioas_path_find(path, false, &found))
		return shown(path, buffer,
		             ioas_real_readlink()(found.use, buffer, room));
	return ioas_result(ioas_path_readlink(&found, buffer, room));
}

ssize_t ioas_wrap_readlinkat(int dir, const char *path, char *buffer,
                             size_t room)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return shown(path, buffer,
		             ioas_real_readlinkat()(dir, path, buffer, room));
	if (!ioas_path_find_at(dir, path, false, &found))
		return shown(
			path, buffer,
			ioas_real_readlinkat()(dir, found.use, buffer, room));
	return ioas_result(ioas_path_readlink(&found, buffer, room));
}

ssize_t ioas_wrap___readlink_chk(const char *path, char *buffer, size_t room,
                                 size_t size)
{
	struct ioas_found found;

	/* A room that is too large is the real one's to report. */
	if (IOAS_LIKELY(room > size || !ioas_path_maybe(path)))
		return shown(
			path, buffer,
			ioas_real___readlink_chk()(path, buffer, room, size));
	if (!ioas_path_find(path, false, &found))
		return shown(path, buffer,
		             ioas_real___readlink_chk()(found.use, buffer, room,
		                                        size));
	return ioas_result(ioas_path_readlink(&found, buffer, room));
}

ssize_t ioas_wrap___readlinkat_chk(int dir, const char *path, char *buffer,
                                   size_t room, size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(room > size || !ioas_path_maybe_at(dir, path)))
		return shown(path, buffer,
		             ioas_real___readlinkat_chk()(dir, path, buffer,
		                                          room, size));
	if (!ioas_path_find_at(dir, path, false, &found))
		return shown(path, buffer,
		             ioas_real___readlinkat_chk()(dir, found.use,
		                                          buffer, room, size));
	return ioas_result(ioas_path_readlink(&found, buffer, room));
}

/* realpath(3), of an entry that is ours. */
static char *give_path(const struct ioas_found *found, char *resolved)
{
	char *copy;

	if (found->entry.kind == IOAS_ENTRY_MISSING) {
		ioas_result(-ENOENT);
		return NULL;
	}
	copy = resolved ? strcpy(resolved, found->path) : strdup(found->path);
	return copy;
}

char *ioas_wrap_realpath(const char *path, char *resolved)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_realpath()(path, resolved);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_realpath()(found.use, resolved);
	return give_path(&found, resolved);
}

char *ioas_wrap___realpath_chk(const char *path, char *resolved, size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(size < PATH_MAX || !ioas_path_maybe(path)))
		return ioas_real___realpath_chk()(path, resolved, size);
	if (!ioas_path_find(path, true, &found))
		return ioas_real___realpath_chk()(found.use, resolved, size);
	return give_path(&found, resolved);
}

char *ioas_wrap_canonicalize_file_name(const char *path)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_canonicalize_file_name()(path);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_canonicalize_file_name()(found.use);
	return give_path(&found, NULL);
}

int ioas_wrap_access(const char *path, int mode)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_access()(path, mode);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_access()(found.use, mode);
	return (int)ioas_result(ioas_path_access(&found, mode));
}

int ioas_wrap_eaccess(const char *path, int mode)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_eaccess()(path, mode);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_eaccess()(found.use, mode);
	return (int)ioas_result(ioas_path_access(&found, mode));
}

int ioas_wrap_euidaccess(const char *path, int mode)
{
	return ioas_wrap_eaccess(path, mode);
}

int ioas_wrap_faccessat(int dir, const char *path, int mode, int flags)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))
		return ioas_real_faccessat()(dir, path, mode, flags);
	if (!ioas_path_find_at(dir, path, !(flags & AT_SYMLINK_NOFOLLOW),
	                       &found))
		return ioas_real_faccessat()(dir, found.use, mode, flags);
	return (int)ioas_result(ioas_path_access(&found, mode));
}
