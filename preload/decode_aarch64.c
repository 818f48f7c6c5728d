/* SPDX-License-Identifier: MIT */
/*
 * A table says which bits make a class of instructions, in the order of the
 * architecture's own table "Loads and Stores"; the first row that fits has the
 * word. What no row has is unknown.
 *
 * What the architecture calls constrained unpredictable is refused: a base that
 * is written back and transferred, a pair loaded twice into one register, an
 * ordered access whose unused registers are not all ones.
 *
 * Source: Arm Architecture Reference Manual for A-profile (DDI 0487), C4.1.94
 * Loads and Stores, and C6.2 and C7.2 for each instruction.
 */
#include "preload/decode_aarch64.h"

#include <stddef.h>

#include "base/types.h"

#define SP_OR_ZERO 31

static unsigned int field(uint32_t word, unsigned int low, unsigned int bits)
{
	return word >> low & ((1u << bits) - 1);
}

static int64_t signed_field(uint32_t word, unsigned int low, unsigned int bits)
{
	int64_t value = field(word, low, bits);

	return value >> (bits - 1) ? value - (INT64_C(1) << bits) : value;
}

static bool is_vector(uint32_t word)
{
	return field(word, 26, 1);
}

static void unknown(struct ioas_aarch64_insn *insn, const char *reason)
{
	insn->kind = IOAS_AARCH64_UNKNOWN;
	insn->reason = reason;
}

static void unallocated(struct ioas_aarch64_insn *insn)
{
	unknown(insn, "a word that is no instruction");
}

static void set_registers(struct ioas_aarch64_insn *insn, uint32_t word)
{
	insn->rt = (uint8_t)field(word, 0, 5);
	insn->rn = (uint8_t)field(word, 5, 5);
}

/* With the base written back? Then it must not be what is transferred. */
static void check_writeback(struct ioas_aarch64_insn *insn)
{
	bool back = insn->base == IOAS_AARCH64_PRE ||
	            insn->base == IOAS_AARCH64_POST;
	bool hit =
		insn->rn == insn->rt || (insn->pair && insn->rn == insn->rt2);

	if (insn->kind != IOAS_AARCH64_UNKNOWN && back && !insn->vector &&
	    insn->rn != SP_OR_ZERO && hit)
		unknown(insn, "an instruction that writes its base twice, "
		              "which is unpredictable");
}

/* ---- One register: size in bits 31:30, what is done in bits 23:22. ---- */

static void set_vector(struct ioas_aarch64_insn *insn, uint32_t word)
{
	unsigned int size = field(word, 30, 2), opc = field(word, 22, 2);

	insn->vector = true;
	insn->kind = opc & 1 ? IOAS_AARCH64_LOAD : IOAS_AARCH64_STORE;
	insn->size = (uint8_t)(1u << size);
	if (!(opc & 2))
		return;
	if (size)
		unallocated(insn);
	insn->size = 16;
}

static void set_general(struct ioas_aarch64_insn *insn, uint32_t word)
{
	unsigned int size = field(word, 30, 2), opc = field(word, 22, 2);

	insn->kind = opc ? IOAS_AARCH64_LOAD : IOAS_AARCH64_STORE;
	insn->size = (uint8_t)(1u << size);
	insn->sign = opc & 2;
	insn->wide = insn->sign ? opc == 2 : size == 3;
	if (size == 3 && opc == 2)
		unknown(insn, "a prefetch");
	else if (size + opc > 4)
		unallocated(insn);
}

static void set_one(struct ioas_aarch64_insn *insn, uint32_t word)
{
	set_registers(insn, word);
	if (is_vector(word))
		set_vector(insn, word);
	else
		set_general(insn, word);
}

static void decode_unsigned(struct ioas_aarch64_insn *insn, uint32_t word)
{
	set_one(insn, word);
	insn->offset = (int64_t)field(word, 10, 12) * insn->size;
}

static void decode_unscaled(struct ioas_aarch64_insn *insn, uint32_t word)
{
	set_one(insn, word);
	insn->offset = signed_field(word, 12, 9);
}

/* As an unprivileged program does it in any case. */
static void decode_unprivileged(struct ioas_aarch64_insn *insn, uint32_t word)
{
	decode_unscaled(insn, word);
	if (is_vector(word) || (field(word, 30, 2) == 3 && field(word, 23, 1)))
		unallocated(insn);
}

static void decode_indexed(struct ioas_aarch64_insn *insn, uint32_t word)
{
	decode_unscaled(insn, word);
	insn->base = field(word, 11, 1) ? IOAS_AARCH64_PRE : IOAS_AARCH64_POST;
	if (!is_vector(word) && field(word, 30, 2) == 3 && field(word, 23, 1))
		unallocated(insn);
	check_writeback(insn);
}

static void decode_register(struct ioas_aarch64_insn *insn, uint32_t word)
{
	unsigned int option = field(word, 13, 3);

	set_one(insn, word);
	insn->base = IOAS_AARCH64_INDEX;
	insn->rm = (uint8_t)field(word, 16, 5);
	insn->extend = (uint8_t)option;
	if (field(word, 12, 1))
		insn->shift = (uint8_t)__builtin_ctz(insn->size);
	if (!(option & 2))
		unallocated(insn);
}

/* ---- Pairs: bits 31:30 are the size in ways of their own. ---- */

static void set_pair(struct ioas_aarch64_insn *insn, uint32_t word)
{
	unsigned int opc = field(word, 30, 2);

	set_registers(insn, word);
	insn->rt2 = (uint8_t)field(word, 10, 5);
	insn->pair = true;
	insn->vector = is_vector(word);
	insn->kind =
		field(word, 22, 1) ? IOAS_AARCH64_LOAD : IOAS_AARCH64_STORE;
	insn->sign = !insn->vector && opc == 1;
	insn->wide = !insn->vector && opc;
	insn->size = (uint8_t)(insn->vector ? 4u << opc : opc == 2 ? 8 : 4);
	insn->offset = signed_field(word, 15, 7) * insn->size;
	if (opc == 3)
		unallocated(insn);
	else if (insn->sign && insn->kind == IOAS_AARCH64_STORE)
		unknown(insn, "a store of memory tags");
	else if (insn->kind == IOAS_AARCH64_LOAD && insn->rt == insn->rt2)
		unknown(insn, "a load of two values into one register, which "
		              "is unpredictable");
}

static void decode_pair(struct ioas_aarch64_insn *insn, uint32_t word)
{
	static const uint8_t base[] = {
		IOAS_AARCH64_OFFSET, /* not to be kept in a cache */
		IOAS_AARCH64_POST,
		IOAS_AARCH64_OFFSET,
		IOAS_AARCH64_PRE,
	};
	unsigned int how = field(word, 23, 2);

	set_pair(insn, word);
	insn->base = base[how];
	if (!how && insn->sign)
		unallocated(insn);
	check_writeback(insn);
}

/* ---- The others. ---- */

static void decode_literal(struct ioas_aarch64_insn *insn, uint32_t word)
{
	unsigned int opc = field(word, 30, 2);

	set_registers(insn, word);
	insn->kind = IOAS_AARCH64_LOAD;
	insn->base = IOAS_AARCH64_LITERAL;
	insn->offset = signed_field(word, 5, 19) * 4;
	insn->vector = is_vector(word);
	insn->size = (uint8_t)(insn->vector ? 4u << opc : opc == 1 ? 8 : 4);
	insn->sign = !insn->vector && opc == 2;
	insn->wide = !insn->vector && opc;
	if (opc != 3)
		return;
	if (insn->vector)
		unallocated(insn);
	else
		unknown(insn, "a prefetch");
}

/* LDAR, STLR and the older LDLAR, STLLR. */
static void decode_ordered(struct ioas_aarch64_insn *insn, uint32_t word)
{
	set_registers(insn, word);
	insn->kind =
		field(word, 22, 1) ? IOAS_AARCH64_LOAD : IOAS_AARCH64_STORE;
	insn->size = (uint8_t)(1u << field(word, 30, 2));
	insn->wide = insn->size == 8;
	insn->ordered = true;
}

static void decode_ordered_unscaled(struct ioas_aarch64_insn *insn,
                                    uint32_t word)
{
	decode_unscaled(insn, word);
	insn->ordered = true;
	if (field(word, 30, 2) == 3 && field(word, 23, 1))
		unallocated(insn);
}

static void decode_acquire(struct ioas_aarch64_insn *insn, uint32_t word)
{
	decode_ordered(insn, word);
	insn->kind = IOAS_AARCH64_LOAD;
}

struct word_class {
	uint32_t mask, value;
	void (*decode)(struct ioas_aarch64_insn *insn, uint32_t word);
	const char *reason; /* when there is nothing to decode */
};

static const struct word_class classes[] = {
	{0x3b200c00, 0x38000000, decode_unscaled, NULL},
	{0x3b200c00, 0x38000400, decode_indexed, NULL},
	{0x3b200c00, 0x38000800, decode_unprivileged, NULL},
	{0x3b200c00, 0x38000c00, decode_indexed, NULL},
	{0x3b200c00, 0x38200800, decode_register, NULL},
	{0x3b000000, 0x39000000, decode_unsigned, NULL},
	{0x3a000000, 0x28000000, decode_pair, NULL},
	{0x3b000000, 0x18000000, decode_literal, NULL},
	{0x3fbf7c00, 0x089f7c00, decode_ordered, NULL},
	{0x3f200c00, 0x19000000, decode_ordered_unscaled, NULL},
	{0x3ffffc00, 0x38bfc000, decode_acquire, NULL},
	/* What is known and refused. */
	{0xffe0fc00, 0xf8209000, NULL, "a single access of 64 bytes"},
	{0xffe0fc00, 0xf820d000, NULL, "a single access of 64 bytes"},
	{0xffe0fc00, 0xf820a000, NULL, "a single access of 64 bytes"},
	{0xffe0fc00, 0xf820b000, NULL, "a single access of 64 bytes"},
	{0x3f200c00, 0x38200000, NULL,
         "an atomic operation, which devices do not promise"},
	{0x3fa00000, 0x08a00000, NULL,
         "an atomic operation, which devices do not promise"},
	{0xbfa07c00, 0x08207c00, NULL,
         "an atomic operation, which devices do not promise"},
	{0x3f800000, 0x08000000, NULL,
         "an exclusive access, which devices do not promise"},
	{0xff200400, 0xf8200400, NULL, "a load with pointer authentication"},
	{0xbe000000, 0x0c000000, NULL,
         "a load or store of structures in vectors"},
	{0xff200000, 0xd9200000, NULL, "an access to memory tags"},
	{0x3b200c00, 0x19000400, NULL, "a copy or fill of memory"},
	{0xffffffe0, 0xd50b7420, NULL, "a cache line set to zero (DC ZVA)"},
	{0xffff0000, 0xd50b0000, NULL, "maintenance of caches"},
	{0x9e000000, 0x84000000, NULL, "an access of scalable vectors"},
};

struct ioas_aarch64_insn ioas_aarch64_decode(uint32_t word)
{
	struct ioas_aarch64_insn insn = {.kind = IOAS_AARCH64_UNKNOWN};
	const struct word_class *c;
	size_t i;

	unknown(&insn, "an instruction that is no load or store that "
	               "ioas knows");
	for (i = 0; i < IOAS_ARRAY_SIZE(classes); i++) {
		c = &classes[i];
		if ((word & c->mask) != c->value)
			continue;
		if (c->decode)
			c->decode(&insn, word);
		else
			unknown(&insn, c->reason);
		break;
	}
	if (insn.kind != IOAS_AARCH64_UNKNOWN)
		insn.reason = NULL;
	return insn;
}
