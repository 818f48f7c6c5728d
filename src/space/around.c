/* SPDX-License-Identifier: MIT */
/* What lies around an address, for whoever reports an access to it. */
#include "space/space.h"

static struct ioas_event_mapping mapping_of(const struct ioas_area *area)
{
	if (!area)
		return (struct ioas_event_mapping){.perm = 0};
	return (struct ioas_event_mapping){
		.range = area->range,
		.uaddr = area->uaddr,
		.perm = area->perm,
		.site = area->site,
	};
}

static const struct ioas_area *above(const struct ioas_space *space,
                                     uint64_t last)
{
	struct iova_range rest = {last + 1, UINT64_MAX};

	return last == UINT64_MAX ? NULL : ioas_space_find_locked(space, rest);
}

bool ioas_space_around_try(struct ioas_space *space, struct iova at,
                           struct ioas_space_around *ret_around)
{
	struct iova_range here = {at.raw, at.raw};
	const struct ioas_area *area;

	if (!ioas_lock_try(&space->lock))
		return false;
	if (space->around_locked) {
		space->around_locked(space, at, ret_around);
		ioas_unlock(&space->lock);
		return true;
	}
	area = ioas_space_find_locked(space, here);
	if (area)
		here = area->range;
	ret_around->at = mapping_of(area);
	ret_around->below =
		mapping_of(ioas_space_before_locked(space, here.first));
	ret_around->above = mapping_of(above(space, here.last));
	ioas_unlock(&space->lock);
	return true;
}
