/* SPDX-License-Identifier: MIT */
/*
 * Preloaded in front of ioas: writes what a program asks of its containers to
 * the file that GUEST_CALLS names, one call a line:
 *
 *	map IOVA SIZE RESULT
 *	unmap IOVA SIZE RESULT SIZE-AFTERWARDS
 *	type NUMBER RESULT
 *	enable 0 RESULT
 *	register ADDRESS SIZE RESULT
 *	unregister ADDRESS SIZE RESULT
 *	create PAGE-SHIFT SIZE LEVELS RESULT START
 *	remove START RESULT
 *	info WINDOWS RESULT
 *	eeh OPERATION RESULT
 *
 * GUEST_FAIL, "NAME FIRST LAST ERRNO", lets some of them fail without asking
 * ioas: those of that name from the FIRSTth to the LASTth. After a comma the
 * next ones.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define DESCRIPTORS 1024
#define FAILS       4

typedef unsigned long long number;

static bool container[DESCRIPTORS];
static int out = -1;
static struct {
	char name[16];
	int first, last, error;
} fail[FAILS];

static void read_fails(const char *text)
{
	int i;

	for (i = 0; text && i < FAILS; i++) {
		sscanf(text, "%15s %d %d %d", fail[i].name, &fail[i].first,
		       &fail[i].last, &fail[i].error);
		text = strchr(text, ',');
		text = text ? text + 1 : NULL;
	}
}

/* Opened before the program can have closed or limited anything. */
__attribute__((constructor)) static void begin(void)
{
	const int how = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	const char *path = getenv("GUEST_CALLS");

	if (path)
		out = open(path, how, 0600);
	read_fails(getenv("GUEST_FAIL"));
}

static void say_map(const void *argument, long result)
{
	const struct vfio_iommu_type1_dma_map *call = argument;

	dprintf(out, "map 0x%llx 0x%llx %ld\n", call->iova, call->size, result);
}

static number unmapped; /* what it was before the call */

static void say_unmap(const void *argument, long result)
{
	const struct vfio_iommu_type1_dma_unmap *call = argument;

	dprintf(out, "unmap 0x%llx 0x%llx %ld 0x%llx\n", call->iova, unmapped,
	        result, call->size);
}

static void say_type(const void *argument, long result)
{
	dprintf(out, "type %lu %ld\n", (unsigned long)argument, result);
}

static void say_enable(const void *argument, long result)
{
	dprintf(out, "enable 0 %ld\n", result);
}

static void say_memory(const char *name, const void *argument, long result)
{
	const struct vfio_iommu_spapr_register_memory *call = argument;

	dprintf(out, "%s 0x%llx 0x%llx %ld\n", name, call->vaddr, call->size,
	        result);
}

static void say_register(const void *argument, long result)
{
	say_memory("register", argument, result);
}

static void say_unregister(const void *argument, long result)
{
	say_memory("unregister", argument, result);
}

static void say_create(const void *argument, long result)
{
	const struct vfio_iommu_spapr_tce_create *call = argument;

	dprintf(out, "create %u 0x%llx %u %ld 0x%llx\n", call->page_shift,
	        call->window_size, call->levels, result, call->start_addr);
}

static void say_remove(const void *argument, long result)
{
	const struct vfio_iommu_spapr_tce_remove *call = argument;

	dprintf(out, "remove 0x%llx %ld\n", call->start_addr, result);
}

static void say_info(const void *argument, long result)
{
	const struct vfio_iommu_spapr_tce_info *call = argument;

	dprintf(out, "info %u %ld\n", call->ddw.max_dynamic_windows_supported,
	        result);
}

static void say_eeh(const void *argument, long result)
{
	const struct vfio_eeh_pe_op *call = argument;

	dprintf(out, "eeh %u %ld\n", call->op, result);
}

static struct call {
	const char *name;
	unsigned long command;
	void (*say)(const void *argument, long result);
	int count;
} calls[] = {
	{"map", VFIO_IOMMU_MAP_DMA, say_map},
	{"unmap", VFIO_IOMMU_UNMAP_DMA, say_unmap},
	{"type", VFIO_SET_IOMMU, say_type},
	{"enable", VFIO_IOMMU_ENABLE, say_enable},
	{"register", VFIO_IOMMU_SPAPR_REGISTER_MEMORY, say_register},
	{"unregister", VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, say_unregister},
	{"create", VFIO_IOMMU_SPAPR_TCE_CREATE, say_create},
	{"remove", VFIO_IOMMU_SPAPR_TCE_REMOVE, say_remove},
	{"info", VFIO_IOMMU_SPAPR_TCE_GET_INFO, say_info},
	{"eeh", VFIO_EEH_PE_OP, say_eeh},
	{NULL},
};

/* The numbers mean other things on other descriptors. */
static struct call *find(int fd, unsigned long command)
{
	struct call *c = calls;

	if (out < 0 || fd < 0 || fd >= DESCRIPTORS ||
	    (!container[fd] && command != VFIO_SET_IOMMU))
		return NULL;
	while (c->name && c->command != command)
		c++;
	return c->name ? c : NULL;
}

/* Return: the error that this one is to have, 0 when it is asked. */
static int fails(struct call *c)
{
	int i;

	c->count++;
	for (i = 0; i < FAILS; i++)
		if (strcmp(c->name, fail[i].name) == 0 &&
		    c->count >= fail[i].first && c->count <= fail[i].last)
			return fail[i].error;
	return 0;
}

int ioctl(int fd, unsigned long command, ...)
{
	static int (*real)(int, unsigned long, ...);
	struct vfio_iommu_type1_dma_unmap *unmap;
	struct call *c;
	void *argument;
	va_list list;
	int result, error;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	c = find(fd, command);
	if (!c)
		return real(fd, command, argument);
	unmap = argument;
	if (command == VFIO_IOMMU_UNMAP_DMA)
		unmapped = unmap->size;
	error = fails(c);
	result = error ? -1 : real(fd, command, argument);
	if (!error)
		error = errno;
	if (command == VFIO_SET_IOMMU && result == 0)
		container[fd] = true;
	c->say(argument, result < 0 ? -error : result);
	errno = error;
	return result;
}
