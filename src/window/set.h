/* SPDX-License-Identifier: MIT */
/*
 * A set of windows, for the files of src/window.
 *
 *	set.c       its life; groups; what is published
 *	platform.c  slots, addresses, sizes, charges
 *	create.c    windows come and go
 *	replace.c   a window becomes another
 *	entry.c     write and clear entries; what is given back
 *	map.c       map and unmap of ranges
 *	put.c       lists of entries; reading one
 *	own.c       memory of a set without a registry
 *	around.c    for reports; memory that moves
 *	glance.c    what can be seen without the lock
 *
 * Beside each entry of a window is a word that says what it is for, 0 when it
 * is for nothing:
 *
 *	63..44 member of the registry   43..2 program page (4 KiB)   1..0 asked
 *
 * so the region of an entry is found without looking anything up, and entries
 * that continue each other differ by a constant. Where call sites are known,
 * the site of its map is beside it as well.
 *
 * Everything is under the lock of the set's space, but for what is constant.
 */
#ifndef IOAS_WINDOW_SET_H
#define IOAS_WINDOW_SET_H

#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "base/law.h"
#include "mem/registry.h"
#include "pt/slots.h"
#include "window/glance.h"
#include "window/window.h"

#define IOAS_WORD_ID_SHIFT   44
#define IOAS_WORD_PAGE_SHIFT 12 /* of the program page in a word */

/* What a window is going to be. */
struct ioas_window_plan {
	unsigned int slot, page_shift, levels, level_shift;
	uint64_t start, bytes, entries;
	uint64_t charge; /* pages */
};

/* Constant, but for entries. */
struct ioas_window {
	struct ioas_window_plan plan;
	struct ioas_pt pt;
	/* PSERIES: whose firmware made it. */
	const struct ioas_window_group *group;
	/* What is published when it is removed: that cannot fail. */
	struct ioas_space_parts *after;
	uint64_t mapped; /* entries that are live */
};

struct ioas_windows {
	const struct ioas_platform *platform;
	struct ioas_registry *registry; /* NULL: its own two */
	struct ioas_accountant *accountant;
	unsigned int page_shift, quirks;
	bool no_dynamic, sites, unheard;
	struct ioas_space *space;
	/* Without a registry: of pages for reading, and for writing as well. */
	struct ioas_registry *own[2];
	struct ioas_holder *holder[2];
	/* Under the lock from here on. */
	struct ioas_window_group *groups;
	struct ioas_window *window[IOAS_WINDOWS_MAX];
	bool default_pending;
	bool refused; /* firmware did, once: IOAS_QUIRK_REFUSED_EVER */
	struct ioas_glance *glance; /* or NULL */
	struct ioas_windows *next;  /* of all: around.c */
	struct ioas_a64 charged;    /* pages; read without the lock */
};

static inline bool ioas_windows_quirk(const struct ioas_windows *ws,
                                      enum ioas_window_quirk quirk)
{
	return ws->quirks & quirk;
}

/* ---- Words. ---- */

static inline uint64_t ioas_word_of(uint32_t id, uint64_t uaddr,
                                    unsigned int asked)
{
	return (uint64_t)id << IOAS_WORD_ID_SHIFT |
	       uaddr >> IOAS_WORD_PAGE_SHIFT << 2 | asked;
}

static inline uint32_t ioas_word_id(uint64_t word)
{
	return (uint32_t)(word >> IOAS_WORD_ID_SHIFT);
}

static inline uint64_t ioas_word_uaddr(uint64_t word)
{
	return (word & ioas_mask_lg2(IOAS_WORD_ID_SHIFT)) >>
	       2 << IOAS_WORD_PAGE_SHIFT;
}

static inline unsigned int ioas_word_asked(uint64_t word)
{
	return word & (IOAS_READ | IOAS_WRITE);
}

/* What the next entry's word is more, where memory goes on. */
static inline uint64_t ioas_word_step(const struct ioas_window *w)
{
	return UINT64_C(4) << (w->plan.page_shift - IOAS_WORD_PAGE_SHIFT);
}

/* The registry of memory that is mapped for this. */
static inline struct ioas_registry *
ioas_windows_registry(const struct ioas_windows *ws, unsigned int asked)
{
	bool writable = asked & IOAS_WRITE;

	if (ws->registry)
		return ws->registry;
	return ws
	        ->own[writable || ioas_windows_quirk(ws, IOAS_QUIRK_PIN_WRITE)];
}

static inline struct ioas_region *
ioas_word_region(const struct ioas_windows *ws, uint64_t word)
{
	return &ioas_member_numbered(
			ioas_windows_registry(ws, ioas_word_asked(word)),
			ioas_word_id(word))
	                ->region;
}

/* ---- Places: entries are numbered from 0 in each window. ---- */

struct ioas_window_run {
	struct ioas_window *window;
	uint64_t first, count; /* entries */
};

static inline uint64_t ioas_window_last(const struct ioas_window *w)
{
	return w->plan.start + ((w->plan.entries << w->plan.page_shift) - 1);
}

static inline uint64_t *ioas_slots_words(const struct ioas_pt_slots *s)
{
	return (uint64_t *)s->beside + s->index;
}

/* Where sites are kept: behind the words of a whole table. */
static inline uint32_t *ioas_slots_sites(const struct ioas_pt_slots *s)
{
	return (uint32_t *)((uint64_t *)s->beside + s->table) + s->index;
}

static inline void ioas_window_slots(const struct ioas_window_run *run,
                                     uint64_t done, struct ioas_pt_slots *ret)
{
	ioas_pt_slots_find(&run->window->pt,
	                   (run->first + done) << run->window->plan.page_shift,
	                   run->count - done, ret);
}

/* The window that @iova is in, or NULL. */
struct ioas_window *ioas_window_at_locked(const struct ioas_windows *ws,
                                          uint64_t iova);

/* ---- entry.c ---- */

#define IOAS_GONE_MAX 256

/*
 * Counts of what was taken out, until no device uses it. When it is full, it is
 * waited for with the lock, which delays others but no device.
 */
struct ioas_window_gone {
	unsigned int count;
	bool any; /* an entry went: a grace period is due */
	/* Where in the list a region is, + 1; by some bits of its number. */
	uint16_t place[IOAS_GONE_MAX];
	struct ioas_gone_item {
		uint64_t key; /* of the registry, and the region's there */
		struct ioas_region *region;
		uint64_t n;
	} item[IOAS_GONE_MAX];
};

static inline void ioas_gone_init(struct ioas_window_gone *gone)
{
	unsigned int i;

	gone->count = 0;
	gone->any = false;
	for (i = 0; i < IOAS_GONE_MAX; i++)
		gone->place[i] = 0;
}

/* Wait, and put. With the lock, if the set has no registry. */
void ioas_gone_release(struct ioas_windows *ws, struct ioas_window_gone *gone);

/* Memory that continues, in entries that do. */
struct ioas_window_piece {
	uint64_t uaddr;
	uint64_t count;
	unsigned int perm;
	uint32_t site;
};

/*
 * Entries for memory of which the caller has the counts, and the tables are
 * there. What was there is added to @gone.
 */
void ioas_window_write_locked(struct ioas_windows *ws,
                              const struct ioas_window_run *run,
                              const struct ioas_window_piece *piece,
                              struct ioas_window_gone *gone);
/* Entries as ioas_window_list has them, and of each what the registry said. */
struct ioas_window_entries {
	const uint64_t *entry, *found;
};

/* The same for a list. */
void ioas_window_write_list_locked(struct ioas_windows *ws,
                                   const struct ioas_window_run *run,
                                   const struct ioas_window_entries *list,
                                   struct ioas_window_gone *gone);
void ioas_window_clear_locked(struct ioas_windows *ws,
                              const struct ioas_window_run *run,
                              struct ioas_window_gone *gone);
/* All of it. */
void ioas_window_empty_locked(struct ioas_windows *ws, struct ioas_window *w,
                              struct ioas_window_gone *gone);
/* Tables for all of the run, or none. Return: 0 or -ENOMEM. */
int ioas_window_furnish_locked(const struct ioas_window_run *run);

/* A mapping came or went, told to who listens. */
void ioas_window_tell(const struct ioas_windows *ws, enum ioas_event_kind kind,
                      const struct ioas_window_run *run,
                      const struct ioas_window_piece *piece);

/* ---- platform.c ---- */

/* Return: 0, or -EINVAL: there is no such table. */
int ioas_platform_charge(const struct ioas_windows *ws,
                         const struct ioas_window_shape *shape,
                         uint64_t *ret_pages);
/*
 * Where a window goes, and what its tables are; what is said of @plan before
 * stays. Return: 0, -EINVAL, -ENOMEM, -EPERM, -EEXIST, -ENODEV.
 */
int ioas_platform_place(struct ioas_windows *ws,
                        const struct ioas_window_shape *shape,
                        const struct ioas_window *replaced,
                        struct ioas_window_plan *plan);

/* ---- create.c ---- */

/* A pending default window is made. Return: 0 or what create says. */
int ioas_windows_default_locked(struct ioas_windows *ws);
/* Charge, place and build; nothing is published. */
int ioas_window_build_locked(struct ioas_windows *ws,
                             const struct ioas_window_shape *shape,
                             const struct ioas_window *replaced,
                             unsigned int slot, struct ioas_window **ret_w);
/* It was never published, or nobody uses it any more; gives its charge back. */
void ioas_window_free(struct ioas_windows *ws, struct ioas_window *w);
struct ioas_window_program ioas_window_program_of(const struct ioas_window *w);
void ioas_window_info_of(struct ioas_window *w,
                         struct ioas_window_info *ret_info);
/* Does the platform show the window to this group? */
int ioas_window_set_group(const struct ioas_windows *ws,
                          const struct ioas_window *w,
                          struct ioas_window_group *group);
/* Can all groups set and unset? */
bool ioas_windows_programmable(const struct ioas_windows *ws);

/* ---- set.c ---- */

/* Room for a list, or NULL. */
struct ioas_space_parts *ioas_window_parts_new(void);
void ioas_window_parts_free(struct ioas_space_parts *parts);
/* Publish what windows there are in @parts. Return: the list before. */
struct ioas_space_parts *
ioas_windows_publish_locked(struct ioas_windows *ws,
                            struct ioas_space_parts *parts);

/* ---- glance.c: no more than a branch where nobody wants it ---- */

/* What windows there are has changed, or what is pending. */
void ioas_glance_write_locked(struct ioas_windows *ws);
/* Entries of the run are about to be written. */
void ioas_glance_use_locked(const struct ioas_windows *ws,
                            const struct ioas_window_run *run);
/* Entries of the window were cleared: is it empty now? */
void ioas_glance_settle_locked(const struct ioas_windows *ws,
                               const struct ioas_window *w);

/* ---- own.c ---- */

int ioas_own_create(struct ioas_windows *ws,
                    const struct ioas_backend *backend);
void ioas_own_destroy(struct ioas_windows *ws);
/* Pin what is not, and count. Return: 0, -EFAULT, -ENOMEM, -EINVAL. */
int ioas_own_get(struct ioas_windows *ws, const struct ioas_mapping *what);
/* It has a count less: unpinned when that was the last. */
void ioas_own_put(struct ioas_windows *ws, struct ioas_region *region,
                  uint64_t n);

/* ---- around.c ---- */

void ioas_windows_add(struct ioas_windows *ws);
void ioas_windows_drop(struct ioas_windows *ws);
void ioas_windows_around_locked(struct ioas_space *space, struct iova at,
                                struct ioas_space_around *ret_around);

#endif /* IOAS_WINDOW_SET_H */
