/* SPDX-License-Identifier: MIT */
#include "benchmarks/mem_map.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void *get(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p) {
		fputs("bench-mem: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

#define SHIFT_1G   30
#define SHIFT_2M   21
#define LARGE      (UINT64_C(1) << SHIFT_2M)
#define SMALL      (UINT64_C(1) << PEER_SHIFT)
#define NODES      (1u << (48 - SHIFT_1G))
#define PER_1G     (1u << (SHIFT_1G - SHIFT_2M))
#define PER_2M     (1u << (SHIFT_2M - PEER_SHIFT))
#define REGISTERED (UINT64_C(1) << 62)
#define IS_SMALL   (UINT64_C(1) << 63) /* of a physical address: 4 KiB */

struct large_node {
	uint64_t piece[PER_1G];
};

struct small_node {
	uint64_t *page[PER_1G];
};

struct levels {
	struct {
		struct large_node *large;
		struct small_node *small;
	} node[NODES];
	uint64_t none;
	/* Do two pages follow each other? NULL: nobody asks. */
	bool (*follows)(uint64_t found, uint64_t next, uint64_t page);
};

struct peer_map {
	pthread_mutex_t mutex;
	struct levels registered, physical;
};

static inline uint64_t walk(const struct levels *levels, uint64_t uaddr,
                            uint64_t *ret_page)
{
	unsigned int in_1g = (uaddr >> SHIFT_2M) & (PER_1G - 1);
	const struct large_node *large = levels->node[uaddr >> SHIFT_1G].large;
	const struct small_node *small;
	uint64_t found;

	*ret_page = LARGE;
	if (__builtin_expect(large != NULL, 1)) {
		found = large->piece[in_1g];
		if (__builtin_expect(found != levels->none, 1))
			return found;
	}
	small = levels->node[uaddr >> SHIFT_1G].small;
	if (!small || !small->page[in_1g])
		return levels->none;
	*ret_page = SMALL;
	return small->page[in_1g][(uaddr >> PEER_SHIFT) & (PER_2M - 1)];
}

/* Further pages that follow, up to @wanted bytes; @left are known of. */
static uint64_t reach(const struct levels *levels, uint64_t uaddr,
                      uint64_t found, uint64_t left, uint64_t wanted)
{
	uint64_t page, next;

	while (left < wanted) {
		next = walk(levels, uaddr + left, &page);
		if (!levels->follows(found, next, page))
			break;
		found = next;
		left += page;
	}
	return left;
}

/* How far it is good is told to who asks. */
static __attribute__((noinline)) uint64_t
translate(const struct levels *levels, uint64_t uaddr, uint64_t *size)
{
	uint64_t page, found, left;

	if (__builtin_expect(uaddr >> 48 != 0, 0))
		return levels->none;
	found = walk(levels, uaddr, &page);
	if (!size)
		return found;
	left = page - (uaddr & (page - 1));
	if (levels->follows && found != levels->none)
		left = reach(levels, uaddr, found, left, *size);
	if (left < *size)
		*size = left;
	return found;
}

/* One map is there for all, as it is there. */
static const struct peer_map *used;

void peer_map_use(const struct peer_map *map)
{
	used = map;
}

uint64_t peer_map_find(uint64_t uaddr, uint64_t *size)
{
	uint64_t found = translate(&used->physical, uaddr, size);
	uint64_t mask;

	if (found == PEER_NONE)
		return PEER_NONE;
	mask = (found & IS_SMALL ? SMALL : LARGE) - 1;
	return (found & ~IS_SMALL) + (uaddr & mask);
}

/* The same by a compiler that joins both, and nobody asks how far. */
uint64_t peer_map_find_joined(uint64_t uaddr)
{
	uint64_t page, found, mask;

	if (__builtin_expect(uaddr >> 48 != 0, 0))
		return PEER_NONE;
	found = walk(&used->physical, uaddr, &page);
	if (found == PEER_NONE)
		return PEER_NONE;
	mask = (found & IS_SMALL ? SMALL : LARGE) - 1;
	return (found & ~IS_SMALL) + (uaddr & mask);
}

static void set_large(struct levels *levels, uint64_t uaddr, uint64_t to)
{
	struct large_node **node = &levels->node[uaddr >> SHIFT_1G].large;
	unsigned int i;

	if (!*node) {
		*node = get(sizeof(**node));
		for (i = 0; i < PER_1G; i++)
			(*node)->piece[i] = levels->none;
	}
	(*node)->piece[(uaddr >> SHIFT_2M) & (PER_1G - 1)] = to;
}

static void set_small(struct levels *levels, uint64_t uaddr, uint64_t to)
{
	struct small_node **node = &levels->node[uaddr >> SHIFT_1G].small;
	unsigned int i;
	uint64_t **page;

	if (!*node)
		*node = get(sizeof(**node));
	page = &(*node)->page[(uaddr >> SHIFT_2M) & (PER_1G - 1)];
	if (!*page) {
		*page = get(PER_2M * sizeof(**page));
		for (i = 0; i < PER_2M; i++)
			(*page)[i] = levels->none;
	}
	(*page)[(uaddr >> PEER_SHIFT) & (PER_2M - 1)] = to;
}

static __attribute__((noinline)) void set(struct levels *levels, uint64_t uaddr,
                                          uint64_t page, uint64_t to)
{
	if (page == LARGE)
		set_large(levels, uaddr, to);
	else
		set_small(levels, uaddr, to);
}

/* What is done for each page: through a pointer. */
struct change {
	struct peer_map *map;
	uint64_t page;
};

static void check_free(struct change *change, uint64_t at)
{
	if (translate(&change->map->registered, at, NULL) & REGISTERED)
		abort();
}

static void check_taken(struct change *change, uint64_t at)
{
	if (!(translate(&change->map->registered, at, NULL) & REGISTERED))
		abort();
}

static void enter_registered(struct change *change, uint64_t at)
{
	set(&change->map->registered, at, change->page, REGISTERED);
}

static void enter_physical(struct change *change, uint64_t at)
{
	set(&change->map->physical, at, change->page,
	    at | (change->page == SMALL ? IS_SMALL : 0));
}

static void leave_registered(struct change *change, uint64_t at)
{
	set(&change->map->registered, at, change->page, 0);
}

static void leave_physical(struct change *change, uint64_t at)
{
	set(&change->map->physical, at, change->page, PEER_NONE);
}

static void each_page(struct change *change, uint64_t start, uint64_t bytes,
                      void (*volatile fn)(struct change *change, uint64_t at))
{
	uint64_t at;

	for (at = start; at < start + bytes; at += change->page)
		fn(change, at);
}

void peer_map_register(struct peer_map *map, uint64_t start, uint64_t bytes,
                       uint64_t page)
{
	struct change change = {map, page};

	pthread_mutex_lock(&map->mutex);
	each_page(&change, start, bytes, check_free);
	each_page(&change, start, bytes, enter_registered);
	each_page(&change, start, bytes, enter_physical);
	pthread_mutex_unlock(&map->mutex);
}

void peer_map_unregister(struct peer_map *map, uint64_t start, uint64_t bytes,
                         uint64_t page)
{
	struct change change = {map, page};

	pthread_mutex_lock(&map->mutex);
	each_page(&change, start, bytes, check_taken);
	each_page(&change, start, bytes, leave_registered);
	each_page(&change, start, bytes, leave_physical);
	pthread_mutex_unlock(&map->mutex);
}

static bool follows(uint64_t found, uint64_t next, uint64_t page)
{
	return next - found == page;
}

struct peer_map *peer_map_new(void)
{
	struct peer_map *map = get(sizeof(*map));

	pthread_mutex_init(&map->mutex, NULL);
	map->physical.none = PEER_NONE;
	map->physical.follows = follows;
	return map;
}

static void free_small(struct small_node *node)
{
	unsigned int i;

	for (i = 0; node && i < PER_1G; i++)
		free(node->page[i]);
	free(node);
}

static void free_levels(struct levels *levels)
{
	unsigned int i;

	for (i = 0; i < NODES; i++) {
		free(levels->node[i].large);
		free_small(levels->node[i].small);
	}
}

void peer_map_free(struct peer_map *map)
{
	free_levels(&map->registered);
	free_levels(&map->physical);
	free(map);
}
