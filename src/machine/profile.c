/* SPDX-License-Identifier: MIT */
/*
 * The IOMMUs a program can be shown. One line of facts each; everything that
 * can be seen of an IOMMU follows from it.
 *
 * intel, intel-39bit
 *	VT-d with second-stage tables of four and of three levels. Both have
 *	super pages of 2 MiB and 1 GiB. The interrupt range is not translated.
 *	Sources: Intel Virtualization Technology for Directed I/O 3.6 (page
 *	sizes, address width), 3.14 (interrupt range); Linux 7.3
 *	drivers/iommu/intel/iommu.c for the reserved range.
 *
 * amd
 *	AMD-Vi with host tables of format 1 and six levels: all 64 bits, and
 *	any power of two from 4 KiB to 2^51 as a page, but not 512 GiB, which
 *	the hardware gets wrong. Linux 6.12 names powers above 2^51 too. The
 *	range from 0xfd00000000 on is HyperTransport's own, as on every
 *	processor without the feature HTRangeIgnore.
 *	Sources: AMD I/O Virtualization Technology (IOMMU) Specification,
 *	chapter 2 (special address ranges; page sizes that the next-level field
 *	encodes); Linux 7.3 drivers/iommu/amd/iommu.c (reserved ranges),
 *	drivers/iommu/generic_pt/fmt/amdv1.h; Linux 6.12
 *	drivers/iommu/amd/io_pgtable.c, amd_iommu_types.h.
 *
 * arm-smmuv3
 *	SMMUv3 with stage 1 tables of four levels and a granule of 4 KiB, and a
 *	GICv3 with an ITS. The IOMMU translates messages like all other writes,
 *	so there is a window in which Linux maps the doorbell. Linux enforces
 *	coherency only where firmware says that devices snoop whatever they
 *	ask for, which is not so here. To a device of an ITS that has vectors
 *	7.3 adds more, 6.12 does not. 6.12 knows nesting, but has given the
 *	domain to the SMMU before VFIO asks for it. Domains for the kernel's
 *	own drivers flush at once by default: a queue is what x86 has.
 *	Sources: Arm SMMU Architecture Specification (IHI 0070) 3.4 (address
 *	sizes); Linux 7.3 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c,
 *	drivers/iommu/io-pgtable-arm.c, drivers/iommu/Kconfig (the default
 *	domain); drivers/irqchip/irq-gic-its-msi-parent.c of both; and both
 *	running, as tests/abi/linux boots them
 *
 * power8, power9
 *	PowerNV: the windows of PHB3 and of PHB4, page sizes as Linux lists
 *	them there. Interrupts are writes with bit 60 set, and belong to the
 *	group (PE) that raises them. There are no reserved ranges: what is not
 *	in a window is not to be had anyway.
 *	Sources: Linux 6.12 and 7.3 arch/powerpc/platforms/powernv/pci-ioda.c,
 *	drivers/iommu/ (no reserved ranges there); IBM, I/O Design Architecture
 *	v2, "DMA and MSI".
 *
 * pseries
 *	A partition, windows by its firmware: a default one of 1 GiB, entries
 *	with the permissions that were asked for, one group in a container.
 *	Sources: LoPAPR 2.9, "Dynamic DMA Windows"; Linux 6.12 and 7.3
 *	arch/powerpc/platforms/pseries/iommu.c
 */
#include <errno.h>
#include <string.h>

#include "machine/machine.h"

/* Writes of a device there are interrupts. */
static const struct ioas_reserved intel_reserved[] = {
	{.range = {UINT64_C(0xfee00000), UINT64_C(0xfeefffff)},
         .kind = IOAS_RESERVED_MSI},
};

static const struct ioas_reserved amd_reserved[] = {
	{.range = {UINT64_C(0xfee00000), UINT64_C(0xfeefffff)},
         .kind = IOAS_RESERVED_MSI},
	{.range = {UINT64_C(0xfd00000000), UINT64_C(0xffffffffff)},
         .kind = IOAS_RESERVED_OTHER},
};

/* Where Linux maps doorbells for devices. */
static const struct ioas_reserved arm_reserved[] = {
	{.range = {UINT64_C(0x08000000), UINT64_C(0x080fffff)},
         .kind = IOAS_RESERVED_SW_MSI},
};

#define PAGES_4K_2M_1G UINT64_C(0x40201000)
#define PAGES_512G     (UINT64_C(1) << 39)

const struct ioas_profile ioas_profiles[] = {
	{
		.name = "intel",
		.summary = "Intel VT-d, 48-bit addresses, 4K, 2M and 1G pages",
		.aperture = {0, (UINT64_C(1) << 48) - 1},
		.page_sizes = PAGES_4K_2M_1G,
		.page_shift = 12,
		.group_type = "DMA-FQ",
		.format = &ioas_pt_vtd,
		.reserved = intel_reserved,
		.reserved_count = IOAS_ARRAY_SIZE(intel_reserved),
		.coherent = true,
		.msix_dynamic = true,
		.msi = &ioas_msi_vtd,
		.msi_shared = &ioas_msi_apic,
	},
	{
		.name = "intel-39bit",
		.summary = "Intel VT-d, 39-bit addresses, 4K, 2M and 1G pages",
		.aperture = {0, (UINT64_C(1) << 39) - 1},
		.page_sizes = PAGES_4K_2M_1G,
		.page_shift = 12,
		.group_type = "DMA-FQ",
		.format = &ioas_pt_vtd,
		.reserved = intel_reserved,
		.reserved_count = IOAS_ARRAY_SIZE(intel_reserved),
		.coherent = true,
		.msix_dynamic = true,
		.msi = &ioas_msi_vtd,
		.msi_shared = &ioas_msi_apic,
	},
	{
		.name = "amd",
		.summary = "AMD-Vi, 64-bit addresses, pages of any power of "
			   "two, HyperTransport range reserved",
		.aperture = {0, UINT64_MAX},
		.page_sizes = UINT64_C(0x000ffffffffff000) & ~PAGES_512G,
		.page_sizes_6_12 = UINT64_C(0xfffffffffffff000) & ~PAGES_512G,
		.page_shift = 12,
		.group_type = "DMA-FQ",
		.format = &ioas_pt_amdv1,
		.reserved = amd_reserved,
		.reserved_count = IOAS_ARRAY_SIZE(amd_reserved),
		.coherent = true,
		.msix_dynamic = true,
		.msi = &ioas_msi_amd,
		.msi_shared = &ioas_msi_apic,
	},
	{
		.name = "arm-smmuv3",
		.summary = "Arm SMMUv3, 48-bit addresses, 4K, 2M and 1G pages, "
			   "interrupts translated",
		.aperture = {0, (UINT64_C(1) << 48) - 1},
		.page_sizes = PAGES_4K_2M_1G,
		.page_shift = 12,
		.group_type = "DMA",
		.format = &ioas_pt_lpae1,
		.reserved = arm_reserved,
		.reserved_count = IOAS_ARRAY_SIZE(arm_reserved),
		.msix_dynamic = true,
		.msix_fixed_6_12 = true,
		.nesting_6_12 = -EPERM,
		.msi = &ioas_msi_its,
		.msi_shared = &ioas_msi_v2m,
	},
	{
		.name = "power8",
		.summary = "POWER8 PowerNV, sPAPR v2: two DMA windows, 4K, "
			   "64K, 16M and 256M pages",
		.aperture = {0, UINT64_MAX},
		.page_sizes = UINT64_C(0x11011000),
		.page_shift = 12,
		.group_type = "unknown",
		.format = &ioas_pt_tce,
		.coherent = true,
		.msi = &ioas_msi_phb,
		.msi_shared = &ioas_msi_phb,
		.platform = "power8",
	},
	{
		.name = "power9",
		.summary = "POWER9 PowerNV, sPAPR v2: two DMA windows, 4K, "
			   "64K, 2M and 1G pages",
		.aperture = {0, UINT64_MAX},
		.page_sizes = UINT64_C(0x40211000),
		.page_shift = 12,
		.group_type = "unknown",
		.format = &ioas_pt_tce,
		.coherent = true,
		.msi = &ioas_msi_phb,
		.msi_shared = &ioas_msi_phb,
		.platform = "power9",
	},
	{
		.name = "pseries",
		.summary = "a POWER partition, sPAPR v2: windows by firmware, "
			   "4K, 64K, 2M and 16M pages",
		.aperture = {0, UINT64_MAX},
		.page_sizes = UINT64_C(0x1211000),
		.page_shift = 12,
		.group_type = "unknown",
		.format = &ioas_pt_tce_papr,
		.coherent = true,
		.msi = &ioas_msi_phb,
		.msi_shared = &ioas_msi_phb,
		.platform = "pseries",
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
