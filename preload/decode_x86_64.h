/* SPDX-License-Identifier: MIT */
/*
 * x86-64 instructions that may have a device register as an operand, as data.
 * Decoded by Zydis once for each place in the program, and kept.
 */
#ifndef IOAS_PRELOAD_DECODE_X86_64_H
#define IOAS_PRELOAD_DECODE_X86_64_H

#include "preload/emulate.h"

enum ioas_insn_kind {
	IOAS_INSN_UNKNOWN,
	IOAS_INSN_LOAD,     /* memory to register, extended */
	IOAS_INSN_STORE,    /* register or constant to memory */
	IOAS_INSN_ALU,      /* memory and register or constant, with flags */
	IOAS_INSN_UNARY,    /* memory alone, with flags */
	IOAS_INSN_EXCHANGE, /* memory and register change places */
	IOAS_INSN_VECTOR_LOAD,
	IOAS_INSN_VECTOR_STORE,
	IOAS_INSN_MOVS,
	IOAS_INSN_STOS,
	IOAS_INSN_LODS,
};

enum ioas_alu {
	IOAS_ALU_AND,
	IOAS_ALU_OR,
	IOAS_ALU_XOR,
	IOAS_ALU_ADD,
	IOAS_ALU_SUB,
	IOAS_ALU_CMP,  /* SUB without a result */
	IOAS_ALU_TEST, /* AND without a result */
	IOAS_ALU_ADC,
	IOAS_ALU_SBB,
	/* of one operand */
	IOAS_ALU_INC,
	IOAS_ALU_DEC,
	IOAS_ALU_NOT,
	IOAS_ALU_NEG,
	/* of EXCHANGE */
	IOAS_ALU_XCHG,
	IOAS_ALU_XADD,
	IOAS_ALU_CMPXCHG,
};

#define IOAS_REG_NONE 0xff
#define IOAS_REG_PC   0xfe

/* A general register by its number in the encoding, or a vector register. */
struct ioas_reg {
	uint8_t number;
	uint8_t size; /* bytes */
	bool high;    /* AH, CH, DH, BH: bits 8 to 15 */
};

enum ioas_segment_base {
	IOAS_SEGMENT_FLAT,
	IOAS_SEGMENT_FS,
	IOAS_SEGMENT_GS,
};

struct ioas_insn {
	uint8_t kind;   /* enum ioas_insn_kind */
	uint8_t alu;    /* enum ioas_alu */
	uint8_t length; /* bytes of the instruction */
	uint8_t size;   /* bytes of the memory operand or element */
	bool mem_first; /* ALU: memory is the first operand */
	bool sign;      /* LOAD: sign extension */
	bool swap;      /* MOVBE */
	bool repeat;    /* string: REP */
	bool zero_rest; /* VECTOR_LOAD: bits above 127 become 0 (VEX, EVEX) */
	bool constant;  /* the other operand is @immediate, not @reg */
	struct ioas_reg reg;
	uint8_t base, index, scale; /* register numbers */
	uint8_t segment;            /* enum ioas_segment_base */
	int64_t displacement;
	int64_t immediate;
	const char *reason; /* UNKNOWN: why */
};

/*
 * The instruction at @pc, whose first @length bytes are @bytes. Lives in the
 * cache until the next call.
 */
const struct ioas_insn *ioas_decode(struct ioas_decode_cache *cache,
                                    uint64_t pc, const uint8_t *bytes,
                                    unsigned int length);

#endif /* IOAS_PRELOAD_DECODE_X86_64_H */
