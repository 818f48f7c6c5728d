/* SPDX-License-Identifier: MIT */
/*
 * Memory of the program: whether it is there, and copies that survive when it
 * is not.
 *
 * To pin is to check. The pages are not locked: what keeps them when the
 * program gives them back belongs to the front end, and what slips through
 * ends in a copy that answers -EFAULT. So they need not be there either: a
 * copy brings in what it meets. Few of them are brought in, since nothing
 * checks them more quickly; many are looked at (check.c).
 *
 * Seccomp filters of containers refuse process_vm_readv; then a copy goes
 * through a pipe, whose system calls answer -EFAULT as well. That is several
 * times slower.
 *
 * Sources: madvise(2), MADV_POPULATE_READ (Linux 5.14); process_vm_readv(2);
 * futex(2), FUTEX_WAKE_OP; pipe(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/members.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static uint64_t page_bytes(void)
{
	static struct ioas_a64 known;
	/* No order: every thread finds the same number. */
	uint64_t bytes = ioas_a64_load_relaxed(&known);

	if (!bytes) {
		bytes = getauxval(AT_PAGESZ);
		ioas_a64_store_relaxed(&known, bytes);
	}
	return bytes;
}

unsigned int ioas_host_page_shift(void)
{
	return (unsigned int)__builtin_ctzll(page_bytes());
}

/* Pages of the program, by number: the end cannot wrap. */
struct pages {
	uint64_t first, count;
};

static struct pages pages_of(struct uaddr start, uint64_t length)
{
	uint64_t first = start.raw / page_bytes();
	uint64_t last = (start.raw + (length - 1)) / page_bytes();

	return (struct pages){first, last - first + 1};
}

/* The bytes from @start that lie below page @end. */
static uint64_t bytes_below(struct uaddr start, uint64_t length, uint64_t end)
{
	uint64_t bytes = end * page_bytes() - start.raw;

	if (end <= start.raw / page_bytes())
		return 0;
	return bytes < length ? bytes : length;
}

static int try_populate(uint64_t first, uint64_t count, int advice)
{
	if (count > SIZE_MAX / page_bytes())
		return -ENOMEM;
	return (int)ioas_sys(SYS_madvise, (long)(first * page_bytes()),
	                     (long)(count * page_bytes()), advice, 0, 0, 0);
}

static bool populate(uint64_t first, uint64_t count, unsigned int perm)
{
	bool write = perm & IOAS_WRITE;
	int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
	unsigned int round;
	int err;

	/* -EAGAIN: short of memory for the moment. */
	for (round = 0; round < 64; round++) {
		err = try_populate(first, count, advice);
		if (err != -EINTR && err != -EAGAIN)
			break;
		ioas_host_relax(round);
	}
	return !err;
}

#define MADV_NOTHING 0x7fffffff /* an advice that there is not */

bool ioas_host_heeds_advice(void)
{
	uint32_t here;
	uint64_t page = (uint64_t)(uintptr_t)&here / page_bytes();

	return try_populate(page, 1, MADV_NOTHING) != 0;
}

/* 0 not known yet, 1 yes, 2 no. */
static bool can_populate(void)
{
	static struct ioas_a32 known;
	/* No order: every thread finds the same. */
	uint32_t answer = ioas_a32_load_relaxed(&known);
	uint64_t page;

	if (!answer) {
		page = (uint64_t)(uintptr_t)&answer / page_bytes();
		answer = !ioas_host_heeds_advice() ||
		                         try_populate(page, 1,
		                                      MADV_POPULATE_READ)
		                 ? 2
		                 : 1;
		ioas_a32_store_relaxed(&known, answer);
	}
	return answer == 1;
}

/* How many pages from the first are good, when not all of them are. */
static uint64_t bisect(uint64_t first, uint64_t count, unsigned int perm)
{
	uint64_t good = 0, bad = count;
	uint64_t middle;

	while (bad - good > 1) {
		middle = good + (bad - good) / 2;
		if (populate(first + good, middle - good, perm))
			good = middle;
		else
			bad = middle;
	}
	return populate(first, bad, perm) ? bad : good;
}

uint64_t ioas_host_populate(uint64_t first, uint64_t count, unsigned int perm)
{
	return populate(first, count, perm) ? count
	                                    : bisect(first, count, perm);
}

/*
 * From here on pages are looked at. To bring in 1024 that are there already
 * takes 35 us, and 400 us when they are not; to look at them 20 us. With half
 * as many the first is as quick (4 KiB each, Linux 6.18).
 */
#define MANY 1024

/* As hooks.pin; looks at pages when they are @many. */
static int pin(struct uaddr start, uint64_t length, unsigned int perm,
               uint64_t many, uint64_t *ret_pinned)
{
	struct pages pages;
	uint64_t good;

	*ret_pinned = 0;
	if (!length)
		return 0;
	if (!can_populate())
		return ioas_host_pin_by_touch(start, length, perm, ret_pinned);
	pages = pages_of(start, length);
	if (pages.count < many)
		good = ioas_host_populate(pages.first, pages.count, perm);
	else
		good = ioas_host_check(pages.first, pages.count, perm);
	*ret_pinned = bytes_below(start, length, pages.first + good);
	return good == pages.count ? 0 : -EFAULT;
}

int ioas_host_pin(struct uaddr start, uint64_t length, unsigned int perm,
                  uint64_t *ret_pinned)
{
	return pin(start, length, perm, MANY, ret_pinned);
}

int ioas_host_bring_in(struct uaddr start, uint64_t length, unsigned int perm,
                       uint64_t *ret_pinned)
{
	return pin(start, length, perm, UINT64_MAX, ret_pinned);
}

void ioas_host_unpin(struct uaddr start, uint64_t length)
{
	/* Nothing was locked. */
}

static long copy_by_vm(void *dst, const void *src, size_t bytes)
{
	long pid = ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
	struct iovec to = {dst, bytes};
	struct iovec from = {(void *)(uintptr_t)src, bytes};

	return ioas_sys(SYS_process_vm_readv, pid, (long)&to, 1, (long)&from, 1,
	                0);
}

/* An empty pipe takes this much at once. pipe(7): PIPE_BUF */
#define PIPE_PIECE 4096

static long copy_by_pipe(void *dst, const void *src, size_t bytes)
{
	size_t piece = bytes < PIPE_PIECE ? bytes : PIPE_PIECE;
	int ends[2];
	long n = ioas_sys(SYS_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0, 0);

	if (n < 0)
		return n;
	n = ioas_sys(SYS_write, ends[1], (long)src, (long)piece, 0, 0, 0);
	if (n > 0)
		n = ioas_sys(SYS_read, ends[0], (long)dst, n, 0, 0, 0);
	ioas_sys(SYS_close, ends[0], 0, 0, 0, 0, 0);
	ioas_sys(SYS_close, ends[1], 0, 0, 0, 0, 0);
	return n;
}

/* Bytes copied, or -errno. A process may read itself: a no is a filter's. */
static long copy_piece(void *dst, const void *src, size_t bytes)
{
	long n = copy_by_vm(dst, src, bytes);

	if (n == -ENOSYS || n == -EPERM || n == -EACCES)
		n = copy_by_pipe(dst, src, bytes);
	return n;
}

/* Waiting for no time looks at the word first. */
static bool touch_read(uint64_t address)
{
	const int64_t no_time[2] = {0, 0};

	return ioas_sys(SYS_futex, (long)address,
	                FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, (long)no_time, 0,
	                0) != -EFAULT;
}

/*
 * A write that changes nothing even if the program writes there at the same
 * time: the kernel's atomic OR with 0. Nobody waits at the first word.
 */
static bool touch_write(uint64_t address)
{
	uint32_t nobody = 0;
	long op = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_LT, 0);

	return ioas_sys(SYS_futex, (long)&nobody,
	                FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, (long)address,
	                op) >= 0;
}

int ioas_host_pin_by_touch(struct uaddr start, uint64_t length,
                           unsigned int perm, uint64_t *ret_pinned)
{
	struct pages pages;
	uint64_t i, address;

	*ret_pinned = 0;
	if (!length)
		return 0;
	pages = pages_of(start, length);
	for (i = 0; i < pages.count; i++) {
		address = (pages.first + i) * page_bytes();
		if (!touch_read(address) ||
		    ((perm & IOAS_WRITE) && !touch_write(address)))
			break;
	}
	*ret_pinned = bytes_below(start, length, pages.first + i);
	return i == pages.count ? 0 : -EFAULT;
}

static int copy_some(char *dst, const char *src, size_t bytes)
{
	long n;

	while (bytes) {
		n = copy_piece(dst, src, bytes);
		if (n <= 0)
			return -EFAULT;
		dst += n;
		src += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* How much of a copy goes in its next system call: see host.h. */
static size_t next_piece(const char *dst, const char *src, size_t bytes)
{
	const size_t unit = 8, whole = 32;

	if ((((uintptr_t)dst | (uintptr_t)src | bytes) & (unit - 1)) != 0)
		return bytes;
	if (bytes <= whole)
		return unit;
	return bytes - unit;
}

int ioas_host_copy(void *dst, const void *src, size_t bytes)
{
	char *to = dst;
	const char *from = src;
	size_t piece;
	int err;

	for (; bytes; bytes -= piece, to += piece, from += piece) {
		piece = next_piece(to, from, bytes);
		err = copy_some(to, from, piece);
		if (err)
			return err;
	}
	return 0;
}
