/* SPDX-License-Identifier: MIT */
/*
 * A BAR is mapped as device memory (Device-nGnRnE), where each register's
 * operand has to be aligned to its size: what is not ends as on hardware, in
 * an alignment fault. The operand of a vector register is accessed 8 bytes at
 * a time (TRAP-2).
 *
 * Sources: Arm Architecture Reference Manual for A-profile (DDI 0487), B2.10
 * Memory types and attributes, and B2.8 Alignment support; Linux 7.3
 * drivers/vfio/pci/vfio_pci_core.c and arch/arm64/include/asm/pgtable.h,
 * pgprot_noncached().
 */
#include "preload/perform_aarch64.h"

#include <sys/mman.h>

#define SP_OR_ZERO 31
#define PIECES_MAX 4 /* of 8 bytes: two vectors */

/* ---- Registers. ---- */

static uint64_t mask_of(unsigned int size)
{
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

static uint64_t sign_extend(uint64_t value, unsigned int size)
{
	uint64_t top = UINT64_C(1) << (8 * size - 1);

	return (value ^ top) - top;
}

static uint64_t general(const struct ioas_aarch64_registers *r,
                        unsigned int number)
{
	return number == SP_OR_ZERO ? 0 : r->x[number];
}

static uint64_t base_of(const struct ioas_aarch64_insn *insn,
                        const struct ioas_aarch64_registers *r)
{
	if (insn->base == IOAS_AARCH64_LITERAL)
		return r->pc;
	return insn->rn == SP_OR_ZERO ? r->sp : r->x[insn->rn];
}

static uint64_t offset_of(const struct ioas_aarch64_insn *insn,
                          const struct ioas_aarch64_registers *r)
{
	uint64_t index;

	if (insn->base != IOAS_AARCH64_INDEX)
		return (uint64_t)insn->offset;
	index = general(r, insn->rm);
	if (!(insn->extend & 1))
		index &= UINT32_MAX;
	if (insn->extend == 6) /* SXTW */
		index = sign_extend(index, 4);
	return index << insn->shift;
}

uint64_t ioas_aarch64_address(const struct ioas_aarch64_insn *insn,
                              const struct ioas_aarch64_registers *registers)
{
	uint64_t at = base_of(insn, registers);

	if (insn->base != IOAS_AARCH64_POST)
		at += offset_of(insn, registers);
	return at & (UINT64_MAX >> 8);
}

static void write_back(const struct ioas_aarch64_insn *insn,
                       struct ioas_aarch64_registers *r)
{
	if (insn->base != IOAS_AARCH64_PRE && insn->base != IOAS_AARCH64_POST)
		return;
	if (insn->rn == SP_OR_ZERO)
		r->sp += (uint64_t)insn->offset;
	else
		r->x[insn->rn] += (uint64_t)insn->offset;
}

/* ---- The operand, in pieces of up to 8 bytes. ---- */

struct operand {
	unsigned int piece;     /* bytes of one */
	unsigned int per, used; /* pieces of a register, and of all */
	uint64_t value[PIECES_MAX];
};

static struct operand operand_of(const struct ioas_aarch64_insn *insn)
{
	unsigned int piece = insn->size < 8 ? insn->size : 8;
	unsigned int per = insn->size / piece;

	return (struct operand){piece, per, insn->pair ? 2 * per : per, {0}};
}

static unsigned int bytes_of(const struct ioas_aarch64_insn *insn)
{
	return insn->pair ? 2u * insn->size : insn->size;
}

static void gather(const struct ioas_aarch64_insn *insn,
                   const struct ioas_aarch64_registers *r, struct operand *o)
{
	unsigned int i, number;

	for (i = 0; i < o->used; i++) {
		number = i / o->per ? insn->rt2 : insn->rt;
		o->value[i] = insn->vector ? r->v[number][i % o->per]
		                           : general(r, number);
		o->value[i] &= mask_of(o->piece);
	}
}

static void set_register(const struct ioas_aarch64_insn *insn,
                         struct ioas_aarch64_registers *r, unsigned int number,
                         const uint64_t *value)
{
	uint64_t extended = *value;

	if (insn->vector) {
		r->v[number][0] = value[0];
		r->v[number][1] = insn->size == 16 ? value[1] : 0;
		return;
	}
	if (insn->sign)
		extended = sign_extend(extended, insn->size);
	if (!insn->wide)
		extended &= UINT32_MAX;
	if (number != SP_OR_ZERO)
		r->x[number] = extended;
}

static void scatter(const struct ioas_aarch64_insn *insn,
                    struct ioas_aarch64_registers *r, const struct operand *o)
{
	set_register(insn, r, insn->rt, o->value);
	if (insn->pair)
		set_register(insn, r, insn->rt2, o->value + o->per);
}

/* ---- The bus. ---- */

/* What Linux maps for writing, or for execution, can be read. */
static enum ioas_emulated check_access(const struct ioas_aarch64_insn *insn,
                                       const struct ioas_bus *bus, uint64_t at)
{
	int need = insn->kind == IOAS_AARCH64_STORE
	                   ? PROT_WRITE
	                   : PROT_READ | PROT_WRITE | PROT_EXEC;

	if (!(bus->prot & need))
		return IOAS_EMULATED_DENIED;
	if (at & (insn->size - 1u))
		return IOAS_EMULATED_UNALIGNED;
	if (bytes_of(insn) > bus->bytes - (at - bus->start))
		return IOAS_EMULATED_BUS;
	return IOAS_EMULATED_DONE;
}

static bool transfer(const struct ioas_aarch64_insn *insn,
                     const struct ioas_bus *bus, uint64_t offset,
                     struct operand *o)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < o->used && !err; i++, offset += o->piece) {
		if (insn->kind == IOAS_AARCH64_LOAD)
			err = bus->load(bus->context, offset, o->piece,
			                &o->value[i]);
		else
			err = bus->store(bus->context, offset, o->piece,
			                 o->value[i]);
	}
	return !err;
}

enum ioas_emulated
ioas_aarch64_perform(const struct ioas_aarch64_insn *insn,
                     struct ioas_aarch64_registers *registers,
                     const struct ioas_bus *bus, const char **ret_reason)
{
	uint64_t at = ioas_aarch64_address(insn, registers);
	struct operand operand = operand_of(insn);
	enum ioas_emulated result;

	if (at - bus->start >= bus->bytes) {
		*ret_reason = "an access that begins before the mapping";
		return IOAS_EMULATED_UNKNOWN;
	}
	if (insn->vector && !registers->v) {
		*ret_reason = "a vector register that the signal frame lacks";
		return IOAS_EMULATED_UNKNOWN;
	}
	result = check_access(insn, bus, at);
	if (result != IOAS_EMULATED_DONE)
		return result;
	if (insn->kind == IOAS_AARCH64_STORE)
		gather(insn, registers, &operand);
	if (!transfer(insn, bus, at - bus->start, &operand))
		return IOAS_EMULATED_BUS;
	if (insn->kind == IOAS_AARCH64_LOAD)
		scatter(insn, registers, &operand);
	write_back(insn, registers);
	registers->pc += 4;
	return IOAS_EMULATED_DONE;
}
