/* SPDX-License-Identifier: MIT */
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/arch.h"
#include "preload/wrap.h"

/* A place in arch_x86_64.S; the copy ends there. */
extern const char ioas_arch_copy_fixup[] __attribute__((visibility("hidden")));

bool ioas_arch_copy_faulted(ucontext_t *context)
{
	greg_t *pc = &context->uc_mcontext.gregs[REG_RIP];
	uint64_t start = (uintptr_t)ioas_arch_copy;
	uint64_t end = (uintptr_t)ioas_arch_copy_fixup;

	if ((uint64_t)*pc - start >= end - start)
		return false;
	*pc = (greg_t)end;
	return true;
}

#define RESTORER UINT64_C(0x04000000) /* flag: the frame's way out is given */

extern const char ioas_arch_sigreturn[] __attribute__((visibility("hidden")));

long ioas_arch_sigaction(int number, const struct ioas_arch_action *action)
{
	/* As the kernel has it; its mask is one word. */
	const struct {
		void (*handler)(int number, siginfo_t *info, void *context);
		uint64_t flags;
		const void *restorer;
		uint64_t blocked;
	} act = {action->handler, (unsigned int)action->flags | RESTORER,
	         ioas_arch_sigreturn, action->blocked};

	return ioas_sys(SYS_rt_sigaction, number, (long)&act, 0,
	                sizeof(act.blocked), 0, 0);
}

uint64_t ioas_arch_pc(const ucontext_t *context)
{
	return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}

uintptr_t ioas_arch_sp(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

void ioas_arch_registers(const ucontext_t *context,
                         uint64_t ret_value[IOAS_ARCH_REGISTERS])
{
	/* System V ABI for AMD64 1.0, figure 3.36 */
	static const int order[IOAS_ARCH_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
	unsigned int i;

	for (i = 0; i < IOAS_ARCH_REGISTERS; i++)
		ret_value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
}
