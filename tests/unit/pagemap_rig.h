/* SPDX-License-Identifier: MIT */
/* What tests of the back end of real frames share. */
#ifndef PAGEMAP_RIG_H
#define PAGEMAP_RIG_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem_rig.h"
/* After it: whose loads are ours. */
/* clang-format off */
#include <ioas/pagemap.h>
/* clang-format on */

/* Not with the code that is tested. */
static inline uint64_t frame_of(const void *at)
{
	uint64_t number = (uintptr_t)at / rig_page(), word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		assert_int_equal(pread(fd, &word, sizeof(word),
		                       (off_t)(number * sizeof(word))),
		                 sizeof(word));
		close(fd);
	}
	return word >> 63 ? word & ((UINT64_C(1) << 55) - 1) : 0;
}

/* Else the test is skipped: before anything is deferred. */
static inline void want_frames(void)
{
	char here = 1;

	if (!frame_of(&here))
		skip();
}

static inline int child_of(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void destroy_backend(void *backend)
{
	ioas_backend_pagemap_destroy(backend);
}

static inline void start(struct rig *r)
{
	const struct ioas_backend *backend = NULL;

	want_frames();
	rig_ok(r, ioas_backend_pagemap_create(&backend));
	rig_defer(r, destroy_backend, (void *)(uintptr_t)backend);
	start_on(r, backend);
}

static inline uint64_t phys_of(const void *at)
{
	uint64_t phys = 0;

	assert_true(translated((uintptr_t)at, IOAS_READ, &phys));
	return phys;
}

static inline int register_at(const void *at, uint64_t bytes, unsigned int perm)
{
	struct ioas_register what = {
		.start = (uintptr_t)at, .length = bytes, .perm = perm};

	return ioas_holder_register(m.a, &what, NULL);
}

/* KiB that the process has locked. */
static inline long locked(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long n = -1;

	assert_non_null(file);
	while (n < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmLck:", 6))
			n = strtol(line + 6, NULL, 10);
	fclose(file);
	return n;
}

#endif /* PAGEMAP_RIG_H */
