/* SPDX-License-Identifier: MIT */
/*
 * The SR-IOV capability of a physical function, the first of its extended
 * ones. A program reads it as the hardware has it and writes none of it: the
 * system switches virtual functions on and off, and tells the function.
 *
 * Sources: PCI Express Base Specification 4.0, 9.3.3; Linux 7.3
 * drivers/vfio/pci/vfio_pci_config.c (extended capabilities that have no rule
 * of their own are read through, and not written), drivers/pci/iov.c.
 */
#include "pci/function.h"

#define FIRST_EXTENDED 0x100

#define CAP_SRIOV  0x00010010 /* version 1, the last one */
#define CONTROL    0x08
#define VF_ENABLE  0x01
#define VF_MEMORY  0x08
#define INITIAL    0x0c
#define TOTAL      0x0e
#define NUMBER     0x10
#define LINK       0x12
#define OFFSET     0x14
#define STRIDE     0x16
#define VF_DEVICE  0x1a
#define PAGE_SIZES 0x1c
#define PAGE_SIZE  0x20
#define BAR        0x24

/* Those that every function has to have: 4K, 8K, 64K, 256K, 1M, 4M. */
#define ALL_PAGE_SIZES 0x553
#define FIRST_OF_THEM  0x001

#define BAR_64BIT        0x4
#define BAR_PREFETCHABLE 0x8

static void put16(struct ioas_device *dev, unsigned int at, unsigned int value)
{
	dev->config[dev->cap_sriov + at] = (uint8_t)value;
	dev->config[dev->cap_sriov + at + 1] = (uint8_t)(value >> 8);
}

static void build_bars(struct ioas_device *dev)
{
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++) {
		const struct ioas_bar_desc *bar = &dev->function.bar[i];
		unsigned int flags = (bar->is_64bit ? BAR_64BIT : 0) |
		                     (bar->prefetchable ? BAR_PREFETCHABLE : 0);

		if (bar->size && !bar->port)
			put16(dev, BAR + 4 * i, flags);
	}
}

void ioas_sriov_build(struct ioas_device *dev)
{
	dev->cap_sriov = 0;
	if (!dev->iov.vfs)
		return;
	dev->cap_sriov = FIRST_EXTENDED;
	put16(dev, 0, CAP_SRIOV & 0xffff);
	put16(dev, 2, CAP_SRIOV >> 16);
	put16(dev, INITIAL, dev->iov.vfs);
	put16(dev, TOTAL, dev->iov.vfs);
	put16(dev, LINK, dev->iov.link);
	put16(dev, OFFSET, dev->iov.offset);
	put16(dev, STRIDE, dev->iov.stride);
	put16(dev, VF_DEVICE, dev->iov.vf_device);
	put16(dev, PAGE_SIZES, ALL_PAGE_SIZES);
	put16(dev, PAGE_SIZE, FIRST_OF_THEM);
	build_bars(dev);
}

bool ioas_sriov_on_locked(const struct ioas_device *dev)
{
	return dev->cap_sriov &&
	       dev->config[dev->cap_sriov + CONTROL] & VF_ENABLE;
}

void ioas_device_vfs_set(struct ioas_device *dev, unsigned int vfs)
{
	if (!dev->cap_sriov)
		return;
	ioas_lock(&dev->lock);
	put16(dev, NUMBER, vfs);
	put16(dev, CONTROL, vfs ? VF_ENABLE | VF_MEMORY : 0);
	if (vfs)
		ioas_config_power_on_locked(dev);
	ioas_unlock(&dev->lock);
}
