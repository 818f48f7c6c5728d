/* SPDX-License-Identifier: MIT */
/* What rows_type1.h says. */
#include "rows_type1.h"

const struct type1_mapping type1_mapping[TYPE1_MAPPINGS] = {
	{0x100000, 3}, {0x103000, 1}, {0x200000, 2}};

const struct type1_state type1_state[TYPE1_STATES] = {
	{.state = S_V1},
	{.state = S_V2, .v2 = true},
	{.state = S_V1_MAPPED, .mapped = true},
	{.state = S_V2_MAPPED, .v2 = true, .mapped = true},
	{.state = S_V2_TRACKED, .v2 = true, .mapped = true, .tracked = true},
	{.state = S_V2_INVALID, .v2 = true, .mapped = true, .invalid = true},
	{.state = S_V2_FULL, .v2 = true, .mapped = true, .full = true},
	{.state = S_V2_LOCKED, .v2 = true, .two_only = true},
};

uint64_t type1_last(const struct type1_mapping *m)
{
	return m->first + m->pages * PAGE - 1;
}

unsigned int type1_met(const struct type1_state *s, uint64_t first,
                       uint64_t last)
{
	unsigned int i, met = 0;

	for (i = 0; s->mapped && i < TYPE1_MAPPINGS; i++)
		met += type1_mapping[i].first <= last &&
		       type1_last(&type1_mapping[i]) >= first;
	return met;
}

bool type1_cuts(const struct type1_state *s, uint64_t first, uint64_t last)
{
	unsigned int i;

	for (i = 0; s->mapped && i < TYPE1_MAPPINGS; i++) {
		uint64_t a = type1_mapping[i].first;
		uint64_t z = type1_last(&type1_mapping[i]);

		if ((a < first && first <= z) || (a <= last && last < z))
			return true;
	}
	return false;
}

bool type1_wraps(uint64_t first, uint64_t size)
{
	return size && UINT64_MAX - first < size - 1;
}

long type1_overflow(enum ioas_contract contract)
{
	return contract == IOAS_CONTRACT_LINUX_6_12 ? -EINVAL : -EOVERFLOW;
}

/* Where the words are in the arguments of both commands. */
#define WORDS ARGUMENT(48)

const struct type1_bitmap type1_bitmap[TYPE1_BITMAPS] = {
	{.name = "good", .pgsize = PAGE, .size = 48, .data = WORDS},
	{.name = "one word",
         .pgsize = PAGE,
         .size = 8,
         .data = WORDS,
         .small = true},
	{.name = "largest", .pgsize = PAGE, .size = 0x10000000, .data = WORDS},
	{.name = "too large",
         .pgsize = PAGE,
         .size = 0x10000001,
         .data = WORDS,
         .refused = true},
	{.name = "of size 0",
         .pgsize = PAGE,
         .size = 0,
         .data = WORDS,
         .refused = true},
	{.name = "of 7 bytes",
         .pgsize = PAGE,
         .size = 7,
         .data = WORDS,
         .refused = true},
	{.name = "of pages of 0",
         .pgsize = 0,
         .size = 48,
         .data = WORDS,
         .refused = true},
	{.name = "of pages of 1", .pgsize = 1, .size = 0x40000, .data = WORDS},
	{.name = "of double pages",
         .pgsize = 2 * PAGE,
         .size = 48,
         .data = WORDS},
	{.name = "of odd pages", .pgsize = PAGE + 1, .size = 48, .data = WORDS},
	{.name = "at null",
         .pgsize = PAGE,
         .size = 48,
         .data = 0,
         .faults = true},
	{.name = "in a hole",
         .pgsize = PAGE,
         .size = 48,
         .data = HOLE(0),
         .faults = true},
	{.name = "only to read",
         .pgsize = PAGE,
         .size = 48,
         .data = READ_ONLY(0),
         .faults = true},
	{.name = "of the system",
         .pgsize = PAGE,
         .size = 48,
         .data = UINT64_C(1) << 63,
         .refused = true},
};

bool type1_bitmap_does(const struct type1_bitmap *b, uint64_t bytes)
{
	uint64_t page = b->pgsize & -b->pgsize; /* its lowest bit counts */
	uint64_t pages;

	if (b->refused)
		return false;
	pages = bytes / page;
	return pages && (pages - 1) / 64 < b->size / 8;
}

static bool word_bit(const uint64_t *words, uint64_t n)
{
	return words[n / 64] >> n % 64 & 1;
}

static void set_word_bit(uint64_t *words, uint64_t n, bool value)
{
	uint64_t bit = UINT64_C(1) << n % 64;

	words[n / 64] = value ? words[n / 64] | bit : words[n / 64] & ~bit;
}

/*
 * The mapping's pages are [at, end) of the bitmap. All words that they are in
 * are written whole. In the first one, when the pages do not begin it, what
 * the program had below them stays; Linux keeps all that it had there.
 */
static void mapping_bits(bool exact, uint64_t at, uint64_t end, uint64_t *words)
{
	uint64_t low = at / 64 * 64, n;

	for (n = low; n < (end + 63) / 64 * 64; n++) {
		bool mine = n >= at && n < end;
		bool kept = at % 64 && n < low + 64 && (n < at || exact) &&
		            word_bit(words, n);

		set_word_bit(words, n, mine || kept);
	}
}

void type1_bits(enum ioas_contract contract, const struct type1_state *s,
                uint64_t first, uint64_t last, uint64_t *words)
{
	unsigned int i;

	for (i = 0; s->mapped && i < TYPE1_MAPPINGS; i++) {
		const struct type1_mapping *m = &type1_mapping[i];
		uint64_t at = (m->first - first) / PAGE;

		if (m->first < first || m->first > last)
			continue;
		mapping_bits(contract != IOAS_CONTRACT_STRICT, at,
		             at + m->pages, words);
	}
}
