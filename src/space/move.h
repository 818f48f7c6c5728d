/* SPDX-License-Identifier: MIT */
/*
 * Memory moves while devices use it: the program gives addresses back whose
 * pages are pinned, and the pages stay the devices' (MEM-10).
 *
 *	begin    no map, no unmap in any space; the number of moves is odd
 *	prepare  spans and entries are cut at the ends of what moves
 *	(the caller takes all access from the old addresses, and moves pages)
 *	to       entries and spans lead to the new addresses; or lose: to none
 *	end      the number is even
 *	(the caller waits for a grace period, and then does with the old
 *	addresses what the program wants)
 *
 * A device that translated before uses the old addresses, faults, sees that
 * the number of moves changed, and translates again. It may wait for the end
 * inside its section, because a mover waits for sections only after that.
 *
 * Laws
 *	MOVE-1  between begin and end a translation leads to the page that was
 *	        mapped, or to a fault; after the grace period nobody uses the
 *	        old addresses
 *	MOVE-2  what was prepared cannot fail any more
 *
 * Calls with _locked are for between begin and end. Ranges are whole pages.
 */
#ifndef IOAS_SPACE_MOVE_H
#define IOAS_SPACE_MOVE_H

#include "base/hooks.h"
#include "space/space.h"

struct ioas_move {
	struct ioas_signals signals;
};

/*
 * Not inside a section of any domain, and not in a signal handler that may
 * have interrupted a call on a file: it takes the lock of every space and every
 * registry. What is registered follows as mem/follow.h has it, and who wrote
 * its frames down has been told when end returns.
 */
void ioas_move_begin(struct ioas_move *move);
void ioas_move_end(struct ioas_move *move);

/* Return: 0 or -ENOMEM; what was cut stays so, which nobody can see. */
int ioas_move_prepare_locked(struct uaddr_range range, struct uaddr to,
                             const struct ioas_keep *keep);
/*
 * The range was prepared with the same arguments. @keep gets a count for each
 * span; NULL: the program sees the memory there.
 */
void ioas_move_to_locked(struct uaddr_range range, struct uaddr to,
                         struct ioas_keep *keep);
/* Not prepared: each span that has a byte of the range is lost as a whole. */
void ioas_move_lose_locked(struct uaddr_range range);
/*
 * Tell, for each mapping once, that the program gave memory of it back, at
 * @site. A block of the program's heap may share its pages with others; then
 * @range is the block, and it is about mappings that begin in it or that it
 * holds a page of.
 */
void ioas_move_tell_locked(struct uaddr_range range, uint32_t site);

/* Moves begun and ended. Odd: one is under way. */
extern struct ioas_a32 ioas_moves;

static inline uint32_t ioas_moves_now(void)
{
	/* Pairs with the adds in begin and end. */
	return ioas_a32_load(&ioas_moves);
}

/*
 * After a fault on a translation that was made since @seen was the number: is
 * it worth trying again? Waits for the end of a move.
 */
bool ioas_moves_since(uint32_t seen);

/* Every space, for the mover to find. Called by space.c. */
void ioas_spaces_add(struct ioas_space *space);
void ioas_spaces_remove(struct ioas_space *space);
/* In a forked child: there is none. */
void ioas_spaces_forked(void);

#endif /* IOAS_SPACE_MOVE_H */
