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

#include "uapi/state.h"

struct chain {
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail dma_avail;
	uint32_t pad; /* each capability begins at a multiple of 8 */
	struct vfio_info_cap_header iova_header;
	uint32_t nr_iovas;
	uint32_t reserved;
	struct vfio_iova_range iovas[];
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
	uint64_t left =
		type1->iommu.vfio->entry_limit - type1->iommu.space->area_count;

	return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

/* Bytes of the answer with its chain. */
static uint32_t answer_bytes(const struct ioas_type1 *type1)
{
	return (uint32_t)(offsetof(struct answer, chain.iovas) +
	                  type1->iommu.space->ranges.count *
	                          sizeof(struct vfio_iova_range));
}

/* Of zeroed memory. */
static void chain_build(const struct ioas_type1 *type1, struct chain *c)
{
	const struct ioas_iova_ranges *ranges = &type1->iommu.space->ranges;
	unsigned int i;

	c->migration.header = header(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
	                             offsetof(struct answer, chain.dma_avail));
	c->migration.pgsize_bitmap = ioas_type1_page_mask(type1) + 1;
	c->migration.max_dirty_bitmap_size = IOAS_DIRTY_BITMAP_MAX;
	c->dma_avail.header =
		header(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
	               offsetof(struct answer, chain.iova_header));
	c->dma_avail.avail = entries_left(type1);
	c->iova_header = header(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 0);
	c->nr_iovas = ranges->count;
	for (i = 0; i < ranges->count; i++) {
		c->iovas[i].start = ranges->range[i].first;
		c->iovas[i].end = ranges->range[i].last;
	}
}

/* Return: the answer, of *ret_bytes, or NULL: no memory. */
static struct answer *answer_make(struct ioas_type1 *type1, uint32_t *ret_bytes)
{
	struct answer *a;

	ioas_lock(&type1->iommu.space->lock);
	*ret_bytes = answer_bytes(type1);
	a = ioas_hooks.alloc(*ret_bytes);
	if (a)
		chain_build(type1, &a->chain);
	ioas_unlock(&type1->iommu.space->lock);
	return a;
}

long ioas_type1_get_info(struct ioas_call *call)
{
	const size_t chain_at = offsetof(struct answer, chain);
	uint32_t room = call->in.type1.argsz, need, give;
	struct answer *a = answer_make(ioas_type1_of(call->iommu), &need);
	long ret;

	if (!a)
		return -ENOMEM;
	a->info.argsz = room < need ? need : room;
	a->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	a->info.iova_pgsizes = ioas_type1_of(call->iommu)->page_sizes;
	if (room >= need)
		a->info.cap_offset = (uint32_t)chain_at;
	give = room >= need ? need : room < chain_at ? room : chain_at;
	ret = ioas_copy_out(call->at, a, give);
	ioas_hooks.free(a, need);
	return ret;
}
