/* SPDX-License-Identifier: MIT */
/*
 * Linked to programs of the vfio suite that open their device in one mode of
 * their own, which is iommufd, and have no option for another: the mode that
 * VFIO_SELFTESTS_MODE names takes its place. Nothing else of them changes.
 */
#include <stdlib.h>

/* Of the suite's library. */
extern const char *default_iommu_mode;

static void __attribute__((constructor)) choose_mode(void)
{
	const char *mode = getenv("VFIO_SELFTESTS_MODE");

	if (mode)
		default_iommu_mode = mode;
}
