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
 * `bdf=` is a key of every model. The first function without one sits at
 * 0000:01:00.0, the next at 0000:02:00.0. Each function is a group of its own;
 * groups count from 1 in the order of the functions.
 */
#ifndef IOAS_MACHINE_MACHINE_H
#define IOAS_MACHINE_MACHINE_H

#include "base/types.h"
#include "iova/iova.h"
#include "pci/function.h"

struct ioas_profile {
	const char *name;
	const char *summary;
	struct iova_range aperture;
	uint64_t page_sizes;     /* bitmap, as the IOMMU's hardware has them */
	unsigned int page_shift; /* smallest page */
	const struct ioas_reserved *reserved;
	unsigned int reserved_count;
	bool coherent;     /* enforces cache coherency */
	bool msix_dynamic; /* interrupt remapping: vectors added later */
};

extern const struct ioas_profile ioas_profiles[]; /* ends with name NULL */
const struct ioas_profile *ioas_profile_find(const char *name);

struct ioas_function {
	struct ioas_bdf bdf;
	char name[16]; /* "0000:01:00.0" */
	unsigned int group;
	const struct ioas_model *model;
	struct ioas_option *options; /* without bdf */
	unsigned int option_count;
	char *text; /* what the options point into */
	size_t text_bytes;
	struct ioas_device *device; /* made at first use */
};

#define IOAS_FUNCTIONS_MAX 64
#define IOAS_TEXT_MAX      512

struct ioas_machine {
	const struct ioas_profile *profile;
	const struct ioas_model *const *models; /* ends with NULL */
	struct ioas_function function[IOAS_FUNCTIONS_MAX];
	unsigned int function_count;
};

/*
 * Each returns 0 or -errno and, on failure, a sentence in ret_failure (of
 * IOAS_TEXT_MAX bytes): what is wrong and what would be right.
 */
int ioas_machine_create(const char *profile,
                        const struct ioas_model *const *models,
                        struct ioas_machine **ret_machine, char *ret_failure);
void ioas_machine_destroy(struct ioas_machine *machine);
/* -EINVAL (unknown model or key, bad bdf), -EEXIST (bdf taken), -ENOSPC,
 * -ENOMEM */
int ioas_machine_add(struct ioas_machine *machine, const char *spec,
                     char *ret_failure);
/* Would its device start? Keeps nothing. */
int ioas_machine_check(struct ioas_machine *machine, unsigned int function,
                       char *ret_failure);
/* Its device, made at the first call. Not safe against itself: uapi locks. */
int ioas_machine_device(struct ioas_machine *machine, unsigned int function,
                        struct ioas_device **ret_dev, char *ret_failure);

/* A synthetic entry of the file system. */
enum ioas_entry_kind {
	IOAS_ENTRY_NONE, /* not ours: the real file system answers */
	IOAS_ENTRY_DIR,
	IOAS_ENTRY_LINK,      /* text: where it points */
	IOAS_ENTRY_CONTAINER, /* /dev/vfio/vfio */
	IOAS_ENTRY_GROUP,     /* /dev/vfio/N */
};

struct ioas_entry {
	enum ioas_entry_kind kind;
	unsigned int group;
	unsigned int mode; /* permission bits */
	char text[128];
};

/*
 * The entry at an absolute path, which need not be normalised ("//", "/./",
 * a "/" at the end). Reads nothing but the machine; async-signal-safe.
 */
void ioas_machine_entry(const struct ioas_machine *machine, const char *path,
                        struct ioas_entry *ret_entry);
/*
 * Where a path under a synthetic link leads, as realpath(3) would say, or
 * false when no synthetic entry is involved.
 */
bool ioas_machine_realpath(const struct ioas_machine *machine, const char *path,
                           char *ret_path, size_t bytes);

#endif /* IOAS_MACHINE_MACHINE_H */
