/* SPDX-License-Identifier: MIT */
/*
 * bench-core translate|map: the core, beside the physical limit measured in
 * the same run. Result before time: every address is translated once and
 * compared before the clock runs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/grace.h"
#include "benchmarks/meter.h"
#include "host/host.h"
#include "space/space.h"

#define PAGE_SHIFT 12
#define PAGE       (1UL << PAGE_SHIFT)
#define HOT        1024 /* addresses in turn; a power of two */
#define BASE       (1UL << 32)
#define BYTES      (64UL << 20)

static struct ioas_mem_account account = {.limit = UINT64_MAX};
static struct ioas_mem mem;
static struct meter_chase chase;

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "bench-core: %s: %s\n", what, strerror(-error));
	exit(1);
}

static struct ioas_space *new_space(void)
{
	struct ioas_space_config config = {
		.page_shift = PAGE_SHIFT,
		.aperture = {0, (UINT64_C(1) << 48) - 1},
	};
	struct ioas_space *space;
	int error = ioas_space_create(&config, &space);

	if (error)
		die("space", error);
	return space;
}

static void map(struct ioas_space *space, uint64_t iova, uint64_t bytes,
                const void *at)
{
	struct ioas_map_request request = {
		.mem = &mem,
		.range = {iova, iova + bytes - 1},
		.uaddr = {(uintptr_t)at},
		.perm = IOAS_READ | IOAS_WRITE,
	};
	int error;

	ioas_lock(&space->lock);
	error = ioas_space_map_locked(space, &request);
	ioas_unlock(&space->lock);
	if (error)
		die("map", error);
}

static void unmap(struct ioas_space *space, struct iova_range range)
{
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	ioas_lock(&space->lock);
	while ((area = ioas_space_find_locked(space, range)))
		ioas_space_remove_locked(space, area, &gone);
	ioas_unlock(&space->lock);
	ioas_space_release(space, &gone);
}

/* Translate: @count mappings of a page, every second page of the program. */
struct translate {
	struct ioas_space *space;
	uint64_t iova[HOT];
};

static void translate_slice(void *state, unsigned long n)
{
	struct translate *t = state;
	struct ioas_translation found;

	ioas_grace_enter(IOAS_GRACE_DMA);
	while (n--) {
		struct iova at = {t->iova[n % HOT]};

		if (ioas_space_translate(t->space, at, 64, IOAS_READ, &found))
			die("translate", -1);
		meter_use(found.pointer);
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static char *backing(const char *memory, unsigned int i)
{
	return (char *)memory + (2 * (uint64_t)i % (BYTES / PAGE)) * PAGE;
}

static void translate_init(struct translate *t, const char *memory,
                           unsigned int count)
{
	struct ioas_translation found;
	unsigned int i, page;

	t->space = new_space();
	for (i = 0; i < count; i++)
		map(t->space, BASE + 2 * i * PAGE, PAGE, backing(memory, i));
	srandom(1);
	ioas_grace_enter(IOAS_GRACE_DMA);
	for (i = 0; i < HOT; i++) {
		uint64_t offset = 64 * ((uint64_t)random() % (PAGE / 64));

		page = (unsigned int)random() % count;
		t->iova[i] = BASE + 2 * page * PAGE + offset;
		if (ioas_space_translate(t->space, (struct iova){t->iova[i]},
		                         64, IOAS_READ, &found) ||
		    found.pointer != backing(memory, page) + offset)
			die("translate is wrong", 0);
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void bench_translate(const char *memory)
{
	static const struct {
		unsigned int count;
		const char *name;
	} sizes[] = {
		{1, "hot random, 1 mapping"},
		{16, "hot random, 16 mappings"},
		{4096, "hot random, 4096 mappings"},
	};
	struct translate t[IOAS_ARRAY_SIZE(sizes)];
	struct meter_case c[IOAS_ARRAY_SIZE(sizes) + 1] = {
		{"dependent load, L1", meter_chase_slice, &chase, 0, 0, 0},
	};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		translate_init(&t[i], memory, sizes[i].count);
		c[i + 1].name = sizes[i].name;
		c[i + 1].slice = translate_slice;
		c[i + 1].state = &t[i];
	}
	meter_run(c, IOAS_ARRAY_SIZE(c));
	meter_row("translate", &c[0], NULL, NULL);
	for (i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		meter_row("translate", &c[i + 1], &c[0], NULL);
		unmap(t[i].space, (struct iova_range){0, UINT64_MAX});
		ioas_space_destroy(t[i].space);
	}
}

/*
 * What a translation adds to the copy of a page, of 1024 in turn. The least
 * that anything could add: two loads, the second where the first leads, with no
 * check of anything. A copy begins by waiting for its address, so even they
 * show.
 */
#define TABLES (2 * 4096 / 512)

enum knowing { KNOWN, TWO_LOADS, TRANSLATED };

struct copy {
	struct translate *t;
	enum knowing how;
	void *at[HOT];
	void **table[TABLES]; /* by I/O address, as two levels */
	char to[PAGE];
};

static void copy_translated(struct copy *c, struct iova at)
{
	struct ioas_translation found;

	ioas_grace_enter(IOAS_GRACE_DMA);
	if (ioas_space_translate(c->t->space, at, PAGE, IOAS_READ, &found))
		die("translate", -1);
	memcpy(c->to, found.pointer, PAGE);
	meter_use(c->to);
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void copy_slice(void *state, unsigned long n)
{
	struct copy *c = state;

	while (n--) {
		uint64_t at = c->t->iova[n % HOT] & ~(PAGE - 1);

		if (c->how == TRANSLATED) {
			copy_translated(c, (struct iova){at});
			continue;
		}
		memcpy(c->to,
		       c->how == KNOWN ? c->at[n % HOT]
		                       : c->table[(at - BASE) / PAGE / 512]
		                                 [(at - BASE) / PAGE % 512],
		       PAGE);
		meter_use(c->to);
	}
}

static void copy_init(struct copy *c, struct translate *t, enum knowing how)
{
	struct ioas_translation found;
	unsigned int i;

	c->t = t;
	c->how = how;
	for (i = 0; i < TABLES; i++) {
		c->table[i] = aligned_alloc(PAGE, 512 * sizeof(void *));
		if (!c->table[i])
			die("memory", -1);
	}
	ioas_grace_enter(IOAS_GRACE_DMA);
	for (i = 0; i < HOT; i++) {
		uint64_t at = t->iova[i] & ~(PAGE - 1);

		if (ioas_space_translate(t->space, (struct iova){at}, PAGE,
		                         IOAS_READ, &found))
			die("translate", -1);
		c->at[i] = found.pointer;
		c->table[(at - BASE) / PAGE / 512][(at - BASE) / PAGE % 512] =
			found.pointer;
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void bench_copy(const char *memory)
{
	static struct translate t;
	static struct copy copies[3];
	struct meter_case c[] = {
		{"copy 4 KiB", copy_slice, &copies[KNOWN], 0, 0, 0},
		{"copy 4 KiB, after two loads", copy_slice, &copies[TWO_LOADS],
	         0, 0, 0},
		{"copy 4 KiB, translated", copy_slice, &copies[TRANSLATED], 0,
	         0, 0},
	};
	enum knowing how;

	translate_init(&t, memory, 4096);
	for (how = KNOWN; how <= TRANSLATED; how++)
		copy_init(&copies[how], &t, how);
	meter_run(c, IOAS_ARRAY_SIZE(c));
	meter_row("translate", &c[KNOWN], NULL, NULL);
	meter_row("translate", &c[TWO_LOADS], &c[KNOWN], NULL);
	/* 3 % on top, of a copy and of what no look-up can be without. */
	meter_row("translate", &c[TRANSLATED], &c[KNOWN], "ratio >= 0.971");
	c[TRANSLATED].name = "copy 4 KiB, beside two loads";
	meter_row("translate", &c[TRANSLATED], &c[TWO_LOADS], NULL);
	unmap(t.space, (struct iova_range){0, UINT64_MAX});
	ioas_space_destroy(t.space);
}

/* Map and unmap the same piece, beside 256 neighbours that stay. */
struct mapping {
	struct ioas_space *space;
	const char *at;
	uint64_t bytes;
};

static void map_slice(void *state, unsigned long n)
{
	struct mapping *m = state;
	struct iova_range range = {BASE, BASE + m->bytes - 1};

	while (n--) {
		map(m->space, BASE, m->bytes, m->at);
		unmap(m->space, range);
	}
}

/* The core's own part: what the system needs to pin is the system's. */
static int no_pin(struct uaddr start, uint64_t length, unsigned int perm,
                  uint64_t *ret_pinned)
{
	(void)start;
	(void)perm;
	*ret_pinned = length;
	return 0;
}

static void no_unpin(struct uaddr start, uint64_t length)
{
	(void)start;
	(void)length;
}

static void unpinned_slice(void *state, unsigned long n)
{
	struct ioas_hooks saved = ioas_hooks;

	ioas_hooks.pin = no_pin;
	ioas_hooks.unpin = no_unpin;
	map_slice(state, n);
	ioas_hooks = saved;
}

/*
 * 1 GiB of entries of a page each. Unmap returns when no access of a device
 * can follow, with a device of this thread that is not inside a section.
 */
#define GIB  (1UL << 30)
#define RUNS 30

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bench_unmap_large(void)
{
	struct meter_case c = {.name = "unmap 1 GiB of 4 KiB, not pinned"};
	struct ioas_hooks saved = ioas_hooks;
	struct ioas_space *space = new_space();
	/* Numbers that nobody uses, and that no large leaf fits. */
	const void *at = (const void *)(uintptr_t)((1UL << 46) + PAGE);
	struct iova_range range = {BASE, BASE + GIB - 1};
	double took[RUNS];
	unsigned int i;

	ioas_hooks.pin = no_pin;
	ioas_hooks.unpin = no_unpin;
	for (i = 0; i < RUNS; i++) {
		uint64_t begin;

		map(space, BASE, GIB, at);
		begin = saved.now();
		unmap(space, range);
		took[i] = (double)(saved.now() - begin);
	}
	ioas_hooks = saved;
	qsort(took, RUNS, sizeof(took[0]), compare);
	c.min = took[0] / 1000;
	c.median = took[RUNS / 2] / 1000;
	meter_row_in("us", "map", &c, "median <= 100");
	ioas_space_destroy(space);
}

static void bench_map(const char *memory)
{
	struct ioas_space *space = new_space();
	struct mapping small = {space, memory, PAGE};
	struct mapping large = {space, memory, 2UL << 20};
	struct meter_case c[] = {
		{"dependent load, L1", meter_chase_slice, &chase, 0, 0, 0},
		{"map + unmap 4 KiB", map_slice, &small, 0, 0, 0},
		{"map + unmap 2 MiB", map_slice, &large, 0, 0, 0},
		{"4 KiB, pinning left out", unpinned_slice, &small, 0, 0, 0},
		{"2 MiB, pinning left out", unpinned_slice, &large, 0, 0, 0},
	};
	unsigned int i;

	for (i = 0; i < 256; i++)
		map(space, BASE + (4UL << 20) + 2 * i * PAGE, PAGE,
		    backing(memory, i));
	meter_run(c, IOAS_ARRAY_SIZE(c));
	for (i = 0; i < IOAS_ARRAY_SIZE(c); i++)
		meter_row("map", &c[i], i ? &c[0] : NULL, NULL);
	unmap(space, (struct iova_range){0, UINT64_MAX});
	ioas_space_destroy(space);
}

int main(int argc, char **argv)
{
	char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("memory", -1);
	memset(memory, 1, BYTES);
	ioas_host_hooks(&ioas_hooks);
	ioas_mem_init(&mem, &account, PAGE_SHIFT);
	meter_chase_init(&chase);
	if (argc == 2 && !strcmp(argv[1], "translate")) {
		bench_translate(memory);
		bench_copy(memory);
	} else if (argc == 2 && !strcmp(argv[1], "map")) {
		bench_map(memory);
		bench_unmap_large();
	} else {
		fputs("usage: bench-core translate|map\n", stderr);
		return 2;
	}
	return 0;
}
