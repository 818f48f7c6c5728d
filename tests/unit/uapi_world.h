/* SPDX-License-Identifier: MIT */
/*
 * A VFIO to test with: functions in groups of their own (the second and third
 * share a bus, the fourth is on the root bus), a front end whose descriptors
 * are places in an array, and an observer that keeps what it was told. Included
 * by one test program each, so its functions are static.
 *
 * The device: 8 bytes written at offset 0 of BAR 2 are an address that it
 * reads 8 bytes from; 8 bytes at offset 8, one that it writes 8 bytes to.
 */
#ifndef UAPI_WORLD_H
#define UAPI_WORLD_H

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/event.h"
#include "base/grace.h"
#include "machine/machine.h"
#include "rig.h"
#include "uapi/abi.h"
#include "uapi/vfio.h"
#include "unmap_ways.h"

#define FILES      64
#define EVENT_FD   1000 /* descriptors from here on are events */
#define TOLD_MAX   64
#define COMMAND_AT ((UINT64_C(7) << IOAS_REGION_SHIFT) + 4)
#define BAR2_AT    (UINT64_C(2) << IOAS_REGION_SHIFT)

static struct {
	struct ioas_device *dev;
	uint64_t last_store;
	unsigned int sizes[32]; /* of the accesses to BAR 2 */
	unsigned int accesses;
	unsigned int resets;
	int dma_result;
	uint64_t dma_value;
	int create_fails;  /* with this, when not 0 */
	bool usr1_blocked; /* at the last call */
} probe;

static struct {
	struct rig *r;
	struct ioas_machine *machine;
	struct ioas_vfio *vfio;
	struct ioas_file *file[FILES];
	int event[4];
	struct ioas_watcher *watcher[4]; /* of event */
	int watch_says;
	int gets, puts;   /* of events */
	int claims;       /* groups held */
	int install_says; /* -errno of fd_install(), or 0 */
	int claim_says;
	bool bars_unmappable;
	bool place[IOAS_PLACES]; /* that are held */
	int place_says;
	unsigned int waits, asks; /* for places, for groups */
	void (*waiting)(void);    /* somebody else, meanwhile */
	void (*taking)(void);     /* the same, just before */
	struct ioas_watcher *group_watcher;
	uint64_t caller;      /* the process that calls */
	unsigned int backing; /* shift of the memory's pages, or 0 */
	char complaint[IOAS_TEXT_MAX];
	struct ioas_event told[TOLD_MAX]; /* the first ones, in order */
	unsigned int told_count;
	unsigned int told_of[IOAS_EVENT_NR];
} world;

/* More functions, and whose answers; set before the world begins. */
static const char *more_spec[4];
static enum ioas_contract more_contract;
static const char *more_profile = "intel";
static bool more_shared, more_unsafe; /* interrupts */
static bool more_written;             /* dirty pages */
static bool more_freezing;            /* on refused DMA */

/* ---- The device ---- */

static inline int probe_create(struct ioas_device *dev, void **ret_state)
{
	if (probe.create_fails) {
		ioas_device_fail(dev, "the medium is on fire");
		return probe.create_fails;
	}
	probe.dev = dev;
	*ret_state = dev;
	return 0;
}

static inline void probe_destroy(void *state)
{
}

static inline void note_signals(void)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	probe.usr1_blocked = sigismember(&now, SIGUSR1);
}

static inline void probe_reset(void *state)
{
	note_signals();
	probe.resets++;
	probe.last_store = 0;
}

static inline void note_access(unsigned int size)
{
	note_signals();
	if (probe.accesses < IOAS_ARRAY_SIZE(probe.sizes))
		probe.sizes[probe.accesses] = size;
	probe.accesses++;
}

static inline uint64_t probe_load(void *state, unsigned int bar,
                                  uint64_t offset, unsigned int size)
{
	note_access(size);
	return probe.last_store;
}

static inline void probe_store(void *state, unsigned int bar, uint64_t offset,
                               unsigned int size, uint64_t value)
{
	static const struct ioas_issuer issuer = {"probe", NULL, -1, -1,
	                                          IOAS_NO_PASID};

	note_access(size);
	probe.last_store = value;
	if (bar != 2 || size != 8 || offset > 8)
		return;
	if (offset == 0)
		probe.dma_result = ioas_dma_read(state, value, &probe.dma_value,
		                                 8, &issuer);
	else
		probe.dma_result = ioas_dma_write(state, value,
		                                  &probe.dma_value, 8, &issuer);
}

static const struct ioas_model_key no_keys[] = {{.name = NULL}};

static const struct ioas_model probe_model = {
	.name = "probe",
	.summary = "for tests",
	.keys = no_keys,
	.function = {.vendor = 1,
                     .device = 2,
                     .bar = {[0] = {.size = 0x4000}, [2] = {.size = 0x10000}},
                     .msix_vectors = 8,
                     .msix_bar = 0,
                     .msix_table = 0x2000,
                     .msix_pba = 0x3000,
                     .msi_vectors = 4,
                     .intx = true,
                     .pcie = true,
                     .vfs_max = 4},
	.create = probe_create,
	.destroy = probe_destroy,
	.reset = probe_reset,
	.load = probe_load,
	.store = probe_store,
};

static const struct ioas_model *const models[] = {&probe_model, NULL};

/* ---- The front end ---- */

static inline int place_file(struct ioas_file *file)
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

static inline int front_install(struct ioas_file *file)
{
	return world.install_says ? world.install_says : place_file(file);
}

static inline int front_file(int fd, struct ioas_file **ret_file)
{
	if (fd < 0 || fd >= FILES)
		return -EBADF;
	*ret_file = world.file[fd];
	return 0;
}

static inline int front_event_get(int fd)
{
	if (fd < EVENT_FD || fd >= EVENT_FD + 4)
		return -EBADF;
	world.gets++;
	return world.event[fd - EVENT_FD];
}

static inline void front_event_put(int handle)
{
	world.puts++;
}

static inline int event_number(int handle)
{
	int i;

	for (i = 0; i < 4; i++)
		if (world.event[i] == handle)
			return i;
	fail_msg("no event has the handle %d", handle);
	return 0;
}

static inline int front_event_watch(int handle, struct ioas_watcher *watcher)
{
	int n = event_number(handle);

	if (world.watch_says)
		return world.watch_says;
	assert_null(world.watcher[n]);
	world.watcher[n] = watcher;
	return 0;
}

static inline void front_event_unwatch(int handle, struct ioas_watcher *watcher)
{
	int n = event_number(handle);

	assert_ptr_equal(world.watcher[n], watcher);
	world.watcher[n] = NULL;
}

/* The program writes the event. */
static inline void program_raises(int n)
{
	struct ioas_signals saved;

	assert_non_null(world.watcher[n]);
	ioas_hooks.signals_block(&saved);
	world.watcher[n]->ready(world.watcher[n]);
	ioas_hooks.signals_restore(&saved);
}

static inline int front_claim(unsigned int group)
{
	if (world.claim_says)
		return world.claim_says;
	world.claims++;
	return 0;
}

static inline void front_release(unsigned int group)
{
	world.claims--;
}

static inline int front_place_take(unsigned int place)
{
	if (world.place_says)
		return world.place_says;
	if (world.place[place])
		return -EBUSY;
	world.place[place] = true;
	if (world.taking)
		world.taking();
	return 0;
}

static inline void front_place_give(unsigned int place)
{
	assert_true(world.place[place]);
	world.place[place] = false;
}

static inline bool front_place_taken(unsigned int place)
{
	return world.place[place];
}

static inline void front_place_wait(void)
{
	world.waits++;
	assert_non_null(world.waiting);
	world.waiting();
}

static inline void front_group_ask(unsigned int group)
{
	world.asks++;
	if (world.group_watcher)
		world.group_watcher->ready(world.group_watcher);
}

static inline int front_group_watch(unsigned int group,
                                    struct ioas_watcher *watcher)
{
	if (world.watch_says)
		return world.watch_says;
	assert_null(world.group_watcher);
	world.group_watcher = watcher;
	return 0;
}

static inline void front_group_unwatch(unsigned int group,
                                       struct ioas_watcher *watcher)
{
	assert_ptr_equal(world.group_watcher, watcher);
	world.group_watcher = NULL;
}

static inline bool front_bars_mappable(void)
{
	return !world.bars_unmappable;
}

static inline unsigned int front_backing(uint64_t first, uint64_t last)
{
	return world.backing;
}

static inline uint64_t front_caller(void)
{
	return world.caller;
}

static inline void front_complain(const char *text)
{
	snprintf(world.complaint, sizeof(world.complaint), "%s", text);
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
	.place_take = front_place_take,
	.place_give = front_place_give,
	.place_taken = front_place_taken,
	.place_wait = front_place_wait,
	.group_ask = front_group_ask,
	.group_watch = front_group_watch,
	.group_unwatch = front_group_unwatch,
	.bars_mappable = front_bars_mappable,
	.backing_shift = front_backing,
	.caller = front_caller,
	.complain = front_complain,
};

/* ---- What is told ---- */

static inline void note_event(struct ioas_observer *self,
                              const struct ioas_event *ev)
{
	world.told_of[ev->kind]++;
	if (world.told_count < TOLD_MAX)
		world.told[world.told_count++] = *ev;
}

static struct ioas_observer observer = {.event = note_event};

static inline unsigned int told(enum ioas_event_kind kind)
{
	return world.told_of[kind];
}

static inline const struct ioas_event *told_nth(enum ioas_event_kind kind,
                                                unsigned int n)
{
	unsigned int i;

	for (i = 0; i < world.told_count; i++)
		if (world.told[i].kind == kind && n-- == 0)
			return &world.told[i];
	fail_msg("event %d was not told that often", (int)kind);
	return NULL;
}

/* ---- Calls ---- */

static inline long call(int fd, unsigned long command, const void *argument)
{
	return ioctl_both_ways(world.file[fd], command, (uintptr_t)argument);
}

static inline long call_value(int fd, unsigned long command,
                              unsigned long value)
{
	return ioas_file_ioctl(world.file[fd], command, value);
}

static inline void close_fd(int fd)
{
	struct ioas_file *file = world.file[fd];

	world.file[fd] = NULL;
	ioas_file_release(file);
}

static inline long open_container(void)
{
	struct ioas_file *file;
	int ret = ioas_vfio_open_container(world.vfio, &file);

	return ret ? ret : place_file(file);
}

static inline long open_group(unsigned int group)
{
	struct ioas_file *file;
	int ret = ioas_vfio_open_group(world.vfio, group, &file);

	return ret ? ret : place_file(file);
}

static inline long attach(int group, int container)
{
	int32_t fd = container;

	return call(group, VFIO_GROUP_SET_CONTAINER, &fd);
}

static inline long unset(int group)
{
	return call(group, VFIO_GROUP_UNSET_CONTAINER, NULL);
}

static inline long open_device(int group, const char *name)
{
	return call(group, VFIO_GROUP_GET_DEVICE_FD, name);
}

static inline long map(int container, uint64_t iova, void *memory,
                       uint64_t bytes)
{
	struct vfio_iommu_type1_dma_map arg = {32, 3, (uintptr_t)memory, iova,
	                                       bytes};

	return call(container, VFIO_IOMMU_MAP_DMA, &arg);
}

static inline long map_vaddr(int container, uint64_t iova, void *memory,
                             uint64_t bytes)
{
	struct vfio_iommu_type1_dma_map arg = {32, VFIO_DMA_MAP_FLAG_VADDR,
	                                       (uintptr_t)memory, iova, bytes};

	return call(container, VFIO_IOMMU_MAP_DMA, &arg);
}

/* Return: bytes that went, or -errno. */
static inline long unmap(int container, uint32_t flags, uint64_t iova,
                         uint64_t bytes)
{
	struct ioas_vfio_unmap arg = {24, flags, iova, bytes};
	long ret = call(container, VFIO_IOMMU_UNMAP_DMA, &arg);

	return ret ? ret : (long)arg.size;
}

static inline long set_irqs(int device, uint32_t index, uint32_t start,
                            uint32_t count, const int32_t *fd)
{
	struct {
		struct ioas_vfio_irq_set set;
		int32_t fd[8];
	} arg = {.set = {sizeof(arg),
	                 VFIO_IRQ_SET_ACTION_TRIGGER |
	                         (fd ? VFIO_IRQ_SET_DATA_EVENTFD
	                             : VFIO_IRQ_SET_DATA_NONE),
	                 index, start, count}};

	if (fd)
		memcpy(arg.fd, fd, count * sizeof(*fd));
	return call(device, VFIO_DEVICE_SET_IRQS, &arg);
}

static inline ssize_t write_region(int device, uint64_t at, const void *buffer,
                                   size_t bytes)
{
	return ioas_file_write(world.file[device],
	                       (struct uaddr){(uintptr_t)buffer}, bytes, at);
}

static inline ssize_t read_region(int device, uint64_t at, void *buffer,
                                  size_t bytes)
{
	return ioas_file_read(world.file[device],
	                      (struct uaddr){(uintptr_t)buffer}, bytes, at);
}

/* The device reads 8 bytes at an I/O address. */
static inline int dma_read(int device, uint64_t iova)
{
	if (write_region(device, BAR2_AT, &iova, 8) != 8)
		fail_msg("the device cannot be reached");
	return probe.dma_result;
}

static inline int dma_write(int device, uint64_t iova, uint64_t value)
{
	probe.dma_value = value;
	if (write_region(device, BAR2_AT + 8, &iova, 8) != 8)
		fail_msg("the device cannot be reached");
	return probe.dma_result;
}

static inline void bus_master_on(int device)
{
	const uint16_t command = 6; /* memory decoding, bus mastering */

	assert_int_equal(write_region(device, COMMAND_AT, &command, 2), 2);
}

/* ---- Life ---- */

static inline void close_files(void *unused)
{
	int fd;

	for (fd = 0; fd < FILES; fd++)
		if (world.file[fd])
			close_fd(fd);
	assert_int_equal(world.gets, world.puts);
	assert_int_equal(world.claims, 0);
	for (fd = 0; fd < IOAS_PLACES; fd++)
		assert_false(world.place[fd]);
	assert_null(world.group_watcher);
	for (fd = 0; fd < 4; fd++)
		assert_null(world.watcher[fd]);
}

static inline void world_begin_limited(struct rig *r, uint64_t memlock_pages)
{
	static bool observed;
	struct ioas_vfio_config config = {
		.front = &front,
		.memlock_pages = memlock_pages,
		.page_shift = rig_page_shift(),
		.entry_limit = 65535,
		.backend = rig_backend(),
	};
	char failure[IOAS_TEXT_MAX];
	int i;

	memset(&world, 0, sizeof(world));
	memset(&probe, 0, sizeof(probe));
	if (!observed)
		ioas_observe(&observer);
	observed = true;
	for (i = 0; i < 4; i++)
		world.event[i] = rig_event(r);
	rig_ok(r, ioas_machine_create(more_profile, models, &world.machine,
	                              failure));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), world.machine);
	rig_ok(r, ioas_machine_add(world.machine, "probe", failure));
	rig_ok(r, ioas_machine_add(world.machine, "probe", failure));
	rig_ok(r, ioas_machine_add(world.machine, "probe,bdf=0000:02:01.3",
	                           failure));
	rig_ok(r, ioas_machine_add(world.machine, "probe,bdf=0000:00:04.0",
	                           failure));
	for (i = 0; i < 4 && more_spec[i]; i++)
		rig_ok(r,
		       ioas_machine_add(world.machine, more_spec[i], failure));
	if (more_shared)
		ioas_machine_share_interrupts(world.machine);
	if (more_freezing)
		ioas_machine_freeze_on_fault(world.machine);
	world.machine->unsafe_interrupts = more_unsafe;
	config.machine = world.machine;
	config.contract = more_contract;
	config.dirty_written = more_written;
	rig_ok(r, ioas_vfio_create(&config, &world.vfio));
	rig_defer(r, RIG_CALL(ioas_vfio_destroy), world.vfio);
	rig_defer(r, close_files, NULL);
}

static inline void world_begin(struct rig *r)
{
	world_begin_limited(r, UINT64_MAX);
}

/* Group 1 in a container of version 2. */
static inline void world_attached(struct rig *r, int *ret_container,
                                  int *ret_group)
{
	world_begin(r);
	*ret_container = (int)rig_value(r, open_container());
	*ret_group = (int)rig_value(r, open_group(1));
	rig_ok(r, attach(*ret_group, *ret_container));
	rig_ok(r,
	       call_value(*ret_container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

#endif /* UAPI_WORLD_H */
