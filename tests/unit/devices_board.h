/* SPDX-License-Identifier: MIT */
/*
 * A board: a device, an address space, memory mapped for the device, and what
 * was told about faults. The tests of devices/ plug their model in here.
 */
#ifndef DEVICES_BOARD_H
#define DEVICES_BOARD_H

#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "pci/function.h"
#include "rig.h"
#include "space/space.h"

#define BOARD_MAYBE static __attribute__((unused))

struct board {
	struct rig *rig;
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_device *dev;
	/* For devices that send PASIDs: board_share(). */
	struct ioas_sva *sva;
	struct ioas_sva_mm *mm;
};

/* The last fault, with a copy of its issuer, and how many there were. */
static struct {
	unsigned int count;
	struct ioas_event event;
	struct ioas_issuer issuer;
} board_fault;

static void board_hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind != IOAS_EVENT_DMA_FAULT)
		return;
	board_fault.count++;
	board_fault.event = *ev;
	memset(&board_fault.issuer, 0, sizeof(board_fault.issuer));
	if (ev->issuer)
		board_fault.issuer = *ev->issuer;
}

static void board_listen(void)
{
	static struct ioas_observer observer = {.event = board_hear};
	static bool listens;

	if (!listens)
		ioas_observe(&observer);
	listens = true;
	memset(&board_fault, 0, sizeof(board_fault));
}

static void board_end(void *arg)
{
	struct board *b = arg;

	if (b->dev)
		ioas_device_attach(b->dev, NULL);
	ioas_device_destroy(b->dev);
	ioas_sva_mm_destroy(b->mm);
	ioas_sva_destroy(b->sva);
	ioas_space_destroy(b->space);
	ioas_mem_fini(&b->mem);
	free(b);
}

static struct board *board_new(struct rig *r)
{
	struct board *b = calloc(1, sizeof(*b));
	struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0, (UINT64_C(1) << 48) - 1},
		.backend = rig_backend(),
	};

	assert_non_null(b);
	b->rig = r;
	b->account.limit = UINT64_MAX;
	ioas_mem_init(&b->mem, &b->account, rig_page_shift());
	b->mem.pinner.backend = rig_backend();
	rig_defer(r, board_end, b);
	board_listen();
	rig_ok(r, ioas_space_create(&config, &b->space));
	return b;
}

/* What is plugged in later is bound to this process. */
BOARD_MAYBE void board_share(struct board *b, unsigned int pasid_bits)
{
	const struct ioas_sva_config config = {.pasid_bits = pasid_bits};
	const struct ioas_sva_mm_config own = {.memory = NULL};

	rig_ok(b->rig, ioas_sva_create(&config, &b->sva));
	rig_ok(b->rig, ioas_sva_mm_create(b->sva, &own, &b->mm));
}

/* Its device, in the space, with memory decoding and bus mastering on. */
static void board_plug(struct board *b, const struct ioas_model *model,
                       const struct ioas_option *options, unsigned int count)
{
	const struct ioas_device_request request = {
		.model = model,
		.bdf = {.bus = 1},
		.options = options,
		.option_count = count,
		.sva = b->sva,
		.mm = b->mm,
	};
	const uint16_t command = 1 << 1 | 1 << 2;

	rig_ok(b->rig, ioas_device_create(&request, &b->dev, NULL));
	ioas_device_attach(b->dev, b->space);
	ioas_device_config_write(b->dev, 4, &command, sizeof(command));
}

/* Memory of the program at this I/O virtual address. */
static void *board_map(struct board *b, uint64_t iova, size_t bytes,
                       unsigned int perm)
{
	void *p = rig_memory(b->rig, bytes);
	const struct ioas_map_request request = {
		.mem = &b->mem,
		.range = {iova, iova + bytes - 1},
		.uaddr = {(uint64_t)(uintptr_t)p},
		.perm = perm,
	};
	int err;

	ioas_lock(&b->space->lock);
	err = rig_try(b->rig, ioas_space_map_locked(b->space, &request));
	ioas_unlock(&b->space->lock);
	if (err && rig_failed(b->rig))
		rig_leave(b->rig);
	assert_int_equal(err, 0);
	return p;
}

BOARD_MAYBE void board_unmap(struct board *b, uint64_t iova)
{
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	ioas_lock(&b->space->lock);
	area = ioas_space_find_locked(b->space,
	                              (struct iova_range){iova, iova});
	if (area)
		ioas_space_remove_locked(b->space, area, &gone);
	ioas_unlock(&b->space->lock);
	assert_non_null(area);
	ioas_space_release(b->space, &gone);
}

/* Accesses to BAR 0, signals blocked as a front end does it. */
BOARD_MAYBE void board_store(struct board *b, uint64_t at, unsigned int size,
                             uint64_t value)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_device_store(b->dev, 0, at, size, value);
	ioas_hooks.signals_restore(&saved);
}

BOARD_MAYBE uint64_t board_load(struct board *b, uint64_t at, unsigned int size)
{
	struct ioas_signals saved;
	uint64_t value;

	ioas_hooks.signals_block(&saved);
	value = ioas_device_load(b->dev, 0, at, size);
	ioas_hooks.signals_restore(&saved);
	return value;
}

/* What the device writes from now on is logged, page by page. */
struct board_watch {
	struct iova_range range;
	const char *memory; /* there */
	char *was;          /* a copy */
};

#define BOARD_WATCH_SHIFT 12

BOARD_MAYBE struct board_watch board_watch(struct board *b, uint64_t iova,
                                           const void *memory, size_t bytes)
{
	struct board_watch w = {
		{iova, iova + bytes - 1}, memory, rig_memory(b->rig, bytes)};

	memcpy(w.was, memory, bytes);
	rig_ok(b->rig,
	       ioas_device_log_start(b->dev, &w.range, 1, BOARD_WATCH_SHIFT));
	return w;
}

/* The pages of the log are those that are not as they were: at least one. */
BOARD_MAYBE void board_check_log(struct board *b, const struct board_watch *w)
{
	const uint64_t page = UINT64_C(1) << BOARD_WATCH_SHIFT;
	uint64_t n, count = (w->range.last - w->range.first + 1) / page;
	struct iova_range dirty;
	unsigned int found = 0;

	for (n = 0; n < count; n++) {
		struct iova_range one = {w->range.first + n * page,
		                         w->range.first + (n + 1) * page - 1};
		bool changed = memcmp(w->memory + n * page, w->was + n * page,
		                      page) != 0;

		assert_int_equal(ioas_device_log_next(b->dev, one, &dirty),
		                 changed);
		found += changed;
	}
	assert_true(found > 0);
}

BOARD_MAYBE void check_fault(enum ioas_fault fault, uint64_t iova,
                             const char *command, const char *role)
{
	assert_int_equal(board_fault.event.fault, fault);
	assert_true(board_fault.event.range.first == iova);
	assert_non_null(board_fault.issuer.command);
	assert_string_equal(board_fault.issuer.command, command);
	if (role)
		assert_string_equal(board_fault.issuer.role, role);
	else
		assert_null(board_fault.issuer.role);
}

#endif /* DEVICES_BOARD_H */
