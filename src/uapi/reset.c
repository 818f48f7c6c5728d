/* SPDX-License-Identifier: MIT */
/*
 * RESET of one device, and of all devices that a reset of their bus takes
 * along (hot reset). A bus below a port can be reset; the root bus cannot:
 *
 *	bus 0                  no hot reset; RESET by the function level reset
 *	                       of PCI Express
 *	another, one function  the bus is its own: RESET works in any case
 *	another, several       hot reset, by who has the groups of all of them
 *
 * What a reset does to a function is in pci/function.c; both kinds leave
 * configuration space and interrupts as the program set them up.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_core.c
 *         (vfio_pci_ioctl_get_pci_hot_reset_info and _pci_hot_reset),
 *         drivers/pci/pci.c (pci_reset_fn_methods)
 */
#include <errno.h>

#include "machine/sriov.h"
#include "uapi/state.h"

static const struct ioas_function *function_of(const struct ioas_vdevice *v)
{
	return &v->vfio->machine->function[v->function];
}

/* Or on a bus that is there for virtual functions alone: no port is above. */
static bool on_root_bus(const struct ioas_vdevice *v)
{
	const struct ioas_function *f = function_of(v);

	return f->bdf.bus == 0 ||
	       (f->physical && f->physical->bdf.bus != f->bdf.bus);
}

static unsigned int devfn(const struct ioas_vdevice *v)
{
	return function_of(v)->bdf.slot * 8u + function_of(v)->bdf.function;
}

static bool same_bus(const struct ioas_vdevice *a, const struct ioas_vdevice *b)
{
	return function_of(a)->bdf.domain == function_of(b)->bdf.domain &&
	       function_of(a)->bdf.bus == function_of(b)->bdf.bus;
}

/* The devices on a device's bus, by ascending place; @last NULL: the first. */
static struct ioas_vdevice *next_on_bus(const struct ioas_vdevice *of,
                                        const struct ioas_vdevice *last)
{
	struct ioas_vfio *vfio = of->vfio;
	struct ioas_vdevice *best = NULL, *v = vfio->device;
	struct ioas_vdevice *end = v + vfio->machine->function_count;

	for (; v < end; v++) {
		if (!same_bus(v, of) || (last && devfn(v) <= devfn(last)) ||
		    !ioas_iov_present(vfio->machine, function_of(v)))
			continue;
		if (!best || devfn(v) < devfn(best))
			best = v;
	}
	return best;
}

static uint32_t count_on_bus(const struct ioas_vdevice *of)
{
	const struct ioas_vdevice *v;
	uint32_t n = 0;

	for (v = next_on_bus(of, NULL); v; v = next_on_bus(of, v))
		n++;
	return n;
}

bool ioas_vdevice_resettable(const struct ioas_vdevice *vdevice)
{
	return vdevice->dev->function.pcie ||
	       (!on_root_bus(vdevice) && count_on_bus(vdevice) == 1);
}

/* What is mapped meanwhile is told when somebody cares: it may be a lot. */
static void reset_locked(const struct ioas_vdevice *v)
{
	const struct ioas_container *container = v->group->container;

	if (container && container->iommu &&
	    ioas_event_wanted(IOAS_EVENT_LIVE_AT_RESET))
		container->iommu->ops->tell_live(
			container->iommu, IOAS_EVENT_LIVE_AT_RESET, v->dev);
	ioas_device_reset(v->dev);
	/* Where nothing else brings an isolated group back. */
	if (!v->vfio->machine->windows.eeh)
		ioas_pe_restart(ioas_group_pe(v->group));
}

long ioas_device_reset_call(struct ioas_call *call)
{
	struct ioas_vdevice *vdevice = call->file->device;

	if (!ioas_vdevice_resettable(vdevice))
		return -EINVAL;
	ioas_lock(&vdevice->vfio->lock);
	reset_locked(vdevice);
	ioas_unlock(&vdevice->vfio->lock);
	return 0;
}

/* ---- Hot reset ---- */

static long copy_dependents(const struct ioas_vdevice *of, struct uaddr to)
{
	const struct ioas_vdevice *v;

	for (v = next_on_bus(of, NULL); v; v = next_on_bus(of, v)) {
		struct vfio_pci_dependent_device entry = {
			.group_id = v->group->number,
			.segment = (uint16_t)function_of(v)->bdf.domain,
			.bus = function_of(v)->bdf.bus,
			.devfn = (uint8_t)devfn(v),
		};

		if (ioas_copy_out(to, &entry, sizeof(entry)))
			return -EFAULT;
		to = ioas_uaddr_add(to, sizeof(entry));
	}
	return 0;
}

long ioas_device_hot_reset_info(struct ioas_call *call)
{
	const struct ioas_vdevice *vdevice = call->file->device;
	struct ioas_vfio_hot_reset *head = &call->in.hot_reset;
	uint32_t room = (uint32_t)((head->argsz - sizeof(*head)) /
	                           sizeof(struct vfio_pci_dependent_device));

	if (on_root_bus(vdevice))
		return -ENODEV;
	head->flags = 0;
	head->count = count_on_bus(vdevice);
	/* The head comes last: it tells of devices that are there. */
	if (head->count <= room &&
	    copy_dependents(vdevice, ioas_uaddr_add(call->at, sizeof(*head))))
		return -EFAULT;
	if (ioas_copy_out(call->at, head, sizeof(*head)))
		return -EFAULT;
	return head->count > room ? -ENOSPC : 0;
}

/* The groups whose descriptors the program gave. */
struct owned {
	unsigned int count;
	const struct ioas_group *group[IOAS_FUNCTIONS_MAX];
};

static int find_owned(const struct ioas_vfio *vfio, const int32_t *fd,
                      struct owned *owned)
{
	struct ioas_file *file;
	unsigned int i;
	int ret;

	for (i = 0; i < owned->count; i++) {
		ret = vfio->front->fd_file(fd[i], &file);
		if (ret)
			return ret;
		if (!file || file->kind != IOAS_FILE_GROUP)
			return -EINVAL;
		owned->group[i] = file->group;
	}
	return 0;
}

static bool is_owned(const struct ioas_vdevice *v, const struct owned *owned)
{
	unsigned int i;

	for (i = 0; i < owned->count; i++)
		if (owned->group[i] == v->group)
			return true;
	return false;
}

/* From Linux 7 on a virtual function is in no set with others of its bus. */
static bool is_apart(const struct ioas_vdevice *v)
{
	return function_of(v)->physical &&
	       v->vfio->contract != IOAS_CONTRACT_LINUX_6_12;
}

/* A group that is owned is open, and so its device is there. */
static long reset_bus_locked(const struct ioas_vdevice *of,
                             const struct owned *owned)
{
	struct ioas_vdevice *v;

	for (v = next_on_bus(of, NULL); v; v = next_on_bus(of, v))
		if (!is_owned(v, owned) || is_apart(v))
			return -EINVAL;
	for (v = next_on_bus(of, NULL); v; v = next_on_bus(of, v))
		reset_locked(v);
	return 0;
}

long ioas_device_hot_reset(struct ioas_call *call)
{
	struct ioas_vdevice *vdevice = call->file->device;
	struct ioas_vfio *vfio = vdevice->vfio;
	struct owned owned = {.count = call->in.hot_reset.count};
	int32_t fd[IOAS_FUNCTIONS_MAX];
	long ret;

	/* None is for files that were opened without a group. */
	if (owned.count == 0)
		return -EINVAL;
	if (on_root_bus(vdevice))
		return -ENODEV;
	if (owned.count > count_on_bus(vdevice))
		return -EINVAL;
	if (ioas_copy_in(fd,
	                 ioas_uaddr_add(call->at, sizeof(call->in.hot_reset)),
	                 owned.count * sizeof(fd[0])))
		return -EFAULT;
	ret = find_owned(vfio, fd, &owned);
	if (ret)
		return ret;
	ioas_lock(&vfio->lock);
	ret = reset_bus_locked(vdevice, &owned);
	ioas_unlock(&vfio->lock);
	return ret;
}
