/* SPDX-License-Identifier: MIT */
/*
 * From Zydis' description of an instruction to struct ioas_insn. A table says
 * what each mnemonic is; what is not in it is unknown.
 *
 * Zydis is loaded when the program first maps a BAR: programs that never do
 * need not have it, and the fault handler must not be the one to load it.
 *
 * Sources: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 2; Zydis 4.0.
 */
#include "preload/decode_x86_64.h"

#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/hooks.h"
#include "preload/registers_x86_64.h"
#include "preload/say.h"
#include "preload/wrap.h"

static struct {
	struct ioas_a32 loaded;
	ZydisDecoder decoder;
	__typeof__(&ZydisDecoderInit) init;
	__typeof__(&ZydisDecoderDecodeFull) decode;
} zydis;

int ioas_decoder_load(void)
{
	void *library;

	/* Pairs with the store below. */
	if (ioas_a32_load(&zydis.loaded))
		return 0;
	/* Two threads that both load it write the same. */
	library = dlopen(IOAS_ZYDIS_SONAME, RTLD_NOW | RTLD_LOCAL);
	if (library) {
		zydis.init = (__typeof__(zydis.init))dlsym(library,
		                                           "ZydisDecoderInit");
		zydis.decode = (__typeof__(zydis.decode))dlsym(
			library, "ZydisDecoderDecodeFull");
	}
	if (!library || !zydis.init || !zydis.decode ||
	    ZYAN_FAILED(zydis.init(&zydis.decoder, ZYDIS_MACHINE_MODE_LONG_64,
	                           ZYDIS_STACK_WIDTH_64))) {
		ioas_complain("a BAR cannot be mapped: the instruction decoder "
		              "%s cannot be loaded; install the Zydis library "
		              "(Debian: libzydis4.0)",
		              IOAS_ZYDIS_SONAME);
		return -ENOTSUP;
	}
	ioas_vectors_init();
	ioas_a32_store(&zydis.loaded, 1);
	return 0;
}

/* ---- Registers and operands. ---- */

static bool in(ZydisRegister r, ZydisRegister first, ZydisRegister last)
{
	return r >= first && r <= last;
}

static bool byte_register(ZydisRegister r, struct ioas_reg *ret_reg)
{
	unsigned int i = (unsigned int)(r - ZYDIS_REGISTER_AL);

	if (!in(r, ZYDIS_REGISTER_AL, ZYDIS_REGISTER_R15B))
		return false;
	/* AL CL DL BL, AH CH DH BH, SPL BPL SIL DIL, R8B ... */
	ret_reg->size = 1;
	ret_reg->high = i >= 4 && i < 8;
	ret_reg->number = (uint8_t)(i < 4 ? i : i - 4);
	return true;
}

/* A run of registers that the decoder numbers one after the other. */
struct register_run {
	ZydisRegister first, last;
	uint8_t size;
};

static bool find_in_runs(ZydisRegister r, const struct register_run *run,
                         struct ioas_reg *ret_reg)
{
	for (; run->size; run++) {
		if (!in(r, run->first, run->last))
			continue;
		ret_reg->number = (uint8_t)(r - run->first);
		ret_reg->size = run->size;
		ret_reg->high = false;
		return true;
	}
	return false;
}

static bool general_register(ZydisRegister r, struct ioas_reg *ret_reg)
{
	static const struct register_run runs[] = {
		{ZYDIS_REGISTER_AX, ZYDIS_REGISTER_R15W, 2},
		{ZYDIS_REGISTER_EAX, ZYDIS_REGISTER_R15D, 4},
		{ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_R15, 8},
		{0, 0, 0},
	};

	return find_in_runs(r, runs, ret_reg) || byte_register(r, ret_reg);
}

static bool vector_register(ZydisRegister r, struct ioas_reg *ret_reg)
{
	static const struct register_run runs[] = {
		{ZYDIS_REGISTER_XMM0, ZYDIS_REGISTER_XMM31, 16},
		{ZYDIS_REGISTER_YMM0, ZYDIS_REGISTER_YMM31, 32},
		{ZYDIS_REGISTER_ZMM0, ZYDIS_REGISTER_ZMM31, 64},
		{0, 0, 0},
	};

	return find_in_runs(r, runs, ret_reg);
}

static bool address_register(ZydisRegister r, uint8_t *ret_number)
{
	struct ioas_reg reg;

	*ret_number = IOAS_REG_NONE;
	if (r == ZYDIS_REGISTER_NONE)
		return true;
	*ret_number = IOAS_REG_PC;
	if (r == ZYDIS_REGISTER_RIP)
		return true;
	if (!general_register(r, &reg) || reg.size != 8)
		return false;
	*ret_number = reg.number;
	return true;
}

static uint8_t segment_of(ZydisRegister r)
{
	if (r == ZYDIS_REGISTER_FS)
		return IOAS_SEGMENT_FS;
	return r == ZYDIS_REGISTER_GS ? IOAS_SEGMENT_GS : IOAS_SEGMENT_FLAT;
}

/* The two operands that count: masks of AVX-512 are checked elsewhere. */
struct operands {
	const ZydisDecodedOperand *memory, *other;
	bool memory_first;
};

static bool find_operands(const ZydisDecodedInstruction *z,
                          const ZydisDecodedOperand *operand,
                          unsigned int wanted, struct operands *ret_found)
{
	unsigned int i, others = 0;

	memset(ret_found, 0, sizeof(*ret_found));
	for (i = 0; i < z->operand_count_visible; i++) {
		const ZydisDecodedOperand *o = &operand[i];

		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			if (ret_found->memory)
				return false;
			ret_found->memory = o;
			ret_found->memory_first = !ret_found->other;
		} else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		           in(o->reg.value, ZYDIS_REGISTER_K0,
		              ZYDIS_REGISTER_K7)) {
			continue;
		} else {
			ret_found->other = o;
			others++;
		}
	}
	return ret_found->memory && others == wanted;
}

static bool take_address(const ZydisDecodedOperand *memory,
                         struct ioas_insn *insn)
{
	insn->scale = memory->mem.scale;
	insn->displacement =
		memory->mem.disp.has_displacement ? memory->mem.disp.value : 0;
	insn->segment = segment_of(memory->mem.segment);
	insn->size = (uint8_t)(memory->size / 8);
	return memory->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
	       address_register(memory->mem.base, &insn->base) &&
	       address_register(memory->mem.index, &insn->index);
}

static bool take_other(const ZydisDecodedOperand *other, bool vector,
                       struct ioas_insn *insn)
{
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		insn->constant = true;
		insn->immediate = other->imm.value.s;
		return !vector;
	}
	if (other->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	return vector ? vector_register(other->reg.value, &insn->reg)
	              : general_register(other->reg.value, &insn->reg);
}

/* ---- Mnemonics. ---- */

enum shape {
	SHAPE_MOVE, /* LOAD or STORE */
	SHAPE_EXTEND,
	SHAPE_ALU,
	SHAPE_UNARY,
	SHAPE_EXCHANGE,
	SHAPE_VECTOR,
	SHAPE_STRING,
};

struct rule {
	ZydisMnemonic mnemonic;
	enum shape shape;
	uint8_t detail; /* alu; of a string its kind; 1: sign, swap */
};

#define VECTOR(name)                                    \
	{ZYDIS_MNEMONIC_##name, SHAPE_VECTOR, 0},       \
	{                                               \
		ZYDIS_MNEMONIC_V##name, SHAPE_VECTOR, 0 \
	}
#define VECTOR_512(name)                               \
	{                                              \
		ZYDIS_MNEMONIC_##name, SHAPE_VECTOR, 0 \
	}
#define ALU(name)                                                 \
	{                                                         \
		ZYDIS_MNEMONIC_##name, SHAPE_ALU, IOAS_ALU_##name \
	}
#define UNARY(name)                                                 \
	{                                                           \
		ZYDIS_MNEMONIC_##name, SHAPE_UNARY, IOAS_ALU_##name \
	}
#define EXCHANGE(name)                                                 \
	{                                                              \
		ZYDIS_MNEMONIC_##name, SHAPE_EXCHANGE, IOAS_ALU_##name \
	}
#define STRING(name, kind)                                            \
	{                                                             \
		ZYDIS_MNEMONIC_##name, SHAPE_STRING, IOAS_INSN_##kind \
	}

static const struct rule rules[] = {
	{ZYDIS_MNEMONIC_MOV, SHAPE_MOVE, 0},
	{ZYDIS_MNEMONIC_MOVNTI, SHAPE_MOVE, 0},
	{ZYDIS_MNEMONIC_MOVBE, SHAPE_MOVE, 1},
	{ZYDIS_MNEMONIC_MOVZX, SHAPE_EXTEND, 0},
	{ZYDIS_MNEMONIC_MOVSX, SHAPE_EXTEND, 1},
	{ZYDIS_MNEMONIC_MOVSXD, SHAPE_EXTEND, 1},
	ALU(AND),
	ALU(OR),
	ALU(XOR),
	ALU(ADD),
	ALU(SUB),
	ALU(CMP),
	ALU(TEST),
	ALU(ADC),
	ALU(SBB),
	UNARY(INC),
	UNARY(DEC),
	UNARY(NOT),
	UNARY(NEG),
	EXCHANGE(XCHG),
	EXCHANGE(XADD),
	EXCHANGE(CMPXCHG),
	STRING(MOVSB, MOVS),
	STRING(MOVSW, MOVS),
	STRING(MOVSD, MOVS),
	STRING(MOVSQ, MOVS),
	STRING(STOSB, STOS),
	STRING(STOSW, STOS),
	STRING(STOSD, STOS),
	STRING(STOSQ, STOS),
	STRING(LODSB, LODS),
	STRING(LODSW, LODS),
	STRING(LODSD, LODS),
	STRING(LODSQ, LODS),
	/* MOVSD is the name of a string instruction and of this one. */
	{ZYDIS_MNEMONIC_MOVSD, SHAPE_VECTOR, 0},
	{ZYDIS_MNEMONIC_VMOVSD, SHAPE_VECTOR, 0},
	VECTOR(MOVSS),
	VECTOR(MOVD),
	VECTOR(MOVQ),
	VECTOR(MOVUPS),
	VECTOR(MOVUPD),
	VECTOR(MOVAPS),
	VECTOR(MOVAPD),
	VECTOR(MOVDQU),
	VECTOR(MOVDQA),
	VECTOR(LDDQU),
	VECTOR(MOVNTDQ),
	VECTOR(MOVNTDQA),
	VECTOR(MOVNTPS),
	VECTOR(MOVNTPD),
	VECTOR_512(VMOVDQU8),
	VECTOR_512(VMOVDQU16),
	VECTOR_512(VMOVDQU32),
	VECTOR_512(VMOVDQU64),
	VECTOR_512(VMOVDQA32),
	VECTOR_512(VMOVDQA64),
};

/* The strings among them have hidden operands and so are told apart. */
static const struct rule *find_rule(const ZydisDecodedInstruction *z)
{
	bool string = z->meta.category == ZYDIS_CATEGORY_STRINGOP;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rules); i++)
		if (rules[i].mnemonic == z->mnemonic &&
		    (rules[i].shape == SHAPE_STRING) == string)
			return &rules[i];
	return NULL;
}

static bool shape_plain(const struct rule *rule, const struct operands *o,
                        struct ioas_insn *insn)
{
	static const uint8_t kinds[] = {
		[SHAPE_ALU] = IOAS_INSN_ALU,
		[SHAPE_UNARY] = IOAS_INSN_UNARY,
		[SHAPE_EXCHANGE] = IOAS_INSN_EXCHANGE,
		[SHAPE_STRING] = IOAS_INSN_UNKNOWN,
	};
	bool vector = rule->shape == SHAPE_VECTOR;

	if (!take_address(o->memory, insn) ||
	    (o->other && !take_other(o->other, vector, insn)))
		return false;
	insn->mem_first = o->memory_first;
	insn->alu = rule->detail;
	insn->swap = rule->shape == SHAPE_MOVE && rule->detail;
	insn->sign = rule->shape == SHAPE_EXTEND && rule->detail;
	if (kinds[rule->shape])
		insn->kind = (uint8_t)kinds[rule->shape];
	else if (vector)
		insn->kind = o->memory_first ? IOAS_INSN_VECTOR_STORE
		                             : IOAS_INSN_VECTOR_LOAD;
	else
		insn->kind = o->memory_first ? IOAS_INSN_STORE : IOAS_INSN_LOAD;
	/* A store or load of less than 4 bytes is no vector access here. */
	return vector ? insn->size >= 4 : insn->size && insn->size <= 8;
}

/* Source or destination is by register; only a segment can be chosen. */
static bool shape_string(const struct rule *rule,
                         const ZydisDecodedInstruction *z,
                         const ZydisDecodedOperand *operand,
                         struct ioas_insn *insn)
{
	unsigned int i;

	insn->kind = rule->detail;
	insn->repeat = z->attributes & ZYDIS_ATTRIB_HAS_REP;
	for (i = 0; i < z->operand_count; i++) {
		if (operand[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		insn->size = (uint8_t)(operand[i].size / 8);
		insn->segment |= segment_of(operand[i].mem.segment);
	}
	return insn->size && !(z->attributes & ZYDIS_ATTRIB_HAS_REPNE);
}

/* What the processor does beside the move itself is not done here. */
static const char *refused(const ZydisDecodedInstruction *z)
{
	if (z->address_width != 64)
		return "a 32-bit address";
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX &&
	    (z->avx.mask.reg != ZYDIS_REGISTER_NONE &&
	     z->avx.mask.reg != ZYDIS_REGISTER_K0))
		return "a masked vector access";
	return NULL;
}

static const char *translate(const ZydisDecodedInstruction *z,
                             const ZydisDecodedOperand *operand,
                             struct ioas_insn *insn)
{
	const struct rule *rule = find_rule(z);
	const char *reason = refused(z);
	struct operands found;

	if (reason)
		return reason;
	if (!rule)
		return "an instruction that ioas does not emulate";
	insn->length = z->length;
	insn->zero_rest = z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;
	if (rule->shape == SHAPE_STRING
	            ? shape_string(rule, z, operand, insn)
	            : find_operands(z, operand, rule->shape != SHAPE_UNARY,
	                            &found) &&
	                      shape_plain(rule, &found, insn))
		return NULL;
	return "operands that ioas does not emulate";
}

static void decode(const uint8_t *bytes, unsigned int length,
                   struct ioas_insn *insn)
{
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;

	memset(insn, 0, sizeof(*insn));
	if (ZYAN_FAILED(
		    zydis.decode(&zydis.decoder, bytes, length, &z, operand)))
		insn->reason = "no instruction of this processor";
	else
		insn->reason = translate(&z, operand, insn);
	if (insn->reason)
		insn->kind = IOAS_INSN_UNKNOWN;
}

/* ---- Cache. ---- */

#define CACHE_SLOTS 64

struct slot {
	uint64_t pc;
	uint8_t bytes[IOAS_INSTRUCTION_MAX];
	struct ioas_insn insn;
};

struct ioas_decode_cache {
	struct slot slot[CACHE_SLOTS];
};

struct ioas_decode_cache *ioas_decode_cache_create(void)
{
	return ioas_new(struct ioas_decode_cache);
}

void ioas_decode_cache_destroy(struct ioas_decode_cache *cache)
{
	if (cache)
		ioas_delete(cache);
}

const struct ioas_insn *ioas_decode(struct ioas_decode_cache *cache,
                                    uint64_t pc, const uint8_t *bytes,
                                    unsigned int length)
{
	struct slot *slot = &cache->slot[(pc ^ pc >> 6) % CACHE_SLOTS];
	unsigned int known = slot->insn.length;

	/* The bytes too: the program may have loaded other code there. */
	if (known && slot->pc == pc && known <= length &&
	    !memcmp(slot->bytes, bytes, known))
		return &slot->insn;
	decode(bytes, length, &slot->insn);
	slot->pc = pc;
	memcpy(slot->bytes, bytes, length);
	return &slot->insn;
}
