/* SPDX-License-Identifier: MIT */
/*
 * Memory that the program gives back while a window leads to it, and memory
 * that it gave back while it was only registered and that it maps later: both
 * times the device has other memory than the program (MEM-10).
 *
 * Mappings that continue each other, in I/O addresses and in memory, and were
 * made at one place are told as one. All notes are looked at: memory in use is
 * seldom given back.
 */
#include "mem/follow.h"
#include "uapi/spapr.h"

static struct ioas_spapr_note *note_of(struct ioas_inode *node)
{
	return node ? ioas_container_of(node, struct ioas_spapr_note, node)
	            : NULL;
}

static struct uaddr_range memory_of(const struct ioas_spapr_note *note)
{
	uint64_t first = note->uaddr.raw;

	return (struct uaddr_range){
		first, first + (note->node.last - note->node.first)};
}

static struct ioas_event event_of(const struct ioas_spapr *spapr,
                                  const struct ioas_spapr_note *note)
{
	return (struct ioas_event){
		.kind = IOAS_EVENT_FREED,
		.space = spapr->iommu.space->id,
		.perm = note->perm,
		.range = {note->node.first, note->node.last},
		.uaddr = note->uaddr,
		.site = note->site,
	};
}

/* ---- While it is mapped. ---- */

/* What was given back: a block of the heap, and the whole pages in it. */
struct freed {
	const struct ioas_spapr *spapr;
	struct uaddr_range range;
	uint64_t first, end;   /* pages; first < end, or there are none */
	struct ioas_event run; /* not told so far; perm 0: there is none */
};

/* As is_about() in space/move.c has it. */
static bool is_about(const struct freed *f, const struct ioas_spapr_note *note,
                     uint32_t *ret_site)
{
	const struct ioas_registry *registry =
		ioas_windows_registry_for(f->spapr->set, note->perm);
	struct uaddr_range memory = memory_of(note);
	struct uaddr_range head = {memory.first, memory.first};
	struct uaddr_range pages = {f->first, f->end - 1};

	if (note->freed_told)
		return false;
	return ioas_registry_meets_locked(registry, head, f->range, ret_site) ||
	       (f->first < f->end &&
	        ioas_registry_meets_locked(registry, memory, pages, ret_site));
}

static bool goes_on(const struct ioas_event *run, const struct ioas_event *next)
{
	return run->perm == next->perm && run->site == next->site &&
	       run->window == next->window &&
	       run->site_registered == next->site_registered &&
	       run->range.last + 1 == next->range.first &&
	       run->uaddr.raw + (next->range.first - run->range.first) ==
	               next->uaddr.raw;
}

static void tell_run(struct freed *f)
{
	if (f->run.perm)
		ioas_tell(&f->run);
	f->run.perm = 0;
}

static void add(struct freed *f, struct ioas_spapr_note *note, uint32_t site,
                uint32_t registered)
{
	struct ioas_event ev = event_of(f->spapr, note);

	note->freed_told = true;
	ev.site_now = site;
	ev.window = ioas_windows_slot_locked(f->spapr->set, ev.range.first);
	/* Of version 1 nothing is registered but by what maps it. */
	ev.site_registered = f->spapr->v2 ? registered : 0;
	if (f->run.perm && goes_on(&f->run, &ev)) {
		f->run.range.last = ev.range.last;
		return;
	}
	tell_run(f);
	f->run = ev;
}

void ioas_spapr_freed_locked(struct ioas_space *space, struct uaddr_range range,
                             uint32_t site)
{
	struct ioas_spapr *spapr = space->around_context;
	uint64_t mask = ioas_mask_lg2(spapr->iommu.vfio->page_shift);
	struct freed f = {
		.spapr = spapr,
		.range = range,
		.first = (range.first + mask) & ~mask,
		.end = (range.last + 1) & ~mask,
	};
	struct ioas_inode *node;
	uint32_t registered = 0;

	if (!ioas_event_wanted(IOAS_EVENT_FREED))
		return;
	ioas_lock(&spapr->notes.lock);
	node = ioas_itree_find(&spapr->notes.tree, 0, UINT64_MAX);
	for (; node; node = ioas_itree_find_next(node, 0, UINT64_MAX))
		if (is_about(&f, note_of(node), &registered))
			add(&f, note_of(node), site, registered);
	tell_run(&f);
	ioas_unlock(&spapr->notes.lock);
}

/* ---- Before it is mapped. ---- */

void ioas_spapr_tell_early(struct ioas_spapr *spapr,
                           struct ioas_spapr_note *note)
{
	struct ioas_registry *registry =
		ioas_windows_registry_for(spapr->set, note->perm);
	struct ioas_given_back given;
	struct ioas_event ev;

	if (!spapr->v2 || !ioas_event_wanted(IOAS_EVENT_FREED) ||
	    !ioas_registry_given_back(registry, memory_of(note), &given))
		return;
	ev = event_of(spapr, note);
	ev.number = 1;
	ev.site_now = given.freed;
	ev.site_registered = given.registered;
	ioas_lock(&spapr->iommu.space->lock);
	ev.window = ioas_windows_slot_locked(spapr->set, ev.range.first);
	ioas_unlock(&spapr->iommu.space->lock);
	ioas_tell(&ev);
}
