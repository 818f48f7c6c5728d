/* SPDX-License-Identifier: MIT */
#include "preload/arch_x86_64.h"

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

uint64_t ioas_arch_pc(const ucontext_t *context)
{
	return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}

uintptr_t ioas_arch_sp(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}
