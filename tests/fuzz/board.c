/* SPDX-License-Identifier: MIT */
#include "board.h"

#include <errno.h>
#include <string.h>

#include "base/event.h"

#define PATTERN 0xa5

#define COMMAND         4 /* of configuration space */
#define COMMAND_ENABLES 6 /* memory decoding, bus mastering */

struct fuzz_board fuzz_board;

char *fuzz_page_at(unsigned int page)
{
	return fuzz_world.memory + page * fuzz_world.page_bytes;
}

uint64_t fuzz_window(unsigned int page)
{
	return FUZZ_WINDOW + page * fuzz_world.page_bytes;
}

void fuzz_map(uint64_t iova, unsigned int page, unsigned int pages,
              unsigned int perm)
{
	struct fuzz_board *b = &fuzz_board;
	uint64_t bytes = pages * fuzz_world.page_bytes;
	struct ioas_map_request request = {
		.mem = &b->mem,
		.range = {iova, iova + bytes - 1},
		.uaddr = {(uintptr_t)fuzz_page_at(page)},
		.perm = perm,
	};
	int err;

	ioas_lock(&b->space->lock);
	err = ioas_space_map_locked(b->space, &request);
	ioas_unlock(&b->space->lock);
	/* It may be there still, or its memory gone. */
	fuzz_check(!err || err == -EEXIST || err == -EFAULT);
}

void fuzz_unmap(uint64_t iova)
{
	struct ioas_space *space = fuzz_board.space;
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	ioas_lock(&space->lock);
	area = ioas_space_find_locked(space, (struct iova_range){iova, iova});
	if (area)
		ioas_space_remove_locked(space, area, &gone);
	ioas_unlock(&space->lock);
	ioas_space_release(space, &gone);
}

void fuzz_map_window(void)
{
	fuzz_map(fuzz_window(0), 0, FUZZ_FIRST_SAFE, IOAS_READ | IOAS_WRITE);
	fuzz_map(fuzz_window(FUZZ_FIRST_SAFE), FUZZ_FIRST_SAFE,
	         FUZZ_FIRST_FAR - FUZZ_FIRST_SAFE, IOAS_READ);
}

/* ---- Registers ---- */

uint64_t fuzz_load(uint64_t at, unsigned int size)
{
	struct ioas_signals saved;
	uint64_t value;

	ioas_hooks.signals_block(&saved);
	value = ioas_device_load(fuzz_board.dev, 0, at, size);
	ioas_hooks.signals_restore(&saved);
	return value;
}

void fuzz_store(uint64_t at, unsigned int size, uint64_t value)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_store(fuzz_board.dev, 0, at, size, value);
	ioas_hooks.signals_restore(&saved);
}

void fuzz_config(unsigned int at, unsigned int size, uint32_t value)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_config_write(fuzz_board.dev, at, &value, size);
	ioas_hooks.signals_restore(&saved);
}

void fuzz_reset(void)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_reset(fuzz_board.dev);
	ioas_hooks.signals_restore(&saved);
}

void fuzz_protect_some(struct fuzz_input *in)
{
	unsigned int page = fuzz_below(in, FUZZ_FIRST_SAFE);

	fuzz_protect(page, (enum fuzz_page)fuzz_below(in, 3));
}

/* ---- Life ---- */

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind == IOAS_EVENT_DMA_FAULT)
		fuzz_check(ev->fault && ev->issuer && ev->issuer->command &&
		           ev->range.first <= ev->range.last);
}

static void raise_event(int event)
{
	fuzz_check(event == FUZZ_EVENT);
}

static void listen(void)
{
	static struct ioas_observer observer = {.event = hear};
	static bool listens;

	if (!listens)
		ioas_observe(&observer);
	listens = true;
	ioas_hooks.signal = raise_event;
}

void fuzz_board_begin(const struct ioas_device_request *request)
{
	struct fuzz_board *b = &fuzz_board;
	struct ioas_space_config config = {
		.aperture = {0, (UINT64_C(1) << 48) - 1},
	};

	fuzz_begin();
	listen();
	config.page_shift = fuzz_world.page_shift;
	config.backend = fuzz_world.backend;
	memset(fuzz_page_at(FUZZ_FIRST_SAFE), PATTERN,
	       (FUZZ_PAGES - FUZZ_FIRST_SAFE) * fuzz_world.page_bytes);
	b->account.limit = UINT64_MAX;
	ioas_mem_init(&b->mem, &b->account, fuzz_world.page_shift);
	b->mem.pinner.backend = fuzz_world.backend;
	fuzz_check(!ioas_space_create(&config, &b->space));
	fuzz_check(!ioas_device_create(request, &b->dev, NULL));
	ioas_device_attach(b->dev, b->space);
	fuzz_config(COMMAND, 2, COMMAND_ENABLES);
	fuzz_map_window();
}

static void check_safe_memory(void)
{
	size_t bytes = (FUZZ_PAGES - FUZZ_FIRST_SAFE) * fuzz_world.page_bytes;
	const char *safe = fuzz_page_at(FUZZ_FIRST_SAFE);

	/* All bytes are as the one before them, and the first is as it was. */
	fuzz_check((uint8_t)*safe == PATTERN);
	fuzz_check(!memcmp(safe, safe + 1, bytes - 1));
}

void fuzz_board_end(void)
{
	struct fuzz_board *b = &fuzz_board;

	check_safe_memory();
	ioas_device_attach(b->dev, NULL);
	ioas_device_destroy(b->dev);
	ioas_space_destroy(b->space);
	ioas_mem_fini(&b->mem);
	fuzz_check(!ioas_a64_load(&b->account.pages));
	fuzz_end();
}
