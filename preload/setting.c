/* SPDX-License-Identifier: MIT */
/*
 * The kinds of memfd that there are are told apart by their seals:
 *
 *	F_SEAL_WRITE   opened for reading: it is no setting
 *	F_SEAL_SEAL    opened for both: what is in it was put in to be read
 *	none           what is in it was written, and has not been seen
 *
 * Source: Linux 7.3 fs/kernfs/file.c (a write is one store of what it has, at
 * any position), fs/sysfs/file.c
 */
#include "preload/setting.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "host/run.h"
#include "preload/run.h"
#include "preload/say.h"
#include "preload/wrap.h"

#define TEXT_ROOM     256 /* a longer text is no setting */
#define INHERITED_MAX 10  /* shells number them so */
#define SETTLED_MAX   1024

struct ioas_a32 ioas_settings;

static long sys(long number, long a, long b, long c)
{
	return ioas_sys(number, a, b, c, 0, 0, 0);
}

static void note(int fd)
{
	ioas_a32_store(&ioas_settings, 1);
	ioas_place_mark(fd, true);
}

/* Is it one, and what is written where? */
static bool find(int fd, struct ioas_found *ret_found, bool *ret_filled)
{
	char path[IOAS_PATH_ROOM];
	long seals;
	bool ours;

	if (!ioas_place_path(fd, path, &ours) || !ours)
		return false;
	seals = sys(SYS_fcntl, fd, F_GET_SEALS, 0);
	if (seals < 0 || (seals & F_SEAL_WRITE))
		return false;
	*ret_filled = seals & F_SEAL_SEAL;
	ioas_path_find(path, true, ret_found);
	/* One of a function that was taken away is one still. */
	return ret_found->entry.writable ||
	       ret_found->entry.kind == IOAS_ENTRY_MISSING;
}

/* ---- Opening ---- */

static void empty(int fd)
{
	sys(SYS_ftruncate, fd, 0, 0);
}

static void fill(int fd, const struct ioas_entry *entry)
{
	const struct ioas_run *run = ioas_run();
	char content[IOAS_FILE_BYTES];
	long n = run ? ioas_machine_read(run->machine, entry, content) : 0;

	empty(fd);
	if (n > 0)
		ioas_place_fill(fd, content, n);
}

/* In place of the memfd, which is for both: as it was asked for. */
static void reopen(int fd, int flags)
{
	char path[32];
	long other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = sys(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC);
	if (other < 0)
		return;
	sys(SYS_dup3, other, fd, flags & O_CLOEXEC);
	sys(SYS_close, other, 0, 0);
}

long ioas_setting_open(const struct ioas_found *found, int flags)
{
	long fd = ioas_place_make(found->path, flags);

	if (fd < 0)
		return fd;
	note((int)fd);
	if ((flags & O_ACCMODE) == O_WRONLY) {
		reopen((int)fd, flags);
	} else if (!(flags & O_TRUNC)) {
		fill((int)fd, &found->entry);
		sys(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL);
	}
	return fd;
}

/* ---- Writing ---- */

static ssize_t store(const struct ioas_found *found, const char *text,
                     size_t bytes)
{
	const struct ioas_run *run = ioas_run();

	/* As of a file that is open while it is removed. */
	if (!run || !found->entry.writable)
		return -ENODEV;
	return ioas_vfio_write_attribute(run->vfio, &found->entry, text, bytes);
}

/*
 * The call may wait for the user of a virtual function. Handlers wait for its
 * end, as on Linux: one that is left by siglongjmp(3) would leave claims behind
 * that nobody gives back. What ends the process comes through.
 */
static void block_handlers(sigset_t *ret_saved)
{
	static const int kept[] = {SIGSEGV, SIGBUS,  SIGILL,
	                           SIGFPE,  SIGTRAP, SIGSYS};
	IOAS_SIGACTION action;
	sigset_t handled;
	int number;

	sigemptyset(&handled);
	for (number = 1; number < _NSIG; number++)
		if (!ioas_wrap___sigaction(number, NULL, &action) &&
		    action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN)
			sigaddset(&handled, number);
	for (number = 0; number < (int)IOAS_ARRAY_SIZE(kept); number++)
		sigdelset(&handled, kept[number]);
	ioas_sys(SYS_rt_sigprocmask, SIG_BLOCK, (long)&handled, (long)ret_saved,
	         (_NSIG - 1) / 8, 0, 0);
}

static ssize_t store_undisturbed(const struct ioas_found *found,
                                 const char *text, size_t bytes)
{
	sigset_t saved;
	ssize_t done;

	block_handlers(&saved);
	done = store(found, text, bytes);
	ioas_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)&saved, 0,
	         (_NSIG - 1) / 8, 0, 0);
	return done;
}

/* Return: bytes, also those without room, or -EFAULT. */
static ssize_t gather(char text[TEXT_ROOM], const struct iovec *part, int parts)
{
	size_t bytes = 0, piece;
	int i;

	for (i = 0; i < parts; i++) {
		piece = part[i].iov_len;
		if (bytes < TEXT_ROOM && piece > TEXT_ROOM - bytes)
			piece = TEXT_ROOM - bytes;
		if (bytes < TEXT_ROOM &&
		    ioas_hooks.copy(text + bytes, part[i].iov_base, piece))
			return -EFAULT;
		bytes += part[i].iov_len;
	}
	return (ssize_t)bytes;
}

bool ioas_setting_write(int fd, const struct iovec *part, int parts,
                        ssize_t *ret_result)
{
	struct ioas_found found;
	char text[TEXT_ROOM];
	ssize_t bytes;
	bool filled;

	if (!find(fd, &found, &filled))
		return false;
	bytes = gather(text, part, parts);
	if (bytes > TEXT_ROOM)
		bytes = -EINVAL;
	if (bytes > 0)
		bytes = store_undisturbed(&found, text, (size_t)bytes);
	if (filled && found.entry.writable)
		fill(fd, &found.entry);
	*ret_result = bytes;
	return true;
}

/* ---- What passed by ---- */

static long store_unseen(int fd, const struct ioas_found *found)
{
	char text[TEXT_ROOM + 1];
	char path[32];
	long other, n;

	/* It may be for writing alone. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = sys(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC);
	if (other < 0)
		return 0;
	n = ioas_sys(SYS_pread64, other, (long)text, sizeof(text), 0, 0, 0);
	empty((int)other);
	sys(SYS_close, other, 0, 0);
	if (n <= 0)
		return 0;
	sys(SYS_lseek, fd, 0, SEEK_SET);
	n = n > TEXT_ROOM ? -EINVAL : store_undisturbed(found, text, (size_t)n);
	return n < 0 ? n : 0;
}

long ioas_setting_settle(int fd)
{
	struct ioas_found found;
	bool filled;

	if (!find(fd, &found, &filled) || filled)
		return 0;
	return store_unseen(fd, &found);
}

long ioas_setting_settle_stream(FILE *stream)
{
	int fd = fileno_unlocked(stream);

	if (fd < 0 || !ioas_setting_maybe(fd))
		return 0;
	ioas_real_fflush()(stream);
	return ioas_setting_settle(fd);
}

void ioas_settings_settle(void)
{
	int fd;
	long err;

	if (!ioas_a32_load(&ioas_settings))
		return;
	for (fd = 0; fd < SETTLED_MAX; fd++) {
		err = ioas_place_maybe(fd) ? ioas_setting_settle(fd) : 0;
		if (err)
			ioas_complain("a write to a file of /sys was refused "
			              "when the program had ended: %s",
			              strerror((int)-err));
	}
}

void ioas_settings_flush(void)
{
	if (ioas_a32_load(&ioas_settings))
		ioas_real_fflush()(NULL);
}

/* A shell opened it for this program. */
void ioas_settings_begin(void)
{
	char path[IOAS_PATH_ROOM];
	bool ours;
	int fd;

	if (!getenv(IOAS_ENV_SHARED))
		return;
	for (fd = 0; fd < INHERITED_MAX; fd++) {
		ioas_place_mark(fd, true);
		if (ioas_place_path(fd, path, &ours) && ours)
			note(fd);
		else
			ioas_place_mark(fd, false);
	}
}
