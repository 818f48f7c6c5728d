/* SPDX-License-Identifier: MIT */
/*
 * Ranges of numbers, none of which overlap, and what each leads to: few of
 * them, looked up often and without a lock, changed seldom.
 *
 *	ranges --> table: first, last, value | first, last, value | ...
 *	                  sorted by first
 *
 * A table that is published changes no more but for values, which become 0 when
 * their range is taken out: that needs no memory, so it cannot fail. Who puts a
 * range in publishes a new table, without what was taken out, and frees the old
 * one when no section of IOAS_GRACE_GUEST can be looking at it.
 *
 * Laws
 *	RANGES-1  what a look-up finds was in at some moment of its section
 *	RANGES-2  when a range was taken out and sections of before have ended,
 *	          nobody uses its value
 */
#ifndef IOAS_PAPR_RANGES_H
#define IOAS_PAPR_RANGES_H

#include <stdint.h>

#include "base/atomic.h"

struct ioas_ranges_table;

/* All zero: empty. */
struct ioas_ranges {
	struct ioas_aptr table; /* struct ioas_ranges_table, or NULL: empty */
};

struct ioas_range {
	uint64_t first, last;
	uint64_t value; /* not 0 */
};

/* ---- One at a time; not inside a section. ---- */

/* Return: 0, -EEXIST (some of it is in already) or -ENOMEM. */
int ioas_ranges_insert(struct ioas_ranges *ranges,
                       const struct ioas_range *range);
/*
 * The range that begins at @first. When that returns, nobody uses its value.
 * Return: its value, or 0: none begins there.
 */
uint64_t ioas_ranges_erase(struct ioas_ranges *ranges, uint64_t first);
/* Nobody looks any more. */
void ioas_ranges_fini(struct ioas_ranges *ranges);

/* ---- Inside a section of IOAS_GRACE_GUEST, wait-free. ---- */

/* The range that has @number. Return: its value, or 0: there is none. */
uint64_t ioas_ranges_find(const struct ioas_ranges *ranges, uint64_t number,
                          struct ioas_range *ret_range);
/*
 * A range whose values, from its own on one for each number, are in part of
 * those from @value to @value + @more. It looks at all of them. Return:
 * likewise.
 */
uint64_t ioas_ranges_find_values(const struct ioas_ranges *ranges,
                                 uint64_t value, uint64_t more,
                                 struct ioas_range *ret_range);

#endif /* IOAS_PAPR_RANGES_H */
