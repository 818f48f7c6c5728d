/* SPDX-License-Identifier: MIT */
/*
 * bench-live: MAP_DMA and UNMAP_DMA of a page while many mappings are alive,
 * at random places. Both calls go through the VFIO interface as a front end
 * makes them; what the system needs to see that memory is there is left out.
 *
 * There are twice as many places as mappings. A round unmaps BATCH mappings
 * and makes as many at places that are free, so that no call finds in the
 * caches what the one before left there. Rounds with few and with many alive
 * take turns.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "benchmarks/meter.h"
#include "devices/models.h"
#include "host/host.h"
#include "machine/machine.h"
#include "uapi/abi.h"
#include "uapi/vfio.h"

#define PAGE       UINT64_C(4096)
#define BASE       (UINT64_C(1) << 32)
#define BATCH      100
#define ROUNDS     1000
#define ROUNDS_FEW 20
#define MEMORY     (64 * PAGE) /* mapped over and over */

/* A container; its places in random order, the first @count are mapped. */
struct live {
	struct ioas_file *container;
	struct ioas_file *group;
	uint32_t *place;
	uint32_t count;
	double map[ROUNDS], unmap[ROUNDS]; /* nanoseconds a call */
};

static struct ioas_vfio *vfio;
static struct ioas_file *attaching; /* what fd_file() answers */
static char *memory;

static _Noreturn void die(const char *what, long error)
{
	fprintf(stderr, "bench-live: %s: %s\n", what, strerror((int)-error));
	exit(1);
}

static void must(const char *what, long error)
{
	if (error)
		die(what, error);
}

/* ---- Front end ---- */

static int fd_file(int fd, struct ioas_file **ret_file)
{
	(void)fd;
	*ret_file = attaching;
	return 0;
}

static int group_claim(unsigned int group)
{
	(void)group;
	return 0;
}

static void group_release(unsigned int group)
{
	(void)group;
}

static const struct ioas_front front = {
	.fd_file = fd_file,
	.group_claim = group_claim,
	.group_release = group_release,
};

static int no_pin(struct uaddr start, uint64_t length, unsigned int perm,
                  uint64_t *ret_pinned)
{
	(void)start;
	(void)perm;
	*ret_pinned = length;
	return 0;
}

static void no_unpin(struct uaddr start, uint64_t length)
{
	(void)start;
	(void)length;
}

/* As cheap as the front end's, whose faults are mended where they happen. */
static int plain_copy(void *dst, const void *src, size_t bytes)
{
	memcpy(dst, src, bytes);
	return 0;
}

static void vfio_begin(void)
{
	struct ioas_vfio_config config = {
		.front = &front,
		.memlock_pages = UINT64_MAX,
		.page_shift = 12,
		.entry_limit = UINT32_MAX,
	};
	char failure[IOAS_TEXT_MAX];

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.pin = no_pin;
	ioas_hooks.unpin = no_unpin;
	ioas_hooks.copy = plain_copy;
	must("machine", ioas_machine_create("intel", ioas_models,
	                                    &config.machine, failure));
	must("device", ioas_machine_add(config.machine, "edu", failure));
	must("device", ioas_machine_add(config.machine, "edu", failure));
	must("vfio", ioas_vfio_create(&config, &vfio));
}

/* ---- Calls ---- */

static void map(const struct live *l, uint32_t place)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory + place % 64 * PAGE,
		.iova = BASE + place * PAGE,
		.size = PAGE,
	};

	must("map", ioas_file_ioctl(l->container, VFIO_IOMMU_MAP_DMA,
	                            (uintptr_t)&arg));
}

static void unmap(const struct live *l, uint32_t place)
{
	struct ioas_vfio_unmap arg = {
		.argsz = sizeof(arg),
		.iova = BASE + place * PAGE,
		.size = PAGE,
	};

	must("unmap", ioas_file_ioctl(l->container, VFIO_IOMMU_UNMAP_DMA,
	                              (uintptr_t)&arg));
	/* Result before time: it was there, and went. */
	if (arg.size != PAGE)
		die("unmap is wrong", 0);
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t was = *a;

	*a = *b;
	*b = was;
}

static void live_init(struct live *l, unsigned int group, uint32_t count)
{
	int32_t fd = 0;
	uint32_t i;

	l->count = count;
	l->place = malloc(2 * count * sizeof(*l->place));
	if (!l->place)
		die("memory", -ENOMEM);
	must("container", ioas_vfio_open_container(vfio, &l->container));
	must("group", ioas_vfio_open_group(vfio, group, &l->group));
	attaching = l->container;
	must("attach", ioas_file_ioctl(l->group, VFIO_GROUP_SET_CONTAINER,
	                               (uintptr_t)&fd));
	must("type",
	     ioas_file_ioctl(l->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	for (i = 0; i < 2 * count; i++) {
		l->place[i] = i;
		swap(&l->place[i], &l->place[(uint32_t)random() % (i + 1)]);
	}
	for (i = 0; i < count; i++)
		map(l, l->place[i]);
}

/* ---- Time ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double timed(void (*call)(const struct live *l, uint32_t place),
                    const struct live *l, const uint32_t *place)
{
	double start = now();
	uint32_t i;

	for (i = 0; i < BATCH; i++)
		call(l, place[i]);
	return (now() - start) / BATCH;
}

/* What is unmapped and what is mapped change their places in the list. */
static void round_of(struct live *l, unsigned int n)
{
	uint32_t *alive = l->place, *free = l->place + l->count, i;

	for (i = 0; i < BATCH; i++) {
		swap(&alive[i],
		     &alive[i + (uint32_t)random() % (l->count - i)]);
		swap(&free[i], &free[i + (uint32_t)random() % (l->count - i)]);
	}
	l->unmap[n] = timed(unmap, l, alive);
	l->map[n] = timed(map, l, free);
	for (i = 0; i < BATCH; i++)
		swap(&alive[i], &free[i]);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct meter_case result(const char *name, double *took,
                                unsigned int rounds)
{
	qsort(took, rounds, sizeof(*took), compare);
	return (struct meter_case){
		.name = name, .min = took[0], .median = took[rounds / 2]};
}

static void print(struct live *few, struct live *many, unsigned int rounds)
{
	const struct meter_case rows[] = {
		result("map, 1000 alive", few->map, rounds),
		result("map, 1 million alive", many->map, rounds),
		result("unmap, 1000 alive", few->unmap, rounds),
		result("unmap, 1 million alive", many->unmap, rounds),
	};

	meter_row("live", &rows[0], NULL, NULL);
	meter_row("live", &rows[1], &rows[0], "median <= 1000");
	/* The same numbers: at most three times the cost with 1000. */
	meter_row("live", &rows[1], &rows[0], "ratio >= 0.333");
	meter_row("live", &rows[2], NULL, NULL);
	meter_row("live", &rows[3], &rows[2], NULL);
}

int main(void)
{
	bool smoke = getenv("IOAS_BENCH_SMOKE") != NULL;
	unsigned int rounds = smoke ? ROUNDS_FEW : ROUNDS, i;
	static struct live few, many;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("memory", -ENOMEM);
	srandom(1);
	vfio_begin();
	live_init(&few, 1, 1000);
	live_init(&many, 2, smoke ? 10000 : 1000000);
	for (i = 0; i < rounds; i++) {
		round_of(&few, i);
		round_of(&many, i);
	}
	print(&few, &many, rounds);
	return 0;
}
