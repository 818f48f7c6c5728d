/* SPDX-License-Identifier: MIT */
/*
 * What the small programs share that are run under `ioas run` with an NVMe
 * controller at 0000:01:00.0, group 1. A program is a table of cases; its
 * argument names the one to run. A check that fails says where, and ends the
 * program with status 1.
 *
 * Two registers of the controller serve as scratch memory: the base addresses
 * of the admin queues hold what is written to them, but for their low 12 bits.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                    \
	do {                                                                \
		if (!(condition)) {                                         \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, \
			        __LINE__, #condition, errno);               \
			_exit(1);                                           \
		}                                                           \
	} while (0)

#define FAILS(call, wanted) \
	CHECK((errno = 0, (long)(call) == -1) && errno == (wanted))

#define CONTAINER "/dev/vfio/vfio"
#define GROUP     "/dev/vfio/1"
#define FUNCTION  "0000:01:00.0"

#define BAR0   (0ull << 40)
#define CONFIG (7ull << 40)

#define BAR_BYTES 0x4000
#define ASQ       0x28 /* 8 bytes of scratch, in multiples of 4096 */
#define ACQ       0x30

struct vfio {
	int container, group, device;
};

static inline void vfio_open(struct vfio *v)
{
	CHECK((v->container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK((v->group = open(GROUP, O_RDWR)) >= 0);
	CHECK(!ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container));
	CHECK(!ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION);
	CHECK(v->device >= 0);
}

static inline volatile uint8_t *map_bar(const struct vfio *v, int prot,
                                        size_t bytes)
{
	void *bar = mmap(NULL, bytes, prot, MAP_SHARED, v->device, BAR0);

	CHECK(bar != MAP_FAILED);
	return bar;
}

static inline void put(volatile uint8_t *bar, unsigned int at, uint64_t value)
{
	*(volatile uint64_t *)(bar + at) = value;
}

static inline uint64_t get(volatile uint8_t *bar, unsigned int at)
{
	return *(volatile uint64_t *)(bar + at);
}

/* Are registers behind it? */
static inline void check_bar(volatile uint8_t *bar, uint64_t value)
{
	put(bar, ASQ, value << 12);
	CHECK(get(bar, ASQ) == value << 12);
}

static inline void set_events(const struct vfio *v, int fd)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(room),
		.flags =
			VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	CHECK(!ioctl(v->device, VFIO_DEVICE_SET_IRQS, set));
}

/* Raises the vector by hand. */
static inline void raise_event(const struct vfio *v)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};

	CHECK(!ioctl(v->device, VFIO_DEVICE_SET_IRQS, &set));
}

/* How a child ended: its status, or minus the signal. */
static inline int run_child(void (*what)(void))
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (!child) {
		what();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

struct client_case {
	const char *name;
	void (*run)(void);
};

static inline int client_main(const struct client_case *cases, int argc,
                              char **argv)
{
	for (; cases->name; cases++) {
		if (argc > 1 && strcmp(cases->name, argv[1]) != 0)
			continue;
		if (argc < 2) {
			puts(cases->name);
			continue;
		}
		cases->run();
		puts("done");
		return 0;
	}
	return argc < 2 ? 0 : 2;
}

#define CASE(function)              \
	{                           \
#function, function \
	}

#endif /* CLIENT_H */
