/* SPDX-License-Identifier: MIT */
/*
 * See table.h. Entries and links are stored by release and loaded by acquire:
 * who finds an entry finds the region it names, who finds a node finds it
 * zeroed.
 */
#include "mem/table.h"

#include <errno.h>

#include "base/hooks.h"
#include "base/law.h"

#define FANOUT     (1u << IOAS_MEM_FANOUT_LG2)
#define LOWER_BITS (2 * IOAS_MEM_FANOUT_LG2)
/* From so many entries on, their memory is given back, not written to. */
#define DISCARD ((uint64_t)256 << 8)
/* From so many on, larger pages pay: half a page of 2 MiB. */
#define HUGE_FROM ((uint64_t)128 << 10)

/* Of a tree whose root is large and mostly empty: all nodes are in a list. */
struct node {
	struct ioas_aptr link[FANOUT];
	struct node *next;
};

struct leaf {
	struct ioas_a64 entry[FANOUT];
};

/* The view is const for readers; here is who writes. */
static struct ioas_a64 *shadow_of(const struct ioas_table *table)
{
	return (struct ioas_a64 *)(uintptr_t)table->view.shadow;
}

static struct ioas_aptr *root_of(const struct ioas_table *table)
{
	return (struct ioas_aptr *)(uintptr_t)table->view.root;
}

static uint64_t root_links(const struct ioas_table *table)
{
	return (table->view.npages + (1u << LOWER_BITS) - 1) >> LOWER_BITS;
}

int ioas_table_init(struct ioas_table *table, unsigned int page_shift,
                    unsigned int bits, bool no_shadow)
{
	struct ioas_mem_view *view = &table->view;
	size_t bytes;

	view->page_shift = page_shift;
	view->npages = UINT64_C(1) << (bits - page_shift);
	view->phys_mask =
		ioas_mask_lg2(IOAS_PHYS_BITS) & ~ioas_mask_lg2(page_shift);
	bytes = view->npages * sizeof(*view->shadow);
	if (!no_shadow && ioas_hooks.reserve)
		view->shadow = ioas_hooks.reserve(bytes);
	if (view->shadow) {
		view->shadow_npages = view->npages;
		table->shadow_bytes = bytes;
		return 0;
	}
	view->root = ioas_hooks.alloc(root_links(table) * sizeof(*view->root));
	return view->root ? 0 : -ENOMEM;
}

static void free_node(struct node *node)
{
	unsigned int i;
	void *leaf;

	for (i = 0; i < FANOUT; i++) {
		/* Relaxed: nobody else has it any more. */
		leaf = ioas_aptr_load_relaxed(&node->link[i]);
		if (leaf)
			ioas_hooks.free(leaf, sizeof(struct leaf));
	}
	ioas_delete(node);
}

void ioas_table_fini(struct ioas_table *table)
{
	struct node *node, *next;

	if (table->view.shadow) {
		ioas_hooks.unreserve(shadow_of(table), table->shadow_bytes);
		return;
	}
	for (node = table->nodes; node; node = next) {
		next = node->next;
		free_node(node);
	}
	if (table->view.root)
		ioas_hooks.free(root_of(table),
		                root_links(table) * sizeof(*table->view.root));
}

static struct ioas_a64 *row_in_tree(const struct ioas_table *table,
                                    uint64_t first)
{
	struct node *node;
	struct leaf *leaf = NULL;

	/* Relaxed: links change under the lock, which is held. */
	node = ioas_aptr_load_relaxed(&root_of(table)[first >> LOWER_BITS]);
	if (node)
		leaf = ioas_aptr_load_relaxed(
			&node->link[first >> IOAS_MEM_FANOUT_LG2 &
		                    (FANOUT - 1)]);
	return leaf ? &leaf->entry[first & (FANOUT - 1)] : NULL;
}

/*
 * The entries of pages from the first on that lie in a row, *ret_count of
 * them. NULL: there are none so far.
 */
static inline struct ioas_a64 *row(const struct ioas_table *table,
                                   struct ioas_pages pages, uint64_t *ret_count)
{
	uint64_t to_end = FANOUT - (pages.first & (FANOUT - 1));

	*ret_count = pages.count;
	if (table->view.shadow)
		return shadow_of(table) + pages.first;
	if (to_end < pages.count)
		*ret_count = to_end;
	return row_in_tree(table, pages.first);
}

static struct ioas_pages behind(struct ioas_pages pages, uint64_t count)
{
	return (struct ioas_pages){pages.first + count, pages.count - count};
}

/* Relaxed: entries change under the lock, which is held. */
static bool row_taken(const struct ioas_a64 *entry, uint64_t count)
{
	uint64_t any = 0;

	for (; count >= 8; count -= 8, entry += 8) {
		any = ioas_a64_load_relaxed(&entry[0]) |
		      ioas_a64_load_relaxed(&entry[1]) |
		      ioas_a64_load_relaxed(&entry[2]) |
		      ioas_a64_load_relaxed(&entry[3]) |
		      ioas_a64_load_relaxed(&entry[4]) |
		      ioas_a64_load_relaxed(&entry[5]) |
		      ioas_a64_load_relaxed(&entry[6]) |
		      ioas_a64_load_relaxed(&entry[7]);
		if (any)
			return true;
	}
	while (count--)
		any |= ioas_a64_load_relaxed(entry++);
	return any != 0;
}

bool ioas_table_taken_locked(const struct ioas_table *table,
                             struct ioas_pages pages)
{
	const struct ioas_a64 *entry;
	uint64_t count;

	for (; pages.count; pages = behind(pages, count)) {
		entry = row(table, pages, &count);
		if (entry && row_taken(entry, count))
			return true;
	}
	return false;
}

/* What the link leads to; made when it leads nowhere. NULL: no memory. */
static void *made(struct ioas_table *table, struct ioas_aptr *link,
                  size_t bytes)
{
	/* Relaxed: links change under the lock, which is held. */
	void *p = ioas_aptr_load_relaxed(link);

	if (p)
		return p;
	p = ioas_hooks.alloc(bytes);
	if (p) {
		table->bytes += bytes;
		/* Pairs with IOAS_MEM_FOLLOW() of a reader. */
		ioas_aptr_store(link, p);
	}
	return p;
}

static struct node *make_node(struct ioas_table *table, uint64_t page)
{
	struct ioas_aptr *link = &root_of(table)[page >> LOWER_BITS];
	/* Relaxed: links change under the lock, which is held. */
	bool there = ioas_aptr_load_relaxed(link) != NULL;
	struct node *node = made(table, link, sizeof(*node));

	if (node && !there) {
		node->next = table->nodes;
		table->nodes = node;
	}
	return node;
}

static bool make_leaf(struct ioas_table *table, uint64_t page)
{
	struct node *node = make_node(table, page);

	return node &&
	       made(table,
	            &node->link[page >> IOAS_MEM_FANOUT_LG2 & (FANOUT - 1)],
	            sizeof(struct leaf));
}

int ioas_table_reserve_locked(struct ioas_table *table, struct ioas_pages pages)
{
	uint64_t last = pages.first + pages.count - 1;
	uint64_t page = pages.first & ~(uint64_t)(FANOUT - 1);

	if (table->view.shadow) {
		if (pages.count >= HUGE_FROM)
			ioas_hooks.reserve_advise(
				shadow_of(table) + pages.first,
				pages.count * sizeof(struct ioas_a64),
				IOAS_RESERVE_HUGE);
		return 0;
	}
	for (; page <= last; page += FANOUT)
		if (!make_leaf(table, page))
			return -ENOMEM;
	return 0;
}

void ioas_table_set_locked(struct ioas_table *table, struct ioas_pages pages,
                           uint64_t phys, uint64_t flags)
{
	unsigned int shift = table->view.page_shift;
	uint64_t step = UINT64_C(1) << shift;
	uint64_t uaddr = pages.first << shift;
	struct ioas_a64 *to;
	uint64_t count, i;

	for (; pages.count; pages = behind(pages, count)) {
		to = row(table, pages, &count);
		ioas_law(MEM_4, to != NULL);
		/* Pairs with IOAS_MEM_LOAD() of a reader. */
		for (i = 0; i < count; i++, phys += step, uaddr += step)
			ioas_a64_store(&to[i], (phys ^ uaddr) | flags);
	}
}

static void clear_row(struct ioas_a64 *entry, uint64_t count)
{
	while (count--)
		/* Relaxed: nothing was done before that a 0 would show. */
		ioas_a64_store_relaxed(entry++, 0);
}

void ioas_table_clear_locked(struct ioas_table *table, struct ioas_pages pages)
{
	struct ioas_a64 *entry;
	uint64_t count;

	for (; pages.count; pages = behind(pages, count)) {
		entry = row(table, pages, &count);
		if (!entry)
			continue;
		if (table->view.shadow && count >= DISCARD)
			ioas_hooks.reserve_advise(entry, count * sizeof(*entry),
			                          IOAS_RESERVE_ZERO);
		else
			clear_row(entry, count);
	}
}

uint64_t ioas_table_bytes(const struct ioas_table *table)
{
	return table->bytes;
}
