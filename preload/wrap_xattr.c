/* SPDX-License-Identifier: MIT */
/* Wrappers of extended attributes, which ls(1) asks for: ours have none. */
#include <errno.h>

#include "preload/paths.h"
#include "preload/wrap.h"

static ssize_t none(const struct ioas_found *found, long result)
{
	return ioas_result(found->entry.kind == IOAS_ENTRY_MISSING ? -ENOENT
	                                                           : result);
}

ssize_t ioas_wrap_getxattr(const char *path, const char *name, void *value,
                           size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_getxattr()(path, name, value, size);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_getxattr()(found.use, name, value, size);
	return none(&found, -ENODATA);
}

ssize_t ioas_wrap_lgetxattr(const char *path, const char *name, void *value,
                            size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_lgetxattr()(path, name, value, size);
	if (!ioas_path_find(path, false, &found))
		return ioas_real_lgetxattr()(found.use, name, value, size);
	return none(&found, -ENODATA);
}

ssize_t ioas_wrap_listxattr(const char *path, char *list, size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_listxattr()(path, list, size);
	if (!ioas_path_find(path, true, &found))
		return ioas_real_listxattr()(found.use, list, size);
	return none(&found, 0);
}

ssize_t ioas_wrap_llistxattr(const char *path, char *list, size_t size)
{
	struct ioas_found found;

	if (IOAS_LIKELY(!ioas_path_maybe(path)))
		return ioas_real_llistxattr()(path, list, size);
	if (!ioas_path_find(path, false, &found))
		return ioas_real_llistxattr()(found.use, list, size);
	return none(&found, 0);
}
