/* SPDX-License-Identifier: MIT */
/*
 * DMA windows, inside. What they are, and their laws: <ioas/window.h>.
 *
 * A set has a space (space/space.h) whose tables are not its own but those of
 * its windows, so that a device of a group does DMA as any other does:
 *
 *	device --ioas_space_translate()--> space.tables --> window's tables
 *	set    --under space.lock--> entries; or a list in place of the old one
 *
 * The list is constant once it is published, replaced
 * as a whole, freed after a grace period of IOAS_GRACE_DMA. So a window comes,
 * goes and is replaced for all devices of all groups at one moment (WIN-3),
 * and there is none at which a replaced window is missing.
 *
 * What for uapi besides the public functions: the space, which is what devices
 * of attached groups are given (ioas_group_attach_locked()). First
 * ioas_windows_attach(), then the devices; first the devices away, then
 * ioas_windows_detach().
 *
 * Lock order: space.lock is the set's, and where that of a space comes; so
 * whoever moves memory has it (space/move.h), and ioas_windows_moved() takes
 * none. Groups are programmed under it.
 */
#ifndef IOAS_WINDOW_WINDOW_H
#define IOAS_WINDOW_WINDOW_H

#include <ioas/window.h>

#include "space/space.h"

/*
 * The set's space, as long as the set. Its page_shift is 12, and its aperture
 * everything; where no window is, devices meet IOAS_FAULT_APERTURE.
 */
struct ioas_space *ioas_windows_space(struct ioas_windows *ws);
/*
 * Who uses the set knows of mappings, as they were made: it tells of them, and
 * what lies around an address (the space's around_locked is its own to set).
 * Before the first window.
 */
void ioas_windows_leave_reports(struct ioas_windows *ws);
struct ioas_glance;
/*
 * From now on @glance says what can be seen of the set (glance.h), and what was
 * given before says that there is nothing. NULL: none. One set at a time.
 */
void ioas_windows_glance(struct ioas_windows *ws, struct ioas_glance *glance);

/* The registry of memory that is mapped in it for this. */
struct ioas_registry *ioas_windows_registry_for(const struct ioas_windows *ws,
                                                unsigned int perm);
/* The slot of the window that @iova is in + 1; 0: none. */
unsigned int ioas_windows_slot_locked(const struct ioas_windows *ws,
                                      uint64_t iova);

#endif /* IOAS_WINDOW_WINDOW_H */
