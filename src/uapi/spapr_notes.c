/* SPDX-License-Identifier: MIT */
/*
 * Who mapped what, beside the windows. See struct ioas_spapr_notes.
 *
 * Law: a note is where a mapping is, and nowhere else, when the container's
 * lock is free; but for what could not be noted.
 */
#include <errno.h>

#include "uapi/spapr.h"

static struct ioas_spapr_note *note_of(struct ioas_inode *node)
{
	return node ? ioas_container_of(node, struct ioas_spapr_note, node)
	            : NULL;
}

struct ioas_spapr_note *ioas_spapr_note_new(struct ioas_spapr *spapr)
{
	struct ioas_spapr_notes *notes = &spapr->notes;

	if (!notes->spare)
		notes->spare = ioas_new(struct ioas_spapr_note);
	return notes->spare ? ioas_new(struct ioas_spapr_note) : NULL;
}

void ioas_spapr_note_free(struct ioas_spapr_note *note)
{
	if (note)
		ioas_delete(note);
}

static void tell(const struct ioas_spapr *spapr, enum ioas_event_kind kind,
                 const struct ioas_spapr_note *note,
                 const struct ioas_device *device)
{
	struct ioas_event ev = {
		.kind = kind,
		.space = spapr->iommu.space->id,
		.perm = note->perm,
		.range = {note->node.first, note->node.last},
		.uaddr = note->uaddr,
		.site = note->site,
		.site_now = ioas_call_site(),
		.what = "container",
		.device = device ? device->name : NULL,
		.model = device ? device->model->name : NULL,
	};

	ioas_tell(&ev);
}

/* ---- Cutting ---- */

static void insert(struct ioas_spapr *spapr, struct ioas_spapr_note *note)
{
	ioas_itree_insert(&spapr->notes.tree, &note->node);
	spapr->notes.count++;
}

static void erase(struct ioas_spapr *spapr, struct ioas_spapr_note *note)
{
	ioas_itree_erase(&spapr->notes.tree, &note->node);
	spapr->notes.count--;
}

/* What lies in front of @first, and does not go. */
static void keep_lower(struct ioas_spapr_note *note, uint64_t first)
{
	note->node.last = first - 1;
}

/* What lies behind @last. */
static void keep_upper(struct ioas_spapr_note *note, uint64_t last)
{
	note->uaddr.raw += last + 1 - note->node.first;
	note->node.first = last + 1;
}

/* A note as @note; NULL: there is no memory, nor a spare one. */
static struct ioas_spapr_note *second(struct ioas_spapr *spapr,
                                      const struct ioas_spapr_note *note)
{
	struct ioas_spapr_note *more = spapr->notes.spare;

	spapr->notes.spare = NULL;
	if (!more)
		more = ioas_new(struct ioas_spapr_note);
	if (more)
		*more = *note;
	return more;
}

/* Of a note that is in no tree, keep what is outside of the range. */
static void keep_rest(struct ioas_spapr *spapr, struct ioas_spapr_note *note,
                      struct iova_range range)
{
	bool lower = note->node.first < range.first;
	bool upper = note->node.last > range.last;
	struct ioas_spapr_note *more =
		lower && upper ? second(spapr, note) : NULL;

	if (more) {
		keep_upper(more, range.last);
		insert(spapr, more);
	}
	if (lower)
		keep_lower(note, range.first);
	else if (upper)
		keep_upper(note, range.last);
	if (lower || upper)
		insert(spapr, note);
	else
		ioas_delete(note);
}

/* The first piece that has a note in the range goes. False: there is none. */
static bool take(struct ioas_spapr *spapr, struct iova_range range,
                 struct ioas_spapr_note *ret_piece)
{
	struct ioas_spapr_note *note = note_of(
		ioas_itree_find(&spapr->notes.tree, range.first, range.last));

	if (!note)
		return false;
	erase(spapr, note);
	*ret_piece = *note;
	if (ret_piece->node.first < range.first)
		keep_upper(ret_piece, range.first - 1);
	if (ret_piece->node.last > range.last)
		keep_lower(ret_piece, range.last + 1);
	keep_rest(spapr, note, range);
	return true;
}

void ioas_spapr_note_cut(struct ioas_spapr *spapr, struct iova_range range)
{
	struct ioas_spapr_notes *notes = &spapr->notes;
	struct ioas_vfio *vfio = spapr->iommu.vfio;
	struct ioas_spapr_note piece;
	uint64_t before;
	bool any;

	/* Written under the container's lock, which the caller holds. */
	while (notes->tree.root) {
		before = notes->count;
		ioas_lock(&notes->lock);
		any = take(spapr, range, &piece);
		ioas_unlock(&notes->lock);
		if (!any)
			break;
		tell(spapr, IOAS_EVENT_UNMAP, &piece, NULL);
		/* Statistics; what is cut in two counts as two. */
		ioas_a64_add(&vfio->unmaps, 1);
		ioas_a64_add(&vfio->live, notes->count - before);
	}
}

void ioas_spapr_note_add(struct ioas_spapr *spapr, struct ioas_spapr_note *note)
{
	struct iova_range range = {note->node.first, note->node.last};

	ioas_spapr_note_cut(spapr, range);
	tell(spapr, IOAS_EVENT_MAP, note, NULL);
	ioas_count_maps(spapr->iommu.vfio, 1);
	ioas_lock(&spapr->notes.lock);
	insert(spapr, note);
	ioas_unlock(&spapr->notes.lock);
}

/* ---- Comparing ---- */

/* Is something mapped at @at, and how far does its page go? */
static bool is_mapped(struct ioas_spapr *spapr, uint64_t at, uint64_t *ret_last)
{
	struct ioas_window_entry entry;

	/* Without a window there is no page to go by: all that follows. */
	*ret_last = UINT64_MAX;
	if (ioas_windows_get(spapr->set, at, &entry))
		return false;
	*ret_last = at | ioas_mask_lg2(entry.page_shift);
	return entry.tce;
}

/* Up to the end of the range, or of what is alike: mapped, or not. */
static uint64_t alike(struct ioas_spapr *spapr, struct iova_range range,
                      bool *ret_mapped)
{
	uint64_t last, next;

	*ret_mapped = is_mapped(spapr, range.first, &last);
	while (last < range.last) {
		if (is_mapped(spapr, last + 1, &next) != *ret_mapped)
			return last;
		last = next;
	}
	return range.last;
}

static void compare_one(struct ioas_spapr *spapr, struct iova_range range)
{
	struct iova_range part = range;
	bool mapped;

	do {
		part.last = alike(spapr,
		                  (struct iova_range){part.first, range.last},
		                  &mapped);
		if (!mapped)
			ioas_spapr_note_cut(spapr, part);
		part.first = part.last + 1;
	} while (part.last != range.last);
}

void ioas_spapr_note_compare(struct ioas_spapr *spapr, struct iova_range range)
{
	struct ioas_spapr_note *note;
	struct iova_range part;

	for (;;) {
		/* Written under the container's lock, which is held. */
		note = note_of(ioas_itree_find(&spapr->notes.tree, range.first,
		                               range.last));
		if (!note)
			return;
		part.first = note->node.first > range.first ? note->node.first
		                                            : range.first;
		part.last = note->node.last < range.last ? note->node.last
		                                         : range.last;
		compare_one(spapr, part);
		if (part.last == range.last)
			return;
		range.first = part.last + 1;
	}
}

/* ---- Reports ---- */

void ioas_spapr_notes_fini(struct ioas_spapr *spapr)
{
	struct ioas_spapr_note *note;

	/* A statistic. */
	ioas_a64_add(&spapr->iommu.vfio->live, -spapr->notes.count);
	while ((note = note_of(spapr->notes.tree.root))) {
		erase(spapr, note);
		ioas_delete(note);
	}
	ioas_spapr_note_free(spapr->notes.spare);
}

void ioas_spapr_tell_live(struct ioas_iommu *iommu, enum ioas_event_kind kind,
                          const struct ioas_device *device)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);
	struct ioas_inode *node;

	ioas_lock(&spapr->notes.lock);
	node = ioas_itree_find(&spapr->notes.tree, 0, UINT64_MAX);
	for (; node; node = ioas_itree_find_next(node, 0, UINT64_MAX))
		tell(spapr, kind, note_of(node), device);
	ioas_unlock(&spapr->notes.lock);
}

static struct ioas_event_mapping mapping_of(struct ioas_inode *node)
{
	const struct ioas_spapr_note *note = note_of(node);

	if (!note)
		return (struct ioas_event_mapping){.perm = 0};
	return (struct ioas_event_mapping){
		.range = {note->node.first, note->node.last},
		.uaddr = note->uaddr,
		.perm = note->perm,
		.site = note->site,
	};
}

void ioas_spapr_around(struct ioas_space *space, struct iova at,
                       struct ioas_space_around *ret_around)
{
	struct ioas_spapr *spapr = space->around_context;
	struct ioas_itree *tree = &spapr->notes.tree;
	struct ioas_inode *here, *above = NULL;
	uint64_t first = at.raw, last = at.raw;

	*ret_around = (struct ioas_space_around){0};
	if (!ioas_lock_try(&spapr->notes.lock))
		return;
	here = ioas_itree_find(tree, at.raw, at.raw);
	if (here) {
		first = here->first;
		last = here->last;
	}
	if (last != UINT64_MAX)
		above = ioas_itree_find(tree, last + 1, UINT64_MAX);
	ret_around->at = mapping_of(here);
	ret_around->below = mapping_of(ioas_itree_before(tree, first));
	ret_around->above = mapping_of(above);
	ioas_unlock(&spapr->notes.lock);
}
