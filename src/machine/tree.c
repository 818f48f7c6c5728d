/* SPDX-License-Identifier: MIT */
/*
 * The synthetic tree as a table: a line a name, each directory followed by
 * what is in it. A directory is a line of depth d, its children the lines of
 * depth d + 1 up to the next line of depth d or less.
 *
 * A name for many ("<bdf>") stands for one entry of each function. Below an
 * entry that a function gave its name to, only that function is meant; below a
 * root bus, the functions on it.
 *
 * Sources: Linux 7.3 drivers/pci/pci-sysfs.c and pci-driver.c, drivers/iommu/
 * iommu.c, drivers/vfio/vfio_iommu_type1.c, drivers/vfio/pci/vfio_pci.c,
 * mm/hugetlb_sysfs.c; Documentation/ABI/testing/sysfs-bus-pci,
 * sysfs-kernel-iommu_groups, sysfs-kernel-mm-hugepages.
 */
#include "machine/tree.h"

#include <string.h>

#include "machine/sriov.h"

#define BDF   IOAS_NODE_BDF
#define GROUP IOAS_NODE_GROUP
#define BUS   IOAS_NODE_BUS

#define VIRTFN   IOAS_NODE_VIRTFN
#define PHYSICAL IOAS_NODE_PHYSICAL

/* Real, with entries of ours in it. */
#define ABOVE(d, name_)                                                 \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_ABOVE, .name = (name_) \
	}
#define DIR(d, name_)                                                 \
	{                                                             \
		.depth = (d), .kind = IOAS_ENTRY_DIR, .name = (name_) \
	}
#define LINK(d, name_, to)                                              \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_LINK, .name = (name_), \
		.text = (to)                                            \
	}
#define TEXT(d, name_, content)                                         \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.text = (content)                                       \
	}
#define READ(d, name_)                                                   \
	{                                                                \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (#name_), \
		.read = ioas_attribute_##name_                           \
	}
/* Written by an administrator; here by nobody. */
#define WRITE(d, name_)                                                 \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.text = "", .mode = 0200                                \
	}
/* Of physical functions, some for their owner to write. */
#define SRIOV(d, name_, read_)                                          \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.physical = true, .read = ioas_attribute_##read_        \
	}
#define SRIOV_WRITE(d, name_, read_, setting_)                          \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.physical = true, .read = ioas_attribute_##read_,       \
		.mode = 0644, .setting = (setting_)                     \
	}
#define HUGE(d, kind_, name_)                                              \
	{                                                                  \
		.depth = (d), .kind = IOAS_ENTRY_##kind_, .name = (name_), \
		.hugepages = true                                          \
	}
#define HUGE_COUNT(d, name_)                                            \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.hugepages = true, .read = ioas_attribute_hugepages     \
	}
#define HUGE_NONE(d, name_)                                             \
	{                                                               \
		.depth = (d), .kind = IOAS_ENTRY_FILE, .name = (name_), \
		.hugepages = true, .text = "0\n"                        \
	}

/* clang-format off */
static const struct ioas_node nodes[] = {
	ABOVE(0, ""),
	ABOVE(1, "dev"),
	    DIR(2, "vfio"),
	        {.depth = 3, .kind = IOAS_ENTRY_CONTAINER, .name = "vfio"},
	        {.depth = 3, .kind = IOAS_ENTRY_GROUP, .name = GROUP},
	ABOVE(1, "sys"),
	    ABOVE(2, "bus"),
	        DIR(3, "pci"),
	            DIR(4, "devices"),
	                LINK(5, BDF, "../../../devices/" BUS "/" BDF),
	            DIR(4, "drivers"),
	                DIR(5, "vfio-pci"),
	                    LINK(6, BDF, "../../../../devices/" BUS "/" BDF),
	                    LINK(6, "module", "../../../../module/vfio_pci"),
	                    WRITE(6, "bind"),
	                    WRITE(6, "unbind"),
	                    WRITE(6, "new_id"),
	                    WRITE(6, "remove_id"),
	    ABOVE(2, "devices"),
	        DIR(3, BUS),
	            DIR(4, BDF),
	                READ(5, vendor),
	                READ(5, device),
	                READ(5, subsystem_vendor),
	                READ(5, subsystem_device),
	                READ(5, class),
	                READ(5, revision),
	                READ(5, irq),
	                TEXT(5, "numa_node", "0\n"),
	                TEXT(5, "enable", "0\n"),
	                READ(5, modalias),
	                READ(5, uevent),
	                READ(5, resource),
	                READ(5, config),
	                TEXT(5, "driver_override", "vfio-pci\n"),
	                LINK(5, "driver", "../../../bus/pci/drivers/vfio-pci"),
	                LINK(5, "iommu_group",
	                     "../../../kernel/iommu_groups/" GROUP),
	                LINK(5, "subsystem", "../../../bus/pci"),
	                SRIOV(5, "sriov_totalvfs", sriov_totalvfs),
	                SRIOV_WRITE(5, "sriov_numvfs", sriov_numvfs,
	                            IOAS_SETTING_NUMVFS),
	                SRIOV(5, "sriov_offset", sriov_offset),
	                SRIOV(5, "sriov_stride", sriov_stride),
	                SRIOV(5, "sriov_vf_device", sriov_vf_device),
	                SRIOV_WRITE(5, "sriov_drivers_autoprobe",
	                            sriov_autoprobe, IOAS_SETTING_AUTOPROBE),
	                {.depth = 5, .kind = IOAS_ENTRY_FILE,
	                 .name = "sriov_vf_total_msix", .text = "0\n",
	                 .physical = true},
	                LINK(5, VIRTFN, "../" BDF),
	                {.depth = 5, .kind = IOAS_ENTRY_LINK, .name = "physfn",
	                 .text = "../" PHYSICAL, .virtual = true},
	                {.depth = 5, .kind = IOAS_ENTRY_FILE,
	                 .name = "sriov_vf_msix_count", .text = "",
	                 .mode = 0200, .virtual = true,
	                 .setting = IOAS_SETTING_MSIX_COUNT},
	                DIR(5, "power"),
	                    TEXT(6, "control", "on\n"),
	                    TEXT(6, "runtime_status", "active\n"),
	        HUGE(3, ABOVE, "system"),
	            HUGE(4, ABOVE, "node"),
	                HUGE(5, ABOVE, "node0"),
	                    HUGE(6, DIR, "hugepages"),
	                        HUGE(7, DIR, "hugepages-2048kB"),
	                            HUGE_COUNT(8, "nr_hugepages"),
	                            HUGE_COUNT(8, "free_hugepages"),
	                            HUGE_NONE(8, "surplus_hugepages"),
	    ABOVE(2, "kernel"),
	        DIR(3, "iommu_groups"),
	            DIR(4, GROUP),
	                DIR(5, "devices"),
	                    LINK(6, BDF, "../../../../devices/" BUS "/" BDF),
	                READ(5, reserved_regions),
	                {.depth = 5, .kind = IOAS_ENTRY_FILE, .name = "type",
	                 .read = ioas_attribute_group_type},
	                {.depth = 5, .kind = IOAS_ENTRY_FILE, .name = "name",
	                 .windows = true, .read = ioas_attribute_group_name},
	        HUGE(3, ABOVE, "mm"),
	            HUGE(4, DIR, "hugepages"),
	                HUGE(5, DIR, "hugepages-2048kB"),
	                    HUGE_COUNT(6, "nr_hugepages"),
	                    HUGE_COUNT(6, "free_hugepages"),
	                    HUGE_COUNT(6, "nr_hugepages_mempolicy"),
	                    HUGE_NONE(6, "nr_overcommit_hugepages"),
	                    HUGE_NONE(6, "resv_hugepages"),
	                    HUGE_NONE(6, "surplus_hugepages"),
	    ABOVE(2, "module"),
	        DIR(3, "vfio"),
	            TEXT(4, "initstate", "live\n"),
	            DIR(4, "parameters"),
	                TEXT(5, "enable_unsafe_noiommu_mode", "N\n"),
	        {.depth = 3, .kind = IOAS_ENTRY_DIR, .windows = true,
	         .name = "vfio_iommu_spapr_tce"},
	            TEXT(4, "initstate", "live\n"),
	        {.depth = 3, .kind = IOAS_ENTRY_DIR, .no_windows = true,
	         .name = "vfio_iommu_type1"},
	            TEXT(4, "initstate", "live\n"),
	            DIR(4, "parameters"),
	                {.depth = 5, .kind = IOAS_ENTRY_FILE,
	                 .name = "dma_entry_limit",
	                 .read = ioas_attribute_entry_limit},
	                {.depth = 5, .kind = IOAS_ENTRY_FILE,
	                 .name = "allow_unsafe_interrupts",
	                 .read = ioas_attribute_unsafe_interrupts},
	                TEXT(5, "disable_hugepages", "N\n"),
	        DIR(3, "vfio_pci"),
	            TEXT(4, "initstate", "live\n"),
	            DIR(4, "parameters"),
	                TEXT(5, "disable_denylist", "N\n"),
	                TEXT(5, "disable_idle_d3", "N\n"),
	                TEXT(5, "disable_vga", "N\n"),
	                TEXT(5, "enable_sriov", "Y\n"),
	                TEXT(5, "nointxmask", "N\n"),
};
/* clang-format on */

#define NODES ((unsigned int)IOAS_ARRAY_SIZE(nodes))

static bool is(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

static bool there(const struct ioas_machine *machine, struct ioas_place dir,
                  const struct ioas_node *node)
{
	if (node->hugepages)
		return machine->hugepages;
	if (node->windows)
		return machine->windows.there;
	if (node->no_windows)
		return !machine->windows.there;
	if (node->physical)
		return dir.function->iov.vfs;
	return !node->virtual || dir.function->physical;
}

/* Is @node below a name for many? Then it may be there more than once. */
static bool is_for_many(const struct ioas_node *node)
{
	return node->name[0] == '<';
}

const char *ioas_tree_name(struct ioas_place place)
{
	const char *name = place.node->name;

	if (strcmp(name, BDF) == 0)
		return place.function->name;
	if (strcmp(name, GROUP) == 0)
		return place.function->group_name;
	if (strcmp(name, BUS) == 0)
		return place.function->bus_name;
	if (strcmp(name, VIRTFN) == 0)
		return place.function->virtfn_name;
	return name;
}

static bool same_bus(const struct ioas_function *a,
                     const struct ioas_function *b)
{
	return strcmp(a->bus_name, b->bus_name) == 0;
}

/* A bus is listed for the first function on it. */
static bool first_of_bus(const struct ioas_machine *machine,
                         const struct ioas_function *f)
{
	const struct ioas_function *other;

	for (other = machine->function; other < f; other++)
		if (same_bus(other, f))
			return false;
	return true;
}

/* Has the entry @node of directory @dir an instance for @f? */
static bool belongs(const struct ioas_machine *machine, struct ioas_place dir,
                    const struct ioas_node *node, const struct ioas_function *f)
{
	if (!ioas_iov_present(machine, f))
		return false;
	if (strcmp(node->name, BUS) == 0)
		return first_of_bus(machine, f);
	if (strcmp(node->name, VIRTFN) == 0)
		return f->physical == dir.function;
	if (!dir.function)
		return true;
	if (strcmp(dir.node->name, BUS) == 0)
		return same_bus(dir.function, f);
	return dir.function == f;
}

struct ioas_place ioas_tree_root(void)
{
	return (struct ioas_place){nodes, NULL};
}

/*
 * A position is a line of the table and a function in it: the same number
 * means the same entry as long as the machine lives.
 */
#define STEPS (IOAS_FUNCTIONS_MAX + 1)

struct ioas_place ioas_tree_next(const struct ioas_machine *machine,
                                 struct ioas_place dir, unsigned int *position)
{
	unsigned int first = (unsigned int)(dir.node - nodes) + 1;
	unsigned int i = *position / STEPS, k = *position % STEPS;

	if (i < first)
		i = first, k = 0;
	for (; i < NODES && nodes[i].depth > dir.node->depth; i++, k = 0) {
		const struct ioas_node *node = &nodes[i];
		unsigned int last =
			is_for_many(node) ? machine->function_count : 1;

		if (node->depth != dir.node->depth + 1 ||
		    !there(machine, dir, node))
			continue;
		for (; k < last; k++) {
			struct ioas_place place = {node, dir.function};

			if (is_for_many(node))
				place.function = &machine->function[k];
			if (is_for_many(node) &&
			    !belongs(machine, dir, node, place.function))
				continue;
			*position = i * STEPS + k + 1;
			return place;
		}
	}
	*position = NODES * STEPS;
	return (struct ioas_place){NULL, NULL};
}

struct ioas_place ioas_tree_child(const struct ioas_machine *machine,
                                  struct ioas_place dir, const char *name,
                                  size_t length)
{
	unsigned int position = 0;
	struct ioas_place place;

	do {
		place = ioas_tree_next(machine, dir, &position);
	} while (place.node && !is(ioas_tree_name(place), name, length));
	return place;
}
