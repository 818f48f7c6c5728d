/* SPDX-License-Identifier: MIT */
/*
 * An I/OAT engine under a driver that does anything: registers of any width,
 * descriptors that point anywhere, memory that goes away or that the device
 * may not touch, resets. It is run inline: without a thread each store ends
 * when the engine does.
 *
 * Memory is as board.h has it; descriptors are in the first pages.
 *
 * What must hold: accesses end, the channel stops, memory that the device may
 * not write is as it was, CHANERR names what halted it, and no block or pin is
 * left.
 */
#include <string.h>

#include "board.h"
#include "devices/models.h"

#define OPS 200

#define DESCRIPTOR 64
#define DMACOUNT   0x86
#define CHANSTS    0x88
#define CHAINADDR  0x90
#define CHANCMP    0x98
#define CHANERR    0xa8
#define ACTIVE     0
#define HALTED     3

/* At most so many at once: a fuzzer has no time for 65535. */
#define RELEASED_MAX 200

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

static void board_begin(void)
{
	static const struct ioas_option options[] = {{"mode", "inline"},
	                                             {"xfercap", "64K"}};
	const struct ioas_device_request request = {
		.model = &ioas_ioat_model,
		.options = options,
		.option_count = IOAS_ARRAY_SIZE(options),
	};

	fuzz_board_begin(&request);
	ioas_device_irq_on(fuzz_board.dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(fuzz_board.dev, 0, FUZZ_EVENT);
}

/* ---- Registers ---- */

static void set(uint64_t at, unsigned int size, uint64_t value)
{
	fuzz_store(at, size, value);
	/* A store ends when the engine does, and tells why it stopped. */
	fuzz_check((fuzz_load(CHANSTS, 8) & 7) != ACTIVE);
	fuzz_check(fuzz_load(CHANSTS, 8) % DESCRIPTOR <= 4);
}

static void do_store(struct fuzz_input *in)
{
	unsigned int size = 1u << fuzz_below(in, 4);
	uint64_t at = fuzz_byte(in);

	/* The count has an operation of its own. */
	if (at < DMACOUNT + 2 && at + size > DMACOUNT)
		at = CHANERR;
	set(at, size, fuzz_take(in, size));
}

static void do_load(struct fuzz_input *in)
{
	unsigned int size = 1u << fuzz_below(in, 4);

	fuzz_load(fuzz_take(in, 2) & 0x3ff8, size);
}

static bool is_halted(void)
{
	return (fuzz_load(CHANSTS, 8) & 7) == HALTED;
}

static void do_ring(struct fuzz_input *in)
{
	uint64_t count = fuzz_load(DMACOUNT, 2) + fuzz_below(in, RELEASED_MAX);
	bool halted = is_halted();

	set(DMACOUNT, 2, count & 0xffff);
	fuzz_check(halted || !is_halted() || fuzz_load(CHANERR, 4));
}

/* ---- Memory ---- */

/* An address: mostly in the window, at its edges too. */
static uint64_t take_address(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf8)
		return fuzz_take(in, 8);
	return fuzz_window(b & 63) +
	       (b & 0x80 ? fuzz_world.page_bytes - (b & 0x40 ? 8 : 1)
	                 : fuzz_take(in, 1) * 8);
}

static uint64_t take_descriptor(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	return b < 0xf0 ? fuzz_window(0) + b * DESCRIPTOR : take_address(in);
}

static void do_describe(struct fuzz_input *in)
{
	unsigned int slot = fuzz_byte(in), flags = fuzz_byte(in);
	const struct descriptor d = {
		.control =
			(flags & 0x3f) | (flags & 0x40   ? 1u << 24
	                                  : flags & 0x80 ? fuzz_byte(in) << 24
	                                                 : 0),
		.size = (uint32_t)fuzz_take(in, 3) & 0x1ffff,
		.source = take_address(in),
		.destination = take_address(in),
		.next = take_descriptor(in),
	};
	char *at = fuzz_world.memory + slot * sizeof(d);

	if (fuzz_reach((uintptr_t)at, sizeof(d), true) == sizeof(d))
		memcpy(at, &d, sizeof(d));
}

static void do_chain(struct fuzz_input *in)
{
	set(CHAINADDR, 8, take_descriptor(in));
}

static void do_completion(struct fuzz_input *in)
{
	set(CHANCMP, 8, take_address(in));
}

static void do_remap(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b < 2)
		fuzz_unmap(fuzz_window(b ? FUZZ_FIRST_SAFE : 0));
	else
		fuzz_map_window();
}

/* ---- The rest ---- */

static void do_config(struct fuzz_input *in)
{
	unsigned int at = 0x140 + fuzz_byte(in);
	uint32_t value = (uint32_t)fuzz_take(in, 4);

	fuzz_config(at == 0x140 + 255 ? 4 : at, 4, value);
}

static void do_reset(struct fuzz_input *in)
{
	fuzz_reset();
	fuzz_check(fuzz_load(CHANSTS, 8) == HALTED && !fuzz_load(CHANERR, 4));
}

static void (*const operations[])(struct fuzz_input *in) = {
	do_store,          do_load,     do_ring,   do_ring,
	do_describe,       do_describe, do_chain,  do_completion,
	fuzz_protect_some, do_remap,    do_config, do_reset,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	unsigned int i;

	board_begin();
	for (i = 0; i < OPS && in.left; i++)
		operations[fuzz_below(&in, IOAS_ARRAY_SIZE(operations))](&in);
	fuzz_board_end();
	return 0;
}
