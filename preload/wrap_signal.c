/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what sets dispositions and masks. Outside of a run they do
 * nothing; in one the two signals of signals.h never get into a real mask.
 */
#include <errno.h>
#include <string.h>

#include "base/types.h"
#include "preload/say.h"
#include "preload/signals.h"
#include "preload/wrap.h"

/* Per signal: which of the two the program put into its sa_mask. */
static struct ioas_a32 stripped[_NSIG];

/* ---- Dispositions. ---- */

static void describe(const struct ioas_disposition *d, IOAS_SIGACTION *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sa_handler = (sighandler_t)d->handler;
	ret->sa_flags = (int)d->flags;
	memcpy(&ret->sa_mask, &d->mask, sizeof(d->mask));
}

static int exchange_own(int number, const IOAS_SIGACTION *act,
                        IOAS_SIGACTION *old)
{
	struct ioas_disposition next, before;

	if (act) {
		next.handler = (void *)act->sa_handler;
		next.flags = (unsigned int)act->sa_flags;
		memcpy(&next.mask, &act->sa_mask, sizeof(next.mask));
	}
	ioas_signal_exchange(number, act ? &next : NULL, &before);
	if (old)
		describe(&before, old);
	return 0;
}

static int exchange_real(int number, const IOAS_SIGACTION *act,
                         IOAS_SIGACTION *old)
{
	IOAS_SIGACTION copy;
	unsigned int which = 0;
	uint32_t before;
	int result;

	if (act) {
		copy = *act;
		which = ioas_signals_strip(&copy.sa_mask);
	}
	result = ioas_real_sigaction()(number, act ? &copy : NULL, old);
	if (result || number <= 0 || number >= _NSIG)
		return result;
	/* Relaxed: goes with a disposition that is just as racy. */
	before = ioas_a32_load_relaxed(&stripped[number]);
	if (act)
		ioas_a32_store_relaxed(&stripped[number], which);
	if (old)
		ioas_signals_restore(&old->sa_mask, before);
	return result;
}

int ioas_wrap_sigaction(int number, const IOAS_SIGACTION *act,
                        IOAS_SIGACTION *old)
{
	if (!ioas_say_run())
		return ioas_real_sigaction()(number, act, old);
	if (ioas_signal_ours(number))
		return exchange_own(number, act, old);
	return exchange_real(number, act, old);
}

int ioas_wrap___sigaction(int number, const IOAS_SIGACTION *act,
                          IOAS_SIGACTION *old)
{
	return ioas_wrap_sigaction(number, act, old);
}

/* signal(3) and its kin, for one of the two. */
static sighandler_t set_own(int number, sighandler_t handler, int flags)
{
	IOAS_SIGACTION act, old;

	memset(&act, 0, sizeof(act));
	act.sa_handler = handler;
	act.sa_flags = flags;
	if (flags & SA_RESTART)
		sigaddset(&act.sa_mask, number);
	exchange_own(number, &act, &old);
	return old.sa_handler;
}

#define BSD_FLAGS  SA_RESTART
#define SYSV_FLAGS ((int)(SA_RESETHAND | SA_NODEFER))

sighandler_t ioas_wrap_signal(int number, sighandler_t handler)
{
	if (ioas_signal_ours(number))
		return set_own(number, handler, BSD_FLAGS);
	return ioas_real_signal()(number, handler);
}

sighandler_t ioas_wrap_bsd_signal(int number, sighandler_t handler)
{
	return ioas_wrap_signal(number, handler);
}

sighandler_t ioas_wrap_ssignal(int number, sighandler_t handler)
{
	return ioas_wrap_signal(number, handler);
}

sighandler_t ioas_wrap_sysv_signal(int number, sighandler_t handler)
{
	if (ioas_signal_ours(number))
		return set_own(number, handler, SYSV_FLAGS);
	return ioas_real_sysv_signal()(number, handler);
}

sighandler_t ioas_wrap___sysv_signal(int number, sighandler_t handler)
{
	return ioas_wrap_sysv_signal(number, handler);
}

int ioas_wrap_sigignore(int number)
{
	if (!ioas_signal_ours(number))
		return ioas_real_sigignore()(number);
	set_own(number, SIG_IGN, 0);
	return 0;
}

/* ---- Masks. ---- */

typedef int mask_function(int how, const sigset_t *set, sigset_t *old);

static void believe_change(int how, unsigned int which)
{
	unsigned int now = ioas_signals_believed();

	if (how == SIG_BLOCK)
		now |= which;
	else if (how == SIG_UNBLOCK)
		now &= ~which;
	else
		now = which;
	ioas_signals_believe(now);
}

static int change_mask(mask_function *real, int how, const sigset_t *set,
                       sigset_t *old)
{
	unsigned int before = ioas_signals_believed();
	unsigned int which = 0;
	sigset_t copy;
	int result;

	if (!ioas_say_run())
		return real(how, set, old);
	if (set) {
		copy = *set;
		which = ioas_signals_strip(&copy);
	}
	result = real(how, set ? &copy : NULL, old);
	if (result)
		return result;
	if (set)
		believe_change(how, which);
	if (old)
		ioas_signals_restore(old, before);
	return result;
}

int ioas_wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(ioas_real_sigprocmask(), how, set, old);
}

int ioas_wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(ioas_real_pthread_sigmask(), how, set, old);
}

static int hold(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigaddset(&set, number))
		return -1;
	return ioas_wrap_sigprocmask(how, &set, NULL);
}

int ioas_wrap_sighold(int number)
{
	return hold(SIG_BLOCK, number);
}

int ioas_wrap_sigrelse(int number)
{
	return hold(SIG_UNBLOCK, number);
}

sighandler_t ioas_wrap_sigset(int number, sighandler_t handler)
{
	IOAS_SIGACTION old;
	sigset_t before;

	if (!ioas_signal_ours(number))
		return ioas_real_sigset()(number, handler);
	ioas_wrap_sigprocmask(SIG_BLOCK, NULL, &before);
	exchange_own(number, NULL, &old);
	if (handler == SIG_HOLD) {
		hold(SIG_BLOCK, number);
	} else {
		set_own(number, handler, 0);
		hold(SIG_UNBLOCK, number);
	}
	return sigismember(&before, number) == 1 ? SIG_HOLD : old.sa_handler;
}

/* The masks of old BSD: bit n - 1 of an int is signal n. */
static int old_mask(int how, int mask)
{
	sigset_t set, before;
	unsigned int word;
	int i;

	sigemptyset(&set);
	for (i = 1; i <= 32; i++)
		if ((unsigned int)mask >> (i - 1) & 1)
			sigaddset(&set, i);
	ioas_wrap_sigprocmask(how, &set, &before);
	memcpy(&word, &before, sizeof(word));
	return (int)word;
}

int ioas_wrap_sigblock(int mask)
{
	return old_mask(SIG_BLOCK, mask);
}

int ioas_wrap_sigsetmask(int mask)
{
	return old_mask(SIG_SETMASK, mask);
}

/* ---- Waiting with another mask: handlers run under it. ---- */

/* @set without the two, in @room; NULL stays NULL. */
static const sigset_t *without_own(const sigset_t *set, sigset_t *room)
{
	if (!set || !ioas_say_run())
		return set;
	*room = *set;
	ioas_signals_strip(room);
	return room;
}

int ioas_wrap_sigsuspend(const sigset_t *set)
{
	sigset_t room;

	return ioas_real_sigsuspend()(without_own(set, &room));
}

int ioas_wrap_pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                      const struct timespec *timeout, const sigset_t *set)
{
	/* check-style: six parameters, as pselect(2) has */
	sigset_t room;

	return ioas_real_pselect()(count, in, out, urgent, timeout,
	                           without_own(set, &room));
}

int ioas_wrap_ppoll(struct pollfd *fds, nfds_t count,
                    const struct timespec *timeout, const sigset_t *set)
{
	sigset_t room;

	return ioas_real_ppoll()(fds, count, timeout, without_own(set, &room));
}

int ioas_wrap___ppoll_chk(struct pollfd *fds, nfds_t count,
                          const struct timespec *timeout, const sigset_t *set,
                          size_t size)
{
	sigset_t room;

	return ioas_real___ppoll_chk()(fds, count, timeout,
	                               without_own(set, &room), size);
}

int ioas_wrap_epoll_pwait(int fd, struct epoll_event *events, int room,
                          int timeout, const sigset_t *set)
{
	sigset_t copy;

	return ioas_real_epoll_pwait()(fd, events, room, timeout,
	                               without_own(set, &copy));
}

int ioas_wrap_epoll_pwait2(int fd, struct epoll_event *events, int room,
                           const struct timespec *timeout, const sigset_t *set)
{
	sigset_t copy;

	return ioas_real_epoll_pwait2()(fd, events, room, timeout,
	                                without_own(set, &copy));
}
