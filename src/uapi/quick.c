/* SPDX-License-Identifier: MIT */
/*
 * UNMAP_DMA where nothing is mapped, answered without a lock and with signals
 * as they are: a program may clear an empty window entry by entry, and each
 * system call that is made for it would be most of the time that it takes.
 *
 *	fetch the argument -> section: what the container shows -> answer
 *	                                        | maybe not that
 *	                                        `-> the call, as any other
 *
 * Only what succeeds and does nothing is answered here. Each errno, what is
 * told of a call that failed, and whatever is unusual is the call's, which then
 * finds the same checks in the same order, from the first on.
 *
 * What is looked at is the container's own (struct ioas_glance), so it is there
 * as long as the section in which the file was found, whatever becomes of the
 * back end, also in a signal handler that comes in between. Back ends show
 * themselves with SET_IOMMU (`show`), and nothing when the last group leaves.
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
	return true;
}

/* Another process may not: -EPERM. */
static bool is_owner(const struct ioas_container *container)
{
	const struct ioas_front *front = container->vfio->front;

	/* Pairs with the store in spapr.c. */
	return !front->caller ||
	       ioas_a64_load(&container->owner) == front->caller() + 1;
}

bool ioas_file_unmaps_nothing(const struct ioas_file *file,
                              const struct ioas_unmap_try *try)
{
	const struct ioas_container *container = file->container;

	return file->kind == IOAS_FILE_CONTAINER &&
	       ioas_glance_is_empty(&container->glance, try->iova,
	                            try->bytes) &&
	       is_owner(container);
}
