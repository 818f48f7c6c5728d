/* SPDX-License-Identifier: MIT */
/*
 * Addresses that cost no memory before they are written to, and pieces of
 * files as memory. By system calls: a front end wraps the functions of libc.
 *
 * What is reserved is in a list, for who locks all memory of the process: the
 * list and the addresses change together, under its lock.
 *
 * Sources: mmap(2), MAP_NORESERVE; madvise(2), MADV_WIPEONFORK (Linux 4.14);
 * mlockall(2), MCL_FUTURE.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/lock.h"
#include "host/members.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

struct reserved {
	struct reserved *next;
	uintptr_t start;
	size_t bytes;
};

static struct ioas_lock lock;
static struct reserved *reserved; /* under the lock */

static bool failed(long result)
{
	return result < 0 && result >= -4095;
}

/*
 * In a process that locks what it maps from now on (MCL_FUTURE) the system
 * would bring in all of it at once: so it cannot be read before it is unlocked.
 */
static bool open_unlocked(long at, size_t bytes)
{
	ioas_sys(SYS_munlock, at, (long)bytes, 0, 0, 0, 0);
	return !ioas_sys(SYS_mprotect, at, (long)bytes, PROT_READ | PROT_WRITE,
	                 0, 0, 0);
}

/* Return: where, or 0. */
static long reserve(size_t bytes)
{
	long at = -ENOSYS;

	if (ioas_host_heeds_advice())
		at = ioas_sys(SYS_mmap, 0, (long)bytes, PROT_NONE,
		              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		              0);
	if (failed(at))
		return 0;
	/* Without the advice a child would believe what is its parent's. */
	if (!open_unlocked(at, bytes) ||
	    ioas_sys(SYS_madvise, at, (long)bytes, MADV_WIPEONFORK, 0, 0, 0)) {
		ioas_sys(SYS_munmap, at, (long)bytes, 0, 0, 0, 0);
		return 0;
	}
	ioas_sys(SYS_madvise, at, (long)bytes, MADV_DONTDUMP, 0, 0, 0);
	return at;
}

void *ioas_host_reserve(size_t bytes)
{
	struct reserved *r = ioas_host_alloc(sizeof(*r));
	long at;

	if (!r)
		return NULL;
	ioas_lock(&lock);
	at = reserve(bytes);
	if (at) {
		*r = (struct reserved){reserved, (uintptr_t)at, bytes};
		reserved = r;
	}
	ioas_unlock(&lock);
	if (!at)
		ioas_host_free(r, sizeof(*r));
	return (void *)at;
}

void ioas_host_unreserve(void *p, size_t bytes)
{
	struct reserved **link = &reserved, *r;

	ioas_lock(&lock);
	while ((*link)->start != (uintptr_t)p)
		link = &(*link)->next;
	r = *link;
	*link = r->next;
	ioas_sys(SYS_munmap, (long)p, (long)bytes, 0, 0, 0, 0);
	ioas_unlock(&lock);
	ioas_host_free(r, sizeof(*r));
}

void ioas_host_reserve_forked(void)
{
	ioas_lock_reset(&lock);
}

bool ioas_host_reserved_munlock(void)
{
	const struct reserved *r;
	bool any;

	ioas_lock(&lock);
	any = reserved != NULL;
	for (r = reserved; r; r = r->next)
		ioas_sys(SYS_munlock, (long)r->start, (long)r->bytes, 0, 0, 0,
		         0);
	ioas_unlock(&lock);
	return any;
}

/* Is @at reserved? Until where it is as it is there, at most to @end. */
static bool is_reserved(uintptr_t at, uintptr_t *end)
{
	const struct reserved *r;

	for (r = reserved; r; r = r->next) {
		if (at >= r->start && at - r->start < r->bytes) {
			if (r->start + r->bytes < *end)
				*end = r->start + r->bytes;
			return true;
		}
		if (at < r->start && r->start < *end)
			*end = r->start;
	}
	return false;
}

/* Bytes that are not reserved, and, with @mlock, locked now. */
static uint64_t each_unreserved(uintptr_t start, uintptr_t end, bool mlock)
{
	uint64_t bytes = 0;
	uintptr_t to;

	ioas_lock(&lock);
	for (; start < end; start = to) {
		to = end;
		if (is_reserved(start, &to))
			continue;
		bytes += to - start;
		if (mlock)
			ioas_sys(SYS_mlock, (long)start, (long)(to - start), 0,
			         0, 0, 0);
	}
	ioas_unlock(&lock);
	return bytes;
}

void ioas_host_mlock(uintptr_t start, uintptr_t end)
{
	each_unreserved(start, end, true);
}

uint64_t ioas_host_unreserved(uintptr_t start, uintptr_t end)
{
	return each_unreserved(start, end, false);
}

static void zero(char *from, const char *end)
{
	/* Word by word: somebody may be reading, and must not see half. */
	for (; from < end; from += sizeof(struct ioas_a64))
		ioas_a64_store_relaxed((struct ioas_a64 *)(void *)from, 0);
}

void ioas_host_reserve_advise(void *p, size_t bytes,
                              enum ioas_reserve_advice advice)
{
	uintptr_t mask = ioas_mask_lg2(ioas_host_page_shift());
	char *start = p, *end = start + bytes;
	char *first = (char *)(((uintptr_t)start + mask) & ~mask);
	char *last = (char *)((uintptr_t)end & ~mask);
	bool some = first < last;

	if (advice == IOAS_RESERVE_HUGE) {
		if (some)
			ioas_sys(SYS_madvise, (long)first, last - first,
			         MADV_HUGEPAGE, 0, 0, 0);
		return;
	}
	/* Where the system will not take it back, it is written to. */
	if (!some || ioas_sys(SYS_madvise, (long)first, last - first,
	                      MADV_DONTNEED, 0, 0, 0))
		first = last = end;
	zero(start, first);
	zero(last, end);
}

/* What a file that cannot be shown is answered with. */
static int file_error(long result)
{
	switch (result) {
	case -ENOMEM:
	case -EINVAL:
		return (int)result;
	default:
		return -EBADF;
	}
}

int ioas_host_map_file(int fd, uint64_t offset, uint64_t length,
                       unsigned int perm, uint64_t *ret_start)
{
	int prot = PROT_READ | (perm & IOAS_WRITE ? PROT_WRITE : 0);
	long at;

	if (length > SIZE_MAX || offset > INT64_MAX)
		return -EINVAL;
	at = ioas_sys(SYS_mmap, 0, (long)length, prot, MAP_SHARED, fd,
	              (long)offset);
	if (failed(at))
		return file_error(at);
	*ret_start = (uint64_t)at;
	return 0;
}

void ioas_host_unmap_file(uint64_t start, uint64_t length)
{
	ioas_sys(SYS_munmap, (long)start, (long)length, 0, 0, 0, 0);
}
