/* SPDX-License-Identifier: MIT */
/*
 * See follow.h.
 *
 * Ordering: `moved` of a member is stored before its first entry changes, both
 * by release; who loads a changed entry, by acquire, and then `moved`, sees it.
 * `changing` of the registry is odd while entries change: who finds entries
 * that do not fit each other meanwhile tries again.
 */
#include "mem/follow.h"

#include "base/grace.h"
#include "base/hooks.h"
#include "mem/registry.h"

static struct ioas_lock registries_lock; /* the list; held while a move runs */
static struct ioas_registry *registries;

/* ---- All registries. ---- */

void ioas_registries_add(struct ioas_registry *registry)
{
	ioas_lock(&registries_lock);
	registry->next = registries;
	registries = registry;
	ioas_unlock(&registries_lock);
}

void ioas_registries_remove(struct ioas_registry *registry)
{
	struct ioas_registry **place = &registries;

	ioas_lock(&registries_lock);
	while (*place != registry)
		place = &(*place)->next;
	*place = registry->next;
	ioas_unlock(&registries_lock);
}

void ioas_registries_forked(void)
{
	ioas_lock_reset(&registries_lock);
	registries = NULL;
}

void ioas_registries_settle(void)
{
	struct ioas_registry *registry;

	ioas_lock(&registries_lock);
	for (registry = registries; registry; registry = registry->next)
		ioas_registry_settle(registry);
	ioas_unlock(&registries_lock);
}

void ioas_registries_lock(void)
{
	struct ioas_registry *registry;

	ioas_lock(&registries_lock);
	for (registry = registries; registry; registry = registry->next)
		ioas_lock(&registry->lock);
}

void ioas_registries_unlock(void)
{
	struct ioas_registry *registry;

	for (registry = registries; registry; registry = registry->next)
		ioas_unlock(&registry->lock);
	ioas_unlock(&registries_lock);
}

/* ---- Entries. ---- */

/* Where byte @offset of the region is, by the span it is in; false: gone. */
static bool place_of(const struct ioas_region *region, uint64_t offset,
                     uint64_t *ret_at)
{
	const struct ioas_span *span = &region->span;

	while (offset - span->offset >= span->bytes)
		span = span->sibling;
	*ret_at = span->at.raw + (offset - span->offset);
	return !span->gone;
}

/*
 * Where the page that begins at @offset is now. False: it is in no one piece,
 * as can be when it is larger than the program's pages; then it is lost.
 */
static bool place_of_page(const struct ioas_member *m, uint64_t offset,
                          uint64_t *ret_at)
{
	const struct ioas_pinner *pinner = &m->registry->pinner;
	uint64_t bytes = UINT64_C(1) << pinner->page_shift, done, part;
	uint64_t step = UINT64_C(1) << pinner->wall_shift;

	if (!place_of(&m->region, offset, ret_at) || (*ret_at & (bytes - 1)))
		return false;
	for (done = step; done < bytes; done += step)
		if (!place_of(&m->region, offset + done, &part) ||
		    part != *ret_at + done)
			return false;
	return true;
}

static void lead_page_locked(const struct ioas_member *m, uint64_t page)
{
	struct ioas_registry *registry = m->registry;
	const struct ioas_pinner *pinner = &registry->pinner;
	struct ioas_pages pages = {ioas_member_pages(m).first + page, 1};
	uint64_t at, id = ioas_entry_of_id(m->id);

	if (place_of_page(m, page << pinner->page_shift, &at))
		ioas_table_set_locked(
			&registry->table, pages,
			pinner->backend->frame(pinner->backend, at,
		                               pinner->page_shift),
			id | ioas_entry_of_perm(m->region.perm));
	else
		ioas_table_set_locked(&registry->table, pages, 0, id);
}

/* Odd while entries change. */
static void change_locked(struct ioas_registry *registry, bool begin)
{
	/* Relaxed: written under the lock. */
	uint32_t now = ioas_a32_load_relaxed(&registry->changing);

	if ((now & 1) != begin)
		/* Pairs with the loads in get_once(). */
		ioas_a32_add(&registry->changing, 1);
}

void ioas_region_follow_locked(struct ioas_span *span)
{
	struct ioas_region *region = span->region;
	struct ioas_member *m;
	uint64_t page, last;
	unsigned int shift;

	if (region->kind != IOAS_REGION_SHARED) {
		/* Its register has not ended, and fails. */
		region->kind = IOAS_REGION_DISTURBED;
		return;
	}
	m = ioas_member_of(region);
	shift = m->registry->pinner.page_shift;
	change_locked(m->registry, true);
	ioas_a32_store(&m->moved, 1);
	page = span->offset >> shift;
	last = (span->offset + (span->bytes - 1)) >> shift;
	/* In quarantine it has no entries. */
	for (; m->state == IOAS_MEMBER_LIVE && page <= last; page++)
		lead_page_locked(m, page);
	if (span->news)
		return;
	span->news = true;
	span->next_news = m->registry->news;
	m->registry->news = span;
}

/* ---- Those who have written frames down. ---- */

static void tell_of(const struct ioas_registry *registry,
                    const struct ioas_span *span)
{
	struct ioas_moved moved = {
		.region = span->region,
		.start = span->region->start.raw + span->offset,
		.length = span->bytes,
		.to = span->at.raw,
		.lost = span->gone,
	};

	if (registry->moved && ioas_count_mappings(&span->region->mapped))
		registry->moved(registry->moved_context, &moved);
}

static void tell_locked(struct ioas_registry *registry)
{
	struct ioas_span *span;

	if (!registry->news)
		return;
	change_locked(registry, false);
	/* Who was told an old frame has written it down by then. */
	ioas_grace_sync(IOAS_GRACE_MEM);
	while ((span = registry->news)) {
		registry->news = span->next_news;
		span->news = false;
		tell_of(registry, span);
	}
}

void ioas_registries_tell_locked(void)
{
	struct ioas_registry *registry;

	for (registry = registries; registry; registry = registry->next)
		tell_locked(registry);
}

/* ---- Reports. ---- */

void ioas_region_freed_locked(struct ioas_region *region, uint32_t site)
{
	struct ioas_member *m = ioas_member_of(region);

	m->freed_site = site;
	/* Pairs with the load in ioas_registry_given_back(). */
	ioas_a32_store(&m->registry->freed, 1);
}

/* Does something hold of a span, of which @part is asked about? */
typedef bool (*ioas_span_is)(const struct ioas_span *span,
                             struct uaddr_range part, void *context);

/* @memory as offsets of the region that begins it, up to the region's end. */
static bool any_span_of(const struct ioas_region *region,
                        struct uaddr_range memory, ioas_span_is is,
                        void *context)
{
	uint64_t first = memory.first - region->start.raw;
	uint64_t last = memory.last - region->start.raw;
	const struct ioas_span *span;
	struct uaddr_range part;

	for (span = &region->span; span; span = span->sibling) {
		part.first = first > span->offset ? first : span->offset;
		part.last = span->offset + (span->bytes - 1);
		if (last < part.last)
			part.last = last;
		if (part.first <= part.last && is(span, part, context))
			return true;
	}
	return false;
}

/* The member of the first span of @memory that it holds of, or NULL. */
static const struct ioas_member *
first_locked(const struct ioas_registry *registry, struct uaddr_range memory,
             ioas_span_is is, void *context)
{
	const struct ioas_member *m;
	uint64_t end;

	for (; memory.first <= memory.last; memory.first = end) {
		m = ioas_member_at(registry, memory.first);
		if (!m)
			break;
		if (any_span_of(&m->region, memory, is, context))
			return m;
		end = m->region.start.raw + m->region.length;
		if (!end)
			break;
	}
	return NULL;
}

/* Kept and gone: the program has nothing there that it could give back. */
static bool is_in(const struct ioas_span *span, struct uaddr_range part,
                  void *context)
{
	const struct uaddr_range *range = context;
	uint64_t at = span->at.raw - span->offset;

	return !span->keep && !span->gone && at + part.first <= range->last &&
	       at + part.last >= range->first;
}

bool ioas_registry_meets_locked(const struct ioas_registry *registry,
                                struct uaddr_range memory,
                                struct uaddr_range range, uint32_t *ret_site)
{
	const struct ioas_member *m =
		first_locked(registry, memory, is_in, &range);

	if (m)
		*ret_site = m->site;
	return m != NULL;
}

static bool is_kept(const struct ioas_span *span, struct uaddr_range part,
                    void *context)
{
	(void)part;
	(void)context;
	return span->keep || span->gone;
}

bool ioas_registry_given_back(struct ioas_registry *registry,
                              struct uaddr_range memory,
                              struct ioas_given_back *ret)
{
	const struct ioas_member *m;

	/* Pairs with the store in ioas_region_freed_locked(). */
	if (!ioas_a32_load(&registry->freed))
		return false;
	ioas_lock(&registry->lock);
	ioas_pins_lock();
	m = first_locked(registry, memory, is_kept, NULL);
	if (m) {
		ret->registered = m->site;
		ret->freed = m->freed_site;
	}
	ioas_pins_unlock();
	ioas_unlock(&registry->lock);
	return m != NULL;
}
