/* SPDX-License-Identifier: MIT */
/*
 * Areas of the program's memory, as /proc/self/maps has them, asked for by
 * address in ascending order. For the files of src/host only.
 */
#ifndef IOAS_HOST_AREAS_H
#define IOAS_HOST_AREAS_H

#include "host/lines.h"

/* Pages of the program, by number. */
struct ioas_area {
	uint64_t first, end;
	unsigned int perm;
	bool plain; /* private, and of nothing but memory */
};

/* Begins with ioas_areas_begin(), and ends with ioas_areas_end(). */
struct ioas_areas {
	long fd; /* or why there is none */
	bool by_text;
	uint64_t lines_left;
	struct ioas_lines lines;
	struct ioas_area last;
};

/* At most @lines are read where one cannot ask for an area by its address. */
void ioas_areas_begin(struct ioas_areas *areas, uint64_t lines);
void ioas_areas_end(struct ioas_areas *areas);

/*
 * The area that page @page is in; pages are asked for in ascending order. What
 * other threads map and unmap meanwhile is seen or not.
 * Return: false: there is none, or that cannot be known.
 */
bool ioas_areas_find(struct ioas_areas *areas, uint64_t page,
                     struct ioas_area *ret_area);

#endif /* IOAS_HOST_AREAS_H */
