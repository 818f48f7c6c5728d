/* SPDX-License-Identifier: MIT */
#include "preload/strict.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/arch.h"
#include "preload/fds.h"
#include "preload/give.h"
#include "preload/keep.h"
#include "preload/modules.h"
#include "preload/say.h"
#include "preload/vmas.h"
#include "preload/wrap.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define FAILED UINT32_MAX

struct ioas_a32 ioas_strict;

static struct ioas_a32 listener; /* 0: not yet; FAILED; a descriptor + 1 */
static bool inherited;           /* this is a child of the owner */
static int owner = -1;           /* pidfd of the process with the filter */

/* ---- The filter. ---- */

/* Code from @first up to @end; the upper halves of all are the same. */
struct code {
	uint64_t first, end;
	uint64_t out_first, out_end; /* and not from here */
};

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
#define LOW(value)  ((uint32_t)(value))
#define HIGH(value) ((uint32_t)((uint64_t)(value) >> 32))

/* Jumps count from the line behind; see the numbers. */
static long install_filter(const struct code *code, unsigned long flags)
{
	struct sock_filter filter[] = {
		/* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IOAS_ARCH_AUDIT, 0, 12),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 2, 0),
		/* 5 */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 FIELD(instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HIGH(code->first), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer)),
		/* 10 */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, LOW(code->first), 0, 3),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, LOW(code->end), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, LOW(code->out_first), 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, LOW(code->out_end), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		/* 15 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {IOAS_ARRAY_SIZE(filter), filter};

	return ioas_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	                (long)(flags | SECCOMP_FILTER_FLAG_NEW_LISTENER |
	                       SECCOMP_FILTER_FLAG_TSYNC |
	                       SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
	                (long)&program, 0, 0, 0);
}

#define SYSCALL_BYTES 64 /* the function is shorter */

static bool find_code(struct code *ret)
{
	uint64_t at = (uintptr_t)gnu_get_libc_version;
	const struct ioas_module *libc;
	uint16_t number;

	ioas_modules_find(&at, 1, &number);
	libc = ioas_module(number);
	if (!libc)
		return false;
	ret->first = libc->first;
	ret->end = libc->last + 1;
	ret->out_first = (uintptr_t)ioas_real_syscall();
	ret->out_end = ret->out_first + SYSCALL_BYTES;
	return HIGH(ret->first) == HIGH(ret->end) &&
	       ret->out_first >= ret->first && ret->out_end <= ret->end;
}

static long install(void)
{
	struct code code;
	long fd;

	if (!find_code(&code))
		return -ENOEXEC;
	fd = ioas_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	if (fd)
		return fd;
	/* A signal handler then need not run in the middle: Linux 5.19. */
	fd = install_filter(&code, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	if (fd == -EINVAL)
		fd = install_filter(&code, 0);
	return fd;
}

/* ---- Calls. ---- */

/* The kernel may know longer ones than our headers. */
union call {
	struct seccomp_notif notif;
	char room[256];
};

union answer {
	struct seccomp_notif_resp resp;
	char room[256];
};

/* Not an errno: the kernel goes on with the call. */
#define GO_ON (-5000L)

static long do_munmap(const __u64 *a)
{
	if (!ioas_keep_look(a[0], a[1]))
		return GO_ON;
	return ioas_give_munmap(a[0], a[1]);
}

static long do_mremap(const __u64 *a)
{
	const struct ioas_mremap_request r = {a[0], a[1], a[2], (int)a[3],
	                                      (a[3] & MREMAP_FIXED) ? a[4] : 0};

	if (!ioas_keep_look(r.start, r.old_bytes) &&
	    !(r.to && ioas_keep_look(r.to, r.bytes)))
		return GO_ON;
	return ioas_give_mremap(&r);
}

static long do_madvise(const __u64 *a)
{
	if (!ioas_give_advice((int)a[2]) || !ioas_keep_look(a[0], a[1]))
		return GO_ON;
	return ioas_give_madvise(a[0], a[1], (int)a[2]);
}

static long sys_brk(uint64_t at)
{
	return ioas_sys(SYS_brk, (long)at, 0, 0, 0, 0, 0);
}

static long do_brk(const __u64 *a)
{
	uint64_t end = (uint64_t)sys_brk(0);
	struct ioas_giving giving;
	long result;

	/* 0 asks where it is. */
	if (!a[0] || a[0] >= end)
		return GO_ON;
	ioas_give_heap_begin(&giving, end, a[0]);
	result = sys_brk(a[0]);
	ioas_keep_end(&giving, (uint64_t)result == a[0]);
	return result;
}

static const struct {
	long number;
	long (*run)(const __u64 *arguments);
} calls[] = {
	{SYS_munmap, do_munmap},
	{SYS_mremap, do_mremap},
	{SYS_madvise, do_madvise},
	{SYS_brk, do_brk},
};

/* A child has its own memory, or will have: none of it is pinned. */
static bool is_of_this_process(uint32_t thread)
{
	long pid = ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);

	return !ioas_sys(SYS_tgkill, pid, thread, 0, 0, 0, 0);
}

static long run_call(const struct seccomp_notif *n)
{
	unsigned int i;

	if (!ioas_pins_any() || !is_of_this_process(n->pid))
		return GO_ON;
	for (i = 0; i < IOAS_ARRAY_SIZE(calls); i++)
		if (calls[i].number == n->data.nr)
			return calls[i].run(n->data.args);
	return GO_ON;
}

static void answer(int fd, const struct seccomp_notif *n)
{
	union answer a = {.room = {0}};
	long result = run_call(n);

	a.resp.id = n->id;
	if (result == GO_ON)
		a.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0 && result >= -4095)
		a.resp.error = (__s32)result;
	else
		a.resp.val = result;
	/* Who was to have it may have ended. */
	ioas_sys(SYS_ioctl, fd, (long)SECCOMP_IOCTL_NOTIF_SEND, (long)&a, 0, 0,
	         0);
}

static void serve(int fd)
{
	union call call;
	long err;

	do {
		memset(&call, 0, sizeof(call));
		err = ioas_sys(SYS_ioctl, fd, (long)SECCOMP_IOCTL_NOTIF_RECV,
		               (long)&call, 0, 0, 0);
		if (!err)
			answer(fd, &call.notif);
		/* -ENOENT: the one who called was killed meanwhile. */
	} while (!err || err == -EINTR || err == -ENOENT);
}

/* ---- Threads. ---- */

static void serve_process(void *unused)
{
	uint32_t seen;

	/* Pairs with the store in set_listener(). */
	while (!(seen = ioas_a32_load(&listener)))
		ioas_hooks.wait(&listener, 0);
	if (seen != FAILED)
		serve((int)seen - 1);
}

static void set_listener(uint32_t value)
{
	/* Pairs with the load in serve_process(). */
	ioas_a32_store(&listener, value);
	ioas_hooks.wake(&listener);
}

/* Of a child: until the owner has ended, it serves. */
static void serve_child(void *unused)
{
	struct pollfd end = {.fd = owner, .events = POLLIN};

	while (ioas_sys(SYS_ppoll, (long)&end, 1, 0, 0, 0, 0) == -EINTR)
		;
	serve((int)ioas_a32_load(&listener) - 1);
}

/* ---- Beginning. ---- */

static bool has_random_addresses(void)
{
	long now = ioas_sys(SYS_personality, 0xffffffff, 0, 0, 0, 0, 0);

	return !(now & ADDR_NO_RANDOMIZE);
}

static void complain(const char *why)
{
	ioas_complain("--pin=strict cannot be had here: %s; what the C "
	              "library gives back inside of itself is not kept, as "
	              "with --pin=default",
	              why);
}

static void refuse(const char *why)
{
	set_listener(FAILED);
	complain(why);
}

static const char *reason_of(long err)
{
	if (err == -EBUSY)
		return "a filter with a listener is there already, of a "
		       "parent process or a container";
	if (err == -EINVAL || err == -ENOSYS)
		return "this needs Linux 5.7 or later";
	if (err == -ENOEXEC)
		return "the C library was not found";
	return "the system refuses a seccomp filter for all threads";
}

/* The thread is there first: it must not need what the filter stops. */
static void begin(void)
{
	struct ioas_signals saved;
	long fd, pid, up;

	if (!has_random_addresses()) {
		refuse("addresses are not randomised (setarch -R, gdb), so "
		       "that programs it starts would be stopped, too");
		return;
	}
	if (!ioas_hooks.thread_start("ioas-pins", serve_process, NULL)) {
		refuse("there is no memory for a thread");
		return;
	}
	pid = ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0);
	owner = (int)ioas_sys(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
	if (owner >= 0)
		owner = (int)ioas_fd_internal_take(owner);
	ioas_hooks.signals_block(&saved);
	fd = owner < 0 ? owner : install();
	up = fd < 0 ? fd : ioas_fd_internal_take((int)fd);
	if (up >= 0)
		set_listener((uint32_t)up + 1);
	else if (fd >= 0) /* few descriptors: it stays where it is */
		set_listener((uint32_t)fd + 1);
	ioas_hooks.signals_restore(&saved);
	if (fd < 0)
		refuse(reason_of(fd));
	else
		ioas_a32_store(&ioas_strict, 1);
}

void ioas_strict_begin(void)
{
	const char *wanted = getenv(IOAS_ENV_PIN);

	if (!wanted || strcmp(wanted, "strict") != 0)
		return;
	if (inherited)
		complain(reason_of(-EBUSY));
	else if (!ioas_a32_load(&listener))
		begin();
}

static bool is_there(void)
{
	uint32_t seen = ioas_a32_load(&listener);

	return seen && seen != FAILED;
}

void ioas_strict_forking(void)
{
	if (!is_there())
		return;
	ioas_fd_internal_mark(owner, false);
	ioas_fd_internal_mark((int)ioas_a32_load(&listener) - 1, false);
}

void ioas_strict_forked(void)
{
	if (!is_there())
		return;
	inherited = true;
	ioas_fd_internal_mark(owner, true);
	ioas_fd_internal_mark((int)ioas_a32_load(&listener) - 1, true);
	ioas_hooks.thread_start("ioas-pins", serve_child, NULL);
}
