/* SPDX-License-Identifier: MIT */
/*
 * The machine, as `ioas run` needs it: a line for each thing that could be
 * missing in a container or a hardened system, and what follows from it.
 *
 * Sources: proc(5), membarrier(2), memfd_create(2), process_vm_readv(2).
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ioas/pagemap.h>
#include <ioas/sva.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "host/host.h"

#define FINE IOAS_VERDICT_FINE
#define NOTE IOAS_VERDICT_NOTE
#define BAD  IOAS_VERDICT_BAD

/* The number behind @key in a file, or -1. With key "" the first one. */
static long number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long number = -1;

	while (file && number < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			number = strtol(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return number;
}

static void check_proc(struct ioas_doctor *d)
{
	if (!access("/proc/self/fd", X_OK))
		ioas_doctor_say(d, FINE, "/proc is mounted");
	else
		ioas_doctor_say(d, NOTE,
		                "/proc is not mounted: devices of memory "
		                "(size=) cannot be made, use file=; "
		                "directories in /sys are no starting points");
}

static void check_memfd(struct ioas_doctor *d)
{
	int fd = memfd_create("ioas-doctor", MFD_CLOEXEC);

	if (fd >= 0)
		ioas_doctor_say(d, FINE, "memfd_create works");
	else
		ioas_doctor_say(d, BAD,
		                "memfd_create is refused: VFIO files cannot "
		                "be opened; allow it in the seccomp filter");
	if (fd >= 0)
		close(fd);
}

static void check_membarrier(struct ioas_doctor *d)
{
	long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (known >= 0 && known & MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		ioas_doctor_say(d, FINE, "membarrier works");
	else
		ioas_doctor_say(d, NOTE,
		                "membarrier is refused: each device access "
		                "pays for a fence instead");
}

static void check_seccomp(struct ioas_doctor *d)
{
	long mode = number_in("/proc/self/status", "Seccomp:");

	if (mode > 0)
		ioas_doctor_say(d, NOTE,
		                "a seccomp filter is on (mode %ld): what it "
		                "refuses is named above",
		                mode);
	else
		ioas_doctor_say(d, FINE, "no seccomp filter");
}

static void check_ptrace(struct ioas_doctor *d)
{
	long scope = number_in("/proc/sys/kernel/yama/ptrace_scope", "");

	if (scope > 2)
		ioas_doctor_say(d, NOTE,
		                "ptrace is switched off: no strace and no gdb "
		                "under ioas; ioas itself does not need it");
	else
		ioas_doctor_say(d, FINE, "ptrace: children may be traced");
}

static void check_kvm(struct ioas_doctor *d)
{
	if (access("/dev/kvm", R_OK | W_OK))
		ioas_doctor_say(d, FINE, "no /dev/kvm: QEMU emulates");
	else
		ioas_doctor_say(d, FINE,
		                "/dev/kvm: while a program has it open, BARs "
		                "are served by read and write");
}

static void check_memlock(struct ioas_doctor *d)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		ioas_doctor_say(d, FINE, "RLIMIT_MEMLOCK: unlimited");
	else
		ioas_doctor_say(d, FINE,
		                "RLIMIT_MEMLOCK: %llu KiB; counted only with "
		                "--memlock=rlimit, as Linux would",
		                (unsigned long long)limit.rlim_cur / 1024);
}

static void check_overcommit(struct ioas_doctor *d)
{
	if (number_in("/proc/sys/vm/overcommit_memory", "") == 2)
		ioas_doctor_say(d, NOTE,
		                "overcommit_memory is 2: large maps can fail "
		                "with ENOMEM earlier than elsewhere");
	else
		ioas_doctor_say(d, FINE, "memory may be overcommitted");
}

static void check_maps(struct ioas_doctor *d)
{
	long most = number_in("/proc/sys/vm/max_map_count", "");

	if (most >= 0 && most < 65530)
		ioas_doctor_say(d, NOTE,
		                "max_map_count is %ld, below the usual 65530: "
		                "a program with many mappings meets it",
		                most);
	else
		ioas_doctor_say(d, FINE, "max_map_count: %ld", most);
}

/* `ioas run` does without; who embeds libioas asks here what is missing. */
static void check_pagemap(struct ioas_doctor *d)
{
	const struct ioas_backend *backend = NULL;
	int rc;

	ioas_host_hooks(&ioas_hooks);
	rc = ioas_backend_pagemap_create(&backend);
	ioas_doctor_say(d, FINE, "pagemap, for libioas only: %s",
	                ioas_backend_pagemap_reason(rc));
	ioas_backend_pagemap_destroy(backend);
}

static int try_process(pid_t pid)
{
	const struct ioas_sva_memory *memory = NULL;
	int rc = ioas_sva_process_create(pid, &memory);

	ioas_sva_process_destroy(memory);
	return rc;
}

/* One that does nothing, as long as the pipe is open. */
static int try_child(void)
{
	int pipes[2], rc;
	char byte;
	pid_t pid;

	if (pipe(pipes))
		return -errno;
	pid = fork();
	if (!pid) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) != 0);
	}
	close(pipes[0]);
	rc = pid < 0 ? -ENOMEM : try_process(pid);
	close(pipes[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return rc;
}

/*
 * `ioas run` does without this as well. Linux tells descendants from others
 * (ptrace_scope), so one of each is tried: a child, and the parent.
 */
static void check_processes(struct ioas_doctor *d)
{
	static const char *const about = "SVA of other processes, for libioas "
					 "only";
	int child = try_child(), parent = try_process(getppid());

	if (child)
		ioas_doctor_say(d, FINE, "%s: none can be reached: %s", about,
		                ioas_sva_process_reason(child));
	else if (parent == -EPERM)
		ioas_doctor_say(d, FINE,
		                "%s: a child can be reached, the parent not "
		                "(EPERM): %s",
		                about, ioas_sva_process_reason(parent));
	else if (parent)
		ioas_doctor_say(d, FINE,
		                "%s: a child can be reached; no parent is "
		                "there to try",
		                about);
	else
		ioas_doctor_say(d, FINE,
		                "%s: children can be reached, and others of "
		                "this user",
		                about);
}

static void check_cpus(struct ioas_doctor *d)
{
	cpu_set_t set;
	int cpus =
		sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	if (cpus < 2)
		ioas_doctor_say(d, NOTE,
		                "1 processor: mode=thread and mode=adaptive "
		                "are slower than mode=inline here");
	else
		ioas_doctor_say(d, FINE, "%d processors", cpus);
}

void ioas_doctor_host(struct ioas_doctor *d)
{
	static void (*const checks[])(struct ioas_doctor * d) = {
		check_proc,   check_memfd, check_membarrier, check_seccomp,
		check_ptrace, check_kvm,   check_memlock,    check_overcommit,
		check_maps,   check_cpus,  check_pagemap,    check_processes,
	};
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
}
