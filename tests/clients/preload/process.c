/* SPDX-License-Identifier: MIT */
/* Processes: what a child of fork, vfork and exec has of its parent's files. */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "client.h"

pid_t _Fork(void);

static struct vfio v;
static volatile uint8_t *bar;

static void open_bar(void)
{
	vfio_open(&v);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES);
	check_bar(bar, 1);
}

static void files_are_stale(void)
{
	char byte;
	struct stat st;

	FAILS(ioctl(v.container, VFIO_GET_API_VERSION), ENODEV);
	FAILS(ioctl(v.device, VFIO_DEVICE_RESET), ENODEV);
	FAILS(pread(v.device, &byte, 1, CONFIG), ENODEV);
	FAILS(write(v.device, &byte, 1), ENODEV);
	FAILS(lseek(v.device, 0, SEEK_SET), ENODEV);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, v.device, BAR0) ==
	              MAP_FAILED &&
	      errno == ENODEV);
	CHECK(!fstat(v.device, &st));
	CHECK(dup2(v.device, 300) == 300);
	FAILS(ioctl(300, VFIO_DEVICE_RESET), ENODEV);
	CHECK(!close(300) && !close(v.container));
	FAILS(ioctl(v.container, VFIO_GET_API_VERSION), EBADF);
}

static void a_forked_child_has_stale_files(void)
{
	open_bar();
	CHECK(run_child(files_are_stale) == 0);
	/* The parent's are as they were. */
	check_bar(bar, 2);
	CHECK(!ioctl(v.device, VFIO_DEVICE_RESET));
}

static void open_for_itself(void)
{
	struct vfio own;

	CHECK((own.container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK(!ioctl(own.container, VFIO_GET_API_VERSION));
	/* Its parent has the group. */
	FAILS(open(GROUP, O_RDWR), EBUSY);
}

static void a_child_starts_clean(void)
{
	open_bar();
	CHECK(run_child(open_for_itself) == 0);
	check_bar(bar, 3);
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(!close(v.device) && !close(v.group) && !close(v.container));
	/* Now a child can have everything. */
	CHECK(run_child(open_bar) == 0);
	open_bar();
}

static int ready[2], done[2];

/* Holds on to what it inherited until it is told to end. */
static void outlive(void)
{
	char byte = 0;

	CHECK(!close(ready[0]) && !close(done[1]));
	CHECK(write(ready[1], &byte, 1) == 1);
	CHECK(read(done[0], &byte, 1) == 0);
	_exit(0);
}

static void a_child_does_not_hold_its_parents_group(void)
{
	pid_t child;
	char byte;
	int status;

	open_bar();
	CHECK(!pipe(ready) && !pipe(done));
	child = fork();
	if (!child)
		outlive();
	CHECK(!close(ready[1]) && read(ready[0], &byte, 1) == 1);
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(!close(v.device) && !close(v.group) && !close(v.container));
	open_bar();
	CHECK(!close(done[1]));
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* A child that nobody has told of, with a copy of every descriptor. */
static pid_t clone_for(unsigned int ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
	pid_t child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	CHECK(child >= 0);
	if (child)
		return child;
	syscall(SYS_nanosleep, &pause, NULL);
	syscall(SYS_exit_group, 0);
	return 0;
}

static void close_all(void)
{
	CHECK(!close(v.device) && !close(v.group) && !close(v.container));
}

static void a_copy_of_a_claim_is_waited_for(void)
{
	pid_t child;

	vfio_open(&v);
	child = clone_for(300);
	close_all();
	vfio_open(&v);
	/* Held again, by this process: at once. */
	CHECK(run_child(open_for_itself) == 0);
	CHECK(waitpid(child, NULL, 0) == child);
}

static void a_copy_that_stays_keeps_the_group_busy(void)
{
	struct timespec from, to;
	pid_t child;

	vfio_open(&v);
	child = clone_for(60000);
	close_all();
	clock_gettime(CLOCK_MONOTONIC, &from);
	FAILS(open(GROUP, O_RDWR), EBUSY);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK(to.tv_sec - from.tv_sec < 30);
	CHECK(!kill(child, SIGKILL) && waitpid(child, NULL, 0) == child);
	vfio_open(&v);
}

static int forks_done;

static void *fork_often(void *arg)
{
	int i;

	for (i = 0; i < 150; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child)
			_exit(0);
		CHECK(waitpid(child, NULL, 0) == child);
	}
	__atomic_store_n(&forks_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void a_group_comes_and_goes_while_another_thread_forks(void)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, fork_often, NULL));
	do {
		vfio_open(&v);
		close_all();
	} while (!__atomic_load_n(&forks_done, __ATOMIC_ACQUIRE));
	CHECK(!pthread_join(thread, NULL));
}

static void hold_and_die(void)
{
	vfio_open(&v);
	kill(getpid(), SIGKILL);
}

static void a_group_is_free_when_its_process_was_killed(void)
{
	int i;

	for (i = 0; i < 20; i++)
		CHECK(run_child(hold_and_die) == -SIGKILL);
	vfio_open(&v);
}

static void touch_inherited_view(void)
{
	(void)get(bar, ASQ);
}

/* The device is the parent's; another one would be the child's. */
static void unmap_inherited_view(void)
{
	CHECK(!mprotect((void *)bar, 4096, PROT_READ));
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(mmap((void *)bar, 4096, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	           0) == (void *)bar);
	bar[0] = 1;
}

#define DOORBELL 0x1000

static void ring_inherited_doorbell(void)
{
	*(volatile uint32_t *)(bar + DOORBELL) = 1;
}

/* Doorbells that come often need no fault after a while: the parent's. */
static void an_open_doorbell_page_is_dead_in_a_child(void)
{
	unsigned int i, n;

	open_bar();
	for (i = 0; i < 20; i++) {
		for (n = 0; n < 300; n++)
			*(volatile uint32_t *)(bar + DOORBELL) = n;
		CHECK(run_child(ring_inherited_doorbell) == -SIGSEGV);
	}
	check_bar(bar, 5);
}

static void an_inherited_view_is_dead(void)
{
	open_bar();
	CHECK(run_child(touch_inherited_view) == -SIGSEGV);
	CHECK(run_child(unmap_inherited_view) == 0);
	check_bar(bar, 5);
}

static void other_ways_to_fork(void)
{
	int status;
	pid_t child;

	open_bar();
	child = _Fork();
	if (!child) {
		files_are_stale();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	/* A child of vfork closes its own descriptors, not its parent's. */
	child = vfork();
	if (!child) {
		close(v.device);
		close_range(3, ~0u, 0);
		_exit(7);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WEXITSTATUS(status) == 7);
	CHECK(!ioctl(v.device, VFIO_DEVICE_RESET));
	check_bar(bar, 6);
}

/* Without VFIO state vfork is the real one: memory is shared. */
static void vfork_without_vfio_shares_memory(void)
{
	static volatile int shared;
	int status;
	pid_t child = vfork();

	if (!child) {
		shared = 42;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(shared == 42);
}

static void execute(const char *name, int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	setenv("INHERITED", number, 1);
	execl("/proc/self/exe", "process", name, NULL);
	_exit(3);
}

static void group_is_busy(void)
{
	FAILS(open(GROUP, O_RDWR), EBUSY);
}

static void execute_group_is_busy(void)
{
	execute("group_is_busy", 0);
}

static void a_group_belongs_to_one_process(void)
{
	open_bar();
	CHECK(run_child(execute_group_is_busy) == 0);
	check_bar(bar, 7);
}

static void files_go_stale_over_exec(void)
{
	vfio_open(&v);
	execute("after_exec", v.container);
}

static void after_exec(void)
{
	int fd = atoi(getenv("INHERITED"));

	FAILS(ioctl(fd, VFIO_GET_API_VERSION), ENODEV);
	FAILS(ioctl(fd, VFIO_GET_API_VERSION), ENODEV);
	CHECK(!close(fd));
	/* The claim on the group ended with the program before this one. */
	vfio_open(&v);
}

static void a_mask_goes_over_exec(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	/* Past the wrappers: really blocked. */
	CHECK(!syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8));
	execute("after_exec_with_mask", 0);
}

static void after_exec_with_mask(void)
{
	sigset_t now;

	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGSEGV) == 1);
	open_bar();
}

static void leave_a_mapping(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.size = 4096,
		.iova = 0x123000,
	};

	map.vaddr = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vfio_open(&v);
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
}

static void exit_with_a_mapping(void)
{
	leave_a_mapping();
	exit(0);
}

static void _exit_with_a_mapping(void)
{
	leave_a_mapping();
	_exit(0);
}

static void _Exit_with_a_mapping(void)
{
	leave_a_mapping();
	_Exit(0);
}

static void use_nothing(void)
{
	CHECK(!access("/", R_OK));
}

static const struct client_case cases[] = {
	CASE(a_forked_child_has_stale_files),
	CASE(a_child_starts_clean),
	CASE(a_child_does_not_hold_its_parents_group),
	CASE(a_copy_of_a_claim_is_waited_for),
	CASE(a_copy_that_stays_keeps_the_group_busy),
	CASE(a_group_comes_and_goes_while_another_thread_forks),
	CASE(a_group_is_free_when_its_process_was_killed),
	CASE(an_inherited_view_is_dead),
	CASE(an_open_doorbell_page_is_dead_in_a_child),
	CASE(other_ways_to_fork),
	CASE(vfork_without_vfio_shares_memory),
	CASE(a_group_belongs_to_one_process),
	CASE(group_is_busy),
	CASE(files_go_stale_over_exec),
	CASE(after_exec),
	CASE(a_mask_goes_over_exec),
	CASE(after_exec_with_mask),
	CASE(exit_with_a_mapping),
	CASE(_exit_with_a_mapping),
	CASE(_Exit_with_a_mapping),
	CASE(use_nothing),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
