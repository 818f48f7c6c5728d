/* SPDX-License-Identifier: MIT */
/*
 * See dirty.h.
 *
 * Ordering: a mark comes before the put of the count that its maker holds, and
 * so before the end of the region. Who unpins comes after that, and loads
 * relaxed.
 */
#include "mem/dirty.h"

#include <errno.h>

#include "base/hooks.h"
#include "mem/registry.h"

static uint64_t words_of(uint64_t npages)
{
	return (npages + 63) / 64;
}

int ioas_marks_init(struct ioas_marks *marks, uint64_t npages)
{
	marks->word = &marks->one;
	ioas_a64_store_relaxed(&marks->one, 0);
	ioas_a32_store_relaxed(&marks->any, 0);
	if (words_of(npages) > 1)
		marks->word = ioas_hooks.alloc(words_of(npages) *
		                               sizeof(*marks->word));
	return marks->word ? 0 : -ENOMEM;
}

void ioas_marks_fini(struct ioas_marks *marks, uint64_t npages)
{
	if (marks->word && marks->word != &marks->one)
		ioas_hooks.free(marks->word,
		                words_of(npages) * sizeof(*marks->word));
	marks->word = NULL;
}

/* ---- Unpinning. ---- */

static bool is_dirty(const struct ioas_marks *marks, uint64_t page)
{
	return ioas_a64_load_relaxed(&marks->word[page / 64]) >> (page % 64) &
	       1;
}

/* Is the whole word of marks from @page on, up to @end, clean? */
static bool clean_word(const struct ioas_marks *marks, uint64_t page,
                       uint64_t end)
{
	return page % 64 == 0 && end - page >= 64 &&
	       !ioas_a64_load_relaxed(&marks->word[page / 64]);
}

bool ioas_marks_alike(const struct ioas_marks *marks, uint64_t page,
                      uint64_t *npages)
{
	uint64_t next = page, end = page + *npages;
	bool dirty;

	if (!marks->word || !ioas_a32_load_relaxed(&marks->any))
		return false;
	dirty = is_dirty(marks, page);
	while (next < end && is_dirty(marks, next) == dirty)
		next += !dirty && clean_word(marks, next, end) ? 64 : 1;
	*npages = next - page;
	return dirty;
}

/* ---- Marking. ---- */

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
	unsigned int shift = m->registry->pinner.page_shift;
	uint64_t page, last;

	if (!length)
		return;
	ioas_law(MEM_5, ioas_member_holds(m, start, length));
	if (!m->marks.word)
		return;
	/* Relaxed: it comes before the put of its maker, as the marks do. */
	if (!ioas_a32_load_relaxed(&m->marks.any))
		ioas_a32_store_relaxed(&m->marks.any, 1);
	page = (start - region->start.raw) >> shift;
	last = (start + (length - 1) - region->start.raw) >> shift;
	for (; page <= last; page = (page | 63) + 1) {
		uint64_t from = ~UINT64_C(0) << (page % 64);
		uint64_t to = last / 64 == page / 64
		                      ? ~UINT64_C(0) >> (63 - last % 64)
		                      : ~UINT64_C(0);

		mark_word(&m->marks.word[page / 64], from & to);
	}
}

uint64_t ioas_region_fetch_dirty(struct ioas_region *region, uint64_t first)
{
	struct ioas_member *m = ioas_member_of(region);

	if (!m->marks.word ||
	    first >= region->length >> m->registry->pinner.page_shift)
		return 0;
	return ioas_a64_exchange(&m->marks.word[first / 64], 0);
}
