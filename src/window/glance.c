/* SPDX-License-Identifier: MIT */
/* See glance.h. */
#include "window/glance.h"

#include "window/set.h"

#define WRITING   UINT64_C(1)
#define NEXT_TURN (UINT64_C(1) << 16)

/* ---- Reading. ---- */

/* What was read of a window; good if the turn stays. */
struct seen {
	uint64_t start, entries;
	unsigned int page_shift, piece_lg2;
};

static bool is_in(const struct ioas_glance_window *w, uint64_t iova,
                  struct seen *ret)
{
	/* All pair with write_window(). */
	uint64_t shifts = ioas_a64_load(&w->shifts);

	ret->start = ioas_a64_load(&w->start);
	ret->entries = ioas_a64_load(&w->entries);
	ret->page_shift = shifts & 63;
	ret->piece_lg2 = shifts >> 8 & 63;
	return iova >= ret->start &&
	       (iova - ret->start) >> ret->page_shift < ret->entries;
}

/* The bits of pieces [from, to] that are in word @i. */
static uint64_t bits_of(uint64_t i, uint64_t from, uint64_t to)
{
	uint64_t bits = UINT64_MAX;

	if (i == from / 64)
		bits &= UINT64_MAX << from % 64;
	if (i == to / 64)
		bits &= UINT64_MAX >> (63 - to % 64);
	return bits;
}

/* A piece; halves of two windows must not lead beyond the bits. */
static uint64_t piece_of(uint64_t entry, unsigned int piece_lg2)
{
	return entry >> piece_lg2 & (IOAS_GLANCE_BITS - 1);
}

static bool is_unused(const struct ioas_glance_window *w,
                      const struct seen *seen, uint64_t at, uint64_t bytes)
{
	uint64_t first = at >> seen->page_shift;
	uint64_t count = bytes >> seen->page_shift, i, from, to;

	if (((at | bytes) & ioas_mask_lg2(seen->page_shift)) || !count ||
	    count > seen->entries - first)
		return false;
	from = piece_of(first, seen->piece_lg2);
	to = piece_of(first + (count - 1), seen->piece_lg2);
	for (i = from / 64; i <= to / 64; i++)
		/* Pairs with the stores below, and in write_window(). */
		if (ioas_a64_load(&w->used[i]) & bits_of(i, from, to))
			return false;
	return true;
}

bool ioas_glance_is_empty(const struct ioas_glance *glance, uint64_t iova,
                          uint64_t bytes)
{
	/* Pairs with the stores in ioas_glance_write_locked(). */
	uint64_t turn = ioas_a64_load(&glance->turn);
	const struct ioas_glance_window *w = glance->window;
	struct seen seen;

	if (turn & WRITING)
		return false;
	while (!is_in(w, iova, &seen))
		if (++w == glance->window + IOAS_GLANCE_WINDOWS)
			return false;
	/* Relaxed: the loads before are acquires, so it comes after them. */
	return is_unused(w, &seen, iova - seen.start, bytes) &&
	       ioas_a64_load_relaxed(&glance->turn) == turn;
}

/* ---- Writing. ---- */

static void write_used(struct ioas_glance_window *to, uint64_t bits)
{
	unsigned int i;

	for (i = 0; i < IOAS_GLANCE_WORDS; i++)
		/* Pairs with the load in is_unused(). */
		ioas_a64_store(&to->used[i], bits);
}

static uint64_t piece_lg2_of(uint64_t entries)
{
	uint64_t lg2 = 0;

	while ((entries - 1) >> lg2 >= IOAS_GLANCE_BITS)
		lg2++;
	return lg2;
}

/* Relaxed: under the lock. */
static bool is_shown(const struct ioas_glance_window *as, uint64_t start,
                     uint64_t entries, uint64_t shifts)
{
	return ioas_a64_load_relaxed(&as->start) == start &&
	       ioas_a64_load_relaxed(&as->entries) == entries &&
	       ioas_a64_load_relaxed(&as->shifts) == shifts;
}

/* Of one that was not here when it was mapped, all may be. */
static void write_window(struct ioas_glance_window *to,
                         const struct ioas_window *w)
{
	uint64_t start = w ? w->plan.start : 0;
	uint64_t entries = w ? w->plan.entries : 0, shifts = 0;

	if (entries)
		shifts = w->plan.page_shift | piece_lg2_of(entries) << 8;
	if (!entries || !w->mapped)
		write_used(to, 0);
	else if (!is_shown(to, start, entries, shifts))
		write_used(to, UINT64_MAX);
	/* All pair with the loads in is_in(). */
	ioas_a64_store(&to->shifts, shifts);
	ioas_a64_store(&to->start, start);
	ioas_a64_store(&to->entries, entries);
}

/* Relaxed: under the lock. */
static void write_all(struct ioas_glance *glance, const struct ioas_windows *ws)
{
	uint64_t turn = ioas_a64_load_relaxed(&glance->turn);
	unsigned int i;

	/* Relaxed: the releases that follow are not seen without it. */
	ioas_a64_store_relaxed(&glance->turn, turn | WRITING);
	for (i = 0; i < IOAS_GLANCE_WINDOWS; i++)
		write_window(&glance->window[i], ws ? ws->window[i] : NULL);
	/* Pairs with the loads in ioas_glance_is_empty(). */
	ioas_a64_store(&glance->turn, turn + NEXT_TURN);
}

/* An unmap makes a window that is pending: then nothing is shown. */
void ioas_glance_write_locked(struct ioas_windows *ws)
{
	if (ws->glance)
		write_all(ws->glance, ws->default_pending ? NULL : ws);
}

static struct ioas_glance_window *shown_of(const struct ioas_windows *ws,
                                           const struct ioas_window *w)
{
	if (!ws->glance || w->plan.slot >= IOAS_GLANCE_WINDOWS)
		return NULL;
	return &ws->glance->window[w->plan.slot];
}

void ioas_glance_use_locked(const struct ioas_windows *ws,
                            const struct ioas_window_run *run)
{
	struct ioas_glance_window *to = shown_of(ws, run->window);
	uint64_t from, last, i, bits, seen;
	unsigned int lg2;

	if (!to || !run->count)
		return;
	/* Relaxed: under the lock, as below. */
	lg2 = ioas_a64_load_relaxed(&to->shifts) >> 8 & 63;
	from = piece_of(run->first, lg2);
	last = piece_of(run->first + (run->count - 1), lg2);
	for (i = from / 64; i <= last / 64; i++) {
		bits = bits_of(i, from, last);
		seen = ioas_a64_load_relaxed(&to->used[i]);
		if ((seen & bits) != bits)
			/* Pairs with the load in is_unused(). */
			ioas_a64_store(&to->used[i], seen | bits);
	}
}

void ioas_glance_settle_locked(const struct ioas_windows *ws,
                               const struct ioas_window *w)
{
	struct ioas_glance_window *to = shown_of(ws, w);

	if (to && !w->mapped)
		write_used(to, 0);
}

void ioas_windows_glance(struct ioas_windows *ws, struct ioas_glance *glance)
{
	ioas_lock(&ws->space->lock);
	if (ws->glance && ws->glance != glance)
		write_all(ws->glance, NULL);
	ws->glance = glance;
	ioas_glance_write_locked(ws);
	ioas_unlock(&ws->space->lock);
}
