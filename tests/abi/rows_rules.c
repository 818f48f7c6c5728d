/* SPDX-License-Identifier: MIT */
/*
 * MAP_DMA, UNMAP_DMA and GET_INFO: every state with every combination of
 * arguments of a table. What is expected comes from the list of checks, in
 * their order.
 */
#include <stdio.h>
#include <string.h>

#include "rows_type1.h"

#define TOP (UINT64_MAX - PAGE + 1) /* the last page of all */

/* ---- MAP_DMA ---- */

/* Memory: pages to read and write, then pages to read, then a hole. */
static const struct memory {
	uint64_t vaddr;
	unsigned int rw, ro;
} memory[] = {
	{MEM(0), MEM_PAGES, 1},
	{MEM(62 * PAGE), 2, 1},
	{READ_ONLY(0), 0, 1},
	{HOLE(0), 0, 0},
	{0, 0, 0},
	{TOP, 0, 0},
	{MEM(8), MEM_PAGES, 1},
	{UINT64_MAX, 0, 0},
};

static const uint64_t map_iova[] = {
	0,
	0x10000,
	0x10001,
	0xff000,
	0x100000,
	0x103000,
	0x104000,
	0x201000,
	0xfedff000,
	0xfee00000,
	0xfeeff000,
	0xfef00000,
	UINT64_C(0xfffffffff000),
	UINT64_C(0x1000000000000),
	TOP,
	UINT64_MAX,
};

static const uint64_t map_size[] = {
	0,         1,          0x800,
	PAGE,      2 * PAGE,   3 * PAGE,
	65 * PAGE, 0x200000,   UINT64_C(0x1000000000000),
	TOP,       UINT64_MAX,
};

static const uint32_t map_flags[] = {0, 1, 2, 3, 4, 5, 7, 8, 11, 1u << 31};

struct map_case {
	enum ioas_contract contract;
	const struct type1_state *s;
	const struct memory *m;
	uint64_t iova, size;
	uint32_t flags;
};

/* The pages are taken one after the other; a third one is beyond the limit. */
static long pin_answer(const struct map_case *c)
{
	uint64_t good = c->flags & VFIO_DMA_MAP_FLAG_WRITE
	                        ? c->m->rw
	                        : c->m->rw + c->m->ro;
	uint64_t pages = c->size / PAGE;

	if (c->s->two_only && pages > 2 && good > 2)
		return -ENOMEM;
	return good < pages ? -EFAULT : 0;
}

static bool is_usable(uint64_t first, uint64_t last)
{
	return last <= 0xfedfffff ||
	       (first >= 0xfef00000 && last <= UINT64_C(0xffffffffffff));
}

/* Its exclusive end is 0: nothing is found there. */
static bool is_blind(enum ioas_contract contract, uint64_t last)
{
	return contract == IOAS_CONTRACT_LINUX_6_12 && last == UINT64_MAX;
}

/* Of a mapping that is made anew. B is the only one without an address. */
static long vaddr_answer(const struct map_case *c, unsigned int met)
{
	const struct type1_mapping *b = &type1_mapping[1];

	if (!met)
		return -ENOENT;
	return c->s->invalid && c->iova == b->first &&
	                       c->size == b->pages * PAGE
	               ? 0
	               : -EINVAL;
}

static long range_answer(const struct map_case *c)
{
	uint64_t last = c->iova + (c->size - 1);
	unsigned int met = is_blind(c->contract, last)
	                           ? 0
	                           : type1_met(c->s, c->iova, last);

	if (c->flags & VFIO_DMA_MAP_FLAG_VADDR)
		return vaddr_answer(c, met);
	if (met)
		return -EEXIST;
	if (c->s->full)
		return -ENOSPC;
	return is_usable(c->iova, last) ? pin_answer(c) : -EINVAL;
}

static bool vaddr_wraps(const struct map_case *c)
{
	/* A name of the program's memory is far from both ends. */
	if ((c->m->vaddr & PLACE_MASK) >= PLACE_MEMORY &&
	    (c->m->vaddr & PLACE_MASK) <= PLACE_HOLE)
		return c->size > UINT64_C(0xffff000000000000);
	return type1_wraps(c->m->vaddr, c->size);
}

static long map_answer(const struct map_case *c)
{
	bool old = c->contract == IOAS_CONTRACT_LINUX_6_12;
	bool vaddr = c->flags & VFIO_DMA_MAP_FLAG_VADDR;
	bool perm = c->flags & 3;

	if (c->flags > 7)
		return -EINVAL;
	if (!c->size)
		return -EINVAL;
	if (!old && (type1_wraps(c->iova, c->size) || vaddr_wraps(c)))
		return -EOVERFLOW;
	if (vaddr == perm)
		return -EINVAL;
	if ((c->iova | c->m->vaddr | c->size) % PAGE)
		return -EINVAL;
	if (old && (type1_wraps(c->iova, c->size) || vaddr_wraps(c)))
		return -EINVAL;
	return range_answer(c);
}

static void map_row(void (*emit)(const struct abi_row *),
                    const struct map_case *c)
{
	const struct vfio_iommu_type1_dma_map in = {32, c->flags, c->m->vaddr,
	                                            c->iova, c->size};
	char name[112];

	snprintf(name, sizeof(name),
	         "map [0x%llx, +0x%llx), memory %zu, flags 0x%x",
	         (unsigned long long)c->iova, (unsigned long long)c->size,
	         (size_t)(c->m - memory), c->flags);
	emit(&(struct abi_row){
		.name = name,
		.state = c->s->state,
		.in = type1_in(c->contract),
		.command = VFIO_IOMMU_MAP_DMA,
		.argument = &in,
		.bytes = sizeof(in),
		.expected = map_answer(c),
	});
}

/* All of two of the three, beside a third that would do. */
static bool is_wanted(const struct map_case *c)
{
	bool iova_does = c->iova == 0x10000 || c->iova == 0x103000;
	bool memory_does = c->m == memory;

	if (c->flags == 3)
		return iova_does || memory_does;
	if (c->size == PAGE || c->size == 3 * PAGE)
		return memory_does ||
		       (iova_does && c->flags == VFIO_DMA_MAP_FLAG_READ);
	return memory_does && iova_does;
}

static void map_all(void (*emit)(const struct abi_row *),
                    enum ioas_contract contract, const struct type1_state *s)
{
	size_t i, n = COUNT(map_iova), z = COUNT(map_size), m = COUNT(memory);

	for (i = 0; i < n * z * m * COUNT(map_flags); i++) {
		const struct map_case c = {
			.contract = contract,
			.s = s,
			.m = &memory[i / n / z % m],
			.iova = map_iova[i % n],
			.size = map_size[i / n % z],
			.flags = map_flags[i / n / z / m],
		};

		if (is_wanted(&c))
			map_row(emit, &c);
	}
}

/* ---- UNMAP_DMA ---- */

#define B   VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define ALL VFIO_DMA_UNMAP_FLAG_ALL
#define V   VFIO_DMA_UNMAP_FLAG_VADDR

static const struct {
	uint64_t iova, size;
} unmap_range[] = {
	{0, 0},
	{0, PAGE},
	{0, 0x100000},
	{0, 0x101000},
	{0, 0x103000},
	{0, 0x1000000},
	{0, TOP},
	{0, UINT64_MAX},
	{1, 0},
	{1, PAGE},
	{PAGE, TOP},
	{2 * PAGE, TOP},
	{0xff000, PAGE},
	{0xff000, 2 * PAGE},
	{0xff000, 4 * PAGE},
	{0xff000, 5 * PAGE},
	{0x100000, 0},
	{0x100000, 1},
	{0x100000, PAGE},
	{0x100000, 2 * PAGE},
	{0x100000, 3 * PAGE},
	{0x100000, 4 * PAGE},
	{0x100000, 0x101000},
	{0x100000, 0x102000},
	{0x100800, PAGE},
	{0x101000, PAGE},
	{0x101000, 2 * PAGE},
	{0x101000, 3 * PAGE},
	{0x102000, PAGE},
	{0x103000, PAGE},
	{0x103000, 0xfe000},
	{0x103000, 0xff000},
	{0x104000, 0xfc000},
	{0x200000, PAGE},
	{0x200000, 2 * PAGE},
	{0x201000, PAGE},
	{0x201000, TOP - 0x200000},
	{0xfee00000, PAGE},
	{UINT64_C(0x1000000000000), PAGE},
	{TOP, PAGE},
	{TOP, 2 * PAGE},
	{TOP + 1, 2 * PAGE},
	{UINT64_MAX, 0},
	{UINT64_MAX, 1},
};

static const uint32_t unmap_flags[] = {
	0, ALL, V, V | ALL, B, B | ALL, B | V, 8, ALL | 8, 1u << 31,
};

static const uint32_t unmap_argsz[] = {0, 23, 24, 47, 1000};

struct unmap_case {
	enum ioas_contract contract;
	const struct type1_state *s;
	uint64_t iova, size;
	uint32_t argsz, flags;
	uint64_t gone; /* bytes, out */
};

/* Bytes that go, by version: see vfio.h of Linux, "data" of version 1. */
static uint64_t bytes_gone(const struct unmap_case *c, uint64_t last)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; c->s->mapped && i < TYPE1_MAPPINGS; i++) {
		const struct type1_mapping *m = &type1_mapping[i];

		if (m->first > last || type1_last(m) < c->iova)
			continue;
		if (!c->s->v2 && m->first < c->iova)
			break;
		bytes += m->pages * PAGE;
	}
	return bytes;
}

/* Is B, which has no address, among them? Version 1 has no such state here. */
static bool meets_invalid(const struct unmap_case *c, uint64_t last)
{
	const struct type1_mapping *b = &type1_mapping[1];

	return c->s->invalid && b->first <= last && type1_last(b) >= c->iova;
}

static long unmap_range_answer(struct unmap_case *c)
{
	bool all = c->flags & ALL;
	uint64_t last = all ? UINT64_MAX : c->iova + (c->size - 1);
	bool blind = !all && is_blind(c->contract, last);

	/* The last address is in no mapping of ours when that is 2^64 - 1. */
	if (c->s->v2 && !all && type1_cuts(c->s, c->iova, last))
		return -EINVAL;
	if (blind)
		return 0;
	if (c->flags & V && meets_invalid(c, last))
		return -EINVAL;
	c->gone = bytes_gone(c, last);
	return 0;
}

/* The argument ends where the bitmap would begin. */
static long unmap_answer(struct unmap_case *c)
{
	if (c->argsz < 24 || c->flags > 7)
		return -EINVAL;
	if (c->flags & B)
		return c->flags == B && c->argsz >= 48 ? -EFAULT : -EINVAL;
	if (c->iova % PAGE)
		return -EINVAL;
	if (c->flags & ALL)
		return c->iova || c->size ? -EINVAL : unmap_range_answer(c);
	if (!c->size || c->size % PAGE)
		return -EINVAL;
	if (type1_wraps(c->iova, c->size))
		return type1_overflow(c->contract);
	return unmap_range_answer(c);
}

static void unmap_row(void (*emit)(const struct abi_row *),
                      struct unmap_case *c)
{
	const struct ioas_vfio_unmap in = {c->argsz, c->flags, c->iova,
	                                   c->size};
	struct ioas_vfio_unmap out = in;
	long answer = unmap_answer(c);
	char name[112];

	if (!answer)
		out.size = c->gone;
	snprintf(name, sizeof(name),
	         "unmap [0x%llx, +0x%llx), argsz %u, flags 0x%x",
	         (unsigned long long)c->iova, (unsigned long long)c->size,
	         c->argsz, c->flags);
	emit(&(struct abi_row){
		.name = name,
		.state = c->s->state,
		.in = type1_in(c->contract),
		.command = VFIO_IOMMU_UNMAP_DMA,
		.argument = &in,
		.bytes = sizeof(in),
		.expected = answer,
		.out = &out,
	});
}

static void unmap_all(void (*emit)(const struct abi_row *),
                      enum ioas_contract contract, const struct type1_state *s)
{
	size_t i, n = COUNT(unmap_range), f = COUNT(unmap_flags);

	for (i = 0; i < n * f * COUNT(unmap_argsz); i++) {
		struct unmap_case c = {
			.contract = contract,
			.s = s,
			.iova = unmap_range[i % n].iova,
			.size = unmap_range[i % n].size,
			.flags = unmap_flags[i / n % f],
			.argsz = unmap_argsz[i / n / f],
		};

		/* What is refused before the range needs few of them. */
		if (i % n % 8 == 0 ||
		    (c.argsz == 24 && c.flags < 8 && !(c.flags & B)))
			unmap_row(emit, &c);
	}
}

/* ---- GET_INFO: each size, with a hole behind it ---- */

#define INFO_MAX 136
#define CHAIN    120 /* bytes of the structure and its capabilities */

static void put(uint8_t *at, size_t offset, uint64_t value, size_t bytes)
{
	memcpy(at + offset, &value, bytes);
}

/* By offsets, as the contract has them. */
static void info_out(const struct type1_state *s, uint32_t argsz, uint8_t *out)
{
	uint32_t left = 65535 - (s->mapped ? TYPE1_MAPPINGS : 0);
	uint8_t full[CHAIN] = {0};
	bool whole = argsz >= CHAIN;

	put(full, 0, whole ? argsz : CHAIN, 4);
	put(full, 4, 3, 4);
	put(full, 8, 0x40201000, 8);
	put(full, 16, whole ? 24 : 0, 4);
	put(full, 24, 2, 2);
	put(full, 26, 1, 2);
	put(full, 28, 56, 4);
	put(full, 40, PAGE, 8);
	put(full, 48, 0x10000000, 8);
	put(full, 56, 3, 2);
	put(full, 58, 1, 2);
	put(full, 60, 72, 4);
	put(full, 64, s->full ? 0 : left, 4);
	put(full, 72, 1, 2);
	put(full, 74, 1, 2);
	put(full, 80, 2, 4);
	put(full, 96, 0xfedfffff, 8);
	put(full, 104, 0xfef00000, 8);
	put(full, 112, UINT64_C(0xffffffffffff), 8);
	if (argsz < 16)
		return;
	memcpy(out, full, whole ? CHAIN : argsz < 24 ? argsz : 24);
}

static void info_all(void (*emit)(const struct abi_row *),
                     const struct type1_state *s)
{
	uint8_t in[INFO_MAX], out[INFO_MAX];
	uint32_t argsz;
	char name[64];

	for (argsz = 4; argsz <= INFO_MAX; argsz++) {
		memset(in, 0xa7, sizeof(in));
		put(in, 0, argsz, 4);
		memcpy(out, in, sizeof(out));
		info_out(s, argsz, out);
		snprintf(name, sizeof(name), "info, argsz %u", argsz);
		emit(&(struct abi_row){
			.name = name,
			.state = s->state,
			.command = VFIO_IOMMU_GET_INFO,
			.argument = in,
			.bytes = argsz < 16 ? 16 : argsz,
			.expected = argsz < 16 ? -EINVAL : 0,
			.out = out,
		});
	}
}

static void generate(void (*emit)(const struct abi_row *))
{
	unsigned int c;
	size_t i;

	for (i = 0; i < TYPE1_STATES; i++)
		info_all(emit, &type1_state[i]);
	for (c = 0; c < IOAS_CONTRACT_NR; c++) {
		for (i = 0; i < TYPE1_STATES; i++) {
			map_all(emit, c, &type1_state[i]);
			unmap_all(emit, c, &type1_state[i]);
		}
	}
}

/* A map whose range ends at 2^64 - 1, over mappings. Memory from 0 on. */
#define UP_TO_THE_END(flags)                                                \
	.state = S_V2_INVALID, .command = VFIO_IOMMU_MAP_DMA,               \
	.argument =                                                         \
		&(const struct vfio_iommu_type1_dma_map){                   \
			32, flags, 0, 0x103000, UINT64_MAX - 0x103000 + 1}, \
	.bytes = 32

static const struct abi_row rows[] = {
	{.name = "map over mappings to the end of all",
         .in = IN_NEW,
         UP_TO_THE_END(3),
         .expected = -EEXIST},
	{.name = "map over mappings to the end of all",
         .in = IN_6_12,
         UP_TO_THE_END(3),
         .expected = -EINVAL},
	{.name = "vaddr over mappings to the end of all",
         .in = IN_NEW,
         UP_TO_THE_END(VFIO_DMA_MAP_FLAG_VADDR),
         .expected = -EINVAL},
	{.name = "vaddr over mappings to the end of all",
         .in = IN_6_12,
         UP_TO_THE_END(VFIO_DMA_MAP_FLAG_VADDR),
         .expected = -ENOENT},
};

const struct abi_set abi_rules_set = {
	.subject = "type1 by its rules",
	.source = "Linux 7.3 drivers/vfio/vfio_iommu_type1.c",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
