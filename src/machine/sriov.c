/* SPDX-License-Identifier: MIT */
/*
 * What virtual functions look like, and where they are.
 *
 * Sources: PCI Express Base Specification 4.0, 9.2.1.2 (addresses of virtual
 * functions); Linux 7.3 drivers/pci/iov.c.
 */
#include "machine/sriov.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Beyond slot 16, where nobody puts a function by hand. */
#define OFFSET_FIRST 0x80
#define OFFSET_LAST  0x200
#define STRIDE       1

/* Return: the number, or 0: it is none, or is too large. */
static unsigned int parse_number(const char *text, unsigned int most)
{
	unsigned int n = 0;

	if (!*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		n = 10 * n + (unsigned int)(*text - '0');
		if (n > most)
			return 0;
	}
	return n;
}

static unsigned int routing_id(struct ioas_bdf bdf)
{
	return bdf.bus << 8 | bdf.slot << 3 | bdf.function;
}

static struct ioas_bdf bdf_of(const struct ioas_function *physical,
                              unsigned int offset)
{
	unsigned int id = routing_id(physical->bdf) + offset;

	return (struct ioas_bdf){
		.domain = physical->bdf.domain,
		.bus = (uint8_t)(id >> 8),
		.slot = id >> 3 & 0x1f,
		.function = id & 7,
	};
}

static bool is_free(const struct ioas_machine *machine,
                    const struct ioas_function *physical, unsigned int offset)
{
	const struct ioas_bdf bdf = bdf_of(physical, offset);
	char name[IOAS_BDF_TEXT];
	unsigned int i;

	if (routing_id(physical->bdf) + offset > UINT16_MAX)
		return false;
	ioas_bdf_format(bdf, name);
	for (i = 0; i < machine->function_count; i++)
		if (!strcmp(machine->function[i].name, name))
			return false;
	return true;
}

/* From where on are that many addresses free? 0: nowhere near. */
static unsigned int find_offset(const struct ioas_machine *machine,
                                const struct ioas_function *physical,
                                unsigned int vfs)
{
	unsigned int offset, i;

	for (offset = OFFSET_FIRST; offset < OFFSET_LAST; offset += i + 1) {
		for (i = 0; i < vfs; i++)
			if (!is_free(machine, physical, offset + i * STRIDE))
				break;
		if (i == vfs)
			return offset;
	}
	return 0;
}

/* A virtual function has no pin, no ROM and no I/O ports (9.3.4.1). */
static void describe_virtual(struct ioas_function_desc *desc,
                             unsigned int device)
{
	unsigned int i;

	desc->device = (uint16_t)device;
	desc->intx = false;
	desc->rom = NULL;
	desc->rom_bytes = 0;
	for (i = 0; i < IOAS_BARS; i++)
		if (desc->bar[i].port)
			desc->bar[i] = (struct ioas_bar_desc){0};
}

static void add_virtual(struct ioas_machine *machine,
                        const struct ioas_function *physical,
                        unsigned int number)
{
	struct ioas_function *f = &machine->function[machine->function_count++];

	*f = (struct ioas_function){
		.bdf = bdf_of(physical, physical->iov.offset + number * STRIDE),
		.model = physical->model,
		.desc = physical->desc,
		.iov = {.is_virtual = true},
		.options = physical->options,
		.option_count = physical->option_count,
		.physical = physical,
		.vf_number = number,
	};
	describe_virtual(&f->desc, physical->iov.vf_device);
	ioas_bdf_format(f->bdf, f->name);
	memcpy(f->bus_name, physical->bus_name, sizeof(f->bus_name));
	snprintf(f->virtfn_name, sizeof(f->virtfn_name), "virtfn%u", number);
}

static int add_all(struct ioas_machine *machine, struct ioas_function *physical,
                   unsigned int vfs, char *failure)
{
	unsigned int offset = find_offset(machine, physical, vfs), i;
	const struct ioas_function_desc *desc = &physical->desc;

	if (machine->function_count + vfs > IOAS_FUNCTIONS_MAX)
		return ioas_machine_refuse(
			failure, -ENOSPC,
			"%s at %s: vfs=%u: a machine has at most %d "
			"functions",
			physical->model->name, physical->name, vfs,
			IOAS_FUNCTIONS_MAX);
	if (!offset)
		return ioas_machine_refuse(
			failure, -EEXIST,
			"%s at %s: vfs=%u: no addresses are free behind "
			"it; give another bdf=",
			physical->model->name, physical->name, vfs);
	physical->desc.pcie = true;
	physical->iov = (struct ioas_iov){
		.vfs = (uint16_t)vfs,
		.offset = (uint16_t)offset,
		.stride = STRIDE,
		.vf_device = desc->vf_device ? desc->vf_device : desc->device,
		.link = (uint8_t)routing_id(physical->bdf),
	};
	for (i = 0; i < vfs; i++)
		add_virtual(machine, physical, i);
	return 0;
}

int ioas_iov_add(struct ioas_machine *machine, const char *text,
                 char *ret_failure)
{
	struct ioas_function *physical =
		&machine->function[machine->function_count - 1];
	unsigned int most = physical->desc.vfs_max;
	unsigned int vfs = parse_number(text, most);

	if (!vfs)
		return ioas_machine_refuse(
			ret_failure, -EINVAL,
			"%s at %s: vfs=%.80s is not a number of virtual "
			"functions that it can have: 1 to %u, in decimal",
			physical->model->name, physical->name, text, most);
	return add_all(machine, physical, vfs, ret_failure);
}

static void number(struct ioas_function *f, unsigned int group)
{
	f->group = group;
	snprintf(f->group_name, sizeof(f->group_name), "%u", group);
}

void ioas_iov_number_groups(struct ioas_machine *machine)
{
	struct ioas_function *end = machine->function + machine->function_count;
	struct ioas_function *f;
	unsigned int group = 1;

	for (f = machine->function; f < end; f++)
		if (!f->physical)
			number(f, group++);
	for (f = machine->function; f < end; f++)
		if (f->physical)
			number(f, group++);
}

bool ioas_iov_any(const struct ioas_machine *machine)
{
	unsigned int i;

	for (i = 0; i < machine->function_count; i++)
		if (machine->function[i].physical)
			return true;
	return false;
}
