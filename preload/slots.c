/* SPDX-License-Identifier: MIT */
#include "preload/slots.h"

#include <errno.h>

#include "base/lock.h"

static struct ioas_aptr slots[IOAS_VIEWS_MAX]; /* written under lock */
static struct ioas_lock lock;
static struct ioas_a32 changes; /* of slots; one more after each */

struct ioas_a32 ioas_views_count;

struct ioas_view *ioas_view_in(unsigned int slot)
{
	/* Pairs with the exchange in put: the view is seen whole. */
	return ioas_aptr_load(&slots[slot]);
}

static const struct ioas_view *look_for(uint64_t address)
{
	const struct ioas_view *view;
	unsigned int i;

	for (i = 0; ioas_views_any() && i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (view && address - view->start < view->bytes)
			return view;
	}
	return NULL;
}

/*
 * A change may put what is looked for into a slot that was passed already, and
 * empty the one ahead: who finds nothing has to have seen no change.
 */
const struct ioas_view *ioas_view_find(uint64_t address)
{
	const struct ioas_view *view;
	uint32_t before;

	do {
		/* Pairs with the add in put, as the load below. */
		before = ioas_a32_load(&changes);
		view = look_for(address);
	} while (!view && ioas_a32_load(&changes) != before);
	return view;
}

uint64_t ioas_view_next(uint64_t start, uint64_t end)
{
	const struct ioas_view *view;
	uint32_t before;
	unsigned int i;
	uint64_t next;

	do {
		/* As in ioas_view_find(). */
		before = ioas_a32_load(&changes);
		next = end;
		for (i = 0; ioas_views_any() && i < IOAS_VIEWS_MAX; i++) {
			view = ioas_view_in(i);
			if (view && view->start < next &&
			    start < view->start + view->bytes)
				next = view->start > start ? view->start
				                           : start;
		}
	} while (ioas_a32_load(&changes) != before);
	return next;
}

bool ioas_views_retry(void)
{
	static __thread uint32_t seen
		__attribute__((tls_model("initial-exec")));
	uint32_t now;

	/* One that has begun is not counted yet, and its pages are closed. */
	ioas_lock(&lock);
	ioas_unlock(&lock);
	/* Pairs with the add in ioas_view_put_locked(). */
	now = ioas_a32_load(&changes);
	if (now == seen)
		return false;
	seen = now;
	return true;
}

/* ---- Changes ---- */

void ioas_views_begin(struct ioas_view_change *change)
{
	change->gone = NULL;
	/* A handler of the program may unmap something. */
	ioas_hooks.signals_block(&change->signals);
	ioas_lock(&lock);
}

long ioas_views_finish(struct ioas_view_change *change, long result)
{
	struct ioas_dead *dead, *next;

	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&change->signals);
	for (dead = change->gone; dead; dead = next) {
		next = dead->next;
		ioas_bury(dead);
	}
	return result;
}

void ioas_view_end(struct ioas_dead *dead)
{
	struct ioas_view *view =
		ioas_container_of(dead, struct ioas_view, dead);

	if (view->handle)
		ioas_handle_put(view->handle); /* VIEW-2 */
	ioas_delete(view);
}

void ioas_view_put_locked(unsigned int slot, struct ioas_view *view,
                          struct ioas_view_change *change)
{
	/* Pairs with the load in ioas_view_in(). */
	struct ioas_view *old = ioas_aptr_exchange(&slots[slot], view);

	if (old) {
		old->dead.next = change->gone;
		change->gone = &old->dead;
	}
	ioas_a32_add(&ioas_views_count,
	             (uint32_t)(view != NULL) - (uint32_t)(old != NULL));
	/* Pairs with the loads in ioas_view_find(). */
	ioas_a32_add(&changes, 1);
}

unsigned int ioas_views_free_slot_locked(void)
{
	unsigned int i = 0;

	while (i < IOAS_VIEWS_MAX && ioas_view_in(i))
		i++;
	return i;
}

struct ioas_view *ioas_view_part(const struct ioas_view *view, uint64_t start,
                                 uint64_t end)
{
	struct ioas_view *part = ioas_new(struct ioas_view);

	if (!part)
		return NULL;
	*part = *view;
	part->start = start;
	part->bytes = end - start;
	part->offset = view->offset + (start - view->start);
	/* Does not fail: the view has a count. */
	if (part->handle && !ioas_handle_get(part->handle))
		part->handle = NULL;
	return part;
}

static long split_at_locked(uint64_t address, struct ioas_view_change *change)
{
	unsigned int i, spare = ioas_views_free_slot_locked();
	struct ioas_view *view, *left, *right;

	for (i = 0; i < IOAS_VIEWS_MAX; i++) {
		view = ioas_view_in(i);
		if (view && address > view->start &&
		    address - view->start < view->bytes)
			break;
	}
	if (i == IOAS_VIEWS_MAX)
		return 0;
	left = ioas_view_part(view, view->start, address);
	right = ioas_view_part(view, address, view->start + view->bytes);
	if (!left || !right || spare == IOAS_VIEWS_MAX) {
		if (left)
			ioas_view_end(&left->dead);
		if (right)
			ioas_view_end(&right->dead);
		return -ENOMEM;
	}
	/* For a moment the right part is there twice, which is harmless. */
	ioas_view_put_locked(spare, right, change);
	ioas_view_put_locked(i, left, change);
	return 0;
}

long ioas_views_isolate_locked(uint64_t start, uint64_t end,
                               struct ioas_view_change *change)
{
	long err = split_at_locked(start, change);

	return err ? err : split_at_locked(end, change);
}

bool ioas_view_is_inside(const struct ioas_view *view, uint64_t start,
                         uint64_t end)
{
	return view && view->start >= start && view->start < end;
}

void ioas_views_remove_locked(uint64_t start, uint64_t end,
                              const struct ioas_view *but,
                              struct ioas_view_change *change)
{
	unsigned int i;

	for (i = 0; i < IOAS_VIEWS_MAX; i++)
		if (ioas_view_in(i) != but &&
		    ioas_view_is_inside(ioas_view_in(i), start, end))
			ioas_view_put_locked(i, NULL, change);
}

void ioas_views_lock_forked(void)
{
	ioas_lock_reset(&lock);
}
