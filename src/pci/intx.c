/* SPDX-License-Identifier: MIT */
/*
 * The interrupt pin. The line is a level and an event is an edge, so between
 * them sits a mask, as vfio-pci has it:
 *
 *	pin asserted, not masked     mask, raise the event
 *	the program has seen to it   unmask: asserted still? raise it again
 *	                             and stay masked; else not masked
 *
 * The INTx disable bit of the command register masks as well, and its clearing
 * unmasks. The pin is heard in INTx mode only; its level is kept in all.
 *
 * Everything runs under the device's lock.
 *
 * Sources: PCI Local Bus Specification 3.0, 2.2.6, 6.2.2 (INTx disable), 6.2.3
 * (interrupt status); Linux 7.3 drivers/vfio/pci/vfio_pci_intrs.c.
 */
#include "pci/function.h"

static bool is_on(const struct ioas_device *dev)
{
	return dev->irq.mode == IOAS_IRQ_INTX;
}

/* With MSI or MSI-X on, a function asserts no pin and shows none. */
static void show_level(struct ioas_device *dev)
{
	enum ioas_irq_mode mode = dev->irq.mode;

	ioas_config_intx_status_locked(
		dev, dev->irq.level &&
			     (mode == IOAS_IRQ_INTX || mode == IOAS_IRQ_OFF));
}

void ioas_intx_settle_locked(struct ioas_device *dev)
{
	if (!is_on(dev) || !dev->irq.level || dev->irq.masked)
		return;
	dev->irq.masked = true; /* FN-4 */
	ioas_irq_deliver_locked(dev, 0);
}

void ioas_intx_begin_locked(struct ioas_device *dev)
{
	dev->irq.masked = is_on(dev) && ioas_config_intx_disabled_locked(dev);
	show_level(dev);
}

void ioas_intx_level_locked(struct ioas_device *dev, bool level)
{
	dev->irq.level = level;
	show_level(dev);
	ioas_intx_settle_locked(dev);
}

void ioas_device_line(struct ioas_device *dev, bool level)
{
	if (dev->function.intx)
		ioas_intx_level_locked(dev, level);
}

static void unmask(struct ioas_device *dev)
{
	if (!is_on(dev) || ioas_config_intx_disabled_locked(dev))
		return;
	dev->irq.masked = false;
	ioas_intx_settle_locked(dev);
}

void ioas_intx_command_locked(struct ioas_device *dev, bool was_disabled)
{
	bool disabled = ioas_config_intx_disabled_locked(dev);

	if (disabled && !was_disabled && is_on(dev))
		dev->irq.masked = true;
	if (!disabled && was_disabled)
		unmask(dev);
}

void ioas_device_intx_mask(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	if (is_on(dev))
		dev->irq.masked = true;
	ioas_unlock(&dev->lock);
}

void ioas_device_intx_unmask(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	unmask(dev);
	ioas_unlock(&dev->lock);
}
