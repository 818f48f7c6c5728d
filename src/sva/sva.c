/* SPDX-License-Identifier: MIT */
/*
 * PASIDs: one number for an address space, from its first bind until it is
 * destroyed and bound nowhere (SVA-1). The lowest that is free is taken, for
 * devices differ in how many bits they send.
 */
#include "sva/sva.h"

#include <errno.h>

#include "base/hooks.h"

/* How often the process has forked, seen from the child. */
static struct ioas_a32 era;

void ioas_sva_forked(void)
{
	/* Relaxed: there is one thread. */
	ioas_a32_store_relaxed(&era, ioas_a32_load_relaxed(&era) + 1);
	ioas_sva_bind_forked();
}

bool ioas_sva_alive(const struct ioas_sva *sva)
{
	/* Relaxed: it changes in a child with one thread. */
	return sva->era == ioas_a32_load_relaxed(&era);
}

int ioas_sva_create(const struct ioas_sva_config *config,
                    struct ioas_sva **ret_sva)
{
	struct ioas_sva *sva;

	if (!config->pasid_bits || config->pasid_bits > IOAS_PASID_BITS_MAX)
		return -EINVAL;
	sva = ioas_new(struct ioas_sva);
	if (!sva)
		return -ENOMEM;
	sva->config = *config;
	sva->era = ioas_a32_load_relaxed(&era);
	sva->lowest = IOAS_NO_PASID + 1;
	*ret_sva = sva;
	return 0;
}

void ioas_sva_destroy(struct ioas_sva *sva)
{
	if (!sva || !ioas_sva_alive(sva))
		return;
	ioas_law(SVA_2, !sva->mms && !sva->first);
	ioas_delete(sva);
}

/* The lowest free number from sva->lowest on. */
static uint32_t lowest_free(const struct ioas_sva *sva)
{
	uint32_t pasid = sva->lowest;
	uint64_t taken;

	while (ioas_index_from(&sva->numbers, pasid, &taken) && taken == pasid)
		pasid++;
	return pasid;
}

int ioas_sva_take_number_locked(struct ioas_sva *sva, struct ioas_sva_mm *mm,
                                unsigned int bits, uint32_t *ret_pasid)
{
	uint32_t pasid = lowest_free(sva);
	int err;

	sva->lowest = pasid;
	if (pasid > ioas_mask_lg2(bits))
		return -ENOSPC;
	err = ioas_index_insert(&sva->numbers, pasid, mm);
	if (err)
		return err;
	*ret_pasid = pasid;
	return 0;
}

void ioas_sva_give_number_locked(struct ioas_sva *sva, uint32_t pasid)
{
	ioas_index_erase(&sva->numbers, pasid);
	if (pasid < sva->lowest)
		sva->lowest = pasid;
}
