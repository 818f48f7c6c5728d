/* SPDX-License-Identifier: MIT */
/*
 * Two buffers are mapped at I/O addresses that the space chooses; a device
 * copies one to the other by these addresses, and is refused after the unmap.
 *
 *	cc mapped.c $(pkg-config --cflags --libs ioas)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/mem.h>
#include <ioas/space.h>

#define BYTES (1u << 16) /* whole pages, whatever their size */

static void check(const char *what, int error)
{
	if (error) {
		fprintf(stderr, "%s: %s\n", what, strerror(-error));
		exit(1);
	}
}

static uint64_t map(struct ioas *as, const char *buffer, unsigned int perm)
{
	struct ioas_piece piece = {
		.uaddr = (uintptr_t)buffer,
		.length = BYTES,
		.perm = perm,
		.last = UINT32_MAX, /* a device of 32 bits */
	};
	uint64_t iova;

	check("map", ioas_map_any(as, &piece, &iova));
	printf("a buffer is at 0x%" PRIx64 "\n", iova);
	return iova;
}

/* What a device does that is told two addresses and a length. */
static int copy(struct ioas *as, uint64_t from, uint64_t to)
{
	char piece[512];
	size_t done;
	int error = 0;

	for (done = 0; !error && done < BYTES; done += sizeof(piece)) {
		error = ioas_read(as, from + done, piece, sizeof(piece));
		if (!error)
			error = ioas_write(as, to + done, piece, sizeof(piece));
	}
	return error;
}

int main(void)
{
	const struct ioas_config config = {.places = true};
	/* Interrupts of the machine are there: no buffer may be. */
	const struct ioas_range interrupts = {0xfee00000, 0xfeefffff};
	char *from = aligned_alloc(BYTES, BYTES);
	char *to = aligned_alloc(BYTES, BYTES);
	uint64_t source, destination;
	struct ioas *as;

	if (!from || !to)
		return 1;
	memset(from, 'x', BYTES);
	memset(to, 0, BYTES);
	ioas_begin();
	check("space", ioas_create(&config, &as));
	check("reserve", ioas_reserve(as, 1, &interrupts, 1));
	source = map(as, from, IOAS_READ);
	destination = map(as, to, IOAS_WRITE);
	check("copy", copy(as, source, destination));
	if (memcmp(from, to, BYTES) != 0)
		return 1;
	check("unmap", ioas_unmap(as, destination, BYTES));
	if (!copy(as, source, destination))
		return 1;
	printf("copied, and refused after the unmap\n");
	ioas_destroy(as);
	free(from);
	free(to);
	return 0;
}
