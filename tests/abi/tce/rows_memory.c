/* SPDX-License-Identifier: MIT */
/* MAP, UNMAP, REGISTER and UNREGISTER: states times arguments. */
#include <stdio.h>

#include "calls.h"

#define TYPED                                                       \
	(TCE_IN(T_V1_ON) | TCE_IN(T_V1_MAPPED) | TCE_IN(T_V1_OFF) | \
	 TCE_IN(T_V2) | TCE_IN(T_REGISTERED) | TCE_IN(T_MAPPED) |   \
	 TCE_IN(T_WIDE) | TCE_IN(T_HIGH) | TCE_IN(T_COARSE) |       \
	 TCE_IN(T_ORPHAN) | TCE_IN(T_BORROWED) | TCE_IN(T_TWO))
#define V2_ONLY                                                                \
	(TCE_IN(T_V2) | TCE_IN(T_BARE) | TCE_IN(T_MAPPED) | TCE_IN(T_ORPHAN) | \
	 TCE_IN(T_ADOPTED) | TCE_IN(T_BESIDE) | TCE_IN(T_SHARED) |             \
	 TCE_IN(T_BORROWED) | TCE_IN(T_LEFT))
#define LOW_LAST (TCE_LOW_BYTES - PAGE)
#define TOP      (UINT64_MAX - PAGE + 1)

struct named {
	const char *name;
	struct tce_call call;
};

static void emit_all(tce_emit *emit, const char *subject,
                     const struct named *named, size_t count, uint64_t states)
{
	size_t i;

	for (i = 0; i < count; i++)
		tce_emit_in(emit, subject, named[i].name, &named[i].call,
		            states);
}

static const struct named map_rows[] = {
	{"a free page", MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40000, PAGE)},
	{"to read", MAP(CONTAINER, 1, MEM(8 * PAGE), 0x40000, PAGE)},
	{"to write", MAP(CONTAINER, 2, MEM(8 * PAGE), 0x40000, PAGE)},
	{"for nothing", MAP(CONTAINER, 0, MEM(8 * PAGE), 0x40000, PAGE)},
	{"three pages", MAP(CONTAINER, 3, MEM(13 * PAGE), 0x40000, 3 * PAGE)},
	{"over one", MAP(CONTAINER, 3, MEM(9 * PAGE), 0x1000, PAGE)},
	{"over one, to read", MAP(CONTAINER, 1, MEM(9 * PAGE), 0x1000, PAGE)},
	{"over all of A and B", MAP(CONTAINER, 3, MEM(10 * PAGE), 0, 4 * PAGE)},
	{"the same page twice", MAP(CONTAINER, 3, MEM(0), 0x40000, PAGE)},
	{"the last page", MAP(CONTAINER, 3, MEM(8 * PAGE), LOW_LAST, PAGE)},
	{"behind the window",
         MAP(CONTAINER, 3, MEM(8 * PAGE), TCE_LOW_BYTES, PAGE)},
	{"behind the window, not aligned",
         MAP(CONTAINER, 3, MEM(8 * PAGE), TCE_LOW_BYTES + 1, PAGE)},
	{"across its end",
         MAP(CONTAINER, 3, MEM(8 * PAGE), LOW_LAST, 2 * PAGE)},
	{"high", MAP(CONTAINER, 3, MEM(10 * PAGE), TCE_HIGH, PAGE)},
	{"high, further on",
         MAP(CONTAINER, 1, MEM(10 * PAGE), TCE_HIGH + 0x10000, 2 * PAGE)},
	{"before the high one",
         MAP(CONTAINER, 3, MEM(8 * PAGE), TCE_HIGH - PAGE, PAGE)},
	{"at the very top", MAP(CONTAINER, 3, MEM(8 * PAGE), TOP, PAGE)},
	{"half a page", MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40000, 0x800)},
	{"no page", MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40000, 0)},
	{"no page, for nothing", MAP(CONTAINER, 0, MEM(8 * PAGE), 0x40000, 0)},
	{"no page at 0", MAP(CONTAINER, 3, MEM(8 * PAGE), 0, 0)},
	{"memory not aligned",
         MAP(CONTAINER, 3, MEM(8 * PAGE) + 8, 0x40000, PAGE)},
	{"address not aligned",
         MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40800, PAGE)},
	{"address not aligned, no page",
         MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40800, 0)},
	{"address not aligned, for nothing",
         MAP(CONTAINER, 0, MEM(8 * PAGE), 0x40800, PAGE)},
	{"64 KiB", MAP(CONTAINER, 3, MEM(0), 0x50000, 0x10000)},
	{"64 KiB, high", MAP(CONTAINER, 3, MEM(0), TCE_HIGH, 0x10000)},
	{"not registered", MAP(CONTAINER, 3, MEM(20 * PAGE), 0x40000, PAGE)},
	{"not registered, over one",
         MAP(CONTAINER, 3, MEM(20 * PAGE), 0x1000, PAGE)},
	{"not registered, at 0", MAP(CONTAINER, 3, MEM(20 * PAGE), 0, PAGE)},
	{"the second is not registered",
         MAP(CONTAINER, 3, MEM(15 * PAGE), 0x40000, 2 * PAGE)},
	{"the second is not registered, over two",
         MAP(CONTAINER, 3, MEM(15 * PAGE), 0x1000, 2 * PAGE)},
	{"the second is not registered, over one at 0",
         MAP(CONTAINER, 3, MEM(15 * PAGE), 0, 2 * PAGE)},
	{"registered by the other",
         MAP(CONTAINER, 3, MEM(32 * PAGE), 0x40000, PAGE)},
	{"memory only to read", MAP(CONTAINER, 1, READ_ONLY(0), 0x40000, PAGE)},
	{"memory only to read, to be written",
         MAP(CONTAINER, 3, READ_ONLY(0), 0x40000, PAGE)},
	{"a hole", MAP(CONTAINER, 3, HOLE(0), 0x40000, PAGE)},
	{"only to read, over one",
         MAP(CONTAINER, 3, READ_ONLY(0), 0x1000, PAGE)},
	{"memory wraps", MAP(CONTAINER, 3, TOP, 0x40000, PAGE)},
	{"memory wraps by two", MAP(CONTAINER, 3, TOP, 0x40000, 2 * PAGE)},
	{"by the other, of what is registered here",
         MAP(CONTAINER2, 3, MEM(0), 0x40000, PAGE)},
	{"by the other, its own",
         MAP(CONTAINER2, 3, MEM(32 * PAGE), 0x40000, PAGE)},
};

static const struct named unmap_rows[] = {
	{"a mapping", UNMAP(CONTAINER, 0, 3 * PAGE)},
	{"the first page of one", UNMAP(CONTAINER, 0, PAGE)},
	{"a page of one", UNMAP(CONTAINER, 0x1000, PAGE)},
	{"the end of one and the next", UNMAP(CONTAINER, 0x2000, 2 * PAGE)},
	{"everything", UNMAP(CONTAINER, 0, TCE_LOW_BYTES)},
	{"nothing is there", UNMAP(CONTAINER, 0x40000, PAGE)},
	{"the last page", UNMAP(CONTAINER, LOW_LAST, PAGE)},
	{"behind the window", UNMAP(CONTAINER, TCE_LOW_BYTES, PAGE)},
	{"across its end", UNMAP(CONTAINER, LOW_LAST, 2 * PAGE)},
	{"far across its end", UNMAP(CONTAINER, 0, 2 * TCE_LOW_BYTES)},
	{"high", UNMAP(CONTAINER, TCE_HIGH, PAGE)},
	{"high, all", UNMAP(CONTAINER, TCE_HIGH, TCE_HIGH_BYTES)},
	{"high, twice of it", UNMAP(CONTAINER, TCE_HIGH, 2 * TCE_HIGH_BYTES)},
	{"before the high one", UNMAP(CONTAINER, TCE_HIGH - PAGE, PAGE)},
	{"at the very top", UNMAP(CONTAINER, TOP, PAGE)},
	{"half a page", UNMAP(CONTAINER, 0, 0x800)},
	{"no page", UNMAP(CONTAINER, 0x1000, 0)},
	{"no page at 0", UNMAP(CONTAINER, 0, 0)},
	{"address not aligned", UNMAP(CONTAINER, 0x1800, PAGE)},
	{"address not aligned, no page", UNMAP(CONTAINER, 0x1800, 0)},
	{"of 64 KiB", UNMAP(CONTAINER, 0, 0x10000)},
	{"by the other", UNMAP(CONTAINER2, 0, PAGE)},
};

static void rows_register(tce_emit *emit)
{
	static const struct named rows[] = {
		{"a page", REGISTER(CONTAINER, MEM(20 * PAGE), PAGE)},
		{"the same", REGISTER(CONTAINER, MEM(0), 16 * PAGE)},
		{"the same, by the other",
	         REGISTER(CONTAINER2, MEM(0), 16 * PAGE)},
		{"the other's", REGISTER(CONTAINER, MEM(32 * PAGE), 8 * PAGE)},
		{"a part", REGISTER(CONTAINER, MEM(0), PAGE)},
		{"a part, by the other", REGISTER(CONTAINER2, MEM(0), PAGE)},
		{"a page in the middle",
	         REGISTER(CONTAINER, MEM(7 * PAGE), PAGE)},
		{"an overlap", REGISTER(CONTAINER, MEM(15 * PAGE), 2 * PAGE)},
		{"around", REGISTER(CONTAINER, MEM(0), 17 * PAGE)},
		{"directly behind", REGISTER(CONTAINER, MEM(16 * PAGE), PAGE)},
		{"no page", REGISTER(CONTAINER, MEM(20 * PAGE), 0)},
		{"no page, in a region", REGISTER(CONTAINER, MEM(0), 0)},
		{"half a page", REGISTER(CONTAINER, MEM(20 * PAGE), 0x800)},
		{"not aligned", REGISTER(CONTAINER, MEM(20 * PAGE) + 8, PAGE)},
		{"only to read", REGISTER(CONTAINER, READ_ONLY(0), PAGE)},
		{"a hole", REGISTER(CONTAINER, HOLE(0), PAGE)},
		{"a hole behind some",
	         REGISTER(CONTAINER, MEM(60 * PAGE), 6 * PAGE)},
		{"an overlap and a hole",
	         REGISTER(CONTAINER, MEM(0), 66 * PAGE)},
		{"up to 2^64", REGISTER(CONTAINER, TOP, PAGE)},
		{"wraps", REGISTER(CONTAINER, TOP, 2 * PAGE)},
	};
	static const unsigned long limits[] = {8, 9, 25, 26, 0};
	struct tce_row row = {
		.subject = "REGISTER",
		.name = "eight pages of those that may be locked",
		.call = REGISTER(CONTAINER, MEM(32 * PAGE), 8 * PAGE),
	};
	size_t i;

	emit_all(emit, "REGISTER", rows, COUNT(rows), V2_ONLY);
	for (i = 0; limits[i]; i++) {
		char name[64];

		row.memlock = limits[i];
		row.state = limits[i] < 16 ? T_V2 : T_REGISTERED;
		snprintf(name, sizeof(name), "eight pages, %lu may be locked",
		         limits[i]);
		row.name = name;
		emit(&row);
	}
}

static void rows_unregister(tce_emit *emit)
{
	static const struct named rows[] = {
		{"it", UNREGISTER(CONTAINER, MEM(0), 16 * PAGE)},
		{"it, by the other", UNREGISTER(CONTAINER2, MEM(0), 16 * PAGE)},
		{"the other's",
	         UNREGISTER(CONTAINER, MEM(32 * PAGE), 8 * PAGE)},
		{"a part", UNREGISTER(CONTAINER, MEM(0), PAGE)},
		{"more", UNREGISTER(CONTAINER, MEM(0), 17 * PAGE)},
		{"none", UNREGISTER(CONTAINER, MEM(20 * PAGE), PAGE)},
		{"no page", UNREGISTER(CONTAINER, MEM(0), 0)},
		{"half a page", UNREGISTER(CONTAINER, MEM(0), 0x800)},
		{"not aligned", UNREGISTER(CONTAINER, MEM(0) + 8, 16 * PAGE)},
		{"a hole", UNREGISTER(CONTAINER, HOLE(0), PAGE)},
		{"wraps", UNREGISTER(CONTAINER, TOP, 2 * PAGE)},
	};

	emit_all(emit, "UNREGISTER", rows, COUNT(rows), V2_ONLY);
}

void tce_rows_memory(const struct tce_machine *machine, tce_emit *emit)
{
	emit_all(emit, "MAP", map_rows, COUNT(map_rows), TYPED);
	emit_all(emit, "UNMAP", unmap_rows, COUNT(unmap_rows), TYPED);
	rows_register(emit);
	rows_unregister(emit);
}
