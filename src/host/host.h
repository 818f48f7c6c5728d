/* SPDX-License-Identifier: MIT */
/*
 * Linux: the hooks of the core (base/hooks.h) and the stores of devices
 * (<ioas/device.h>), by system calls.
 *
 * System calls are made with syscall(2), never through a libc wrapper that
 * preload interposes; errno is left as it was.
 *
 *	sys.c     the system call
 *	hooks.c   the set, and what fits in a few lines
 *	alloc.c   alloc, free
 *	memory.c  pin, copy
 *	check.c   pin of many pages: is it there, without bringing it in
 *	descriptor.c  descriptors of ours, for the time of a call
 *	areas.c   areas of memory, as /proc has them
 *	lines.c   text files of /proc, line by line
 *	pagemap.c real frames: <ioas/pagemap.h>
 *	reserve.c addresses without memory; files as memory
 *	memfile.c files that are memory
 *	thread.c  barrier, wait, signals, end of a thread
 *	worker.c  threads of our own
 *	store.c   the file behind a device: open, lock, size, close
 *	io.c      the file behind a device: read, write, zero, flush
 *	state.c   memory for device models
 */
#ifndef IOAS_HOST_HOST_H
#define IOAS_HOST_HOST_H

#include "base/hooks.h"

/*
 * A complete set. A front end that owns the SIGSEGV handler replaces copy, and
 * pin when it has addresses of its own to accept.
 *
 * copy is by process_vm_readv(2) on this process: it works anywhere and costs
 * system calls. What it keeps of the promise in base/hooks.h: up to 32 bytes,
 * if both ends are multiples of 8, each unit is a system call of its own, so
 * units appear in ascending order; of a longer copy the last unit appears
 * after all others, and the others in any order. That one unit appears whole
 * rests on how the kernel copies 8 bytes, which no document promises. A plain
 * copy after a probe would keep the promise but crash when the memory
 * goes between the two, which is the very case this hook exists for.
 */
void ioas_host_hooks(struct ioas_hooks *ret_hooks);

/*
 * The system call, or -errno; errno itself is untouched. Seven parameters
 * because a system call has them.
 */
long ioas_sys(long number, long a, long b, long c, long d, long e, long f);

/*
 * A new file of memory, empty; @name is what /proc shows of it. @flags:
 * O_CLOEXEC or 0. Return: a descriptor, -EMFILE, -ENFILE, -ENOMEM, or the
 * refusal of memfd_create(2) where no other way was found.
 */
long ioas_host_memory_file(const char *name, int flags);
/*
 * As ftruncate(2), but a limit of file sizes is -EFBIG and no SIGXFSZ, which
 * would end the program. Return: 0 or -errno.
 */
long ioas_host_memory_grow(int fd, uint64_t bytes);

/* Does madvise(2) what it answers? User emulation of QEMU takes any advice. */
bool ioas_host_heeds_advice(void);

/*
 * What pin does before Linux 5.14, which has no MADV_POPULATE_READ: touch page
 * by page. As hooks.pin.
 */
int ioas_host_pin_by_touch(struct uaddr start, uint64_t length,
                           unsigned int perm, uint64_t *ret_pinned);

/* In a forked child: somebody else may have been inside of alloc, reserve. */
void ioas_host_alloc_forked(void);
void ioas_host_reserve_forked(void);

/*
 * For who locks all memory of the process, with signals blocked: addresses
 * that are reserved would become memory.
 */
/* None of them is locked any more. Return: false: there are none. */
bool ioas_host_reserved_munlock(void);
/* As mlock(2), without them; what cannot be locked is not. */
void ioas_host_mlock(uintptr_t start, uintptr_t end);
/* Bytes that are not reserved. */
uint64_t ioas_host_unreserved(uintptr_t start, uintptr_t end);

/*
 * Told about each descriptor that is ours (internal: from now on, or not
 * any more), so that a front end can hide it from the program's own close().
 * NULL: nobody wants to know. Set once, before the first store is opened.
 */
extern void (*ioas_host_internal_fd)(int fd, bool internal);

#endif /* IOAS_HOST_HOST_H */
