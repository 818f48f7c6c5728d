/* SPDX-License-Identifier: MIT */
#include "host/lines.h"

#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"

static bool read_more(struct ioas_lines *l)
{
	long n = ioas_sys(SYS_read, l->fd, (long)(l->text + l->have),
	                  (long)(IOAS_LINE_BYTES - l->have), 0, 0, 0);

	if (n <= 0)
		return false;
	l->have += (size_t)n;
	return true;
}

/* Return: where it ends; the end of the text when it is longer; or NULL. */
static char *next_piece(struct ioas_lines *l)
{
	char *end;

	l->have -= l->done;
	memmove(l->text, l->text + l->done, l->have);
	l->done = 0;
	do {
		end = memchr(l->text, '\n', l->have);
		if (!end && l->have == IOAS_LINE_BYTES)
			end = l->text + IOAS_LINE_BYTES;
	} while (!end && read_more(l));
	return end;
}

bool ioas_lines_next(struct ioas_lines *l)
{
	bool rest;
	char *end;

	do {
		rest = l->cut;
		end = next_piece(l);
		if (!end)
			return false;
		l->cut = end == l->text + IOAS_LINE_BYTES;
		l->done = (size_t)(end - l->text) + !l->cut;
	} while (rest);
	*end = 0;
	return true;
}

const char *ioas_number_in(const char *text, unsigned int base,
                           uint64_t *ret_number)
{
	const char *const digits = "0123456789abcdef", *d;

	*ret_number = 0;
	while (*text && (d = memchr(digits, *text, base)) != NULL) {
		*ret_number = *ret_number * base + (uint64_t)(d - digits);
		text++;
	}
	return text;
}
