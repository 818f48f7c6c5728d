/* SPDX-License-Identifier: MIT */
/*
 * UNMAP_DMA where nothing is mapped, answered without a lock and with signals
 * as they are: a program may clear an empty window entry by entry, and each
 * system call that is made for it would be most of the time that it takes.
 *
 *	fetch the argument -> what the container shows -> answer
 *	                               | maybe not that
 *	                               `-> the call, as any other
 *
 * Only what succeeds and does nothing is answered here. Each errno, what is
 * told of a call that failed, and whatever is unusual is the call's, which then
 * finds the same checks in the same order, from the first on.
 *
 * No section is opened for it: a signal handler that is left by siglongjmp(3)
 * would take it along, and there are no signals blocked. What is looked at
 * (struct ioas_shown) never goes; whose it is the front end finds by a mark
 * that it has put there, which is the same before and after the look. Back ends
 * show themselves with SET_IOMMU (`show`), and nothing when the last group
 * leaves.
 */
#include "uapi/state.h"

bool ioas_unmap_fetch(unsigned long argument, struct ioas_unmap_try *ret_try)
{
	struct ioas_vfio_unmap unmap;

	if (ioas_copy_in(&unmap, (struct uaddr){argument}, sizeof(unmap)) ||
	    unmap.argsz < sizeof(unmap) || unmap.flags)
		return false;
	ret_try->iova = unmap.iova;
	ret_try->bytes = unmap.size;
	ret_try->caller = 0;
	return true;
}

/* Another process may not: -EPERM. */
static bool is_owner(const struct ioas_shown *shown,
                     const struct ioas_unmap_try *try)
{
	/* Pairs with the store in spapr.c. */
	return !try->caller || ioas_a64_load(&shown->owner) == try->caller;
}

bool ioas_shown_unmaps_nothing(const struct ioas_shown *shown, uint64_t mark,
                               const struct ioas_unmap_try *try)
{
	/* All pair with the store in ioas_file_mark(), or say the same. */
	return ioas_a64_load(&shown->mark) == mark &&
	       ioas_glance_is_empty(&shown->glance, try->iova, try->bytes) &&
	       is_owner(shown, try) && ioas_a64_load(&shown->mark) == mark;
}

struct ioas_shown *ioas_file_shown(const struct ioas_file *file)
{
	return file->kind == IOAS_FILE_CONTAINER ? file->container->shown
	                                         : NULL;
}

void ioas_file_mark(const struct ioas_file *file, uint64_t mark)
{
	struct ioas_shown *shown = ioas_file_shown(file);

	/* Pairs with the loads in ioas_shown_unmaps_nothing(). */
	if (shown)
		ioas_a64_store(&shown->mark, mark);
}

bool ioas_file_unmaps_nothing(const struct ioas_file *file,
                              const struct ioas_unmap_try *try)
{
	const struct ioas_front *front = file->vfio->front;
	const struct ioas_shown *shown = ioas_file_shown(file);
	struct ioas_unmap_try as = *try;

	if (!shown)
		return false;
	as.caller = front->caller ? front->caller() + 1 : 0;
	return ioas_shown_unmaps_nothing(shown, ioas_a64_load(&shown->mark),
	                                 &as);
}
