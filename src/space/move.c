/* SPDX-License-Identifier: MIT */
/* See move.h. */
#include "space/move.h"

#include "base/law.h"
#include "mem/follow.h"

static struct ioas_lock spaces_lock; /* the list; held while a move runs */
static struct ioas_space *spaces;

struct ioas_a32 ioas_moves;

/* ---- All spaces. ---- */

void ioas_spaces_add(struct ioas_space *space)
{
	ioas_lock(&spaces_lock);
	space->next = spaces;
	spaces = space;
	ioas_unlock(&spaces_lock);
}

void ioas_spaces_remove(struct ioas_space *space)
{
	struct ioas_space **place = &spaces;

	ioas_lock(&spaces_lock);
	while (*place != space)
		place = &(*place)->next;
	*place = space->next;
	ioas_unlock(&spaces_lock);
}

void ioas_spaces_forked(void)
{
	uint32_t moves = ioas_moves_now();

	ioas_lock_reset(&spaces_lock);
	spaces = NULL;
	ioas_registries_forked();
	/* Relaxed: a forked child has one thread. */
	ioas_a32_store_relaxed(&ioas_moves, moves + (moves & 1));
}

/* ---- Beginning and end. ---- */

void ioas_move_begin(struct ioas_move *move)
{
	struct ioas_space *space;

	/* A handler of the program may give memory back as well. */
	ioas_hooks.signals_block(&move->signals);
	ioas_registries_settle();
	ioas_lock(&spaces_lock);
	for (space = spaces; space; space = space->next)
		ioas_lock(&space->lock);
	ioas_registries_lock();
	ioas_pins_lock();
	/* Pairs with the load in ioas_moves_now(). */
	ioas_a32_add(&ioas_moves, 1);
}

void ioas_move_end(struct ioas_move *move)
{
	struct ioas_space *space;

	ioas_registries_tell_locked();
	/* Pairs with the load in ioas_moves_now(): the entries are seen. */
	ioas_a32_add(&ioas_moves, 1);
	ioas_pins_unlock();
	ioas_registries_unlock();
	for (space = spaces; space; space = space->next)
		ioas_unlock(&space->lock);
	ioas_unlock(&spaces_lock);
	ioas_hooks.signals_restore(&move->signals);
}

bool ioas_moves_since(uint32_t seen)
{
	unsigned int round = 0;

	if (ioas_moves_now() == seen && !(seen & 1))
		return false;
	while (ioas_moves_now() & 1)
		ioas_hooks.relax(round++);
	return true;
}

/* ---- Spans and entries. ---- */

/* NULL: nobody has entries in a space for it. */
static struct ioas_area *area_of(const struct ioas_span *span)
{
	return span->region->owner;
}

/* Of a registry: whoever has its frames is told. */
static void follow_locked(struct ioas_span *span)
{
	if (span->region->kind != IOAS_REGION_ALONE)
		ioas_region_follow_locked(span);
}

/*
 * The I/O addresses of a span. False: none, for the area begins behind it or
 * ends before it: it has smaller pages than the program.
 */
static bool range_of(const struct ioas_span *span, struct iova_range *ret_range)
{
	const struct ioas_area *area = area_of(span);
	uint64_t lead, first, last;

	/* Memory that nobody has entries for. */
	if (!area)
		return false;
	lead = area->uaddr.raw - span->region->start.raw;
	first = span->offset > lead ? span->offset - lead : 0;
	if (span->offset + (span->bytes - 1) < lead)
		return false;
	last = span->offset + (span->bytes - 1) - lead;
	if (first > area->range.last - area->range.first)
		return false;
	if (last > area->range.last - area->range.first)
		last = area->range.last - area->range.first;
	ret_range->first = area->range.first + first;
	ret_range->last = area->range.first + last;
	return true;
}

static uint64_t last_of(const struct ioas_span *span)
{
	return span->at.raw + (span->bytes - 1);
}

/* So that every span is inside of the range or outside. */
static int cut_locked(struct ioas_span *span, struct uaddr_range range)
{
	int rc = 0;

	if (last_of(span) > range.last)
		rc = ioas_span_cut_locked(
			span, span->offset + (range.last + 1 - span->at.raw));
	if (!rc && span->at.raw < range.first)
		rc = ioas_span_cut_locked(
			span, span->offset + (range.first - span->at.raw));
	return rc;
}

/*
 * Part of a span whose entries all change by the same when it moves by @way
 * (in program addresses). Where frames have no order, that is a page.
 */
struct step {
	struct iova_range range;
	uint64_t delta;
};

static uint64_t frame_at(const struct ioas_backend *frames, uint64_t uaddr)
{
	return frames->frame(frames, uaddr, ioas_pins_page_shift());
}

/* The one that begins at step->range.first; all is the span's range. */
static void look_ahead(const struct ioas_span *span, struct iova_range all,
                       uint64_t way, struct step *step)
{
	const struct ioas_area *area = area_of(span);
	const struct ioas_backend *frames = area->space->frames;
	uint64_t lead = area->uaddr.raw - span->region->start.raw;
	uint64_t at, left;

	step->range.last = all.last;
	step->delta = way;
	if (!frames)
		return;
	at = span->at.raw + (step->range.first - area->range.first) + lead -
	     span->offset;
	left = ioas_mask_lg2(ioas_pins_page_shift()) -
	       (at & ioas_mask_lg2(ioas_pins_page_shift()));
	if (left < all.last - step->range.first)
		step->range.last = step->range.first + left;
	step->delta = frame_at(frames, at + way) - frame_at(frames, at);
}

static int split_locked(const struct ioas_span *span, uint64_t way)
{
	struct iova_range all;
	struct step step;
	int rc = 0;

	if (!range_of(span, &all))
		return 0;
	for (step.range = all; !rc; step.range.first = step.range.last + 1) {
		look_ahead(span, all, way, &step);
		rc = ioas_pt_split(&area_of(span)->space->pt, step.range,
		                   step.delta);
		if (step.range.last == all.last)
			break;
	}
	return rc;
}

static void shift_locked(const struct ioas_span *span, uint64_t way)
{
	struct iova_range all;
	struct step step;

	if (!range_of(span, &all))
		return;
	for (step.range = all;; step.range.first = step.range.last + 1) {
		look_ahead(span, all, way, &step);
		ioas_pt_shift(&area_of(span)->space->pt, step.range,
		              step.delta);
		if (step.range.last == all.last)
			break;
	}
}

static void lose_entries_locked(const struct ioas_span *span)
{
	struct iova_range range;

	if (range_of(span, &range))
		ioas_pt_lose(&area_of(span)->space->pt, range);
}

int ioas_move_prepare_locked(struct uaddr_range range, struct uaddr to,
                             const struct ioas_keep *keep)
{
	struct ioas_span *span = ioas_pins_find_locked(range);
	bool any = span != NULL;
	int rc = 0;

	for (; span && !rc; span = span->found)
		rc = cut_locked(span, range);
	span = rc ? NULL : ioas_pins_find_locked(range);
	for (; span && !rc; span = span->found)
		rc = split_locked(span, to.raw - range.first);
	if (rc || !any || keep)
		return rc;
	return ioas_pins_reserve_locked(to, range.last - range.first + 1,
	                                ioas_pins_page_shift());
}

void ioas_move_to_locked(struct uaddr_range range, struct uaddr to,
                         struct ioas_keep *keep)
{
	struct ioas_span *span = ioas_pins_find_locked(range), *next;
	uint64_t way = to.raw - range.first;

	for (; span; span = next) {
		next = span->found;
		ioas_law(MOVE_2, span->at.raw >= range.first &&
		                         last_of(span) <= range.last);
		shift_locked(span, way);
		ioas_pins_remove_locked(span);
		span->at.raw += way;
		span->keep = keep;
		if (keep)
			keep->users++;
		else
			ioas_pins_add_locked(span);
		if (way)
			follow_locked(span);
	}
}

void ioas_move_lose_locked(struct uaddr_range range)
{
	struct ioas_span *span = ioas_pins_find_locked(range);

	for (; span; span = span->found) {
		lose_entries_locked(span);
		ioas_pins_remove_locked(span);
		span->gone = true;
		follow_locked(span);
	}
}

/* ---- Telling. ---- */

/* See ioas_move_tell_locked() in the header. */
static bool is_about(const struct ioas_span *span, struct uaddr_range range)
{
	uint64_t mask = ioas_mask_lg2(ioas_pins_page_shift());
	const struct ioas_area *area = area_of(span);
	uint64_t first = (range.first + mask) & ~mask;
	uint64_t end = (range.last + 1) & ~mask;

	/* It was said that the old address is no more: UPDATE_VADDR. */
	if (!area || area->freed_told || area->vaddr_invalid)
		return false;
	if (area->uaddr.raw >= range.first && area->uaddr.raw <= range.last)
		return true;
	return first < end && span->at.raw < end && last_of(span) >= first;
}

static void tell_of_area(struct ioas_area *area, uint32_t site)
{
	struct ioas_event ev = {
		.kind = IOAS_EVENT_FREED,
		.space = area->space->id,
		.perm = area->perm,
		.range = area->range,
		.uaddr = area->uaddr,
		.site = area->site,
		.site_now = site,
	};

	area->freed_told = true;
	ioas_tell(&ev);
}

/* Who has mapped it, windows know. */
static void tell_of_registered(struct uaddr_range range, uint32_t site)
{
	struct ioas_space *space;

	for (space = spaces; space; space = space->next)
		if (space->freed_locked)
			space->freed_locked(space, range, site);
}

void ioas_move_tell_locked(struct uaddr_range range, uint32_t site)
{
	struct ioas_span *span = ioas_pins_find_locked(range);
	bool registered = false;

	for (; span; span = span->found) {
		if (span->region->kind == IOAS_REGION_SHARED) {
			ioas_region_freed_locked(span->region, site);
			registered = true;
		} else if (is_about(span, range)) {
			tell_of_area(area_of(span), site);
		}
	}
	if (registered)
		tell_of_registered(range, site);
}
