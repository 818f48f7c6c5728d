/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of statfs and its family. What is ours lies in the file system that
 * is at /sys or at /dev, and that one is asked; udev's library and others want
 * sysfs to say that it is sysfs, also where a container has none.
 */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "preload/fds.h"
#include "preload/paths.h"
#include "preload/places.h"
/* Names are said here, to make the wrappers' from them; none is called. */
#define IOAS_PRELOAD_NO_POISON
#include "preload/wrap.h"

static bool in_sys(const char *path)
{
	return !strncmp(path, "/sys/", 5);
}

static const char *root_of(const char *path)
{
	return in_sys(path) ? "/sys" : "/dev";
}

/* The path of an open file or directory of the tree. */
static bool place_of(int fd, char ret_path[IOAS_PATH_ROOM])
{
	bool ours;

	return IOAS_UNLIKELY(ioas_place_maybe(fd)) && ioas_fd_foreign(fd) &&
	       ioas_place_path(fd, ret_path, &ours) && ours;
}

/* One structure on 64-bit Linux. */
static void name_type(const char *path, IOAS_STATFS *st)
{
	if (in_sys(path))
		st->f_type = SYSFS_MAGIC;
}

static void name_type64(const char *path, IOAS_STATFS64 *st)
{
	if (in_sys(path))
		st->f_type = SYSFS_MAGIC;
}

/* This one does not say it. */
#define NAME_NONE(path, st) ((void)(path), (void)(st))

#define STATFS(name, type, name_it)                                      \
	static int answer_##name(const char *path, type *st)             \
	{                                                                \
		int err = ioas_real_##name()(root_of(path), st);         \
                                                                         \
		if (!err)                                                \
			name_it(path, st);                               \
		return err;                                              \
	}                                                                \
                                                                         \
	int ioas_wrap_##name(const char *path, type *st)                 \
	{                                                                \
		struct ioas_found found;                                 \
                                                                         \
		if (IOAS_LIKELY(!ioas_path_maybe(path)))                 \
			return ioas_real_##name()(path, st);             \
		if (!ioas_path_find(path, true, &found))                 \
			return ioas_real_##name()(found.use, st);        \
		if (found.entry.kind == IOAS_ENTRY_MISSING)              \
			return (int)ioas_result(-ENOENT);                \
		return answer_##name(found.path, st);                    \
	}                                                                \
                                                                         \
	int ioas_wrap_f##name(int fd, type *st)                          \
	{                                                                \
		char path[IOAS_PATH_ROOM];                               \
                                                                         \
		return place_of(fd, path) ? answer_##name(path, st)      \
		                          : ioas_real_f##name()(fd, st); \
	}

STATFS(statfs, IOAS_STATFS, name_type)
STATFS(statfs64, IOAS_STATFS64, name_type64)
STATFS(statvfs, IOAS_STATVFS, NAME_NONE)
STATFS(statvfs64, IOAS_STATVFS64, NAME_NONE)
