/* SPDX-License-Identifier: MIT */
/*
 * The registry of <ioas/mem.h>, inside.
 *
 *	registry.c   its life; the list of members; what is put off
 *	register.c   register: check, charge, pin, then publish
 *	unregister.c unregister: decide, then withdraw
 *	lookup.c     translate, find, get: no lock
 *	dirty.c      marks
 *	follow.c     what is registered moves
 *	pin.c        charge and pin
 *	table.c      what look-ups read
 *	count.h      the word that mappings are counted in
 *
 * A member is a region of the registry. It has a number, which the entries of
 * the table hold; members lie in slabs that are never freed while the registry
 * lives, so a number always leads to a member. Its states:
 *
 *	FREE --publish--> LIVE --end: mapped 1 -> 0--> LEAVING --grace--> FREE
 *	                   | `--quarantine--> QUARANTINED --idle--> LEAVING
 *
 * A reader that found an entry before it was cleared reads the member inside
 * its section of IOAS_GRACE_MEM; a member becomes FREE, and its pages are
 * unpinned, after the grace period only. What is LEAVING is kept until there
 * is enough of it (LEAVING_MAX, LEAVING_BYTES): one grace period serves all.
 *
 * A region that a type1 container maps has no member: it is that container's
 * alone, nobody looks it up, and nothing is shared (mem.h). Both are a struct
 * ioas_region with its count, which is all that a mapping needs.
 *
 * Lock order: the list of registries (follow.h), the registry's lock, the lock
 * of the pins; all after the locks of spaces. The accountant and pin are called
 * without it.
 */
#ifndef IOAS_MEM_REGISTRY_H
#define IOAS_MEM_REGISTRY_H

#include "base/lock.h"
#include "mem/count.h"
#include "mem/dirty.h"
#include "mem/mem.h"
#include "mem/table.h"

#define IOAS_SLAB_LG2 7 /* members */
#define IOAS_SLAB     (1u << IOAS_SLAB_LG2)
#define IOAS_SLABS    ((1u << 20) >> IOAS_SLAB_LG2)
/*
 * What may gather before it is waited for. The wait interrupts every processor
 * that runs a thread of the process, so it should be rare; what gathers stays
 * pinned, so it should not be much.
 */
#define IOAS_LEAVING_MAX   1024 /* members */
#define IOAS_LEAVING_BYTES (UINT64_C(256) << 20)

struct ioas_member;

/* One registration. */
struct ioas_use {
	struct ioas_holder *holder; /* NULL: not in use */
	struct ioas_member *member;
	uint64_t start, length;
	bool ending;                 /* somebody unregisters it, and waits */
	struct ioas_use *next;       /* of the member */
	struct ioas_use *next_held;  /* of the holder */
	struct ioas_use **held_from; /* what points here */
};

enum ioas_member_state {
	IOAS_MEMBER_FREE,
	IOAS_MEMBER_LIVE,
	IOAS_MEMBER_QUARANTINED,
	IOAS_MEMBER_LEAVING,
};

/* Constant while it is LIVE, but for what is said to be under the lock. */
struct ioas_member {
	struct ioas_region region;
	struct ioas_registry *registry;
	uint32_t id;
	unsigned int flags;           /* enum ioas_register_flag */
	enum ioas_member_state state; /* under the lock */
	struct ioas_a32 users;        /* written under the lock */
	struct ioas_a32 moved; /* entries may differ from pinned; likewise */
	uint32_t site;         /* constant: where it was registered */
	uint32_t freed_site;   /* where it was given back; under the lock */
	struct ioas_use *uses; /* under the lock */
	struct ioas_use first_use; /* so that most need no memory of theirs */
	struct ioas_marks marks;
	struct ioas_member *next; /* of its state's list; under the lock */
};

struct ioas_registry {
	struct ioas_table table;
	struct ioas_pinner pinner;
	struct ioas_lock lock;
	struct ioas_aptr slab[IOAS_SLABS]; /* of IOAS_SLAB members each */
	uint32_t numbered;                 /* members made; under the lock */
	/* Lists, under the lock. */
	struct ioas_member *free, *leaving, *quarantined;
	unsigned int leaving_count;
	uint64_t leaving_bytes;
	struct ioas_holder *holders;
	bool ended;                 /* under the lock: holders may be left */
	struct ioas_registry *next; /* of all; follow.c */
	struct ioas_span *news;     /* follow.c, under the lock */
	struct ioas_a32 changing;   /* follow.c, written under the lock */
	void (*moved)(void *context, const struct ioas_moved *moved);
	void *moved_context;
	struct ioas_a32 freed; /* something was given back; follow.c */
	/* Written under the lock. */
	struct ioas_a64 regions, charged, pinned, in_quarantine;
};

struct ioas_holder {
	struct ioas_registry *registry;
	struct ioas_use *held;     /* under the registry's lock */
	struct ioas_holder *next;  /* likewise */
	struct ioas_holder **from; /* what points here */
};

static inline struct ioas_member *
ioas_member_numbered(const struct ioas_registry *registry, uint32_t id)
{
	/* Pairs with the store in new_slab(). */
	struct ioas_member *slab =
		ioas_aptr_load(&registry->slab[id >> IOAS_SLAB_LG2]);

	return &slab[id & (IOAS_SLAB - 1)];
}

static inline struct ioas_member *ioas_member_of(struct ioas_region *region)
{
	return ioas_container_of(region, struct ioas_member, region);
}

static inline struct ioas_pages ioas_member_pages(const struct ioas_member *m)
{
	unsigned int shift = m->registry->pinner.page_shift;

	return (struct ioas_pages){m->region.start.raw >> shift,
	                           m->region.length >> shift};
}

/* Under the lock: @n more, or its complement. */
static inline uint64_t ioas_count_locked(struct ioas_a64 *count, uint64_t n)
{
	/* Relaxed: written under the lock; others look at a number. */
	uint64_t now = ioas_a64_load_relaxed(count) + n;

	ioas_a64_store_relaxed(count, now);
	return now;
}

/*
 * The member that an entry names, or NULL. Inside the section that the entry
 * was loaded in, or under the lock; it may be LEAVING in a section.
 */
static inline struct ioas_member *
ioas_member_in(const struct ioas_registry *registry, uint64_t entry)
{
	if (!entry)
		return NULL;
	return ioas_member_numbered(
		registry, ioas_id_of_entry(entry, registry->pinner.page_shift));
}

static inline struct ioas_member *
ioas_member_at(const struct ioas_registry *registry, uint64_t uaddr)
{
	return ioas_member_in(registry,
	                      ioas_mem_entry(&registry->table.view, uaddr));
}

/* Is [start, start + length) inside of it? length is not 0. */
static inline bool ioas_member_holds(const struct ioas_member *m,
                                     uint64_t start, uint64_t length)
{
	uint64_t offset = start - m->region.start.raw;

	return offset < m->region.length && length <= m->region.length - offset;
}

/* ---- registry.c ---- */

/* A FREE member, out of its list; its number is set. NULL: no memory. */
struct ioas_member *ioas_member_new_locked(struct ioas_registry *registry);
/* It was never published. */
void ioas_member_free_locked(struct ioas_registry *registry,
                             struct ioas_member *m);
/*
 * It is dead (mapped is 0), and in no list: out of the table, no longer
 * charged, into LEAVING.
 */
void ioas_member_leave_locked(struct ioas_registry *registry,
                              struct ioas_member *m);
/* Has enough gathered for a grace period? */
bool ioas_leaving_enough_locked(const struct ioas_registry *registry);
/* What has gathered, if it is enough or @all: wait, unpin, free. No lock. */
void ioas_registry_drain(struct ioas_registry *registry, bool all);
/* All pages of a member of it. */
static inline uint64_t ioas_member_npages(const struct ioas_member *m)
{
	return m->region.length >> m->registry->pinner.page_shift;
}

/* ---- unregister.c ---- */

/* One use less. Its memory is freed. */
void ioas_use_drop_locked(struct ioas_use *use);
/* The last use is gone. QUARANTINE if it is mapped. */
void ioas_member_end_locked(struct ioas_registry *registry,
                            struct ioas_member *m);

#endif /* IOAS_MEM_REGISTRY_H */
