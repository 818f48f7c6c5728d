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
#include "preload/run.h"
#include "preload/say.h"
#include "preload/wrap.h"

#define CONTAINER_MAJOR 10
#define CONTAINER_MINOR 196
#define GROUP_MAJOR     511

/* Where a path begins that can be ours, part by part. */
static const char *const beginnings[][4] = {
	{"dev", "vfio"},
	{"sys", "bus", "pci", "devices"},
	{"sys", "kernel", "iommu_groups"},
};

/* Steps over "/", "//", "/./": to the next part. */
static const char *next_part(const char *path)
{
	while (*path == '/' ||
	       (*path == '.' && (path[1] == '/' || path[1] == '\0')))
		path++;
	return path;
}

static bool begins_with(const char *path, const char *const *part)
{
	unsigned int i;
	size_t n;

	for (i = 0; i < 4 && part[i]; i++) {
		path = next_part(path);
		n = strlen(part[i]);
		if (strncmp(path, part[i], n) != 0 ||
		    (path[n] != '/' && path[n] != '\0'))
			return false;
		path += n;
	}
	return true;
}

bool ioas_path_maybe(const char *path)
{
	unsigned int i;

	if (!path || path[0] != '/')
		return false;
	for (i = 0; i < IOAS_ARRAY_SIZE(beginnings); i++)
		if (begins_with(path, beginnings[i]))
			return true;
	return false;
}

static bool ours(const struct ioas_run *run, const char *path,
                 struct ioas_entry *ret_entry)
{
	ioas_machine_entry(run->machine, path, ret_entry);
	return ret_entry->kind != IOAS_ENTRY_NONE;
}

bool ioas_path_find(const char *path, bool follow, struct ioas_found *ret_found)
{
	const struct ioas_run *run = ioas_run();

	ret_found->use = path;
	if (!run)
		return false;
	if (ioas_machine_realpath(run->machine, path, ret_found->path,
	                          sizeof(ret_found->path))) {
		if (!follow && ours(run, path, &ret_found->entry))
			return true;
		/* A synthetic link may lead to what is real. */
		ret_found->use = ret_found->path;
		return ours(run, ret_found->path, &ret_found->entry);
	}
	return ours(run, path, &ret_found->entry);
}

static long open_file(const struct ioas_entry *entry, int flags)
{
	const struct ioas_run *run = ioas_run();
	struct ioas_file *file;
	long err;

	if (!run)
		return -ENODEV;
	/* A section, as around every call into uapi: see ioas_run_exit(). */
	ioas_grace_enter(IOAS_GRACE_FILE);
	if (entry->kind == IOAS_ENTRY_CONTAINER)
		err = ioas_vfio_open_container(run->vfio, &file);
	else
		err = ioas_vfio_open_group(run->vfio, entry->group, &file);
	if (!err) {
		err = ioas_fd_create(file, flags);
		if (err < 0)
			ioas_file_release(file);
	}
	ioas_grace_leave(IOAS_GRACE_FILE);
	ioas_bury_what_is_left();
	return err;
}

static long open_directory(const struct ioas_found *found, int flags)
{
	static struct ioas_a32 told;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
		return -EISDIR;
	if (!ioas_a32_exchange(&told, 1))
		ioas_complain(
			"open(\"%s\") failed with EACCES: the directories "
			"that ioas adds to the file system can be listed "
			"with opendir(), but not opened",
			found->path);
	return -EACCES;
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

long ioas_path_attributes(const struct ioas_found *found,
                          struct ioas_attributes *ret_attributes)
{
	const struct ioas_entry *entry = &found->entry;
	bool link = entry->kind == IOAS_ENTRY_LINK;

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
		*ret_attributes = (struct ioas_attributes){
			.mode = (link ? S_IFLNK : S_IFDIR) | entry->mode,
			.inode = inode_of(found->path) + link,
			.links = link ? 1 : 2,
		};
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
