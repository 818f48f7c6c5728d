/* SPDX-License-Identifier: MIT */
/*
 * Pieces of states, each kept once: what a thread is, and lines of the shared
 * memory. A state is a handful of their numbers, so that to keep one, to copy
 * one and to go back to one costs little. Equal means equal in every byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

#define BYTES_ROOM  (UINT64_C(1) << 36)
#define PIECES_ROOM (UINT64_C(1) << 28)

/* Address space; pages come as they are used. */
static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("explore: no address space for pieces of states");
		exit(2);
	}
	return p;
}

void intern_init(struct intern *in)
{
	in->piece = reserve(PIECES_ROOM * sizeof(*in->piece));
	in->bytes = reserve(BYTES_ROOM);
	in->mask = (1u << 16) - 1;
	in->table = calloc(in->mask + 1, sizeof(*in->table));
	if (!in->table)
		abort();
}

uint64_t explore_hash(const void *bytes, size_t length, uint64_t seed)
{
	const char *p = bytes;
	uint64_t word, h = explore_mix(seed, length);

	for (; length >= sizeof(word); length -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = explore_mix(h, word);
		p += sizeof(word);
	}
	word = 0;
	memcpy(&word, p, length);
	return explore_mix(h, word);
}

static void grow(struct intern *in)
{
	uint64_t mask = in->mask * 2 + 1, at;
	uint32_t *table = calloc(mask + 1, sizeof(*table)), id;

	if (!table)
		abort();
	for (id = 1; id <= in->count; id++) {
		at = in->piece[id].hash & mask;
		while (table[at])
			at = (at + 1) & mask;
		table[at] = id;
	}
	free(in->table);
	in->table = table;
	in->mask = mask;
}

static uint32_t add(struct intern *in, const void *bytes, uint32_t length,
                    uint64_t hash)
{
	struct piece *piece = &in->piece[++in->count];

	if (in->count >= PIECES_ROOM - 1 || in->used + length > BYTES_ROOM) {
		fprintf(stderr, "explore: too many different pieces\n");
		exit(2);
	}
	piece->hash = hash;
	piece->ranks = ranks_in(bytes, length);
	piece->offset = in->used;
	piece->length = length;
	memcpy(in->bytes + in->used, bytes, length);
	in->used += (length + 7u) & ~7u;
	return in->count;
}

uint32_t intern(struct intern *in, const void *bytes, uint32_t length)
{
	uint64_t hash = explore_hash(bytes, length, 1), at;
	const struct piece *piece;

	if (in->count * 2u > in->mask)
		grow(in);
	for (at = hash & in->mask; in->table[at]; at = (at + 1) & in->mask) {
		piece = &in->piece[in->table[at]];
		if (piece->hash == hash && piece->length == length &&
		    !memcmp(in->bytes + piece->offset, bytes, length))
			return in->table[at];
	}
	return in->table[at] = add(in, bytes, length, hash);
}

/* ---- Numbers that only grow. ---- */

#define RANKS 64 /* different ones at a time */

/* Where in the word the number is: 0, 16, or -1. */
static int rank_shift(uint64_t word)
{
	if (word / RANKS == EXPLORE_RANK / RANKS)
		return 0;
	if ((word >> 16) / RANKS == EXPLORE_RANK / RANKS)
		return 16;
	return -1;
}

uint64_t ranks_in(const void *bytes, size_t length)
{
	uint64_t word, found = 0;
	size_t i;
	int shift;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		shift = rank_shift(word);
		if (shift >= 0)
			found |= UINT64_C(1) << ((word >> shift) % RANKS);
	}
	return found;
}

void ranks_rename(void *bytes, size_t length, uint64_t present)
{
	uint64_t word, rank, below;
	size_t i;
	int shift;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, (char *)bytes + i, sizeof(word));
		shift = rank_shift(word);
		if (shift < 0)
			continue;
		rank = (word >> shift) % RANKS;
		below = present & ((UINT64_C(1) << rank) - 1);
		word -= (rank - (uint64_t)__builtin_popcountll(below)) << shift;
		memcpy((char *)bytes + i, &word, sizeof(word));
	}
}
