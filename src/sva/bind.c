/* SPDX-License-Identifier: MIT */
/*
 * Bind and unbind. A binding is in the table of its device and in the list of
 * its address space; both are changed under the address space's lock.
 *
 *	bind     number, leaf, binding; then the entry of the table
 *	unbind   the entry; grace period: no access, no request is under way;
 *	         the device forgets; requests are answered or dropped (SVA-2)
 */
#include <errno.h>

#include "asid/access.h"
#include "base/grace.h"
#include "base/hooks.h"
#include "sva/sva.h"

/* For who asks whether it is worth a look; those of all devices. */
static struct ioas_a32 all;

bool ioas_sva_any(void)
{
	/* Pairs with the addition in publish_locked(). */
	return ioas_a32_load(&all);
}

void ioas_sva_bind_forked(void)
{
	/* Relaxed: there is one thread. */
	ioas_a32_store_relaxed(&all, 0);
}

static void count(struct ioas_sva_device *dev, uint32_t more)
{
	ioas_a32_add(&dev->bound, more);
	ioas_a32_add(&all, more);
}

static struct ioas_sva_binding *
binding_locked(const struct ioas_sva_mm *mm, const struct ioas_sva_device *dev)
{
	struct ioas_sva_binding *b = mm->bindings;

	while (b && b->dev != dev)
		b = b->next;
	return b;
}

/* ---- Bind. _locked: the address space is. ---- */

/* The number, and the place in the table: *ret_entry. */
static int find_place_locked(struct ioas_sva_device *dev,
                             struct ioas_sva_mm *mm, uint32_t *ret_pasid,
                             struct ioas_aptr **ret_entry)
{
	uint32_t pasid = mm->pasid;
	int err = 0;

	if (pasid == IOAS_NO_PASID)
		err = ioas_sva_take_number_locked(dev->sva, mm, dev->bits,
		                                  &pasid);
	else if (pasid > ioas_mask_lg2(dev->bits))
		err = -EOVERFLOW;
	if (err)
		return err;
	*ret_entry = ioas_sva_entry_locked(dev, pasid);
	*ret_pasid = pasid;
	if (*ret_entry)
		return 0;
	if (mm->pasid == IOAS_NO_PASID)
		ioas_sva_give_number_locked(dev->sva, pasid);
	return -ENOMEM;
}

static void publish_locked(struct ioas_sva_binding *b, struct ioas_aptr *entry)
{
	struct ioas_sva_mm *mm = b->mm;

	mm->pasid = b->pasid;
	b->next = mm->bindings;
	mm->bindings = b;
	count(b->dev, 1);
	/* Pairs with the load in ioas_sva_find(). */
	ioas_law(SVA_1, !ioas_aptr_load(entry));
	ioas_aptr_store(entry, b);
}

/* A pin for each binding. More than there can be are none that are free. */
static int pin(struct ioas_sva_binding *b)
{
	int err = b->mm->asid ? ioas_asid_pin(b->mm->asid, &b->asid) : 0;

	return err == -EOVERFLOW ? -ENOSPC : err;
}

/* Devices have forgotten what they knew under the number (ASID-8). */
static void unpin(const struct ioas_sva_binding *b)
{
	const struct ioas_sva_mm *mm = b->mm;

	if (mm->asid && ioas_asid_unpin(mm->asid) && mm->exited)
		mm->exited(mm->asid);
}

static int take_place(struct ioas_sva_binding *b)
{
	struct ioas_sva *sva = b->dev->sva;
	struct ioas_aptr *entry;
	int err;

	ioas_lock(&sva->lock);
	err = find_place_locked(b->dev, b->mm, &b->pasid, &entry);
	if (!err) {
		publish_locked(b, entry);
		ioas_sva_mm_get_locked(b->mm);
	}
	ioas_unlock(&sva->lock);
	return err;
}

static int bind_first_locked(struct ioas_sva_device *dev,
                             struct ioas_sva_mm *mm)
{
	struct ioas_sva_binding *b = ioas_new(struct ioas_sva_binding);
	int err;

	if (!b)
		return -ENOMEM;
	*b = (struct ioas_sva_binding){.dev = dev, .mm = mm, .count = 1};
	err = pin(b);
	if (!err) {
		err = take_place(b);
		if (err)
			unpin(b);
	}
	if (err)
		ioas_delete(b);
	return err;
}

static int bind_locked(struct ioas_sva_device *dev, struct ioas_sva_mm *mm)
{
	struct ioas_sva_binding *b;

	if (ioas_sva_mm_ended(mm))
		return -ESRCH;
	b = binding_locked(mm, dev);
	if (!b)
		return bind_first_locked(dev, mm);
	b->count++;
	return 0;
}

int ioas_sva_bind(struct ioas_sva_device *dev, struct ioas_sva_mm *mm,
                  uint32_t *ret_pasid)
{
	int err;

	if (dev->sva != mm->sva)
		return -EINVAL;
	if (!ioas_sva_alive(dev->sva))
		return -ENODEV;
	ioas_lock(&mm->lock);
	err = bind_locked(dev, mm);
	if (!err)
		*ret_pasid = mm->pasid;
	ioas_unlock(&mm->lock);
	return err;
}

/* ---- Unbind ---- */

static void unlink_locked(struct ioas_sva_binding *b)
{
	struct ioas_sva_binding **link = &b->mm->bindings;

	while (*link != b)
		link = &(*link)->next;
	*link = b->next;
}

static void end_locked(struct ioas_sva_binding *b)
{
	struct ioas_sva_device *dev = b->dev;

	unlink_locked(b);
	/* Pairs with the load in ioas_sva_find(). */
	ioas_aptr_store(ioas_sva_entry(dev, b->pasid), NULL);
	ioas_grace_sync(IOAS_GRACE_DMA);
	if (dev->config.invalidate)
		dev->config.invalidate(dev->config.context, b->pasid, 0,
		                       UINT64_MAX);
	ioas_sva_drain(b);
	unpin(b);
	count(dev, UINT32_MAX);
	ioas_delete(b);
}

/* The address space that is bound, counted once more; or NULL. */
static struct ioas_sva_mm *get_bound(struct ioas_sva_device *dev,
                                     uint32_t pasid)
{
	struct ioas_sva_mm *mm = NULL;
	uint64_t number = IOAS_NO_PASID;

	ioas_lock(&dev->sva->lock);
	/* The number is the address space's as long as it is bound (SVA-1). */
	if (ioas_sva_entry(dev, pasid))
		mm = ioas_index_from(&dev->sva->numbers, pasid, &number);
	if (number != pasid)
		mm = NULL;
	if (mm)
		ioas_sva_mm_get_locked(mm);
	ioas_unlock(&dev->sva->lock);
	return mm;
}

int ioas_sva_unbind(struct ioas_sva_device *dev, uint32_t pasid)
{
	struct ioas_sva_mm *mm;
	struct ioas_sva_binding *b;
	bool last = false;

	if (!ioas_sva_alive(dev->sva))
		return -ENODEV;
	mm = get_bound(dev, pasid);
	if (!mm)
		return -ENOENT;
	ioas_lock(&mm->lock);
	b = mm->pasid == pasid ? binding_locked(mm, dev) : NULL;
	if (b && !--b->count) {
		end_locked(b);
		last = true;
	}
	ioas_unlock(&mm->lock);
	if (last)
		ioas_sva_mm_put(mm);
	ioas_sva_mm_put(mm);
	return b ? 0 : -ENOENT;
}
