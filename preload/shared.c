/* SPDX-License-Identifier: MIT */
#include "preload/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "host/host.h"
#include "machine/sriov.h"
#include "preload/fds.h"
#include "preload/say.h"
#include "preload/wrap.h"
#include "uapi/vfio.h"

#define MEMFD_NAME "ioas-shared"

/* Descriptor + 1; 0: none. */
static struct ioas_a32 file;
static struct ioas_a32 claims[IOAS_PLACES];

static struct ioas_shared *mapped; /* written while the state is made */

static void close_fd(long fd)
{
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long map(int fd)
{
	return ioas_sys(SYS_mmap, 0, sizeof(struct ioas_shared),
	                PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void unmap(long at)
{
	ioas_sys(SYS_munmap, at, sizeof(struct ioas_shared), 0, 0, 0, 0);
}

/* Only of this run: a process number may be another's by now. */
static bool is_of_run(long at)
{
	const char *run = getenv(IOAS_ENV_RUN);
	const struct ioas_shared *shared = (const void *)at;

	return run && !strncmp(shared->run, run, sizeof(shared->run));
}

static bool is_large_enough(int fd)
{
	return ioas_sys(SYS_lseek, fd, 0, SEEK_END, 0, 0, 0) ==
	       (long)sizeof(struct ioas_shared);
}

static bool adopt(long fd, long at)
{
	long up = ioas_fd_internal_take((int)fd);

	if (up < 0) {
		unmap(at);
		close_fd(fd);
		return false;
	}
	mapped = (struct ioas_shared *)at;
	ioas_a32_store(&file, (uint32_t)up + 1);
	return true;
}

/* Return: 0, or -errno. */
static long adopt_of_run(long fd)
{
	long at = is_large_enough((int)fd) ? map((int)fd) : -ESTALE;

	if (at < 0 && at >= -4095) {
		close_fd(fd);
		return at;
	}
	if (is_of_run(at))
		return adopt(fd, at) ? 0 : -EMFILE;
	unmap(at);
	close_fd(fd);
	return -ESTALE;
}

/* The same. A path that somebody changed may lead to anything. */
static long open_of_run(void)
{
	const char *path = getenv(IOAS_ENV_SHARED);
	long fd = path ? ioas_sys(SYS_openat, AT_FDCWD, (long)path,
	                          O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0,
	                          0, 0)
	               : -ENOENT;

	return fd < 0 ? fd : adopt_of_run(fd);
}

/* Threads of this process, and what it forks, agree at least. */
static bool make_own(void)
{
	long fd = ioas_host_memory_file(MEMFD_NAME, O_CLOEXEC);
	long at;

	if (fd < 0)
		return false;
	at = ioas_sys(SYS_ftruncate, fd, sizeof(struct ioas_shared), 0, 0, 0,
	              0);
	at = at ? at : map((int)fd);
	if (at < 0 && at >= -4095) {
		close_fd(fd);
		return false;
	}
	return adopt(fd, at);
}

static void complain_of(long err)
{
	ioas_complain(
		"virtual functions: what the processes of this run share "
		"cannot be opened: %s (%s); this process begins with none "
		"of them",
		strerror((int)-err),
		err == -EMFILE || err == -ENFILE || err == -ENOMEM
			? "raise the limit"
			: "the tool has ended, or this process may not "
			  "look into it");
}

bool ioas_shared_begin(struct ioas_machine *machine)
{
	long err = 0;

	if (!ioas_iov_any(machine))
		return true;
	if (!mapped) {
		err = open_of_run();
		if (err)
			complain_of(err);
		if (err && !make_own())
			return false;
	}
	machine->shared = mapped;
	return !err;
}

/* ---- Claims ---- */

/* The file once more: locks of one open do not hold against themselves. */
static long open_again(void)
{
	static struct ioas_a32 told;
	char path[32];
	long fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
	         (int)ioas_a32_load(&file) - 1);
	fd = ioas_sys(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0,
	              0, 0);
	if (fd < 0 && !ioas_a32_exchange(&told, 1))
		ioas_complain("virtual functions: a claim on one is a "
		              "descriptor, and none can be opened: %s; calls "
		              "that need one fail so",
		              strerror((int)-fd));
	return fd;
}

static long lock(long fd, int command, unsigned int place, short *type)
{
	struct flock byte = {.l_type = *type,
	                     .l_whence = SEEK_SET,
	                     .l_start = place,
	                     .l_len = 1};
	long err = ioas_sys(SYS_fcntl, fd, command, (long)&byte, 0, 0, 0);

	*type = byte.l_type;
	return err;
}

int ioas_shared_take(unsigned int place)
{
	long fd = open_again(), up;
	short type = F_WRLCK;
	long err;

	if (fd < 0)
		return (int)fd;
	err = lock(fd, F_OFD_SETLK, place, &type);
	up = err ? err : ioas_fd_internal_take((int)fd);
	if (up < 0) {
		close_fd(fd);
		return up == -EAGAIN || up == -EACCES ? -EBUSY : (int)up;
	}
	/* Nobody else has the claim, so nobody else is here for it. */
	ioas_a32_store(&claims[place], (uint32_t)up + 1);
	return 0;
}

void ioas_shared_give(unsigned int place)
{
	uint32_t claim = ioas_a32_exchange(&claims[place], 0);
	short type = F_UNLCK;

	if (!claim)
		return;
	/* A child that is being made may have the descriptor, too. */
	lock((long)claim - 1, F_OFD_SETLK, place, &type);
	ioas_fd_internal_close((int)claim - 1);
}

bool ioas_shared_taken(unsigned int place)
{
	long fd = open_again();
	short type = F_WRLCK;
	long err;

	if (fd < 0)
		return true;
	err = lock(fd, F_OFD_GETLK, place, &type);
	close_fd(fd);
	return err || type != F_UNLCK;
}

void ioas_shared_wait(void)
{
	const struct timespec pause = {.tv_nsec = IOAS_PLACE_WAIT * 1000000L};

	ioas_sys(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
}

/* ---- Descriptors ---- */

bool ioas_shared_is(int fd)
{
	return ioas_a32_load(&file) == (uint32_t)fd + 1;
}

bool ioas_shared_moved(int from, int to)
{
	uint32_t seen = (uint32_t)from + 1;
	unsigned int i;

	if (ioas_a32_cas(&file, &seen, (uint32_t)to + 1))
		return true;
	for (i = 0; i < IOAS_PLACES; i++) {
		seen = (uint32_t)from + 1;
		if (ioas_a32_cas(&claims[i], &seen, (uint32_t)to + 1))
			return true;
	}
	return false;
}

void ioas_shared_forked(void)
{
	unsigned int i;

	/* Relaxed: one thread. */
	for (i = 0; i < IOAS_PLACES; i++)
		ioas_a32_store_relaxed(&claims[i], 0);
}
