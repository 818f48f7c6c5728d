/* SPDX-License-Identifier: MIT */
/*
 * Containers: groups that share a back end. The back end comes with SET_IOMMU,
 * which needs a group, and goes with the last group, all its mappings with it.
 *
 * CHECK_EXTENSION takes no lock: the only thing it asks is whether the back end
 * is there, one word.
 *
 * Source: Linux 7.3 drivers/vfio/container.c
 */
#include <errno.h>

#include "uapi/state.h"

static long get_api_version(struct ioas_call *call)
{
	return VFIO_API_VERSION;
}

static long check_extension(struct ioas_call *call)
{
	struct ioas_container *container = call->file->container;
	/* Pairs with the stores in iommu_set() and iommu_take(). */
	bool is_on = ioas_a32_load(&container->iommu_is_on);

	return ioas_iommu_driver(container->vfio)
	        ->extension(container->vfio, is_on, call->value);
}

static void iommu_set(struct ioas_container *container,
                      struct ioas_iommu *iommu)
{
	container->iommu = iommu;
	if (iommu->ops->show)
		iommu->ops->show(iommu, container);
	/* Pairs with the load in check_extension(). */
	ioas_a32_store(&container->iommu_is_on, 1);
}

static struct ioas_iommu *iommu_take(struct ioas_container *container)
{
	struct ioas_iommu *iommu = container->iommu;

	container->iommu = NULL;
	if (iommu && iommu->ops->show)
		iommu->ops->show(iommu, NULL);
	/* Pairs with the load in check_extension(). */
	ioas_a32_store(&container->iommu_is_on, 0);
	return iommu;
}

/* All groups or none: what one brings along may leave nothing to another. */
static int attach_all_locked(struct ioas_container *container,
                             struct ioas_iommu *iommu)
{
	struct ioas_group *group;
	int ret = 0;

	for (group = container->groups; !ret && group; group = group->next)
		ret = iommu->ops->attach(iommu, group);
	for (group = container->groups; !ret && group; group = group->next)
		ioas_group_attach_locked(group, iommu->space);
	return ret;
}

static long set_iommu_locked(struct ioas_container *container,
                             unsigned long type)
{
	const struct ioas_iommu_driver *driver =
		ioas_iommu_driver(container->vfio);
	struct ioas_iommu *iommu;
	int ret;

	if (!container->groups || container->iommu)
		return -EINVAL;
	/* A back end is asked to open whatever it calls an extension. */
	if (driver->extension(container->vfio, false, type) <= 0)
		return -ENODEV;
	ret = driver->create(container->vfio, type, &iommu);
	if (ret)
		return ret;
	ret = attach_all_locked(container, iommu);
	if (ret) {
		/* Nothing is mapped: nobody is waited for. */
		ioas_iommu_put(iommu);
		return ret;
	}
	iommu_set(container, iommu);
	return 0;
}

static long set_iommu(struct ioas_call *call)
{
	struct ioas_container *container = call->file->container;
	long ret;

	ioas_lock(&container->vfio->lock);
	ret = set_iommu_locked(container, call->value);
	ioas_unlock(&container->vfio->lock);
	return ret;
}

const struct ioas_command ioas_container_commands[IOAS_VFIO_COMMANDS] = {
	[IOAS_COMMAND(VFIO_GET_API_VERSION)] = {.name = "VFIO_GET_API_VERSION",
                                                .run = get_api_version,
                                                .flags =
                                                        IOAS_COMMAND_LOCK_FREE},
	[IOAS_COMMAND(VFIO_CHECK_EXTENSION)] = {.name = "VFIO_CHECK_EXTENSION",
                                                .run = check_extension,
                                                .flags =
                                                        IOAS_COMMAND_LOCK_FREE},
	[IOAS_COMMAND(VFIO_SET_IOMMU)] = {.name = "VFIO_SET_IOMMU",
                                          .run = set_iommu},
};

int ioas_container_add_locked(struct ioas_container *container,
                              struct ioas_group *group)
{
	int ret;

	if (container->iommu) {
		ret = container->iommu->ops->attach(container->iommu, group);
		if (ret)
			return ret;
		ioas_group_attach_locked(group, container->iommu->space);
	}
	group->container = container;
	group->next = container->groups;
	container->groups = group;
	container->users++;
	return 0;
}

struct ioas_iommu *ioas_container_remove_locked(struct ioas_group *group)
{
	struct ioas_container *container = group->container;
	struct ioas_iommu *iommu = NULL;
	struct ioas_group **link = &container->groups;

	ioas_group_attach_locked(group, NULL);
	if (container->iommu)
		container->iommu->ops->detach(container->iommu, group);
	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	group->container = NULL;
	if (!container->groups)
		iommu = iommu_take(container);
	ioas_container_put_locked(container);
	return iommu;
}

void ioas_container_put_locked(struct ioas_container *container)
{
	struct ioas_container **link = &container->vfio->containers;

	if (--container->users)
		return;
	while (*link != container)
		link = &(*link)->next;
	*link = container->next;
	if (container->shown)
		container->shown->taken = false;
	ioas_delete(container);
}

struct ioas_iommu *ioas_container_iommu_get(struct ioas_container *container)
{
	struct ioas_iommu *iommu;

	ioas_lock(&container->vfio->lock);
	iommu = container->iommu;
	if (iommu)
		ioas_iommu_use(iommu);
	ioas_unlock(&container->vfio->lock);
	return iommu;
}

static struct ioas_shown *take_shown_locked(struct ioas_vfio *vfio)
{
	unsigned int i;

	for (i = 0; i < IOAS_SHOWN_MAX; i++) {
		if (vfio->shown[i].taken)
			continue;
		vfio->shown[i].taken = true;
		return &vfio->shown[i];
	}
	return NULL;
}

static struct ioas_container *container_create(struct ioas_vfio *vfio)
{
	struct ioas_container *container = ioas_new(struct ioas_container);

	if (!container)
		return NULL;
	container->vfio = vfio;
	container->users = 1;
	return container;
}

int ioas_vfio_open_container(struct ioas_vfio *vfio,
                             struct ioas_file **ret_file)
{
	struct ioas_file *file = ioas_file_create(vfio, IOAS_FILE_CONTAINER);
	struct ioas_container *container;
	struct ioas_signals saved;

	if (!file)
		return -ENOMEM;
	container = container_create(vfio);
	if (!container) {
		ioas_delete(file);
		return -ENOMEM;
	}
	ioas_hooks.signals_block(&saved);
	ioas_lock(&vfio->lock);
	container->shown = take_shown_locked(vfio);
	container->next = vfio->containers;
	vfio->containers = container;
	ioas_unlock(&vfio->lock);
	ioas_hooks.signals_restore(&saved);
	file->container = container;
	*ret_file = file;
	return 0;
}
