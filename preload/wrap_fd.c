/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what makes and ends descriptors: close, dup, fcntl, and of what
 * makes and ends processes, where descriptors go with them.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/fds.h"
#include "preload/places.h"
#include "preload/run.h"
#include "preload/say.h"
#include "preload/setting.h"
#include "preload/sites.h"
#include "preload/wrap.h"

/* Of the tree: what was written to it and not seen yet is written now. */
static int close_place(int fd)
{
	long err = ioas_setting_maybe(fd) ? ioas_setting_settle(fd) : 0;
	int result;

	ioas_place_mark(fd, false);
	result = ioas_real_close()(fd);
	return result || !err ? result : (int)ioas_result(err);
}

int ioas_wrap_close(int fd)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return IOAS_UNLIKELY(ioas_place_maybe(fd))
		               ? close_place(fd)
		               : ioas_real_close()(fd);
	IOAS_SITE_ENTRY;
	return (int)ioas_result(ioas_fd_close(fd));
}

int ioas_wrap_close_range(unsigned int first, unsigned int last, int flags)
{
	if (IOAS_LIKELY(!ioas_fd_any(first, last)))
		return ioas_real_close_range()(first, last, flags);
	return (int)ioas_result(ioas_fd_close_range(first, last, flags));
}

void ioas_wrap_closefrom(int first)
{
	unsigned int from = first < 0 ? 0 : (unsigned int)first;

	if (IOAS_LIKELY(!ioas_fd_any(from, UINT32_MAX)))
		ioas_real_closefrom()(first);
	else
		ioas_fd_close_range(from, UINT32_MAX, 0);
}

int ioas_wrap_dup(int fd)
{
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return ioas_place_share(fd, ioas_real_dup()(fd));
	return (int)ioas_result(ioas_fd_dup(fd, F_DUPFD, 0));
}

/*
 * @wanted becomes something else: what was written to it as a file of the tree
 * and not seen yet is written now. Who wrote it has not asked how it went.
 */
static void leave_place(int fd, int wanted)
{
	long err = 0;

	if (fd != wanted && ioas_setting_maybe(wanted))
		err = ioas_setting_settle(wanted);
	if (err)
		ioas_complain("what was written to a file of /sys was refused: "
		              "%s",
		              strerror((int)-err));
}

/* The mark follows the descriptor. */
static int replaced(int fd, int wanted, int result)
{
	if (IOAS_UNLIKELY(ioas_place_maybe(wanted)) && result >= 0 &&
	    !ioas_place_maybe(fd))
		ioas_place_mark(wanted, false);
	return ioas_place_share(fd, result);
}

int ioas_wrap_dup2(int fd, int wanted)
{
	leave_place(fd, wanted);
	if (IOAS_LIKELY(fd == wanted ||
	                (ioas_fd_foreign(fd) && ioas_fd_foreign(wanted))))
		return replaced(fd, wanted, ioas_real_dup2()(fd, wanted));
	return (int)ioas_result(ioas_fd_dup_to(fd, wanted, 0));
}

int ioas_wrap_dup3(int fd, int wanted, int flags)
{
	leave_place(fd, wanted);
	if (IOAS_LIKELY(fd == wanted ||
	                (ioas_fd_foreign(fd) && ioas_fd_foreign(wanted))))
		return replaced(fd, wanted,
		                ioas_real_dup3()(fd, wanted, flags));
	return (int)ioas_result(ioas_fd_dup_to(fd, wanted, flags));
}

/* fcntl(2), of a descriptor that is not foreign. */
static long control(int fd, int command, long argument)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return ioas_fd_dup(fd, command, (int)argument);
	if (ioas_fd_kind(fd) == IOAS_FD_INTERNAL)
		return -EBADF;
	return ioas_sys(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

static int duplicated(int fd, int command, int result)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return ioas_place_share(fd, result);
	return result;
}

int ioas_wrap_fcntl(int fd, int command, ...)
{
	va_list more;
	long argument;

	/* There or not: an argument that is not, is not looked at. */
	va_start(more, command);
	argument = va_arg(more, long);
	va_end(more);
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return duplicated(fd, command,
		                  ioas_real_fcntl()(fd, command, argument));
	return (int)ioas_result(control(fd, command, argument));
}

int ioas_wrap_fcntl64(int fd, int command, ...)
{
	va_list more;
	long argument;

	va_start(more, command);
	argument = va_arg(more, long);
	va_end(more);
	if (IOAS_LIKELY(ioas_fd_foreign(fd)))
		return duplicated(fd, command,
		                  ioas_real_fcntl64()(fd, command, argument));
	return (int)ioas_result(control(fd, command, argument));
}

pid_t ioas_wrap_fork(void)
{
	/* The child's part is a handler of pthread_atfork(). */
	return ioas_real_fork()();
}

/* What vfork_*.S jump to. */
void *ioas_process_vfork(void);

void *ioas_process_vfork(void)
{
	/* Relaxed: state that another thread is making is not the child's. */
	if (ioas_a32_load_relaxed(&ioas_run_live))
		return (void *)ioas_real_fork();
	return (void *)ioas_real_vfork();
}

/* Runs no such handlers. */
pid_t ioas_wrap__Fork(void)
{
	pid_t child = ioas_real__Fork()();

	if (child == 0)
		ioas_run_forked();
	return child;
}

void ioas_wrap__exit(int status)
{
	ioas_run_exit();
	ioas_real__exit()(status);
}

void ioas_wrap__Exit(int status)
{
	ioas_run_exit();
	ioas_real__Exit()(status);
}
