/* SPDX-License-Identifier: MIT */
/*
 * What formats have in common whose two lowest bits are our permissions:
 *
 *	bit   0  READ     1  WRITE     12 to 51  address
 *
 * and where they are both 0 hardware ignores the rest: we keep there what was
 * asked for, and a bit that says so. Which bits those are is the format's.
 */
#ifndef IOAS_PT_LOW_H
#define IOAS_PT_LOW_H

#include "pt/walk.h"

#define IOAS_PT_LOW_ADDRESS UINT64_C(0x000ffffffffff000)
#define IOAS_PT_LOW_PERM    (uint64_t)(IOAS_READ | IOAS_WRITE)

static inline uint64_t ioas_pt_low_table(const struct ioas_pt *pt,
                                         unsigned int level, uint64_t phys)
{
	return phys | IOAS_PT_LOW_PERM;
}

static inline uint64_t ioas_pt_low_table_at(const struct ioas_pt *pt,
                                            unsigned int level, uint64_t entry)
{
	return entry & IOAS_PT_LOW_ADDRESS;
}

/* @lost: the bit that says so; @shift: of what was asked for. */
IOAS_PT_INLINE struct ioas_pt_says ioas_pt_low_says(uint64_t entry,
                                                    unsigned int lg2,
                                                    uint64_t lost,
                                                    unsigned int shift)
{
	unsigned int perm =
		(unsigned int)((entry & lost ? entry >> shift : entry) &
	                       IOAS_PT_LOW_PERM);

	return (struct ioas_pt_says){
		.phys = entry & IOAS_PT_LOW_ADDRESS,
		.perm = perm,
		.asked = perm,
		.lost = entry & lost ? IOAS_PT_FOUND_LOST : 0,
		.lg2 = lg2,
	};
}

#endif /* IOAS_PT_LOW_H */
