/* SPDX-License-Identifier: MIT */
/*
 * Where relative paths begin: descriptors and the current directory.
 *
 * An open file or directory of the tree is a memfd whose name carries its path:
 *
 *	/proc/self/fd/N -> /memfd:ioas-tree:/sys/bus/pci (deleted)
 *
 * so it says itself what it is, also when it was duplicated, and a child has
 * it as well. A directory above the tree (/dev, /sys) is opened as it is. Of
 * both kinds a bit is set by descriptor number, so that every other descriptor
 * costs one load. A bit can outlive its descriptor; it only asks for a look.
 *
 * The current directory is a text, when it is in the tree or above it. The
 * real one is then a place where nothing can be made or removed, so that calls
 * that are not wrapped do not reach files of the directory before. A program
 * that is executed there finds the text in PWD, which shells keep.
 */
#ifndef IOAS_PRELOAD_PLACES_H
#define IOAS_PRELOAD_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic.h"
#include "preload/fds.h"
#include "preload/paths.h"

#define IOAS_PLACE_BITS 32

extern struct ioas_a32 ioas_place_bits[IOAS_FD_NR / IOAS_PLACE_BITS];
extern struct ioas_aptr ioas_place_current; /* const char *, or NULL */

/* Nearly always false; true asks for a closer look. */
static inline bool ioas_place_maybe(int fd)
{
	unsigned int n = (unsigned int)fd;

	/* Pairs with the update in places.c. */
	return n < IOAS_FD_NR &&
	       __builtin_expect(
		       ioas_a32_load(&ioas_place_bits[n / IOAS_PLACE_BITS]) >>
				       n % IOAS_PLACE_BITS &
			       1,
		       0);
}

/* The current directory, when it is in the tree or above it, or NULL. */
static inline const char *ioas_place_directory(void)
{
	/* Pairs with the store in places.c: the text is whole. */
	return ioas_aptr_load(&ioas_place_current);
}

void ioas_place_mark(int fd, bool marked);
/* @copy is a duplicate of @fd; either may be negative. Returns @copy. */
int ioas_place_share(int fd, int copy);

/*
 * The path behind a marked descriptor, and in ret_ours whether it is in the
 * tree, not above it. False: neither.
 */
bool ioas_place_path(int fd, char ret_path[IOAS_PATH_ROOM], bool *ret_ours);
/*
 * @path, seen from @dir (AT_FDCWD: the current directory), as an absolute one.
 * False: it does not begin in a place of ours, or is too long.
 */
bool ioas_place_join(int dir, const char *path, char ret_path[IOAS_PATH_ROOM]);

/*
 * A link that was read: when it is that of a descriptor of ours, what Linux
 * would show comes in its place. Returns the bytes that it has then.
 */
long ioas_place_shown(char *link, long bytes);

/*
 * lseek(2) of a marked descriptor. What a file of sysfs has in it is less than
 * its size, and cp(1) asks where its holes are.
 */
long ioas_place_seek(int fd, int64_t at, int whence);

/* A memfd with the name of a path, empty and not marked, or -errno. */
long ioas_place_make(const char *path, int flags);
/* What reads find in it. Return: bytes, or -errno; of -EFBIG it complains. */
long ioas_place_fill(int fd, const char *content, long bytes);
/* A descriptor of a file or directory of the tree, or -errno. */
long ioas_place_open(const struct ioas_found *found, int flags);

/* chdir(2), of a path that is maybe ours; fchdir(2) of a marked descriptor. */
long ioas_place_change(const char *path);
long ioas_place_change_to(int fd);
/* After a change to a directory that is not ours. */
void ioas_place_left(void);

/* At load. */
void ioas_places_begin(void);

#endif /* IOAS_PRELOAD_PLACES_H */
