/* SPDX-License-Identifier: MIT */
#define IOAS_COPY_ORDERED 1024 /* as in base/hooks.h */

/* See arch.h. Procedure Call Standard for the Arm 64-bit Architecture. */

	.text

/*
 * int ioas_arch_copy(void *dst, const void *src, size_t bytes)
 *
 * When the source is aligned, units are taken from there; otherwise bytes are
 * copied up to an aligned unit of the destination. So the end of the two that
 * is aligned, or can be, sees whole units. Units are in order as others see
 * them: by load-acquire and store-release where both ends are aligned, by
 * barriers elsewhere.
 */
	.globl	ioas_arch_copy
	.hidden	ioas_arch_copy
	.type	ioas_arch_copy, %function
ioas_arch_copy:
	.cfi_startproc
	bti	c
	cmp	x2, #IOAS_COPY_ORDERED
	b.ls	7f
	/* All but the end, by vectors. */
	sub	x3, x2, #64
	and	x3, x3, #-64
	sub	x2, x2, x3
0:	ldp	q0, q1, [x1]
	ldp	q2, q3, [x1, #32]
	add	x1, x1, #64
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	add	x0, x0, #64
	subs	x3, x3, #64
	b.ne	0b
	dmb	ish
7:	tst	x1, #7
	b.eq	2f
	neg	x3, x0
	and	x3, x3, #7
	cmp	x3, x2
	csel	x3, x3, x2, ls
	sub	x2, x2, x3
	b	1f
0:	ldrb	w4, [x1], #1
	strb	w4, [x0], #1
	sub	x3, x3, #1
1:	cbnz	x3, 0b
	dmb	ish
2:	lsr	x3, x2, #3
	and	x2, x2, #7
	cbz	x3, 5f
	orr	x5, x0, x1
	tst	x5, #7
	b.ne	4f
3:	ldar	x4, [x1]
	stlr	x4, [x0]
	add	x1, x1, #8
	add	x0, x0, #8
	subs	x3, x3, #1
	b.ne	3b
	b	5f
4:	ldr	x4, [x1], #8
	dmb	ish
	str	x4, [x0], #8
	subs	x3, x3, #1
	b.ne	4b
5:	cbz	x2, 6f
	dmb	ish
0:	ldrb	w4, [x1], #1
	strb	w4, [x0], #1
	subs	x2, x2, #1
	b.ne	0b
6:	mov	w0, #0
	ret
	.globl	ioas_arch_copy_fixup
	.hidden	ioas_arch_copy_fixup
ioas_arch_copy_fixup:
	mov	w0, #-14		/* -EFAULT */
	ret
	.cfi_endproc
	.size	ioas_arch_copy, . - ioas_arch_copy

/* void ioas_arch_on_stack(void *top, void (*fn)(void *), void *argument) */
	.globl	ioas_arch_on_stack
	.hidden	ioas_arch_on_stack
	.type	ioas_arch_on_stack, %function
ioas_arch_on_stack:
	.cfi_startproc
	bti	c
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
	mov	sp, x0
	mov	x0, x2
	blr	x1
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	ioas_arch_on_stack, . - ioas_arch_on_stack

	.section .note.GNU-stack, "", %progbits
