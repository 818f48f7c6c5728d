/* SPDX-License-Identifier: MIT */
/*
 * The reader's side of the walker: what a device access goes through. One
 * function for all formats, inlined into each with the format as a constant,
 * so that its hooks become a few instructions:
 *
 *	IOAS_PT_WALK(native_walk, ioas_pt_native)
 *
 * Loads, each after the one before; nothing is stored, nobody is waited for.
 * Entries are loaded by acquire: a table is found zeroed, and behind a leaf
 * what the program wrote before it asked for the mapping.
 *
 *	by the row   the entry of level 1, and of level 0 if that is a table
 *	down         from the root, a load for each level: where there is no
 *	             row, and where the row has nothing, as for leaves above it
 *
 * The row's tables are the tree's, so both ways find the same entries. But one
 * that a larger leaf replaced (merge) is cleared while somebody may be on his
 * way down into it: who finds nothing looks whether that happened.
 */
#ifndef IOAS_PT_WALK_H
#define IOAS_PT_WALK_H

#include "pt/table.h"

static inline __attribute__((always_inline)) const struct ioas_a64 *
ioas_pt_table_in(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                 unsigned int level, uint64_t entry)
{
	return (const struct ioas_a64 *)(uintptr_t)(f->table_at(pt, level,
	                                                        entry) +
	                                            pt->hardware.linear);
}

/*
 * What tables of a page table are like: loaded from there, or numbers that the
 * compiler knows.
 */
struct ioas_pt_like {
	unsigned int page_shift, row_shift;
	uint64_t in_table;
};

/* Where a walk ends: an entry that is no table, for 2^shift bytes. */
struct ioas_pt_end {
	uint64_t entry;
	unsigned int level, shift;
};

static inline __attribute__((always_inline)) struct ioas_pt_found
ioas_pt_found_in(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                 struct iova at, const struct ioas_pt_end *end)
{
	struct ioas_pt_says says;
	unsigned int lg2;

	if (__builtin_expect(f->kind(end->level, end->entry) == IOAS_PT_NONE,
	                     0))
		return (struct ioas_pt_found){0, 0};
	says = f->says(pt, end->level, end->entry);
	/* The same, where nothing is larger than its entry. */
	lg2 = f->clusters ? says.lg2 : end->shift;
	return (struct ioas_pt_found){
		says.phys + (at.raw & ioas_mask_lg2(end->shift)),
		(uint64_t)lg2 << IOAS_PT_FOUND_LG2 | (says.perm | says.lost),
	};
}

static inline __attribute__((always_inline)) struct ioas_pt_found
ioas_pt_walk_down(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                  struct iova at)
{
	struct ioas_pt_end end = {
		.level = pt->levels - 1,
		.shift = pt->root_shift,
	};
	const struct ioas_a64 *table = pt->top;
	uint64_t index = (at.raw ^ pt->base) >> end.shift;

	if ((at.raw ^ pt->base) > pt->inputs)
		return (struct ioas_pt_found){0, 0};
	for (;;) {
		/* Pairs with the stores of ioas_pt_put() and of runs. */
		end.entry = ioas_pt_order(f, ioas_a64_load(&table[index]));
		if (f->kind(end.level, end.entry) != IOAS_PT_TABLE)
			return ioas_pt_found_in(f, pt, at, &end);
		table = ioas_pt_table_in(f, pt, end.level, end.entry);
		end.level--;
		end.shift -= pt->index_bits;
		index = (at.raw >> end.shift) & pt->in_table;
	}
}

static inline __attribute__((always_inline)) struct ioas_pt_found
ioas_pt_walk_missed(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                    struct iova at)
{
	struct ioas_pt_found found;
	uint64_t merged;

	do {
		/* Pairs with the add in merge_child(), as below. */
		merged = ioas_a64_load(&pt->merged);
		found = ioas_pt_walk_down(f, pt, at);
	} while (!found.what && ioas_a64_load(&pt->merged) != merged);
	return found;
}

/* The entry of level 1 that is for @at; 0: none, or it is not known. */
static inline __attribute__((always_inline)) uint64_t
ioas_pt_row_entry(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                  struct iova at, const struct ioas_pt_like *like)
{
	uint64_t in = at.raw ^ pt->base;

	/* Taken branches are what the usual way costs most. */
	if (__builtin_expect(in > pt->inputs, 0))
		return 0;
	/* Pairs as below, and with the stores that clear a table. */
	return ioas_pt_order(f, ioas_a64_load(&pt->row[in >> like->row_shift]));
}

/* Of @entry, a table of the row. */
static inline __attribute__((always_inline)) struct ioas_pt_found
ioas_pt_walk_page(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                  struct iova at, const struct ioas_pt_like *like,
                  uint64_t entry)
{
	uint64_t index = at.raw >> like->page_shift & like->in_table;
	const struct ioas_a64 *table =
		(const struct ioas_a64 *)(uintptr_t)f->table_at(pt, IOAS_PT_ROW,
	                                                        entry);
	struct ioas_pt_end end = {.shift = like->page_shift};

	/* Pairs with the stores of ioas_pt_put() and of runs. */
	end.entry = ioas_pt_order(f, ioas_a64_load(&table[index]));
	return ioas_pt_found_in(f, pt, at, &end);
}

static inline __attribute__((always_inline)) struct ioas_pt_found
ioas_pt_walk_row(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                 struct iova at, const struct ioas_pt_like *like)
{
	struct ioas_pt_end end = {
		ioas_pt_row_entry(f, pt, at, like),
		IOAS_PT_ROW,
		like->row_shift,
	};

	if (__builtin_expect(f->kind(IOAS_PT_ROW, end.entry) == IOAS_PT_TABLE,
	                     1))
		return ioas_pt_walk_page(f, pt, at, like, end.entry);
	if (!end.entry)
		return f->walk_missed(pt, at);
	return ioas_pt_found_in(f, pt, at, &end);
}

/* Before the format, which names them. Where they lie decides much. */
#define IOAS_PT_WALK_OF(name)                                          \
	static __attribute__((aligned(64))) struct ioas_pt_found name( \
		const struct ioas_pt *pt, struct iova at)
#define IOAS_PT_WALKS(name)             \
	IOAS_PT_WALK_OF(name##_missed); \
	IOAS_PT_WALK_OF(name##_down);   \
	IOAS_PT_WALK_OF(name##_row);    \
	IOAS_PT_WALK_OF(name##_usual)

#define IOAS_PT_WALK_HOOKS(name)                                \
	.walk_missed = name##_missed, .walk_down = name##_down, \
	.walk_row = name##_row, .walk_usual = name##_usual

#define IOAS_PT_WALK(name, format)                                    \
	IOAS_PT_WALK_OF(name##_down)                                  \
	{                                                             \
		return ioas_pt_walk_down(&(format), pt, at);          \
	}                                                             \
	IOAS_PT_WALK_OF(name##_missed)                                \
	{                                                             \
		return ioas_pt_walk_missed(&(format), pt, at);        \
	}                                                             \
	IOAS_PT_WALK_OF(name##_row)                                   \
	{                                                             \
		const struct ioas_pt_like like = {                    \
			pt->page_shift, pt->row_shift, pt->in_table}; \
                                                                      \
		return ioas_pt_walk_row(&(format), pt, at, &like);    \
	}                                                             \
	IOAS_PT_WALK_OF(name##_usual)                                 \
	{                                                             \
		const struct ioas_pt_like like = {                    \
			IOAS_PT_USUAL_SHIFT,                          \
			IOAS_PT_USUAL_SHIFT + (format).usual_bits,    \
			ioas_mask_lg2((format).usual_bits)};          \
                                                                      \
		return ioas_pt_walk_row(&(format), pt, at, &like);    \
	}

#endif /* IOAS_PT_WALK_H */
