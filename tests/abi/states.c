/* SPDX-License-Identifier: MIT */
/*
 * How each state is reached: a list of steps. The mappings of a mapped state:
 *
 *	A  iova 0x100000, 3 pages from MEM(0)      READ | WRITE
 *	B  iova 0x103000, 1 page  from MEM(3)      READ | WRITE
 *	C  iova 0x200000, 2 pages from MEM(4)      READ
 */
#include <string.h>

#include "abi.h"

enum step {
	STEP_END,
	STEP_ATTACH,  /* group 1 to the container */
	STEP_GROUP2,  /* open group 2 */
	STEP_GROUP4,  /* open group 4, in its place */
	STEP_SECOND,  /* open the state's second group, the same */
	STEP_ATTACH2, /* and put it into the same container */
	STEP_LEAVE2,  /* and out of it */
	STEP_LOG,     /* DMA logging begins */
	STEP_V1,
	STEP_V2,
	STEP_MAP,
	STEP_INVALIDATE, /* B */
	STEP_TRACK,
	STEP_SHIFTED_GET,
	STEP_DEVICE,
	STEP_CLOSE, /* group and container */
	STEP_INTX,
	STEP_INTX_SILENT,
	STEP_INTX_UNMASK,
	STEP_INTX_OFF,
	STEP_IOEVENTFD,
	STEP_MSI,
	STEP_MSIX,
	STEP_SINGLE,
	STEP_LOW,
	STEP_LOW_WAKE,
	STEP_D3,
	STEP_NO_DECODE,
};

struct state {
	enum step step[8];
	unsigned int group; /* 0: 1 */
	unsigned int second;
	uint64_t entries, memlock; /* 0: as usual */
	bool unsafe;
};

/* Groups whose devices have reserved ranges of their own, or can log. */
enum { LOW = 5, RELAXED, DIRECT, MIDDLE, LOGS };

/* A machine that has no such device has an ordinary one there. */
static unsigned int group_there(const struct abi_world *w, unsigned int group)
{
	if (group < LOW || w->backend->has_special())
		return group;
	return group == LOGS ? 1 : 2;
}

static const struct state states[S_NR] = {
	[S_OPEN] = {.step = {STEP_END}},
	[S_ATTACHED] = {.step = {STEP_ATTACH}},
	[S_UNSAFE] = {.step = {STEP_ATTACH}, .unsafe = true},
	[S_V1] = {.step = {STEP_ATTACH, STEP_V1}},
	[S_V2] = {.step = {STEP_ATTACH, STEP_V2}},
	[S_V1_MAPPED] = {.step = {STEP_ATTACH, STEP_V1, STEP_MAP}},
	[S_V2_MAPPED] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP}},
	[S_V2_INVALID] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP,
                                   STEP_INVALIDATE}},
	[S_V2_TRACKED] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP, STEP_TRACK}},
	[S_V2_SHIFTED] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP, STEP_TRACK,
                                   STEP_SHIFTED_GET}},
	[S_V2_FULL] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP}, .entries = 3},
	[S_V2_LOCKED] = {.step = {STEP_ATTACH, STEP_V2}, .memlock = 2},
	[S_TWO] = {.step = {STEP_ATTACH, STEP_GROUP2, STEP_ATTACH2, STEP_V2,
                            STEP_MAP}},
	[S_NEIGHBOUR] = {.step = {STEP_ATTACH, STEP_GROUP2, STEP_V2, STEP_MAP}},
	[S_INVALID_NEIGHBOUR] = {.step = {STEP_ATTACH, STEP_GROUP2, STEP_V2,
                                          STEP_MAP, STEP_INVALIDATE}},
	[S_DEVICE] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE}},
	[S_DEVICE_V1] = {.step = {STEP_ATTACH, STEP_V1, STEP_DEVICE}},
	[S_DEVICE_ONLY] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                    STEP_CLOSE}},
	[S_INTX] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_INTX}},
	[S_INTX_SILENT] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                    STEP_INTX_SILENT}},
	[S_INTX_UNMASK] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                    STEP_INTX, STEP_INTX_UNMASK}},
	[S_INTX_OFF] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_INTX,
                                 STEP_INTX_OFF}},
	[S_IOEVENTFD] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                  STEP_IOEVENTFD}},
	[S_MSI] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_MSI}},
	[S_MSIX] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_MSIX}},
	[S_SINGLE] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_SINGLE}},
	[S_LOW] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_LOW}},
	[S_LOW_WAKE] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                 STEP_LOW_WAKE}},
	[S_D3] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_D3}},
	[S_NO_DECODE] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE,
                                  STEP_NO_DECODE}},
	[S_PLAIN] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE}, .group = 3},
	[S_PAIR] = {.step = {STEP_ATTACH, STEP_V2, STEP_DEVICE, STEP_GROUP4},
                    .group = 3},
	[S_BESIDE_LOW] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_V2, STEP_MAP},
                          .second = LOW},
	[S_BESIDE_INVALID] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_V2,
                                       STEP_MAP, STEP_INVALIDATE},
                              .second = LOW},
	[S_BESIDE_RELAXED] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_V2,
                                       STEP_MAP},
                              .second = RELAXED},
	[S_BESIDE_DIRECT] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_V2,
                                      STEP_MAP},
                             .second = DIRECT},
	[S_DIRECT] = {.step = {STEP_SECOND}, .second = DIRECT},
	[S_WITH_LOW] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_ATTACH2,
                                 STEP_V2},
                        .second = LOW},
	[S_WITHOUT_LOW] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_ATTACH2,
                                    STEP_V2, STEP_LEAVE2},
                           .second = LOW},
	[S_WITH_MIDDLE] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_ATTACH2,
                                    STEP_V2},
                           .second = MIDDLE},
	[S_WITHOUT_MIDDLE] = {.step = {STEP_ATTACH, STEP_SECOND, STEP_ATTACH2,
                                       STEP_V2, STEP_LEAVE2},
                              .second = MIDDLE},
	[S_LOGS] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP, STEP_DEVICE},
                    .group = LOGS},
	[S_LOGGING] = {.step = {STEP_ATTACH, STEP_V2, STEP_MAP, STEP_DEVICE,
                                STEP_LOG},
                       .group = LOGS},
};

const char *const abi_state_name[S_NR] = {
	[S_OPEN] = "open",
	[S_ATTACHED] = "attached",
	[S_UNSAFE] = "attached, unsafe",
	[S_V1] = "v1",
	[S_V2] = "v2",
	[S_V1_MAPPED] = "v1 mapped",
	[S_V2_MAPPED] = "v2 mapped",
	[S_V2_INVALID] = "v2 invalid",
	[S_V2_TRACKED] = "v2 tracked",
	[S_V2_SHIFTED] = "v2 shifted",
	[S_V2_FULL] = "v2 full",
	[S_V2_LOCKED] = "v2 locked",
	[S_TWO] = "two",
	[S_NEIGHBOUR] = "neighbour",
	[S_INVALID_NEIGHBOUR] = "invalid neighbour",
	[S_DEVICE] = "device",
	[S_DEVICE_V1] = "device v1",
	[S_DEVICE_ONLY] = "device only",
	[S_INTX] = "intx",
	[S_INTX_SILENT] = "intx silent",
	[S_INTX_UNMASK] = "intx unmask",
	[S_INTX_OFF] = "intx disabled",
	[S_IOEVENTFD] = "ioeventfd",
	[S_MSI] = "msi",
	[S_MSIX] = "msix",
	[S_SINGLE] = "single",
	[S_LOW] = "low",
	[S_LOW_WAKE] = "low wake",
	[S_D3] = "d3hot",
	[S_NO_DECODE] = "no decode",
	[S_PLAIN] = "plain",
	[S_PAIR] = "pair",
	[S_BESIDE_LOW] = "beside low",
	[S_BESIDE_INVALID] = "beside low, invalid",
	[S_BESIDE_RELAXED] = "beside relaxed",
	[S_BESIDE_DIRECT] = "beside direct",
	[S_DIRECT] = "direct",
	[S_WITH_LOW] = "with low",
	[S_WITHOUT_LOW] = "without low",
	[S_WITH_MIDDLE] = "with middle",
	[S_WITHOUT_MIDDLE] = "without middle",
	[S_LOGS] = "logs",
	[S_LOGGING] = "logging",
};

static const struct abi_limits usual = {.entries = 65535,
                                        .memlock_pages = UINT64_MAX};

static long call(struct abi_world *w, enum abi_fd on, unsigned long command,
                 const void *argument)
{
	return w->backend->ioctl(w->fd[on], command, (uintptr_t)argument);
}

static long attach(struct abi_world *w, enum abi_fd group)
{
	int32_t fd = w->fd[FD_CONTAINER];

	return call(w, group, VFIO_GROUP_SET_CONTAINER, &fd);
}

static long set_iommu(struct abi_world *w, unsigned long type)
{
	return w->backend->ioctl(w->fd[FD_CONTAINER], VFIO_SET_IOMMU, type);
}

static long map(struct abi_world *w)
{
	static const struct vfio_iommu_type1_dma_map maps[] = {
		{32, 3, MEM(0), 0x100000, 3 * PAGE},
		{32, 3, MEM(3 * PAGE), 0x103000, PAGE},
		{32, 1, MEM(4 * PAGE), 0x200000, 2 * PAGE},
	};
	long ret = 0;
	size_t i;

	for (i = 0; !ret && i < COUNT(maps); i++) {
		struct vfio_iommu_type1_dma_map one = maps[i];

		abi_resolve(w, &one, sizeof(one));
		ret = call(w, FD_CONTAINER, VFIO_IOMMU_MAP_DMA, &one);
	}
	return ret;
}

static long invalidate(struct abi_world *w)
{
	struct ioas_vfio_unmap unmap = {24, VFIO_DMA_UNMAP_FLAG_VADDR, 0x103000,
	                                PAGE};

	return call(w, FD_CONTAINER, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static long track(struct abi_world *w)
{
	struct ioas_vfio_head arg = {8, VFIO_IOMMU_DIRTY_PAGES_FLAG_START};

	return call(w, FD_CONTAINER, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

/* The bits of A and B do not begin where a word does. */
static long shifted_get(struct abi_world *w)
{
	uint64_t word = 0;
	struct {
		struct ioas_vfio_head head;
		struct ioas_vfio_dirty_range range;
	} arg = {
		.head = {48, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP},
		.range = {0xfe000, 6 * PAGE, {PAGE, 8, (uintptr_t)&word}},
	};

	return call(w, FD_CONTAINER, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static long open_device(struct abi_world *w, unsigned int group)
{
	long fd = call(w, FD_GROUP, VFIO_GROUP_GET_DEVICE_FD,
	               w->backend->device(group_there(w, group ? group : 1)));

	if (fd < 0)
		return fd;
	w->fd[FD_DEVICE] = (int)fd;
	return 0;
}

static long set_events(struct abi_world *w, uint32_t index, uint32_t count,
                       enum abi_fd first)
{
	struct {
		struct ioas_vfio_irq_set set;
		int32_t fd[2];
	} arg = {
		.set = {28,
	                VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
	                index, 0, count},
		.fd = {w->fd[first], w->fd[first + 1]},
	};

	return call(w, FD_DEVICE, VFIO_DEVICE_SET_IRQS, &arg);
}

static long intx(struct abi_world *w, uint32_t action, int32_t fd)
{
	struct {
		struct ioas_vfio_irq_set set;
		int32_t fd;
	} arg = {{24, VFIO_IRQ_SET_DATA_EVENTFD | action,
	          VFIO_PCI_INTX_IRQ_INDEX, 0, 1},
	         fd};

	return call(w, FD_DEVICE, VFIO_DEVICE_SET_IRQS, &arg);
}

static long start_logging(struct abi_world *w)
{
	const struct ioas_vfio_logging_range range[] = {{0, 3 * PAGE},
	                                                {0x100000, 3 * PAGE}};
	struct {
		uint32_t argsz, flags;
		struct ioas_vfio_logging_control control;
	} arg = {sizeof(arg),
	         VFIO_DEVICE_FEATURE_SET | IOAS_FEATURE_DMA_LOGGING_START,
	         {PAGE, 2, 0, (uintptr_t)range}};

	return call(w, FD_DEVICE, VFIO_DEVICE_FEATURE, &arg);
}

static long write_command(struct abi_world *w, uint16_t command)
{
	ssize_t done =
		w->backend->pwrite(w->fd[FD_DEVICE], &command, 2, CONFIG + 4);

	return done == 2 ? 0 : done;
}

/* Where the list has power management, and 4 behind it its control. */
static long d3hot(struct abi_world *w)
{
	unsigned int at = abi_capability(w, 1);
	const uint16_t state = 3;
	ssize_t ret;

	if (!at)
		return -ENODEV;
	ret = w->backend->pwrite(w->fd[FD_DEVICE], &state, 2, CONFIG + at + 4);
	return ret == 2 ? 0 : ret;
}

static long ioeventfd(struct abi_world *w)
{
	struct vfio_device_ioeventfd arg = {28, 4,
	                                    UINT64_C(2) << IOAS_REGION_SHIFT,
	                                    0x1234, w->fd[FD_EVENT0]};

	return call(w, FD_DEVICE, VFIO_DEVICE_IOEVENTFD, &arg);
}

static long single(struct abi_world *w)
{
	long ret = set_events(w, VFIO_PCI_ERR_IRQ_INDEX, 1, FD_EVENT0);

	return ret ? ret : set_events(w, VFIO_PCI_REQ_IRQ_INDEX, 1, FD_EVENT1);
}

static long low_power(struct abi_world *w, uint32_t feature)
{
	struct {
		uint32_t argsz, flags;
		int32_t fd;
		uint32_t reserved;
	} arg = {16, VFIO_DEVICE_FEATURE_SET | feature, w->fd[FD_EVENT0], 0};

	long ret = call(w, FD_DEVICE, VFIO_DEVICE_FEATURE, &arg);

	w->backend->settle();
	return ret;
}

static void close_fd(struct abi_world *w, enum abi_fd fd)
{
	w->backend->close(w->fd[fd]);
	w->fd[fd] = -1;
}

static long close_two(struct abi_world *w)
{
	close_fd(w, FD_GROUP);
	close_fd(w, FD_CONTAINER);
	return 0;
}

static long open_second(struct abi_world *w, unsigned int group)
{
	w->fd[FD_GROUP2] = w->backend->open_group(group_there(w, group));
	return w->fd[FD_GROUP2] < 0 ? w->fd[FD_GROUP2] : 0;
}

/* Steps that are about a second group. */
static long do_second(struct abi_world *w, const struct state *s,
                      enum step step)
{
	switch (step) {
	case STEP_GROUP2:
		return open_second(w, 2);
	case STEP_GROUP4:
		return open_second(w, 4);
	case STEP_SECOND:
		return open_second(w, s->second);
	case STEP_ATTACH2:
		return attach(w, FD_GROUP2);
	default: /* STEP_LEAVE2 */
		return call(w, FD_GROUP2, VFIO_GROUP_UNSET_CONTAINER, NULL);
	}
}

static long do_step(struct abi_world *w, const struct state *s, enum step step)
{
	switch (step) {
	case STEP_ATTACH:
		return attach(w, FD_GROUP);
	case STEP_GROUP2:
	case STEP_GROUP4:
	case STEP_SECOND:
	case STEP_ATTACH2:
	case STEP_LEAVE2:
		return do_second(w, s, step);
	case STEP_LOG:
		return start_logging(w);
	case STEP_V1:
		return set_iommu(w, VFIO_TYPE1_IOMMU);
	case STEP_V2:
		return set_iommu(w, VFIO_TYPE1v2_IOMMU);
	case STEP_MAP:
		return map(w);
	case STEP_INVALIDATE:
		return invalidate(w);
	case STEP_TRACK:
		return track(w);
	case STEP_SHIFTED_GET:
		return shifted_get(w);
	case STEP_DEVICE:
		return open_device(w, s->group);
	case STEP_CLOSE:
		return close_two(w);
	case STEP_INTX:
		return intx(w, VFIO_IRQ_SET_ACTION_TRIGGER, w->fd[FD_EVENT0]);
	case STEP_INTX_SILENT:
		return intx(w, VFIO_IRQ_SET_ACTION_TRIGGER, -1);
	case STEP_INTX_UNMASK:
		return intx(w, VFIO_IRQ_SET_ACTION_UNMASK, w->fd[FD_EVENT1]);
	case STEP_INTX_OFF:
		return write_command(w, 0x402);
	case STEP_IOEVENTFD:
		return ioeventfd(w);
	case STEP_MSI:
		return set_events(w, VFIO_PCI_MSI_IRQ_INDEX, 2, FD_EVENT0);
	case STEP_MSIX:
		return set_events(w, VFIO_PCI_MSIX_IRQ_INDEX, 2, FD_EVENT0);
	case STEP_SINGLE:
		return single(w);
	case STEP_LOW:
		return low_power(w, IOAS_FEATURE_LOW_POWER_ENTRY);
	case STEP_LOW_WAKE:
		return low_power(w, IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP);
	case STEP_D3:
		return d3hot(w);
	case STEP_NO_DECODE:
		return write_command(w, 0);
	case STEP_END:
		break;
	}
	return 0;
}

static int open_files(struct abi_world *w, const struct state *s)
{
	const struct abi_backend *b = w->backend;
	unsigned int i;

	memset(w->fd, -1, sizeof(w->fd));
	for (i = 0; i < EVENTS; i++)
		w->fd[FD_EVENT0 + i] = b->eventfd();
	w->fd[FD_OTHER] = b->other();
	w->fd[FD_CLOSED] = 900;
	w->fd[FD_CONTAINER] = b->open_container();
	if (w->fd[FD_CONTAINER] < 0)
		return w->fd[FD_CONTAINER];
	w->fd[FD_CONTAINER2] = b->open_container();
	w->fd[FD_GROUP] =
		b->open_group(group_there(w, s->group ? s->group : 1));
	return w->fd[FD_GROUP] < 0 ? w->fd[FD_GROUP] : 0;
}

int abi_enter(struct abi_world *world, enum abi_state state)
{
	const struct state *s = &states[state];
	struct abi_limits limits = usual;
	unsigned int i;
	long ret;

	limits.contract = world->contract;
	limits.profile =
		world->set->profile ? world->set->profile : world->profile;
	limits.shared = world->set->shared;
	limits.unsafe = s->unsafe;
	if (s->entries)
		limits.entries = s->entries;
	if (s->memlock)
		limits.memlock_pages = s->memlock;
	ret = world->backend->begin(&limits);
	if (!ret)
		ret = open_files(world, s);
	for (i = 0; !ret && i < COUNT(s->step); i++)
		ret = do_step(world, s, s->step[i]);
	return (int)ret;
}
