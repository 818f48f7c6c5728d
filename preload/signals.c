/* SPDX-License-Identifier: MIT */
/*
 * The kept dispositions are read in the fault handler, which may have
 * interrupted the thread that writes them. Two copies and a generation: the
 * writer fills the one not in use, then moves the generation. A reader that
 * sees the generation move reads again.
 */
#include "preload/signals.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/atomic.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "base/types.h"
#include "host/host.h"
#include "preload/arch.h"
#include "preload/say.h"
#include "preload/wrap.h"

static const int own_signal[] = {SIGSEGV, SIGBUS};

#define OWN IOAS_ARRAY_SIZE(own_signal)

struct copy {
	struct ioas_a64 handler, flags, mask;
};

static struct {
	struct ioas_a32 generation; /* of the copy in use: its lowest bit */
	struct copy copy[2];
} kept[OWN];

static struct ioas_lock lock; /* writers of kept, and install */
static struct ioas_a32 installed;

/* Bit i: own_signal[i] is blocked, as far as this thread believes. */
static __thread unsigned int believed
	__attribute__((tls_model("initial-exec")));

/* The fault handler runs on this thread, and no handler of the program. */
static __thread bool inside __attribute__((tls_model("initial-exec")));

static unsigned int index_of(int number)
{
	unsigned int i = 0;

	while (i < OWN && own_signal[i] != number)
		i++;
	return i;
}

static unsigned long bit_of(int number)
{
	return 1UL << (number - 1);
}

static unsigned long own_bits(void)
{
	return bit_of(SIGSEGV) | bit_of(SIGBUS);
}

/* ---- Masks. ---- */

unsigned int ioas_signals_strip(sigset_t *set)
{
	unsigned int i, which = 0;

	for (i = 0; i < OWN; i++) {
		if (sigismember(set, own_signal[i]) != 1)
			continue;
		sigdelset(set, own_signal[i]);
		which |= 1u << i;
	}
	return which;
}

void ioas_signals_restore(sigset_t *set, unsigned int which)
{
	unsigned int i;

	for (i = 0; i < OWN; i++)
		if (which >> i & 1)
			sigaddset(set, own_signal[i]);
}

unsigned int ioas_signals_believed(void)
{
	return believed;
}

void ioas_signals_believe(unsigned int which)
{
	believed = which;
}

#define KERNEL_SET ((_NSIG - 1) / 8) /* bytes of the kernel's signal set */

static void set_mask(int how, unsigned long mask, unsigned long *ret_before)
{
	ioas_sys(SYS_rt_sigprocmask, how, (long)&mask, (long)ret_before,
	         KERNEL_SET, 0, 0);
}

void ioas_signals_begin(void)
{
	unsigned long before = 0;
	unsigned int i;

	set_mask(SIG_BLOCK, 0, &before);
	if (!(before & own_bits()))
		return;
	for (i = 0; i < OWN; i++)
		if (before & bit_of(own_signal[i]))
			believed |= 1u << i;
	set_mask(SIG_UNBLOCK, own_bits(), NULL);
}

/* ---- Dispositions. ---- */

static void read_kept(unsigned int i, struct ioas_disposition *ret)
{
	uint32_t generation;
	const struct copy *c;

	do {
		/* Pairs with the store in write_kept_locked(). */
		generation = ioas_a32_load(&kept[i].generation);
		c = &kept[i].copy[generation & 1];
		ret->handler = (void *)ioas_a64_load(&c->handler);
		ret->flags = (unsigned int)ioas_a64_load(&c->flags);
		ret->mask = ioas_a64_load(&c->mask);
	} while (ioas_a32_load(&kept[i].generation) != generation);
}

static void write_kept_locked(unsigned int i, const struct ioas_disposition *d)
{
	uint32_t next = ioas_a32_load(&kept[i].generation) + 1;
	struct copy *c = &kept[i].copy[next & 1];

	ioas_a64_store(&c->handler, (uintptr_t)d->handler);
	ioas_a64_store(&c->flags, d->flags);
	ioas_a64_store(&c->mask, d->mask);
	/* Pairs with the loads in read_kept(): the copy is seen whole. */
	ioas_a32_store(&kept[i].generation, next);
}

void ioas_signal_exchange(int number, const struct ioas_disposition *next,
                          struct ioas_disposition *ret_before)
{
	unsigned int i = index_of(number);
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_lock(&lock);
	if (ret_before)
		read_kept(i, ret_before);
	if (next)
		write_kept_locked(i, next);
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&saved);
}

bool ioas_signals_installed(void)
{
	/* Pairs with the store in install_locked(). */
	return ioas_a32_load(&installed);
}

bool ioas_signal_ours(int number)
{
	return index_of(number) < OWN && ioas_signals_installed();
}

/* Open in the fault handler: the tolerant copy may fault inside of it. */
static unsigned long faults(void)
{
	return own_bits() | bit_of(SIGILL) | bit_of(SIGFPE) | bit_of(SIGTRAP);
}

/* Before it is ours, the wrapper of sigaction is told what is kept of it. */
static long take_over_locked(unsigned int i,
                             void (*handler)(int, siginfo_t *, void *))
{
	const struct ioas_arch_action action = {
		.handler = handler,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
		.blocked = ~faults(),
	};
	IOAS_SIGACTION before;
	struct ioas_disposition d;

	if (ioas_wrap___sigaction(own_signal[i], NULL, &before))
		return -EINVAL;
	d.handler = (void *)before.sa_sigaction;
	d.flags = (unsigned int)before.sa_flags;
	memcpy(&d.mask, &before.sa_mask, sizeof(d.mask));
	write_kept_locked(i, &d);
	return ioas_arch_sigaction(own_signal[i], &action);
}

static long install_locked(void (*handler)(int, siginfo_t *, void *))
{
	unsigned int i;
	long err = 0;

	if (ioas_a32_load(&installed))
		return 0;
	for (i = 0; i < OWN && !err; i++)
		err = take_over_locked(i, handler);
	if (!err)
		/* Pairs with the load in ioas_signals_installed(). */
		ioas_a32_store(&installed, 1);
	return err;
}

long ioas_signals_install(void (*handler)(int number, siginfo_t *info,
                                          void *context))
{
	struct ioas_signals saved;
	long err;

	if (ioas_signals_installed())
		return 0;
	ioas_hooks.signals_block(&saved);
	ioas_lock(&lock);
	err = install_locked(handler);
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&saved);
	return err;
}

/* ---- Faults that are the program's. ---- */

static void set_default(int number)
{
	const struct ioas_arch_action none = {.handler = NULL};

	ioas_arch_sigaction(number, &none);
}

static void send_to_self(int number, const siginfo_t *info)
{
	long pid = ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
	long tid = ioas_sys(SYS_gettid, 0, 0, 0, 0, 0, 0);

	if (!info ||
	    ioas_sys(SYS_rt_tgsigqueueinfo, pid, tid, number, (long)info, 0, 0))
		ioas_sys(SYS_tgkill, pid, tid, number, 0, 0, 0);
}

void ioas_signal_die(int number)
{
	set_default(number);
	set_mask(SIG_UNBLOCK, bit_of(number), NULL);
	for (;;) {
		send_to_self(number, NULL);
		ioas_sys(SYS_exit_group, 128 + number, 0, 0, 0, 0, 0);
	}
}

bool ioas_signal_enter(int number)
{
	if (!inside) {
		inside = true;
		return true;
	}
	set_default(number);
	return false;
}

void ioas_signal_leave(void)
{
	inside = false;
}

/* As if nobody handled it: the core dump shows the instruction itself. */
static void end_by_default(const siginfo_t *info, bool again)
{
	set_default(info->si_signo);
	if (!again)
		send_to_self(info->si_signo, info);
}

/*
 * The program's handler of a signal that runs, if one does. Linux has the
 * signal blocked there, so that a fault in the handler ends the program; here
 * it is not, for the handler may touch a BAR. The note lies in the frame that
 * calls the handler. One that was left by siglongjmp(3) is told from one that
 * runs by what the stack grew over since: the note, or not that far down.
 */
struct note {
	const struct note *self;
	uint64_t magic;
	bool alternate;
};

#define NOTE_MAGIC UINT64_C(0x696f61733a68616e)

static __thread const struct note *handling[OWN]
	__attribute__((tls_model("initial-exec")));

static bool on_alternate(uintptr_t at, const ucontext_t *context)
{
	return at - (uintptr_t)context->uc_stack.ss_sp <
	       context->uc_stack.ss_size;
}

/* Is what faulted called by the program's own handler of the signal? */
static bool in_its_handler(unsigned int i, const ucontext_t *context)
{
	uintptr_t sp = ioas_arch_sp(context);
	const struct note *note = handling[i];
	struct note seen;

	/* Its stack may be gone. */
	if (!note || sp >= (uintptr_t)note ||
	    ioas_hooks.copy(&seen, note, sizeof(seen)))
		return false;
	return seen.self == note && seen.magic == NOTE_MAGIC &&
	       seen.alternate == on_alternate(sp, context);
}

/* What the kernel does before it enters a handler, then the handler. */
static void call_handler(const struct ioas_disposition *d, siginfo_t *info,
                         ucontext_t *context)
{
	void (*handler)(int, siginfo_t *, void *) =
		(void (*)(int, siginfo_t *, void *))d->handler;
	struct ioas_disposition reset = *d;
	unsigned int i = index_of(info->si_signo);
	const struct note *before = handling[i];
	struct note note = {&note, NOTE_MAGIC, false};
	unsigned long mask;

	if (d->flags & SA_RESETHAND) {
		reset.handler = (void *)SIG_DFL;
		ioas_signal_exchange(info->si_signo, &reset, NULL);
	}
	memcpy(&mask, &context->uc_sigmask, sizeof(mask));
	set_mask(SIG_SETMASK, (mask | d->mask) & ~own_bits(), NULL);
	note.alternate = on_alternate((uintptr_t)&note, context);
	if (!(d->flags & SA_NODEFER))
		handling[i] = &note;
	inside = false;
	/* One without SA_SIGINFO ignores what it does not expect. */
	handler(info->si_signo, info, context);
	inside = true;
	handling[i] = before;
}

void ioas_signal_chain(const siginfo_t *info, ucontext_t *context, bool again)
{
	unsigned int i = index_of(info->si_signo);
	bool sent = info->si_code <= 0; /* by a process, not by a fault */
	siginfo_t copy = *info;
	struct ioas_disposition d;

	read_kept(i, &d);
	if (sent && d.handler == (void *)SIG_IGN)
		return;
	if (d.handler == (void *)SIG_IGN || d.handler == (void *)SIG_DFL ||
	    (!sent && ((believed >> i & 1) || in_its_handler(i, context))))
		end_by_default(info, again && !sent);
	else
		call_handler(&d, &copy, context);
}
