/* SPDX-License-Identifier: MIT */
/*
 * The back ends of POWER: sPAPR TCE version 1 (one group, one window, memory is
 * pinned page by page) and version 2 (dynamic windows over memory that was
 * registered before). Between the files spapr*.c only.
 *
 *	spapr.c         life, groups, owner, GET_INFO, ENABLE, DISABLE
 *	spapr_memory.c  REGISTER, UNREGISTER
 *	spapr_window.c  CREATE, REMOVE
 *	spapr_map.c     MAP, UNMAP
 *	spapr_eeh.c     EEH_PE_OP
 *	spapr_notes.c   who mapped what, for reports
 *	spapr_denied.c  calls that did nothing, for reports
 *	spapr_freed.c   memory given back, for reports
 *	spapr_list.c    windows as text
 *
 * Windows, entries and counts are src/window's, the order of its checks too;
 * here is what comes before: the owner, what is enabled, the argument. Where
 * Linux does something it does not intend, src/window does it as well when it
 * is asked to (IOAS_QUIRKS_...); what is about registered memory is here.
 *
 * Locks: vfio->lock, then `lock` of a container, then those of its set (which
 * is that of its space) and of the registry, and last the one of the notes.
 *
 * Source: Linux 6.12 and 7.3 drivers/vfio/vfio_iommu_spapr_tce.c
 */
#ifndef IOAS_UAPI_SPAPR_H
#define IOAS_UAPI_SPAPR_H

#include "base/itree.h"
#include "uapi/state.h"
#include "window/window.h"

/* A mapping as it was made, or what is left of it. */
struct ioas_spapr_note {
	struct ioas_inode node; /* its I/O addresses */
	struct uaddr uaddr;     /* of the first byte */
	unsigned int perm;      /* as it was asked for */
	uint32_t site;          /* where it was mapped */
	bool freed_told;        /* spapr_freed.c */
	struct ioas_spapr_note *next;
};

/*
 * Mappings, for who reports. A window is not limited in how its pages are
 * mapped and unmapped: what is cut in two needs a note more. There is a spare
 * one for that; where memory for the next could not be had, the upper part
 * has none, and a report says less.
 */
struct ioas_spapr_notes {
	struct ioas_lock lock; /* the last of all */
	struct ioas_itree tree;
	struct ioas_spapr_note *spare; /* or NULL; the container's lock */
	uint64_t count;                /* under lock */
};

/* The last region that was asked about. */
struct ioas_spapr_backing {
	uint64_t start, length;
	unsigned int shift; /* of its pages */
};

struct ioas_spapr {
	struct ioas_iommu iommu;
	bool v2;                    /* constant */
	struct ioas_windows *set;   /* constant */
	struct ioas_holder *holder; /* of version 2; constant */
	struct ioas_a64 owner;      /* process + 1; 0: none yet */
	struct ioas_lock lock;
	bool enabled; /* under lock */
	/* Where it is shown, or NULL; under lock. */
	struct ioas_container *shown_in;
	bool large; /* a window had pages above the program's; under lock */
	struct ioas_spapr_backing backing; /* under lock */
	uint64_t locked;                   /* pages, by ENABLE; under lock */
	struct ioas_spapr_notes notes;
};

static inline struct ioas_spapr *ioas_spapr_of(struct ioas_iommu *iommu)
{
	return ioas_container_of(iommu, struct ioas_spapr, iommu);
}

/* Every line of both versions. */
extern const struct ioas_command ioas_spapr_commands[IOAS_VFIO_COMMANDS];

/*
 * The calling process becomes the owner, unless there is one. What the call
 * then does changes nothing of that.
 */
void ioas_spapr_own(struct ioas_spapr *spapr);
/* What can be seen of it has changed: that it is enabled, or where it is. */
void ioas_spapr_show_locked(struct ioas_spapr *spapr);
/* Of the process: made with the first container. NULL: no memory. */
struct ioas_registry *ioas_spapr_registry_locked(struct ioas_vfio *vfio);

/* ---- Commands; admits: before anything is copied in. ---- */

int ioas_spapr_is_v2(const struct ioas_call *call);
int ioas_spapr_owns_v2(const struct ioas_call *call);
long ioas_spapr_register(struct ioas_call *call);
int ioas_spapr_has_owner(const struct ioas_call *call);
long ioas_spapr_unregister(struct ioas_call *call);
long ioas_spapr_create(struct ioas_call *call);
long ioas_spapr_remove(struct ioas_call *call);
int ioas_spapr_is_enabled(const struct ioas_call *call);
long ioas_spapr_map(struct ioas_call *call);
long ioas_spapr_unmap(struct ioas_call *call);
int ioas_spapr_has_eeh(const struct ioas_call *call);
long ioas_spapr_eeh(struct ioas_call *call);
/* spapr_list.c */
void ioas_spapr_list(struct ioas_iommu *iommu, struct ioas_lines *text);
void ioas_spapr_tell_denied(const struct ioas_call *call, uint32_t number,
                            long ret);

/* ---- Notes. Changed under the container's lock. ---- */

/* A spare one, and one to add. Return: NULL, no memory. */
struct ioas_spapr_note *ioas_spapr_note_new(struct ioas_spapr *spapr);
/* It was not added. NULL is fine. */
void ioas_spapr_note_free(struct ioas_spapr_note *note);
/* Mapped: in place of what was there. Tells and counts both. */
void ioas_spapr_note_add(struct ioas_spapr *spapr,
                         struct ioas_spapr_note *note);
/* Not mapped any more. Tells and counts. */
void ioas_spapr_note_cut(struct ioas_spapr *spapr, struct iova_range range);
/* What has a note there, but is not mapped: a call did it half. */
void ioas_spapr_note_compare(struct ioas_spapr *spapr, struct iova_range range);
void ioas_spapr_notes_fini(struct ioas_spapr *spapr);
void ioas_spapr_tell_live(struct ioas_iommu *iommu, enum ioas_event_kind kind,
                          const struct ioas_device *device);
/* spapr_freed.c: see space->freed_locked. */
void ioas_spapr_freed_locked(struct ioas_space *space, struct uaddr_range range,
                             uint32_t site);
/* Of what was mapped just now: memory that was given back before? */
void ioas_spapr_tell_early(struct ioas_spapr *spapr,
                           struct ioas_spapr_note *note);
/* As ioas_space_around_try() has it. */
void ioas_spapr_around(struct ioas_space *space, struct iova at,
                       struct ioas_space_around *ret_around);

#endif /* IOAS_UAPI_SPAPR_H */
