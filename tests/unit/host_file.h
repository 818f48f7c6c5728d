/* SPDX-License-Identifier: MIT */
/* A file behind a device, for the tests of src/host. */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ioas/device.h>

#include "pci/function.h"
#include "rig.h"

#define SIZE (1 << 20)

/* A file with a pattern: byte i is i * 7 / 3, kept until the test ends. */
struct file {
	char path[64];
	int fd;
	struct ioas_device dev; /* for what it says of failures */
};

static inline uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i * 7 / 3);
}

static void file_end(void *arg)
{
	struct file *f = arg;

	close(f->fd);
	unlink(f->path);
	free(f);
}

static void fill(int fd)
{
	uint8_t *bytes = malloc(SIZE);
	uint64_t i;

	assert_non_null(bytes);
	for (i = 0; i < SIZE; i++)
		bytes[i] = pattern(i);
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	free(bytes);
}

static inline struct file *file_new(struct rig *r)
{
	struct file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->path, "host_store_test.XXXXXX");
	f->fd = mkstemp(f->path);
	assert_true(f->fd >= 0);
	rig_defer(r, file_end, f);
	fill(f->fd);
	return f;
}

/* The same in memory: a file system with fewer features. */
static inline struct file *file_in_memory(struct rig *r)
{
	struct file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->fd = memfd_create("host_store_test", 0);
	assert_true(f->fd >= 0);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	rig_defer(r, file_end, f);
	fill(f->fd);
	return f;
}

static inline struct ioas_store *store_on(struct rig *r, struct file *f)
{
	struct ioas_store *store = NULL;

	rig_ok(r, ioas_store_open(&f->dev, f->path, &store));
	rig_defer(r, RIG_CALL(ioas_store_close), store);
	return store;
}

static inline uint8_t byte_at(const struct file *f, uint64_t i)
{
	uint8_t byte = 0;

	assert_int_equal(pread(f->fd, &byte, 1, (off_t)i), 1);
	return byte;
}

#endif /* HOST_FILE_H */
