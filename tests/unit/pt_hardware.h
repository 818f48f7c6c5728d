/* SPDX-License-Identifier: MIT */
/*
 * Hardware that reads page tables, for tests: its memory, and what it has been
 * told. It sees what a table holds as of the last time it was told of a write.
 */
#ifndef PT_HARDWARE_H
#define PT_HARDWARE_H

#include <stdlib.h>
#include <string.h>

#include "pt_rig.h"

#define TABLES 4096
#define LINEAR UINT64_C(0x10000000)

static struct table {
	uint8_t *ours, *its;
	size_t bytes;
} table[TABLES];

static struct {
	unsigned int tables, told, destroyed;
	struct iova_range forgot;
	bool forgot_tables;
} hardware;

static struct table *table_of(const void *at)
{
	unsigned int i;

	for (i = 0; i < hardware.tables; i++)
		if ((const uint8_t *)at >= table[i].ours &&
		    (const uint8_t *)at < table[i].ours + table[i].bytes)
			return &table[i];
	fail_msg("there is no table at %p", at);
	return NULL;
}

static void *hardware_create(void *arg, size_t bytes)
{
	struct table *t = &table[hardware.tables];

	assert_ptr_equal(arg, &hardware);
	assert_true(hardware.tables < TABLES);
	t->ours = ioas_hooks.alloc(bytes);
	if (!t->ours)
		return NULL;
	assert_true((uintptr_t)t->ours % (bytes < 4096 ? 64 : bytes) == 0);
	t->its = calloc(1, bytes);
	t->bytes = bytes;
	hardware.tables++;
	return t->ours;
}

static void hardware_destroy(void *arg, void *at, size_t bytes)
{
	struct table *t = table_of(at);

	assert_ptr_equal(t->ours, at);
	assert_true(t->bytes == bytes);
	free(t->its);
	*t = table[--hardware.tables];
	hardware.destroyed++;
	ioas_hooks.free(at, bytes);
}

static void hardware_wrote(void *arg, const void *start, size_t bytes)
{
	struct table *t = table_of(start);
	size_t offset = (size_t)((const uint8_t *)start - t->ours);

	assert_true(offset + bytes <= t->bytes);
	memcpy(t->its + offset, start, bytes);
}

static void hardware_invalidate(void *arg, struct iova_range range, bool tables)
{
	hardware.told++;
	hardware.forgot = range;
	hardware.forgot_tables = tables;
}

#endif /* PT_HARDWARE_H */
