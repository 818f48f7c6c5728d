/* SPDX-License-Identifier: MIT */
/*
 * REGISTER_MEMORY and UNREGISTER_MEMORY. Registered memory belongs to the
 * process: every container of it may map what any of them has registered.
 *
 * Linux forgets memory that is unregistered while it is mapped: it stays
 * pinned, charged and translatable, and belongs to no container, until
 * somebody registers the same again, whose unregister makes it nobody's once
 * more. A holder of nobody (vfio->orphans) does the same here.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_spapr_tce.c
 * (tce_iommu_register_pages, tce_iommu_unregister_pages),
 * arch/powerpc/mm/book3s64/iommu_api.c (mm_iommu_do_alloc, mm_iommu_put)
 */
#include <errno.h>

#include "uapi/spapr.h"

static bool is_aligned(const struct ioas_vfio *vfio,
                       const struct ioas_spapr_memory *memory)
{
	return !((memory->vaddr | memory->size) &
	         ioas_mask_lg2(vfio->page_shift));
}

/* Pages that one call of the kernel's pins at most: 2^24 / 8. */
#define CHUNK (UINT64_C(1) << 21)

/* How far it went when a page is missing: Linux returns that as a success. */
static long pages_before_hole(const struct ioas_vfio *vfio,
                              const struct ioas_spapr_memory *memory)
{
	const struct uaddr start = {memory->vaddr};
	uint64_t pinned = 0;
	long pages;

	(void)ioas_hooks.pin(start, memory->size, IOAS_READ | IOAS_WRITE,
	                     &pinned);
	if (pinned)
		ioas_hooks.unpin(start, pinned);
	pages = (long)((pinned >> vfio->page_shift) & (CHUNK - 1));
	return pages ? pages : -EFAULT;
}

static long register_locked(struct ioas_spapr *spapr,
                            const struct ioas_spapr_memory *memory)
{
	const struct ioas_register what = {
		.start = memory->vaddr,
		.length = memory->size,
		.perm = IOAS_READ | IOAS_WRITE,
	};
	const struct ioas_vfio *vfio = spapr->iommu.vfio;
	long ret;

	if (!memory->size)
		return ioas_vfio_is_exact(vfio) ? -ENOMEM : -EINVAL;
	ret = ioas_holder_register(spapr->holder, &what, NULL);
	if (ret == -EFAULT && ioas_vfio_is_exact(vfio))
		return pages_before_hole(vfio, memory);
	if (!ret) {
		spapr->enabled = true;
		ioas_spapr_show_locked(spapr);
		/* It may be what it was not before. */
		spapr->backing.length = 0;
	}
	return ret;
}

long ioas_spapr_register(struct ioas_call *call)
{
	const struct ioas_spapr_memory *memory = &call->in.spapr_memory;
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	long ret;

	if (!is_aligned(spapr->iommu.vfio, memory) ||
	    memory->vaddr + memory->size < memory->vaddr)
		return -EINVAL;
	ioas_lock(&spapr->lock);
	ret = register_locked(spapr, memory);
	ioas_unlock(&spapr->lock);
	return ret;
}

/* It is mapped. Nobody has it from now on, and it is as if it were gone. */
static int forget(struct ioas_vfio *vfio, struct ioas_holder *holder,
                  const struct ioas_unregister *what)
{
	const struct ioas_register again = {
		.start = what->start,
		.length = what->length,
		.perm = IOAS_READ | IOAS_WRITE,
	};
	int ret = 0;

	ioas_lock(&vfio->lock);
	if (!vfio->orphans)
		ret = ioas_holder_create(vfio->registry, &vfio->orphans);
	ioas_unlock(&vfio->lock);
	if (!ret)
		ret = ioas_holder_register(vfio->orphans, &again, NULL);
	return ret ? ret : ioas_holder_unregister(holder, what);
}

long ioas_spapr_unregister(struct ioas_call *call)
{
	const struct ioas_spapr_memory *memory = &call->in.spapr_memory;
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	struct ioas_vfio *vfio = spapr->iommu.vfio;
	const struct ioas_unregister what = {
		.start = memory->vaddr,
		.length = memory->size,
		.mode = IOAS_UNREGISTER_REFUSE,
	};
	int ret;

	if (!is_aligned(vfio, memory))
		return -EINVAL;
	ret = ioas_holder_unregister(spapr->holder, &what);
	if (ret == -EBUSY && ioas_vfio_is_exact(vfio))
		ret = forget(vfio, spapr->holder, &what);
	return ret;
}
