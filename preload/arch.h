/* SPDX-License-Identifier: MIT */
/*
 * What the front end needs of the processor and C cannot say: a copy that
 * survives faults, a call on another stack, and a signal handler that only the
 * kernel knows of. In arch_x86_64.[cS] and arch_aarch64.[cS].
 */
#ifndef IOAS_PRELOAD_ARCH_H
#define IOAS_PRELOAD_ARCH_H

#include <linux/audit.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * How seccomp names it; and how many registers unwind tables know, with the
 * address of the instruction.
 */
#if defined(__x86_64__)
#define IOAS_ARCH_AUDIT     AUDIT_ARCH_X86_64
#define IOAS_ARCH_REGISTERS 17
#elif defined(__aarch64__)
#define IOAS_ARCH_AUDIT     AUDIT_ARCH_AARCH64
#define IOAS_ARCH_REGISTERS 33
#endif

/*
 * As hooks.copy: units of 8 bytes that are aligned at either end are moved by
 * one access each, in ascending order; of a long copy, those of its end.
 * Return: 0 or -EFAULT; the latter only where the fault handler asks
 * ioas_arch_copy_faulted().
 */
int ioas_arch_copy(void *dst, const void *src, size_t bytes);

/* Did the copy fault? Then it goes on by returning -EFAULT. */
bool ioas_arch_copy_faulted(ucontext_t *context);

/* fn(argument), on the stack that ends at @top (16-byte aligned). */
void ioas_arch_on_stack(void *top, void (*fn)(void *argument), void *argument);

/*
 * rt_sigaction(2) as it is, beside the C library and whoever stands in front of
 * it: a sanitizer's runtime that puts its own handler in place of each would
 * run with a fault that is ours. @blocked: the kernel's first word of a mask.
 * Return: 0 or -errno.
 */
struct ioas_arch_action {
	void (*handler)(int number, siginfo_t *info, void *context);
	int flags; /* SA_SIGINFO and such */
	unsigned long blocked;
};

long ioas_arch_sigaction(int number, const struct ioas_arch_action *action);

/* In the order of DWARF, the address of the instruction last. */
void ioas_arch_registers(const ucontext_t *context,
                         uint64_t ret_value[IOAS_ARCH_REGISTERS]);

/* For messages. */
uint64_t ioas_arch_pc(const ucontext_t *context);
/* The stack pointer. */
uintptr_t ioas_arch_sp(const ucontext_t *context);

#endif /* IOAS_PRELOAD_ARCH_H */
