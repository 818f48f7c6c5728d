/* SPDX-License-Identifier: MIT */
/*
 * SIGSEGV and SIGBUS are ours: touching a view raises SIGSEGV. The program
 * must not notice. Its own disposition is kept, told when it asks, and called
 * for every fault that is not ours; its masks never really block the two, but
 * read back as it set them.
 *
 * What the program sees differently, and why:
 *	- inside its own handler the two are not blocked: which calls leave a
 *	  handler (siglongjmp, setcontext, an exception) cannot be known, and a
 *	  program that is believed to be still inside would be killed at its
 *	  next fault. A handler that itself faults is called again
 *	- a SIGSEGV that another process sends is not held back by a mask
 *	- a new thread does not inherit that the two read back as blocked
 *
 * Laws
 *	SIG-1  a fault that is not ours ends as without us: same handler, same
 *	       arguments, same exit status
 *	SIG-2  a mask reads back as it was set, per thread
 */
#ifndef IOAS_PRELOAD_SIGNALS_H
#define IOAS_PRELOAD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>

/* At load: a mask that was inherited over exec may block the two. */
void ioas_signals_begin(void);

/* Take both signals over; once. Return: 0, or -errno of sigaction(2). */
long ioas_signals_install(void (*handler)(int number, siginfo_t *info,
                                          void *context));
/* Are faults handled? Then the copy of arch_x86_64.S may be used. */
bool ioas_signals_installed(void);

/*
 * In the handler: give a fault to the program. @again says that the
 * instruction will fault again by itself when it is run again. May not return
 * (the handler jumps out).
 */
void ioas_signal_chain(const siginfo_t *info, ucontext_t *context, bool again);

/*
 * Around all that the fault handler does but the tolerant copy's fix-up. False:
 * it faulted itself, as on an alternate stack too small for it; the signal is
 * back at its default and the fault, which comes again, ends the process.
 */
bool ioas_signal_enter(int number);
void ioas_signal_leave(void);

/* End the process by the signal, as if nobody handled it. */
_Noreturn void ioas_signal_die(int number);

/* sigaction(2) and kin for the two, once they are ours. */
bool ioas_signal_ours(int number);
struct ioas_disposition {
	void *handler; /* or SIG_DFL, SIG_IGN */
	unsigned int flags;
	unsigned long mask; /* the kernel's first word: bit n - 1 is signal n */
};
/* Either may be NULL. */
void ioas_signal_exchange(int number, const struct ioas_disposition *next,
                          struct ioas_disposition *ret_before);

/*
 * What the calling thread believes about the two. A set as the program gives
 * it: take them out, and say which were there; put them back.
 */
unsigned int ioas_signals_strip(sigset_t *set);
void ioas_signals_restore(sigset_t *set, unsigned int which);
unsigned int ioas_signals_believed(void);
void ioas_signals_believe(unsigned int which);

#endif /* IOAS_PRELOAD_SIGNALS_H */
