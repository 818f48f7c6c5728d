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

/* Descriptors + 1; 0: none. */
static struct ioas_a32 file;  /* that is mapped */
static struct ioas_a32 locks; /* the file once more, of this process alone */

static struct ioas_a32 claims[IOAS_PLACES]; /* 1: this process has it */

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
	at = ioas_host_memory_grow((int)fd, sizeof(struct ioas_shared));
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

/* Locks of one open do not hold against itself, so it is opened once more. */
static long open_again(void)
{
	char path[32];
	long fd, up;

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
	         (int)ioas_a32_load(&file) - 1);
	fd = ioas_sys(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0,
	              0, 0);
	if (fd < 0)
		return fd;
	up = ioas_fd_internal_take((int)fd);
	if (up < 0)
		close_fd(fd);
	return up;
}

static void complain_of_claims(long err)
{
	static struct ioas_a32 told;

	if (!ioas_a32_exchange(&told, 1))
		ioas_complain("virtual functions: claims on them need a "
		              "descriptor, and none can be opened: %s; calls "
		              "that need a claim fail so",
		              strerror((int)-err));
}

/*
 * One for all claims: a fork in another thread while a descriptor is made
 * leaves the child with a copy that it does not know, and that is once then.
 */
static long locks_of_process(void)
{
	uint32_t known = ioas_a32_load(&locks);
	long fd;

	if (known)
		return (long)known - 1;
	fd = open_again();
	if (fd < 0)
		complain_of_claims(fd);
	if (fd < 0 || ioas_a32_cas(&locks, &known, (uint32_t)fd + 1))
		return fd;
	/* Another thread was first. */
	ioas_fd_internal_close((int)fd);
	return (long)known - 1;
}

/* Not side by side: a lock that is given back is never a part of another. */
static long lock(long fd, int command, unsigned int place, short *type)
{
	struct flock byte = {.l_type = *type,
	                     .l_whence = SEEK_SET,
	                     .l_start = 2L * place,
	                     .l_len = 1};
	long err = ioas_sys(SYS_fcntl, fd, command, (long)&byte, 0, 0, 0);

	*type = byte.l_type;
	return err;
}

int ioas_shared_take(unsigned int place)
{
	long fd = locks_of_process(), err;
	short type = F_WRLCK;
	uint32_t none = 0;

	if (fd < 0)
		return (int)fd;
	/* Threads by the word, processes by the lock. */
	if (!ioas_a32_cas(&claims[place], &none, 1))
		return -EBUSY;
	err = lock(fd, F_OFD_SETLK, place, &type);
	if (err)
		ioas_a32_store(&claims[place], 0);
	return err == -EAGAIN || err == -EACCES ? -EBUSY : (int)err;
}

void ioas_shared_give(unsigned int place)
{
	short type = F_UNLCK;

	/* A forked child gives nothing back: it is the parent's. */
	if (!ioas_a32_load(&claims[place]))
		return;
	lock((long)ioas_a32_load(&locks) - 1, F_OFD_SETLK, place, &type);
	ioas_a32_store(&claims[place], 0);
}

bool ioas_shared_taken(unsigned int place)
{
	long fd = locks_of_process();
	short type = F_WRLCK;

	/* Who cannot look takes it for taken. */
	return fd < 0 || ioas_a32_load(&claims[place]) ||
	       lock(fd, F_OFD_GETLK, place, &type) || type != F_UNLCK;
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
	uint32_t seen = (uint32_t)from + 1, other = seen;

	return ioas_a32_cas(&file, &seen, (uint32_t)to + 1) ||
	       ioas_a32_cas(&locks, &other, (uint32_t)to + 1);
}

void ioas_shared_forked(void)
{
	unsigned int i;

	/* Its descriptor: ioas_fds_forked(). Relaxed: one thread. */
	ioas_a32_store_relaxed(&locks, 0);
	for (i = 0; i < IOAS_PLACES; i++)
		ioas_a32_store_relaxed(&claims[i], 0);
}
