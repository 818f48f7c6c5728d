/* SPDX-License-Identifier: MIT */
/*
 * One VFIO for the process: its groups and devices by the machine, and what
 * can be said of all of it at once.
 */
#include "uapi/vfio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "uapi/state.h"

const char *const ioas_contract_name[IOAS_CONTRACT_NR] = {
	[IOAS_CONTRACT_STRICT] = "strict",
	[IOAS_CONTRACT_LINUX_7_3] = "linux-7.3",
	[IOAS_CONTRACT_LINUX_6_12] = "linux-6.12",
};

bool ioas_contract_find(const char *name, enum ioas_contract *ret_contract)
{
	unsigned int i;

	for (i = 0; i < IOAS_CONTRACT_NR; i++) {
		if (strcmp(ioas_contract_name[i], name) != 0)
			continue;
		*ret_contract = (enum ioas_contract)i;
		return true;
	}
	return false;
}

/* The group of a function: a new one, or that of an earlier function. */
static struct ioas_group *group_of(struct ioas_vfio *vfio, unsigned int number)
{
	struct ioas_group *group = ioas_group_find(vfio, number);

	if (group)
		return group;
	group = &vfio->group[vfio->group_count++];
	group->vfio = vfio;
	group->number = number;
	snprintf(group->name, sizeof(group->name), "group %u", number);
	return group;
}

static void device_init(struct ioas_vfio *vfio, unsigned int function)
{
	struct ioas_vdevice *vdevice = &vfio->device[function];

	vdevice->vfio = vfio;
	vdevice->group =
		group_of(vfio, vfio->machine->function[function].group);
	vdevice->function = function;
	if (vfio->machine->function[function].physical)
		vdevice->group->virtual = &vfio->machine->function[function];
	vdevice->error_event = IOAS_NO_EVENT;
	vdevice->request_event = IOAS_NO_EVENT;
	vdevice->wake_event = IOAS_NO_EVENT;
	vdevice->unmask_event = IOAS_NO_EVENT;
}

int ioas_vfio_create(const struct ioas_vfio_config *config,
                     struct ioas_vfio **ret_vfio)
{
	struct ioas_vfio *vfio = ioas_new(struct ioas_vfio);
	unsigned int i;

	if (!vfio)
		return -ENOMEM;
	vfio->machine = config->machine;
	vfio->front = config->front;
	vfio->page_shift = config->page_shift;
	vfio->entry_limit = config->entry_limit;
	vfio->contract = config->contract;
	vfio->dirty_written = config->dirty_written;
	vfio->account.limit = config->memlock_pages;
	vfio->account.limit_now = config->memlock_now;
	ioas_mem_init(&vfio->mem, &vfio->account, config->page_shift);
	if (config->backend)
		vfio->mem.pinner.backend = config->backend;
	for (i = 0; i < vfio->machine->function_count; i++)
		device_init(vfio, i);
	*ret_vfio = vfio;
	return 0;
}

void ioas_vfio_destroy(struct ioas_vfio *vfio)
{
	if (!vfio)
		return;
	ioas_holder_destroy(vfio->orphans);
	ioas_registry_destroy(vfio->registry, NULL);
	ioas_mem_fini(&vfio->mem);
	ioas_delete(vfio);
}

void ioas_vfio_tell_live(struct ioas_vfio *vfio)
{
	struct ioas_container *c;
	struct ioas_signals saved;

	ioas_hooks.signals_block(&saved);
	ioas_lock(&vfio->lock);
	for (c = vfio->containers; c; c = c->next)
		if (c->iommu)
			c->iommu->ops->tell_live(c->iommu,
			                         IOAS_EVENT_LIVE_AT_EXIT, NULL);
	ioas_unlock(&vfio->lock);
	ioas_hooks.signals_restore(&saved);
}

/* ---- Statistics ---- */

void ioas_lines_add(struct ioas_lines *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= text->room)
		n = text->room ? (int)text->room - 1 : 0;
	text->at += n;
	text->room -= (size_t)n;
}

/* Relaxed: a number for people, ordered with nothing. */
static uint64_t number(const struct ioas_a64 *a)
{
	return ioas_a64_load_relaxed(a);
}

static void device_stats(const struct ioas_function *f, struct ioas_lines *text)
{
	struct ioas_device_stats all = f->past, *s = &all;

	if (f->device)
		ioas_device_stats_add(s, &f->device->stats);
	if (!number(&s->loads) && !number(&s->stores))
		return;

	ioas_lines_add(text,
	               "device %s (%s): loads %" PRIu64 ", stores %" PRIu64
	               ", DMA reads %" PRIu64 " (%" PRIu64
	               " bytes), DMA writes %" PRIu64 " (%" PRIu64
	               " bytes), faults %" PRIu64 ", interrupts %" PRIu64,
	               f->name, f->model->name, number(&s->loads),
	               number(&s->stores), number(&s->dma_reads),
	               number(&s->dma_read_bytes), number(&s->dma_writes),
	               number(&s->dma_written_bytes), number(&s->dma_faults),
	               number(&s->interrupts));
	if (f->model->doorbells.bytes)
		ioas_lines_add(text,
		               ", doorbells trapped %" PRIu64
		               ", polled %" PRIu64 ", wakes %" PRIu64,
		               number(&s->trapped), number(&s->polled),
		               number(&s->wakes));
	ioas_lines_add(text, "\n");
}

void ioas_vfio_stats(struct ioas_vfio *vfio, char *ret_text, size_t bytes)
{
	struct ioas_lines text = {.at = ret_text, .room = bytes};
	struct ioas_signals saved;
	unsigned int i;

	ioas_lines_add(&text,
	               "maps %" PRIu64 ", unmaps %" PRIu64 ", live now %" PRIu64
	               ", peak %" PRIu64 "\n",
	               number(&vfio->maps), number(&vfio->unmaps),
	               number(&vfio->live), number(&vfio->peak));
	ioas_hooks.signals_block(&saved);
	ioas_lock(&vfio->lock);
	for (i = 0; i < vfio->machine->function_count; i++)
		device_stats(&vfio->machine->function[i], &text);
	ioas_unlock(&vfio->lock);
	ioas_hooks.signals_restore(&saved);
}

static void list_all(struct ioas_vfio *vfio, struct ioas_lines *text)
{
	struct ioas_container *c;
	struct ioas_signals saved;

	ioas_lines_add(text, "%s", "");
	ioas_hooks.signals_block(&saved);
	ioas_lock(&vfio->lock);
	for (c = vfio->containers; c; c = c->next)
		if (c->iommu)
			c->iommu->ops->list(c->iommu, text);
	ioas_unlock(&vfio->lock);
	ioas_hooks.signals_restore(&saved);
}

void ioas_vfio_map(struct ioas_vfio *vfio, char *ret_text, size_t bytes)
{
	struct ioas_lines text = {.at = ret_text, .room = bytes};

	list_all(vfio, &text);
}

void ioas_vfio_map_json(struct ioas_vfio *vfio, char *ret_text, size_t bytes)
{
	struct ioas_lines text = {ret_text, bytes, true};

	list_all(vfio, &text);
}
