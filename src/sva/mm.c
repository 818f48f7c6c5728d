/* SPDX-License-Identifier: MIT */
/*
 * Address spaces. What they are made of is behind struct ioas_sva_memory; this
 * process's own memory is the one that is here: an access is a copy that
 * survives faults, so what happens is what the page tables say at that moment
 * (SVA-3, SVA-6).
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "sva/sva.h"

/* ---- This process's own ---- */

static void *own_pointer(uint64_t uaddr)
{
	return (void *)(uintptr_t)uaddr;
}

/* On a machine of 32 bits there may be addresses that no pointer has. */
static bool own_has(uint64_t uaddr, size_t bytes)
{
	return uaddr + (bytes - 1) <= UINTPTR_MAX;
}

static int own_read(const struct ioas_sva_memory *self, uint64_t uaddr,
                    void *buffer, size_t bytes)
{
	if (!own_has(uaddr, bytes))
		return -EFAULT;
	return ioas_hooks.copy(buffer, own_pointer(uaddr), bytes);
}

static int own_write(const struct ioas_sva_memory *self, uint64_t uaddr,
                     const void *buffer, size_t bytes)
{
	if (!own_has(uaddr, bytes))
		return -EFAULT;
	return ioas_hooks.copy(own_pointer(uaddr), buffer, bytes);
}

/* Nothing stays pinned: the page is there now, and may go again. */
static int own_populate(const struct ioas_sva_memory *self, uint64_t uaddr,
                        unsigned int perm)
{
	uint64_t page = UINT64_C(1) << ioas_hooks.page_shift;
	struct uaddr start = {uaddr & ~(page - 1)};
	uint64_t pinned = 0;
	int err = ioas_hooks.pin(start, page, perm, &pinned);

	if (pinned)
		ioas_hooks.unpin(start, pinned);
	return err;
}

static const struct ioas_sva_memory own = {
	.name = "own",
	.read = own_read,
	.write = own_write,
	.populate = own_populate,
};

int ioas_sva_own(const struct ioas_sva_device *dev, uint32_t pasid,
                 uint64_t uaddr, uint64_t bytes)
{
	const struct ioas_sva_binding *b = ioas_sva_find(dev, pasid);

	if (!b)
		return -ENOENT;
	if (ioas_sva_mm_ended(b->mm))
		return -ESRCH;
	if (b->mm->memory != &own || bytes - 1 > UINTPTR_MAX - uaddr)
		return -EFAULT;
	return 0;
}

/* ---- Life ---- */

static bool same(const struct ioas_sva_memory *a,
                 const struct ioas_sva_memory *b)
{
	return a == b || (a->identity && a->identity == b->identity);
}

/* SVA-1: one that has ended does not count, its memory is not asked. */
static bool known_locked(const struct ioas_sva *sva,
                         const struct ioas_sva_memory *memory)
{
	const struct ioas_sva_mm *mm = sva->mms;

	while (mm && (ioas_sva_mm_ended(mm) || !same(mm->memory, memory)))
		mm = mm->next;
	return mm;
}

static int add(struct ioas_sva *sva, struct ioas_sva_mm *mm)
{
	int err = 0;

	ioas_lock(&sva->lock);
	if (known_locked(sva, mm->memory)) {
		err = -EEXIST;
	} else {
		mm->next = sva->mms;
		sva->mms = mm;
	}
	ioas_unlock(&sva->lock);
	return err;
}

int ioas_sva_mm_create(struct ioas_sva *sva,
                       const struct ioas_sva_mm_config *config,
                       struct ioas_sva_mm **ret_mm)
{
	struct ioas_sva_mm *mm;
	int err;

	if (!ioas_sva_alive(sva))
		return -ENODEV;
	mm = ioas_new(struct ioas_sva_mm);
	if (!mm)
		return -ENOMEM;
	mm->sva = sva;
	mm->memory = config->memory ? config->memory : &own;
	mm->asid = config->asid;
	mm->exited = config->exited;
	mm->refs = 1;
	err = add(sva, mm);
	if (err)
		ioas_delete(mm);
	else
		*ret_mm = mm;
	return err;
}

void ioas_sva_mm_get_locked(struct ioas_sva_mm *mm)
{
	mm->refs++;
}

static void remove_locked(struct ioas_sva *sva, const struct ioas_sva_mm *mm)
{
	struct ioas_sva_mm **link = &sva->mms;

	while (*link != mm)
		link = &(*link)->next;
	*link = mm->next;
	if (mm->pasid != IOAS_NO_PASID)
		ioas_sva_give_number_locked(sva, mm->pasid);
}

void ioas_sva_mm_put(struct ioas_sva_mm *mm)
{
	struct ioas_sva *sva = mm->sva;
	bool last;

	ioas_lock(&sva->lock);
	last = !--mm->refs;
	if (last) {
		ioas_law(SVA_1, !mm->bindings);
		remove_locked(sva, mm);
	}
	ioas_unlock(&sva->lock);
	if (last)
		ioas_delete(mm);
}

/* ---- What changes ---- */

bool ioas_sva_mm_ended(const struct ioas_sva_mm *mm)
{
	/* Pairs with ioas_sva_mm_end(), and the grace period after it. */
	return ioas_a32_load(&mm->gone);
}

void ioas_sva_mm_end(struct ioas_sva_mm *mm)
{
	ioas_a32_store(&mm->gone, 1);
}

/* SVA-3: devices forget, then what is under way ends. */
static void changed_locked(const struct ioas_sva_mm *mm, uint64_t first,
                           uint64_t last)
{
	const struct ioas_sva_binding *b;

	for (b = mm->bindings; b; b = b->next)
		if (b->dev->config.invalidate)
			b->dev->config.invalidate(b->dev->config.context,
			                          b->pasid, first, last);
	if (mm->bindings)
		ioas_grace_sync(IOAS_GRACE_DMA);
}

void ioas_sva_mm_changed(struct ioas_sva_mm *mm, uint64_t first, uint64_t last)
{
	if (first > last || !ioas_sva_alive(mm->sva))
		return;
	ioas_lock(&mm->lock);
	changed_locked(mm, first, last);
	ioas_unlock(&mm->lock);
}

void ioas_sva_mm_exit(struct ioas_sva_mm *mm)
{
	if (!ioas_sva_alive(mm->sva))
		return;
	ioas_sva_mm_end(mm);
	ioas_lock(&mm->lock);
	changed_locked(mm, 0, UINT64_MAX);
	ioas_unlock(&mm->lock);
	/* Who began to serve before the mark may be asking the memory. */
	ioas_sva_settle(mm->sva, &mm->serving);
}

void ioas_sva_mm_destroy(struct ioas_sva_mm *mm)
{
	if (!mm || !ioas_sva_alive(mm->sva))
		return;
	ioas_sva_mm_exit(mm);
	ioas_sva_mm_put(mm);
}
