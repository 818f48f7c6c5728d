/* SPDX-License-Identifier: MIT */
/* A device under a program that is short of something, or that goes on long. */
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "client.h"

#define RW    (PROT_READ | PROT_WRITE)
#define PAGE  4096u
#define SMALL (16u << 10) /* stack of a coroutine */

static unsigned int entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned int n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned int lines(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int n = 0;
	int c;

	CHECK(file);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

/* KiB that are in memory and the program's own. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, all, shared;

	CHECK(file && fscanf(file, "%ld %ld %ld", &size, &all, &shared) == 3);
	fclose(file);
	return (all - shared) * 4;
}

static void use_once(void *memory)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = 0x100000,
		.size = PAGE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = 0x100000, .size = PAGE};
	int event = eventfd(0, 0);
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	set_events(&v, event);
	bar = map_bar(&v, RW, BAR_BYTES);
	check_bar(bar, 0x4321);
	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(!munmap((void *)bar, BAR_BYTES));
	close(v.device);
	close(v.group);
	close(v.container);
	close(event);
}

static void a_thousand_times_without_growth(void)
{
	void *memory = aligned_alloc(PAGE, PAGE);
	unsigned int files, maps, threads, i;
	long before;

	for (i = 0; i < 100; i++)
		use_once(memory);
	files = entries("/proc/self/fd");
	maps = lines("/proc/self/maps");
	threads = entries("/proc/self/task");
	before = resident();
	for (i = 0; i < 1000; i++)
		use_once(memory);
	CHECK(entries("/proc/self/fd") == files);
	CHECK(entries("/proc/self/task") == threads);
	CHECK(lines("/proc/self/maps") <= maps + 2);
	CHECK(resident() < before + 256);
	free(memory);
}

static ucontext_t main_context, coroutine[8];
static volatile uint8_t *the_bar;

static void in_coroutine(void)
{
	unsigned int i;

	for (i = 1; i < 50; i++)
		check_bar(the_bar, i);
}

static void coroutines_on_small_stacks(void)
{
	struct vfio v;
	unsigned int i;

	vfio_open(&v);
	the_bar = map_bar(&v, RW, BAR_BYTES);
	for (i = 0; i < 8; i++) {
		CHECK(!getcontext(&coroutine[i]));
		coroutine[i].uc_stack.ss_sp = malloc(SMALL);
		coroutine[i].uc_stack.ss_size = SMALL;
		coroutine[i].uc_link = &main_context;
		makecontext(&coroutine[i], in_coroutine, 0);
		CHECK(!swapcontext(&main_context, &coroutine[i]));
	}
}

static void *blocked(void *bar)
{
	sigset_t all, now;
	unsigned int i;

	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_BLOCK, &all, NULL));
	for (i = 1; i < 50; i++)
		put(bar, ASQ, i << 12);
	CHECK(!pthread_sigmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGSEGV) == 1);
	return NULL;
}

static void a_thread_that_blocks_every_signal(void)
{
	pthread_t thread;
	sigset_t all;
	struct vfio v;

	vfio_open(&v);
	the_bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pthread_create(&thread, NULL, blocked, (void *)the_bar));
	CHECK(!pthread_join(thread, NULL));
	/* And one that was born so. */
	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_SETMASK, &all, NULL));
	CHECK(!pthread_create(&thread, NULL, blocked, (void *)the_bar));
	CHECK(!pthread_join(thread, NULL));
	check_bar(the_bar, 77);
}

/* 64 KiB of 128: a page can be pinned, 17 cannot. */
static void memory_that_is_locked_has_a_limit(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.size = 17 * PAGE,
	};
	struct rlimit limit = {16 * PAGE, 32 * PAGE};
	struct vfio v;

	vfio_open(&v);
	map.vaddr = (uintptr_t)aligned_alloc(PAGE, map.size);
	FAILS(ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map), ENOMEM);
	map.size = 16 * PAGE;
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	map.iova = map.size;
	map.size = PAGE;
	/* The same page again counts again. */
	FAILS(ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map), ENOMEM);
	/* The limit is what it is when a map is made: it can be raised. */
	limit.rlim_cur = 17 * PAGE;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
}

/* KiB that are locked: a line of /proc/self/status. */
static long locked(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long n = -1;

	CHECK(file);
	while (n < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "VmLck: %ld", &n);
	fclose(file);
	return n;
}

/* What is only reserved for tables is neither brought in nor locked. */
static void all_memory_is_locked(void)
{
	const size_t bytes = 32 * PAGE;
	unsigned char there[32];
	struct rlimit limit;
	unsigned int i;
	void *memory;
	struct vfio v;

	/* As an ordinary user: less than what is reserved. */
	CHECK(!getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = limit.rlim_max;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	vfio_open(&v);
	memory = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		CHECK(errno == ENOMEM || errno == EPERM);
		puts("refused");
		return;
	}
	CHECK(!mincore(memory, bytes, there));
	for (i = 0; i < 32; i++)
		CHECK(there[i] & 1);
	CHECK(resident() < 128 << 10);
	CHECK(locked() > (long)bytes >> 10 && locked() < 128 << 10);
	/* And what comes later. */
	memory = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED && !mincore(memory, bytes, there));
	for (i = 0; i < 32; i++)
		CHECK(there[i] & 1);
	check_bar(map_bar(&v, RW, BAR_BYTES), 0x77);
	puts("locked");
}

/* More than most machines have: what nobody uses is not brought in. */
static void mapped_memory_that_is_not_there(void)
{
	const uint64_t bytes = UINT64_C(64) << 30;
	const long tables = (long)(bytes >> 9 >> 10); /* KiB, at most */
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = UINT64_C(1) << 40,
		.size = bytes,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = map.iova, .size = bytes};
	char *memory = mmap(NULL, bytes, RW,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned int files;
	struct vfio v;
	long before;

	if (memory == MAP_FAILED) {
		puts("refused");
		return;
	}
	vfio_open(&v);
	map.vaddr = (uintptr_t)memory;
	files = entries("/proc/self/fd");
	before = resident();
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	CHECK(resident() < before + tables);
	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	/* What is closed in its middle is found all the same. */
	CHECK(!mprotect(memory + bytes / 2, PAGE, PROT_READ));
	FAILS(ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map), EFAULT);
	CHECK(resident() < before + tables);
	CHECK(entries("/proc/self/fd") == files);
	puts("mapped");
}

/* Of all its user's processes, and this one is there. */
static void a_device_without_its_thread(void)
{
	const struct rlimit limit = {1, 1};
	struct vfio v;
	void *bar;

	CHECK(!setrlimit(RLIMIT_NPROC, &limit));
	vfio_open(&v);
	bar = mmap(NULL, BAR_BYTES, RW, MAP_SHARED, v.device, BAR0);
	if (bar == MAP_FAILED) {
		CHECK(errno == ENOMEM);
		puts("ENOMEM");
	} else {
		check_bar(bar, 0x77);
		puts("mapped");
	}
	/* Registers can be had without. */
	CHECK(pread(v.device, &bar, 4, BAR0) == 4);
	CHECK(!ioctl(v.device, VFIO_DEVICE_RESET));
}

static const struct client_case cases[] = {
	CASE(a_thousand_times_without_growth),
	CASE(coroutines_on_small_stacks),
	CASE(a_thread_that_blocks_every_signal),
	CASE(a_device_without_its_thread), /* as an ordinary user */
	CASE(all_memory_is_locked),
	CASE(mapped_memory_that_is_not_there),
	CASE(memory_that_is_locked_has_a_limit), /* with --memlock=rlimit */
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
