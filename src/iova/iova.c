/* SPDX-License-Identifier: MIT */
/*
 * The list is made in one sweep from the bottom of the aperture: out of the
 * reserved range we are in, up to the next one, and so on. The order in which
 * reserved ranges are given cannot matter, and nothing is allocated; they are
 * a handful, so looking at each of them per step is fine.
 */
#include "iova/iova.h"

#include <errno.h>

struct sweep {
	const struct ioas_reserved *reserved;
	unsigned int count;
	struct iova_range aperture;
};

/* Direct ranges that may be given up stay usable, as in Linux. */
static bool is_hole(const struct ioas_reserved *r)
{
	return r->kind != IOAS_RESERVED_DIRECT_RELAXABLE &&
	       r->range.first <= r->range.last;
}

/* A hole that @at lies in, or NULL. */
static const struct iova_range *hole_around(const struct sweep *s, uint64_t at)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (is_hole(&s->reserved[i]) &&
		    s->reserved[i].range.first <= at &&
		    s->reserved[i].range.last >= at)
			return &s->reserved[i].range;
	return NULL;
}

/* The last usable address from @at on, which is in no hole. */
static uint64_t last_usable(const struct sweep *s, uint64_t at)
{
	uint64_t last = s->aperture.last;
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (is_hole(&s->reserved[i]) &&
		    s->reserved[i].range.first > at &&
		    s->reserved[i].range.first <= last)
			last = s->reserved[i].range.first - 1;
	return last;
}

static int sweep(const struct sweep *s, struct ioas_iova_ranges *ret_ranges)
{
	uint64_t at = s->aperture.first, last;
	const struct iova_range *hole;

	for (;; at = last + 1) {
		hole = hole_around(s, at);
		if (!hole && ret_ranges->count == IOAS_IOVA_RANGES_MAX)
			return -EOVERFLOW;
		last = hole ? hole->last : last_usable(s, at);
		if (!hole)
			ret_ranges->range[ret_ranges->count++] =
				(struct iova_range){at, last};
		if (last >= s->aperture.last)
			return ret_ranges->count ? 0 : -EINVAL;
	}
}

int ioas_iova_ranges_set(struct ioas_iova_ranges *ranges,
                         struct iova_range aperture,
                         const struct ioas_reserved *reserved,
                         unsigned int count)
{
	struct sweep s = {reserved, count, aperture};
	struct ioas_iova_ranges made = {0};
	int rc;

	if (aperture.first > aperture.last)
		return -EINVAL;
	rc = sweep(&s, &made);
	if (rc == 0)
		*ranges = made;
	return rc;
}

bool ioas_iova_usable(const struct ioas_iova_ranges *ranges,
                      struct iova_range range)
{
	unsigned int low = 0, high = ranges->count;

	if (range.first > range.last)
		return false;
	while (low < high) { /* the first range that ends at or after first */
		unsigned int mid = (low + high) / 2;

		if (ranges->range[mid].last < range.first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ranges->count && range.first >= ranges->range[low].first &&
	       range.last <= ranges->range[low].last;
}
