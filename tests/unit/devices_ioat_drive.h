/* SPDX-License-Identifier: MIT */
/*
 * A small driver for the tests of devices/ioat: it knows the registers and
 * nothing of the model's sources. The program's memory is one mapping at
 * DRIVE_IOVA: descriptors, then the completion, then data from DRIVE_DATA on.
 */
#ifndef DEVICES_IOAT_DRIVE_H
#define DEVICES_IOAT_DRIVE_H

#include "devices/models.h"
#include "devices_board.h"

#define DRIVE_IOVA    UINT64_C(0x10000000)
#define DRIVE_BYTES   (4u << 20)
#define DRIVE_RING    64u    /* descriptors, at offset 0 */
#define DRIVE_STATUS  0x8000 /* the completion */
#define DRIVE_DATA    0x10000
#define DRIVE_NOWHERE UINT64_C(0x7000000000)

enum drive_register {
	REG_CHANCNT = 0x00,
	REG_XFERCAP = 0x01,
	REG_INTRCTRL = 0x03,
	REG_ATTNSTATUS = 0x04,
	REG_VERSION = 0x08,
	REG_CAPABILITY = 0x10,
	REG_CHANCTRL = 0x80,
	REG_CHANCMD = 0x84,
	REG_DMACOUNT = 0x86,
	REG_CHANSTS = 0x88,
	REG_CHAINADDR = 0x90,
	REG_CHANCMP = 0x98,
	REG_CDAR = 0xa0,
	REG_CHANERR = 0xa8,
	REG_CHANERRMASK = 0xac,
};

enum { ACTIVE, DONE, SUSPENDED, HALTED, ARMED };

#define CMD_RESET   0x20
#define CMD_RESUME  0x10
#define CMD_ABORT   0x08
#define CMD_SUSPEND 0x04

#define CTL_INTERRUPT  0x01
#define CTL_COMPLETION 0x08
#define CTL_NULL       0x20
#define CTL_FILL       0x01000000

#define CFG_CHANERR 0x180

struct drive {
	struct board *board;
	uint8_t *memory;
	struct ioas_option option[4];
};

struct drive_descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

static void put(struct drive *d, unsigned int at, unsigned int size,
                uint64_t value)
{
	board_store(d->board, at, size, value);
}

static uint64_t get(struct drive *d, unsigned int at, unsigned int size)
{
	return board_load(d->board, at, size);
}

static unsigned int state(struct drive *d)
{
	return get(d, REG_CHANSTS, 8) & 7;
}

static uint64_t at_descriptor(unsigned int i)
{
	return DRIVE_IOVA + 64 * i;
}

/* The address of data. */
static uint64_t data(uint64_t offset)
{
	return DRIVE_IOVA + DRIVE_DATA + offset;
}

static uint8_t *bytes_at(struct drive *d, uint64_t offset)
{
	return d->memory + DRIVE_DATA + offset;
}

/* A descriptor in the ring; the last is followed by the first. */
static struct drive_descriptor *describe(struct drive *d, unsigned int i,
                                         uint64_t source, uint64_t destination,
                                         uint32_t size)
{
	struct drive_descriptor *to =
		(struct drive_descriptor *)(void *)(d->memory + 64 * i);

	*to = (struct drive_descriptor){
		.size = size,
		.source = source,
		.destination = destination,
		.next = at_descriptor((i + 1) % DRIVE_RING),
	};
	return to;
}

BOARD_MAYBE uint64_t status(const struct drive *d)
{
	uint64_t value;

	memcpy(&value, d->memory + DRIVE_STATUS, sizeof(value));
	return value;
}

/* Ready for DMACOUNT, with abort and completion on errors. */
static void start(struct drive *d)
{
	put(d, REG_CHANCMD, 1, CMD_RESET);
	put(d, REG_CHANCTRL, 2, 0x1c);
	put(d, REG_CHANCMP, 8, DRIVE_IOVA + DRIVE_STATUS);
	put(d, REG_CHAINADDR, 8, DRIVE_IOVA);
}

static struct drive *drive_with(struct rig *r, const char *key,
                                const char *value)
{
	static struct drive drive;
	struct drive *d = &drive;

	memset(d, 0, sizeof(*d));
	d->board = board_new(r);
	d->option[0] = (struct ioas_option){key, value};
	board_plug(d->board, &ioas_ioat_model, d->option, key ? 1 : 0);
	d->memory = board_map(d->board, DRIVE_IOVA, DRIVE_BYTES,
	                      IOAS_READ | IOAS_WRITE);
	return d;
}

BOARD_MAYBE struct drive *drive_new(struct rig *r)
{
	return drive_with(r, NULL, NULL);
}

#endif /* DEVICES_IOAT_DRIVE_H */
