/* SPDX-License-Identifier: MIT */
/*
 * A device that stops in the middle of a transfer, for a while, and goes on.
 *
 * Its thread shares a processor with one that is always in front of it, so it
 * runs for some microseconds now and then. Meanwhile the program, on another
 * processor, gives back the memory that the transfer goes to, and has
 * something else at the same addresses. What the device had found out about
 * that memory before it stopped must not lead it there (KEEP-1).
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "driver.h"

#define TARGET (DMA + (16 << 20))
/* Nothing else is there. */
#define PLACE    ((uint8_t *)0x123400000000)
#define TRANSFER (512u << 10)
#define BLOCK    512u
#define COMMANDS 6           /* to the same memory, one behind the other */
#define CAUGHT   8           /* transfers that were under way: enough */
#define SECONDS  20000000000 /* or so long, in ns */
#define SENTINEL 0x5a

static struct driver d;
static volatile int stop;
static volatile uint64_t crowded_until;

static void sleep_ns(long ns)
{
	const struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void bind_to(pid_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(thread, sizeof(set), &set));
}

/* Wakes up again and again, and then is in front of what waits for idle. */
static void *crowd_out(void *cpu)
{
	uint64_t until;

	bind_to(0, *(int *)cpu);
	while (!stop) {
		until = now() + 3000000;
		while (now() < until && now() < crowded_until)
			;
		sleep_ns(20000);
	}
	return NULL;
}

/* All threads of the library's, but not that of the program. */
static void freeze(int cpu)
{
	const struct sched_param none = {0};
	DIR *tasks = opendir("/proc/self/task");
	char path[300], name[32] = "";
	unsigned int found = 0;
	struct dirent *task;
	FILE *file;

	while ((task = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
		         task->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) &&
		    !strncmp(name, "ioas", 4) && ++found) {
			bind_to(atoi(task->d_name), cpu);
			CHECK(!sched_setscheduler(atoi(task->d_name),
			                          SCHED_IDLE, &none));
		}
		fclose(file);
	}
	closedir(tasks);
	CHECK(found);
}

static uint8_t *target(void *wanted)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = TARGET,
		.size = TRANSFER,
	};
	uint8_t *at =
		mmap(wanted, TRANSFER, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	CHECK(at == wanted);
	memset(at, 0, TRANSFER);
	map.vaddr = (uintptr_t)at;
	CHECK(!ioctl(d.vfio.container, VFIO_IOMMU_MAP_DMA, &map));
	return at;
}

static void start_transfers(void)
{
	uint64_t *list = (uint64_t *)(d.memory + 8 * PAGE);
	const struct sqe sqe = {
		.opcode = 2,
		.nsid = 1,
		.prp1 = TARGET,
		.prp2 = DMA + 8 * PAGE,
		.dw12 = TRANSFER / BLOCK - 1,
	};
	unsigned int i;

	for (i = 1; i < TRANSFER / PAGE; i++)
		list[i - 1] = TARGET + i * PAGE;
	for (i = 0; i < COMMANDS; i++)
		submit(&d, 1, &sqe);
	ring(&d, 1);
}

static unsigned int bytes_other_than(const uint8_t *at, uint8_t value)
{
	unsigned int n = 0, i;

	for (i = 0; i < TRANSFER; i++)
		n += at[i] != value;
	return n;
}

/* Had some bytes come when the memory was given back? */
static int round_with(uint8_t *at, unsigned int pause)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = TARGET, .size = TRANSFER};
	unsigned int before, spoilt, i;

	target(at);
	crowded_until = now() + 30000000;
	start_transfers();
	sleep_ns(pause);
	before = bytes_other_than(at, 0);
	CHECK(!munmap(at, TRANSFER));
	CHECK(mmap(at, TRANSFER, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
	           0) == at);
	memset(at, SENTINEL, TRANSFER);
	for (i = 0; i < COMMANDS; i++)
		CHECK(!wait_one(&d, 1));
	spoilt = bytes_other_than(at, SENTINEL);
	if (spoilt)
		printf("%u bytes were overwritten\n", spoilt);
	CHECK(!spoilt);
	CHECK(!ioctl(d.vfio.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(!munmap(at, TRANSFER));
	return before != 0;
}

int main(void)
{
	static int cpu[2];
	unsigned int n = 0, i, caught = 0;
	cpu_set_t set;
	uint64_t end;
	pthread_t thread;

	CHECK(!sched_getaffinity(0, sizeof(set), &set));
	for (i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	if (n < 2) {
		puts("this takes two processors");
		return 77;
	}
	driver_open(&d);
	bind_to(0, cpu[0]);
	CHECK(!pthread_create(&thread, NULL, crowd_out, &cpu[1]));
	freeze(cpu[1]);
	end = now() + SECONDS;
	for (i = 0; caught < CAUGHT && now() < end; i++)
		caught += round_with(PLACE, 1000000 + i % 7 * 900000);
	stop = 1;
	pthread_join(thread, NULL);
	printf("caught %u\n", caught);
	return 0;
}
