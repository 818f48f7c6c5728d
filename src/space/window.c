/* SPDX-License-Identifier: MIT */
/*
 * Where writes of a device are interrupts. With a hardware window they are
 * none of the page table's business. In a software window the doorbells of the
 * context are mapped, beside the areas: no area may lie there (MSI-1), and what
 * a program unmaps is areas, so it cannot meet a doorbell (MSI-5).
 *
 * A leaf in the window holds a physical address of the bus. Everywhere else
 * leaves hold those of memory; the window tells the two apart.
 */
#include "base/law.h"
#include "space/space.h"

const struct ioas_space_msi ioas_space_msi_none = {.first = UINT64_MAX};

void ioas_space_msi_set(struct ioas_space *space, struct iova_range range,
                        bool translated)
{
	ioas_law(MSI_2, space->msi.bytes == 0);
	space->msi.first = range.first;
	space->msi.bytes = range.last - range.first + 1;
	space->msi.translated = translated;
}

static int install_locked(struct ioas_space *space,
                          struct ioas_msi_doorbells *doorbells)
{
	unsigned int count = ioas_msi_doorbells_count(doorbells);
	int rc;

	while (space->doorbell_count < count) {
		unsigned int i = space->doorbell_count;

		rc = ioas_pt_map(
			&space->pt, ioas_msi_doorbells_range(doorbells, i),
			ioas_msi_doorbells_phys(doorbells, i), IOAS_WRITE);
		if (rc)
			return rc;
		space->doorbell_count++;
	}
	return 0;
}

int ioas_space_install(struct ioas_space *space,
                       struct ioas_msi_doorbells *doorbells)
{
	int rc;

	ioas_lock(&space->lock);
	rc = install_locked(space, doorbells);
	ioas_unlock(&space->lock);
	return rc;
}

/* Nobody is attached: MSI-7. */
void ioas_space_uninstall(struct ioas_space *space)
{
	struct ioas_pt_gather gather = {0};
	uint64_t bytes = (uint64_t)space->doorbell_count << space->page_shift;

	if (!bytes)
		return;
	ioas_pt_unmap(&space->pt,
	              (struct iova_range){space->msi.first,
	                                  space->msi.first + (bytes - 1)},
	              &gather);
	space->doorbell_count = 0;
	ioas_pt_flush(&space->pt, &gather);
	ioas_pt_free(&space->pt, &gather);
}

enum ioas_fault ioas_space_translate_msi(const struct ioas_space *space,
                                         struct iova at, uint64_t bytes,
                                         struct ioas_translation *ret_t)
{
	uint64_t rest = space->msi.bytes - (at.raw - space->msi.first);
	struct ioas_pt_leaf leaf = {
		{at.raw}, at.raw + (rest - 1), IOAS_WRITE, false};

	if (space->msi.translated && !ioas_pt_walk(&space->pt, at, &leaf))
		return IOAS_FAULT_UNMAPPED;
	rest = leaf.last - at.raw + 1;
	ret_t->pointer = NULL;
	ret_t->doorbell = leaf.phys;
	ret_t->bytes = bytes < rest ? bytes : rest;
	return IOAS_FAULT_DOORBELL;
}
