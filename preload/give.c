/* SPDX-License-Identifier: MIT */
/*
 * See give.h.
 *
 * MADV_FREE lets the kernel take pages when it is short of them, but never one
 * that is pinned; so it is not asked to where something is.
 */
#include "preload/give.h"

#include <errno.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/grace.h"
#include "host/host.h"
#include "preload/keep.h"
#include "preload/vmas.h"
#include "preload/wrap.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool succeeded(long result)
{
	return result >= 0 || result < -4095;
}

static uint64_t pages_up(uint64_t bytes)
{
	return (bytes + ioas_page_bytes() - 1) & ~(ioas_page_bytes() - 1);
}

/* ---- Addresses. ---- */

long ioas_give_mmap(const struct ioas_mmap_request *request)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_AWAY};
	long result;

	ioas_keep_begin(&giving, (uintptr_t)request->start, request->bytes);
	result = ioas_views_mmap_over(request);
	ioas_keep_end(&giving, succeeded(result));
	return result;
}

long ioas_give_munmap(uint64_t start, size_t bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_AWAY};
	long result;

	ioas_keep_begin(&giving, start, bytes);
	result = ioas_views_munmap(start, bytes);
	ioas_keep_end(&giving, !result);
	return result;
}

void ioas_give_heap_begin(struct ioas_giving *giving, uint64_t end,
                          uint64_t next)
{
	giving->how = IOAS_GIVE_AWAY;
	giving->active = false;
	end = pages_up(end);
	next = pages_up(next);
	if (next < end && ioas_pins_any())
		ioas_keep_begin(giving, next, end - next);
}

struct segment {
	uint64_t start, end;
	uint64_t device, inode;
};

/* The mappings that one shmat() made lie one behind the other. */
static bool add_to_segment(void *context, const struct ioas_vma *vma)
{
	struct segment *s = context;

	if (s->end == s->start) {
		s->device = vma->device;
		s->inode = vma->inode;
	}
	if (vma->first != s->end || vma->device != s->device ||
	    vma->inode != s->inode)
		return false;
	s->end = vma->last + 1;
	return true;
}

/* Who may attach it may ask; 0: it may not. */
static uint64_t bytes_of_segment(int id)
{
	struct shmid_ds about;

	if (ioas_sys(SYS_shmctl, id, IPC_STAT, (long)&about, 0, 0, 0))
		return 0;
	return pages_up(about.shm_segsz);
}

long ioas_give_shmat(int id, uint64_t start, int flags, uint64_t *ret_bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_AWAY};
	uint64_t at = start;
	long result;

	*ret_bytes = bytes_of_segment(id);
	if (flags & SHM_RND)
		at &= ~(ioas_page_bytes() - 1);
	if (ioas_pins_any() && *ret_bytes)
		ioas_keep_begin(&giving, at, *ret_bytes);
	result = ioas_sys(SYS_shmat, id, (long)start, flags, 0, 0, 0);
	ioas_keep_end(&giving, succeeded(result));
	return result;
}

long ioas_give_shmdt(uint64_t start, uint64_t *ret_bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_AWAY};
	struct segment s = {start, start, 0, 0};
	long result;

	ioas_vmas_each(start, UINT64_MAX, add_to_segment, &s);
	*ret_bytes = s.end - start;
	if (ioas_pins_any())
		ioas_keep_begin(&giving, start, s.end - start);
	result = ioas_sys(SYS_shmdt, (long)start, 0, 0, 0, 0, 0);
	ioas_keep_end(&giving, !result);
	return result;
}

/* ---- mremap ---- */

/* What happens to the old addresses, to those beyond the new size, and to the
 * ones that it is to go to. */
struct remap {
	struct ioas_giving moved, cut, replaced;
};

static void begin_remap(struct remap *m, const struct ioas_mremap_request *r)
{
	uint64_t old = pages_up(r->old_bytes), bytes = pages_up(r->bytes);
	uint64_t stays = old < bytes ? old : bytes;

	m->moved.how = IOAS_GIVE_MOVE;
	m->cut.how = m->replaced.how = IOAS_GIVE_AWAY;
	ioas_keep_begin(&m->replaced, r->to,
	                r->flags & MREMAP_FIXED ? bytes : 0);
	ioas_keep_begin(&m->cut, r->start + stays, old - stays);
	ioas_keep_begin(&m->moved, r->start, stays);
}

static void end_remap(struct remap *m, const struct ioas_mremap_request *r,
                      long result)
{
	if (succeeded(result))
		ioas_keep_end_moved(&m->moved, r->start, (uint64_t)result);
	else
		ioas_keep_end(&m->moved, false);
	ioas_keep_end(&m->cut, succeeded(result));
	ioas_keep_end(&m->replaced, succeeded(result));
}

static long shrink(const struct ioas_mremap_request *r)
{
	uint64_t old = pages_up(r->old_bytes), bytes = pages_up(r->bytes);
	struct ioas_giving cut = {.how = IOAS_GIVE_AWAY};
	long result;

	ioas_keep_begin(&cut, r->start + bytes, old - bytes);
	result = ioas_views_mremap(r);
	ioas_keep_end(&cut, succeeded(result));
	return result;
}

long ioas_give_mremap(const struct ioas_mremap_request *r)
{
	struct ioas_mremap_request here = *r;
	struct remap m = {0};
	long result;

	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
		if (r->bytes && pages_up(r->bytes) <= pages_up(r->old_bytes))
			return shrink(r);
		/* Where it can stay, nothing moves. */
		here.flags &= ~MREMAP_MAYMOVE;
		result = ioas_views_mremap(&here);
		if (succeeded(result) || !(r->flags & MREMAP_MAYMOVE))
			return result;
	}
	begin_remap(&m, r);
	result = ioas_views_mremap(r);
	end_remap(&m, r, result);
	return result;
}

/* ---- madvise ---- */

bool ioas_give_advice(int advice)
{
	static const int takes[] = {MADV_DONTNEED, MADV_DONTNEED_LOCKED,
	                            MADV_FREE, MADV_REMOVE, MADV_GUARD_INSTALL};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(takes); i++)
		if (advice == takes[i])
			return true;
	return false;
}

static long sys_madvise(uint64_t start, uint64_t bytes, int advice)
{
	return ioas_sys(SYS_madvise, (long)start, (long)bytes, advice, 0, 0, 0);
}

/* Between what is pinned. */
static long advise_free(uint64_t start, uint64_t bytes)
{
	uint64_t end = start + pages_up(bytes);
	struct uaddr_range range = {start, end - 1}, run;
	long result = 0;

	while (!result && range.first < end) {
		if (!ioas_pins_run(range, &run))
			run.first = run.last = end;
		if (run.first > range.first)
			result =
				sys_madvise(range.first,
			                    run.first - range.first, MADV_FREE);
		range.first = run.last + 1;
	}
	return result;
}

static struct ioas_giving giving_by(int advice)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_CONTENT,
	                             .even_locked =
	                                     advice == MADV_DONTNEED_LOCKED};

	if (advice == MADV_REMOVE)
		giving.how = IOAS_GIVE_HOLE;
	else if (advice == MADV_GUARD_INSTALL)
		giving.how = IOAS_GIVE_ACCESS;
	return giving;
}

long ioas_give_madvise(uint64_t start, size_t bytes, int advice)
{
	struct ioas_giving giving = giving_by(advice);
	long result;

	if (advice == MADV_FREE && ioas_keep_look(start, bytes))
		return advise_free(start, bytes);
	ioas_keep_begin(&giving, start, bytes);
	result = sys_madvise(start, bytes, advice);
	ioas_keep_end(&giving, !result);
	return result;
}

/* Of another process Linux takes nothing away, and the call fails. */
static long sys_process_madvise(const struct ioas_process_advice *r,
                                const struct iovec *part, size_t parts)
{
	return ioas_sys(SYS_process_madvise, r->pidfd, (long)part, (long)parts,
	                r->advice, r->flags, 0);
}

static long advise_part(const struct ioas_process_advice *r,
                        const struct iovec *part)
{
	struct ioas_giving giving = giving_by(r->advice);
	uint64_t start = (uintptr_t)part->iov_base;
	long result;

	if (r->advice == MADV_FREE && ioas_keep_look(start, part->iov_len)) {
		result = advise_free(start, part->iov_len);
		return result ? result : (long)part->iov_len;
	}
	ioas_keep_begin(&giving, start, part->iov_len);
	result = sys_process_madvise(r, part, 1);
	ioas_keep_end(&giving, result > 0);
	return result;
}

/* Up to the first part that fails, as there. */
long ioas_give_process_madvise(const struct ioas_process_advice *r)
{
	long result = 0, total = 0;
	struct iovec part;
	size_t i;

	if (r->parts > UIO_MAXIOV)
		return sys_process_madvise(r, r->part, r->parts);
	for (i = 0; i < r->parts && result >= 0; i++) {
		if (ioas_hooks.copy(&part, &r->part[i], sizeof(part)))
			result = -EFAULT;
		else
			result = advise_part(r, &part);
		total += result > 0 ? result : 0;
	}
	return total ? total : result;
}

/* ---- Files. ---- */

/*
 * Only pages of these file systems are pinned for long: Linux 7.3 mm/gup.c,
 * writable_file_mapping_allowed().
 */
static bool may_be_pinned(int fd)
{
	IOAS_STATFS fs;

	return !ioas_sys(SYS_fstatfs, fd, (long)&fs, 0, 0, 0, 0) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC);
}

/* Bytes [first, last] of the file are about to go. */
static void begin_file(struct ioas_giving *giving, int fd, uint64_t first,
                       uint64_t last)
{
	struct ioas_file_range range = {.last = last};
	IOAS_STAT st;

	giving->active = false;
	if (!ioas_pins_any() || first > last || !may_be_pinned(fd) ||
	    ioas_sys(SYS_fstat, fd, (long)&st, 0, 0, 0, 0))
		return;
	range.device = st.st_dev;
	range.inode = st.st_ino;
	/* Part of a page is zeroed where it is. */
	range.first = pages_up(first);
	range.last = (last + 1 ? (last + 1) & ~(ioas_page_bytes() - 1) : 0) - 1;
	if (range.first < range.last)
		ioas_keep_begin_file(giving, &range);
}

long ioas_give_fallocate(int fd, int mode, int64_t offset, int64_t bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_HOLE, .active = false};
	long result;

	if ((mode & FALLOC_FL_PUNCH_HOLE) && offset >= 0 && bytes > 0)
		begin_file(&giving, fd, (uint64_t)offset,
		           (uint64_t)offset + (uint64_t)bytes - 1);
	result = ioas_sys(SYS_fallocate, fd, mode, offset, bytes, 0, 0);
	ioas_keep_end(&giving, !result);
	return result;
}

long ioas_give_ftruncate(int fd, int64_t bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_HOLE, .active = false};
	long result;

	if (bytes >= 0)
		begin_file(&giving, fd, (uint64_t)bytes, UINT64_MAX);
	result = ioas_sys(SYS_ftruncate, fd, bytes, 0, 0, 0, 0);
	ioas_keep_end(&giving, !result);
	return result;
}

/* Only to see which file it is: its descriptor can do nothing. */
long ioas_give_truncate(const char *path, int64_t bytes)
{
	struct ioas_giving giving = {.how = IOAS_GIVE_HOLE, .active = false};
	long fd = ioas_sys(SYS_openat, AT_FDCWD, (long)path, O_PATH | O_CLOEXEC,
	                   0, 0, 0);
	long result;

	if (bytes >= 0 && fd >= 0)
		begin_file(&giving, (int)fd, (uint64_t)bytes, UINT64_MAX);
	result = ioas_sys(SYS_truncate, (long)path, bytes, 0, 0, 0, 0);
	ioas_keep_end(&giving, !result);
	if (fd >= 0)
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return result;
}
