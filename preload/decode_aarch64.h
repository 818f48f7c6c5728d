/* SPDX-License-Identifier: MIT */
/*
 * A64 instructions that may have a device register as an operand, as data. A
 * word is all that it takes: this runs on any processor.
 *
 * What real hardware does not promise for device memory is refused with its
 * name: exclusives and atomics (there is no monitor behind a PCI function),
 * clearing by cache line, structures of vectors, single accesses of 64 bytes.
 */
#ifndef IOAS_PRELOAD_DECODE_AARCH64_H
#define IOAS_PRELOAD_DECODE_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

enum ioas_aarch64_kind {
	IOAS_AARCH64_UNKNOWN,
	IOAS_AARCH64_LOAD,
	IOAS_AARCH64_STORE,
};

enum ioas_aarch64_base {
	IOAS_AARCH64_OFFSET,  /* base + offset */
	IOAS_AARCH64_PRE,     /* likewise, and the base becomes that */
	IOAS_AARCH64_POST,    /* base alone, which then becomes base + offset */
	IOAS_AARCH64_INDEX,   /* base + register, extended and shifted */
	IOAS_AARCH64_LITERAL, /* pc + offset */
};

struct ioas_aarch64_insn {
	uint8_t kind; /* enum ioas_aarch64_kind */
	uint8_t base; /* enum ioas_aarch64_base */
	uint8_t size; /* bytes of one register's operand: 1, 2, 4, 8, 16 */
	bool pair;    /* of two registers, the second behind the first */
	bool vector;  /* SIMD and floating point registers */
	bool sign;    /* LOAD: sign extension, to 64 bits if @wide else 32 */
	bool wide;    /* a general register is named by its 64 bits */
	bool ordered; /* acquire or release: any access to a device is */
	uint8_t rt, rt2;
	uint8_t rn;     /* 31: the stack pointer */
	uint8_t rm;     /* INDEX */
	uint8_t extend; /* INDEX: 2 UXTW, 3 none, 6 SXTW, 7 SXTX */
	uint8_t shift;
	int64_t offset;
	const char *reason; /* UNKNOWN: why */
};

struct ioas_aarch64_insn ioas_aarch64_decode(uint32_t word);

#endif /* IOAS_PRELOAD_DECODE_AARCH64_H */
