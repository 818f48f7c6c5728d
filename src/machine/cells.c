/* SPDX-License-Identifier: MIT */
/*
 * The state of the run: how many virtual functions there are, and tokens.
 *
 * IOV-2, why it holds: a token is written to the place that the last one is not
 * in, and then the turn tells that it is the last one. Who reads looks at the
 * turn, at the words of its place, and at the turn again. Words of that place
 * are stored again only by the next write but one, so after the store of a turn
 * in between; every load and store here is ordered with all others. Whoever saw
 * one of those words sees another turn, and reads again, however many writes
 * came meanwhile. (A turn comes again after 2^32 - 2 writes: a reader that
 * stands still so long between two loads is not thought of.)
 */
#include <string.h>

#include "base/law.h"
#include "machine/sriov.h"

struct ioas_iov_cells *ioas_iov_cells(const struct ioas_machine *machine,
                                      const struct ioas_function *physical)
{
	return &machine->shared->function[physical - machine->function];
}

unsigned int ioas_iov_vfs(const struct ioas_machine *machine,
                          const struct ioas_function *physical)
{
	/* Pairs with the store in ioas_iov_set_vfs(). */
	uint32_t vfs = ioas_a32_load(&ioas_iov_cells(machine, physical)->vfs);

	return vfs < physical->iov.vfs ? vfs : physical->iov.vfs;
}

void ioas_iov_set_vfs(const struct ioas_machine *machine,
                      const struct ioas_function *physical, unsigned int vfs)
{
	struct ioas_iov_cells *cells = ioas_iov_cells(machine, physical);

	ioas_law(IOV_1, vfs <= physical->iov.vfs);
	/* First: who finds them gone or new finds a number that is new. */
	ioas_a32_add(&cells->changes, 1);
	/* Pairs with the load in ioas_iov_vfs(). */
	ioas_a32_store(&cells->vfs, vfs);
}

bool ioas_iov_present(const struct ioas_machine *machine,
                      const struct ioas_function *function)
{
	return !function->physical ||
	       function->vf_number < ioas_iov_vfs(machine, function->physical);
}

static void read_token(struct ioas_iov_cells *cells, uint32_t turn,
                       uint32_t *ret_token)
{
	unsigned int i;

	for (i = 0; i < IOAS_TOKEN_BYTES / 4; i++)
		ret_token[i] = ioas_a32_load(&cells->token[turn & 1][i]);
}

bool ioas_iov_token_is(const struct ioas_machine *machine,
                       const struct ioas_function *physical,
                       const uint8_t token[IOAS_TOKEN_BYTES])
{
	struct ioas_iov_cells *cells = ioas_iov_cells(machine, physical);
	uint32_t now[IOAS_TOKEN_BYTES / 4];
	uint32_t turn;

	/* The other place is written, and only then the turn (IOV-2). */
	do {
		/* Pairs with the store in ioas_iov_set_token(). */
		turn = ioas_a32_load(&cells->token_turn);
		read_token(cells, turn, now);
	} while (ioas_a32_load(&cells->token_turn) != turn);
	return turn && memcmp(now, token, sizeof(now)) == 0;
}

void ioas_iov_set_token(const struct ioas_machine *machine,
                        const struct ioas_function *physical,
                        const uint8_t token[IOAS_TOKEN_BYTES])
{
	struct ioas_iov_cells *cells = ioas_iov_cells(machine, physical);
	uint32_t turn = ioas_a32_load(&cells->token_turn) + 1;
	uint32_t word[IOAS_TOKEN_BYTES / 4];
	unsigned int i;

	/* 0 is for what never was set. */
	if (!turn)
		turn = 2;
	memcpy(word, token, sizeof(word));
	for (i = 0; i < IOAS_TOKEN_BYTES / 4; i++)
		ioas_a32_store(&cells->token[turn & 1][i], word[i]);
	/* Pairs with the loads in ioas_iov_token_is(). */
	ioas_a32_store(&cells->token_turn, turn);
}
