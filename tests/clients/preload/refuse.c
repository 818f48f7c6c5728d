/* SPDX-License-Identifier: MIT */
/*
 * refuse CALL ERROR PROGRAM [ARGS]: run the program under a filter that answers
 * one system call with an error, as the filters of containers do.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int number;
} calls[] = {
	{"membarrier", SYS_membarrier},
	{"memfd_create", SYS_memfd_create},
	{"io_uring_setup", SYS_io_uring_setup},
	{"process_vm_readv", SYS_process_vm_readv},
	{"userfaultfd", SYS_userfaultfd},
	{"pidfd_open", SYS_pidfd_open},
	{"eventfd2", SYS_eventfd2},
	{"sched_setaffinity", SYS_sched_setaffinity},
	{"madvise", SYS_madvise},
	{"close_range", SYS_close_range},
	{"mremap", SYS_mremap},
	{"seccomp", SYS_seccomp},
	{"prctl", SYS_prctl},
};

static const struct {
	const char *name;
	unsigned int number;
} errors[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int refuse(unsigned int call, unsigned int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {COUNT(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	unsigned int c = 0, e = 0;

	if (argc < 4)
		return 2;
	while (c < COUNT(calls) && strcmp(calls[c].name, argv[1]) != 0)
		c++;
	while (e < COUNT(errors) && strcmp(errors[e].name, argv[2]) != 0)
		e++;
	if (c == COUNT(calls) || e == COUNT(errors) ||
	    refuse(calls[c].number, errors[e].number)) {
		perror("refuse");
		return 2;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 2;
}
