/* SPDX-License-Identifier: MIT */
/*
 * RTAS calls. A block in the guest's memory:
 *
 *	token | nargs | nret | nargs arguments | status | nret - 1 returns
 *
 * Cells of 32 bits, big-endian. Each call is a row with the numbers of cells
 * that it takes. That the returns can be written is tried before anything is
 * done, so what was done can be told.
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/types.h"
#include "papr/papr.h"

#define CELL     4
#define HEAD     3 /* cells before the arguments */
#define ARGS_MAX 5
#define RETS_MAX 6

struct call {
	struct ioas_papr *papr;
	uint64_t gpa; /* of the block */
	uint32_t nargs, nret;
	uint32_t arg[ARGS_MAX];
	uint32_t ret[RETS_MAX]; /* the status first */
};

/* ---- Cells ---- */

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static void store_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* Bytes of a block at most RETS_MAX cells long, in or out. */
static int copy(struct ioas_papr *papr, uint64_t gpa, void *mine, size_t bytes,
                bool store)
{
	uint64_t uaddr;
	int rc = -EFAULT;

	/* Memory that is taken out of the map meanwhile is waited for. */
	ioas_grace_enter(IOAS_GRACE_GUEST);
	uaddr = ioas_papr_memory_locked(papr, gpa, bytes);
	if (uaddr && store)
		rc = ioas_hooks.copy((void *)(uintptr_t)uaddr, mine, bytes);
	else if (uaddr)
		rc = ioas_hooks.copy(mine, (const void *)(uintptr_t)uaddr,
		                     bytes);
	ioas_grace_leave(IOAS_GRACE_GUEST);
	return rc;
}

/* @nr cells from cell @at of the block. */
static int load_cells(const struct call *call, uint64_t at, uint32_t *cell,
                      unsigned int nr)
{
	uint8_t bytes[RETS_MAX * CELL];
	unsigned int i;
	int rc;

	rc = copy(call->papr, call->gpa + at * CELL, bytes, nr * CELL, false);
	for (i = 0; !rc && i < nr; i++)
		cell[i] = load_be32(bytes + i * CELL);
	return rc;
}

static int store_cells(const struct call *call, uint64_t at,
                       const uint32_t *cell, unsigned int nr)
{
	uint8_t bytes[RETS_MAX * CELL];
	unsigned int i;

	for (i = 0; i < nr; i++)
		store_be32(bytes + i * CELL, cell[i]);
	return copy(call->papr, call->gpa + at * CELL, bytes, nr * CELL, true);
}

/* ---- One by one; with papr.lock. Return: the status. ---- */

static const struct {
	unsigned int shift;
	uint32_t bit;
} page_sizes[] = {
	{12, 1 << 0}, {16, 1 << 1}, {24, 1 << 2}, {25, 1 << 3}, {26, 1 << 4},
	{27, 1 << 5}, {28, 1 << 6}, {34, 1 << 7}, {21, 1 << 8},
};

static uint32_t page_mask(uint64_t sizes)
{
	uint32_t mask = 0;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(page_sizes); i++)
		if (sizes >> page_sizes[i].shift & 1)
			mask |= page_sizes[i].bit;
	return mask;
}

/* The bridge of the arguments, if its windows come and go. */
static struct ioas_papr_bridge *bridge_of(const struct call *call,
                                          struct ioas_windows_info *ret_info)
{
	uint64_t buid = (uint64_t)call->arg[1] << 32 | call->arg[2];
	struct ioas_papr_bridge *bridge =
		ioas_papr_bridge_locked(call->papr, buid);

	if (!bridge)
		return NULL;
	ioas_windows_describe(bridge->windows, ret_info);
	return ret_info->windows ? bridge : NULL;
}

static int32_t query(struct call *call)
{
	struct ioas_windows_info info;
	struct ioas_papr_bridge *bridge = bridge_of(call, &info);
	uint32_t *ret = call->ret + 1;

	if (!bridge)
		return IOAS_RTAS_PARAMETER;
	*ret++ = info.windows - info.live;
	if (call->nret == RETS_MAX) {
		*ret++ = (uint32_t)(bridge->entries >> 32);
		*ret++ = (uint32_t)bridge->entries;
	} else {
		*ret++ = bridge->entries > UINT32_MAX
		                 ? UINT32_MAX
		                 : (uint32_t)bridge->entries;
	}
	*ret++ = page_mask(info.page_sizes);
	*ret = 0;
	return IOAS_RTAS_SUCCESS;
}

/*
 * How deep a table shall be: a level of at most 2^13 entries, 64 KiB. So many
 * levels may be more than the platform can do with pages of that size; then
 * fewer will do.
 */
static unsigned int levels_for(unsigned int entries_lg2, unsigned int most)
{
	unsigned int levels = (entries_lg2 + 12) / 13;

	if (levels > most)
		levels = most;
	return levels ? levels : 1;
}

static int make(struct ioas_papr_bridge *bridge, struct ioas_window_shape shape,
                struct ioas_window_info *ret_info)
{
	int rc;

	do
		rc = ioas_window_create(bridge->windows, &shape, ret_info);
	while (rc == -EINVAL && --shape.levels);
	return rc;
}

/*
 * Where a window begins if the platform leaves that to us: in the upper half of
 * what POWER's windows have, behind all others.
 */
static uint64_t place_behind(const struct ioas_papr_bridge *bridge,
                             unsigned int page_shift)
{
	uint64_t page = UINT64_C(1) << page_shift;
	uint64_t at = UINT64_C(1) << 59;
	unsigned int slot;

	for (slot = 0; slot < IOAS_WINDOWS_MAX; slot++) {
		const struct ioas_papr_window *window =
			ioas_aptr_load(&bridge->shown[slot]);

		if (window && window->start + window->bytes > at)
			at = window->start + window->bytes;
	}
	/* If that wraps, it is refused: something else is there. */
	return (at + page - 1) & -page;
}

/* What the guest asks for can be had of some bridge like this. */
static bool is_shape(const struct ioas_papr_bridge *bridge,
                     const struct ioas_windows_info *info, uint32_t page_shift,
                     uint32_t window_shift)
{
	return page_shift < 64 && window_shift < 64 &&
	       (info->page_sizes >> page_shift & 1) &&
	       window_shift >= page_shift &&
	       UINT64_C(1) << (window_shift - page_shift) <= bridge->entries;
}

static int32_t create(struct call *call)
{
	uint32_t page_shift = call->arg[3], window_shift = call->arg[4];
	const struct ioas_papr_window *window;
	struct ioas_windows_info info;
	struct ioas_papr_bridge *bridge = bridge_of(call, &info);
	struct ioas_window_shape shape = {.page_shift = page_shift};
	struct ioas_window_info made;
	int rc;

	if (!bridge || !is_shape(bridge, &info, page_shift, window_shift))
		return IOAS_RTAS_PARAMETER;
	shape.levels = levels_for(window_shift - page_shift, info.levels);
	shape.bytes = UINT64_C(1) << window_shift;
	shape.start = place_behind(bridge, page_shift);
	rc = make(bridge, shape, &made);
	if (rc)
		return rc == -EINVAL ? IOAS_RTAS_PARAMETER : IOAS_RTAS_HARDWARE;
	window = ioas_papr_show_locked(bridge, &made);
	call->ret[1] = window->liobn;
	call->ret[2] = (uint32_t)(window->start >> 32);
	call->ret[3] = (uint32_t)window->start;
	return IOAS_RTAS_SUCCESS;
}

/* It stays what it is as long as papr.lock is held. */
static int32_t remove_window(struct call *call)
{
	struct ioas_papr_bridge *bridge = NULL;
	const struct ioas_papr_window *window;
	struct ioas_windows_info info;

	ioas_grace_enter(IOAS_GRACE_GUEST);
	window = ioas_papr_window_locked(call->papr, call->arg[0], &bridge);
	ioas_grace_leave(IOAS_GRACE_GUEST);
	if (!window)
		return IOAS_RTAS_PARAMETER;
	ioas_windows_describe(bridge->windows, &info);
	if (!info.windows)
		return IOAS_RTAS_PARAMETER;
	return ioas_papr_remove_locked(bridge, window->slot)
	               ? IOAS_RTAS_HARDWARE
	               : IOAS_RTAS_SUCCESS;
}

static int32_t reset(struct call *call)
{
	struct ioas_windows_info info;
	struct ioas_papr_bridge *bridge = bridge_of(call, &info);

	if (!bridge)
		return IOAS_RTAS_PARAMETER;
	return ioas_papr_reset_locked(bridge) ? IOAS_RTAS_HARDWARE
	                                      : IOAS_RTAS_SUCCESS;
}

/* ---- All of them ---- */

static const struct row {
	int32_t (*run)(struct call *call);
	unsigned int nargs, nret, nret_more;
} rows[IOAS_RTAS_CALLS] = {
	[IOAS_RTAS_QUERY] = {query, 3, 5, 6},
	[IOAS_RTAS_CREATE] = {create, 5, 4, 4},
	[IOAS_RTAS_REMOVE] = {remove_window, 1, 1, 1},
	[IOAS_RTAS_RESET] = {reset, 3, 1, 1},
};

static const struct row *row_of(const struct ioas_papr *papr, uint32_t token)
{
	unsigned int i;

	for (i = 0; token && i < IOAS_RTAS_CALLS; i++)
		if (papr->config.token[i] == token)
			return &rows[i];
	return NULL;
}

static bool takes(const struct row *row, const struct call *call)
{
	return call->nargs == row->nargs &&
	       (call->nret == row->nret || call->nret == row->nret_more);
}

/* The cells of the call, and they can be written. */
static int begin(struct call *call, const struct row *row)
{
	uint64_t rets = HEAD + (uint64_t)call->nargs;
	unsigned int nret = takes(row, call) ? call->nret : 1;
	int rc = load_cells(call, rets, call->ret, nret);

	if (!rc)
		rc = store_cells(call, rets, call->ret, nret);
	if (!rc && takes(row, call))
		rc = load_cells(call, HEAD, call->arg, call->nargs);
	return rc;
}

static int run(struct call *call, const struct row *row)
{
	int32_t status = IOAS_RTAS_PARAMETER;

	if (takes(row, call)) {
		ioas_lock(&call->papr->lock);
		status = row->run(call);
		ioas_unlock(&call->papr->lock);
	}
	call->ret[0] = (uint32_t)status;
	return store_cells(call, HEAD + (uint64_t)call->nargs, call->ret,
	                   status ? 1 : call->nret);
}

int ioas_papr_rtas(struct ioas_papr *papr, uint64_t gpa)
{
	struct call call = {.papr = papr, .gpa = gpa};
	const struct row *row;
	uint32_t head[HEAD];
	int rc = load_cells(&call, 0, head, HEAD);

	if (rc)
		return rc;
	row = row_of(papr, head[0]);
	if (!row)
		return -ENOENT;
	call.nargs = head[1];
	call.nret = head[2];
	if (!call.nret)
		return -EINVAL;
	rc = begin(&call, row);
	return rc ? rc : run(&call, row);
}
