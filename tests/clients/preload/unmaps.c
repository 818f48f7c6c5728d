/* SPDX-License-Identifier: MIT */
/*
 * UNMAP_DMA of what is not mapped, which is answered without a lock and with
 * signals as they are: beside everything that may happen meanwhile, and with
 * every argument that it must not take for such a call. Under power9.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "client.h"

#define PAGE       4096ull
#define HIGH       (1ull << 59)
#define READ_WRITE (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

static struct vfio v;
static char *memory;

static int unmap_of(int container, uint64_t iova, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = bytes};

	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static int unmap(uint64_t iova)
{
	return unmap_of(v.container, iova, PAGE);
}

static int map(uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = READ_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = PAGE,
	};

	return ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map);
}

static int create(void)
{
	struct vfio_iommu_spapr_tce_create window = {.argsz = sizeof(window),
	                                             .page_shift = 12,
	                                             .window_size = 1 << 20,
	                                             .levels = 1};

	return ioctl(v.container, VFIO_IOMMU_SPAPR_TCE_CREATE, &window);
}

static int remove_high(void)
{
	struct vfio_iommu_spapr_tce_remove removal = {.argsz = sizeof(removal),
	                                              .start_addr = HIGH};

	return ioctl(v.container, VFIO_IOMMU_SPAPR_TCE_REMOVE, &removal);
}

static void open_windows(void)
{
	CHECK((v.container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK((v.group = open(GROUP, O_RDWR)) >= 0);
	CHECK(!ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container));
	CHECK(!ioctl(v.container, VFIO_SET_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU));
}

static void enter_memory(void)
{
	struct vfio_iommu_spapr_register_memory region = {
		.argsz = sizeof(region), .size = 16 * PAGE};

	memory = mmap(NULL, region.size, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	region.vaddr = (uintptr_t)memory;
	CHECK(!ioctl(v.container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &region));
}

/* From the second call on the quick way is there. */
static void begin(void)
{
	open_windows();
	enter_memory();
	CHECK(!unmap(0) && !unmap(0));
}

static void errors_are_those_of_the_call(void)
{
	struct vfio_iommu_type1_dma_unmap bad = {
		.argsz = sizeof(bad), .flags = 1, .size = PAGE};
	char *closed;

	open_windows();
	FAILS(unmap(0), EPERM);
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, NULL), EPERM);
	enter_memory();
	CHECK(!unmap(0) && !unmap(0));
	closed = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(closed != MAP_FAILED);
	CHECK(!mprotect(closed + PAGE, PAGE, PROT_NONE));
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, NULL), EFAULT);
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, closed + PAGE), EFAULT);
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, closed + PAGE - 16),
	      EFAULT);
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &bad), EINVAL);
	bad.flags = 0;
	bad.argsz = sizeof(bad) - 1;
	FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &bad), EINVAL);
	FAILS(unmap(HIGH), ENXIO);
	FAILS(unmap(1), EINVAL);
	FAILS(unmap_of(v.container, 0, PAGE - 1), EINVAL);
	FAILS(unmap_of(v.container, 0, 1ull << 40), EINVAL);
	CHECK(!unmap_of(v.container, 0, 0));
	FAILS(unmap_of(v.group, 0, PAGE), ENOTTY);
	CHECK(!close(v.group));
	FAILS(unmap(0), EINVAL);
	CHECK(!close(v.container));
	FAILS(unmap(0), EBADF);
}

static void what_was_mapped_between_is_unmapped(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < 100; i++) {
		CHECK(!map(i * PAGE) && !map(0));
		/* Not twice in the window, or it would be mapped still. */
		CHECK(!unmap(0) && !unmap(i * PAGE) && !unmap(i * PAGE));
	}
	CHECK(!create() && !unmap(HIGH) && !remove_high());
	FAILS(unmap(HIGH), ENXIO);
}

static void a_duplicate_is_the_same_file(void)
{
	int other;

	begin();
	CHECK((other = dup(v.container)) >= 0);
	CHECK(!close(v.container));
	CHECK(!unmap_of(other, 0, PAGE));
	FAILS(unmap(0), EBADF);
}

/* ---- Its handlers. ---- */

static volatile unsigned int rounds;

/* Everything that changes what the interrupted call looks at. */
static void change(int number)
{
	(void)number;
	CHECK(!unmap(8 * PAGE));
	CHECK(!map(4 * PAGE));
	CHECK(!create() && !map(HIGH));
	CHECK(!unmap(4 * PAGE));
	CHECK(!remove_high());
	rounds++;
}

static void every(long microseconds)
{
	struct itimerval often = {{0, microseconds}, {0, microseconds}};

	CHECK(!setitimer(ITIMER_REAL, &often, NULL));
}

static void a_handler_may_change_what_is_looked_at(void)
{
	struct sigaction act = {.sa_handler = change};

	begin();
	CHECK(!sigaction(SIGALRM, &act, NULL));
	every(300);
	while (rounds < 500) {
		CHECK(!unmap(0));
		/* There for the length of a handler only. */
		FAILS(unmap(HIGH), ENXIO);
	}
	every(0);
	CHECK(!unmap(4 * PAGE));
}

static sigjmp_buf away;

static void leave(int number)
{
	(void)number;
	siglongjmp(away, 1);
}

/* Whatever it was in the midst of, nothing is held: the group is free again. */
static void a_handler_may_be_left_by_a_jump(void)
{
	struct itimerval soon = {{0, 0}, {0, 300}};
	volatile unsigned int i = 0;

	begin();
	CHECK(signal(SIGALRM, leave) != SIG_ERR);
	sigsetjmp(away, 1);
	if (i++ < 300) {
		CHECK(!setitimer(ITIMER_REAL, &soon, NULL));
		for (;;)
			CHECK(!unmap(0));
	}
	CHECK(!close(v.group) && !close(v.container));
	open_windows();
}

static void *wanted;

static void fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	CHECK(info->si_addr == wanted);
	siglongjmp(away, 1);
}

static void a_fault_is_still_the_programs(void)
{
	struct sigaction act = {.sa_sigaction = fault,
	                        .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction seen;
	char *closed =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile unsigned int i;

	CHECK(closed != MAP_FAILED);
	CHECK(!sigaction(SIGSEGV, &act, NULL));
	begin();
	CHECK(!sigaction(SIGSEGV, NULL, &seen));
	CHECK(seen.sa_sigaction == fault);
	CHECK(seen.sa_flags & SA_ONSTACK);
	for (i = 0; i < 3; i++) {
		wanted = closed + i;
		if (!sigsetjmp(away, 1)) {
			*(volatile char *)wanted = 1;
			CHECK(0);
		}
		FAILS(ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, closed), EFAULT);
		CHECK(!unmap(0));
	}
}

static void child(void)
{
	FAILS(unmap(0), ENODEV);
	CHECK(!close(v.container) && !close(v.group));
}

static void a_child_is_answered_as_for_any_call(void)
{
	begin();
	CHECK(!run_child(child));
	CHECK(!unmap(0));
}

/* ---- Threads. ---- */

static volatile int stop;

/* While it is opened again its number may be anything's: ENOTTY. */
static int is_between(int error)
{
	return error == EBADF || error == EINVAL || error == EPERM ||
	       error == ENOTTY;
}

static void *unmap_for_ever(void *argument)
{
	(void)argument;
	while (!stop) {
		CHECK(!unmap(0) || is_between(errno));
		CHECK(!unmap(HIGH) || errno == ENXIO || is_between(errno));
	}
	return NULL;
}

static void other_threads_may_end_all_of_it(void)
{
	pthread_t thread;
	unsigned int i, k;

	begin();
	CHECK(!pthread_create(&thread, NULL, unmap_for_ever, NULL));
	for (i = 0; i < 30; i++) {
		for (k = 0; k < 10; k++) {
			CHECK(!create() && !map(HIGH) && !map(PAGE));
			CHECK(!unmap(PAGE) && !remove_high());
		}
		CHECK(!munmap(memory, 16 * PAGE));
		CHECK(!close(v.container) && !close(v.group));
		open_windows();
		enter_memory();
	}
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
}

static const struct client_case cases[] = {
	CASE(errors_are_those_of_the_call),
	CASE(what_was_mapped_between_is_unmapped),
	CASE(a_duplicate_is_the_same_file),
	CASE(a_handler_may_change_what_is_looked_at),
	CASE(a_handler_may_be_left_by_a_jump),
	CASE(a_fault_is_still_the_programs),
	CASE(a_child_is_answered_as_for_any_call),
	CASE(other_threads_may_end_all_of_it),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
