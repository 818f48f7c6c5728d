/* SPDX-License-Identifier: MIT */
/*
 * Register. The order of the kernel, whose answers say which check came first:
 *
 *	sound?            -EINVAL
 *	registered so?    -EBUSY by this holder; by others: shared, done
 *	charge            -ENOMEM
 *	pin               -EFAULT, whatever part of it is missing
 *	overlaps?         -EINVAL; in one critical section with publishing it
 *
 * Everything up to the last step is in a draft that nobody else sees, and is
 * undone by dropping that; but for the walls, which may move its pages before
 * it is published. Then it is disturbed, and that is -EFAULT as well.
 *
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_do_alloc()
 */
#include <errno.h>

#include "base/hooks.h"
#include "mem/registry.h"

/*
 * A region that is about to be. Its member has no entry so far, but its pages
 * are known to the walls as soon as they are pinned.
 */
struct draft {
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	/* The caller's: a copy would wait for what was just written. */
	const struct ioas_register *what;
	uint64_t npages;
	struct ioas_member *member; /* furnished; or NULL */
};

static const unsigned int known_flags =
	IOAS_REGISTER_DEVICE | IOAS_REGISTER_FILE | IOAS_REGISTER_SHARE;

static bool is_sound(const struct ioas_registry *registry,
                     const struct ioas_register *what)
{
	uint64_t mask = ioas_mask_lg2(registry->pinner.page_shift);
	unsigned int perm = what->perm;
	uint64_t last = what->start + (what->length - 1);

	if (!perm || (perm & ~IOAS_ENTRY_PERM) || (what->flags & ~known_flags))
		return false;
	if (!what->length || ((what->start | what->length) & mask))
		return false;
	/* To reach 2^64 exactly is a wrap in Linux, too. */
	if (last < what->start || last == UINT64_MAX)
		return false;
	if (what->flags & IOAS_REGISTER_DEVICE)
		return !(what->flags & IOAS_REGISTER_FILE) &&
		       !(what->phys & mask) &&
		       !((what->phys + (what->length - 1)) >> IOAS_PHYS_BITS);
	return true;
}

/* ---- Sharing. ---- */

static struct ioas_use *use_of(const struct ioas_member *m,
                               const struct ioas_holder *holder,
                               const struct ioas_register *what)
{
	struct ioas_use *use;

	for (use = m->uses; use; use = use->next)
		if (use->holder == holder && use->start == what->start &&
		    use->length == what->length)
			return use;
	return NULL;
}

/* The member's own place for a use, or memory for one. */
static struct ioas_use *use_new(struct ioas_member *m)
{
	if (!m->first_use.holder)
		return &m->first_use;
	return ioas_new(struct ioas_use);
}

static void use_enter_locked(struct ioas_use *use, struct ioas_member *m,
                             const struct draft *d)
{
	use->holder = d->holder;
	use->member = m;
	use->start = d->what->start;
	use->length = d->what->length;
	use->ending = false;
	use->next = m->uses;
	m->uses = use;
	use->next_held = d->holder->held;
	use->held_from = &d->holder->held;
	if (use->next_held)
		use->next_held->held_from = &use->next_held;
	d->holder->held = use;
	/* Relaxed: written under the lock; a reader wants some number. */
	ioas_a32_store_relaxed(&m->users, ioas_a32_load_relaxed(&m->users) + 1);
}

static bool is_exact(const struct ioas_member *m,
                     const struct ioas_register *what)
{
	return m->region.start.raw == what->start &&
	       m->region.length == what->length;
}

/* Return: 0, an error, or -ENOENT: there is nothing to share. */
static int share_locked(struct draft *d)
{
	const struct ioas_register *what = d->what;
	struct ioas_member *m = ioas_member_at(d->registry, what->start);
	struct ioas_use *use;

	if (!m || m->state != IOAS_MEMBER_LIVE ||
	    !ioas_member_holds(m, what->start, what->length))
		return -ENOENT;
	if (!is_exact(m, what) && !(what->flags & IOAS_REGISTER_SHARE))
		return -ENOENT;
	if ((m->flags ^ what->flags) & IOAS_REGISTER_DEVICE)
		return -ENOENT;
	if (use_of(m, d->holder, what))
		return -EBUSY;
	if ((m->region.perm & what->perm) != what->perm)
		return -EACCES;
	use = use_new(m);
	if (!use)
		return -ENOMEM;
	use_enter_locked(use, m, d);
	return 0;
}

/* ---- The draft. ---- */

static bool is_device(const struct draft *d)
{
	return d->what->flags & IOAS_REGISTER_DEVICE;
}

/* Its member is as it was. */
static void unfurnish(struct draft *d)
{
	const struct ioas_pinner *pinner = &d->registry->pinner;

	ioas_marks_fini(&d->member->marks, d->npages);
	if (is_device(d))
		return;
	ioas_region_unpin(&d->member->region, pinner, NULL);
	ioas_uncharge(pinner, d->npages);
}

static int pin_memory(const struct draft *d, struct ioas_region *region)
{
	struct ioas_extent device = {d->what->phys, d->npages};

	*region = (struct ioas_region){
		.start = {d->what->start},
		.length = d->what->length,
		.perm = d->what->perm,
		.kind = IOAS_REGION_DRAFT,
	};
	if (!is_device(d))
		return ioas_region_pin(region, &d->registry->pinner);
	ioas_pinned_init(&region->pinned);
	ioas_pinned_assume(&region->pinned, device);
	return 0;
}

static int furnish(struct draft *d)
{
	struct ioas_member *m = d->member;
	int rc;

	m->flags = d->what->flags;
	m->marks.word = NULL;
	rc = pin_memory(d, &m->region);
	if (rc || is_device(d) || !(d->what->perm & IOAS_WRITE))
		return rc;
	rc = ioas_marks_init(&m->marks, d->npages);
	if (rc)
		unfurnish(d);
	return rc;
}

static void drop_member(struct draft *d)
{
	ioas_lock(&d->registry->lock);
	ioas_member_free_locked(d->registry, d->member);
	ioas_unlock(&d->registry->lock);
}

static int prepare(struct draft *d)
{
	int rc;

	ioas_lock(&d->registry->lock);
	d->member = ioas_member_new_locked(d->registry);
	ioas_unlock(&d->registry->lock);
	if (!d->member)
		return -ENOMEM;
	rc = furnish(d);
	if (rc)
		drop_member(d);
	return rc;
}

/* ---- Publishing. ---- */

static bool in_quarantine_locked(const struct draft *d)
{
	const struct ioas_member *m = d->registry->quarantined;
	uint64_t last = d->what->start + (d->what->length - 1);

	for (; m; m = m->next)
		if (m->region.start.raw <= last &&
		    m->region.start.raw + (m->region.length - 1) >=
		            d->what->start)
			return true;
	return false;
}

static void enter_table_locked(const struct draft *d,
                               const struct ioas_member *m)
{
	uint64_t flags =
		ioas_entry_of_id(m->id) | ioas_entry_of_perm(m->region.perm);
	const struct ioas_pinned *p = &m->region.pinned;
	uint64_t first = d->what->start >> d->registry->pinner.page_shift;
	unsigned int i;

	for (i = 0; i < p->runs; i++) {
		struct ioas_pages pages = {first + p->run[i].first,
		                           ioas_run_end(p, i) -
		                                   p->run[i].first};

		ioas_table_set_locked(&d->registry->table, pages,
		                      p->run[i].phys, flags);
	}
}

/* Is its memory where it was pinned? Then it follows from here on. */
static bool settled(struct ioas_region *region)
{
	bool undisturbed;

	ioas_pins_lock();
	undisturbed = region->kind == IOAS_REGION_DRAFT;
	if (undisturbed)
		region->kind = IOAS_REGION_SHARED;
	ioas_pins_unlock();
	return undisturbed;
}

static int publish_locked(struct draft *d)
{
	struct ioas_registry *registry = d->registry;
	struct ioas_member *m = d->member;
	struct ioas_pages pages = ioas_member_pages(m);
	int rc;

	if (ioas_table_taken_locked(&registry->table, pages))
		return -EINVAL;
	if (in_quarantine_locked(d))
		return -EBUSY;
	rc = ioas_table_reserve_locked(&registry->table, pages);
	if (rc)
		return rc;
	if (!settled(&m->region))
		return -EFAULT;
	m->state = IOAS_MEMBER_LIVE;
	m->freed_site = 0;
	/* Relaxed: it is published by the entries. */
	ioas_a32_store_relaxed(&m->moved, 0);
	ioas_a64_store(&m->region.mapped, 1);
	use_enter_locked(&m->first_use, m, d);
	ioas_count_locked(&registry->regions, 1);
	if (!is_device(d)) {
		ioas_count_locked(&registry->charged, d->npages);
		ioas_count_locked(&registry->pinned, d->npages);
	}
	enter_table_locked(d, m);
	return 0;
}

static int finish(struct draft *d)
{
	int rc;

	d->member->site = ioas_call_site();
	ioas_lock(&d->registry->lock);
	rc = publish_locked(d);
	/* Somebody else may have registered the same while this one pinned. */
	if (rc == -EINVAL && share_locked(d) == 0)
		rc = 1;
	ioas_unlock(&d->registry->lock);
	if (rc) {
		unfurnish(d);
		drop_member(d);
	}
	return rc == 1 ? 0 : rc;
}

static int make(struct draft *d)
{
	int rc = prepare(d);

	return rc ? rc : finish(d);
}

static int register_memory(struct draft *d)
{
	uint64_t mask = d->registry->table.view.npages - 1;
	int rc = -ENOENT;

	/* No memory of the program is there. */
	if ((d->what->start + (d->what->length - 1)) >>
	    d->registry->pinner.page_shift > mask)
		return -EFAULT;
	/* Without an entry there is nothing to share. */
	if (ioas_mem_entry(&d->registry->table.view, d->what->start)) {
		ioas_lock(&d->registry->lock);
		rc = share_locked(d);
		ioas_unlock(&d->registry->lock);
	}
	return rc == -ENOENT ? make(d) : rc;
}

/* @what is a copy: where the file is seen is written to it. */
static int register_file(struct draft *d, struct ioas_register *what)
{
	const struct ioas_backend *backend = d->registry->pinner.backend;
	int rc;

	if (!backend->map_file)
		return -ENOTSUP;
	rc = backend->map_file(backend, what, &what->start);
	if (rc)
		return rc;
	d->what = what;
	rc = register_memory(d);
	if (rc)
		backend->unmap_file(backend, what->start, what->length);
	return rc;
}

/* Whatever was said of its start is of no matter. */
static int try_file(struct draft *d, struct ioas_register *what)
{
	what->start = 0;
	if (!is_sound(d->registry, what) ||
	    (what->offset & ioas_mask_lg2(d->registry->pinner.page_shift)))
		return -EINVAL;
	return register_file(d, what);
}

int ioas_holder_register(struct ioas_holder *holder,
                         const struct ioas_register *what, uint64_t *ret_start)
{
	struct draft d = {
		.registry = holder->registry, .holder = holder, .what = what};
	struct ioas_register file;
	int rc = -EINVAL;

	d.npages = what->length >> d.registry->pinner.page_shift;
	if (what->flags & IOAS_REGISTER_FILE) {
		file = *what;
		rc = try_file(&d, &file);
	} else if (is_sound(d.registry, what)) {
		rc = register_memory(&d);
	}
	if (!rc && ret_start)
		*ret_start = d.what->start;
	return rc;
}
