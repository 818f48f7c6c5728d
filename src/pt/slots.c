/* SPDX-License-Identifier: MIT */
/* See slots.h. */
#include "pt/slots.h"

#include <errno.h>

static uint64_t entries_from(const struct ioas_pt *pt,
                             const struct ioas_pt_node *node, uint64_t at)
{
	return (UINT64_C(1) << node->bits) - ioas_pt_index(pt, node, at);
}

/* ---- Furnish. ---- */

/* Missing tables below an entry of a table on @level, per level. */
static void need_all(const struct ioas_pt *pt, unsigned int level, uint64_t at,
                     uint64_t pages, uint64_t count[IOAS_PT_LEVELS])
{
	uint64_t last = at + ((pages << pt->page_shift) - 1);

	for (; level--;) {
		unsigned int lg2 = ioas_pt_shift_of(pt, level) + pt->index_bits;

		count[level] += (last >> lg2) - (at >> lg2) + 1;
	}
}

static void need(const struct ioas_pt *pt, const struct ioas_pt_node *node,
                 uint64_t at, uint64_t pages, uint64_t count[IOAS_PT_LEVELS])
{
	const struct ioas_pt_node *child;
	uint64_t piece;

	if (!node->level)
		return;
	for (; pages; pages -= piece, at += piece << pt->page_shift) {
		piece = ioas_pt_piece(pt, node->level, at, pages);
		child = node->child[ioas_pt_index(pt, node, at)];
		if (child)
			need(pt, child, at, piece, count);
		else
			need_all(pt, node->level, at, piece, count);
	}
}

static void link_all(struct ioas_pt *pt, struct ioas_pt_node *node, uint64_t at,
                     uint64_t pages, struct ioas_pt_spare *spare)
{
	struct ioas_pt_node *child;
	uint64_t piece;
	unsigned int i;

	if (!node->level)
		return;
	for (; pages; pages -= piece, at += piece << pt->page_shift) {
		piece = ioas_pt_piece(pt, node->level, at, pages);
		i = ioas_pt_index(pt, node, at);
		if (!node->child[i]) {
			child = ioas_pt_spare_take(spare, node->level - 1);
			ioas_pt_place(pt, child, at);
			node->live++;
			ioas_pt_link(pt, node, i, child);
		}
		link_all(pt, node->child[i], at, piece, spare);
	}
}

int ioas_pt_slots_furnish(struct ioas_pt *pt, struct iova_range range)
{
	uint64_t count[IOAS_PT_LEVELS] = {0};
	uint64_t pages = ioas_pt_pages(pt, range), any = 0;
	struct ioas_pt_spare spare = {{NULL}};
	unsigned int level;
	int rc;

	need(pt, pt->root, range.first, pages, count);
	for (level = 0; level < pt->levels; level++)
		any |= count[level];
	if (!any)
		return 0;
	rc = ioas_pt_spare_fill(pt, &spare, count);
	if (!rc)
		link_all(pt, pt->root, range.first, pages, &spare);
	return rc;
}

/* ---- Find. ---- */

static struct ioas_pt_node *recent_at(const struct ioas_pt *pt, uint64_t at)
{
	struct ioas_pt_node *node = pt->recent[0];

	if (!node || (at ^ pt->recent_at[0]) >> pt->page_shift >> node->bits)
		return NULL;
	return node;
}

/* The table of smallest pages at @at; or NULL, and how far there is none. */
static struct ioas_pt_node *descend(const struct ioas_pt *pt, uint64_t at,
                                    uint64_t *pages)
{
	struct ioas_pt_node *node = pt->root, *child;

	while (node->level) {
		child = node->child[ioas_pt_index(pt, node, at)];
		if (!child) {
			*pages = ioas_pt_piece(pt, node->level, at, *pages);
			return NULL;
		}
		node = child;
	}
	return node;
}

void ioas_pt_slots_find(struct ioas_pt *pt, uint64_t at, uint64_t pages,
                        struct ioas_pt_slots *ret)
{
	struct ioas_pt_node *node = recent_at(pt, at);
	uint64_t room;

	ret->entry = NULL;
	if (!node)
		node = descend(pt, at, &pages);
	if (node) {
		pt->recent[0] = node;
		pt->recent_at[0] = at;
		ret->index = ioas_pt_index(pt, node, at);
		ret->entry = &node->entry[ret->index];
		ret->beside = node->beside;
		ret->table = UINT64_C(1) << node->bits;
		room = entries_from(pt, node, at);
		if (room < pages)
			pages = room;
	}
	ret->count = pages;
}

/* ---- What there is. ---- */

static void take(const struct ioas_pt *pt, const struct ioas_pt_node *node,
                 struct ioas_pt_stock *ret)
{
	unsigned int i, n = node->level ? 1u << node->bits : 0;

	ret->tables[node->level]++;
	ret->bytes += ioas_pt_node_memory(pt, node);
	for (i = 0; i < n; i++)
		if (node->child[i])
			take(pt, node->child[i], ret);
}

void ioas_pt_stock_take(const struct ioas_pt *pt, struct ioas_pt_stock *ret)
{
	*ret = (struct ioas_pt_stock){.bytes = 0};
	take(pt, pt->root, ret);
}
