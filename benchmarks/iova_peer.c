/* SPDX-License-Identifier: MIT */
/* See iova_peer.h. */
#include "benchmarks/iova_peer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/itree.h"
#include "base/types.h"

#define SIZES      6
#define HOLDS      127
#define PROCESSORS 8
#define DEPOT      32 /* full magazines of a size, at most */

struct magazine {
	unsigned int count;
	struct magazine *next;
	uint64_t page[HOLDS];
};

struct cpu {
	int lock __attribute__((aligned(64)));
	struct magazine *loaded, *previous;
};

struct size {
	struct cpu cpu[PROCESSORS];
	int lock __attribute__((aligned(64)));
	struct magazine *depot;
	unsigned int depot_count;
};

/* A piece that is taken; in the tree and in a list from low to high. */
struct piece {
	struct ioas_inode node;
	struct piece *below, *above;
};

struct peer_iova {
	struct size size[SIZES];
	int lock __attribute__((aligned(64)));
	struct ioas_itree tree;
	struct piece anchor;  /* above all */
	struct piece *walked; /* where the last walk ended */
	struct piece *spare;
	struct magazine *empty;
	uint64_t last;
};

static int threads;
static __thread int processor = -1;

/* What a processor is told who waits in a loop. */
#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() __asm__ volatile("")
#endif

static void lock(int *word)
{
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(word, __ATOMIC_RELAXED))
			RELAX();
}

static void unlock(int *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* ---- The tree ---- */

static struct piece *piece_get(struct peer_iova *p)
{
	struct piece *piece = p->spare;

	if (piece)
		p->spare = piece->above;
	else
		piece = malloc(sizeof(*piece));
	return piece;
}

static void put_below(struct peer_iova *p, struct piece *above, uint64_t page,
                      uint64_t npages)
{
	struct piece *piece = piece_get(p);

	if (!piece)
		abort();
	piece->node.first = page;
	piece->node.last = page + npages - 1;
	piece->above = above;
	piece->below = above->below;
	if (above->below)
		above->below->above = piece;
	above->below = piece;
	ioas_itree_insert(&p->tree, &piece->node);
	p->walked = piece;
}

/* From @from down to the first gap that has room. 0: there is none. */
static uint64_t walk(struct piece **from, uint64_t top, uint64_t npages,
                     uint64_t block)
{
	struct piece *at = *from, *above;
	uint64_t page;

	do {
		if (at->node.first < top)
			top = at->node.first;
		page = top > npages ? (top - npages) & ~(block - 1) : 0;
		above = at;
		at = at->below;
	} while (at && page > 0 && page <= at->node.last);
	*from = above;
	return page;
}

static uint64_t tree_take(struct peer_iova *p, uint64_t npages)
{
	struct piece *from;
	uint64_t block = 1, page;

	while (block < npages)
		block *= 2;
	lock(&p->lock);
	from = p->walked;
	page = walk(&from, p->last + 1, npages, block);
	if (!page) {
		from = &p->anchor;
		page = walk(&from, p->last + 1, npages, block);
	}
	if (page)
		put_below(p, from, page, npages);
	unlock(&p->lock);
	return page;
}

static void tree_give(struct peer_iova *p, uint64_t page)
{
	struct ioas_inode *node;
	struct piece *piece;

	lock(&p->lock);
	node = ioas_itree_find(&p->tree, page, page);
	piece = ioas_container_of(node, struct piece, node);
	if (piece->node.first >= p->walked->node.first)
		p->walked = piece->above;
	ioas_itree_erase(&p->tree, node);
	piece->above->below = piece->below;
	if (piece->below)
		piece->below->above = piece->above;
	piece->above = p->spare;
	p->spare = piece;
	unlock(&p->lock);
}

/* ---- Magazines ---- */

static struct magazine *magazine_get(struct peer_iova *p)
{
	struct magazine *m = p->empty;

	if (m)
		p->empty = m->next;
	else
		m = malloc(sizeof(*m));
	if (!m)
		abort();
	m->count = 0;
	return m;
}

static struct cpu *this_cpu(struct size *size)
{
	if (processor < 0)
		processor = __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) %
		            PROCESSORS;
	return &size->cpu[processor];
}

static void swap(struct cpu *cpu)
{
	struct magazine *m = cpu->loaded;

	cpu->loaded = cpu->previous;
	cpu->previous = m;
}

/* A full magazine for the one that is loaded and empty. */
static bool load_full(struct peer_iova *p, struct size *size, struct cpu *cpu)
{
	bool had;

	lock(&size->lock);
	had = size->depot;
	if (had) {
		cpu->loaded->next = p->empty;
		p->empty = cpu->loaded;
		cpu->loaded = size->depot;
		size->depot = cpu->loaded->next;
		size->depot_count--;
	}
	unlock(&size->lock);
	return had;
}

static void give_magazine(struct peer_iova *p, struct magazine *m)
{
	while (m->count)
		tree_give(p, m->page[--m->count]);
	m->next = p->empty;
	p->empty = m;
}

static void load_empty(struct peer_iova *p, struct size *size, struct cpu *cpu)
{
	struct magazine *full = cpu->loaded;

	lock(&size->lock);
	cpu->loaded = magazine_get(p);
	if (size->depot_count < DEPOT) {
		full->next = size->depot;
		size->depot = full;
		size->depot_count++;
		full = NULL;
	}
	unlock(&size->lock);
	if (full)
		give_magazine(p, full);
}

static unsigned int size_of(uint64_t npages)
{
	return npages > 1 ? 64 - (unsigned int)__builtin_clzll(npages - 1) : 0;
}

uint64_t peer_iova_take(struct peer_iova *p, uint64_t npages)
{
	unsigned int n = size_of(npages);
	struct size *size = &p->size[n < SIZES ? n : 0];
	struct cpu *cpu = this_cpu(size);
	uint64_t page = 0;

	if (n >= SIZES)
		return tree_take(p, npages);
	lock(&cpu->lock);
	if (!cpu->loaded->count && cpu->previous->count)
		swap(cpu);
	if (cpu->loaded->count || load_full(p, size, cpu))
		page = cpu->loaded->page[--cpu->loaded->count];
	unlock(&cpu->lock);
	return page ? page : tree_take(p, UINT64_C(1) << n);
}

void peer_iova_give(struct peer_iova *p, uint64_t page, uint64_t npages)
{
	unsigned int n = size_of(npages);
	struct size *size = &p->size[n < SIZES ? n : 0];
	struct cpu *cpu = this_cpu(size);

	if (n >= SIZES) {
		tree_give(p, page);
		return;
	}
	lock(&cpu->lock);
	if (cpu->loaded->count == HOLDS && cpu->previous->count < HOLDS)
		swap(cpu);
	if (cpu->loaded->count == HOLDS)
		load_empty(p, size, cpu);
	cpu->loaded->page[cpu->loaded->count++] = page;
	unlock(&cpu->lock);
}

/* ---- Life ---- */

struct peer_iova *peer_iova_create(uint64_t last)
{
	struct peer_iova *p = aligned_alloc(64, sizeof(*p));
	unsigned int i, n;

	if (!p)
		return NULL;
	*p = (struct peer_iova){.last = last};
	for (i = 0; i < SIZES; i++) {
		for (n = 0; n < PROCESSORS; n++) {
			p->size[i].cpu[n].loaded = magazine_get(p);
			p->size[i].cpu[n].previous = magazine_get(p);
		}
	}
	p->anchor.node.first = p->anchor.node.last = UINT64_MAX;
	ioas_itree_insert(&p->tree, &p->anchor.node);
	p->walked = &p->anchor;
	return p;
}

static void free_all(struct magazine *m)
{
	struct magazine *next;

	for (; m; m = next) {
		next = m->next;
		free(m);
	}
}

void peer_iova_destroy(struct peer_iova *p)
{
	struct piece *piece, *next;
	unsigned int i, n;

	for (i = 0; i < SIZES; i++) {
		for (n = 0; n < PROCESSORS; n++) {
			free(p->size[i].cpu[n].loaded);
			free(p->size[i].cpu[n].previous);
		}
		free_all(p->size[i].depot);
	}
	free_all(p->empty);
	for (piece = p->anchor.below; piece; piece = next) {
		next = piece->below;
		free(piece);
	}
	for (piece = p->spare; piece; piece = next) {
		next = piece->above;
		free(piece);
	}
	free(p);
}
