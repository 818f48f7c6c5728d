/* SPDX-License-Identifier: MIT */
/*
 * I/O page tables: from I/O addresses to physical ones, in the formats that
 * IOMMUs read (format.h has the words and what a format is). Leaves are as
 * large as the address, the physical address and the length allow.
 *
 * Where only we read tables, those of level 1 lie in a row: in addresses that
 * are reserved and cost nothing until used, each at the place of its inputs. A
 * walk begins there (walk.h). Where nobody has such a table, it is empty.
 *
 *	readers: ioas_pt_walk(), inside an IOAS_GRACE_DMA section, no lock; and
 *	         hardware, where the tables are its
 *	writers: everything else, under the lock of who owns the table
 *
 * Physical addresses of tables and of memory are the same kind of number. As
 * long as only we read tables, that is their address here (linear is 0).
 *
 *	unmap, merge   entries are taken out; tables that went with them and the
 *	               addresses they were of are gathered
 *	flush          hardware forgets them: the invalidate hook
 *	(the caller waits for a grace period)
 *	free           the tables' memory is given back
 *
 * Laws
 *	PT-1  map writes all of the range or, on failure, leaves the table as
 *	      it was
 *	PT-2  a walk returns what one entry held at one moment, or nothing;
 *	      never a mix
 *	PT-3  a table page is freed only after hardware was told to forget it
 *	      and after a grace period
 *	PT-4  a leaf is unmapped whole or not at all; so is a cluster
 *	PT-8  a write that a device made before read-and-clear began, through an
 *	      entry that was clean, is found by this or an earlier one
 */
#ifndef IOAS_PT_PT_H
#define IOAS_PT_PT_H

#include "base/atomic.h"
#include "base/types.h"

#define IOAS_PT_LEVELS 6 /* 64 bits, pages of 2^11, 9 bits a level */
#define IOAS_PT_ROW    1 /* the level whose tables lie in a row */

struct ioas_pt_format;
struct ioas_pt_node;

extern const struct ioas_pt_format ioas_pt_native;   /* of our own */
extern const struct ioas_pt_format ioas_pt_vtd;      /* Intel, second stage */
extern const struct ioas_pt_format ioas_pt_amdv1;    /* AMD, host, format 1 */
extern const struct ioas_pt_format ioas_pt_lpae1;    /* Arm, stage 1 */
extern const struct ioas_pt_format ioas_pt_lpae2;    /* Arm, stage 2 */
extern const struct ioas_pt_format ioas_pt_tce;      /* POWER, PowerNV */
extern const struct ioas_pt_format ioas_pt_tce_papr; /* POWER, PAPR */

/*
 * Hardware that walks the tables as well: where table memory comes from, and
 * what hardware has to be told. Constant while a table uses it. Each function
 * may be NULL: memory from hooks.alloc, nothing to tell.
 */
struct ioas_pt_hardware {
	void *arg;
	/* Zeroed, aligned to @bytes, a power of two; NULL: there is none. */
	void *(*create)(void *arg, size_t bytes);
	void (*destroy)(void *arg, void *table, size_t bytes);
	/* Pointer less physical address, the same for all tables. */
	uint64_t linear;
	/* These bytes of a table were written: for walks past the cache. */
	void (*wrote)(void *arg, const void *start, size_t bytes);
	/*
	 * Forget what is known of @range, and with @tables which tables lead
	 * there. Returns when it is done.
	 */
	void (*invalidate)(void *arg, struct iova_range range, bool tables);
};

struct ioas_pt_config {
	const struct ioas_pt_format *format; /* NULL: native */
	unsigned int page_shift;             /* of the smallest leaf */
	unsigned int bits;   /* of input addresses, above page_shift, to 64 */
	uint64_t base;       /* of them: a multiple of 2^bits */
	unsigned int levels; /* 0: as few as can be */
	unsigned int index_bits; /* 0: as the format has them */
	/*
	 * The owner writes entries himself (slots.h), and has so many bytes of
	 * his own beside each of a smallest page; 0: map and unmap write.
	 */
	unsigned int beside;
	/* Leaves begin clean and devices' writes are to be marked. */
	bool dirty;
	bool small; /* no leaf is larger than a page: a mark is one page's */
	const struct ioas_pt_hardware *hardware; /* NULL: only we read it */
};

/*
 * What a walk found, as it fits into two registers: the physical address, and
 * of its leaf IOAS_READ | IOAS_WRITE, IOAS_PT_FOUND_LOST and how large it is.
 */
struct ioas_pt_found {
	uint64_t phys; /* of the address asked for, unless it is lost */
	uint64_t what; /* 0: nothing is mapped there */
};

#define IOAS_PT_FOUND_LOST 8
#define IOAS_PT_FOUND_LG2  8 /* bits above here: lg2 of the leaf's bytes */

struct ioas_pt {
	/* Constant, and what a walk needs first. */
	struct ioas_pt_found (*walk)(const struct ioas_pt *pt, struct iova at);
	/*
	 * The entries of level 1, of all inputs, side by side: there a walk
	 * begins. NULL: tables lie anywhere.
	 */
	struct ioas_a64 *row;
	uint64_t base, inputs; /* an input ^ base is at most inputs */
	uint64_t in_table;     /* bits of an index but the root's */
	unsigned int row_shift;
	unsigned int page_shift;
	const struct ioas_a64 *top; /* the root's entries */
	unsigned int bits, levels;
	unsigned int index_bits; /* of all tables but the root */
	unsigned int root_shift; /* bytes that an entry of the root is for */
	unsigned int leaf_levels;
	unsigned int beside;                  /* constant */
	unsigned int cluster[IOAS_PT_LEVELS]; /* lg2 of leaves, by level */
	bool dirty;
	uint64_t beyond; /* bits that no input has, but as base has them */
	const struct ioas_pt_format *format;
	struct ioas_pt_hardware hardware;
	size_t row_bytes; /* of reserved addresses; 0: the row is the root */
	/* An empty table of each level, for the next time; or NULL. */
	struct ioas_aptr kept[IOAS_PT_LEVELS];
	/* Tables of the row that a larger leaf replaced; by the writer. */
	struct ioas_a64 merged;
	struct ioas_pt_node *root;
	/* The table of a level that was written last, or NULL; the writer's. */
	struct ioas_pt_node *recent[IOAS_PT_LEVELS];
	uint64_t recent_at[IOAS_PT_LEVELS]; /* an address in it */
	/* Of nodes; who frees them has no lock. */
	struct ioas_a64 tables;
};

/* What a walk found: the piece from the address to the end of its leaf. */
struct ioas_pt_leaf {
	struct phys phys; /* of the address asked for, unless it is lost */
	uint64_t last;    /* last address of the leaf */
	unsigned int perm;
	bool lost;
};

/* What was taken out, until it is free. Zeroed to begin with. */
struct ioas_pt_gather {
	struct ioas_pt_node *tables;
	uint64_t first, last; /* addresses around all of it, unless empty */
	bool any, flushed;
};

/* The largest page that tables can be made of, up to @want; or 0. */
unsigned int ioas_pt_page_shift(const struct ioas_pt_format *format,
                                unsigned int want);
/* Return: 0, -EINVAL (the format has no such tables) or -ENOMEM. */
int ioas_pt_init(struct ioas_pt *pt, const struct ioas_pt_config *config);
/* Nobody walks any more, hardware neither. */
void ioas_pt_fini(struct ioas_pt *pt);

/*
 * The range is page aligned, inside the input range and holds no leaf.
 * Return: 0, -ENOMEM, or -ERANGE (the format has no such physical addresses);
 * PT-1.
 */
int ioas_pt_map(struct ioas_pt *pt, struct iova_range range, struct phys phys,
                unsigned int perm);
/*
 * The range was mapped by calls of map, each taken whole (PT-4). Cannot fail.
 * A section that began before may still find what was there.
 */
void ioas_pt_unmap(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gather *gather);
/* Tell hardware. Once for all that was gathered; then the grace period. */
void ioas_pt_flush(struct ioas_pt *pt, struct ioas_pt_gather *gather);
/* After the grace period (PT-3). The gather is empty again. */
void ioas_pt_free(struct ioas_pt *pt, struct ioas_pt_gather *gather);

/*
 * Memory moves while it is mapped. First, where no leaf may cross an end of
 * the range, nor be larger than @delta is aligned, it is split, which nobody
 * can see; then @delta is added to every physical address, entry by entry.
 * Return: 0 or -ENOMEM (what was split stays so).
 */
int ioas_pt_split(struct ioas_pt *pt, struct iova_range range, uint64_t delta);
void ioas_pt_shift(struct ioas_pt *pt, struct iova_range range, uint64_t delta);
/* Or it has gone. No leaf crosses an end of the range. */
void ioas_pt_lose(struct ioas_pt *pt, struct iova_range range);
/*
 * The contrary of split: leaves that continue each other and fill a table
 * become one. The range is whole tables, or nothing is done at its ends.
 */
void ioas_pt_merge(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gather *gather);

/*
 * Dirty tracking, of a table with .dirty. Mark is what hardware does before a
 * device writes through a clean leaf: a reader's call, inside a section. Take
 * is read-and-clear: @found is told of each leaf, or piece of the range, that
 * was written to since the last time, in order, and with @clear it is clean
 * again. Then flush, so that hardware marks again (PT-8). Mark returns false
 * where a device may not write: the write is then not to be made.
 */
struct ioas_pt_finder {
	void (*found)(struct ioas_pt_finder *finder, struct iova_range range);
};

bool ioas_pt_mark(const struct ioas_pt *pt, struct iova at);
void ioas_pt_take_dirty(struct ioas_pt *pt, struct iova_range range, bool clear,
                        struct ioas_pt_finder *finder,
                        struct ioas_pt_gather *gather);
/*
 * Before unmap, of a table with .dirty: as lose, and @finder is told of what
 * had been written; nothing is marked any more when it returns.
 */
void ioas_pt_lose_dirty(struct ioas_pt *pt, struct iova_range range,
                        struct ioas_pt_finder *finder);

/*
 * Look at each leaf of the range, in order, or at the piece of it that is
 * inside; what leads nowhere is passed over a table at a time. The writer's.
 */
struct ioas_pt_piece {
	struct iova_range range;
	struct phys phys;   /* of its first byte, unless it is lost */
	unsigned int perm;  /* what a device may do */
	unsigned int asked; /* what the program asked for, where that is kept */
	unsigned int level;
	uint64_t entry; /* as a number */
	bool lost, dirty;
};

struct ioas_pt_looker {
	void (*look)(struct ioas_pt_looker *looker,
	             const struct ioas_pt_piece *piece);
};

void ioas_pt_each(struct ioas_pt *pt, struct iova_range range,
                  struct ioas_pt_looker *looker);

/* The same as text, or as JSON: a line, an object, for each. */
struct ioas_pt_writer {
	/* Ends with a newline; @bytes without the NUL behind it. */
	void (*line)(struct ioas_pt_writer *writer, const char *text,
	             size_t bytes);
};

void ioas_pt_dump(struct ioas_pt *pt, struct iova_range range, bool json,
                  struct ioas_pt_writer *writer);

/*
 * A writer's hint: the entry of a smallest page there is about to be written.
 * With millions of them it is in no cache, and the way to it can be gone while
 * other memory is waited for.
 */
void ioas_pt_prefetch(const struct ioas_pt *pt, struct iova at);

/*
 * Return: false when nothing is mapped there, and then *ret_leaf means nothing.
 * Wait-free. Inline, so that nobody pays for what he does not look at.
 */
static inline bool ioas_pt_walk(const struct ioas_pt *pt, struct iova at,
                                struct ioas_pt_leaf *ret_leaf)
{
	struct ioas_pt_found found = pt->walk(pt, at);

	ret_leaf->phys.raw = found.phys;
	ret_leaf->last =
		at.raw |
		ioas_mask_lg2((unsigned int)(found.what >> IOAS_PT_FOUND_LG2));
	ret_leaf->perm = found.what & (IOAS_READ | IOAS_WRITE);
	ret_leaf->lost = found.what & IOAS_PT_FOUND_LOST;
	return found.what != 0;
}

#endif /* IOAS_PT_PT_H */
