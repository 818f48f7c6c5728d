/* SPDX-License-Identifier: MIT */
#include "preload/front.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/grace.h"
#include "host/host.h"
#include "machine/machine.h"
#include "preload/ask.h"
#include "preload/fds.h"
#include "preload/huge.h"
#include "preload/kvm.h"
#include "preload/say.h"
#include "preload/shared.h"
#include "preload/vmas.h"
#include "preload/watcher.h"
#include "preload/wrap.h"

/* ---- Places: the internal descriptors that can be found again. ---- */

/* The descriptor + 1; 0: free. */
static struct ioas_a32 events[IOAS_EVENTS_MAX];
static struct ioas_a32 groups[IOAS_FUNCTIONS_MAX + 1];
static struct ioas_a32 events_used; /* places below this were ever taken */

static void (*host_signal)(int event);

static void raise_event(int handle)
{
	uint32_t place;

	/* While the section lasts the number is not given to the program. */
	ioas_grace_enter(IOAS_GRACE_FILE);
	/* Pairs with the cas in move(). */
	place = ioas_a32_load(&events[handle]);
	if (place)
		host_signal((int)place - 1);
	ioas_grace_leave(IOAS_GRACE_FILE);
}

void ioas_front_hooks(struct ioas_hooks *hooks)
{
	host_signal = hooks->IOAS_HOOK_SIGNAL;
	hooks->IOAS_HOOK_SIGNAL = raise_event;
}

static bool move(struct ioas_a32 *place, int fd, int up)
{
	uint32_t seen = (uint32_t)fd + 1;

	/* Pairs with the load in raise_event(). */
	return ioas_a32_cas(place, &seen, (uint32_t)up + 1);
}

static bool move_known(int fd, int up)
{
	uint32_t i, n = ioas_a32_load(&events_used);

	for (i = 0; i < n; i++) {
		if (move(&events[i], fd, up)) {
			ioas_watcher_moved(i, fd, up);
			return true;
		}
	}
	for (i = 0; i < IOAS_ARRAY_SIZE(groups); i++) {
		if (move(&groups[i], fd, up)) {
			ioas_watcher_moved(IOAS_EVENTS_MAX + i, fd, up);
			return true;
		}
	}
	return ioas_shared_moved(fd, up);
}

long ioas_front_move_away(int fd)
{
	long up;

	/* To wait for a raise that may be ours would never end. */
	if (ioas_grace_inside(IOAS_GRACE_FILE))
		return -EBUSY;
	up = ioas_fd_internal_dup(fd);
	if (up < 0)
		return up;
	if (!move_known(fd, (int)up)) {
		ioas_fd_internal_close((int)up);
		return -EBUSY;
	}
	ioas_grace_sync(IOAS_GRACE_FILE);
	ioas_fd_internal_mark(fd, false);
	return 0;
}

/* ---- Events. ---- */

static long is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char link[32], target[sizeof(want)];
	long n = ioas_sys(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0);

	if (n < 0 || ioas_fd_kind(fd) == IOAS_FD_INTERNAL)
		return -EBADF;
	if (!ioas_fd_foreign(fd))
		return -EINVAL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = ioas_sys(SYS_readlinkat, AT_FDCWD, (long)link, (long)target,
	             sizeof(target), 0, 0);
	/* Without /proc, the program is believed. */
	if (n < 0)
		return 0;
	return n == sizeof(want) - 1 && !memcmp(target, want, (size_t)n)
	               ? 0
	               : -EINVAL;
}

static void raise_used(uint32_t n)
{
	uint32_t seen = ioas_a32_load(&events_used);

	while (seen < n && !ioas_a32_cas(&events_used, &seen, n))
		;
}

static int find_place(int fd)
{
	uint32_t i, seen;

	for (i = 0; i < IOAS_EVENTS_MAX; i++) {
		seen = 0;
		if (!ioas_a32_cas(&events[i], &seen, (uint32_t)fd + 1))
			continue;
		raise_used(i + 1);
		return (int)i;
	}
	return -EMFILE;
}

static int event_get(int fd)
{
	long err = is_eventfd(fd);
	long up;
	int handle;

	if (err)
		return (int)err;
	up = ioas_fd_internal_dup(fd);
	if (up < 0)
		return (int)up;
	handle = find_place((int)up);
	if (handle < 0)
		ioas_fd_internal_close((int)up);
	return handle;
}

static void event_put(int handle)
{
	uint32_t place = ioas_a32_exchange(&events[handle], 0);

	if (place)
		ioas_fd_internal_close((int)place - 1);
}

static int event_watch(int handle, struct ioas_watcher *watcher)
{
	uint32_t place = ioas_a32_load(&events[handle]);

	return ioas_watcher_add((unsigned int)handle, (int)place - 1, watcher);
}

static void event_unwatch(int handle, struct ioas_watcher *watcher)
{
	ioas_watcher_remove((unsigned int)handle);
}

/* ---- Groups: one process of a run holds each. ---- */

/*
 * Who holds a group has a socket of its name. A child that is being forked has
 * a copy of the descriptor until it closes it or executes something, and with
 * it the name stays, which nothing can take from a socket. So a socket that is
 * given back is connected to itself: then nobody else can connect to it, by
 * which it is known, and whoever wants the group waits until the name is free.
 * A descriptor that is closed with its process, however that ends, leaves a
 * name that looks held as long as such a child lives.
 *
 * Sources: unix(7), connect(2): EPERM of a socket that has another peer
 */
#define CLAIM_TRIES 100 /* of IOAS_PLACE_WAIT each */

static long take_name(long fd, const struct sockaddr_un *name, size_t bytes)
{
	unsigned int i;
	long err;

	for (i = 0; i < CLAIM_TRIES; i++) {
		err = ioas_sys(SYS_bind, fd, (long)name, (long)bytes, 0, 0, 0);
		if (err != -EADDRINUSE)
			return err;
		err = ioas_sys(SYS_connect, fd, (long)name, (long)bytes, 0, 0,
		               0);
		/* Refused: it has just become free. */
		if (err != -EPERM && err != -ECONNREFUSED)
			return -EBUSY;
		if (err == -EPERM)
			ioas_shared_wait();
	}
	return -EBUSY;
}

static void give_name(long fd)
{
	struct sockaddr_un name;
	unsigned int bytes = sizeof(name);

	if (!ioas_sys(SYS_getsockname, fd, (long)&name, (long)&bytes, 0, 0, 0))
		ioas_sys(SYS_connect, fd, (long)&name, (long)bytes, 0, 0, 0);
}

static int group_claim(unsigned int group)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t n;
	long fd, up, err;

	if (group >= IOAS_ARRAY_SIZE(groups))
		return -EBUSY;
	fd = ioas_sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0,
	              0);
	if (fd < 0)
		return (int)fd;
	n = ioas_say_group_name(group, name.sun_path, sizeof(name.sun_path));
	n += offsetof(struct sockaddr_un, sun_path);
	err = take_name(fd, &name, n);
	up = err ? err : ioas_fd_internal_take((int)fd);
	if (up < 0) {
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
		return (int)up;
	}
	/* Pairs with nothing: uapi claims and releases under its lock. */
	ioas_a32_store(&groups[group], (uint32_t)up + 1);
	ioas_ask_begin();
	return 0;
}

/* The datagram looks like the count of an eventfd to the watcher. */
static void group_ask(unsigned int group)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const uint64_t count = 1;
	size_t n = ioas_say_group_name(group, name.sun_path,
	                               sizeof(name.sun_path)) +
	           offsetof(struct sockaddr_un, sun_path);
	long fd = ioas_sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0,
	                   0, 0);

	if (fd < 0)
		return;
	ioas_sys(SYS_sendto, fd, (long)&count, sizeof(count),
	         MSG_DONTWAIT | MSG_NOSIGNAL, (long)&name, (long)n);
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

static int group_watch(unsigned int group, struct ioas_watcher *watcher)
{
	uint32_t place = ioas_a32_load(&groups[group]);

	return ioas_watcher_add(IOAS_EVENTS_MAX + group, (int)place - 1,
	                        watcher);
}

static void group_unwatch(unsigned int group, struct ioas_watcher *watcher)
{
	ioas_watcher_remove(IOAS_EVENTS_MAX + group);
}

static void group_release(unsigned int group)
{
	uint32_t place = 0;

	if (group < IOAS_ARRAY_SIZE(groups))
		place = ioas_a32_exchange(&groups[group], 0);
	if (!place)
		return;
	give_name((long)place - 1);
	ioas_fd_internal_close((int)place - 1);
}

/* ---- Descriptors. ---- */

static int fd_install(struct ioas_file *file)
{
	return (int)ioas_fd_create(file, O_CLOEXEC);
}

static int fd_file(int fd, struct ioas_file **ret_file)
{
	struct ioas_handle *handle;
	long err;

	*ret_file = NULL;
	if (ioas_fd_foreign(fd) || ioas_fd_kind(fd) == IOAS_FD_STALE) {
		err = ioas_sys(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0);
		return err < 0 ? (int)err : 0;
	}
	if (ioas_fd_enter_quick(fd, &handle))
		return -EBADF;
	/* The running call's own section keeps it when this one ends. */
	*ret_file = handle->file;
	ioas_grace_leave(IOAS_GRACE_FILE);
	return 0;
}

/* Pretended huge pages are as large as they are aligned. */
static unsigned int backing_shift(uint64_t first, uint64_t last)
{
	return ioas_huge ? 30 : ioas_vmas_page_shift(first, last);
}

static bool bars_mappable(void)
{
	return !ioas_kvm_is_open();
}

static void complain(const char *text)
{
	ioas_say(IOAS_RECORD_COMPLAINT, text);
}

const struct ioas_front ioas_front = {
	.fd_install = fd_install,
	.fd_file = fd_file,
	.event_get = event_get,
	.event_put = event_put,
	.event_watch = event_watch,
	.event_unwatch = event_unwatch,
	.group_claim = group_claim,
	.group_release = group_release,
	.place_take = ioas_shared_take,
	.place_give = ioas_shared_give,
	.place_taken = ioas_shared_taken,
	.place_wait = ioas_shared_wait,
	.group_ask = group_ask,
	.group_watch = group_watch,
	.group_unwatch = group_unwatch,
	.bars_mappable = bars_mappable,
	.backing_shift = backing_shift,
	.complain = complain,
};

void ioas_front_forked(void)
{
	/* The descriptors themselves: ioas_fds_forked(). Relaxed: one thread.
	 */
	uint32_t i, n = ioas_a32_load(&events_used);

	for (i = 0; i < n; i++)
		ioas_a32_store_relaxed(&events[i], 0);
	for (i = 0; i < IOAS_ARRAY_SIZE(groups); i++)
		ioas_a32_store_relaxed(&groups[i], 0);
}
