/* SPDX-License-Identifier: MIT */
/*
 * Many look-ups at once. The wide forms load several entries by one
 * instruction, where the processor has such and the table is a shadow; which
 * one is taken is found out at the first call.
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
	size_t width;
};

/* One after the other; for any table, of width 1. */
extern const struct ioas_batch_form ioas_batch_scalar;
/* Best first, up to the NULL: those that this processor has. */
const struct ioas_batch_form *const *ioas_batch_forms(void);

#endif /* IOAS_MEM_BATCH_H */
