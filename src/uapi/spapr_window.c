/* SPDX-License-Identifier: MIT */
/*
 * TCE_CREATE and TCE_REMOVE.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_spapr_tce.c
 * (tce_iommu_create_window, tce_iommu_remove_window)
 */
#include <errno.h>

#include "uapi/spapr.h"

static long create_locked(struct ioas_spapr *spapr,
                          struct ioas_spapr_window *window)
{
	const struct ioas_window_shape shape = {
		.page_shift = window->page_shift,
		.levels = window->levels,
		.bytes = window->window_size,
	};
	struct ioas_window_info info;
	int ret = ioas_window_create(spapr->set, &shape, &info);

	if (ret)
		return ret;
	window->start_addr = info.start;
	if (info.page_shift > spapr->iommu.vfio->page_shift)
		spapr->large = true;
	return ret;
}

/* A program that cannot be told the address has a window all the same. */
long ioas_spapr_create(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	struct ioas_spapr_window *window = &call->in.spapr_window;
	long ret;

	ioas_lock(&spapr->lock);
	ret = create_locked(spapr, window);
	ioas_unlock(&spapr->lock);
	return ret ? ret : ioas_copy_out(call->at, window, sizeof(*window));
}

/* What the window at @at covers. False: there is none. */
static bool range_of_locked(struct ioas_spapr *spapr, uint64_t at,
                            struct iova_range *ret_range)
{
	struct ioas_window_info info;
	unsigned int slot;
	uint64_t bytes;

	for (slot = 0; slot < IOAS_WINDOWS_MAX; slot++) {
		if (ioas_window_query(spapr->set, slot, &info))
			continue;
		bytes = info.entries << info.page_shift;
		if (at - info.start >= bytes)
			continue;
		ret_range->first = info.start;
		ret_range->last = info.start + (bytes - 1);
		return true;
	}
	return false;
}

static int remove_locked(struct ioas_spapr *spapr, uint64_t at)
{
	struct iova_range range;
	bool there = range_of_locked(spapr, at, &range);
	int ret = ioas_window_remove(spapr->set, at);

	if (there && !ret)
		ioas_spapr_note_cut(spapr, range);
	else if (there)
		ioas_spapr_note_compare(spapr, range);
	return ret;
}

long ioas_spapr_remove(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	int ret;

	ioas_lock(&spapr->lock);
	ret = remove_locked(spapr, call->in.spapr_remove.start_addr);
	ioas_unlock(&spapr->lock);
	return ret;
}
