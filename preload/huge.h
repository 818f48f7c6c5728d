/* SPDX-License-Identifier: MIT */
/*
 * Huge pages that are pretended (--fake-hugepages): the tree shows a pool of
 * 2 MiB pages, and memory that is asked for in huge pages is ordinary memory of
 * their size and alignment. So programs run that take no other memory. Pages of
 * 1 GiB are given to who asks for that size and are not shown: programs that
 * look for pools begin with the largest pages, and would use up whole
 * gigabytes.
 *
 * Source: mmap(2) and memfd_create(2), MAP_HUGETLB and MFD_HUGETLB.
 */
#ifndef IOAS_PRELOAD_HUGE_H
#define IOAS_PRELOAD_HUGE_H

#include <stdbool.h>

#include "preload/views.h"

#define IOAS_HUGE_PAGES 1024 /* that the pool shows */

/* Set at load. */
extern bool ioas_huge;

/* Does the mapping ask for huge pages? Only to be asked with ioas_huge. */
bool ioas_huge_wanted(const struct ioas_mmap_request *r);
/*
 * mmap(2): the request becomes one of ordinary memory. 0, or -errno: -EINVAL
 * (a fixed address that is not aligned), -ENOMEM (no room, or there are no
 * pages of that size). Without a fixed address, room for it is reserved, and
 * the request made one that replaces it.
 */
long ioas_huge_take(struct ioas_mmap_request *r);

#endif /* IOAS_PRELOAD_HUGE_H */
