/* SPDX-License-Identifier: MIT */
/*
 * A window becomes another, and no device sees a moment without it: its entries
 * are copied into new tables, which nobody sees so far; then one exchange shows
 * those in place of the old ones; what a device was doing with the old ones
 * ends with the grace period, and they go.
 *
 * Counts go over to the new entries. Where pages become smaller there are more
 * of them than before: those are got first, and put if something fails.
 */
#include "window/set.h"

struct change {
	struct ioas_windows *ws;
	struct ioas_window *from, *to;
	unsigned int lg2; /* new entries of an old one */
	uint64_t counted; /* old entries, that have counts for the new ones */
};

/* ---- Each live entry of a window. ---- */

struct visit {
	int (*entry)(struct change *c, uint64_t index,
	             const struct ioas_pt_slots *slots, uint64_t i);
	uint64_t end; /* entries */
};

static int each(struct change *c, const struct visit *v)
{
	struct ioas_window_run all = {c->from, 0, v->end};
	struct ioas_pt_slots slots;
	uint64_t done, i;
	int rc = 0;

	for (done = 0; done < all.count && !rc; done += slots.count) {
		ioas_window_slots(&all, done, &slots);
		for (i = 0; slots.entry && i < slots.count && !rc; i++)
			if (ioas_slots_words(&slots)[i])
				rc = v->entry(c, done + i, &slots, i);
	}
	return rc;
}

static struct ioas_window_run run_of(struct change *c, uint64_t index)
{
	return (struct ioas_window_run){c->to, index << c->lg2,
	                                UINT64_C(1) << c->lg2};
}

static int furnish_one(struct change *c, uint64_t index,
                       const struct ioas_pt_slots *slots, uint64_t i)
{
	struct ioas_window_run run = run_of(c, index);

	return ioas_window_furnish_locked(&run);
}

static int is_live(struct change *c, uint64_t index,
                   const struct ioas_pt_slots *slots, uint64_t i)
{
	return -EBUSY;
}

static struct ioas_a64 *count_of(struct change *c,
                                 const struct ioas_pt_slots *slots, uint64_t i)
{
	uint64_t word = ioas_slots_words(slots)[i];

	return &ioas_word_region(c->ws, word)->mapped;
}

static uint64_t more(struct change *c)
{
	return ioas_mask_lg2(c->lg2);
}

static int count_one(struct change *c, uint64_t index,
                     const struct ioas_pt_slots *slots, uint64_t i)
{
	int rc = ioas_count_get(count_of(c, slots, i), more(c));

	c->counted += !rc;
	return rc;
}

static int put_one(struct change *c, uint64_t index,
                   const struct ioas_pt_slots *slots, uint64_t i)
{
	if (!c->counted)
		return 1; /* that is all */
	ioas_count_put(count_of(c, slots, i), more(c));
	c->counted--;
	return 0;
}

/* Entries of a page, or of pages that it is cut into. */
static int copy_one(struct change *c, uint64_t index,
                    const struct ioas_pt_slots *old, uint64_t i)
{
	struct ioas_window_run run = run_of(c, index);
	uint64_t word = ioas_slots_words(old)[i], done, k;
	const struct ioas_pt_format *f = c->to->pt.format;
	/* Relaxed: under the lock; nobody else writes. */
	uint64_t tce = ioas_pt_order(f, ioas_a64_load_relaxed(&old->entry[i]));
	uint64_t step = f->kind(0, tce) == IOAS_PT_LEAF
	                        ? UINT64_C(1) << c->to->plan.page_shift
	                        : 0;
	struct ioas_pt_slots now;

	for (done = 0; done < run.count; done += now.count) {
		ioas_window_slots(&run, done, &now);
		ioas_law(WIN_8, now.entry != NULL);
		for (k = 0; k < now.count; k++) {
			/* Pairs with the load in ioas_pt_walk_page(). */
			ioas_a64_store(&now.entry[k], ioas_pt_order(f, tce));
			ioas_slots_words(&now)[k] = word;
			if (c->ws->sites)
				ioas_slots_sites(&now)[k] =
					ioas_slots_sites(old)[i];
			tce += step;
			word += ioas_word_step(c->to);
		}
	}
	c->to->mapped += run.count;
	return 0;
}

/* ---- Steps. ---- */

static int check(struct change *c, const struct ioas_window_shape *shape)
{
	const struct ioas_windows *ws = c->ws;
	struct visit beyond = {is_live, c->from->plan.entries};
	unsigned int old = c->from->plan.page_shift;

	if (ws->no_dynamic || !ioas_windows_programmable(ws))
		return -EPERM;
	if (shape->page_shift > 63 ||
	    !(ws->platform->page_sizes >> shape->page_shift & 1))
		return -EINVAL;
	c->lg2 = old > shape->page_shift ? old - shape->page_shift : 0;
	if (shape->page_shift > old && each(c, &beyond))
		return -EINVAL;
	return 0;
}

/* Is anything mapped that the new one would not have? */
static int check_end(struct change *c)
{
	struct ioas_window_run tail = {c->from, 0, c->from->plan.entries};
	struct ioas_pt_slots slots;
	uint64_t end = c->to->plan.entries >> c->lg2, done, i;

	for (done = end; done < tail.count; done += slots.count) {
		ioas_window_slots(&tail, done, &slots);
		for (i = 0; slots.entry && i < slots.count; i++)
			if (ioas_slots_words(&slots)[i])
				return -EBUSY;
	}
	return 0;
}

/* In all groups, or the old one is in all of them again (WIN-3). */
static int program(struct change *c)
{
	struct ioas_window_group *group, *undo;
	struct ioas_window_program old = ioas_window_program_of(c->from);
	int rc = 0;

	for (group = c->ws->groups; group && !rc; group = group->next) {
		rc = ioas_window_set_group(c->ws, c->to, group);
		if (!rc)
			continue;
		for (undo = c->ws->groups; undo != group; undo = undo->next)
			(void)!undo->ops->set(undo, &old);
	}
	return rc;
}

static int build(struct change *c, const struct ioas_window_shape *shape)
{
	struct ioas_window_shape at = *shape;
	struct visit furnishing = {furnish_one, c->from->plan.entries};
	struct visit counting = {count_one, c->from->plan.entries};
	int rc;

	at.start = c->from->plan.start;
	rc = ioas_window_build_locked(c->ws, &at, c->from, c->from->plan.slot,
	                              &c->to);
	if (rc)
		return rc;
	c->to->group = c->from->group;
	if (c->to->plan.start != c->from->plan.start)
		rc = -ENODEV;
	if (!rc)
		rc = check_end(c);
	if (!rc)
		rc = each(c, &furnishing);
	if (!rc && c->lg2)
		rc = each(c, &counting);
	return rc;
}

static int change_locked(struct change *c,
                         const struct ioas_window_shape *shape,
                         struct ioas_space_parts **ret_before)
{
	struct visit copying = {copy_one, c->from->plan.entries};
	struct visit putting = {put_one, c->from->plan.entries};
	struct ioas_space_parts *parts;
	int rc = check(c, shape);

	if (rc)
		return rc;
	parts = ioas_window_parts_new();
	if (!parts)
		return -ENOMEM;
	rc = build(c, shape);
	if (!rc)
		rc = program(c);
	if (rc) {
		each(c, &putting);
		ioas_window_parts_free(parts);
		return rc;
	}
	each(c, &copying);
	/* What the old entries counted is the new ones' now (WIN-9). */
	c->from->mapped = 0;
	c->ws->window[c->from->plan.slot] = c->to;
	*ret_before = ioas_windows_publish_locked(c->ws, parts);
	return 0;
}

static int try_replace(struct ioas_windows *ws, uint64_t at,
                       const struct ioas_window_shape *shape,
                       struct ioas_window_info *ret_info)
{
	struct ioas_space_parts *before = NULL;
	struct change c = {.ws = ws};
	int rc = -EINVAL;

	ioas_lock(&ws->space->lock);
	c.from = ioas_window_at_locked(ws, at);
	if (c.from)
		rc = change_locked(&c, shape, &before);
	if (!rc)
		ioas_window_info_of(c.to, ret_info);
	ioas_unlock(&ws->space->lock);
	if (rc) {
		if (c.to)
			ioas_window_free(ws, c.to);
		return rc;
	}
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_window_parts_free(before);
	ioas_window_free(ws, c.from);
	return 0;
}

int ioas_window_replace(struct ioas_windows *ws, uint64_t at,
                        const struct ioas_window_shape *shape,
                        struct ioas_window_info *ret_info)
{
	unsigned int round = 0;
	int rc;

	while ((rc = try_replace(ws, at, shape, ret_info)) == -EAGAIN)
		ioas_hooks.relax(round++);
	return rc;
}
