/* SPDX-License-Identifier: MIT */
/*
 * SET_IRQS for the interrupt pin. What masks and unmasks is in the function
 * (pci/intx.c); here is what the command lets a program ask for. An eventfd
 * that unmasks is read by the front end's watcher: a program that forwards the
 * end of an interrupt (QEMU with KVM) writes it and makes no call.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_intrs.c
 */
#include <errno.h>

#include "uapi/irqs.h"

/* Neither masks nor triggers but for the one vector there is. */
static bool names_the_pin(const struct ioas_irq_request *rq)
{
	return rq->set.start == 0 && rq->set.count == 1;
}

static bool is_on(const struct ioas_irq_request *rq)
{
	unsigned int count;

	return ioas_irqs_mode(rq->vdevice, &count) == IOAS_IRQ_INTX;
}

long ioas_intx_mask(const struct ioas_irq_request *rq)
{
	if (!is_on(rq) || !names_the_pin(rq))
		return -EINVAL;
	if (rq->set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (ioas_irqs_wanted(rq, 0))
		ioas_device_intx_mask(rq->vdevice->dev);
	return 0;
}

static void unmask_by_event(struct ioas_watcher *watcher)
{
	struct ioas_vdevice *vdevice =
		ioas_container_of(watcher, struct ioas_vdevice, unmask);

	ioas_device_intx_unmask(vdevice->dev);
}

void ioas_intx_unwatch(struct ioas_vdevice *vdevice)
{
	ioas_watch_put(vdevice, vdevice->unmask_event, &vdevice->unmask);
	vdevice->unmask_event = IOAS_NO_EVENT;
}

/* As in Linux a second eventfd is refused, after it was looked at. */
static long watch(struct ioas_vdevice *vdevice, int fd)
{
	struct ioas_watcher *watcher = &vdevice->unmask;
	int event, ret;

	if (vdevice->unmask_event != IOAS_NO_EVENT) {
		event = vdevice->vfio->front->event_get(fd);
		if (event >= 0)
			ioas_event_put(vdevice, event);
		return event < 0 ? event : -EBUSY;
	}
	watcher->ready = unmask_by_event;
	ret = ioas_watch_get(vdevice, fd, watcher, &event);
	if (!ret)
		vdevice->unmask_event = event;
	return ret;
}

long ioas_intx_unmask(const struct ioas_irq_request *rq)
{
	const int32_t *fd = rq->data;

	if (!is_on(rq) || !names_the_pin(rq))
		return -EINVAL;
	if (!(rq->set.flags & VFIO_IRQ_SET_DATA_EVENTFD)) {
		if (ioas_irqs_wanted(rq, 0))
			ioas_device_intx_unmask(rq->vdevice->dev);
		return 0;
	}
	if (*fd >= 0)
		return watch(rq->vdevice, *fd);
	ioas_intx_unwatch(rq->vdevice);
	return 0;
}

/* On, or another event while on; a negative descriptor is no event. */
static long set_event(const struct ioas_irq_request *rq)
{
	struct ioas_vdevice *vdevice = rq->vdevice;
	const int32_t *fd = rq->data;
	int event = IOAS_NO_EVENT;

	if (*fd >= 0) {
		event = vdevice->vfio->front->event_get(*fd);
		if (event < 0)
			return event;
	}
	if (!is_on(rq))
		ioas_device_irq_on(vdevice->dev, IOAS_IRQ_INTX, 1);
	ioas_event_put(vdevice, ioas_device_irq_set(vdevice->dev, 0, event));
	return 0;
}

long ioas_intx_trigger(const struct ioas_irq_request *rq)
{
	unsigned int count;
	enum ioas_irq_mode mode = ioas_irqs_mode(rq->vdevice, &count);

	if (mode == IOAS_IRQ_INTX && rq->set.count == 0 &&
	    (rq->set.flags & VFIO_IRQ_SET_DATA_NONE)) {
		ioas_irqs_off(rq->vdevice, mode);
		return 0;
	}
	if ((mode != IOAS_IRQ_INTX && mode != IOAS_IRQ_OFF) ||
	    !names_the_pin(rq))
		return -EINVAL;
	if (rq->set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_event(rq);
	if (mode == IOAS_IRQ_OFF)
		return -EINVAL;
	if (ioas_irqs_wanted(rq, 0))
		ioas_device_irq_loop_back(rq->vdevice->dev, 0);
	return 0;
}
