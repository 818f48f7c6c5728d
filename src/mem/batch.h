/* SPDX-License-Identifier: MIT */
/*
 * Many look-ups at once, by the best form that the processor has, which is
 * found out at the first call: vectors of eight or of four, or four by turns.
 * They are for a shadow; a tree is walked one by one.
 */
#ifndef IOAS_MEM_BATCH_H
#define IOAS_MEM_BATCH_H

#include "mem/table.h"

/* Return: how many of the batch could be translated. */
size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch);

struct ioas_batch_form {
	const char *name;
	/* A multiple of @width, of a shadow. Return: how many were good. */
	size_t (*translate)(const struct ioas_mem_view *view,
	                    const struct ioas_mem_batch *batch);
	size_t width; /* a power of two */
};

/* The one that every processor has. */
extern const struct ioas_batch_form ioas_batch_scalar;
/* Those that this processor has, best first; the scalar one, and NULL. */
const struct ioas_batch_form *const *ioas_batch_forms(void);

#endif /* IOAS_MEM_BATCH_H */
