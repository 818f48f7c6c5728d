/* SPDX-License-Identifier: MIT */
/*
 * Directories of the tree, and real ones above it, as streams. A DIR of the C
 * library is opaque, so ours comes from a pool: the address tells whose it is,
 * without looking into it.
 *
 * A directory of the tree lists ".", "..", and then what the machine has in
 * it. A real one above lists what is really there, without what ours stands
 * in front of, then ours. A position is a number: of the real stream not
 * negative, of ours in a real one negative.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/paths.h"
#include "preload/places.h"
#include "preload/run.h"
#include "preload/wrap.h"

#define DIRS_MAX 64
#define DOTS     2

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
                       offsetof(struct dirent, d_name) ==
                               offsetof(struct dirent64, d_name),
               "one structure");

struct dir {
	struct ioas_a32 taken;
	/* One thread at a time, as for any DIR. */
	DIR *real;         /* of a directory above */
	bool real_ended;   /* now ours are listed */
	int fd;            /* of a directory of the tree, or -1 */
	unsigned int next; /* the dots, then the machine's position */
	char path[IOAS_PATH_ROOM];
	struct dirent64 entry;
};

static struct dir pool[DIRS_MAX];

static struct dir *own(DIR *dir)
{
	char *at = (char *)dir;

	if (at < (char *)pool || at >= (char *)(pool + DIRS_MAX))
		return NULL;
	return (struct dir *)(void *)at;
}

static struct dir *take(void)
{
	uint32_t seen;
	unsigned int i;

	for (i = 0; i < DIRS_MAX; i++) {
		seen = 0;
		/* Pairs with the store in closedir. */
		if (ioas_a32_cas(&pool[i].taken, &seen, 1))
			return &pool[i];
	}
	return NULL;
}

static void give_back(struct dir *d)
{
	/* Pairs with the cas in take(). */
	ioas_a32_store(&d->taken, 0);
}

/* ---- Names ---- */

static const unsigned char types[] = {
	[IOAS_ENTRY_ABOVE] = DT_DIR,     [IOAS_ENTRY_DIR] = DT_DIR,
	[IOAS_ENTRY_LINK] = DT_LNK,      [IOAS_ENTRY_FILE] = DT_REG,
	[IOAS_ENTRY_CONTAINER] = DT_CHR, [IOAS_ENTRY_GROUP] = DT_CHR,
};

static bool below(const struct dir *d, const char *name, char *ret_path)
{
	const char *slash = strcmp(d->path, "/") ? "/" : "";

	return snprintf(ret_path, IOAS_PATH_ROOM, "%s%s%s", d->path, slash,
	                name) < IOAS_PATH_ROOM;
}

static void put(struct dir *d, const char *name, unsigned char type)
{
	struct ioas_attributes attributes = {.inode = 1};
	char path[IOAS_PATH_ROOM];
	struct ioas_found found;

	/* The number that stat(2) says. */
	if (below(d, name, path) && ioas_path_find(path, false, &found))
		ioas_path_attributes(&found, &attributes);
	d->entry.d_ino = attributes.inode;
	d->entry.d_off = d->next;
	d->entry.d_reclen = sizeof(d->entry);
	d->entry.d_type = type;
	strcpy(d->entry.d_name, name);
}

static bool next_dot(struct dir *d)
{
	if (d->real || d->next >= DOTS)
		return false;
	d->next++;
	put(d, d->next == 1 ? "." : "..", DT_DIR);
	return true;
}

/* Of ours; what is above lists a real directory itself. */
static bool next_own(struct dir *d)
{
	const struct ioas_run *run = ioas_run();
	struct ioas_listed listed;
	struct ioas_entry entry;
	unsigned int position;

	if (next_dot(d))
		return true;
	if (!run)
		return false;
	ioas_machine_entry(run->machine, d->path, &entry);
	position = d->next < DOTS ? 0 : d->next - DOTS;
	do {
		if (!ioas_machine_list(run->machine, &entry, &position,
		                       &listed))
			return false;
		d->next = position + DOTS;
	} while (listed.kind == IOAS_ENTRY_ABOVE);
	put(d, listed.name, types[listed.kind]);
	return true;
}

/* Ours stands in front of what is really there. */
static bool is_hidden(const struct dir *d, const char *name)
{
	char path[IOAS_PATH_ROOM];
	struct ioas_found found;

	if (name[0] == '.' || !below(d, name, path))
		return false;
	return ioas_path_maybe(path) && ioas_path_find(path, false, &found);
}

static struct dirent64 *next_real(struct dir *d)
{
	struct dirent64 *entry;

	if (!d->real || d->real_ended)
		return NULL;
	do {
		entry = ioas_real_readdir64()(d->real);
	} while (entry && is_hidden(d, entry->d_name));
	d->real_ended = !entry;
	return entry;
}

static struct dirent64 *next(struct dir *d)
{
	struct dirent64 *entry = next_real(d);

	if (entry)
		return entry;
	return next_own(d) ? &d->entry : NULL;
}

/* ---- Streams ---- */

static DIR *opened(const char *path, DIR *real, int fd)
{
	struct dir *d = take();

	if (!d) {
		ioas_result(-EMFILE);
		return NULL;
	}
	d->real = real;
	d->real_ended = false;
	d->fd = fd;
	d->next = 0;
	strcpy(d->path, path);
	return (DIR *)(void *)d;
}

/* Real, and above the tree: with @path, the entries of ours are listed. */
static DIR *opened_above(const char *path, DIR *real)
{
	DIR *dir = real ? opened(path, real, -1) : NULL;

	if (real)
		ioas_place_mark(ioas_real_dirfd()(real), true);
	/* Too many of ours: then without them. */
	return dir ? dir : real;
}

DIR *ioas_wrap_opendir(const char *path)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_opendir()(path);
	if (!ioas_path_find(path, true, &found)) {
		DIR *real = ioas_real_opendir()(found.use);

		return found.entry.kind == IOAS_ENTRY_ABOVE
		               ? opened_above(found.path, real)
		               : real;
	}
	if (found.entry.kind != IOAS_ENTRY_DIR) {
		ioas_result(found.entry.kind == IOAS_ENTRY_MISSING ? -ENOENT
		                                                   : -ENOTDIR);
		return NULL;
	}
	return opened(found.path, NULL, -1);
}

DIR *ioas_wrap_fdopendir(int fd)
{
	char path[IOAS_PATH_ROOM];
	struct ioas_found found;
	bool ours;

	if (IOAS_LIKELY(!ioas_place_maybe(fd)) ||
	    !ioas_place_path(fd, path, &ours))
		return ioas_real_fdopendir()(fd);
	if (!ours)
		return ioas_path_maybe(path)
		               ? opened_above(path, ioas_real_fdopendir()(fd))
		               : ioas_real_fdopendir()(fd);
	if (!ioas_path_find(path, false, &found) ||
	    found.entry.kind != IOAS_ENTRY_DIR) {
		ioas_result(-ENOTDIR);
		return NULL;
	}
	return opened(path, NULL, fd);
}

struct dirent *ioas_wrap_readdir(DIR *dir)
{
	struct dir *d = own(dir);

	return d ? (struct dirent *)(void *)next(d) : ioas_real_readdir()(dir);
}

struct dirent64 *ioas_wrap_readdir64(DIR *dir)
{
	struct dir *d = own(dir);

	return d ? next(d) : ioas_real_readdir64()(dir);
}

static bool copy_next(struct dir *d, void *ret_entry)
{
	struct dirent64 *entry = next(d);

	if (entry)
		memcpy(ret_entry, entry, entry->d_reclen);
	return entry;
}

int ioas_wrap_readdir_r(DIR *dir, struct dirent *entry, struct dirent **result)
{
	struct dir *d = own(dir);

	if (!d)
		return ioas_real_readdir_r()(dir, entry, result);
	*result = copy_next(d, entry) ? entry : NULL;
	return 0;
}

int ioas_wrap_readdir64_r(DIR *dir, struct dirent64 *entry,
                          struct dirent64 **result)
{
	struct dir *d = own(dir);

	if (!d)
		return ioas_real_readdir64_r()(dir, entry, result);
	*result = copy_next(d, entry) ? entry : NULL;
	return 0;
}

long ioas_wrap_telldir(DIR *dir)
{
	struct dir *d = own(dir);

	if (!d)
		return ioas_real_telldir()(dir);
	if (d->real)
		return d->real_ended ? -1 - (long)d->next
		                     : ioas_real_telldir()(d->real);
	return (long)d->next;
}

void ioas_wrap_seekdir(DIR *dir, long position)
{
	struct dir *d = own(dir);

	if (!d) {
		ioas_real_seekdir()(dir, position);
		return;
	}
	d->real_ended = position < 0;
	d->next = (unsigned int)(position < 0 ? -1 - position : position);
	if (d->real && position >= 0) {
		d->next = 0;
		ioas_real_seekdir()(d->real, position);
	}
}

void ioas_wrap_rewinddir(DIR *dir)
{
	struct dir *d = own(dir);

	if (!d) {
		ioas_real_rewinddir()(dir);
		return;
	}
	d->next = 0;
	d->real_ended = false;
	if (d->real)
		ioas_real_rewinddir()(d->real);
}

int ioas_wrap_dirfd(DIR *dir)
{
	struct dir *d = own(dir);
	struct ioas_found found;
	long fd;

	if (!d || d->real)
		return ioas_real_dirfd()(d ? d->real : dir);
	if (d->fd >= 0)
		return d->fd;
	if (!ioas_path_find(d->path, false, &found))
		return (int)ioas_result(-ENOTSUP);
	fd = ioas_path_open(&found, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		d->fd = (int)fd;
	return (int)ioas_result(fd);
}

int ioas_wrap_closedir(DIR *dir)
{
	struct dir *d = own(dir);
	DIR *real;
	int fd;

	if (!d)
		return ioas_real_closedir()(dir);
	real = d->real;
	fd = real ? ioas_real_dirfd()(real) : d->fd;
	if (fd >= 0)
		ioas_place_mark(fd, false);
	give_back(d);
	if (real)
		return ioas_real_closedir()(real);
	if (fd >= 0)
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return 0;
}
