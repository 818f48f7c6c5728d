/* SPDX-License-Identifier: MIT */
	.text

/* pid_t vfork(void): see vfork_x86_64.S. */
	.globl	vfork
	.type	vfork, %function
vfork:
	.cfi_startproc
	bti	c
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	bl	ioas_process_vfork
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	mov	x16, x0
	br	x16
	.cfi_endproc
	.size	vfork, . - vfork

	.section .note.GNU-stack, "", %progbits
