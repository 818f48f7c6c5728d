/* SPDX-License-Identifier: MIT */
/*
 * The table's back end that is the kernel this program runs on, by its files:
 *
 *	abi-kernel [OPTION...] ADDRESS ADDRESS ADDRESS
 *
 * The devices of groups 1, 2 and 3 by their addresses ("0000:01:00.0"); each
 * is bound to vfio-pci and alone in its group. What they are is printed first,
 * as facts for backend_ioas.c to imitate:
 *
 *	FACT group name value
 *
 * To be run as root in a machine of its own: it sets parameters of the module,
 * the limit of entries and whether interrupts have to be isolated, and gives up
 * CAP_IPC_LOCK where a row needs a limit of locked memory.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"

#define PARAMETERS "/sys/module/vfio_iommu_type1/parameters/"

static struct {
	char name[NAMED_GROUPS + 1][DEVICE_NAME_BYTES + 1];
	unsigned int number[NAMED_GROUPS + 1]; /* of the group, here */
	uint64_t entries;                      /* as the module has it */
	bool unsafe;                           /* the same */
	bool is_type1;                         /* else it is sPAPR TCE */
} here;

/* The device of group 1, whose BAR 2 may be memory that no reset restores. */
static struct {
	bool is_pattern;
	bool written;
	int fd;
} memory = {.fd = -1};

static long answer(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* ---- Calls ---- */

static int open_container(void)
{
	return (int)answer(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
}

static int open_group(unsigned int group)
{
	unsigned int i, number = group;
	char path[64];

	/* A number that is none of ours stays one that is none here. */
	for (i = 1; i <= NAMED_GROUPS; i++)
		if (here.number[i] == group)
			number = UINT_MAX - group;
	if (group >= 1 && group <= NAMED_GROUPS)
		number = here.number[group];
	snprintf(path, sizeof(path), "/dev/vfio/%u", number);
	return (int)answer(open(path, O_RDWR | O_CLOEXEC));
}

static int make_eventfd(void)
{
	return (int)answer(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static int make_other(void)
{
	return (int)answer(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static uint64_t event_count(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count
	                                                                 : 0;
}

static int do_close(int fd)
{
	return (int)answer(close(fd));
}

static long do_ioctl(int fd, unsigned long command, unsigned long argument)
{
	long ret = answer(syscall(SYS_ioctl, fd, command, argument));

	if (command == VFIO_GROUP_GET_DEVICE_FD && ret >= 0)
		memory.fd = (int)ret;
	return ret;
}

static ssize_t do_pread(int fd, void *buffer, size_t bytes, uint64_t at)
{
	return answer(syscall(SYS_pread64, fd, buffer, bytes, at));
}

/* Some of what it starts is done by the kernel's own threads. */
static int do_raise(int fd)
{
	const uint64_t one = 1;
	long ret = syscall(SYS_write, fd, &one, sizeof(one));

	usleep(5000);
	memory.written = true;
	return ret < 0 ? -errno : 0;
}

static ssize_t do_pwrite(int fd, const void *buffer, size_t bytes, uint64_t at)
{
	if (at >> IOAS_REGION_SHIFT == VFIO_PCI_BAR2_REGION_INDEX)
		memory.written = true;
	return answer(syscall(SYS_pwrite64, fd, buffer, bytes, at));
}

static long do_seek(int fd)
{
	return answer(lseek(fd, 0, SEEK_CUR));
}

static int do_mmap(int fd, uint64_t bytes, int prot, int flags, uint64_t at)
{
	long where = syscall(SYS_mmap, NULL, bytes, prot, flags, fd, at);

	if (where == -1)
		return -errno;
	return (int)answer(syscall(SYS_munmap, where, bytes));
}

static ssize_t read_file(unsigned int group, const char *name, void *buffer,
                         size_t bytes)
{
	char path[128];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/%s",
	         here.number[group], name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = answer(read(fd, buffer, bytes));
	close(fd);
	return ret;
}

static const char *command_name(unsigned int kind, unsigned long command)
{
	return NULL;
}

/* ---- A world ---- */

static int set_parameter(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0
	                                                                : -EIO;
	close(fd);
	return ret;
}

static int set_entries(uint64_t entries)
{
	char text[32];
	int ret;

	if (entries == here.entries || !here.is_type1)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64 "\n", entries);
	ret = set_parameter(PARAMETERS "dma_entry_limit", text);
	if (!ret)
		here.entries = entries;
	return ret;
}

static int set_unsafe(bool unsafe)
{
	int ret;

	if (unsafe == here.unsafe || !here.is_type1)
		return 0;
	ret = set_parameter(PARAMETERS "allow_unsafe_interrupts",
	                    unsafe ? "Y\n" : "N\n");
	if (!ret)
		here.unsafe = unsafe;
	return ret;
}

/* Locked memory has a limit only for those who may not lock as they like. */
static int may_lock(bool yes)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	if (yes)
		data[0].effective |= 1u << CAP_IPC_LOCK;
	else
		data[0].effective &= ~(1u << CAP_IPC_LOCK);
	return (int)answer(syscall(SYS_capset, &header, data));
}

static int set_memlock(uint64_t pages)
{
	rlim_t bytes = pages == UINT64_MAX ? RLIM_INFINITY : pages * PAGE;
	struct rlimit limit = {bytes, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	return may_lock(pages == UINT64_MAX);
}

static int begin(const struct abi_limits *limits)
{
	int ret = set_entries(limits->entries);

	if (!ret)
		ret = set_unsafe(limits->unsafe);
	return ret ? ret : set_memlock(limits->memlock_pages);
}

#define PATTERN_BYTES 0x10000

static void make_pattern(char pattern[PATTERN_BYTES])
{
	size_t i;

	for (i = 0; i < PATTERN_BYTES; i++)
		pattern[i] = (char)i;
}

static void restore_pattern(void)
{
	static char pattern[PATTERN_BYTES];

	make_pattern(pattern);
	do_pwrite(memory.fd, pattern, sizeof(pattern),
	          (uint64_t)VFIO_PCI_BAR2_REGION_INDEX << IOAS_REGION_SHIFT);
}

/* Does BAR 2 read as the low byte of the offset, as models of ioas do? */
static bool has_pattern(int device)
{
	static char pattern[PATTERN_BYTES], is[PATTERN_BYTES];

	make_pattern(pattern);
	return do_pread(device, is, sizeof(is),
	                (uint64_t)VFIO_PCI_BAR2_REGION_INDEX
	                        << IOAS_REGION_SHIFT) == PATTERN_BYTES &&
	       memcmp(is, pattern, sizeof(is)) == 0;
}

/* A line may be the last before the machine stops: it must be out. */
static int end(void)
{
	fflush(stdout);
	if (memory.is_pattern && memory.written && memory.fd >= 0)
		restore_pattern();
	memory.written = false;
	memory.fd = -1;
	return (int)answer(syscall(SYS_close_range, 3, UINT_MAX, 0));
}

/* ---- The devices ---- */

static bool find_group(unsigned int group, const char *name)
{
	char path[128], link[PATH_MAX];
	ssize_t bytes;
	char *number;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
	         name);
	bytes = readlink(path, link, sizeof(link) - 1);
	if (bytes < 0 || strlen(name) != DEVICE_NAME_BYTES) {
		fprintf(stderr, "%s: no group\n", name);
		return false;
	}
	link[bytes] = '\0';
	number = strrchr(link, '/');
	here.number[group] = (unsigned int)strtoul(number + 1, NULL, 10);
	memcpy(here.name[group], name, DEVICE_NAME_BYTES + 1);
	return true;
}

static void fact(unsigned int group, const char *name, uint64_t value)
{
	printf("FACT %u %s 0x%" PRIx64 "\n", group, name, value);
}

static uint32_t config(int device, unsigned int at, unsigned int bytes)
{
	uint32_t value = 0;

	do_pread(device, &value, bytes,
	         ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << IOAS_REGION_SHIFT) +
	                 at);
	return value;
}

static void bar_facts(unsigned int group, int device)
{
	struct vfio_region_info info;
	char name[16];
	uint32_t i;

	for (i = 0; i < 6; i++) {
		info = (struct vfio_region_info){.argsz = sizeof(info),
		                                 .index = i};
		if (do_ioctl(device, VFIO_DEVICE_GET_REGION_INFO,
		             (uintptr_t)&info) ||
		    !info.size)
			continue;
		snprintf(name, sizeof(name), "bar%" PRIu32, i);
		fact(group, name, info.size);
		snprintf(name, sizeof(name), "kind%" PRIu32, i);
		fact(group, name, config(device, 0x10 + 4 * i, 1) & 0xf);
	}
}

static void msix_facts(unsigned int group, int device)
{
	unsigned int at = config(device, 0x34, 1);

	while (at && config(device, at, 1) != 0x11)
		at = config(device, at + 1, 1);
	if (!at)
		return;
	fact(group, "msix_table", config(device, at + 4, 4));
	fact(group, "msix_pba", config(device, at + 8, 4));
}

static void irq_facts(unsigned int group, int device)
{
	static const char *const name[] = {"intx", "msi", "msix"};
	struct vfio_irq_info info;
	uint32_t i;

	for (i = 0; i < COUNT(name); i++) {
		info = (struct vfio_irq_info){.argsz = sizeof(info),
		                              .index = i};
		if (!do_ioctl(device, VFIO_DEVICE_GET_IRQ_INFO,
		              (uintptr_t)&info))
			fact(group, name[i], info.count);
	}
}

#define CAP_SRIOV 0x10

/* The virtual functions that it may have. */
static void sriov_facts(unsigned int group, int device)
{
	unsigned int at = 0x100;

	while (at && (config(device, at, 4) & 0xffff) != CAP_SRIOV)
		at = (unsigned int)config(device, at, 4) >> 20;
	if (at)
		fact(group, "vfs", config(device, at + 0x0e, 2));
}

static void device_facts(unsigned int group, int device)
{
	struct vfio_region_info info = {.argsz = sizeof(info),
	                                .index = VFIO_PCI_CONFIG_REGION_INDEX};

	do_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, (uintptr_t)&info);
	fact(group, "pcie", info.size > 256);
	fact(group, "vendor", config(device, 0, 2));
	fact(group, "device", config(device, 2, 2));
	fact(group, "revision", config(device, 8, 1));
	fact(group, "class", config(device, 8, 4) >> 8);
	fact(group, "subsystem_vendor", config(device, 0x2c, 2));
	fact(group, "subsystem_device", config(device, 0x2e, 2));
	bar_facts(group, device);
	irq_facts(group, device);
	msix_facts(group, device);
	if (info.size > 256)
		sriov_facts(group, device);
}

static bool print_facts(unsigned int group)
{
	int container, file;
	long device;

	/* What a device is can be asked only behind a back end. */
	if (set_unsafe(true))
		return false;
	container = open_container();
	file = open_group(group);
	do_ioctl(file, VFIO_GROUP_SET_CONTAINER, (uintptr_t)&container);
	do_ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	device = do_ioctl(file, VFIO_GROUP_GET_DEVICE_FD,
	                  (uintptr_t)here.name[group]);
	if (device < 0)
		fprintf(stderr, "%s, group %u: %s\n", here.name[group],
		        here.number[group], strerror((int)-device));
	else
		device_facts(group, (int)device);
	if (group == 1)
		memory.is_pattern = has_pattern((int)device);
	end();
	return device >= 0;
}

static void find_type(void)
{
	int container = open_container();

	here.is_type1 = do_ioctl(container, VFIO_CHECK_EXTENSION,
	                         VFIO_TYPE1v2_IOMMU) > 0;
	do_close(container);
}

static bool set_up(char *const word[])
{
	unsigned int group;

	find_type();

	for (group = 1; group <= NAMED_GROUPS; group++)
		if (!word[group - 1] || !find_group(group, word[group - 1]))
			return false;
	for (group = 1; here.is_type1 && group <= NAMED_GROUPS; group++)
		if (!print_facts(group))
			return false;
	return !word[NAMED_GROUPS];
}

/* None of the devices of QEMU, with the IOMMUs that it has. */
static bool has_special(void)
{
	return false;
}

static const char *device_name(unsigned int group)
{
	/* Such a group is ioas's alone: no device has no name. */
	return group <= NAMED_GROUPS ? here.name[group] : "";
}

static unsigned int group_number(unsigned int group)
{
	return here.number[group];
}

/*
 * The kernel puts a device to sleep some time after it was asked to; only then
 * does a call wake it.
 */
static void settle(void)
{
	char path[128], text[16];
	unsigned int tries;
	int fd;

	snprintf(path, sizeof(path),
	         "/sys/bus/pci/devices/%s/power/runtime_status", here.name[1]);
	for (tries = 0; tries < 1000; tries++) {
		memset(text, 0, sizeof(text));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			return;
		close(fd);
		if (strcmp(text, "suspended\n") == 0)
			return;
		usleep(1000);
	}
}

const struct abi_backend abi_backend = {
	.is_real = true,
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
	.close = do_close,
	.ioctl = do_ioctl,
	.pread = do_pread,
	.pwrite = do_pwrite,
	.raise = do_raise,
	.file = read_file,
	.seek = do_seek,
	.mmap = do_mmap,
	.command = command_name,
};
