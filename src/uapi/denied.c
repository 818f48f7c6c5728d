/* SPDX-License-Identifier: MIT */
/*
 * Calls that did nothing, told to whoever asked for it. The program has its
 * errno; one errno has several reasons, and those are told here.
 */
#include <errno.h>

#include "uapi/state.h"

static enum ioas_denial out_of_range(const struct ioas_space *space,
                                     struct iova_range range)
{
	if (ioas_iova_usable(&space->ranges, range))
		return IOAS_DENIED_NR;
	if (range.first < space->aperture.first ||
	    range.last > space->aperture.last)
		return IOAS_DENIED_APERTURE;
	return IOAS_DENIED_RESERVED;
}

/* IOAS_DENIED_NR: nothing that anybody wants to know. */
static enum ioas_denial why_no_map(const struct ioas_iommu *iommu,
                                   struct iova_range range, long ret)
{
	switch (ret) {
	case -EEXIST:
		return IOAS_DENIED_MAPPED;
	case -ENOSPC:
		return IOAS_DENIED_ENTRIES;
	case -ENOMEM:
		return iommu->vfio->account.limit == UINT64_MAX
		               ? IOAS_DENIED_NR
		               : IOAS_DENIED_MEMLOCK;
	case -EINVAL:
		return out_of_range(iommu->space, range);
	default:
		return IOAS_DENIED_NR;
	}
}

/* Where what is in the way was mapped; 0 when it has gone meanwhile. */
static uint32_t site_in_the_way(struct ioas_space *space,
                                struct iova_range range)
{
	const struct ioas_area *area;
	uint32_t site;

	ioas_lock(&space->lock);
	area = ioas_space_find_locked(space, range);
	site = area ? area->site : 0;
	ioas_unlock(&space->lock);
	return site;
}

static void tell(enum ioas_denial why, struct ioas_event *ev)
{
	if (why == IOAS_DENIED_NR)
		return;
	ev->number = why;
	ev->site_now = ioas_call_site();
	ioas_tell(ev);
}

static void tell_map(const struct ioas_call *call, struct ioas_event *ev,
                     long ret)
{
	const struct vfio_iommu_type1_dma_map *map = &call->in.map;
	uint32_t flags = map->flags;

	if (!ret || (flags & VFIO_DMA_MAP_FLAG_VADDR) || !map->size ||
	    map->size - 1 > UINT64_MAX - map->iova)
		return;
	ev->range.first = map->iova;
	ev->range.last = map->iova + (map->size - 1);
	ev->space = call->iommu->space->id;
	ev->uaddr.raw = map->vaddr;
	if (ret == -EEXIST)
		ev->site = site_in_the_way(call->iommu->space, ev->range);
	ev->perm = ioas_map_perm(flags);
	tell(why_no_map(call->iommu, ev->range, ret), ev);
}

/* The size that an unmap gives back is what it unmapped. */
static void tell_unmap(const struct ioas_call *call, struct ioas_event *ev,
                       long ret)
{
	const struct ioas_vfio_unmap *unmap = &call->in.unmap;

	if (ret || unmap->size)
		return;
	ev->space = call->iommu->space->id;
	ev->range = (struct iova_range){unmap->iova, unmap->iova};
	tell(IOAS_DENIED_EMPTY, ev);
}

void ioas_type1_tell_denied(const struct ioas_call *call, uint32_t number,
                            long ret)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_DENIED, .what = "container"};

	if (number == VFIO_IOMMU_MAP_DMA)
		tell_map(call, &ev, ret);
	else
		tell_unmap(call, &ev, ret);
}

void ioas_tell_denied(const struct ioas_call *call, uint32_t number, long ret)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_DENIED, .what = "container"};

	if ((number != VFIO_IOMMU_MAP_DMA && number != VFIO_IOMMU_UNMAP_DMA) ||
	    !ioas_event_wanted(IOAS_EVENT_DENIED))
		return;
	if (!call->iommu)
		tell(IOAS_DENIED_NO_IOMMU, &ev);
	else
		call->iommu->ops->tell_denied(call, number, ret);
}
