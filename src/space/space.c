/* SPDX-License-Identifier: MIT */
/*
 * The life of a mapping. Laws and lock order: see space.h.
 *
 *	map      checks -> area -> pin and count -> entries -> tree -> told
 *	remove   tree -> entries cleared -> told                 (lock held)
 *	release  one grace period -> counts put -> unpinned -> freed (not held)
 *
 * SPACE-2 rests on this order: a section that began before the entries were
 * cleared may use the memory until it ends, and release waits for it before it
 * gives the memory back; one that begins later finds the cleared entries.
 */
#include "space/space.h"

#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/law.h"
#include "space/move.h"

#define PAGE_SHIFT_MAX 30 /* of any format */

static struct ioas_a32 last_id;

static unsigned int bits_of(uint64_t last)
{
	return last ? 64 - (unsigned int)__builtin_clzll(last) : 0;
}

static int table_init(struct ioas_space *space,
                      const struct ioas_pt_format *format, bool dirty)
{
	struct ioas_pt_config config = {
		.format = format,
		.page_shift = ioas_pt_page_shift(format, space->page_shift),
		.bits = bits_of(space->aperture.last),
		.dirty = dirty,
		.small = dirty,
	};

	if (config.bits <= space->page_shift)
		config.bits = space->page_shift + 1;
	return ioas_pt_init(&space->pt, &config);
}

static int fill_in(struct ioas_space *space,
                   const struct ioas_space_config *config)
{
	int rc = 0;
	unsigned int i;

	space->page_shift = config->page_shift;
	space->parted = config->parted;
	space->aperture = space->window = config->aperture;
	space->msi = ioas_space_msi_none;
	if (config->backend != &ioas_backend_identity)
		space->frames = config->backend;
	if (space->parted)
		return 0;
	for (i = 0; !rc && i < config->reserved_count; i++)
		rc = ioas_reserved_add(&space->reserved, &config->reserved[i]);
	if (!rc)
		rc = ioas_iova_ranges_set(&space->ranges, space->window,
		                          space->reserved.item,
		                          space->reserved.count);
	return rc ? rc : table_init(space, config->format, config->dirty);
}

static void forget_ranges(struct ioas_space *space)
{
	ioas_iova_ranges_fini(&space->ranges);
	ioas_reserved_fini(&space->reserved);
}

int ioas_space_create(const struct ioas_space_config *config,
                      struct ioas_space **ret_space)
{
	struct ioas_space *space;
	int rc;

	/* An owner of parts moves entries himself. */
	if (config->backend && (!config->backend->pointer ||
	                        (!config->backend->frame && !config->parted)))
		return -EINVAL;
	if (config->page_shift > PAGE_SHIFT_MAX)
		return -EINVAL;
	space = ioas_new(struct ioas_space);
	if (!space)
		return -ENOMEM;
	rc = fill_in(space, config);
	if (rc) {
		forget_ranges(space);
		ioas_delete(space);
		return rc;
	}
	space->id = ioas_a32_add(&last_id, 1);
	ioas_spaces_add(space);
	*ret_space = space;
	return 0;
}

void ioas_space_destroy(struct ioas_space *space)
{
	struct iova_range all = {0, UINT64_MAX};
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	if (!space)
		return;
	ioas_lock(&space->lock);
	while ((area = ioas_space_find_locked(space, all)))
		ioas_space_remove_locked(space, area, &gone);
	ioas_law(SPACE_3, space->area_count == 0);
	ioas_unlock(&space->lock);
	/* No span leads here any more. */
	ioas_spaces_remove(space);
	ioas_space_release(space, &gone);
	ioas_space_uninstall(space);
	ioas_pt_fini(&space->pt);
	forget_ranges(space);
	ioas_delete(space);
}

static bool request_is_sound(const struct ioas_space *space,
                             const struct ioas_map_request *request)
{
	uint64_t mask = ioas_mask_lg2(space->page_shift);
	struct iova_range range = request->range;
	uint64_t beyond = range.last - range.first;
	const struct ioas_backend *backend =
		space->frames ? space->frames : &ioas_backend_identity;

	return request->mem->pinner.backend == backend && request->perm &&
	       !(request->perm & ~(IOAS_READ | IOAS_WRITE)) &&
	       range.first <= range.last &&
	       !((range.first | (range.last + 1) | request->uaddr.raw) &
	         mask) &&
	       request->uaddr.raw + beyond >= beyond &&
	       ioas_iova_usable(&space->ranges, range);
}

/*
 * The program's pages around the memory of the request, which may have smaller
 * pages than the program; and one count for the area (MEM-8).
 */
static int register_memory(const struct ioas_map_request *request,
                           struct ioas_region *region)
{
	uint64_t mask = ioas_mask_lg2(request->mem->pinner.page_shift);
	uint64_t beyond = request->range.last - request->range.first;
	bool alive;
	int rc;

	region->start.raw = request->uaddr.raw & ~mask;
	region->length =
		((request->uaddr.raw + beyond) | mask) - region->start.raw + 1;
	region->perm = request->perm;
	rc = ioas_mem_register_at(request->mem, region);
	if (rc)
		return rc;
	alive = ioas_region_get(region, 1);
	ioas_law(MEM_2, alive);
	return 0;
}

static void drop_memory(struct ioas_region *region)
{
	int rc;

	ioas_region_put(region, 1);
	rc = ioas_mem_unregister_at(region);
	ioas_law(SPACE_4, rc == 0);
}

/* What a run of the memory's frames is for the area. False: nothing. */
static bool run_in_area(const struct ioas_area *area, unsigned int run,
                        struct iova_range *ret_range, struct phys *ret_phys)
{
	const struct ioas_pinned *p = &area->region.pinned;
	unsigned int shift = area->region.mem->pinner.page_shift;
	uint64_t lead = area->uaddr.raw - area->region.start.raw;
	uint64_t first = p->run[run].first << shift;
	uint64_t last = (ioas_run_end(p, run) << shift) - 1;
	uint64_t beyond = area->range.last - area->range.first;
	uint64_t from = first > lead ? first : lead;

	/* Runs are whole pages of the program; the area may have smaller. */
	if (last < lead || from - lead > beyond)
		return false;
	ret_range->first = area->range.first + (from - lead);
	ret_range->last = area->range.last;
	if (last - lead < beyond)
		ret_range->last = area->range.first + (last - lead);
	ret_phys->raw = p->run[run].phys + (from - first);
	return true;
}

/*
 * Entries for every run, in order. When one cannot be made, those before it go
 * again, and nobody uses them when this returns (SPACE-1).
 */
static int write_entries(struct ioas_space *space, const struct ioas_area *area)
{
	const struct ioas_pinned *p = &area->region.pinned;
	uint64_t mask = ioas_mask_lg2(space->page_shift);
	struct ioas_pt_gather gather = {0};
	struct iova_range range, done = area->range;
	struct phys phys;
	unsigned int i;
	int rc = 0;

	for (i = 0; i < p->runs; i++) {
		if (!run_in_area(area, i, &range, &phys))
			continue;
		rc = -EINVAL;
		if ((range.first | (range.last + 1) | phys.raw) & mask)
			break;
		rc = ioas_pt_map(&space->pt, range, phys, area->perm);
		if (rc)
			break;
	}
	if (!rc || range.first == done.first)
		return rc;
	done.last = range.first - 1;
	ioas_pt_unmap(&space->pt, done, &gather);
	ioas_pt_flush(&space->pt, &gather);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_pt_free(&space->pt, &gather);
	return rc;
}

/* Memory and entries. On failure there is neither (SPACE-1). */
static int furnish(struct ioas_space *space, struct ioas_area *area,
                   const struct ioas_map_request *request)
{
	int rc;

	rc = register_memory(request, &area->region);
	if (rc)
		return rc;
	area->region.owner = area;
	rc = write_entries(space, area);
	if (rc)
		drop_memory(&area->region);
	return rc;
}

/*
 * An area in the index. Of one that is no larger than the page it is found by,
 * all is known then: a mark says so, and the area itself need not be touched.
 */
#define ONE_PAGE ((uintptr_t)1)

static void *thing_of(struct ioas_area *area)
{
	bool one = ioas_space_page(area->space, area->range.first) ==
	           ioas_space_page(area->space, area->range.last);

	return (void *)((uintptr_t)area | (one ? ONE_PAGE : 0));
}

static struct ioas_area *area_of(const void *thing)
{
	return (struct ioas_area *)((uintptr_t)thing & ~ONE_PAGE);
}

/* In the index first: a device sees entries of nothing that is not there. */
static int enter(struct ioas_space *space, struct ioas_area *area,
                 const struct ioas_map_request *request)
{
	uint64_t page = ioas_space_page(space, area->range.last);
	int rc = ioas_index_insert(&space->areas, page, thing_of(area));

	if (rc)
		return rc;
	rc = furnish(space, area, request);
	if (rc)
		ioas_index_erase(&space->areas, page);
	return rc;
}

static void tell(enum ioas_event_kind kind, const struct ioas_space *space,
                 const struct ioas_area *area, uint32_t site_now)
{
	struct ioas_event ev = {
		.kind = kind,
		.space = space->id,
		.perm = area->perm,
		.range = area->range,
		.uaddr = area->uaddr,
		.site = area->site,
		.site_now = site_now,
	};

	ioas_tell(&ev);
}

int ioas_space_map_locked(struct ioas_space *space,
                          const struct ioas_map_request *request)
{
	struct ioas_area *area;
	int rc;

	if (!request_is_sound(space, request))
		return -EINVAL;
	ioas_pt_prefetch(&space->pt, (struct iova){request->range.first});
	if (ioas_space_find_locked(space, request->range))
		return -EEXIST;
	area = ioas_new(struct ioas_area);
	if (!area)
		return -ENOMEM;
	area->space = space;
	area->range = request->range;
	area->uaddr = request->uaddr;
	area->perm = request->perm;
	rc = enter(space, area, request);
	if (rc) {
		ioas_delete(area);
		return rc;
	}
	area->site = ioas_call_site();
	space->area_count++;
	tell(IOAS_EVENT_MAP, space, area, area->site);
	return 0;
}

void ioas_space_remove_locked(struct ioas_space *space, struct ioas_area *area,
                              struct ioas_space_gone *gone)
{
	struct iova_range range = area->range;

	ioas_index_erase(&space->areas, ioas_space_page(space, range.last));
	/* Its memory may still move, without it. */
	area->region.owner = NULL;
	space->area_count--;
	/* First, so that an access which is refused is after an unmap. */
	tell(IOAS_EVENT_UNMAP, space, area, ioas_call_site());
	ioas_pt_unmap(&space->pt, range, &gone->tables);
	area->next = gone->areas;
	gone->areas = area;
}

void ioas_space_release(struct ioas_space *space, struct ioas_space_gone *gone)
{
	struct ioas_area *area;

	if (!gone->areas)
		return; /* tables go with areas only */
	ioas_pt_flush(&space->pt, &gone->tables);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_pt_free(&space->pt, &gone->tables);
	while ((area = gone->areas)) {
		gone->areas = area->next;
		drop_memory(&area->region);
		ioas_delete(area);
	}
}

/* Areas do not overlap: the first to end there or later is the first met. */
struct ioas_area *ioas_space_find_locked(const struct ioas_space *space,
                                         struct iova_range range)
{
	uint64_t page;
	const void *thing = ioas_index_from(
		&space->areas, ioas_space_page(space, range.first), &page);
	struct ioas_area *area = area_of(thing);

	if (!thing || (((uintptr_t)thing & ONE_PAGE) &&
	               page > ioas_space_page(space, range.last)))
		return NULL;
	return area->range.first <= range.last ? area : NULL;
}

struct ioas_area *ioas_space_before_locked(const struct ioas_space *space,
                                           uint64_t first)
{
	return area_of(ioas_index_before(&space->areas,
	                                 ioas_space_page(space, first)));
}

struct ioas_area *ioas_space_next_locked(const struct ioas_area *area,
                                         struct iova_range range)
{
	if (area->range.last >= range.last)
		return NULL;
	range.first = area->range.last + 1;
	return ioas_space_find_locked(area->space, range);
}
