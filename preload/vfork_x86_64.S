/* SPDX-License-Identifier: MIT */
	.text

/*
 * pid_t vfork(void)
 *
 * The child of vfork runs on its parent's memory, where closing a file would
 * close it for the parent. So once this process has VFIO state, vfork is fork,
 * which POSIX allows. Before, it is the real one: jumped to, with the return
 * address in its place.
 */
	.globl	vfork
	.type	vfork, @function
vfork:
	.cfi_startproc
	endbr64
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	ioas_process_vfork
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp	*%rax
	.cfi_endproc
	.size	vfork, . - vfork

	.section .note.GNU-stack, "", @progbits
