/* SPDX-License-Identifier: MIT */
/*
 * Paths that lead to a synthetic entry of the machine. Nearly every path does
 * not, and a look at its first bytes tells. A relative path can when it begins
 * in a place of ours (places.h).
 */
#ifndef IOAS_PRELOAD_PATHS_H
#define IOAS_PRELOAD_PATHS_H

#include <stdbool.h>
#include <sys/types.h>

#include "machine/machine.h"
#include "uapi/vfio.h"

#define IOAS_PATH_ROOM 256 /* a longer path is real */

struct ioas_found {
	struct ioas_entry entry;
	const char *use; /* when it is not ours: the path to ask for */
	/* Without links, where it leads. Programs call from small stacks. */
	char path[IOAS_PATH_ROOM];
	char joined[IOAS_PATH_ROOM]; /* a relative path, made absolute */
};

/* Cheap; false: certainly real. NULL is. A relative path: seen from @dir. */
bool ioas_path_maybe(const char *path);
bool ioas_path_maybe_at(int dir, const char *path);

/*
 * What is there? With @follow a link at the end is followed, too.
 * Return: true, @ret_found->entry is ours, also when MISSING; or false, and
 * the real system is to be asked for @ret_found->use, which is absolute or the
 * path as given. The entry is then NONE, or ABOVE with its path.
 */
bool ioas_path_find_at(int dir, const char *path, bool follow,
                       struct ioas_found *ret_found);
bool ioas_path_find(const char *path, bool follow,
                    struct ioas_found *ret_found);

/* open(2), of an entry that is ours. A descriptor or -errno. */
long ioas_path_open(const struct ioas_found *found, int flags);
/* access(2) with the rights of everybody. 0 or -errno. */
long ioas_path_access(const struct ioas_found *found, int mode);
/* readlink(2). Bytes or -errno. */
long ioas_path_readlink(const struct ioas_found *found, char *buffer,
                        size_t room);

/* What stat(2) says about it; the rest of a struct stat is 0. */
struct ioas_attributes {
	mode_t mode;
	dev_t rdev;
	ino_t inode;
	nlink_t links;
	off_t bytes;
};

/* The number of the entry at a path without links; it is one itself or not. */
ino_t ioas_path_inode(const char *path, bool link);

long ioas_path_attributes(const struct ioas_found *found,
                          struct ioas_attributes *ret_attributes);
/* The same for an open file. */
void ioas_file_attributes(const struct ioas_file *file,
                          struct ioas_attributes *ret_attributes);

#endif /* IOAS_PRELOAD_PATHS_H */
