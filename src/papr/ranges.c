/* SPDX-License-Identifier: MIT */
#include "papr/ranges.h"

#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"

/* But for values constant once it is published. */
struct line {
	uint64_t first, last;
	/*
	 * 0: taken out. The store needs no order of its own: who took it out
	 * waits for the sections that may have seen it before.
	 */
	struct ioas_a64 value;
};

struct ioas_ranges_table {
	size_t nr;
	struct line line[];
};

static size_t table_bytes(size_t nr)
{
	return sizeof(struct ioas_ranges_table) + nr * sizeof(struct line);
}

/* Acquire: pairs with the exchange that published it. */
static struct ioas_ranges_table *table_of(const struct ioas_ranges *ranges)
{
	return ioas_aptr_load(&ranges->table);
}

static void publish(struct ioas_ranges *ranges, struct ioas_ranges_table *table)
{
	struct ioas_ranges_table *old =
		ioas_aptr_exchange(&ranges->table, table);

	if (!old)
		return;
	ioas_grace_sync(IOAS_GRACE_GUEST);
	ioas_hooks.free(old, table_bytes(old->nr));
}

/* How many lines before the first that ends at @number or later. */
static size_t place_of(const struct ioas_ranges_table *table, uint64_t number)
{
	size_t low = 0, high = table ? table->nr : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->line[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void append(struct ioas_ranges_table *table,
                   const struct ioas_range *range)
{
	struct line *line = &table->line[table->nr++];

	line->first = range->first;
	line->last = range->last;
	/* Not published yet. */
	ioas_a64_store_relaxed(&line->value, range->value);
}

/* Lines [from, to) that are in still. */
static void append_from(struct ioas_ranges_table *table,
                        const struct ioas_ranges_table *old, size_t from,
                        size_t to)
{
	for (; from < to; from++) {
		const struct line *line = &old->line[from];
		struct ioas_range range = {line->first, line->last,
		                           ioas_a64_load(&line->value)};

		if (range.value)
			append(table, &range);
	}
}

static size_t live_lines(const struct ioas_ranges_table *table)
{
	size_t i, live = 0;

	for (i = 0; table && i < table->nr; i++)
		live += ioas_a64_load(&table->line[i].value) != 0;
	return live;
}

static bool is_taken(const struct ioas_ranges_table *table, size_t place,
                     uint64_t last)
{
	for (; table && place < table->nr; place++) {
		if (table->line[place].first > last)
			return false;
		if (ioas_a64_load(&table->line[place].value))
			return true;
	}
	return false;
}

int ioas_ranges_insert(struct ioas_ranges *ranges,
                       const struct ioas_range *range)
{
	struct ioas_ranges_table *old = table_of(ranges), *table;
	size_t place = place_of(old, range->first);
	size_t nr = live_lines(old) + 1;

	if (is_taken(old, place, range->last))
		return -EEXIST;
	table = ioas_hooks.alloc(table_bytes(nr));
	if (!table)
		return -ENOMEM;
	append_from(table, old, 0, place);
	append(table, range);
	append_from(table, old, place, old ? old->nr : 0);
	publish(ranges, table);
	return 0;
}

uint64_t ioas_ranges_erase(struct ioas_ranges *ranges, uint64_t first)
{
	struct ioas_ranges_table *table = table_of(ranges);
	size_t place = place_of(table, first);
	uint64_t value;

	if (!table || place == table->nr || table->line[place].first != first)
		return 0;
	value = ioas_a64_exchange(&table->line[place].value, 0);
	if (value)
		ioas_grace_sync(IOAS_GRACE_GUEST);
	return value;
}

void ioas_ranges_fini(struct ioas_ranges *ranges)
{
	struct ioas_ranges_table *table = table_of(ranges);

	if (table)
		ioas_hooks.free(table, table_bytes(table->nr));
}

uint64_t ioas_ranges_find(const struct ioas_ranges *ranges, uint64_t number,
                          struct ioas_range *ret_range)
{
	const struct ioas_ranges_table *table = table_of(ranges);
	size_t place = place_of(table, number);
	const struct line *line;

	if (!table || place == table->nr || table->line[place].first > number)
		return 0;
	line = &table->line[place];
	*ret_range = (struct ioas_range){line->first, line->last,
	                                 ioas_a64_load(&line->value)};
	return ret_range->value;
}

uint64_t ioas_ranges_find_values(const struct ioas_ranges *ranges,
                                 uint64_t value, uint64_t more,
                                 struct ioas_range *ret_range)
{
	const struct ioas_ranges_table *table = table_of(ranges);
	size_t i;

	for (i = 0; table && i < table->nr; i++) {
		const struct line *line = &table->line[i];
		uint64_t from = ioas_a64_load(&line->value);

		if (!from || value + more < from ||
		    from + (line->last - line->first) < value)
			continue;
		*ret_range = (struct ioas_range){line->first, line->last, from};
		return from;
	}
	return 0;
}
