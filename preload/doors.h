/* SPDX-License-Identifier: MIT */
/*
 * Doors: pages of a BAR that hold nothing but doorbells, and that the device's
 * thread may open (src/pci/runner.h). The program's views of them and the
 * device's own mapping show the same page of the handle's memfd. A device has
 * doors of one handle; views of another keep faulting.
 *
 * There are none where a page of the program is larger than the doorbells, or
 * where the memfd could not be made large enough (RLIMIT_FSIZE).
 *
 * Lock order: under the session of the device's thread, the lock of the views.
 */
#ifndef IOAS_PRELOAD_DOORS_H
#define IOAS_PRELOAD_DOORS_H

#include "preload/fds.h"

struct ioas_door;

/*
 * A view of this window is about to be made: what its doorbells need. @fd is a
 * descriptor of the handle. Return: 0 or -ENOMEM.
 */
long ioas_door_prepare(struct ioas_handle *handle, int fd,
                       const struct ioas_bar_window *window);
/* Nobody finds the handle any more. NULL is fine. */
void ioas_door_destroy(struct ioas_door *door);

#endif /* IOAS_PRELOAD_DOORS_H */
