/* SPDX-License-Identifier: MIT */
/*
 * The rules of type1, as its contract has them, for rows that are made from
 * tables of states and arguments. They are written a second time here on
 * purpose, bit by bit and page by page, and know nothing of the code that they
 * are compared with.
 */
#ifndef ROWS_TYPE1_H
#define ROWS_TYPE1_H

#include "abi.h"

/* A, B and C of states.c. */
struct type1_mapping {
	uint64_t first, pages;
};

#define TYPE1_MAPPINGS 3
extern const struct type1_mapping type1_mapping[TYPE1_MAPPINGS];

/* What a container knows in a state. */
struct type1_state {
	enum abi_state state;
	bool v2, mapped, tracked;
	bool invalid;  /* B has no valid address */
	bool full;     /* no entry is left */
	bool two_only; /* two pages can be pinned */
};

#define TYPE1_STATES 8
extern const struct type1_state type1_state[TYPE1_STATES];

/* Each row that is made holds in one contract; all three are made. */
static inline unsigned int type1_in(enum ioas_contract contract)
{
	return 1u << contract;
}

/* Last address of a mapping. */
uint64_t type1_last(const struct type1_mapping *m);
/* Number of the mappings of the state that share an address with the range. */
unsigned int type1_met(const struct type1_state *s, uint64_t first,
                       uint64_t last);
/* Does the range begin or end inside of a mapping? */
bool type1_cuts(const struct type1_state *s, uint64_t first, uint64_t last);
bool type1_wraps(uint64_t first, uint64_t size);
/* -EOVERFLOW, and what it was before. */
long type1_overflow(enum ioas_contract contract);

/* A bitmap argument, and whether it will do for so many bytes. */
struct type1_bitmap {
	const char *name;
	uint64_t pgsize, size, data;
	bool small;   /* good for 64 pages, not for more */
	bool refused; /* whatever it is for: EINVAL */
	bool faults;  /* cannot be written */
};

#define TYPE1_BITMAPS 14
extern const struct type1_bitmap type1_bitmap[TYPE1_BITMAPS];
/* The check of its size, with its own page size. */
bool type1_bitmap_does(const struct type1_bitmap *b, uint64_t bytes);

/*
 * What the program's words are after the bits of every mapping in the range
 * have been put in.
 */
void type1_bits(enum ioas_contract contract, const struct type1_state *s,
                uint64_t first, uint64_t last, uint64_t *words);

#endif /* ROWS_TYPE1_H */
