/* SPDX-License-Identifier: MIT */
/*
 * MAP_DMA and UNMAP_DMA of a container with windows.
 *
 * A map that replaces something, and an unmap of a part of what was mapped, are
 * as good as any other: a window is entries, and no more.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_spapr_tce.c (VFIO_IOMMU_MAP_DMA,
 * VFIO_IOMMU_UNMAP_DMA)
 */
#include <errno.h>

#include "uapi/spapr.h"

static struct iova_range range_of(uint64_t first, uint64_t bytes)
{
	uint64_t most = UINT64_MAX - first;

	return (struct iova_range){
		first, first + (bytes - 1 < most ? bytes - 1 : most)};
}

/* In Linux a map that went well may lack pages, but then the last ones. */
static bool is_whole(struct ioas_spapr *spapr, uint64_t last)
{
	struct ioas_window_entry entry;

	return !ioas_vfio_is_exact(spapr->iommu.vfio) ||
	       (!ioas_windows_get(spapr->set, last, &entry) && entry.tce);
}

static void note_map_locked(struct ioas_spapr *spapr, struct iova_range range,
                            struct ioas_spapr_note *note, long ret)
{
	bool half = ret ? ioas_vfio_is_exact(spapr->iommu.vfio)
	                : !is_whole(spapr, range.last);

	if (ret)
		ioas_spapr_note_free(note);
	else
		ioas_spapr_note_add(spapr, note);
	if (!ret)
		ioas_spapr_tell_early(spapr, note);
	/* One that failed takes back what it did, and what that replaced. */
	if (half)
		ioas_spapr_note_compare(spapr, range);
}

/* What Linux knows a region's pages to be: of its memory, and as aligned. */
static unsigned int shift_of_region(struct ioas_spapr *spapr,
                                    const struct ioas_region_info *region)
{
	const struct ioas_vfio *vfio = spapr->iommu.vfio;
	struct ioas_spapr_backing *b = &spapr->backing;
	unsigned int aligned =
		(unsigned int)__builtin_ctzll(region->start | region->length);

	if (b->start == region->start && b->length == region->length)
		return b->shift;
	b->start = region->start;
	b->length = region->length;
	b->shift = 0;
	if (vfio->front->backing_shift)
		b->shift = vfio->front->backing_shift(
			b->start, b->start + (b->length - 1));
	if (b->shift < vfio->page_shift)
		b->shift = vfio->page_shift;
	if (b->shift > aligned)
		b->shift = aligned;
	return b->shift;
}

/*
 * Pages of a window are not larger than those of the memory behind them,
 * however contiguous that may be. What else is wrong with the call is found by
 * the set, and comes first where it has another answer.
 */
static bool is_too_small_locked(struct ioas_spapr *spapr,
                                const struct vfio_iommu_type1_dma_map *map)
{
	struct ioas_window_entry entry;
	struct ioas_region_info region;

	if (!spapr->large || !map->size ||
	    ioas_windows_get(spapr->set, map->iova, &entry) ||
	    entry.page_shift <= spapr->iommu.vfio->page_shift ||
	    (map->iova & ioas_mask_lg2(entry.page_shift)))
		return false;
	if (ioas_registry_find(spapr->iommu.vfio->registry, map->vaddr,
	                       map->size, &region))
		return false;
	return shift_of_region(spapr, &region) < entry.page_shift;
}

static long map_locked(struct ioas_spapr *spapr,
                       const struct vfio_iommu_type1_dma_map *map)
{
	const struct ioas_window_map what = {
		.iova = map->iova,
		.uaddr = map->vaddr,
		.bytes = map->size,
		.perm = ioas_map_perm(map->flags),
	};
	struct iova_range range = range_of(map->iova, map->size);
	struct ioas_spapr_note *note;
	long ret;

	if (!map->size)
		return ioas_windows_map(spapr->set, &what);
	if (is_too_small_locked(spapr, map))
		return -EINVAL;
	note = ioas_spapr_note_new(spapr);
	if (!note)
		return -ENOMEM;
	note->node.first = range.first;
	note->node.last = range.last;
	note->uaddr.raw = map->vaddr;
	note->perm = what.perm;
	note->site = ioas_call_site();
	ret = ioas_windows_map(spapr->set, &what);
	note_map_locked(spapr, range, note, ret);
	return ret;
}

long ioas_spapr_map(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	long ret;

	ioas_lock(&spapr->lock);
	ret = map_locked(spapr, &call->in.map);
	ioas_unlock(&spapr->lock);
	return ret;
}

static long unmap_locked(struct ioas_spapr *spapr, uint64_t iova,
                         uint64_t bytes)
{
	long ret = ioas_windows_unmap(spapr->set, iova, bytes);

	if (!bytes)
		return ret;
	/* There a range may go on behind the window: what went? */
	if (!ret && spapr->iommu.vfio->contract == IOAS_CONTRACT_LINUX_6_12)
		ioas_spapr_note_compare(spapr, range_of(iova, bytes));
	else if (!ret)
		ioas_spapr_note_cut(spapr, range_of(iova, bytes));
	return ret;
}

long ioas_spapr_unmap(struct ioas_call *call)
{
	const struct ioas_vfio_unmap *unmap = &call->in.unmap;
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	long ret;

	ioas_lock(&spapr->lock);
	ret = unmap_locked(spapr, unmap->iova, unmap->size);
	ioas_unlock(&spapr->lock);
	return ret;
}
