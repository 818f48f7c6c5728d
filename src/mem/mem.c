/* SPDX-License-Identifier: MIT */
/*
 * Registered memory of one owner. Laws: see mem.h; how it is pinned: pin.h.
 *
 * Ordering: `mapped` is the only word that races: count.h.
 */
#include "mem/mem.h"

#include <errno.h>

#include "base/hooks.h"
#include "base/law.h"
#include "mem/count.h"

void ioas_mem_init(struct ioas_mem *mem, struct ioas_mem_account *account,
                   unsigned int page_shift)
{
	mem->pinner = (struct ioas_pinner){
		.backend = &ioas_backend_identity,
		.accountant = ioas_account(account),
		.page_shift = page_shift,
		.wall_shift = page_shift,
		.in_order = true,
	};
	ioas_a64_store(&mem->regions, 0);
}

void ioas_mem_fini(struct ioas_mem *mem)
{
	ioas_law(MEM_1, ioas_a64_load(&mem->regions) == 0);
	ioas_pins_fini();
}

int ioas_mem_unregister_at(struct ioas_region *region)
{
	struct ioas_mem *mem = region->mem;

	if (!ioas_count_end(&region->mapped, false))
		return -EBUSY;
	ioas_region_unpin(region, &mem->pinner, NULL);
	ioas_uncharge(&mem->pinner, region->length >> mem->pinner.page_shift);
	ioas_a64_add(&mem->regions, -1);
	return 0;
}

int ioas_mem_register(struct ioas_mem *mem, struct uaddr start, uint64_t length,
                      unsigned int perm, struct ioas_region **ret_region)
{
	struct ioas_region *region;
	int rc;

	region = ioas_new(struct ioas_region);
	if (!region)
		return -ENOMEM;
	region->start = start;
	region->length = length;
	region->perm = perm;
	rc = ioas_mem_register_at(mem, region);
	if (rc)
		ioas_delete(region);
	else
		*ret_region = region;
	return rc;
}

int ioas_mem_unregister(struct ioas_region *region)
{
	int rc = ioas_mem_unregister_at(region);

	if (!rc)
		ioas_delete(region);
	return rc;
}

bool ioas_region_get(struct ioas_region *region, uint64_t n)
{
	return ioas_count_get(&region->mapped, n) == 0;
}

void ioas_region_put(struct ioas_region *region, uint64_t n)
{
	ioas_count_put(&region->mapped, n);
}
