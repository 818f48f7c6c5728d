/* SPDX-License-Identifier: MIT */
/*
 * The registers in BAR 0. An access of any width and alignment concerns the
 * bytes of the registers that it touches, in ascending order; what lies
 * between registers reads as 0. So a driver may write a register of 64 bits in
 * two halves; either half of CHAINADDR restarts the chain.
 *
 * Source: Linux 7.3 drivers/dma/ioat/registers.h (places and bits).
 */
#include "ioat/ioat.h"

#define CHANNELS 1

#define COMMAND_RESET   (1u << 5)
#define COMMAND_RESUME  (1u << 4)
#define COMMAND_ABORT   (1u << 3)
#define COMMAND_SUSPEND (1u << 2)

#define GENCTRL_DEBUG 0x01

#define INTRCTRL_WRITABLE (IOAT_INTERRUPT_MASTER | IOAT_INTERRUPT_VECTORS)

#define CONTROL_WRITABLE 0xf33c /* with priority, snooping, DCA: no effect */

#define ERROR_BITS 0x7ffffu

#define COMPATIBLE_V2 0x0002

/* Addresses that a register can hold. */
#define CHANCMP_BITS (~UINT64_C(0x7))

/* What a store brings to a register: bytes at their places. */
struct change {
	uint64_t value, mask;
};

static uint64_t merge(uint64_t old, const struct change *c)
{
	return (old & ~c->mask) | (c->value & c->mask);
}

/* ---- Of the device ---- */

static uint64_t get_chancnt(struct ioat *e)
{
	return CHANNELS;
}

static uint64_t get_xfercap(struct ioat *e)
{
	return e->identity.xfercap_lg2;
}

static uint64_t get_genctrl(struct ioat *e)
{
	return e->genctrl;
}

static void set_genctrl(struct ioat *e, const struct change *c)
{
	e->genctrl = (uint8_t)(merge(e->genctrl, c) & GENCTRL_DEBUG);
}

static uint64_t get_intrctrl(struct ioat *e)
{
	uint64_t value = e->intrctrl;

	if (e->attention)
		value |= IOAT_INTERRUPT_STATUS;
	if (e->attention && e->intrctrl & IOAT_INTERRUPT_MASTER)
		value |= IOAT_INTERRUPT_RAISED;
	return value;
}

static void set_intrctrl(struct ioat *e, const struct change *c)
{
	e->intrctrl = (uint8_t)(merge(e->intrctrl, c) & INTRCTRL_WRITABLE);
	ioat_interrupt_settle(e);
}

/* Reading it answers the interrupt. */
static uint64_t get_attnstatus(struct ioat *e)
{
	uint64_t value = e->attention;

	e->attention = false;
	return value;
}

static uint64_t get_version(struct ioat *e)
{
	return e->identity.version;
}

static uint64_t get_capability(struct ioat *e)
{
	return IOAT_CAPABILITY_FILL;
}

/* ---- Of the channel ---- */

static uint64_t get_chanctrl(struct ioat *e)
{
	return e->control | e->interrupts_off;
}

static void set_chanctrl(struct ioat *e, const struct change *c)
{
	e->control = (uint16_t)(merge(e->control, c) & CONTROL_WRITABLE);
	if (c->value & c->mask & IOAT_CONTROL_REARM)
		e->interrupts_off = false;
}

static uint64_t get_compatibility(struct ioat *e)
{
	return COMPATIBLE_V2;
}

/* A command is over when the store is: none reads back. */
static uint64_t get_chancmd(struct ioat *e)
{
	return 0;
}

/* Starting and appending are of the first version, and do nothing. */
static void set_chancmd(struct ioat *e, const struct change *c)
{
	uint64_t command = c->value & c->mask;

	if (command & COMMAND_RESET)
		ioat_engine_reset(e);
	else if (command & COMMAND_ABORT)
		ioat_engine_abort(e);
	else if (command & COMMAND_SUSPEND)
		ioat_engine_suspend(e);
	else if (command & COMMAND_RESUME)
		ioat_engine_resume(e);
}

static uint64_t get_dmacount(struct ioat *e)
{
	return e->count;
}

static void set_dmacount(struct ioat *e, const struct change *c)
{
	e->count = (uint16_t)merge(e->count, c);
	ioat_engine_release(e);
}

static uint64_t get_chansts(struct ioat *e)
{
	return e->completed | e->state;
}

static uint64_t get_chainaddr(struct ioat *e)
{
	return e->chain;
}

/* While it is active the chain cannot be exchanged. */
static void set_chainaddr(struct ioat *e, const struct change *c)
{
	if (e->state == IOAT_ACTIVE)
		return;
	e->chain = merge(e->chain, c);
	ioat_engine_restart(e);
}

static uint64_t get_chancmp(struct ioat *e)
{
	return e->completion;
}

static void set_chancmp(struct ioat *e, const struct change *c)
{
	e->completion = merge(e->completion, c) & CHANCMP_BITS;
}

static uint64_t get_cdar(struct ioat *e)
{
	return e->descriptor.at;
}

static uint64_t get_chanerr(struct ioat *e)
{
	return e->error;
}

static void set_chanerr(struct ioat *e, const struct change *c)
{
	e->error &= ~(uint32_t)(c->value & c->mask);
}

static uint64_t get_chanerrmask(struct ioat *e)
{
	return e->error_mask;
}

static void set_chanerrmask(struct ioat *e, const struct change *c)
{
	e->error_mask = (uint32_t)merge(e->error_mask, c) & ERROR_BITS;
}

/* ---- All of them ---- */

static const struct ioat_register {
	uint16_t at;
	uint8_t bytes;
	uint64_t (*get)(struct ioat *e);
	void (*set)(struct ioat *e, const struct change *c); /* or NULL */
} registers[] = {
	{0x00, 1, get_chancnt, NULL},
	{0x01, 1, get_xfercap, NULL},
	{0x02, 1, get_genctrl, set_genctrl},
	{0x03, 1, get_intrctrl, set_intrctrl},
	{0x04, 4, get_attnstatus, NULL},
	{0x08, 1, get_version, NULL},
	{0x10, 4, get_capability, NULL},
	{0x80, 2, get_chanctrl, set_chanctrl},
	{0x82, 2, get_compatibility, NULL},
	{0x84, 1, get_chancmd, set_chancmd},
	{IOAT_DMACOUNT, 2, get_dmacount, set_dmacount},
	{0x88, 8, get_chansts, NULL},
	{0x90, 8, get_chainaddr, set_chainaddr},
	{0x98, 8, get_chancmp, set_chancmp},
	{0xa0, 8, get_cdar, NULL},
	{0xa8, 4, get_chanerr, set_chanerr},
	{0xac, 4, get_chanerrmask, set_chanerrmask},
	{0, 0, NULL, NULL},
};

static bool touches(const struct ioat_register *r, uint64_t offset,
                    unsigned int size)
{
	return offset < r->at + r->bytes && r->at < offset + size;
}

/* The bytes of @value, which begin at @from, as they lie from @to on. */
static uint64_t shifted(uint64_t value, uint64_t from, uint64_t to)
{
	return from >= to ? value << 8 * (from - to) : value >> 8 * (to - from);
}

static uint64_t bytes_mask(unsigned int bytes)
{
	return bytes < 8 ? (UINT64_C(1) << 8 * bytes) - 1 : UINT64_MAX;
}

uint64_t ioat_load(void *state, unsigned int bar, uint64_t offset,
                   unsigned int size)
{
	const struct ioat_register *r;
	uint64_t value = 0;

	for (r = registers; r->bytes; r++)
		if (touches(r, offset, size))
			value |= shifted(r->get(state), r->at, offset);
	return value & bytes_mask(size);
}

void ioat_store(void *state, unsigned int bar, uint64_t offset,
                unsigned int size, uint64_t value)
{
	const struct ioat_register *r;
	struct change c;

	for (r = registers; r->bytes; r++) {
		if (!r->set || !touches(r, offset, size))
			continue;
		c.mask = shifted(bytes_mask(size), offset, r->at) &
		         bytes_mask(r->bytes);
		c.value = shifted(value, offset, r->at);
		r->set(state, &c);
	}
}
