/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that the program writes and ioas reads: one thread waits for all of
 * them, made when the first is watched.
 *
 *	program: write(eventfd)      watcher: epoll, read the count,
 *	                             watcher->ready() on this thread
 *
 * A watched event is named by its place (preload/front.c), so that it stays
 * the same when its descriptor is moved out of the program's way. The sockets
 * of groups that were claimed have the places behind those of events.
 *
 * Laws
 *	WATCH-1  when remove returns, ready() does not run and will not
 *
 * Lock order: the lock of the watchers, then a device's lock (ready() takes
 * that). Who removes one holds no device's lock.
 */
#ifndef IOAS_PRELOAD_WATCHER_H
#define IOAS_PRELOAD_WATCHER_H

#include "uapi/vfio.h"

/* The event at @place is behind @fd. Return: 0 or -ENOMEM (or no thread). */
int ioas_watcher_add(unsigned int place, int fd, struct ioas_watcher *watcher);
void ioas_watcher_remove(unsigned int place);
/* Is behind @to from now on; @from is still open. */
void ioas_watcher_moved(unsigned int place, int from, int to);

/* In a forked child: the thread is not here. */
void ioas_watchers_forked(void);

#endif /* IOAS_PRELOAD_WATCHER_H */
