/* SPDX-License-Identifier: MIT */
/*
 * Text files of /proc, line by line. For the files of src/host only.
 */
#ifndef IOAS_HOST_LINES_H
#define IOAS_HOST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOAS_LINE_BYTES 1024

/* Begins as {.fd = FD}. */
struct ioas_lines {
	long fd;
	size_t done, have; /* of the text: the line before; what was read */
	bool cut;          /* the rest of the line before comes first */
	char text[IOAS_LINE_BYTES + 1];
};

/*
 * The next line becomes l->text, without its end. What is longer is cut: that
 * may be a path, never what is before it. False: there is none.
 */
bool ioas_lines_next(struct ioas_lines *l);

/* The number that @text begins with, of digits 0-9, a-f. Return: behind it. */
const char *ioas_number_in(const char *text, unsigned int base,
                           uint64_t *ret_number);

#endif /* IOAS_HOST_LINES_H */
