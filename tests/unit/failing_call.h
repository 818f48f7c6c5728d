/* SPDX-License-Identifier: MIT */
/*
 * A system call that fails in a way that no ordinary user can bring about: a
 * disk that loses data at fdatasync(2), a kernel without membarrier(2). It
 * fails for the rest of the process's life, so this is for a forked child.
 */
#ifndef FAILING_CALL_H
#define FAILING_CALL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

struct failing_call {
	uint32_t number;
	uint32_t err;
	uint32_t request; /* only with this second argument; 0: with any */
};

/* Return: whether the system lets us. */
static bool install_failing_call(const struct failing_call *call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->request, 0,
	                 call->request != 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | call->err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {6, code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static inline bool fail_system_call(uint32_t number, uint32_t err)
{
	struct failing_call call = {.number = number, .err = err};

	return install_failing_call(&call);
}

/* In a child where the call fails so: fn(arg) has to return true. */
static inline void check_with_failing(const struct failing_call *call,
                                      bool (*fn)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (!install_failing_call(call))
			_exit(2);
		_exit(fn(arg) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		rig_skip("the system has no seccomp filters");
	assert_int_equal(status, 0);
}

static inline void check_with_failing_call(uint32_t number, uint32_t err,
                                           bool (*fn)(void *arg), void *arg)
{
	struct failing_call call = {.number = number, .err = err};

	check_with_failing(&call, fn, arg);
}

/* The same for a request of ioctl(2). */
static inline void check_with_failing_request(uint32_t request, uint32_t err,
                                              bool (*fn)(void *arg), void *arg)
{
	struct failing_call call = {SYS_ioctl, err, request};

	check_with_failing(&call, fn, arg);
}

#endif /* FAILING_CALL_H */
