/* SPDX-License-Identifier: MIT */
/*
 * bench-ioctl, under `ioas run`: what a call on a VFIO file costs through the
 * wrapper, beside a real ioctl; and what the wrapper adds to calls on files
 * that are none of ours. The real functions are looked up in the C library
 * itself, behind the preloaded library's back, so both ways are measured in one
 * process, slice by slice.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "benchmarks/meter.h"

#define CHECK_EXTENSION (0x3b64 + 1) /* of VFIO; takes a number, no pointer */
#define TYPE1           1

typedef int ioctl_fn(int fd, unsigned long command, ...);
typedef ssize_t pread_fn(int fd, void *buffer, size_t bytes, off_t at);
typedef int open_fn(const char *path, int flags, ...);
typedef int close_fn(int fd);
typedef int stat_fn(const char *path, struct stat *ret_stat);
typedef void free_fn(void *p);

struct call {
	int fd;
	unsigned long command;
	ioctl_fn *ioctl;
	pread_fn *pread;
	char buffer[8]; /* FIONREAD writes an int, pread 4 bytes */
};

/* Calls that take a path, or memory. */
struct others {
	open_fn *open;
	close_fn *close;
	stat_fn *stat;
	free_fn *free;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-ioctl: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void extension_slice(void *state, unsigned long n)
{
	struct call *c = state;

	while (n--)
		if (c->ioctl(c->fd, CHECK_EXTENSION, TYPE1) != 1)
			die("CHECK_EXTENSION");
}

static void ioctl_slice(void *state, unsigned long n)
{
	struct call *c = state;

	while (n--)
		if (c->ioctl(c->fd, c->command, c->buffer))
			die("ioctl");
}

static void pread_slice(void *state, unsigned long n)
{
	struct call *c = state;

	while (n--)
		if (c->pread(c->fd, c->buffer, 4, 0) != 4)
			die("pread");
}

static void stat_slice(void *state, unsigned long n)
{
	struct others *o = state;
	struct stat st;

	while (n--)
		if (o->stat("/usr/bin", &st))
			die("stat");
}

static void open_slice(void *state, unsigned long n)
{
	struct others *o = state;
	int fd;

	while (n--) {
		fd = o->open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || o->close(fd))
			die("open");
	}
}

/* malloc() is the same in both; it cannot be left out by the compiler. */
static void free_slice(void *state, unsigned long n)
{
	struct others *o = state;
	void *volatile p;

	while (n--) {
		p = malloc(64);
		o->free(p);
	}
}

/* What a program gets when it calls by name, and what libc has. */
static void *named(void *library, const char *name)
{
	void *fn = dlsym(library, name);

	if (!fn) {
		fprintf(stderr, "bench-ioctl: %s\n", dlerror());
		exit(1);
	}
	return fn;
}

static int foreign_file(void)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0 || write(fd, "data", 4) != 4)
		die("memfd");
	return fd;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int file = foreign_file();
	int ends[2];

	if (container < 0)
		die("/dev/vfio/vfio");
	if (!libc || pipe(ends))
		die("set-up");

	ioctl_fn *real_ioctl = (ioctl_fn *)named(libc, "ioctl");
	pread_fn *real_pread = (pread_fn *)named(libc, "pread");
	struct call ours = {.fd = container, .ioctl = ioctl};
	struct call wrapped = {ends[0], FIONREAD, ioctl, pread, {0}};
	struct call real = {ends[0], FIONREAD, real_ioctl, real_pread, {0}};
	struct call wrapped_file = {file, 0, ioctl, pread, {0}};
	struct call real_file = {file, 0, real_ioctl, real_pread, {0}};
	struct others by_name = {open, close, stat, free};
	struct others of_libc = {(open_fn *)named(libc, "open"),
	                         (close_fn *)named(libc, "close"),
	                         (stat_fn *)named(libc, "stat"),
	                         (free_fn *)named(libc, "free")};
	struct meter_case c[] = {
		{"CHECK_EXTENSION", extension_slice, &ours, 0, 0, 0},
		{"real ioctl", ioctl_slice, &real, 0, 0, 0},
		{"wrapped, foreign", ioctl_slice, &wrapped, 0, 0, 0},
		{"real pread", pread_slice, &real_file, 0, 0, 0},
		{"wrapped pread", pread_slice, &wrapped_file, 0, 0, 0},
		{"real stat", stat_slice, &of_libc, 0, 0, 0},
		{"wrapped stat", stat_slice, &by_name, 0, 0, 0},
		{"real open and close", open_slice, &of_libc, 0, 0, 0},
		{"wrapped open and close", open_slice, &by_name, 0, 0, 0},
		{"real free", free_slice, &of_libc, 0, 0, 0},
		{"wrapped free", free_slice, &by_name, 0, 0, 0},
	};

	if (real_ioctl == ioctl) {
		errno = ENOEXEC;
		die("nothing is preloaded: run it under ioas run");
	}
	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("ioctl", &c[0], &c[1], "ratio >= 10");
	meter_row_difference("ioctl", "tax on a foreign ioctl", &c[2], &c[1],
	                     "min <= 3");
	meter_row_difference("ioctl", "tax on a foreign pread", &c[4], &c[3],
	                     "min <= 3");
	meter_row_difference("ioctl", "tax on free, nothing mapped", &c[10],
	                     &c[9], "min <= 3");
	meter_row_difference("ioctl", "tax on stat of a foreign path", &c[6],
	                     &c[5], "min <= 100");
	meter_row_difference("ioctl", "tax on open of a foreign path", &c[8],
	                     &c[7], "min <= 100");
	return 0;
}
