/* SPDX-License-Identifier: MIT */
/*
 * Tables whose entries of smallest pages their owner writes himself: he may
 * put one over another, clear what is not there, and has something of his own
 * beside each (config.beside). All on level 0; no table ever goes before all
 * do, so nobody waits for that.
 *
 *	furnish  tables for a range, or none of them
 *	find     entries side by side, in one table
 *
 * Ordering: who stores entries does so by release, as pt.c does.
 */
#ifndef IOAS_PT_SLOTS_H
#define IOAS_PT_SLOTS_H

#include "pt/table.h"

/* Entries from the one that was asked for, in memory order of the format. */
struct ioas_pt_slots {
	struct ioas_a64 *entry; /* NULL: there is no table */
	void *beside;           /* of the whole table: see index */
	unsigned int index;     /* of the first in its table */
	uint64_t table;         /* entries of that table */
	uint64_t count;         /* how many of them, or pages without table */
};

/* Return: 0 or -ENOMEM, and then there are no more tables than before. */
int ioas_pt_slots_furnish(struct ioas_pt *pt, struct iova_range range);
/* At most @pages, at least one. */
void ioas_pt_slots_find(struct ioas_pt *pt, uint64_t at, uint64_t pages,
                        struct ioas_pt_slots *ret);

/* Tables, and their memory: of each level, and in all. */
struct ioas_pt_stock {
	uint64_t tables[IOAS_PT_LEVELS];
	uint64_t bytes;
};

void ioas_pt_stock_take(const struct ioas_pt *pt, struct ioas_pt_stock *ret);

#endif /* IOAS_PT_SLOTS_H */
