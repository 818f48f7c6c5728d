/* SPDX-License-Identifier: MIT */
/* The registers of an interrupted x86-64 program, in its signal frame. */
#ifndef IOAS_PRELOAD_REGISTERS_X86_64_H
#define IOAS_PRELOAD_REGISTERS_X86_64_H

#include <ucontext.h>

#include "preload/decode_x86_64.h"

/* By its number in the encoding: RAX, RCX, RDX, RBX, RSP, ... */
greg_t *ioas_general(ucontext_t *context, unsigned int number);

uint64_t ioas_register_get(ucontext_t *context, struct ioas_reg reg);
/* As the processor does: 32-bit results clear the upper half. */
void ioas_register_set(ucontext_t *context, struct ioas_reg reg,
                       uint64_t value);

#define IOAS_LANES 8 /* of 8 bytes, in the widest vector register */

/* Ask the processor where the frame has what; once, before a fault. */
void ioas_vectors_init(void);
uint64_t ioas_lane_get(ucontext_t *context, unsigned int number,
                       unsigned int lane);
void ioas_lane_set(ucontext_t *context, unsigned int number, unsigned int lane,
                   uint64_t value);

#endif /* IOAS_PRELOAD_REGISTERS_X86_64_H */
