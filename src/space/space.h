/* SPDX-License-Identifier: MIT */
/*
 * An I/O address space: what a group of devices sees when they do DMA. It
 * joins registered memory (mem), page tables (pt) and usable ranges (iova).
 *
 *	uapi --map, unmap, under the space's lock--> areas (index by last page)
 *	                                            entries (page table)
 *	device --translate, no lock, IOAS_GRACE_DMA section--> entries
 *
 * Laws
 *	SPACE-1  map is all or nothing
 *	SPACE-2  no device access through a mapping succeeds after the unmap
 *	         that removed it has returned
 *	SPACE-3  areas and entries agree whenever the lock is free
 *	SPACE-4  destroy never fails and puts every count
 *	SPACE-5  a page that a device wrote to while writes are tracked is told
 *	         once: its write is done when it has been told, and whatever
 *	         is written later is told the next time
 *	MSI-1    no mapping ever intersects a reserved range
 *	MSI-5    nothing that a program may ask for removes a doorbell
 *	MSI-6    whatever is asked which addresses are usable says the same
 *	MSI-9    an owner that goes gives back what only it took
 *
 * A space may have its tables from somebody else (window/window.h): then they
 * are parts, each for a range of its own, and there are no areas.
 *
 * Lock order: the lock of all spaces (move.c), a space's lock, those of
 * registries (mem/follow.h), the lock of the pins (mem/pins.h) or of a table of
 * doorbells.
 */
#ifndef IOAS_SPACE_SPACE_H
#define IOAS_SPACE_SPACE_H

#include "base/event.h"
#include "base/index.h"
#include "base/lock.h"
#include "base/types.h"
#include "iova/iova.h"
#include "iova/msi_doorbell.h"
#include "mem/mem.h"
#include "pt/pt.h"

struct ioas_space_config {
	unsigned int page_shift;
	struct iova_range aperture;
	const struct ioas_reserved *reserved; /* copied */
	unsigned int reserved_count;
	const struct ioas_pt_format *format; /* of its tables; NULL: native */
	/* Of all memory that is mapped in it; NULL: the identity. */
	const struct ioas_backend *backend;
	/*
	 * Devices' writes can be tracked: the tables have pages only. -EINVAL
	 * where the format has no place for marks.
	 */
	bool dirty;
	/* The tables are parts; no ranges, no format. */
	bool parted;
};

/* The tables that there are, of an owner of a parted space. */
struct ioas_space_part {
	struct iova_range range;  /* parts do not overlap */
	const struct ioas_pt *pt; /* by addresses from range.first on */
};

/* Constant once it is published; readers use it inside IOAS_GRACE_DMA. */
struct ioas_space_parts {
	unsigned int count;
	struct ioas_space_part part[];
};

struct ioas_space_around;

/* Where a device's writes are interrupts. */
struct ioas_space_msi {
	uint64_t first, bytes; /* bytes 0: nowhere */
	bool translated;       /* by doorbells in the page table */
};

struct ioas_space {
	unsigned int id;                   /* for reports, from 1; constant */
	unsigned int page_shift;           /* constant */
	struct iova_range aperture;        /* constant */
	struct ioas_a32 tracking;          /* of writes; written under lock */
	const struct ioas_backend *frames; /* NULL: the identity; constant */
	struct ioas_space_msi msi; /* constant once a device is attached */
	struct iova_range window;  /* of it, what can be usable; under lock */
	struct ioas_reserved_list reserved; /* of all owners; under lock */
	struct ioas_iova_ranges ranges;     /* made of these; under lock */
	struct ioas_lock lock;
	struct ioas_index areas; /* by the last page; under lock */
	uint64_t area_count;     /* under lock */
	struct ioas_pt pt;       /* written under lock */
	/* Doorbells of its context that it has, the first ones; under lock. */
	unsigned int doorbell_count;
	struct ioas_space *next; /* of all; move.c */
	/* Tables of somebody else: NULL, or a struct ioas_space_parts. */
	bool parted; /* constant */
	struct ioas_aptr parts;
	/* What lies around an address there; under the lock. */
	void (*around_locked)(struct ioas_space *space, struct iova at,
	                      struct ioas_space_around *ret_around);
	/* Memory of a registry was given back: as ioas_move_tell_locked(). */
	void (*freed_locked)(struct ioas_space *space, struct uaddr_range range,
	                     uint32_t site);
	void *owner;          /* constant */
	void *around_context; /* of who put these two there; constant */
};

/* One mapping, as it was made. Everything is constant while it is mapped. */
struct ioas_area {
	struct iova_range range; /* its I/O addresses */
	struct ioas_space *space;
	struct ioas_region region; /* pinned for this area alone, one count */
	struct uaddr uaddr;
	unsigned int perm;
	uint32_t site;          /* where it was mapped: hooks.call_site */
	bool vaddr_invalid;     /* type1's VADDR flag; under the space's lock */
	uint64_t dirty_tail[2]; /* type1_dirty.c; under the space's lock */
	bool freed_told;        /* move.c; under the space's lock */
	struct ioas_area *next; /* among those removed, until released */
};

/* The number of the page that @at is in. */
static inline uint64_t ioas_space_page(const struct ioas_space *space,
                                       uint64_t at)
{
	return at >> space->page_shift;
}

/* The program's byte behind an address of an entry that is not lost. */
static inline uint64_t ioas_space_byte(const struct ioas_space *space,
                                       struct phys at)
{
	if (__builtin_expect(!space->frames, 1))
		return at.raw;
	return space->frames->pointer(space->frames, at.raw);
}

/*
 * Return: 0, -ENOMEM, -EINVAL (bad page shift, no address is usable, or a back
 * end whose memory cannot be reached).
 */
int ioas_space_create(const struct ioas_space_config *config,
                      struct ioas_space **ret_space);
/* NULL is fine. No device is attached and nobody else uses it (SPACE-4). */
void ioas_space_destroy(struct ioas_space *space);

/*
 * @owner comes with ranges of its own; it has none in the space yet. Return: 0,
 *   -EADDRINUSE  one of them hits a mapping (MSI-1)
 *   -EINVAL      no usable address is left
 *   -ENOMEM
 * and then nothing has changed.
 */
int ioas_space_reserve_locked(struct ioas_space *space,
                              const struct ioas_reserved_list *what,
                              unsigned int owner);
/*
 * And goes: what only it took is usable again (MSI-9). @keep_ends: but for what
 * is below the first usable address and above the last. Cannot fail.
 */
void ioas_space_unreserve_locked(struct ioas_space *space, unsigned int owner,
                                 bool keep_ends);

/*
 * Writes in @range are interrupts; @translated: to the doorbells that are
 * mapped there. Before a device is attached. At most once.
 */
void ioas_space_msi_set(struct ioas_space *space, struct iova_range range,
                        bool translated);
/*
 * Map the doorbells of its context that it lacks; always of the same table.
 * Before a device is attached, and when the table has grown before a message
 * is composed (MSI-4). Return: 0, -ENOMEM, or -ERANGE (the format of the tables
 * has no such physical address); what was there before stays.
 */
int ioas_space_install(struct ioas_space *space,
                       struct ioas_msi_doorbells *doorbells);

struct ioas_map_request {
	struct ioas_mem *mem;
	struct iova_range range; /* page aligned */
	struct uaddr uaddr;      /* page aligned */
	unsigned int perm;       /* READ, WRITE or both */
};

/*
 * Return: 0, or
 *   -EINVAL  empty permission, unaligned, not inside one usable range, or all
 *            2^64 bytes at once; memory on another back end, or one whose
 *            frames do not make whole pages of the space (MEM-6)
 *   -EEXIST  part of the range is mapped
 *   -ENOMEM  limit of the account, or no memory
 *   -EFAULT  memory that is not there or not permitted
 */
int ioas_space_map_locked(struct ioas_space *space,
                          const struct ioas_map_request *request);

/* Take one area out: devices cannot begin to use it. Then release. */
struct ioas_space_gone {
	struct ioas_area *areas;
	struct ioas_pt_gather tables;
};

void ioas_space_remove_locked(struct ioas_space *space, struct ioas_area *area,
                              struct ioas_space_gone *gone);
/*
 * Wait until no device uses what was removed, then unpin and free. One grace
 * period however much it is; none when nothing was removed. Without the lock.
 */
void ioas_space_release(struct ioas_space *space, struct ioas_space_gone *gone);

/* The first area that overlaps [first, last] and the ones after it, or NULL. */
struct ioas_area *ioas_space_find_locked(const struct ioas_space *space,
                                         struct iova_range range);
struct ioas_area *ioas_space_next_locked(const struct ioas_area *area,
                                         struct iova_range range);
/* The last area that ends below the page of @first, or NULL. */
struct ioas_area *ioas_space_before_locked(const struct ioas_space *space,
                                           uint64_t first);

/*
 * The mapping at an address and those next to it, for a report. False, and
 * nothing, when somebody holds the lock: this may run in a signal handler.
 */
struct ioas_space_around {
	struct ioas_event_mapping at, below, above;
};

bool ioas_space_around_try(struct ioas_space *space, struct iova at,
                           struct ioas_space_around *ret_around);

/* What translate found. */
struct ioas_translation {
	void *pointer;  /* program memory; may be gone: use hooks.copy */
	uint64_t bytes; /* contiguous from there, at most what was asked */
	struct phys doorbell; /* with IOAS_FAULT_DOORBELL: what is there */
};

/*
 * Inside an IOAS_GRACE_DMA section; the result is good until it ends. Where
 * writes are interrupts the answer is IOAS_FAULT_DOORBELL, whatever @perm is.
 * Allocates nothing, takes no lock, executes no locked instruction (MEM-11).
 */
enum ioas_fault ioas_space_translate(const struct ioas_space *space,
                                     struct iova at, uint64_t bytes,
                                     unsigned int perm,
                                     struct ioas_translation *ret_t);

/* ---- dirty.c ---- */

/* As translate, and what is found is marked as written. */
enum ioas_fault ioas_space_translate_marked(const struct ioas_space *space,
                                            struct iova at, uint64_t bytes,
                                            unsigned int perm,
                                            struct ioas_translation *ret_t);

/* What a device does before it reads or writes there. As translate. */
static inline enum ioas_fault ioas_space_access(const struct ioas_space *space,
                                                struct iova at, uint64_t bytes,
                                                unsigned int perm,
                                                struct ioas_translation *ret_t)
{
	/* Relaxed: see ioas_space_track_locked(). */
	if (__builtin_expect((perm & IOAS_WRITE) &&
	                             ioas_a32_load_relaxed(&space->tracking),
	                     0))
		return ioas_space_translate_marked(space, at, bytes, perm,
		                                   ret_t);
	return ioas_space_translate(space, at, bytes, perm, ret_t);
}

/*
 * Of a space with .dirty. Tracking begins with every page clean. After each of
 * these but look, settle, without the lock, before the program hears of it:
 * until then devices may write as they were told before (SPACE-5).
 */
void ioas_space_track_locked(struct ioas_space *space);
void ioas_space_untrack_locked(struct ioas_space *space);
/* Tell @finder of the pages of a range, and with take they are clean again. */
void ioas_space_dirty_look_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder);
void ioas_space_dirty_take_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder);
/* Before the area of exactly this range is removed: no device writes to it. */
void ioas_space_dirty_last_locked(struct ioas_space *space,
                                  struct iova_range range,
                                  struct ioas_pt_finder *finder);
/* What was told did not reach the program: it is told again, and its like. */
void ioas_space_dirty_again_locked(struct ioas_space *space,
                                   struct iova_range range);
void ioas_space_dirty_settle(void);
/*
 * Of a parted space: these parts instead of those before, for every device at
 * one moment; NULL: none. Return: those before, which may be freed after a
 * grace period, with tables that only they lead to.
 */
struct ioas_space_parts *ioas_space_show(struct ioas_space *space,
                                         struct ioas_space_parts *parts);

/*
 * What a device does: copy between its memory and what the addresses lead to.
 * Return: 0 or -EFAULT (refused somewhere, or wraps; what is before may be
 * copied).
 */
int ioas_space_copy(const struct ioas_space *space, struct iova at, char *mine,
                    size_t length, unsigned int perm);

/* ---- window.c, for the other files of src/space ---- */

/* Nowhere: no address is inside, nor in front of it. */
extern const struct ioas_space_msi ioas_space_msi_none;
void ioas_space_uninstall(struct ioas_space *space);
/* Of an address in the window. */
enum ioas_fault ioas_space_translate_msi(const struct ioas_space *space,
                                         struct iova at, uint64_t bytes,
                                         struct ioas_translation *ret_t);

#endif /* IOAS_SPACE_SPACE_H */
