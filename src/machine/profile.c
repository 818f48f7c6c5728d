/* SPDX-License-Identifier: MIT */
/*
 * The IOMMUs a program can be shown. One line of facts each; everything that
 * can be seen of an IOMMU follows from it.
 *
 * Sources: Intel Virtualization Technology for Directed I/O 3.14, 3.6 (page
 * sizes, address width) and 3.14 (the interrupt range is not translated);
 * Linux 7.3 drivers/iommu/intel/iommu.c for the reserved range.
 */
#include <string.h>

#include "machine/machine.h"

/* Writes of a device there are interrupts. */
static const struct ioas_reserved x86_reserved[] = {
	{{UINT64_C(0xfee00000), UINT64_C(0xfeefffff)}, IOAS_RESERVED_MSI},
};

const struct ioas_profile ioas_profiles[] = {
	{
		.name = "intel",
		.summary = "Intel VT-d, 48-bit addresses, 4K, 2M and 1G pages",
		.aperture = {0, (UINT64_C(1) << 48) - 1},
		.page_sizes = UINT64_C(0x40201000),
		.page_shift = 12,
		.reserved = x86_reserved,
		.reserved_count = IOAS_ARRAY_SIZE(x86_reserved),
		.coherent = true,
		.msix_dynamic = true,
	},
	{.name = NULL},
};

const struct ioas_profile *ioas_profile_find(const char *name)
{
	const struct ioas_profile *p;

	for (p = ioas_profiles; p->name; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}
