/* SPDX-License-Identifier: MIT */
/* See table.h. */
#include "pt/table.h"

#include <errno.h>

static size_t table_bytes(unsigned int bits)
{
	return sizeof(struct ioas_a64) << bits;
}

/* What is behind it: its children, or what is beside its entries. */
static size_t node_bytes(const struct ioas_pt *pt, unsigned int level,
                         unsigned int bits)
{
	size_t each = level ? sizeof(struct ioas_pt_node *) : pt->beside;

	return sizeof(struct ioas_pt_node) + (each << bits);
}

uint64_t ioas_pt_node_memory(const struct ioas_pt *pt,
                             const struct ioas_pt_node *node)
{
	return node_bytes(pt, node->level, node->bits) +
	       table_bytes(node->bits);
}

/* The root has no table above that could be full of such. */
static unsigned int bits_of(const struct ioas_pt *pt, unsigned int level)
{
	uint64_t inputs = ~pt->beyond >> ioas_pt_shift_of(pt, level);
	unsigned int bits = pt->index_bits;

	if (level == pt->levels - 1)
		while (inputs >> bits)
			bits++;
	return bits;
}

/* ---- The row. ---- */

/* More is not worth it: who has so many inputs wants many tables as well. */
#define ROW_BYTES_MAX (UINT64_C(1) << 40)

void ioas_pt_row_init(struct ioas_pt *pt)
{
	uint64_t entries;

	pt->row_shift = ioas_pt_shift_of(pt, IOAS_PT_ROW);
	/* Hardware may want to know where tables are. */
	if (pt->levels <= IOAS_PT_ROW + 1 || pt->hardware.create ||
	    pt->hardware.linear || !ioas_hooks.reserve)
		return;
	entries = (~pt->beyond >> pt->row_shift) + 1;
	if (entries > ROW_BYTES_MAX / sizeof(*pt->row))
		return;
	pt->row_bytes = entries * sizeof(*pt->row);
	pt->row = ioas_hooks.reserve(pt->row_bytes);
	if (!pt->row)
		pt->row_bytes = 0;
}

void ioas_pt_row_fini(struct ioas_pt *pt)
{
	if (pt->row_bytes)
		ioas_hooks.unreserve(pt->row, pt->row_bytes);
}

void ioas_pt_place(const struct ioas_pt *pt, struct ioas_pt_node *node,
                   uint64_t at)
{
	uint64_t first = (at & ~pt->beyond) >> pt->row_shift;

	if (ioas_pt_in_row(pt, node->level))
		node->entry = pt->row + (first & ~ioas_mask_lg2(node->bits));
}

/* A table that is taken out of the tree is still found in the row. */
static void clear_row(const struct ioas_pt *pt, struct ioas_pt_node *node)
{
	unsigned int i, n = 1u << node->bits;

	if (ioas_pt_in_row(pt, node->level)) {
		/* Pairs with the load in ioas_pt_row_entry(). */
		for (i = 0; node->live && i < n; i++)
			ioas_a64_store(&node->entry[i], 0);
		return;
	}
	for (i = 0; node->level > IOAS_PT_ROW && i < n; i++)
		if (node->child[i])
			clear_row(pt, node->child[i]);
}

/* ---- Nodes. ---- */

static struct ioas_a64 *table_new(struct ioas_pt *pt, size_t bytes)
{
	if (pt->hardware.create)
		return pt->hardware.create(pt->hardware.arg, bytes);
	return ioas_hooks.alloc(bytes);
}

/*
 * Who maps and unmaps the only page of a table wants the same table again and
 * again: of each level one is kept, whose entries are all 0 already. Taken
 * under the lock, put there without it.
 */
static struct ioas_pt_node *take_kept(struct ioas_pt *pt, unsigned int level)
{
	/* Relaxed: whether it is worth the exchange. */
	if (!ioas_aptr_load_relaxed(&pt->kept[level]))
		return NULL;
	/* Pairs with the one in keep(). */
	return ioas_aptr_exchange(&pt->kept[level], NULL);
}

static bool keep(struct ioas_pt *pt, struct ioas_pt_node *node)
{
	void *seen = NULL;

	if (node->live || pt->hardware.create ||
	    ioas_aptr_load_relaxed(&pt->kept[node->level]) ||
	    !ioas_aptr_cas(&pt->kept[node->level], &seen, node))
		return false;
	ioas_a64_add(&pt->tables, -UINT64_C(1));
	return true;
}

static struct ioas_pt_node *node_alloc(struct ioas_pt *pt, unsigned int level)
{
	unsigned int bits = bits_of(pt, level);
	struct ioas_pt_node *node =
		ioas_hooks.alloc(node_bytes(pt, level, bits));

	if (!node)
		return NULL;
	if (!ioas_pt_in_row(pt, level))
		node->entry = table_new(pt, table_bytes(bits));
	if (!node->entry && !ioas_pt_in_row(pt, level)) {
		ioas_hooks.free(node, node_bytes(pt, level, bits));
		return NULL;
	}
	node->level = level;
	node->bits = bits;
	if (!level && pt->beside)
		node->beside = node->child;
	return node;
}

struct ioas_pt_node *ioas_pt_node_new(struct ioas_pt *pt, unsigned int level)
{
	struct ioas_pt_node *node = take_kept(pt, level);

	if (!node)
		node = node_alloc(pt, level);
	if (node)
		ioas_a64_add(&pt->tables, 1);
	return node;
}

static void node_free_alone(struct ioas_pt *pt, struct ioas_pt_node *node)
{
	size_t bytes = table_bytes(node->bits);

	if (pt->hardware.destroy)
		pt->hardware.destroy(pt->hardware.arg, node->entry, bytes);
	else if (!ioas_pt_in_row(pt, node->level))
		ioas_hooks.free(node->entry, bytes);
	ioas_hooks.free(node, node_bytes(pt, node->level, node->bits));
}

/* As deep as the tree has levels: six at most. */
void ioas_pt_node_free(struct ioas_pt *pt, struct ioas_pt_node *node)
{
	unsigned int i, n = node->level ? 1u << node->bits : 0;

	for (i = 0; i < n; i++)
		if (node->child[i])
			ioas_pt_node_free(pt, node->child[i]);
	node_free_alone(pt, node);
	ioas_a64_add(&pt->tables, -UINT64_C(1));
}

void ioas_pt_drop_kept(struct ioas_pt *pt)
{
	struct ioas_pt_node *node;
	unsigned int level;

	for (level = 0; level < IOAS_PT_LEVELS; level++) {
		node = take_kept(pt, level);
		if (node)
			node_free_alone(pt, node);
	}
}

static void list_free(struct ioas_pt *pt, struct ioas_pt_node *first)
{
	while (first) {
		struct ioas_pt_node *next = first->next;

		ioas_pt_node_free(pt, first);
		first = next;
	}
}

static int fill_level(struct ioas_pt *pt, struct ioas_pt_spare *spare,
                      unsigned int level, uint64_t n)
{
	struct ioas_pt_node *node;

	while (n-- > 0) {
		node = ioas_pt_node_new(pt, level);
		if (!node)
			return -ENOMEM;
		node->next = spare->first[level];
		spare->first[level] = node;
	}
	return 0;
}

int ioas_pt_spare_fill(struct ioas_pt *pt, struct ioas_pt_spare *spare,
                       const uint64_t count[IOAS_PT_LEVELS])
{
	unsigned int level;
	int rc = 0;

	for (level = 0; level < pt->levels && !rc; level++)
		rc = fill_level(pt, spare, level, count[level]);
	for (level = 0; level < pt->levels && rc; level++)
		list_free(pt, spare->first[level]);
	return rc;
}

struct ioas_pt_node *ioas_pt_spare_take(struct ioas_pt_spare *spare,
                                        unsigned int level)
{
	struct ioas_pt_node *node = spare->first[level];

	ioas_law(PT_1, node != NULL);
	spare->first[level] = node->next;
	return node;
}

void ioas_pt_link(const struct ioas_pt *pt, struct ioas_pt_node *node,
                  unsigned int i, struct ioas_pt_node *child)
{
	uint64_t phys = (uintptr_t)child->entry - pt->hardware.linear;

	node->child[i] = child;
	ioas_pt_put(pt, node, i, pt->format->table(pt, node->level, phys));
}

bool ioas_pt_change(const struct ioas_pt *pt, struct ioas_pt_node *node,
                    unsigned int i, uint64_t from, uint64_t to)
{
	uint64_t seen = ioas_pt_order(pt->format, from);

	if (!pt->dirty) {
		ioas_pt_put(pt, node, i, to);
		return true;
	}
	/* Pairs with that of ioas_pt_mark(), and of hardware. */
	if (!ioas_a64_cas(&node->entry[i], &seen,
	                  ioas_pt_order(pt->format, to)))
		return false;
	ioas_pt_wrote(pt, &node->entry[i], 1);
	return true;
}

/* ---- What was taken out. ---- */

void ioas_pt_gather_range(struct ioas_pt_gather *gather,
                          struct iova_range range)
{
	/* What is gathered after a flush has to be flushed, too. */
	gather->flushed = false;
	if (!gather->any || range.first < gather->first)
		gather->first = range.first;
	if (!gather->any || range.last > gather->last)
		gather->last = range.last;
	gather->any = true;
}

void ioas_pt_forget(struct ioas_pt *pt, struct ioas_pt_node *node)
{
	unsigned int level;

	if (node->level)
		clear_row(pt, node);
	for (level = 0; level <= node->level; level++)
		pt->recent[level] = NULL;
}

void ioas_pt_gather_table(struct ioas_pt_gather *gather,
                          struct ioas_pt_node *node)
{
	node->next = gather->tables;
	gather->tables = node;
}

void ioas_pt_flush(struct ioas_pt *pt, struct ioas_pt_gather *gather)
{
	struct iova_range range = {gather->first, gather->last};

	if (gather->any && !gather->flushed && pt->hardware.invalidate)
		pt->hardware.invalidate(pt->hardware.arg, range,
		                        gather->tables != NULL);
	gather->flushed = true;
}

void ioas_pt_free(struct ioas_pt *pt, struct ioas_pt_gather *gather)
{
	struct ioas_pt_node *node, *next;

	ioas_law(PT_3, gather->flushed || !gather->any);
	for (node = gather->tables; node; node = next) {
		next = node->next;
		if (!keep(pt, node))
			ioas_pt_node_free(pt, node);
	}
	*gather = (struct ioas_pt_gather){0};
}

void ioas_pt_invalidate(const struct ioas_pt *pt, struct iova_range range)
{
	if (pt->hardware.invalidate)
		pt->hardware.invalidate(pt->hardware.arg, range, true);
}
