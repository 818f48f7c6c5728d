/* SPDX-License-Identifier: MIT */
/*
 * The table of a registry: an entry of 64 bits for each page of the program,
 * 0 where nothing is registered. <ioas/mem.h> has the layout of an entry and
 * the look-up.
 *
 *	shadow  one array of all entries, in addresses that are reserved and
 *	        cost memory only where they are written to: one load
 *	tree    three levels, where so many addresses are not to be had
 *
 *	readers: ioas_mem_entry(), no lock, nothing to wait for
 *	writers: below, under the registry's lock
 *
 * Nothing of it is freed while the registry lives, so a reader needs no
 * section to read it: it finds what was there or what is there.
 */
#ifndef IOAS_MEM_TABLE_H
#define IOAS_MEM_TABLE_H

/* The public header's loads are those of base/atomic.h, here. */
#include "base/atomic.h"

#define IOAS_MEM_LOAD(word) \
	ioas_a64_load((const struct ioas_a64 *)(const void *)(word))
#define IOAS_MEM_FOLLOW(link) \
	ioas_aptr_load((const struct ioas_aptr *)(const void *)(link))

#include <ioas/mem.h>

#include "base/types.h"

#define IOAS_ENTRY_PERM   (IOAS_READ | IOAS_WRITE)
#define IOAS_PHYS_BITS    52 /* physical addresses are below 2^52 */
#define IOAS_ENTRY_FLAGS  4  /* bits below the region's number */
#define IOAS_ID_HIGH_BITS (64 - IOAS_PHYS_BITS)

struct node;

struct ioas_table {
	struct ioas_mem_view view;
	size_t shadow_bytes;
	uint64_t bytes;     /* of memory for nodes; under the lock */
	struct node *nodes; /* of a tree, all of them; under the lock */
};

/* Pages by number. */
struct ioas_pages {
	uint64_t first, count;
};

/* The region's number in an entry: its high bits on top, the low ones below. */
static inline uint64_t ioas_entry_of_id(uint32_t id)
{
	const uint32_t high = (1u << IOAS_ID_HIGH_BITS) - 1;

	return (uint64_t)(id & high) << IOAS_PHYS_BITS |
	       (uint64_t)(id >> IOAS_ID_HIGH_BITS) << IOAS_ENTRY_FLAGS;
}

/* The bits for what is allowed: one for each permission that is a part. */
static inline uint64_t ioas_entry_of_perm(unsigned int perm)
{
	static const unsigned char bits[] = {
		[IOAS_READ] = 1 << IOAS_READ,
		[IOAS_WRITE] = 1 << IOAS_WRITE,
		[IOAS_ENTRY_PERM] =
			1 << IOAS_READ | 1 << IOAS_WRITE | 1 << IOAS_ENTRY_PERM,
	};

	return bits[perm];
}

static inline uint32_t ioas_id_of_entry(uint64_t entry, unsigned int page_shift)
{
	uint64_t low = entry & ioas_mask_lg2(page_shift);

	return (uint32_t)(entry >> IOAS_PHYS_BITS |
	                  low >> IOAS_ENTRY_FLAGS << IOAS_ID_HIGH_BITS);
}

/* Numbers are below this. */
static inline uint32_t ioas_id_limit(unsigned int page_shift)
{
	unsigned int low = page_shift - IOAS_ENTRY_FLAGS;

	return 1u << (IOAS_ID_HIGH_BITS + (low < 8 ? low : 8));
}

/* @bits of program addresses. Return: 0 or -ENOMEM. */
int ioas_table_init(struct ioas_table *table, unsigned int page_shift,
                    unsigned int bits, bool no_shadow);
void ioas_table_fini(struct ioas_table *table);

/* Is an entry of these pages taken? */
bool ioas_table_taken_locked(const struct ioas_table *table,
                             struct ioas_pages pages);
/* What set needs. Return: 0 or -ENOMEM. */
int ioas_table_reserve_locked(struct ioas_table *table,
                              struct ioas_pages pages);
/* Reserved. @phys is the first page's, @flags all that is not an address. */
void ioas_table_set_locked(struct ioas_table *table, struct ioas_pages pages,
                           uint64_t phys, uint64_t flags);
void ioas_table_clear_locked(struct ioas_table *table, struct ioas_pages pages);
/* Memory of nodes, and of the shadow at most. */
uint64_t ioas_table_bytes(const struct ioas_table *table);

#endif /* IOAS_MEM_TABLE_H */
