/* SPDX-License-Identifier: MIT */
/*
 * Descriptors. One table says what each descriptor of the process is:
 *
 *	NULL      foreign: the program's own business. The case that counts:
 *	          one load, and on to the C library
 *	a handle  a file of ioas. The descriptor itself is a real one (a
 *	          memfd), so poll, fork and passing it on just work
 *	stale     a file of ioas that a forked child inherited: -ENODEV
 *	internal  ioas's own (eventfds it keeps, a device's backing file): to
 *	          the program it is not open
 *
 * A handle counts its descriptors and its BAR views. The last one that goes
 * takes the handle out of reach, waits for the calls that still use it, and
 * releases the file.
 *
 * Laws
 *	FD-1  a file is released once, when no descriptor, no view and no
 *	      running call refers to it
 *	FD-2  no call of the program closes or replaces an internal descriptor
 *
 * Ordering: an entry is published by an exchange and read by an acquire load,
 * so a handle is seen whole. No locks.
 */
#ifndef IOAS_PRELOAD_FDS_H
#define IOAS_PRELOAD_FDS_H

#include "base/atomic.h"
#include "base/hooks.h"
#include "preload/later.h"
#include "uapi/vfio.h"

/* What Linux allows by default (fs.nr_open); ours stay below. */
#define IOAS_FD_NR (1u << 20)

struct ioas_handle {
	struct ioas_dead dead;
	struct ioas_file *file;   /* constant */
	bool grown;               /* the memfd reaches over every region */
	struct ioas_a32 refs;     /* descriptors and views; 0 is final */
	struct ioas_a64 position; /* of read and write without one */
	struct ioas_aptr trap;    /* struct ioas_trap, from the first view on */
	struct ioas_aptr doors;   /* struct ioas_door, or NULL */
};

extern struct ioas_aptr ioas_fd_table[IOAS_FD_NR];

/*
 * What a file shows without a lock or a section, by low descriptors. Two calls
 * that change one descriptor at once may leave another's there: it is this
 * file's only if it has the handle for its mark.
 */
#define IOAS_FD_SHOWN 1024
extern struct ioas_aptr ioas_fd_shown_table[IOAS_FD_SHOWN];

enum ioas_fd_kind {
	IOAS_FD_FOREIGN,
	IOAS_FD_OURS,
	IOAS_FD_STALE,
	IOAS_FD_INTERNAL,
};

/* Nearly always true; false asks for a closer look. */
static inline bool ioas_fd_foreign(int fd)
{
	/* Pairs with the exchanges in fds.c. */
	return (unsigned int)fd >= IOAS_FD_NR ||
	       __builtin_expect(!ioas_aptr_load(&ioas_fd_table[fd]), 1);
}

enum ioas_fd_kind ioas_fd_kind(int fd);

/*
 * Begin a call on a file: a section of IOAS_GRACE_FILE, in which the handle
 * stays, with signals blocked: a handler that is left by siglongjmp(3) would
 * take the section along, and who closes a file would wait for it for ever.
 * Return: 0, or, outside of the section, -EBADF (not open, as far as the
 * program is concerned) or -ENODEV (stale; said aloud once).
 */
struct ioas_visit {
	struct ioas_handle *handle;
	struct ioas_signals saved;
};
long ioas_fd_enter(int fd, struct ioas_visit *visit);
void ioas_fd_leave(const struct ioas_visit *visit);

/*
 * The same inside of a section, or for what is too quick to be worth a system
 * call; ends by ioas_grace_leave().
 */
long ioas_fd_enter_quick(int fd, struct ioas_handle **ret_handle);

/* A section for a call into uapi without a file. */
void ioas_section_enter(struct ioas_signals *saved);
void ioas_section_leave(const struct ioas_signals *saved);

/* False: the handle is on its way out. */
bool ioas_handle_get(struct ioas_handle *handle);
void ioas_handle_put(struct ioas_handle *handle);

/*
 * A new descriptor that owns @file. @flags: O_CLOEXEC or 0.
 * Return: the descriptor, -EMFILE, -ENFILE or -ENOMEM; @file is the caller's
 * then.
 */
long ioas_fd_create(struct ioas_file *file, int flags);

/* close(2) of anything that is not foreign. */
long ioas_fd_close(int fd);
/* What @fd was is gone or about to be: forget it. The descriptor is kept. */
void ioas_fd_forget(int fd);
/* close_range(2). */
long ioas_fd_close_range(unsigned int first, unsigned int last, int flags);
/* Is there anything but foreign descriptors in [first, last]? */
bool ioas_fd_any(unsigned int first, unsigned int last);

/* dup(2), F_DUPFD and F_DUPFD_CLOEXEC with @from as the lowest number. */
long ioas_fd_dup(int fd, int command, int from);
/* dup2(2) and dup3(2), where one of the two is not foreign. */
long ioas_fd_dup_to(int fd, int wanted, int flags);

/*
 * Take a descriptor over: moved to a high number, close-on-exec, internal.
 * Return: the new number (the old one is closed), or -errno with @fd open.
 */
long ioas_fd_internal_take(int fd);
/* The same for a duplicate: @fd stays the program's. */
long ioas_fd_internal_dup(int fd);
void ioas_fd_internal_close(int fd);
/* Mark or unmark in place; for ioas_host_internal_fd. */
void ioas_fd_internal_mark(int fd, bool internal);

/*
 * Around a system call that opens or closes a file of ours and the change of
 * the table: in between it is open and not in the table.
 */
void ioas_fd_change_begin(void);
void ioas_fd_change_end(void);

/*
 * A descriptor that is not in the table: whose is it? 0: no file of ioas.
 * -EBADF: another thread opens or closes it. -ENODEV: it was inherited over
 * exec; says so aloud, once.
 */
long ioas_fd_lost(int fd);

/* In a forked child. */
void ioas_fds_forked(void);

#endif /* IOAS_PRELOAD_FDS_H */
