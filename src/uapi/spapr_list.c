/* SPDX-License-Identifier: MIT */
/* Windows as text, for people: `ioas run --map`. */
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

static void add_window(const struct ioas_window_info *w,
                       struct ioas_lines *text)
{
	uint64_t last = w->start + ((w->entries << w->page_shift) - 1);

	ioas_lines_add(
		text,
		"  window %u at 0x%" PRIx64 "-0x%" PRIx64 ": pages of %" PRIu64
		" KiB, %u level%s, %" PRIu64 " of %" PRIu64 " mapped, %" PRIu64
		" tables of %" PRIu64 " KiB, %" PRIu64 " pages charged\n",
		w->slot, w->start, last, (UINT64_C(1) << w->page_shift) >> 10,
		w->levels, w->levels == 1 ? "" : "s", w->mapped, w->entries,
		tables_of(w), w->table_bytes >> 10, w->charged);
}

void ioas_spapr_list(struct ioas_iommu *iommu, struct ioas_lines *text)
{
	struct ioas_spapr *spapr = ioas_spapr_of(iommu);
	struct ioas_windows_info info;
	struct ioas_window_info window;
	unsigned int slot;

	ioas_windows_describe(spapr->set, &info);
	ioas_lines_add(text,
	               "container %u: sPAPR version %d, %u group%s, %u "
	               "window%s%s\n",
	               iommu->space->id, spapr->v2 ? 2 : 1, info.groups,
	               info.groups == 1 ? "" : "s", info.live,
	               info.live == 1 ? "" : "s",
	               info.default_pending ? ", and the default one is owed"
	                                    : "");
	for (slot = 0; slot < IOAS_WINDOWS_MAX; slot++)
		if (!ioas_window_query(spapr->set, slot, &window))
			add_window(&window, text);
}
