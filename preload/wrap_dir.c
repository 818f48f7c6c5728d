/* SPDX-License-Identifier: MIT */
/*
 * Directories that are ours, listed. A DIR of the C library is opaque, so ours
 * comes from a pool: the address tells whose it is, without looking into it.
 *
 * The machine says what is at a path, not what is in a directory. So the names
 * that can be there are tried, in a fixed order; a position is a number in it.
 */
#include <errno.h>
#include <string.h>

#include "preload/paths.h"
#include "preload/run.h"
#include "preload/wrap.h"

#define DIRS_MAX 64

struct dir {
	struct ioas_a32 taken;
	unsigned int next; /* candidate; one thread at a time, as for any DIR */
	char path[IOAS_PATH_ROOM];
	struct dirent entry;
	struct dirent64 entry64;
};

static struct dir pool[DIRS_MAX];

static const char *const fixed_names[] = {
	".", "..", "vfio", "iommu_group", "subsystem", "devices",
};

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

static const char *candidate(const struct ioas_machine *machine, unsigned int i)
{
	unsigned int n = machine->function_count;

	if (i < IOAS_ARRAY_SIZE(fixed_names))
		return fixed_names[i];
	i -= (unsigned int)IOAS_ARRAY_SIZE(fixed_names);
	if (i < n)
		return machine->function[i].group_name;
	i -= n;
	return i < n ? machine->function[i].name : NULL;
}

static unsigned char type_of(const struct ioas_machine *machine,
                             const char *directory, const char *name)
{
	char path[IOAS_PATH_ROOM + 32];
	struct ioas_entry entry;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	ioas_machine_entry(machine, path, &entry);
	switch (entry.kind) {
	case IOAS_ENTRY_DIR:
		return DT_DIR;
	case IOAS_ENTRY_LINK:
		return DT_LNK;
	case IOAS_ENTRY_CONTAINER:
	case IOAS_ENTRY_GROUP:
		return DT_CHR;
	default:
		return DT_UNKNOWN;
	}
}

/* The next name, or NULL at the end. */
static const char *next_name(struct dir *d, unsigned char *ret_type)
{
	const struct ioas_run *run = ioas_run();
	const char *name;

	if (!run)
		return NULL;
	while ((name = candidate(run->machine, d->next))) {
		d->next++;
		*ret_type = name[0] == '.'
		                    ? DT_DIR
		                    : type_of(run->machine, d->path, name);
		if (*ret_type != DT_UNKNOWN)
			return name;
	}
	return NULL;
}

DIR *ioas_wrap_opendir(const char *path)
{
	struct ioas_found found;
	struct dir *d;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_opendir()(path);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_opendir()(found.use);
	if (found.entry.kind != IOAS_ENTRY_DIR) {
		ioas_result(found.entry.kind == IOAS_ENTRY_MISSING ? -ENOENT
		                                                   : -ENOTDIR);
		return NULL;
	}
	d = take();
	if (!d) {
		ioas_result(-EMFILE);
		return NULL;
	}
	d->next = 0;
	strcpy(d->path, found.path);
	return (DIR *)(void *)d;
}

struct dirent *ioas_wrap_readdir(DIR *dir)
{
	struct dir *d = own(dir);
	const char *name;
	unsigned char type;

	if (!d)
		return ioas_real_readdir()(dir);
	name = next_name(d, &type);
	if (!name)
		return NULL;
	d->entry.d_ino = d->next;
	d->entry.d_off = d->next;
	d->entry.d_reclen = sizeof(d->entry);
	d->entry.d_type = type;
	strcpy(d->entry.d_name, name);
	return &d->entry;
}

struct dirent64 *ioas_wrap_readdir64(DIR *dir)
{
	struct dir *d = own(dir);
	const char *name;
	unsigned char type;

	if (!d)
		return ioas_real_readdir64()(dir);
	name = next_name(d, &type);
	if (!name)
		return NULL;
	d->entry64.d_ino = d->next;
	d->entry64.d_off = d->next;
	d->entry64.d_reclen = sizeof(d->entry64);
	d->entry64.d_type = type;
	strcpy(d->entry64.d_name, name);
	return &d->entry64;
}

void ioas_wrap_rewinddir(DIR *dir)
{
	struct dir *d = own(dir);

	if (d)
		d->next = 0;
	else
		ioas_real_rewinddir()(dir);
}

long ioas_wrap_telldir(DIR *dir)
{
	struct dir *d = own(dir);

	return d ? (long)d->next : ioas_real_telldir()(dir);
}

void ioas_wrap_seekdir(DIR *dir, long position)
{
	struct dir *d = own(dir);

	if (d)
		d->next = (unsigned int)position;
	else
		ioas_real_seekdir()(dir, position);
}

int ioas_wrap_dirfd(DIR *dir)
{
	return own(dir) ? (int)ioas_result(-ENOTSUP) : ioas_real_dirfd()(dir);
}

int ioas_wrap_closedir(DIR *dir)
{
	struct dir *d = own(dir);

	if (!d)
		return ioas_real_closedir()(dir);
	/* Pairs with the cas in take(). */
	ioas_a32_store(&d->taken, 0);
	return 0;
}
