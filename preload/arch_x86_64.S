/* SPDX-License-Identifier: MIT */
#define IOAS_COPY_ORDERED 1024 /* as in base/hooks.h */

/* See arch.h. System V ABI; nothing here uses the red zone. */

	.text

/*
 * int ioas_arch_copy(void *dst, const void *src, size_t bytes)
 *
 * When the source is aligned, units are taken from there; otherwise bytes are
 * copied up to an aligned unit of the destination. So the end of the two that
 * is aligned, or can be, sees whole units.
 */
	.globl	ioas_arch_copy
	.hidden	ioas_arch_copy
	.type	ioas_arch_copy, @function
ioas_arch_copy:
	.cfi_startproc
	endbr64
	cmpq	$IOAS_COPY_ORDERED, %rdx
	jbe	7f
	/* All but the end, as fast as the processor knows how. */
	leaq	-64(%rdx), %rcx
	andq	$-64, %rcx
	subq	%rcx, %rdx
	rep movsb
7:	testb	$7, %sil
	jz	2f
	movl	%edi, %ecx
	negl	%ecx
	andl	$7, %ecx
	cmpq	%rdx, %rcx
	cmovaq	%rdx, %rcx
	subq	%rcx, %rdx
	jmp	1f
0:	movb	(%rsi), %al
	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rcx
1:	testq	%rcx, %rcx
	jnz	0b
2:	movq	%rdx, %rcx
	shrq	$3, %rcx
	jz	4f
3:	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	decq	%rcx
	jnz	3b
4:	andl	$7, %edx
	jz	6f
5:	movb	(%rsi), %al
	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decl	%edx
	jnz	5b
6:	xorl	%eax, %eax
	ret
	.globl	ioas_arch_copy_fixup
	.hidden	ioas_arch_copy_fixup
ioas_arch_copy_fixup:
	movl	$-14, %eax		/* -EFAULT */
	ret
	.cfi_endproc
	.size	ioas_arch_copy, . - ioas_arch_copy

/* void ioas_arch_on_stack(void *top, void (*fn)(void *), void *argument) */
	.globl	ioas_arch_on_stack
	.hidden	ioas_arch_on_stack
	.type	ioas_arch_on_stack, @function
ioas_arch_on_stack:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rdi, %rsp
	movq	%rdx, %rdi
	call	*%rsi
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	ioas_arch_on_stack, . - ioas_arch_on_stack

/*
 * How the kernel's signal frame is left: rt_sigreturn, in the two instructions
 * by which unwinders and debuggers know such a frame.
 */
	.globl	ioas_arch_sigreturn
	.hidden	ioas_arch_sigreturn
	.type	ioas_arch_sigreturn, @function
	nop				/* unwinders look up the byte before */
ioas_arch_sigreturn:
	movq	$15, %rax
	syscall
	.size	ioas_arch_sigreturn, . - ioas_arch_sigreturn

	.section .note.GNU-stack, "", @progbits
