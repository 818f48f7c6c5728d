/* SPDX-License-Identifier: MIT */
#include "benchmarks/mem_peers.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *get(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p) {
		fputs("bench-mem: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* ---- List. ---- */

void peer_list_add(struct peer_list *list, uint64_t start, uint64_t bytes)
{
	struct peer_region *region = get(sizeof(*region));
	uint64_t i;

	region->start = start;
	region->entries = bytes >> PEER_SHIFT;
	region->hpa = get(region->entries * sizeof(*region->hpa));
	for (i = 0; i < region->entries; i++)
		region->hpa[i] = start + (i << PEER_SHIFT);
	region->next = list->first;
	rcu_set_pointer(&list->first, region);
}

void peer_list_remove(struct peer_list *list, uint64_t start)
{
	struct peer_region **place = &list->first, *region;

	while ((*place)->start != start)
		place = &(*place)->next;
	region = *place;
	rcu_set_pointer(place, region->next);
	urcu_memb_synchronize_rcu();
	free(region->hpa);
	free(region);
}

void peer_list_free(struct peer_list *list)
{
	struct peer_region *region;

	while ((region = list->first)) {
		list->first = region->next;
		free(region->hpa);
		free(region);
	}
}

/* ---- Array. ---- */

static int by_start(const void *a, const void *b)
{
	const struct peer_piece *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

struct peer_array *peer_array_new(const uint64_t *start, size_t count,
                                  uint64_t bytes)
{
	struct peer_array *array =
		get(sizeof(*array) + count * sizeof(array->piece[0]));
	size_t i;

	array->count = count;
	for (i = 0; i < count; i++)
		array->piece[i] =
			(struct peer_piece){start[i], bytes, start[i]};
	qsort(array->piece, count, sizeof(array->piece[0]), by_start);
	return array;
}

static struct peer_array *resized(const struct peer_array *array, size_t count)
{
	struct peer_array *other =
		get(sizeof(*other) + count * sizeof(other->piece[0]));

	other->count = count;
	memcpy(other->piece, array->piece,
	       (count < array->count ? count : array->count) *
	               sizeof(other->piece[0]));
	return other;
}

static void publish(struct peer_array **published, struct peer_array *array)
{
	struct peer_array *old = *published;

	rcu_set_pointer(published, array);
	urcu_memb_synchronize_rcu();
	free(old);
}

void peer_array_grow(struct peer_array **published, uint64_t start,
                     uint64_t bytes)
{
	size_t count = (*published)->count;
	struct peer_array *array = resized(*published, count + 1);

	array->piece[count] = (struct peer_piece){start, bytes, start};
	publish(published, array);
}

void peer_array_shrink(struct peer_array **published)
{
	publish(published, resized(*published, (*published)->count - 1));
}

/* ---- DPDK. ---- */

void *(*peer_dpdk_find)(const void *uaddr, const void *list);

static bool missing(const char *what)
{
	fprintf(stderr, "bench-mem: no DPDK to compare with: %s\n", what);
	return false;
}

/* The library of the system, whichever version: the calls are stable. */
static void *open_eal(void)
{
	static const char *const names[] = {
		"librte_eal.so.23", "librte_eal.so.25", "librte_eal.so.24"};
	void *eal = NULL;
	size_t i;

	for (i = 0; !eal && i < sizeof(names) / sizeof(names[0]); i++)
		eal = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
	return eal;
}

static int (*init)(int argc, char **argv);
static int (*add)(void *start, size_t bytes, uint64_t *phys, unsigned int pages,
                  size_t page);

static bool resolve(void *eal)
{
	*(void **)&init = dlsym(eal, "rte_eal_init");
	*(void **)&add = dlsym(eal, "rte_extmem_register");
	*(void **)&peer_dpdk_find = dlsym(eal, "rte_mem_virt2memseg");
	return init && add && peer_dpdk_find;
}

bool peer_dpdk_start(uint64_t base, uint64_t bytes, unsigned int regions)
{
	char *argv[] = {"bench-mem",
	                "--no-huge",
	                "-m",
	                "16",
	                "--no-pci",
	                "--no-shconf",
	                "--no-telemetry",
	                "--log-level=lib.eal:error",
	                NULL};
	uint64_t each = bytes / regions, i;
	void *eal = open_eal();

	if (!eal)
		return missing(dlerror());
	if (!resolve(eal))
		return missing("it lacks a function");
	if (init(8, argv) < 0)
		return missing("it does not start");
	for (i = 0; i < regions; i++)
		if (add((void *)(uintptr_t)(base + i * each), each, NULL, 0,
		        1u << PEER_SHIFT))
			return missing("a region is refused");
	return true;
}
