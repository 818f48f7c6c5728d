/* SPDX-License-Identifier: MIT */
/*
 * See pin.h.
 *
 * Linux charges and pins page by page where it does so in order. Here a charge
 * is of all pages or of none, and the answers are the same: when all of them
 * are refused, as many as would have been allowed are pinned, and one more,
 * since Linux pins a page before it looks at the limit. A hole up to and
 * including that page is -EFAULT; without one the answer is -ENOMEM.
 * Sources: Linux 7.3, drivers/vfio/vfio_iommu_type1.c, vfio_pin_pages_remote();
 * arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_do_alloc()
 */
#include "mem/pin.h"

#include <errno.h>

#include "base/hooks.h"
#include "base/law.h"
#include "mem/dirty.h"
#include "mem/mem.h"

#define BATCH 64 /* extents that one call of the back end may write */

/* ---- The account. ---- */

static struct ioas_mem_account *account_of(struct ioas_accountant *self)
{
	return ioas_container_of(self, struct ioas_mem_account, accountant);
}

static uint64_t room_beside(const struct ioas_mem_account *account,
                            uint64_t used)
{
	uint64_t limit =
		account->limit_now ? account->limit_now() : account->limit;

	return used < limit ? limit - used : 0;
}

static int account_charge(struct ioas_accountant *self, uint64_t npages)
{
	struct ioas_mem_account *account = account_of(self);
	uint64_t used = ioas_a64_load(&account->pages);

	do {
		if (npages > room_beside(account, used))
			return -ENOMEM;
		/* Pairs with the same in other threads, and with uncharge. */
	} while (!ioas_a64_cas(&account->pages, &used, used + npages));
	return 0;
}

static void account_uncharge(struct ioas_accountant *self, uint64_t npages)
{
	uint64_t left = ioas_a64_add(&account_of(self)->pages, -npages);

	/* Nobody gives back more than was charged. */
	ioas_law(MEM_7, left + npages >= npages);
}

static uint64_t account_room(struct ioas_accountant *self)
{
	const struct ioas_mem_account *account = account_of(self);

	return room_beside(account, ioas_a64_load(&account->pages));
}

struct ioas_accountant *ioas_account(struct ioas_mem_account *account)
{
	account->accountant = (struct ioas_accountant){
		.charge = account_charge,
		.uncharge = account_uncharge,
		.room = account_room,
	};
	return &account->accountant;
}

static int charge(const struct ioas_pinner *how, uint64_t npages)
{
	struct ioas_accountant *accountant = how->accountant;

	return accountant ? accountant->charge(accountant, npages) : 0;
}

void ioas_uncharge(const struct ioas_pinner *how, uint64_t npages)
{
	if (how->accountant)
		how->accountant->uncharge(how->accountant, npages);
}

/* ---- Runs. ---- */

void ioas_pinned_init(struct ioas_pinned *p)
{
	p->npages = 0;
	p->run = &p->one;
	p->runs = 0;
	p->runs_room = 1;
}

static bool room_for_one_more(struct ioas_pinned *p)
{
	unsigned int room = p->runs_room * 2, i;
	struct ioas_frame_run *more;

	if (p->runs < p->runs_room)
		return true;
	more = ioas_hooks.alloc(room * sizeof(*more));
	if (!more)
		return false;
	for (i = 0; i < p->runs; i++)
		more[i] = p->run[i];
	if (p->run != &p->one)
		ioas_hooks.free(p->run, p->runs_room * sizeof(*p->run));
	p->run = more;
	p->runs_room = room;
	return true;
}

/* Behind what is there; joined to it where it follows physically. */
static bool append(struct ioas_pinned *p, const struct ioas_extent *extent,
                   unsigned int shift)
{
	const struct ioas_frame_run *last =
		p->runs ? &p->run[p->runs - 1] : NULL;

	if (!last ||
	    last->phys + ((p->npages - last->first) << shift) != extent->phys) {
		if (!room_for_one_more(p))
			return false;
		p->run[p->runs++] =
			(struct ioas_frame_run){p->npages, extent->phys};
	}
	p->npages += extent->npages;
	return true;
}

void ioas_pinned_assume(struct ioas_pinned *p, struct ioas_extent extent)
{
	p->one = (struct ioas_frame_run){0, extent.phys};
	p->runs = 1;
	p->npages = extent.npages;
}

/* ---- Pin. ---- */

static struct ioas_pin part_of(const struct ioas_region *region,
                               const struct ioas_pinner *how, uint64_t page,
                               uint64_t npages)
{
	return (struct ioas_pin){
		.start = region->start.raw + (page << how->page_shift),
		.npages = npages,
		.perm = region->perm,
		.page_shift = how->page_shift,
	};
}

/*
 * Keep what one call pinned. Not all: what is left is unpinned here, what was
 * kept by who undoes the rest.
 */
static int keep(struct ioas_region *region, const struct ioas_pinner *how,
                const struct ioas_extent *extent, int count)
{
	struct ioas_pinned *p = &region->pinned;
	uint64_t page = p->npages;
	struct ioas_pin rest;
	bool kept = true;
	int i;

	for (i = 0; i < count; i++) {
		kept = kept && append(p, &extent[i], how->page_shift);
		rest = part_of(region, how, page, extent[i].npages);
		if (!kept)
			how->backend->unpin(how->backend, &rest, extent[i].phys,
			                    false);
		page += extent[i].npages;
	}
	return kept ? 0 : -ENOMEM;
}

static inline int pin_part(const struct ioas_backend *backend,
                           const struct ioas_pin *part,
                           struct ioas_extent *ret_extents)
{
	if (backend == &ioas_backend_identity)
		return ioas_identity_pin(part, ret_extents);
	return backend->pin(backend, part, ret_extents, BATCH);
}

/* @npages from its start on. What is pinned so far is in region->pinned. */
static inline __attribute__((always_inline)) int
pin(struct ioas_region *region, const struct ioas_pinner *how, uint64_t npages)
{
	struct ioas_pinned *p = &region->pinned;
	struct ioas_extent batch[BATCH];
	struct ioas_pin rest;
	int rc = 0;

	while (!rc && p->npages < npages) {
		rest = part_of(region, how, p->npages, npages - p->npages);
		rc = pin_part(how->backend, &rest, batch);
		if (rc < 0)
			/* Also when part of it is there. */
			return rc == -ENOMEM ? rc : -EFAULT;
		rc = keep(region, how, batch, rc);
	}
	return rc;
}

/* The limit comes before the end: what comes before the limit? */
static __attribute__((noinline)) int
pin_up_to_limit(struct ioas_region *region, const struct ioas_pinner *how,
                uint64_t npages)
{
	uint64_t room = how->accountant->room(how->accountant);
	int rc = pin(region, how, room < npages ? room + 1 : npages);

	return rc ? rc : -ENOMEM;
}

static int charge_and_pin(struct ioas_region *region,
                          const struct ioas_pinner *how)
{
	uint64_t npages = region->length >> how->page_shift;
	int rc = charge(how, npages);

	if (rc == -ENOMEM && how->in_order && how->accountant->room)
		return pin_up_to_limit(region, how, npages);
	if (rc)
		return rc;
	rc = pin(region, how, npages);
	if (rc)
		ioas_uncharge(how, npages);
	return rc;
}

int ioas_region_pin(struct ioas_region *region, const struct ioas_pinner *how)
{
	int rc = 0;

	ioas_pinned_init(&region->pinned);
	if (ioas_is_walled(how))
		rc = ioas_spans_enter(region, how->wall_shift);
	if (rc)
		return rc;
	rc = charge_and_pin(region, how);
	if (rc)
		ioas_region_unpin(region, how, NULL);
	return rc;
}

/* ---- Unpin. ---- */

static void unpin_run(const struct ioas_region *region,
                      const struct ioas_pinner *how, unsigned int i,
                      const struct ioas_marks *marks)
{
	const struct ioas_pinned *p = &region->pinned;
	uint64_t page = p->run[i].first, phys = p->run[i].phys;
	uint64_t end = ioas_run_end(p, i), first = page;
	struct ioas_pin part;
	bool dirty = false;

	for (; page < end; page += part.npages) {
		part = part_of(region, how, page, end - page);
		if (marks)
			dirty = ioas_marks_alike(marks, page, &part.npages);
		how->backend->unpin(how->backend, &part,
		                    phys + ((page - first) << how->page_shift),
		                    dirty);
	}
}

void ioas_region_unpin(struct ioas_region *region,
                       const struct ioas_pinner *how,
                       const struct ioas_marks *marks)
{
	struct ioas_pinned *p = &region->pinned;
	unsigned int i;

	/* First: who is asked to unpin may ask in turn what is pinned. */
	if (ioas_is_walled(how))
		ioas_spans_leave(region);
	for (i = 0; i < p->runs; i++)
		unpin_run(region, how, i, marks);
	if (p->run != &p->one)
		ioas_hooks.free(p->run, p->runs_room * sizeof(*p->run));
}
