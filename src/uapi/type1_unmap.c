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

struct unmap {
	struct ioas_type1 *type1;
	struct iova_range range;
	bool vaddr, all;
	const struct ioas_vfio_bitmap *bitmap; /* to be filled, or NULL */
	uint64_t done;                         /* bytes */
	uint64_t count;
	struct ioas_space_gone gone;
};

/* Flags and the bitmap that GET_DIRTY_BITMAP is to fill. */
static int bitmap_check(const struct ioas_call *call,
                        struct ioas_vfio_bitmap *ret_bitmap)
{
	const struct ioas_vfio_unmap *unmap = &call->in.unmap;

	if (unmap->flags != VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		return -EINVAL;
	if (unmap->argsz < sizeof(*unmap) + sizeof(*ret_bitmap))
		return -EINVAL;
	if (ioas_copy_in(ret_bitmap, ioas_uaddr_add(call->at, sizeof(*unmap)),
	                 sizeof(*ret_bitmap)))
		return -EFAULT;
	return ioas_type1_bitmap_check(ret_bitmap, unmap->size);
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
	return ioas_type1_range(type1, unmap->iova, unmap->size, ret_range);
}

static struct ioas_area *area_at(const struct ioas_space *space, uint64_t at)
{
	return ioas_space_find_locked(space, (struct iova_range){at, at});
}

bool ioas_type1_cuts_locked(const struct ioas_type1 *type1,
                            struct iova_range range)
{
	struct ioas_area *first = area_at(type1->iommu.space, range.first);
	struct ioas_area *last = area_at(type1->iommu.space, range.last);

	return (first && first->range.first != range.first) ||
	       (last && last->range.last != range.last);
}

static void remove_locked(struct unmap *u, struct ioas_area *area)
{
	u->done += area->range.last - area->range.first + 1;
	u->count++;
	if (area->vaddr_invalid)
		u->type1->vaddr_invalid--;
	ioas_space_remove_locked(u->type1->iommu.space, area, &u->gone);
}

static struct ioas_area *first_locked(const struct unmap *u)
{
	return ioas_space_find_locked(u->type1->iommu.space, u->range);
}

static int bitmap_write_locked(struct unmap *u, struct ioas_area *area,
                               enum ioas_dirty_marks marks)
{
	return ioas_type1_bitmap_write_locked(u->type1, area,
	                                      (struct uaddr){u->bitmap->data},
	                                      u->range.first, marks);
}

/*
 * A bitmap that cannot be written keeps every mapping, since the program would
 * have lost what was dirty. Linux keeps those from the failing one on.
 */
static int bitmap_write_all_locked(struct unmap *u)
{
	struct ioas_area *area = first_locked(u);
	int ret = 0;

	if (!u->bitmap ||
	    (ioas_vfio_is_exact(u->type1->iommu.vfio) && !u->type1->marks))
		return 0;
	for (; area && !ret; area = ioas_space_next_locked(area, u->range))
		ret = bitmap_write_locked(u, area, IOAS_DIRTY_LOOK);
	return ret;
}

/* Whose last marks have been taken goes, whether they were told or not. */
static int remove_one_locked(struct unmap *u, struct ioas_area *area)
{
	bool marks = u->type1->marks;
	int ret = 0;

	if (u->bitmap && (marks || ioas_vfio_is_exact(u->type1->iommu.vfio)))
		ret = bitmap_write_locked(u, area, IOAS_DIRTY_LAST);
	if (!ret || marks)
		remove_locked(u, area);
	return ret;
}

static int remove_all_locked(struct unmap *u)
{
	int ret = bitmap_write_all_locked(u);
	struct ioas_area *area = ret ? NULL : first_locked(u), *next;

	for (; area && !ret; area = next) {
		next = ioas_space_next_locked(area, u->range);
		ret = remove_one_locked(u, area);
	}
	return ret;
}

/* Take the marks back that this call made, up to @end. */
static void validate_locked(struct unmap *u, const struct ioas_area *end)
{
	struct ioas_area *area = first_locked(u);

	for (; area != end; area = ioas_space_next_locked(area, u->range)) {
		area->vaddr_invalid = false;
		u->type1->vaddr_invalid--;
	}
	u->done = 0;
}

static int invalidate_all_locked(struct unmap *u)
{
	struct ioas_area *area = first_locked(u);

	for (; area; area = ioas_space_next_locked(area, u->range)) {
		if (area->vaddr_invalid) {
			validate_locked(u, area);
			return -EINVAL;
		}
		area->vaddr_invalid = true;
		u->type1->vaddr_invalid++;
		u->done += area->range.last - area->range.first + 1;
	}
	return 0;
}

/* What version 1 makes of a range that begins inside of a mapping: nothing. */
static bool stops_at_once_locked(const struct unmap *u)
{
	struct ioas_area *first;

	if (!u->all && ioas_type1_is_blind(u->type1, u->range))
		return true;
	if (u->type1->version == VFIO_TYPE1v2_IOMMU)
		return false;
	first = area_at(u->type1->iommu.space, u->range.first);
	return first && first->range.first < u->range.first;
}

static int unmap_locked(struct unmap *u)
{
	int ret = 0;

	if (u->bitmap)
		ret = ioas_type1_bitmap_fits_locked(u->type1, u->bitmap);
	if (ret)
		return ret;
	/* The range of ALL cuts nothing. */
	if (u->type1->version == VFIO_TYPE1v2_IOMMU &&
	    ioas_type1_cuts_locked(u->type1, u->range))
		return -EINVAL;
	if (stops_at_once_locked(u))
		return 0;
	return u->vaddr ? invalidate_all_locked(u) : remove_all_locked(u);
}

static int unmap_run(struct unmap *u)
{
	struct ioas_space *space = u->type1->iommu.space;
	int ret;

	ioas_lock(&space->lock);
	ret = unmap_locked(u);
	ioas_unlock(&space->lock);
	ioas_space_release(space, &u->gone);
	ioas_count_unmaps(u->type1->iommu.vfio, u->count);
	return ret;
}

long ioas_type1_unmap(struct ioas_call *call)
{
	struct ioas_vfio_unmap *unmap = &call->in.unmap;
	struct ioas_vfio_bitmap bitmap;
	struct unmap u = {
		.type1 = ioas_type1_of(call->iommu),
		.vaddr = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR,
		.all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL,
	};
	int ret;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) {
		ret = bitmap_check(call, &bitmap);
		if (ret)
			return ret;
		u.bitmap = &bitmap;
	}
	/* A process may have addresses of 32 bits. */
	if (unmap->iova > UINTPTR_MAX || unmap->size > SIZE_MAX)
		return ioas_type1_overflow(u.type1);
	ret = range_check(u.type1, unmap, &u.range);
	if (!ret)
		ret = unmap_run(&u);
	if (ret)
		return ret;
	unmap->size = u.done;
	return ioas_copy_out(call->at, unmap, sizeof(*unmap));
}
