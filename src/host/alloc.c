/* SPDX-License-Identifier: MIT */
/*
 * Memory for the core, apart from the program's heap. Three things need that:
 * memory of ours may be wanted while the program is inside of its allocator
 * (which gives pages back, and they are pinned); a page that the program mapped
 * for DMA must not hold anything of ours; and a million mappings want it fast.
 *
 *	up to 32 KiB  from large pieces, by classes of size. What was freed is
 *	              used again for its class and never given to the system
 *	above         from the system and back
 *
 * Who frees knows the size, so there are no headers. A class has two lists.
 * Freeing pushes to one, which only ever is taken whole: so a push needs a
 * compare-and-swap and nothing else. Taking from the other needs the class's
 * lock, which is tried only: whoever does not get it, in a signal handler or
 * on another thread, takes new memory. So nobody ever waits.
 *
 * The address sanitizer watches malloc(3), so in its builds memory is from
 * there.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/lock.h"
#include "host/members.h"

#define ALIGNMENT 64
#define PAGE      ((size_t)4096) /* powers of two from here: to their size */

static size_t alignment_of(size_t bytes)
{
	return bytes >= PAGE && !(bytes & (bytes - 1)) ? bytes : ALIGNMENT;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FROM_MALLOC
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FROM_MALLOC
#endif

#ifdef FROM_MALLOC

void *ioas_host_alloc(size_t bytes)
{
	void *p;

	if (posix_memalign(&p, alignment_of(bytes), bytes))
		return NULL;
	return memset(p, 0, bytes);
}

void ioas_host_free(void *p, size_t bytes)
{
	free(p);
}

void ioas_host_alloc_forked(void)
{
}

#else

#define LARGEST ((size_t)32 << 10)
#define SUPPLY  ((size_t)256 << 10) /* asked for at once */

/* Four classes for each power of two, from 64 bytes: a quarter is lost. */
#define STEPS   4
#define CLASSES 37

struct free_memory {
	struct free_memory *next;
};

static struct class
{
	struct ioas_aptr returned; /* struct free_memory; pushed to by all */
	struct ioas_a32 taking;    /* the lock of the next line */
	struct free_memory *ready;
} classes[CLASSES];

/* A piece that new memory is cut from. */
struct supply {
	struct ioas_a64 used;
};

/*
 * struct supply, at the head of its piece: one for what is aligned to its own
 * size, that nothing smaller lies between.
 */
static struct ioas_aptr supplies[2];

static size_t class_bytes(unsigned int class)
{
	size_t power = (size_t)ALIGNMENT << class / STEPS;

	return (power + power / STEPS * (class % STEPS) + ALIGNMENT - 1) &
	       ~(size_t)(ALIGNMENT - 1);
}

/* The smallest class that holds it. */
static unsigned int class_of(size_t bytes)
{
	unsigned int class = 0, power;

	if (bytes > ALIGNMENT) {
		power = 63 -
		        (unsigned int)__builtin_clzll((bytes - 1) / ALIGNMENT);
		class = power * STEPS;
	}
	while (class_bytes(class) < bytes)
		class ++;
	return class;
}

static void *map_any(size_t bytes)
{
	long at = ioas_sys(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at < 0 && at >= -4095 ? NULL : (void *)at;
}

static void to_system(void *p, size_t bytes)
{
	if (bytes)
		ioas_sys(SYS_munmap, (long)p, (long)bytes, 0, 0, 0, 0);
}

/* Aligned as the hook promises: by chance, or cut out of twice as much. */
static void *from_system(size_t bytes)
{
	size_t mask = alignment_of(bytes) - 1, before;
	char *p = map_any(bytes);

	if (!p || !((uintptr_t)p & mask))
		return p;
	to_system(p, bytes);
	p = map_any(2 * bytes);
	if (!p)
		return NULL;
	before = -(uintptr_t)p & mask;
	to_system(p, before);
	to_system(p + before + bytes, bytes - before);
	return p + before;
}

/* The rest of the old one is left: less than one of the larger classes. */
static bool renew(struct ioas_aptr *supply, struct supply *old)
{
	struct supply *next = from_system(SUPPLY);
	void *seen = old;

	if (!next)
		return false;
	/* Relaxed: it is published by the exchange. */
	ioas_a64_store_relaxed(&next->used, ALIGNMENT);
	/* Pairs with the load in cut(). */
	if (!ioas_aptr_cas(supply, &seen, next))
		to_system(next, SUPPLY);
	return true;
}

/* NULL: not as much is left. */
static void *cut_from(struct supply *from, size_t bytes)
{
	size_t mask = alignment_of(bytes) - 1;
	uint64_t used = ioas_a64_load(&from->used), start;

	do {
		start = used + (-((uintptr_t)from + used) & mask);
		if (start + bytes > SUPPLY)
			return NULL;
	} while (!ioas_a64_cas(&from->used, &used, start + bytes));
	return (char *)from + start;
}

static void *cut(size_t bytes)
{
	struct ioas_aptr *supply = &supplies[alignment_of(bytes) == bytes];
	struct supply *from;
	void *p;

	for (;;) {
		/* Pairs with the exchange in renew(). */
		from = ioas_aptr_load(supply);
		p = from ? cut_from(from, bytes) : NULL;
		if (p)
			return p;
		if (!renew(supply, from))
			return NULL;
	}
}

/* NULL: none is free, or somebody else is taking. */
static void *take(struct class *c)
{
	struct free_memory *p;
	uint32_t seen = 0;

	if (!ioas_a32_cas(&c->taking, &seen, 1))
		return NULL;
	if (!c->ready)
		/* Pairs with the push in ioas_host_free(). */
		c->ready = ioas_aptr_exchange(&c->returned, NULL);
	p = c->ready;
	if (p)
		c->ready = p->next;
	ioas_a32_store(&c->taking, 0);
	return p;
}

void *ioas_host_alloc(size_t bytes)
{
	unsigned int class;
	void *p;

	if (bytes > LARGEST)
		return from_system(bytes);
	class = class_of(bytes);
	p = take(&classes[class]);
	return p ? memset(p, 0, bytes) : cut(class_bytes(class));
}

void ioas_host_free(void *p, size_t bytes)
{
	struct free_memory *f = p;
	struct class *c;
	void *first;

	if (!p)
		return;
	if (bytes > LARGEST) {
		to_system(p, bytes);
		return;
	}
	c = &classes[class_of(bytes)];
	first = ioas_aptr_load(&c->returned);
	do
		f->next = first;
	/* Pairs with the exchange in take(). */
	while (!ioas_aptr_cas(&c->returned, &first, f));
}

void ioas_host_alloc_forked(void)
{
	unsigned int i;

	for (i = 0; i < CLASSES; i++) {
		/* Who was taking may have left the list in any state. */
		if (!ioas_a32_exchange(&classes[i].taking, 0))
			continue;
		classes[i].ready = NULL;
	}
}

#endif /* FROM_MALLOC */
