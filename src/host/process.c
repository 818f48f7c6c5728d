/* SPDX-License-Identifier: MIT */
/*
 * Memory of another process, for devices that work on its addresses:
 * <ioas/sva.h>.
 *
 *	access     process_vm_readv(2), process_vm_writev(2): by the process's
 *	           page tables at that moment, with the rights it has itself
 *	is it that one?   /proc/PID/mem, opened once, shows one address space
 *	           and no other: 0 bytes are read of it when that has ended, by
 *	           exit or exec, whoever has the number then
 *
 * That file is not what accesses are made by: through it a debugger writes to
 * memory that is read-only (SVA-6).
 *
 * What is read counts only when the address space is there after it (SVA-4).
 * Before a write it is looked at as well; between that look and the write a
 * process can end, but its number is not given to another one that soon: they
 * are given round and round.
 *
 * Sources: process_vm_readv(2); proc(5), /proc/pid/mem, maps, stat; Linux 6.12,
 * mm/process_vm_access.c, fs/proc/base.c, mem_rw(), and security/yama/.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <ioas/sva.h>

#include "host/lines.h"
#include "host/members.h"

#define PATH_BYTES 32
#define TEXT_BYTES 1024
#define START_TIME 19 /* blanks between the state and it, in stat */
#define PID_BITS   22 /* PID_MAX_LIMIT */

struct process {
	struct ioas_sva_memory memory;
	int pid;
	int fd; /* its /proc/PID/mem */
};

static const struct process *process_of(const struct ioas_sva_memory *memory)
{
	return ioas_container_of(memory, const struct process, memory);
}

/* ---- Files of /proc ---- */

static char *add_text(char *to, const char *text)
{
	size_t bytes = strlen(text);

	memcpy(to, text, bytes + 1);
	return to + bytes;
}

static char *add_number(char *to, unsigned int number)
{
	char digits[16];
	unsigned int i = sizeof(digits);

	digits[--i] = 0;
	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return add_text(to, digits + i);
}

static long open_of(int pid, const char *name)
{
	char path[PATH_BYTES], *end;

	end = add_text(path, "/proc/");
	end = add_number(end, (unsigned int)pid);
	add_text(end, name);
	return ioas_sys(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC,
	                0, 0, 0);
}

static void close_fd(long fd)
{
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* The beginning of a file, as text; "" when it cannot be read. */
static void read_text(long fd, char ret_text[TEXT_BYTES])
{
	long n = fd < 0 ? 0
	                : ioas_sys(SYS_read, fd, (long)ret_text, TEXT_BYTES - 1,
	                           0, 0, 0);

	ret_text[n < 0 ? 0 : n] = 0;
	if (fd >= 0)
		close_fd(fd);
}

/* When it was started, in ticks, and who it is: no other has both. */
static uint64_t identity_of(int pid)
{
	char text[TEXT_BYTES];
	const char *at;
	unsigned int blanks = 0;
	uint64_t start;

	read_text(open_of(pid, "/stat"), text);
	/* A name may have brackets and blanks; nothing behind it does. */
	at = strrchr(text, ')');
	if (!at || !at[1])
		return 0;
	for (at += 2; *at && blanks < START_TIME; at++)
		blanks += *at == ' ';
	ioas_number_in(at, 10, &start);
	return start << PID_BITS | (unsigned int)pid;
}

/* ---- Accesses ---- */

static bool there(const struct process *p)
{
	char byte;

	/* At address 0 there is nothing: that is an error, and not an end. */
	return ioas_sys(SYS_pread64, p->fd, (long)&byte, 1, 0, 0, 0) != 0;
}

static int move(const struct process *p, long number, uint64_t uaddr,
                void *buffer, size_t bytes)
{
	struct iovec mine = {buffer, bytes};
	struct iovec theirs = {(void *)(uintptr_t)uaddr, bytes};
	long n;

	while (mine.iov_len) {
		n = ioas_sys(number, p->pid, (long)&mine, 1, (long)&theirs, 1,
		             0);
		if (n <= 0)
			return -EFAULT;
		mine.iov_base = (char *)mine.iov_base + n;
		theirs.iov_base = (char *)theirs.iov_base + n;
		mine.iov_len -= (size_t)n;
		theirs.iov_len -= (size_t)n;
	}
	return 0;
}

static int process_read(const struct ioas_sva_memory *self, uint64_t uaddr,
                        void *buffer, size_t bytes)
{
	const struct process *p = process_of(self);
	int err = move(p, SYS_process_vm_readv, uaddr, buffer, bytes);

	if (there(p))
		return err;
	/* It may be another's. */
	memset(buffer, 0, bytes);
	return -ESRCH;
}

static int process_write(const struct ioas_sva_memory *self, uint64_t uaddr,
                         const void *buffer, size_t bytes)
{
	const struct process *p = process_of(self);
	int err;

	if (!there(p))
		return -ESRCH;
	/* Read only: what the kernel is told is a source. */
	err = move(p, SYS_process_vm_writev, uaddr, (void *)(uintptr_t)buffer,
	           bytes);
	return err && !there(p) ? -ESRCH : err;
}

/* ---- May it be written to? The line of its mapping says so. ---- */

/* "START-END rwxp ..." */
static bool is_writable_at(const char *line, uint64_t uaddr)
{
	uint64_t start, end;
	const char *at = ioas_number_in(line, 16, &start);

	if (*at != '-')
		return false;
	at = ioas_number_in(at + 1, 16, &end);
	return at[0] == ' ' && at[1] && at[2] == 'w' && uaddr >= start &&
	       uaddr < end;
}

static int find_writable(struct ioas_lines *l, uint64_t uaddr)
{
	while (ioas_lines_next(l))
		if (is_writable_at(l->text, uaddr))
			return 0;
	return -EFAULT;
}

static int check_writable(const struct process *p, uint64_t uaddr)
{
	struct ioas_lines lines = {.fd = open_of(p->pid, "/maps")};
	int err;

	if (lines.fd == -EMFILE || lines.fd == -ENFILE || lines.fd == -ENOMEM)
		return (int)lines.fd;
	if (lines.fd < 0)
		return -EFAULT;
	err = find_writable(&lines, uaddr);
	close_fd(lines.fd);
	return err;
}

/* Reading brings the page in. */
static int process_populate(const struct ioas_sva_memory *self, uint64_t uaddr,
                            unsigned int perm)
{
	const struct process *p = process_of(self);
	char byte;
	int err = move(p, SYS_process_vm_readv, uaddr, &byte, 1);

	if (!err && (perm & IOAS_WRITE))
		err = check_writable(p, uaddr);
	return there(p) ? err : -ESRCH;
}

/* ---- Its life ---- */

/* Of open(2) and of the first access. */
static int reason_of(long err)
{
	switch (err) {
	case -ENOENT:
		return -ESRCH;
	case -EACCES:
		return -EPERM;
	case -EPERM:
	case -ESRCH:
	case -ENOSYS:
	case -EMFILE:
	case -ENFILE:
		return (int)err;
	default:
		return -ENOMEM;
	}
}

/* At address 0 there is nothing: what is asked is whether it may be asked. */
static int try_access(int pid)
{
	char byte;
	struct iovec mine = {&byte, 1}, theirs = {NULL, 1};
	long n = ioas_sys(SYS_process_vm_readv, pid, (long)&mine, 1,
	                  (long)&theirs, 1, 0);

	return n >= 0 || n == -EFAULT ? 0 : reason_of(n);
}

static int open_process(struct process *p)
{
	long fd = open_of(p->pid, "/mem");
	int err;

	if (fd < 0)
		return reason_of(fd);
	p->fd = (int)fd;
	p->memory.identity = identity_of(p->pid);
	/* A thread of the kernel has no memory, nor has who has ended. */
	err = there(p) ? try_access(p->pid) : -ESRCH;
	if (err)
		close_fd(fd);
	return err;
}

int ioas_sva_process_create(int pid, const struct ioas_sva_memory **ret_memory)
{
	struct process *p;
	int err;

	if (pid <= 0 || pid == ioas_sys(SYS_getpid, 0, 0, 0, 0, 0, 0))
		return -EINVAL;
	p = ioas_new(struct process);
	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->memory = (struct ioas_sva_memory){
		.name = "process",
		.read = process_read,
		.write = process_write,
		.populate = process_populate,
	};
	err = open_process(p);
	if (err)
		ioas_delete(p);
	else
		*ret_memory = &p->memory;
	return err;
}

void ioas_sva_process_destroy(const struct ioas_sva_memory *memory)
{
	struct process *p;

	if (!memory)
		return;
	/* It was made here, and is const for those who use it. */
	p = (struct process *)(uintptr_t)process_of(memory);
	close_fd(p->fd);
	ioas_delete(p);
}

/* ---- In words ---- */

#define TRACED  "kernel.yama.ptrace_scope is "
#define AS_ROOT "; as root, sysctl kernel.yama.ptrace_scope=0"

static const char *const not_allowed[] = {
	"memory of that process is not for this one: it is another user's, has "
	"privileges, or cannot be dumped (prctl(2), PR_SET_DUMPABLE); or a "
	"filter of system calls refuses process_vm_readv(2)",
	TRACED "1: a process reaches memory of its descendants, and of those "
	       "of its user that allow it by prctl(PR_SET_PTRACER)" AS_ROOT,
	TRACED "2: it takes CAP_SYS_PTRACE to reach a process" AS_ROOT,
	TRACED "3: no process reaches another one before the next boot",
};

const char *ioas_host_not_allowed(char scope)
{
	unsigned int i = (unsigned int)scope - '0';

	return not_allowed[i < IOAS_ARRAY_SIZE(not_allowed) ? i : 0];
}

static const char *why_not_allowed(void)
{
	const char *const path = "/proc/sys/kernel/yama/ptrace_scope";
	char text[TEXT_BYTES];

	read_text(ioas_sys(SYS_openat, AT_FDCWD, (long)path,
	                   O_RDONLY | O_CLOEXEC, 0, 0, 0),
	          text);
	return ioas_host_not_allowed(text[0]);
}

const char *ioas_sva_process_reason(int error)
{
	switch (error) {
	case 0:
		return "memory of that process can be reached";
	case -EPERM:
		return why_not_allowed();
	case -ESRCH:
		return "there is no such process, or /proc does not show it";
	case -EINVAL:
		return "that is this process itself, or no process id";
	case -ENOSYS:
		return "the kernel is without CONFIG_CROSS_MEMORY_ATTACH";
	case -EMFILE:
		return "no file descriptor is left in this process";
	case -ENFILE:
		return "no file descriptor is left in the system";
	default:
		return "no memory";
	}
}
