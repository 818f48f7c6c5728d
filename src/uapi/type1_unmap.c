/* SPDX-License-Identifier: MIT */
/*
 * UNMAP_DMA of type1. What a range may do to a mapping that it cuts:
 *
 *	            cuts the first         cuts the last
 *	version 2   EINVAL                 EINVAL
 *	version 1   0, nothing removed     0, the mapping is removed whole
 *
 * Everything the range holds is taken out under the space's lock, then one
 * grace period is waited for without it, however much it was.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_type1.c (vfio_dma_do_unmap)
 */
#include <errno.h>

#include "uapi/state.h"

#define DIRTY_BITMAP_MAX UINT64_C(0x10000000) /* bytes */

struct unmap {
	struct ioas_type1 *type1;
	struct iova_range range;
	bool vaddr;
	uint64_t done; /* bytes */
	uint64_t count;
	struct ioas_space_gone gone;
};

/* Bytes of a bitmap of @pages bits, in words of 64. */
static uint64_t bitmap_bytes(uint64_t pages)
{
	return (pages / 64 + (pages % 64 != 0)) * 8;
}

/* Half of all addresses are the program's. */
static bool in_user_half(uint64_t start, uint64_t bytes)
{
	return start <= UINTPTR_MAX / 2 && bytes <= UINTPTR_MAX / 2 - start;
}

/* The bitmap that GET_DIRTY_BITMAP is to fill. */
static int bitmap_check(const struct ioas_call *call)
{
	const struct ioas_vfio_unmap *unmap = &call->in.unmap;
	struct ioas_vfio_bitmap bitmap;
	uint64_t pages;

	if (unmap->flags != VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return -EINVAL;
	if (unmap->argsz < sizeof(*unmap) + sizeof(bitmap))
		return -EINVAL;
	if (ioas_copy_in(&bitmap, ioas_uaddr_add(call->at, sizeof(*unmap)),
	                 sizeof(bitmap)))
		return -EFAULT;
	if (!in_user_half(bitmap.data, bitmap.size) || bitmap.pgsize == 0)
		return -EINVAL;
	pages = unmap->size >> __builtin_ctzll(bitmap.pgsize);
	if (pages == 0 || bitmap.size == 0 || bitmap.size > DIRTY_BITMAP_MAX ||
	    bitmap.size < bitmap_bytes(pages))
		return -EINVAL;
	return 0;
}

static int range_check(const struct ioas_type1 *type1,
                       const struct ioas_vfio_unmap *unmap,
                       struct iova_range *ret_range)
{
	uint64_t mask = ioas_type1_page_mask(type1);

	if (unmap->iova & mask)
		return -EINVAL;
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (unmap->iova || unmap->size)
			return -EINVAL;
		*ret_range = (struct iova_range){0, UINT64_MAX};
		return 0;
	}
	if (unmap->size == 0 || (unmap->size & mask))
		return -EINVAL;
	return ioas_type1_range(unmap->iova, unmap->size, ret_range);
}

static struct ioas_area *area_at(const struct ioas_space *space, uint64_t at)
{
	return ioas_space_find_locked(space, (struct iova_range){at, at});
}

/* Does the range begin or end inside of a mapping? */
static bool cuts_locked(const struct unmap *u)
{
	const struct ioas_space *space = u->type1->space;
	struct ioas_area *first = area_at(space, u->range.first);
	struct ioas_area *last = area_at(space, u->range.last);

	return (first && first->node.first != u->range.first) ||
	       (last && last->node.last != u->range.last);
}

static void remove_locked(struct unmap *u, struct ioas_area *area)
{
	u->done += area->node.last - area->node.first + 1;
	u->count++;
	if (area->vaddr_invalid)
		u->type1->vaddr_invalid--;
	ioas_space_remove_locked(u->type1->space, area, &u->gone);
}

static void remove_all_locked(struct unmap *u)
{
	struct ioas_space *space = u->type1->space;
	struct ioas_area *area, *next;

	area = ioas_space_find_locked(space, u->range);
	for (; area; area = next) {
		next = ioas_space_next_locked(area, u->range);
		remove_locked(u, area);
	}
}

/* Take the marks back that this call made, up to @end. */
static void validate_locked(struct unmap *u, const struct ioas_area *end)
{
	struct ioas_area *area =
		ioas_space_find_locked(u->type1->space, u->range);

	for (; area != end; area = ioas_space_next_locked(area, u->range)) {
		area->vaddr_invalid = false;
		u->type1->vaddr_invalid--;
	}
	u->done = 0;
}

static int invalidate_all_locked(struct unmap *u)
{
	struct ioas_area *area =
		ioas_space_find_locked(u->type1->space, u->range);

	for (; area; area = ioas_space_next_locked(area, u->range)) {
		if (area->vaddr_invalid) {
			validate_locked(u, area);
			return -EINVAL;
		}
		area->vaddr_invalid = true;
		u->type1->vaddr_invalid++;
		u->done += area->node.last - area->node.first + 1;
	}
	return 0;
}

static int unmap_locked(struct unmap *u)
{
	bool v2 = u->type1->version == VFIO_TYPE1v2_IOMMU;
	struct ioas_area *first;

	/* The range of ALL cuts nothing. */
	if (v2 && cuts_locked(u))
		return -EINVAL;
	first = area_at(u->type1->space, u->range.first);
	if (!v2 && first && first->node.first < u->range.first)
		return 0;
	if (u->vaddr)
		return invalidate_all_locked(u);
	remove_all_locked(u);
	return 0;
}

static void count_unmap(struct ioas_vfio *vfio, uint64_t count)
{
	if (!count)
		return;
	/* Statistics. */
	ioas_a64_add(&vfio->unmaps, count);
	ioas_a64_add(&vfio->live, -count);
}

static int unmap_run(struct unmap *u)
{
	struct ioas_space *space = u->type1->space;
	int ret;

	ioas_lock(&space->lock);
	ret = unmap_locked(u);
	ioas_unlock(&space->lock);
	ioas_space_release(space, &u->gone);
	count_unmap(u->type1->vfio, u->count);
	return ret;
}

long ioas_type1_unmap(struct ioas_call *call)
{
	struct ioas_vfio_unmap *unmap = &call->in.unmap;
	struct unmap u = {
		.type1 = call->type1,
		.vaddr = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR,
	};
	bool dirty = unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	int ret;

	if (dirty) {
		ret = bitmap_check(call);
		if (ret)
			return ret;
	}
	/* A process may have addresses of 32 bits. */
	if (unmap->iova > UINTPTR_MAX || unmap->size > SIZE_MAX)
		return -EOVERFLOW;
	ret = range_check(u.type1, unmap, &u.range);
	if (ret)
		return ret;
	/* Pages are not tracked: there is no command that would begin it. */
	if (dirty)
		return -EINVAL;
	ret = unmap_run(&u);
	if (ret)
		return ret;
	unmap->size = u.done;
	return ioas_copy_out(call->at, unmap, sizeof(*unmap));
}
