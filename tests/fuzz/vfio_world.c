/* SPDX-License-Identifier: MIT */
/* The machine, the front end and the observer of the target `vfio`. */
#include "vfio_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct vfio_world world;

/* ---- Devices ---- */

static int device_create(struct ioas_device *dev, void **ret_state)
{
	if (world.create_says) {
		ioas_device_fail(dev, "the fuzzer wants it so");
		return world.create_says;
	}
	*ret_state = dev;
	return 0;
}

static void device_destroy(void *state)
{
}

static void check_call(void)
{
	fuzz_check(fuzz_world.signals_blocked > 0);
}

static void device_reset(void *state)
{
	check_call();
}

static void check_access(void *state, unsigned int bar, uint64_t offset,
                         unsigned int size)
{
	uint64_t bytes = ioas_device_bar_size(state, bar);

	check_call();
	fuzz_check(size == 1 || size == 2 || size == 4 || size == 8);
	fuzz_check(offset < bytes && size <= bytes - offset);
}

static uint64_t device_load(void *state, unsigned int bar, uint64_t offset,
                            unsigned int size)
{
	check_access(state, bar, offset, size);
	return UINT64_C(0x0123456789abcdef) + offset;
}

static const struct ioas_issuer issuer = {"command", "data", 1, 2,
                                          IOAS_NO_PASID};

/* A vector, or with the top bit the level of the pin. */
static void interrupt(struct ioas_device *dev, uint64_t value)
{
	if (value >> 63)
		ioas_device_line(dev, value & 1);
	else
		ioas_device_interrupt(dev, (unsigned int)value);
}

/*
 * 8 bytes to BAR 2: a DMA of 8 bytes (at 0 a read, at 8 a write), or of the
 * length in the lowest byte (at 16 a read). At 24: interrupts.
 */
static void device_store(void *state, unsigned int bar, uint64_t offset,
                         unsigned int size, uint64_t value)
{
	check_access(state, bar, offset, size);
	if (bar != 2 || size != 8 || offset > 24)
		return;
	if (offset == 0)
		world.dma_result = ioas_dma_read(state, value, world.dma_buffer,
		                                 8, &issuer);
	else if (offset == 8)
		world.dma_result = ioas_dma_write(state, value,
		                                  world.dma_buffer, 8, &issuer);
	else if (offset == 16)
		world.dma_result = ioas_dma_read(
			state, value, world.dma_buffer,
			value % sizeof(world.dma_buffer), &issuer);
	else
		interrupt(state, value);
}

static const struct ioas_model_key no_keys[] = {{.name = NULL}};

static const struct ioas_model full = {
	.name = "full",
	.summary = "for the fuzzer",
	.keys = no_keys,
	.function = {.vendor = 1,
                     .device = 2,
                     .bar = {[0] = {.size = 0x4000},
                             [2] = {.size = 0x10000, .is_64bit = true}},
                     .msix_vectors = 8,
                     .msix_bar = 0,
                     .msix_table = 0x2000,
                     .msix_pba = 0x3000,
                     .msi_vectors = 4,
                     .intx = true,
                     .pcie = true},
	.create = device_create,
	.destroy = device_destroy,
	.reset = device_reset,
	.load = device_load,
	.store = device_store,
};

static const struct ioas_model plain = {
	.name = "plain",
	.summary = "for the fuzzer",
	.keys = no_keys,
	.function = {.vendor = 1, .device = 3, .bar = {[1] = {.size = 0x100}}},
	.create = device_create,
	.destroy = device_destroy,
	.reset = device_reset,
	.load = device_load,
	.store = device_store,
};

static const struct ioas_model *const models[] = {&full, &plain, NULL};

/* ---- The front end ---- */

static long place_file(struct ioas_file *file)
{
	int fd;

	for (fd = 0; fd < FILES; fd++) {
		if (world.file[fd])
			continue;
		world.file[fd] = file;
		return fd;
	}
	return -EMFILE;
}

static int front_install(struct ioas_file *file)
{
	return world.install_says ? world.install_says : (int)place_file(file);
}

static int front_file(int fd, struct ioas_file **ret_file)
{
	bool is_ours = fd >= 0 && fd < FILES && world.file[fd];
	bool is_event = fd >= EVENT_FD && fd < EVENT_FD + EVENTS;

	if (!is_ours && !is_event && fd != OTHER_FD)
		return -EBADF;
	*ret_file = is_ours ? world.file[fd] : NULL;
	return 0;
}

static int front_event_get(int fd)
{
	if (fd >= EVENT_FD && fd < EVENT_FD + EVENTS) {
		world.held[fd - EVENT_FD]++;
		return HANDLE + fd - EVENT_FD;
	}
	return fd == OTHER_FD ? -EINVAL : -EBADF;
}

static unsigned int *held(int handle)
{
	fuzz_check(handle >= HANDLE && handle < HANDLE + EVENTS);
	fuzz_check(world.held[handle - HANDLE]);
	return &world.held[handle - HANDLE];
}

static void front_event_put(int handle)
{
	--*held(handle);
}

static void raise_event(int handle)
{
	held(handle);
}

static int front_event_watch(int handle, struct ioas_watcher *watcher)
{
	unsigned int n = (unsigned int)(handle - HANDLE), i;

	held(handle);
	for (i = 0; i < WATCHED; i++) {
		if (world.watched[n][i])
			continue;
		world.watched[n][i] = watcher;
		return 0;
	}
	return -ENOMEM;
}

static void front_event_unwatch(int handle, struct ioas_watcher *watcher)
{
	unsigned int n = (unsigned int)(handle - HANDLE), i = 0;

	held(handle);
	while (i < WATCHED && world.watched[n][i] != watcher)
		i++;
	fuzz_check(i < WATCHED);
	world.watched[n][i] = NULL;
}

void world_raise(unsigned int event)
{
	struct ioas_signals saved;
	unsigned int i;

	ioas_hooks.signals_block(&saved);
	for (i = 0; i < WATCHED; i++)
		if (world.watched[event][i])
			world.watched[event][i]->ready(world.watched[event][i]);
	ioas_hooks.signals_restore(&saved);
}

static int front_claim(unsigned int group)
{
	fuzz_check(group && group <= GROUPS && !world.claimed[group]);
	if (world.claim_says)
		return world.claim_says;
	world.claimed[group] = true;
	return 0;
}

static void front_release(unsigned int group)
{
	fuzz_check(group && group <= GROUPS && world.claimed[group]);
	world.claimed[group] = false;
}

static bool front_bars_mappable(void)
{
	return true;
}

static void front_complain(const char *text)
{
	fuzz_check(*text);
}

static const struct ioas_front front = {
	.fd_install = front_install,
	.fd_file = front_file,
	.event_get = front_event_get,
	.event_put = front_event_put,
	.event_watch = front_event_watch,
	.event_unwatch = front_event_unwatch,
	.group_claim = front_claim,
	.group_release = front_release,
	.bars_mappable = front_bars_mappable,
	.complain = front_complain,
};

long world_open_container(void)
{
	struct ioas_file *file;
	long ret = ioas_vfio_open_container(world.vfio, &file);

	if (ret)
		return ret;
	ret = place_file(file);
	if (ret < 0)
		ioas_file_release(file);
	return ret;
}

long world_open_group(unsigned int group)
{
	struct ioas_file *file;
	long ret = ioas_vfio_open_group(world.vfio, group, &file);

	if (ret)
		return ret;
	ret = place_file(file);
	if (ret < 0)
		ioas_file_release(file);
	return ret;
}

void world_close(unsigned int fd)
{
	struct ioas_file *file = world.file[fd];

	world.file[fd] = NULL;
	if (file)
		ioas_file_release(file);
}

/* ---- The observer ---- */

static void area_begins(const struct ioas_event *ev)
{
	fuzz_check(world.areas < LIVE_MAX);
	world.live[world.areas++] =
		(struct live_area){ev->space, ev->perm, ev->range};
	world.maps++;
}

static void area_ends(const struct ioas_event *ev)
{
	unsigned int i;

	for (i = 0; i < world.areas; i++)
		if (world.live[i].space == ev->space &&
		    world.live[i].range.first == ev->range.first)
			break;
	fuzz_check(i < world.areas);
	fuzz_check(world.live[i].range.last == ev->range.last);
	if (world.in_unmap) {
		fuzz_check(ev->range.first >= world.allowed.first);
		fuzz_check(ev->range.first <= world.allowed.last);
		fuzz_check(world.allowed_cuts ||
		           ev->range.last <= world.allowed.last);
	}
	world.live[i] = world.live[--world.areas];
	world.unmaps++;
	world.unmapped += ev->range.last - ev->range.first + 1;
}

static void note_event(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind == IOAS_EVENT_MAP)
		area_begins(ev);
	if (ev->kind == IOAS_EVENT_UNMAP)
		area_ends(ev);
	if (ev->kind == IOAS_EVENT_DMA_FAULT)
		fuzz_check(ev->fault && ev->device && ev->issuer == &issuer &&
		           ev->range.first <= ev->range.last);
}

static struct ioas_observer observer = {.event = note_event};

static const struct live_area *area_at(uint64_t iova, unsigned int perm)
{
	unsigned int i;

	for (i = 0; i < world.areas; i++)
		if (world.live[i].range.first <= iova &&
		    world.live[i].range.last >= iova &&
		    (world.live[i].perm & perm) == perm)
			return &world.live[i];
	return NULL;
}

bool world_is_mapped(uint64_t iova, uint64_t bytes, unsigned int perm)
{
	for (; bytes; iova++, bytes--)
		if (!area_at(iova, perm))
			return false;
	return true;
}

/* ---- Life ---- */

void world_begin(uint64_t memlock_pages, uint64_t entry_limit)
{
	static bool observed;
	struct ioas_vfio_config config = {
		.front = &front,
		.memlock_pages = memlock_pages,
		.page_shift = fuzz_world.page_shift,
		.entry_limit = entry_limit,
	};
	char failure[IOAS_TEXT_MAX];

	memset(&world, 0, sizeof(world));
	ioas_hooks.signal = raise_event;
	if (!observed)
		ioas_observe(&observer);
	observed = true;
	fuzz_check(
		!ioas_machine_create("intel", models, &world.machine, failure));
	fuzz_check(!ioas_machine_add(world.machine, "full", failure));
	fuzz_check(!ioas_machine_add(world.machine, "full", failure));
	fuzz_check(!ioas_machine_add(world.machine, "plain", failure));
	config.machine = world.machine;
	config.backend = fuzz_world.backend;
	fuzz_check(!ioas_vfio_create(&config, &world.vfio));
}

/* The statistics agree with what was told. */
static void check_live(void)
{
	char text[1024], wanted[32];

	ioas_vfio_stats(world.vfio, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "live now %u,", world.areas);
	fuzz_check(strstr(text, wanted));
}

void world_end(void)
{
	unsigned int i;

	check_live();

	fuzz_world.fail_in = 0;
	for (i = 0; i < FILES; i++)
		world_close(i);
	fuzz_check(!world.areas);
	check_live();
	for (i = 0; i < EVENTS; i++)
		fuzz_check(!world.held[i]);
	for (i = 1; i <= GROUPS; i++)
		fuzz_check(!world.claimed[i]);
	ioas_vfio_destroy(world.vfio);
	ioas_machine_destroy(world.machine);
}
