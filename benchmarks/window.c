/* SPDX-License-Identifier: MIT */
/*
 * Entries of DMA windows: 512 of them in a call are put and cleared. Beside it
 * what Linux does for each entry, re-created from what it does
 * (drivers/vfio/vfio_iommu_spapr_tce.c, arch/powerpc/mm/book3s64/iommu_api.c,
 * 6.12): regions are a list that is gone through; a count on the region goes up
 * unless it is 0; the entry is exchanged, and the program's address kept beside
 * it; to clear one it is exchanged, the region looked up by that address, and
 * its count goes down unless it is 1, and before that all regions are asked
 * whether the page is a device's. Left out, in the peer's favour: what would
 * undo a call that fails half way, dirty pages, and any lock.
 *
 * Ours is the public function, all of it: the lock, checks, all or nothing, a
 * grace period for what was cleared. That is a system call where another thread
 * does what devices do: a row of its own.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/window.h>

#include "benchmarks/meter.h"
#include "host/host.h"
#include "mem/mem.h"

#define SHIFT   12
#define PAGE    (UINT64_C(1) << SHIFT)
#define BASE    UINT64_C(0x100000000000)
#define EACH    512 /* pages of a region */
#define BATCH   IOAS_WINDOW_LIST_MAX
#define ENTRIES (1u << 13) /* of the window */
#define ORDER   (1u << 16)
#define RW      (IOAS_READ | IOAS_WRITE)
#define MIB     (UINT64_C(1) << 20)

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "bench-window: %s\n", what);
	exit(1);
}

static void *get(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p)
		die("out of memory");
	return p;
}

/* Marsaglia's xorshift with the shifts 13, 7, 17: the same in each run. */
static uint64_t any_number(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* ---- The peer. ---- */

struct peer_region {
	_Atomic(struct peer_region *) next;
	uint64_t uaddr, entries;
	uint64_t device; /* physical address of registers, or 0 */
	_Atomic int64_t mapped;
	uint64_t *phys;
};

static _Atomic(struct peer_region *) peer_regions;
static _Atomic uint64_t *peer_table;
static uint64_t *peer_beside;

static __attribute__((noinline)) struct peer_region *peer_find(uint64_t uaddr,
                                                               uint64_t bytes)
{
	struct peer_region *r;

	for (r = atomic_load_explicit(&peer_regions, memory_order_consume); r;
	     r = atomic_load_explicit(&r->next, memory_order_consume))
		if (r->uaddr <= uaddr &&
		    uaddr + bytes <= r->uaddr + (r->entries << SHIFT))
			return r;
	return NULL;
}

static __attribute__((noinline)) int peer_phys(struct peer_region *r,
                                               uint64_t uaddr, uint64_t *ret)
{
	uint64_t i = (uaddr - r->uaddr) >> SHIFT;

	if (i >= r->entries)
		return -1;
	*ret = (r->phys[i] & ~(PAGE - 1)) | (uaddr & (PAGE - 1));
	return 0;
}

/*
 * A table is reached through operations of its platform, and gone down from its
 * first level, once for the entry and once for what is beside it.
 */
struct peer_ops {
	_Atomic uint64_t *(*entry)(uint64_t at);
	uint64_t *(*beside)(uint64_t at);
};

static unsigned int peer_levels = 1;

static _Atomic uint64_t *peer_entry_at(uint64_t at)
{
	unsigned int level;

	for (level = peer_levels; level > 1; level--)
		meter_use(&level);
	return &peer_table[at];
}

static uint64_t *peer_beside_at(uint64_t at)
{
	unsigned int level;

	for (level = peer_levels; level > 1; level--)
		meter_use(&level);
	return &peer_beside[at];
}

static const struct peer_ops *volatile peer_ops =
	&(const struct peer_ops){peer_entry_at, peer_beside_at};

/* Is it a device's registers? All regions are asked. */
static __attribute__((noinline)) bool peer_is_device(uint64_t phys)
{
	struct peer_region *r;

	for (r = atomic_load_explicit(&peer_regions, memory_order_consume); r;
	     r = atomic_load_explicit(&r->next, memory_order_consume))
		if (r->device && r->device <= phys &&
		    phys < r->device + (r->entries << SHIFT))
			return true;
	return false;
}

/* Up, unless it is @stop; or down. */
static bool peer_count(struct peer_region *r, int64_t by, int64_t stop)
{
	int64_t seen = atomic_load(&r->mapped);

	do {
		if (seen == stop)
			return false;
	} while (!atomic_compare_exchange_weak(&r->mapped, &seen, seen + by));
	return true;
}

static void peer_drop(uint64_t uaddr)
{
	struct peer_region *r = peer_find(uaddr, PAGE);

	if (!r || !peer_count(r, -1, 1))
		die("the peer lost a count");
}

static __attribute__((noinline)) void peer_put(uint64_t at, uint64_t uaddr,
                                               unsigned int perm)
{
	struct peer_region *r = peer_find(uaddr, PAGE);
	uint64_t phys, old;

	if (!r || peer_phys(r, uaddr, &phys) || !peer_count(r, 1, 0))
		die("the peer has no such page");
	old = atomic_exchange(&peer_table[at], __builtin_bswap64(phys | perm));
	if (old)
		peer_drop(peer_beside[at]);
	peer_beside[at] = uaddr;
}

static __attribute__((noinline)) void peer_clear(uint64_t at)
{
	uint64_t old = atomic_exchange(peer_ops->entry(at), 0), *beside;

	if (!old)
		return;
	/* Then its page would be marked as dirty, which is left out. */
	if (peer_is_device(__builtin_bswap64(old) & ~(PAGE - 1)))
		return;
	beside = peer_ops->beside(at);
	peer_drop(*beside);
	*beside = 0;
}

/* ---- What both have. ---- */

static struct world {
	unsigned int regions;
	bool in_order;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_windows *ws;
} world;

static uint64_t order[ORDER]; /* program pages, in the order of a case */

static int no_pin(const struct ioas_backend *self, const struct ioas_pin *pin,
                  struct ioas_extent *ret_extents, unsigned int max)
{
	(void)self;
	(void)max;
	ret_extents[0] = (struct ioas_extent){pin->start, pin->npages};
	return 1;
}

static void no_unpin(const struct ioas_backend *self,
                     const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	(void)self;
	(void)pin;
	(void)phys;
	(void)dirty;
}

static uint64_t same(const struct ioas_backend *self, uint64_t phys)
{
	(void)self;
	return phys;
}

static const struct ioas_backend pins_nothing = {
	.name = "none",
	.pin = no_pin,
	.unpin = no_unpin,
	.pointer = same,
};

static int set(struct ioas_window_group *group,
               const struct ioas_window_program *program)
{
	(void)group;
	(void)program;
	return 0;
}

static void unset(struct ioas_window_group *group, unsigned int slot)
{
	(void)group;
	(void)slot;
}

static const struct ioas_window_group_ops ops = {set, unset};
static struct ioas_window_group group = {.ops = &ops};

static void create(unsigned int page_shift, uint64_t bytes, unsigned int levels)
{
	const struct ioas_window_shape shape = {page_shift, levels, bytes, 0};
	struct ioas_window_info info;

	if (ioas_window_create(world.ws, &shape, &info))
		die("no window");
}

static void enter(uint64_t start, uint64_t npages)
{
	const struct ioas_register what = {
		.start = start, .length = npages << SHIFT, .perm = RW};
	struct peer_region *r = get(sizeof(*r));
	uint64_t i;

	if (ioas_holder_register(world.holder, &what, NULL))
		die("register");
	r->uaddr = start;
	r->entries = npages;
	atomic_store(&r->mapped, 1);
	r->phys = get(npages * sizeof(*r->phys));
	for (i = 0; i < npages; i++)
		r->phys[i] = start + (i << SHIFT);
	atomic_store(&r->next, atomic_load(&peer_regions));
	atomic_store(&peer_regions, r);
}

static uint64_t page_of(uint64_t i, uint64_t pages)
{
	if (!pages)
		return BASE;
	return BASE +
	       (world.in_order ? i % pages : any_number() % pages) * PAGE;
}

static void world_init(unsigned int regions, bool in_order)
{
	const struct ioas_registry_config registry = {
		.backend = &pins_nothing, .moved = ioas_windows_moved};
	struct ioas_windows_config config = {
		.platform = ioas_platform_find("free"), .page_shift = 12};
	uint64_t pages = (uint64_t)regions * EACH, i;

	world.regions = regions;
	world.in_order = in_order;
	if (ioas_registry_create(&registry, &world.registry) ||
	    ioas_holder_create(world.registry, &world.holder))
		die("no registry");
	config.registry = world.registry;
	if (ioas_windows_create(&config, &world.ws) ||
	    ioas_windows_attach(world.ws, &group))
		die("no set");
	for (i = 0; i < regions; i++)
		enter(BASE + i * EACH * PAGE, EACH);
	for (i = 0; i < ORDER; i++)
		order[i] = page_of(i, pages);
	peer_table = get(ENTRIES * sizeof(*peer_table));
	peer_beside = get(ENTRIES * sizeof(*peer_beside));
}

static void world_fini(void)
{
	struct peer_region *r;

	ioas_windows_destroy(world.ws);
	ioas_holder_destroy(world.holder);
	ioas_registry_destroy(world.registry, NULL);
	while ((r = atomic_load(&peer_regions))) {
		atomic_store(&peer_regions, atomic_load(&r->next));
		free(r->phys);
		free(r);
	}
	free(peer_table);
	free(peer_beside);
}

/* ---- Put and clear: an operation is both, of one entry. ---- */

static unsigned int batch = BATCH; /* entries in a call */

static void ours(void *state, unsigned long n)
{
	static uint64_t entry[BATCH], at, next;
	struct ioas_window_list list = {0, entry, batch, true};
	unsigned int i;

	(void)state;
	for (; n >= batch; n -= batch) {
		for (i = 0; i < batch; i++)
			entry[i] = order[next++ % ORDER] | RW;
		list.iova = at << SHIFT;
		if (ioas_windows_put(world.ws, &list) ||
		    ioas_windows_unmap(world.ws, list.iova,
		                       (uint64_t)batch << SHIFT))
			die("put");
		at = (at + batch) % ENTRIES;
	}
}

/* The same of memory that continues, by a range. */
static void ours_range(void *state, unsigned long n)
{
	static uint64_t at, next;
	struct ioas_window_map map = {.bytes = (uint64_t)batch << SHIFT,
	                              .perm = RW};

	(void)state;
	for (; n >= batch; n -= batch) {
		map.uaddr = order[next % ORDER];
		next += batch;
		map.iova = at << SHIFT;
		if (ioas_windows_map(world.ws, &map) ||
		    ioas_windows_unmap(world.ws, map.iova, map.bytes))
			die("map");
		at = (at + batch) % ENTRIES;
	}
}

static void peer(void *state, unsigned long n)
{
	static uint64_t at, next;
	unsigned int i;

	(void)state;
	for (; n >= batch; n -= batch) {
		for (i = 0; i < batch; i++)
			peer_put(at + i, order[next++ % ORDER], RW);
		for (i = 0; i < batch; i++)
			peer_clear(at + i);
		at = (at + batch) % ENTRIES;
	}
}

static void compare(unsigned int regions, bool in_order, const char *wanted)
{
	char name[64];
	struct meter_case cases[] = {
		{.name = name, .slice = in_order ? ours_range : ours},
		{.name = "list, count and exchange", .slice = peer},
	};

	snprintf(name, sizeof(name), "put + clear, %s, %u region%s",
	         in_order ? "in order" : "random", regions,
	         regions > 1 ? "s" : "");
	world_init(regions, in_order);
	create(SHIFT, (uint64_t)ENTRIES << SHIFT, 1);
	meter_run(cases, 2);
	meter_row("window", &cases[0], &cases[1], wanted);
	world_fini();
}

static void compare_lists_in_order(void)
{
	struct meter_case cases[] = {
		{.name = "put + clear, list in order, 16", .slice = ours},
		{.name = "list, count and exchange", .slice = peer},
	};

	world_init(16, true);
	create(SHIFT, (uint64_t)ENTRIES << SHIFT, 1);
	meter_run(cases, 2);
	meter_row("window", &cases[0], &cases[1], NULL);
	world_fini();
}

/* ---- A device beside it. ---- */

static void barriers(void *state, unsigned long n)
{
	(void)state;
	while (n--)
		if (!ioas_hooks.barrier())
			die("no barrier");
}

static pthread_barrier_t met;

static void *device(void *arg)
{
	uint64_t word;

	(void)arg;
	/* Nothing is mapped: it is the thread that counts. */
	if (!ioas_windows_read(world.ws, 0, &word, sizeof(word)))
		die("a device read what is not mapped");
	pthread_barrier_wait(&met);
	pthread_barrier_wait(&met);
	return NULL;
}

/*
 * Where no other thread ever did what a device does, a grace period is no
 * system call. Here one did, and sleeps.
 */
static void compare_beside_a_device(void)
{
	struct meter_case cases[] = {
		{.name = "put + clear, 1, beside a device",
	         .slice = ours_range},
		{.name = "list, count and exchange", .slice = peer},
		{.name = "a barrier of the system", .slice = barriers},
	};
	pthread_t thread;

	world_init(1, true);
	create(SHIFT, (uint64_t)ENTRIES << SHIFT, 1);
	if (pthread_barrier_init(&met, NULL, 2) ||
	    pthread_create(&thread, NULL, device, NULL))
		die("no thread");
	pthread_barrier_wait(&met);
	meter_run(cases, sizeof(cases) / sizeof(cases[0]));
	pthread_barrier_wait(&met);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&met);
	meter_row("window", &cases[0], &cases[1], NULL);
	meter_row("window", &cases[2], NULL, NULL);
	world_fini();
}

/* ---- An empty unmap, and a whole life. ---- */

static void unmap_empty(void *state, unsigned long n)
{
	static uint64_t at;

	(void)state;
	while (n--) {
		if (ioas_windows_unmap(world.ws, at << SHIFT, PAGE))
			die("unmap");
		at = (at + 1) % ENTRIES;
	}
}

static void empty_row(void)
{
	struct meter_case one = {.name = "unmap of an empty page",
	                         .slice = unmap_empty};

	world_init(1, true);
	create(SHIFT, (uint64_t)ENTRIES << SHIFT, 1);
	meter_run(&one, 1);
	meter_row_rate("window", &one, NULL, NULL);
	world_fini();
}

/* As a guest does it with all of its memory. */
static void live(void *state, unsigned long n)
{
	struct ioas_window_map map = {.bytes = 16 * MIB, .perm = RW};
	unsigned int i;

	(void)state;
	while (n--) {
		create(24, 2048 * MIB, 1);
		for (i = 0; i < 64; i++) {
			map.iova = i * 16 * MIB;
			map.uaddr = BASE + i * 16 * MIB;
			if (ioas_windows_map(world.ws, &map))
				die("map");
		}
		if (ioas_window_remove(world.ws, 0))
			die("remove");
	}
}

static void life_row(void)
{
	struct meter_case one = {.name = "create + 64 maps of 16 MiB + remove",
	                         .slice = live};

	world_init(0, true);
	enter(BASE, 64 * 16 * MIB >> SHIFT);
	meter_run(&one, 1);
	one.min /= 1000;
	one.median /= 1000;
	meter_row_in("us", "window", &one, NULL);
	world_fini();
}

/* ---- Memory of tables. ---- */

static void table_row(const char *name, unsigned int pieces)
{
	const uint64_t bytes = UINT64_C(1) << 47;
	struct meter_case one = {.name = name};
	struct ioas_window_map map = {.bytes = EACH * PAGE, .perm = RW};
	struct ioas_window_info info;
	unsigned int i;

	world_init(1, true);
	create(SHIFT, bytes, 4);
	map.uaddr = BASE;
	for (i = 0; i < pieces; i++) {
		map.iova = bytes / pieces * i;
		if (ioas_windows_map(world.ws, &map))
			die("map");
	}
	if (ioas_window_query(world.ws, 0, &info))
		die("query");
	one.min = one.median = (double)info.table_bytes / 1024;
	meter_row_in("KiB", "window", &one, NULL);
	world_fini();
}

int main(void)
{
	ioas_host_hooks(&ioas_hooks);
	compare(1, true, "ratio >= 8");
	compare(16, true, "ratio >= 8");
	compare(256, true, "ratio >= 8");
	compare_lists_in_order();
	compare_beside_a_device();
	compare(1, false, NULL);
	compare(16, false, "ratio >= 3");
	compare(256, false, "ratio >= 20");
	empty_row();
	life_row();
	table_row("tables of 128 TiB, nothing mapped", 0);
	table_row("tables of 128 TiB, 16 places of 2M", 16);
	return 0;
}
