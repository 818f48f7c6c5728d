/* SPDX-License-Identifier: MIT */
#include "preload/huge.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/wrap.h"

#define SIZE_SHIFT 26 /* of the page size in the flags of mmap and memfd */
#define SIZE_MASK  0x3fu
#define SIZE_LG2   21

#define PREFIX    "ioas-huge:"
#define LINK      "/memfd:" PREFIX
#define NAME_MOST 249

bool ioas_huge;

/* In the flags: no size, or the one that there is. */
static bool good_size(unsigned int flags)
{
	unsigned int lg2 = flags >> SIZE_SHIFT & SIZE_MASK;

	return !lg2 || lg2 == SIZE_LG2;
}

static bool is_huge_file(int fd)
{
	char link[32], target[sizeof(LINK)];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = ioas_sys(SYS_readlinkat, AT_FDCWD, (long)link, (long)target,
	             sizeof(target), 0, 0);
	return n == sizeof(target) && !memcmp(target, LINK, sizeof(LINK) - 1);
}

bool ioas_huge_wanted(const struct ioas_mmap_request *r)
{
	if (r->flags & MAP_ANONYMOUS)
		return r->flags & MAP_HUGETLB;
	return is_huge_file(r->fd);
}

/* Address space for the mapping, aligned. */
static long reserve(struct ioas_mmap_request *r)
{
	uint64_t room = r->bytes + IOAS_HUGE_BYTES, start, at;
	long got;

	if (room < r->bytes)
		return -ENOMEM;
	got = ioas_sys(SYS_mmap, 0, (long)room, PROT_NONE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (got < 0 && got >= -4095)
		return got;
	start = (uint64_t)got;
	at = (start + IOAS_HUGE_BYTES - 1) & ~(IOAS_HUGE_BYTES - 1);
	if (at > start)
		ioas_sys(SYS_munmap, (long)start, (long)(at - start), 0, 0, 0,
		         0);
	if (start + room > at + r->bytes)
		ioas_sys(SYS_munmap, (long)(at + r->bytes),
		         (long)(start + room - at - r->bytes), 0, 0, 0, 0);
	r->start = (void *)(uintptr_t)at;
	r->flags |= MAP_FIXED;
	return 0;
}

long ioas_huge_take(struct ioas_mmap_request *r)
{
	bool fixed = r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	if (r->flags & MAP_HUGETLB && !good_size((unsigned int)r->flags))
		return -ENOMEM;
	if (fixed && (uintptr_t)r->start % IOAS_HUGE_BYTES)
		return -EINVAL;
	if (!r->bytes || r->bytes > SIZE_MAX - IOAS_HUGE_BYTES)
		return r->bytes ? -ENOMEM : -EINVAL;
	r->bytes = (r->bytes + IOAS_HUGE_BYTES - 1) & ~(IOAS_HUGE_BYTES - 1);
	r->flags &= (int)~(MAP_HUGETLB | SIZE_MASK << SIZE_SHIFT);
	return fixed ? 0 : reserve(r);
}

int ioas_wrap_memfd_create(const char *name, unsigned int flags)
{
	char marked[NAME_MOST + 1];

	if (IOAS_LIKELY(!ioas_huge || !(flags & MFD_HUGETLB) || !name))
		return ioas_real_memfd_create()(name, flags);
	if (!good_size(flags))
		return (int)ioas_result(-ENODEV);
	if (snprintf(marked, sizeof(marked), PREFIX "%s", name) >=
	    (int)sizeof(marked))
		return (int)ioas_result(-EINVAL);
	flags &= ~(MFD_HUGETLB | SIZE_MASK << SIZE_SHIFT);
	return ioas_real_memfd_create()(marked, flags);
}
