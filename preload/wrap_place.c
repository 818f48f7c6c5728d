/* SPDX-License-Identifier: MIT */
/* Wrappers of the current directory. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "preload/places.h"
#include "preload/wrap.h"

int ioas_wrap_chdir(const char *path)
{
	int result;

	if (IOAS_UNLIKELY(ioas_path_maybe(path)))
		return (int)ioas_result(ioas_place_change(path));
	result = ioas_real_chdir()(path);
	if (!result)
		ioas_place_left();
	return result;
}

int ioas_wrap_fchdir(int fd)
{
	int result;

	if (IOAS_UNLIKELY(ioas_place_maybe(fd)))
		return (int)ioas_result(ioas_place_change_to(fd));
	result = ioas_real_fchdir()(fd);
	if (!result)
		ioas_place_left();
	return result;
}

/* getcwd(3): a buffer of the C library when there is none. */
static char *give(const char *directory, char *buffer, size_t room)
{
	size_t need = strlen(directory) + 1;

	if (!buffer && !room)
		return strdup(directory);
	if (!room || need > room) {
		ioas_result(room ? -ERANGE : -EINVAL);
		return NULL;
	}
	if (!buffer)
		buffer = ioas_program_realloc(NULL, room);
	return buffer ? memcpy(buffer, directory, need) : NULL;
}

char *ioas_wrap_getcwd(char *buffer, size_t room)
{
	const char *directory = ioas_place_directory();

	if (IOAS_LIKELY(!directory))
		return ioas_real_getcwd()(buffer, room);
	return give(directory, buffer, room);
}

char *ioas_wrap___getcwd_chk(char *buffer, size_t room, size_t size)
{
	const char *directory = ioas_place_directory();

	if (IOAS_LIKELY(!directory) || room > size)
		return ioas_real___getcwd_chk()(buffer, room, size);
	return give(directory, buffer, room);
}

char *ioas_wrap_get_current_dir_name(void)
{
	const char *directory = ioas_place_directory();

	return directory ? strdup(directory)
	                 : ioas_real_get_current_dir_name()();
}
