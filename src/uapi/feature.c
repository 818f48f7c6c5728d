/* SPDX-License-Identifier: MIT */
/*
 * FEATURE: what a device can beyond the basics, one line each in a table. A
 * feature that the device lacks answers first, with an errno of its own; then
 * the operation, then the room for data.
 *
 * Those that PCI functions here have are the token of virtual functions
 * (sriov.c), DMA buffers (dmabuf.c), low power, and for devices with the option
 * DMA logging (logging.c).
 * A function in low power still answers: an access wakes it for its own length.
 * Entry with wakeup is for one time: the first access that is not an entry
 * raises the event, and low power is over.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_main.c (vfio_ioctl_device_feature),
 *         drivers/vfio/pci/vfio_pci_core.c
 */
#include <errno.h>

#include "uapi/state.h"

struct feature {
	long absent; /* errno of a device without it, or 0 */
	/* Which devices have it all the same; NULL: none. */
	bool (*there)(const struct ioas_vdevice *vdevice);
	uint32_t operations; /* GET, SET */
	uint32_t bytes;      /* of its data */
	long (*run)(struct ioas_call *call);
};

static struct uaddr feature_data(const struct ioas_call *call)
{
	return ioas_uaddr_add(call->at, sizeof(struct vfio_device_feature));
}

/* Return: 0, or -EINVAL when it is in low power already. */
static int power_enter(struct ioas_vdevice *vdevice, int wake_event)
{
	int ret = -EINVAL;

	ioas_lock(&vdevice->gate);
	if (!vdevice->low_power) {
		vdevice->low_power = true;
		vdevice->wake_event = wake_event;
		/* Pairs with the load in ioas_vdevice_wake(). */
		ioas_a32_store(&vdevice->wakeup, wake_event != IOAS_NO_EVENT);
		ret = 0;
	}
	ioas_unlock(&vdevice->gate);
	return ret;
}

static void power_leave_locked(struct ioas_vdevice *vdevice)
{
	int event = vdevice->wake_event;

	vdevice->low_power = false;
	vdevice->wake_event = IOAS_NO_EVENT;
	/* Pairs with the load in ioas_vdevice_wake(). */
	ioas_a32_store(&vdevice->wakeup, 0);
	ioas_event_put(vdevice, event);
}

void ioas_power_put(struct ioas_vdevice *vdevice)
{
	ioas_lock(&vdevice->gate);
	power_leave_locked(vdevice);
	ioas_unlock(&vdevice->gate);
}

void ioas_vdevice_wake(struct ioas_vdevice *vdevice)
{
	/* Pairs with the stores above; the gate decides between two. */
	if (!ioas_a32_load(&vdevice->wakeup))
		return;
	ioas_lock(&vdevice->gate);
	if (vdevice->wake_event != IOAS_NO_EVENT) {
		ioas_hooks.signal(vdevice->wake_event);
		power_leave_locked(vdevice);
	}
	ioas_unlock(&vdevice->gate);
}

static long low_power_entry(struct ioas_call *call)
{
	return power_enter(call->file->device, IOAS_NO_EVENT);
}

static long low_power_entry_with_wakeup(struct ioas_call *call)
{
	struct vfio_device_low_power_entry_with_wakeup entry;
	struct ioas_vdevice *vdevice = call->file->device;
	int event, ret;

	if (ioas_copy_in(&entry, feature_data(call), sizeof(entry)))
		return -EFAULT;
	if (entry.wakeup_eventfd < 0)
		return -EINVAL;
	event = vdevice->vfio->front->event_get(entry.wakeup_eventfd);
	if (event < 0)
		return event;
	ret = power_enter(vdevice, event);
	if (ret)
		ioas_event_put(vdevice, event);
	return ret;
}

static long low_power_exit(struct ioas_call *call)
{
	ioas_power_put(call->file->device);
	return 0;
}

static long dma_buf(struct ioas_call *call)
{
	return ioas_dmabuf_get(call, feature_data(call));
}

static long vf_token(struct ioas_call *call)
{
	return ioas_vdevice_token_set(call, feature_data(call));
}

static long logging_start(struct ioas_call *call)
{
	return ioas_logging_start(call, feature_data(call));
}

static long logging_report(struct ioas_call *call)
{
	return ioas_logging_report(call, feature_data(call));
}

/* Also when it does not log. */
static long logging_stop(struct ioas_call *call)
{
	ioas_device_log_stop(call->file->device->dev);
	return 0;
}

/*
 * Beyond the end: ENOTTY. A token is for physical functions; migration needs a
 * driver of its own; bus mastering is a feature of CDX devices, on PCI it is a
 * bit in configuration space.
 */
static const struct feature features[] = {
	[IOAS_FEATURE_PCI_VF_TOKEN] = {.absent = -ENOTTY,
                                       .there = ioas_vdevice_has_token,
                                       .operations = VFIO_DEVICE_FEATURE_SET,
                                       .bytes = IOAS_UUID_BYTES,
                                       .run = vf_token},
	[IOAS_FEATURE_MIGRATION] = {.absent = -ENOTTY},
	[IOAS_FEATURE_MIG_DEVICE_STATE] = {.absent = -ENOTTY},
	[IOAS_FEATURE_LOW_POWER_ENTRY] = {.operations = VFIO_DEVICE_FEATURE_SET,
                                          .run = low_power_entry},
	[IOAS_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP] =
		{.operations = VFIO_DEVICE_FEATURE_SET,
                 .bytes =
                         sizeof(struct vfio_device_low_power_entry_with_wakeup),
                 .run = low_power_entry_with_wakeup},
	[IOAS_FEATURE_LOW_POWER_EXIT] = {.operations = VFIO_DEVICE_FEATURE_SET,
                                         .run = low_power_exit},
	[IOAS_FEATURE_DMA_LOGGING_START] =
		{.absent = -ENOTTY,
                 .there = ioas_vdevice_logs,
                 .operations = VFIO_DEVICE_FEATURE_SET,
                 .bytes = sizeof(struct ioas_vfio_logging_control),
                 .run = logging_start},
	[IOAS_FEATURE_DMA_LOGGING_STOP] = {.absent = -ENOTTY,
                                           .there = ioas_vdevice_logs,
                                           .operations =
                                                   VFIO_DEVICE_FEATURE_SET,
                                           .run = logging_stop},
	[IOAS_FEATURE_DMA_LOGGING_REPORT] =
		{.absent = -ENOTTY,
                 .there = ioas_vdevice_logs,
                 .operations = VFIO_DEVICE_FEATURE_GET,
                 .bytes = sizeof(struct ioas_vfio_logging_report),
                 .run = logging_report},
	[IOAS_FEATURE_MIG_DATA_SIZE] = {.absent = -ENOTTY},
	[IOAS_FEATURE_BUS_MASTER] = {.absent = -ENOTTY},
	[IOAS_FEATURE_DMA_BUF] = {.operations = VFIO_DEVICE_FEATURE_GET,
                                  .bytes = sizeof(struct ioas_vfio_dma_buf),
                                  .run = dma_buf},
	[IOAS_FEATURE_MIG_PRECOPY_INFO] = {.absent = -EINVAL},
	[IOAS_FEATURE_ZPCI_ERROR] = {.absent = -ENOTTY},
};

static const struct feature *feature_find(uint32_t flags)
{
	uint32_t n = flags & VFIO_DEVICE_FEATURE_MASK;

	return n < IOAS_ARRAY_SIZE(features) ? &features[n] : NULL;
}

/* Features that came after the Linux whose contract it is. */
static bool is_later(const struct ioas_call *call)
{
	return call->file->vfio->contract == IOAS_CONTRACT_LINUX_6_12 &&
	       (call->in.head.flags & VFIO_DEVICE_FEATURE_MASK) >=
	               IOAS_FEATURE_DMA_BUF;
}

static long feature_run(struct ioas_call *call, const struct feature *feature)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	uint32_t flags = call->in.head.flags;
	bool probe = flags & VFIO_DEVICE_FEATURE_PROBE;

	if ((flags & both) == both && !probe)
		return -EINVAL;
	if (!feature || is_later(call))
		return -ENOTTY;
	if (feature->absent &&
	    !(feature->there && feature->there(call->file->device)))
		return feature->absent;
	if (flags & both & ~feature->operations)
		return -EINVAL;
	if (probe)
		return 0;
	if (!(flags & both))
		return -EINVAL;
	if (call->in.head.argsz - sizeof(call->in.head) < feature->bytes)
		return -EINVAL;
	return feature->run(call);
}

long ioas_device_feature(struct ioas_call *call)
{
	const struct feature *feature = feature_find(call->in.head.flags);

	return feature_run(call, feature);
}
