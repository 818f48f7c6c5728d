/* SPDX-License-Identifier: MIT */
/*
 * EEH_PE_OP: the error protocol of POWER's host bridges. A group is what is
 * isolated together (a PE). After an error it is frozen: registers read as
 * ones, writes to them and all DMA are stopped, until somebody unfreezes or
 * resets it.
 *
 * An operation is applied to each group, the one that came last first, until
 * one of them answers something else than 0.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_spapr_eeh.c, arch/powerpc/kernel/eeh.c
 * (eeh_pe_set_option, eeh_pe_get_state, eeh_pe_reset, eeh_pe_configure,
 * eeh_pe_inject_err)
 */
#include <errno.h>

#include "uapi/spapr.h"

int ioas_spapr_has_eeh(const struct ioas_call *call)
{
	return call->iommu->vfio->machine->windows.eeh ? 0 : -ENODEV;
}

/* Operations, and states, by the numbers of the interface. */
enum {
	OP_DISABLE,
	OP_ENABLE,
	OP_UNFREEZE_IO,
	OP_UNFREEZE_DMA,
	OP_GET_STATE,
	OP_RESET_END,
	OP_RESET_HOT,
	OP_RESET_FUNDAMENTAL,
	OP_CONFIGURE,
	OP_INJECT,
	OPS
};

enum {
	STATE_NORMAL,
	STATE_RESET,
	STATE_STOPPED,
	STATE_STOPPED_DMA = 4,
	STATE_UNAVAILABLE,
};

struct op {
	struct ioas_call *call;
	struct ioas_group *group;
	struct ioas_pe *pe;
};

static long nothing(struct op *op)
{
	return 0;
}

/* Whoever takes a group over gets it working. */
static long thaw(struct op *op)
{
	ioas_pe_thaw(op->pe, IOAS_PE_IO | IOAS_PE_DMA);
	return 0;
}

static long thaw_io(struct op *op)
{
	ioas_pe_thaw(op->pe, IOAS_PE_IO);
	return 0;
}

static long thaw_dma(struct op *op)
{
	ioas_pe_thaw(op->pe, IOAS_PE_DMA);
	return 0;
}

static long get_state(struct op *op)
{
	uint32_t stopped = ioas_pe_stopped(op->pe);

	if (stopped & IOAS_PE_RESET)
		return STATE_RESET;
	switch (stopped & (IOAS_PE_IO | IOAS_PE_DMA)) {
	case 0:
		return STATE_NORMAL;
	case IOAS_PE_IO | IOAS_PE_DMA:
		return STATE_STOPPED;
	case IOAS_PE_DMA:
		return STATE_STOPPED_DMA;
	default:
		return STATE_UNAVAILABLE;
	}
}

/* Stopped before, so that nothing of the devices gets out meanwhile. */
static long reset(struct op *op)
{
	struct ioas_vdevice *v = NULL;

	ioas_pe_reset(op->pe);
	while ((v = ioas_group_device(op->group, v)))
		if (v->dev)
			ioas_device_reset(v->dev);
	return 0;
}

static const struct {
	enum ioas_pe_access access;
	bool there; /* accesses to configuration space are not */
} functions[] = {
	{IOAS_PE_LOAD, true},       {IOAS_PE_LOAD, true},
	{IOAS_PE_PORT_LOAD, true},  {IOAS_PE_PORT_LOAD, true},
	{IOAS_PE_LOAD, false},      {IOAS_PE_LOAD, false},
	{IOAS_PE_STORE, true},      {IOAS_PE_STORE, true},
	{IOAS_PE_PORT_STORE, true}, {IOAS_PE_PORT_STORE, true},
	{IOAS_PE_STORE, false},     {IOAS_PE_STORE, false},
	{IOAS_PE_DMA_READ, true},   {IOAS_PE_DMA_READ, true},
	{IOAS_PE_DMA_READ, true},   {IOAS_PE_DMA_READ, true},
	{IOAS_PE_DMA_WRITE, true},  {IOAS_PE_DMA_WRITE, true},
	{IOAS_PE_DMA_WRITE, true},  {IOAS_PE_DMA_WRITE, true},
};

#define TYPE_MAX 1 /* 0: an address of 32 bits, 1: of 64 */

static long inject(struct op *op)
{
	struct ioas_pe_trap trap;
	struct ioas_eeh_op in;

	if (op->call->in.eeh.argsz < sizeof(in))
		return -EINVAL;
	if (ioas_copy_in(&in, op->call->at, sizeof(in)))
		return -EFAULT;
	if (in.err.func >= IOAS_ARRAY_SIZE(functions))
		return -EINVAL;
	if (in.err.type > TYPE_MAX)
		return -ERANGE;
	if (!functions[in.err.func].there)
		return -EIO;
	trap.access = functions[in.err.func].access;
	trap.address = in.err.addr;
	trap.mask = in.err.mask;
	ioas_pe_arm(op->pe, &trap);
	return 0;
}

static long (*const ops[OPS])(struct op *op) = {
	[OP_DISABLE] = nothing,     [OP_ENABLE] = thaw,
	[OP_UNFREEZE_IO] = thaw_io, [OP_UNFREEZE_DMA] = thaw_dma,
	[OP_GET_STATE] = get_state, [OP_RESET_END] = thaw,
	[OP_RESET_HOT] = reset,     [OP_RESET_FUNDAMENTAL] = reset,
	[OP_CONFIGURE] = nothing,   [OP_INJECT] = inject,
};

static long all_groups_locked(struct ioas_call *call)
{
	struct ioas_container *container = call->file->container;
	uint32_t number = call->in.eeh.op;
	struct op op = {.call = call};
	long ret = 0;

	for (op.group = container->groups; !ret && op.group;
	     op.group = op.group->next) {
		op.pe = ioas_group_pe(op.group);
		ret = number < OPS ? ops[number](&op) : -EINVAL;
	}
	return ret;
}

long ioas_spapr_eeh(struct ioas_call *call)
{
	long ret;

	ioas_lock(&call->iommu->vfio->lock);
	ret = all_groups_locked(call);
	ioas_unlock(&call->iommu->vfio->lock);
	return ret;
}
