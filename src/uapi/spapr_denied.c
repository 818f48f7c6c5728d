/* SPDX-License-Identifier: MIT */
/* Maps and unmaps that did nothing, told to whoever asked for it. */
#include <errno.h>

#include "uapi/spapr.h"

/* Looked at afterwards: what was registered meanwhile is not seen. */
static bool is_registered(const struct ioas_call *call)
{
	const struct vfio_iommu_type1_dma_map *map = &call->in.map;
	struct ioas_region_info info;

	return !ioas_spapr_of(call->iommu)->v2 || !map->size ||
	       !ioas_registry_find(call->iommu->vfio->registry, map->vaddr,
	                           map->size, &info);
}

/* IOAS_DENIED_NR: nothing that anybody wants to know. */
static enum ioas_denial why(const struct ioas_call *call, bool map, long ret)
{
	switch (ret) {
	case -ENXIO:
		return IOAS_DENIED_APERTURE;
	case -ENOMEM:
		return call->iommu->vfio->account.limit == UINT64_MAX
		               ? IOAS_DENIED_NR
		               : IOAS_DENIED_MEMLOCK;
	case -EINVAL:
		return map && !is_registered(call) ? IOAS_DENIED_UNREGISTERED
		                                   : IOAS_DENIED_NR;
	default:
		return IOAS_DENIED_NR;
	}
}

static uint64_t last_of(uint64_t first, uint64_t bytes)
{
	uint64_t more = bytes ? bytes - 1 : 0;

	return more > UINT64_MAX - first ? UINT64_MAX : first + more;
}

static void describe(const struct ioas_call *call, bool map,
                     struct ioas_event *ev)
{
	const struct vfio_iommu_type1_dma_map *m = &call->in.map;
	const struct ioas_vfio_unmap *u = &call->in.unmap;

	ev->space = call->iommu->space->id;
	ev->range.first = map ? m->iova : u->iova;
	ev->range.last = last_of(ev->range.first, map ? m->size : u->size);
	if (!map)
		return;
	ev->uaddr.raw = m->vaddr;
	ev->perm = ioas_map_perm(m->flags);
}

void ioas_spapr_tell_denied(const struct ioas_call *call, uint32_t number,
                            long ret)
{
	bool map = number == VFIO_IOMMU_MAP_DMA;
	struct ioas_event ev = {
		.kind = IOAS_EVENT_DENIED,
		.number = IOAS_DENIED_NOT_ENABLED,
		.what = "container",
		.site_now = ioas_call_site(),
	};

	/* Then the argument was not looked at. */
	if (ret == -EPERM) {
		ioas_tell(&ev);
		return;
	}
	/* Nor could it be. */
	if (ret == -EFAULT)
		return;
	ev.number = why(call, map, ret);
	if (ev.number == IOAS_DENIED_NR)
		return;
	describe(call, map, &ev);
	ioas_tell(&ev);
}
