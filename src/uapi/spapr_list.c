/* SPDX-License-Identifier: MIT */
/* Windows as text, or as objects of JSON: `ioas run --map`. */
#include <inttypes.h>

#include "uapi/spapr.h"

static uint64_t tables_of(const struct ioas_window_info *w)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < w->levels && i < IOAS_WINDOW_LEVELS_MAX; i++)
		sum += w->tables[i];
	return sum;
}

static uint64_t last_of(const struct ioas_window_info *w)
{
	return w->start + ((w->entries << w->page_shift) - 1);
}

static void add_window(const struct ioas_window_info *w,
                       struct ioas_lines *text)
{
	ioas_lines_add(
		text,
		"  window %u at 0x%" PRIx64 "-0x%" PRIx64 ": pages of %" PRIu64
		" KiB, %u level%s, %" PRIu64 " of %" PRIu64 " mapped, %" PRIu64
		" table%s of %" PRIu64 " KiB, %" PRIu64 " page%s charged\n",
		w->slot, w->start, last_of(w),
		(UINT64_C(1) << w->page_shift) >> 10, w->levels,
		ioas_plural(w->levels), w->mapped, w->entries, tables_of(w),
		ioas_plural(tables_of(w)), w->table_bytes >> 10, w->charged,
		ioas_plural(w->charged));
}

/* Tables by level, the first one first. */
static void add_tables(const struct ioas_window_info *w,
                       struct ioas_lines *text)
{
	unsigned int i;

	for (i = 0; i < w->levels && i < IOAS_WINDOW_LEVELS_MAX; i++)
		ioas_lines_add(text, "%s%" PRIu64, i ? "," : "", w->tables[i]);
}

/* A window without an entry has no range. */
static void add_window_json(const struct ioas_window_info *w,
                            uint32_t container, struct ioas_lines *text)
{
	ioas_lines_add(text,
	               "{\"type\":\"window\",\"container\":%u,\"slot\":%u,",
	               container, w->slot);
	if (w->entries)
		ioas_lines_add(text,
		               "\"iova\":{\"first\":\"0x%" PRIx64
		               "\",\"last\":\"0x%" PRIx64 "\"},",
		               w->start, last_of(w));
	ioas_lines_add(
		text,
		"\"page_bytes\":%" PRIu64 ",\"levels\":%u,"
		"\"entries\":%" PRIu64 ",\"mapped\":%" PRIu64 ",\"tables\":[",
		UINT64_C(1) << w->page_shift, w->levels, w->entries, w->mapped);
	add_tables(w, text);
	ioas_lines_add(text,
	               "],\"table_bytes\":%" PRIu64
	               ",\"charged_pages\":%" PRIu64 "}\n",
	               w->table_bytes, w->charged);
}

static void add_container_json(const struct ioas_spapr *spapr,
                               const struct ioas_windows_info *info,
                               struct ioas_lines *text)
{
	ioas_lines_add(text,
	               "{\"type\":\"container\",\"container\":%u,"
	               "\"iommu\":\"sPAPR\",\"version\":%d,\"groups\":%u,"
	               "\"windows\":%u,\"default_pending\":%s}\n",
	               spapr->iommu.space->id, spapr->v2 ? 2 : 1, info->groups,
	               info->live, info->default_pending ? "true" : "false");
}

static void add_container(const struct ioas_spapr *spapr,
                          const struct ioas_windows_info *info,
                          struct ioas_lines *text)
{
	ioas_lines_add(
		text,
		"container %u: sPAPR version %d, %u group%s, %u "
		"window%s%s\n",
		spapr->iommu.space->id, spapr->v2 ? 2 : 1, info->groups,
		ioas_plural(info->groups), info->live, ioas_plural(info->live),
		info->default_pending ? ", and the default one is owed" : "");
}

void ioas_spapr_list(struct ioas_iommu *iommu, struct ioas_lines *text)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);
	struct ioas_windows_info info;
	struct ioas_window_info window;
	unsigned int slot;

	ioas_windows_describe(spapr->set, &info);
	if (text->json)
		add_container_json(spapr, &info, text);
	else
		add_container(spapr, &info, text);
	for (slot = 0; slot < IOAS_WINDOWS_MAX; slot++) {
		if (ioas_window_query(spapr->set, slot, &window))
			continue;
		if (text->json)
			add_window_json(&window, iommu->space->id, text);
		else
			add_window(&window, text);
	}
}
