/* SPDX-License-Identifier: MIT */
/*
 * A physical function with two virtual ones, under `ioas run -d edu,vfs=2`:
 * 0000:01:00.0 of group 1, 0000:01:10.0 of group 2, 0000:01:10.1 of group 3.
 * Every process here is one of the same run.
 */
#ifndef PAIR_H
#define PAIR_H

#include <poll.h>
#include <stdbool.h>

#include "../preload/client.h"

#define PF     "0000:01:00.0"
#define VF     "0000:01:10.0"
#define VF2    "0000:01:10.1"
#define SYS    "/sys/bus/pci/devices/"
#define NUMVFS SYS PF "/sriov_numvfs"
#define ONE    " vf_token=11111111-2222-3333-4444-555555555555"
#define TWO    " vf_token=11111111-2222-3333-4444-555555555556"

/* Of edu's registers. */
#define LIVENESS    0x04
#define FACTORIAL   0x08
#define SOURCE      0x80
#define DESTINATION 0x88
#define COUNT       0x90
#define COMMAND     0x98
#define BUFFER      0x40000

/* ---- Calls ---- */

static inline int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;
	ssize_t n;

	CHECK(fd >= 0);
	n = write(fd, text, strlen(text));
	if (n != (ssize_t)strlen(text))
		error = errno;
	CHECK(!close(fd));
	return error;
}

static inline int numvfs(void)
{
	char text[16] = "";
	int fd = open(NUMVFS, O_RDONLY);

	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(!close(fd));
	return atoi(text);
}

static inline bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* A device in a container of its own; -errno in `device` when it is refused. */
static inline struct vfio open_as(int number, const char *name)
{
	struct vfio v;
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	CHECK((v.container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK((v.group = open(path, O_RDWR)) >= 0);
	CHECK(!ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container));
	CHECK(!ioctl(v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	v.device = ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (v.device < 0)
		v.device = -errno;
	return v;
}

static inline void close_all(struct vfio *v)
{
	if (v->device >= 0)
		CHECK(!close(v->device));
	CHECK(!close(v->group));
	CHECK(!close(v->container));
}

static inline int try_as(int number, const char *name)
{
	struct vfio v = open_as(number, name);
	int result = v.device;

	close_all(&v);
	return result < 0 ? result : 0;
}

static inline void bus_master_on(const struct vfio *v)
{
	uint16_t command = 6;

	CHECK(pwrite(v->device, &command, 2, CONFIG + 4) == 2);
}

static inline void map(const struct vfio *v, void *memory, uint64_t iova,
                       int flags)
{
	struct vfio_iommu_type1_dma_map arg = {.argsz = sizeof(arg),
	                                       .flags = flags,
	                                       .vaddr = (uintptr_t)memory,
	                                       .iova = iova,
	                                       .size = 4096};

	CHECK(!ioctl(v->container, VFIO_IOMMU_MAP_DMA, &arg));
}

static inline void unmap(const struct vfio *v, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .iova = iova, .size = 4096};

	CHECK(!ioctl(v->container, VFIO_IOMMU_UNMAP_DMA, &arg));
	CHECK(arg.size == 4096);
}

static inline void move(volatile uint8_t *bar, uint64_t from, uint64_t to,
                        uint64_t command)
{
	put(bar, SOURCE, from);
	put(bar, DESTINATION, to);
	put(bar, COUNT, 8);
	put(bar, COMMAND, command);
}

static inline void on_request(const struct vfio *v, int event)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(room),
		.flags =
			VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_REQ_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &event, sizeof(event));
	CHECK(!ioctl(v->device, VFIO_DEVICE_SET_IRQS, set));
}

/* Two processes that wait for each other. */
static int to_child[2], to_parent[2];

static inline void meet_begin(void)
{
	CHECK(!pipe(to_child) && !pipe(to_parent));
}

static inline void tell(const int *way)
{
	CHECK(write(way[1], "x", 1) == 1);
}

static inline void wait_for(const int *way)
{
	char c;

	CHECK(read(way[0], &c, 1) == 1);
}

static inline pid_t child_begin(void (*what)(void))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child)
		return child;
	what();
	_exit(0);
}

static inline int child_end(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void kill_child(pid_t child)
{
	CHECK(!kill(child, SIGKILL));
	CHECK(child_end(child) == -SIGKILL);
}

/* The token is ONE afterwards. */
static inline void pair_begin(void)
{
	CHECK(!write_to(NUMVFS, "2"));
	CHECK(!try_as(1, PF ONE));
}

#endif /* PAIR_H */
