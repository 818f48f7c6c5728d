/* SPDX-License-Identifier: MIT */
/*
 * What the files of the synthetic tree contain. Each is made anew when it is
 * opened, from what is constant in a machine: the state of a device that is in
 * use is not looked at, so no lock is needed.
 *
 * BARs have the addresses that a firmware would have given them: one after the
 * other in a window below 4 GiB, for 64-bit BARs in one far above, and for I/O
 * ports in one of their own.
 *
 * Sources: Linux 7.3 drivers/pci/pci-sysfs.c (formats), include/linux/ioport.h
 * (flags of a resource), drivers/iommu/iommu.c (reserved_regions); PCI Local
 * Bus Specification 3.0, 6.2.5.1.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/sriov.h"
#include "machine/tree.h"

#define ROOM IOAS_FILE_BYTES

#define WINDOW_32     UINT64_C(0xc0000000)
#define WINDOW_32_END UINT64_C(0xfec00000)
#define WINDOW_64     (UINT64_C(0x38) << 40)
#define WINDOW_64_END UINT64_MAX
#define PORTS         UINT64_C(0x2000)
#define PORTS_END     UINT64_C(0x10000)

#define RESOURCE_PORT     0x00000100u
#define RESOURCE_MEMORY   0x00000200u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_READONLY 0x00004000u
#define RESOURCE_ALIGNED  0x00040000u /* its size is its alignment */
#define RESOURCE_64BIT    0x00100000u
#define BAR_PORT          0x1u
#define BAR_64BIT         0x4u
#define BAR_PREFETCH      0x8u

#define REG_COMMAND 0x04
#define REG_BAR     0x10
#define REG_ROM     0x30
#define REG_VF_BAR  0x124 /* pci/sriov.c */

#define ROM       IOAS_BARS /* comes behind them */
#define VIRTUAL   (ROM + 1) /* BARs of all virtual functions */
#define RESOURCES (VIRTUAL + IOAS_BARS)
#define ROM_LEAST 2048 /* bytes that its register can express */

#define PIN_IRQ 16 /* where the first interrupt pins of a PC end */

/* A resource as sysfs shows it; all 0 when it is not there. */
struct resource {
	uint64_t start, last;
	unsigned int flags;
};

static const struct ioas_function_desc *desc(const struct ioas_attribute *a)
{
	return &a->function->desc;
}

static long number(const struct ioas_attribute *a, unsigned int digits,
                   unsigned int value)
{
	return snprintf(a->buffer, ROOM, "0x%0*x\n", (int)digits, value);
}

long ioas_attribute_vendor(const struct ioas_attribute *a)
{
	return number(a, 4, desc(a)->vendor);
}

long ioas_attribute_device(const struct ioas_attribute *a)
{
	return number(a, 4, desc(a)->device);
}

long ioas_attribute_subsystem_vendor(const struct ioas_attribute *a)
{
	return number(a, 4, desc(a)->subsystem_vendor);
}

long ioas_attribute_subsystem_device(const struct ioas_attribute *a)
{
	return number(a, 4, desc(a)->subsystem_device);
}

long ioas_attribute_class(const struct ioas_attribute *a)
{
	return number(a, 6, desc(a)->class_code);
}

long ioas_attribute_revision(const struct ioas_attribute *a)
{
	return number(a, 2, desc(a)->revision);
}

long ioas_attribute_irq(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%d\n", desc(a)->intx ? PIN_IRQ : 0);
}

static int write_modalias(const struct ioas_function_desc *d, char *to,
                          size_t room)
{
	return snprintf(to, room,
	                "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
	                d->vendor, d->device, d->subsystem_vendor,
	                d->subsystem_device, d->class_code >> 16 & 0xff,
	                d->class_code >> 8 & 0xff, d->class_code & 0xff);
}

long ioas_attribute_modalias(const struct ioas_attribute *a)
{
	return write_modalias(desc(a), a->buffer, ROOM);
}

long ioas_attribute_uevent(const struct ioas_attribute *a)
{
	const struct ioas_function_desc *d = desc(a);
	int n = snprintf(a->buffer, ROOM,
	                 "DRIVER=vfio-pci\nPCI_CLASS=%04X\nPCI_ID=%04X:%04X\n"
	                 "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n"
	                 "MODALIAS=",
	                 d->class_code, d->vendor, d->device,
	                 d->subsystem_vendor, d->subsystem_device,
	                 a->function->name);

	return n + write_modalias(d, a->buffer + n, ROOM - (size_t)n);
}

/* ---- Addresses ---- */

struct window {
	uint64_t next, end;
};

struct windows {
	struct window below, above, ports;
};

/* All 0 where there is no room: not assigned. */
static struct resource place(struct window *w, uint64_t size,
                             unsigned int count, unsigned int flags)
{
	uint64_t start = (w->next + size - 1) & ~(size - 1);
	uint64_t bytes = size * count;

	if (start > w->end || bytes > w->end - start)
		return (struct resource){0};
	w->next = start + bytes;
	return (struct resource){start, start + bytes - 1,
	                         flags | RESOURCE_ALIGNED};
}

/* @count of them, one behind the other. */
static struct resource place_bar(struct windows *w,
                                 const struct ioas_bar_desc *bar,
                                 unsigned int count)
{
	unsigned int flags = RESOURCE_MEMORY;

	if (!bar->size || !count)
		return (struct resource){0};
	if (bar->port)
		return place(&w->ports, bar->size, count,
		             RESOURCE_PORT | BAR_PORT);
	if (bar->prefetchable)
		flags |= RESOURCE_PREFETCH | BAR_PREFETCH;
	if (!bar->is_64bit)
		return place(&w->below, bar->size, count, flags);
	return place(&w->above, bar->size, count,
	             flags | RESOURCE_64BIT | BAR_64BIT);
}

static struct resource place_rom(struct windows *w,
                                 const struct ioas_function_desc *d)
{
	uint64_t size = ROM_LEAST;

	if (!d->rom)
		return (struct resource){0};
	while (size < d->rom_bytes)
		size *= 2;
	return place(&w->below, size, 1,
	             RESOURCE_MEMORY | RESOURCE_PREFETCH | RESOURCE_READONLY);
}

static void place_function(struct windows *w, const struct ioas_function *f,
                           struct resource ret_resource[RESOURCES])
{
	const struct ioas_function_desc *d = &f->desc;
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++)
		ret_resource[i] = place_bar(w, &d->bar[i], 1);
	ret_resource[ROM] = place_rom(w, d);
	for (i = 0; i < IOAS_BARS; i++)
		ret_resource[VIRTUAL + i] = place_bar(
			w, &d->bar[i], d->bar[i].port ? 0 : f->iov.vfs);
}

/* Its part of what the physical function, in @resource, has for all. */
static void take_part(const struct ioas_function *f,
                      struct resource resource[RESOURCES])
{
	unsigned int i;

	for (i = 0; i < IOAS_BARS; i++) {
		struct resource *all = &resource[VIRTUAL + i];
		uint64_t size = f->desc.bar[i].size;

		resource[i] = *all;
		*all = (struct resource){0};
		if (!resource[i].flags)
			continue;
		resource[i].start += f->vf_number * size;
		resource[i].last = resource[i].start + size - 1;
	}
	resource[ROM] = (struct resource){0};
}

/* Those of one function, which come behind those of all before it. */
static void place_all(const struct ioas_attribute *a,
                      struct resource ret_resource[RESOURCES])
{
	struct windows w = {{WINDOW_32, WINDOW_32_END},
	                    {WINDOW_64, WINDOW_64_END},
	                    {PORTS, PORTS_END}};
	const struct ioas_function *last = a->function, *f;

	if (last->physical)
		last = last->physical;
	for (f = a->machine->function; f <= last; f++)
		if (!f->physical)
			place_function(&w, f, ret_resource);
	if (a->function->physical)
		take_part(a->function, ret_resource);
}

long ioas_attribute_resource(const struct ioas_attribute *a)
{
	struct resource resource[RESOURCES];
	unsigned int i;
	long n = 0;

	place_all(a, resource);
	for (i = 0; i < IOAS_ARRAY_SIZE(resource); i++)
		n += snprintf(a->buffer + n, ROOM - (size_t)n,
		              "0x%016llx 0x%016llx 0x%016llx\n",
		              (unsigned long long)resource[i].start,
		              (unsigned long long)resource[i].last,
		              (unsigned long long)resource[i].flags);
	return n;
}

unsigned int ioas_attribute_config_bytes(const struct ioas_function *function)
{
	return function->desc.pcie ? IOAS_CONFIG_SIZE : 256;
}

static void put_address(uint8_t *at, const struct resource *r)
{
	unsigned int i, bytes = r->flags & RESOURCE_64BIT ? 8 : 4;

	for (i = 0; i < bytes; i++)
		at[i] |= (uint8_t)(r->start >> 8 * i);
}

static void put_addresses(struct ioas_device *scratch,
                          const struct ioas_attribute *a)
{
	struct resource resource[RESOURCES];
	unsigned int i;

	place_all(a, resource);
	for (i = 0; i < IOAS_BARS; i++)
		put_address(scratch->config + REG_BAR + 4 * i, &resource[i]);
	put_address(scratch->config + REG_ROM, &resource[ROM]);
	for (i = 0; i < IOAS_BARS && a->function->iov.vfs; i++)
		put_address(scratch->config + REG_VF_BAR + 4 * i,
		            &resource[VIRTUAL + i]);
}

/* What only the physical one has (9.3.4.1): vfio-pci puts it in. */
static void hide_of_virtual(struct ioas_device *scratch)
{
	memset(scratch->config, 0xff, 4);
	memset(scratch->config + REG_COMMAND, 0, 2);
	memset(scratch->config + REG_BAR, 0, 4 * IOAS_BARS);
}

/* As the function is before it is opened, with its addresses. */
long ioas_attribute_config(const struct ioas_attribute *a)
{
	unsigned int bytes = ioas_attribute_config_bytes(a->function);
	struct ioas_device *scratch = ioas_new(struct ioas_device);

	if (!scratch)
		return -ENOMEM;
	scratch->function = a->function->desc;
	scratch->iov = a->function->iov;
	ioas_config_build(scratch);
	if (a->function->iov.vfs)
		ioas_device_vfs_set(scratch,
		                    ioas_iov_vfs(a->machine, a->function));
	put_addresses(scratch, a);
	if (a->function->physical)
		hide_of_virtual(scratch);
	memcpy(a->buffer, scratch->config, bytes);
	ioas_delete(scratch);
	return bytes;
}

/* ---- Groups, parameters ---- */

/* As in Linux, what has no room on the page is left out. */
long ioas_attribute_reserved_regions(const struct ioas_attribute *a)
{
	struct ioas_reserved_list list = {0};
	const struct ioas_reserved *r;
	long n = 0;

	if (ioas_group_reserved(a->machine, a->function->group, &list))
		return -ENOMEM;
	for (r = list.item; r < list.item + list.count; r++)
		if (n < IOAS_FILE_BYTES - 64)
			n += snprintf(a->buffer + n, ROOM - (size_t)n,
			              "0x%016llx 0x%016llx %s\n",
			              (unsigned long long)r->range.first,
			              (unsigned long long)r->range.last,
			              ioas_reserved_word(r->kind));
	ioas_reserved_fini(&list);
	return n;
}

long ioas_attribute_group_type(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%s\n",
	                a->machine->profile->group_type);
}

/* The number of a group is that of its PE, too. */
long ioas_attribute_group_name(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "domain%u-pe%x\n",
	                a->function->bdf.domain, a->function->group);
}

long ioas_attribute_entry_limit(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%llu\n",
	                (unsigned long long)a->machine->entry_limit);
}

long ioas_attribute_unsafe_interrupts(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%c\n",
	                a->machine->unsafe_interrupts ? 'Y' : 'N');
}

long ioas_attribute_hugepages(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%u\n", a->machine->hugepages);
}

/* ---- Virtual functions ---- */

static long decimal(const struct ioas_attribute *a, unsigned int value)
{
	return snprintf(a->buffer, ROOM, "%u\n", value);
}

long ioas_attribute_sriov_totalvfs(const struct ioas_attribute *a)
{
	return decimal(a, a->function->iov.vfs);
}

long ioas_attribute_sriov_numvfs(const struct ioas_attribute *a)
{
	return decimal(a, ioas_iov_vfs(a->machine, a->function));
}

long ioas_attribute_sriov_offset(const struct ioas_attribute *a)
{
	return decimal(a, a->function->iov.offset);
}

long ioas_attribute_sriov_stride(const struct ioas_attribute *a)
{
	return decimal(a, a->function->iov.stride);
}

long ioas_attribute_sriov_vf_device(const struct ioas_attribute *a)
{
	return snprintf(a->buffer, ROOM, "%x\n", a->function->iov.vf_device);
}

long ioas_attribute_sriov_autoprobe(const struct ioas_attribute *a)
{
	const struct ioas_iov_cells *cells =
		ioas_iov_cells(a->machine, a->function);

	return decimal(a, !ioas_a32_load(&cells->no_autoprobe));
}
