/* SPDX-License-Identifier: MIT */
/*
 * See pins.h. Tables and chunks are never taken out while something is pinned,
 * so that a reader needs no more than its section; ioas_pins_fini() takes all
 * of them. They cost a thousandth of the addresses that were ever pinned.
 *
 * Ordering: tables and chunks are stored by release and loaded by acquire, so
 * that they are found zeroed. Counts are relaxed: a reader that races with a
 * map or an unmap gets the answer of before or after it.
 */
#include "mem/pins.h"

#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/law.h"
#include "base/lock.h"
#include "mem/mem.h"

#define CHUNK_BITS 9
#define CHUNK      (1u << CHUNK_BITS) /* pages */
#define TABLE_BITS 11
#define TABLE      (1u << TABLE_BITS)
#define LEVELS     4 /* 9 + 4 * 11 bits of page number: 64 from 2 KiB on */

struct chunk {
	struct ioas_a32 count[CHUNK];
	struct ioas_a32 whole; /* spans over all of it: not in count */
	struct ioas_span *first;
};

struct table {
	struct ioas_aptr slot[TABLE]; /* tables, at the lowest level chunks */
};

static struct ioas_lock lock;
static struct ioas_aptr root;    /* a table */
static struct ioas_span *wide;   /* over several chunks; under lock */
static struct ioas_a32 shift_of; /* of a page; set with the root */

struct ioas_a64 ioas_pins_live;

void ioas_pins_lock(void)
{
	ioas_lock(&lock);
}

void ioas_pins_unlock(void)
{
	ioas_unlock(&lock);
}

unsigned int ioas_pins_page_shift(void)
{
	/* Relaxed: it was stored before the root, and does not change. */
	return ioas_a32_load_relaxed(&shift_of);
}

/* ---- The tree. ---- */

static unsigned int index_at(uint64_t number, unsigned int level)
{
	return (unsigned int)(number >> (TABLE_BITS * level)) & (TABLE - 1);
}

/* The chunk, or NULL and how far the hole around it reaches. */
static struct chunk *chunk_at(uint64_t number, uint64_t *ret_last)
{
	/* Pairs with the stores in made(). */
	struct table *table = ioas_aptr_load(&root);
	unsigned int level;

	for (level = LEVELS; table && level; level--)
		table = ioas_aptr_load(
			&table->slot[index_at(number, level - 1)]);
	*ret_last = number | ioas_mask_lg2(TABLE_BITS * level);
	return (void *)table;
}

static struct chunk *chunk_there(uint64_t number)
{
	uint64_t last;
	struct chunk *chunk = chunk_at(number, &last);

	ioas_law(PINS_1, chunk != NULL);
	return chunk;
}

/* What is in the slot; made when there is nothing. NULL: no memory. */
static void *made(struct ioas_aptr *slot, size_t bytes)
{
	void *p = ioas_aptr_load(slot);

	if (p)
		return p;
	p = ioas_hooks.alloc(bytes);
	if (p)
		/* Pairs with the loads in chunk_at(). */
		ioas_aptr_store(slot, p);
	return p;
}

static bool make_chunk_locked(uint64_t number)
{
	struct ioas_aptr *slot = &root;
	unsigned int level = LEVELS;
	struct table *table;

	while (level-- > 0) {
		table = made(slot, sizeof(*table));
		if (!table)
			return false;
		slot = &table->slot[index_at(number, level)];
	}
	return made(slot, sizeof(struct chunk)) != NULL;
}

/* @depth tables lie below each other from here on. */
static void free_below(void *p, unsigned int depth)
{
	struct table *table = p;
	unsigned int i;

	if (!p)
		return;
	if (!depth) {
		ioas_hooks.free(p, sizeof(struct chunk));
		return;
	}
	for (i = 0; i < TABLE; i++)
		/* Relaxed: nobody else has it any more. */
		free_below(ioas_aptr_load_relaxed(&table->slot[i]), depth - 1);
	ioas_delete(table);
}

void ioas_pins_fini(void)
{
	void *old = NULL;

	ioas_lock(&lock);
	if (!ioas_a64_load(&ioas_pins_live))
		old = ioas_aptr_exchange(&root, NULL);
	ioas_unlock(&lock);
	if (!old)
		return;
	ioas_grace_sync(IOAS_GRACE_DMA);
	free_below(old, LEVELS);
}

void ioas_pins_forked(void)
{
	/* Relaxed: a forked child has one thread. The memory is the parent's */
	ioas_lock_reset(&lock);
	ioas_aptr_store_relaxed(&root, NULL);
	ioas_a64_store_relaxed(&ioas_pins_live, 0);
	wide = NULL;
}

/* ---- Looking, without the lock. ---- */

/* Is it pinned? @ret_last: as far as the same is true without a look. */
static bool pinned_at(uint64_t page, uint64_t *ret_last)
{
	struct chunk *chunk = chunk_at(page >> CHUNK_BITS, ret_last);

	*ret_last = *ret_last << CHUNK_BITS | (CHUNK - 1);
	if (!chunk)
		return false;
	/* Relaxed: see the head of this file. */
	if (ioas_a32_load_relaxed(&chunk->whole))
		return true;
	*ret_last = page;
	return ioas_a32_load_relaxed(&chunk->count[page & (CHUNK - 1)]);
}

/* The first page from @page to @end that is pinned, or is not; else @end. */
static uint64_t seek(uint64_t page, uint64_t end, bool pinned)
{
	uint64_t last;

	while (page < end && pinned_at(page, &last) != pinned)
		page = last < end ? last + 1 : end;
	return page;
}

bool ioas_pins_run(struct uaddr_range range, struct uaddr_range *ret_run)
{
	unsigned int shift;
	uint64_t first, after, end;

	ioas_grace_enter(IOAS_GRACE_DMA);
	shift = ioas_pins_page_shift();
	end = (range.last >> shift) + 1;
	first = seek(range.first >> shift, end, true);
	after = seek(first, end, false);
	ioas_grace_leave(IOAS_GRACE_DMA);
	if (first == after)
		return false;
	ret_run->first = first << shift;
	ret_run->last = (after << shift) - 1;
	return true;
}

/* ---- Spans. ---- */

static uint64_t first_page(const struct ioas_span *span)
{
	return span->at.raw >> ioas_pins_page_shift();
}

static uint64_t last_page(const struct ioas_span *span)
{
	return (span->at.raw + (span->bytes - 1)) >> ioas_pins_page_shift();
}

int ioas_pins_reserve_locked(struct uaddr at, uint64_t bytes,
                             unsigned int shift)
{
	uint64_t number = at.raw >> shift >> CHUNK_BITS;
	uint64_t last = (at.raw + (bytes - 1)) >> shift >> CHUNK_BITS;

	/* Relaxed: it is published with the root. */
	if (!ioas_aptr_load_relaxed(&root))
		ioas_a32_store_relaxed(&shift_of, shift);
	ioas_law(PINS_1, ioas_pins_page_shift() == shift);
	for (; number <= last; number++)
		if (!make_chunk_locked(number))
			return -ENOMEM;
	return 0;
}

static void add_to(struct ioas_a32 *count, uint32_t n)
{
	/* Relaxed: written under the lock; see the head of this file. */
	uint32_t now = ioas_a32_load_relaxed(count) + n;

	ioas_law(PINS_1, now != UINT32_MAX);
	ioas_a32_store_relaxed(count, now);
}

/* Count pages [first, last]; @n is 1 or its complement. */
static void count_pages(uint64_t first, uint64_t last, uint32_t n)
{
	struct chunk *chunk;
	uint64_t end;

	for (; first <= last; first = end + 1) {
		chunk = chunk_there(first >> CHUNK_BITS);
		end = first | (CHUNK - 1);
		if (end <= last && !(first & (CHUNK - 1))) {
			add_to(&chunk->whole, n);
			continue;
		}
		end = end < last ? end : last;
		for (; first <= end; first++)
			add_to(&chunk->count[first & (CHUNK - 1)], n);
	}
}

/* The list that a span is in: its chunk's, if it has one. */
static struct ioas_span **list_of(const struct ioas_span *span)
{
	uint64_t number = first_page(span) >> CHUNK_BITS;

	if (number != last_page(span) >> CHUNK_BITS)
		return &wide;
	return &chunk_there(number)->first;
}

/* Into the lists, or out of them; the counts stay. */
static void link_span(struct ioas_span *span)
{
	struct ioas_span **list = list_of(span);

	span->next = *list;
	span->place = list;
	if (span->next)
		span->next->place = &span->next;
	*list = span;
}

static void unlink_span(struct ioas_span *span)
{
	*span->place = span->next;
	if (span->next)
		span->next->place = span->place;
}

void ioas_pins_add_locked(struct ioas_span *span)
{
	link_span(span);
	count_pages(first_page(span), last_page(span), 1);
	ioas_a64_add(&ioas_pins_live, 1);
}

void ioas_pins_remove_locked(struct ioas_span *span)
{
	unlink_span(span);
	count_pages(first_page(span), last_page(span), UINT32_MAX);
	ioas_a64_add(&ioas_pins_live, -UINT64_C(1));
}

static struct ioas_span *find_in(struct ioas_span *list, uint64_t first,
                                 uint64_t last, struct ioas_span *found)
{
	struct ioas_span *span;

	for (span = list; span; span = span->next) {
		if (first_page(span) > last || last_page(span) < first)
			continue;
		span->found = found;
		found = span;
	}
	return found;
}

struct ioas_span *ioas_pins_find_locked(struct uaddr_range range)
{
	uint64_t first = range.first >> ioas_pins_page_shift();
	uint64_t last = range.last >> ioas_pins_page_shift();
	uint64_t number = first >> CHUNK_BITS, hole;
	struct ioas_span *found = find_in(wide, first, last, NULL);
	struct chunk *chunk;

	for (; number <= last >> CHUNK_BITS; number = hole + 1) {
		chunk = chunk_at(number, &hole);
		if (chunk)
			found = find_in(chunk->first, first, last, found);
	}
	return found;
}

int ioas_span_cut_locked(struct ioas_span *span, uint64_t offset)
{
	struct ioas_span *rest = ioas_new(struct ioas_span);
	uint64_t first = first_page(span), last = last_page(span);

	if (!rest)
		return -ENOMEM;
	ioas_law(PINS_2, offset - span->offset - 1 < span->bytes - 1);
	unlink_span(span);
	rest->region = span->region;
	rest->offset = offset;
	rest->bytes = span->bytes - (offset - span->offset);
	rest->at.raw = span->at.raw + (offset - span->offset);
	span->bytes -= rest->bytes;
	rest->sibling = span->sibling;
	span->sibling = rest;
	/* In this order no page is seen without a pin. */
	ioas_pins_add_locked(span);
	ioas_pins_add_locked(rest);
	count_pages(first, last, UINT32_MAX);
	ioas_a64_add(&ioas_pins_live, -UINT64_C(1));
	return 0;
}

int ioas_spans_enter(struct ioas_region *region, unsigned int page_shift)
{
	struct ioas_span *span = &region->span;
	int rc;

	span->region = region;
	span->bytes = region->length;
	span->at = region->start;
	ioas_pins_lock();
	rc = ioas_pins_reserve_locked(region->start, region->length,
	                              page_shift);
	if (!rc)
		ioas_pins_add_locked(span);
	ioas_pins_unlock();
	return rc;
}

/* Return: what was set aside for it alone. */
static struct ioas_keep *take_out(struct ioas_region *region)
{
	struct ioas_span *span, *sibling;
	struct ioas_keep *ends = NULL;

	ioas_pins_lock();
	for (span = &region->span; span; span = sibling) {
		sibling = span->sibling;
		if (!span->keep && !span->gone)
			ioas_pins_remove_locked(span);
		ioas_law(PINS_3, !span->keep || span->keep->users);
		if (span->keep && --span->keep->users == 0) {
			span->keep->next = ends;
			ends = span->keep;
		}
		if (span != &region->span)
			ioas_delete(span);
	}
	ioas_pins_unlock();
	return ends;
}

void ioas_spans_leave(struct ioas_region *region)
{
	struct ioas_keep *keep = take_out(region), *next;

	for (; keep; keep = next) {
		next = keep->next;
		keep->end(keep);
	}
}

void ioas_keep_put(struct ioas_keep *keep)
{
	bool last;

	ioas_lock(&lock);
	ioas_law(PINS_3, keep->users);
	last = --keep->users == 0;
	ioas_unlock(&lock);
	if (last)
		keep->end(keep);
}
