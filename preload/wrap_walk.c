/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what walks directories inside the C library, by calls that do
 * not come by here: scandir, glob, nftw. Each is done again over opendir and
 * stat as wrapped, and only for paths that are maybe ours.
 */
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <string.h>

#include "preload/paths.h"
/* Names are said here, to make the wrappers' from them; none is called. */
#define IOAS_PRELOAD_NO_POISON
#include "preload/wrap.h"

/* ---- scandir ---- */

struct list {
	struct dirent64 **entry;
	size_t count, room;
};

static void drop(struct list *list)
{
	while (list->count)
		ioas_program_realloc(list->entry[--list->count], 0);
	ioas_program_realloc(list->entry, 0);
}

static bool grow(struct list *list)
{
	size_t room = list->room ? 2 * list->room : 16;
	void *more =
		ioas_program_realloc(list->entry, room * sizeof(*list->entry));

	if (!more)
		return false;
	list->entry = more;
	list->room = room;
	return true;
}

static bool add(struct list *list, const struct dirent64 *entry)
{
	struct dirent64 *copy;

	if (list->count == list->room && !grow(list))
		return false;
	copy = ioas_program_realloc(NULL, sizeof(*copy));
	if (!copy)
		return false;
	*copy = *entry;
	list->entry[list->count++] = copy;
	return true;
}

typedef int wanted_fn(const struct dirent64 *entry);
typedef int order_fn(const struct dirent64 **a, const struct dirent64 **b);

struct scan {
	wanted_fn *wanted;
	order_fn *order;
};

static int scan(const char *path, struct dirent64 ***ret_list,
                const struct scan *how)
{
	DIR *dir = ioas_wrap_opendir(path);
	struct dirent64 *entry, copy;
	struct list list = {0};
	bool good;

	if (!dir)
		return -1;
	/* Not NULL, also when it stays empty. */
	good = grow(&list);
	while (good && (entry = ioas_wrap_readdir64(dir))) {
		/* A real one may be shorter than the structure. */
		memcpy(&copy, entry, entry->d_reclen);
		if (!how->wanted || how->wanted(&copy))
			good = add(&list, &copy);
	}
	ioas_wrap_closedir(dir);
	if (!good) {
		drop(&list);
		return (int)ioas_result(-ENOMEM);
	}
	if (how->order)
		qsort(list.entry, list.count, sizeof(*list.entry),
		      (int (*)(const void *, const void *))how->order);
	*ret_list = list.entry;
	return (int)list.count;
}

static int scan_at(int dir, const char *path, struct dirent64 ***ret_list,
                   const struct scan *how)
{
	struct ioas_found found;

	ioas_path_find_at(dir, path, true, &found);
	return scan(found.use, ret_list, how);
}

#define SCAN(name, type)                                                       \
	int ioas_wrap_##name(                                                  \
		const char *path, struct type ***list,                         \
		int (*wanted)(const struct type *),                            \
		int (*order)(const struct type **, const struct type **))      \
	{                                                                      \
		struct scan how = {(wanted_fn *)wanted, (order_fn *)order};    \
                                                                               \
		if (IOAS_LIKELY(!ioas_path_maybe(path)))                       \
			return ioas_real_##name()(path, list, wanted, order);  \
		return scan_at(AT_FDCWD, path, (struct dirent64 ***)list,      \
		               &how);                                          \
	}                                                                      \
                                                                               \
	int ioas_wrap_##name##at(                                              \
		int dir, const char *path, struct type ***list,                \
		int (*wanted)(const struct type *),                            \
		int (*order)(const struct type **, const struct type **))      \
	{                                                                      \
		struct scan how = {(wanted_fn *)wanted, (order_fn *)order};    \
                                                                               \
		if (IOAS_LIKELY(!ioas_path_maybe_at(dir, path)))               \
			return ioas_real_##name##at()(dir, path, list, wanted, \
			                              order);                  \
		return scan_at(dir, path, (struct dirent64 ***)list, &how);    \
	}
#define ioas_wrap_scandir64at ioas_wrap_scandirat64
#define ioas_real_scandir64at ioas_real_scandirat64

SCAN(scandir, dirent)
SCAN(scandir64, dirent64)

/* ---- glob ---- */

/* The pattern's beginning, up to what is to be matched, may lead to ours. */
static bool glob_maybe(const char *pattern)
{
	const char *first = pattern + strspn(pattern, "/.");

	if (pattern[0] != '/')
		return ioas_path_maybe(pattern);
	return strchr("ds*?[{", *first);
}

static void close_dir(void *dir)
{
	ioas_wrap_closedir(dir);
}

#define GLOB(name, type)                                                      \
	int ioas_wrap_##name(const char *pattern, int flags,                  \
	                     int (*failed)(const char *, int), type *ret)     \
	{                                                                     \
		if (IOAS_UNLIKELY(glob_maybe(pattern)) &&                     \
		    !(flags & GLOB_ALTDIRFUNC)) {                             \
			flags |= GLOB_ALTDIRFUNC;                             \
			ret->gl_opendir = (__typeof__(ret->gl_opendir))       \
				ioas_wrap_opendir;                            \
			ret->gl_readdir = (__typeof__(ret->gl_readdir))       \
				ioas_wrap_readdir64;                          \
			ret->gl_closedir = close_dir;                         \
			ret->gl_stat =                                        \
				(__typeof__(ret->gl_stat))ioas_wrap_stat64;   \
			ret->gl_lstat =                                       \
				(__typeof__(ret->gl_lstat))ioas_wrap_lstat64; \
		}                                                             \
		return ioas_real_##name()(pattern, flags, failed, ret);       \
	}

GLOB(glob, glob_t)
GLOB(glob64, glob64_t)

/* ---- nftw ---- */

typedef int visit_fn(const char *path, const IOAS_STAT *st, int type,
                     struct FTW *where);

struct seen {
	dev_t dev;
	ino_t ino;
};

struct tree_walk {
	int (*plain)(const char *path, const IOAS_STAT *st, int type);
	visit_fn *visit; /* one of the two */
	int flags;
	int level;
	dev_t device;
	struct seen *seen; /* directories, when links are followed */
	size_t count, room;
	char path[PATH_MAX];
};

static int visit(struct tree_walk *w, const IOAS_STAT *st, int type)
{
	char *slash = strrchr(w->path, '/');
	struct FTW where = {slash ? (int)(slash + 1 - w->path) : 0, w->level};

	if (w->visit)
		return w->visit(w->path, st, type, &where);
	return w->plain(w->path, st, type == FTW_DP ? FTW_D : type);
}

/* 1: not yet, and it is noted; 0: it was; -1: no memory. */
static int first_time(struct tree_walk *w, const IOAS_STAT *st)
{
	struct seen *more;
	size_t i;

	if (w->flags & FTW_PHYS)
		return 1;
	for (i = 0; i < w->count; i++)
		if (w->seen[i].dev == st->st_dev &&
		    w->seen[i].ino == st->st_ino)
			return 0;
	if (w->count == w->room) {
		w->room = 2 * w->room + 16;
		more = ioas_program_realloc(w->seen, w->room * sizeof(*more));
		if (!more)
			return -1;
		w->seen = more;
	}
	w->seen[w->count++] = (struct seen){st->st_dev, st->st_ino};
	return 1;
}

static int walk(struct tree_walk *w);

static int walk_names(struct tree_walk *w, DIR *dir)
{
	size_t end = strlen(w->path);
	struct dirent64 *entry;
	int result = 0;

	w->level++;
	while (!result && (entry = ioas_wrap_readdir64(dir))) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (end + 1 + strlen(name) >= sizeof(w->path)) {
			result = (int)ioas_result(-ENAMETOOLONG);
			continue;
		}
		sprintf(w->path + end, "/%s", name);
		result = walk(w);
		w->path[end] = '\0';
	}
	w->level--;
	return result;
}

static int walk_directory(struct tree_walk *w, const IOAS_STAT *st)
{
	int result = first_time(w, st);
	DIR *dir;

	if (result <= 0)
		return result;
	dir = ioas_wrap_opendir(w->path);
	if (!dir)
		return visit(w, st, FTW_DNR);
	result = w->flags & FTW_DEPTH ? 0 : visit(w, st, FTW_D);
	if (!result)
		result = walk_names(w, dir);
	ioas_wrap_closedir(dir);
	if (!result && w->flags & FTW_DEPTH)
		result = visit(w, st, FTW_DP);
	return result;
}

static int walk(struct tree_walk *w)
{
	bool physical = w->flags & FTW_PHYS;
	IOAS_STAT st;

	if (physical ? ioas_wrap_lstat(w->path, &st)
	             : ioas_wrap_stat(w->path, &st)) {
		if (ioas_wrap_lstat(w->path, &st))
			return w->level ? visit(w, &st, FTW_NS) : -1;
		return visit(w, &st, FTW_SLN);
	}
	if (!w->level)
		w->device = st.st_dev;
	if (w->flags & FTW_MOUNT && st.st_dev != w->device)
		return 0;
	if (S_ISDIR(st.st_mode))
		return walk_directory(w, &st);
	return visit(w, &st, S_ISLNK(st.st_mode) ? FTW_SL : FTW_F);
}

static int begin(struct tree_walk *w, const char *path)
{
	size_t n = strlen(path);
	int result;

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n >= sizeof(w->path))
		return (int)ioas_result(-ENAMETOOLONG);
	memcpy(w->path, path, n);
	result = walk(w);
	ioas_program_realloc(w->seen, 0);
	return result;
}

/* Those that change the directory, or steer, are left to the C library. */
static bool walks(const char *path, int flags)
{
	return IOAS_UNLIKELY(ioas_path_maybe(path)) &&
	       !(flags & (FTW_CHDIR | FTW_ACTIONRETVAL));
}

int ioas_wrap_nftw(const char *path, __nftw_func_t fn, int fds, int flags)
{
	struct tree_walk w = {.visit = (visit_fn *)fn, .flags = flags};

	return walks(path, flags) ? begin(&w, path)
	                          : ioas_real_nftw()(path, fn, fds, flags);
}

int ioas_wrap_nftw64(const char *path, __nftw64_func_t fn, int fds, int flags)
{
	struct tree_walk w = {.visit = (visit_fn *)fn, .flags = flags};

	return walks(path, flags) ? begin(&w, path)
	                          : ioas_real_nftw64()(path, fn, fds, flags);
}

int ioas_wrap_ftw(const char *path, __ftw_func_t fn, int fds)
{
	struct tree_walk w = {.plain = (__typeof__(w.plain))fn};

	return walks(path, 0) ? begin(&w, path)
	                      : ioas_real_ftw()(path, fn, fds);
}

int ioas_wrap_ftw64(const char *path, __ftw64_func_t fn, int fds)
{
	struct tree_walk w = {.plain = (__typeof__(w.plain))fn};

	return walks(path, 0) ? begin(&w, path)
	                      : ioas_real_ftw64()(path, fn, fds);
}
