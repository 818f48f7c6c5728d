/* SPDX-License-Identifier: MIT */
/*
 * The system calls by which memory is given back, with views following and
 * pinned memory kept. Each returns what the call returns, or -errno.
 *
 *	wrap_memory.c     the program's calls
 *	strict_x86_64.c   the C library's own, with --pin=strict
 */
#ifndef IOAS_PRELOAD_GIVE_H
#define IOAS_PRELOAD_GIVE_H

#include <sys/uio.h>

#include "preload/views.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

long ioas_give_mmap(const struct ioas_mmap_request *request);
long ioas_give_munmap(uint64_t start, size_t bytes);
long ioas_give_mremap(const struct ioas_mremap_request *request);
long ioas_give_madvise(uint64_t start, size_t bytes, int advice);
/* The end of the heap; its break is the C library's to remember. */
struct ioas_giving;
void ioas_give_heap_begin(struct ioas_giving *giving, uint64_t end,
                          uint64_t next);
/* Over what is there; *ret_bytes as below. */
long ioas_give_shmat(int id, uint64_t start, int flags, uint64_t *ret_bytes);
/* Sets *ret_bytes to how far it went; 0: that cannot be found. */
long ioas_give_shmdt(uint64_t start, uint64_t *ret_bytes);
long ioas_give_fallocate(int fd, int mode, int64_t offset, int64_t bytes);
long ioas_give_ftruncate(int fd, int64_t bytes);
long ioas_give_truncate(const char *path, int64_t bytes);

/* process_madvise(2), by its parameters. */
struct ioas_process_advice {
	int pidfd;
	const struct iovec *part;
	size_t parts;
	int advice;
	unsigned int flags;
};

long ioas_give_process_madvise(const struct ioas_process_advice *request);

/* Does such a call of madvise take something away? */
bool ioas_give_advice(int advice);

#endif /* IOAS_PRELOAD_GIVE_H */
