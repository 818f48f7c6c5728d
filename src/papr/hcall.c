/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls. Each is a row: what is common is checked before it runs, in the
 * order that the public header tells; what it writes it writes by one call of
 * the set, which does all of it or nothing (WIN-2), so PAPR-2 holds.
 */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/law.h"
#include "base/types.h"
#include "papr/papr.h"

struct call {
	struct ioas_papr *papr;
	struct ioas_hypercall *reg;
	struct ioas_papr_bridge *bridge;
	const struct ioas_papr_window *window;
	uint64_t ioba, count; /* pages */
};

/* ---- What calls have in common ---- */

/* A set's answer as the guest's. */
static int64_t answer(const struct call *call, int rc)
{
	switch (rc) {
	case 0:
		return IOAS_H_SUCCESS;
	case -EAGAIN:
		ioas_law(PAPR_2, !call->reg->may_sleep);
		return IOAS_H_TOO_HARD;
	case -ENOMEM:
		return IOAS_H_NOT_ENOUGH_RESOURCES;
	default:
		return IOAS_H_PARAMETER;
	}
}

/* Whole pages of the window, all inside; no sum can wrap. */
static bool is_in_window(const struct call *call)
{
	const struct ioas_papr_window *window = call->window;
	uint64_t at = call->ioba - window->start;

	return call->ioba >= window->start && at <= window->bytes &&
	       !(at & ioas_mask_lg2(window->page_shift)) &&
	       call->count <= (window->bytes - at) >> window->page_shift;
}

/* A guest's entry as the set has them, or false: it leads nowhere. */
static bool convert(const struct call *call, uint64_t tce, uint64_t *ret_entry)
{
	unsigned int shift = call->window->page_shift;
	uint64_t gpa = tce & ~(uint64_t)IOAS_TCE_PERM, uaddr;

	if (gpa == tce) {
		*ret_entry = 0;
		return true;
	}
	if (gpa & ioas_mask_lg2(shift))
		return false;
	uaddr = ioas_papr_memory_locked(call->papr, gpa, UINT64_C(1) << shift);
	*ret_entry = uaddr | (tce & IOAS_TCE_PERM);
	return uaddr != 0;
}

static int64_t put(const struct call *call, const uint64_t *entry)
{
	const struct ioas_window_list list = {
		.iova = call->ioba,
		.entry = entry,
		.count = (unsigned int)call->count,
		.may_sleep = call->reg->may_sleep,
	};

	return answer(call, ioas_windows_put(call->bridge->windows, &list));
}

/* ---- One by one ---- */

/* The guest's address of what is mapped; 0: it has none any more. */
static uint64_t back_to_gpa(const struct call *call, uint64_t uaddr)
{
	struct ioas_range range;
	uint64_t value =
		ioas_ranges_find_values(&call->papr->memory, uaddr, 0, &range);

	return value ? (range.first + (uaddr - value)) | IOAS_TCE_PERM : 0;
}

static int64_t get_tce(struct call *call)
{
	struct ioas_window_entry entry;
	uint64_t gpa;
	int rc;

	/* The set's lock may be another's for a while. */
	if (!call->reg->may_sleep)
		return IOAS_H_TOO_HARD;
	rc = ioas_windows_get(call->bridge->windows, call->ioba, &entry);
	if (rc)
		return answer(call, rc);
	call->reg->ret = 0;
	if (!entry.asked)
		return IOAS_H_SUCCESS;
	gpa = back_to_gpa(call, entry.uaddr);
	call->reg->ret = (gpa & ~(uint64_t)IOAS_TCE_PERM) | entry.asked;
	return gpa ? IOAS_H_SUCCESS : IOAS_H_PARTIAL;
}

static int64_t put_tce(struct call *call)
{
	uint64_t entry;

	if (!convert(call, call->reg->arg[2], &entry))
		return IOAS_H_PARAMETER;
	return put(call, &entry);
}

static int64_t stuff_tce(struct call *call)
{
	static const uint64_t nothing[IOAS_WINDOW_LIST_MAX];
	unsigned int shift = call->window->page_shift;

	if (call->reg->arg[2] & IOAS_TCE_PERM)
		return IOAS_H_PARAMETER;
	if (!call->count)
		return IOAS_H_SUCCESS;
	if (call->count <= IOAS_WINDOW_LIST_MAX)
		return put(call, nothing);
	/* By pieces it would be half done. */
	if (!call->reg->may_sleep)
		return IOAS_H_TOO_HARD;
	return answer(call,
	              ioas_windows_unmap(call->bridge->windows, call->ioba,
	                                 call->count << shift));
}

static uint64_t load_be64(const uint64_t *at)
{
	const uint8_t *byte = (const uint8_t *)at;
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < sizeof(*at); i++)
		value = value << 8 | byte[i];
	return value;
}

/* Once, and as it was at that moment (PAPR-4). */
static bool fetch(const struct call *call, uint64_t *list)
{
	size_t bytes = call->count * sizeof(*list);
	uint64_t uaddr =
		ioas_papr_memory_locked(call->papr, call->reg->arg[2], bytes);

	return uaddr &&
	       !ioas_hooks.copy(list, (const void *)(uintptr_t)uaddr, bytes);
}

static int64_t put_tce_indirect(struct call *call)
{
	uint64_t list[IOAS_WINDOW_LIST_MAX];
	unsigned int i;

	if (!call->count)
		return IOAS_H_SUCCESS;
	if (!fetch(call, list))
		return IOAS_H_PARAMETER;
	/* All are checked before the first is written (PAPR-1). */
	for (i = 0; i < call->count; i++)
		if (!convert(call, load_be64(&list[i]), &list[i]))
			return IOAS_H_PARAMETER;
	return put(call, list);
}

/* ---- All of them ---- */

static const struct row {
	uint64_t number;
	int64_t (*run)(struct call *call);
	bool counts; /* arg[3]: pages; else it is one */
	bool lists;  /* arg[2]: guest's address of a list */
} rows[] = {
	{IOAS_H_GET_TCE, get_tce, false, false},
	{IOAS_H_PUT_TCE, put_tce, false, false},
	{IOAS_H_STUFF_TCE, stuff_tce, true, false},
	{IOAS_H_PUT_TCE_INDIRECT, put_tce_indirect, true, true},
};

static const struct row *row_of(uint64_t number)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++)
		if (rows[i].number == number)
			return &rows[i];
	return NULL;
}

static bool is_list(const struct call *call)
{
	return call->count <= IOAS_WINDOW_LIST_MAX &&
	       !(call->reg->arg[2] & ioas_mask_lg2(IOAS_TCE_PAGE_LG2));
}

/* Inside a section, in which what is found stays as it is (PAPR-3). */
static int64_t run(struct call *call, const struct row *row)
{
	call->window = ioas_papr_window_locked(call->papr, call->reg->arg[0],
	                                       &call->bridge);
	if (!call->window)
		return IOAS_H_PARAMETER;
	call->ioba = call->reg->arg[1];
	call->count = row->counts ? call->reg->arg[3] : 1;
	if (row->lists && !is_list(call))
		return IOAS_H_PARAMETER;
	if (!is_in_window(call))
		return IOAS_H_PARAMETER;
	return row->run(call);
}

int64_t ioas_papr_hypercall(struct ioas_papr *papr, struct ioas_hypercall *reg)
{
	struct call call = {.papr = papr, .reg = reg};
	const struct row *row = row_of(reg->number);
	int64_t ret;

	if (!row)
		return IOAS_H_FUNCTION;
	ioas_grace_enter(IOAS_GRACE_GUEST);
	ret = run(&call, row);
	ioas_grace_leave(IOAS_GRACE_GUEST);
	return ret;
}
