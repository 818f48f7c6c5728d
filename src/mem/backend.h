/* SPDX-License-Identifier: MIT */
/*
 * Back ends of our own: what physical addresses are.
 *
 *	identity   the program's addresses
 *	scattered  its page numbers, permuted by a seed: no two pages that
 *	           follow each other do so physically, and it can be undone
 */
#ifndef IOAS_MEM_BACKEND_H
#define IOAS_MEM_BACKEND_H

#include "mem/table.h"

extern const struct ioas_backend ioas_backend_identity;

/* A page number below 2^(IOAS_PHYS_BITS - page_shift), and back. */
uint64_t ioas_scatter(uint64_t number, uint64_t seed, unsigned int page_shift);
uint64_t ioas_gather(uint64_t frame, uint64_t seed, unsigned int page_shift);

#endif /* IOAS_MEM_BACKEND_H */
