/* SPDX-License-Identifier: MIT */
/* Windows: where, how large, what their tables are charged. */
#include "tce.h"

#define HUGE_TABLE UINT64_C(0xffffffff) /* what a guest says of two levels */

static bool is_power_of_2(uint64_t n)
{
	return n && !(n & (n - 1));
}

static unsigned int log2_of(uint64_t n)
{
	return 63 - (unsigned int)__builtin_clzll(n);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A window may be as small as an eighth of a page: a byte of its table. */
static bool is_table(uint64_t bytes, unsigned int shift)
{
	return is_power_of_2(bytes) && log2_of(bytes) + 3 >= shift;
}

/* Bytes of a level, log2: entries of a table of 2^table bytes. */
static unsigned int level_shift(unsigned int table, unsigned int levels)
{
	unsigned int entries = table > 3 ? table - 3 : 0;

	return (unsigned int)larger((entries + levels - 1) / levels + 3, 12);
}

/* ---- PowerNV ---- */

static uint64_t host_table_bytes(uint64_t bytes, unsigned int shift,
                                 unsigned int levels)
{
	unsigned int all, s;
	uint64_t sum = 0, table;

	if (!levels || levels > 5 || !is_table(bytes, shift))
		return 0;
	all = log2_of(bytes) + 3 - shift;
	s = level_shift(all, levels);
	table = larger(PAGE, UINT64_C(1) << all);
	for (; levels; levels--) {
		sum += (table + (UINT64_C(1) << s) - 1) >> s << s;
		table = larger((table >> s) * 8, UINT64_C(1) << s);
	}
	return 2 * sum;
}

static bool host_can(uint64_t bytes, unsigned int shift, unsigned int levels)
{
	unsigned int s = level_shift(log2_of(bytes) + 3 - shift, levels);

	/* A share of each level that is below zero. */
	if (levels > 1 && log2_of(bytes) + levels - 1 < shift)
		return false;
	return (s - 3) * levels + shift < 55;
}

/* ---- pSeries ---- */

static uint64_t guest_table_bytes(uint64_t bytes, unsigned int shift,
                                  unsigned int levels)
{
	if (levels > 1)
		return HUGE_TABLE;
	return (bytes >> shift) * 8;
}

/* ---- Either ---- */

struct wish {
	uint64_t bytes;
	unsigned int shift, levels, slot;
};

static bool is_low(const struct tce_model *m, const struct wish *wish)
{
	return wish->slot == 0 && wish->shift == 12 &&
	       wish->bytes <= m->machine->low_bytes;
}

/* Where it comes to be. Return: 0 or what a guest is refused with. */
static long choose_start(struct tce_model *m, unsigned int c,
                         const struct wish *wish, uint64_t *ret_start)
{
	const struct tce_window *other = &m->container[c].window[!wish->slot];

	if (!m->machine->is_pseries) {
		*ret_start = wish->slot ? TCE_HIGH : 0;
		return 0;
	}
	*ret_start = is_low(m, wish) ? 0 : TCE_HIGH;
	if (!other->is_there || other->start != TCE_HIGH)
		return 0;
	if (wish->slot == 0)
		return -EPERM;
	/* Firmware refuses a second high one, and the device from then on. */
	m->breaks = true;
	return -ENODEV;
}

static bool can(const struct tce_model *m, const struct wish *wish)
{
	if (m->machine->is_pseries)
		return wish->levels <= 1 && is_power_of_2(wish->bytes);
	return host_can(wish->bytes, wish->shift, wish->levels);
}

/* What its entries reach: as many as fit in a page of them, at least. */
static uint64_t reached(const struct tce_model *m, const struct wish *wish)
{
	if (m->machine->is_pseries)
		return wish->bytes >> wish->shift << wish->shift;
	return larger(wish->bytes, PAGE / 8 << wish->shift);
}

static unsigned int groups_in(const struct tce_model *m, unsigned int c)
{
	unsigned int group, n = 0;

	for (group = 1; group <= TCE_GROUPS; group++)
		n += m->of_group[group] == (int)c;
	return n;
}

static long make(struct tce_model *m, unsigned int c, const struct wish *wish)
{
	uint64_t bytes = m->machine->is_pseries
	                         ? guest_table_bytes(wish->bytes, wish->shift,
	                                             wish->levels)
	                         : host_table_bytes(wish->bytes, wish->shift,
	                                            wish->levels);
	struct tce_window *w = &m->container[c].window[wish->slot];
	unsigned long pages = bytes / PAGE;
	uint64_t start;
	long ret;

	if (!bytes)
		return -EINVAL;
	ret = tce_model_charge(m, pages);
	if (ret)
		return ret;
	/* Two groups of a guest: a window is one's own. */
	ret = m->machine->is_pseries && groups_in(m, c) > 1 ? -EPERM : 0;
	if (!ret && can(m, wish)) {
		ret = choose_start(m, c, wish, &start);
	} else if (!ret) {
		ret = -EINVAL;
	}
	if (ret) {
		if (tce_strict(m))
			m->locked -= pages;
		return ret;
	}
	*w = (struct tce_window){true, start, reached(m, wish), wish->shift,
	                         pages};
	return 0;
}

long tce_model_default(struct tce_model *m, unsigned int c)
{
	const struct wish wish = {m->machine->low_bytes, 12, 1, 0};
	long ret;

	if (!m->container[c].is_pending)
		return 0;
	ret = make(m, c, &wish);
	if (!ret)
		m->container[c].is_pending = false;
	return ret;
}

static long check_create(const struct tce_call *call)
{
	if (!tce_reads(call, 40))
		return -EFAULT;
	return call->argument.create.argsz < 40 || call->argument.create.flags
	               ? -EINVAL
	               : 0;
}

long tce_model_create(struct tce_model *m, unsigned int c,
                      const struct tce_call *call, union tce_argument *out)
{
	const struct vfio_iommu_spapr_tce_create *arg = &call->argument.create;
	struct tce_window *w = m->container[c].window;
	struct wish wish = {arg->window_size, arg->page_shift, arg->levels, 0};
	long ret = check_create(call);

	if (!ret)
		ret = tce_model_default(m, c);
	if (ret)
		return ret;
	while (wish.slot < 2 && w[wish.slot].is_there)
		wish.slot++;
	if (wish.slot == 2)
		return -ENOSPC;
	if (wish.shift >= 64 || !(m->machine->page_sizes >> wish.shift & 1))
		return -EINVAL;
	ret = make(m, c, &wish);
	if (ret)
		return ret;
	if (call->place == AT_READ_ONLY)
		return -EFAULT;
	out->create.start_addr = w[wish.slot].start;
	return 0;
}

long tce_model_remove(struct tce_model *m, unsigned int c,
                      const struct tce_call *call)
{
	const struct vfio_iommu_spapr_tce_remove *arg = &call->argument.remove;
	struct tce_window *w = m->container[c].window;
	unsigned int i;

	if (!tce_reads(call, 16))
		return -EFAULT;
	if (arg->argsz < 16 || arg->flags)
		return -EINVAL;
	if (m->container[c].is_pending && !arg->start_addr) {
		m->container[c].is_pending = false;
		return 0;
	}
	for (i = 0; i < 2; i++)
		if (w[i].is_there && arg->start_addr >= w[i].start &&
		    arg->start_addr - w[i].start < w[i].bytes)
			break;
	if (i == 2)
		return -EINVAL;
	tce_model_clear(m, c, i);
	m->locked -= w[i].charged;
	w[i] = (struct tce_window){false};
	return 0;
}
