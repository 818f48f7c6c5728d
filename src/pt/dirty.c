/* SPDX-License-Identifier: MIT */
/*
 * Where devices have written. A leaf is clean or dirty; devices make it dirty,
 * read-and-clear makes it clean. Both are one compare-and-swap, so a write is
 * in what is taken now or its mark is in the entry, for the next time (PT-8).
 */
#include "pt/visit.h"
#include "pt/walk.h"

/* The entry that settles @at; *ret_level is its level. NULL: outside. */
static struct ioas_a64 *entry_of(const struct ioas_pt *pt, struct iova at,
                                 unsigned int *ret_level)
{
	const struct ioas_pt_format *f = pt->format;
	unsigned int level = pt->levels - 1;
	const struct ioas_a64 *table = pt->top, *place;
	uint64_t index = (at.raw & ~pt->beyond) >> pt->root_shift, entry;

	if ((at.raw ^ pt->base) & pt->beyond)
		return NULL;
	for (;;) {
		place = &table[index];
		/* As in ioas_pt_walk_down(). */
		entry = ioas_pt_order(f, ioas_a64_load(place));
		if (f->kind(level, entry) != IOAS_PT_TABLE)
			break;
		table = ioas_pt_table_in(f, pt, level, entry);
		level--;
		index = (at.raw >> ioas_pt_shift_of(pt, level)) &
		        ioas_mask_lg2(pt->index_bits);
	}
	*ret_level = level;
	return (struct ioas_a64 *)(uintptr_t)place;
}

bool ioas_pt_mark(const struct ioas_pt *pt, struct iova at)
{
	const struct ioas_pt_format *f = pt->format;
	struct ioas_a64 *place;
	uint64_t seen, entry;
	unsigned int level;

	if (!pt->dirty)
		return false;
	do {
		place = entry_of(pt, at, &level);
		if (!place)
			return false;
		seen = ioas_a64_load(place);
		entry = ioas_pt_order(f, seen);
		/* It may be a table by now: then again. */
		if (f->kind(level, entry) == IOAS_PT_TABLE)
			continue;
		if (f->kind(level, entry) != IOAS_PT_LEAF ||
		    !(f->says(pt, level, entry).perm & IOAS_WRITE))
			return false;
		if (f->is_dirty(entry))
			return true;
		/* Pairs with that in ioas_pt_change(). */
		if (ioas_a64_cas(place, &seen,
		                 ioas_pt_order(f, f->dirty(entry))))
			return true;
	} while (true);
}

struct taking {
	struct ioas_pt_visit visit;
	struct ioas_pt_finder *finder;
	struct ioas_pt_gather *gather;
	bool clear;
};

static int take_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                   unsigned int i, struct iova_range piece)
{
	const struct ioas_pt_format *f = visit->pt->format;
	struct taking *t = (struct taking *)visit;
	uint64_t entry;

	do {
		entry = ioas_pt_get(visit->pt, node, i);
		if (f->kind(node->level, entry) != IOAS_PT_LEAF ||
		    !f->is_dirty(entry))
			return 0;
	} while (t->clear &&
	         !ioas_pt_change(visit->pt, node, i, entry, f->clean(entry)));
	t->finder->found(t->finder, piece);
	if (t->clear)
		ioas_pt_gather_range(t->gather, piece);
	return 0;
}

void ioas_pt_take_dirty(struct ioas_pt *pt, struct iova_range range, bool clear,
                        struct ioas_pt_finder *finder,
                        struct ioas_pt_gather *gather)
{
	struct taking t = {{pt, take_at}, finder, gather, clear};

	if (pt->dirty)
		ioas_pt_visit(&t.visit, range);
}

static int lose_dirty_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                         unsigned int i, struct iova_range piece)
{
	const struct ioas_pt_format *f = visit->pt->format;
	struct taking *t = (struct taking *)visit;
	unsigned int asked;
	uint64_t entry;

	do {
		entry = ioas_pt_get(visit->pt, node, i);
		if (f->kind(node->level, entry) != IOAS_PT_LEAF)
			return 0;
		asked = f->says(visit->pt, node->level, entry).asked;
	} while (!ioas_pt_change(visit->pt, node, i, entry, f->lost(asked)));
	if (f->is_dirty(entry))
		t->finder->found(t->finder, piece);
	return 0;
}

void ioas_pt_lose_dirty(struct ioas_pt *pt, struct iova_range range,
                        struct ioas_pt_finder *finder)
{
	struct taking t = {{pt, lose_dirty_at}, .finder = finder};

	if (!pt->dirty)
		return;
	ioas_pt_visit(&t.visit, range);
	ioas_pt_invalidate(pt, range);
}
