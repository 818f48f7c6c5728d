/* SPDX-License-Identifier: MIT */
/*
 * Unregister: whether memory may go is decided by one exchange on its count
 * (count.h); everything before it can be taken back, nothing after it fails.
 *
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_put()
 */
#include <errno.h>

#include "base/hooks.h"
#include "mem/registry.h"

void ioas_use_drop_locked(struct ioas_use *use)
{
	struct ioas_member *m = use->member;
	struct ioas_use **place = &m->uses;

	while (*place != use)
		place = &(*place)->next;
	*place = use->next;
	*use->held_from = use->next_held;
	if (use->next_held)
		use->next_held->held_from = use->held_from;
	/* Relaxed: written under the lock; a reader wants some number. */
	ioas_a32_store_relaxed(&m->users, ioas_a32_load_relaxed(&m->users) - 1);
	use->holder = NULL;
	if (use != &m->first_use)
		ioas_delete(use);
}

/* Out of the table, and no more may be counted; it stays pinned. */
static void quarantine_locked(struct ioas_registry *registry,
                              struct ioas_member *m)
{
	ioas_count_close(&m->region.mapped);
	ioas_table_clear_locked(&registry->table, ioas_member_pages(m));
	m->state = IOAS_MEMBER_QUARANTINED;
	m->next = registry->quarantined;
	registry->quarantined = m;
	ioas_count_locked(&registry->in_quarantine, 1);
}

void ioas_member_end_locked(struct ioas_registry *registry,
                            struct ioas_member *m)
{
	if (ioas_count_end(&m->region.mapped, false))
		ioas_member_leave_locked(registry, m);
	else
		quarantine_locked(registry, m);
}

static struct ioas_use *find_locked(const struct ioas_holder *holder,
                                    const struct ioas_unregister *what)
{
	struct ioas_member *m = ioas_member_at(holder->registry, what->start);
	struct ioas_use *use = m ? m->uses : NULL;

	for (; use; use = use->next)
		if (use->holder == holder && use->start == what->start &&
		    use->length == what->length && !use->ending)
			return use;
	return NULL;
}

/* It is the last use. Return: 0 or -EBUSY. */
static int refuse_or_end_locked(struct ioas_registry *registry,
                                struct ioas_use *use)
{
	struct ioas_member *m = use->member;

	if (!ioas_count_end(&m->region.mapped, false))
		return -EBUSY;
	ioas_use_drop_locked(use);
	ioas_member_leave_locked(registry, m);
	return 0;
}

/*
 * Somebody unregisters @use, its member is closed, and the lock is held. Return
 * whether it is over: nothing is mapped any more, or it has another user.
 */
static bool over_locked(struct ioas_registry *registry, struct ioas_use *use)
{
	struct ioas_member *m = use->member;

	if (m->uses != use || use->next) {
		ioas_count_open(&m->region.mapped);
		ioas_use_drop_locked(use);
		return true;
	}
	if (!ioas_count_end(&m->region.mapped, true))
		return false;
	ioas_use_drop_locked(use);
	ioas_member_leave_locked(registry, m);
	return true;
}

/* The lock is held, and let go of while it waits. */
static int wait_locked(struct ioas_registry *registry, struct ioas_use *use,
                       uint64_t deadline)
{
	struct ioas_member *m = use->member;
	unsigned int round = 0;

	use->ending = true;
	ioas_count_close(&m->region.mapped);
	while (!over_locked(registry, use)) {
		if (deadline != UINT64_MAX && ioas_hooks.now() >= deadline) {
			use->ending = false;
			ioas_count_open(&m->region.mapped);
			return -ETIMEDOUT;
		}
		ioas_unlock(&registry->lock);
		ioas_hooks.relax(round++);
		ioas_lock(&registry->lock);
	}
	return 0;
}

static int unregister_locked(struct ioas_holder *holder,
                             const struct ioas_unregister *what)
{
	struct ioas_registry *registry = holder->registry;
	struct ioas_use *use = find_locked(holder, what);
	struct ioas_member *m;

	if (!use)
		return -ENOENT;
	m = use->member;
	/* With another user left it stays, however it is mapped. */
	if (m->uses != use || use->next) {
		ioas_use_drop_locked(use);
		return 0;
	}
	switch (what->mode) {
	case IOAS_UNREGISTER_WAIT:
		return wait_locked(registry, use, what->deadline);
	case IOAS_UNREGISTER_QUARANTINE:
		ioas_use_drop_locked(use);
		ioas_member_end_locked(registry, m);
		return 0;
	case IOAS_UNREGISTER_REFUSE:
		break;
	}
	return refuse_or_end_locked(registry, use);
}

int ioas_holder_unregister(struct ioas_holder *holder,
                           const struct ioas_unregister *what)
{
	struct ioas_registry *registry = holder->registry;
	bool enough;
	int rc;

	ioas_lock(&registry->lock);
	rc = unregister_locked(holder, what);
	enough = ioas_leaving_enough_locked(registry);
	ioas_unlock(&registry->lock);
	if (enough)
		ioas_registry_drain(registry, false);
	return rc;
}
