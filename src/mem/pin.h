/* SPDX-License-Identifier: MIT */
/*
 * How memory is charged and pinned, whoever registers it: a type1 container at
 * each map (mem.h), or a holder of a registry (registry.h).
 *
 *	pins (walls) --> charge --> pin, by batches of extents --> runs
 *	pins (walls) <-- uncharge <-- unpin, run by run
 *
 * A run is pages that follow each other in the program and physically. Runs
 * are as they were pinned, for ever: memory that moves aside has other frames
 * then, which entries of tables have, and runs do not.
 *
 * Two orders, for the kernel has two:
 *	all at once  charge, then pin: what is missing is -EFAULT
 *	in order     as type1, page by page: -ENOMEM when the limit comes before
 *	             the first hole, -EFAULT when the hole comes first
 *
 * Laws
 *	MEM-7  a failed register leaves no pin and no charge
 */
#ifndef IOAS_MEM_PIN_H
#define IOAS_MEM_PIN_H

#include "base/types.h"
#include "mem/backend.h"

struct ioas_region;

/* Pages that one owner may have pinned; several memories may share it. */
struct ioas_mem_account {
	struct ioas_accountant accountant;
	struct ioas_a64 pages; /* charged now */
	uint64_t limit;        /* at most; UINT64_MAX: no limit */
	/* What it is now, where that can change: in place of `limit`. */
	uint64_t (*limit_now)(void);
};

/* The account as one that can be charged. */
struct ioas_accountant *ioas_account(struct ioas_mem_account *account);

/* What pages are, whom they are charged to, and in which order. */
struct ioas_pinner {
	const struct ioas_backend *backend;
	struct ioas_accountant *accountant; /* NULL: nobody is charged */
	unsigned int page_shift;            /* what is pinned and charged */
	unsigned int wall_shift; /* of the program's pages; 0: no walls */
	bool in_order;
};

/* Do the walls keep its memory? They have to know where it is, then. */
static inline bool ioas_is_walled(const struct ioas_pinner *how)
{
	return how->wall_shift && how->backend->frame;
}

/* Pages that follow each other physically; up to the next one's first. */
struct ioas_frame_run {
	uint64_t first; /* page of the region */
	uint64_t phys;
};

/* What is pinned of a region. */
struct ioas_pinned {
	uint64_t npages;            /* so far; then all of the region */
	struct ioas_frame_run *run; /* in order */
	unsigned int runs, runs_room;
	struct ioas_frame_run one; /* run, where one is enough */
};

/* The page behind the last one of run @i. */
static inline uint64_t ioas_run_end(const struct ioas_pinned *p, unsigned int i)
{
	return i + 1 < p->runs ? p->run[i + 1].first : p->npages;
}

/* The run that page @page is in. */
static inline unsigned int ioas_run_of(const struct ioas_pinned *p,
                                       uint64_t page)
{
	unsigned int low = 0, high = p->runs, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (p->run[middle].first <= page)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* It has none yet. */
void ioas_pinned_init(struct ioas_pinned *p);
/*
 * Runs without a pin: physical addresses that are there anyway. It has none.
 */
void ioas_pinned_assume(struct ioas_pinned *p, struct ioas_extent extent);

/*
 * Where start, length and perm of the region say. Its pages are known to the
 * walls (pins.h) when the back end says where frames are.
 * Return: 0, -ENOMEM (limit, or no memory), -EFAULT (hole, or no permission),
 * or what the accountant says; then there is neither pin nor charge (MEM-7).
 */
int ioas_region_pin(struct ioas_region *region, const struct ioas_pinner *how);
/*
 * Nobody has its frames any more. The charge stays. @marks: pages that a device
 * may have written to, or NULL.
 */
struct ioas_marks;
void ioas_region_unpin(struct ioas_region *region,
                       const struct ioas_pinner *how,
                       const struct ioas_marks *marks);
void ioas_uncharge(const struct ioas_pinner *how, uint64_t npages);

#endif /* IOAS_MEM_PIN_H */
