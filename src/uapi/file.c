/* SPDX-License-Identifier: MIT */
/*
 * Calls on a file: which kind of file it is decides first what a number means,
 * then one table for each kind says who answers. What all commands have in
 * common is done here, in the order in which Linux does it: the least argument
 * is copied in (EFAULT), argsz is at least that (EINVAL), no unknown flag is
 * set (EINVAL).
 *
 * A command without a line in its table gets the errno of a kernel that does
 * not know it, and is told once.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_main.c (vfio_device_fops_unl_ioctl),
 *         container.c (vfio_fops_unl_ioctl), group.c
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi/state.h"

static const struct ioas_command *const commands[] = {
	[IOAS_FILE_CONTAINER] = ioas_container_commands,
	[IOAS_FILE_GROUP] = ioas_group_commands,
	[IOAS_FILE_DEVICE] = ioas_device_commands,
	[IOAS_FILE_DMABUF] = ioas_dmabuf_commands,
};

static const char *const kind_name[] = {
	[IOAS_FILE_CONTAINER] = "container",
	[IOAS_FILE_GROUP] = "group",
	[IOAS_FILE_DEVICE] = "device",
	[IOAS_FILE_DMABUF] = "dma-buf",
};

struct ioas_file *ioas_file_create(struct ioas_vfio *vfio,
                                   enum ioas_file_kind kind)
{
	struct ioas_file *file = ioas_new(struct ioas_file);

	if (!file)
		return NULL;
	file->kind = kind;
	file->vfio = vfio;
	return file;
}

enum ioas_file_kind ioas_file_kind(const struct ioas_file *file)
{
	return file->kind;
}

struct ioas_device *ioas_file_device(const struct ioas_file *file)
{
	return file->kind == IOAS_FILE_DEVICE ? file->device->dev : NULL;
}

const char *ioas_file_name(const struct ioas_file *file)
{
	if (file->kind == IOAS_FILE_DEVICE)
		return file->device->dev->name;
	if (file->kind == IOAS_FILE_GROUP)
		return file->group->name;
	return kind_name[file->kind];
}

int ioas_copy_in(void *to, struct uaddr from, size_t bytes)
{
	return ioas_hooks.copy(to, (const void *)(uintptr_t)from.raw, bytes);
}

int ioas_copy_out(struct uaddr to, const void *from, size_t bytes)
{
	return ioas_hooks.copy((void *)(uintptr_t)to.raw, from, bytes);
}

/*
 * The set of told commands only grows. When it is full, nothing more is told:
 * a program that tries that many numbers is looking for something else.
 */
static bool told_before(struct ioas_vfio *vfio, uint64_t key)
{
	unsigned int i;

	for (i = 0; i < IOAS_UNKNOWN_MAX; i++) {
		uint64_t seen = 0;

		/* Pairs with itself on another thread: one of them tells. */
		if (ioas_a64_cas(&vfio->unknown[i], &seen, key))
			return false;
		if (seen == key)
			return true;
	}
	return true;
}

void ioas_tell_unknown(struct ioas_file *file, uint32_t number)
{
	uint64_t key = (uint64_t)(file->kind + 1) << 32 | number;
	struct ioas_event ev = {
		.kind = IOAS_EVENT_UNKNOWN,
		.number = number,
		.what = kind_name[file->kind],
	};

	if (told_before(file->vfio, key))
		return;
	if (file->kind == IOAS_FILE_DEVICE) {
		ev.device = file->device->dev->name;
		ev.model = file->device->dev->model->name;
	}
	ioas_tell(&ev);
}

const struct ioas_command *
ioas_command_find(const struct ioas_command table[IOAS_VFIO_COMMANDS],
                  uint32_t number)
{
	uint32_t n = number - IOAS_VFIO_COMMAND(0);

	return n < IOAS_VFIO_COMMANDS && table[n].run ? &table[n] : NULL;
}

const char *ioas_file_command(const struct ioas_vfio *vfio,
                              enum ioas_file_kind kind, unsigned long command)
{
	const struct ioas_command *row =
		ioas_command_find(commands[kind], (uint32_t)command);

	if (!row && kind == IOAS_FILE_CONTAINER)
		row = ioas_command_find(ioas_iommu_driver(vfio)->commands,
		                        (uint32_t)command);
	return row ? row->name : NULL;
}

long ioas_command_run(const struct ioas_command *command,
                      struct ioas_call *call)
{
	int ret = command->admits ? command->admits(call) : 0;

	if (ret)
		return ret;
	if (command->min) {
		if (ioas_copy_in(&call->in, call->at, command->min))
			return -EFAULT;
		if (call->in.head.argsz < command->min)
			return -EINVAL;
		if (call->in.head.flags & ~command->known)
			return -EINVAL;
	}
	return command->run(call);
}

long ioas_command_absent(struct ioas_call *call)
{
	return -ENOTTY;
}

/* A container passes on what is not its own. */
static long container_other(struct ioas_call *call, uint32_t number)
{
	const struct ioas_command *command = ioas_command_find(
		ioas_iommu_driver(call->file->vfio)->commands, number);
	long ret = -ENOTTY;
	int admitted = 0;

	if (!command)
		ioas_tell_unknown(call->file, number);
	call->iommu = ioas_container_iommu_get(call->file->container);
	if (!call->iommu) {
		ioas_tell_denied(call, number, -EINVAL);
		return -EINVAL;
	}
	if (call->iommu->ops->admits)
		admitted = call->iommu->ops->admits(call);
	if (admitted)
		ret = admitted;
	else if (command)
		ret = ioas_command_run(command, call);
	ioas_tell_denied(call, number, ret);
	ioas_iommu_put(call->iommu);
	return ret;
}

static long run_blocked(struct ioas_call *call,
                        const struct ioas_command *command, uint32_t number)
{
	if (call->file->kind == IOAS_FILE_DEVICE)
		ioas_vdevice_wake(call->file->device);
	if (command)
		return ioas_command_run(command, call);
	if (call->file->kind == IOAS_FILE_CONTAINER)
		return container_other(call, number);
	ioas_tell_unknown(call->file, number);
	return -ENOTTY;
}

long ioas_file_ioctl(struct ioas_file *file, unsigned long command,
                     unsigned long argument)
{
	/* The kernel's command is an unsigned int: what is above is lost. */
	uint32_t number = (uint32_t)command;
	const struct ioas_command *row =
		ioas_command_find(commands[file->kind], number);
	struct ioas_call call;
	struct ioas_signals saved;
	long ret;

	call.file = file;
	call.iommu = NULL;
	call.value = argument;
	call.at.raw = argument;
	if (row && (row->flags & IOAS_COMMAND_LOCK_FREE))
		return row->run(&call);
	ioas_hooks.signals_block(&saved);
	ret = run_blocked(&call, row, number);
	ioas_hooks.signals_restore(&saved);
	return ret;
}

static void container_release(struct ioas_container *container)
{
	struct ioas_vfio *vfio = container->vfio;

	ioas_lock(&vfio->lock);
	ioas_container_put_locked(container);
	ioas_unlock(&vfio->lock);
}

void ioas_file_release(struct ioas_file *file)
{
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	if (file->kind == IOAS_FILE_CONTAINER)
		container_release(file->container);
	else if (file->kind == IOAS_FILE_GROUP)
		ioas_group_close(file->group);
	else if (file->kind == IOAS_FILE_DEVICE)
		ioas_vdevice_close(file->device);
	ioas_hooks.signals_restore(&saved);
	ioas_delete(file);
}

ssize_t ioas_file_read(struct ioas_file *file, struct uaddr buffer,
                       size_t bytes, uint64_t position)
{
	struct ioas_signals saved;
	ssize_t ret;

	if (file->kind != IOAS_FILE_DEVICE || (ssize_t)bytes < 0)
		return -EINVAL;
	if (bytes == 0)
		return 0;
	ioas_hooks.signals_block(&saved);
	ret = ioas_region_read(file->device, buffer, bytes, position);
	ioas_hooks.signals_restore(&saved);
	return ret;
}

ssize_t ioas_file_write(struct ioas_file *file, struct uaddr buffer,
                        size_t bytes, uint64_t position)
{
	struct ioas_signals saved;
	ssize_t ret;

	if (file->kind != IOAS_FILE_DEVICE || (ssize_t)bytes < 0)
		return -EINVAL;
	if (bytes == 0)
		return 0;
	ioas_hooks.signals_block(&saved);
	ret = ioas_region_write(file->device, buffer, bytes, position);
	ioas_hooks.signals_restore(&saved);
	return ret;
}

long ioas_file_seek(struct ioas_file *file, int64_t offset, int whence)
{
	if (file->kind != IOAS_FILE_DMABUF)
		return -ESPIPE;
	/* To ask for the size, and back. */
	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	return whence == SEEK_END ? (long)file->dmabuf_bytes : 0;
}

/* What the kernel looks at before it asks the file. */
static int mmap_arguments(struct ioas_file *file, uint64_t *bytes,
                          uint64_t position)
{
	uint64_t mask = ioas_mask_lg2(file->vfio->page_shift);

	if (*bytes == 0 || (position & mask))
		return -EINVAL;
	if (*bytes + mask < *bytes)
		return -ENOMEM;
	*bytes = (*bytes + mask) & ~mask;
	if (position + *bytes < position)
		return -EOVERFLOW;
	return 0;
}

/* check-style: the parameters are those of mmap(2). */
int ioas_file_mmap(struct ioas_file *file, uint64_t bytes, int prot, int flags,
                   uint64_t position, struct ioas_bar_window *ret_window)
{
	int type = flags & MAP_TYPE;
	int ret = mmap_arguments(file, &bytes, position);

	if (ret)
		return ret;
	if (type != MAP_SHARED && type != MAP_PRIVATE &&
	    type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & MAP_SYNC))
		return -EOPNOTSUPP;
	if (file->kind == IOAS_FILE_DMABUF)
		return -EINVAL;
	if (file->kind != IOAS_FILE_DEVICE)
		return -ENODEV;
	/* From Linux 7 on a group's device file is on no mount with it. */
	if ((prot & PROT_EXEC) &&
	    file->vfio->contract != IOAS_CONTRACT_LINUX_6_12)
		return -EPERM;
	if (type == MAP_PRIVATE)
		return -EINVAL;
	return ioas_region_mmap(file->device, bytes, position, ret_window);
}
