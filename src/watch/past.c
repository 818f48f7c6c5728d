/* SPDX-License-Identifier: MIT */
#include "watch/past.h"

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

void ioas_past_add(struct ioas_past *past,
                   const struct ioas_past_mapping *mapping)
{
	uint64_t n = ioas_a64_add(&past->head, 1);
	struct ioas_past_slot *slot = &past->slot[n % IOAS_PAST_MAX];

	/*
	 * Pair with the loads in take(): whoever sees a field sees the odd
	 * ticket as well, and whoever sees the even one sees every field.
	 */
	ioas_a64_store(&slot->ticket, 2 * n - 1);
	ioas_a64_store(&slot->what,
	               pair((uint32_t)mapping->kind, mapping->space));
	ioas_a64_store(&slot->first, mapping->range.first);
	ioas_a64_store(&slot->last, mapping->range.last);
	ioas_a64_store(&slot->sites,
	               pair(mapping->site_map, mapping->site_gone));
	ioas_a64_store(&slot->time, mapping->time);
	ioas_a64_store(&slot->thread, mapping->thread);
	ioas_a64_store(&slot->ticket, 2 * n);
}

/* False: it is being written. */
static bool take(const struct ioas_past_slot *slot,
                 struct ioas_past_mapping *ret_mapping)
{
	/* Pair with the stores in ioas_past_add(). */
	uint64_t ticket = ioas_a64_load(&slot->ticket);
	uint64_t what = ioas_a64_load(&slot->what);
	uint64_t sites;

	ret_mapping->kind = (enum ioas_event_kind)(what >> 32);
	ret_mapping->space = (uint32_t)what;
	ret_mapping->range.first = ioas_a64_load(&slot->first);
	ret_mapping->range.last = ioas_a64_load(&slot->last);
	sites = ioas_a64_load(&slot->sites);
	ret_mapping->site_map = (uint32_t)(sites >> 32);
	ret_mapping->site_gone = (uint32_t)sites;
	ret_mapping->time = ioas_a64_load(&slot->time);
	ret_mapping->thread = (uint32_t)ioas_a64_load(&slot->thread);
	return !(ticket & 1) && ioas_a64_load(&slot->ticket) == ticket;
}

bool ioas_past_find(const struct ioas_past *past, enum ioas_event_kind kind,
                    uint32_t space, struct iova at,
                    struct ioas_past_mapping *ret_mapping)
{
	uint64_t n = ioas_a64_load(&past->head);
	uint64_t end = n > IOAS_PAST_MAX ? n - IOAS_PAST_MAX : 0;
	struct ioas_past_mapping m;

	for (; n != end; n--) {
		if (!take(&past->slot[n % IOAS_PAST_MAX], &m) ||
		    m.kind != kind || (space && m.space != space) ||
		    at.raw < m.range.first || at.raw > m.range.last)
			continue;
		*ret_mapping = m;
		return true;
	}
	return false;
}
