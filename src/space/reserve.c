/* SPDX-License-Identifier: MIT */
/*
 * Reserved ranges come and go with who is attached to a space. The usable
 * ranges are made anew of all that are there, so no order in which owners come
 * and go can matter (MSI-9).
 */
#include <errno.h>

#include "base/law.h"
#include "space/space.h"

static bool hits_a_mapping(const struct ioas_space *space,
                           const struct ioas_reserved_list *what)
{
	unsigned int i;

	for (i = 0; i < what->count; i++)
		if (ioas_reserved_is_hole(&what->item[i]) &&
		    ioas_space_find_locked(space, what->item[i].range))
			return true;
	return false;
}

static int ranges_of(struct ioas_space *space,
                     const struct ioas_reserved_list *reserved)
{
	return ioas_iova_ranges_set(&space->ranges, space->window,
	                            reserved->item, reserved->count);
}

int ioas_space_reserve_locked(struct ioas_space *space,
                              const struct ioas_reserved_list *what,
                              unsigned int owner)
{
	struct ioas_reserved_list all = {0};
	int rc;

	if (hits_a_mapping(space, what))
		return -EADDRINUSE;
	rc = ioas_reserved_copy(&all, &space->reserved);
	if (!rc)
		rc = ioas_reserved_add_all(&all, what, owner);
	if (!rc)
		rc = ranges_of(space, &all);
	if (rc) {
		ioas_reserved_fini(&all);
		return rc;
	}
	ioas_reserved_fini(&space->reserved);
	space->reserved = all;
	return 0;
}

void ioas_space_unreserve_locked(struct ioas_space *space, unsigned int owner,
                                 bool keep_ends)
{
	const struct ioas_iova_ranges *ranges = &space->ranges;
	int rc;

	space->window = space->aperture;
	if (keep_ends)
		space->window = (struct iova_range){
			ranges->range[0].first,
			ranges->range[ranges->count - 1].last,
		};
	ioas_reserved_drop(&space->reserved, owner);
	/* There is room, and what was usable still is. */
	rc = ranges_of(space, &space->reserved);
	ioas_law(MSI_9, rc == 0);
}
