/* SPDX-License-Identifier: MIT */
/*
 * What windows a set has, and where something may be mapped in them: for who
 * asks without a lock whether an unmap has anything to do. Whoever uses the set
 * owns it, and it may be read when the set is long gone: it says then that
 * there is no window, which is to ask the set.
 *
 *	writer, under the set's lock          reader
 *	  turn: is being written                turn: is not being written
 *	  windows                               window, bits of the range
 *	  the next turn                         the same turn
 *
 *	map: bit of a piece, then entries     bit 0: nothing is mapped there
 *	unmap that left a window empty:
 *	  entries, then bits 0
 *
 * A bit stands for a piece of a window. It is set before an entry of the piece
 * is written and goes when nothing of the window is mapped any more: where all
 * bits of a range are 0, nothing was mapped there at one moment between the
 * two looks at the turn, in the window that was read. What is 1 says nothing.
 *
 * Law
 *	WIN-14  a glance that says nothing is mapped in a range says what an
 *	        unmap with the lock would have found while it looked
 *
 * Ordering: all stores but the first of a turn are releases, all loads but the
 * last one acquires; so who has seen a store of the writer's sees that the turn
 * has changed. There is no other order with the lock: a reader and a map that
 * nothing else orders are as if either came first.
 */
#ifndef IOAS_WINDOW_GLANCE_H
#define IOAS_WINDOW_GLANCE_H

#include "base/atomic.h"

#define IOAS_GLANCE_WINDOWS 2 /* the first slots; of others nothing is said */
#define IOAS_GLANCE_WORDS   8
#define IOAS_GLANCE_BITS    (64 * IOAS_GLANCE_WORDS)

/* Zeroed memory says that there is no window. */
struct ioas_glance {
	struct ioas_a64 turn; /* number << 16 | is being written */
	struct ioas_glance_window {
		struct ioas_a64 start, entries; /* entries 0: there is none */
		struct ioas_a64 shifts; /* page_shift | piece_lg2 << 8 */
		struct ioas_a64 used[IOAS_GLANCE_WORDS];
	} window[IOAS_GLANCE_WINDOWS];
};

/*
 * Would an unmap of this range find a window, all of the range in it by whole
 * pages, and nothing mapped? False: maybe not. Any thread, wait-free.
 */
bool ioas_glance_is_empty(const struct ioas_glance *glance, uint64_t iova,
                          uint64_t bytes);

#endif /* IOAS_WINDOW_GLANCE_H */
