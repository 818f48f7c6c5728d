/* SPDX-License-Identifier: MIT */
/* A guest: its memory, its bridges, what each number leads to. */
#include "papr/papr.h"

#include <errno.h>

#include "base/grace.h"
#include "base/law.h"
#include "base/types.h"

/* ---- The guest ---- */

static bool are_distinct(const uint32_t *token, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < i; j++)
			if (token[i] && token[i] == token[j])
				return false;
	return true;
}

int ioas_papr_create(const struct ioas_papr_config *config,
                     struct ioas_papr **ret_papr)
{
	struct ioas_papr *papr;

	if (config && !are_distinct(config->token, IOAS_RTAS_CALLS))
		return -EINVAL;
	papr = ioas_new(struct ioas_papr);
	if (!papr)
		return -ENOMEM;
	if (config)
		papr->config = *config;
	*ret_papr = papr;
	return 0;
}

void ioas_papr_destroy(struct ioas_papr *papr)
{
	if (!papr)
		return;
	while (papr->first)
		ioas_papr_bridge_destroy(papr->first);
	ioas_ranges_fini(&papr->bridges);
	ioas_ranges_fini(&papr->memory);
	ioas_delete(papr);
}

/* ---- Memory ---- */

static bool is_piece(const struct ioas_papr_memory *piece)
{
	uint64_t all = piece->gpa | piece->uaddr | piece->bytes;

	return piece->uaddr && piece->bytes &&
	       !(all & ioas_mask_lg2(IOAS_TCE_PAGE_LG2)) &&
	       piece->gpa + (piece->bytes - 1) >= piece->gpa &&
	       piece->uaddr + (piece->bytes - 1) >= piece->uaddr;
}

/* Is there a byte of the program that would have two guest's addresses? */
static bool has_uaddr(const struct ioas_ranges *memory,
                      const struct ioas_papr_memory *piece)
{
	struct ioas_range range;

	return ioas_ranges_find_values(memory, piece->uaddr, piece->bytes - 1,
	                               &range) != 0;
}

static int add_memory(struct ioas_papr *papr,
                      const struct ioas_papr_memory *piece)
{
	const struct ioas_range range = {
		piece->gpa, piece->gpa + (piece->bytes - 1), piece->uaddr};

	if (has_uaddr(&papr->memory, piece))
		return -EEXIST;
	return ioas_ranges_insert(&papr->memory, &range);
}

int ioas_papr_add_memory(struct ioas_papr *papr,
                         const struct ioas_papr_memory *piece)
{
	int rc;

	if (!is_piece(piece))
		return -EINVAL;
	ioas_lock(&papr->lock);
	rc = add_memory(papr, piece);
	ioas_unlock(&papr->lock);
	return rc;
}

int ioas_papr_remove_memory(struct ioas_papr *papr, uint64_t gpa)
{
	uint64_t was;

	ioas_lock(&papr->lock);
	was = ioas_ranges_erase(&papr->memory, gpa);
	ioas_unlock(&papr->lock);
	return was ? 0 : -ENOENT;
}

uint64_t ioas_papr_memory_locked(struct ioas_papr *papr, uint64_t gpa,
                                 uint64_t bytes)
{
	struct ioas_range range;

	ioas_law(PAPR_5, ioas_grace_inside(IOAS_GRACE_GUEST));
	if (!ioas_ranges_find(&papr->memory, gpa, &range))
		return 0;
	if (bytes && bytes - 1 > range.last - gpa)
		return 0;
	return range.value + (gpa - range.first);
}

/* ---- Windows of a bridge ---- */

const struct ioas_papr_window *
ioas_papr_window_locked(struct ioas_papr *papr, uint64_t liobn,
                        struct ioas_papr_bridge **ret_bridge)
{
	struct ioas_range range;
	uint64_t bridge;

	ioas_law(PAPR_3, ioas_grace_inside(IOAS_GRACE_GUEST));
	bridge = ioas_ranges_find(&papr->bridges, liobn, &range);
	if (!bridge)
		return NULL;
	*ret_bridge = (struct ioas_papr_bridge *)(uintptr_t)bridge;
	/* Pairs with the store in ioas_papr_show_locked(). */
	return ioas_aptr_load(&(*ret_bridge)->shown[liobn - range.first]);
}

const struct ioas_papr_window *
ioas_papr_show_locked(struct ioas_papr_bridge *bridge,
                      const struct ioas_window_info *info)
{
	struct ioas_papr_window *window = &bridge->window[info->slot];

	*window = (struct ioas_papr_window){
		.liobn = bridge->liobn + info->slot,
		.slot = info->slot,
		.page_shift = info->page_shift,
		.start = info->start,
		.bytes = info->bytes,
	};
	/* Pairs with the load in ioas_papr_window_locked(). */
	ioas_aptr_store(&bridge->shown[info->slot], window);
	return window;
}

int ioas_papr_remove_locked(struct ioas_papr_bridge *bridge, unsigned int slot)
{
	struct ioas_papr_window *window =
		ioas_aptr_exchange(&bridge->shown[slot], NULL);
	int rc;

	/* Whoever found it before has ended when this returns. */
	ioas_grace_sync(IOAS_GRACE_GUEST);
	rc = ioas_window_remove(bridge->windows, window->start);
	if (rc)
		ioas_aptr_store(&bridge->shown[slot], window);
	return rc;
}

/* ---- The default window ---- */

/* Windows that the set has, and the guest does not know of. */
static void show_all(struct ioas_papr_bridge *bridge)
{
	struct ioas_window_info info;
	unsigned int slot;

	for (slot = 0; slot < IOAS_WINDOWS_MAX; slot++)
		if (!ioas_aptr_load(&bridge->shown[slot]) &&
		    !ioas_window_query(bridge->windows, slot, &info))
			(void)ioas_papr_show_locked(bridge, &info);
}

/* If it is owed, the set makes it for an unmap of nothing. */
static int make_pending(struct ioas_papr_bridge *bridge)
{
	struct ioas_windows_info info;
	int rc = 0;

	ioas_windows_describe(bridge->windows, &info);
	if (info.default_pending)
		rc = ioas_windows_unmap(bridge->windows, info.default_start, 0);
	if (!rc)
		show_all(bridge);
	return rc;
}

static int clear(struct ioas_papr_bridge *bridge, unsigned int slot)
{
	const struct ioas_papr_window *window = &bridge->window[slot];

	return ioas_windows_unmap(bridge->windows, window->start,
	                          window->bytes);
}

static bool is_default(const struct ioas_papr_window *window,
                       const struct ioas_windows_info *info)
{
	return window && window->start == info->default_start &&
	       window->bytes == info->default_bytes &&
	       window->page_shift == IOAS_TCE_PAGE_LG2;
}

/* Return: 0 or an error, with *ret_kept the windows that are left. */
static int remove_others(struct ioas_papr_bridge *bridge,
                         const struct ioas_windows_info *info,
                         unsigned int *ret_kept)
{
	unsigned int slot;
	int rc = 0;

	*ret_kept = 0;
	for (slot = 0; !rc && slot < IOAS_WINDOWS_MAX; slot++) {
		const struct ioas_papr_window *window =
			ioas_aptr_load(&bridge->shown[slot]);

		if (!window)
			continue;
		if (is_default(window, info)) {
			rc = clear(bridge, slot);
			++*ret_kept;
		} else {
			rc = ioas_papr_remove_locked(bridge, slot);
		}
	}
	return rc;
}

static int make_default(struct ioas_papr_bridge *bridge,
                        const struct ioas_windows_info *info)
{
	const struct ioas_window_shape shape = {
		.page_shift = IOAS_TCE_PAGE_LG2,
		.levels = 1,
		.bytes = info->default_bytes,
		.start = info->default_start,
	};
	struct ioas_window_info made;
	int rc = ioas_window_create(bridge->windows, &shape, &made);

	if (!rc)
		(void)ioas_papr_show_locked(bridge, &made);
	return rc;
}

int ioas_papr_reset_locked(struct ioas_papr_bridge *bridge)
{
	struct ioas_windows_info info;
	unsigned int kept;
	int rc;

	ioas_windows_describe(bridge->windows, &info);
	rc = make_pending(bridge);
	if (!rc)
		rc = remove_others(bridge, &info, &kept);
	if (rc || kept || !info.default_bytes)
		return rc;
	return make_default(bridge, &info);
}

int ioas_papr_bridge_reset(struct ioas_papr_bridge *bridge)
{
	int rc;

	ioas_lock(&bridge->papr->lock);
	rc = ioas_papr_reset_locked(bridge);
	ioas_unlock(&bridge->papr->lock);
	return rc;
}

/* ---- Bridges ---- */

struct ioas_papr_bridge *ioas_papr_bridge_locked(struct ioas_papr *papr,
                                                 uint64_t buid)
{
	struct ioas_papr_bridge *bridge = papr->first;

	while (bridge && bridge->buid != buid)
		bridge = bridge->next;
	return bridge;
}

/* From here on hypercalls find it. */
static int join(struct ioas_papr *papr, struct ioas_papr_bridge *bridge)
{
	const struct ioas_range range = {bridge->liobn,
	                                 bridge->liobn + IOAS_WINDOWS_MAX - 1,
	                                 (uintptr_t)bridge};
	int rc;

	if (ioas_papr_bridge_locked(papr, bridge->buid))
		return -EEXIST;
	rc = make_pending(bridge);
	if (rc)
		return rc;
	rc = ioas_ranges_insert(&papr->bridges, &range);
	if (rc)
		return rc;
	bridge->next = papr->first;
	papr->first = bridge;
	return 0;
}

static void describe(struct ioas_papr_bridge *bridge, struct ioas_papr *papr,
                     const struct ioas_papr_bridge_config *config)
{
	bridge->papr = papr;
	bridge->windows = config->windows;
	bridge->buid = config->buid;
	bridge->liobn = config->liobn;
	/* As QEMU says it since it answers in 64 bits: 2^37. */
	bridge->entries =
		config->entries ? config->entries : UINT64_C(1) << (58 - 21);
}

int ioas_papr_bridge_create(struct ioas_papr *papr,
                            const struct ioas_papr_bridge_config *config,
                            struct ioas_papr_bridge **ret_bridge)
{
	struct ioas_papr_bridge *bridge;
	int rc;

	if (!config->windows ||
	    config->liobn > UINT32_MAX - (IOAS_WINDOWS_MAX - 1))
		return -EINVAL;
	bridge = ioas_new(struct ioas_papr_bridge);
	if (!bridge)
		return -ENOMEM;
	describe(bridge, papr, config);
	ioas_lock(&papr->lock);
	rc = join(papr, bridge);
	ioas_unlock(&papr->lock);
	if (rc)
		ioas_delete(bridge);
	else
		*ret_bridge = bridge;
	return rc;
}

static void leave(struct ioas_papr *papr, struct ioas_papr_bridge *bridge)
{
	struct ioas_papr_bridge **link = &papr->first;

	while (*link != bridge)
		link = &(*link)->next;
	*link = bridge->next;
	/* Nobody is in it when this returns. */
	ioas_ranges_erase(&papr->bridges, bridge->liobn);
}

void ioas_papr_bridge_destroy(struct ioas_papr_bridge *bridge)
{
	struct ioas_papr *papr;

	if (!bridge)
		return;
	papr = bridge->papr;
	ioas_lock(&papr->lock);
	leave(papr, bridge);
	ioas_unlock(&papr->lock);
	ioas_delete(bridge);
}

int ioas_papr_find_window(struct ioas_papr *papr, uint64_t liobn,
                          struct ioas_papr_window *ret_window)
{
	const struct ioas_papr_window *window;
	struct ioas_papr_bridge *bridge;

	ioas_grace_enter(IOAS_GRACE_GUEST);
	window = ioas_papr_window_locked(papr, liobn, &bridge);
	if (window)
		*ret_window = *window;
	ioas_grace_leave(IOAS_GRACE_GUEST);
	return window ? 0 : -ENOENT;
}
