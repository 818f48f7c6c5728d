/* SPDX-License-Identifier: MIT */
#include "benchmarks/mem_world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

_Noreturn void die(const char *what)
{
	fprintf(stderr, "bench-mem: %s\n", what);
	exit(1);
}

/* Marsaglia's xorshift with the shifts 13, 7, 17: the same in each run. */
uint64_t any_number(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* ---- A back end that pins nothing. ---- */

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

const struct ioas_backend pins_nothing = {
	.name = "none",
	.pin = no_pin,
	.unpin = no_unpin,
};

/* Charging is counted, as an accountant does. */
static _Atomic uint64_t charged;

static int charge(struct ioas_accountant *self, uint64_t npages)
{
	(void)self;
	atomic_fetch_add(&charged, npages);
	return 0;
}

static void uncharge(struct ioas_accountant *self, uint64_t npages)
{
	(void)self;
	atomic_fetch_sub(&charged, npages);
}

static struct ioas_accountant accountant = {
	.charge = charge,
	.uncharge = uncharge,
};

void enter(struct ioas_holder *holder, uint64_t start, uint64_t bytes)
{
	struct ioas_register what = {
		.start = start, .length = bytes, .perm = RW};

	if (ioas_holder_register(holder, &what, NULL))
		die("register");
}

void leave(struct ioas_holder *holder, uint64_t start, uint64_t bytes)
{
	struct ioas_unregister what = {.start = start, .length = bytes};

	if (ioas_holder_unregister(holder, &what))
		die("unregister");
}

/* ---- Worlds. ---- */

static void shuffle(uint64_t *list, size_t count)
{
	uint64_t swap;
	size_t i, j;

	for (i = count; i > 1; i--) {
		j = any_number() % i;
		swap = list[i - 1];
		list[i - 1] = list[j];
		list[j] = swap;
	}
}

struct ioas_registry *new_registry(const struct ioas_backend *backend,
                                   bool no_shadow)
{
	struct ioas_registry_config config = {.backend = backend,
	                                      .accountant = &accountant,
	                                      .page_shift = PEER_SHIFT,
	                                      .no_shadow = no_shadow};
	struct ioas_registry *registry;

	if (ioas_registry_create(&config, &registry))
		die("registry");
	return registry;
}

/* The larger page, where the regions are whole pages of it. */
static uint64_t map_page(uint64_t each)
{
	const uint64_t large = UINT64_C(1) << 21;

	return each % large ? 1u << PEER_SHIFT : large;
}

void world_init(struct world *w, unsigned int regions, bool no_shadow)
{
	uint64_t *start = calloc(regions, sizeof(*start));
	uint64_t each = TOTAL / regions, i;

	if (!start)
		die("memory");
	memset(w, 0, sizeof(*w));
	w->regions = regions;
	w->origin = w;
	w->registry = new_registry(&pins_nothing, no_shadow);
	if (ioas_holder_create(w->registry, &w->holder))
		die("holder");
	w->view = *ioas_registry_view(w->registry);
	w->map = peer_map_new();
	peer_map_use(w->map);
	for (i = 0; i < regions; i++)
		start[i] = BASE + i * each;
	shuffle(start, regions);
	/* As a program that has much registers it: the table is used. */
	enter(w->holder, BASE, TOTAL);
	leave(w->holder, BASE, TOTAL);
	for (i = 0; i < regions; i++) {
		enter(w->holder, start[i], each);
		peer_list_add(&w->list, start[i], each);
		peer_map_register(w->map, start[i], each, map_page(each));
	}
	w->array = peer_array_new(start, regions, each);
	free(start);
}

void world_fini(struct world *w)
{
	ioas_holder_destroy(w->holder);
	ioas_registry_destroy(w->registry, NULL);
	peer_list_free(&w->list);
	peer_map_free(w->map);
	free(w->array);
}

/* ---- Addresses. ---- */

uint64_t hot[HOT];
uint16_t order[ORDER];
uint64_t *cold;

void addresses_init(void)
{
	unsigned int i;

	cold = calloc(COLD, sizeof(*cold));
	if (!cold)
		die("memory");
	for (i = 0; i < HOT; i++)
		hot[i] = BASE + any_number() % TOTAL;
	for (i = 0; i < ORDER; i++)
		order[i] = (uint16_t)(any_number() % HOT);
	for (i = 0; i < COLD; i++)
		cold[i] = BASE + any_number() % TOTAL;
}

/* How many from *at on, of @all; it goes round. */
static size_t advance(size_t *at, size_t all, unsigned long *n)
{
	size_t count = all - *at < *n ? all - *at : *n;

	*at = (*at + count) % all;
	*n -= count;
	return count;
}

struct part next_part(unsigned long *n)
{
	static __thread size_t at;
	const uint16_t *from = order + at;

	return (struct part){from, from + advance(&at, ORDER, n)};
}

struct cold_part next_cold_part(unsigned long *n)
{
	static __thread size_t at;
	const uint64_t *from = cold + at;

	return (struct cold_part){from, from + advance(&at, COLD, n)};
}

char *named(const char *way, const char *how, unsigned int regions)
{
	char *name = malloc(96);

	if (!name)
		die("memory");
	snprintf(name, 96, "%s, %s, %u region%s", way, how, regions,
	         regions == 1 ? "" : "s");
	return name;
}
