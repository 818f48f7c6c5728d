/* SPDX-License-Identifier: MIT */
/*
 * Spaces for those who embed them: <ioas/space.h>. A space, memory of its own
 * to pin for, and where the space chooses addresses an allocator of them.
 *
 * Lock order: the space's lock, the allocator's. An address is taken before
 * the space is locked; when a group reserved it in between, the map refuses it
 * and another one is taken.
 */
#include <errno.h>

#include <ioas/space.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/law.h"
#include "iova/alloc.h"
#include "space/move.h"

struct ioas {
	struct ioas_space *space; /* constant */
	bool places;              /* constant */
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_iova_alloc alloc; /* with `places` */
};

/* ---- Life ---- */

static int begin_alloc(struct ioas *as)
{
	return ioas_iova_alloc_init(&as->alloc, as->space->aperture,
	                            as->space->page_shift, &as->space->ranges);
}

static int begin(struct ioas *as, const struct ioas_config *config)
{
	struct ioas_space_config space = {
		.page_shift = config->page_shift ? config->page_shift
	                                         : ioas_hooks.page_shift,
		.aperture = {0,
	                     config->last ? config->last : ioas_mask_lg2(48)},
	};
	int rc = ioas_space_create(&space, &as->space);

	if (rc)
		return rc;
	as->places = config->places;
	rc = as->places ? begin_alloc(as) : 0;
	if (rc)
		ioas_space_destroy(as->space);
	return rc;
}

int ioas_create(const struct ioas_config *config, struct ioas **ret_as)
{
	static const struct ioas_config usual;
	struct ioas *as = ioas_new(struct ioas);
	int rc;

	if (!as)
		return -ENOMEM;
	as->account.limit = UINT64_MAX;
	ioas_mem_init(&as->mem, &as->account, ioas_hooks.page_shift);
	rc = begin(as, config ? config : &usual);
	if (rc)
		ioas_delete(as);
	else
		*ret_as = as;
	return rc;
}

void ioas_destroy(struct ioas *as)
{
	if (!as)
		return;
	ioas_space_destroy(as->space);
	if (as->places)
		ioas_iova_alloc_fini(&as->alloc);
	ioas_mem_fini(&as->mem);
	ioas_delete(as);
}

/* ---- Map ---- */

static int map_locked(struct ioas *as, const struct ioas_map_request *request,
                      bool *ret_usable)
{
	*ret_usable = ioas_iova_usable(&as->space->ranges, request->range);
	return ioas_space_map_locked(as->space, request);
}

static int map(struct ioas *as, struct iova_range range,
               const struct ioas_piece *piece, bool *ret_usable)
{
	const struct ioas_map_request request = {
		.mem = &as->mem,
		.range = range,
		.uaddr = {piece->uaddr},
		.perm = piece->perm,
	};
	int rc;

	ioas_lock(&as->space->lock);
	rc = map_locked(as, &request, ret_usable);
	ioas_unlock(&as->space->lock);
	return rc;
}

int ioas_map(struct ioas *as, uint64_t iova, uint64_t length, uint64_t uaddr,
             unsigned int perm)
{
	const struct ioas_piece piece = {.uaddr = uaddr, .perm = perm};
	bool usable;

	if (as->places || !length || iova + (length - 1) < iova)
		return -EINVAL;
	return map(as, (struct iova_range){iova, iova + (length - 1)}, &piece,
	           &usable);
}

/* As the map would find it: an address is not taken in vain. */
static bool piece_is_sound(const struct ioas *as,
                           const struct ioas_piece *piece)
{
	uint64_t mask = ioas_mask_lg2(as->space->page_shift);

	return piece->length && !((piece->uaddr | piece->length) & mask) &&
	       piece->perm && !(piece->perm & ~(IOAS_READ | IOAS_WRITE));
}

int ioas_map_any(struct ioas *as, const struct ioas_piece *piece,
                 uint64_t *ret_iova)
{
	const struct iova last = {piece->last ? piece->last : UINT64_MAX};
	uint64_t npages = piece->length >> as->space->page_shift;
	bool usable;
	struct iova iova;
	int rc;

	if (!as->places || !piece_is_sound(as, piece))
		return -EINVAL;
	for (;;) {
		rc = ioas_iova_take(&as->alloc, npages, last, &iova);
		if (rc)
			return rc;
		rc = map(as,
		         (struct iova_range){iova.raw,
		                             iova.raw + (piece->length - 1)},
		         piece, &usable);
		if (!rc)
			break;
		ioas_iova_give_unusable(&as->alloc, iova, npages);
		if (usable)
			return rc;
	}
	*ret_iova = iova.raw;
	return 0;
}

/* ---- Unmap ---- */

/* Does the range meet mappings, and cut none? */
static bool is_whole_locked(const struct ioas_space *space,
                            struct iova_range range)
{
	struct ioas_area *area = ioas_space_find_locked(space, range);

	if (!area || area->range.first < range.first)
		return false;
	for (; area; area = ioas_space_next_locked(area, range))
		if (area->range.last > range.last)
			return false;
	return true;
}

static void remove_locked(struct ioas *as, struct iova_range range,
                          struct ioas_space_gone *gone)
{
	struct ioas_area *area;

	while ((area = ioas_space_find_locked(as->space, range)))
		ioas_space_remove_locked(as->space, area, gone);
}

/*
 * Before the memory is given back: whoever gets such an address has entries of
 * his own, and an access on its way uses memory that is pinned until it ends.
 */
static void give_addresses(struct ioas *as, const struct ioas_space_gone *gone)
{
	unsigned int shift = as->space->page_shift;
	const struct ioas_area *area;

	for (area = gone->areas; area; area = area->next)
		ioas_iova_give(
			&as->alloc, (struct iova){area->range.first},
			((area->range.last - area->range.first) >> shift) + 1);
}

int ioas_unmap(struct ioas *as, uint64_t iova, uint64_t length)
{
	struct iova_range range = {iova, iova + (length - 1)};
	struct ioas_space_gone gone = {0};
	int rc = 0;

	if (!length || range.last < range.first)
		return -EINVAL;
	ioas_lock(&as->space->lock);
	if (is_whole_locked(as->space, range))
		remove_locked(as, range, &gone);
	else
		rc = -ENOENT;
	ioas_unlock(&as->space->lock);
	if (as->places)
		give_addresses(as, &gone);
	ioas_space_release(as->space, &gone);
	return rc;
}

/* ---- Access ---- */

int ioas_read(struct ioas *as, uint64_t iova, void *buffer, size_t length)
{
	return ioas_space_copy(as->space, (struct iova){iova}, buffer, length,
	                       IOAS_READ);
}

int ioas_write(struct ioas *as, uint64_t iova, const void *buffer,
               size_t length)
{
	/* Read only: see copy_pieces(). */
	return ioas_space_copy(as->space, (struct iova){iova},
	                       (char *)(uintptr_t)buffer, length, IOAS_WRITE);
}

/* ---- Who is attached ---- */

static bool is_whole_pages(const struct ioas *as, struct ioas_range range)
{
	uint64_t mask = ioas_mask_lg2(as->space->page_shift);

	return range.first <= range.last && !(range.first & mask) &&
	       !((range.last + 1) & mask);
}

static int list_of(const struct ioas *as, const struct ioas_range *ranges,
                   unsigned int count, struct ioas_reserved_list *list)
{
	unsigned int i;
	int rc = count ? 0 : -EINVAL;

	for (i = 0; !rc && i < count; i++) {
		const struct ioas_reserved one = {
			.range = {ranges[i].first, ranges[i].last},
			.kind = IOAS_RESERVED_OTHER,
		};

		rc = is_whole_pages(as, ranges[i])
		             ? ioas_reserved_add(list, &one)
		             : -EINVAL;
	}
	return rc;
}

static bool has_ranges_locked(const struct ioas_space *space,
                              unsigned int owner)
{
	unsigned int i;

	for (i = 0; i < space->reserved.count; i++)
		if (space->reserved.item[i].owner == owner)
			return true;
	return false;
}

static int reserve_locked(struct ioas *as, unsigned int owner,
                          const struct ioas_reserved_list *list)
{
	int rc;

	if (has_ranges_locked(as->space, owner))
		return -EEXIST;
	rc = ioas_space_reserve_locked(as->space, list, owner);
	if (rc || !as->places)
		return rc;
	rc = ioas_iova_alloc_set(&as->alloc, &as->space->ranges);
	if (rc)
		ioas_space_unreserve_locked(as->space, owner, false);
	return rc;
}

int ioas_reserve(struct ioas *as, unsigned int owner,
                 const struct ioas_range *ranges, unsigned int count)
{
	struct ioas_reserved_list list = {0};
	int rc = owner ? list_of(as, ranges, count, &list) : -EINVAL;

	if (!rc) {
		ioas_lock(&as->space->lock);
		rc = reserve_locked(as, owner, &list);
		ioas_unlock(&as->space->lock);
	}
	ioas_reserved_fini(&list);
	return rc;
}

void ioas_release(struct ioas *as, unsigned int owner)
{
	ioas_lock(&as->space->lock);
	if (has_ranges_locked(as->space, owner)) {
		ioas_space_unreserve_locked(as->space, owner, false);
		/* Without memory it goes on with fewer addresses. */
		if (as->places)
			(void)ioas_iova_alloc_set(&as->alloc,
			                          &as->space->ranges);
	}
	ioas_unlock(&as->space->lock);
}

unsigned int ioas_usable(struct ioas *as, struct ioas_range *ret_ranges,
                         unsigned int max)
{
	const struct ioas_iova_ranges *ranges = &as->space->ranges;
	unsigned int i, count;

	ioas_lock(&as->space->lock);
	count = ranges->count;
	for (i = 0; i < count && i < max; i++)
		ret_ranges[i] = (struct ioas_range){ranges->range[i].first,
		                                    ranges->range[i].last};
	ioas_unlock(&as->space->lock);
	return count;
}
