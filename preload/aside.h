/* SPDX-License-Identifier: MIT */
/*
 * Addresses for memory that is set aside. They must be where the program never
 * asks for any: one that has unmapped something may map something else there
 * with MAP_FIXED, and would replace what was put there. So they are cut from
 * large pieces in the middle of the address space, which stay closed and taken
 * also where nothing is in them.
 */
#ifndef IOAS_PRELOAD_ASIDE_H
#define IOAS_PRELOAD_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

struct ioas_aside_piece;

struct ioas_aside {
	struct ioas_aside_piece *piece;
	uint64_t at, bytes;
};

/*
 * As aligned as @from to the largest leaf of a page table that may be inside,
 * so that it need not be split. By one thread at a time. False: there are none.
 */
bool ioas_aside_take(uint64_t from, uint64_t bytes, struct ioas_aside *ret);
/*
 * Whatever is there is unmapped, and nobody uses it. Not to be called when the
 * addresses may be somebody else's by now: then they are left alone for ever.
 */
void ioas_aside_give(const struct ioas_aside *aside);
/* Instead, by the thread that takes, when nothing was ever put there. */
void ioas_aside_untake(const struct ioas_aside *aside);
/* In a forked child. */
void ioas_aside_forked(void);

#endif /* IOAS_PRELOAD_ASIDE_H */
