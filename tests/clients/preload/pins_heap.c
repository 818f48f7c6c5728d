/* SPDX-License-Identifier: MIT */
/* Blocks of the heap are given back, and everything at once; see pins.h. */
#include <sys/shm.h>

#include "pins.h"

/* Does the allocator give parts of the block away, each once? */
static int is_there_again(const uint8_t *block)
{
	enum { SMALL = 1000 };
	uint8_t taken[BYTES] = {0};
	unsigned int i, found = 0;
	const uint8_t *again;

	for (i = 0; i < 1000; i++) {
		CHECK((again = malloc(SMALL)));
		if (again < block || again + SMALL > block + BYTES)
			continue;
		all_are(taken + (again - block), SMALL, 0);
		memset(taken + (again - block), 1, SMALL);
		found++;
	}
	return found > BYTES / SMALL / 2;
}

static void kept_free(void)
{
	uint8_t *block, *other[64];
	unsigned int i;

	set_up();
	CHECK(!posix_memalign((void **)&block, PAGE, BYTES));
	start_work(block);
	free(block);
	/* Whoever gets memory now does not get that. */
	for (i = 0; i < 64; i++) {
		CHECK(!posix_memalign((void **)&other[i], PAGE, BYTES));
		CHECK(other[i] + BYTES <= block || block + BYTES <= other[i]);
		memset(other[i], SENTINEL, BYTES);
	}
	end_work();
	for (i = 0; i < 64; i++) {
		all_are(other[i], BYTES, SENTINEL);
		free(other[i]);
	}
	unmap_dma(IOVA, BYTES);
}

static void kept_free_is_over_after_unmap(void)
{
	void *block;

	set_up();
	CHECK(!posix_memalign(&block, PAGE, BYTES));
	CHECK(!map_dma(IOVA, block, BYTES));
	free(block);
	unmap_dma(IOVA, BYTES);
	CHECK(is_there_again(block));
}

static void kept_free_of_a_large_block(void)
{
	const size_t bytes = 64 << 20;
	uint8_t *block;

	set_up();
	CHECK(!posix_memalign((void **)&block, PAGE, bytes));
	start_work(block + (32 << 20));
	free(block);
	CHECK(mmap(block + (32 << 20), BYTES, PROT_READ,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
	           0) == MAP_FAILED);
	end_work();
	unmap_dma(IOVA, BYTES);
	move_in(block + (32 << 20), BYTES);
}

static void kept_realloc(void)
{
	uint8_t *block, *larger;
	size_t i;

	set_up();
	CHECK(!posix_memalign((void **)&block, PAGE, BYTES));
	memset(block, 7, BYTES);
	CHECK(!map_dma(IOVA, block, BYTES));
	larger = realloc(block, 3 * BYTES);
	CHECK(larger && larger != block);
	all_are(larger, BYTES, 7);
	memset(larger, SENTINEL, 3 * BYTES);
	for (i = 0; i < PAGES; i++) {
		device_puts(IOVA + i * PAGE, 9);
		CHECK(device_gets(IOVA + i * PAGE) == 9);
	}
	all_are(larger, 3 * BYTES, SENTINEL);
	larger = reallocarray(larger, 2, BYTES);
	CHECK(larger);
	all_are(larger, 2 * BYTES, SENTINEL);
	free(larger);
	unmap_dma(IOVA, BYTES);
}

static void kept_free_twice(void)
{
	void *block;

	set_up();
	CHECK(!posix_memalign(&block, PAGE, BYTES));
	CHECK(!map_dma(IOVA, block, BYTES));
	free(block);
	free(block);
	unmap_dma(IOVA, BYTES);
	CHECK(is_there_again(block));
}

static void free_of_neighbours_is_no_finding(void)
{
	void *block[64];
	unsigned int i;
	uint8_t *page = NULL;

	set_up();
	for (i = 0; i < 64; i++) {
		CHECK((block[i] = malloc(1000)));
		page = (uint8_t *)(((uintptr_t)block[32] + PAGE - 1) &
		                   ~(PAGE - 1));
	}
	CHECK(!map_dma(IOVA, page, PAGE));
	for (i = 0; i < 64; i++)
		if ((uint8_t *)block[i] > page ||
		    (uint8_t *)block[i] + 1000 <= page)
			free(block[i]);
	(void)device_gets(IOVA);
	unmap_dma(IOVA, PAGE);
}

static void kept_many_blocks(void)
{
	enum { MANY = 20000 };
	static void *block[MANY];
	unsigned int i;

	set_up();
	for (i = 0; i < MANY; i++) {
		CHECK(!posix_memalign(&block[i], PAGE, PAGE));
		CHECK(!map_dma(IOVA + i * PAGE, block[i], PAGE));
	}
	for (i = 0; i < MANY; i++)
		free(block[i]);
	unmap_dma(IOVA, MANY * PAGE);
	for (i = 0; i < MANY; i++)
		CHECK(!posix_memalign(&block[i], PAGE, PAGE));
}

/* ---- Everything at once. ---- */

static volatile int over;

/* A few ways after each other, in a range of I/O addresses of its own. */
static void *map_and_free(void *argument)
{
	const uint64_t iova = 0x1000000ull + (uintptr_t)argument * 0x100000;
	unsigned int round;
	uint8_t *at;

	for (round = (unsigned int)(uintptr_t)argument; !over; round++) {
		const int heap = round % 4 == 0;

		if (heap)
			CHECK(!posix_memalign((void **)&at, PAGE, BYTES));
		else
			at = private_memory(BYTES);
		CHECK(!map_dma(iova, at, BYTES));
		device_puts(iova + PAGE, 1 + round % 99);
		if (heap)
			free(at);
		else if (round % 4 == 1)
			CHECK(!munmap(at, BYTES));
		else if (round % 4 == 2)
			CHECK(!madvise(at, BYTES, MADV_DONTNEED));
		else
			CHECK((at = mremap(at, BYTES, 16 * BYTES,
			                   MREMAP_MAYMOVE)) != MAP_FAILED);
		CHECK(device_gets(iova + PAGE) == 1 + (int)(round % 99));
		unmap_dma(iova, BYTES);
		if (round % 4 >= 2)
			CHECK(!munmap(at, round % 4 == 3 ? 16 * BYTES : BYTES));
	}
	return NULL;
}

static void *keep_sentinels(void *unused)
{
	while (!over) {
		uint8_t *at = private_memory(BYTES);
		uint8_t *block = malloc(BYTES);

		memset(at, SENTINEL, BYTES);
		memset(block, SENTINEL, BYTES);
		sched_yield();
		all_are(at, BYTES, SENTINEL);
		all_are(block, BYTES, SENTINEL);
		free(block);
		CHECK(!munmap(at, BYTES));
	}
	return NULL;
}

static void kept_by_eight_threads_at_once(void)
{
	pthread_t thread[9];
	uintptr_t i;

	set_up();
	start_work(private_memory(BYTES));
	for (i = 0; i < 8; i++)
		CHECK(!pthread_create(&thread[i], NULL, map_and_free,
		                      (void *)i));
	CHECK(!pthread_create(&thread[8], NULL, keep_sentinels, NULL));
	sleep(3);
	over = 1;
	for (i = 0; i < 9; i++)
		pthread_join(thread[i], NULL);
	end_work();
	unmap_dma(IOVA, BYTES);
}

static void a_child_has_its_memory_back(void)
{
	uint8_t *at, *block;
	int status;
	pid_t child;

	set_up();
	at = private_memory(BYTES);
	CHECK(!posix_memalign((void **)&block, PAGE, BYTES));
	memset(at, 1, BYTES);
	CHECK(!map_dma(IOVA, at, BYTES));
	CHECK(!map_dma(IOVA + BYTES, block, BYTES));
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		all_are(at, BYTES, 1);
		free(block);
		CHECK(!munmap(at, BYTES));
		move_in(at, BYTES);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
	device_puts(IOVA, 2);
	all_are(at, PAGE, 2);
	unmap_dma(IOVA, 2 * BYTES);
}

/* No heap at all: a segment is attached over it. */
static void kept_shmat(void)
{
	int id = shmget(IPC_PRIVATE, BYTES, 0600);
	uint8_t *at;

	CHECK(id >= 0);
	set_up();
	at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
	          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(at != MAP_FAILED);
	start_work(at);
	/* Refused, and nothing has changed. */
	FAILS(shmat(id, at, 0), EINVAL);
	FAILS(shmat(id, at + 1, SHM_REMAP), EINVAL);
	CHECK(shmat(id, at + 1, SHM_REMAP | SHM_RND) == at);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	all_are(at, BYTES, 0);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static const struct client_case cases[] = {
	CASE(kept_free),
	CASE(kept_free_is_over_after_unmap),
	CASE(kept_free_of_a_large_block),
	CASE(kept_realloc),
	CASE(kept_free_twice),
	CASE(free_of_neighbours_is_no_finding),
	CASE(kept_many_blocks),
	CASE(kept_by_eight_threads_at_once),
	CASE(a_child_has_its_memory_back),
	CASE(kept_shmat),
	{NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
