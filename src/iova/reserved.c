/* SPDX-License-Identifier: MIT */
/* A sorted array: there are a handful, and they change with attach only. */
#include "iova/reserved.h"

#include <errno.h>
#include <string.h>

#include "base/hooks.h"

#define ROOM_FIRST 8

static int grow(struct ioas_reserved_list *list, unsigned int room)
{
	struct ioas_reserved *item =
		ioas_hooks.alloc(room * sizeof(*list->item));

	if (!item)
		return -ENOMEM;
	if (list->count)
		memcpy(item, list->item, list->count * sizeof(*item));
	if (list->item)
		ioas_hooks.free(list->item, list->room * sizeof(*item));
	list->item = item;
	list->room = room;
	return 0;
}

/* Do they overlap, or is nothing between them? */
static bool touches(struct iova_range a, struct iova_range b)
{
	return (b.last == UINT64_MAX || a.first <= b.last + 1) &&
	       (a.last == UINT64_MAX || b.first <= a.last + 1);
}

static bool is_one_with(const struct ioas_reserved *a,
                        const struct ioas_reserved *b)
{
	return a->kind == b->kind && a->owner == b->owner &&
	       touches(a->range, b->range);
}

static bool is_before(const struct ioas_reserved *a,
                      const struct ioas_reserved *b)
{
	if (a->range.first != b->range.first)
		return a->range.first < b->range.first;
	return a->kind < b->kind;
}

/* Take out what is one with *r, and make *r as large as all of that. */
static void absorb(struct ioas_reserved_list *list, struct ioas_reserved *r)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->count; i++) {
		const struct ioas_reserved *other = &list->item[i];

		if (!is_one_with(other, r)) {
			list->item[kept++] = *other;
			continue;
		}
		if (other->range.first < r->range.first)
			r->range.first = other->range.first;
		if (other->range.last > r->range.last)
			r->range.last = other->range.last;
	}
	list->count = kept;
}

int ioas_reserved_add(struct ioas_reserved_list *list,
                      const struct ioas_reserved *what)
{
	struct ioas_reserved r = *what;
	unsigned int at;

	if (r.range.first > r.range.last)
		return -EINVAL;
	if (list->count == list->room &&
	    grow(list, list->room ? 2 * list->room : ROOM_FIRST))
		return -ENOMEM;
	absorb(list, &r);
	for (at = list->count; at && is_before(&r, &list->item[at - 1]); at--)
		list->item[at] = list->item[at - 1];
	list->item[at] = r;
	list->count++;
	return 0;
}

int ioas_reserved_add_all(struct ioas_reserved_list *list,
                          const struct ioas_reserved_list *from,
                          unsigned int owner)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < from->count; i++) {
		struct ioas_reserved r = from->item[i];

		r.owner = owner;
		rc = ioas_reserved_add(list, &r);
	}
	return rc;
}

int ioas_reserved_copy(struct ioas_reserved_list *list,
                       const struct ioas_reserved_list *from)
{
	if (!from->count)
		return 0;
	if (grow(list, from->count))
		return -ENOMEM;
	memcpy(list->item, from->item, from->count * sizeof(*list->item));
	list->count = from->count;
	return 0;
}

void ioas_reserved_drop(struct ioas_reserved_list *list, unsigned int owner)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->count; i++)
		if (list->item[i].owner != owner)
			list->item[kept++] = list->item[i];
	list->count = kept;
}

void ioas_reserved_fini(struct ioas_reserved_list *list)
{
	if (list->item)
		ioas_hooks.free(list->item, list->room * sizeof(*list->item));
	*list = (struct ioas_reserved_list){NULL, 0, 0};
}

bool ioas_reserved_is_hole(const struct ioas_reserved *r)
{
	return r->kind != IOAS_RESERVED_DIRECT_RELAXABLE;
}

bool ioas_reserved_has(const struct ioas_reserved_list *list,
                       enum ioas_reserved_kind kind)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->item[i].kind == kind)
			return true;
	return false;
}

bool ioas_reserved_sw_msi(const struct ioas_reserved_list *list,
                          struct iova_range *ret_window)
{
	unsigned int i;

	if (ioas_reserved_has(list, IOAS_RESERVED_MSI))
		return false;
	for (i = list->count; i; i--) {
		if (list->item[i - 1].kind != IOAS_RESERVED_SW_MSI)
			continue;
		*ret_window = list->item[i - 1].range;
		return true;
	}
	return false;
}
