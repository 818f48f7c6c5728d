/* SPDX-License-Identifier: MIT */
/*
 * Look-ups: no lock. What they read of a member is constant while it is LIVE,
 * and stays until their section ends (registry.h).
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "mem/batch.h"
#include "mem/registry.h"

void ioas_mem_enter(void)
{
	ioas_grace_enter(IOAS_GRACE_MEM);
}

void ioas_mem_leave(void)
{
	ioas_grace_leave(IOAS_GRACE_MEM);
}

/* The usual way lies in one line of 64 bytes, as what it reads does. */
__attribute__((aligned(64))) uint64_t
ioas_registry_translate(const struct ioas_registry *registry, uint64_t uaddr,
                        unsigned int perm)
{
	return ioas_mem_translate(&registry->table.view, uaddr, perm);
}

size_t ioas_registry_translate_batch(const struct ioas_registry *registry,
                                     const struct ioas_mem_batch *batch)
{
	return ioas_batch_translate(&registry->table.view, batch);
}

/* ---- Find. ---- */

static void describe(const struct ioas_registry *registry,
                     const struct ioas_member *m, uint64_t at,
                     struct ioas_region_info *ret_info)
{
	ret_info->start = m->region.start.raw;
	ret_info->length = m->region.length;
	ret_info->left = m->region.length - (at - m->region.start.raw);
	ret_info->npages = m->region.length >> registry->pinner.page_shift;
	ret_info->perm = m->region.perm;
	/* Relaxed: a number to look at. */
	ret_info->users = ioas_a32_load_relaxed(&m->users);
	ret_info->id = m->id;
	ret_info->device = m->flags & IOAS_REGISTER_DEVICE;
}

int ioas_registry_find(struct ioas_registry *registry, uint64_t start,
                       uint64_t length, struct ioas_region_info *ret_info)
{
	const struct ioas_member *m;
	int rc = -ENOENT;

	ioas_grace_enter(IOAS_GRACE_MEM);
	m = ioas_member_at(registry, start);
	if (m && length && ioas_member_holds(m, start, length)) {
		describe(registry, m, start, ret_info);
		rc = 0;
	}
	ioas_grace_leave(IOAS_GRACE_MEM);
	return rc;
}

/* ---- Get. ---- */

/*
 * MEM-6: in each run of the range, physical and program addresses agree in the
 * bits below the I/O page's size, and no I/O page goes on in the next run. The
 * range itself begins and ends with I/O pages.
 */
static bool pages_are_whole(const struct ioas_member *m,
                            const struct ioas_mapping *what,
                            unsigned int page_shift)
{
	uint64_t mask = ioas_mask_lg2(what->io_shift), start, first;
	uint64_t offset = what->start - m->region.start.raw;
	uint64_t last = (offset + (what->length - 1)) >> page_shift;
	const struct ioas_pinned *p = &m->region.pinned;
	unsigned int i = ioas_run_of(p, offset >> page_shift);

	first = p->run[i].first;
	for (; i < p->runs && p->run[i].first <= last; i++) {
		start = m->region.start.raw + (p->run[i].first << page_shift);
		if (((p->run[i].phys - start) & mask) ||
		    (p->run[i].first > first && (start & mask)))
			return false;
	}
	return true;
}

static bool mapping_is_sound(const struct ioas_registry *registry,
                             const struct ioas_mapping *what)
{
	uint64_t mask;

	if (!what->length || !what->counts || !what->perm ||
	    (what->perm & ~IOAS_ENTRY_PERM) || what->io_shift > 63)
		return false;
	mask = ioas_mask_lg2(what->io_shift);
	return !what->io_shift || !((what->start | what->length) & mask);
}

/* The same of a member whose entries say more than its runs. */
static int check_entries(const struct ioas_registry *registry,
                         const struct ioas_mapping *what)
{
	const struct ioas_mem_view *view = &registry->table.view;
	uint64_t page = UINT64_C(1) << view->page_shift;
	uint64_t mask = ioas_mask_lg2(what->io_shift);
	uint64_t at = what->start & ~(page - 1), phys = 0, next;
	uint64_t last = what->start + (what->length - 1);

	for (; at <= last; at += page, phys = next) {
		next = ioas_mem_translate(view, at, what->perm);
		if (next == IOAS_MEM_NONE)
			return -EFAULT;
		if (what->io_shift <= view->page_shift)
			continue;
		if (at & mask ? next != phys + page : (next & mask) != 0)
			return -EINVAL;
	}
	return 0;
}

/* Inside a section: what the answer is, apart from the count. */
static int check_member(const struct ioas_registry *registry,
                        const struct ioas_member *m,
                        const struct ioas_mapping *what)
{
	if (!m || !ioas_member_holds(m, what->start, what->length))
		return -EFAULT;
	if ((m->region.perm & what->perm) != what->perm)
		return -EACCES;
	/* Pairs with the store in follow.c; the entry was loaded before. */
	if (__builtin_expect(ioas_a32_load(&m->moved), 0))
		return check_entries(registry, what);
	if (what->io_shift > registry->pinner.page_shift &&
	    !pages_are_whole(m, what, registry->pinner.page_shift))
		return -EINVAL;
	return 0;
}

/*
 * MEM-9: in one section. While entries change they may not fit each other:
 * that is no answer, but a reason to try again.
 */
static int get_once(struct ioas_registry *registry,
                    const struct ioas_mapping *what, struct ioas_mapped *ret)
{
	const struct ioas_mem_view *view = &registry->table.view;
	/* Pairs with the adds in change_locked(), as below. */
	uint32_t seen = ioas_a32_load(&registry->changing);
	struct ioas_member *m;
	uint64_t entry;
	int rc;

	ioas_grace_enter(IOAS_GRACE_MEM);
	entry = ioas_mem_entry(view, what->start);
	m = ioas_member_in(registry, entry);
	rc = check_member(registry, m, what);
	if (rc && ((seen & 1) || ioas_a32_load(&registry->changing) != seen))
		rc = -EAGAIN;
	if (!rc)
		rc = ioas_count_get(&m->region.mapped, what->counts);
	ioas_grace_leave(IOAS_GRACE_MEM);
	if (rc)
		return rc;
	/* The counts keep it from here on. */
	ret->region = &m->region;
	ret->phys = what->start ^ (entry & view->phys_mask);
	return 0;
}

int ioas_registry_get(struct ioas_registry *registry,
                      const struct ioas_mapping *what, struct ioas_mapped *ret)
{
	unsigned int round = 0;
	int rc;

	if (!mapping_is_sound(registry, what))
		return -EINVAL;
	while ((rc = get_once(registry, what, ret)) == -EAGAIN &&
	       what->may_sleep)
		ioas_hooks.relax(round++);
	return rc;
}
