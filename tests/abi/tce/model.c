/* SPDX-License-Identifier: MIT */
/*
 * Who answers a call, and the calls that need no memory: types, groups, what a
 * container tells, errors of devices.
 */
#include <string.h>

#include "tce.h"

void tce_model_begin(struct tce_model *m, const struct tce_machine *machine,
                     enum ioas_contract contract, unsigned long memlock)
{
	memset(m, 0, sizeof(*m));
	m->machine = machine;
	m->contract = contract;
	m->memlock = memlock;
	memset(m->of_group, -1, sizeof(m->of_group));
}

long tce_model_charge(struct tce_model *m, unsigned long pages)
{
	if (m->memlock && m->locked + pages > m->memlock)
		return -ENOMEM;
	m->locked += pages;
	return 0;
}

/* ---- Types and groups ---- */

static unsigned int groups_of(const struct tce_model *m, unsigned int c)
{
	unsigned int group, n = 0;

	for (group = 1; group <= TCE_GROUPS; group++)
		n += m->of_group[group] == (int)c;
	return n;
}

static bool has_window(const struct tce_model *m, unsigned int c)
{
	const struct tce_window *w = m->container[c].window;

	return w[0].is_there || w[1].is_there;
}

static long check_extension(const struct tce_model *m, unsigned long n)
{
	switch (n) {
	case VFIO_SPAPR_TCE_IOMMU:
	case VFIO_SPAPR_TCE_v2_IOMMU:
		return 1;
	case VFIO_EEH:
		return !m->machine->is_pseries;
	default:
		return 0;
	}
}

static long set_iommu(struct tce_model *m, unsigned int c, unsigned long type)
{
	struct tce_container *t = &m->container[c];

	if (!groups_of(m, c) || t->type)
		return -EINVAL;
	if (!check_extension(m, type))
		return -ENODEV;
	if (type == VFIO_EEH)
		return -EINVAL;
	if (type == VFIO_SPAPR_TCE_IOMMU && groups_of(m, c) > 1)
		return -EBUSY;
	*t = (struct tce_container){.type = type, .is_pending = true};
	return 0;
}

static long attach(struct tce_model *m, unsigned int group, unsigned int c)
{
	struct tce_container *t = &m->container[c];

	if (m->of_group[group] >= 0)
		return -EINVAL;
	if (t->type == VFIO_SPAPR_TCE_IOMMU)
		return -EBUSY;
	/* A guest's window is one device's. */
	if (m->machine->is_pseries && has_window(m, c))
		return -EPERM;
	m->of_group[group] = (int)c;
	return 0;
}

static void give_up(struct tce_model *m, unsigned int c)
{
	struct tce_container *t = &m->container[c];
	unsigned int i;

	for (i = 0; i < 2; i++)
		m->locked -= t->window[i].charged;
	m->locked -= t->enabled_pages;
	for (i = 0; i < TCE_REGIONS; i++) {
		if (!m->region[i].is_there || !m->region[i].is_of[c])
			continue;
		m->region[i].is_of[c] = false;
		tce_model_put(m, &m->region[i]);
	}
	memset(t, 0, sizeof(*t));
}

/* What one group leaves is cleared for all: the tables are shared. */
static long detach(struct tce_model *m, unsigned int group)
{
	int c = m->of_group[group];

	if (c < 0)
		return -EINVAL;
	m->of_group[group] = -1;
	tce_model_clear(m, (unsigned int)c, 0);
	tce_model_clear(m, (unsigned int)c, 1);
	if (!groups_of(m, (unsigned int)c))
		give_up(m, (unsigned int)c);
	return 0;
}

static long of_group(struct tce_model *m, unsigned int group,
                     const struct tce_call *call)
{
	uint32_t fd = call->argument.word[0];

	if (call->command == VFIO_GROUP_UNSET_CONTAINER)
		return detach(m, group);
	if (call->command != VFIO_GROUP_SET_CONTAINER)
		return -ENOTTY;
	if (!tce_reads(call, 4))
		return -EFAULT;
	if (fd == (uint32_t)FD(CONTAINER))
		return attach(m, group, 0);
	return fd == (uint32_t)FD(CONTAINER2) ? attach(m, group, 1) : -EINVAL;
}

/* ---- What a container tells ---- */

static long get_info(const struct tce_model *m, unsigned int c,
                     const struct tce_call *call, union tce_argument *out)
{
	const struct tce_machine *machine = m->machine;
	uint32_t argsz = call->argument.info.argsz;
	struct vfio_iommu_spapr_tce_info info = {
		.argsz = argsz,
		.dma32_window_size = (uint32_t)machine->low_bytes,
	};
	size_t bytes = argsz < sizeof(info) ? 16 : sizeof(info);

	if (!tce_reads(call, 16))
		return -EFAULT;
	if (argsz < 16)
		return -EINVAL;
	if (m->container[c].type == VFIO_SPAPR_TCE_v2_IOMMU) {
		info.flags = VFIO_IOMMU_SPAPR_INFO_DDW;
		info.ddw.pgsizes = machine->page_sizes;
		info.ddw.max_dynamic_windows_supported = 2;
		info.ddw.levels = machine->levels;
	}
	if (call->place == AT_READ_ONLY || call->bytes < bytes)
		return -EFAULT;
	memcpy(&out->info, &info, bytes);
	return 0;
}

static long enable(struct tce_model *m, unsigned int c)
{
	unsigned long pages = m->machine->low_bytes / PAGE;
	long ret;

	if (m->container[c].is_enabled)
		return -EBUSY;
	ret = tce_model_charge(m, pages);
	if (ret)
		return ret;
	m->container[c].is_enabled = true;
	m->container[c].enabled_pages = pages;
	return 0;
}

static long disable(struct tce_model *m, unsigned int c)
{
	m->locked -= m->container[c].enabled_pages;
	m->container[c].enabled_pages = 0;
	m->container[c].is_enabled = false;
	return 0;
}

/* Of devices that work. */
static long eeh(const struct tce_model *m, const struct tce_call *call)
{
	const struct vfio_eeh_pe_op *op = &call->argument.eeh;

	if (m->machine->is_pseries)
		return -ENODEV;
	if (!tce_reads(call, 12))
		return -EFAULT;
	if (op->argsz < 12 || op->flags)
		return -EINVAL;
	if (op->op <= VFIO_EEH_PE_CONFIGURE)
		return 0;
	if (op->op != VFIO_EEH_PE_INJECT_ERR || op->argsz < 40)
		return -EINVAL;
	if (!tce_reads(call, 40))
		return -EFAULT;
	if (op->err.func > 19)
		return -EINVAL;
	return op->err.type > 1 ? -ERANGE : -EIO;
}

/* ---- Who answers ---- */

static bool is_v2(unsigned long command)
{
	return command == VFIO_IOMMU_SPAPR_REGISTER_MEMORY ||
	       command == VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY ||
	       command == VFIO_IOMMU_SPAPR_TCE_CREATE ||
	       command == VFIO_IOMMU_SPAPR_TCE_REMOVE;
}

static long of_v2(struct tce_model *m, unsigned int c,
                  const struct tce_call *call, union tce_argument *out)
{
	/* Whose memory it is, is known by all of them but one. */
	if (call->command != VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY)
		m->container[c].has_owner = true;
	else if (!m->container[c].has_owner)
		return -EPERM;
	switch (call->command) {
	case VFIO_IOMMU_SPAPR_REGISTER_MEMORY:
		return tce_model_register(m, c, call);
	case VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY:
		return tce_model_unregister(m, c, call);
	case VFIO_IOMMU_SPAPR_TCE_CREATE:
		return tce_model_create(m, c, call, out);
	case VFIO_IOMMU_SPAPR_TCE_REMOVE:
		return tce_model_remove(m, c, call);
	default:
		return -ENOTTY;
	}
}

static long of_type(struct tce_model *m, unsigned int c,
                    const struct tce_call *call, union tce_argument *out)
{
	bool v2 = m->container[c].type == VFIO_SPAPR_TCE_v2_IOMMU;

	switch (call->command) {
	case VFIO_IOMMU_SPAPR_TCE_GET_INFO:
		return get_info(m, c, call, out);
	case VFIO_IOMMU_MAP_DMA:
		return tce_model_map(m, c, call);
	case VFIO_IOMMU_UNMAP_DMA:
		return tce_model_unmap(m, c, call);
	case VFIO_EEH_PE_OP:
		return eeh(m, call);
	case VFIO_IOMMU_ENABLE:
		return v2 ? -ENOTTY : enable(m, c);
	case VFIO_IOMMU_DISABLE:
		return v2 ? -ENOTTY : disable(m, c);
	default:
		return v2 && is_v2(call->command) ? of_v2(m, c, call, out)
		                                  : -ENOTTY;
	}
}

long tce_model_call(struct tce_model *m, const struct tce_call *call,
                    union tce_argument *out)
{
	unsigned int c = call->on == FD_CONTAINER2;

	*out = call->argument;
	m->breaks = false;
	if (call->on == FD_GROUP || call->on == FD_GROUP2)
		return of_group(m, call->on == FD_GROUP ? 1 : 2, call);
	switch (call->command) {
	case VFIO_GET_API_VERSION:
		return 0;
	case VFIO_CHECK_EXTENSION:
		return check_extension(m, call->value);
	case VFIO_SET_IOMMU:
		return set_iommu(m, c, call->value);
	default:
		return m->container[c].type ? of_type(m, c, call, out)
		                            : -EINVAL;
	}
}
