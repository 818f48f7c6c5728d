/* SPDX-License-Identifier: MIT */
/* Sets of windows, and the groups that see them. See set.h. */
#include "window/set.h"

#include "mem/backend.h"

#define SPACE_PAGE_SHIFT 12 /* what reports are about */
#define CPU_SHIFT_MIN    12
#define CPU_SHIFT_MAX    16
#define PAGE_SIZES       (ioas_mask_lg2(35) & ~ioas_mask_lg2(12))
#define QUIRKS           (IOAS_QUIRKS_LINUX_7_3 | IOAS_QUIRKS_LINUX_6_12)

/* ---- What is published. ---- */

static size_t parts_bytes(void)
{
	return sizeof(struct ioas_space_parts) +
	       IOAS_WINDOWS_MAX * sizeof(struct ioas_space_part);
}

struct ioas_space_parts *ioas_window_parts_new(void)
{
	return ioas_hooks.alloc(parts_bytes());
}

void ioas_window_parts_free(struct ioas_space_parts *parts)
{
	if (parts)
		ioas_hooks.free(parts, parts_bytes());
}

struct ioas_space_parts *
ioas_windows_publish_locked(struct ioas_windows *ws,
                            struct ioas_space_parts *parts)
{
	unsigned int i;

	for (i = 0; i < IOAS_WINDOWS_MAX; i++) {
		const struct ioas_window *w = ws->window[i];

		if (!w || !w->plan.entries)
			continue;
		parts->part[parts->count++] = (struct ioas_space_part){
			.range = {w->plan.start, ioas_window_last(w)},
			.pt = &w->pt,
		};
	}
	ioas_glance_write_locked(ws);
	return ioas_space_show(ws->space, parts);
}

struct ioas_window *ioas_window_at_locked(const struct ioas_windows *ws,
                                          uint64_t iova)
{
	unsigned int i;

	for (i = 0; i < IOAS_WINDOWS_MAX; i++) {
		struct ioas_window *w = ws->window[i];

		if (w && iova >= w->plan.start &&
		    (iova - w->plan.start) >> w->plan.page_shift <
		            w->plan.entries)
			return w;
	}
	return NULL;
}

/* ---- Life. ---- */

static bool is_platform(const struct ioas_platform *p)
{
	unsigned int most =
		p && p->rules == IOAS_RULES_FREE ? IOAS_WINDOWS_MAX : 2;

	return p && p->rules <= IOAS_RULES_FREE && p->windows &&
	       p->windows <= most && p->levels &&
	       p->levels <= IOAS_WINDOW_LEVELS_MAX &&
	       !(p->page_sizes & ~PAGE_SIZES) &&
	       !(p->default_bytes & (p->default_bytes - 1));
}

static const struct ioas_backend *
backend_of(const struct ioas_windows_config *config)
{
	if (config->registry)
		return config->registry->pinner.backend;
	return config->backend ? config->backend : &ioas_backend_identity;
}

static bool is_sound(const struct ioas_windows_config *config)
{
	unsigned int shift =
		config->page_shift ? config->page_shift : ioas_hooks.page_shift;

	return is_platform(config->platform) && shift >= CPU_SHIFT_MIN &&
	       shift <= CPU_SHIFT_MAX && !(config->quirks & ~QUIRKS) &&
	       backend_of(config)->pointer;
}

static int furnish(struct ioas_windows *ws,
                   const struct ioas_windows_config *config)
{
	const struct ioas_space_config space = {
		.page_shift = SPACE_PAGE_SHIFT,
		.aperture = {0, UINT64_MAX},
		.backend = backend_of(config),
		.parted = true,
	};
	int rc = config->registry ? 0 : ioas_own_create(ws, space.backend);

	if (rc)
		return rc;
	rc = ioas_space_create(&space, &ws->space);
	if (rc)
		return rc;
	ws->space->owner = ws;
	ws->space->around_locked = ioas_windows_around_locked;
	return 0;
}

int ioas_windows_create(const struct ioas_windows_config *config,
                        struct ioas_windows **ret_ws)
{
	struct ioas_windows *ws;
	int rc;

	if (!is_sound(config))
		return -EINVAL;
	ws = ioas_new(struct ioas_windows);
	if (!ws)
		return -ENOMEM;
	ws->platform = config->platform;
	ws->registry = config->registry;
	ws->accountant = config->accountant;
	ws->page_shift =
		config->page_shift ? config->page_shift : ioas_hooks.page_shift;
	ws->no_dynamic = config->no_dynamic;
	ws->quirks = config->quirks;
	/* Where they are known at all, this one is. */
	ws->sites = ioas_call_site() != 0;
	rc = furnish(ws, config);
	if (rc) {
		ioas_own_destroy(ws);
		ioas_delete(ws);
		return rc;
	}
	ioas_windows_add(ws);
	*ret_ws = ws;
	return 0;
}

void ioas_windows_leave_reports(struct ioas_windows *ws)
{
	ws->unheard = true;
	ws->sites = false;
}

static void drop_window(struct ioas_windows *ws, unsigned int slot)
{
	struct ioas_window *w = ws->window[slot];
	struct ioas_window_gone gone;

	if (!w)
		return;
	ioas_gone_init(&gone);
	ioas_lock(&ws->space->lock);
	ioas_window_empty_locked(ws, w, &gone);
	ws->window[slot] = NULL;
	ioas_gone_release(ws, &gone);
	ioas_unlock(&ws->space->lock);
	ioas_window_free(ws, w);
}

void ioas_windows_destroy(struct ioas_windows *ws)
{
	unsigned int i;

	if (!ws)
		return;
	ioas_windows_glance(ws, NULL);
	while (ws->groups)
		ioas_windows_detach(ws, ws->groups);
	ioas_window_parts_free(ioas_space_show(ws->space, NULL));
	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		drop_window(ws, i);
	ioas_windows_drop(ws);
	ioas_space_destroy(ws->space);
	ioas_own_destroy(ws);
	ioas_law(WIN_7, ioas_a64_load(&ws->charged) == 0 ||
	                        ioas_windows_quirk(ws, IOAS_QUIRK_KEEP_CHARGE));
	ioas_delete(ws);
}

struct ioas_space *ioas_windows_space(struct ioas_windows *ws)
{
	return ws->space;
}

void ioas_windows_describe(struct ioas_windows *ws,
                           struct ioas_windows_info *ret_info)
{
	const struct ioas_platform *p = ws->platform;
	const struct ioas_window_group *group;
	struct ioas_windows_info info = {
		.default_start = p->default_start,
		.default_bytes = p->default_bytes,
		.page_sizes = p->page_sizes,
		.windows = ws->no_dynamic ? 0 : p->windows,
		.levels = p->levels,
	};
	unsigned int i;

	ioas_lock(&ws->space->lock);
	for (group = ws->groups; group; group = group->next)
		info.groups++;
	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		info.live += ws->window[i] != NULL;
	info.default_pending = ws->default_pending;
	info.charged = ioas_a64_load(&ws->charged);
	ioas_unlock(&ws->space->lock);
	*ret_info = info;
}

/* ---- Groups. ---- */

static bool is_attached(const struct ioas_windows *ws,
                        const struct ioas_window_group *group)
{
	const struct ioas_window_group *other;

	for (other = ws->groups; other; other = other->next)
		if (other == group)
			return true;
	return false;
}

static int may_attach(const struct ioas_windows *ws,
                      const struct ioas_window_group *group)
{
	const struct ioas_window_group *other;

	if (ws->no_dynamic && ws->registry &&
	    ioas_windows_quirk(ws, IOAS_QUIRK_NO_DYNAMIC))
		return -EINVAL;
	if ((!ws->registry && ws->groups) || is_attached(ws, group))
		return -EBUSY;
	for (other = ws->groups; other; other = other->next)
		if (other->ops != group->ops)
			return -EPERM;
	return 0;
}

static void unset_all(const struct ioas_windows *ws,
                      struct ioas_window_group *group)
{
	unsigned int i;

	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		if (ws->window[i] && group->ops->unset)
			group->ops->unset(group, i);
}

static int set_all(const struct ioas_windows *ws,
                   struct ioas_window_group *group)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < IOAS_WINDOWS_MAX && !rc; i++)
		if (ws->window[i])
			rc = ioas_window_set_group(ws, ws->window[i], group);
	if (rc)
		unset_all(ws, group);
	return rc;
}

int ioas_windows_attach(struct ioas_windows *ws,
                        struct ioas_window_group *group)
{
	bool owed;
	int rc;

	ioas_lock(&ws->space->lock);
	owed = !ws->groups && !ws->window[0] && ws->platform->default_bytes;
	rc = may_attach(ws, group);
	if (rc) {
		ioas_unlock(&ws->space->lock);
		return rc;
	}
	rc = set_all(ws, group);
	if (owed && (!rc || ioas_windows_quirk(ws, IOAS_QUIRK_ATTACH_PENDING)))
		ws->default_pending = true;
	ioas_glance_write_locked(ws);
	if (!rc) {
		group->next = ws->groups;
		ws->groups = group;
	}
	ioas_unlock(&ws->space->lock);
	return rc;
}

void ioas_windows_detach(struct ioas_windows *ws,
                         struct ioas_window_group *group)
{
	struct ioas_window_group **place = &ws->groups;
	struct ioas_window_gone gone;
	unsigned int i;

	ioas_gone_init(&gone);
	ioas_lock(&ws->space->lock);
	for (i = 0; i < IOAS_WINDOWS_MAX; i++)
		if (ws->window[i])
			ioas_window_empty_locked(ws, ws->window[i], &gone);
	unset_all(ws, group);
	while (*place != group)
		place = &(*place)->next;
	*place = group->next;
	if (!ws->registry)
		ioas_gone_release(ws, &gone);
	ioas_unlock(&ws->space->lock);
	ioas_gone_release(ws, &gone);
}
