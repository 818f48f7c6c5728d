/* SPDX-License-Identifier: MIT */
/* Doing a decoded A64 load or store. This runs on any processor. */
#ifndef IOAS_PRELOAD_PERFORM_AARCH64_H
#define IOAS_PRELOAD_PERFORM_AARCH64_H

#include "preload/decode_aarch64.h"
#include "preload/emulate.h"

struct ioas_aarch64_registers {
	uint64_t x[31], sp, pc;
	uint64_t (*v)[2]; /* 32 vectors, low half first; NULL: not at hand */
};

/*
 * Where the instruction accesses memory, from its first byte on. The top byte
 * of an address is the program's (TBI) and not in it.
 */
uint64_t ioas_aarch64_address(const struct ioas_aarch64_insn *insn,
                              const struct ioas_aarch64_registers *registers);

/*
 * @insn is a load or store. Registers are as after the instruction, or, when
 * it is not DONE, as before it.
 */
enum ioas_emulated
ioas_aarch64_perform(const struct ioas_aarch64_insn *insn,
                     struct ioas_aarch64_registers *registers,
                     const struct ioas_bus *bus, const char **ret_reason);

#endif /* IOAS_PRELOAD_PERFORM_AARCH64_H */
