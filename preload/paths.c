/* SPDX-License-Identifier: MIT */
/*
 * Sources: Linux 7.3 drivers/vfio/container.c (misc device 10:196),
 * Documentation/admin-guide/devices.txt; groups have a dynamic major.
 */
#include "preload/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/grace.h"
#include "preload/fds.h"
#include "preload/huge.h"
#include "preload/places.h"
#include "preload/run.h"
#include "preload/setting.h"
#include "preload/wrap.h"

#define CONTAINER_MAJOR 10
#define CONTAINER_MINOR 196
#define GROUP_MAJOR     511

/*
 * Where a path begins that can be ours, part by part. A part that ends in '*'
 * is the beginning of a name; with `end` nothing follows. A path of one of
 * these makes the state of the process, so what programs look at for other
 * reasons must not be among them.
 */
static const struct beginning {
	const char *part[4];
	bool end;
	bool hugepages;
} beginnings[] = {
	{{"dev", "vfio"}, false, false},
	{{"sys", "bus", "pci"}, false, false},
	{{"sys", "devices", "pci*"}, false, false},
	{{"sys", "kernel", "iommu_groups"}, false, false},
	{{"sys", "module", "vfio*"}, false, false},
	{{"dev"}, true, false},
	{{"sys"}, true, false},
	{{"sys", "bus"}, true, false},
	{{"sys", "devices"}, true, false},
	{{"sys", "kernel"}, true, false},
	{{"sys", "module"}, true, false},
	{{"sys", "kernel", "mm"}, false, true},
	{{"sys", "devices", "system", "node"}, false, true},
};

/* Steps over "/", "//", "/./": to the next part. */
static const char *next_part(const char *path)
{
	while (*path == '/' ||
	       (*path == '.' && (path[1] == '/' || path[1] == '\0')))
		path++;
	return path;
}

/* Behind the part, or NULL when it is another. */
static const char *skip_part(const char *path, const char *part)
{
	size_t n = strlen(part);
	bool prefix = part[n - 1] == '*';

	path = next_part(path);
	if (strncmp(path, part, n - prefix) != 0)
		return NULL;
	path += n - prefix;
	if (prefix)
		return path + strcspn(path, "/");
	return *path == '/' || *path == '\0' ? path : NULL;
}

static bool begins_with(const char *path, const struct beginning *b)
{
	unsigned int i;

	for (i = 0; path && i < IOAS_ARRAY_SIZE(b->part) && b->part[i]; i++)
		path = skip_part(path, b->part[i]);
	return path && (!b->end || !*next_part(path));
}

static bool absolute_maybe(const char *path)
{
	const char *first = next_part(path);
	unsigned int i;

	/* ".." may lead anywhere; who begins with it is rare. */
	if (*first == '.')
		return !strncmp(first, "../", 3);
	if (*first != 'd' && *first != 's')
		return false;
	for (i = 0; i < IOAS_ARRAY_SIZE(beginnings); i++)
		if ((!beginnings[i].hugepages || ioas_huge) &&
		    begins_with(path, &beginnings[i]))
			return true;
	return false;
}

bool ioas_path_maybe(const char *path)
{
	if (!path)
		return false;
	return path[0] == '/' ? absolute_maybe(path)
	                      : ioas_place_directory() != NULL;
}

bool ioas_path_maybe_at(int dir, const char *path)
{
	if (!path || path[0] == '/' || dir == AT_FDCWD)
		return ioas_path_maybe(path);
	return ioas_place_maybe(dir);
}

static bool ours(const struct ioas_run *run, const char *path,
                 struct ioas_entry *ret_entry)
{
	ioas_machine_entry(run->machine, path, ret_entry);
	return ret_entry->kind > IOAS_ENTRY_ABOVE;
}

/* A real directory above ours: its path is kept, cleaned of "." and "..". */
static bool is_above(struct ioas_found *found)
{
	const char *in = found->use;
	char *out = found->path;
	size_t n;

	if (found->entry.kind != IOAS_ENTRY_ABOVE || strstr(in, ".."))
		return false;
	while (*(in = next_part(in))) {
		n = strcspn(in, "/");
		if ((size_t)(out - found->path) + n + 2 > IOAS_PATH_ROOM)
			return false;
		*out++ = '/';
		memcpy(out, in, n);
		out += n;
		in += n;
	}
	*out = '\0';
	return out != found->path;
}

static bool find(const struct ioas_run *run, const char *path, bool follow,
                 struct ioas_found *found)
{
	if (!ioas_machine_realpath(run->machine, path, found->path,
	                           sizeof(found->path)))
		return ours(run, path, &found->entry);
	if (!follow && ours(run, path, &found->entry))
		return true;
	/* A synthetic link may lead to what is real. */
	found->use = found->path;
	return ours(run, found->path, &found->entry);
}

bool ioas_path_find_at(int dir, const char *path, bool follow,
                       struct ioas_found *ret_found)
{
	const struct ioas_run *run;

	ret_found->use = path;
	ret_found->entry.kind = IOAS_ENTRY_NONE;
	if (path[0] != '/') {
		if (!ioas_place_join(dir, path, ret_found->joined))
			return false;
		path = ret_found->use = ret_found->joined;
		if (!absolute_maybe(path))
			return false;
	}
	run = ioas_run();
	if (!run)
		return false;
	if (find(run, path, follow, ret_found))
		return true;
	if (ret_found->use != ret_found->path && !is_above(ret_found))
		ret_found->entry.kind = IOAS_ENTRY_NONE;
	return false;
}

bool ioas_path_find(const char *path, bool follow, struct ioas_found *ret_found)
{
	return ioas_path_find_at(AT_FDCWD, path, follow, ret_found);
}

static long open_file(const struct ioas_entry *entry, int flags)
{
	const struct ioas_run *run = ioas_run();
	struct ioas_signals saved;
	struct ioas_file *file;
	long err;

	if (!run)
		return -ENODEV;
	/* A section, as around every call into uapi: see ioas_run_exit(). */
	ioas_section_enter(&saved);
	if (entry->kind == IOAS_ENTRY_CONTAINER)
		err = ioas_vfio_open_container(run->vfio, &file);
	else
		err = ioas_vfio_open_group(run->vfio, entry->group, &file);
	if (!err) {
		err = ioas_fd_create(file, flags);
		if (err < 0)
			ioas_file_release(file);
	}
	ioas_section_leave(&saved);
	return err;
}

static long open_directory(const struct ioas_found *found, int flags)
{
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
		return -EISDIR;
	return ioas_place_open(found, flags);
}

/* Files of the tree tell; what is written to most, nobody would do. */
static long open_attribute(const struct ioas_found *found, int flags)
{
	if ((flags & O_ACCMODE) != O_RDONLY && found->entry.writable)
		return (flags & O_ACCMODE) == O_WRONLY ||
		                       found->entry.mode & 0444
		               ? ioas_setting_open(found, flags)
		               : -EACCES;
	if ((flags & O_ACCMODE) != O_RDONLY || !(found->entry.mode & 0444))
		return -EACCES;
	return ioas_place_open(found, flags);
}

long ioas_path_open(const struct ioas_found *found, int flags)
{
	switch (found->entry.kind) {
	case IOAS_ENTRY_MISSING:
		return -ENOENT;
	case IOAS_ENTRY_LINK:
		return -ELOOP;
	case IOAS_ENTRY_DIR:
		return open_directory(found, flags);
	default:
		break;
	}
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (found->entry.kind == IOAS_ENTRY_FILE)
		return open_attribute(found, flags);
	return open_file(&found->entry, flags);
}

long ioas_path_access(const struct ioas_found *found, int mode)
{
	unsigned int bits = found->entry.mode;
	unsigned int rights = (bits | bits >> 3 | bits >> 6) & 7;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	if (found->entry.kind == IOAS_ENTRY_MISSING)
		return -ENOENT;
	/* As open(2): what only an administrator would write, nobody can. */
	if (found->entry.kind == IOAS_ENTRY_FILE && !found->entry.writable)
		rights &= ~(unsigned int)W_OK;
	return (unsigned int)mode & ~rights ? -EACCES : 0;
}

long ioas_path_readlink(const struct ioas_found *found, char *buffer,
                        size_t room)
{
	size_t n = strlen(found->entry.text);

	if (found->entry.kind == IOAS_ENTRY_MISSING)
		return -ENOENT;
	if (found->entry.kind != IOAS_ENTRY_LINK || room == 0)
		return -EINVAL;
	n = n < room ? n : room;
	memcpy(buffer, found->entry.text, n);
	return (long)n;
}

/* The same path, the same number: FNV-1a. */
static ino_t inode_of(const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	/* Programs with a 32-bit ino_t exist. */
	return (ino_t)(hash >> 32 ^ hash) & 0x7fffffff;
}

ino_t ioas_path_inode(const char *path, bool link)
{
	return inode_of(path) + link;
}

static void character_device(struct ioas_attributes *a, dev_t rdev,
                             const char *path)
{
	*a = (struct ioas_attributes){
		.mode = S_IFCHR | 0666,
		.rdev = rdev,
		.inode = inode_of(path),
		.links = 1,
	};
}

static void container_attributes(struct ioas_attributes *a)
{
	character_device(a, makedev(CONTAINER_MAJOR, CONTAINER_MINOR),
	                 "/dev/vfio/vfio");
}

static void group_attributes(struct ioas_attributes *a, unsigned int group)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	character_device(a, makedev(GROUP_MAJOR, group), path);
}

/*
 * A directory says 1 link: like btrfs, it does not tell how many directories
 * are in it. Programs that walk trees know to count themselves then.
 */
static void tree_attributes(struct ioas_attributes *a,
                            const struct ioas_found *found)
{
	static const mode_t types[] = {
		[IOAS_ENTRY_DIR] = S_IFDIR,
		[IOAS_ENTRY_LINK] = S_IFLNK,
		[IOAS_ENTRY_FILE] = S_IFREG,
	};
	const struct ioas_entry *entry = &found->entry;
	bool link = entry->kind == IOAS_ENTRY_LINK;

	*a = (struct ioas_attributes){
		.mode = types[entry->kind] | entry->mode,
		.inode = ioas_path_inode(found->path, link),
		.links = 1,
		.bytes = link ? (off_t)strlen(entry->text) : entry->bytes,
	};
}

long ioas_path_attributes(const struct ioas_found *found,
                          struct ioas_attributes *ret_attributes)
{
	const struct ioas_entry *entry = &found->entry;

	switch (entry->kind) {
	case IOAS_ENTRY_MISSING:
		return -ENOENT;
	case IOAS_ENTRY_CONTAINER:
		container_attributes(ret_attributes);
		break;
	case IOAS_ENTRY_GROUP:
		group_attributes(ret_attributes, entry->group);
		break;
	default:
		tree_attributes(ret_attributes, found);
	}
	return 0;
}

void ioas_file_attributes(const struct ioas_file *file,
                          struct ioas_attributes *ret_attributes)
{
	const char *name = ioas_file_name(file);

	switch (ioas_file_kind(file)) {
	case IOAS_FILE_CONTAINER:
		container_attributes(ret_attributes);
		break;
	case IOAS_FILE_GROUP:
		/* "group 1" */
		name = strchr(name, ' ');
		group_attributes(ret_attributes,
		                 name ? (unsigned int)atoi(name) : 0);
		break;
	default:
		/* An anonymous inode, as in Linux: no type. */
		*ret_attributes = (struct ioas_attributes){
			.mode = 0600,
			.inode = inode_of("device"),
			.links = 1,
		};
	}
}
