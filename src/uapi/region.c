/* SPDX-License-Identifier: MIT */
/*
 * Regions of a device file: BARs, ROM and configuration space, by read, write
 * and mmap. Region n begins at position n << 40.
 *
 * A BAR is accessed in units of 8, 4, 2 or 1 bytes, each as large as alignment
 * and what is left allow, so a program that reads 4 aligned bytes makes one
 * register access of 4. The MSI-X table is hidden: it reads as ones, writes
 * are dropped. An error at one unit is the answer of the call, though the
 * units before are done.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_rdwr.c, vfio_pci_config.c,
 *         vfio_pci_core.c (vfio_pci_core_mmap)
 */
#include <errno.h>
#include <string.h>

#include "uapi/state.h"

#define MSIX_ENTRY 16 /* bytes; PCI Local Bus Specification 3.0, 6.8.2 */

/* One call: the piece of a region it is about, and where it is in memory. */
struct access {
	struct ioas_vdevice *vdevice;
	unsigned int index;
	uint64_t offset;
	uint64_t bytes;
	struct uaddr buffer;
	bool write;
};

bool ioas_vdevice_msix_table(const struct ioas_vdevice *vdevice,
                             unsigned int bar, uint64_t *ret_first,
                             uint64_t *ret_end)
{
	const struct ioas_function_desc *f = &vdevice->dev->function;

	if (f->msix_vectors == 0 || f->msix_bar != bar)
		return false;
	*ret_first = f->msix_table;
	*ret_end = f->msix_table + (uint64_t)f->msix_vectors * MSIX_ENTRY;
	return true;
}

uint64_t ioas_region_size(const struct ioas_vdevice *vdevice,
                          unsigned int index)
{
	if (index < IOAS_BARS)
		return ioas_device_bar_size(vdevice->dev, index);
	if (index == VFIO_PCI_ROM_REGION_INDEX)
		return ioas_device_rom_size(vdevice->dev);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return vdevice->dev->config_size;
	return 0;
}

/* A smaller BAR shares its page with who knows what. */
bool ioas_region_mappable(const struct ioas_vdevice *vdevice, unsigned int bar)
{
	return bar < IOAS_BARS && !ioas_device_bar_is_port(vdevice->dev, bar) &&
	       ioas_region_size(vdevice, bar) >> vdevice->vfio->page_shift &&
	       vdevice->vfio->front->bars_mappable();
}

/* ---- BARs ---- */

static unsigned int unit_bytes(uint64_t offset, uint64_t left)
{
	unsigned int unit = 8;

	while (unit > left || (offset & (unit - 1)))
		unit /= 2;
	return unit;
}

/* What the processor has in memory for a value of @size bytes, and back. */
union unit {
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;
};

static void unit_put(union unit *unit, unsigned int size, uint64_t value)
{
	switch (size) {
	case 8:
		unit->u64 = value;
		break;
	case 4:
		unit->u32 = (uint32_t)value;
		break;
	case 2:
		unit->u16 = (uint16_t)value;
		break;
	default:
		unit->u8 = (uint8_t)value;
	}
}

static uint64_t unit_get(const union unit *unit, unsigned int size)
{
	switch (size) {
	case 8:
		return unit->u64;
	case 4:
		return unit->u32;
	case 2:
		return unit->u16;
	default:
		return unit->u8;
	}
}

/* Where an access of this call is, @done bytes into it. */
static struct uaddr at(const struct access *a, uint64_t done)
{
	return ioas_uaddr_add(a->buffer, done);
}

static int bar_write_unit(const struct access *a, uint64_t done,
                          unsigned int size)
{
	struct ioas_device *dev = a->vdevice->dev;
	union unit unit;

	if (ioas_copy_in(&unit, at(a, done), size))
		return -EFAULT;
	/* Without a thread it is slower, and no worse. */
	(void)ioas_device_expect(dev, a->index, a->offset + done, size);
	if (!ioas_device_store_try(dev, a->index, a->offset + done, size,
	                           unit_get(&unit, size)))
		return -EIO;
	return 0;
}

static int bar_read_unit(const struct access *a, uint64_t done,
                         unsigned int size)
{
	struct ioas_device *dev = a->vdevice->dev;
	union unit unit;
	uint64_t value;

	if (!ioas_device_load_try(dev, a->index, a->offset + done, size,
	                          &value))
		return -EIO;
	unit_put(&unit, size, value);
	return ioas_copy_out(at(a, done), &unit, size);
}

/* Ones to read, nothing to write. */
static int hidden(const struct access *a, uint64_t done, uint64_t bytes)
{
	uint8_t ones[64];
	uint64_t piece;

	if (a->write)
		return 0;
	memset(ones, 0xff, sizeof(ones));
	for (; bytes; bytes -= piece, done += piece) {
		piece = bytes < sizeof(ones) ? bytes : sizeof(ones);
		if (ioas_copy_out(at(a, done), ones, piece))
			return -EFAULT;
	}
	return 0;
}

/* [first, end) of the BAR that the program does not see. */
struct hole {
	uint64_t first, end;
};

/* One unit, or the hidden part. Return: bytes done, or -EFAULT, -EIO. */
static ssize_t bar_step(const struct access *a, const struct hole *hole,
                        uint64_t done)
{
	uint64_t offset = a->offset + done, left = a->bytes - done;
	unsigned int size;
	int ret;

	if (offset >= hole->first && offset < hole->end) {
		if (left > hole->end - offset)
			left = hole->end - offset;
		return hidden(a, done, left) ? -EFAULT : (ssize_t)left;
	}
	/* A unit is aligned, and so is the hole: none crosses its edge. */
	size = unit_bytes(offset, left);
	ret = a->write ? bar_write_unit(a, done, size)
	               : bar_read_unit(a, done, size);
	return ret ? ret : (ssize_t)size;
}

static ssize_t bar_access(const struct access *a)
{
	struct hole hole = {.first = UINT64_MAX, .end = UINT64_MAX};
	uint64_t done = 0;
	ssize_t ret;

	ioas_vdevice_msix_table(a->vdevice, a->index, &hole.first, &hole.end);
	while (done < a->bytes) {
		ret = bar_step(a, &hole, done);
		if (ret < 0)
			return ret;
		done += (uint64_t)ret;
	}
	return (ssize_t)done;
}

/* ---- ROM ---- */

/* Linux maps it for the call, and finds none when it does not answer. */
static ssize_t rom_access(const struct access *a)
{
	const struct ioas_function_desc *f = &a->vdevice->dev->function;
	uint64_t there = 0;

	if (a->write)
		return -EINVAL;
	if (!ioas_device_decodes(a->vdevice->dev))
		return -ENOMEM;
	if (a->offset < f->rom_bytes)
		there = f->rom_bytes - a->offset;
	if (there > a->bytes)
		there = a->bytes;
	if (there && ioas_copy_out(a->buffer, f->rom + a->offset, there))
		return -EFAULT;
	if (hidden(a, there, a->bytes - there))
		return -EFAULT;
	return (ssize_t)a->bytes;
}

/* ---- Configuration space ---- */

/* Reading has no side effect, so the unit is only a buffer. */
static ssize_t config_read(const struct access *a)
{
	struct ioas_device *dev = a->vdevice->dev;
	uint64_t done, piece;
	uint8_t buffer[256];

	for (done = 0; done < a->bytes; done += piece) {
		piece = a->bytes - done;
		if (piece > sizeof(buffer))
			piece = sizeof(buffer);
		ioas_device_config_read(dev, (unsigned int)(a->offset + done),
		                        buffer, (unsigned int)piece);
		if (ioas_copy_out(at(a, done), buffer, piece))
			return -EFAULT;
	}
	return (ssize_t)done;
}

static ssize_t config_write(const struct access *a)
{
	struct ioas_device *dev = a->vdevice->dev;
	uint64_t done;
	unsigned int size;
	uint32_t unit;

	for (done = 0; done < a->bytes; done += size) {
		size = unit_bytes((a->offset + done) & 3, a->bytes - done);
		if (size > sizeof(unit))
			size = sizeof(unit);
		if (ioas_copy_in(&unit, at(a, done), size))
			return -EFAULT;
		ioas_device_config_write(dev, (unsigned int)(a->offset + done),
		                         &unit, size);
	}
	return (ssize_t)done;
}

static ssize_t config_access(const struct access *a)
{
	uint64_t size = a->vdevice->dev->config_size;

	/* Nothing is cut to fit, as it is in a BAR. */
	if (a->offset >= size || a->bytes > size - a->offset)
		return -EFAULT;
	ioas_vdevice_show_vfs(a->vdevice);
	return a->write ? config_write(a) : config_read(a);
}

/* ---- Calls ---- */

static ssize_t region_access(struct access *a)
{
	uint64_t size;

	ioas_vdevice_wake(a->vdevice);
	if (a->index == VFIO_PCI_CONFIG_REGION_INDEX)
		return config_access(a);
	/* VGA is not there, nor is anything above. */
	size = ioas_region_size(a->vdevice, a->index);
	if (a->offset >= size)
		return -EINVAL;
	if (a->bytes > size - a->offset)
		a->bytes = size - a->offset;
	if (a->index == VFIO_PCI_ROM_REGION_INDEX)
		return rom_access(a);
	return bar_access(a);
}

static unsigned int position_index(uint64_t position)
{
	return (unsigned int)(position >> IOAS_REGION_SHIFT);
}

ssize_t ioas_region_read(struct ioas_vdevice *vdevice, struct uaddr buffer,
                         size_t bytes, uint64_t position)
{
	struct access a = {
		.vdevice = vdevice,
		.index = position_index(position),
		.offset = position & IOAS_REGION_OFFSET,
		.bytes = bytes,
		.buffer = buffer,
	};

	return region_access(&a);
}

ssize_t ioas_region_write(struct ioas_vdevice *vdevice, struct uaddr buffer,
                          size_t bytes, uint64_t position)
{
	struct access a = {
		.vdevice = vdevice,
		.index = position_index(position),
		.offset = position & IOAS_REGION_OFFSET,
		.bytes = bytes,
		.buffer = buffer,
		.write = true,
	};

	return region_access(&a);
}

int ioas_region_mmap(struct ioas_vdevice *vdevice, uint64_t bytes,
                     uint64_t position, struct ioas_bar_window *ret_window)
{
	uint64_t mask = ioas_mask_lg2(vdevice->vfio->page_shift);
	unsigned int bar = position_index(position);
	uint64_t offset = position & IOAS_REGION_OFFSET;
	uint64_t size;

	if (!ioas_region_mappable(vdevice, bar))
		return -EINVAL;
	size = (ioas_region_size(vdevice, bar) + mask) & ~mask;
	if (offset > size || bytes > size - offset)
		return -EINVAL;
	ret_window->bar = bar;
	ret_window->offset = offset;
	ret_window->bytes = bytes;
	return 0;
}
