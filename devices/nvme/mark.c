/* SPDX-License-Identifier: MIT */
/*
 * Blocks that Write Uncorrectable made unreadable: runs of them in a table, in
 * no order, which neither overlap nor grow the memory of the device. A write
 * takes its blocks out of the table.
 *
 * Half of the table is for marks, so that there is room for what taking out
 * the middle of a run leaves.
 *
 * Source: NVM Express 1.4, 6.16 (Write Uncorrectable).
 */
#include "nvme/nvme.h"

#define MARKS_SET (NVME_MARKS / 2)

static uint64_t end_of(struct nvme_extent e)
{
	return e.first + e.count;
}

static bool overlap(struct nvme_extent a, struct nvme_extent b)
{
	return a.first < end_of(b) && b.first < end_of(a);
}

static bool is_in_the_middle(struct nvme_extent outer, struct nvme_extent e)
{
	return outer.first < e.first && end_of(e) < end_of(outer);
}

bool ioas_nvme_is_marked(const struct nvme_namespace *ns, struct nvme_extent e)
{
	unsigned int i;

	for (i = 0; i < ns->marks; i++) {
		if (overlap(ns->mark[i], e))
			return true;
	}
	return false;
}

/* Only what is in the middle of a run, and so of one run, needs room. */
bool ioas_nvme_mark_may_unset(const struct nvme_namespace *ns,
                              struct nvme_extent e)
{
	unsigned int i;

	if (ns->marks < NVME_MARKS)
		return true;
	for (i = 0; i < ns->marks; i++) {
		if (is_in_the_middle(ns->mark[i], e))
			return false;
	}
	return true;
}

static void add(struct nvme_namespace *ns, uint64_t first, uint64_t end)
{
	if (first < end)
		ns->mark[ns->marks++] =
			(struct nvme_extent){first, end - first};
}

bool ioas_nvme_mark_unset(struct nvme_namespace *ns, struct nvme_extent e)
{
	unsigned int i = 0;

	if (!ioas_nvme_mark_may_unset(ns, e))
		return false;
	while (i < ns->marks) {
		const struct nvme_extent m = ns->mark[i];

		if (!overlap(m, e)) {
			i++;
			continue;
		}
		/* What is added does not overlap and is passed over. */
		ns->mark[i] = ns->mark[--ns->marks];
		add(ns, m.first, e.first);
		add(ns, end_of(e), end_of(m));
	}
	return true;
}

/* A run that begins or ends where @e does: they become one. */
static bool join(struct nvme_namespace *ns, struct nvme_extent e)
{
	unsigned int i;

	for (i = 0; i < ns->marks; i++) {
		struct nvme_extent *m = &ns->mark[i];

		if (end_of(*m) != e.first && end_of(e) != m->first)
			continue;
		if (end_of(e) == m->first)
			m->first = e.first;
		m->count += e.count;
		return true;
	}
	return false;
}

/* A mark inside another, or the same again, needs no room. */
static bool is_covered(const struct nvme_namespace *ns, struct nvme_extent e)
{
	unsigned int i;

	for (i = 0; i < ns->marks; i++) {
		if (ns->mark[i].first <= e.first &&
		    end_of(e) <= end_of(ns->mark[i]))
			return true;
	}
	return false;
}

bool ioas_nvme_mark_set(struct nvme_namespace *ns, struct nvme_extent e)
{
	if (is_covered(ns, e))
		return true;
	if (ns->marks >= MARKS_SET)
		return false;
	ioas_nvme_mark_unset(ns, e);
	if (!join(ns, e))
		ns->mark[ns->marks++] = e;
	return true;
}
