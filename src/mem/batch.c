/* SPDX-License-Identifier: MIT */
#include "mem/batch.h"

static size_t scalar(const struct ioas_mem_view *view,
                     const struct ioas_mem_batch *batch)
{
	size_t i, good = 0;

	for (i = 0; i < batch->n; i++) {
		batch->phys[i] =
			ioas_mem_translate(view, batch->uaddr[i], batch->perm);
		good += batch->phys[i] != IOAS_MEM_NONE;
	}
	return good;
}

const struct ioas_batch_form ioas_batch_scalar = {"scalar", scalar, 1};

#ifndef __x86_64__
static const struct ioas_batch_form *const none[] = {NULL};

const struct ioas_batch_form *const *ioas_batch_forms(void)
{
	return none;
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
	if (!form)
		form = &ioas_batch_scalar;
	ioas_aptr_store(&known, (void *)(uintptr_t)form);
	return form;
}

size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch)
{
	const struct ioas_batch_form *form = best();
	size_t wide = batch->n - batch->n % form->width, good;
	struct ioas_mem_batch part = *batch;

	if (!view->shadow || !wide || !batch->perm)
		return scalar(view, batch);
	part.n = wide;
	good = form->translate(view, &part);
	part.uaddr += wide;
	part.phys += wide;
	part.n = batch->n - wide;
	return good + scalar(view, &part);
}
