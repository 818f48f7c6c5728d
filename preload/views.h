/* SPDX-License-Identifier: MIT */
/*
 * Views: where the program mapped BARs. A view is real address space (the
 * device's memfd, without any access), so that every touch ends in the fault
 * handler, which looks here whose it is. Pages of doorbells are opened for a
 * while (preload/doors.h). Views of one BAR alias by nature: the
 * register behind them is one.
 *
 *	mmap, munmap, mremap, mprotect --lock, signals blocked--> slots
 *	fault handler --no lock, IOAS_GRACE_FILE section--------> slots
 *
 * Only the protection of a view changes; what else changes one replaces it, and
 * the old one ends after a grace period.
 *
 * Laws
 *	VIEW-1  slots and the address space agree whenever the lock is free
 *	VIEW-2  a view holds one count on its handle
 */
#ifndef IOAS_PRELOAD_VIEWS_H
#define IOAS_PRELOAD_VIEWS_H

#include <stddef.h>
#include <stdint.h>

#include "preload/fds.h"
#include "preload/later.h"

#define IOAS_VIEWS_MAX 256

/* [start, start + bytes) shows the BAR from offset on. Constant but prot. */
struct ioas_view {
	struct ioas_dead dead; /* first */
	uint64_t start, bytes;
	unsigned int bar;
	uint64_t offset;
	struct ioas_a32 prot; /* as the program asked */
	bool is_open;         /* a part may be stored to; under the lock */
	struct ioas_handle *handle; /* NULL: inherited over fork, dead */
};

/* Views there are; the wrappers' first look. */
extern struct ioas_a32 ioas_views_count;

static inline bool ioas_views_any(void)
{
	/* Relaxed: to unmap what another thread is mapping is a race anyway. */
	return __builtin_expect(ioas_a32_load_relaxed(&ioas_views_count) != 0,
	                        0);
}

/* Inside an IOAS_GRACE_FILE section, which is as long as it is good. */
const struct ioas_view *ioas_view_find(uint64_t address);
/*
 * Something faulted where there is no view. Was there a change since this
 * thread asked last? Then a view may have been there a moment ago, and what has
 * taken its place can be used.
 */
bool ioas_views_retry(void);
/* The lowest address of a view in [start, end), or @end. */
uint64_t ioas_view_next(uint64_t start, uint64_t end);

/*
 * The system calls, with the views following. Each returns what the call
 * returns, or -errno.
 */
struct ioas_mmap_request {
	void *start;
	size_t bytes;
	int prot, flags, fd;
	int64_t offset;
};

long ioas_view_mmap(const struct ioas_mmap_request *request);
/* mmap(2) of something else, with MAP_FIXED: it may replace views. */
long ioas_views_mmap_over(const struct ioas_mmap_request *request);
long ioas_views_munmap(uint64_t start, size_t bytes);
long ioas_views_mprotect(uint64_t start, size_t bytes, int prot);

struct ioas_mremap_request {
	uint64_t start;
	size_t old_bytes, bytes;
	int flags;
	uint64_t to;
};

long ioas_views_mremap(const struct ioas_mremap_request *request);

/*
 * Let the program store, without a fault, to [start, end) of the BAR wherever
 * views of this handle show it and the program asked for them to be writable;
 * and make every touch fault again. A view that is moved or protected anew is
 * closed by that. Not in a signal handler. False: not all could be opened.
 */
bool ioas_views_open(const struct ioas_handle *handle, unsigned int bar,
                     uint64_t start, uint64_t end);
void ioas_views_close(const struct ioas_handle *handle);

/* In a forked child: the address space stays, without a device behind it. */
void ioas_views_forked(void);

#endif /* IOAS_PRELOAD_VIEWS_H */
