/* SPDX-License-Identifier: MIT */
/*
 * Allocators, their CPUs and contexts begin and end: ASID-6, ASID-9, ASID-11.
 * An allocator is one piece of memory:
 *
 *	struct ioas_asids | a line for each CPU | reserved | map | pinned
 */
#include <errno.h>

#include "asid/asid.h"

/* ---- How many ---- */

static bool is_sound(const struct ioas_asid_config *config)
{
	size_t i;

	if (!config->bits || config->bits > IOAS_ASID_BITS || !config->cpus ||
	    config->cpus > IOAS_ASID_CPUS)
		return false;
	for (i = 0; i < config->nreserved; i++)
		if (config->reserved[i] >> config->bits)
			return false;
	return true;
}

static bool is_new(const struct ioas_asid_config *config, size_t i)
{
	uint32_t bit = config->reserved[i] >> config->pairs;
	size_t j;

	for (j = 0; j < i; j++)
		if (config->reserved[j] >> config->pairs == bit)
			return false;
	return bit != 0;
}

/* Numbers that may be given; pairs count once. */
static uint32_t usable(const struct ioas_asid_config *config)
{
	uint32_t n = (UINT32_C(1) << config->bits >> config->pairs) - 1;
	size_t i;

	for (i = 0; i < config->nreserved; i++)
		n -= is_new(config, i);
	return n;
}

uint32_t ioas_asid_limit(const struct ioas_asid_config *config)
{
	uint32_t n, kept = config->cpus + 1;

	if (!is_sound(config))
		return 0;
	n = usable(config);
	return n > kept ? n - kept : 0;
}

/* ---- Allocators ---- */

static bool has_ops(const struct ioas_asid_config *config)
{
	const struct ioas_asid_ops *ops = config->ops;

	if (!ops)
		return false;
	return config->flush == IOAS_ASID_FLUSH_LAZY ? !!ops->flush
	                                             : !!ops->flush_all;
}

static int check(const struct ioas_asid_config *config)
{
	if (!is_sound(config) || config->way > IOAS_ASID_EXCHANGE ||
	    config->flush > IOAS_ASID_FLUSH_BROADCAST || !has_ops(config))
		return -EINVAL;
	if (usable(config) < config->cpus + 1)
		return -ENOSPC;
	if (config->way == IOAS_ASID_ASYMMETRIC && !ioas_hooks.barrier())
		return -ENOTSUP;
	return 0;
}

static size_t words_of(const struct ioas_asid_config *config)
{
	return ((UINT32_C(1) << config->bits >> config->pairs) + 63) / 64;
}

static size_t bytes_of(const struct ioas_asid_config *config)
{
	return sizeof(struct ioas_asids) +
	       config->cpus *
	               (sizeof(struct ioas_asid_cpu) + sizeof(uint64_t)) +
	       2 * words_of(config) * sizeof(uint64_t);
}

static void lay_out(struct ioas_asids *asids,
                    const struct ioas_asid_config *config)
{
	asids->bytes = bytes_of(config);
	asids->words = words_of(config);
	asids->cpu = (struct ioas_asid_cpu *)(void *)(asids + 1);
	asids->reserved = (uint64_t *)(void *)(asids->cpu + config->cpus);
	asids->map = asids->reserved + config->cpus;
	asids->pinned = asids->map + asids->words;
}

/* Numbers that are never given are as pinned, and belong to no context. */
static void bar_reserved(struct ioas_asids *asids,
                         const struct ioas_asid_config *config)
{
	uint32_t n = UINT32_C(1) << config->bits >> config->pairs;
	size_t i;

	ioas_asid_set(asids->pinned, 0);
	for (i = 0; i < config->nreserved; i++)
		ioas_asid_set(asids->pinned,
		              config->reserved[i] >> config->pairs);
	for (i = n; i < asids->words * 64; i++)
		ioas_asid_set(asids->pinned, (uint32_t)i);
	for (i = 0; i < asids->words; i++)
		asids->map[i] = asids->pinned[i];
}

static void begin(struct ioas_asids *asids,
                  const struct ioas_asid_config *config)
{
	unsigned int i;

	lay_out(asids, config);
	asids->bits = config->bits;
	asids->mask = (UINT64_C(1) << config->bits) - 1;
	asids->step_lg2 = config->pairs;
	asids->cpus = config->cpus;
	asids->asymmetric =
		config->way != IOAS_ASID_EXCHANGE && ioas_hooks.barrier();
	asids->lock.fenced = !asids->asymmetric;
	asids->broadcast = config->flush == IOAS_ASID_FLUSH_BROADCAST;
	asids->ops = config->ops;
	asids->arg = config->arg;
	asids->report.usable = usable(config);
	asids->report.limit = ioas_asid_limit(config);
	asids->report.asymmetric = asids->asymmetric;
	bar_reserved(asids, config);
	ioas_a64_store_relaxed(&asids->generation, asids->mask + 1);
	for (i = 0; i < asids->cpus; i++)
		asids->cpu[i].active = IOAS_ASID_IDLE;
}

int ioas_asids_create(const struct ioas_asid_config *config,
                      struct ioas_asids **ret_asids)
{
	struct ioas_asids *asids;
	int rc = check(config);

	if (rc)
		return rc;
	asids = ioas_hooks.alloc(bytes_of(config));
	if (!asids)
		return -ENOMEM;
	begin(asids, config);
	*ret_asids = asids;
	return 0;
}

void ioas_asids_destroy(struct ioas_asids *asids)
{
	if (asids)
		ioas_hooks.free(asids, asids->bytes);
}

void ioas_asids_inspect(struct ioas_asids *asids,
                        struct ioas_asid_report *ret_report)
{
	ioas_light_lock(&asids->lock);
	*ret_report = asids->report;
	ioas_light_unlock(&asids->lock);
}

/* ---- CPUs ---- */

static int join_locked(struct ioas_asids *asids, struct ioas_asid_cpu *cpu,
                       unsigned int index)
{
	if (cpu->joined)
		return -EBUSY;
	cpu->mask = asids->mask;
	cpu->generation = &asids->generation.cell;
	cpu->asids = asids;
	cpu->index = index;
	/* Of no generation: the first switch is long, and flushes. */
	cpu->active = asids->asymmetric ? IOAS_ASID_IDLE : 0;
	asids->reserved[index] = 0;
	cpu->flushed = 0;
	cpu->seen = IOAS_ASID_IDLE;
	cpu->joined = true;
	return 0;
}

int ioas_asid_join(struct ioas_asids *asids, unsigned int index,
                   unsigned int bits, struct ioas_asid_cpu **ret_cpu)
{
	int rc;

	if (index >= asids->cpus)
		return -EINVAL;
	if (bits < asids->bits)
		return -ERANGE;
	ioas_light_lock(&asids->lock);
	rc = join_locked(asids, &asids->cpu[index], index);
	ioas_light_unlock(&asids->lock);
	if (!rc)
		*ret_cpu = &asids->cpu[index];
	return rc;
}

void ioas_asid_leave(struct ioas_asid_cpu *cpu)
{
	struct ioas_asids *asids = cpu->asids;

	ioas_asid_idle(cpu);
	ioas_light_lock(&asids->lock);
	cpu->joined = false;
	ioas_light_unlock(&asids->lock);
}

/* ---- Contexts ---- */

void ioas_asid_context_init(struct ioas_asids *asids,
                            struct ioas_asid_context *context)
{
	/* With pairs a device's number is the odd one. */
	*context = (struct ioas_asid_context){
		.asids = asids,
		.mask = (uint32_t)asids->mask & ~asids->step_lg2,
	};
}
