/* SPDX-License-Identifier: MIT */
/*
 * The engine: descriptors, one after the other, and what becomes of them.
 *
 * What is refused on the bus, or asks for what cannot be, is an error: its bit
 * in CHANERR, and the channel halts; the rest is not run. Without
 * CONTROL_ERROR_ABORT, or with the error masked, a descriptor that failed is
 * passed over instead. What makes it impossible to find the next one, or to say
 * that one is done, halts always.
 */
#include <errno.h>

#include "ioat/ioat.h"

#define DESCRIPTOR_BYTES 64
#define DESCRIPTOR_ALIGN (DESCRIPTOR_BYTES - 1)

/* Control word of a descriptor. */
#define WANTS_INTERRUPT  (1u << 0)
#define WANTS_COMPLETION (1u << 3)
#define MOVES_NOTHING    (1u << 5)
#define OPERATION_SHIFT  24
#define OPERATION_COPY   0x00
#define OPERATION_FILL   0x01

/* What a piece of work may cost: as much as copying so many bytes. */
#define PIECE           (1u << 20)
#define DESCRIPTOR_COST 1024

#define HALTS_ALWAYS                                                 \
	(IOAT_ERROR_NEXT | IOAT_ERROR_ALIGNMENT | IOAT_ERROR_CHAIN | \
	 IOAT_ERROR_COMPLETION)

static uint64_t get64(const uint8_t *at)
{
	/* Without a loop a compiler makes one load of it. */
	return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
	       (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 |
	       (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
	       (uint64_t)at[7] << 56;
}

static void put64(uint8_t *at, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static struct ioas_issuer issuer(const struct ioat *e, const char *command,
                                 const char *role)
{
	return (struct ioas_issuer){
		command, role, -1, (int)(e->number & INT32_MAX), IOAS_NO_PASID};
}

/* ---- Interrupts ---- */

void ioat_interrupt_settle(struct ioat *e)
{
	if (e->attention && e->held && e->intrctrl) {
		e->held = false;
		ioas_device_interrupt(e->dev, 0);
	}
}

/* One, until the program asks for the next by CHANCTRL. */
static void interrupt(struct ioat *e)
{
	if (e->interrupts_off)
		return;
	e->interrupts_off = true;
	e->attention = true;
	e->held = true;
	ioat_interrupt_settle(e);
}

/* ---- Errors ---- */

static bool write_completion(struct ioat *e)
{
	const struct ioas_issuer who = issuer(e, "completion", NULL);
	uint8_t status[8];

	put64(status, e->completed | e->state);
	return !ioas_dma_write(e->dev, e->completion, status, sizeof(status),
	                       &who);
}

static void note_error(struct ioat *e, uint32_t bit)
{
	e->error |= bit;
	ioas_device_config_set(e->dev, IOAT_CONFIG_CHANERR, bit);
}

static void halt(struct ioat *e, uint32_t bit)
{
	e->state = IOAT_HALTED;
	e->failed = true;
	e->fetched = false;
	if (bit != IOAT_ERROR_COMPLETION &&
	    e->control & IOAT_CONTROL_ERROR_COMPLETION && !write_completion(e))
		note_error(e, IOAT_ERROR_COMPLETION);
}

/* To the next descriptor. */
static void advance(struct ioat *e)
{
	e->fetched = false;
	e->next = e->descriptor.next;
	e->number++;
	e->consumed++;
	if (e->consumed == e->count)
		e->state = IOAT_DONE;
}

static void fail(struct ioat *e, uint32_t bit)
{
	const bool masked = e->error_mask & bit;
	const bool halts = bit & HALTS_ALWAYS ||
	                   (e->control & IOAT_CONTROL_ERROR_ABORT && !masked);

	note_error(e, bit);
	if (halts)
		halt(e, bit);
	else
		advance(e);
	if (e->control & IOAT_CONTROL_ERROR_INTERRUPT && !masked)
		interrupt(e);
}

/* ---- One descriptor ---- */

/* Return: 0 or the error. */
static uint32_t fetch(struct ioat *e)
{
	const struct ioas_issuer who = issuer(e, "descriptor", "next");
	struct ioat_descriptor *d = &e->descriptor;
	uint8_t raw[DESCRIPTOR_BYTES];

	d->at = e->next;
	if (e->next & DESCRIPTOR_ALIGN)
		return e->number ? IOAT_ERROR_ALIGNMENT : IOAT_ERROR_CHAIN;
	if (ioas_dma_read(e->dev, e->next, raw, sizeof(raw), &who))
		return IOAT_ERROR_NEXT;
	d->size = (uint32_t)get64(raw);
	d->control = (uint32_t)(get64(raw) >> 32);
	d->source = get64(raw + 8);
	d->destination = get64(raw + 16);
	d->next = get64(raw + 24);
	e->fetched = true;
	e->moved = 0;
	return 0;
}

static unsigned int operation(const struct ioat_descriptor *d)
{
	return d->control >> OPERATION_SHIFT;
}

static bool moves(const struct ioat_descriptor *d)
{
	return !(d->control & MOVES_NOTHING);
}

/* Return: 0 or the error. */
static uint32_t check(const struct ioat *e)
{
	const struct ioat_descriptor *d = &e->descriptor;

	if (!d->size || d->size > UINT32_C(1) << e->identity.xfercap_lg2)
		return IOAT_ERROR_LENGTH;
	if (moves(d) && operation(d) != OPERATION_COPY &&
	    operation(d) != OPERATION_FILL)
		return IOAT_ERROR_CONTROL;
	return 0;
}

static void prepare_fill(struct ioat *e)
{
	unsigned int i;

	for (i = 0; i < sizeof(e->pattern); i += 8)
		put64(e->pattern + i, e->descriptor.source);
}

static uint32_t copy(struct ioat *e, uint32_t bytes)
{
	const struct ioas_issuer reads = issuer(e, "COPY", "source");
	const struct ioas_issuer writes = issuer(e, "COPY", "destination");
	const struct ioas_copy wanted = {
		.source = e->descriptor.source + e->moved,
		.destination = e->descriptor.destination + e->moved,
		.bytes = bytes,
		.reads = &reads,
		.writes = &writes,
	};
	int err = ioas_dma_copy(e->dev, &wanted);

	e->moved += bytes;
	if (!err)
		return 0;
	return err == -EFAULT ? IOAT_ERROR_SOURCE : IOAT_ERROR_DESTINATION;
}

/* Pieces begin on multiples of 8, so the pattern always fits. */
static uint32_t fill(struct ioat *e, uint32_t bytes)
{
	const struct ioas_issuer who = issuer(e, "FILL", "destination");
	int err = ioas_dma_write(e->dev, e->descriptor.destination + e->moved,
	                         e->pattern, bytes, &who);

	e->moved += bytes;
	return err ? IOAT_ERROR_DESTINATION : 0;
}

static uint32_t begin(struct ioat *e)
{
	uint32_t error = fetch(e);

	if (!error)
		error = check(e);
	if (!error && operation(&e->descriptor) == OPERATION_FILL)
		prepare_fill(e);
	return error;
}

/* Return: 0 or the error. *cost is what it took. */
static uint32_t move(struct ioat *e, uint32_t *cost)
{
	const struct ioat_descriptor *d = &e->descriptor;
	const bool fills = operation(d) == OPERATION_FILL;
	uint32_t bytes = d->size - e->moved;

	if (!moves(d)) {
		e->moved = d->size;
		return 0;
	}
	if (fills && bytes > sizeof(e->pattern))
		bytes = sizeof(e->pattern);
	if (bytes > PIECE)
		bytes = PIECE;
	*cost += bytes;
	return fills ? fill(e, bytes) : copy(e, bytes);
}

static void complete(struct ioat *e)
{
	const uint32_t control = e->descriptor.control;

	e->completed = e->descriptor.at;
	advance(e);
	if (control & WANTS_COMPLETION && !write_completion(e)) {
		fail(e, IOAT_ERROR_COMPLETION);
		return;
	}
	if (control & WANTS_INTERRUPT)
		interrupt(e);
}

/* A part of a descriptor, or all of it. Return: what it cost. */
static uint32_t step(struct ioat *e)
{
	uint32_t cost = DESCRIPTOR_COST, error = 0;

	if (!e->fetched)
		error = begin(e);
	if (!error)
		error = move(e, &cost);
	if (error)
		fail(e, error);
	else if (e->moved == e->descriptor.size)
		complete(e);
	return cost;
}

uint64_t ioat_engine_work(void *state)
{
	struct ioat *e = state;
	uint32_t cost = 0;

	if (e->state == IOAT_ACTIVE && ioas_device_now(e->dev) < e->ready)
		return e->ready;
	while (e->state == IOAT_ACTIVE && cost < PIECE)
		cost += step(e);
	return e->state == IOAT_ACTIVE ? IOAS_WORK_NOW : IOAS_WORK_NONE;
}

/* ---- States ---- */

void ioat_engine_reset(struct ioat *e)
{
	e->state = IOAT_HALTED;
	e->fetched = false;
	e->chain = 0;
	e->completed = 0;
	e->count = 0;
	e->consumed = 0;
	e->number = 0;
	e->descriptor = (struct ioat_descriptor){0};
}

void ioat_engine_restart(struct ioat *e)
{
	const uint64_t chain = e->chain;

	ioat_engine_reset(e);
	e->chain = chain;
	e->next = chain;
	e->state = IOAT_ARMED;
}

static void activate(struct ioat *e)
{
	e->state = IOAT_ACTIVE;
	if (e->failed && e->identity.recovery)
		e->ready = ioas_device_now(e->dev) + e->identity.recovery;
	e->failed = false;
}

void ioat_engine_release(struct ioat *e)
{
	if (e->state == IOAT_SUSPENDED || e->state == IOAT_HALTED)
		return;
	if (e->count != e->consumed)
		activate(e);
	else if (e->state == IOAT_ACTIVE)
		e->state = IOAT_DONE;
}

void ioat_engine_suspend(struct ioat *e)
{
	if (e->state != IOAT_HALTED)
		e->state = IOAT_SUSPENDED;
}

void ioat_engine_resume(struct ioat *e)
{
	if (e->state != IOAT_SUSPENDED)
		return;
	e->state = e->number ? IOAT_DONE : IOAT_ARMED;
	ioat_engine_release(e);
}

void ioat_engine_abort(struct ioat *e)
{
	e->state = IOAT_HALTED;
	e->fetched = false;
}
