/* SPDX-License-Identifier: MIT */
/*
 * Linux: the hooks of the core (base/hooks.h) and the stores of devices
 * (<ioas/device.h>), by system calls.
 *
 * System calls are made with syscall(2), never through a libc wrapper that
 * preload interposes; errno is left as it was.
 */
#ifndef IOAS_HOST_HOST_H
#define IOAS_HOST_HOST_H

#include "base/hooks.h"

/*
 * A complete set. copy is by process_vm_readv(2) on this process: it works
 * anywhere and costs a system call; a front end that owns the SIGSEGV handler
 * replaces it, and pin when it has addresses of its own to accept.
 */
void ioas_host_hooks(struct ioas_hooks *ret_hooks);

/* The system call, or -errno; errno itself is untouched. */
long ioas_sys(long number, long a, long b, long c, long d, long e, long f);

#endif /* IOAS_HOST_HOST_H */
