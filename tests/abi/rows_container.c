/* SPDX-License-Identifier: MIT */
/* The container's own commands, and what its file cannot do. */
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>

#include "abi.h"

#define EXTENSIONS 13

/* CHECK_EXTENSION: without a back end, and with it. */
static const struct {
	long off, on;
} extension[EXTENSIONS] = {
	[VFIO_TYPE1_IOMMU] = {1, 1},  [VFIO_TYPE1v2_IOMMU] = {1, 1},
	[VFIO_DMA_CC_IOMMU] = {0, 1}, [VFIO_UNMAP_ALL] = {1, 1},
	[VFIO_UPDATE_VADDR] = {0, 1},
};

static void check_extension(void (*emit)(const struct abi_row *),
                            unsigned long n, long off, long on)
{
	static const enum abi_state state[] = {S_OPEN, S_ATTACHED,  S_V1,
	                                       S_V2,   S_V1_MAPPED, S_DEVICE};
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "check extension %lu", n);
	for (i = 0; i < COUNT(state); i++)
		emit(&(struct abi_row){
			.name = name,
			.state = state[i],
			.in = n == VFIO_TYPE1_NESTING_IOMMU ? IN_NEW : 0,
			.command = VFIO_CHECK_EXTENSION,
			.value = n,
			.expected = i < 2 ? off : on,
		});
}

/* Named by 6.12 and never to be had; gone in 7.3. */
static void nesting(void (*emit)(const struct abi_row *))
{
	static const enum abi_state state[] = {S_OPEN, S_ATTACHED, S_V1, S_V2};
	size_t i;

	for (i = 0; i < COUNT(state); i++)
		emit(&(struct abi_row){
			.name = "check extension 6",
			.state = state[i],
			.in = IN_6_12,
			.command = VFIO_CHECK_EXTENSION,
			.value = VFIO_TYPE1_NESTING_IOMMU,
			.expected = 1,
		});
}

/* SET_IOMMU with a group: types, extensions that are none, unknown ones. */
static long set_iommu_answer(unsigned long type)
{
	switch (type) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		return 0;
	case VFIO_UNMAP_ALL:
		return -EINVAL;
	default:
		return -ENODEV;
	}
}

static void set_iommu(void (*emit)(const struct abi_row *), unsigned long n)
{
	static const enum abi_state state[] = {
		S_ATTACHED, S_OPEN, S_V1, S_V2, S_V2_MAPPED, S_DEVICE, S_TWO};
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "set iommu %lu", n);
	for (i = 0; i < COUNT(state); i++)
		emit(&(struct abi_row){
			.name = name,
			.state = state[i],
			.command = VFIO_SET_IOMMU,
			.value = n,
			.expected = i == 0 ? set_iommu_answer(n) : -EINVAL,
			.in_6_12 = n == VFIO_TYPE1_NESTING_IOMMU ? -EINVAL : 0,
		});
}

/* Before SET_IOMMU everything that is not the container's own is refused. */
static void before_set_iommu(void (*emit)(const struct abi_row *))
{
	unsigned int n;
	char name[64];

	for (n = 3; n < 32; n++) {
		snprintf(name, sizeof(name), "command %u without back end", n);
		emit(&(struct abi_row){
			.name = name,
			.state = S_OPEN,
			.also = S_ATTACHED,
			.command = IOAS_VFIO_COMMAND(n),
			.expected = -EINVAL,
		});
	}
}

static void generate(void (*emit)(const struct abi_row *))
{
	static const unsigned long odd[] = {100, INT_MAX, UINT_MAX, ULONG_MAX};
	unsigned long n;

	for (n = 0; n < EXTENSIONS; n++)
		check_extension(emit, n, extension[n].off, extension[n].on);
	nesting(emit);
	for (n = 0; n < COUNT(odd); n++)
		check_extension(emit, odd[n], 0, 0);
	for (n = 0; n < EXTENSIONS; n++)
		set_iommu(emit, n);
	for (n = 0; n < COUNT(odd); n++)
		set_iommu(emit, odd[n]);
	before_set_iommu(emit);
}

static const struct abi_row rows[] = {
	{.name = "api version", .command = VFIO_GET_API_VERSION},
	{.name = "api version, argument ignored",
         .state = S_V2,
         .command = VFIO_GET_API_VERSION,
         .value = 77},
	{.name = "api version with bits above the command",
         .command = VFIO_GET_API_VERSION | (1UL << 32)},
	{.name = "read of a container",
         .call = CALL_READ,
         .bytes = 8,
         .expected = -EINVAL,
         .also = S_V2},
	{.name = "read of nothing of a container",
         .call = CALL_READ,
         .expected = -EINVAL},
	{.name = "write of a container",
         .call = CALL_WRITE,
         .bytes = 8,
         .expected = -EINVAL,
         .also = S_V2},
	{.name = "mmap of a container",
         .call = CALL_MMAP,
         .bytes = PAGE,
         .prot = PROT_READ,
         .flags = MAP_SHARED,
         .expected = -ENODEV},
	{.name = "private mmap of a container",
         .call = CALL_MMAP,
         .bytes = PAGE,
         .prot = PROT_READ,
         .flags = MAP_PRIVATE,
         .expected = -ENODEV},
	{.name = "seek in a container", .call = CALL_SEEK, .expected = -ESPIPE},
	{.name = "set iommu with two groups",
         .state = S_TWO,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1v2_IOMMU,
         .expected = -EINVAL},
	{.name = "set iommu of a container without group",
         .state = S_V2,
         .on = FD_CONTAINER2,
         .command = VFIO_SET_IOMMU,
         .value = VFIO_TYPE1v2_IOMMU,
         .expected = -EINVAL},
};

const struct abi_set abi_container_set = {
	.subject = "container",
	.source = "Linux 7.3 drivers/vfio/container.c",
	.rows = rows,
	.count = COUNT(rows),
	.generate = generate,
};
