/* SPDX-License-Identifier: MIT */
/*
 * Groups: what is given to a program as a whole. A group is open once in the
 * whole run (front end: claim and release) and stays open until its own file
 * and the files of all its devices are closed.
 *
 * Its devices are started when it is opened, so that one that cannot start
 * (its file is missing, say) fails there, with a sentence. They end when it is
 * closed: another process of the run may have the group, and its files, next.
 *
 * Source: Linux 7.3 drivers/vfio/group.c
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "uapi/state.h"

struct ioas_vdevice *ioas_group_device(struct ioas_group *group,
                                       struct ioas_vdevice *last)
{
	struct ioas_vfio *vfio = group->vfio;
	struct ioas_vdevice *end = vfio->device + vfio->machine->function_count;
	struct ioas_vdevice *v = last ? last + 1 : vfio->device;

	while (v < end && v->group != group)
		v++;
	return v < end ? v : NULL;
}

struct ioas_group *ioas_group_find(struct ioas_vfio *vfio, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < vfio->group_count; i++)
		if (vfio->group[i].number == number)
			return &vfio->group[i];
	return NULL;
}

static bool is_direct(const struct ioas_function *f)
{
	unsigned int i;

	for (i = 0; i < f->reserved_count; i++)
		if (f->reserved[i].kind == IOAS_RESERVED_DIRECT)
			return true;
	return false;
}

static bool group_is_direct(const struct ioas_group *group)
{
	const struct ioas_machine *machine = group->vfio->machine;
	unsigned int i;

	for (i = 0; i < machine->function_count; i++)
		if (machine->function[i].group == group->number &&
		    is_direct(&machine->function[i]))
			return true;
	return false;
}

void ioas_group_attach_locked(struct ioas_group *group,
                              struct ioas_space *space)
{
	struct ioas_vdevice *v;

	for (v = ioas_group_device(group, NULL); v;
	     v = ioas_group_device(group, v)) {
		if (v->dev)
			ioas_device_attach(v->dev, space);
	}
}

struct ioas_iommu *ioas_group_iommu_get(struct ioas_group *group)
{
	struct ioas_iommu *iommu = NULL;

	ioas_lock(&group->vfio->lock);
	if (group->container)
		iommu = group->container->iommu;
	if (iommu)
		ioas_iommu_use(iommu);
	ioas_unlock(&group->vfio->lock);
	return iommu;
}

static int start_devices(struct ioas_group *group, char *ret_failure)
{
	struct ioas_vdevice *v;
	int ret;

	for (v = ioas_group_device(group, NULL); v;
	     v = ioas_group_device(group, v)) {
		if (v->dev)
			continue;
		ret = ioas_machine_device(group->vfio->machine, v->function,
		                          &v->dev, ret_failure);
		if (ret)
			return ret;
		if (group->vfio->contract != IOAS_CONTRACT_STRICT)
			ioas_device_config_as_linux(v->dev);
	}
	return 0;
}

static void stop_devices(struct ioas_group *group)
{
	struct ioas_vdevice *v;

	for (v = ioas_group_device(group, NULL); v;
	     v = ioas_group_device(group, v)) {
		v->dev = NULL;
		ioas_machine_stop(group->vfio->machine, v->function);
	}
}

static int open_locked(struct ioas_group *group, char *ret_failure)
{
	const struct ioas_front *front = group->vfio->front;
	int ret;

	if (group->open)
		return -EBUSY;
	ret = front->group_claim(group->number);
	if (ret)
		return ret;
	ioas_pe_restart(ioas_group_pe(group));
	/* First: what is seen of it from here on is not older. */
	group->changes = ioas_group_changes(group);
	ret = ioas_group_is_gone(group) ? -ENODEV
	                                : start_devices(group, ret_failure);
	if (ret) {
		stop_devices(group);
		front->group_release(group->number);
		return ret;
	}
	group->open = true;
	group->file_open = true;
	return 0;
}

int ioas_group_open(struct ioas_group *group)
{
	char failure[IOAS_TEXT_MAX] = "";
	int ret;

	ioas_lock(&group->vfio->lock);
	ret = open_locked(group, failure);
	ioas_unlock(&group->vfio->lock);
	if (ret && failure[0])
		group->vfio->front->complain(failure);
	return ret;
}

struct ioas_iommu *ioas_group_settle_locked(struct ioas_group *group)
{
	struct ioas_iommu *iommu = NULL;

	if (group->file_open || group->users)
		return NULL;
	if (group->container)
		iommu = ioas_container_remove_locked(group);
	stop_devices(group);
	group->open = false;
	group->vfio->front->group_release(group->number);
	return iommu;
}

void ioas_group_close(struct ioas_group *group)
{
	struct ioas_iommu *iommu;

	ioas_lock(&group->vfio->lock);
	group->file_open = false;
	iommu = ioas_group_settle_locked(group);
	ioas_unlock(&group->vfio->lock);
	ioas_iommu_put(iommu);
}

int ioas_vfio_open_group(struct ioas_vfio *vfio, unsigned int group,
                         struct ioas_file **ret_file)
{
	struct ioas_group *found = ioas_group_find(vfio, group);
	struct ioas_signals saved;
	struct ioas_file *file;
	int ret;

	if (!found)
		return -ENODEV;
	file = ioas_file_create(vfio, IOAS_FILE_GROUP);
	if (!file)
		return -ENOMEM;
	file->group = found;
	ioas_hooks.signals_block(&saved);
	ret = ioas_group_open(found);
	ioas_hooks.signals_restore(&saved);
	if (ret) {
		ioas_delete(file);
		return ret;
	}
	*ret_file = file;
	return 0;
}

/* ---- Commands ---- */

static long get_status(struct ioas_call *call)
{
	struct ioas_group *group = call->file->group;

	if (ioas_group_is_gone(group))
		return -ENODEV;
	call->in.status.flags = VFIO_GROUP_FLAGS_VIABLE;
	ioas_lock(&group->vfio->lock);
	if (group->container)
		call->in.status.flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	ioas_unlock(&group->vfio->lock);
	return ioas_copy_out(call->at, &call->in, sizeof(call->in.status));
}

/* A function that went took its group out of the container. */
static void leave_when_gone_locked(struct ioas_group *group,
                                   struct ioas_iommu **ret_iommu)
{
	if (group->container && ioas_group_is_gone(group))
		*ret_iommu = ioas_container_remove_locked(group);
}

/* What the kernel says in its log. */
static void complain_direct(const struct ioas_group *group)
{
	char text[IOAS_TEXT_MAX];

	snprintf(text, sizeof(text),
	         "%s has a direct reserved range: its firmware wants that "
	         "mapped 1:1 at all times, so no program gets the group",
	         group->name);
	group->vfio->front->complain(text);
}

static long set_container(struct ioas_call *call)
{
	struct ioas_group *group = call->file->group;
	struct ioas_vfio *vfio = group->vfio;
	struct ioas_iommu *iommu = NULL;
	struct ioas_file *file;
	bool direct = false;
	int32_t fd;
	long ret;

	if (ioas_copy_in(&fd, call->at, sizeof(fd)))
		return -EFAULT;
	ret = vfio->front->fd_file(fd, &file);
	if (ret)
		return ret;
	ioas_lock(&vfio->lock);
	leave_when_gone_locked(group, &iommu);
	if (group->container)
		ret = -EINVAL;
	else if (ioas_group_is_gone(group))
		ret = -ENODEV;
	else if (!file || file->kind != IOAS_FILE_CONTAINER)
		ret = -EBADFD;
	else if (!(direct = group_is_direct(group)))
		ret = ioas_container_add_locked(file->container, group);
	else
		ret = -EINVAL;
	ioas_unlock(&vfio->lock);
	ioas_iommu_put(iommu);
	if (direct)
		complain_direct(group);
	return ret;
}

static long unset_container(struct ioas_call *call)
{
	struct ioas_group *group = call->file->group;
	struct ioas_iommu *iommu = NULL;
	long ret = 0;

	ioas_lock(&group->vfio->lock);
	leave_when_gone_locked(group, &iommu);
	if (!group->container)
		ret = -EINVAL;
	else if (group->users)
		ret = -EBUSY;
	else
		iommu = ioas_container_remove_locked(group);
	ioas_unlock(&group->vfio->lock);
	ioas_iommu_put(iommu);
	return ret;
}

/*
 * A string of the program, no further than its end: what is behind may not be
 * there. Return: 0, -EFAULT, -EINVAL (no end within @room).
 */
static int copy_string(char *to, struct uaddr from, size_t room)
{
	size_t done = 0, piece;
	const size_t step = 64;

	while (done < room) {
		/* A step that does not cross its own size crosses no page. */
		piece = step - ((from.raw + done) & (step - 1));
		if (piece > room - done)
			piece = room - done;
		if (ioas_copy_in(to + done, ioas_uaddr_add(from, done), piece))
			return -EFAULT;
		if (memchr(to + done, '\0', piece))
			return 0;
		done += piece;
	}
	return -EINVAL;
}

/* -ENODEV, or what is wrong with its options. */
static int find_device(struct ioas_group *group, const char *text,
                       struct ioas_vdevice **ret_vdevice)
{
	struct ioas_vf_token token;
	struct ioas_vdevice *v;
	int match;

	if (ioas_group_is_gone(group))
		return -ENODEV;
	for (v = ioas_group_device(group, NULL); v;
	     v = ioas_group_device(group, v)) {
		match = ioas_name_match(text, v->dev->name, &token);
		if (match < 0)
			return match;
		if (!match)
			continue;
		*ret_vdevice = v;
		return ioas_vdevice_token(v, &token);
	}
	return -ENODEV;
}

/* The text is as long as a page may be, too long for a stack. */
static int find_device_by_user(struct ioas_group *group, struct uaddr at,
                               struct ioas_vdevice **ret_vdevice)
{
	size_t room = (size_t)1 << group->vfio->page_shift;
	char *text = ioas_hooks.alloc(room);
	int ret;

	if (!text)
		return -ENOMEM;
	ret = copy_string(text, at, room);
	if (!ret)
		ret = find_device(group, text, ret_vdevice);
	ioas_hooks.free(text, room);
	return ret;
}

static long install(struct ioas_vdevice *vdevice)
{
	struct ioas_file *file =
		ioas_file_create(vdevice->vfio, IOAS_FILE_DEVICE);
	int fd = -ENOMEM;

	if (file) {
		file->device = vdevice;
		fd = vdevice->vfio->front->fd_install(file);
	}
	if (fd < 0) {
		ioas_vdevice_close(vdevice);
		if (file)
			ioas_delete(file);
	}
	return fd;
}

static long get_device_fd(struct ioas_call *call)
{
	struct ioas_vdevice *v;
	int ret;

	ret = find_device_by_user(call->file->group, call->at, &v);
	if (ret)
		return ret;
	ret = ioas_vdevice_open(v);
	if (ret)
		return ret;
	return install(v);
}

const struct ioas_command ioas_group_commands[IOAS_VFIO_COMMANDS] = {
	[IOAS_COMMAND(VFIO_GROUP_GET_STATUS)] =
		{.name = "VFIO_GROUP_GET_STATUS",
                 .run = get_status,
                 .min = sizeof(struct vfio_group_status),
                 .known = IOAS_ANY_FLAGS},
	[IOAS_COMMAND(VFIO_GROUP_SET_CONTAINER)] =
		{.name = "VFIO_GROUP_SET_CONTAINER", .run = set_container},
	[IOAS_COMMAND(VFIO_GROUP_UNSET_CONTAINER)] =
		{.name = "VFIO_GROUP_UNSET_CONTAINER", .run = unset_container},
	[IOAS_COMMAND(VFIO_GROUP_GET_DEVICE_FD)] =
		{.name = "VFIO_GROUP_GET_DEVICE_FD", .run = get_device_fd},
};
