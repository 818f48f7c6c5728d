/* SPDX-License-Identifier: MIT */
/*
 * close, dup and their kin on descriptors that are not foreign. The order is
 * always: out of the table, then the system call, then the handle's count. In
 * the table a number stands for what the program owns; it may be another's as
 * soon as the kernel has closed it.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "host/host.h"
#include "preload/fds.h"
#include "preload/front.h"
#include "preload/table.h"
#include "preload/wrap.h"

static long sys(long number, long a, long b, long c)
{
	return ioas_sys(number, a, b, c, 0, 0, 0);
}

static void put_entry(void *entry)
{
	struct ioas_handle *handle = ioas_fd_handle_of(entry);

	if (handle)
		ioas_handle_put(handle);
}

void ioas_fd_forget(int fd)
{
	if (ioas_fd_kind(fd) != IOAS_FD_INTERNAL)
		put_entry(ioas_fd_swap(fd, NULL));
}

long ioas_fd_close(int fd)
{
	void *entry;
	long err;

	if (ioas_fd_kind(fd) == IOAS_FD_INTERNAL)
		return -EBADF; /* FD-2 */
	ioas_fd_change_begin();
	entry = ioas_fd_swap(fd, NULL);
	err = sys(SYS_close, fd, 0, 0);
	ioas_fd_change_end();
	put_entry(entry);
	return err;
}

/* Close [first, last], with what is in the table taken out. */
static void close_piece(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd, end = ioas_fd_highest();

	ioas_fd_change_begin();
	if (!(flags & (int)CLOSE_RANGE_CLOEXEC))
		for (fd = first; fd <= last && fd <= end; fd++)
			ioas_fd_forget((int)fd);
	sys(SYS_close_range, first, last, flags);
	ioas_fd_change_end();
}

long ioas_fd_close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd, end = ioas_fd_highest();
	/* Bad arguments, or a kernel without the call: nothing is touched. */
	long err = sys(SYS_close_range, UINT32_MAX, UINT32_MAX, flags);

	if (err)
		return err;
	if (first > last)
		return -EINVAL;
	for (fd = first; fd <= last && fd <= end; fd++) {
		if (ioas_fd_kind((int)fd) != IOAS_FD_INTERNAL)
			continue;
		if (first < fd)
			close_piece(first, fd - 1, flags);
		first = fd + 1; /* FD-2 */
	}
	if (first <= last)
		close_piece(first, last, flags);
	return 0;
}

/*
 * What a duplicate of @fd is to hold: a handle with one count more, or a stale
 * mark. -EBADF: internal, or on its way out.
 */
static long entry_to_share(int fd, void **ret_entry)
{
	struct ioas_visit visit;
	bool alive;

	if (ioas_fd_kind(fd) == IOAS_FD_STALE) {
		*ret_entry = ioas_aptr_load(&ioas_fd_table[fd]);
		return 0;
	}
	if (ioas_fd_enter(fd, &visit))
		return -EBADF;
	alive = ioas_handle_get(visit.handle);
	ioas_fd_leave(&visit);
	*ret_entry = visit.handle;
	return alive ? 0 : -EBADF;
}

long ioas_fd_dup(int fd, int command, int from)
{
	void *entry;
	long err = entry_to_share(fd, &entry);
	long copy;

	if (err)
		return err;
	ioas_fd_change_begin();
	copy = sys(SYS_fcntl, fd, command, from);
	if (copy >= IOAS_FD_NR) {
		sys(SYS_close, copy, 0, 0);
		copy = -EMFILE;
	}
	if (copy >= 0)
		entry = ioas_fd_swap((int)copy, entry);
	ioas_fd_change_end();
	put_entry(entry);
	return copy;
}

/* dup3(2), with the table following; @entry is what @wanted becomes. */
static long replace(int fd, int wanted, int flags, void *entry)
{
	void *before, *meanwhile = NULL;
	long err;

	ioas_fd_change_begin();
	before = ioas_fd_swap(wanted, NULL);
	err = sys(SYS_dup3, fd, wanted, flags);
	/* When it failed, as it was: the descriptor is still open. */
	if (err < 0)
		meanwhile = ioas_fd_swap(wanted, before);
	else if (entry)
		meanwhile = ioas_fd_swap(wanted, entry);
	ioas_fd_change_end();
	put_entry(meanwhile);
	put_entry(err < 0 ? entry : before);
	return err;
}

long ioas_fd_dup_to(int fd, int wanted, int flags)
{
	void *entry = NULL;
	long err = 0;

	if (!ioas_fd_foreign(fd))
		err = entry_to_share(fd, &entry);
	if (err)
		return err;
	if (entry && (unsigned int)wanted >= IOAS_FD_NR)
		err = -EBADF; /* as beyond RLIMIT_NOFILE */
	else if (ioas_fd_kind(wanted) == IOAS_FD_INTERNAL)
		err = ioas_front_move_away(wanted);
	if (err) {
		put_entry(entry);
		return err;
	}
	return replace(fd, wanted, flags, entry);
}
