/* SPDX-License-Identifier: MIT */
/*
 * SET_IRQS: which event each interrupt of a device raises.
 *
 * The arguments are checked first, whatever the index; then a table by index
 * and action says who acts (none: ENOTTY). Vectors of MSI and MSI-X are kept
 * by the function (pci), which raises them; the error and request interrupts
 * are kept here, since only the program itself raises them, to test.
 *
 * The gate of the device makes one call of it a time.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_intrs.c, drivers/vfio/vfio_main.c
 *         (vfio_set_irqs_validate_and_prepare)
 */
#include "uapi/irqs.h"

#include <errno.h>

/* In Linux 6.12 a device without PCI Express has none. */
bool ioas_vdevice_has_error_irq(const struct ioas_vdevice *vdevice)
{
	return vdevice->vfio->contract != IOAS_CONTRACT_LINUX_6_12 ||
	       vdevice->dev->function.pcie;
}

unsigned int ioas_vdevice_irq_count(const struct ioas_vdevice *vdevice,
                                    unsigned int index)
{
	if (index <= VFIO_PCI_MSIX_IRQ_INDEX)
		return ioas_device_irq_count(vdevice->dev,
		                             (enum ioas_irq_mode)index);
	if (index == VFIO_PCI_ERR_IRQ_INDEX)
		return ioas_vdevice_has_error_irq(vdevice);
	return 1;
}

void ioas_event_put(struct ioas_vdevice *vdevice, int event)
{
	if (event != IOAS_NO_EVENT)
		vdevice->vfio->front->event_put(event);
}

enum ioas_irq_mode ioas_irqs_mode(struct ioas_vdevice *vdevice,
                                  unsigned int *ret_count)
{
	struct ioas_device *dev = vdevice->dev;
	enum ioas_irq_mode mode;

	ioas_lock(&dev->lock);
	mode = dev->irq.mode;
	*ret_count = dev->irq.count;
	ioas_unlock(&dev->lock);
	return mode;
}

void ioas_irqs_off(struct ioas_vdevice *vdevice, enum ioas_irq_mode mode)
{
	unsigned int i, count = ioas_device_irq_count(vdevice->dev, mode);

	ioas_intx_unwatch(vdevice);
	for (i = 0; i < count; i++)
		ioas_event_put(vdevice, ioas_device_irq_set(vdevice->dev, i,
		                                            IOAS_NO_EVENT));
	ioas_device_irq_off(vdevice->dev);
}

int ioas_watch_get(struct ioas_vdevice *vdevice, int fd,
                   struct ioas_watcher *watcher, int *ret_event)
{
	const struct ioas_front *front = vdevice->vfio->front;
	int event = front->event_get(fd);
	int ret;

	if (event < 0)
		return event;
	ret = front->event_watch(event, watcher);
	if (ret) {
		front->event_put(event);
		return ret;
	}
	*ret_event = event;
	return 0;
}

void ioas_watch_put(struct ioas_vdevice *vdevice, int event,
                    struct ioas_watcher *watcher)
{
	if (event == IOAS_NO_EVENT)
		return;
	vdevice->vfio->front->event_unwatch(event, watcher);
	vdevice->vfio->front->event_put(event);
}

static void single_put(struct ioas_vdevice *vdevice, int *event)
{
	int was = *event;

	*event = IOAS_NO_EVENT;
	ioas_event_put(vdevice, was);
}

void ioas_irqs_put(struct ioas_vdevice *vdevice)
{
	enum ioas_irq_mode mode;
	unsigned int count;

	ioas_lock(&vdevice->gate);
	mode = ioas_irqs_mode(vdevice, &count);
	if (mode != IOAS_IRQ_OFF)
		ioas_irqs_off(vdevice, mode);
	single_put(vdevice, &vdevice->error_event);
	ioas_asked_end(vdevice);
	single_put(vdevice, &vdevice->request_event);
	ioas_unlock(&vdevice->gate);
}

/* ---- MSI and MSI-X ---- */

bool ioas_irqs_grow(const struct ioas_vfio *vfio)
{
	const struct ioas_profile *profile = vfio->machine->profile;

	return profile->msix_dynamic &&
	       !(profile->msix_fixed_6_12 &&
	         vfio->contract == IOAS_CONTRACT_LINUX_6_12);
}

/* Vectors that were not asked for at the start can be had from MSI-X only. */
static bool vector_can_be_set(struct ioas_vdevice *vdevice,
                              enum ioas_irq_mode mode, unsigned int vector)
{
	unsigned int count;

	ioas_irqs_mode(vdevice, &count);
	return vector < count ||
	       (mode == IOAS_IRQ_MSIX && ioas_irqs_grow(vdevice->vfio));
}

/* The old event goes first, also when the new one turns out to be bad. */
static int set_vector(struct ioas_vdevice *vdevice, enum ioas_irq_mode mode,
                      unsigned int vector, int fd)
{
	int event;

	ioas_event_put(vdevice, ioas_device_irq_set(vdevice->dev, vector,
	                                            IOAS_NO_EVENT));
	if (fd < 0)
		return 0;
	if (!vector_can_be_set(vdevice, mode, vector))
		return -EINVAL;
	event = vdevice->vfio->front->event_get(fd);
	if (event < 0)
		return event;
	ioas_device_irq_set(vdevice->dev, vector, event);
	return 0;
}

/* On failure the vectors up to the failing one are without event. */
static int set_block(const struct ioas_irq_request *rq)
{
	enum ioas_irq_mode mode = (enum ioas_irq_mode)rq->set.index;
	const int32_t *fd = rq->data;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < rq->set.count && !ret; i++)
		ret = set_vector(rq->vdevice, mode, rq->set.start + i, fd[i]);
	while (ret && i-- > 0)
		set_vector(rq->vdevice, mode, rq->set.start + i, -1);
	return ret;
}

static int msi_turn_on(const struct ioas_irq_request *rq)
{
	enum ioas_irq_mode mode = (enum ioas_irq_mode)rq->set.index;
	unsigned int count = rq->set.start + rq->set.count;
	int ret;

	if (count == 0)
		return -ERANGE;
	ret = ioas_device_irq_prepare(rq->vdevice->dev, mode, rq->doorbell);
	if (ret)
		return ret;
	ioas_device_irq_on(rq->vdevice->dev, mode, count);
	ret = set_block(rq);
	if (ret)
		ioas_irqs_off(rq->vdevice, mode);
	return ret;
}

bool ioas_irqs_wanted(const struct ioas_irq_request *rq, uint32_t i)
{
	const uint8_t *flag = rq->data;

	return (rq->set.flags & VFIO_IRQ_SET_DATA_NONE) || flag[i];
}

static void loop_back(const struct ioas_irq_request *rq)
{
	uint32_t i;

	for (i = 0; i < rq->set.count; i++)
		if (ioas_irqs_wanted(rq, i))
			ioas_device_irq_loop_back(rq->vdevice->dev,
			                          rq->set.start + i);
}

static long msi_trigger(const struct ioas_irq_request *rq)
{
	enum ioas_irq_mode mine = (enum ioas_irq_mode)rq->set.index;
	unsigned int count;
	enum ioas_irq_mode mode = ioas_irqs_mode(rq->vdevice, &count);
	bool none = rq->set.flags & VFIO_IRQ_SET_DATA_NONE;

	if (mode == mine && rq->set.count == 0 && none) {
		ioas_irqs_off(rq->vdevice, mode);
		return 0;
	}
	if (mode != mine && mode != IOAS_IRQ_OFF)
		return -EINVAL;
	if (rq->set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return mode == mine ? set_block(rq) : msi_turn_on(rq);
	if (mode != mine)
		return -EINVAL;
	loop_back(rq);
	return 0;
}

/*
 * ---- Error and request: one event each, raised by loopback alone. Their count
 * of 1 leaves start 0 and a count of 0 or 1. ----
 */

static long single_by_none(const struct ioas_irq_request *rq, int *event)
{
	if (*event == IOAS_NO_EVENT)
		return -EINVAL;
	if (rq->set.count)
		ioas_hooks.signal(*event);
	else
		single_put(rq->vdevice, event);
	return 0;
}

static long single_by_bool(const struct ioas_irq_request *rq, const int *event)
{
	if (rq->set.count == 0)
		return -EINVAL;
	if (ioas_irqs_wanted(rq, 0) && *event != IOAS_NO_EVENT)
		ioas_hooks.signal(*event);
	return 0;
}

static long single_by_eventfd(const struct ioas_irq_request *rq, int *event)
{
	const int32_t *fd = rq->data;
	int fresh;

	if (rq->set.count == 0)
		return -EINVAL;
	if (*fd < -1)
		return -EINVAL;
	if (*fd == -1) {
		single_put(rq->vdevice, event);
		return 0;
	}
	fresh = rq->vdevice->vfio->front->event_get(*fd);
	if (fresh < 0)
		return fresh;
	single_put(rq->vdevice, event);
	*event = fresh;
	return 0;
}

static long single_trigger(const struct ioas_irq_request *rq, int *event)
{
	if (rq->set.flags & VFIO_IRQ_SET_DATA_NONE)
		return single_by_none(rq, event);
	if (rq->set.flags & VFIO_IRQ_SET_DATA_BOOL)
		return single_by_bool(rq, event);
	return single_by_eventfd(rq, event);
}

static long error_trigger(const struct ioas_irq_request *rq)
{
	return single_trigger(rq, &rq->vdevice->error_event);
}

static long request_trigger(const struct ioas_irq_request *rq)
{
	struct ioas_vdevice *vdevice = rq->vdevice;
	long ret;

	ioas_asked_end(vdevice);
	ret = single_trigger(rq, &vdevice->request_event);
	if (ioas_asked_begin(vdevice)) {
		single_put(vdevice, &vdevice->request_event);
		return -ENOMEM;
	}
	return ret;
}

/* ---- The command ---- */

/* Who acts on an index, in the order of the actions' bits; NULL: ENOTTY. */
static long (*const actions[VFIO_PCI_NUM_IRQS][3])(
	const struct ioas_irq_request *rq) = {
	[VFIO_PCI_INTX_IRQ_INDEX] = {ioas_intx_mask, ioas_intx_unmask,
                                     ioas_intx_trigger},
	[VFIO_PCI_MSI_IRQ_INDEX] = {NULL, NULL, msi_trigger},
	[VFIO_PCI_MSIX_IRQ_INDEX] = {NULL, NULL, msi_trigger},
	[VFIO_PCI_ERR_IRQ_INDEX] = {NULL, NULL, error_trigger},
	[VFIO_PCI_REQ_IRQ_INDEX] = {NULL, NULL, request_trigger},
};

/* Bytes of one element of data, or -EINVAL: not exactly one kind of it. */
static int element_bytes(uint32_t flags)
{
	switch (flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		return sizeof(uint8_t);
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return sizeof(int32_t);
	default:
		return -EINVAL;
	}
}

static int check(const struct ioas_vdevice *vdevice,
                 const struct ioas_vfio_irq_set *set, size_t *ret_bytes)
{
	unsigned int vectors;
	int each;

	if (set->index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (set->count >= UINT32_MAX - set->start)
		return -EINVAL;
	vectors = ioas_vdevice_irq_count(vdevice, set->index);
	if (set->start >= vectors || set->start + set->count > vectors)
		return -EINVAL;
	each = element_bytes(set->flags);
	if (each < 0)
		return each;
	*ret_bytes = (size_t)set->count * (size_t)each;
	return set->argsz - sizeof(*set) < *ret_bytes ? -EINVAL : 0;
}

/*
 * Where messages are translated, the container has the doorbell. Before the
 * gate: its lock comes first, and mapping allocates.
 */
static int find_doorbell(struct ioas_irq_request *rq)
{
	struct ioas_vdevice *vdevice = rq->vdevice;
	uint64_t at = vdevice->vfio->machine->msi.kind->doorbell;
	struct ioas_iommu *iommu;
	int ret = 0;

	if (!at || !(rq->set.flags & VFIO_IRQ_SET_DATA_EVENTFD) ||
	    (rq->set.index != VFIO_PCI_MSI_IRQ_INDEX &&
	     rq->set.index != VFIO_PCI_MSIX_IRQ_INDEX))
		return 0;
	/* A function that goes takes its group out of the container. */
	iommu = ioas_group_iommu_get(vdevice->group);
	if (!iommu)
		return 0;
	ret = ioas_iommu_doorbell(iommu, (struct phys){at}, &rq->place);
	ioas_iommu_put(iommu);
	if (!ret)
		rq->doorbell = &rq->place;
	/* Without a window the address stays what it is, and leads nowhere. */
	return ret == -ENODEV ? 0 : ret;
}

static long act(struct ioas_irq_request *rq)
{
	static const uint32_t action[] = {VFIO_IRQ_SET_ACTION_MASK,
	                                  VFIO_IRQ_SET_ACTION_UNMASK,
	                                  VFIO_IRQ_SET_ACTION_TRIGGER};
	uint32_t wanted = rq->set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	unsigned int i = 0;
	long ret;

	while (i < IOAS_ARRAY_SIZE(action) && action[i] != wanted)
		i++;
	if (i == IOAS_ARRAY_SIZE(action) || !actions[rq->set.index][i])
		return -ENOTTY;
	ret = find_doorbell(rq);
	if (ret)
		return ret;
	ioas_lock(&rq->vdevice->gate);
	ret = actions[rq->set.index][i](rq);
	ioas_unlock(&rq->vdevice->gate);
	return ret;
}

static long act_with_data(struct ioas_irq_request *rq, struct uaddr from)
{
	long ret = -EFAULT;

	rq->data = ioas_hooks.alloc(rq->bytes);
	if (!rq->data)
		return -ENOMEM;
	if (!ioas_copy_in(rq->data, from, rq->bytes))
		ret = act(rq);
	ioas_hooks.free(rq->data, rq->bytes);
	return ret;
}

long ioas_device_set_irqs(struct ioas_call *call)
{
	struct ioas_irq_request rq = {
		.vdevice = call->file->device,
		.set = call->in.irq_set,
	};
	int ret = check(rq.vdevice, &rq.set, &rq.bytes);

	if (ret)
		return ret;
	if (rq.bytes == 0)
		return act(&rq);
	return act_with_data(&rq, ioas_uaddr_add(call->at, sizeof(rq.set)));
}
