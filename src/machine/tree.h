/* SPDX-License-Identifier: MIT */
/*
 * The synthetic tree, for the files of src/machine: which names are in which
 * directory (tree.c), and what the files contain (attribute.c). How a path is
 * walked over it is in entry.c.
 */
#ifndef IOAS_MACHINE_TREE_H
#define IOAS_MACHINE_TREE_H

#include "machine/machine.h"

struct ioas_attribute {
	const struct ioas_machine *machine;
	const struct ioas_function *function; /* NULL where no path names one */
	char *buffer;                         /* of IOAS_FILE_BYTES */
};

/* Bytes put into the buffer, or -ENOMEM. */
typedef long ioas_attribute_read(const struct ioas_attribute *a);

/* Files that can be written. */
enum ioas_setting {
	IOAS_SETTING_NONE,
	IOAS_SETTING_NUMVFS,
	IOAS_SETTING_AUTOPROBE,
	IOAS_SETTING_MSIX_COUNT,
};

struct ioas_node {
	unsigned int depth; /* of "sys": 1 */
	enum ioas_entry_kind kind;
	const char *name;          /* or one of the names for many, below */
	const char *text;          /* a link's target; a file's content */
	unsigned int mode;         /* 0: as its kind */
	bool hugepages;            /* only there with machine->hugepages */
	bool physical, virtual;    /* only of functions that are so */
	bool windows, no_windows;  /* only of machines that are so */
	enum ioas_setting setting; /* what a write to it does */
	ioas_attribute_read *read; /* a file's content, when it has no text */
};

/* In a name and in a target: of each function its address, group, root bus. */
#define IOAS_NODE_BDF   "<bdf>"
#define IOAS_NODE_GROUP "<group>"
#define IOAS_NODE_BUS   "<bus>"
/* Of a virtual function its number, and the address of its physical one. */
#define IOAS_NODE_VIRTFN   "<virtfn>"
#define IOAS_NODE_PHYSICAL "<physical>"

/* Somewhere in the tree; function is NULL where the path names none. */
struct ioas_place {
	const struct ioas_node *node; /* NULL: outside */
	const struct ioas_function *function;
};

/* The root of the file system. */
struct ioas_place ioas_tree_root(void);
/* What is called so in @dir; node is NULL when nothing is. */
struct ioas_place ioas_tree_child(const struct ioas_machine *machine,
                                  struct ioas_place dir, const char *name,
                                  size_t length);
/* Its own name. */
const char *ioas_tree_name(struct ioas_place place);
/* The next in @dir at or after *position, which is moved behind it. */
struct ioas_place ioas_tree_next(const struct ioas_machine *machine,
                                 struct ioas_place dir, unsigned int *position);

ioas_attribute_read ioas_attribute_vendor, ioas_attribute_device,
	ioas_attribute_subsystem_vendor, ioas_attribute_subsystem_device,
	ioas_attribute_class, ioas_attribute_revision, ioas_attribute_irq,
	ioas_attribute_modalias, ioas_attribute_uevent, ioas_attribute_resource,
	ioas_attribute_config, ioas_attribute_reserved_regions,
	ioas_attribute_entry_limit, ioas_attribute_unsafe_interrupts,
	ioas_attribute_hugepages, ioas_attribute_sriov_totalvfs,
	ioas_attribute_sriov_numvfs, ioas_attribute_sriov_offset,
	ioas_attribute_sriov_stride, ioas_attribute_sriov_vf_device,
	ioas_attribute_sriov_autoprobe, ioas_attribute_group_type,
	ioas_attribute_group_name;
/* Bytes of a function's configuration space. */
unsigned int ioas_attribute_config_bytes(const struct ioas_function *function);

#endif /* IOAS_MACHINE_TREE_H */
