/* SPDX-License-Identifier: MIT */
/*
 * The table's back end that is ioas itself, in this process, without any
 * interception: descriptors are real ones (of /dev/null), so that "not open"
 * is the system's word; which file is behind one is kept in an array.
 *
 *	abi [OPTION...] [FACTS]
 *
 * A file of facts makes the devices like those of another machine. IOAS_RIG in
 * the environment, as of unit tests: --scattered is heard, others change
 * nothing here.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi.h"
#include "host/host.h"
#include "machine/machine.h"
#include "mem/backend.h"
#include "model.h"
#include "tests/unit/unmap_ways.h"
#include "uapi/vfio.h"

#define FDS     256
#define WATCHED 2048

static bool has_facts;

static struct {
	struct ioas_machine *machine;
	struct ioas_vfio *vfio;
	struct ioas_file *file[FDS];
	bool is_event[FDS];
	int handles; /* events that are held */
	int claims;  /* groups that are claimed */
	bool place[IOAS_PLACES];
	struct ioas_watcher *watcher[WATCHED];
	int watched[WATCHED]; /* its handle */
} world;

/* ---- Front end ---- */

static int fd_install(struct ioas_file *file)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd >= FDS) {
		close(fd);
		return -EMFILE;
	}
	world.file[fd] = file;
	return fd;
}

static bool is_open(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

static int fd_file(int fd, struct ioas_file **ret_file)
{
	if (!is_open(fd))
		return -EBADF;
	*ret_file = fd < FDS ? world.file[fd] : NULL;
	return 0;
}

static int event_get(int fd)
{
	int handle;

	if (!is_open(fd))
		return -EBADF;
	if (fd >= FDS || !world.is_event[fd])
		return -EINVAL;
	handle = fcntl(fd, F_DUPFD_CLOEXEC, FDS);
	if (handle < 0)
		return -errno;
	world.handles++;
	return handle;
}

static void event_put(int handle)
{
	close(handle);
	world.handles--;
}

/* What a front end does on a thread of its own is done by do_raise() here. */
static int event_watch(int handle, struct ioas_watcher *watcher)
{
	int i = 0;

	while (i < WATCHED && world.watcher[i])
		i++;
	if (i == WATCHED)
		return -ENOMEM;
	world.watcher[i] = watcher;
	world.watched[i] = handle;
	return 0;
}

static void event_unwatch(int handle, struct ioas_watcher *watcher)
{
	int i = 0;

	while (world.watcher[i] != watcher || world.watched[i] != handle)
		i++;
	world.watcher[i] = NULL;
}

static int group_claim(unsigned int group)
{
	world.claims++;
	return 0;
}

static void group_release(unsigned int group)
{
	world.claims--;
}

static int place_take(unsigned int place)
{
	if (world.place[place])
		return -EBUSY;
	world.place[place] = true;
	return 0;
}

static void place_give(unsigned int place)
{
	world.place[place] = false;
}

static bool place_taken(unsigned int place)
{
	return world.place[place];
}

/* One thread: nobody gives one back meanwhile. */
static void place_wait(void)
{
	fprintf(stderr, "a place is waited for\n");
	abort();
}

static bool bars_mappable(void)
{
	return true;
}

static void complain(const char *text)
{
	fprintf(stderr, "ioas: %s\n", text);
}

static const struct ioas_front front = {
	.fd_install = fd_install,
	.fd_file = fd_file,
	.event_get = event_get,
	.event_put = event_put,
	.event_watch = event_watch,
	.event_unwatch = event_unwatch,
	.group_claim = group_claim,
	.group_release = group_release,
	.place_take = place_take,
	.place_give = place_give,
	.place_taken = place_taken,
	.place_wait = place_wait,
	.bars_mappable = bars_mappable,
	.complain = complain,
};

/* ---- Back end ---- */

/* One with virtual functions has as many as it may. */
static int add(const char *spec, char *failure)
{
	const struct ioas_model *const *m = abi_models;
	char full[64];

	while (strncmp(spec, (*m)->name, strlen((*m)->name)) != 0)
		m++;
	if (!(*m)->function.vfs_max)
		return ioas_machine_add(world.machine, spec, failure);
	snprintf(full, sizeof(full), "%s,vfs=%u", spec, (*m)->function.vfs_max);
	return ioas_machine_add(world.machine, full, failure);
}

static int machine_begin(const struct abi_limits *limits)
{
	/* The last two share a bus. */
	static const char *const own[] = {"full", "full", "plain",
	                                  "plain,bdf=0000:03:01.0"};
	static const char *const reserved[] = {
		"plain,reserved=reserved:0x0-0x1fffff",
		"plain,reserved=direct-relaxable:0x0-0xffffff",
		"plain,reserved=direct:0x400000-0x4fffff",
		("plain,reserved=sw-msi:0x400000-0x4fffff+"
	         "msi:0x500000-0x5fffff"),
		"full,dma-logging=on",
	};
	static const char *const other[] = {"fact1", "fact2", "fact3",
	                                    "fact3,bdf=0000:03:01.0"};
	const char *const *spec = has_facts ? other : own;
	size_t count = limits->model ? NAMED_GROUPS : COUNT(own);
	char failure[IOAS_TEXT_MAX];
	size_t i;
	int ret;

	ret = ioas_machine_create(limits->profile ? limits->profile : "intel",
	                          abi_models, &world.machine, failure);
	if (!ret && limits->shared)
		ioas_machine_share_interrupts(world.machine);
	if (!ret)
		world.machine->unsafe_interrupts = limits->unsafe;
	for (i = 0; !ret && i < count; i++)
		ret = limits->model ? ioas_machine_add(world.machine,
		                                       limits->model, failure)
		                    : add(spec[i], failure);
	for (i = 0; !ret && !limits->model && i < COUNT(reserved); i++)
		ret = ioas_machine_add(world.machine, reserved[i], failure);
	if (ret)
		fprintf(stderr, "machine: %s\n", failure);
	return ret;
}

/* NULL: the usual one. */
static const struct ioas_backend *frames(void)
{
	static struct ioas_backend_scattered scattered;
	const char *way = getenv("IOAS_RIG");

	if (!way || strcmp(way, "--scattered") != 0)
		return NULL;
	ioas_backend_scattered_init(11, ioas_hooks.page_shift, &scattered);
	return &scattered.backend;
}

static int begin(const struct abi_limits *limits)
{
	struct ioas_vfio_config config = {
		.front = &front,
		.memlock_pages = limits->memlock_pages,
		.page_shift = 12,
		.entry_limit = limits->entries,
		.contract = limits->contract,
	};
	int ret;

	ioas_host_hooks(&ioas_hooks);
	memset(&world, 0, sizeof(world));
	ret = machine_begin(limits);
	if (ret)
		return ret;
	config.machine = world.machine;
	config.backend = frames();
	return ioas_vfio_create(&config, &world.vfio);
}

static int close_one(int fd)
{
	struct ioas_file *file = world.file[fd];

	world.file[fd] = NULL;
	world.is_event[fd] = false;
	if (file)
		ioas_file_release(file);
	return close(fd);
}

/* Does something hold on after everything is closed? */
static int left_behind(void)
{
	char text[4096];

	ioas_vfio_stats(world.vfio, text, sizeof(text));
	if (world.handles || world.claims || !strstr(text, "live now 0,")) {
		fprintf(stderr, "left: %d events, %d groups, %s", world.handles,
		        world.claims, text);
		return -EUCLEAN;
	}
	return 0;
}

static int end(void)
{
	int fd, ret;

	for (fd = 0; fd < FDS; fd++)
		if (world.file[fd] || world.is_event[fd])
			close_one(fd);
	ret = left_behind();
	ioas_vfio_destroy(world.vfio);
	ioas_machine_destroy(world.machine);
	return ret;
}

static int open_container(void)
{
	struct ioas_file *file;
	int ret = ioas_vfio_open_container(world.vfio, &file);

	return ret ? ret : fd_install(file);
}

static int open_group(unsigned int group)
{
	struct ioas_file *file;
	int ret = ioas_vfio_open_group(world.vfio, group, &file);

	return ret ? ret : fd_install(file);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd >= 0 && fd < FDS)
		world.is_event[fd] = true;
	return fd;
}

static int make_other(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static uint64_t event_count(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count
	                                                                 : 0;
}

static long do_ioctl(int fd, unsigned long command, unsigned long argument)
{
	return ioctl_both_ways(world.file[fd], command, argument);
}

static ssize_t do_pread(int fd, void *buffer, size_t bytes, uint64_t at)
{
	return ioas_file_read(world.file[fd], (struct uaddr){(uintptr_t)buffer},
	                      bytes, at);
}

static ssize_t do_pwrite(int fd, const void *buffer, size_t bytes, uint64_t at)
{
	return ioas_file_write(world.file[fd],
	                       (struct uaddr){(uintptr_t)buffer}, bytes, at);
}

static void serve(int i)
{
	struct ioas_signals saved;
	uint64_t count;

	if (!world.watcher[i] || read(world.watched[i], &count, 8) != 8)
		return;
	ioas_hooks.signals_block(&saved);
	world.watcher[i]->ready(world.watcher[i]);
	ioas_hooks.signals_restore(&saved);
}

static int do_raise(int fd)
{
	const uint64_t one = 1;
	int i;

	if (write(fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return -errno;
	for (i = 0; i < WATCHED; i++)
		serve(i);
	return 0;
}

static long do_seek(int fd)
{
	return ioas_file_seek(world.file[fd], 0, SEEK_SET);
}

static int do_mmap(int fd, uint64_t bytes, int prot, int flags, uint64_t at)
{
	struct ioas_bar_window window;

	return ioas_file_mmap(world.file[fd], bytes, prot, flags, at, &window);
}

static ssize_t read_file(unsigned int group, const char *name, void *buffer,
                         size_t bytes)
{
	char path[128], content[IOAS_FILE_BYTES];
	struct ioas_entry entry;
	long ret;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/%s", group,
	         name);
	ioas_machine_entry(world.machine, path, &entry);
	if (entry.kind != IOAS_ENTRY_FILE)
		return -ENOENT;
	ret = ioas_machine_read(world.machine, &entry, content);
	if (ret > (long)bytes)
		ret = (long)bytes;
	if (ret > 0)
		memcpy(buffer, content, (size_t)ret);
	return ret;
}

static const char *command_name(unsigned int kind, unsigned long command)
{
	return ioas_file_command(world.vfio, (enum ioas_file_kind)kind,
	                         command);
}

static bool set_up(char *const word[])
{
	if (!word[0])
		return true;
	has_facts = abi_models_read(word[0]);
	return has_facts && !word[1];
}

static bool has_special(void)
{
	return !has_facts;
}

static const char *device_name(unsigned int group)
{
	static const char *const name[] = {
		[1] = "0000:01:00.0",
		[2] = "0000:02:00.0",
		[3] = "0000:03:00.0",
		[9] = "0000:08:00.0", /* the one that logs */
	};

	return name[group];
}

static unsigned int group_number(unsigned int group)
{
	return group;
}

/* A device in low power sleeps from there on. */
static void settle(void)
{
}

const struct abi_backend abi_backend = {
	.set_up = set_up,
	.has_special = has_special,
	.device = device_name,
	.number = group_number,
	.settle = settle,
	.begin = begin,
	.end = end,
	.open_container = open_container,
	.open_group = open_group,
	.eventfd = make_eventfd,
	.other = make_other,
	.event_count = event_count,
	.close = close_one,
	.ioctl = do_ioctl,
	.pread = do_pread,
	.pwrite = do_pwrite,
	.raise = do_raise,
	.file = read_file,
	.seek = do_seek,
	.mmap = do_mmap,
	.command = command_name,
};
