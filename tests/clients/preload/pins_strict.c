/* SPDX-License-Identifier: MIT */
/*
 * Memory that the C library gives back inside of itself; see pins.h. Each case
 * of the first kind ends with "changed N": bytes of the program's new memory
 * that the device wrote over. With --pin=strict there are none; without it
 * nobody sees the library do it, and these are what that costs.
 */
#include <malloc.h>
#include <spawn.h>
#include <sys/prctl.h>

#include "pins.h"

extern char **environ;

static void print_changed(const uint8_t *at, size_t bytes)
{
	size_t i, changed = 0;

	for (i = 0; i < bytes; i++)
		changed += at[i] != SENTINEL;
	printf("changed %zu\n", changed);
}

static void device_writes(void)
{
	unsigned int page;

	for (page = 0; page < PAGES; page++)
		device_puts(IOVA + page * PAGE, 1 + page);
}

static void device_has_its_own(void)
{
	unsigned int page;

	for (page = 0; page < PAGES; page++)
		CHECK(device_gets(IOVA + page * PAGE) == 1 + (int)page);
}

/* Deep in a stack, where the C library takes the pages back at its end. */
static uint8_t *pages_of_stack(uint8_t *room, size_t bytes)
{
	return (uint8_t *)(((uintptr_t)room + PAGE) & ~(PAGE - 1));
}

#define ROOM (256 << 10)

static uint8_t *old_pages;
static int same;

static void *map_own_stack(void *unused)
{
	volatile uint8_t room[ROOM];

	memset((void *)room, 2, ROOM);
	old_pages = pages_of_stack((uint8_t *)room, ROOM);
	CHECK(!map_dma(IOVA, old_pages, BYTES));
	return NULL;
}

static void *live_on_the_stack(void *unused)
{
	volatile uint8_t room[ROOM];
	uint8_t *pages = pages_of_stack((uint8_t *)room, ROOM);

	memset((void *)room, SENTINEL, ROOM);
	same = pages == old_pages;
	device_writes();
	print_changed(pages, BYTES);
	return NULL;
}

static void the_stack_of_a_thread_that_ended(void)
{
	pthread_t thread;

	set_up();
	CHECK(!pthread_create(&thread, NULL, map_own_stack, NULL));
	pthread_join(thread, NULL);
	CHECK(!pthread_create(&thread, NULL, live_on_the_stack, NULL));
	pthread_join(thread, NULL);
	CHECK(same);
	device_writes();
	unmap_dma(IOVA, BYTES);
}

/* Too large to be kept for the next thread: it is unmapped. */
static void a_large_stack_of_a_thread_that_ended(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	uint8_t *at;

	set_up();
	CHECK(!pthread_attr_init(&attr));
	CHECK(!pthread_attr_setstacksize(&attr, 128 << 20));
	CHECK(!pthread_create(&thread, &attr, map_own_stack, NULL));
	pthread_join(thread, NULL);
	at = mmap(old_pages, BYTES, PROT_READ | PROT_WRITE,
	          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(at == old_pages);
	memset(at, SENTINEL, BYTES);
	device_writes();
	print_changed(at, BYTES);
	unmap_dma(IOVA, BYTES);
}

static uint8_t *page_up(const void *at)
{
	return (uint8_t *)(((uintptr_t)at + PAGE - 1) & ~(PAGE - 1));
}

/* Mapped where no block is: free() cannot know. */
static void the_end_of_the_heap(void)
{
	const size_t bytes = 100 << 10;
	uint8_t *block, *at;

	set_up();
	CHECK((block = malloc(bytes)));
	at = page_up(block + 8 * PAGE);
	memset(block, 3, bytes);
	free(block);
	CHECK(!map_dma(IOVA, at, BYTES));
	CHECK(malloc_trim(0) == 1);
	CHECK((uint8_t *)sbrk(0) <= at);
	CHECK((block = malloc(bytes)));
	CHECK(block < at && at + BYTES <= block + bytes);
	memset(block, SENTINEL, bytes);
	device_writes();
	print_changed(at, BYTES);
	unmap_dma(IOVA, BYTES);
}

/* ---- Everything else goes on as it did. ---- */

static void *end_at_once(void *unused)
{
	return NULL;
}

static void threads_end_by_themselves(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned int i;

	set_up();
	start_work(private_memory(BYTES));
	CHECK(!pthread_attr_init(&attr));
	CHECK(!pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
	CHECK(!pthread_attr_setstacksize(&attr, 30 << 20));
	for (i = 0; i < 200; i++)
		while (pthread_create(&thread, &attr, end_at_once, NULL))
			sched_yield();
	end_work();
	unmap_dma(IOVA, BYTES);
}

static void programs_are_started(void)
{
	char *command[] = {"sh", "-c", "test $(echo 4) = 4 && exit 7", NULL};
	unsigned int i;
	int status;
	pid_t child;
	FILE *pipe;
	char line[8];

	set_up();
	CHECK(!map_dma(IOVA, private_memory(BYTES), BYTES));
	for (i = 0; i < 10; i++) {
		CHECK(system("exit 3") == 3 << 8);
		CHECK(!posix_spawn(&child, "/bin/sh", NULL, NULL, command,
		                   environ));
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(status == 7 << 8);
		CHECK((pipe = popen("echo 5", "r")));
		CHECK(fgets(line, sizeof(line), pipe) && line[0] == '5');
		CHECK(!pclose(pipe));
	}
	unmap_dma(IOVA, BYTES);
}

static void use_memory(void)
{
	unsigned int i;
	void *p, *again;

	for (i = 0; i < 20; i++) {
		CHECK((p = malloc(4 << 20)));
		CHECK((again = realloc(p, 16 << 20)));
		free(again);
		CHECK((p = malloc(100 << 10)));
		free(p);
	}
}

static void children_use_memory(void)
{
	set_up();
	CHECK(!map_dma(IOVA, private_memory(BYTES), BYTES));
	use_memory();
	CHECK(!run_child(use_memory));
	unmap_dma(IOVA, BYTES);
}

/* The ancestor that served it ends. */
static void a_child_outlives_its_parent(void)
{
	int ends[2], status = 1;
	pid_t child;

	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK(!pipe(ends));
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		set_up();
		CHECK(!map_dma(IOVA, private_memory(BYTES), BYTES));
		if (!fork()) {
			while (getppid() != 1 && kill(getppid(), 0) == 0 &&
			       !prctl(PR_GET_DUMPABLE))
				sched_yield();
			usleep(300000);
			use_memory();
			CHECK(write(ends[1], "y", 1) == 1);
			_exit(0);
		}
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
	close(ends[1]);
	CHECK(read(ends[0], &status, 1) == 1);
}

static const struct client_case cases[] = {
	CASE(the_stack_of_a_thread_that_ended),
	CASE(a_large_stack_of_a_thread_that_ended),
	CASE(the_end_of_the_heap),
	CASE(threads_end_by_themselves),
	CASE(programs_are_started),
	CASE(children_use_memory),
	CASE(a_child_outlives_its_parent),
	{NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
