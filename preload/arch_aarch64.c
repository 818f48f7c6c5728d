/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/arch.h"
#include "preload/wrap.h"

/* A place in arch_aarch64.S; the copy ends there. */
extern const char ioas_arch_copy_fixup[] __attribute__((visibility("hidden")));

bool ioas_arch_copy_faulted(ucontext_t *context)
{
	uint64_t start = (uintptr_t)ioas_arch_copy;
	uint64_t end = (uintptr_t)ioas_arch_copy_fixup;

	if (context->uc_mcontext.pc - start >= end - start)
		return false;
	context->uc_mcontext.pc = end;
	return true;
}

long ioas_arch_sigaction(int number, const struct ioas_arch_action *action)
{
	/*
	 * As the kernel has it; its mask is one word. Without a way out of the
	 * frame it is the kernel's own, which unwinders know.
	 */
	const struct {
		void (*handler)(int number, siginfo_t *info, void *context);
		uint64_t flags;
		const void *restorer;
		uint64_t blocked;
	} act = {action->handler, (unsigned int)action->flags, NULL,
	         action->blocked};

	return ioas_sys(SYS_rt_sigaction, number, (long)&act, 0,
	                sizeof(act.blocked), 0, 0);
}

uint64_t ioas_arch_pc(const ucontext_t *context)
{
	return context->uc_mcontext.pc;
}

uintptr_t ioas_arch_sp(const ucontext_t *context)
{
	return context->uc_mcontext.sp;
}

/* DWARF for the Arm 64-bit Architecture, 4.1: X0 to X30, SP, PC. */
void ioas_arch_registers(const ucontext_t *context,
                         uint64_t ret_value[IOAS_ARCH_REGISTERS])
{
	memcpy(ret_value, context->uc_mcontext.regs,
	       sizeof(context->uc_mcontext.regs));
	ret_value[31] = context->uc_mcontext.sp;
	ret_value[32] = context->uc_mcontext.pc;
}
