/* SPDX-License-Identifier: MIT */
/*
 * One walker for everything: each of need(), fill() and clear() goes over the
 * pieces of a range, one piece per entry of the table it stands on, and down
 * where an entry does not settle its piece. So tables are looked up once per
 * table and not once per page, and the lowest level is a flat loop of stores.
 *
 * Map cannot fail half way (PT-1): need() counts the tables that are missing,
 * they are allocated, and only then does fill() write.
 *
 * Every table below the root holds at least one live entry: the last one that
 * goes takes the table with it. A table that lies in an unmapped range as a
 * whole is unlinked as it is, with all below it; a reader that still stands in
 * it finds the old entries until its section ends, which is what the grace
 * period of PT-3 waits for. For the same reason a range that holds no leaf
 * holds no table either where a large leaf would fit.
 *
 * Ordering: entries are stored by release and loaded by acquire: a reader finds
 * a new table zeroed, and behind a leaf what the program wrote before it asked
 * for the mapping. Entries are cleared relaxed; the grace period orders that.
 */
#include "pt/pt.h"

#include <errno.h>

#include "base/hooks.h"
#include "base/law.h"

#define INDEX_BITS     9
#define ENTRIES        (1u << INDEX_BITS)
#define LEAF_LEVEL_MAX 2
#define TABLE          UINT64_C(1)
#define PERM_SHIFT     1

struct ioas_pt_table {
	struct ioas_a64 entry[ENTRIES];
	unsigned int level;         /* constant once it is linked */
	unsigned int live;          /* entries that are not 0; the writer's */
	struct ioas_pt_table *next; /* among spare or gone ones */
};

/* Consecutive addresses and what they are to lead to. */
struct run {
	uint64_t first, last;
	uint64_t phys;
	unsigned int perm;
};

static unsigned int shift_of(const struct ioas_pt *pt, unsigned int level)
{
	return pt->page_shift + INDEX_BITS * level;
}

static unsigned int index_of(const struct ioas_pt *pt, unsigned int level,
                             uint64_t at)
{
	return (unsigned int)(at >> shift_of(pt, level)) & (ENTRIES - 1);
}

static struct ioas_pt_table *table_in(uint64_t entry)
{
	if (!(entry & TABLE))
		return NULL;
	return (struct ioas_pt_table *)(uintptr_t)(entry & ~TABLE);
}

static uint64_t leaf_entry(const struct run *run)
{
	return run->phys | (uint64_t)run->perm << PERM_SHIFT;
}

static struct ioas_pt_table *table_new(void)
{
	return ioas_new(struct ioas_pt_table);
}

/* With all below it. As deep as the tree has levels: six at most. */
static void table_free(struct ioas_pt_table *table)
{
	unsigned int i, left = table->level ? table->live : 0;

	for (i = 0; left; i++) {
		/* Relaxed: nobody else has it any more. */
		uint64_t entry = ioas_a64_load_relaxed(&table->entry[i]);

		left -= entry != 0;
		if (table_in(entry))
			table_free(table_in(entry));
	}
	ioas_delete(table);
}

int ioas_pt_init(struct ioas_pt *pt, unsigned int page_shift, unsigned int bits)
{
	struct ioas_pt_table *root = table_new();

	if (!root)
		return -ENOMEM;
	pt->page_shift = page_shift;
	pt->bits = bits;
	pt->levels = (bits - page_shift + INDEX_BITS - 1) / INDEX_BITS;
	pt->root = root;
	root->level = pt->levels - 1;
	return 0;
}

void ioas_pt_fini(struct ioas_pt *pt)
{
	table_free(pt->root);
	pt->root = NULL;
}

/* The piece of [at, last] that one entry stands for. */
static uint64_t piece_last(const struct ioas_pt *pt, unsigned int level,
                           uint64_t at, uint64_t last)
{
	uint64_t end = at | ioas_mask_lg2(shift_of(pt, level));

	return end < last ? end : last;
}

static struct run piece_of(const struct ioas_pt *pt, unsigned int level,
                           const struct run *run, uint64_t at)
{
	return (struct run){at, piece_last(pt, level, at, run->last),
	                    run->phys + (at - run->first), run->perm};
}

static bool is_whole(const struct ioas_pt *pt, unsigned int level,
                     uint64_t first, uint64_t last)
{
	return last - first == ioas_mask_lg2(shift_of(pt, level));
}

static bool leaf_fits(const struct ioas_pt *pt, unsigned int level,
                      const struct run *piece)
{
	return level <= LEAF_LEVEL_MAX &&
	       is_whole(pt, level, piece->first, piece->last) &&
	       !(piece->phys & ioas_mask_lg2(shift_of(pt, level)));
}

/* How many tables are missing below @table, which may be missing itself. */
static uint64_t need(const struct ioas_pt *pt, unsigned int level,
                     const struct ioas_pt_table *table, const struct run *run)
{
	uint64_t at = run->first, n = 0;

	while (level) {
		struct run piece = piece_of(pt, level, run, at);
		unsigned int i = index_of(pt, level, at);
		struct ioas_pt_table *child = NULL;

		if (table) /* relaxed: only writers write, and we are it */
			child = table_in(
				ioas_a64_load_relaxed(&table->entry[i]));
		if (!leaf_fits(pt, level, &piece))
			n += !child + need(pt, level - 1, child, &piece);
		if (piece.last == run->last)
			break;
		at = piece.last + 1;
	}
	return n;
}

static void free_list(struct ioas_pt_table *first)
{
	while (first) {
		struct ioas_pt_table *next = first->next;

		table_free(first);
		first = next;
	}
}

/* Return: 0 or -ENOMEM, and nothing is left then. */
static int reserve(uint64_t n, struct ioas_pt_table **spare)
{
	struct ioas_pt_table *table;

	while (n-- > 0) {
		table = table_new();
		if (!table) {
			free_list(*spare);
			return -ENOMEM;
		}
		table->next = *spare;
		*spare = table;
	}
	return 0;
}

/* The table behind an entry; put there first when there is none. */
static struct ioas_pt_table *child_at(struct ioas_pt_table *table,
                                      unsigned int i,
                                      struct ioas_pt_table **spare)
{
	/* Relaxed: only writers write, and we are it. */
	uint64_t entry = ioas_a64_load_relaxed(&table->entry[i]);
	struct ioas_pt_table *child = table_in(entry);

	if (child)
		return child;
	ioas_law(PT_1, entry == 0 && *spare);
	child = *spare;
	*spare = child->next;
	child->level = table->level - 1;
	table->live++;
	/* Pairs with the load in ioas_pt_walk(). */
	ioas_a64_store(&table->entry[i], (uintptr_t)child | TABLE);
	return child;
}

static void fill_pages(const struct ioas_pt *pt, struct ioas_pt_table *table,
                       const struct run *run)
{
	uint64_t page = UINT64_C(1) << pt->page_shift;
	uint64_t n = ((run->last - run->first) >> pt->page_shift) + 1;
	struct ioas_a64 *entry = &table->entry[index_of(pt, 0, run->first)];
	uint64_t i, value = leaf_entry(run);

	/* Pairs with the load in ioas_pt_walk(). */
	for (i = 0; i < n; i++, value += page)
		ioas_a64_store(&entry[i], value);
	table->live += (unsigned int)n;
}

static void fill(const struct ioas_pt *pt, struct ioas_pt_table *table,
                 const struct run *run, struct ioas_pt_table **spare)
{
	unsigned int level = table->level;
	struct run piece = {.last = run->first - 1};

	if (!level) {
		fill_pages(pt, table, run);
		return;
	}
	do {
		unsigned int i = index_of(pt, level, piece.last + 1);

		piece = piece_of(pt, level, run, piece.last + 1);
		if (!leaf_fits(pt, level, &piece)) {
			fill(pt, child_at(table, i, spare), &piece, spare);
			continue;
		}
		/* Relaxed: only writers write, and we are it. */
		ioas_law(PT_1, !ioas_a64_load_relaxed(&table->entry[i]));
		/* Pairs with the load in ioas_pt_walk(). */
		ioas_a64_store(&table->entry[i], leaf_entry(&piece));
		table->live++;
	} while (piece.last != run->last);
}

int ioas_pt_map(struct ioas_pt *pt, struct iova_range range, struct phys phys,
                unsigned int perm)
{
	struct run run = {range.first, range.last, phys.raw, perm};
	struct ioas_pt_table *spare = NULL;
	int rc;

	rc = reserve(need(pt, pt->levels - 1, pt->root, &run), &spare);
	if (rc)
		return rc;
	fill(pt, pt->root, &run, &spare);
	ioas_law(PT_1, !spare);
	return 0;
}

static void clear_entry(struct ioas_pt_table *table, unsigned int i)
{
	ioas_law(PT_4, table->live > 0);
	table->live--;
	/* Relaxed: the grace period orders it before what follows. */
	ioas_a64_store_relaxed(&table->entry[i], 0);
}

static void clear_pages(const struct ioas_pt *pt, struct ioas_pt_table *table,
                        struct iova_range range)
{
	uint64_t n = ((range.last - range.first) >> pt->page_shift) + 1;
	struct ioas_a64 *entry = &table->entry[index_of(pt, 0, range.first)];
	uint64_t i;

	ioas_law(PT_4, table->live >= n);
	/* Relaxed: as in clear_entry(). */
	for (i = 0; i < n; i++)
		ioas_a64_store_relaxed(&entry[i], 0);
	table->live -= (unsigned int)n;
}

static void clear(const struct ioas_pt *pt, struct ioas_pt_table *table,
                  struct iova_range range, struct ioas_pt_gone *gone)
{
	unsigned int level = table->level;
	struct iova_range piece = {.last = range.first - 1};

	if (!level) {
		clear_pages(pt, table, range);
		return;
	}
	do {
		unsigned int i = index_of(pt, level, piece.last + 1);
		/* Relaxed: only writers write, and we are it. */
		uint64_t entry = ioas_a64_load_relaxed(&table->entry[i]);
		struct ioas_pt_table *child = table_in(entry);
		bool whole;

		piece.first = piece.last + 1;
		piece.last = piece_last(pt, level, piece.first, range.last);
		whole = is_whole(pt, level, piece.first, piece.last);
		ioas_law(PT_4, child || (entry && whole));
		if (child && !whole)
			clear(pt, child, piece, gone);
		if (child && !whole && child->live)
			continue;
		clear_entry(table, i);
		if (child) {
			child->next = gone->first;
			gone->first = child;
		}
	} while (piece.last != range.last);
}

void ioas_pt_unmap(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gone *gone)
{
	clear(pt, pt->root, range, gone);
}

void ioas_pt_free_gone(struct ioas_pt_gone *gone)
{
	free_list(gone->first);
	gone->first = NULL;
}

/* ---- Moving. ---- */

/* A table of the next level that says the same as a leaf. */
static struct ioas_pt_table *table_of_leaf(const struct ioas_pt *pt,
                                           unsigned int level, uint64_t leaf)
{
	struct ioas_pt_table *table = table_new();
	unsigned int i;

	if (!table)
		return NULL;
	table->level = level - 1;
	table->live = ENTRIES;
	/* Relaxed: it is published by the store in split_entry(). */
	for (i = 0; i < ENTRIES; i++)
		ioas_a64_store_relaxed(
			&table->entry[i],
			leaf + ((uint64_t)i << shift_of(pt, level - 1)));
	return table;
}

/* Return: 0 or -ENOMEM; the entry then is as it was. */
static int split_entry(const struct ioas_pt *pt, struct ioas_pt_table *table,
                       unsigned int i)
{
	/* Relaxed: only writers write, and we are it. */
	uint64_t leaf = ioas_a64_load_relaxed(&table->entry[i]);
	struct ioas_pt_table *child = table_of_leaf(pt, table->level, leaf);

	if (!child)
		return -ENOMEM;
	/* Pairs with the load in ioas_pt_walk(). */
	ioas_a64_store(&table->entry[i], (uintptr_t)child | TABLE);
	return 0;
}

static int split(const struct ioas_pt *pt, struct ioas_pt_table *table,
                 struct iova_range range, uint64_t delta)
{
	unsigned int level = table->level;
	uint64_t mask = ioas_mask_lg2(shift_of(pt, level)), entry;
	struct iova_range piece = {.last = range.first - 1};
	int rc = 0;

	while (level && !rc && piece.last != range.last) {
		unsigned int i = index_of(pt, level, piece.last + 1);

		piece.first = piece.last + 1;
		piece.last = piece_last(pt, level, piece.first, range.last);
		/* Relaxed: only writers write, and we are it. */
		entry = ioas_a64_load_relaxed(&table->entry[i]);
		ioas_law(PT_4, entry != 0);
		if (!table_in(entry) && !(delta & mask) &&
		    is_whole(pt, level, piece.first, piece.last))
			continue;
		if (!table_in(entry))
			rc = split_entry(pt, table, i);
		if (!rc)
			rc = split(pt,
			           table_in(ioas_a64_load_relaxed(
					   &table->entry[i])),
			           piece, delta);
	}
	return rc;
}

int ioas_pt_split(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	return split(pt, pt->root, range, delta);
}

static void shift(const struct ioas_pt *pt, struct ioas_pt_table *table,
                  struct iova_range range, uint64_t delta)
{
	struct iova_range piece = {.last = range.first - 1};

	do {
		unsigned int i = index_of(pt, table->level, piece.last + 1);
		/* Relaxed: only writers write, and we are it. */
		uint64_t entry = ioas_a64_load_relaxed(&table->entry[i]);

		piece.first = piece.last + 1;
		piece.last =
			piece_last(pt, table->level, piece.first, range.last);
		ioas_law(PT_4, entry != 0);
		if (table_in(entry))
			shift(pt, table_in(entry), piece, delta);
		else
			/* Pairs with the load in ioas_pt_walk(). */
			ioas_a64_store(&table->entry[i], entry + delta);
	} while (piece.last != range.last);
}

void ioas_pt_shift(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	shift(pt, pt->root, range, delta);
}

void ioas_pt_prefetch(const struct ioas_pt *pt, struct iova at)
{
	const struct ioas_pt_table *table = pt->root;
	uint64_t entry;

	while (table->level) {
		/* Relaxed: only writers write, and we are it. */
		entry = ioas_a64_load_relaxed(
			&table->entry[index_of(pt, table->level, at.raw)]);
		table = table_in(entry);
		if (!table)
			return;
	}
	__builtin_prefetch(&table->entry[index_of(pt, 0, at.raw)], 1);
}

bool ioas_pt_walk(const struct ioas_pt *pt, struct iova at,
                  struct ioas_pt_leaf *ret_leaf)
{
	const struct ioas_pt_table *table = pt->root;
	unsigned int shift = shift_of(pt, pt->levels - 1);
	uint64_t entry, mask;

	if (pt->bits < 64 && at.raw >> pt->bits)
		return false;
	for (;; shift -= INDEX_BITS) {
		/* Pairs with the stores in child_at() and fill(). */
		entry = ioas_a64_load(
			&table->entry[(at.raw >> shift) & (ENTRIES - 1)]);
		if (!(entry & TABLE))
			break;
		table = table_in(entry);
	}
	if (!entry)
		return false;
	mask = ioas_mask_lg2(shift);
	ret_leaf->phys.raw =
		(entry & ~ioas_mask_lg2(pt->page_shift)) + (at.raw & mask);
	ret_leaf->last = at.raw | mask;
	ret_leaf->perm = (entry >> PERM_SHIFT) & (IOAS_READ | IOAS_WRITE);
	return true;
}
