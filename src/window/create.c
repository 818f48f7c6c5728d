/* SPDX-License-Identifier: MIT */
/*
 * Windows come and go.
 *
 *	create  charge -> place -> tables -> groups, all or none -> published
 *	remove  entries cleared -> groups -> published without it   (lock held)
 *	        -> grace period -> counts put -> freed, uncharged    (not held)
 *
 * Devices find a window by what is published, so it is there for all groups at
 * one moment, when all of them have been programmed (WIN-3).
 */
#include "window/set.h"

static const struct ioas_pt_format *format_of(const struct ioas_windows *ws)
{
	return ws->platform->rules == IOAS_RULES_PSERIES ? &ioas_pt_tce_papr
	                                                 : &ioas_pt_tce;
}

/* ---- Charges. ---- */

static int charge(struct ioas_windows *ws, uint64_t pages)
{
	int rc = ws->accountant ? ws->accountant->charge(ws->accountant, pages)
	                        : 0;

	if (!rc)
		ioas_a64_add(&ws->charged, pages);
	return rc;
}

static void uncharge(struct ioas_windows *ws, uint64_t pages)
{
	uint64_t left = ioas_a64_add(&ws->charged, -pages);

	ioas_law(WIN_7, left + pages >= pages);
	if (ws->accountant)
		ws->accountant->uncharge(ws->accountant, pages);
}

/* ---- Tables. ---- */

static int make_tables(const struct ioas_windows *ws, struct ioas_window *w)
{
	const struct ioas_window_plan *plan = &w->plan;
	struct ioas_pt_config config = {
		.format = format_of(ws),
		.page_shift = plan->page_shift,
		.bits = plan->page_shift + 1,
		.levels = plan->levels,
		.index_bits = plan->level_shift - 3,
		.beside = sizeof(uint64_t) + (ws->sites ? sizeof(uint32_t) : 0),
	};

	if (!plan->entries)
		return 0;
	while (config.bits < 64 &&
	       (plan->entries - 1) >> (config.bits - plan->page_shift))
		config.bits++;
	/* Least of what the format has; a smaller table is part of it. */
	if (config.index_bits < 9)
		config.index_bits = 9;
	return ioas_pt_init(&w->pt, &config);
}

static int fill_in(struct ioas_windows *ws,
                   const struct ioas_window_shape *shape,
                   const struct ioas_window *replaced, struct ioas_window *w)
{
	int rc = ioas_platform_place(ws, shape, replaced, &w->plan);

	if (rc)
		return rc;
	w->group = ws->groups;
	w->after = ioas_window_parts_new();
	if (!w->after)
		return -ENOMEM;
	rc = make_tables(ws, w);
	if (rc)
		ioas_window_parts_free(w->after);
	return rc;
}

int ioas_window_build_locked(struct ioas_windows *ws,
                             const struct ioas_window_shape *shape,
                             const struct ioas_window *replaced,
                             unsigned int slot, struct ioas_window **ret_w)
{
	struct ioas_window *w;
	uint64_t pages;
	int rc = ioas_platform_charge(ws, shape, &pages);

	if (rc)
		return rc;
	rc = charge(ws, pages);
	if (rc)
		return rc;
	w = ioas_new(struct ioas_window);
	if (w) {
		w->plan.slot = slot;
		w->plan.charge = pages;
		rc = fill_in(ws, shape, replaced, w);
	}
	if (w && !rc) {
		*ret_w = w;
		return 0;
	}
	if (w)
		ioas_delete(w);
	if (!ioas_windows_quirk(ws, IOAS_QUIRK_KEEP_CHARGE))
		uncharge(ws, pages);
	return w ? rc : -ENOMEM;
}

void ioas_window_free(struct ioas_windows *ws, struct ioas_window *w)
{
	ioas_law(WIN_9, w->mapped == 0);
	ioas_pt_fini(&w->pt);
	ioas_window_parts_free(w->after);
	uncharge(ws, w->plan.charge);
	ioas_delete(w);
}

/* ---- Groups. ---- */

bool ioas_windows_programmable(const struct ioas_windows *ws)
{
	const struct ioas_window_group *group;

	for (group = ws->groups; group; group = group->next)
		if (!group->ops->set || !group->ops->unset)
			return false;
	return true;
}

struct ioas_window_program ioas_window_program_of(const struct ioas_window *w)
{
	return (struct ioas_window_program){
		.slot = w->plan.slot,
		.page_shift = w->plan.page_shift,
		.levels = w->plan.levels,
		.start = w->plan.start,
		.bytes = w->plan.bytes,
	};
}

int ioas_window_set_group(const struct ioas_windows *ws,
                          const struct ioas_window *w,
                          struct ioas_window_group *group)
{
	struct ioas_window_program program = ioas_window_program_of(w);

	/* Firmware made it for one group. */
	if (ws->platform->rules == IOAS_RULES_PSERIES && w->group != group)
		return -EPERM;
	return group->ops->set ? group->ops->set(group, &program) : 0;
}

/* In all groups or in none. */
static int program(const struct ioas_windows *ws, const struct ioas_window *w)
{
	struct ioas_window_group *group;
	int rc = 0;

	for (group = ws->groups; group && !rc; group = group->next)
		rc = ioas_window_set_group(ws, w, group);
	if (!rc)
		return 0;
	for (group = ws->groups; group; group = group->next)
		group->ops->unset(group, w->plan.slot);
	return rc;
}

/* ---- Create. ---- */

static int free_slot(const struct ioas_windows *ws)
{
	unsigned int i, slots = ws->platform->rules == IOAS_RULES_FREE
	                                ? ws->platform->windows
	                                : 2;

	for (i = 0; i < slots; i++)
		if (!ws->window[i])
			return (int)i;
	return -ENOSPC;
}

/* Published, and nobody has the list before any more when it is freed. */
static void publish_locked(struct ioas_windows *ws,
                           struct ioas_space_parts *parts)
{
	struct ioas_space_parts *before =
		ioas_windows_publish_locked(ws, parts);

	if (!before)
		return;
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_window_parts_free(before);
}

static int create_locked(struct ioas_windows *ws,
                         const struct ioas_window_shape *shape,
                         struct ioas_window **ret_w)
{
	struct ioas_space_parts *parts;
	struct ioas_window *w;
	int slot = free_slot(ws), rc;

	if (slot < 0)
		return slot;
	if (shape->page_shift > 63 ||
	    !(ws->platform->page_sizes >> shape->page_shift & 1))
		return -EINVAL;
	if (!ioas_windows_programmable(ws))
		return -EPERM;
	rc = ioas_window_build_locked(ws, shape, NULL, (unsigned int)slot, &w);
	if (rc)
		return rc;
	parts = ioas_window_parts_new();
	rc = parts ? program(ws, w) : -ENOMEM;
	if (rc) {
		ioas_window_parts_free(parts);
		ioas_window_free(ws, w);
		return rc;
	}
	ws->window[slot] = w;
	publish_locked(ws, parts);
	*ret_w = w;
	return 0;
}

int ioas_windows_default_locked(struct ioas_windows *ws)
{
	const struct ioas_window_shape shape = {
		.page_shift = 12,
		.levels = 1,
		.bytes = ws->platform->default_bytes,
		.start = ws->platform->default_start,
	};
	struct ioas_window *w;
	int rc;

	if (!ws->default_pending)
		return 0;
	rc = create_locked(ws, &shape, &w);
	if (rc)
		return rc;
	ws->default_pending = false;
	ioas_glance_write_locked(ws);
	return 0;
}

void ioas_window_info_of(struct ioas_window *w,
                         struct ioas_window_info *ret_info)
{
	struct ioas_pt_stock stock = {.bytes = 0};
	unsigned int i;

	if (w->plan.entries)
		ioas_pt_stock_take(&w->pt, &stock);
	*ret_info = (struct ioas_window_info){
		.slot = w->plan.slot,
		.page_shift = w->plan.page_shift,
		.levels = w->plan.levels,
		.level_shift = w->plan.level_shift,
		.start = w->plan.start,
		.bytes = w->plan.bytes,
		.entries = w->plan.entries,
		.charged = w->plan.charge,
		.mapped = w->mapped,
		.table_bytes = stock.bytes,
	};
	for (i = 0; i < IOAS_WINDOW_LEVELS_MAX; i++)
		ret_info->tables[i] = stock.tables[i];
}

int ioas_window_create(struct ioas_windows *ws,
                       const struct ioas_window_shape *shape,
                       struct ioas_window_info *ret_info)
{
	struct ioas_window *w;
	int rc;

	ioas_lock(&ws->space->lock);
	rc = ws->groups ? 0 : -ENXIO;
	if (!rc)
		rc = ws->no_dynamic ? -EPERM : ioas_windows_default_locked(ws);
	if (!rc)
		rc = create_locked(ws, shape, &w);
	if (!rc)
		ioas_window_info_of(w, ret_info);
	ioas_unlock(&ws->space->lock);
	return rc;
}

int ioas_window_query(struct ioas_windows *ws, unsigned int slot,
                      struct ioas_window_info *ret_info)
{
	int rc = -ENOENT;

	ioas_lock(&ws->space->lock);
	if (slot < IOAS_WINDOWS_MAX && ws->window[slot]) {
		ioas_window_info_of(ws->window[slot], ret_info);
		rc = 0;
	}
	ioas_unlock(&ws->space->lock);
	return rc;
}

/* ---- Remove. ---- */

struct removal {
	struct ioas_window_gone gone;
	struct ioas_window *window;
	struct ioas_space_parts *before;
};

static int remove_locked(struct ioas_windows *ws, uint64_t at,
                         struct removal *removal)
{
	struct ioas_window *w = ioas_window_at_locked(ws, at);
	struct ioas_window_group *group;
	bool able = ioas_windows_programmable(ws);

	if (!w)
		return -EINVAL;
	if (able || ioas_windows_quirk(ws, IOAS_QUIRK_REMOVE_CLEARS))
		ioas_window_empty_locked(ws, w, &removal->gone);
	if (!able)
		return -EPERM;
	for (group = ws->groups; group; group = group->next)
		group->ops->unset(group, w->plan.slot);
	ws->window[w->plan.slot] = NULL;
	removal->before = ioas_windows_publish_locked(ws, w->after);
	w->after = NULL;
	removal->window = w;
	/* It is a grace period for the tables, whatever was mapped. */
	removal->gone.any = true;
	return 0;
}

int ioas_window_remove(struct ioas_windows *ws, uint64_t at)
{
	struct removal removal;
	int rc = 0;

	ioas_gone_init(&removal.gone);
	removal.window = NULL;
	removal.before = NULL;
	ioas_lock(&ws->space->lock);
	if (ws->default_pending && !at) {
		ws->default_pending = false;
		ioas_glance_write_locked(ws);
	} else {
		rc = remove_locked(ws, at, &removal);
	}
	if (!ws->registry)
		ioas_gone_release(ws, &removal.gone);
	ioas_unlock(&ws->space->lock);
	ioas_gone_release(ws, &removal.gone);
	ioas_window_parts_free(removal.before);
	if (removal.window)
		ioas_window_free(ws, removal.window);
	return rc;
}
