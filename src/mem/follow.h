/* SPDX-License-Identifier: MIT */
/*
 * Registered memory moves (space/move.h): the program gives addresses back
 * whose pages are registered, and the pages stay where devices find them
 * (MEM-10). What is known of them goes on being known by the addresses that
 * they were registered at.
 *
 *	mover   locks --> entries lead to the new frames, or to none
 *	              --> sync: who was told an old frame has written it down
 *	              --> moved(): the registry's user changes what it wrote
 *	              --> locks given back, grace period of IOAS_GRACE_DMA
 *	              --> the old addresses are the program's again
 *	mapper  section { get, write the frame down } ... put
 *	device  section of IOAS_GRACE_DMA { what was written down, access }
 *
 * A mapper whose section ends before the sync has written an old frame down
 * where moved() finds it; one whose section begins later is told the new one.
 * A device that still has the old frame meets closed addresses, and translates
 * again when the move is over.
 *
 * In sections of IOAS_GRACE_MEM nobody waits for a move, nor for a lock of a
 * registry, of a space or of the pins: a mover that has them waits for
 * sections.
 *
 * Lock order: the list of registries, a registry's lock, the lock of the pins.
 */
#ifndef IOAS_MEM_FOLLOW_H
#define IOAS_MEM_FOLLOW_H

#include "mem/mem.h"

struct ioas_registry;

/* Every registry, for the mover to find. */
void ioas_registries_add(struct ioas_registry *registry);
/* None of its memory is pinned any more. */
void ioas_registries_remove(struct ioas_registry *registry);
/* In a forked child: there is none. */
void ioas_registries_forked(void);

/*
 * What nobody has registered any more is unpinned, so that it need not move.
 * Not inside a section of IOAS_GRACE_MEM.
 */
void ioas_registries_settle(void);

/* Around a move; registers and unregisters wait. */
void ioas_registries_lock(void);
void ioas_registries_unlock(void);
/*
 * With all these locks and that of the pins. The span is of no type1 container,
 * and was moved or lost just now: entries of tables say so from here on.
 */
void ioas_region_follow_locked(struct ioas_span *span);
/* And so does whatever mappers have written down. */
void ioas_registries_tell_locked(void);

/* ---- For reports. ---- */

/* Likewise: memory of a registry's region was given back, at @site. */
void ioas_region_freed_locked(struct ioas_region *region, uint32_t site);
/*
 * Likewise. Is a byte of what is registered as @memory in @range now, and where
 * was it registered?
 */
bool ioas_registry_meets_locked(const struct ioas_registry *registry,
                                struct uaddr_range memory,
                                struct uaddr_range range, uint32_t *ret_site);
/* Where memory was registered, and where it was given back. */
struct ioas_given_back {
	uint32_t registered, freed; /* sites */
};

/*
 * Has a byte of what is registered as @memory been given back, so that what the
 * program has at its address is other memory? Takes the registry's lock.
 */
bool ioas_registry_given_back(struct ioas_registry *registry,
                              struct uaddr_range memory,
                              struct ioas_given_back *ret);

#endif /* IOAS_MEM_FOLLOW_H */
