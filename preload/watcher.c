/* SPDX-License-Identifier: MIT */
#include "preload/watcher.h"

#include <errno.h>
#include <linux/fs.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/hooks.h"
#include "base/lock.h"
#include "host/host.h"
#include "preload/fds.h"
#include "preload/front.h"
#include "preload/wrap.h"

#define AT_ONCE 16

/* Under lock. A place that is free is NULL. */
static struct {
	struct ioas_watcher *watcher;
	int fd;
} watched[IOAS_EVENTS_MAX + IOAS_FUNCTIONS_MAX + 1];
static unsigned int watched_end; /* places below this were ever taken */
static struct ioas_lock lock;
static struct ioas_a32 epoll; /* descriptor + 1; 0: no thread yet */

/* ---- The thread. ---- */

/*
 * Take the count, as the kernel does for an eventfd of its own. Not blocking,
 * whatever the program made of the descriptor: somebody else may have been
 * faster.
 */
static bool take_count(int fd)
{
	uint64_t count;
	struct iovec part = {&count, sizeof(count)};
	struct pollfd look = {.fd = fd, .events = POLLIN};
	struct timespec now = {0};
	long n = ioas_sys(SYS_preadv2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT);

	/* Linux before 5.8 has no such read of an eventfd, emulation none. */
	if ((n == -EOPNOTSUPP || n == -ENOSYS) &&
	    ioas_sys(SYS_ppoll, (long)&look, 1, (long)&now, 0, 0, 0) > 0)
		n = ioas_sys(SYS_read, fd, (long)&count, sizeof(count), 0, 0,
		             0);
	return n == (long)sizeof(count);
}

static void serve(unsigned int place)
{
	ioas_lock(&lock);
	/* It may have been removed, or be another one by now. */
	if (watched[place].watcher && take_count(watched[place].fd))
		watched[place].watcher->ready(watched[place].watcher);
	ioas_unlock(&lock);
}

/* Where the program put the thread that made this one is no place for it. */
static void leave_affinity(void)
{
	unsigned long all[16];

	memset(all, 0xff, sizeof(all));
	ioas_sys(SYS_sched_setaffinity, 0, sizeof(all), (long)all, 0, 0, 0);
}

static void *watch(void *unused)
{
	struct epoll_event ready[AT_ONCE];
	int fd = (int)ioas_a32_load(&epoll) - 1;
	long n, i;

	leave_affinity();
	ioas_sys(SYS_prctl, PR_SET_NAME, (long)"ioas-events", 0, 0, 0, 0);
	for (;;) {
		n = ioas_sys(SYS_epoll_pwait, fd, (long)ready, AT_ONCE, -1, 0,
		             0);
		for (i = 0; i < n; i++)
			serve((unsigned int)ready[i].data.u64);
	}
	return NULL;
}

/* The callers block signals, and a new thread starts with its maker's mask. */
static bool start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = pthread_attr_init(&attr);

	if (err)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, watch, NULL);
	pthread_attr_destroy(&attr);
	return !err;
}

static int start_locked(void)
{
	long fd, up;

	if (ioas_a32_load(&epoll))
		return 0;
	fd = ioas_sys(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
	if (fd < 0)
		return -ENOMEM;
	up = ioas_fd_internal_take((int)fd);
	if (up < 0) {
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
		return -ENOMEM;
	}
	ioas_a32_store(&epoll, (uint32_t)up + 1);
	if (start_thread())
		return 0;
	ioas_a32_store(&epoll, 0);
	ioas_fd_internal_close((int)up);
	return -ENOMEM;
}

/* ---- What is watched. ---- */

static long control_locked(int command, unsigned int place, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = place};

	return ioas_sys(SYS_epoll_ctl, (long)ioas_a32_load(&epoll) - 1, command,
	                fd, (long)&event, 0, 0);
}

int ioas_watcher_add(unsigned int place, int fd, struct ioas_watcher *watcher)
{
	int err;

	ioas_lock(&lock);
	err = start_locked();
	if (!err) {
		watched[place].watcher = watcher;
		watched[place].fd = fd;
		if (watched_end <= place)
			watched_end = place + 1;
		if (control_locked(EPOLL_CTL_ADD, place, fd)) {
			watched[place].watcher = NULL;
			err = -ENOMEM;
		}
	}
	ioas_unlock(&lock);
	return err;
}

void ioas_watcher_remove(unsigned int place)
{
	ioas_lock(&lock); /* WATCH-1: the thread holds it while ready() runs */
	control_locked(EPOLL_CTL_DEL, place, watched[place].fd);
	watched[place].watcher = NULL;
	ioas_unlock(&lock);
}

void ioas_watcher_moved(unsigned int place, int from, int to)
{
	struct ioas_signals saved;

	/* A handler of the program may close something of ours. */
	ioas_hooks.signals_block(&saved);
	ioas_lock(&lock);
	if (watched[place].watcher && watched[place].fd == from) {
		control_locked(EPOLL_CTL_DEL, place, from);
		watched[place].fd = to;
		control_locked(EPOLL_CTL_ADD, place, to);
	}
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&saved);
}

void ioas_watchers_forked(void)
{
	unsigned int i;

	ioas_lock_reset(&lock);
	/* Relaxed: one thread. The descriptor went with ioas_fds_forked(). */
	ioas_a32_store_relaxed(&epoll, 0);
	for (i = 0; i < watched_end; i++)
		watched[i].watcher = NULL;
}
