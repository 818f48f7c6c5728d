/* SPDX-License-Identifier: MIT */
/* What the tests of pt/ share: a page table, and what was taken out of it. */
#ifndef PT_RIG_H
#define PT_RIG_H

#include "pt/pt.h"
#include "rig.h"

#define RW (IOAS_READ | IOAS_WRITE)

static struct ioas_pt pt;
static struct ioas_pt_gather gone;

static inline void free_gone(void *arg)
{
	ioas_pt_flush(&pt, &gone);
	ioas_pt_free(&pt, &gone);
}

static inline void start(struct rig *r, unsigned int page_shift,
                         unsigned int bits)
{
	struct ioas_pt_config config = {.page_shift = page_shift, .bits = bits};

	gone = (struct ioas_pt_gather){0};
	rig_ok(r, ioas_pt_init(&pt, &config));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_defer(r, free_gone, NULL);
}

static inline int map(uint64_t first, uint64_t last, uint64_t phys,
                      unsigned int perm)
{
	return ioas_pt_map(&pt, (struct iova_range){first, last},
	                   (struct phys){phys}, perm);
}

static inline void unmap(uint64_t first, uint64_t last)
{
	ioas_pt_unmap(&pt, (struct iova_range){first, last}, &gone);
}

static inline bool walk(uint64_t at, struct ioas_pt_leaf *leaf)
{
	return ioas_pt_walk(&pt, (struct iova){at}, leaf);
}

static inline void leads_to(uint64_t at, uint64_t phys, uint64_t last)
{
	struct ioas_pt_leaf leaf;

	assert_true(walk(at, &leaf));
	assert_true(leaf.phys.raw == phys);
	assert_true(leaf.last == last);
}

static inline void leads_nowhere(uint64_t at)
{
	struct ioas_pt_leaf leaf;

	assert_false(walk(at, &leaf));
}

#endif /* PT_RIG_H */
