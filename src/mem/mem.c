/* SPDX-License-Identifier: MIT */
/*
 * Registered memory with the identity back end. Laws: see mem.h.
 *
 * Charge and pin are separate here, while Linux does both page by page; the
 * answers are the same. What the limit allows is charged first. When that is
 * less than asked, one page more is pinned than charged, since Linux pins a
 * page before it looks at the limit: a hole up to and including that page is
 * -EFAULT, and without one the answer is -ENOMEM.
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_type1.c, vfio_pin_pages_remote()
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
	mem->account = account;
	mem->page_shift = page_shift;
	ioas_a64_store(&mem->regions, 0);
}

void ioas_mem_fini(struct ioas_mem *mem)
{
	ioas_law(MEM_1, ioas_a64_load(&mem->regions) == 0);
	ioas_pins_fini();
}

/* Return: the pages charged, as many of @wanted as the limit allows. */
static uint64_t charge(struct ioas_mem_account *account, uint64_t wanted)
{
	uint64_t limit =
		account->limit_now ? account->limit_now() : account->limit;
	uint64_t used = ioas_a64_load(&account->pages), room, n;

	do {
		room = used < limit ? limit - used : 0;
		n = wanted < room ? wanted : room;
		/* Pairs with the same in other threads, and with uncharge(). */
	} while (n && !ioas_a64_cas(&account->pages, &used, used + n));
	return n;
}

static void uncharge(struct ioas_mem_account *account, uint64_t pages)
{
	uint64_t left;

	if (!pages)
		return;
	left = ioas_a64_add(&account->pages, -pages);
	/* MEM-7: nobody gives back more than was charged. */
	ioas_law(MEM_7, left + pages >= pages);
}

static bool range_is_sound(const struct ioas_mem *mem, struct uaddr start,
                           uint64_t length)
{
	uint64_t mask = ioas_mask_lg2(mem->page_shift);

	return length && !((start.raw | length) & mask) &&
	       start.raw + (length - 1) >= start.raw;
}

/*
 * As much as there is and may be: *ret_charged pages, *ret_pinned bytes. Not
 * all of it is an error. Return: 0, -ENOMEM or -EFAULT.
 */
static int charge_and_pin(const struct ioas_region *region,
                          uint64_t *ret_charged, uint64_t *ret_pinned)
{
	struct ioas_mem *mem = region->mem;
	uint64_t pages = region->length >> mem->page_shift;
	uint64_t charged = charge(mem->account, pages);
	uint64_t look = charged < pages ? charged + 1 : pages;
	int rc;

	*ret_charged = charged;
	rc = ioas_hooks.pin(region->start, look << mem->page_shift,
	                    region->perm, ret_pinned);
	if (rc)
		return rc;
	return charged == pages ? 0 : -ENOMEM;
}

static struct ioas_region *region_new(struct ioas_mem *mem, struct uaddr start,
                                      uint64_t length, unsigned int perm)
{
	struct ioas_region *region = ioas_new(struct ioas_region);

	if (!region)
		return NULL;
	region->mem = mem;
	region->start = start;
	region->length = length;
	region->perm = perm;
	region->span.region = region;
	region->span.bytes = length;
	region->span.at = start;
	return region;
}

/* Known by its address from here on. */
static int enter(struct ioas_region *region)
{
	int rc;

	ioas_pins_lock();
	rc = ioas_pins_reserve_locked(region->start, region->length,
	                              region->mem->page_shift);
	if (!rc)
		ioas_pins_add_locked(&region->span);
	ioas_pins_unlock();
	return rc;
}

/* Not any more. Return: what was set aside for it alone. */
static struct ioas_keep *leave(struct ioas_region *region)
{
	struct ioas_span *span, *sibling;
	struct ioas_keep *ends = NULL;

	ioas_pins_lock();
	for (span = &region->span; span; span = sibling) {
		sibling = span->sibling;
		if (!span->keep && !span->gone)
			ioas_pins_remove_locked(span);
		ioas_law(PINS_3, !span->keep || span->keep->users);
		if (span->keep && --span->keep->users == 0) {
			span->keep->next = ends;
			ends = span->keep;
		}
		if (span != &region->span)
			ioas_delete(span);
	}
	ioas_pins_unlock();
	return ends;
}

static void end_kept(struct ioas_keep *keep)
{
	struct ioas_keep *next;

	for (; keep; keep = next) {
		next = keep->next;
		keep->end(keep);
	}
}

int ioas_mem_register(struct ioas_mem *mem, struct uaddr start, uint64_t length,
                      unsigned int perm, struct ioas_region **ret_region)
{
	struct ioas_region *region;
	uint64_t charged, pinned = 0;
	int rc;

	if (!range_is_sound(mem, start, length))
		return -EINVAL;
	region = region_new(mem, start, length, perm);
	if (!region)
		return -ENOMEM;
	rc = enter(region);
	if (rc) {
		ioas_delete(region);
		return rc;
	}
	rc = charge_and_pin(region, &charged, &pinned);
	if (rc) {
		/* All or nothing (MEM-7). */
		end_kept(leave(region));
		ioas_hooks.unpin(start, pinned);
		uncharge(mem->account, charged);
		ioas_delete(region);
		return rc;
	}
	ioas_a64_store(&region->mapped, 1);
	ioas_a64_add(&mem->regions, 1);
	*ret_region = region;
	return 0;
}

int ioas_mem_unregister(struct ioas_region *region)
{
	struct ioas_mem *mem = region->mem;

	if (!ioas_count_end(&region->mapped, false))
		return -EBUSY;
	end_kept(leave(region));
	ioas_hooks.unpin(region->start, region->length);
	uncharge(mem->account, region->length >> mem->page_shift);
	ioas_a64_add(&mem->regions, -1);
	ioas_delete(region);
	return 0;
}

bool ioas_region_get(struct ioas_region *region, uint64_t n)
{
	return ioas_count_get(&region->mapped, n) == 0;
}

void ioas_region_put(struct ioas_region *region, uint64_t n)
{
	ioas_count_put(&region->mapped, n);
}

struct phys ioas_mem_phys(const struct ioas_region *region, struct uaddr at)
{
	ioas_law(MEM_5, at.raw - region->start.raw < region->length);
	return (struct phys){at.raw};
}

void *ioas_mem_pointer(struct phys at)
{
	return (void *)(uintptr_t)at.raw;
}
