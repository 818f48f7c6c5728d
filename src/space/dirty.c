/* SPDX-License-Identifier: MIT */
/*
 * Where devices have written: marks in the entries of the page table, which
 * has no leaves larger than a page then.
 *
 *	device   translate -> mark -> write      in one IOAS_GRACE_DMA section
 *	program  take the marks -> one grace period -> look at the memory
 *	unmap    no mark any more -> take the marks -> remove -> grace period
 *
 * SPACE-5 rests on this order. A mark is there before its write is; so who has
 * taken a mark waits until the write behind it has been done, and the next one
 * leaves a mark again. Where no mark can be left there is nothing to write to.
 */
#include "base/grace.h"
#include "space/space.h"

static uint64_t mark(const struct ioas_space *space, struct iova at,
                     uint64_t bytes)
{
	uint64_t mask = ioas_mask_lg2(space->pt.page_shift), done = 0, step;

	while (done < bytes &&
	       ioas_pt_mark(&space->pt, (struct iova){at.raw + done})) {
		step = mask - ((at.raw + done) & mask) + 1;
		done += step < bytes - done ? step : bytes - done;
	}
	return done;
}

enum ioas_fault ioas_space_translate_marked(const struct ioas_space *space,
                                            struct iova at, uint64_t bytes,
                                            unsigned int perm,
                                            struct ioas_translation *ret_t)
{
	enum ioas_fault fault;

	do {
		fault = ioas_space_translate(space, at, bytes, perm, ret_t);
		if (fault)
			return fault;
		/* Nothing: what was found has gone since. */
		ret_t->bytes = mark(space, at, ret_t->bytes);
	} while (bytes && !ret_t->bytes);
	return IOAS_FAULT_NONE;
}

/* ---- The program's side ---- */

static void forget(struct ioas_pt_finder *finder, struct iova_range range)
{
}

void ioas_space_track_locked(struct ioas_space *space)
{
	const struct iova_range all = {0, UINT64_MAX};
	struct ioas_area *area = ioas_space_find_locked(space, all);
	struct ioas_pt_finder nobody = {forget};

	for (; area; area = ioas_space_next_locked(area, all))
		ioas_space_dirty_take_locked(space, area->range, &nobody);
	/* Relaxed: who asks for this waits for a grace period then. */
	ioas_a32_store_relaxed(&space->tracking, 1);
}

void ioas_space_untrack_locked(struct ioas_space *space)
{
	/* Relaxed: as above. */
	ioas_a32_store_relaxed(&space->tracking, 0);
}

void ioas_space_dirty_look_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder)
{
	ioas_pt_take_dirty(&space->pt, range, false, finder, NULL);
}

void ioas_space_dirty_take_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder)
{
	struct ioas_pt_gather gather = {0};

	ioas_pt_take_dirty(&space->pt, range, true, finder, &gather);
	ioas_pt_flush(&space->pt, &gather);
}

void ioas_space_dirty_last_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder)
{
	ioas_pt_lose_dirty(&space->pt, range, finder);
}

void ioas_space_dirty_again_locked(struct ioas_space *space,
                                   struct iova_range range)
{
	(void)mark(space, (struct iova){range.first},
	           range.last - range.first + 1);
}

void ioas_space_dirty_settle(void)
{
	ioas_grace_sync(IOAS_GRACE_DMA);
}
