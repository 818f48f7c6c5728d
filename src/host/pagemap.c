/* SPDX-License-Identifier: MIT */
/*
 * A back end of real frames: <ioas/pagemap.h>.
 *
 *	pin    bring in: a hole, or no permission, is seen here
 *	       lock: from here on the page stays in memory, and private memory
 *	       that may be written to has a page of its own
 *	       read what frames they are
 *	unpin  make dirty what a device wrote to, unlock
 *
 * The file is opened once, since who opened it decides what it shows: a program
 * may begin as root and go on as somebody else. What it shows is the memory of
 * who opened it, so a forked child must not use it; and a program that closes
 * all descriptors would leave us with another file's.
 *
 * Sources: proc(5), /proc/pid/pagemap; mlock(2); Linux 6.12,
 * fs/proc/task_mmu.c, pagemap_open(), pte_to_pagemap_entry().
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ioas/pagemap.h>

#include "host/members.h"

#define PRESENT   (UINT64_C(1) << 63)
#define FRAME     ((UINT64_C(1) << 55) - 1)
#define PHYS_BITS 52 /* of <ioas/mem.h> */
#define WORDS     256

struct pagemap {
	struct ioas_backend backend;
	int fd;
	long pid;          /* whose memory it shows */
	struct statx file; /* what fd was */
};

/* ---- Frames. ---- */

/* The frames of pages that follow each other, read some at a time. */
struct cursor {
	int fd;
	uint64_t page, left; /* not read yet; of the system */
	unsigned int at, count;
	uint64_t word[WORDS];
};

static bool read_more(struct cursor *c)
{
	uint64_t n = c->left < WORDS ? c->left : WORDS;
	long bytes = ioas_sys(SYS_pread64, c->fd, (long)c->word,
	                      (long)(n * sizeof(c->word[0])),
	                      (long)(c->page * sizeof(c->word[0])), 0, 0);

	c->at = 0;
	c->count = bytes < 0 ? 0 : (unsigned int)bytes / sizeof(c->word[0]);
	c->page += c->count;
	c->left -= c->count;
	return c->count;
}

/* 0: it is not there, or its number is hidden. Frame 0 is no program's. */
static uint64_t next_frame(struct cursor *c)
{
	uint64_t word;

	if (c->at == c->count && !read_more(c))
		return 0;
	word = c->word[c->at++];
	return word & PRESENT ? word & FRAME : 0;
}

/* The first frame of 2^@lg2 pages; 0: they are not aligned, in one piece. */
static uint64_t next_frames(struct cursor *c, unsigned int lg2)
{
	uint64_t first = next_frame(c), i;

	if (first & ioas_mask_lg2(lg2))
		return 0;
	for (i = 1; i >> lg2 == 0; i++)
		if (next_frame(c) != first + i)
			return 0;
	return first;
}

/* ---- Locks. ---- */

static void unlock(uint64_t start, uint64_t bytes)
{
	uint64_t page = UINT64_C(1) << ioas_host_page_shift();
	uint64_t end = start + bytes;

	if (!ioas_sys(SYS_munlock, (long)start, (long)bytes, 0, 0, 0, 0))
		return;
	/* It stops where the program has taken a page away. */
	for (; start < end; start += page)
		ioas_sys(SYS_munlock, (long)start, (long)page, 0, 0, 0, 0);
}

/* Return: 0, -EFAULT or -ENOMEM, then nothing is locked. */
static int lock(const struct ioas_pin *pin)
{
	uint64_t bytes = pin->npages << pin->page_shift, there;

	if (!ioas_sys(SYS_mlock, (long)pin->start, (long)bytes, 0, 0, 0, 0))
		return 0;
	unlock(pin->start, bytes);
	/* A page that has gone meanwhile and the limit look the same there. */
	return ioas_host_bring_in((struct uaddr){pin->start}, bytes, pin->perm,
	                          &there)
	               ? -EFAULT
	               : -ENOMEM;
}

/* ---- The back end. ---- */

static const struct pagemap *pagemap_of(const struct ioas_backend *backend)
{
	return ioas_container_of((uintptr_t)backend, const struct pagemap,
	                         backend);
}

static long describe(int fd, struct statx *ret_file)
{
	return ioas_sys(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_INO,
	                (long)ret_file, 0);
}

static bool is_open(const struct pagemap *map)
{
	struct statx now;

	return !describe(map->fd, &now) && now.stx_ino == map->file.stx_ino &&
	       now.stx_dev_minor == map->file.stx_dev_minor &&
	       now.stx_dev_major == map->file.stx_dev_major;
}

static bool is_ours(const struct pagemap *map)
{
	return ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0) == map->pid &&
	       is_open(map);
}

/* Of pages that are locked. Return: how many extents, at least 1, or -EFAULT */
static int look_up(int fd, const struct ioas_pin *pin,
                   struct ioas_extent *ret_extents)
{
	unsigned int shift = ioas_host_page_shift();
	unsigned int lg2 = pin->page_shift - shift;
	struct cursor c = {.fd = fd,
	                   .page = pin->start >> shift,
	                   .left = pin->npages << lg2};
	uint64_t first;
	unsigned int i;

	for (i = 0; i < pin->npages; i++) {
		first = next_frames(&c, lg2);
		if (!first || first >> (PHYS_BITS - shift))
			break;
		ret_extents[i] = (struct ioas_extent){first << shift, 1};
	}
	return i ? (int)i : -EFAULT;
}

/* A page is an extent here: register joins those that follow each other. */
static int pagemap_pin(const struct ioas_backend *self,
                       const struct ioas_pin *pin,
                       struct ioas_extent *ret_extents, unsigned int max)
{
	const struct pagemap *map = pagemap_of(self);
	struct ioas_pin part = *pin;
	uint64_t there;
	int rc;

	if (part.npages > max)
		part.npages = max;
	if (pin->page_shift < ioas_host_page_shift() || !is_ours(map))
		return -EFAULT;
	ioas_host_bring_in((struct uaddr){pin->start},
	                   part.npages << pin->page_shift, pin->perm, &there);
	part.npages = there >> pin->page_shift;
	if (!part.npages)
		return -EFAULT;
	rc = lock(&part);
	if (rc)
		return rc;
	rc = look_up(map->fd, &part, ret_extents);
	there = rc < 0 ? 0 : (uint64_t)rc;
	if (there < part.npages)
		unlock(pin->start + (there << pin->page_shift),
		       (part.npages - there) << pin->page_shift);
	return rc;
}

static void pagemap_unpin(const struct ioas_backend *self,
                          const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	uint64_t bytes = pin->npages << pin->page_shift, there;

	/* The kernel saw nothing of what a device wrote: tell it. */
	if (dirty)
		ioas_host_bring_in((struct uaddr){pin->start}, bytes,
		                   IOAS_WRITE, &there);
	unlock(pin->start, bytes);
}

static int map_file(const struct ioas_backend *self,
                    const struct ioas_register *what, uint64_t *ret_start)
{
	return ioas_host_map_file(what->fd, what->offset, what->length,
	                          what->perm, ret_start);
}

static void unmap_file(const struct ioas_backend *self, uint64_t start,
                       uint64_t length)
{
	ioas_host_unmap_file(start, length);
}

/* ---- Its life. ---- */

/* The refusals of open(2), and what they are here; the last is any other. */
static const struct {
	int err, result;
	const char *text;
} reasons[] = {
	{0, 0, "frame numbers can be read"},
	{EPERM, -EPERM,
         "frame numbers are hidden from this process: to see them in "
         "/proc/self/pagemap takes CAP_SYS_ADMIN in the first user namespace; "
         "run it as root, in a container with --cap-add=SYS_ADMIN, or give the "
         "program the capabilities: "
         "setcap cap_sys_admin,cap_dac_read_search=ep PROGRAM"},
	{EACCES, -EPERM, NULL}, /* as above, it is found first */
	{EMFILE, -EMFILE, "no file descriptor is left in this process"},
	{ENFILE, -ENFILE, "no file descriptor is left in the system"},
	{ENOMEM, -ENOMEM, "no memory"},
	{ENOENT, -ENOENT,
         "there is no /proc/self/pagemap: /proc is not mounted, or the kernel "
         "is without CONFIG_PROC_PAGE_MONITOR"},
};

#define LAST (IOAS_ARRAY_SIZE(reasons) - 1)

static int open_error(long err)
{
	unsigned int i = 0;

	while (i < LAST && -reasons[i].err != err)
		i++;
	return reasons[i].result;
}

/* Is there a frame number for a page that certainly is there? */
static bool shows_frames(int fd)
{
	struct cursor c = {.fd = fd, .left = 1};

	c.page = (uint64_t)(uintptr_t)&c >> ioas_host_page_shift();
	return next_frame(&c) != 0;
}

static int open_pagemap(struct pagemap *map)
{
	long fd = ioas_sys(SYS_openat, AT_FDCWD, (long)"/proc/self/pagemap",
	                   O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return open_error(fd);
	map->fd = (int)fd;
	map->pid = ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
	if (shows_frames(map->fd) && !describe(map->fd, &map->file))
		return 0;
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return -EPERM;
}

int ioas_backend_pagemap_create(const struct ioas_backend **ret_backend)
{
	struct pagemap *map = ioas_new(struct pagemap);
	int rc;

	if (!map)
		return -ENOMEM;
	map->backend = (struct ioas_backend){
		.name = "pagemap",
		.pin = pagemap_pin,
		.unpin = pagemap_unpin,
		.map_file = map_file,
		.unmap_file = unmap_file,
	};
	rc = open_pagemap(map);
	if (rc) {
		ioas_delete(map);
		return rc;
	}
	*ret_backend = &map->backend;
	return 0;
}

void ioas_backend_pagemap_destroy(const struct ioas_backend *backend)
{
	struct pagemap *map;

	if (!backend)
		return;
	/* It was made here, and is const for those who use it. */
	map = (struct pagemap *)(uintptr_t)pagemap_of(backend);
	if (is_open(map))
		ioas_sys(SYS_close, map->fd, 0, 0, 0, 0, 0);
	ioas_delete(map);
}

const char *ioas_backend_pagemap_reason(int error)
{
	unsigned int i = 0;

	while (i < LAST && reasons[i].result != error)
		i++;
	return reasons[i].text;
}
