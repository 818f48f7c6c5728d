/* SPDX-License-Identifier: MIT */
/*
 * The machine that the program sees: an IOMMU (profile), PCI functions in
 * groups, and the entries of /sys and /dev that name them. Pure: it opens
 * nothing, and makes a device only when asked for it.
 *
 * A machine is described by text, the same on the command line, in a
 * configuration file and in the environment of the program:
 *
 *	MODEL[,key=value]...	a comma inside a value is written ",,"
 *
 * `bdf=` and `reserved=` are keys of every model. The first function without a
 * bdf sits at 0000:01:00.0, the next at 0000:02:00.0. Each function is a group
 * of its own; groups count from 1 in the order of the functions. `vfs=` of
 * models that allow it adds that many virtual functions, whose groups come
 * after all others. They are part of the machine whether they are there or not
 * (sriov.h).
 *
 * A machine is put together by one thread and does not change after that, but
 * for `device` of its functions and for the cells of sriov.h: reading it needs
 * no lock, not even in a signal handler.
 *
 * Sources: Linux Documentation/ABI/testing/sysfs-bus-pci and
 * sysfs-kernel-iommu_groups, Documentation/driver-api/vfio.rst for the entries;
 * Intel Virtualization Technology for Directed I/O 3.14 for the profile.
 */
#ifndef IOAS_MACHINE_MACHINE_H
#define IOAS_MACHINE_MACHINE_H

#include <ioas/window.h>

#include "base/types.h"
#include "iova/iova.h"
#include "msi/msi.h"
#include "pci/function.h"
#include "pt/pt.h"
#include "sva/sva.h"

struct ioas_profile {
	const char *name;
	const char *summary;
	struct iova_range aperture;
	uint64_t page_sizes;      /* bitmap, as the IOMMU's driver has them */
	uint64_t page_sizes_6_12; /* as Linux 6.12's had them; 0: the same */
	unsigned int page_shift;  /* smallest page */
	const struct ioas_pt_format *format; /* of the tables it walks */
	const struct ioas_reserved *reserved;
	unsigned int reserved_count;
	/* Of a group, in /sys: the domain that drivers of the kernel get. */
	const char *group_type;
	bool coherent;        /* enforces cache coherency */
	bool msix_dynamic;    /* the host adds vectors while some are on */
	bool msix_fixed_6_12; /* but not Linux 6.12 */
	int nesting_6_12;     /* SET_IOMMU of nesting there; 0: -EINVAL */
	/* With isolation, which a machine has unless it is told not to. */
	const struct ioas_msi_kind *msi;
	const struct ioas_msi_kind *msi_shared; /* and without */
	const char *platform; /* of windows (<ioas/window.h>); NULL: type1 */
};

extern const struct ioas_profile ioas_profiles[]; /* ends with name NULL */
const struct ioas_profile *ioas_profile_find(const char *name);

/* Ranges that a function itself can have, beside those of the profile. */
#define IOAS_FUNCTION_RESERVED_MAX 8

/* Constant once it is added, but for `device`. */
struct ioas_function {
	struct ioas_bdf bdf;
	char name[IOAS_BDF_TEXT]; /* "0000:01:00.0" */
	unsigned int group;
	char group_name[12]; /* the same in decimal */
	char bus_name[16];   /* its root bus: "pci0000:01" */
	const struct ioas_model *model;
	struct ioas_function_desc desc; /* what it looks like, by its options */
	struct ioas_iov iov;
	/* Of a virtual function: whose, and which one: "virtfn0". */
	const struct ioas_function *physical; /* or NULL */
	unsigned int vf_number;
	char virtfn_name[16];
	const char *reserved_text; /* of the option, or NULL */
	struct ioas_reserved reserved[IOAS_FUNCTION_RESERVED_MAX];
	unsigned int reserved_count;
	struct ioas_option *options; /* without bdf; the start of a block */
	unsigned int option_count;
	size_t block_bytes;            /* the options and what they point at */
	struct ioas_device_stats past; /* of devices that were stopped */
	struct ioas_device *device;    /* made at first use */
};

#define IOAS_FUNCTIONS_MAX 64
#define IOAS_TEXT_MAX      512

struct ioas_shared;

/* Windows of a machine that has them: what programs get for an IOMMU. */
struct ioas_machine_windows {
	bool there;
	bool fixed; /* the default window is all: no dynamic ones */
	bool eeh;   /* groups can be isolated after an error, and come back */
	struct ioas_platform platform;
};

struct ioas_machine {
	const struct ioas_profile *profile;
	struct ioas_machine_windows windows; /* constant */
	struct ioas_msi msi;                 /* its interrupt controller */
	struct ioas_pe pe[IOAS_FUNCTIONS_MAX + 1]; /* of each group */
	const struct ioas_model *const *models;    /* ends with NULL */
	struct ioas_function function[IOAS_FUNCTIONS_MAX];
	unsigned int function_count;
	/*
	 * What changes: sriov.h. The machine's own, or, set before it is looked
	 * at, that of the run.
	 */
	struct ioas_shared *shared, *own_shared;
	/* PASIDs, and who uses the machine; made for the first that sends. */
	struct ioas_sva *sva;
	struct ioas_sva_mm *mm;
	/* Shown in the tree; set before it is looked at. */
	uint64_t entry_limit;   /* mappings of a container */
	unsigned int hugepages; /* of 2 MiB, pretended; 0: the real ones */
	bool unsafe_interrupts; /* are allowed, where they are not isolated */
};

/* As a device is made of it, but for what it looks like. */
struct ioas_device_request ioas_function_request(const struct ioas_function *f);
/* Why not, as ioas_machine_add() tells it. Return: @err. */
__attribute__((format(printf, 3, 4))) int
ioas_machine_refuse(char *ret_failure, int err, const char *format, ...);
/* Its name in front of what a device said. Return: @err. */
int ioas_function_failed(const struct ioas_function *f, int err,
                         const char *text, char *ret_failure);

/*
 * Each returns 0 or -errno and, on failure, a sentence in ret_failure (of
 * IOAS_TEXT_MAX bytes): what is wrong and what would be right. A failure
 * leaves the machine as it was.
 */
/*
 * -EINVAL (unknown profile, or options that it does not have), -ENOMEM. @models
 * is kept. @profile is a name, and behind commas the options of its windows:
 *
 *	ddw=on|off   are there dynamic windows (on)
 *	dma32=SIZE   bytes of the default window, a power of two: 1G
 */
int ioas_machine_create(const char *profile,
                        const struct ioas_model *const *models,
                        struct ioas_machine **ret_machine, char *ret_failure);
void ioas_machine_destroy(struct ioas_machine *machine);
/* Devices can raise each other's interrupts from now on. Before any device. */
void ioas_machine_share_interrupts(struct ioas_machine *machine);
/* DMA that is refused isolates a group from now on. Before any device. */
void ioas_machine_freeze_on_fault(struct ioas_machine *machine);
/*
 * -EINVAL (no or unknown model; an option without '=', unknown, or given twice;
 * bad bdf or reserved), -EEXIST (bdf taken), -ENOSPC (IOAS_FUNCTIONS_MAX),
 * -ENOMEM, or as ioas_device_describe().
 */
int ioas_machine_add(struct ioas_machine *machine, const char *spec,
                     char *ret_failure);
/*
 * Its device, made at the first call. Not safe against itself: uapi locks.
 * -ENODEV (no such function), or as ioas_device_create().
 */
int ioas_machine_device(struct ioas_machine *machine, unsigned int function,
                        struct ioas_device **ret_dev, char *ret_failure);
/*
 * End its device, if it has one: what it held (its file) is free again. Its
 * counts are kept. The same rule; nobody uses the device any more. Cannot
 * fail.
 */
void ioas_machine_stop(struct ioas_machine *machine, unsigned int function);

/* ---- reserved.c ---- */

/* For spec.c: what the option says, into the function. 0 or -EINVAL. */
int ioas_function_reserve(struct ioas_function *f, const char *text,
                          unsigned int page_shift, char *ret_failure);
/* "direct", as in reserved_regions: both kinds of msi are "msi" there. */
const char *ioas_reserved_word(enum ioas_reserved_kind kind);
/*
 * An empty list becomes that of a group: the profile's ranges and those of its
 * functions. Return: 0 or -ENOMEM, then the list is empty.
 */
int ioas_group_reserved(const struct ioas_machine *machine, unsigned int group,
                        struct ioas_reserved_list *list);

/* A synthetic entry of the file system. */
enum ioas_entry_kind {
	IOAS_ENTRY_NONE,    /* not ours: the real file system answers */
	IOAS_ENTRY_ABOVE,   /* a real directory with entries of ours in it */
	IOAS_ENTRY_MISSING, /* ours, and nothing is there: ENOENT */
	IOAS_ENTRY_DIR,
	IOAS_ENTRY_LINK,      /* text: where it points */
	IOAS_ENTRY_FILE,      /* ioas_machine_read() */
	IOAS_ENTRY_CONTAINER, /* /dev/vfio/vfio */
	IOAS_ENTRY_GROUP,     /* /dev/vfio/N */
};

struct ioas_node;

struct ioas_entry {
	enum ioas_entry_kind kind;
	unsigned int group; /* of what belongs to a function, else 0 */
	unsigned int mode;  /* permission bits */
	unsigned int bytes; /* of a file, as stat(2) says */
	char text[128];
	bool writable; /* by its owner: ioas_vfio_write_attribute() */
	/* Where in the tree; NULL outside. */
	const struct ioas_node *node;
	const struct ioas_function *function;
};

/*
 * The tree (tree.c has it whole):
 *
 *	/dev/vfio/            vfio, N
 *	/sys/bus/pci/         devices/BDF (links), drivers/vfio-pci/
 *	/sys/devices/pciDDDD:BB/BDF/
 *	                      vendor, class, config, resource, iommu_group, ...
 *	/sys/kernel/iommu_groups/N/
 *	                      type, reserved_regions, devices/BDF
 *	/sys/module/          vfio, vfio_pci, vfio_iommu_type1
 *	huge pages            below /sys/kernel/mm and node0, when pretended
 *
 * What else is below one of the directories is MISSING: the PCI devices and
 * IOMMU groups of the real system are hidden, since their numbers would mean
 * something else here. Directories on the way to these (/dev, /sys, /sys/bus,
 * ...) are ABOVE: the real one answers, and entries of ours are listed in it.
 * Everything beside is NONE.
 *
 * A path is read as the file system reads it: "//" and "/." mean nothing, ".."
 * is the directory above, links of ours are followed where more comes after
 * them (a "/" is enough), and nothing is above a MISSING. Links that are real
 * are not known here: the caller resolves those before.
 *
 * A path that is not absolute is NONE. Reads nothing but the machine and
 * allocates nothing; async-signal-safe.
 */
void ioas_machine_entry(const struct ioas_machine *machine, const char *path,
                        struct ioas_entry *ret_entry);
/*
 * Where a path leads, as realpath(3) would say: without links, "." and "..".
 * False when no synthetic entry was met on the way, when the entry is MISSING,
 * or when @bytes are too few. A result whose own entry is NONE or ABOVE is a
 * real path: a link or ".." led out, and the real file system has to be asked
 * for it by that path. Async-signal-safe.
 */
bool ioas_machine_realpath(const struct ioas_machine *machine, const char *path,
                           char *ret_path, size_t bytes);

/* One name in a directory of ours, or above. */
struct ioas_listed {
	const char *name; /* lives as long as the machine */
	enum ioas_entry_kind kind;
};

/*
 * What is in a directory: call with *position 0, then with what it became,
 * until false. Neither "." nor ".." are given. Async-signal-safe.
 */
bool ioas_machine_list(const struct ioas_machine *machine,
                       const struct ioas_entry *directory,
                       unsigned int *position, struct ioas_listed *ret_listed);

#define IOAS_FILE_BYTES 4096

/*
 * What is in a FILE, into a buffer of IOAS_FILE_BYTES. Return: bytes, or
 * -ENOMEM.
 */
long ioas_machine_read(const struct ioas_machine *machine,
                       const struct ioas_entry *file, char *ret_content);

#endif /* IOAS_MACHINE_MACHINE_H */
