/* SPDX-License-Identifier: MIT */
/*
 * Every block has a header in front, in a list under one mutex: what a test
 * leaves behind can be named, and a free of the wrong size is caught where it
 * is made. A test is slowed by this and does not mind.
 */
#include "rig_hooks.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

#define ALIGN 64
#define LARGE ((size_t)256 << 10)

struct block {
	struct block *next, *prev;
	size_t bytes;
	void *map; /* of one that is large; else NULL */
};

_Static_assert(sizeof(struct block) <= ALIGN, "the header fits before a block");

struct rig_counts rig_counts;
struct ioas_a32 rig_call_site;
void (*rig_on_law)(const char *law);

static struct ioas_hooks host; /* for what takes more than a call */
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block blocks = {&blocks, &blocks, 0, NULL};

/* As hooks.h promises, and no more. */
static size_t align_of(size_t bytes)
{
	return bytes >= 4096 && !(bytes & (bytes - 1)) ? bytes : ALIGN;
}

/* It lies right before the block. */
static struct block *header_of(void *p)
{
	return (struct block *)p - 1;
}

#if defined(__SANITIZE_ADDRESS__)
#define FROM_MALLOC true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FROM_MALLOC true
#endif
#endif
#ifndef FROM_MALLOC
#define FROM_MALLOC false
#endif

/* Zero, without being brought in: pages of malloc() are nobody else's. */
static void *dropped(char *p, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t head = -(uintptr_t)p & (page - 1);
	size_t whole = (bytes - head) & ~(page - 1);

	if (madvise(p + head, whole, MADV_DONTNEED))
		return memset(p, 0, bytes);
	memset(p, 0, head);
	memset(p + head + whole, 0, bytes - head - whole);
	return p;
}

/*
 * Large ones are the system's, which are zero and memory only where they are
 * used: tables of windows mostly are not. The address sanitizer has to know
 * their ends.
 */
static void *zeroed(size_t align, size_t bytes, void **ret_map)
{
	void *p;

	*ret_map = NULL;
	if (bytes < LARGE || FROM_MALLOC) {
		if (posix_memalign(&p, align, bytes))
			return NULL;
		if (bytes < LARGE)
			return memset(p, 0, bytes);
		return dropped(p, bytes);
	}
	p = mmap(NULL, align + bytes, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	*ret_map = p;
	return (void *)(((uintptr_t)p + align - 1) & ~(align - 1));
}

static void *rig_alloc(size_t bytes)
{
	uint64_t number = ioas_a64_add(&rig_counts.allocated, 1);
	struct block *b;
	void *p, *map;

	if (number == ioas_a64_load(&rig_counts.fail_at)) {
		ioas_a64_add(&rig_counts.failed, 1);
		return NULL;
	}
	p = zeroed(align_of(bytes), align_of(bytes) + bytes, &map);
	if (!p)
		return NULL;
	p = (char *)p + align_of(bytes);
	b = header_of(p);
	b->bytes = bytes;
	b->map = map;
	pthread_mutex_lock(&blocks_lock);
	b->next = &blocks;
	b->prev = blocks.prev;
	b->prev->next = b;
	blocks.prev = b;
	pthread_mutex_unlock(&blocks_lock);
	ioas_a64_add(&rig_counts.live, 1);
	return p;
}

static void rig_free(void *p, size_t bytes)
{
	struct block *b;

	if (!p)
		return;
	b = header_of(p);
	if (b->bytes != bytes) {
		fprintf(stderr, "rig: %zu bytes freed, %zu were allocated\n",
		        bytes, b->bytes);
		abort();
	}
	pthread_mutex_lock(&blocks_lock);
	b->prev->next = b->next;
	b->next->prev = b->prev;
	pthread_mutex_unlock(&blocks_lock);
	ioas_a64_add(&rig_counts.live, -1);
	if (b->map)
		munmap(b->map, 2 * align_of(bytes) + bytes);
	else
		free((char *)p - align_of(bytes));
}

void rig_hooks_print_live(void)
{
	const struct block *b;

	for (b = blocks.next; b != &blocks; b = b->next)
		fprintf(stderr, "rig: %zu bytes are still allocated\n",
		        b->bytes);
}

void rig_hooks_forget(void)
{
	while (blocks.next != &blocks) {
		struct block *b = blocks.next;

		rig_free(b + 1, b->bytes);
	}
	memset(&rig_counts, 0, sizeof(rig_counts));
}

/*
 * A sum over [start, end) that is the same however the range is cut, so a
 * range may be pinned in one go and unpinned in pieces, but no other range
 * cancels it.
 */
static uint64_t range_sum(uint64_t start, uint64_t length)
{
	uint64_t end = start + length;

	return end * end * end - start * start * start;
}

bool rig_hooks_emulated(void)
{
	static int known; /* 1 no, 2 yes; every thread finds the same */

	if (!known)
		known = ioas_host_heeds_advice() ? 1 : 2;
	return known == 2;
}

/*
 * Without the advice (before Linux 5.14), and where any advice is answered
 * with yes, a read of each page has to do.
 */
static bool touch_page(uint64_t at, uint64_t page, unsigned int perm)
{
	void *p = (void *)(uintptr_t)at;
	uint64_t pinned;
	int advice =
		perm & IOAS_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (!rig_hooks_emulated()) {
		if (syscall(SYS_madvise, p, page, advice) == 0)
			return true;
		if (errno != EINVAL)
			return false;
	}
	return !ioas_host_pin_by_touch((struct uaddr){at}, 1, perm, &pinned);
}

static int rig_pin(struct uaddr start, uint64_t length, unsigned int perm,
                   uint64_t *ret_pinned)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t done = 0;

	while (done < length && touch_page(start.raw + done, page, perm))
		done += page;
	ioas_a64_add(&rig_counts.pinned, done);
	ioas_a64_add(&rig_counts.pinned_sum, range_sum(start.raw, done));
	*ret_pinned = done;
	return done < length ? -EFAULT : 0;
}

/* Addresses count as an allocation, so they are refused where one is. */
static void *rig_reserve(size_t bytes)
{
	uint64_t number = ioas_a64_add(&rig_counts.allocated, 1);
	void *p;

	if (number == ioas_a64_load(&rig_counts.fail_at)) {
		ioas_a64_add(&rig_counts.failed, 1);
		return NULL;
	}
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	ioas_a64_add(&rig_counts.live, 1);
	return p;
}

static void rig_unreserve(void *p, size_t bytes)
{
	munmap(p, bytes);
	ioas_a64_add(&rig_counts.live, -1);
}

static void rig_reserve_advise(void *p, size_t bytes,
                               enum ioas_reserve_advice advice)
{
	if (advice == IOAS_RESERVE_ZERO)
		memset(p, 0, bytes);
}

static int rig_map_file(int fd, uint64_t offset, uint64_t length,
                        unsigned int perm, uint64_t *ret_start)
{
	int prot = PROT_READ | (perm & IOAS_WRITE ? PROT_WRITE : 0);
	void *p = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -EBADF;
	*ret_start = (uintptr_t)p;
	ioas_a64_add(&rig_counts.live, 1);
	return 0;
}

static void rig_unmap_file(uint64_t start, uint64_t length)
{
	munmap((void *)(uintptr_t)start, length);
	ioas_a64_add(&rig_counts.live, -1);
}

static void rig_unpin(struct uaddr start, uint64_t length)
{
	ioas_a64_add(&rig_counts.pinned, -length);
	ioas_a64_add(&rig_counts.pinned_sum, -range_sum(start.raw, length));
}

/* One system call for it all: it copies in ascending order, whole words. */
static int rig_copy(void *dst, const void *src, size_t bytes)
{
	struct iovec local = {dst, bytes},
		     remote = {(void *)(uintptr_t)src, bytes};
	long got = syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote,
	                   1, 0L);

	if (got >= 0) /* as far as it got */
		return got == (long)bytes ? 0 : -EFAULT;
	/* Some systems forbid the call. */
	return errno == EFAULT ? -EFAULT : host.copy(dst, src, bytes);
}

static bool rig_barrier(void)
{
	static struct ioas_a32 state; /* 0 unknown, 1 there, 2 not there */
	uint32_t now = ioas_a32_load(&state);

	if (!now) {
		now = 2;
		if (syscall(SYS_membarrier,
		            MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
		            0) == 0)
			now = 1;
		ioas_a32_store(&state, now);
	}
	ioas_a64_add(&rig_counts.barriers, 1);
	return now == 1 && syscall(SYS_membarrier,
	                           MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void rig_wait(const struct ioas_a32 *word, uint32_t seen)
{
	syscall(SYS_futex, &word->cell, FUTEX_WAIT_PRIVATE, seen, NULL, NULL,
	        0);
}

static uint64_t rig_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void rig_wait_until(const struct ioas_a32 *word, uint32_t seen,
                           uint64_t deadline)
{
	struct timespec end = {(time_t)(deadline / 1000000000u),
	                       (long)(deadline % 1000000000u)};

	syscall(SYS_futex, &word->cell, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
	        seen, deadline == UINT64_MAX ? NULL : &end, NULL,
	        FUTEX_BITSET_MATCH_ANY);
}

struct rig_thread {
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
};

static void *rig_thread_run(void *argument)
{
	struct rig_thread *t = argument;

	t->fn(t->arg);
	return NULL;
}

/* It counts as an allocation, so it is refused where one is. */
static struct ioas_thread *rig_thread_start(const char *name,
                                            void (*fn)(void *arg), void *arg)
{
	struct rig_thread *t = rig_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	if (pthread_create(&t->thread, NULL, rig_thread_run, t))
		abort();
	return (struct ioas_thread *)(void *)t;
}

static void rig_thread_join(struct ioas_thread *thread)
{
	struct rig_thread *t = (struct rig_thread *)(void *)thread;

	pthread_join(t->thread, NULL);
	rig_free(t, sizeof(*t));
}

static bool rig_parallel(void)
{
	return true;
}

static void rig_wake(const struct ioas_a32 *word)
{
	syscall(SYS_futex, &word->cell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void rig_relax(unsigned int round)
{
	struct timespec time = {0, 1000L << (round < 10 ? round : 10)};

	if (round < 4)
		sched_yield();
	else
		nanosleep(&time, NULL);
}

_Static_assert(sizeof(sigset_t) <= sizeof(struct ioas_signals), "a mask fits");

static void rig_signals_block(struct ioas_signals *saved)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, (sigset_t *)(void *)saved);
}

static void rig_signals_restore(const struct ioas_signals *saved)
{
	pthread_sigmask(SIG_SETMASK, (const sigset_t *)(const void *)saved,
	                NULL);
}

static void rig_signal(int event)
{
	uint64_t one = 1;

	if (write(event, &one, sizeof(one)) != (ssize_t)sizeof(one))
		fprintf(stderr, "rig: event %d cannot be raised\n", event);
}

/* In the thread itself: a signal handler may be the first to ask. */
#define EXIT_CALLS 4

struct exit_call {
	void (*fn)(void *arg);
	void *arg;
};

static pthread_key_t exit_key;
static __thread struct exit_call exit_calls[EXIT_CALLS];
static __thread unsigned int exit_calls_nr;

static void run_exit_calls(void *calls)
{
	while (exit_calls_nr > 0) {
		struct exit_call *c = &exit_calls[--exit_calls_nr];

		c->fn(c->arg);
	}
}

static void run_own_exit_calls(void)
{
	run_exit_calls(NULL);
	pthread_setspecific(exit_key, NULL);
}

static bool rig_at_thread_exit(void (*fn)(void *arg), void *arg)
{
	if (exit_calls_nr == EXIT_CALLS ||
	    pthread_setspecific(exit_key, exit_calls))
		return false;
	exit_calls[exit_calls_nr++] = (struct exit_call){fn, arg};
	return true;
}

static int rig_no_peer(void *self, void *program, void *mine, size_t bytes,
                       bool store)
{
	return -EFAULT;
}

static uint32_t rig_where(void)
{
	return ioas_a32_load(&rig_call_site);
}

static void rig_law_broken(const char *law, const char *condition,
                           const char *file, int line)
{
	if (rig_on_law)
		rig_on_law(law);
	fprintf(stderr, "rig: %s:%d: law %s is broken: %s\n", file, line, law,
	        condition);
	abort();
}

void rig_hooks_install(bool barrier, bool thread_exit, bool shadow)
{
	/* Page tables come and go; the heap need not, each time. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 4 << 20);
	if (pthread_key_create(&exit_key, run_exit_calls))
		abort();
	atexit(run_own_exit_calls);
	ioas_host_hooks(&host);
	ioas_hooks = (struct ioas_hooks){
		.alloc = rig_alloc,
		.free = rig_free,
		/* Emulation keeps a record of each page that is reserved. */
		.reserve = shadow && !rig_hooks_emulated() ? rig_reserve : NULL,
		.unreserve = rig_unreserve,
		.reserve_advise = rig_reserve_advise,
		.pin = rig_pin,
		.unpin = rig_unpin,
		.map_file = rig_map_file,
		.unmap_file = rig_unmap_file,
		.page_shift = (unsigned int)__builtin_ctzl(
			(unsigned long)sysconf(_SC_PAGESIZE)),
		.copy = rig_copy,
		.peer = rig_no_peer,
		.barrier = barrier ? rig_barrier : NULL,
		.wait = rig_wait,
		.wait_until = rig_wait_until,
		.now = rig_now,
		.wake = rig_wake,
		.thread_start = rig_thread_start,
		.thread_join = rig_thread_join,
		.parallel = rig_parallel,
		.relax = rig_relax,
		.signals_block = rig_signals_block,
		.signals_restore = rig_signals_restore,
		.signal = rig_signal,
		.at_thread_exit = thread_exit ? rig_at_thread_exit : NULL,
		.call_site = rig_where,
		.law_broken = rig_law_broken,
	};
}
