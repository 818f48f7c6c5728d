/* SPDX-License-Identifier: MIT */
/*
 * Doing an instruction: operands are read, the device is accessed, and only
 * then registers, flags and the instruction pointer change. A string is done
 * element by element, as the processor does it: when it ends early, because
 * the next element is no register, its registers say how far it got, and the
 * processor goes on with the same instruction.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 1, 3.4.3 (flags) and 7.3.9 (strings), volume 2 for each instruction.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "base/hooks.h"
#include "base/types.h"
#include "host/host.h"
#include "preload/registers_x86_64.h"
#include "preload/wrap.h"

enum {
	FLAG_CF = 1 << 0,
	FLAG_PF = 1 << 2,
	FLAG_AF = 1 << 4,
	FLAG_ZF = 1 << 6,
	FLAG_SF = 1 << 7,
	FLAG_DF = 1 << 10,
	FLAG_OF = 1 << 11,
	FLAGS_ALU = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};

enum {
	RAX = 0,
	RCX = 1,
	RSI = 6,
	RDI = 7,
};

/* ---- The bus. ---- */

static bool on_bus(const struct ioas_bus *bus, uint64_t address)
{
	return address - bus->start < bus->bytes;
}

/* May the program do this access, and is it inside? */
static enum ioas_emulated check_access(const struct ioas_bus *bus,
                                       uint64_t address, unsigned int bytes,
                                       bool store)
{
	uint64_t offset = address - bus->start;
	/* On x86 what can be written or executed can be read. */
	int need = store ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;

	if (!(bus->prot & need))
		return IOAS_EMULATED_DENIED;
	if (bytes > bus->bytes - offset)
		return IOAS_EMULATED_BUS;
	return IOAS_EMULATED_DONE;
}

static enum ioas_emulated bus_load(const struct ioas_bus *bus, uint64_t address,
                                   unsigned int size, uint64_t *ret_value)
{
	return bus->load(bus->context, address - bus->start, size, ret_value)
	               ? IOAS_EMULATED_BUS
	               : IOAS_EMULATED_DONE;
}

static enum ioas_emulated bus_store(const struct ioas_bus *bus,
                                    uint64_t address, unsigned int size,
                                    uint64_t value)
{
	return bus->store(bus->context, address - bus->start, size, value)
	               ? IOAS_EMULATED_BUS
	               : IOAS_EMULATED_DONE;
}

/* ---- Addresses. ---- */

static uint64_t segment_base(unsigned int segment)
{
	uint64_t base = 0;

	if (segment != IOAS_SEGMENT_FLAT)
		ioas_sys(SYS_arch_prctl,
		         segment == IOAS_SEGMENT_FS ? ARCH_GET_FS : ARCH_GET_GS,
		         (long)&base, 0, 0, 0, 0);
	return base;
}

static uint64_t address_of(ucontext_t *context, const struct ioas_insn *insn)
{
	uint64_t at = (uint64_t)insn->displacement;

	if (insn->base == IOAS_REG_PC)
		at += (uint64_t)context->uc_mcontext.gregs[REG_RIP] +
		      insn->length;
	else if (insn->base != IOAS_REG_NONE)
		at += (uint64_t)*ioas_general(context, insn->base);
	if (insn->index != IOAS_REG_NONE)
		at += (uint64_t)*ioas_general(context, insn->index) *
		      insn->scale;
	return at + segment_base(insn->segment);
}

/* ---- Arithmetic. ---- */

static uint64_t mask_of(unsigned int size)
{
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

static uint64_t sign_extend(uint64_t value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

static uint64_t swap_bytes(uint64_t value, unsigned int size)
{
	return __builtin_bswap64(value) >> (64 - 8 * size);
}

/* What an operation is to the flags. */
static const struct {
	bool add, subtract;
	bool carry;       /* takes the carry flag in */
	bool keeps_carry; /* leaves it as it was */
	bool no_result, no_flags;
} alu[] = {
	[IOAS_ALU_AND] = {.no_result = false},
	[IOAS_ALU_ADD] = {.add = true},
	[IOAS_ALU_SUB] = {.subtract = true},
	[IOAS_ALU_CMP] = {.subtract = true, .no_result = true},
	[IOAS_ALU_TEST] = {.no_result = true},
	[IOAS_ALU_ADC] = {.add = true, .carry = true},
	[IOAS_ALU_SBB] = {.subtract = true, .carry = true},
	[IOAS_ALU_INC] = {.add = true, .keeps_carry = true},
	[IOAS_ALU_DEC] = {.subtract = true, .keeps_carry = true},
	[IOAS_ALU_NOT] = {.no_flags = true},
	[IOAS_ALU_NEG] = {.subtract = true},
	[IOAS_ALU_XCHG] = {.no_flags = true},
	[IOAS_ALU_XADD] = {.add = true},
	[IOAS_ALU_CMPXCHG] = {.subtract = true},
};

struct sum {
	enum ioas_alu op;
	uint64_t a, b, result; /* masked to size */
	unsigned int size;
	bool carry; /* in */
};

static unsigned int flags_of(const struct sum *s)
{
	uint64_t top = UINT64_C(1) << (8 * s->size - 1);
	unsigned int flags = 0;

	if (!s->result)
		flags |= FLAG_ZF;
	if (s->result & top)
		flags |= FLAG_SF;
	if (!(__builtin_popcount((unsigned int)s->result & 0xff) & 1))
		flags |= FLAG_PF;
	if (!alu[s->op].add && !alu[s->op].subtract)
		return flags; /* CF and OF are 0; AF is undefined, 0 in fact */
	if ((s->a ^ s->b ^ s->result) & 0x10)
		flags |= FLAG_AF;
	if (alu[s->op].add ? s->result < s->a : s->a < s->b)
		flags |= FLAG_CF;
	if (s->carry && (alu[s->op].add ? s->result == s->a : s->a == s->b))
		flags |= FLAG_CF;
	if ((alu[s->op].add ? ~(s->a ^ s->b) : s->a ^ s->b) &
	    (s->a ^ s->result) & top)
		flags |= FLAG_OF;
	return flags;
}

/* Of @a and @b, which for one operand are it and what the operation says. */
static void compute(struct sum *s)
{
	switch (s->op) {
	case IOAS_ALU_AND:
	case IOAS_ALU_TEST:
		s->result = s->a & s->b;
		break;
	case IOAS_ALU_OR:
		s->result = s->a | s->b;
		break;
	case IOAS_ALU_XOR:
	case IOAS_ALU_NOT:
		s->result = s->a ^ s->b;
		break;
	default:
		s->result = alu[s->op].add ? s->a + s->b + s->carry
		                           : s->a - s->b - s->carry;
	}
	s->result &= mask_of(s->size);
}

static struct sum sum_of(const struct ioas_insn *insn, ucontext_t *context)
{
	greg_t flags = context->uc_mcontext.gregs[REG_EFL];

	return (struct sum){.op = insn->alu,
	                    .size = insn->size,
	                    .carry = alu[insn->alu].carry && (flags & FLAG_CF)};
}

static void set_flags(ucontext_t *context, const struct sum *s)
{
	greg_t *flags = &context->uc_mcontext.gregs[REG_EFL];
	greg_t changed = FLAGS_ALU;

	if (alu[s->op].no_flags)
		return;
	if (alu[s->op].keeps_carry)
		changed &= ~(greg_t)FLAG_CF;
	*flags = (*flags & ~changed) | ((greg_t)flags_of(s) & changed);
}

/* ---- Moves and arithmetic. ---- */

static uint64_t other_operand(ucontext_t *context, const struct ioas_insn *insn)
{
	if (insn->constant)
		return (uint64_t)insn->immediate & mask_of(insn->size);
	return ioas_register_get(context, insn->reg);
}

static enum ioas_emulated do_load(struct ioas_emulation *e,
                                  const struct ioas_insn *insn, uint64_t at)
{
	enum ioas_emulated result = check_access(e->bus, at, insn->size, false);
	uint64_t value = 0;

	if (result == IOAS_EMULATED_DONE)
		result = bus_load(e->bus, at, insn->size, &value);
	if (result != IOAS_EMULATED_DONE)
		return result;
	if (insn->sign)
		value = sign_extend(value, insn->size);
	if (insn->swap)
		value = swap_bytes(value, insn->size);
	ioas_register_set(e->context, insn->reg, value);
	return IOAS_EMULATED_DONE;
}

static enum ioas_emulated do_store(struct ioas_emulation *e,
                                   const struct ioas_insn *insn, uint64_t at)
{
	enum ioas_emulated result = check_access(e->bus, at, insn->size, true);
	uint64_t value = other_operand(e->context, insn);

	if (insn->swap)
		value = swap_bytes(value, insn->size);
	if (result != IOAS_EMULATED_DONE)
		return result;
	return bus_store(e->bus, at, insn->size, value);
}

static enum ioas_emulated do_alu(struct ioas_emulation *e,
                                 const struct ioas_insn *insn, uint64_t at)
{
	bool test = alu[insn->alu].no_result;
	bool to_memory = insn->mem_first && !test;
	struct sum s = sum_of(insn, e->context);
	enum ioas_emulated result =
		check_access(e->bus, at, insn->size, to_memory);
	uint64_t memory = 0;

	if (result == IOAS_EMULATED_DONE)
		result = bus_load(e->bus, at, insn->size, &memory);
	if (result != IOAS_EMULATED_DONE)
		return result;
	s.a = s.b = other_operand(e->context, insn);
	*(insn->mem_first ? &s.a : &s.b) = memory;
	compute(&s);
	if (to_memory)
		result = bus_store(e->bus, at, insn->size, s.result);
	else if (!test)
		ioas_register_set(e->context, insn->reg, s.result);
	if (result == IOAS_EMULATED_DONE)
		set_flags(e->context, &s);
	return result;
}

static enum ioas_emulated do_unary(struct ioas_emulation *e,
                                   const struct ioas_insn *insn, uint64_t at)
{
	struct sum s = sum_of(insn, e->context);
	enum ioas_emulated result = check_access(e->bus, at, insn->size, true);

	if (result == IOAS_EMULATED_DONE)
		result = bus_load(e->bus, at, insn->size, &s.a);
	if (result != IOAS_EMULATED_DONE)
		return result;
	s.b = insn->alu == IOAS_ALU_NOT ? mask_of(insn->size) : 1;
	if (insn->alu == IOAS_ALU_NEG) {
		s.b = s.a;
		s.a = 0;
	}
	compute(&s);
	result = bus_store(e->bus, at, insn->size, s.result);
	if (result == IOAS_EMULATED_DONE)
		set_flags(e->context, &s);
	return result;
}

/*
 * One of these is atomic on memory, and so are others with a lock prefix. On a
 * device it is a load and a store: other accesses through the same descriptor
 * wait meanwhile, as they all go through the trap.
 */
static enum ioas_emulated do_exchange(struct ioas_emulation *e,
                                      const struct ioas_insn *insn, uint64_t at)
{
	struct ioas_reg accumulator = {RAX, insn->size, false};
	struct ioas_reg to = insn->reg;
	struct sum s = sum_of(insn, e->context);
	enum ioas_emulated result = check_access(e->bus, at, insn->size, true);
	uint64_t own = ioas_register_get(e->context, insn->reg);
	uint64_t memory = 0, next = own;

	if (result == IOAS_EMULATED_DONE)
		result = bus_load(e->bus, at, insn->size, &memory);
	if (result != IOAS_EMULATED_DONE)
		return result;
	s.a = memory;
	s.b = own;
	if (insn->alu == IOAS_ALU_CMPXCHG) {
		s.a = ioas_register_get(e->context, accumulator);
		s.b = memory;
		to = accumulator;
		/* What is not exchanged is written back as it was. */
		next = s.a == memory ? own : memory;
	}
	compute(&s);
	if (insn->alu == IOAS_ALU_XADD)
		next = s.result;
	result = bus_store(e->bus, at, insn->size, next);
	if (result != IOAS_EMULATED_DONE)
		return result;
	if (insn->alu != IOAS_ALU_CMPXCHG || s.a != memory)
		ioas_register_set(e->context, to, memory);
	set_flags(e->context, &s);
	return IOAS_EMULATED_DONE;
}

/* ---- Vectors, 8 bytes at a time. ---- */

static unsigned int piece_of(const struct ioas_insn *insn)
{
	return insn->size < 8 ? insn->size : 8;
}

static enum ioas_emulated do_vector_load(struct ioas_emulation *e,
                                         const struct ioas_insn *insn,
                                         uint64_t at)
{
	enum ioas_emulated result = check_access(e->bus, at, insn->size, false);
	unsigned int i, piece = piece_of(insn);
	uint64_t lane[IOAS_LANES] = {0};

	for (i = 0; result == IOAS_EMULATED_DONE && i * 8 < insn->size; i++)
		result = bus_load(e->bus, at + i * 8, piece, &lane[i]);
	if (result != IOAS_EMULATED_DONE)
		return result;
	for (i = 0; i < (insn->zero_rest ? IOAS_LANES : 2); i++)
		ioas_lane_set(e->context, insn->reg.number, i, lane[i]);
	return IOAS_EMULATED_DONE;
}

static enum ioas_emulated do_vector_store(struct ioas_emulation *e,
                                          const struct ioas_insn *insn,
                                          uint64_t at)
{
	enum ioas_emulated result = check_access(e->bus, at, insn->size, true);
	unsigned int i, piece = piece_of(insn);
	uint64_t lane;

	for (i = 0; result == IOAS_EMULATED_DONE && i * 8 < insn->size; i++) {
		lane = ioas_lane_get(e->context, insn->reg.number, i);
		result = bus_store(e->bus, at + i * 8, piece,
		                   lane & mask_of(piece));
	}
	return result;
}

/* ---- Strings. ---- */

static enum ioas_emulated bad_memory(struct ioas_emulation *e, uint64_t at)
{
	e->fault_address = at;
	return IOAS_EMULATED_FAULT;
}

/* Registers or memory, whichever is there. */
static enum ioas_emulated element_load(struct ioas_emulation *e, uint64_t at,
                                       unsigned int size, uint64_t *ret_value)
{
	enum ioas_emulated result;

	if (!on_bus(e->bus, at))
		return ioas_hooks.copy(ret_value, (void *)at, size)
		               ? bad_memory(e, at)
		               : IOAS_EMULATED_DONE;
	result = check_access(e->bus, at, size, false);
	return result == IOAS_EMULATED_DONE
	               ? bus_load(e->bus, at, size, ret_value)
	               : result;
}

static enum ioas_emulated element_store(struct ioas_emulation *e, uint64_t at,
                                        unsigned int size, uint64_t value)
{
	enum ioas_emulated result;

	if (!on_bus(e->bus, at))
		return ioas_hooks.copy((void *)at, &value, size)
		               ? bad_memory(e, at)
		               : IOAS_EMULATED_DONE;
	result = check_access(e->bus, at, size, true);
	return result == IOAS_EMULATED_DONE ? bus_store(e->bus, at, size, value)
	                                    : result;
}

static enum ioas_emulated do_element(struct ioas_emulation *e,
                                     const struct ioas_insn *insn,
                                     uint64_t from, uint64_t to)
{
	greg_t *rax = ioas_general(e->context, RAX);
	struct ioas_reg accumulator = {RAX, insn->size, false};
	enum ioas_emulated result;
	uint64_t value = (uint64_t)*rax & mask_of(insn->size);

	if (insn->kind == IOAS_INSN_STOS)
		return element_store(e, to, insn->size, value);
	value = 0;
	result = element_load(e, from, insn->size, &value);
	if (result != IOAS_EMULATED_DONE)
		return result;
	if (insn->kind == IOAS_INSN_MOVS)
		return element_store(e, to, insn->size, value);
	ioas_register_set(e->context, accumulator, value);
	return result;
}

/* Which of the two ends are registers. */
struct ends {
	bool from, to;
};

static struct ends ends_on_bus(const struct ioas_emulation *e,
                               const struct ioas_insn *insn, uint64_t from,
                               uint64_t to)
{
	return (struct ends){
		insn->kind != IOAS_INSN_STOS && on_bus(e->bus, from),
		insn->kind != IOAS_INSN_LODS && on_bus(e->bus, to)};
}

static enum ioas_emulated unknown(struct ioas_emulation *e, const char *reason)
{
	e->reason = reason;
	return IOAS_EMULATED_UNKNOWN;
}

static void step_string(ucontext_t *context, const struct ioas_insn *insn)
{
	bool down = context->uc_mcontext.gregs[REG_EFL] & FLAG_DF;
	greg_t step = down ? -(greg_t)insn->size : (greg_t)insn->size;

	if (insn->kind != IOAS_INSN_STOS)
		*ioas_general(context, RSI) += step;
	if (insn->kind != IOAS_INSN_LODS)
		*ioas_general(context, RDI) += step;
	if (insn->repeat)
		--*ioas_general(context, RCX);
}

static enum ioas_emulated do_string(struct ioas_emulation *e,
                                    const struct ioas_insn *insn)
{
	greg_t *rcx = ioas_general(e->context, RCX);
	uint64_t base = segment_base(insn->segment);
	enum ioas_emulated result;
	struct ends ends;
	uint64_t from, to;

	do {
		from = (uint64_t)*ioas_general(e->context, RSI) + base;
		to = (uint64_t)*ioas_general(e->context, RDI);
		ends = ends_on_bus(e, insn, from, to);
		if (ends.from && ends.to)
			return unknown(e, "a copy from register to register");
		/* Memory from here on: the processor's part again. */
		if (!ends.from && !ends.to)
			return IOAS_EMULATED_DONE;
		result = do_element(e, insn, from, to);
		if (result != IOAS_EMULATED_DONE)
			return result;
		step_string(e->context, insn);
	} while (insn->repeat && *rcx);
	e->context->uc_mcontext.gregs[REG_RIP] += insn->length;
	return IOAS_EMULATED_DONE;
}

static bool is_string(const struct ioas_insn *insn)
{
	return insn->kind == IOAS_INSN_MOVS || insn->kind == IOAS_INSN_STOS ||
	       insn->kind == IOAS_INSN_LODS;
}

/* ---- All of them. ---- */

static enum ioas_emulated do_plain(struct ioas_emulation *e,
                                   const struct ioas_insn *insn)
{
	static enum ioas_emulated (*const does[])(struct ioas_emulation * e,
	                                          const struct ioas_insn *insn,
	                                          uint64_t at) = {
		[IOAS_INSN_LOAD] = do_load,
		[IOAS_INSN_STORE] = do_store,
		[IOAS_INSN_ALU] = do_alu,
		[IOAS_INSN_UNARY] = do_unary,
		[IOAS_INSN_EXCHANGE] = do_exchange,
		[IOAS_INSN_VECTOR_LOAD] = do_vector_load,
		[IOAS_INSN_VECTOR_STORE] = do_vector_store,
	};
	uint64_t at = address_of(e->context, insn);
	enum ioas_emulated result;

	if (!on_bus(e->bus, at))
		return unknown(e, "an access that begins before the mapping");
	result = does[insn->kind](e, insn, at);
	if (result == IOAS_EMULATED_DONE)
		e->context->uc_mcontext.gregs[REG_RIP] += insn->length;
	return result;
}

/* As many bytes as there are: the page behind the last may not be. */
static unsigned int fetch(uint64_t pc, uint8_t *ret_bytes)
{
	uint64_t page = getauxval(AT_PAGESZ);
	uint64_t left = page - (pc & (page - 1));

	if (!ioas_hooks.copy(ret_bytes, (void *)pc, IOAS_INSTRUCTION_MAX))
		return IOAS_INSTRUCTION_MAX;
	if (left < IOAS_INSTRUCTION_MAX &&
	    !ioas_hooks.copy(ret_bytes, (void *)pc, left))
		return (unsigned int)left;
	return 0;
}

enum ioas_emulated ioas_emulate(struct ioas_emulation *emulation)
{
	struct ioas_emulation *e = emulation;
	uint64_t pc = (uint64_t)e->context->uc_mcontext.gregs[REG_RIP];
	const struct ioas_insn *insn;

	e->length = fetch(pc, e->bytes);
	if (!e->length)
		return unknown(e, "code that cannot be read");
	insn = ioas_decode(e->cache, pc, e->bytes, e->length);
	if (insn->kind == IOAS_INSN_UNKNOWN)
		return unknown(e, insn->reason);
	return is_string(insn) ? do_string(e, insn) : do_plain(e, insn);
}
