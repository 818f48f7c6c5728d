/* SPDX-License-Identifier: MIT */
/*
 * IOEVENTFD: a register store that the program asks for by raising an event
 * instead of making it. The front end's watcher takes the event's count and
 * calls here; the store is one, however often the event was raised until then.
 *
 * What is watched is a list under the device's gate. A watcher takes the lock
 * of the device and not the gate, so it can be ended under the gate.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_rdwr.c (vfio_pci_ioeventfd),
 *         vfio_pci_core.c (vfio_pci_ioctl_ioeventfd)
 */
#include <errno.h>

#include "uapi/state.h"

#define IOEVENTFDS_MAX 1000

/* Constant while it is in the list. */
struct ioas_ioeventfd {
	struct ioas_watcher watcher;
	struct ioas_vdevice *vdevice;
	struct ioas_ioeventfd *next; /* under gate */
	unsigned int bar, size;
	uint64_t offset, data;
	int event;
};

static void store(struct ioas_watcher *watcher)
{
	struct ioas_ioeventfd *e =
		ioas_container_of(watcher, struct ioas_ioeventfd, watcher);

	/* With decoding off nobody hears it. */
	(void)ioas_device_store_try(e->vdevice->dev, e->bar, e->offset, e->size,
	                            e->data);
}

static bool same(const struct ioas_ioeventfd *a, const struct ioas_ioeventfd *b)
{
	return a->bar == b->bar && a->offset == b->offset &&
	       a->data == b->data && a->size == b->size;
}

/* Where it hangs, or the end of the list. */
static struct ioas_ioeventfd **find_locked(struct ioas_vdevice *vdevice,
                                           const struct ioas_ioeventfd *wanted)
{
	struct ioas_ioeventfd **at = &vdevice->ioeventfds;

	while (*at && !same(*at, wanted))
		at = &(*at)->next;
	return at;
}

static void remove_locked(struct ioas_vdevice *vdevice,
                          struct ioas_ioeventfd **at)
{
	struct ioas_ioeventfd *e = *at;

	*at = e->next;
	vdevice->ioeventfd_count--;
	ioas_watch_put(vdevice, e->event, &e->watcher);
	ioas_delete(e);
}

void ioas_ioeventfds_put(struct ioas_vdevice *vdevice)
{
	ioas_lock(&vdevice->gate);
	while (vdevice->ioeventfds)
		remove_locked(vdevice, &vdevice->ioeventfds);
	ioas_unlock(&vdevice->gate);
}

static long add_locked(const struct ioas_ioeventfd *wanted, int fd)
{
	struct ioas_vdevice *vdevice = wanted->vdevice;
	struct ioas_ioeventfd *e;
	int ret;

	if (vdevice->ioeventfd_count >= IOEVENTFDS_MAX)
		return -ENOSPC;
	e = ioas_new(struct ioas_ioeventfd);
	if (!e)
		return -ENOMEM;
	*e = *wanted;
	/* Without it who watches events does all that a store asks for. */
	(void)ioas_device_expect(vdevice->dev, e->bar, e->offset, e->size);
	ret = ioas_watch_get(vdevice, fd, &e->watcher, &e->event);
	if (ret) {
		ioas_delete(e);
		return ret;
	}
	e->next = vdevice->ioeventfds;
	vdevice->ioeventfds = e;
	vdevice->ioeventfd_count++;
	return 0;
}

static long change_locked(const struct ioas_ioeventfd *wanted, int fd)
{
	struct ioas_ioeventfd **at = find_locked(wanted->vdevice, wanted);

	if (*at && fd >= 0)
		return -EEXIST;
	if (*at) {
		remove_locked(wanted->vdevice, at);
		return 0;
	}
	return fd < 0 ? -ENODEV : add_locked(wanted, fd);
}

/* In a BAR, and not where it would set an interrupt up. */
static bool may_store(const struct ioas_ioeventfd *e)
{
	uint64_t bytes, first, end;

	if (e->bar >= IOAS_BARS)
		return false;
	bytes = ioas_region_size(e->vdevice, e->bar);
	if (e->size > bytes || e->offset > bytes - e->size)
		return false;
	return !ioas_vdevice_msix_table(e->vdevice, e->bar, &first, &end) ||
	       e->offset + e->size <= first || e->offset >= end;
}

long ioas_device_ioeventfd(struct ioas_call *call)
{
	const struct vfio_device_ioeventfd *in = &call->in.ioeventfd;
	struct ioas_ioeventfd wanted = {
		.watcher.ready = store,
		.vdevice = call->file->device,
		.bar = (unsigned int)(in->offset >> IOAS_REGION_SHIFT),
		.offset = in->offset & IOAS_REGION_OFFSET,
		.data = in->data,
		.size = in->flags,
	};
	long ret;

	/* Exactly one width, whose flag is its number of bytes. */
	if (!in->flags || (in->flags & (in->flags - 1)) || in->fd < -1)
		return -EINVAL;
	if (!may_store(&wanted))
		return -EINVAL;
	ioas_lock(&wanted.vdevice->gate);
	ret = change_locked(&wanted, in->fd);
	ioas_unlock(&wanted.vdevice->gate);
	return ret;
}
