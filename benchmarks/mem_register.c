/* SPDX-License-Identifier: MIT */
/*
 * Registration: the registry by itself, over a back end that pins nothing,
 * beside others that are registered; and as a program has it, whose memory is
 * looked at.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "benchmarks/mem_world.h"
#include "benchmarks/meter.h"

struct piece {
	struct ioas_holder *holder;
	struct peer_map *map;
	uint64_t start, bytes;
};

static void register_ours(void *state, unsigned long n)
{
	struct piece *p = state;

	while (n--) {
		enter(p->holder, p->start, p->bytes);
		leave(p->holder, p->start, p->bytes);
	}
}

static void register_map(void *state, unsigned long n)
{
	struct piece *p = state;

	while (n--) {
		peer_map_register(p->map, p->start, p->bytes, 1 << PEER_SHIFT);
		peer_map_unregister(p->map, p->start, p->bytes,
		                    1 << PEER_SHIFT);
	}
}

static void populate(void *state, unsigned long n)
{
	struct piece *p = state;

	while (n--)
		if (madvise((void *)(uintptr_t)p->start, p->bytes,
		            MADV_POPULATE_WRITE))
			die("madvise");
}

/* Nothing pinned: the registry itself, with others registered beside. */
static void engine_rows(void)
{
	struct world w;
	struct piece small = {.start = OTHERS_START, .bytes = 64u << 10};
	struct piece large = {.start = OTHERS_START, .bytes = 2u << 20};
	struct meter_case c[] = {
		{"register + unregister 64 KiB", register_ours, &small, 0, 0,
	         0},
		{"the same in the map", register_map, &small, 0, 0, 0},
		{"register + unregister 2 MiB", register_ours, &large, 0, 0, 0},
		{"the same in the map, 2 MiB", register_map, &large, 0, 0, 0},
	};

	world_init(&w, 256, false);
	small.holder = large.holder = w.holder;
	small.map = large.map = w.map;
	meter_run(c, sizeof(c) / sizeof(c[0]));
	meter_row("mem", &c[0], &c[1], "ratio >= 2");
	/* 1.5 ns for each of 512 pages. */
	meter_row("mem", &c[2], &c[3], "min <= 768");
	world_fini(&w);
}

/* As ioas run uses it: that all pages may be used is checked. */
static void pinned_row(const char *name, uint64_t bytes)
{
	struct piece piece = {.bytes = bytes};
	struct meter_case c[] = {
		{name, register_ours, &piece, 0, 0, 0},
		{"", populate, &piece, 0, 0, 0},
	};
	struct ioas_registry *registry = new_registry(NULL, false);
	void *memory = mmap(NULL, piece.bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED || ioas_holder_create(registry, &piece.holder))
		die("memory");
	piece.start = (uintptr_t)memory;
	meter_run(c, sizeof(c) / sizeof(c[0]));
	/* At most 1.2 times. */
	meter_row("mem", &c[0], &c[1], "ratio >= 0.833");
	ioas_holder_destroy(piece.holder);
	ioas_registry_destroy(registry, NULL);
	munmap(memory, piece.bytes);
}

/* ---- Memory. ---- */

static double resident(void)
{
	unsigned long size = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &size, &pages) != 2)
		die("statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* What 1 GiB costs, registered in one piece or in many. */
static void memory_row(const char *name, bool no_shadow, unsigned int regions)
{
	struct ioas_registry *registry = new_registry(&pins_nothing, no_shadow);
	uint64_t each = (UINT64_C(1) << 30) / regions;
	struct ioas_holder *holder;
	struct meter_case c = {.name = name};
	double before;
	unsigned int i;

	if (ioas_holder_create(registry, &holder))
		die("holder");
	before = resident();
	for (i = 0; i < regions; i++)
		enter(holder, BASE + i * each, each);
	c.min = c.median = (resident() - before) / 1024;
	meter_row_in("KiB", "mem", &c, regions == 1 ? "min <= 2400" : NULL);
	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, NULL);
}

void register_rows(void)
{
	engine_rows();
	pinned_row("2 MiB, presence checked", 2u << 20);
	pinned_row("64 KiB, presence checked", 64u << 10);
	memory_row("tables for 1 GiB", false, 1);
	memory_row("tables for 1 GiB in 4096", false, 4096);
	memory_row("tables for 1 GiB, tree", true, 1);
	memory_row("tables for 1 GiB in 4096, tree", true, 4096);
}
