/* SPDX-License-Identifier: MIT */
/*
 * The reader's side of the walker: what a device access goes through. One
 * function for all formats, inlined into each with the format as a constant,
 * so that its hooks become a few instructions:
 *
 *	IOAS_PT_WALK(native_walk, ioas_pt_native)
 *
 * A load for each level, each after the one before; nothing is stored, nobody
 * is waited for. Entries are loaded by acquire: a table is found zeroed, and
 * behind a leaf what the program wrote before it asked for the mapping.
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

static inline __attribute__((always_inline)) bool
ioas_pt_walk_in(const struct ioas_pt_format *f, const struct ioas_pt *pt,
                struct iova at, unsigned int bits,
                struct ioas_pt_leaf *ret_leaf)
{
	unsigned int level = pt->levels - 1, shift = pt->root_shift;
	const uint64_t in_table = ioas_mask_lg2(bits);
	const struct ioas_a64 *table = pt->top;
	uint64_t index = (at.raw & ~pt->beyond) >> shift, entry, mask;
	enum ioas_pt_kind kind;
	struct ioas_pt_says says;

	if ((at.raw ^ pt->base) & pt->beyond)
		return false;
	for (;;) {
		/* Pairs with the stores of ioas_pt_put() and of runs. */
		entry = ioas_pt_order(f, ioas_a64_load(&table[index]));
		kind = f->kind(level, entry);
		if (kind != IOAS_PT_TABLE)
			break;
		table = ioas_pt_table_in(f, pt, level, entry);
		level--;
		shift -= bits;
		index = (at.raw >> shift) & in_table;
	}
	if (kind == IOAS_PT_NONE)
		return false;
	says = f->says(pt, level, entry);
	/* The same, where nothing is larger than its entry. */
	mask = ioas_mask_lg2(f->clusters ? says.lg2 : shift);
	ret_leaf->phys.raw = says.phys + (at.raw & ioas_mask_lg2(shift));
	ret_leaf->last = at.raw | mask;
	ret_leaf->perm = says.perm;
	ret_leaf->lost = kind == IOAS_PT_LOST;
	return true;
}

#define IOAS_PT_WALK(name, format)                                        \
	static bool name(const struct ioas_pt *pt, struct iova at,        \
	                 struct ioas_pt_leaf *ret_leaf)                   \
	{                                                                 \
		const unsigned int fixed = (format).index_bits;           \
                                                                          \
		/* As a number where it can be: shifts cost less. */      \
		if (fixed == 9 || pt->index_bits == 9)                    \
			return ioas_pt_walk_in(&(format), pt, at, 9,      \
			                       ret_leaf);                 \
		return ioas_pt_walk_in(&(format), pt, at, pt->index_bits, \
		                       ret_leaf);                         \
	}

#endif /* IOAS_PT_WALK_H */
