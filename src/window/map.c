/* SPDX-License-Identifier: MIT */
/*
 * Map and unmap of ranges.
 *
 *	map  checks -> counts, by runs of a region -> tables -> entries
 *
 * Everything that can fail comes before the first entry is written, so there
 * is nothing to restore (WIN-2). The counts of what was replaced are put after
 * a grace period, without the lock.
 *
 * A region whose end is being decided makes -EAGAIN: then the lock is given
 * back, so that who waits for its mappings can have them unmapped.
 */
#include "window/set.h"

/* ---- Checks. ---- */

/* What a call is about. Addresses are as they came. */
struct request {
	uint64_t iova, uaddr, bytes;
	unsigned int perm;
	bool map;
};

/* Past the end, where that is looked at. Return: 0, -EINVAL or 1. */
static int check_end(const struct ioas_windows *ws, const struct request *what,
                     struct ioas_window_run *run)
{
	uint64_t room = run->window->plan.entries - run->first;

	if (run->count <= room)
		return 0;
	if (what->map && ioas_windows_quirk(ws, IOAS_QUIRK_MAP_PAST_END))
		return 0;
	if (what->map)
		return -EINVAL;
	if (ioas_windows_quirk(ws, IOAS_QUIRK_UNMAP_PAST_END_1))
		return 1;
	if (!ioas_windows_quirk(ws, IOAS_QUIRK_UNMAP_PAST_END_0))
		return -EINVAL;
	run->count = room;
	return 0;
}

/*
 * WIN-1: one function for all that names a range, in the order that Linux has.
 * Return: 0, -ENXIO, -EINVAL, or 1.
 */
static int check(const struct ioas_windows *ws, const struct request *what,
                 struct ioas_window_run *run)
{
	const unsigned int any = IOAS_READ | IOAS_WRITE;
	unsigned int shift;
	uint64_t mask;

	run->window = ioas_window_at_locked(ws, what->iova);
	if (!run->window)
		return -ENXIO;
	shift = run->window->plan.page_shift;
	mask = ioas_mask_lg2(shift);
	if ((what->bytes | what->uaddr) & mask)
		return -EINVAL;
	if (what->map && (!(what->perm & any) || (what->perm & ~any)))
		return -EINVAL;
	if ((what->iova - run->window->plan.start) & mask)
		return ioas_windows_quirk(ws, IOAS_QUIRK_ODD_ADDRESS) ? 1
		                                                      : -EINVAL;
	run->first = (what->iova - run->window->plan.start) >> shift;
	run->count = what->bytes >> shift;
	if (what->map && what->bytes &&
	    what->uaddr + (what->bytes - 1) < what->uaddr &&
	    !ioas_windows_quirk(ws, IOAS_QUIRK_MAP_PAST_END))
		return -EINVAL;
	return check_end(ws, what, run);
}

/* ---- Counts. ---- */

/* A map on its way. */
struct mapping {
	struct ioas_windows *ws;
	struct ioas_window_run run;
	struct ioas_window_piece piece; /* all of it */
};

static uint64_t uaddr_of(const struct mapping *m, uint64_t entry)
{
	return m->piece.uaddr + (entry << m->run.window->plan.page_shift);
}

/*
 * Entries from @done on whose memory is in one region; at least one is said,
 * for get to find out what is wrong with it.
 */
static uint64_t in_region(const struct mapping *m, uint64_t done, uint64_t end)
{
	struct ioas_registry *registry =
		ioas_windows_registry(m->ws, m->piece.perm);
	unsigned int shift = m->run.window->plan.page_shift;
	struct ioas_region_info info;
	uint64_t n;

	/* Where what fails is counted by the page, one by one. */
	if (!m->ws->registry || m->ws->quirks)
		return 1;
	if (ioas_registry_find(registry, uaddr_of(m, done), 1, &info))
		return 1;
	n = info.left >> shift;
	if (!n)
		return 1;
	return n < end - done ? n : end - done;
}

static int get_one(const struct mapping *m, uint64_t done, uint64_t n)
{
	const struct ioas_mapping what = {
		.start = uaddr_of(m, done),
		.length = n << m->run.window->plan.page_shift,
		.counts = n,
		.perm = m->piece.perm,
		.io_shift = m->run.window->plan.page_shift,
	};
	struct ioas_mapped got;
	int rc;

	if (!m->ws->registry)
		return ioas_own_get(m->ws, &what);
	rc = ioas_registry_get(m->ws->registry, &what, &got);
	return rc == -EFAULT ? -EINVAL : rc;
}

/* Counts for entries [0, end) were got: those in [from, to) again. */
static void put_counts(const struct mapping *m, uint64_t from, uint64_t to)
{
	struct ioas_registry *registry =
		ioas_windows_registry(m->ws, m->piece.perm);
	uint64_t n;

	for (; from < to; from += n) {
		struct ioas_region *region =
			&ioas_member_at(registry, uaddr_of(m, from))->region;

		n = in_region(m, from, to);
		if (m->ws->registry)
			ioas_region_put(region, n);
		else
			ioas_own_put(m->ws, region, n);
	}
}

/* Counts for as many as can be had: *ret_done; and why no more. */
static int get_counts(const struct mapping *m, uint64_t *ret_done)
{
	uint64_t done = 0, n;
	int rc = 0;

	for (; done < m->run.count; done += n) {
		n = in_region(m, done, m->run.count);
		rc = get_one(m, done, n);
		if (rc)
			break;
	}
	*ret_done = done;
	return rc;
}

/* ---- Map. ---- */

static void write(struct mapping *m, struct ioas_window_gone *gone)
{
	uint64_t room = m->run.window->plan.entries - m->run.first;

	/* IOAS_QUIRK_MAP_PAST_END: what is behind is counted, and that is all.
	 */
	if (m->run.count > room)
		m->run.count = room;
	if (!m->run.count)
		return;
	ioas_window_write_locked(m->ws, &m->run, &m->piece, gone);
	ioas_window_tell(m->ws, IOAS_EVENT_MAP, &m->run, &m->piece);
}

/* IOAS_QUIRK_MAP_FORGETS: what was there before the page that failed. */
static void forget(struct mapping *m, uint64_t done,
                   struct ioas_window_gone *gone)
{
	uint64_t room = m->run.window->plan.entries - m->run.first;
	struct ioas_window_run run = m->run;

	if (!ioas_windows_quirk(m->ws, IOAS_QUIRK_MAP_FORGETS))
		return;
	run.count = done < room ? done : room;
	ioas_window_clear_locked(m->ws, &run, gone);
}

/* The first entry of the run that there is no table for. */
static uint64_t first_missing(const struct ioas_window_run *run)
{
	struct ioas_pt_slots slots;
	uint64_t done = 0;

	while (done < run->count) {
		ioas_window_slots(run, done, &slots);
		if (!slots.entry)
			break;
		done += slots.count;
	}
	return done;
}

static int furnish(struct mapping *m, struct ioas_window_gone *gone)
{
	uint64_t room = m->run.window->plan.entries - m->run.first;
	struct ioas_window_run run = m->run;
	uint64_t missing;
	int rc;

	if (run.count > room)
		run.count = room;
	rc = ioas_window_furnish_locked(&run);
	if (!rc)
		return 0;
	missing = first_missing(&run);
	if (ioas_windows_quirk(m->ws, IOAS_QUIRK_LEVEL_COUNT)) {
		put_counts(m, 0, missing);
		put_counts(m, missing + 1, m->run.count);
	} else {
		put_counts(m, 0, m->run.count);
	}
	forget(m, missing, gone);
	return rc;
}

static int map_locked(struct mapping *m, struct ioas_window_gone *gone)
{
	uint64_t done;
	int rc;

	if (!m->run.count)
		return 0;
	rc = get_counts(m, &done);
	if (rc == -ENXIO && ioas_windows_quirk(m->ws, IOAS_QUIRK_MAP_RACE)) {
		m->run.count = done;
		rc = 0;
	}
	if (rc) {
		put_counts(m, 0, done);
		if (rc != -EAGAIN)
			forget(m, done, gone);
		return rc;
	}
	rc = m->run.count ? furnish(m, gone) : 0;
	if (!rc)
		write(m, gone);
	return rc;
}

static int try_map(struct ioas_windows *ws, const struct request *what)
{
	struct ioas_window_gone gone;
	struct mapping m = {
		.ws = ws,
		.piece = {.uaddr = what->uaddr, .perm = what->perm},
	};
	int rc;

	ioas_gone_init(&gone);
	m.piece.site = ioas_call_site();
	ioas_lock(&ws->space->lock);
	rc = ioas_windows_default_locked(ws);
	if (!rc)
		rc = check(ws, what, &m.run);
	if (!rc)
		rc = map_locked(&m, &gone);
	if (!ws->registry)
		ioas_gone_release(ws, &gone);
	ioas_unlock(&ws->space->lock);
	ioas_gone_release(ws, &gone);
	return rc;
}

int ioas_windows_map(struct ioas_windows *ws, const struct ioas_window_map *map)
{
	const struct request what = {map->iova, map->uaddr, map->bytes,
	                             map->perm, true};
	unsigned int round = 0;
	int rc;

	while ((rc = try_map(ws, &what)) == -EAGAIN)
		ioas_hooks.relax(round++);
	return rc;
}

int ioas_windows_unmap(struct ioas_windows *ws, uint64_t iova, uint64_t bytes)
{
	const struct request what = {.iova = iova, .bytes = bytes};
	struct ioas_window_gone gone;
	struct ioas_window_run run;
	int rc;

	ioas_gone_init(&gone);
	ioas_lock(&ws->space->lock);
	rc = ioas_windows_default_locked(ws);
	if (!rc)
		rc = check(ws, &what, &run);
	if (!rc && run.count)
		ioas_window_clear_locked(ws, &run, &gone);
	if (!ws->registry)
		ioas_gone_release(ws, &gone);
	if (!rc)
		ioas_glance_settle_locked(ws, run.window);
	ioas_unlock(&ws->space->lock);
	ioas_gone_release(ws, &gone);
	return rc;
}
