/* SPDX-License-Identifier: MIT */
/*
 * The tables of a page table as a writer has them. Entries are what readers
 * and hardware see; what only the writer needs is a node beside each table, so
 * that a table holds nothing but entries, and no writer reads addresses back
 * from them.
 *
 *	pt.root -> node --child[i]--> node --child[j]--> node
 *	             |entry             |entry             |entry
 *	             v                  v                  v
 *	pt.top  -> root  ~~phys~~> table   ~~phys~~> table   ~~phys~~> memory
 *
 * Every table below the root holds at least one live entry: the last one that
 * goes takes the table with it. Not so where the owner writes (slots.h): those
 * tables stay.
 */
#ifndef IOAS_PT_TABLE_H
#define IOAS_PT_TABLE_H

#include "base/law.h"
#include "pt/format.h"

struct ioas_pt_node {
	struct ioas_a64 *entry;
	unsigned int level, bits;  /* constant; it has 2^bits entries */
	unsigned int live;         /* entries that are not 0 */
	struct ioas_pt_node *next; /* among spare or gathered ones */
	void *beside;              /* level 0: pt.beside bytes an entry */
	struct ioas_pt_node
		*child[]; /* above level 0: of each entry, or NULL */
};

/* Tables that are not linked yet, by level. */
struct ioas_pt_spare {
	struct ioas_pt_node *first[IOAS_PT_LEVELS];
};

/* Reserve the row, where that can be; of a table without a root. */
void ioas_pt_row_init(struct ioas_pt *pt);
void ioas_pt_row_fini(struct ioas_pt *pt);
/* Without entries where those are in the row: place says which they are. */
struct ioas_pt_node *ioas_pt_node_new(struct ioas_pt *pt, unsigned int level);
/* The table of @at, before it is written to. */
void ioas_pt_place(const struct ioas_pt *pt, struct ioas_pt_node *node,
                   uint64_t at);
/* Nobody uses the table any more. */
void ioas_pt_drop_kept(struct ioas_pt *pt);
/* Bytes of it, its table, and what is beside. */
uint64_t ioas_pt_node_memory(const struct ioas_pt *pt,
                             const struct ioas_pt_node *node);
/* With all below it. */
void ioas_pt_node_free(struct ioas_pt *pt, struct ioas_pt_node *node);
/* Return: 0 or -ENOMEM, and nothing is left then. */
int ioas_pt_spare_fill(struct ioas_pt *pt, struct ioas_pt_spare *spare,
                       const uint64_t count[IOAS_PT_LEVELS]);
struct ioas_pt_node *ioas_pt_spare_take(struct ioas_pt_spare *spare,
                                        unsigned int level);

/* Readers find @child, placed, from now on. Nothing was there. */
void ioas_pt_link(const struct ioas_pt *pt, struct ioas_pt_node *node,
                  unsigned int i, struct ioas_pt_node *child);
/*
 * A table is taken out, its entry is something else already: no short way
 * leads to it, or below.
 */
void ioas_pt_forget(struct ioas_pt *pt, struct ioas_pt_node *node);
/* Of an entry that was taken out: the table behind it. */
void ioas_pt_gather_table(struct ioas_pt_gather *gather,
                          struct ioas_pt_node *node);
void ioas_pt_gather_range(struct ioas_pt_gather *gather,
                          struct iova_range range);
/* In place of a gather, where nothing is to be freed. */
void ioas_pt_invalidate(const struct ioas_pt *pt, struct iova_range range);

/* ---- Entries: numbers here, bytes in memory. ---- */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IOAS_PT_HOST_BIG true
#else
#define IOAS_PT_HOST_BIG false
#endif

static inline bool ioas_pt_swaps(const struct ioas_pt_format *format)
{
	return format->big_endian != IOAS_PT_HOST_BIG;
}

static inline uint64_t ioas_pt_order(const struct ioas_pt_format *format,
                                     uint64_t raw)
{
	return ioas_pt_swaps(format) ? __builtin_bswap64(raw) : raw;
}

/* By the writer. */
static inline uint64_t ioas_pt_get(const struct ioas_pt *pt,
                                   const struct ioas_pt_node *node,
                                   unsigned int i)
{
	/* Relaxed: only writers write, and we are it; or only bits of dirt. */
	return ioas_pt_order(pt->format,
	                     ioas_a64_load_relaxed(&node->entry[i]));
}

static inline void ioas_pt_wrote(const struct ioas_pt *pt,
                                 const struct ioas_a64 *start, uint64_t n)
{
	if (__builtin_expect(pt->hardware.wrote != NULL, 0))
		pt->hardware.wrote(pt->hardware.arg, start, n * sizeof(*start));
}

static inline void ioas_pt_put(const struct ioas_pt *pt,
                               struct ioas_pt_node *node, unsigned int i,
                               uint64_t entry)
{
	/* Pairs with the load in ioas_pt_walk_down(). */
	ioas_a64_store(&node->entry[i], ioas_pt_order(pt->format, entry));
	ioas_pt_wrote(pt, &node->entry[i], 1);
}

/*
 * @n entries, each @step more than the one before; who put them tells hardware.
 * Four in a step: the additions do not wait for each other.
 */
static inline void ioas_pt_store_run(const struct ioas_pt_format *format,
                                     struct ioas_a64 *entry, uint64_t n,
                                     uint64_t value, uint64_t step)
{
	if (ioas_pt_swaps(format)) {
		/* Pairs with the load in ioas_pt_walk_down(). */
		for (; n; n--, entry++, value += step)
			ioas_a64_store(entry, __builtin_bswap64(value));
		return;
	}
	/* Pairs with the load in ioas_pt_walk_down(). */
	for (; n >= 4; n -= 4, entry += 4, value += 4 * step) {
		ioas_a64_store(&entry[0], value);
		ioas_a64_store(&entry[1], value + step);
		ioas_a64_store(&entry[2], value + 2 * step);
		ioas_a64_store(&entry[3], value + 3 * step);
	}
	for (; n; n--, entry++, value += step)
		ioas_a64_store(entry, value);
}

/* As put, where a device may be marking the entry dirty. */
bool ioas_pt_change(const struct ioas_pt *pt, struct ioas_pt_node *node,
                    unsigned int i, uint64_t from, uint64_t to);

/* ---- Places. ---- */

static inline unsigned int ioas_pt_shift_of(const struct ioas_pt *pt,
                                            unsigned int level)
{
	return pt->page_shift + pt->index_bits * level;
}

static inline unsigned int ioas_pt_index(const struct ioas_pt *pt,
                                         const struct ioas_pt_node *node,
                                         uint64_t at)
{
	return (unsigned int)(at >> ioas_pt_shift_of(pt, node->level)) &
	       ((1u << node->bits) - 1);
}

/* Pages that an entry of a level stands for, as a power of two. */
static inline unsigned int ioas_pt_pages_lg2(const struct ioas_pt *pt,
                                             unsigned int level)
{
	return pt->index_bits * level;
}

/* Pages from @at to the end of its entry, at most @pages. */
static inline uint64_t ioas_pt_piece(const struct ioas_pt *pt,
                                     unsigned int level, uint64_t at,
                                     uint64_t pages)
{
	uint64_t whole = UINT64_C(1) << ioas_pt_pages_lg2(pt, level);
	uint64_t left = whole - ((at >> pt->page_shift) & (whole - 1));

	return left < pages ? left : pages;
}

/* Are the entries of this level's tables in addresses that were reserved? */
static inline bool ioas_pt_in_row(const struct ioas_pt *pt, unsigned int level)
{
	return level == IOAS_PT_ROW && pt->row_bytes;
}

static inline uint64_t ioas_pt_pages(const struct ioas_pt *pt,
                                     struct iova_range range)
{
	return ((range.last - range.first) >> pt->page_shift) + 1;
}

#endif /* IOAS_PT_TABLE_H */
