/* SPDX-License-Identifier: MIT */
/*
 * Kinds of address. Each is a type of its own with one member, so that an
 * I/O virtual address passed where a program address is meant does not
 * compile; at -O2 the wrapping costs nothing.
 *
 * A range is written [first, last], both ends included: a range may end at
 * 2^64 - 1. A length in bytes appears only where it cannot be 2^64.
 */
#ifndef IOAS_BASE_TYPES_H
#define IOAS_BASE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <ioas/perm.h>

/* What a device puts on the bus. */
struct iova {
	uint64_t raw;
};

/* What a page table entry holds; its meaning belongs to the memory back end. */
struct phys {
	uint64_t raw;
};

/* An address of the program. */
struct uaddr {
	uint64_t raw;
};

/* [first, last] in I/O virtual addresses. */
struct iova_range {
	uint64_t first;
	uint64_t last;
};

#define IOAS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ioas_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Bits [0, lg2) set; lg2 at most 63. */
static inline uint64_t ioas_mask_lg2(unsigned int lg2)
{
	return (UINT64_C(1) << lg2) - 1;
}

#endif /* IOAS_BASE_TYPES_H */
