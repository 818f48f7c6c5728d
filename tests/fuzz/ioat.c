/* SPDX-License-Identifier: MIT */
/*
 * An I/OAT engine under a driver that does anything: registers of any width,
 * descriptors that point anywhere, memory that goes away or that the device
 * may not touch, resets. It is run inline: without a thread each store ends
 * when the engine does.
 *
 * Memory, by page: descriptors are in the first ones, FIRST_SAFE on the device
 * may not write: first pages it may only read, the last ones it cannot reach at
 * all. All but the last pages are mapped in order at WINDOW.
 *
 * What must hold: accesses end, the channel stops, memory that the device may
 * not write is as it was, CHANERR names what halted it, and no block or pin is
 * left.
 */
#include <errno.h>
#include <string.h>

#include "base/event.h"
#include "devices/models.h"
#include "fuzz.h"
#include "pci/function.h"
#include "space/space.h"

#define OPS        200
#define FIRST_SAFE 48 /* page */
#define FIRST_FAR  56 /* page */
#define PATTERN    0xa5
#define WINDOW     UINT64_C(0x100000)
#define EVENT      7 /* a handle */

#define DESCRIPTOR 64
#define DMACOUNT   0x86
#define CHANSTS    0x88
#define CHAINADDR  0x90
#define CHANCMP    0x98
#define CHANERR    0xa8
#define ACTIVE     0

/* At most so many at once: a fuzzer has no time for 65535. */
#define RELEASED_MAX 200

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t rest[4];
};

static struct {
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_device *dev;
} n;

static char *page_at(unsigned int page)
{
	return fuzz_world.memory + page * fuzz_world.page_bytes;
}

static uint64_t window(unsigned int page)
{
	return WINDOW + page * fuzz_world.page_bytes;
}

/* ---- The board ---- */

static void map(unsigned int page, unsigned int pages, unsigned int perm)
{
	uint64_t bytes = pages * fuzz_world.page_bytes;
	struct ioas_map_request request = {
		.mem = &n.mem,
		.range = {window(page), window(page) + bytes - 1},
		.uaddr = {(uintptr_t)page_at(page)},
		.perm = perm,
	};
	int err;

	ioas_lock(&n.space->lock);
	err = ioas_space_map_locked(n.space, &request);
	ioas_unlock(&n.space->lock);
	/* It may be there still, or its memory gone. */
	fuzz_check(!err || err == -EEXIST || err == -EFAULT);
}

static void unmap(unsigned int page)
{
	struct iova_range range = {window(page), window(page)};
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	ioas_lock(&n.space->lock);
	area = ioas_space_find_locked(n.space, range);
	if (area)
		ioas_space_remove_locked(n.space, area, &gone);
	ioas_unlock(&n.space->lock);
	ioas_space_release(n.space, &gone);
}

static void map_all(void)
{
	map(0, FIRST_SAFE, IOAS_READ | IOAS_WRITE);
	map(FIRST_SAFE, FIRST_FAR - FIRST_SAFE, IOAS_READ);
}

static void board_begin(void)
{
	static const struct ioas_option options[] = {{"mode", "inline"},
	                                             {"xfercap", "64K"}};
	const struct ioas_device_request request = {
		.model = &ioas_ioat_model,
		.options = options,
		.option_count = IOAS_ARRAY_SIZE(options),
	};
	const struct ioas_space_config config = {
		.page_shift = fuzz_world.page_shift,
		.aperture = {0, (UINT64_C(1) << 48) - 1},
	};
	const uint16_t command = 6; /* memory decoding, bus mastering */

	n.account.limit = UINT64_MAX;
	ioas_mem_init(&n.mem, &n.account, fuzz_world.page_shift);
	fuzz_check(!ioas_space_create(&config, &n.space));
	fuzz_check(!ioas_device_create(&request, &n.dev, NULL));
	ioas_device_attach(n.dev, n.space);
	ioas_device_config_write(n.dev, 4, &command, sizeof(command));
	ioas_device_irq_on(n.dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(n.dev, 0, EVENT);
	memset(page_at(FIRST_SAFE), PATTERN,
	       (FUZZ_PAGES - FIRST_SAFE) * fuzz_world.page_bytes);
	map_all();
}

static void check_safe_memory(void)
{
	size_t bytes = (FUZZ_PAGES - FIRST_SAFE) * fuzz_world.page_bytes, i;
	const char *at = page_at(FIRST_SAFE);

	for (i = 0; i < bytes; i++)
		fuzz_check(at[i] == (char)PATTERN);
}

static void board_end(void)
{
	check_safe_memory();
	ioas_device_attach(n.dev, NULL);
	ioas_device_destroy(n.dev);
	ioas_space_destroy(n.space);
	ioas_mem_fini(&n.mem);
	fuzz_check(!ioas_a64_load(&n.account.pages));
}

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind == IOAS_EVENT_DMA_FAULT)
		fuzz_check(ev->fault && ev->issuer && ev->issuer->command &&
		           ev->range.first <= ev->range.last);
}

static void raise_event(int event)
{
	fuzz_check(event == EVENT);
}

/* ---- Registers ---- */

static uint64_t get(uint64_t at, unsigned int size)
{
	struct ioas_signals saved;
	uint64_t value;

	ioas_hooks.signals_block(&saved);
	value = ioas_device_load(n.dev, 0, at, size);
	ioas_hooks.signals_restore(&saved);
	return value;
}

static void set(uint64_t at, unsigned int size, uint64_t value)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_store(n.dev, 0, at, size, value);
	ioas_hooks.signals_restore(&saved);
	/* A store ends when the engine does, and tells why it stopped. */
	fuzz_check((get(CHANSTS, 8) & 7) != ACTIVE);
	fuzz_check(get(CHANSTS, 8) % DESCRIPTOR <= 4);
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

	get(fuzz_take(in, 2) & 0x3ff8, size);
}

static void do_ring(struct fuzz_input *in)
{
	uint64_t count = get(DMACOUNT, 2) + fuzz_below(in, RELEASED_MAX);

	set(DMACOUNT, 2, count & 0xffff);
}

/* ---- Memory ---- */

/* An address: mostly in the window, at its edges too. */
static uint64_t take_address(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf8)
		return fuzz_take(in, 8);
	return window(b & 63) +
	       (b & 0x80 ? fuzz_world.page_bytes - (b & 0x40 ? 8 : 1)
	                 : fuzz_take(in, 1) * 8);
}

static uint64_t take_descriptor(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	return b < 0xf0 ? window(0) + b * DESCRIPTOR : take_address(in);
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

static void do_protect(struct fuzz_input *in)
{
	unsigned int page = fuzz_below(in, FIRST_SAFE);

	fuzz_protect(page, (enum fuzz_page)fuzz_below(in, 3));
}

static void do_remap(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b < 2)
		unmap(b ? FIRST_SAFE : 0);
	else
		map_all();
}

/* ---- The rest ---- */

static void do_config(struct fuzz_input *in)
{
	uint64_t at = 0x140 + fuzz_byte(in);
	uint32_t value = (uint32_t)fuzz_take(in, 4);
	struct ioas_signals saved;

	if (at == 0x140 + 255)
		at = 4;
	ioas_hooks.signals_block(&saved);
	ioas_device_config_write(n.dev, (unsigned int)at, &value, 4);
	ioas_hooks.signals_restore(&saved);
}

static void do_reset(struct fuzz_input *in)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_reset(n.dev);
	ioas_hooks.signals_restore(&saved);
	fuzz_check(get(CHANSTS, 8) == 3 && !get(CHANERR, 4));
}

static void (*const operations[])(struct fuzz_input *in) = {
	do_store, do_load,       do_ring,    do_ring,  do_describe, do_describe,
	do_chain, do_completion, do_protect, do_remap, do_config,   do_reset,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ioas_observer observer = {.event = hear};
	static bool listens;
	struct fuzz_input in = {data, size};
	unsigned int i;

	fuzz_begin();
	if (!listens)
		ioas_observe(&observer);
	listens = true;
	ioas_hooks.signal = raise_event;
	board_begin();
	for (i = 0; i < OPS && in.left; i++)
		operations[fuzz_below(&in, IOAS_ARRAY_SIZE(operations))](&in);
	board_end();
	fuzz_end();
	return 0;
}
