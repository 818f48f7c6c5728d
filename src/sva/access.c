/* SPDX-License-Identifier: MIT */
/*
 * What a device does by PASID. An access lies in one section of IOAS_GRACE_DMA,
 * so who takes a binding or an address space away waits for it. Nothing that
 * was found is kept: the next access looks again.
 */
#include <errno.h>

#include "base/grace.h"
#include "sva/sva.h"

struct ioas_sva_binding *ioas_sva_find(const struct ioas_sva_device *dev,
                                       uint32_t pasid)
{
	const struct ioas_aptr *entry;

	if (!ioas_sva_alive(dev->sva))
		return NULL;
	entry = ioas_sva_entry(dev, pasid);
	/* Pairs with the stores of bind.c. */
	return entry ? ioas_aptr_load(entry) : NULL;
}

struct access {
	uint64_t uaddr;
	void *in;        /* where a read goes to, or NULL */
	const void *out; /* what a write writes */
	size_t bytes;
};

static int ask(const struct ioas_sva_memory *memory, const struct access *a)
{
	if (a->bytes - 1 > UINT64_MAX - a->uaddr)
		return -EFAULT;
	return a->in ? memory->read(memory, a->uaddr, a->in, a->bytes)
	             : memory->write(memory, a->uaddr, a->out, a->bytes);
}

static int access_in_section(struct ioas_sva_device *dev, uint32_t pasid,
                             const struct access *a)
{
	struct ioas_sva_binding *b = ioas_sva_find(dev, pasid);
	int err;

	if (!b)
		return -ENOENT;
	if (ioas_sva_mm_ended(b->mm))
		return -ESRCH;
	err = ask(b->mm->memory, a);
	if (err == -ESRCH)
		ioas_sva_mm_end(b->mm);
	return err;
}

static int do_access(struct ioas_sva_device *dev, uint32_t pasid,
                     const struct access *a)
{
	int err;

	if (!a->bytes)
		return 0;
	ioas_grace_enter(IOAS_GRACE_DMA);
	err = access_in_section(dev, pasid, a);
	ioas_grace_leave(IOAS_GRACE_DMA);
	if (err)
		ioas_a64_add(&dev->faults, 1);
	return err;
}

int ioas_sva_asid(struct ioas_sva_device *dev, uint32_t pasid,
                  uint32_t *ret_asid)
{
	const struct ioas_sva_binding *b;
	int err = -ENOENT;

	ioas_grace_enter(IOAS_GRACE_DMA);
	b = ioas_sva_find(dev, pasid);
	if (b)
		err = b->mm->asid ? 0 : -ENODATA;
	if (!err)
		*ret_asid = b->asid;
	ioas_grace_leave(IOAS_GRACE_DMA);
	return err;
}

int ioas_sva_read(struct ioas_sva_device *dev, uint32_t pasid, uint64_t uaddr,
                  void *buffer, size_t bytes)
{
	const struct access a = {uaddr, buffer, NULL, bytes};

	return do_access(dev, pasid, &a);
}

int ioas_sva_write(struct ioas_sva_device *dev, uint32_t pasid, uint64_t uaddr,
                   const void *buffer, size_t bytes)
{
	const struct access a = {uaddr, NULL, buffer, bytes};

	return do_access(dev, pasid, &a);
}
