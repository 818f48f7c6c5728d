/* SPDX-License-Identifier: MIT */
/*
 * The file behind a device: open, lock, size, close.
 *
 * The lock is flock(2): it belongs to the open file, so it ends with the last
 * descriptor however the process ends, and a second open in this very process
 * is refused like one elsewhere.
 *
 * The program numbers its descriptors from the bottom and may expect them
 * without gaps; ours is moved up, and the front end is told about it.
 *
 * Sources: flock(2); proc(5), /proc/locks; fcntl(2), F_DUPFD_CLOEXEC.
 */
#include "host/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A table of descriptors grows to its highest number: stay modest. */
#define FD_HIGHEST 768

static void tell_internal(int fd, bool internal)
{
	if (ioas_host_internal_fd)
		ioas_host_internal_fd(fd, internal);
}

static void close_fd(int fd)
{
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long process_id(void)
{
	return ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* The same open file under a high number, or where it was if there is none. */
static int move_up(int fd)
{
	struct rlimit64 limit = {.rlim_cur = 0};
	uint64_t from;
	long up;

	ioas_sys(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
	from = limit.rlim_cur / 4 * 3;
	if (from > FD_HIGHEST)
		from = FD_HIGHEST;
	for (; from > (uint64_t)fd; from /= 2) {
		up = ioas_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, (long)from, 0, 0,
		              0);
		if (up >= 0) {
			close_fd(fd);
			return (int)up;
		}
	}
	return fd;
}

/* What an errno of open(2) means here; those not named are -EIO. */
static const struct {
	int err, result;
	const char *text;
} reasons[] = {
	{ENOENT, -ENOENT, "there is no such file; create it first"},
	{ENOTDIR, -ENOENT, "a part of the path is not a directory"},
	{EACCES, -EACCES, "no permission to read and write it"},
	{EPERM, -EACCES, "no permission to read and write it"},
	{EROFS, -EACCES, "its file system is read-only"},
	{ETXTBSY, -EACCES, "it is a program that runs"},
	{EISDIR, -EINVAL, "it is a directory; give a file or a block device"},
	{EMFILE, -EMFILE, "no file descriptor left in this process"},
	{ENFILE, -EMFILE, "no file descriptor left in the system"},
	{ENOMEM, -ENOMEM, "no memory"},
};

/* Say why, and turn it into an errno of ioas_store_open(). */
static int fail(struct ioas_device *dev, const char *path, const char *doing,
                long err)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(reasons); i++) {
		if (-reasons[i].err != err)
			continue;
		ioas_device_fail(dev, "%s: %s", path, reasons[i].text);
		return reasons[i].result;
	}
	ioas_device_fail(dev, "%s: cannot %s: %s", path, doing,
	                 strerror((int)-err));
	return -EIO;
}

static long open_moved(const char *path)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	long fd = ioas_sys(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);

	return fd < 0 ? fd : move_up((int)fd);
}

static long describe(int fd, struct statx *ret_stat)
{
	return ioas_sys(SYS_statx, fd, (long)"", AT_EMPTY_PATH,
	                STATX_TYPE | STATX_SIZE | STATX_INO, (long)ret_stat, 0);
}

/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF", the number before it. */
static long parse_holder(const char *line, const struct statx *file)
{
	unsigned int major, minor;
	uint64_t inode;
	long pid;

	if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%" SCNu64, &pid, &major,
	           &minor, &inode) != 4)
		return 0;
	if (major != file->stx_dev_major || minor != file->stx_dev_minor ||
	    inode != file->stx_ino)
		return 0;
	return pid;
}

/* The next line of @text, ended with a NUL, or NULL. */
static char *next_line(char **text)
{
	char *line = *text;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = 0;
	*text = end + 1;
	return line;
}

/* Look through what is there; the rest of a line is moved to the front. */
static long find_in(char *text, const struct statx *file)
{
	char *at = text, *line;
	long pid = 0;

	while (!pid && (line = next_line(&at)))
		pid = parse_holder(line, file);
	memmove(text, at, strlen(at) + 1);
	return pid;
}

/* The process that has the file locked, or 0: it cannot be seen from here. */
static long find_holder(const struct statx *file)
{
	char text[1024] = "";
	size_t have;
	long pid = 0, n;
	long fd = ioas_sys(SYS_openat, AT_FDCWD, (long)"/proc/locks",
	                   O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return 0;
	while (!pid) {
		have = strlen(text);
		n = ioas_sys(SYS_read, fd, (long)(text + have),
		             (long)(sizeof(text) - have - 1), 0, 0, 0);
		if (n <= 0)
			break;
		text[have + (size_t)n] = 0;
		pid = find_in(text, file);
	}
	close_fd((int)fd);
	return pid > 0 ? pid : 0;
}

static void say_holder(struct ioas_device *dev, const char *path, long pid)
{
	if (pid && pid == process_id())
		ioas_device_fail(dev,
		                 "%s is in use by another device of this "
		                 "run (process %ld)",
		                 path, pid);
	else if (pid)
		ioas_device_fail(dev, "%s is in use by process %ld", path, pid);
	else
		ioas_device_fail(dev, "%s is in use by another process", path);
}

static int lock(struct ioas_device *dev, const char *path, int fd,
                const struct statx *file)
{
	long err = ioas_sys(SYS_flock, fd, LOCK_EX | LOCK_NB, 0, 0, 0, 0);

	if (!err)
		return 0;
	if (err != -EWOULDBLOCK)
		return fail(dev, path, "lock it", err);
	say_holder(dev, path, find_holder(file));
	return -EBUSY;
}

/*
 * Where the file lies in memory it can be read without a system call. Not on
 * file systems in memory, where reading a hole so would fill it. Without such
 * a mapping (no address space, a file system that has none) it is read by
 * preadv(2).
 */
static char *map_pages(int fd, uint64_t size)
{
	struct statfs system;
	long at;

	if (!size || size > SIZE_MAX ||
	    ioas_sys(SYS_fstatfs, fd, (long)&system, 0, 0, 0, 0) ||
	    system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)
		return NULL;
	at = ioas_sys(SYS_mmap, 0, (long)size, PROT_READ, MAP_SHARED, fd, 0);
	if (at < 0 && at >= -4095)
		return NULL;
	ioas_sys(SYS_madvise, at, (long)size, MADV_DONTFORK, 0, 0, 0);
	return (char *)at;
}

int64_t ioas_store_size_now(const struct ioas_store *store)
{
	return ioas_sys(SYS_lseek, store->fd, 0, SEEK_END, 0, 0, 0);
}

static int adopt(struct ioas_device *dev, const char *path,
                 struct ioas_store *store)
{
	struct statx file;
	int64_t size;
	long err = describe(store->fd, &file);

	if (err)
		return fail(dev, path, "look at it", err);
	if (!S_ISREG(file.stx_mode) && !S_ISBLK(file.stx_mode)) {
		ioas_device_fail(dev, "%s: neither a file nor a block device",
		                 path);
		return -EINVAL;
	}
	err = lock(dev, path, store->fd, &file);
	if (err)
		return (int)err;
	size = ioas_store_size_now(store);
	if (size < 0)
		return fail(dev, path, "find its size", size);
	store->size = (uint64_t)size;
	store->pages = map_pages(store->fd, store->size);
	return 0;
}

int ioas_store_open(struct ioas_device *dev, const char *path,
                    struct ioas_store **ret_store)
{
	struct ioas_store *store = ioas_new(struct ioas_store);
	long fd;
	int err;

	if (!store)
		return fail(dev, path, "open it", -ENOMEM);
	fd = open_moved(path);
	if (fd < 0) {
		ioas_delete(store);
		return fail(dev, path, "open it", fd);
	}
	store->fd = (int)fd;
	store->owner = process_id();
	tell_internal(store->fd, true);
	err = adopt(dev, path, store);
	if (err) {
		ioas_store_close(store);
		return err;
	}
	*ret_store = store;
	return 0;
}

void ioas_store_close(struct ioas_store *store)
{
	if (!store)
		return;
	/*
	 * A forked child may still have the open file, and would keep the
	 * lock. The child itself must not take the lock from its parent.
	 */
	if (store->owner == process_id())
		ioas_sys(SYS_flock, store->fd, LOCK_UN, 0, 0, 0, 0);
	if (store->pages && store->owner == process_id())
		ioas_sys(SYS_munmap, (long)store->pages, (long)store->size, 0,
		         0, 0, 0);
	tell_internal(store->fd, false);
	close_fd(store->fd);
	ioas_delete(store);
}

uint64_t ioas_store_size(const struct ioas_store *store)
{
	return store->size;
}
