/* SPDX-License-Identifier: MIT */
/*
 * Marks: pages that a device may have written, a bit for each. They belong to
 * the region, not to the table, so that they are there until it is unpinned.
 *
 * Ordering: a mark comes before the put of the count that its maker holds, and
 * so before the end of the region.
 */
#include "mem/registry.h"

static void mark_word(struct ioas_a64 *word, uint64_t bits)
{
	/* Relaxed: it is tried until it fits. */
	uint64_t seen = ioas_a64_load_relaxed(word);

	while ((seen & bits) != bits)
		if (ioas_a64_cas(word, &seen, seen | bits))
			return;
}

void ioas_region_mark_dirty(struct ioas_region *region, uint64_t start,
                            uint64_t length)
{
	struct ioas_member *m = ioas_member_of(region);
	unsigned int shift = m->page_shift;
	uint64_t page, last;

	if (!length)
		return;
	ioas_law(MEM_5, ioas_member_holds(m, start, length));
	if (!m->pinned.dirty)
		return;
	/* Relaxed: it comes before the put of its maker, as the marks do. */
	if (!ioas_a32_load_relaxed(&m->pinned.marked))
		ioas_a32_store_relaxed(&m->pinned.marked, 1);
	page = (start - region->start.raw) >> shift;
	last = (start + (length - 1) - region->start.raw) >> shift;
	for (; page <= last; page = (page | 63) + 1) {
		uint64_t from = ~UINT64_C(0) << (page % 64);
		uint64_t to = last / 64 == page / 64
		                      ? ~UINT64_C(0) >> (63 - last % 64)
		                      : ~UINT64_C(0);

		mark_word(&m->pinned.dirty[page / 64], from & to);
	}
}

uint64_t ioas_region_fetch_dirty(struct ioas_region *region, uint64_t first)
{
	struct ioas_member *m = ioas_member_of(region);

	if (!m->pinned.dirty || first >= region->length >> m->page_shift)
		return 0;
	return ioas_a64_exchange(&m->pinned.dirty[first / 64], 0);
}
