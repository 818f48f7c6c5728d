/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share: the input as a stream of numbers, a check that
 * ends the process, and a world for the core to live in (world.c).
 *
 * The world's memory is all the memory that the program under test has. What
 * is pinned or copied from elsewhere is answered as a hole, so that no address
 * that an input makes up can reach the memory of the fuzzer itself. A copy is
 * a plain memcpy() after a look at the page's state: so the address sanitizer
 * sees the end that belongs to ioas, which it does not see when the kernel
 * copies.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hooks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A condition that does not hold for the input that runs is a defect. */
#define fuzz_check(condition)                                        \
	do {                                                         \
		if (!(condition))                                    \
			fuzz_defect(#condition, __FILE__, __LINE__); \
	} while (0)

void fuzz_defect(const char *text, const char *file, int line)
	__attribute__((noreturn));

/* ---- The input ---- */

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* Little-endian; beyond the end there are zeros. */
static inline uint64_t fuzz_take(struct fuzz_input *in, unsigned int bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes && in->left; i++, in->left--)
		value |= (uint64_t)*in->at++ << 8 * i;
	return value;
}

static inline unsigned int fuzz_byte(struct fuzz_input *in)
{
	return (unsigned int)fuzz_take(in, 1);
}

/* @n is 256 at most. */
static inline unsigned int fuzz_below(struct fuzz_input *in, size_t n)
{
	return fuzz_byte(in) % (unsigned int)n;
}

/* ---- The world ---- */

#define FUZZ_PAGES 64

enum fuzz_page {
	FUZZ_RW,
	FUZZ_READ_ONLY,
	FUZZ_GONE,
};

struct fuzz_world {
	char *memory;      /* FUZZ_PAGES, with a hole before and behind */
	size_t page_bytes; /* constant */
	unsigned int page_shift;
	/*
	 * What physical addresses are: IOAS_RIG=--scattered. The target space
	 * has pages of all sizes and stays on the identity.
	 */
	const struct ioas_backend *backend;
	enum fuzz_page page[FUZZ_PAGES];

	/* The n-th allocation from now on fails, once; 0: none. */
	unsigned int fail_in;
	uint64_t failed;        /* allocations that were refused */
	uint64_t blocks, bytes; /* allocated */
	uint64_t pinned;        /* bytes */
	int signals_blocked;    /* how often more than restored */
};

extern struct fuzz_world fuzz_world;

/* Fresh memory, hooks installed, nothing allocated. */
void fuzz_begin(void);
/* Nothing is left allocated, pinned or blocked. */
void fuzz_end(void);

/* As by mprotect(2) or munmap(2) of the program. */
void fuzz_protect(unsigned int page, enum fuzz_page state);
/* How many bytes from @at on, up to @bytes, can be accessed. */
size_t fuzz_reach(uint64_t at, uint64_t bytes, bool write);

#endif /* FUZZ_H */
