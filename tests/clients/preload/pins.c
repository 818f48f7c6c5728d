/* SPDX-License-Identifier: MIT */
/* Addresses, and what is there, are given back; see pins.h. */
#include "pins.h"

#include <linux/memfd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- Addresses. ---- */

static void kept_munmap(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	start_work(at);
	CHECK(!munmap(at, BYTES));
	move_in(at, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static void kept_munmap_of_a_part(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	start_work(at);
	CHECK(!munmap(at + PAGE, PAGE));
	move_in(at + PAGE, PAGE);
	end_work();
	all_are(at + PAGE, PAGE, SENTINEL);
	/* The rest is the program's still. */
	device_puts(IOVA, 77);
	device_puts(IOVA + PAGE, 78);
	device_puts(IOVA + 2 * PAGE, 79);
	all_are(at, PAGE, 77);
	all_are(at + PAGE, PAGE, SENTINEL);
	all_are(at + 2 * PAGE, PAGE, 79);
	unmap_dma(IOVA, BYTES);
}

static void kept_munmap_of_shared_memory(void)
{
	uint8_t *at, *other;

	set_up();
	at = shared_memory(BYTES);
	other = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);
	CHECK(other != MAP_FAILED);
	start_work(at);
	CHECK(!munmap(at, BYTES));
	move_in(at, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	/* The file has the same pages. */
	device_puts(IOVA + PAGE, 99);
	all_are(other + PAGE, PAGE, 99);
	unmap_dma(IOVA, BYTES);
}

static void kept_mmap_over(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	start_work(at);
	CHECK(mmap(at, BYTES, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	all_are(at, BYTES, 0);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static void an_mmap_over_that_fails_changes_nothing(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	memset(at, 4, BYTES);
	CHECK(!map_dma(IOVA, at, BYTES));
	CHECK(mmap(at, BYTES, PROT_READ, MAP_SHARED | MAP_FIXED, 1000, 0) ==
	      MAP_FAILED);
	CHECK(errno == EBADF);
	all_are(at, BYTES, 4);
	device_puts(IOVA, 5);
	all_are(at, PAGE, 5);
	unmap_dma(IOVA, BYTES);
}

static void mremap_takes_the_pages_along(void)
{
	uint8_t *at, *to;

	set_up();
	/* It cannot grow where it is. */
	at = private_memory(2 * BYTES);
	start_work(at);
	memset(at + BYTES, 6, BYTES);
	to = mremap(at, BYTES, 4 * BYTES, MREMAP_MAYMOVE);
	CHECK(to != MAP_FAILED && to != at);
	move_in(at, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	device_puts(IOVA + PAGE, 88);
	all_are(to + PAGE, PAGE, 88);
	memset(to + PAGE, 89, PAGE);
	CHECK(device_gets(IOVA + PAGE) == 89);
	unmap_dma(IOVA, BYTES);
}

/* No store of the device is lost on the way. */
static void mremap_to_and_fro(void)
{
	uint8_t *at, *other;
	unsigned int i;

	set_up();
	at = private_memory(BYTES);
	other = private_memory(BYTES);
	start_work(at);
	for (i = 0; i < 3000; i++) {
		uint8_t *next = i % 2 ? at : other;
		uint8_t *now = i % 2 ? other : at;

		CHECK(mremap(now, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED,
		             next) == next);
	}
	end_work();
	device_puts(IOVA, 55);
	all_are(at, PAGE, 55);
	unmap_dma(IOVA, BYTES);
}

static void kept_mremap_over(void)
{
	uint8_t *at, *other;

	set_up();
	at = private_memory(BYTES);
	other = private_memory(BYTES);
	memset(other, SENTINEL, BYTES);
	start_work(at);
	CHECK(mremap(other, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, at) ==
	      at);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static void kept_mremap_to_less(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	start_work(at);
	CHECK(mremap(at, BYTES, PAGE, 0) == at);
	move_in(at + PAGE, BYTES - PAGE);
	end_work();
	all_are(at + PAGE, BYTES - PAGE, SENTINEL);
	device_puts(IOVA, 33);
	all_are(at, PAGE, 33);
	unmap_dma(IOVA, BYTES);
}

static void kept_sbrk(void)
{
	uint8_t *end, *at;

	set_up();
	end = sbrk(0);
	at = (uint8_t *)(((uintptr_t)end + PAGE - 1) & ~(PAGE - 1));
	CHECK(sbrk(at - end + (intptr_t)BYTES) == end);
	start_work(at);
	CHECK(sbrk(-(intptr_t)BYTES) == at + BYTES);
	CHECK(sbrk((intptr_t)BYTES) == at);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	CHECK(!brk(at));
	unmap_dma(IOVA, BYTES);
}

static void kept_shmdt(void)
{
	int id = shmget(IPC_PRIVATE, BYTES, 0600);
	uint8_t *at;

	CHECK(id >= 0);
	set_up();
	at = shmat(id, NULL, 0);
	CHECK(at != (void *)-1);
	CHECK(!shmctl(id, IPC_RMID, NULL));
	start_work(at);
	CHECK(!shmdt(at));
	move_in(at, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static void kept_munmap_of_locked_memory(void)
{
	struct rlimit limit = {BYTES + PAGE, BYTES + PAGE};
	uint8_t *at;

	set_up();
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	at = private_memory(BYTES);
	CHECK(!mlock(at, BYTES));
	start_work(at);
	FAILS(madvise(at, BYTES, MADV_DONTNEED), EINVAL);
	CHECK(!munmap(at, BYTES));
	move_in(at, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

/* ---- What is there. ---- */

static void kept_dontneed(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	start_work(at);
	CHECK(!madvise(at, BYTES, MADV_DONTNEED));
	all_are(at, BYTES, 0);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static volatile uint8_t *touched;
static volatile int touching;

static void *touch(void *unused)
{
	while (!stop) {
		touched[64] = 1;
		touched[PAGE + 64] = touched[64];
		touching++;
	}
	return NULL;
}

/* A thread may use memory whose content is given back. */
static void kept_dontneed_while_a_thread_is_there(void)
{
	pthread_t thread;
	unsigned int i;

	set_up();
	touched = private_memory(BYTES);
	CHECK(!pthread_create(&thread, NULL, touch, NULL));
	for (i = 0; i < 300; i++) {
		CHECK(!map_dma(IOVA, (void *)touched, BYTES));
		while (touching < 1000)
			sched_yield();
		touching = 0;
		CHECK(!madvise((void *)touched, BYTES, MADV_DONTNEED));
		unmap_dma(IOVA, BYTES);
	}
	stop = 1;
	pthread_join(thread, NULL);
}

static void dontneed_of_shared_memory_takes_nothing(void)
{
	uint8_t *at;

	set_up();
	at = shared_memory(BYTES);
	start_work(at);
	CHECK(!madvise(at, BYTES, MADV_DONTNEED));
	end_work();
	device_puts(IOVA, 21);
	all_are(at, PAGE, 21);
	unmap_dma(IOVA, BYTES);
}

static void free_advice_takes_nothing(void)
{
	uint8_t *at;

	set_up();
	at = private_memory(3 * BYTES);
	start_work(at + BYTES);
	CHECK(!madvise(at, 3 * BYTES, MADV_FREE));
	end_work();
	device_puts(IOVA, 22);
	all_are(at + BYTES, PAGE, 22);
	unmap_dma(IOVA, BYTES);
}

static void check_hole(uint8_t *at)
{
	uint8_t *other = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);

	CHECK(other != MAP_FAILED);
	all_are(at, BYTES, 0);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	all_are(other, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static void kept_remove(void)
{
	uint8_t *at;

	set_up();
	at = shared_memory(BYTES);
	start_work(at);
	CHECK(!madvise(at, BYTES, MADV_REMOVE));
	check_hole(at);
}

static void kept_hole(void)
{
	uint8_t *at;

	set_up();
	at = shared_memory(BYTES);
	start_work(at);
	CHECK(!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	                 BYTES));
	check_hole(at);
}

static void kept_truncate(void)
{
	uint8_t *at;

	set_up();
	at = shared_memory(BYTES);
	start_work(at);
	CHECK(!ftruncate(file, 0));
	CHECK(!ftruncate(file, BYTES));
	check_hole(at);
}

/* By its path, which is that of its descriptor. */
static void kept_truncate_by_path(void)
{
	char path[64];
	uint8_t *at;

	set_up();
	at = shared_memory(BYTES);
	sprintf(path, "/proc/self/fd/%d", file);
	start_work(at);
	CHECK(truncate(path, 2 * BYTES) == 0);
	CHECK(truncate("/no/such/file", 0) < 0 && errno == ENOENT);
	CHECK(truncate(path, -1) < 0 && errno == EINVAL);
	work_some(3);
	CHECK(!truncate64(path, 0) && !truncate(path, BYTES));
	check_hole(at);
}

/* Linux 6.13: of the own process, too. */
static void kept_advice_by_pidfd(void)
{
	int self = syscall(SYS_pidfd_open, getpid(), 0);
	struct iovec part[3] = {{NULL, PAGE}};
	uint8_t *at;

	set_up();
	at = private_memory(BYTES);
	part[0].iov_base = private_memory(PAGE);
	part[1] = (struct iovec){at, PAGE};
	part[2] = (struct iovec){at + 2 * PAGE, 2 * PAGE};
	if (self < 0 || process_madvise(self, part, 1, MADV_DONTNEED, 0) < 0) {
		puts("this kernel gives nothing back so");
		exit(77);
	}
	start_work(at);
	CHECK(process_madvise(self, part, 3, MADV_DONTNEED, 1) < 0 &&
	      errno == EINVAL);
	CHECK(process_madvise(self, part, 3, MADV_DONTNEED, 0) == 4 * PAGE);
	all_are(at, PAGE, 0);
	all_are(at + 2 * PAGE, 2 * PAGE, 0);
	memset(at, SENTINEL, PAGE);
	memset(at + 2 * PAGE, SENTINEL, 2 * PAGE);
	end_work();
	all_are(at, PAGE, SENTINEL);
	all_are(at + 2 * PAGE, 2 * PAGE, SENTINEL);
	/* The one between was not given back. */
	device_puts(IOVA + PAGE, 12);
	all_are(at + PAGE, PAGE, 12);
	CHECK(syscall(SYS_process_madvise, self, (struct iovec *)16, 1L,
	              MADV_DONTNEED, 0L) < 0 &&
	      errno == EFAULT);
	/* What fails ends it; what was done before counts. */
	part[2].iov_base = at + 1;
	CHECK(process_madvise(self, part, 3, MADV_DONTNEED, 0) == 2 * PAGE);
	unmap_dma(IOVA, BYTES);
}

/* Of another process it takes nothing from ours, at the same addresses. */
static void advice_to_another_process_takes_nothing(void)
{
	struct iovec part;
	uint8_t *at;
	pid_t child;
	int other;

	set_up();
	at = private_memory(BYTES);
	memset(at, 3, BYTES);
	CHECK(!map_dma(IOVA, at, BYTES));
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	other = syscall(SYS_pidfd_open, child, 0);
	part = (struct iovec){at, BYTES};
	CHECK(process_madvise(other, &part, 1, MADV_DONTNEED, 0) < 0);
	device_puts(IOVA, 4);
	all_are(at, PAGE, 4);
	all_are(at + PAGE, PAGE, 3);
	CHECK(!kill(child, SIGKILL));
	unmap_dma(IOVA, BYTES);
}

#define GUARD   102 /* Linux 6.13 */
#define UNGUARD 103

static uint8_t *guarded_memory(uint8_t *at)
{
	if (madvise(at, PAGE, GUARD)) {
		puts("this kernel has no such advice");
		exit(77);
	}
	CHECK(!madvise(at, PAGE, UNGUARD));
	return at;
}

static void kept_guards(void)
{
	uint8_t *at;

	set_up();
	at = guarded_memory(private_memory(BYTES));
	start_work(at);
	CHECK(!madvise(at, BYTES, GUARD));
	work_some(3);
	CHECK(!madvise(at, BYTES, UNGUARD));
	all_are(at, BYTES, 0);
	memset(at, SENTINEL, BYTES);
	end_work();
	all_are(at, BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

/* The pages stay those of the file. */
static void kept_guards_of_shared_memory(void)
{
	uint8_t *at, *other;

	set_up();
	at = guarded_memory(shared_memory(BYTES));
	other = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);
	CHECK(!map_dma(IOVA, at, BYTES) && !madvise(at, BYTES, GUARD));
	device_puts(IOVA, 9);
	all_are(other, PAGE, 9);
	unmap_dma(IOVA, BYTES);
}

static void a_hole_that_is_refused_changes_nothing(void)
{
	uint8_t *at;

	set_up();
	CHECK((file = memfd_create("pins", MFD_ALLOW_SEALING)) >= 0);
	CHECK(!ftruncate(file, BYTES));
	CHECK(!fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK));
	at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(at != MAP_FAILED);
	start_work(at);
	FAILS(ftruncate(file, 0), EPERM);
	end_work();
	device_puts(IOVA, 23);
	all_are(at, PAGE, 23);
	unmap_dma(IOVA, BYTES);
}

static void kept_huge_pages(void)
{
	const size_t huge = 2 << 20;
	uint8_t *at = mmap(NULL, huge, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	/* Where there are none the test asks for what stands in for them. */
	CHECK(at != MAP_FAILED);
	set_up();
	start_work(at);
	CHECK(!munmap(at, huge));
	move_in(at, huge);
	end_work();
	all_are(at, huge, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

/* ---- Where nothing can be set aside. ---- */

static void lost_at_the_limit_of_mappings(void)
{
	uint8_t *at, *many, *all;
	size_t i;

	set_up();
	all = private_memory(3 * BYTES);
	at = all + BYTES;
	many = mmap(NULL, 140000 * PAGE, PROT_NONE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(many != MAP_FAILED);
	CHECK(!map_dma(IOVA, at, BYTES));
	/* Every other page differs: a mapping each, until there is no more. */
	for (i = 0; i < 70000; i++)
		if (mprotect(many + 2 * i * PAGE, PAGE, PROT_READ))
			break;
	if (i == 70000) {
		puts("this kernel has no such limit");
		exit(77);
	}
	/* To replace all of it takes no mapping more. */
	CHECK(mmap(all, 3 * BYTES, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == all);
	memset(all, SENTINEL, 3 * BYTES);
	for (i = 0; i < PAGES; i++)
		device_puts(IOVA + i * PAGE, 1);
	all_are(all, 3 * BYTES, SENTINEL);
	unmap_dma(IOVA, BYTES);
}

static const struct client_case cases[] = {
	CASE(kept_munmap),
	CASE(kept_munmap_of_a_part),
	CASE(kept_munmap_of_shared_memory),
	CASE(kept_mmap_over),
	CASE(an_mmap_over_that_fails_changes_nothing),
	CASE(mremap_takes_the_pages_along),
	CASE(mremap_to_and_fro),
	CASE(kept_mremap_over),
	CASE(kept_mremap_to_less),
	CASE(kept_sbrk),
	CASE(kept_shmdt),
	CASE(kept_munmap_of_locked_memory),
	CASE(kept_dontneed),
	CASE(kept_dontneed_while_a_thread_is_there),
	CASE(dontneed_of_shared_memory_takes_nothing),
	CASE(free_advice_takes_nothing),
	CASE(kept_remove),
	CASE(kept_hole),
	CASE(kept_truncate),
	CASE(kept_truncate_by_path),
	CASE(kept_advice_by_pidfd),
	CASE(advice_to_another_process_takes_nothing),
	CASE(kept_guards),
	CASE(kept_guards_of_shared_memory),
	CASE(a_hole_that_is_refused_changes_nothing),
	CASE(kept_huge_pages),
	CASE(lost_at_the_limit_of_mappings),
	{NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
