/* SPDX-License-Identifier: MIT */
/* The system calls that make and change views. */
#include "preload/views.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/doors.h"
#include "preload/slots.h"
#include "preload/trap.h"
#include "preload/wrap.h"

/* Up to whole pages; 0 when that wraps. */
static uint64_t pages_up(uint64_t bytes)
{
	uint64_t page = getauxval(AT_PAGESZ);

	return (bytes + page - 1) & ~(page - 1);
}

static bool page_aligned(uint64_t address)
{
	return (address & (getauxval(AT_PAGESZ) - 1)) == 0;
}

/* Whether the kernel would look at the range at all. */
static bool sane(uint64_t start, uint64_t bytes)
{
	bytes = pages_up(bytes);
	return bytes && page_aligned(start) && start + bytes > start;
}

/* ---- mmap ---- */

static long sys_mmap(const struct ioas_mmap_request *r, int prot, int flags)
{
	return ioas_sys(SYS_mmap, (long)r->start, (long)r->bytes, prot, flags,
	                r->fd, r->offset);
}

static bool succeeded(long result)
{
	return result >= 0 || result < -4095;
}

static long mmap_locked(const struct ioas_mmap_request *r,
                        struct ioas_view *view, struct ioas_view_change *change)
{
	uint64_t start = (uintptr_t)r->start;
	/* To bring pages in that nobody can touch makes no sense. */
	int flags = r->flags & ~(MAP_POPULATE | MAP_LOCKED);
	unsigned int spare;
	long result = 0;

	if (r->flags & MAP_FIXED)
		result = ioas_views_isolate_locked(start, start + view->bytes,
		                                   change);
	spare = ioas_views_free_slot_locked();
	if (result || spare == IOAS_VIEWS_MAX)
		return -ENOMEM;
	result = sys_mmap(r, PROT_NONE, flags);
	if (!succeeded(result))
		return result;
	view->start = (uint64_t)result;
	ioas_view_put_locked(spare, view, change);
	ioas_views_remove_locked(view->start, view->start + view->bytes, view,
	                         change);
	return result;
}

static long place_view(const struct ioas_mmap_request *r,
                       const struct ioas_bar_window *window,
                       struct ioas_handle *handle)
{
	struct ioas_view *view = ioas_new(struct ioas_view);
	struct ioas_view_change change;
	long result;

	if (!view) {
		ioas_handle_put(handle);
		return -ENOMEM;
	}
	view->dead.end = ioas_view_end;
	view->bytes = window->bytes;
	view->bar = window->bar;
	view->offset = window->offset;
	view->handle = handle;
	/* Relaxed: published with the view, by the exchange. */
	ioas_a32_store_relaxed(&view->prot, (uint32_t)r->prot);
	ioas_views_begin(&change);
	result = ioas_views_finish(&change, mmap_locked(r, view, &change));
	if (!succeeded(result))
		ioas_view_end(&view->dead);
	return result;
}

long ioas_view_mmap(const struct ioas_mmap_request *request)
{
	struct ioas_bar_window window;
	struct ioas_visit visit;
	struct ioas_handle *handle;
	long result;

	if (!request->bytes || !page_aligned((uint64_t)request->offset))
		return -EINVAL;
	result = ioas_fd_enter(request->fd, &visit);
	if (result)
		return result;
	handle = visit.handle;
	result = ioas_file_mmap(handle->file, request->bytes, request->prot,
	                        request->flags, (uint64_t)request->offset,
	                        &window);
	if (!result)
		result = ioas_trap_prepare(handle);
	if (!result)
		result = ioas_door_prepare(handle, request->fd, &window);
	if (!result && !ioas_handle_get(handle))
		result = -EBADF;
	ioas_fd_leave(&visit);
	return result ? result : place_view(request, &window, handle);
}

long ioas_views_mmap_over(const struct ioas_mmap_request *request)
{
	uint64_t start = (uintptr_t)request->start;
	uint64_t end = start + pages_up(request->bytes);
	struct ioas_view_change change;
	long result = 0;

	ioas_views_begin(&change);
	if (sane(start, request->bytes))
		result = ioas_views_isolate_locked(start, end, &change);
	if (!result)
		result = sys_mmap(request, request->prot, request->flags);
	if (succeeded(result))
		ioas_views_remove_locked(start, end, NULL, &change);
	return ioas_views_finish(&change, result);
}

/* ---- Open pages. ---- */

static long sys_mprotect(uint64_t start, uint64_t end, int prot)
{
	return ioas_sys(SYS_mprotect, (long)start, (long)(end - start), prot, 0,
	                0, 0);
}

static void close_locked(struct ioas_view *view)
{
	if (!view->is_open)
		return;
	/* One protection for the whole view needs no memory: cannot fail. */
	sys_mprotect(view->start, view->start + view->bytes, PROT_NONE);
	view->is_open = false;
}

/* What changes the pages of a view finds them all alike. */
static void close_range_locked(uint64_t start, uint64_t end)
{
	struct ioas_view *view;
	unsigned int i;

	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (view && view->start < end &&
		    start < view->start + view->bytes)
			close_locked(view);
	}
}

/* [start, end) of the BAR. Return: was it done, where there is such a part? */
static bool open_locked(struct ioas_view *view, uint64_t start, uint64_t end)
{
	uint64_t first = start > view->offset ? start : view->offset;
	uint64_t last = view->offset + view->bytes;
	/* Relaxed: an mprotect of the program holds the lock. */
	int prot = (int)ioas_a32_load_relaxed(&view->prot);

	last = end < last ? end : last;
	if (first >= last || !(prot & PROT_WRITE))
		return true;
	first = view->start + (first - view->offset);
	last = view->start + (last - view->offset);
	view->is_open = true;
	return !sys_mprotect(first, last, prot & (PROT_READ | PROT_WRITE));
}

bool ioas_views_open(const struct ioas_handle *handle, unsigned int bar,
                     uint64_t start, uint64_t end)
{
	struct ioas_view *view;
	struct ioas_view_change change;
	bool good = true;
	unsigned int i;

	ioas_views_begin(&change);
	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (view && view->handle == handle && view->bar == bar)
			good &= open_locked(view, start, end);
	}
	return ioas_views_finish(&change, good);
}

void ioas_views_close(const struct ioas_handle *handle)
{
	struct ioas_view *view;
	struct ioas_view_change change;
	unsigned int i;

	ioas_views_begin(&change);
	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (view && view->handle == handle)
			close_locked(view);
	}
	ioas_views_finish(&change, 0);
}

/* ---- munmap, mprotect ---- */

long ioas_views_munmap(uint64_t start, size_t bytes)
{
	uint64_t end = start + pages_up(bytes);
	struct ioas_view_change change;
	long result = 0;

	ioas_views_begin(&change);
	if (sane(start, bytes))
		result = ioas_views_isolate_locked(start, end, &change);
	if (!result)
		result = ioas_sys(SYS_munmap, (long)start, (long)bytes, 0, 0, 0,
		                  0);
	if (!result)
		ioas_views_remove_locked(start, end, NULL, &change);
	return ioas_views_finish(&change, result);
}

static void protect_locked(uint64_t start, uint64_t end, int prot)
{
	struct ioas_view *view;
	unsigned int i;

	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (ioas_view_is_inside(view, start, end))
			/* Relaxed: a touch at the same time gets either. */
			ioas_a32_store_relaxed(&view->prot, (uint32_t)prot);
	}
}

/* The views keep PROT_NONE, whatever the program asks; the rest follows it. */
static long protect_rest(uint64_t start, uint64_t end, int prot)
{
	const struct ioas_view *view;
	uint64_t gap;
	long err;

	while (start < end) {
		gap = ioas_view_next(start, end);
		if (gap > start) {
			err = ioas_sys(SYS_mprotect, (long)start,
			               (long)(gap - start), prot, 0, 0, 0);
			if (err)
				return err;
		}
		view = gap < end ? ioas_view_find(gap) : NULL;
		start = view ? view->start + view->bytes : end;
	}
	return 0;
}

long ioas_views_mprotect(uint64_t start, size_t bytes, int prot)
{
	uint64_t end = start + pages_up(bytes);
	struct ioas_view_change change;
	long result;

	if (!sane(start, bytes) || ioas_view_next(start, end) == end ||
	    (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
		return ioas_sys(SYS_mprotect, (long)start, (long)bytes, prot, 0,
		                0, 0);
	ioas_views_begin(&change);
	close_range_locked(start, end);
	result = ioas_views_isolate_locked(start, end, &change);
	if (!result)
		result = protect_rest(start, end, prot);
	if (!result)
		protect_locked(start, end, prot);
	return ioas_views_finish(&change, result);
}

/* ---- mremap, fork ---- */

static long sys_mremap(const struct ioas_mremap_request *r)
{
	return ioas_sys(SYS_mremap, (long)r->start, (long)r->old_bytes,
	                (long)r->bytes, r->flags, (long)r->to, 0);
}

/* Where the moved piece is shown from now on; NULL: it is no view. */
static long moved_view(const struct ioas_mremap_request *r,
                       struct ioas_view **ret_moved)
{
	const struct ioas_view *view = ioas_view_find(r->start);

	*ret_moved = NULL;
	if (!view)
		return 0;
	/* Linux 7.3 mm/mremap.c, for a mapping of device memory. */
	if (!r->old_bytes)
		return -EINVAL;
	if (pages_up(r->bytes) > view->start + view->bytes - r->start)
		return -EFAULT;
	*ret_moved =
		ioas_view_part(view, r->start, r->start + pages_up(r->bytes));
	return *ret_moved ? 0 : -ENOMEM;
}

static long mremap_locked(const struct ioas_mremap_request *r,
                          struct ioas_view *moved,
                          struct ioas_view_change *change)
{
	uint64_t old_bytes = pages_up(r->old_bytes);
	uint64_t bytes = pages_up(r->bytes);
	unsigned int spare;
	long result = 0;

	if (moved || ioas_view_next(r->start, r->start + old_bytes) !=
	                     r->start + old_bytes)
		result = ioas_views_isolate_locked(
			r->start, r->start + old_bytes, change);
	if (!result && (r->flags & MREMAP_FIXED))
		result =
			ioas_views_isolate_locked(r->to, r->to + bytes, change);
	spare = ioas_views_free_slot_locked();
	if (moved && spare == IOAS_VIEWS_MAX)
		result = -ENOMEM;
	if (!result)
		result = sys_mremap(r);
	if (!succeeded(result))
		return result;
	if (!(r->flags & MREMAP_DONTUNMAP))
		ioas_views_remove_locked(r->start, r->start + old_bytes, NULL,
		                         change);
	if (moved) {
		moved->start = (uint64_t)result;
		ioas_view_put_locked(spare, moved, change);
	}
	ioas_views_remove_locked((uint64_t)result, (uint64_t)result + bytes,
	                         moved, change);
	return result;
}

long ioas_views_mremap(const struct ioas_mremap_request *request)
{
	struct ioas_view *moved;
	struct ioas_view_change change;
	long result;

	if (!page_aligned(request->start) || !request->bytes)
		return sys_mremap(request);
	ioas_views_begin(&change);
	close_range_locked(request->start,
	                   request->start + pages_up(request->old_bytes));
	result = moved_view(request, &moved);
	if (!result)
		result = mremap_locked(request, moved, &change);
	ioas_views_finish(&change, result);
	if (moved && !succeeded(result))
		ioas_view_end(&moved->dead);
	return result;
}

void ioas_views_forked(void)
{
	struct ioas_view *view;
	unsigned int i;

	ioas_views_lock_forked();
	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (!view)
			continue;
		/* Its parent's device would see what is stored there. */
		close_locked(view);
		view->handle = NULL;
	}
}
