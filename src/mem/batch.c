/* SPDX-License-Identifier: MIT */
#include "mem/batch.h"

#define GROUP 4

static size_t one_by_one(const struct ioas_mem_view *view,
                         const struct ioas_mem_batch *batch)
{
	const struct ioas_mem_view own = *view;
	const struct ioas_mem_batch b = *batch;
	size_t i, good = 0;
	uint64_t phys;

	for (i = 0; i < b.n; i++) {
		phys = ioas_mem_translate(&own, b.uaddr[i], b.perm);
		b.phys[i] = phys;
		good += phys != IOAS_MEM_NONE;
	}
	return good;
}

/* Of a shadow, when all of them are there; false, and nothing is written. */
static inline bool all_four(const struct ioas_mem_view *view,
                            const uint64_t *uaddr, uint64_t *phys,
                            unsigned int perm)
{
	unsigned int shift = view->page_shift;
	uint64_t a = uaddr[0], b = uaddr[1], c = uaddr[2], d = uaddr[3];
	uint64_t mask = view->phys_mask, ea, eb, ec, ed;

	/* There are 2^n pages: one is beyond them if this is. */
	if (__builtin_expect((a | b | c | d) >> shift >= view->shadow_npages,
	                     0))
		return false;
	ea = IOAS_MEM_LOAD(&view->shadow[a >> shift]);
	eb = IOAS_MEM_LOAD(&view->shadow[b >> shift]);
	ec = IOAS_MEM_LOAD(&view->shadow[c >> shift]);
	ed = IOAS_MEM_LOAD(&view->shadow[d >> shift]);
	if (__builtin_expect(!ioas_mem_allows(ea & eb & ec & ed, perm), 0))
		return false;
	phys[0] = a ^ (ea & mask);
	phys[1] = b ^ (eb & mask);
	phys[2] = c ^ (ec & mask);
	phys[3] = d ^ (ed & mask);
	return true;
}

/* Four are looked at together: two branches for all of them. */
static size_t scalar(const struct ioas_mem_view *view,
                     const struct ioas_mem_batch *batch)
{
	const struct ioas_mem_view own = *view;
	struct ioas_mem_batch part = *batch;
	size_t i, good = 0;

	part.n = GROUP;
	for (i = 0; i < batch->n; i += GROUP) {
		part.uaddr = batch->uaddr + i;
		part.phys = batch->phys + i;
		if (all_four(&own, part.uaddr, part.phys, part.perm))
			good += GROUP;
		else
			good += one_by_one(&own, &part);
	}
	return good;
}

const struct ioas_batch_form ioas_batch_scalar = {"scalar", scalar, GROUP};

#ifndef __x86_64__
const struct ioas_batch_form *const *ioas_batch_forms(void)
{
	static const struct ioas_batch_form *const all[] = {&ioas_batch_scalar,
	                                                    NULL};

	return all;
}
#endif

/* The best form, found once; every thread finds the same. */
static const struct ioas_batch_form *best(void)
{
	static struct ioas_aptr known;
	const struct ioas_batch_form *form = ioas_aptr_load(&known);

	if (form)
		return form;
	form = ioas_batch_forms()[0];
	ioas_aptr_store(&known, (void *)(uintptr_t)form);
	return form;
}

/* What is left of it from @first on. */
static struct ioas_mem_batch behind(const struct ioas_mem_batch *batch,
                                    size_t first)
{
	return (struct ioas_mem_batch){batch->uaddr + first,
	                               batch->phys + first, batch->n - first,
	                               batch->perm};
}

size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch)
{
	const struct ioas_batch_form *form = best();
	size_t rest = batch->n & (form->width - 1);
	struct ioas_mem_batch part;
	size_t good;

	if (!view->shadow || rest == batch->n)
		return one_by_one(view, batch);
	/* As it is: a copy would wait for what the caller just wrote. */
	if (!rest)
		return form->translate(view, batch);
	part = behind(batch, batch->n - rest);
	good = one_by_one(view, &part);
	part = behind(batch, 0);
	part.n -= rest;
	return good + form->translate(view, &part);
}
