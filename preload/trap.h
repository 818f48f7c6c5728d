/* SPDX-License-Identifier: MIT */
/*
 * Faults. A load or store to a view faults; the handler finds the view, does
 * the instruction with the device in the place of memory, and goes on behind
 * it. Every other fault is the program's.
 *
 *	on the program's stack   find the view; a small frame
 *	on the device's stack    decode, and run the model: 64 KiB with a guard
 *	                         page below
 *
 * Inside the handler every signal is blocked but the faults themselves, so no
 * other handler of the program can touch the device and wait for itself.
 *
 * Lock order: the lock of the device's stack, then the device's own lock.
 */
#ifndef IOAS_PRELOAD_TRAP_H
#define IOAS_PRELOAD_TRAP_H

#include "base/hooks.h"
#include "preload/fds.h"

/* Replace copy and pin. */
void ioas_trap_hooks(struct ioas_hooks *hooks);

/*
 * Everything that a fault on a view of this file needs.
 * Return: 0, -ENOTSUP (no decoder), -ENOMEM.
 */
long ioas_trap_prepare(struct ioas_handle *handle);

/* The fault handler alone. Return: 0 or -errno of sigaction(2). */
long ioas_trap_install(void);

struct ioas_trap;
void ioas_trap_destroy(struct ioas_trap *trap); /* NULL is fine */

#endif /* IOAS_PRELOAD_TRAP_H */
