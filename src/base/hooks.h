/* SPDX-License-Identifier: MIT */
/*
 * What the core needs from outside. The folders base, mem, pt, iova and space
 * call no libc function that does I/O, sleeps, allocates or reads the
 * environment (tools/check-purity looks with nm); they call these. That makes
 * them embeddable, fuzzable, and lets a test fail the n-th allocation.
 *
 * One set per process, installed once before the first call into the core and
 * not changed after that. src/host holds the set for Linux.
 */
#ifndef IOAS_BASE_HOOKS_H
#define IOAS_BASE_HOOKS_H

#include "base/atomic.h"
#include "base/types.h"

/* Big enough for a signal mask. */
struct ioas_signals {
	uint64_t opaque[16];
};

struct ioas_thread;

enum ioas_reserve_advice {
	IOAS_RESERVE_HUGE, /* much of it will be used: larger pages pay */
	IOAS_RESERVE_ZERO, /* give the memory back; it reads as zero again */
};

struct ioas_hooks {
	/*
	 * Zeroed memory, or NULL. It is aligned to @bytes where that is a
	 * power of two from 4096 on, else to 64. @bytes is not 0.
	 */
	void *(*alloc)(size_t bytes);
	void (*free)(void *p, size_t bytes);

	/*
	 * Addresses, zeroed and page aligned, that cost no memory before they
	 * are written to, and are zeroed again in a forked child. NULL, also
	 * as the hook: there are not so many to be had.
	 */
	void *(*reserve)(size_t bytes);
	void (*unreserve)(void *p, size_t bytes);
	/* Part of them; any alignment, what is not a whole page stays. */
	void (*reserve_advise)(void *p, size_t bytes,
	                       enum ioas_reserve_advice advice);

	/*
	 * Check that [start, start + length) is there and may be used with
	 * @perm. It need not be in memory then: who reaches it by copy, or by
	 * its address, brings it in. Sets *ret_pinned to the bytes from
	 * @start that are pinned, also when it fails.
	 * Return: 0 or -EFAULT (a hole, or no such permission).
	 */
	int (*pin)(struct uaddr start, uint64_t length, unsigned int perm,
	           uint64_t *ret_pinned);
	void (*unpin)(struct uaddr start, uint64_t length);
	/*
	 * Show a piece of a file as memory; both may be NULL: no files.
	 * Return: 0, -EBADF (not such a file), -EINVAL (unaligned), -ENOMEM.
	 */
	int (*map_file)(int fd, uint64_t offset, uint64_t length,
	                unsigned int perm, uint64_t *ret_start);
	void (*unmap_file)(uint64_t start, uint64_t length);
	unsigned int page_shift; /* of the program's memory */

	/*
	 * Copy; either side may be memory that has gone. Naturally aligned
	 * units of 8 bytes are copied by one access each, in ascending order;
	 * beyond 1024 bytes only the last 64 bytes are, after all the others.
	 * Async-signal-safe. Return: 0 or -EFAULT (some bytes may be copied).
	 */
	int (*copy)(void *dst, const void *src, size_t bytes);

	/*
	 * Where copy failed: does @program show registers of a device? Then
	 * move @bytes between them and @mine by loads (@store: by stores), in
	 * naturally aligned units of at most 8 bytes. @self does the DMA.
	 * Return: 0, -EFAULT (it shows none) or -EIO (they are those of @self,
	 * or do not answer).
	 */
	int (*peer)(void *self, void *program, void *mine, size_t bytes,
	            bool store);

	/*
	 * A full memory barrier on every running thread of the process.
	 * Return: false when the system has none; readers then use a full
	 * fence each. The answer never changes.
	 */
	bool (*barrier)(void);

	/* Sleep while *word == seen; may return early. Async-signal-safe. */
	void (*wait)(const struct ioas_a32 *word, uint32_t seen);
	void (*wake)(const struct ioas_a32 *word);
	/* As wait, but until @deadline (of now) at most; UINT64_MAX: none. */
	void (*wait_until)(const struct ioas_a32 *word, uint32_t seen,
	                   uint64_t deadline);
	/* Nanoseconds on a clock that never goes back. Async-signal-safe. */
	uint64_t (*now)(void);
	/* Give the processor away for a while that grows with @round. */
	void (*relax)(unsigned int round);

	/*
	 * Block every signal that can be blocked without harm on this thread
	 * (device models run so), and bring back what was. *saved is opaque.
	 */
	void (*signals_block)(struct ioas_signals *saved);
	void (*signals_restore)(const struct ioas_signals *saved);

	/* Raise the event behind a handle that uapi was given; never blocks. */
	void (*signal)(int event);

	/*
	 * Call fn(arg) on this thread's way out. Return: false when that
	 * cannot be arranged (now).
	 */
	bool (*at_thread_exit)(void (*fn)(void *arg), void *arg);

	/*
	 * Run fn(arg) on a thread of ours: signals blocked as above, on any
	 * processor that the process may use. May allocate, so not in a signal
	 * handler. Return: the thread, which join ends, or NULL.
	 */
	struct ioas_thread *(*thread_start)(const char *name,
	                                    void (*fn)(void *arg), void *arg);
	void (*thread_join)(struct ioas_thread *thread);
	/* Can two threads of the process run at the same time? */
	bool (*parallel)(void);

	/*
	 * Where in the program this is: a number for the calls that led here,
	 * the same for the same ones; 0 where it is not known. Any thread,
	 * async-signal-safe. NULL: it is never known.
	 */
	uint32_t (*call_site)(void);

	/* A law of ioas does not hold: report and do not return. */
	void (*law_broken)(const char *law, const char *condition,
	                   const char *file, int line);
};

extern struct ioas_hooks ioas_hooks;

static inline uint32_t ioas_call_site(void)
{
	return ioas_hooks.call_site ? ioas_hooks.call_site() : 0;
}

/* Zeroed memory for one object of type, or NULL. */
#define ioas_new(type) ((type *)ioas_hooks.alloc(sizeof(type)))
#define ioas_delete(p) ioas_hooks.free((p), sizeof(*(p)))

#endif /* IOAS_BASE_HOOKS_H */
