/* SPDX-License-Identifier: MIT */
/*
 * GET_INFO of type1: page sizes, and a chain of capabilities behind the
 * structure. A program with too little room gets the size it needs and no
 * chain.
 *
 *	0   struct vfio_iommu_type1_info   cap_offset --+
 *	24  MIGRATION       next --+  <-----------------+
 *	56  DMA_AVAIL       next --+--+
 *	72  IOVA_RANGE      next = 0  +
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_type1.c (vfio_iommu_type1_get_info)
 */
#include <errno.h>
#include <string.h>

#include "uapi/state.h"

struct chain {
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail dma_avail;
	uint32_t pad; /* each capability begins at a multiple of 8 */
	struct vfio_info_cap_header iova_header;
	uint32_t nr_iovas;
	uint32_t reserved;
	struct vfio_iova_range iovas[IOAS_IOVA_RANGES_MAX];
};

struct answer {
	struct ioas_vfio_type1_info info;
	struct chain chain;
};

IOAS_LAYOUT(struct answer, chain.migration, 24);
IOAS_LAYOUT(struct answer, chain.dma_avail, 56);
IOAS_LAYOUT(struct answer, chain.iova_header, 72);
IOAS_LAYOUT(struct answer, chain.iovas, 88);

static struct vfio_info_cap_header header(unsigned int id, size_t next)
{
	return (struct vfio_info_cap_header){
		.id = (uint16_t)id,
		.version = 1,
		.next = (uint32_t)next,
	};
}

static uint32_t entries_left(const struct ioas_type1 *type1)
{
	uint64_t left = type1->vfio->entry_limit - type1->space->area_count;

	return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

/* Return: bytes of the answer with its chain. */
static uint32_t answer_build(const struct ioas_type1 *type1, struct answer *a)
{
	const struct ioas_iova_ranges *ranges = &type1->space->ranges;
	unsigned int i;

	memset(&a->chain, 0, offsetof(struct chain, iovas));
	a->chain.migration.header =
		header(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
	               offsetof(struct answer, chain.dma_avail));
	a->chain.migration.pgsize_bitmap = ioas_type1_page_mask(type1) + 1;
	a->chain.migration.max_dirty_bitmap_size = IOAS_DIRTY_BITMAP_MAX;
	a->chain.dma_avail.header =
		header(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
	               offsetof(struct answer, chain.iova_header));
	a->chain.dma_avail.avail = entries_left(type1);
	a->chain.iova_header = header(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 0);
	a->chain.nr_iovas = ranges->count;
	for (i = 0; i < ranges->count; i++) {
		a->chain.iovas[i].start = ranges->range[i].first;
		a->chain.iovas[i].end = ranges->range[i].last;
	}
	return (uint32_t)(offsetof(struct answer, chain.iovas) +
	                  ranges->count * sizeof(struct vfio_iova_range));
}

long ioas_type1_get_info(struct ioas_call *call)
{
	const size_t chain_at = offsetof(struct answer, chain);
	struct ioas_type1 *type1 = call->type1;
	uint32_t room = call->in.type1.argsz, need;
	struct answer a = {.info = call->in.type1};

	a.info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	a.info.iova_pgsizes = type1->page_sizes;
	a.info.cap_offset = 0;
	a.info.pad = 0;
	ioas_lock(&type1->space->lock);
	need = answer_build(type1, &a);
	ioas_unlock(&type1->space->lock);
	if (room < need) {
		a.info.argsz = need;
		return ioas_copy_out(call->at, &a.info,
		                     room < chain_at ? room : chain_at);
	}
	a.info.cap_offset = (uint32_t)chain_at;
	return ioas_copy_out(call->at, &a, need);
}
