/* SPDX-License-Identifier: MIT */
/*
 * words FILE: words of the class "Loads and Stores" of A64, every value of the
 * bits that are not registers or most of an offset, written to FILE; and what
 * ioas reads in each, one a line, on standard output.
 */
#include <inttypes.h>
#include <stdio.h>

#include "preload/decode_aarch64.h"

#define SAMPLES 8 /* of registers, for each */

static uint32_t next(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20);
}

/* Bits 20:16 and 9:0: any, all ones, and equal registers. */
static uint32_t registers(unsigned int sample)
{
	uint32_t some = next();

	if (sample == 0)
		some |= 0x1f03ff;
	else if (sample == 1)
		some |= 0x1f0000;
	else if (sample == 2)
		some = (some & ~0x3e0u) | (some & 0x1f) << 5;
	else if (sample == 3)
		some |= 0x3e0;
	return some & 0x1f03ff;
}

static void print(uint32_t word)
{
	struct ioas_aarch64_insn i = ioas_aarch64_decode(word);

	if (i.kind == IOAS_AARCH64_UNKNOWN)
		printf("unknown %s\n", i.reason);
	else
		printf("%u %u %u %u %u %u %u %u %u %u %u %u %u %" PRId64 "\n",
		       i.kind, i.base, i.size, i.pair, i.vector, i.sign, i.wide,
		       i.rt, i.rt2, i.rn, i.rm, i.extend, i.shift, i.offset);
}

static void write_word(FILE *file, uint32_t word)
{
	const unsigned char byte[4] = {
		(unsigned char)word, (unsigned char)(word >> 8),
		(unsigned char)(word >> 16), (unsigned char)(word >> 24)};

	fwrite(byte, 1, 4, file);
	print(word);
}

static void write_samples(FILE *file, uint32_t word)
{
	unsigned int sample;

	if ((word & 0x0a000000) != 0x08000000)
		return;
	for (sample = 0; sample < SAMPLES; sample++)
		write_word(file, word | registers(sample));
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;
	uint32_t high, low;

	if (!file)
		return 2;
	for (high = 0; high < 1u << 11; high++)
		for (low = 0; low < 1u << 6; low++)
			write_samples(file, high << 21 | low << 10);
	return fclose(file) != 0;
}
