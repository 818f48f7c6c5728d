/* SPDX-License-Identifier: MIT */
/* See preload_snippets_x86_64.h. Each line at the end is one instruction. */

#define SNIPPET_LOW 0x10000000
#define NEAR        1
#define LOGIC       2
#define FROM_PAGE   4
#define TO_PAGE     8
#define COUNT       16
#define NEED_MOVBE  32
#define NEED_AVX    64
#define NEED_512    128
#define FS          256
#define DOWN        512

/* Offsets in struct snippet_state. */
#define RAX    0
#define RCX    8
#define RDX    16
#define RBX    24
#define RSI    32
#define RDI    40
#define R8     48
#define R9     56
#define FLAGS  64
#define LOAD   72
#define STORE  80
#define VECTOR 128

	.macro	vectors name, load, register, more
	.globl	snippet_\name
	.type	snippet_\name, @function
snippet_\name:
	.irp	n, 0, 1, 2, 3
	.if	\load
	.ifc	\register, xmm
	movups	VECTOR + 64 * \n(%r12), %xmm\n
	.endif
	.ifc	\register, ymm
	vmovups	VECTOR + 64 * \n(%r12), %ymm\n
	.endif
	.ifc	\register, zmm
	vmovups	VECTOR + 64 * \n(%r12), %zmm\n
	.endif
	.else
	.ifc	\register, xmm
	movups	%xmm\n, VECTOR + 64 * \n(%r12)
	.endif
	.ifc	\register, ymm
	vmovups	%ymm\n, VECTOR + 64 * \n(%r12)
	.endif
	.ifc	\register, zmm
	vmovups	%zmm\n, VECTOR + 64 * \n(%r12)
	.endif
	.endif
	.endr
	.if	\more
	.irp	n, 16, 17, 18, 19
	.if	\load
	vmovups	VECTOR + 64 * (\n - 12)(%r12), %zmm\n
	.else
	vmovups	%zmm\n, VECTOR + 64 * (\n - 12)(%r12)
	.endif
	.endr
	.endif
	ret
	.size	snippet_\name, . - snippet_\name
	.endm

	.text
	vectors	load_sse, 1, xmm, 0
	vectors	store_sse, 0, xmm, 0
	vectors	load_avx, 1, ymm, 0
	vectors	store_avx, 0, ymm, 0
	vectors	load_512, 1, zmm, 1
	vectors	store_512, 0, zmm, 1

/* A function around the instruction, and its row of the table. */
	.macro	snippet flags, text:vararg
	.text
1:	pushq	%rbx
	pushq	%r12
	movq	%rdi, %r12
	call	*LOAD(%r12)
	pushq	FLAGS(%r12)
	popfq
	movq	RAX(%r12), %rax
	movq	RCX(%r12), %rcx
	movq	RDX(%r12), %rdx
	movq	RBX(%r12), %rbx
	movq	RSI(%r12), %rsi
	movq	RDI(%r12), %rdi
	movq	R8(%r12), %r8
	movq	R9(%r12), %r9
	\text
	movq	%rax, RAX(%r12)
	movq	%rcx, RCX(%r12)
	movq	%rdx, RDX(%r12)
	movq	%rbx, RBX(%r12)
	movq	%rsi, RSI(%r12)
	movq	%rdi, RDI(%r12)
	movq	%r8, R8(%r12)
	movq	%r9, R9(%r12)
	pushfq
	popq	FLAGS(%r12)
	cld
	call	*STORE(%r12)
	popq	%r12
	popq	%rbx
	ret
	.section .rodata
2:	.asciz	"\text"
	.section .data.rel.ro, "aw"
	.quad	1b, 2b, \flags
	.endm

	.section .data.rel.ro, "aw"
	.balign	8
	.globl	snippets
snippets:

	snippet 0, movb %al, (%rbx)
	snippet 0, movb 8(%rbx), %al
	snippet 0, movb %ah, (%rbx)
	snippet 0, movb 8(%rbx), %ah
	snippet 0, movb %bh, (%rbx)
	snippet 0, movb 8(%rbx), %ch
	snippet 0, movb %dh, (%rbx)
	snippet 0, movb 8(%rbx), %dh
	snippet 0, movb %sil, (%rbx)
	snippet 0, movb 8(%rbx), %sil
	snippet 0, movb %r8b, (%rbx)
	snippet 0, movb 8(%rbx), %r8b
	snippet 0, movw %ax, (%rbx)
	snippet 0, movw 8(%rbx), %ax
	snippet 0, movw %r8w, (%rbx)
	snippet 0, movw 8(%rbx), %r8w
	snippet 0, movl %eax, (%rbx)
	snippet 0, movl 8(%rbx), %eax
	snippet 0, movl %r8d, (%rbx)
	snippet 0, movl 8(%rbx), %r8d
	snippet 0, movq %rax, (%rbx)
	snippet 0, movq 8(%rbx), %rax
	snippet 0, movq %r8, (%rbx)
	snippet 0, movq 8(%rbx), %r8
	snippet 0, movb $0x5a, (%rbx)
	snippet 0, movw $0x8001, 2(%rbx)
	snippet 0, movl $0x80000001, 4(%rbx)
	snippet 0, movq $-2, 8(%rbx)
	snippet 0, movq $0x7fffffff, 8(%rbx)
	snippet 0, movl %eax, -8(%rbx,%r9,4)
	snippet 0, movl (%rbx,%r9,8), %eax
	snippet 0, movq 128(%rbx), %rdx
	snippet 0, movl %edx, 1(%rbx)
	snippet 0, movzbl (%rbx,%r9), %ecx
	snippet 0, movl SNIPPET_LOW+256(,%r9,8), %eax
	snippet 0, movl %eax, SNIPPET_LOW+256
	snippet FS, movl %fs:(%rbx), %eax
	snippet FS, movb %al, %fs:8(%rbx)
	snippet NEAR, movl snippet_near+256(%rip), %eax
	snippet NEAR, movq %rdx, snippet_near+264(%rip)
	snippet NEAR, movb $7, snippet_near+300(%rip)
	snippet NEAR, cmpl $7, snippet_near+256(%rip)
	snippet 0, movabs %al, SNIPPET_LOW+264
	snippet 0, movabs %ax, SNIPPET_LOW+264
	snippet 0, movabs %eax, SNIPPET_LOW+264
	snippet 0, movabs %rax, SNIPPET_LOW+264
	snippet 0, movabs SNIPPET_LOW+264, %al
	snippet 0, movabs SNIPPET_LOW+264, %ax
	snippet 0, movabs SNIPPET_LOW+264, %eax
	snippet 0, movabs SNIPPET_LOW+264, %rax
	snippet 0, movzbw 3(%rbx), %ax
	snippet 0, movsbw 3(%rbx), %ax
	snippet 0, movzbl 2(%rbx), %eax
	snippet 0, movsbl 2(%rbx), %eax
	snippet 0, movzwl 2(%rbx), %eax
	snippet 0, movswl 2(%rbx), %eax
	snippet 0, movzbq 4(%rbx), %rdx
	snippet 0, movzbq 4(%rbx), %r8
	snippet 0, movsbq 4(%rbx), %rdx
	snippet 0, movsbq 4(%rbx), %r8
	snippet 0, movzwq 4(%rbx), %rdx
	snippet 0, movzwq 4(%rbx), %r8
	snippet 0, movswq 4(%rbx), %rdx
	snippet 0, movswq 4(%rbx), %r8
	snippet 0, movslq 4(%rbx), %rdx
	snippet 0, movslq 4(%rbx), %r8
	snippet 0, movntil %eax, (%rbx)
	snippet 0, movntiq %rax, (%rbx)
	snippet NEED_MOVBE, movbew %ax, (%rbx)
	snippet NEED_MOVBE, movbew (%rbx), %ax
	snippet NEED_MOVBE, movbel %eax, (%rbx)
	snippet NEED_MOVBE, movbel (%rbx), %eax
	snippet NEED_MOVBE, movbeq %rax, (%rbx)
	snippet NEED_MOVBE, movbeq (%rbx), %rax
	snippet LOGIC, andb %al, (%rbx)
	snippet LOGIC, andb 8(%rbx), %al
	snippet LOGIC, andb %ah, (%rbx)
	snippet LOGIC, andb 8(%rbx), %ah
	snippet LOGIC, andb %r8b, (%rbx)
	snippet LOGIC, andb 8(%rbx), %r8b
	snippet LOGIC, andw %ax, (%rbx)
	snippet LOGIC, andw 8(%rbx), %ax
	snippet LOGIC, andl %eax, (%rbx)
	snippet LOGIC, andl 8(%rbx), %eax
	snippet LOGIC, andq %rax, (%rbx)
	snippet LOGIC, andq 8(%rbx), %rax
	snippet LOGIC, andb $0x7f, (%rbx)
	snippet LOGIC, andb $-3, (%rbx)
	snippet LOGIC, andw $-3, (%rbx)
	snippet LOGIC, andl $-3, (%rbx)
	snippet LOGIC, andq $-3, (%rbx)
	snippet LOGIC, andw $0x1234, (%rbx)
	snippet LOGIC, andl $0x80000001, (%rbx)
	snippet LOGIC, andq $0x12345678, (%rbx)
	snippet LOGIC, andq $-0x12345678, (%rbx)
	snippet LOGIC, orb %al, (%rbx)
	snippet LOGIC, orb 8(%rbx), %al
	snippet LOGIC, orb %ah, (%rbx)
	snippet LOGIC, orb 8(%rbx), %ah
	snippet LOGIC, orb %r8b, (%rbx)
	snippet LOGIC, orb 8(%rbx), %r8b
	snippet LOGIC, orw %ax, (%rbx)
	snippet LOGIC, orw 8(%rbx), %ax
	snippet LOGIC, orl %eax, (%rbx)
	snippet LOGIC, orl 8(%rbx), %eax
	snippet LOGIC, orq %rax, (%rbx)
	snippet LOGIC, orq 8(%rbx), %rax
	snippet LOGIC, orb $0x7f, (%rbx)
	snippet LOGIC, orb $-3, (%rbx)
	snippet LOGIC, orw $-3, (%rbx)
	snippet LOGIC, orl $-3, (%rbx)
	snippet LOGIC, orq $-3, (%rbx)
	snippet LOGIC, orw $0x1234, (%rbx)
	snippet LOGIC, orl $0x80000001, (%rbx)
	snippet LOGIC, orq $0x12345678, (%rbx)
	snippet LOGIC, orq $-0x12345678, (%rbx)
	snippet LOGIC, xorb %al, (%rbx)
	snippet LOGIC, xorb 8(%rbx), %al
	snippet LOGIC, xorb %ah, (%rbx)
	snippet LOGIC, xorb 8(%rbx), %ah
	snippet LOGIC, xorb %r8b, (%rbx)
	snippet LOGIC, xorb 8(%rbx), %r8b
	snippet LOGIC, xorw %ax, (%rbx)
	snippet LOGIC, xorw 8(%rbx), %ax
	snippet LOGIC, xorl %eax, (%rbx)
	snippet LOGIC, xorl 8(%rbx), %eax
	snippet LOGIC, xorq %rax, (%rbx)
	snippet LOGIC, xorq 8(%rbx), %rax
	snippet LOGIC, xorb $0x7f, (%rbx)
	snippet LOGIC, xorb $-3, (%rbx)
	snippet LOGIC, xorw $-3, (%rbx)
	snippet LOGIC, xorl $-3, (%rbx)
	snippet LOGIC, xorq $-3, (%rbx)
	snippet LOGIC, xorw $0x1234, (%rbx)
	snippet LOGIC, xorl $0x80000001, (%rbx)
	snippet LOGIC, xorq $0x12345678, (%rbx)
	snippet LOGIC, xorq $-0x12345678, (%rbx)
	snippet 0, addb %al, (%rbx)
	snippet 0, addb 8(%rbx), %al
	snippet 0, addb %ah, (%rbx)
	snippet 0, addb 8(%rbx), %ah
	snippet 0, addb %r8b, (%rbx)
	snippet 0, addb 8(%rbx), %r8b
	snippet 0, addw %ax, (%rbx)
	snippet 0, addw 8(%rbx), %ax
	snippet 0, addl %eax, (%rbx)
	snippet 0, addl 8(%rbx), %eax
	snippet 0, addq %rax, (%rbx)
	snippet 0, addq 8(%rbx), %rax
	snippet 0, addb $0x7f, (%rbx)
	snippet 0, addb $-3, (%rbx)
	snippet 0, addw $-3, (%rbx)
	snippet 0, addl $-3, (%rbx)
	snippet 0, addq $-3, (%rbx)
	snippet 0, addw $0x1234, (%rbx)
	snippet 0, addl $0x80000001, (%rbx)
	snippet 0, addq $0x12345678, (%rbx)
	snippet 0, addq $-0x12345678, (%rbx)
	snippet 0, subb %al, (%rbx)
	snippet 0, subb 8(%rbx), %al
	snippet 0, subb %ah, (%rbx)
	snippet 0, subb 8(%rbx), %ah
	snippet 0, subb %r8b, (%rbx)
	snippet 0, subb 8(%rbx), %r8b
	snippet 0, subw %ax, (%rbx)
	snippet 0, subw 8(%rbx), %ax
	snippet 0, subl %eax, (%rbx)
	snippet 0, subl 8(%rbx), %eax
	snippet 0, subq %rax, (%rbx)
	snippet 0, subq 8(%rbx), %rax
	snippet 0, subb $0x7f, (%rbx)
	snippet 0, subb $-3, (%rbx)
	snippet 0, subw $-3, (%rbx)
	snippet 0, subl $-3, (%rbx)
	snippet 0, subq $-3, (%rbx)
	snippet 0, subw $0x1234, (%rbx)
	snippet 0, subl $0x80000001, (%rbx)
	snippet 0, subq $0x12345678, (%rbx)
	snippet 0, subq $-0x12345678, (%rbx)
	snippet 0, cmpb %al, (%rbx)
	snippet 0, cmpb 8(%rbx), %al
	snippet 0, cmpb %ah, (%rbx)
	snippet 0, cmpb 8(%rbx), %ah
	snippet 0, cmpb %r8b, (%rbx)
	snippet 0, cmpb 8(%rbx), %r8b
	snippet 0, cmpw %ax, (%rbx)
	snippet 0, cmpw 8(%rbx), %ax
	snippet 0, cmpl %eax, (%rbx)
	snippet 0, cmpl 8(%rbx), %eax
	snippet 0, cmpq %rax, (%rbx)
	snippet 0, cmpq 8(%rbx), %rax
	snippet 0, cmpb $0x7f, (%rbx)
	snippet 0, cmpb $-3, (%rbx)
	snippet 0, cmpw $-3, (%rbx)
	snippet 0, cmpl $-3, (%rbx)
	snippet 0, cmpq $-3, (%rbx)
	snippet 0, cmpw $0x1234, (%rbx)
	snippet 0, cmpl $0x80000001, (%rbx)
	snippet 0, cmpq $0x12345678, (%rbx)
	snippet 0, cmpq $-0x12345678, (%rbx)
	snippet LOGIC, testb %al, (%rbx)
	snippet LOGIC, testb %ch, (%rbx)
	snippet LOGIC, testw %ax, (%rbx)
	snippet LOGIC, testl %eax, (%rbx)
	snippet LOGIC, testq %rax, (%rbx)
	snippet LOGIC, testb $0x80, (%rbx)
	snippet LOGIC, testw $0x8001, (%rbx)
	snippet LOGIC, testl $0x80000001, (%rbx)
	snippet LOGIC, testq $-2, (%rbx)
	snippet FROM_PAGE, movsb
	snippet FROM_PAGE, lodsb
	snippet TO_PAGE, movsb
	snippet TO_PAGE, stosb
	snippet FROM_PAGE|COUNT, rep movsb
	snippet FROM_PAGE|COUNT, rep lodsb
	snippet FROM_PAGE|COUNT|DOWN, rep movsb
	snippet TO_PAGE|COUNT, rep movsb
	snippet TO_PAGE|COUNT, rep stosb
	snippet TO_PAGE|COUNT|DOWN, rep stosb
	snippet FROM_PAGE, movsw
	snippet FROM_PAGE, lodsw
	snippet TO_PAGE, movsw
	snippet TO_PAGE, stosw
	snippet FROM_PAGE|COUNT, rep movsw
	snippet FROM_PAGE|COUNT, rep lodsw
	snippet FROM_PAGE|COUNT|DOWN, rep movsw
	snippet TO_PAGE|COUNT, rep movsw
	snippet TO_PAGE|COUNT, rep stosw
	snippet TO_PAGE|COUNT|DOWN, rep stosw
	snippet FROM_PAGE, movsl
	snippet FROM_PAGE, lodsl
	snippet TO_PAGE, movsl
	snippet TO_PAGE, stosl
	snippet FROM_PAGE|COUNT, rep movsl
	snippet FROM_PAGE|COUNT, rep lodsl
	snippet FROM_PAGE|COUNT|DOWN, rep movsl
	snippet TO_PAGE|COUNT, rep movsl
	snippet TO_PAGE|COUNT, rep stosl
	snippet TO_PAGE|COUNT|DOWN, rep stosl
	snippet FROM_PAGE, movsq
	snippet FROM_PAGE, lodsq
	snippet TO_PAGE, movsq
	snippet TO_PAGE, stosq
	snippet FROM_PAGE|COUNT, rep movsq
	snippet FROM_PAGE|COUNT, rep lodsq
	snippet FROM_PAGE|COUNT|DOWN, rep movsq
	snippet TO_PAGE|COUNT, rep movsq
	snippet TO_PAGE|COUNT, rep stosq
	snippet TO_PAGE|COUNT|DOWN, rep stosq
	snippet FROM_PAGE, movsb %ds:(%rsi), %es:(%rdi)
	snippet 0, movd %xmm1, (%rbx)
	snippet 0, movd (%rbx), %xmm1
	snippet 0, movq %xmm1, (%rbx)
	snippet 0, movq (%rbx), %xmm1
	snippet 0, movss %xmm2, 4(%rbx)
	snippet 0, movss 4(%rbx), %xmm2
	snippet 0, movsd %xmm2, 8(%rbx)
	snippet 0, movsd 8(%rbx), %xmm2
	snippet 0, movups %xmm0, 16(%rbx)
	snippet 0, movups 16(%rbx), %xmm3
	snippet 0, movupd %xmm0, 16(%rbx)
	snippet 0, movupd 16(%rbx), %xmm3
	snippet 0, movaps %xmm0, 16(%rbx)
	snippet 0, movaps 16(%rbx), %xmm3
	snippet 0, movapd %xmm0, 16(%rbx)
	snippet 0, movapd 16(%rbx), %xmm3
	snippet 0, movdqu %xmm0, 16(%rbx)
	snippet 0, movdqu 16(%rbx), %xmm3
	snippet 0, movdqa %xmm0, 16(%rbx)
	snippet 0, movdqa 16(%rbx), %xmm3
	snippet 0, lddqu 5(%rbx), %xmm3
	snippet 0, movntdqa 16(%rbx), %xmm3
	snippet 0, movntdq %xmm3, 16(%rbx)
	snippet 0, movntps %xmm3, 16(%rbx)
	snippet 0, movntpd %xmm3, 16(%rbx)
	snippet NEED_AVX, vmovd %xmm1, (%rbx)
	snippet NEED_AVX, vmovd (%rbx), %xmm1
	snippet NEED_AVX, vmovq %xmm1, (%rbx)
	snippet NEED_AVX, vmovq (%rbx), %xmm1
	snippet NEED_AVX, vmovss %xmm2, 4(%rbx)
	snippet NEED_AVX, vmovss 4(%rbx), %xmm2
	snippet NEED_AVX, vmovsd %xmm2, 8(%rbx)
	snippet NEED_AVX, vmovsd 8(%rbx), %xmm2
	snippet NEED_AVX, vmovups %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovups 16(%rbx), %xmm3
	snippet NEED_AVX, vmovupd %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovupd 16(%rbx), %xmm3
	snippet NEED_AVX, vmovaps %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovaps 16(%rbx), %xmm3
	snippet NEED_AVX, vmovapd %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovapd 16(%rbx), %xmm3
	snippet NEED_AVX, vmovdqu %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovdqu 16(%rbx), %xmm3
	snippet NEED_AVX, vmovdqa %xmm0, 16(%rbx)
	snippet NEED_AVX, vmovdqa 16(%rbx), %xmm3
	snippet NEED_AVX, vlddqu 5(%rbx), %xmm3
	snippet NEED_AVX, vmovntdqa 16(%rbx), %xmm3
	snippet NEED_AVX, vmovntdq %xmm3, 16(%rbx)
	snippet NEED_AVX, vmovntps %xmm3, 16(%rbx)
	snippet NEED_AVX, vmovntpd %xmm3, 16(%rbx)
	snippet NEED_AVX, vmovups %ymm0, 32(%rbx)
	snippet NEED_AVX, vmovups 32(%rbx), %ymm3
	snippet NEED_AVX, vmovaps %ymm0, 32(%rbx)
	snippet NEED_AVX, vmovaps 32(%rbx), %ymm3
	snippet NEED_AVX, vmovdqu %ymm0, 32(%rbx)
	snippet NEED_AVX, vmovdqu 32(%rbx), %ymm3
	snippet NEED_AVX, vmovdqa %ymm0, 32(%rbx)
	snippet NEED_AVX, vmovdqa 32(%rbx), %ymm3
	snippet NEED_512, vmovups %zmm1, 64(%rbx)
	snippet NEED_512, vmovups 64(%rbx), %zmm2
	snippet NEED_512, vmovups %ymm17, 64(%rbx)
	snippet NEED_512, vmovups 64(%rbx), %ymm18
	snippet NEED_512, vmovups %xmm16, 64(%rbx)
	snippet NEED_512, vmovups 64(%rbx), %xmm19
	snippet NEED_512, vmovups %zmm19, 64(%rbx)
	snippet NEED_512, vmovups 64(%rbx), %zmm16
	snippet NEED_512, vmovdqu8 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqu8 64(%rbx), %zmm2
	snippet NEED_512, vmovdqu8 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqu8 64(%rbx), %ymm18
	snippet NEED_512, vmovdqu8 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqu8 64(%rbx), %xmm19
	snippet NEED_512, vmovdqu8 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqu8 64(%rbx), %zmm16
	snippet NEED_512, vmovdqu16 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqu16 64(%rbx), %zmm2
	snippet NEED_512, vmovdqu16 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqu16 64(%rbx), %ymm18
	snippet NEED_512, vmovdqu16 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqu16 64(%rbx), %xmm19
	snippet NEED_512, vmovdqu16 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqu16 64(%rbx), %zmm16
	snippet NEED_512, vmovdqu32 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqu32 64(%rbx), %zmm2
	snippet NEED_512, vmovdqu32 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqu32 64(%rbx), %ymm18
	snippet NEED_512, vmovdqu32 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqu32 64(%rbx), %xmm19
	snippet NEED_512, vmovdqu32 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqu32 64(%rbx), %zmm16
	snippet NEED_512, vmovdqu64 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqu64 64(%rbx), %zmm2
	snippet NEED_512, vmovdqu64 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqu64 64(%rbx), %ymm18
	snippet NEED_512, vmovdqu64 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqu64 64(%rbx), %xmm19
	snippet NEED_512, vmovdqu64 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqu64 64(%rbx), %zmm16
	snippet NEED_512, vmovdqa32 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqa32 64(%rbx), %zmm2
	snippet NEED_512, vmovdqa32 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqa32 64(%rbx), %ymm18
	snippet NEED_512, vmovdqa32 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqa32 64(%rbx), %xmm19
	snippet NEED_512, vmovdqa32 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqa32 64(%rbx), %zmm16
	snippet NEED_512, vmovdqa64 %zmm1, 64(%rbx)
	snippet NEED_512, vmovdqa64 64(%rbx), %zmm2
	snippet NEED_512, vmovdqa64 %ymm17, 64(%rbx)
	snippet NEED_512, vmovdqa64 64(%rbx), %ymm18
	snippet NEED_512, vmovdqa64 %xmm16, 64(%rbx)
	snippet NEED_512, vmovdqa64 64(%rbx), %xmm19
	snippet NEED_512, vmovdqa64 %zmm19, 64(%rbx)
	snippet NEED_512, vmovdqa64 64(%rbx), %zmm16
	snippet NEED_512, vmovaps %zmm1, 64(%rbx)
	snippet NEED_512, vmovaps 64(%rbx), %zmm2
	snippet NEED_512, vmovaps %ymm17, 64(%rbx)
	snippet NEED_512, vmovaps 64(%rbx), %ymm18
	snippet NEED_512, vmovaps %xmm16, 64(%rbx)
	snippet NEED_512, vmovaps 64(%rbx), %xmm19
	snippet NEED_512, vmovaps %zmm19, 64(%rbx)
	snippet NEED_512, vmovaps 64(%rbx), %zmm16
	snippet NEED_512, vmovss 4(%rbx), %xmm17
	snippet NEED_512, vmovsd %xmm17, 8(%rbx)
	snippet NEED_512, vmovq 8(%rbx), %xmm18

/* One operand, carries, exchanges, locks. */
	snippet 0, adcb %al, (%rbx)
	snippet 0, adcb 8(%rbx), %r8b
	snippet 0, adcb $0x7f, 4(%rbx)
	snippet 0, sbbb %al, (%rbx)
	snippet 0, sbbb 8(%rbx), %r8b
	snippet 0, sbbb $0x7f, 4(%rbx)
	snippet 0, incb (%rbx)
	snippet 0, lock incb 8(%rbx)
	snippet 0, decb (%rbx)
	snippet 0, lock decb 8(%rbx)
	snippet 0, notb (%rbx)
	snippet 0, lock notb 8(%rbx)
	snippet 0, negb (%rbx)
	snippet 0, lock negb 8(%rbx)
	snippet 0, xchgb %al, (%rbx)
	snippet 0, xchgb 8(%rbx), %r8b
	snippet 0, xaddb %al, (%rbx)
	snippet 0, lock xaddb %r8b, 8(%rbx)
	snippet 0, cmpxchgb %r8b, (%rbx)
	snippet 0, lock cmpxchgb %r8b, 8(%rbx)
	snippet 0, lock addb %al, (%rbx)
	snippet 0, lock subb %r8b, 8(%rbx)
	snippet 0, adcw %ax, (%rbx)
	snippet 0, adcw 8(%rbx), %r8w
	snippet 0, adcw $0x1, 4(%rbx)
	snippet 0, sbbw %ax, (%rbx)
	snippet 0, sbbw 8(%rbx), %r8w
	snippet 0, sbbw $0x1, 4(%rbx)
	snippet 0, incw (%rbx)
	snippet 0, lock incw 8(%rbx)
	snippet 0, decw (%rbx)
	snippet 0, lock decw 8(%rbx)
	snippet 0, notw (%rbx)
	snippet 0, lock notw 8(%rbx)
	snippet 0, negw (%rbx)
	snippet 0, lock negw 8(%rbx)
	snippet 0, xchgw %ax, (%rbx)
	snippet 0, xchgw 8(%rbx), %r8w
	snippet 0, xaddw %ax, (%rbx)
	snippet 0, lock xaddw %r8w, 8(%rbx)
	snippet 0, cmpxchgw %r8w, (%rbx)
	snippet 0, lock cmpxchgw %r8w, 8(%rbx)
	snippet 0, lock addw %ax, (%rbx)
	snippet 0, lock subw %r8w, 8(%rbx)
	snippet 0, adcl %eax, (%rbx)
	snippet 0, adcl 8(%rbx), %r8d
	snippet 0, adcl $0x1, 4(%rbx)
	snippet 0, sbbl %eax, (%rbx)
	snippet 0, sbbl 8(%rbx), %r8d
	snippet 0, sbbl $0x1, 4(%rbx)
	snippet 0, incl (%rbx)
	snippet 0, lock incl 8(%rbx)
	snippet 0, decl (%rbx)
	snippet 0, lock decl 8(%rbx)
	snippet 0, notl (%rbx)
	snippet 0, lock notl 8(%rbx)
	snippet 0, negl (%rbx)
	snippet 0, lock negl 8(%rbx)
	snippet 0, xchgl %eax, (%rbx)
	snippet 0, xchgl 8(%rbx), %r8d
	snippet 0, xaddl %eax, (%rbx)
	snippet 0, lock xaddl %r8d, 8(%rbx)
	snippet 0, cmpxchgl %r8d, (%rbx)
	snippet 0, lock cmpxchgl %r8d, 8(%rbx)
	snippet 0, lock addl %eax, (%rbx)
	snippet 0, lock subl %r8d, 8(%rbx)
	snippet 0, adcq %rax, (%rbx)
	snippet 0, adcq 8(%rbx), %r8
	snippet 0, adcq $0x1, 4(%rbx)
	snippet 0, sbbq %rax, (%rbx)
	snippet 0, sbbq 8(%rbx), %r8
	snippet 0, sbbq $0x1, 4(%rbx)
	snippet 0, incq (%rbx)
	snippet 0, lock incq 8(%rbx)
	snippet 0, decq (%rbx)
	snippet 0, lock decq 8(%rbx)
	snippet 0, notq (%rbx)
	snippet 0, lock notq 8(%rbx)
	snippet 0, negq (%rbx)
	snippet 0, lock negq 8(%rbx)
	snippet 0, xchgq %rax, (%rbx)
	snippet 0, xchgq 8(%rbx), %r8
	snippet 0, xaddq %rax, (%rbx)
	snippet 0, lock xaddq %r8, 8(%rbx)
	snippet 0, cmpxchgq %r8, (%rbx)
	snippet 0, lock cmpxchgq %r8, 8(%rbx)
	snippet 0, lock addq %rax, (%rbx)
	snippet 0, lock subq %r8, 8(%rbx)
	snippet 0, xchgb %ah, (%rbx)
	snippet 0, xaddb %ch, 8(%rbx)
	snippet 0, cmpxchgb %dh, (%rbx)
	snippet LOGIC, lock andl %eax, (%rbx)
	snippet LOGIC, lock orq %r8, 8(%rbx)
	snippet LOGIC, lock xorb %al, (%rbx)

	.section .data.rel.ro, "aw"
	.globl	snippets_end
snippets_end:

	.bss
	.balign	65536
	.globl	snippet_near
snippet_near:
	.zero	65536

	.section .note.GNU-stack, "", @progbits
