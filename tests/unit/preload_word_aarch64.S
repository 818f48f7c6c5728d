/* SPDX-License-Identifier: MIT */
/*
 * void word_begin(struct word_state *state): load all registers, do one word,
 * store them all. It is copied to a page of its own, where the word at
 * word_slot is replaced. X28 is the state's and no operand of the word.
 */

#define SP_IS   248
#define VECTORS 256
#define SP_WAS  768

	.text
	.globl	word_begin, word_slot, word_end
	.type	word_begin, %function
word_begin:
	stp	x29, x30, [sp, #-160]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x28, x0
	mov	x0, sp
	str	x0, [x28, #SP_WAS]
	ldr	x0, [x28, #SP_IS]
	mov	sp, x0
	add	x0, x28, #VECTORS
	ldp	q0, q1, [x0], #32
	ldp	q2, q3, [x0], #32
	ldp	q4, q5, [x0], #32
	ldp	q6, q7, [x0], #32
	ldp	q8, q9, [x0], #32
	ldp	q10, q11, [x0], #32
	ldp	q12, q13, [x0], #32
	ldp	q14, q15, [x0], #32
	ldp	q16, q17, [x0], #32
	ldp	q18, q19, [x0], #32
	ldp	q20, q21, [x0], #32
	ldp	q22, q23, [x0], #32
	ldp	q24, q25, [x0], #32
	ldp	q26, q27, [x0], #32
	ldp	q28, q29, [x0], #32
	ldp	q30, q31, [x0], #32
	ldp	x2, x3, [x28, #16]
	ldp	x4, x5, [x28, #32]
	ldp	x6, x7, [x28, #48]
	ldp	x8, x9, [x28, #64]
	ldp	x10, x11, [x28, #80]
	ldp	x12, x13, [x28, #96]
	ldp	x14, x15, [x28, #112]
	ldp	x16, x17, [x28, #128]
	ldp	x18, x19, [x28, #144]
	ldp	x20, x21, [x28, #160]
	ldp	x22, x23, [x28, #176]
	ldp	x24, x25, [x28, #192]
	ldp	x26, x27, [x28, #208]
	ldp	x29, x30, [x28, #232]
	ldp	x0, x1, [x28]
word_slot:
	nop
	stp	x0, x1, [x28]
	stp	x2, x3, [x28, #16]
	stp	x4, x5, [x28, #32]
	stp	x6, x7, [x28, #48]
	stp	x8, x9, [x28, #64]
	stp	x10, x11, [x28, #80]
	stp	x12, x13, [x28, #96]
	stp	x14, x15, [x28, #112]
	stp	x16, x17, [x28, #128]
	stp	x18, x19, [x28, #144]
	stp	x20, x21, [x28, #160]
	stp	x22, x23, [x28, #176]
	stp	x24, x25, [x28, #192]
	stp	x26, x27, [x28, #208]
	stp	x29, x30, [x28, #232]
	mov	x0, sp
	str	x0, [x28, #SP_IS]
	add	x0, x28, #VECTORS
	stp	q0, q1, [x0], #32
	stp	q2, q3, [x0], #32
	stp	q4, q5, [x0], #32
	stp	q6, q7, [x0], #32
	stp	q8, q9, [x0], #32
	stp	q10, q11, [x0], #32
	stp	q12, q13, [x0], #32
	stp	q14, q15, [x0], #32
	stp	q16, q17, [x0], #32
	stp	q18, q19, [x0], #32
	stp	q20, q21, [x0], #32
	stp	q22, q23, [x0], #32
	stp	q24, q25, [x0], #32
	stp	q26, q27, [x0], #32
	stp	q28, q29, [x0], #32
	stp	q30, q31, [x0], #32
	ldr	x0, [x28, #SP_WAS]
	mov	sp, x0
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #160
	ret
word_end:
	.size	word_begin, . - word_begin

	.section .note.GNU-stack, "", %progbits
