/* SPDX-License-Identifier: MIT */
#include "preload/huge.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/wrap.h"

#define SIZE_SHIFT 26 /* of the page size in the flags of mmap and memfd */
#define SIZE_MASK  0x3fu

#define LINK      "/memfd:"
#define LINK_MOST 32 /* that, and the longest prefix */
#define NAME_MOST 249

bool ioas_huge;

/* Sizes of pages; the first is had without a size in the flags. A file in such
 * pages is known by how its name begins. */
static const struct kind {
	unsigned int lg2;
	const char *prefix;
} kinds[] = {
	{21, "ioas-huge:"},
	{30, "ioas-huge-1G:"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The kind that flags ask for, or NULL: there is none of that size. */
static const struct kind *kind_of_flags(unsigned int flags)
{
	unsigned int lg2 = flags >> SIZE_SHIFT & SIZE_MASK;

	for (size_t i = 0; i < KINDS; i++)
		if (!lg2 || lg2 == kinds[i].lg2)
			return &kinds[i];
	return NULL;
}

/* Of a file, or NULL: it is in ordinary pages. */
static const struct kind *kind_of_file(int fd)
{
	char link[32], target[LINK_MOST + 1] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ioas_sys(SYS_readlinkat, AT_FDCWD, (long)link, (long)target, LINK_MOST,
	         0, 0);
	if (strncmp(target, LINK, strlen(LINK)))
		return NULL;
	for (size_t i = 0; i < KINDS; i++)
		if (!strncmp(target + strlen(LINK), kinds[i].prefix,
		             strlen(kinds[i].prefix)))
			return &kinds[i];
	return NULL;
}

bool ioas_huge_wanted(const struct ioas_mmap_request *r)
{
	if (r->flags & MAP_ANONYMOUS)
		return r->flags & MAP_HUGETLB;
	return kind_of_file(r->fd);
}

/* Address space for the mapping, aligned. */
static long reserve(struct ioas_mmap_request *r, uint64_t page)
{
	uint64_t room = r->bytes + page, start, at;
	long got;

	if (room < r->bytes)
		return -ENOMEM;
	got = ioas_sys(SYS_mmap, 0, (long)room, PROT_NONE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (got < 0 && got >= -4095)
		return got;
	start = (uint64_t)got;
	at = (start + page - 1) & ~(page - 1);
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
	const struct kind *kind = r->flags & MAP_ANONYMOUS
	                                  ? kind_of_flags((unsigned)r->flags)
	                                  : kind_of_file(r->fd);
	uint64_t page;

	if (!kind)
		return -ENOMEM;
	page = UINT64_C(1) << kind->lg2;
	if (fixed && (uintptr_t)r->start % page)
		return -EINVAL;
	if (!r->bytes || r->bytes > SIZE_MAX - page)
		return r->bytes ? -ENOMEM : -EINVAL;
	r->bytes = (r->bytes + page - 1) & ~(page - 1);
	r->flags &= (int)~(MAP_HUGETLB | SIZE_MASK << SIZE_SHIFT);
	return fixed ? 0 : reserve(r, page);
}

int ioas_wrap_memfd_create(const char *name, unsigned int flags)
{
	const struct kind *kind = kind_of_flags(flags);
	char marked[NAME_MOST + 1];

	if (IOAS_LIKELY(!ioas_huge || !(flags & MFD_HUGETLB) || !name))
		return ioas_real_memfd_create()(name, flags);
	if (!kind)
		return (int)ioas_result(-ENODEV);
	if (snprintf(marked, sizeof(marked), "%s%s", kind->prefix, name) >=
	    (int)sizeof(marked))
		return (int)ioas_result(-EINVAL);
	flags &= ~(MFD_HUGETLB | SIZE_MASK << SIZE_SHIFT);
	return ioas_real_memfd_create()(marked, flags);
}
