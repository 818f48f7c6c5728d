/* SPDX-License-Identifier: MIT */
/*
 * Source: proc_pid_fd(5) for the text of the links, memfd_create(2) for the
 * room in a name.
 */
#include "preload/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/run.h"
#include "preload/say.h"
#include "preload/wrap.h"

#define MEMFD_NAME "ioas-tree:"
#define MEMFD_LINK "/memfd:" MEMFD_NAME
#define MEMFD_ROOM 250 /* a longer name is refused */
#define DELETED    " (deleted)"
#define TEXTS      16

/* A directory in which nobody can make or remove anything; always there. */
#define NOWHERE "/proc/driver"

struct ioas_a32 ioas_place_bits[IOAS_FD_NR / IOAS_PLACE_BITS];
struct ioas_aptr ioas_place_current;

/*
 * Texts of the current directory in turn: who reads one while another thread
 * changes the directory has either, whole, unless TEXTS changes overtake it.
 */
static char texts[TEXTS][IOAS_PATH_ROOM];
static struct ioas_a32 next_text;

static void set_directory(const char *path)
{
	char *text = texts[ioas_a32_add(&next_text, 1) % TEXTS];

	strcpy(text, path);
	/* Pairs with the load in ioas_place_directory(). */
	ioas_aptr_store(&ioas_place_current, text);
}

void ioas_place_left(void)
{
	if (ioas_place_directory())
		ioas_aptr_store(&ioas_place_current, NULL);
}

void ioas_place_mark(int fd, bool marked)
{
	struct ioas_a32 *word;
	uint32_t bit, seen;

	if ((unsigned int)fd >= IOAS_FD_NR)
		return;
	word = &ioas_place_bits[fd / IOAS_PLACE_BITS];
	bit = UINT32_C(1) << fd % IOAS_PLACE_BITS;
	seen = ioas_a32_load(word);
	/* Pairs with the load in ioas_place_maybe(). */
	while (!ioas_a32_cas(word, &seen, marked ? seen | bit : seen & ~bit))
		;
}

int ioas_place_share(int fd, int copy)
{
	if (IOAS_UNLIKELY(ioas_place_maybe(fd)) && copy >= 0)
		ioas_place_mark(copy, true);
	return copy;
}

/* ---- Descriptors ---- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool ioas_place_path(int fd, char ret_path[IOAS_PATH_ROOM], bool *ret_ours)
{
	char link[32], target[sizeof(MEMFD_LINK) + MEMFD_ROOM];
	char *end;
	long n;

	if (!ioas_place_maybe(fd))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = ioas_sys(SYS_readlinkat, AT_FDCWD, (long)link, (long)target,
	             sizeof(target) - 1, 0, 0);
	if (n <= 0 || target[0] != '/')
		return false;
	target[n] = '\0';
	*ret_ours = begins(target, MEMFD_LINK);
	end = strstr(target, DELETED);
	if (end)
		*end = '\0';
	if (strlen(target) >= IOAS_PATH_ROOM)
		return false;
	strcpy(ret_path, target + (*ret_ours ? sizeof(MEMFD_LINK) - 1 : 0));
	return true;
}

/* What Linux shows in place of the rest of a memfd's name. */
static const char *shown_name(const char *name, char ret_text[IOAS_PATH_ROOM])
{
	if (begins(name, "-tree:"))
		return name + sizeof("-tree:") - 1;
	if (begins(name, ":container"))
		return "/dev/vfio/vfio";
	if (!begins(name, ":group "))
		return "anon_inode:[vfio-device]";
	snprintf(ret_text, IOAS_PATH_ROOM, "/dev/vfio/%.10s",
	         name + sizeof(":group ") - 1);
	return ret_text;
}

long ioas_place_shown(char *link, long bytes)
{
	static const char ours[] = "/memfd:ioas";
	char name[IOAS_PATH_ROOM], text[IOAS_PATH_ROOM];
	const char *shown;
	size_t n = sizeof(ours) - 1;
	char *end;

	if (bytes <= (long)n || bytes >= IOAS_PATH_ROOM ||
	    memcmp(link, ours, n) != 0)
		return bytes;
	memcpy(name, link + n, (size_t)bytes - n);
	name[(size_t)bytes - n] = '\0';
	end = strstr(name, DELETED);
	if (end)
		*end = '\0';
	shown = shown_name(name, text);
	/* Shorter than what was there, unless that was cut. */
	n = strlen(shown) < (size_t)bytes ? strlen(shown) : (size_t)bytes;
	memcpy(link, shown, n);
	return (long)n;
}

static bool join(char to[IOAS_PATH_ROOM], const char *path)
{
	size_t base = strlen(to), more = strlen(path);

	if (base + 1 + more >= IOAS_PATH_ROOM)
		return false;
	to[base] = '/';
	memcpy(to + base + 1, path, more + 1);
	return true;
}

bool ioas_place_join(int dir, const char *path, char ret_path[IOAS_PATH_ROOM])
{
	const char *directory;
	bool ours;

	if (!*path)
		return false;
	if (dir != AT_FDCWD)
		return ioas_place_path(dir, ret_path, &ours) &&
		       join(ret_path, path);
	directory = ioas_place_directory();
	if (!directory)
		return false;
	strcpy(ret_path, directory);
	return join(ret_path, path);
}

long ioas_place_fill(int fd, const char *content, long bytes)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	ioas_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0);
	/* To write it would raise SIGXFSZ, in a program that only reads. */
	if (limit.rlim_cur < (rlim_t)bytes) {
		ioas_complain("a file of /sys was not opened: its content of "
		              "%ld bytes is held in memory, and this process "
		              "may write no file of that size (RLIMIT_FSIZE, "
		              "ulimit -f)",
		              bytes);
		return -EFBIG;
	}
	return ioas_sys(SYS_pwrite64, fd, (long)content, bytes, 0, 0, 0);
}

static long fill(int fd, const struct ioas_found *found)
{
	const struct ioas_run *run = ioas_run();
	char content[IOAS_FILE_BYTES];
	long n, done;

	if (found->entry.kind != IOAS_ENTRY_FILE || !run)
		return 0;
	n = ioas_machine_read(run->machine, &found->entry, content);
	if (n <= 0)
		return n;
	done = ioas_place_fill(fd, content, n);
	/* It can be read and not written, whatever it was opened for. */
	ioas_sys(SYS_fcntl, fd, F_ADD_SEALS,
	         F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL, 0, 0,
	         0);
	return done < 0 ? done : 0;
}

long ioas_place_make(const char *path, int flags)
{
	unsigned int with = MFD_ALLOW_SEALING;
	char name[MEMFD_ROOM];
	long fd;

	if (snprintf(name, sizeof(name), MEMFD_NAME "%s", path) >= MEMFD_ROOM)
		return -ENAMETOOLONG;
	if (flags & O_CLOEXEC)
		with |= MFD_CLOEXEC;
	fd = ioas_sys(SYS_memfd_create, (long)name, with, 0, 0, 0, 0);
	if (fd < IOAS_FD_NR)
		return fd;
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return -EMFILE;
}

long ioas_place_open(const struct ioas_found *found, int flags)
{
	long fd = ioas_place_make(found->path, flags), err;

	if (fd < 0)
		return fd;
	err = fill((int)fd, found);
	if (err) {
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
		return err;
	}
	ioas_place_mark((int)fd, true);
	return fd;
}

/* Linux 7.3 fs/read_write.c, generic_file_llseek_size() */
static long seek_by_size(int64_t size, int64_t at, int whence)
{
	if (whence == SEEK_END)
		return at + size;
	if (at < 0 || at >= size)
		return -ENXIO;
	return whence == SEEK_DATA ? at : size;
}

long ioas_place_seek(int fd, int64_t at, int whence)
{
	char path[IOAS_PATH_ROOM];
	IOAS_STAT st;
	bool ours;

	if ((whence == SEEK_END || whence == SEEK_DATA ||
	     whence == SEEK_HOLE) &&
	    ioas_place_path(fd, path, &ours) && ours &&
	    !ioas_wrap_fstat(fd, &st)) {
		at = seek_by_size(st.st_size, at, whence);
		if (at == -ENXIO && whence != SEEK_END)
			return at;
		whence = SEEK_SET;
	}
	return ioas_sys(SYS_lseek, fd, at, whence, 0, 0, 0);
}

/* ---- The current directory ---- */

static long go_nowhere(void)
{
	long err = ioas_sys(SYS_chdir, (long)NOWHERE, 0, 0, 0, 0, 0);

	return err ? ioas_sys(SYS_chdir, (long)"/", 0, 0, 0, 0, 0) : 0;
}

static long change(const struct ioas_found *found)
{
	long err;

	switch (found->entry.kind) {
	case IOAS_ENTRY_MISSING:
		return -ENOENT;
	case IOAS_ENTRY_DIR:
		err = go_nowhere();
		break;
	case IOAS_ENTRY_NONE:
	case IOAS_ENTRY_ABOVE:
		err = ioas_sys(SYS_chdir, (long)found->use, 0, 0, 0, 0, 0);
		break;
	default:
		return -ENOTDIR;
	}
	if (err)
		return err;
	if (found->entry.kind == IOAS_ENTRY_NONE)
		ioas_place_left();
	else
		set_directory(found->path);
	return 0;
}

long ioas_place_change(const char *path)
{
	struct ioas_found found;

	ioas_path_find(path, true, &found);
	return change(&found);
}

long ioas_place_change_to(int fd)
{
	char path[IOAS_PATH_ROOM];
	long err;
	bool ours;

	if (ioas_place_path(fd, path, &ours) && ours)
		return ioas_place_change(path);
	err = ioas_sys(SYS_fchdir, fd, 0, 0, 0, 0, 0);
	if (err)
		return err;
	if (ioas_place_path(fd, path, &ours) && ioas_path_maybe(path))
		set_directory(path);
	else
		ioas_place_left();
	return 0;
}

void ioas_places_begin(void)
{
	char real[IOAS_PATH_ROOM];
	const char *shell = getenv("PWD");
	long n = ioas_sys(SYS_getcwd, (long)real, sizeof(real), 0, 0, 0, 0);

	if (n <= 0)
		return;
	if (!strcmp(real, NOWHERE) && shell && strlen(shell) < sizeof(real) &&
	    ioas_path_maybe(shell))
		set_directory(shell);
	else if (ioas_path_maybe(real))
		set_directory(real);
}
