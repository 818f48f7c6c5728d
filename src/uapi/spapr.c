/* SPDX-License-Identifier: MIT */
/* See spapr.h. The life of a container, its groups and its owner. */
#include "uapi/spapr.h"

#include <errno.h>

static const struct ioas_iommu_ops ops;

/* ---- What there is to ask for ---- */

static long check_extension(const struct ioas_vfio *vfio, bool is_on,
                            unsigned long extension)
{
	if (extension == VFIO_EEH)
		return vfio->machine->windows.eeh;
	return extension == VFIO_SPAPR_TCE_IOMMU ||
	       extension == VFIO_SPAPR_TCE_v2_IOMMU;
}

/* ---- The owner ---- */

static uint64_t caller(const struct ioas_vfio *vfio)
{
	return (vfio->front->caller ? vfio->front->caller() : 0) + 1;
}

void ioas_spapr_own(struct ioas_spapr *spapr)
{
	uint64_t none = 0;

	/* Pairs with itself and with the load in admits(): the first wins. */
	ioas_a64_cas(&spapr->owner, &none, caller(spapr->iommu.vfio));
}

static int admits(const struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	/* Pairs with ioas_spapr_own(). */
	uint64_t owner = ioas_a64_load(&spapr->owner);

	return owner && owner != caller(call->iommu->vfio) ? -EPERM : 0;
}

/* ---- Life ---- */

static unsigned int quirks(const struct ioas_vfio *vfio)
{
	switch (vfio->contract) {
	case IOAS_CONTRACT_LINUX_7_3:
		return IOAS_QUIRKS_LINUX_7_3;
	case IOAS_CONTRACT_LINUX_6_12:
		return IOAS_QUIRKS_LINUX_6_12;
	default:
		return 0;
	}
}

struct ioas_registry *ioas_spapr_registry_locked(struct ioas_vfio *vfio)
{
	const struct ioas_registry_config config = {
		.backend = vfio->mem.pinner.backend,
		.accountant = vfio->mem.pinner.accountant,
		.page_shift = vfio->page_shift,
		.moved = ioas_windows_moved,
	};

	if (!vfio->registry && ioas_registry_create(&config, &vfio->registry))
		return NULL;
	return vfio->registry;
}

static int make_set(struct ioas_spapr *spapr)
{
	struct ioas_vfio *vfio = spapr->iommu.vfio;
	const struct ioas_machine_windows *windows = &vfio->machine->windows;
	struct ioas_windows_config config = {
		.platform = &windows->platform,
		.accountant = vfio->mem.pinner.accountant,
		.page_shift = vfio->page_shift,
		.no_dynamic = windows->fixed,
		.quirks = quirks(vfio),
	};
	int ret;

	if (spapr->v2) {
		config.registry = ioas_spapr_registry_locked(vfio);
		if (!config.registry)
			return -ENOMEM;
		ret = ioas_holder_create(config.registry, &spapr->holder);
		if (ret)
			return ret;
	}
	return ioas_windows_create(&config, &spapr->set);
}

/* Messages are not translated: they are told by their address. */
static void furnish_space(struct ioas_spapr *spapr)
{
	struct ioas_space *space = ioas_windows_space(spapr->set);

	ioas_windows_leave_reports(spapr->set);
	ioas_space_msi_set(space, spapr->iommu.vfio->machine->msi.kind->range,
	                   false);
	space->around_locked = ioas_spapr_around;
	space->freed_locked = ioas_spapr_freed_locked;
	space->around_context = spapr;
	spapr->iommu.space = space;
}

static int create(struct ioas_vfio *vfio, unsigned long type,
                  struct ioas_iommu **ret_iommu)
{
	struct ioas_spapr *spapr;
	int ret;

	/* EEH is asked for like a type, but is none. */
	if (type != VFIO_SPAPR_TCE_IOMMU && type != VFIO_SPAPR_TCE_v2_IOMMU)
		return -EINVAL;
	spapr = ioas_new(struct ioas_spapr);
	if (!spapr)
		return -ENOMEM;
	spapr->iommu.ops = &ops;
	spapr->iommu.vfio = vfio;
	spapr->v2 = type == VFIO_SPAPR_TCE_v2_IOMMU;
	ret = make_set(spapr);
	if (ret) {
		ioas_holder_destroy(spapr->holder);
		ioas_delete(spapr);
		return ret;
	}
	furnish_space(spapr);
	/* Relaxed: nobody else has it yet. */
	ioas_a64_store_relaxed(&spapr->iommu.users, 1);
	*ret_iommu = &spapr->iommu;
	return 0;
}

static void unlock_pages_locked(struct ioas_spapr *spapr)
{
	struct ioas_accountant *account =
		spapr->iommu.vfio->mem.pinner.accountant;

	if (spapr->locked)
		account->uncharge(account, spapr->locked);
	spapr->locked = 0;
}

static void destroy(struct ioas_iommu *iommu)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);

	ioas_windows_destroy(spapr->set);
	ioas_spapr_notes_fini(spapr);
	ioas_holder_destroy(spapr->holder);
	unlock_pages_locked(spapr);
	ioas_delete(spapr);
}

/* ---- Groups ---- */

/* Devices see the space of the set, so there is nothing to tell them. */
static int group_set(struct ioas_window_group *group,
                     const struct ioas_window_program *program)
{
	return 0;
}

static void group_unset(struct ioas_window_group *group, unsigned int slot)
{
}

static const struct ioas_window_group_ops group_ops = {
	.set = group_set,
	.unset = group_unset,
};

static int attach(struct ioas_iommu *iommu, struct ioas_group *group)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);
	int ret;

	group->window.ops = &group_ops;
	ioas_lock(&spapr->lock);
	ret = ioas_windows_attach(spapr->set, &group->window);
	ioas_unlock(&spapr->lock);
	return ret;
}

/*
 * Its entries are those of all groups. What is mapped when the last one leaves
 * is told at the end of the container.
 */
static void detach(struct ioas_iommu *iommu, struct ioas_group *group)
{
	const struct iova_range all = {0, UINT64_MAX};
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);
	struct ioas_windows_info info;

	ioas_lock(&spapr->lock);
	ioas_windows_detach(spapr->set, &group->window);
	ioas_windows_describe(spapr->set, &info);
	if (info.groups)
		ioas_spapr_note_cut(spapr, all);
	ioas_unlock(&spapr->lock);
}

/* ---- What can be seen ---- */

/* Where nothing can be mapped, unmap fails: then there is nothing to see. */
void ioas_spapr_show_locked(struct ioas_spapr *spapr)
{
	struct ioas_container *container = spapr->shown_in;

	if (!container || !container->shown || !spapr->enabled) {
		ioas_windows_glance(spapr->set, NULL);
		return;
	}
	/* Who enabled it owns it. Pairs with the load in quick.c. */
	ioas_a64_store(&container->shown->owner, ioas_a64_load(&spapr->owner));
	ioas_windows_glance(spapr->set, &container->shown->glance);
}

static void show(struct ioas_iommu *iommu, struct ioas_container *container)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);

	ioas_lock(&spapr->lock);
	spapr->shown_in = container;
	ioas_spapr_show_locked(spapr);
	ioas_unlock(&spapr->lock);
}

/* ---- GET_INFO, ENABLE, DISABLE ---- */

static long get_info(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	struct ioas_spapr_info info = {.argsz = call->in.head.argsz};
	struct ioas_windows_info set;
	size_t bytes = offsetof(struct ioas_spapr_info, pgsizes);

	ioas_windows_describe(spapr->set, &set);
	info.dma32_window_start = (uint32_t)set.default_start;
	info.dma32_window_size = (uint32_t)set.default_bytes;
	if (info.argsz >= sizeof(info))
		bytes = sizeof(info);
	if (spapr->v2 && set.windows) {
		info.flags = IOAS_SPAPR_INFO_DDW;
		info.pgsizes = set.page_sizes;
		info.max_dynamic_windows_supported = set.windows;
		info.levels = set.levels;
	}
	return ioas_copy_out(call->at, &info, bytes);
}

static int is_v1(const struct ioas_call *call)
{
	return ioas_spapr_of(call->iommu)->v2 ? -ENOTTY : 0;
}

static long enable_locked(struct ioas_spapr *spapr)
{
	struct ioas_accountant *account =
		spapr->iommu.vfio->mem.pinner.accountant;
	struct ioas_windows_info set;
	uint64_t pages;
	int ret;

	if (spapr->enabled)
		return -EBUSY;
	ioas_windows_describe(spapr->set, &set);
	if (!set.default_bytes)
		return -EPERM;
	ioas_spapr_own(spapr);
	pages = set.default_bytes >> spapr->iommu.vfio->page_shift;
	ret = account ? account->charge(account, pages) : 0;
	if (ret)
		return ret;
	spapr->locked = account ? pages : 0;
	spapr->enabled = true;
	ioas_spapr_show_locked(spapr);
	return 0;
}

static long enable(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	long ret;

	ioas_lock(&spapr->lock);
	ret = enable_locked(spapr);
	ioas_unlock(&spapr->lock);
	return ret;
}

/* What is mapped stays, and so do windows. */
static long disable(struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);

	ioas_lock(&spapr->lock);
	unlock_pages_locked(spapr);
	spapr->enabled = false;
	ioas_spapr_show_locked(spapr);
	ioas_unlock(&spapr->lock);
	return 0;
}

int ioas_spapr_is_enabled(const struct ioas_call *call)
{
	struct ioas_spapr *spapr = ioas_spapr_of(call->iommu);
	bool enabled;

	ioas_lock(&spapr->lock);
	enabled = spapr->enabled;
	ioas_unlock(&spapr->lock);
	return enabled ? 0 : -EPERM;
}

int ioas_spapr_is_v2(const struct ioas_call *call)
{
	return ioas_spapr_of(call->iommu)->v2 ? 0 : -ENOTTY;
}

int ioas_spapr_owns_v2(const struct ioas_call *call)
{
	int ret = ioas_spapr_is_v2(call);

	if (!ret)
		ioas_spapr_own(ioas_spapr_of(call->iommu));
	return ret;
}

int ioas_spapr_has_owner(const struct ioas_call *call)
{
	int ret = ioas_spapr_is_v2(call);

	/* Pairs with ioas_spapr_own(). */
	if (!ret && !ioas_a64_load(&ioas_spapr_of(call->iommu)->owner))
		ret = -EPERM;
	return ret;
}

/* ---- Tables ---- */

const struct ioas_command ioas_spapr_commands[IOAS_VFIO_COMMANDS] = {
	[IOAS_COMMAND(VFIO_IOMMU_SPAPR_TCE_GET_INFO)] =
		{.name = "VFIO_IOMMU_SPAPR_TCE_GET_INFO",
                 .run = get_info,
                 .min = offsetof(struct ioas_spapr_info, pgsizes),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_IOMMU_MAP_DMA)] =
		{.name = "VFIO_IOMMU_MAP_DMA",
                 .run = ioas_spapr_map,
                 .admits = ioas_spapr_is_enabled,
                 .min = sizeof(struct vfio_iommu_type1_dma_map),
                 .known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE},
	[IOAS_COMMAND(VFIO_IOMMU_UNMAP_DMA)] =
		{.name = "VFIO_IOMMU_UNMAP_DMA",
                 .run = ioas_spapr_unmap,
                 .admits = ioas_spapr_is_enabled,
                 .min = sizeof(struct ioas_vfio_unmap)},
	[IOAS_COMMAND(VFIO_IOMMU_ENABLE)] = {.name = "VFIO_IOMMU_ENABLE",
                                             .run = enable,
                                             .admits = is_v1},
	[IOAS_COMMAND(VFIO_IOMMU_DISABLE)] = {.name = "VFIO_IOMMU_DISABLE",
                                              .run = disable,
                                              .admits = is_v1},
	[IOAS_COMMAND(VFIO_IOMMU_SPAPR_REGISTER_MEMORY)] =
		{.name = "VFIO_IOMMU_SPAPR_REGISTER_MEMORY",
                 .run = ioas_spapr_register,
                 .admits = ioas_spapr_owns_v2,
                 .min = sizeof(struct ioas_spapr_memory)},
	[IOAS_COMMAND(VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY)] =
		{.name = "VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY",
                 .run = ioas_spapr_unregister,
                 .admits = ioas_spapr_has_owner,
                 .min = sizeof(struct ioas_spapr_memory)},
	[IOAS_COMMAND(VFIO_IOMMU_SPAPR_TCE_CREATE)] =
		{.name = "VFIO_IOMMU_SPAPR_TCE_CREATE",
                 .run = ioas_spapr_create,
                 .admits = ioas_spapr_owns_v2,
                 .min = sizeof(struct ioas_spapr_window)},
	[IOAS_COMMAND(VFIO_IOMMU_SPAPR_TCE_REMOVE)] =
		{.name = "VFIO_IOMMU_SPAPR_TCE_REMOVE",
                 .run = ioas_spapr_remove,
                 .admits = ioas_spapr_owns_v2,
                 .min = sizeof(struct ioas_spapr_remove)},
	[IOAS_COMMAND(VFIO_EEH_PE_OP)] = {.name = "VFIO_EEH_PE_OP",
                                          .run = ioas_spapr_eeh,
                                          .admits = ioas_spapr_has_eeh,
                                          .min = IOAS_EEH_OP_BYTES},
};

static const struct ioas_iommu_ops ops = {
	.commands = ioas_spapr_commands,
	.admits = admits,
	.attach = attach,
	.detach = detach,
	.show = show,
	.tell_live = ioas_spapr_tell_live,
	.list = ioas_spapr_list,
	.tell_denied = ioas_spapr_tell_denied,
	.destroy = destroy,
};

const struct ioas_iommu_driver ioas_spapr_driver = {
	.extension = check_extension,
	.create = create,
	.commands = ioas_spapr_commands,
};
