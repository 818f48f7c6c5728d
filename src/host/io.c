/* SPDX-License-Identifier: MIT */
/*
 * The file behind a device: read, write, zero, flush. The kernel copies
 * between the file and the program's pages, so memory that has gone is an
 * -EFAULT of the system call and not a signal. A read copies from a mapping of
 * the file where there is one; whatever goes wrong there, the system call is
 * made and gives the error.
 *
 * A write is always the system call: it puts a block into the file as a whole,
 * also when the process is killed within it.
 *
 * A write must not make the file longer. There is no flag for that, so its
 * size is looked at before each write (lseek(2) to the end, tens of
 * nanoseconds). Somebody who shortens the file between the two gets it
 * lengthened again by the piece written.
 *
 * The file size limit (RLIMIT_FSIZE) raises SIGXFSZ besides EFBIG. The caller
 * has signals blocked; the one that a write of ours left pending is taken
 * back, and one that was pending before is not ours.
 *
 * Sources: preadv(2), pwritev(2), fallocate(2), fdatasync(2), setrlimit(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host/store.h"

/* A segment is handed to the kernel as it is. */
_Static_assert(sizeof(struct ioas_segment) == sizeof(struct iovec) &&
                       offsetof(struct ioas_segment, base) ==
                               offsetof(struct iovec, iov_base) &&
                       offsetof(struct ioas_segment, bytes) ==
                               offsetof(struct iovec, iov_len),
               "struct ioas_segment is struct iovec");

/* What is left to move. */
struct transfer {
	const struct ioas_segment *segment;
	unsigned int count;
	size_t skip; /* of the first segment */
	uint64_t offset;
};

static void advance(struct transfer *t, size_t bytes)
{
	t->offset += bytes;
	while (t->count && bytes >= t->segment->bytes - t->skip) {
		bytes -= t->segment->bytes - t->skip;
		t->segment++;
		t->count--;
		t->skip = 0;
	}
	t->skip += bytes;
}

/* One system call: the rest of a begun segment, or as many as it takes. */
static long move_some(const struct ioas_store *store, long number,
                      const struct transfer *t)
{
	struct ioas_segment rest = *t->segment;
	const struct ioas_segment *from = t->segment;
	unsigned int count = t->count < IOV_MAX ? t->count : IOV_MAX;

	if (t->skip) {
		rest.base = (char *)rest.base + t->skip;
		rest.bytes -= t->skip;
		from = &rest;
		count = 1;
	}
	return ioas_sys(number, store->fd, (long)from, count, (long)t->offset,
	                (long)(t->offset >> 32), 0);
}

/* Return: 0 or the system's -errno; -EIO at the end of the file. */
static long move(const struct ioas_store *store, long number,
                 struct transfer *t)
{
	long n;

	advance(t, 0);
	while (t->count) {
		n = move_some(store, number, t);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? n : -EIO;
		advance(t, (size_t)n);
	}
	return 0;
}

/* The errnos that <ioas/device.h> names. */
static int known_error(long err)
{
	if (!err || err == -EFAULT)
		return (int)err;
	if (err == -ENOSPC || err == -EDQUOT || err == -EFBIG)
		return -ENOSPC;
	return -EIO;
}

static uint64_t total(const struct ioas_segment *segment, unsigned int count)
{
	uint64_t bytes = 0;

	while (count--)
		bytes += segment++->bytes;
	return bytes;
}

static int check_room(const struct ioas_store *store, uint64_t offset,
                      uint64_t bytes)
{
	int64_t size = ioas_store_size_now(store);

	if (size < 0 || (uint64_t)size < offset ||
	    (uint64_t)size - offset < bytes)
		return -EIO;
	return 0;
}

/*
 * From the file's own pages. False: not so, or one of the two sides is gone
 * (the file was shortened, its medium failed, the program unmapped): the
 * system call says which.
 */
static bool read_pages(const struct ioas_store *store,
                       const struct ioas_segment *segment, unsigned int count,
                       uint64_t offset)
{
	uint64_t bytes = total(segment, count);
	const char *from;

	/* Behind the end of a shortened file its last page has zeros. */
	if (!store->pages || offset > store->size ||
	    bytes > store->size - offset || check_room(store, offset, bytes))
		return false;
	from = store->pages + offset;
	for (; count; count--, segment++) {
		if (ioas_hooks.copy(segment->base, from, segment->bytes))
			return false;
		from += segment->bytes;
	}
	return true;
}

int ioas_store_read(struct ioas_store *store,
                    const struct ioas_segment *segment, unsigned int count,
                    uint64_t offset)
{
	struct transfer t = {segment, count, 0, offset};

	if (read_pages(store, segment, count, offset))
		return 0;
	return known_error(move(store, SYS_preadv, &t));
}

/* The kernel's signal set, which is shorter than libc's. */
#define SIGNAL_BYTES ((_NSIG - 1) / 8)
#define LONG_BITS    (8 * sizeof(unsigned long))

struct signal_set {
	unsigned long word[SIGNAL_BYTES / sizeof(unsigned long)];
};

static bool limit_signal_pending(void)
{
	struct signal_set set = {{0}};

	ioas_sys(SYS_rt_sigpending, (long)&set, SIGNAL_BYTES, 0, 0, 0, 0);
	return set.word[(SIGXFSZ - 1) / LONG_BITS] >>
	               ((SIGXFSZ - 1) % LONG_BITS) &
	       1;
}

static void take_back_limit_signal(void)
{
	struct signal_set set = {{0}};
	struct timespec now = {0};

	set.word[(SIGXFSZ - 1) / LONG_BITS] = 1UL << (SIGXFSZ - 1) % LONG_BITS;
	ioas_sys(SYS_rt_sigtimedwait, (long)&set, 0, (long)&now, SIGNAL_BYTES,
	         0, 0);
}

int ioas_store_write(struct ioas_store *store,
                     const struct ioas_segment *segment, unsigned int count,
                     uint64_t offset)
{
	struct transfer t = {segment, count, 0, offset};
	bool was_pending;
	long err = check_room(store, offset, total(segment, count));

	if (err)
		return (int)err;
	was_pending = limit_signal_pending();
	err = move(store, SYS_pwritev, &t);
	if (err == -EFBIG && !was_pending)
		take_back_limit_signal();
	return known_error(err);
}

/* Never written: its pages are the system's page of zeros. */
static char zeros[1 << 16];

#define ZERO_SEGMENTS 16

/* The slow way, for file systems without a better one. */
static int write_zeros(struct ioas_store *store, uint64_t offset,
                       uint64_t bytes)
{
	struct ioas_segment segment[ZERO_SEGMENTS];
	uint64_t piece;
	unsigned int n;
	int err;

	while (bytes) {
		for (n = 0, piece = 0; n < ZERO_SEGMENTS && piece < bytes;
		     n++) {
			segment[n].base = zeros;
			segment[n].bytes = sizeof(zeros);
			if (bytes - piece < sizeof(zeros))
				segment[n].bytes = (size_t)(bytes - piece);
			piece += segment[n].bytes;
		}
		err = ioas_store_write(store, segment, n, offset);
		if (err)
			return err;
		offset += piece;
		bytes -= piece;
	}
	return 0;
}

static long allocate(const struct ioas_store *store, int mode, uint64_t offset,
                     uint64_t bytes)
{
	long err;

	do {
		/* On 32-bit systems an argument of 64 bits takes two. */
		if (sizeof(long) == sizeof(uint64_t))
			err = ioas_sys(SYS_fallocate, store->fd, mode,
			               (long)offset, (long)bytes, 0, 0);
		else
			err = -EOPNOTSUPP;
	} while (err == -EINTR);
	return err;
}

static bool is_answer(long err)
{
	return err != -EOPNOTSUPP && err != -ENOSYS && err != -EINVAL &&
	       err != -ENODEV && err != -EPERM;
}

int ioas_store_zero(struct ioas_store *store, uint64_t offset, uint64_t bytes,
                    bool discard)
{
	const int mode = discard ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	long err = check_room(store, offset, bytes);

	if (err || !bytes)
		return (int)err;
	err = allocate(store, mode | FALLOC_FL_KEEP_SIZE, offset, bytes);
	if (is_answer(err))
		return known_error(err);
	return write_zeros(store, offset, bytes);
}

int ioas_store_flush(struct ioas_store *store)
{
	long err;

	do {
		err = ioas_sys(SYS_fdatasync, store->fd, 0, 0, 0, 0, 0);
	} while (err == -EINTR);
	return known_error(err) == -EFAULT ? -EIO : known_error(err);
}
