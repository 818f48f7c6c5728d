/* SPDX-License-Identifier: MIT */
/*
 * The type1 back end: an address space whose mappings are made one by one and
 * pinned when they are made. Two versions differ in what unmap may cut
 * (type1_unmap.c).
 *
 * A mapping's address in the program can be declared invalid and given anew;
 * devices go on using the pages that were pinned. So the new address changes
 * nothing but the flag.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_type1.c
 */
#include <errno.h>
#include <inttypes.h>

#include "uapi/state.h"

static const struct ioas_iommu_ops ops;

/*
 * Answers without and with a back end that is on. Beyond the end: 0.
 * Linux 6.12 still names nesting, which can be had from no IOMMU here:
 * SET_IOMMU of it fails in the attach.
 */
static const struct {
	bool off, on;
	bool if_coherent; /* on only with an IOMMU that enforces coherency */
	bool only_6_12;
} extensions[] = {
	[VFIO_TYPE1_IOMMU] = {true, true, false, false},
	[VFIO_TYPE1v2_IOMMU] = {true, true, false, false},
	[VFIO_DMA_CC_IOMMU] = {false, true, true, false},
	[VFIO_TYPE1_NESTING_IOMMU] = {true, true, false, true},
	[VFIO_UNMAP_ALL] = {true, true, false, false},
	[VFIO_UPDATE_VADDR] = {false, true, false, false},
};

static long check_extension(const struct ioas_vfio *vfio, bool is_on,
                            unsigned long extension)
{
	if (extension >= IOAS_ARRAY_SIZE(extensions))
		return 0;
	if (extensions[extension].only_6_12 &&
	    vfio->contract != IOAS_CONTRACT_LINUX_6_12)
		return 0;
	if (!is_on)
		return extensions[extension].off;
	if (extensions[extension].if_coherent)
		return vfio->machine->profile->coherent;
	return extensions[extension].on;
}

/* Pages smaller than the program's are replaced by that one. */
static uint64_t usable_page_sizes(const struct ioas_vfio *vfio)
{
	const struct ioas_profile *profile = vfio->machine->profile;
	uint64_t sizes = profile->page_sizes;
	uint64_t small = ioas_mask_lg2(vfio->page_shift);

	if (vfio->contract == IOAS_CONTRACT_LINUX_6_12 &&
	    profile->page_sizes_6_12)
		sizes = profile->page_sizes_6_12;
	if (sizes & small)
		sizes = (sizes & ~small) | (small + 1);
	return sizes;
}

static unsigned int lowest_bit(uint64_t bits)
{
	return (unsigned int)__builtin_ctzll(bits);
}

/* Interrupts that others can raise are for who asked for them. */
static bool interrupts_are_safe(const struct ioas_vfio *vfio)
{
	const struct ioas_machine *machine = vfio->machine;

	return machine->unsafe_interrupts || machine->msi.kind->isolated;
}

/* Where messages are not translated it is the same for every container. */
static void begin_messages(struct ioas_type1 *type1)
{
	const struct ioas_msi_kind *kind = type1->iommu.vfio->machine->msi.kind;

	ioas_msi_doorbells_init(&type1->doorbells, NULL,
	                        type1->iommu.space->page_shift);
	if (!kind->doorbell)
		ioas_space_msi_set(type1->iommu.space, kind->range, false);
}

/* Else it is where the first group says: no other one is asked. */
static void place_doorbells_locked(struct ioas_type1 *type1,
                                   const struct ioas_reserved_list *list)
{
	struct iova_range window;

	if (type1->attached || !type1->iommu.vfio->machine->msi.kind->doorbell)
		return;
	type1->attached = true;
	if (!ioas_reserved_sw_msi(list, &window))
		return;
	ioas_space_msi_set(type1->iommu.space, window, true);
	ioas_msi_doorbells_init(&type1->doorbells, &window,
	                        type1->iommu.space->page_shift);
}

static int doorbell(struct ioas_iommu *iommu, struct phys phys,
                    struct ioas_msi_doorbell *ret_doorbell)
{
	struct ioas_type1 *type1 = ioas_type1_of(iommu);
	int ret = ioas_msi_doorbells_prepare(&type1->doorbells, phys,
	                                     ret_doorbell);

	return ret ? ret : ioas_space_install(iommu->space, &type1->doorbells);
}

static int check_version(const struct ioas_vfio *vfio, unsigned long version)
{
	int nesting = vfio->machine->profile->nesting_6_12;

	if (version == VFIO_TYPE1_IOMMU || version == VFIO_TYPE1v2_IOMMU)
		return interrupts_are_safe(vfio) ? 0 : -EPERM;
	/* Extensions that are no type, or none that can be had. */
	if (version == VFIO_TYPE1_NESTING_IOMMU &&
	    vfio->contract == IOAS_CONTRACT_LINUX_6_12 && nesting)
		return nesting;
	return -EINVAL;
}

static int create(struct ioas_vfio *vfio, unsigned long version,
                  struct ioas_iommu **ret_iommu)
{
	const struct ioas_profile *profile = vfio->machine->profile;
	uint64_t sizes = usable_page_sizes(vfio);
	struct ioas_space_config config = {
		.page_shift = lowest_bit(sizes),
		.aperture = profile->aperture,
		.format = profile->format,
		.backend = vfio->mem.pinner.backend,
		.dirty = vfio->dirty_written,
	};
	struct ioas_type1 *type1;
	int ret = check_version(vfio, version);

	if (ret)
		return ret;
	type1 = ioas_new(struct ioas_type1);
	if (!type1)
		return -ENOMEM;
	ret = ioas_space_create(&config, &type1->iommu.space);
	if (ret) {
		ioas_delete(type1);
		return ret;
	}
	type1->iommu.ops = &ops;
	type1->iommu.vfio = vfio;
	begin_messages(type1);
	type1->marks = config.dirty;
	type1->version = version;
	type1->page_sizes = sizes;
	/* Relaxed: nobody else has it yet. */
	ioas_a64_store_relaxed(&type1->iommu.users, 1);
	*ret_iommu = &type1->iommu;
	return 0;
}

static void tell_live(struct ioas_iommu *iommu, enum ioas_event_kind kind,
                      const struct ioas_device *device)
{
	const struct iova_range all = {0, UINT64_MAX};
	struct ioas_space *space = iommu->space;
	uint32_t site_now = ioas_call_site();
	struct ioas_area *area;

	ioas_lock(&space->lock);
	area = ioas_space_find_locked(space, all);
	for (; area; area = ioas_space_next_locked(area, all)) {
		struct ioas_event ev = {
			.kind = kind,
			.space = space->id,
			.perm = area->perm,
			.range = area->range,
			.uaddr = area->uaddr,
			.site = area->site,
			.site_now = site_now,
			.what = "container",
			.device = device ? device->name : NULL,
			.model = device ? device->model->name : NULL,
		};

		ioas_tell(&ev);
	}
	ioas_unlock(&space->lock);
}

/* Windows say more; here mappings are what there is. */
static void list(struct ioas_iommu *iommu, struct ioas_lines *text)
{
	struct ioas_space *space = iommu->space;
	unsigned int version =
		ioas_type1_of(iommu)->version == VFIO_TYPE1_IOMMU ? 1 : 2;
	uint64_t mappings, tables;

	ioas_lock(&space->lock);
	mappings = space->area_count;
	tables = ioas_a64_load(&space->pt.tables);
	ioas_unlock(&space->lock);
	if (text->json)
		ioas_lines_add(text,
		               "{\"type\":\"container\",\"container\":%u,"
		               "\"iommu\":\"type1\",\"version\":%u,"
		               "\"mappings\":%" PRIu64 ",\"tables\":%" PRIu64
		               "}\n",
		               space->id, version, mappings, tables);
	else
		ioas_lines_add(text,
		               "container %u: type1 version %u, %" PRIu64
		               " mapping%s, %" PRIu64 " table%s\n",
		               space->id, version, mappings,
		               ioas_plural(mappings), tables,
		               ioas_plural(tables));
}

static void destroy(struct ioas_iommu *iommu)
{
	/* A statistic. */
	ioas_a64_add(&iommu->vfio->live, -iommu->space->area_count);
	ioas_space_destroy(iommu->space);
	ioas_delete(ioas_type1_of(iommu));
}

static int attach_locked(struct ioas_type1 *type1, unsigned int group)
{
	struct ioas_reserved_list list = {0};
	int ret;

	if (type1->vaddr_invalid)
		return -EBUSY;
	ret = ioas_group_reserved(type1->iommu.vfio->machine, group, &list);
	if (!ret)
		ret = ioas_space_reserve_locked(type1->iommu.space, &list,
		                                group);
	if (!ret)
		place_doorbells_locked(type1, &list);
	ioas_reserved_fini(&list);
	return ret == -EADDRINUSE ? -EINVAL : ret;
}

static int attach(struct ioas_iommu *iommu, struct ioas_group *group)
{
	int ret;

	ioas_lock(&iommu->space->lock);
	ret = attach_locked(ioas_type1_of(iommu), group->number);
	ioas_unlock(&iommu->space->lock);
	return ret;
}

/*
 * Linux makes the new list within the ends of the old one, for groups that have
 * one domain as all here: what only the group took there stays taken.
 */
static void detach(struct ioas_iommu *iommu, struct ioas_group *group)
{
	ioas_lock(&iommu->space->lock);
	ioas_space_unreserve_locked(iommu->space, group->number,
	                            ioas_vfio_is_exact(iommu->vfio));
	ioas_unlock(&iommu->space->lock);
}

int ioas_type1_overflow(const struct ioas_type1 *type1)
{
	return type1->iommu.vfio->contract == IOAS_CONTRACT_LINUX_6_12
	               ? -EINVAL
	               : -EOVERFLOW;
}

bool ioas_type1_is_blind(const struct ioas_type1 *type1,
                         struct iova_range range)
{
	return type1->iommu.vfio->contract == IOAS_CONTRACT_LINUX_6_12 &&
	       range.last == UINT64_MAX;
}

int ioas_type1_range(const struct ioas_type1 *type1, uint64_t first,
                     uint64_t size, struct iova_range *ret_range)
{
	if (first + (size - 1) < first)
		return ioas_type1_overflow(type1);
	ret_range->first = first;
	ret_range->last = first + (size - 1);
	return 0;
}

/* ---- MAP_DMA ---- */

#define MAP_PERM (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/* In 6.12 in another order; whatever comes first there, it is EINVAL. */
static int map_check(const struct ioas_type1 *type1,
                     const struct vfio_iommu_type1_dma_map *map,
                     struct iova_range *ret_range)
{
	uint64_t mask = ioas_type1_page_mask(type1);
	struct iova_range memory;
	bool vaddr = map->flags & VFIO_DMA_MAP_FLAG_VADDR;
	bool perm = map->flags & MAP_PERM;

	/* A process may have addresses of 32 bits. */
	if (map->vaddr > UINTPTR_MAX || map->size > SIZE_MAX)
		return ioas_type1_overflow(type1);
	if (map->size == 0)
		return -EINVAL;
	if (ioas_type1_range(type1, map->iova, map->size, ret_range) ||
	    ioas_type1_range(type1, map->vaddr, map->size, &memory))
		return ioas_type1_overflow(type1);
	if (vaddr == perm)
		return -EINVAL;
	if ((map->size | map->iova | map->vaddr) & mask)
		return -EINVAL;
	return 0;
}

/* What a new mapping would meet. */
static struct ioas_area *met_locked(const struct ioas_type1 *type1,
                                    struct iova_range range)
{
	if (ioas_type1_is_blind(type1, range))
		return NULL;
	return ioas_space_find_locked(type1->iommu.space, range);
}

/* The memory stays what it is; that the program can reach it again is said. */
static int map_vaddr_locked(struct ioas_type1 *type1, struct iova_range range)
{
	struct ioas_area *area = met_locked(type1, range);

	if (!area)
		return -ENOENT;
	if (!area->vaddr_invalid || area->range.first != range.first ||
	    area->range.last != range.last)
		return -EINVAL;
	area->vaddr_invalid = false;
	type1->vaddr_invalid--;
	return 0;
}

static int map_new_locked(struct ioas_type1 *type1,
                          const struct vfio_iommu_type1_dma_map *map,
                          struct iova_range range)
{
	struct ioas_vfio *vfio = type1->iommu.vfio;
	struct ioas_map_request request = {
		.mem = &vfio->mem,
		.range = range,
		.uaddr = {map->vaddr},
		.perm = ioas_map_perm(map->flags),
	};

	if (met_locked(type1, range))
		return -EEXIST;
	if (type1->iommu.space->area_count >= vfio->entry_limit)
		return -ENOSPC;
	return ioas_space_map_locked(type1->iommu.space, &request);
}

long ioas_type1_map(struct ioas_call *call)
{
	const struct vfio_iommu_type1_dma_map *map = &call->in.map;
	struct ioas_type1 *type1 = ioas_type1_of(call->iommu);
	struct iova_range range;
	int ret = map_check(type1, map, &range);

	if (ret)
		return ret;
	ioas_lock(&type1->iommu.space->lock);
	if (map->flags & VFIO_DMA_MAP_FLAG_VADDR) {
		ret = map_vaddr_locked(type1, range);
	} else {
		ret = map_new_locked(type1, map, range);
		if (!ret)
			ioas_count_maps(type1->iommu.vfio, 1);
	}
	ioas_unlock(&type1->iommu.space->lock);
	return ret;
}

#define DIRTY_FLAGS                          \
	(VFIO_IOMMU_DIRTY_PAGES_FLAG_START | \
	 VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP |  \
	 VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP)
#define UNMAP_FLAGS                                                       \
	(VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL | \
	 VFIO_DMA_UNMAP_FLAG_VADDR)

const struct ioas_command ioas_type1_commands[IOAS_VFIO_COMMANDS] = {
	[IOAS_COMMAND(VFIO_IOMMU_GET_INFO)] =
		{.name = "VFIO_IOMMU_GET_INFO",
                 .run = ioas_type1_get_info,
                 .min = offsetof(struct ioas_vfio_type1_info, cap_offset),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_IOMMU_MAP_DMA)] =
		{.name = "VFIO_IOMMU_MAP_DMA",
                 .run = ioas_type1_map,
                 .min = sizeof(struct vfio_iommu_type1_dma_map),
                 .known = MAP_PERM | VFIO_DMA_MAP_FLAG_VADDR},
	[IOAS_COMMAND(VFIO_IOMMU_UNMAP_DMA)] = {.name = "VFIO_IOMMU_UNMAP_DMA",
                                                .run = ioas_type1_unmap,
                                                .min = sizeof(
							struct ioas_vfio_unmap),
                                                .known = UNMAP_FLAGS},
	[IOAS_COMMAND(VFIO_IOMMU_DIRTY_PAGES)] =
		{.name = "VFIO_IOMMU_DIRTY_PAGES",
                 .run = ioas_type1_dirty_pages,
                 .admits = ioas_type1_dirty_admits,
                 .min = sizeof(struct ioas_vfio_head),
                 .known = DIRTY_FLAGS},
};

static const struct ioas_iommu_ops ops = {
	.commands = ioas_type1_commands,
	.attach = attach,
	.detach = detach,
	.doorbell = doorbell,
	.tell_live = tell_live,
	.list = list,
	.tell_denied = ioas_type1_tell_denied,
	.destroy = destroy,
};

const struct ioas_iommu_driver ioas_type1_driver = {
	.extension = check_extension,
	.create = create,
	.commands = ioas_type1_commands,
};
