/* SPDX-License-Identifier: MIT */
/*
 * The list is made in one sweep from the bottom of the aperture: out of the
 * reserved range we are in, up to the next one, and so on. The order in which
 * reserved ranges are given cannot matter; they are a handful, so looking at
 * each of them per step is fine. It is made twice: the first sweep only sees
 * whether anything is left.
 */
#include "iova/iova.h"

#include <errno.h>

#include "base/hooks.h"

struct sweep {
	const struct ioas_reserved *reserved;
	unsigned int count;
	struct iova_range aperture;
};

/* Direct ranges that may be given up stay usable, as in Linux. */
static bool is_hole(const struct ioas_reserved *r)
{
	return ioas_reserved_is_hole(r) && r->range.first <= r->range.last;
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

/* @to NULL: they are counted only. Return: how many there are. */
static unsigned int sweep(const struct sweep *s, struct iova_range *to)
{
	uint64_t at = s->aperture.first, last;
	const struct iova_range *hole;
	unsigned int n = 0;

	for (;; at = last + 1) {
		hole = hole_around(s, at);
		last = hole ? hole->last : last_usable(s, at);
		if (!hole && to)
			to[n] = (struct iova_range){at, last};
		n += !hole;
		if (last >= s->aperture.last)
			return n;
	}
}

/* Each hole ends one range at most. */
static int make_room(struct ioas_iova_ranges *ranges, unsigned int holes)
{
	struct iova_range *range;

	if (holes < ranges->room)
		return 0;
	range = ioas_hooks.alloc((holes + 1) * sizeof(*range));
	if (!range)
		return -ENOMEM;
	ioas_iova_ranges_fini(ranges);
	ranges->range = range;
	ranges->room = holes + 1;
	return 0;
}

int ioas_iova_ranges_set(struct ioas_iova_ranges *ranges,
                         struct iova_range aperture,
                         const struct ioas_reserved *reserved,
                         unsigned int count)
{
	struct sweep s = {reserved, count, aperture};

	if (aperture.first > aperture.last || !sweep(&s, NULL))
		return -EINVAL;
	if (make_room(ranges, count))
		return -ENOMEM;
	ranges->count = sweep(&s, ranges->range);
	return 0;
}

void ioas_iova_ranges_fini(struct ioas_iova_ranges *ranges)
{
	if (ranges->range)
		ioas_hooks.free(ranges->range,
		                ranges->room * sizeof(*ranges->range));
	*ranges = (struct ioas_iova_ranges){0, 0, NULL};
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
