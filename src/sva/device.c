/* SPDX-License-Identifier: MIT */
/*
 * Devices, and the table of each: from a PASID to what is bound, in two levels,
 * as the tables are that hardware walks. Accesses read it without a lock, in a
 * section. A leaf that was made stays until the device ends.
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "sva/sva.h"

#define LEAF       (1u << IOAS_SVA_LEAF_LG2)
#define LEAF_BYTES (LEAF * sizeof(struct ioas_aptr))
#define MOST       65536u /* requests */

/* ---- The table ---- */

static uint32_t leaves(const struct ioas_sva_device *dev)
{
	return dev->bits > IOAS_SVA_LEAF_LG2
	               ? 1u << (dev->bits - IOAS_SVA_LEAF_LG2)
	               : 1;
}

static size_t directory_bytes(const struct ioas_sva_device *dev)
{
	return leaves(dev) * sizeof(struct ioas_aptr);
}

struct ioas_aptr *ioas_sva_entry(const struct ioas_sva_device *dev,
                                 uint32_t pasid)
{
	struct ioas_aptr *leaf;

	if (pasid > ioas_mask_lg2(dev->bits))
		return NULL;
	/* Pairs with the store in ioas_sva_entry_locked(). */
	leaf = ioas_aptr_load(&dev->directory[pasid >> IOAS_SVA_LEAF_LG2]);
	return leaf ? leaf + pasid % LEAF : NULL;
}

struct ioas_aptr *ioas_sva_entry_locked(struct ioas_sva_device *dev,
                                        uint32_t pasid)
{
	struct ioas_aptr *entry = ioas_sva_entry(dev, pasid);
	struct ioas_aptr *leaf;

	if (entry)
		return entry;
	leaf = ioas_hooks.alloc(LEAF_BYTES);
	if (!leaf)
		return NULL;
	ioas_aptr_store(&dev->directory[pasid >> IOAS_SVA_LEAF_LG2], leaf);
	return leaf + pasid % LEAF;
}

/* ---- Life ---- */

static int begin_slots(struct ioas_sva_device *dev)
{
	unsigned int i, n = dev->config.requests;

	dev->part_end = &dev->part;
	if (!n)
		return 0;
	dev->slots = ioas_hooks.alloc(n * sizeof(dev->slots[0]));
	if (!dev->slots)
		return -ENOMEM;
	for (i = 0; i + 1 < n; i++)
		dev->slots[i].next = &dev->slots[i + 1];
	dev->free = dev->slots;
	return 0;
}

static int begin(struct ioas_sva_device *dev)
{
	int err;

	dev->directory = ioas_hooks.alloc(directory_bytes(dev));
	if (!dev->directory)
		return -ENOMEM;
	err = begin_slots(dev);
	if (err)
		ioas_hooks.free(dev->directory, directory_bytes(dev));
	return err;
}

int ioas_sva_device_create(struct ioas_sva *sva,
                           const struct ioas_sva_device_config *config,
                           struct ioas_sva_device **ret_dev)
{
	struct ioas_sva_device *dev;
	unsigned int bits = config->pasid_bits;
	int err;

	if (!bits || bits > IOAS_PASID_BITS_MAX || config->requests > MOST ||
	    (config->requests && !config->respond))
		return -EINVAL;
	if (!ioas_sva_alive(sva))
		return -ENODEV;
	dev = ioas_new(struct ioas_sva_device);
	if (!dev)
		return -ENOMEM;
	dev->sva = sva;
	dev->config = *config;
	dev->bits =
		bits < sva->config.pasid_bits ? bits : sva->config.pasid_bits;
	err = begin(dev);
	if (err)
		ioas_delete(dev);
	else
		*ret_dev = dev;
	return err;
}

/* As often as it is bound: other binds of it there are none any more. */
static void unbind_leaf(struct ioas_sva_device *dev, uint32_t first)
{
	uint32_t pasid;

	for (pasid = first; pasid < first + LEAF; pasid++)
		while (!ioas_sva_unbind(dev, pasid))
			;
}

void ioas_sva_device_destroy(struct ioas_sva_device *dev)
{
	struct ioas_aptr *leaf;
	uint32_t i;

	if (!dev || !ioas_sva_alive(dev->sva))
		return;
	for (i = 0; i < leaves(dev); i++) {
		leaf = ioas_aptr_load(&dev->directory[i]);
		if (!leaf)
			continue;
		unbind_leaf(dev, i << IOAS_SVA_LEAF_LG2);
		ioas_hooks.free(leaf, LEAF_BYTES);
	}
	ioas_law(SVA_2, !dev->part);
	if (dev->slots)
		ioas_hooks.free(dev->slots,
		                dev->config.requests * sizeof(dev->slots[0]));
	ioas_hooks.free(dev->directory, directory_bytes(dev));
	ioas_delete(dev);
}

void ioas_sva_device_stats(struct ioas_sva_device *dev,
                           struct ioas_sva_stats *ret_stats)
{
	unsigned int i;

	/* Relaxed: a statistic, ordered with nothing. */
	ret_stats->faults = ioas_a64_load_relaxed(&dev->faults);
	ret_stats->bound = ioas_a32_load_relaxed(&dev->bound);
	ioas_lock(&dev->sva->requests);
	ret_stats->requests = dev->taken;
	ret_stats->overflows = dev->overflows;
	ret_stats->dropped = dev->dropped;
	for (i = 0; i < IOAS_PAGE_RESPONSE_NR; i++)
		ret_stats->responses[i] = dev->responses[i];
	ioas_unlock(&dev->sva->requests);
}
