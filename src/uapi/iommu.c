/* SPDX-License-Identifier: MIT */
/*
 * Back ends of containers: what is the same for all kinds. Which kinds there
 * are is the machine's matter: type1, or the windows of POWER (spapr.c).
 *
 *	create --> iommu, one user --> attach each group of the container
 *	call: use, command, put        the last group leaves: put
 *	the last put: what is mapped is told, then the end
 */
#include <errno.h>

#include "uapi/state.h"

const struct ioas_iommu_driver *ioas_iommu_driver(const struct ioas_vfio *vfio)
{
	return vfio->machine->windows.there ? &ioas_spapr_driver
	                                    : &ioas_type1_driver;
}

int ioas_iommu_doorbell(struct ioas_iommu *iommu, struct phys phys,
                        struct ioas_msi_doorbell *ret_doorbell)
{
	if (!iommu->ops->doorbell)
		return -ENODEV;
	return iommu->ops->doorbell(iommu, phys, ret_doorbell);
}

void ioas_iommu_use(struct ioas_iommu *iommu)
{
	/* Pairs with the one in ioas_iommu_put(). */
	ioas_a64_add(&iommu->users, 1);
}

void ioas_iommu_put(struct ioas_iommu *iommu)
{
	if (!iommu)
		return;
	/* Pairs with the one in ioas_iommu_use(), and itself. */
	if (ioas_a64_add(&iommu->users, -UINT64_C(1)))
		return;
	iommu->ops->tell_live(iommu, IOAS_EVENT_LIVE_AT_CLOSE, NULL);
	iommu->ops->destroy(iommu);
}

/* A peak that two threads make at once may be told low. */
void ioas_count_maps(struct ioas_vfio *vfio, uint64_t count)
{
	uint64_t live = ioas_a64_add(&vfio->live, count);

	ioas_a64_add(&vfio->maps, count);
	if (live > ioas_a64_load_relaxed(&vfio->peak))
		ioas_a64_store_relaxed(&vfio->peak, live);
}

void ioas_count_unmaps(struct ioas_vfio *vfio, uint64_t count)
{
	if (!count)
		return;
	ioas_a64_add(&vfio->unmaps, count);
	ioas_a64_add(&vfio->live, -count);
}
