/* SPDX-License-Identifier: MIT */
/* See pt_reader.h. */
#include "pt_reader.h"

#include <stddef.h>

static uint64_t field(uint64_t entry, unsigned int high, unsigned int low)
{
	return entry << (63 - high) >> (63 - high + low);
}

static bool is_set(uint64_t entry, unsigned int bit)
{
	return field(entry, bit, bit) == 1;
}

static uint64_t little(const uint8_t *bytes)
{
	uint64_t value = 0;
	int i;

	for (i = 7; i >= 0; i--)
		value = value * 256 + bytes[i];
	return value;
}

static uint64_t big(const uint8_t *bytes)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value = value * 256 + bytes[i];
	return value;
}

/* The output of a page of 2^@size bytes, from bits 51:12 of its entry. */
static void output(struct pt_reading *ret, uint64_t entry, unsigned int high,
                   unsigned int size, uint64_t at)
{
	uint64_t page = field(entry, high, 12) * 4096;

	if (page % (UINT64_C(1) << size))
		ret->wrong = "the address of a page is not aligned";
	ret->phys = page + at % (UINT64_C(1) << size);
}

/* ---- Intel VT-d, second stage ---- */

bool pt_read_vtd(const struct pt_reader *reader, uint64_t at,
                 struct pt_reading *ret)
{
	uint64_t table = reader->root, entry = 0;
	unsigned int level, low = 12;

	ret->read = ret->write = true;
	for (level = reader->levels; level; level--) {
		low = 12 + 9 * (level - 1);
		entry = little(reader->table(table) +
		               8 * field(at, low + 8, low));
		ret->read = ret->read && is_set(entry, 0);
		ret->write = ret->write && is_set(entry, 1);
		if (!is_set(entry, 0) && !is_set(entry, 1))
			return false;
		if (level > 3 && is_set(entry, 7))
			ret->wrong = "a page of 512 GiB or more";
		if (level == 1 || is_set(entry, 7))
			break;
		table = field(entry, 51, 12) * 4096;
	}
	if (is_set(entry, 62) || is_set(entry, 11))
		ret->wrong = "a reserved bit is set";
	output(ret, entry, 51, low, at);
	return true;
}

/* ---- AMD, host translation, format 1 ---- */

bool pt_read_amdv1(const struct pt_reader *reader, uint64_t at,
                   struct pt_reading *ret)
{
	uint64_t table = reader->root, entry = 0;
	unsigned int mode = reader->levels, low, next;

	ret->read = ret->write = true;
	for (;;) {
		low = 12 + 9 * (mode - 1);
		entry = little(reader->table(table) +
		               8 * field(at, low + 8 > 63 ? 63 : low + 8, low));
		if (!is_set(entry, 0))
			return false;
		ret->read = ret->read && is_set(entry, 61);
		ret->write = ret->write && is_set(entry, 62);
		next = (unsigned int)field(entry, 11, 9);
		if (!next)
			break;
		if (next >= mode) {
			ret->wrong = "the next level is not a lower one";
			return true;
		}
		if (mode - next != 1)
			ret->wrong = "a level is left out";
		mode = next;
		table = field(entry, 51, 12) * 4096;
	}
	if (field(entry, 58, 52) || is_set(entry, 63))
		ret->wrong = "a reserved bit is set";
	output(ret, entry, 51, low, at);
	return true;
}

/* ---- Arm, VMSAv8-64 ---- */

/* Leaves in a contiguous set: of a level, by granule. 0: there are no such. */
static unsigned int contiguous(unsigned int granule, unsigned int level)
{
	if (granule == 12)
		return 16;
	if (granule == 14)
		return level == 3 ? 128 : 32;
	return 32;
}

/* The whole set says the same, and leads to addresses that follow. */
static void check_set(const uint8_t *table, uint64_t index, unsigned int n,
                      unsigned int size, struct pt_reading *ret)
{
	unsigned int i;
	uint64_t first = index - index % n, entry, base;

	base = little(table + 8 * first);
	if (field(base, 47, 12) * 4096 % ((uint64_t)n << size))
		ret->wrong = "a contiguous set is not aligned";
	for (i = 0; i < n; i++) {
		entry = little(table + 8 * (first + i));
		if (entry != base + ((uint64_t)i << size))
			ret->wrong = "a contiguous set is not whole";
	}
}

/* Walks to the leaf; *ret_entry is its descriptor. */
static bool arm_walk(const struct pt_reader *reader, uint64_t at,
                     struct pt_reading *ret, uint64_t *ret_entry)
{
	unsigned int granule = reader->page_shift, stride = granule - 3;
	unsigned int level = 4 - reader->levels, low, high = reader->bits - 1;
	uint64_t table = reader->root, entry, index;

	for (;; level++) {
		low = granule + stride * (3 - level);
		index = field(at, high, low);
		entry = little(reader->table(table) + 8 * index);
		if (!is_set(entry, 0))
			return false;
		if (level == 3 || !is_set(entry, 1))
			break;
		table = field(entry, 47, granule) << granule;
		high = low - 1;
	}
	if (level == 3 && !is_set(entry, 1))
		return false;
	if (level == 0 || (level == 1 && granule != 12))
		ret->wrong = "no block can be there";
	if (!is_set(entry, 10))
		ret->wrong = "it would fault for the access flag";
	if (field(entry, 50, 48) || (granule == 16 && field(entry, 15, 12)))
		ret->wrong = "a reserved bit is set";
	if (is_set(entry, 52))
		check_set(reader->table(table), index,
		          contiguous(granule, level), low, ret);
	output(ret, entry, 47, low, at);
	*ret_entry = entry;
	return true;
}

bool pt_read_stage1(const struct pt_reader *reader, uint64_t at,
                    struct pt_reading *ret)
{
	uint64_t entry;

	if (!arm_walk(reader, at, ret, &entry))
		return false;
	ret->read = true;
	/* Read only, and hardware makes it writable by itself with DBM. */
	ret->write = !is_set(entry, 7) || is_set(entry, 51);
	if (!is_set(entry, 6))
		ret->wrong = "for privileged accesses only";
	return true;
}

bool pt_read_stage2(const struct pt_reader *reader, uint64_t at,
                    struct pt_reading *ret)
{
	uint64_t entry;

	if (!arm_walk(reader, at, ret, &entry))
		return false;
	ret->read = is_set(entry, 6);
	ret->write = is_set(entry, 7) || is_set(entry, 51);
	if (field(entry, 5, 2) != 15)
		ret->wrong = "not normal memory, written back";
	return true;
}

/* ---- POWER, TCE ---- */

bool pt_read_tce(const struct pt_reader *reader, uint64_t at,
                 struct pt_reading *ret)
{
	uint64_t table = reader->root, entry = 0;
	unsigned int left = reader->levels, high = reader->bits - 1, low;

	for (;; left--) {
		low = reader->page_shift + reader->index_bits * (left - 1);
		entry = big(reader->table(table) + 8 * field(at, high, low));
		if (!field(entry, 1, 0))
			return false;
		if (left == 1)
			break;
		if (field(entry, 1, 0) != 3)
			ret->wrong = "a table without both permissions";
		table = field(entry, 51, 12) * 4096;
		high = low - 1;
	}
	ret->read = is_set(entry, 0);
	ret->write = is_set(entry, 1);
	if (field(entry, 11, 2))
		ret->wrong = "a reserved bit is set";
	output(ret, entry, 51, low, at);
	return true;
}
