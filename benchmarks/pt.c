/* SPDX-License-Identifier: MIT */
/*
 * bench-pt: page tables in each format.
 *
 * Map and unmap the same range again and again, beside the least that it could
 * be: as many 8-byte stores, twice, one by one (vectorised: printed as well).
 * What generic_pt of Linux 7.2 takes for 256 entries was measured elsewhere,
 * with a load from L1 in the same run; it is scaled by that of this run.
 *
 * Look-ups are of 1024 addresses in turn, independent of each other, in 1 to
 * 65,536 mappings of a page. Each is compared before the clock runs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grace.h"
#include "base/lock.h"
#include "benchmarks/meter.h"
#include "host/host.h"
#include "pt/format.h"

#define PAGE   (UINT64_C(1) << 12)
#define BASE   (UINT64_C(1) << 32)
#define HOT    1024 /* a power of two */
#define STORES 512

/*
 * generic_pt: map and unmap of 256 entries, in loads from L1 of the machine
 * where they were measured.
 */
#define LOAD_THERE 1.95
#define PEER_X86   ((409.0 + 292.0) / LOAD_THERE)
#define PEER_AMD   ((345.0 + 447.0) / LOAD_THERE)

static const struct shape {
	const struct ioas_pt_format *format;
	unsigned int bits;
	const char *translated; /* what is wanted of a look-up */
} shapes[] = {
	{&ioas_pt_native, 48, "ratio >= 0.5"},
	{&ioas_pt_vtd, 48, "ratio >= 0.192"}, /* 1 / (4 levels x 1.3) */
	{&ioas_pt_amdv1, 48, "ratio >= 0.192"},
	{&ioas_pt_lpae1, 48, "ratio >= 0.192"},
	{&ioas_pt_lpae2, 48, "ratio >= 0.192"},
	{&ioas_pt_tce, 48, "ratio >= 0.256"}, /* 3 levels */
};

static struct meter_chase chase;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-pt: %s\n", what);
	exit(1);
}

static const char *name_of(const struct shape *shape, const char *what)
{
	size_t bytes = strlen(shape->format->name) + strlen(what) + 3;
	char *name = malloc(bytes);

	if (!name)
		die("no memory");
	snprintf(name, bytes, "%s: %s", shape->format->name, what);
	return name;
}

static void table_init(struct ioas_pt *pt, const struct shape *shape)
{
	struct ioas_pt_config config = {
		.format = shape->format,
		.page_shift = 12,
		.bits = shape->bits,
	};

	if (ioas_pt_init(pt, &config))
		die("no table");
}

/* ---- Map and unmap ---- */

struct work {
	struct ioas_pt pt;
	struct ioas_lock lock;
	struct ioas_a64 count;
	uint64_t bytes, phys;
};

static void once(struct work *w)
{
	struct iova_range range = {BASE, BASE + w->bytes - 1};
	struct ioas_pt_gather gather = {0};

	ioas_lock(&w->lock);
	ioas_a64_add(&w->count, 1);
	if (ioas_pt_map(&w->pt, range, (struct phys){w->phys},
	                IOAS_READ | IOAS_WRITE))
		die("map");
	ioas_unlock(&w->lock);
	ioas_lock(&w->lock);
	ioas_pt_unmap(&w->pt, range, &gather);
	ioas_a64_add(&w->count, -1);
	ioas_unlock(&w->lock);
	ioas_pt_flush(&w->pt, &gather);
	ioas_pt_free(&w->pt, &gather);
}

static void work_slice(void *state, unsigned long n)
{
	while (n--)
		once(state);
}

static uint64_t entries[STORES];
static uint64_t store_count;

/* Map's stores and unmap's. No compiler makes vectors of atomic ones. */
static __attribute__((noinline)) void
store_scalar(uint64_t *at, uint64_t n, uint64_t value, uint64_t step)
{
	uint64_t i;

	for (i = 0; i < n; i++, value += step)
		__atomic_store_n(&at[i], value, __ATOMIC_RELAXED);
}

#ifdef __x86_64__
#define WIDE __attribute__((target("avx2")))
#else
#define WIDE
#endif

typedef uint64_t four __attribute__((vector_size(32), aligned(8)));

/* Four at a time, so a few more than asked for. */
static __attribute__((noinline)) WIDE void
store_vector(uint64_t *at, uint64_t n, uint64_t value, uint64_t step)
{
	four values = {value, value + step, value + 2 * step, value + 3 * step};
	uint64_t i;

	for (i = 0; i < n; i += 4, values += 4 * step)
		*(four *)&at[i] = values;
}

static void scalar_slice(void *state, unsigned long n)
{
	while (n--) {
		store_scalar(entries, store_count, n, PAGE);
		store_scalar(entries, store_count, 0, 0);
		meter_use(entries);
	}
}

static void vector_slice(void *state, unsigned long n)
{
	while (n--) {
		store_vector(entries, store_count, n, PAGE);
		store_vector(entries, store_count, 0, 0);
		meter_use(entries);
	}
}

struct size {
	const char *name;
	uint64_t bytes, entries; /* of 4 KiB, or one large one */
	const char *wanted;      /* beside the stores, of all formats */
};

static const struct size sizes[] = {
	{"4 KiB x 1", PAGE, 1, NULL},
	{"4 KiB x 16", 16 * PAGE, 16, NULL},
	{"4 KiB x 256", 256 * PAGE, 256, "ratio >= 0.5"},
	{"4 KiB x 512", 512 * PAGE, 512, NULL},
	{"one of 2 MiB", UINT64_C(2) << 20, 1, "median <= 70"},
	{"one of 1 GiB", UINT64_C(1) << 30, 1, NULL},
};

static void per_entry(const struct meter_case *c, const struct size *size)
{
	struct meter_case each = *c;
	static char name[80];

	snprintf(name, sizeof(name), "%.60s, an entry", c->name);
	each.name = name;
	each.min /= 2 * (double)size->entries;
	each.median /= 2 * (double)size->entries;
	meter_row_in("ns", "pt", &each, NULL);
}

/* Tables that the range needs are there: neighbours keep them. */
static void work_init(struct work *w, const struct shape *shape,
                      const struct size *size)
{
	uint64_t above = BASE + (UINT64_C(1) << 30);
	struct iova_range next = {BASE + size->bytes,
	                          BASE + size->bytes + PAGE - 1};

	memset(w, 0, sizeof(*w));
	table_init(&w->pt, shape);
	w->bytes = size->bytes;
	w->phys = UINT64_C(1) << 40;
	if (size->entries > 1)
		w->phys += PAGE; /* no large leaves */
	if (shape->format->granules->index_bits == 9 &&
	    (size->entries > 256 || size->bytes > 512 * PAGE))
		next = (struct iova_range){above, above + PAGE - 1};
	if (ioas_pt_map(&w->pt, next, (struct phys){PAGE}, IOAS_READ))
		die("map");
}

static bool fits(const struct shape *shape, const struct size *size)
{
	return size->entries > 1 || size->bytes == PAGE ||
	       shape->format->granules->leaf_levels > 1;
}

/* Both as they would be here, by the load that is measured in this run. */
static void scale_peers(struct meter_case peers[2],
                        const struct meter_case *load)
{
	static const struct {
		const char *name;
		double loads;
	} rows[] = {{"generic_pt, x86-64, scaled", PEER_X86},
	            {"generic_pt, AMDv1, scaled", PEER_AMD}};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		peers[i] = (struct meter_case){.name = rows[i].name};
		peers[i].min = rows[i].loads * load->min;
		peers[i].median = rows[i].loads * load->median;
		meter_row("pt", &peers[i], load, NULL);
	}
}

static void beside_peers(const struct meter_case *c,
                         const struct meter_case peers[2])
{
	static const char *const names[] = {"x86-64", "AMDv1"};
	struct meter_case ours = *c;
	char name[80];
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "%.50s beside %s", c->name,
		         names[i]);
		ours.name = name;
		meter_row("pt", &ours, &peers[i], "ratio >= 2");
	}
}

static void bench_size(const struct size *size)
{
	static struct work work[IOAS_ARRAY_SIZE(shapes)];
	struct meter_case c[IOAS_ARRAY_SIZE(shapes) + 3] = {
		{"load from L1", meter_chase_slice, &chase, 0, 0, 0},
		{"the stores, one by one", scalar_slice, NULL, 0, 0, 0},
		{"the stores, AVX2", vector_slice, NULL, 0, 0, 0},
	};
	struct meter_case peers[2];
	size_t i, n = 3;

	store_count = size->entries;
	for (i = 0; i < IOAS_ARRAY_SIZE(shapes); i++) {
		if (!fits(&shapes[i], size))
			continue;
		work_init(&work[i], &shapes[i], size);
		c[n++] = (struct meter_case){
			.name = name_of(&shapes[i], size->name),
			.slice = work_slice,
			.state = &work[i]};
	}
	meter_run(c, n);
	meter_row("pt", &c[1], &c[0], NULL);
	meter_row("pt", &c[2], &c[1], NULL);
	if (size->entries == 256)
		scale_peers(peers, &c[0]);
	for (i = 3; i < n; i++) {
		meter_row("pt", &c[i], &c[1], size->wanted);
		if (size->entries > 1)
			per_entry(&c[i], size);
		if (size->entries == 256)
			beside_peers(&c[i], peers);
		/* What is left goes with the table. */
		ioas_pt_fini(&((struct work *)c[i].state)->pt);
	}
}

/* ---- Look-ups ---- */

struct look {
	struct ioas_pt pt;
	uint64_t iova[HOT];
};

static void look_slice(void *state, unsigned long n)
{
	struct look *l = state;
	struct ioas_pt_leaf leaf;

	ioas_grace_enter(IOAS_GRACE_DMA);
	while (n--) {
		if (!ioas_pt_walk(&l->pt, (struct iova){l->iova[n % HOT]},
		                  &leaf))
			die("walk");
		meter_use((void *)(uintptr_t)leaf.phys.raw);
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void look_init(struct look *l, const struct shape *shape, uint64_t count)
{
	struct ioas_pt_leaf leaf;
	uint64_t i, at, phys;

	table_init(&l->pt, shape);
	for (i = 0; i < count; i++) {
		at = BASE + 2 * i * PAGE;
		if (ioas_pt_map(&l->pt, (struct iova_range){at, at + PAGE - 1},
		                (struct phys){at + (1 << 20)}, IOAS_READ))
			die("map");
	}
	for (i = 0; i < HOT; i++) {
		at = BASE + 2 * ((uint64_t)random() % count) * PAGE +
		     64 * ((uint64_t)random() % (PAGE / 64));
		phys = at + (1 << 20);
		l->iova[i] = at;
		if (!ioas_pt_walk(&l->pt, (struct iova){at}, &leaf) ||
		    leaf.phys.raw != phys)
			die("the walk is wrong");
	}
}

static void bench_look(uint64_t count, const char *name)
{
	static struct look look[IOAS_ARRAY_SIZE(shapes)];
	struct meter_case c[IOAS_ARRAY_SIZE(shapes) + 1] = {
		{"load from L1", meter_chase_slice, &chase, 0, 0, 0},
	};
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(shapes); i++) {
		look_init(&look[i], &shapes[i], count);
		c[i + 1].name = name_of(&shapes[i], name);
		c[i + 1].slice = look_slice;
		c[i + 1].state = &look[i];
	}
	meter_run(c, IOAS_ARRAY_SIZE(c));
	for (i = 0; i < IOAS_ARRAY_SIZE(shapes); i++) {
		meter_row("pt", &c[i + 1], &c[0], shapes[i].translated);
		ioas_pt_fini(&look[i].pt);
	}
}

int main(void)
{
	size_t i;

	ioas_host_hooks(&ioas_hooks);
	meter_chase_init(&chase);
	for (i = 0; i < IOAS_ARRAY_SIZE(sizes); i++)
		bench_size(&sizes[i]);
	bench_look(1, "look-up, 1 mapping");
	bench_look(16, "look-up, 16 mappings");
	bench_look(4096, "look-up, 4096 mappings");
	bench_look(65536, "look-up, 65,536 mappings");
	return 0;
}
