/* SPDX-License-Identifier: MIT */
/*
 * A device access that is refused: counted, and told with all that can be
 * said of it. Runs in the section of the access, with the device's lock held;
 * it looks at the space's mappings only when nobody is changing them.
 */
#include <errno.h>

#include "base/event.h"
#include "base/hooks.h"
#include "pci/function.h"

/* Look-ups that one report is worth. */
#define STEPS_MAX 512

/* Does the reason depend on the address? */
static bool by_address(enum ioas_fault fault)
{
	return fault == IOAS_FAULT_UNMAPPED || fault == IOAS_FAULT_PERMISSION ||
	       fault == IOAS_FAULT_APERTURE;
}

/* False: there is no room for it. */
static bool add_piece(struct ioas_event_access *access, struct iova_range range,
                      enum ioas_fault fault)
{
	struct ioas_event_piece *last = access->piece + access->pieces - 1;

	if (access->pieces && last->fault == fault &&
	    last->range.last + 1 == range.first) {
		last->range.last = range.last;
		return true;
	}
	if (access->pieces == IOAS_EVENT_PIECES)
		return false;
	access->piece[access->pieces++] =
		(struct ioas_event_piece){range, fault};
	return true;
}

/* What lies at the beginning of @range; it is cut to what is alike. */
static enum ioas_fault look(const struct ioas_space *space,
                            struct iova_range *range, unsigned int perm)
{
	struct ioas_translation t;
	struct iova at = {range->first};
	uint64_t bytes = range->last - range->first + 1;
	uint64_t page = range->first | ioas_mask_lg2(space->page_shift);
	enum ioas_fault fault =
		ioas_space_translate(space, at, bytes, perm, &t);
	uint64_t last = fault ? page : range->first + (t.bytes - 1);

	if (last < range->last)
		range->last = last;
	return fault;
}

static void find_pieces(const struct ioas_space *space,
                        struct ioas_event_access *access,
                        struct iova_range rest, unsigned int perm)
{
	unsigned int step;

	for (step = 0; step < STEPS_MAX; step++) {
		struct iova_range here = rest;
		enum ioas_fault fault = look(space, &here, perm);

		if (fault && !add_piece(access, here, fault))
			break;
		if (here.last == rest.last)
			return;
		rest.first = here.last + 1;
	}
	access->more = true;
}

static void look_around(struct ioas_space *space, struct iova at,
                        struct ioas_event_access *access)
{
	struct ioas_space_around around;

	if (!ioas_space_around_try(space, at, &around))
		return;
	access->at = around.at;
	access->below = around.below;
	access->above = around.above;
}

static uint64_t last_of(uint64_t first, uint64_t bytes)
{
	uint64_t more = bytes ? bytes - 1 : 0;

	/* An access may run over the end of the address range. */
	return more > UINT64_MAX - first ? UINT64_MAX : first + more;
}

/* Does hardware isolate a group for it? An interrupt that is lost is none. */
static bool is_error(const struct ioas_refusal *r)
{
	return !r->message &&
	       (by_address(r->fault) || r->fault == IOAS_FAULT_GONE);
}

int ioas_dma_refuse(const struct ioas_refusal *r)
{
	uint64_t last = last_of(r->iova, r->bytes);
	/* All of an access of the maximal length may have gone well. */
	uint64_t first = r->done > last - r->iova ? last : r->iova + r->done;
	struct ioas_event_access access = {.range = {r->iova, last}};
	struct ioas_event ev = {
		.kind = r->message ? r->kind : IOAS_EVENT_DMA_FAULT,
		.fault = r->fault,
		.space = r->space ? r->space->id : 0,
		.perm = r->perm,
		.range = {first, last},
		.device = r->dev->name,
		.model = r->dev->model->name,
		.issuer = r->issuer,
		.access = &access,
		.message = r->message,
	};

	ioas_count_locked(&r->dev->stats.dma_faults, 1);
	/* A process that ends while its device works is no defect (SVA-4). */
	if (r->fault == IOAS_FAULT_ENDED)
		return -EFAULT;
	/* It follows from what was told when the group was frozen. */
	if (r->fault == IOAS_FAULT_FROZEN)
		return -EFAULT;
	if (r->dev->pe && r->dev->pe->freezes && is_error(r))
		ioas_pe_freeze(r->dev->pe);
	ev.site_now = ioas_call_site();
	if (r->space && by_address(r->fault))
		find_pieces(r->space, &access, ev.range, r->perm);
	/* What the model met counts, if it has changed since. */
	if (!access.pieces)
		add_piece(&access, ev.range, r->fault);
	if (r->space)
		look_around(r->space, (struct iova){first}, &access);
	ev.site = access.at.site;
	ev.uaddr = access.at.uaddr;
	ioas_tell(&ev);
	return -EFAULT;
}
