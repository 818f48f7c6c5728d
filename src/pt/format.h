/* SPDX-License-Identifier: MIT */
/*
 * What a page table format has to say. There is one walker (pt.c, visit.c,
 * walk.h); a format is a constant of this type: numbers, and a few functions
 * of one entry that have no state. CONTRIBUTING.md tells how to write one.
 *
 * Words
 *	input     the address that is translated (IOVA)
 *	output    the physical address that it leads to
 *	entry     64 bits of a table. A number here, whatever its byte order is
 *	          in memory
 *	table     entries side by side: 2^index_bits, the root may have more or
 *	          fewer. It is aligned to its size
 *	level     0 for tables whose entries stand for a smallest page, one more
 *	          for each step towards the root (architectures count in either
 *	          direction: the format's file says)
 *	leaf      an entry that leads to memory
 *	cluster   2^n leaves side by side, aligned, that hardware may take for
 *	          one; each of them says so
 *	lost      a leaf whose memory has gone: hardware finds nothing there, we
 *	          still know that there is a mapping
 *
 *	input   | root index | index ... | index | offset in a page |
 *	                                          <- page_shift ---->
 *	                                  <- + index_bits each level
 *
 * Laws of a format (of tables: pt.h)
 *	PT-5  what was written into a leaf is read from it, by us and by the
 *	      hardware, but that permission may be rounded up where hardware
 *	      has no such (a format with .asked keeps what was asked for)
 *	PT-6  leaves are linear: the leaf of an output n bytes further is the
 *	      number n larger, for all outputs below 2^output_bits
 *	PT-7  an entry of 0 is nothing, to us and to the hardware; a lost entry
 *	      is not 0, and nothing to the hardware
 *
 * Hooks get entries of their own level only, as another thread may have
 * written them a moment ago. They are inlined where they are used often:
 * static functions in the file of the format, `pt` and `level` for those that
 * need them.
 */
#ifndef IOAS_PT_FORMAT_H
#define IOAS_PT_FORMAT_H

#include "pt/pt.h"

enum ioas_pt_kind {
	IOAS_PT_NONE,
	IOAS_PT_TABLE,
	IOAS_PT_LEAF,
	IOAS_PT_LOST,
};

/* What a leaf says of itself. */
struct ioas_pt_says {
	uint64_t phys;      /* of the first byte of this entry */
	unsigned int perm;  /* what hardware lets a device do */
	unsigned int asked; /* what the program asked for */
	unsigned int lost;  /* IOAS_PT_FOUND_LOST or 0; not looked at by leaf */
	unsigned int lg2;   /* bytes that it is known to stand for */
};

/* Page sizes that tables can be made of, and what tables look like then. */
struct ioas_pt_granule {
	uint8_t page_from, page_to;   /* page_shift, both included */
	uint8_t index_bits;           /* unless configured */
	uint8_t index_min, index_max; /* what can be configured */
	uint8_t levels_min, levels_max;
	uint8_t leaf_levels; /* levels, from 0, that may hold leaves */
	uint8_t cluster[3];  /* lg2 of the leaves in a cluster, by level */
};

/*
 * Of the pages that most tables are made of, for which walks know all numbers.
 * Nothing but the speed of walks depends on it.
 */
#define IOAS_PT_USUAL_SHIFT 12

/* Of a hook that readers go through and that is more than a line. */
#define IOAS_PT_INLINE static inline __attribute__((always_inline))

struct ioas_pt_format {
	const char *name;
	const struct ioas_pt_granule *granules;
	unsigned int granule_count;
	unsigned int input_bits;  /* at most */
	unsigned int output_bits; /* at most */
	/*
	 * The root may be 2^n tables side by side, to save a level: n at most.
	 * It is used where the number of levels is left to us.
	 */
	unsigned int root_extra;
	unsigned int usual_bits; /* index_bits of pages of the usual size */
	bool clusters;           /* a granule has some */
	bool big_endian;
	/* Permissions that can be had; the rest are rounded up. For tests. */
	bool write_only;

	/* Which it is. Never TABLE on level 0. */
	enum ioas_pt_kind (*kind)(unsigned int level, uint64_t entry);
	/* The entry that leads to a table, whose level is one lower. */
	uint64_t (*table)(const struct ioas_pt *pt, unsigned int level,
	                  uint64_t phys);
	uint64_t (*table_at)(const struct ioas_pt *pt, unsigned int level,
	                     uint64_t entry);
	/* A leaf of 2^@lg2 bytes, which is the level's size or its cluster's.
	 */
	uint64_t (*leaf)(const struct ioas_pt *pt, unsigned int level,
	                 const struct ioas_pt_says *says);
	/* Of a leaf or a lost entry: then phys is not looked at. */
	struct ioas_pt_says (*says)(const struct ioas_pt *pt,
	                            unsigned int level, uint64_t entry);
	uint64_t (*lost)(unsigned int asked);

	/*
	 * Of a leaf: has a device written there; and the same leaf, written and
	 * not. NULL, all three: the format has no place for that.
	 */
	bool (*is_dirty)(uint64_t entry);
	uint64_t (*dirty)(uint64_t entry);
	uint64_t (*clean)(uint64_t entry);

	/*
	 * Made of all that by IOAS_PT_WALK() of walk.h: from the root; the
	 * same, where the row has nothing; by the row; and by the row of tables
	 * of the usual pages and index.
	 */
	struct ioas_pt_found (*walk_down)(const struct ioas_pt *pt,
	                                  struct iova at);
	struct ioas_pt_found (*walk_missed)(const struct ioas_pt *pt,
	                                    struct iova at);
	struct ioas_pt_found (*walk_row)(const struct ioas_pt *pt,
	                                 struct iova at);
	struct ioas_pt_found (*walk_usual)(const struct ioas_pt *pt,
	                                   struct iova at);
};

#endif /* IOAS_PT_FORMAT_H */
