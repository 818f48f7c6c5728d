/* SPDX-License-Identifier: MIT */
/*
 * Instructions with a memory operand, each as a little function that can be
 * run on ordinary memory and on a trapped page, to compare what it leaves.
 *
 *	RBX   the operand, 256 bytes into the page
 *	R9    3, for an index
 *	RSI   256 bytes into the page (FROM_PAGE) or into ordinary memory
 *	RDI   the same (TO_PAGE)
 *	RCX   5 (COUNT), else random, as are RAX, RDX, R8, flags and vectors
 */
#ifndef PRELOAD_SNIPPETS_X86_64_H
#define PRELOAD_SNIPPETS_X86_64_H

#include <stdint.h>

#define SNIPPET_LOW 0x10000000 /* where the page is, but for NEAR */

/* What a snippet needs, or what of its result is undefined. */
#define NEAR       1 /* the page is snippet_near, next to the code */
#define LOGIC      2 /* AF is undefined */
#define FROM_PAGE  4
#define TO_PAGE    8
#define COUNT      16
#define NEED_MOVBE 32
#define NEED_AVX   64
#define NEED_512   128
#define FS         256 /* RBX is relative to the FS base */
#define DOWN       512 /* with the direction flag */

struct snippet_state {
	uint64_t rax, rcx, rdx, rbx, rsi, rdi, r8, r9, flags;
	void (*load)(void), (*store)(void); /* of vectors */
	uint64_t unused[5];
	uint8_t vector[8][64]; /* 0 to 3, 16 to 19; at offset 128 */
};

struct snippet {
	void (*run)(struct snippet_state *state);
	const char *text;
	uint64_t flags;
};

extern const struct snippet snippets[], snippets_end[];
extern uint8_t snippet_near[];

void snippet_load_sse(void);
void snippet_store_sse(void);
void snippet_load_avx(void);
void snippet_store_avx(void);
void snippet_load_512(void);
void snippet_store_512(void);

#endif /* PRELOAD_SNIPPETS_X86_64_H */
