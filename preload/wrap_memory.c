/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of mmap and what changes mappings, or takes away what is in them.
 * A call goes to the real one after a look or two, unless it is about views
 * (views.h) or about memory that a device may use (give.h).
 */
#include <errno.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "host/host.h"
#include "preload/give.h"
#include "preload/huge.h"
#include "preload/keep.h"
#include "preload/lock_all.h"
#include "preload/modules.h"
#include "preload/run.h"
#include "preload/sites.h"
#include "preload/strict.h"
#include "preload/views.h"
#include "preload/wrap.h"

/* Is a view in [start, start + bytes)? */
static bool touches(uint64_t start, uint64_t bytes)
{
	struct ioas_signals saved;
	bool there;

	if (IOAS_LIKELY(!ioas_views_any()))
		return false;
	ioas_section_enter(&saved);
	there = ioas_view_next(start, start + bytes) != start + bytes;
	ioas_section_leave(&saved);
	return there;
}

/* Devices that work on the program's addresses: nothing older is used. */
static void say_changed(uint64_t start, uint64_t bytes)
{
	const struct ioas_run *run = ioas_run();
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	if (run && bytes)
		ioas_sva_mm_changed(run->machine->mm, start,
		                    start + (bytes - 1));
	ioas_hooks.signals_restore(&saved);
}

static void changed(const void *start, uint64_t bytes)
{
	if (IOAS_UNLIKELY(ioas_sva_any()))
		say_changed((uintptr_t)start, bytes);
}

/* It cannot be told what: all of it. */
static void changed_somewhere(void)
{
	changed(NULL, UINT64_MAX);
}

/* @at is new memory, in place of what was there. */
static void *replaced(const struct ioas_mmap_request *r, void *at)
{
	if (r->flags & MAP_FIXED)
		changed(r->start, r->bytes);
	return at;
}

/* Not foreign, or over views: a change that the views follow. */
static bool concerns_us(const struct ioas_mmap_request *r)
{
	if (!(r->flags & MAP_ANONYMOUS) && !ioas_fd_foreign(r->fd))
		return true;
	return (r->flags & MAP_FIXED) &&
	       (touches((uintptr_t)r->start, r->bytes) ||
	        ioas_keep_concerns(r->start, r->bytes));
}

static void *map(const struct ioas_mmap_request *r)
{
	if ((r->flags & MAP_ANONYMOUS) || ioas_fd_foreign(r->fd))
		return (void *)ioas_result(ioas_give_mmap(r));
	/* Whoever will store to it is loaded, as a rule. */
	ioas_modules_learn();
	return (void *)ioas_result(ioas_view_mmap(r));
}

/* Huge pages are pretended; what is reserved for them goes on failure. */
static void *map_huge(struct ioas_mmap_request *r)
{
	bool fixed = r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	long err = ioas_huge_take(r);
	void *at;

	if (err)
		return (void *)ioas_result(err);
	at = concerns_us(r) ? map(r)
	                    : ioas_real_mmap64()(r->start, r->bytes, r->prot,
	                                         r->flags, r->fd, r->offset);
	if (at == MAP_FAILED && !fixed)
		ioas_sys(SYS_munmap, (long)r->start, (long)r->bytes, 0, 0, 0,
		         0);
	return at;
}

void *ioas_wrap_mmap(void *start, size_t bytes, int prot, int flags, int fd,
                     off_t at)
{
	/* check-style: six parameters, as mmap(2) has */
	struct ioas_mmap_request r = {start, bytes, prot, flags, fd, at};

	if (IOAS_UNLIKELY(ioas_huge) && ioas_huge_wanted(&r))
		return map_huge(&r);
	if (IOAS_LIKELY(!concerns_us(&r)))
		return replaced(&r, ioas_real_mmap()(start, bytes, prot, flags,
		                                     fd, at));
	IOAS_SITE_ENTRY;
	return replaced(&r, map(&r));
}

void *ioas_wrap_mmap64(void *start, size_t bytes, int prot, int flags, int fd,
                       off64_t at)
{
	/* check-style: six parameters, as mmap(2) has */
	struct ioas_mmap_request r = {start, bytes, prot, flags, fd, at};

	if (IOAS_UNLIKELY(ioas_huge) && ioas_huge_wanted(&r))
		return map_huge(&r);
	if (IOAS_LIKELY(!concerns_us(&r)))
		return replaced(&r, ioas_real_mmap64()(start, bytes, prot,
		                                       flags, fd, at));
	IOAS_SITE_ENTRY;
	return replaced(&r, map(&r));
}

/* Inside of the C library it would be stopped, and looked at again. */
static int real_munmap(void *start, size_t bytes)
{
	if (ioas_strict_on())
		return (int)ioas_result(ioas_sys(SYS_munmap, (long)start,
		                                 (long)bytes, 0, 0, 0, 0));
	return ioas_real_munmap()(start, bytes);
}

int ioas_wrap_munmap(void *start, size_t bytes)
{
	int result;

	if (IOAS_LIKELY(!touches((uintptr_t)start, bytes) &&
	                !ioas_keep_concerns(start, bytes))) {
		result = real_munmap(start, bytes);
	} else {
		IOAS_SITE_ENTRY;
		result = (int)ioas_result(
			ioas_give_munmap((uintptr_t)start, bytes));
	}
	changed(start, bytes);
	return result;
}

static void *moved(const struct ioas_mremap_request *r, void *at)
{
	changed((void *)r->start, r->old_bytes);
	if (r->to)
		changed((void *)r->to, r->bytes);
	return at;
}

void *ioas_wrap_mremap(void *start, size_t old_bytes, size_t bytes, int flags,
                       ...)
{
	struct ioas_mremap_request r = {(uintptr_t)start, old_bytes, bytes,
	                                flags, 0};
	va_list more;
	void *to;

	va_start(more, flags);
	to = va_arg(more, void *);
	va_end(more);
	r.to = flags & MREMAP_FIXED ? (uintptr_t)to : 0;
	/* Nothing to take is a way to ask for a second mapping. */
	if (IOAS_LIKELY(!touches(r.start, old_bytes ? old_bytes : 1) &&
	                (!r.to || !touches(r.to, bytes)) &&
	                !ioas_keep_concerns(start, old_bytes) &&
	                (!r.to || !ioas_keep_concerns(to, bytes))))
		return moved(&r, ioas_real_mremap()(start, old_bytes, bytes,
		                                    flags, to));
	IOAS_SITE_ENTRY;
	return moved(&r, (void *)ioas_result(ioas_give_mremap(&r)));
}

int ioas_wrap_mprotect(void *start, size_t bytes, int prot)
{
	int result;

	if (IOAS_LIKELY(!touches((uintptr_t)start, bytes)))
		result = ioas_real_mprotect()(start, bytes, prot);
	else
		result = (int)ioas_result(
			ioas_views_mprotect((uintptr_t)start, bytes, prot));
	changed(start, bytes);
	return result;
}

/* Device memory is not taken back. Linux 7.3 mm/madvise.c: VM_PFNMAP, VM_IO */
static bool refused_for_device(int advice)
{
	static const int refused[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE,
	                              MADV_DOFORK, MADV_GUARD_INSTALL};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(refused); i++)
		if (advice == refused[i])
			return true;
	return false;
}

static int real_madvise(void *start, size_t bytes, int advice)
{
	if (ioas_strict_on())
		return (int)ioas_result(ioas_sys(SYS_madvise, (long)start,
		                                 (long)bytes, advice, 0, 0, 0));
	return ioas_real_madvise()(start, bytes, advice);
}

int ioas_wrap_madvise(void *start, size_t bytes, int advice)
{
	int result;

	if (refused_for_device(advice) && touches((uintptr_t)start, bytes))
		return (int)ioas_result(-EINVAL);
	if (IOAS_LIKELY(!ioas_keep_concerns(start, bytes)) ||
	    !ioas_give_advice(advice)) {
		result = real_madvise(start, bytes, advice);
	} else {
		IOAS_SITE_ENTRY;
		result = (int)ioas_result(
			ioas_give_madvise((uintptr_t)start, bytes, advice));
	}
	if (ioas_give_advice(advice))
		changed(start, bytes);
	return result;
}

ssize_t ioas_wrap_process_madvise(int pidfd, const struct iovec *part,
                                  size_t parts, int advice, unsigned int flags)
{
	const struct ioas_process_advice r = {pidfd, part, parts, advice,
	                                      flags};

	ssize_t result;

	if (IOAS_LIKELY(!ioas_pins_any() || !ioas_give_advice(advice))) {
		result = ioas_real_process_madvise()(pidfd, part, parts, advice,
		                                     flags);
	} else {
		IOAS_SITE_ENTRY;
		result = ioas_result(ioas_give_process_madvise(&r));
	}
	/* Whose memory it was, only the kernel knows. */
	if (ioas_give_advice(advice))
		changed_somewhere();
	return result;
}

int ioas_wrap_mlockall(int flags)
{
	/* Without hooks nothing was ever reserved. */
	if (IOAS_LIKELY(!ioas_hooks.signals_block || !(flags & MCL_CURRENT) ||
	                (flags & MCL_ONFAULT)))
		return ioas_real_mlockall()(flags);
	return (int)ioas_result(ioas_lock_all(flags));
}

/* Is there a device that may use memory, by whatever addresses? */
static bool memory_matters(void)
{
	return ioas_pins_any() || ioas_sva_any();
}

/* Its end was at @end, and was to be at @next. */
static void heap_changed(uintptr_t end, uintptr_t next)
{
	if (next < end)
		changed((void *)next, end - next);
}

/* The end of the heap that libc knows is the kernel's, unless it moves. */
int ioas_wrap_brk(void *end)
{
	struct ioas_giving giving;
	uintptr_t was;
	int result;

	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_brk()(end);
	IOAS_SITE_ENTRY;
	was = (uintptr_t)ioas_real_sbrk()(0);
	ioas_give_heap_begin(&giving, was, (uintptr_t)end);
	result = ioas_real_brk()(end);
	ioas_keep_end(&giving, !result);
	heap_changed(was, (uintptr_t)end);
	return result;
}

void *ioas_wrap_sbrk(intptr_t more)
{
	struct ioas_giving giving;
	uintptr_t end;
	void *result;

	if (IOAS_LIKELY(more >= 0 || !memory_matters()))
		return ioas_real_sbrk()(more);
	IOAS_SITE_ENTRY;
	end = (uintptr_t)ioas_real_sbrk()(0);
	ioas_give_heap_begin(&giving, end, end + (uintptr_t)more);
	result = ioas_real_sbrk()(more);
	ioas_keep_end(&giving, result != (void *)-1);
	heap_changed(end, end + (uintptr_t)more);
	return result;
}

int ioas_wrap_shmdt(const void *start)
{
	uint64_t bytes;
	long result;

	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_shmdt()(start);
	IOAS_SITE_ENTRY;
	result = ioas_give_shmdt((uintptr_t)start, &bytes);
	if (bytes)
		changed(start, bytes);
	else
		changed_somewhere();
	return (int)ioas_result(result);
}

/* It is mapped over what may be in use. */
void *ioas_wrap_shmat(int id, const void *start, int flags)
{
	uint64_t bytes;
	long at;

	if (IOAS_LIKELY(!(flags & SHM_REMAP) || !memory_matters()))
		return ioas_real_shmat()(id, start, flags);
	IOAS_SITE_ENTRY;
	at = ioas_give_shmat(id, (uintptr_t)start, flags, &bytes);
	if (at < 0 && at >= -4095)
		return (void *)ioas_result(at);
	if (bytes)
		changed((void *)at, bytes);
	else
		changed_somewhere();
	return (void *)at;
}

/*
 * ---- Files whose pages may be in use. ----
 *
 * Where the file is mapped is not looked for: all that devices do with the
 * program's addresses is waited for. The kernel waits where it takes pages of a
 * file from those who have mapped it (Linux 7.3 mm/memory.c,
 * unmap_mapping_range(), and its notifiers).
 */

static int file_changed(long result)
{
	changed_somewhere();
	return (int)ioas_result(result);
}

/* Pages of the file go, or others come in their place. */
static bool takes_pages(int mode)
{
	return mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
	               FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
}

int ioas_wrap_truncate(const char *path, off_t bytes)
{
	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_truncate()(path, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_truncate(path, bytes));
}

int ioas_wrap_truncate64(const char *path, off64_t bytes)
{
	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_truncate64()(path, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_truncate(path, bytes));
}

int ioas_wrap_ftruncate(int fd, off_t bytes)
{
	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_ftruncate()(fd, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_ftruncate(fd, bytes));
}

int ioas_wrap_ftruncate64(int fd, off64_t bytes)
{
	if (IOAS_LIKELY(!memory_matters()))
		return ioas_real_ftruncate64()(fd, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_ftruncate(fd, bytes));
}

int ioas_wrap_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	if (IOAS_LIKELY(!takes_pages(mode) || !memory_matters()))
		return ioas_real_fallocate()(fd, mode, offset, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_fallocate(fd, mode, offset, bytes));
}

int ioas_wrap_fallocate64(int fd, int mode, off64_t offset, off64_t bytes)
{
	if (IOAS_LIKELY(!takes_pages(mode) || !memory_matters()))
		return ioas_real_fallocate64()(fd, mode, offset, bytes);
	IOAS_SITE_ENTRY;
	return file_changed(ioas_give_fallocate(fd, mode, offset, bytes));
}
