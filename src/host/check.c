/* SPDX-License-Identifier: MIT */
/*
 * Whether many pages are there, without bringing them in.
 *
 *	private memory of nothing but memory   its area says what it permits.
 *	                                       What lies in it that is no
 *	                                       memory, a scan of its page
 *	                                       tables finds
 *	all else                               is brought in
 *
 * So only the system says no: what an area does not permit, and where there is
 * none, is brought in as well, or rather is not. A wrong yes is left to copies,
 * which answer -EFAULT, as they do for memory that another thread gave back
 * meanwhile: nothing here keeps areas as they are.
 *
 * In an area's page tables guards, pages that were poisoned and pages that are
 * in swap look alike, before Linux 6.15; and all of them are brought in, or
 * cannot be.
 *
 * An area that a userfaultfd watches may give an error instead of a page. Only
 * /proc/self/smaps would tell, which is made by walking all page tables. What
 * tells as well is the error of a call for one page of such an area: there is
 * no page to continue with in private memory, but an area that is not watched
 * is refused first. A process that may not have a userfaultfd has none.
 *
 * Sources: madvise(2), MADV_GUARD_INSTALL (Linux 6.13); Linux 6.12,
 * Documentation/admin-guide/mm/pagemap.rst, PAGEMAP_SCAN (6.7); userfaultfd(2),
 * ioctl_userfaultfd(2), UFFDIO_CONTINUE; Linux 6.12, mm/userfaultfd.c,
 * mfill_atomic().
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "host/areas.h"
#include "host/members.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define NOT_OPEN (-4096) /* no error of a system call */

struct check {
	uint64_t at, end; /* pages that are not judged yet, by number */
	unsigned int perm;
	struct ioas_areas areas;
	long pagemap, faults; /* descriptors, or why there is none */
};

/* Up to page @end. Return: whether all of them are good. */
static bool bring_in(struct check *c, uint64_t end)
{
	c->at += ioas_host_populate(c->at, end - c->at, c->perm);
	return c->at == end;
}

/* ---- Is it watched? ---- */

static long open_faults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	long fd = ioas_host_take_own(ioas_sys(SYS_userfaultfd,
	                                      O_CLOEXEC | UFFD_USER_MODE_ONLY,
	                                      0, 0, 0, 0, 0));
	long err = fd < 0 ? fd
	                  : ioas_sys(SYS_ioctl, fd, (long)UFFDIO_API,
	                             (long)&api, 0, 0, 0);

	if (fd < 0 || !err)
		return fd;
	ioas_host_close_own(fd);
	return -EINVAL;
}

/* The area of page c->at. */
static bool may_be_watched(struct check *c)
{
	uint64_t bytes = UINT64_C(1) << ioas_host_page_shift();
	struct uffdio_continue one = {.range = {c->at * bytes, bytes}};

	if (c->faults == NOT_OPEN)
		c->faults = open_faults();
	if (c->faults < 0)
		return c->faults != -ENOSYS && c->faults != -EPERM &&
		       c->faults != -EACCES;
	return ioas_sys(SYS_ioctl, c->faults, (long)UFFDIO_CONTINUE, (long)&one,
	                0, 0, 0) != -ENOENT;
}

/* ---- What is no memory in it? ---- */

struct page_run {
	uint64_t start, end, categories;
};

/* Of Linux 6.7; the headers of the system may be older. */
struct page_scan {
	uint64_t size, flags;
	uint64_t start, end;
	uint64_t reached; /* the answer */
	uint64_t runs, runs_room;
	uint64_t pages_max;
	uint64_t inverted, all_of, any_of;
	uint64_t wanted; /* of the categories, in the answer */
};

_Static_assert(sizeof(struct page_scan) == 96, "as the system has it");

#define PAGE_SCAN    _IOWR('f', 16, struct page_scan)
#define SCAN_SWAPPED (1u << 4)
#define RUNS_ROOM    32

static bool has_guards(void)
{
	static struct ioas_a32 known; /* 0 not yet, 1 yes, 2 no */
	/* No order: every thread finds the same. */
	uint32_t answer = ioas_a32_load_relaxed(&known);

	if (!answer) {
		answer =
			ioas_sys(SYS_madvise, 0, 0, MADV_GUARD_INSTALL, 0, 0, 0)
				? 2
				: 1;
		ioas_a32_store_relaxed(&known, answer);
	}
	return answer == 1;
}

static bool bring_in_runs(struct check *c, const struct page_run *run, long n)
{
	unsigned int shift = ioas_host_page_shift();
	long i;

	for (i = 0; i < n; i++) {
		c->at = run[i].start >> shift;
		if (!bring_in(c, run[i].end >> shift))
			return false;
	}
	return true;
}

/* Bring in what is swapped, up to page @end at most. */
static bool scan_some(struct check *c, uint64_t end)
{
	unsigned int shift = ioas_host_page_shift();
	struct page_run run[RUNS_ROOM];
	struct page_scan scan = {.size = sizeof(scan),
	                         .start = c->at << shift,
	                         .end = end << shift,
	                         .runs = (uintptr_t)run,
	                         .runs_room = RUNS_ROOM,
	                         .any_of = SCAN_SWAPPED,
	                         .wanted = SCAN_SWAPPED};
	long n;

	if (c->pagemap == NOT_OPEN)
		c->pagemap = ioas_host_open_own("/proc/self/pagemap");
	n = c->pagemap < 0 ? c->pagemap
	                   : ioas_sys(SYS_ioctl, c->pagemap, (long)PAGE_SCAN,
	                              (long)&scan, 0, 0, 0);
	if (n < 0 || scan.reached <= scan.start || scan.reached > scan.end)
		return bring_in(c, end);
	if (!bring_in_runs(c, run, n))
		return false;
	c->at = scan.reached >> shift;
	return true;
}

/* ---- The pages. ---- */

/* Of a plain area that permits it. */
static bool look_at(struct check *c, uint64_t end)
{
	if (may_be_watched(c))
		return bring_in(c, end);
	if (!has_guards()) {
		c->at = end;
		return true;
	}
	while (c->at < end)
		if (!scan_some(c, end))
			return false;
	return true;
}

/* As the system looks at it. */
static bool permits(const struct ioas_area *area, unsigned int perm)
{
	return area->perm & (perm & IOAS_WRITE ? IOAS_WRITE : IOAS_READ);
}

static bool next_pages(struct check *c)
{
	struct ioas_area area;

	if (!ioas_areas_find(&c->areas, c->at, &area))
		return bring_in(c, c->end);
	if (area.end > c->end)
		area.end = c->end;
	if (!area.plain || !permits(&area, c->perm))
		return bring_in(c, area.end);
	return look_at(c, area.end);
}

/* A line is read in the time that so many pages take that are there already. */
#define PAGES_A_LINE 16

uint64_t ioas_host_check(uint64_t first, uint64_t count, unsigned int perm)
{
	struct check c = {.at = first,
	                  .end = first + count,
	                  .perm = perm,
	                  .pagemap = NOT_OPEN,
	                  .faults = NOT_OPEN};

	ioas_areas_begin(&c.areas, count / PAGES_A_LINE);
	while (c.at < c.end && next_pages(&c))
		;
	ioas_areas_end(&c.areas);
	ioas_host_close_own(c.pagemap);
	ioas_host_close_own(c.faults);
	return c.at - first;
}
