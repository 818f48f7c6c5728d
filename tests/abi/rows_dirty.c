/* SPDX-License-Identifier: MIT */
/* DIRTY_PAGES, and UNMAP_DMA with a bitmap. */
#include <stdio.h>
#include <string.h>

#include "rows_type1.h"

#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET   VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

/* Six words behind the argument: 384 pages. */
#define WORDS 6

struct get {
	struct ioas_vfio_head head;
	struct ioas_vfio_dirty_range range;
	uint64_t words[WORDS];
};

IOAS_LAYOUT(struct get, words, 48);

#define HEAD(...)   (&(const struct ioas_vfio_head){__VA_ARGS__})
#define DIRTY_PAGES .command = VFIO_IOMMU_DIRTY_PAGES
#define ASK(flags)  DIRTY_PAGES, .argument = HEAD(8, flags), .bytes = 8
#define FILLED(iova, size, bytes, ...)                                  \
	(&(const struct get){{48, GET},                                 \
	                     {iova, size, {PAGE, bytes, ARGUMENT(48)}}, \
	                     {__VA_ARGS__}})
#define FROM(iova, size)                                           \
	DIRTY_PAGES, .argument = FILLED(iova, size, 8 * WORDS, 0), \
		     .bytes = sizeof(struct get)
#define GIVES(iova, size, word) .out = FILLED(iova, size, 8 * WORDS, word)

static const struct abi_row rows[] = {
	{.name = "start", .state = S_V2, .also = S_V2_MAPPED, ASK(START)},
	{.name = "start again", .state = S_V2_TRACKED, ASK(START)},
	{.name = "stop",
         .state = S_V2_TRACKED,
         .also = S_V2_SHIFTED,
         ASK(STOP)},
	{.name = "stop of nothing",
         .state = S_V2,
         .also = S_V2_MAPPED,
         ASK(STOP)},
	{.name = "argsz larger",
         .state = S_V2,
         DIRTY_PAGES,
         .argument = HEAD(1000, START),
         .bytes = 8},
	{.name = "argument only read",
         .state = S_V2_TRACKED,
         .place = AT_READ_ONLY,
         ASK(STOP)},
	{.name = "before set iommu",
         .state = S_ATTACHED,
         ASK(START),
         .expected = -EINVAL},
	{.name = "get, its range is not there",
         .state = S_V2_TRACKED,
         .also = S_V2_MAPPED,
         DIRTY_PAGES,
         .argument = HEAD(48, GET),
         .bytes = 8,
         .expected = -EFAULT},
	{.name = "get, argsz one short comes before its range",
         .state = S_V2_TRACKED,
         DIRTY_PAGES,
         .argument = HEAD(47, GET),
         .bytes = 8,
         .expected = -EINVAL},
	{.name = "get of one word that ends at a hole",
         .state = S_V2_TRACKED,
         DIRTY_PAGES,
         .argument = FILLED(0x100000, 3 * PAGE, 8, 0),
         .bytes = 56,
         .out = FILLED(0x100000, 3 * PAGE, 8, 7)},
	{.name = "get that runs into a hole",
         .state = S_V2_TRACKED,
         DIRTY_PAGES,
         .argument = FILLED(0x100000, 0x102000, 48, 0),
         .bytes = 56,
         .expected = -EFAULT,
         .out_is_open = true},

	/*
	 * After a get whose first page is 2 pages before A. The bits of A were
	 * shifted by 2, so bits 3 and 4 are left behind its three. B was put
	 * behind them in the same word, with bits 2 to 5 set then; all but the
	 * first stay.
	 */
	{.name = "get of A after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_STRICT,
         FROM(0x100000, 3 * PAGE),
         GIVES(0x100000, 3 * PAGE, 0x7)},
	{.name = "get of A after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_LINUX,
         FROM(0x100000, 3 * PAGE),
         GIVES(0x100000, 3 * PAGE, 0x1f)},
	{.name = "get of B after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_STRICT,
         FROM(0x103000, PAGE),
         GIVES(0x103000, PAGE, 0x1)},
	{.name = "get of B after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_LINUX,
         FROM(0x103000, PAGE),
         GIVES(0x103000, PAGE, 0x3d)},
	{.name = "get of C after a shifted one that it was not in",
         .state = S_V2_SHIFTED,
         FROM(0x200000, 2 * PAGE),
         GIVES(0x200000, 2 * PAGE, 0x3)},
	{.name = "shifted get after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_STRICT,
         FROM(0xfe000, 6 * PAGE),
         GIVES(0xfe000, 6 * PAGE, 0x3c)},
	/* A: bits 0 to 4 moved to 2 to 6; B: 0x3d moved to 5, and those. */
	{.name = "shifted get after a shifted one",
         .state = S_V2_SHIFTED,
         .in = IN_LINUX,
         FROM(0xfe000, 6 * PAGE),
         GIVES(0xfe000, 6 * PAGE, 0x7fc)},
	{.name = "start again forgets nothing",
         .state = S_V2_SHIFTED,
         ASK(START)},
};

/* ---- The opening, in every state ---- */

static long ask_answer(const struct type1_state *s, uint32_t argsz,
                       uint32_t flags)
{
	if (!s->v2)
		return -EACCES;
	if (argsz < 8)
		return -EINVAL;
	return flags == START || flags == STOP ? 0 : -EINVAL;
}

/* GET with argsz 8 or less; every other set of flags. */
static void openings(void (*emit)(const struct abi_row *))
{
	static const uint32_t argsz[] = {0, 7, 8, 47};
	static const uint32_t odd[] = {8, 9, 1u << 31, UINT32_MAX};
	char name[80];
	size_t s, a, f;

	for (s = 0; s < TYPE1_STATES * COUNT(argsz) * 12; s++) {
		const struct type1_state *in = &type1_state[s / 48];
		uint32_t flags;

		a = s / 12 % COUNT(argsz);
		f = s % 12;
		flags = f < 8 ? (uint32_t)f : odd[f - 8];
		snprintf(name, sizeof(name), "argsz %u, flags 0x%x", argsz[a],
		         flags);
		emit(&(struct abi_row){
			.name = name,
			.state = in->state,
			DIRTY_PAGES,
			.argument = HEAD(argsz[a], flags),
			.bytes = 8,
			.expected = ask_answer(in, argsz[a], flags),
		});
	}
}

/* Version 1 looks at nothing. */
static void bad_places(void (*emit)(const struct abi_row *))
{
	static const enum abi_place place[] = {AT_NULL, AT_HOLE};
	size_t i;

	for (i = 0; i < TYPE1_STATES * COUNT(place); i++)
		emit(&(struct abi_row){
			.name = i % 2 ? "hole" : "null",
			.state = type1_state[i / 2].state,
			.place = place[i % 2],
			DIRTY_PAGES,
			.expected = type1_state[i / 2].v2 ? -EFAULT : -EACCES,
		});
}

/* ---- Ranges, with bitmaps ---- */

static const struct {
	uint64_t iova, size;
} ranges[] = {
	{0x100000, 3 * PAGE},
	{0x103000, PAGE},
	{0x200000, 2 * PAGE},
	{0x100000, 4 * PAGE},
	{0x100000, 0x102000},
	{0xff000, 5 * PAGE},
	{0xfe000, 0x104000},
	{0xc2000, 0x41000},  /* A and B: bits 62 to 65 */
	{0xc1000, 0x42000},  /* bits 63 to 66 */
	{0xc0000, 0x44000},  /* bits 64 to 67 */
	{0x1c1000, 0x41000}, /* C: bits 63 and 64 */
	{0x900000, PAGE},
	{0x900000, 65 * PAGE},
	{0, 0x100000},
	{0x104000, 0xfc000},
	{0x100000, PAGE},
	{0x101000, 2 * PAGE},
	{0x101000, PAGE},
	{0xff000, 2 * PAGE},
	{0x103000, 0xfe000},
	{0x100000, 0},
	{0x100000, 0x800},
	{0x100800, PAGE},
	{1, PAGE},
	{0x100000, UINT64_MAX},
	{UINT64_MAX - PAGE + 1, PAGE},
	{UINT64_MAX - PAGE + 1, 2 * PAGE},
	{UINT64_MAX - 64 * PAGE + 1, 65 * PAGE},
	{UINT64_MAX, 0},
	{UINT64_MAX, 2},
};

/* From "does not fit" to "range cuts a mapping", then the bitmap itself. */
static long get_answer(enum ioas_contract contract, const struct type1_state *s,
                       size_t r, const struct type1_bitmap *b)
{
	bool old = contract == IOAS_CONTRACT_LINUX_6_12;
	uint64_t iova = ranges[r].iova, size = ranges[r].size;

	if (!s->v2)
		return -EACCES;
	if (!old && !size)
		return -EINVAL;
	if (old ? iova + size < iova : type1_wraps(iova, size))
		return type1_overflow(contract);
	if (!type1_bitmap_does(b, size) || b->pgsize != PAGE || !size ||
	    iova % PAGE || size % PAGE || !s->tracked ||
	    type1_cuts(s, iova, iova + (size - 1)))
		return -EINVAL;
	return b->faults && type1_met(s, iova, iova + (size - 1)) ? -EFAULT : 0;
}

/* What the program has in its words before. */
static const uint64_t before[] = {0, UINT64_C(0x8421084210842108), UINT64_MAX};

/* While tracking is off a few bitmaps show that it is seen at its turn. */
static bool is_dull(const struct type1_state *s, size_t bitmap)
{
	return !s->tracked && bitmap % 4;
}

static void get_rows(void (*emit)(const struct abi_row *),
                     enum ioas_contract contract, const struct type1_state *s,
                     size_t r)
{
	char name[96];
	size_t i, w, k;

	for (i = 0; i < TYPE1_BITMAPS * COUNT(before); i++) {
		const struct type1_bitmap *b = &type1_bitmap[i / COUNT(before)];
		struct get in = {
			.head = {48, GET},
			.range = {ranges[r].iova,
		                  ranges[r].size,
		                  {b->pgsize, b->size, b->data}},
		};
		struct get out;
		long answer = get_answer(contract, s, r, b);

		w = i % COUNT(before);
		/* The words matter where they are written. */
		if (answer && (w || is_dull(s, i / COUNT(before))))
			continue;
		for (k = 0; k < WORDS; k++)
			in.words[k] = before[w];
		out = in;
		if (!answer)
			type1_bits(contract, s, in.range.iova,
			           in.range.iova + (in.range.size - 1),
			           out.words);
		snprintf(name, sizeof(name),
		         "get [0x%llx, +0x%llx), bitmap %s, words %zu",
		         (unsigned long long)in.range.iova,
		         (unsigned long long)in.range.size, b->name, w);
		emit(&(struct abi_row){
			.name = name,
			.state = s->state,
			.in = type1_in(contract),
			DIRTY_PAGES,
			.argument = &in,
			.bytes = sizeof(in),
			.expected = answer,
			.out = &out,
		});
	}
}

/* ---- UNMAP_DMA with a bitmap ---- */

struct unmap {
	struct ioas_vfio_unmap head;
	struct ioas_vfio_bitmap bitmap;
	uint64_t words[WORDS];
};

IOAS_LAYOUT(struct unmap, words, 48);

#define B VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP

/* Bytes of the mappings in a range that cuts none. */
static uint64_t bytes_in(const struct type1_state *s, uint64_t first,
                         uint64_t last)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; s->mapped && i < TYPE1_MAPPINGS; i++)
		if (type1_mapping[i].first >= first &&
		    type1_last(&type1_mapping[i]) <= last)
			bytes += type1_mapping[i].pages * PAGE;
	return bytes;
}

static long unmap_answer(enum ioas_contract contract,
                         const struct type1_state *s, size_t r,
                         const struct type1_bitmap *b)
{
	uint64_t iova = ranges[r].iova, size = ranges[r].size;

	if (!type1_bitmap_does(b, size))
		return -EINVAL;
	if (iova % PAGE || !size || size % PAGE)
		return -EINVAL;
	if (type1_wraps(iova, size))
		return type1_overflow(contract);
	if (!s->tracked || b->pgsize != PAGE ||
	    type1_cuts(s, iova, iova + (size - 1)))
		return -EINVAL;
	return b->faults && type1_met(s, iova, iova + (size - 1)) ? -EFAULT : 0;
}

static void unmap_rows(void (*emit)(const struct abi_row *),
                       enum ioas_contract contract, const struct type1_state *s,
                       size_t r)
{
	char name[96];
	size_t i, k;

	for (i = 0; i < TYPE1_BITMAPS; i++) {
		const struct type1_bitmap *b = &type1_bitmap[i];
		struct unmap in = {
			.head = {48, B, ranges[r].iova, ranges[r].size},
			.bitmap = {b->pgsize, b->size, b->data},
		};
		uint64_t last = in.head.iova + (in.head.size - 1);
		struct unmap out;
		long answer = unmap_answer(contract, s, r, b);

		if (answer && is_dull(s, i))
			continue;
		for (k = 0; k < WORDS; k++)
			in.words[k] = before[1];
		out = in;
		if (!answer) {
			type1_bits(contract, s, in.head.iova, last, out.words);
			out.head.size = bytes_in(s, in.head.iova, last);
		}
		snprintf(name, sizeof(name),
		         "unmap [0x%llx, +0x%llx), bitmap %s",
		         (unsigned long long)in.head.iova,
		         (unsigned long long)in.head.size, b->name);
		emit(&(struct abi_row){
			.name = name,
			.state = s->state,
			.in = type1_in(contract),
			.command = VFIO_IOMMU_UNMAP_DMA,
			.argument = &in,
			.bytes = sizeof(in),
			.expected = answer,
			.out = &out,
		});
	}
}

/*
 * A word for A and B that is there, and one for C that is not. Linux has
 * removed A and B by then; strictly, an error changes nothing.
 */
static void unmap_half(void (*emit)(const struct abi_row *),
                       enum ioas_contract contract)
{
	struct unmap in = {
		.head = {48, B, 0x100000, 0x102000},
		.bitmap = {PAGE, 48, ARGUMENT(48)},
	};

	emit(&(struct abi_row){
		.name = "unmap, bitmap ends in a hole before the last mapping",
		.state = S_V2_TRACKED,
		.in = type1_in(contract),
		.command = VFIO_IOMMU_UNMAP_DMA,
		.argument = &in,
		.bytes = 56,
		.expected = -EFAULT,
		.out_is_open = true,
		.leaves = contract != IOAS_CONTRACT_STRICT,
	});
}

static void generate(void (*emit)(const struct abi_row *))
{
	unsigned int c;
	size_t i;

	openings(emit);
	bad_places(emit);
	for (c = 0; c < IOAS_CONTRACT_NR; c++) {
		unmap_half(emit, c);
		for (i = 0; i < COUNT(ranges) * TYPE1_STATES; i++) {
			const struct type1_state *s =
				&type1_state[i % TYPE1_STATES];

			get_rows(emit, c, s, i / TYPE1_STATES);
			unmap_rows(emit, c, s, i / TYPE1_STATES);
		}
	}
}

const struct abi_set abi_dirty_set = {
	.subject = "DIRTY_PAGES",
	.source = "Linux 7.3 drivers/vfio/vfio_iommu_type1.c, "
		  "vfio_iommu_type1_dirty_pages",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
