/* SPDX-License-Identifier: MIT */
/**
 * DOC: Dynamic DMA windows
 *
 * A device of a POWER machine reaches memory through windows: ranges of bus
 * addresses, each with pages of its own size and a table of its own, an entry
 * (TCE) for each page. A set is the windows of one container, and the groups of
 * devices that see them.
 *
 *	platform: slots, addresses, page sizes, levels, what a table is charged
 *	    |
 *	   set --create, remove, replace--> windows --programmed--> groups
 *	    |                                  |  entries
 *	  map, unmap, put, get ----------------'     `--counts--> regions
 *
 * An entry names the region its page is in, and holds one count on it. A map
 * takes counts by runs of a region, before anything is written; what was
 * replaced or cleared is given back when no device uses it any more.
 *
 * A set without a registry pins the pages itself, each for as long as entries
 * lead to it (the first sPAPR contract of Linux; the second has a registry).
 *
 * Laws
 *	WIN-1   the whole range is checked against the window, with overflow,
 *	        before the first write
 *	WIN-2   map is all or nothing: on an error every entry is what it was
 *	WIN-3   a window is programmed in all groups of its set or in none
 *	WIN-4   removal: entries cleared, unset in all groups, grace period,
 *	        counts dropped, tables freed
 *	WIN-5   slot -> IOVA is the platform's; live windows never overlap
 *	WIN-6   a pending default window and one that exists cannot be told
 *	        apart by map, unmap, create and remove of address 0
 *	WIN-7   what was charged for tables is given back, exactly
 *	WIN-8   no entry is written into a table that is not the window's
 *	WIN-9   a replaced entry's count is dropped by who replaced it, once
 *	WIN-10  unmap of what is not mapped succeeds, and costs by the tables
 *	        that exist
 *	WIN-11  no device access through an entry succeeds after the call that
 *	        took it out has returned
 *	WIN-13  a device reads where it may write, if the hardware has it so;
 *	        what the program asked for is kept beside
 *
 * Addresses and lengths are bytes; shifts are powers of two of them. Nothing
 * here sets errno; errors are negative, and leave results and state as they
 * were. ioas_begin() comes first. A forked child has no sets.
 */
#ifndef IOAS_WINDOW_H
#define IOAS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/perm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas_accountant;
struct ioas_backend;
struct ioas_moved;
struct ioas_registry;
struct ioas_windows;

#define IOAS_WINDOWS_MAX       16 /* slots of a set */
#define IOAS_WINDOW_LEVELS_MAX 5

/** enum ioas_platform_rules - how a platform decides. */
enum ioas_platform_rules {
	/* The slot is the address: slot 0 default_start, slot 1 high_start. */
	IOAS_RULES_POWERNV,
	/*
	 * By firmware: what fits the default window is there, all else at
	 * high_start; one level; a set with one group only; entries have the
	 * permissions that were asked for.
	 */
	IOAS_RULES_PSERIES,
	/* Any address and size, as whole pages, that the caller names. */
	IOAS_RULES_FREE,
};

/**
 * struct ioas_platform - what kind of machine it is. See
 * ioas_platform_find(); or the embedder's own, constant while a set uses it.
 */
struct ioas_platform {
	const char *name;
	enum ioas_platform_rules rules;
	unsigned int windows; /* slots, 1 to IOAS_WINDOWS_MAX */
	unsigned int levels;  /* most that is advertised, 1 to 5 */
	uint64_t page_sizes;  /* bit n: pages of 2^n bytes; 12 <= n <= 34 */
	uint64_t default_start;
	uint64_t default_bytes; /* a power of two; 0: no default window */
	uint64_t high_start;    /* of the second window */
};

/**
 * enum ioas_window_quirk - where Linux does what it does not intend. None of
 * them: as intended.
 */
enum ioas_window_quirk {
	/* Map and unmap answer 1 for an unaligned address (not -EINVAL). */
	IOAS_QUIRK_ODD_ADDRESS = 1 << 0,
	/*
	 * Map: only the first page has to be in the window. Pages behind its
	 * end are counted on their regions for ever, and nowhere written.
	 * And that program addresses do not wrap is left to the registry.
	 */
	IOAS_QUIRK_MAP_PAST_END = 1 << 1,
	/* Unmap past the end: answers 1 (not -EINVAL), nothing is cleared. */
	IOAS_QUIRK_UNMAP_PAST_END_1 = 1 << 2,
	/* Or: clears what is in the window, and answers 0. */
	IOAS_QUIRK_UNMAP_PAST_END_0 = 1 << 3,
	/*
	 * A map that fails clears the entries of the pages before the one that
	 * failed; what they replaced is lost.
	 */
	IOAS_QUIRK_MAP_FORGETS = 1 << 4,
	/* A region that is just going: the pages before it stay, answer 0. */
	IOAS_QUIRK_MAP_RACE = 1 << 5,
	/* Without a registry: pages are pinned for writing, always. */
	IOAS_QUIRK_PIN_WRITE = 1 << 6,
	/* A table that could not be made stays charged. */
	IOAS_QUIRK_KEEP_CHARGE = 1 << 7,
	/* No memory for a table: the count on that page's region stays. */
	IOAS_QUIRK_LEVEL_COUNT = 1 << 8,
	/* Remove with a group that cannot unset: refused after the clearing. */
	IOAS_QUIRK_REMOVE_CLEARS = 1 << 9,
	/* Attach of a set without dynamic windows (see no_dynamic): -EINVAL. */
	IOAS_QUIRK_NO_DYNAMIC = 1 << 10,
	/* PSERIES: once firmware refused a window, it refuses every other. */
	IOAS_QUIRK_REFUSED_EVER = 1 << 11,
	/* Attach that fails leaves the default window pending. */
	IOAS_QUIRK_ATTACH_PENDING = 1 << 12,

	IOAS_QUIRKS_LINUX_7_3 = 0x1fff & ~IOAS_QUIRK_UNMAP_PAST_END_0,
	IOAS_QUIRKS_LINUX_6_12 = 0x1fff & ~IOAS_QUIRK_UNMAP_PAST_END_1,
};

/**
 * struct ioas_windows_config - see ioas_windows_create(). But for platform,
 * all 0 is fine.
 *
 * @platform:    borrowed while the set lives
 * @registry:    memory that is mapped is registered there; its config.moved is
 *               ioas_windows_moved(), or a function that calls that. NULL: the
 *               set pins pages itself, and takes one group only
 * @backend:     without a registry: what the pages it pins are; NULL: the
 *               identity
 * @accountant:  tables are charged to it, in pages of 2^page_shift, twice each
 *               (entries, and what is kept beside them); NULL: nobody
 * @page_shift:  of the processor: what the least table is, and what is charged;
 *               0: the system's
 * @no_dynamic:  there is the default window only: create is -EPERM
 * @quirks:      enum ioas_window_quirk
 */
struct ioas_windows_config {
	const struct ioas_platform *platform;
	struct ioas_registry *registry;
	const struct ioas_backend *backend;
	struct ioas_accountant *accountant;
	unsigned int page_shift;
	bool no_dynamic;
	unsigned int quirks;
};

/** struct ioas_window_shape - what a window shall be. */
struct ioas_window_shape {
	unsigned int page_shift;
	unsigned int levels;
	uint64_t bytes;
	uint64_t start; /* FREE: where; else ignored */
};

/** struct ioas_windows_info - what a set offers; see ioas_windows_describe().
 */
struct ioas_windows_info {
	uint64_t default_start, default_bytes;
	uint64_t page_sizes;
	unsigned int windows; /* that can be made; 0: no_dynamic */
	unsigned int levels;
	unsigned int groups;  /* attached */
	unsigned int live;    /* windows that exist */
	bool default_pending; /* the default window is owed */
	uint64_t charged;     /* pages, for tables */
};

/** struct ioas_window_info - what a window is; see ioas_window_query(). */
struct ioas_window_info {
	unsigned int slot;
	unsigned int page_shift;
	unsigned int levels;
	unsigned int level_shift; /* bytes of a table below the first */
	uint64_t start;
	uint64_t bytes;       /* as it was asked for */
	uint64_t entries;     /* pages that can be mapped: at least bytes' */
	uint64_t charged;     /* pages, while it exists */
	uint64_t mapped;      /* entries that are live */
	uint64_t table_bytes; /* of tables, what is beside included */
	/* Tables that exist; of each level, the first level last. */
	uint64_t tables[IOAS_WINDOW_LEVELS_MAX];
};

/** struct ioas_window_program - what a group is told of a window. */
struct ioas_window_program {
	unsigned int slot;
	unsigned int page_shift;
	unsigned int levels;
	uint64_t start, bytes;
};

struct ioas_window_group;

/**
 * struct ioas_window_group_ops - how a group is programmed. Groups of one kind
 * have the same constant.
 *
 * Called by the set with its lock held: they may not call into it, nor sleep
 * long.
 *
 * @set:   show a window in its slot to the group's devices, in place of what
 *         the slot had. NULL: the platform cannot. Return: 0 or a negative
 *         errno, which becomes the answer of the call. Setting again what was
 *         shown there before cannot fail
 * @unset: the slot shows nothing. Also of what was not set. NULL: the platform
 *         cannot
 */
struct ioas_window_group_ops {
	int (*set)(struct ioas_window_group *group,
	           const struct ioas_window_program *program);
	void (*unset)(struct ioas_window_group *group, unsigned int slot);
};

/**
 * struct ioas_window_group - devices that are isolated together. Embedded in
 * what the caller knows of them; the caller's, attached or not.
 */
struct ioas_window_group {
	const struct ioas_window_group_ops *ops;
	struct ioas_window_group *next; /* the set's */
};

/** struct ioas_window_map - what is to be mapped; see ioas_windows_map(). */
struct ioas_window_map {
	uint64_t iova;     /* absolute */
	uint64_t uaddr;    /* program address */
	uint64_t bytes;    /* whole pages of the window; 0 is fine */
	unsigned int perm; /* IOAS_READ, IOAS_WRITE or both */
};

/**
 * struct ioas_window_list - entries one behind another; see ioas_windows_put().
 * @iova:      IOVA of the first
 * @entry:     program address of a page of the window, or'd with IOAS_READ and
 *             IOAS_WRITE. Neither: the entry is cleared, whatever the address
 * @count:     how many, 1 to IOAS_WINDOW_LIST_MAX
 * @may_sleep: false: where a table is missing, a lock is held by another, or a
 *             device may use what is replaced, the answer is -EAGAIN, and
 *             nothing has changed
 */
struct ioas_window_list {
	uint64_t iova;
	const uint64_t *entry;
	unsigned int count;
	bool may_sleep;
};

#define IOAS_WINDOW_LIST_MAX 512

/** struct ioas_window_entry - see ioas_windows_get(). */
struct ioas_window_entry {
	uint64_t tce;       /* the entry, as a number; 0: nothing is mapped */
	uint64_t uaddr;     /* program address it was mapped by */
	unsigned int perm;  /* what a device may do */
	unsigned int asked; /* what was asked for (WIN-13) */
	unsigned int page_shift;
};

/**
 * ioas_platform_find() - a platform by its name
 * @name: "power8", "power9", "pseries" (two windows), "pseries-1" (one), "free"
 *
 * Return: a constant, or NULL: there is none of that name; cannot fail
 * otherwise
 *
 * Threads: any
 * Source: Linux 7.3, arch/powerpc/platforms/powernv/pci-ioda.c,
 *         arch/powerpc/platforms/pseries/iommu.c
 */
IOAS_API const struct ioas_platform *ioas_platform_find(const char *name);

/**
 * ioas_windows_create() - begin a set: no window, no group
 * @config: what it is like, not kept
 * @ret_ws: the set, the caller's until ioas_windows_destroy()
 *
 * Return: 0, or
 *   -EINVAL  no platform, one that cannot be, a page shift below 12 or above
 *            16, unknown quirks, or memory that has no program addresses (a
 *            back end without pointer)
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, tce_iommu_open()
 */
IOAS_API IOAS_MUST int
ioas_windows_create(const struct ioas_windows_config *config,
                    struct ioas_windows **ret_ws);

/**
 * ioas_windows_destroy() - end a set
 * @ws: the set; NULL is fine
 *
 * Groups that are attached are detached, windows removed, counts and charges
 * given back; counts of IOAS_QUIRK_MAP_PAST_END and _LEVEL_COUNT, and charges
 * of _KEEP_CHARGE, are not, and the registry's report has them.
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses the set
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, tce_iommu_release()
 */
IOAS_API void ioas_windows_destroy(struct ioas_windows *ws);

/**
 * ioas_windows_describe() - what the set offers, and how it stands
 * @ws:       the set
 * @ret_info: filled in
 *
 * Return: cannot fail
 *
 * Threads: any. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         VFIO_IOMMU_SPAPR_TCE_GET_INFO
 */
IOAS_API void ioas_windows_describe(struct ioas_windows *ws,
                                    struct ioas_windows_info *ret_info);

/**
 * ioas_windows_attach() - a group comes, and sees every window (WIN-3)
 * @ws:    the set
 * @group: the group, in no set; first in the list from here on
 *
 * The first group of a set in whose slot 0 there is nothing makes the default
 * window pending.
 *
 * Return: 0, or
 *   -EINVAL  IOAS_QUIRK_NO_DYNAMIC, with a registry and without dynamic windows
 *   -EBUSY   it is attached already, or the set has no registry and a group
 *   -EPERM   other operations than those of the groups that are there; or a
 *            window exists, and the platform has it for one group only
 *   or what the group's set() said
 *
 * Threads: any. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         tce_iommu_attach_group(), tce_iommu_take_ownership()
 */
IOAS_API IOAS_MUST int ioas_windows_attach(struct ioas_windows *ws,
                                           struct ioas_window_group *group);

/**
 * ioas_windows_detach() - a group goes
 * @ws:    the set
 * @group: one that is attached, of which no device does DMA any more
 *
 * Entries of every window are cleared, for all groups: tables are shared. The
 * windows stay.
 *
 * Return: cannot fail
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         tce_iommu_detach_group(), tce_iommu_release_ownership()
 */
IOAS_API void ioas_windows_detach(struct ioas_windows *ws,
                                  struct ioas_window_group *group);

/**
 * ioas_window_create() - make a window
 * @ws:       a set with a group
 * @shape:     what it shall be
 * @ret_info: what it is; the IOVA is .start
 *
 * A pending default window is made first, and takes slot 0. It stays when what
 * follows fails.
 *
 * Return: 0, or
 *   -EPERM   no_dynamic; a group cannot be programmed, or the platform has
 *            windows for one group only; PSERIES: slot 0 was asked for, and the
 *            64-bit window exists
 *   -ENXIO   no group is attached
 *   -ENOSPC  every slot is taken
 *   -EINVAL  a page size that the platform does not have, a number of levels,
 *            or a size, that it refuses; FREE: unaligned, or past 2^64 - 1
 *   -EEXIST  FREE: part of it is another window's (WIN-5)
 *   -ENODEV  PSERIES: firmware refused it
 *   -ENOMEM  the accountant refused, or no memory
 *   or what a group's set() said
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         tce_iommu_create_window(); arch/powerpc/platforms/powernv/pci-ioda.c,
 *         pnv_pci_ioda2_get_table_size(), pnv_pci_ioda2_table_alloc_pages();
 *         arch/powerpc/platforms/pseries/iommu.c, spapr_tce_create_table()
 */
IOAS_API IOAS_MUST int ioas_window_create(struct ioas_windows *ws,
                                          const struct ioas_window_shape *shape,
                                          struct ioas_window_info *ret_info);

/**
 * ioas_window_remove() - and remove it, whatever is mapped there
 * @ws: the set
 * @at: any IOVA inside; 0 while the default window is pending cancels
 *      that
 *
 * Return: 0, or
 *   -EINVAL  no window has that address
 *   -EPERM   a group cannot unset it
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         tce_iommu_remove_window()
 */
IOAS_API IOAS_MUST int ioas_window_remove(struct ioas_windows *ws, uint64_t at);

/**
 * ioas_window_replace() - give a window another size, page size or depth
 * @ws:       the set
 * @at:       any IOVA inside
 * @shape:     what it shall be; it begins where it began
 * @ret_info: what it is then
 *
 * What is mapped stays mapped, and a device sees it at each moment: the new
 * tables are built, shown in place of the old ones, and those dropped after a
 * grace period. Both are charged meanwhile.
 *
 * Return: 0, or
 *   -EINVAL  no window has that address; as for ioas_window_create(); or pages
 *            that are larger than they were, while something is mapped
 *   -EBUSY   something is mapped beyond the new end
 *   -EPERM   no_dynamic, or a group cannot be programmed
 *   -EEXIST  FREE: the new end is in another window
 *   -ENODEV  PSERIES: another size than firmware has there
 *   -ENOMEM  the accountant refused, or no memory
 *   or what a group's set() said; then those before have the old one again
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: none
 */
IOAS_API IOAS_MUST int
ioas_window_replace(struct ioas_windows *ws, uint64_t at,
                    const struct ioas_window_shape *shape,
                    struct ioas_window_info *ret_info);

/**
 * ioas_window_query() - what a window is, and how full
 * @ws:       the set
 * @slot:     which
 * @ret_info: filled in
 *
 * Takes as long as its tables are many.
 *
 * Return: 0, or
 *   -ENOENT  there is no window in that slot
 *
 * Threads: any. Takes the set's lock
 * Source: none
 */
IOAS_API IOAS_MUST int ioas_window_query(struct ioas_windows *ws,
                                         unsigned int slot,
                                         struct ioas_window_info *ret_info);

/**
 * ioas_windows_map() - let devices reach memory
 * @ws:  the set
 * @map: what, and where
 *
 * What was mapped there is replaced. A pending default window is made first,
 * and stays.
 *
 * Return: 0, or
 *   -ENXIO   no window has the first address; or a region is just going
 *   -EINVAL  not whole pages of the window, unaligned, no or unknown
 *            permission, past the end of the window, program addresses that
 *            wrap; a page that is not in one region, or larger than what is
 *            contiguous there (MEM-6)
 *   -EACCES  the region is not for this
 *   -EFAULT  no registry: memory that is not there, or not for this
 *   -ENOMEM  no memory for a table; or of the pending window
 *   and what create says for a pending default window
 *   1        IOAS_QUIRK_ODD_ADDRESS
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, VFIO_IOMMU_MAP_DMA,
 *         tce_iommu_build(), tce_iommu_build_v2()
 */
IOAS_API IOAS_MUST int ioas_windows_map(struct ioas_windows *ws,
                                        const struct ioas_window_map *map);

/**
 * ioas_windows_unmap() - and not any more
 * @ws:    the set
 * @iova:  IOVA of the first page
 * @bytes: whole pages of the window; 0 is fine
 *
 * What is not mapped is passed over.
 *
 * Return: 0, or
 *   -ENXIO   no window has the first address
 *   -EINVAL  not whole pages of the window, unaligned, or past its end
 *   -ENOMEM  of a pending default window, which is made first
 *   1        IOAS_QUIRK_ODD_ADDRESS, IOAS_QUIRK_UNMAP_PAST_END_1
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c,
 *         VFIO_IOMMU_UNMAP_DMA, tce_iommu_clear()
 */
IOAS_API IOAS_MUST int ioas_windows_unmap(struct ioas_windows *ws,
                                          uint64_t iova, uint64_t bytes);

/**
 * ioas_windows_put() - write a list of entries
 * @ws:   a set with a registry
 * @list: the entries
 *
 * All or nothing. As a hypervisor does it for its guest: a pending default
 * window is not made.
 *
 * Return: 0, or
 *   -ENXIO   no window has the first address; or a region is just going
 *   -EINVAL  as ioas_windows_map(); or a count that is none, or no registry
 *   -EACCES  a region is not for this
 *   -ENOMEM  no memory for a table
 *   -EAGAIN  too hard, and may_sleep is false
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: Linux 7.3, arch/powerpc/kvm/book3s_64_vio.c,
 *         kvmppc_h_put_tce_indirect()
 */
IOAS_API IOAS_MUST int ioas_windows_put(struct ioas_windows *ws,
                                        const struct ioas_window_list *list);

/**
 * ioas_windows_get() - read an entry
 * @ws:        the set
 * @iova:      an IOVA in its page
 * @ret_entry: what it is; all 0 but for page_shift when nothing is mapped
 *
 * Return: 0, or
 *   -ENXIO  no window has that address
 *
 * Threads: any. Takes the set's lock
 * Source: Linux 7.3, arch/powerpc/kvm/book3s_64_vio.c, kvmppc_h_get_tce()
 */
IOAS_API IOAS_MUST int ioas_windows_get(struct ioas_windows *ws, uint64_t iova,
                                        struct ioas_window_entry *ret_entry);

/**
 * ioas_windows_read() - what a device of the groups reads
 * @ws:     the set
 * @iova:   IOVA
 * @buffer: where the bytes go
 * @length: bytes; 0 is fine
 *
 * Return: 0, or
 *   -EFAULT  part of it is not mapped to be read, or wraps; the bytes before it
 *            may have been copied
 *
 * Threads: any; takes no lock
 * Source: PCI Express Base Specification 4.0, 2.2.7 (memory requests)
 */
IOAS_API IOAS_MUST int ioas_windows_read(struct ioas_windows *ws, uint64_t iova,
                                         void *buffer, size_t length);

/**
 * ioas_windows_write() - what a device of the groups writes
 * @ws:     the set
 * @iova:   IOVA
 * @buffer: where the bytes come from
 * @length: bytes; 0 is fine
 *
 * Return: 0, or
 *   -EFAULT  part of it is not mapped to be written, or wraps; the bytes before
 *            it may have been copied
 *
 * Threads: any; takes no lock
 * Source: PCI Express Base Specification 4.0, 2.2.7 (memory requests)
 */
IOAS_API IOAS_MUST int ioas_windows_write(struct ioas_windows *ws,
                                          uint64_t iova, const void *buffer,
                                          size_t length);

/**
 * ioas_windows_moved() - entries follow memory that the program gave back
 * @context: ignored
 * @moved:   what moved
 *
 * For ioas_registry_config.moved of every registry that a set uses.
 *
 * Return: cannot fail
 *
 * Threads: as ioas_registry_config has it
 * Source: none
 */
IOAS_API void ioas_windows_moved(void *context, const struct ioas_moved *moved);

#ifdef __cplusplus
}
#endif

#endif /* IOAS_WINDOW_H */
