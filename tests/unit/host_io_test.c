/* SPDX-License-Identifier: MIT */
/*
 * The file behind a device: read, write, zero, flush (src/host/io.c).
 *
 * covers: ioas_store_read -EFAULT, ioas_store_read -EIO,
 * ioas_store_write -EFAULT, ioas_store_write -EIO, ioas_store_write -ENOSPC,
 * ioas_store_zero -EIO, ioas_store_zero -ENOSPC, ioas_store_flush -EIO,
 * ioas_store_flush -ENOSPC
 */
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "failing_call.h"
#include "host/host.h"
#include "host_file.h"

static void read_fills_segments_in_order(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	uint8_t a[100], b[1], c[3000];
	const struct ioas_segment segment[] = {
		{a, sizeof(a)}, {a, 0}, {b, sizeof(b)}, {c, sizeof(c)}};
	unsigned int i;

	assert_int_equal(ioas_store_read(store, segment, 4, 12345), 0);
	for (i = 0; i < sizeof(a); i++)
		assert_int_equal(a[i], pattern(12345 + i));
	assert_int_equal(b[0], pattern(12445));
	for (i = 0; i < sizeof(c); i++)
		assert_int_equal(c[i], pattern(12446 + i));
	assert_int_equal(ioas_store_read(store, segment, 0, 0), 0);
	assert_int_equal(ioas_store_read(store, segment + 1, 1, SIZE), 0);
}

/* More segments than one system call takes. */
static void write_takes_many_segments(struct rig *r)
{
	enum { COUNT = IOV_MAX + 500 };
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	struct ioas_segment segment[COUNT];
	uint8_t bytes[256];
	unsigned int i;

	for (i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	for (i = 0; i < COUNT; i++)
		segment[i] = (struct ioas_segment){bytes + i % 256, 1};
	assert_int_equal(ioas_store_write(store, segment, COUNT, 77), 0);
	assert_int_equal(byte_at(f, 76), pattern(76));
	for (i = 0; i < COUNT; i++)
		assert_int_equal(byte_at(f, 77 + i), i % 256);
	assert_int_equal(byte_at(f, 77 + COUNT), pattern(77 + COUNT));
}

static void memory_that_has_gone_is_efault(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	const size_t page = rig_page();
	char *p = rig_memory(r, 3 * page);
	const struct ioas_segment all = {p, 3 * page};
	const struct ioas_segment two[] = {{p, page}, {p + page, page}};

	rig_hole(r, p + page, page);
	assert_int_equal(ioas_store_read(store, &all, 1, 0), -EFAULT);
	assert_int_equal(ioas_store_write(store, &all, 1, 0), -EFAULT);
	assert_int_equal(ioas_store_read(store, two, 2, 0), -EFAULT);
	assert_int_equal(ioas_store_write(store, two, 2, 0), -EFAULT);
	rig_read_only(r, p, page);
	assert_int_equal(ioas_store_read(store, two, 1, 0), -EFAULT);
	assert_int_equal(ioas_store_write(store, two, 1, 0), 0);
}

static void a_shorter_file_is_eio_and_does_not_grow(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	char bytes[512] = "";
	const struct ioas_segment segment = {bytes, sizeof(bytes)};
	struct stat st;

	assert_int_equal(ftruncate(f->fd, 1000), 0);
	assert_int_equal(ioas_store_read(store, &segment, 1, 0), 0);
	assert_int_equal(ioas_store_write(store, &segment, 1, 488), 0);
	assert_int_equal(ioas_store_read(store, &segment, 1, 489), -EIO);
	assert_int_equal(ioas_store_write(store, &segment, 1, 489), -EIO);
	assert_int_equal(ioas_store_write(store, &segment, 1, 4096), -EIO);
	assert_int_equal(ioas_store_zero(store, 489, 512, true), -EIO);
	assert_int_equal(ioas_store_zero(store, 489, 512, false), -EIO);
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_size, 1000);
	assert_int_equal(ioas_store_size(store), SIZE);
}

static void restore_size_limit(void *arg)
{
	setrlimit(RLIMIT_FSIZE, arg);
}

static void limit_file_size(struct rig *r, rlim_t bytes)
{
	static struct rlimit old;
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = bytes;
	rig_defer(r, restore_size_limit, &old);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void the_file_size_limit_is_enospc_without_a_signal(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	struct ioas_hooks h;
	struct ioas_signals saved;
	char bytes[512] = "";
	const struct ioas_segment segment = {bytes, sizeof(bytes)};
	int below, across, above;
	sigset_t pending;

	ioas_host_hooks(&h);
	limit_file_size(r, 8192);
	h.signals_block(&saved);
	below = ioas_store_write(store, &segment, 1, 8192 - 512);
	across = ioas_store_write(store, &segment, 1, 8192 - 256);
	above = ioas_store_write(store, &segment, 1, 65536);
	sigpending(&pending);
	h.signals_restore(&saved);
	assert_int_equal(below, 0);
	assert_int_equal(across, -ENOSPC);
	assert_int_equal(above, -ENOSPC);
	assert_int_equal(sigismember(&pending, SIGXFSZ), 0);
	assert_int_equal(byte_at(f, 65536), pattern(65536));
}

static void a_limit_signal_of_the_program_is_left_to_it(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	char bytes[512] = "";
	const struct ioas_segment segment = {bytes, sizeof(bytes)};
	struct timespec now = {0};
	sigset_t mine, before;

	limit_file_size(r, 8192);
	sigemptyset(&mine);
	sigaddset(&mine, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &mine, &before);
	raise(SIGXFSZ);
	assert_int_equal(ioas_store_write(store, &segment, 1, 65536), -ENOSPC);
	assert_int_equal(sigtimedwait(&mine, NULL, &now), SIGXFSZ);
	assert_int_equal(sigtimedwait(&mine, NULL, &now), -1);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void check_zero(struct file *f, struct ioas_store *store, bool discard)
{
	const uint64_t first = 5000, bytes = 300001;
	struct stat st;
	uint64_t i;

	assert_int_equal(ioas_store_zero(store, first, bytes, discard), 0);
	assert_int_equal(ioas_store_zero(store, 0, 0, discard), 0);
	assert_int_equal(byte_at(f, first - 1), pattern(first - 1));
	for (i = 0; i < bytes; i += i < 9000 || bytes - i < 9000 ? 1 : 997)
		assert_int_equal(byte_at(f, first + i), 0);
	assert_int_equal(byte_at(f, first + bytes), pattern(first + bytes));
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_size, SIZE);
}

static void zero_makes_zeros(struct rig *r)
{
	struct file *f = file_new(r);

	check_zero(f, store_on(r, f), false);
}

static void zero_makes_holes(struct rig *r)
{
	struct file *f = file_in_memory(r);
	struct ioas_store *store = store_on(r, f);
	struct stat before, after;

	fstat(f->fd, &before);
	check_zero(f, store, true);
	fstat(f->fd, &after);
	assert_true(after.st_blocks < before.st_blocks);
}

/* tmpfs has no FALLOC_FL_ZERO_RANGE. */
static void zero_writes_zeros_where_there_is_nothing_better(struct rig *r)
{
	struct file *f = file_in_memory(r);

	check_zero(f, store_on(r, f), false);
	assert_int_equal(
		ioas_store_zero(store_on(r, file_in_memory(r)), 0, SIZE, false),
		0);
}

static bool flush_is_eio(void *store)
{
	return ioas_store_flush(store) == -EIO;
}

static bool flush_is_enospc(void *store)
{
	return ioas_store_flush(store) == -ENOSPC;
}

static void a_flush_that_fails_says_so(struct rig *r)
{
	struct ioas_store *store = store_on(r, file_new(r));

	check_with_failing_call(SYS_fdatasync, EIO, flush_is_eio, store);
	check_with_failing_call(SYS_fdatasync, EROFS, flush_is_eio, store);
	check_with_failing_call(SYS_fdatasync, ENOSPC, flush_is_enospc, store);
	check_with_failing_call(SYS_fdatasync, EDQUOT, flush_is_enospc, store);
}

static bool zero_is_eio(void *store)
{
	return ioas_store_zero(store, 0, 512, true) == -EIO;
}

static bool zero_is_enospc(void *store)
{
	return ioas_store_zero(store, 0, 512, true) == -ENOSPC;
}

static bool zero_works(void *store)
{
	return ioas_store_zero(store, 0, 512, true) == 0;
}

static void a_zero_that_fails_says_so(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);

	check_with_failing_call(SYS_fallocate, EIO, zero_is_eio, store);
	check_with_failing_call(SYS_fallocate, ENOSPC, zero_is_enospc, store);
	assert_int_equal(byte_at(f, 500), pattern(500));
	check_with_failing_call(SYS_fallocate, EOPNOTSUPP, zero_works, store);
	assert_int_equal(byte_at(f, 500), 0);
	assert_int_equal(byte_at(f, 512), pattern(512));
}

static bool read_is_eio(void *store)
{
	char bytes[512];
	const struct ioas_segment segment = {bytes, sizeof(bytes)};

	return ioas_store_read(store, &segment, 1, 0) == -EIO;
}

static bool write_is_eio(void *store)
{
	char bytes[512] = "";
	const struct ioas_segment segment = {bytes, sizeof(bytes)};

	return ioas_store_write(store, &segment, 1, 0) == -EIO;
}

static void a_medium_that_fails_is_eio(struct rig *r)
{
	struct ioas_store *store = store_on(r, file_new(r));

	check_with_failing_call(SYS_preadv, EIO, read_is_eio, store);
	check_with_failing_call(SYS_preadv, EBADMSG, read_is_eio, store);
	check_with_failing_call(SYS_pwritev, EIO, write_is_eio, store);
	check_with_failing_call(SYS_lseek, EIO, write_is_eio, store);
}

static void zero_beyond_the_file_size_limit_is_enospc(struct rig *r)
{
	struct ioas_store *store = store_on(r, file_in_memory(r));
	struct ioas_signals saved;
	struct ioas_hooks h;
	int err;

	ioas_host_hooks(&h);
	limit_file_size(r, 8192);
	h.signals_block(&saved);
	err = ioas_store_zero(store, 16384, 512, false);
	h.signals_restore(&saved);
	assert_int_equal(err, -ENOSPC);
}

static void flush_works(struct rig *r)
{
	struct file *f = file_new(r);

	assert_int_equal(ioas_store_flush(store_on(r, f)), 0);
}

RIG_MAIN("host_io", RIG_TEST(read_fills_segments_in_order),
         RIG_TEST(write_takes_many_segments),
         RIG_TEST(memory_that_has_gone_is_efault),
         RIG_TEST(a_shorter_file_is_eio_and_does_not_grow),
         RIG_TEST(the_file_size_limit_is_enospc_without_a_signal),
         RIG_TEST(a_limit_signal_of_the_program_is_left_to_it),
         RIG_TEST(zero_makes_zeros), RIG_TEST(zero_makes_holes),
         RIG_TEST(zero_writes_zeros_where_there_is_nothing_better),
         RIG_TEST(a_flush_that_fails_says_so),
         RIG_TEST(a_zero_that_fails_says_so),
         RIG_TEST(a_medium_that_fails_is_eio),
         RIG_TEST(zero_beyond_the_file_size_limit_is_enospc),
         RIG_TEST(flush_works))
