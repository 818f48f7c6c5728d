/* SPDX-License-Identifier: MIT */
/* See msi_doorbell.h. A handful of pages: they are looked for one by one. */
#include "iova/msi_doorbell.h"

#include <errno.h>

#include "base/law.h"

void ioas_msi_doorbells_init(struct ioas_msi_doorbells *doorbells,
                             const struct iova_range *window,
                             unsigned int shift)
{
	static const struct iova_range none = {1, 0};

	*doorbells = (struct ioas_msi_doorbells){
		.window = window ? *window : none,
		.shift = shift,
	};
}

struct iova_range
ioas_msi_doorbells_range(const struct ioas_msi_doorbells *doorbells,
                         unsigned int i)
{
	uint64_t first =
		doorbells->window.first + ((uint64_t)i << doorbells->shift);

	return (struct iova_range){first,
	                           first | ioas_mask_lg2(doorbells->shift)};
}

/* A new place for a page, at the end of those there are. */
static int append_locked(struct ioas_msi_doorbells *doorbells, uint64_t page)
{
	unsigned int i = doorbells->count;
	struct iova_range range = ioas_msi_doorbells_range(doorbells, i);

	if (i == IOAS_MSI_DOORBELLS_MAX || range.last > doorbells->window.last)
		return -EOVERFLOW;
	doorbells->page[i] = page;
	doorbells->count++;
	return (int)i;
}

/* MSI-2: the place that it has, if it has one. */
static int find_locked(struct ioas_msi_doorbells *doorbells, uint64_t page)
{
	unsigned int i;

	for (i = 0; i < doorbells->count; i++)
		if (doorbells->page[i] == page)
			return (int)i;
	return append_locked(doorbells, page);
}

int ioas_msi_doorbells_prepare(struct ioas_msi_doorbells *doorbells,
                               struct phys phys,
                               struct ioas_msi_doorbell *ret_doorbell)
{
	unsigned int shift = doorbells->shift;
	int place;

	if (doorbells->window.first > doorbells->window.last)
		return -ENODEV;
	ioas_lock(&doorbells->lock);
	place = find_locked(doorbells, phys.raw >> shift);
	ioas_unlock(&doorbells->lock);
	if (place < 0)
		return place;
	ret_doorbell->shift = shift;
	ret_doorbell->page =
		(doorbells->window.first >> shift) + (unsigned int)place;
	return 0;
}

uint64_t ioas_msi_doorbell_compose(const struct ioas_msi_doorbell *doorbell,
                                   struct phys phys)
{
	return doorbell->page << doorbell->shift |
	       (phys.raw & ioas_mask_lg2(doorbell->shift));
}

unsigned int ioas_msi_doorbells_count(struct ioas_msi_doorbells *doorbells)
{
	unsigned int count;

	ioas_lock(&doorbells->lock);
	count = doorbells->count;
	ioas_unlock(&doorbells->lock);
	return count;
}

struct phys ioas_msi_doorbells_phys(struct ioas_msi_doorbells *doorbells,
                                    unsigned int i)
{
	uint64_t page;

	ioas_lock(&doorbells->lock);
	ioas_law(MSI_2, i < doorbells->count);
	page = doorbells->page[i];
	ioas_unlock(&doorbells->lock);
	return (struct phys){page << doorbells->shift};
}
