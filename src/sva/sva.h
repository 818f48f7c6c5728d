/* SPDX-License-Identifier: MIT */
/*
 * Shared virtual addressing: <ioas/sva.h>, which has the laws, from inside.
 *
 *	struct ioas_sva          numbers: PASID -> address space
 *	struct ioas_sva_mm       list of its bindings, one for each device
 *	struct ioas_sva_device   table: PASID -> binding, read without a lock
 *
 *	access   section of IOAS_GRACE_DMA: table, binding, has it ended? memory
 *	unbind   out of the table, grace period, device forgets, requests
 *	exit     mark, grace period, device forgets, wait for who serves
 *
 * Lock order: an address space's lock, then one of: the lock of numbers, that
 * of requests, that of ASIDs. The first is held while a device forgets, so one
 * that takes long keeps nobody waiting but those who bind or change the same
 * address space. A respond() is called under it or under none, other callbacks
 * likewise.
 *
 * Life of a binding: what looks it up in a section has it until the section
 * ends; who serves counts itself there under the lock of requests. Life of an
 * address space: counted; its owner, each binding, and who is just about to
 * unbind.
 */
#ifndef IOAS_SVA_SVA_H
#define IOAS_SVA_SVA_H

#include <ioas/sva.h>

#include "base/index.h"
#include "base/lock.h"
#include "base/types.h"

#define IOAS_SVA_LEAF_LG2 9 /* bindings in a leaf of a device's table */

struct ioas_sva_slot;

struct ioas_sva {
	struct ioas_sva_config config; /* constant */
	uint32_t era;                  /* forks before it was made; constant */

	struct ioas_lock lock;
	struct ioas_index numbers; /* PASID -> address space */
	uint32_t lowest;           /* of free numbers; there is none below */
	struct ioas_sva_mm *mms;

	struct ioas_lock requests; /* of all devices */
	/* Devices of which whole groups wait: served by turns. */
	struct ioas_sva_device *first, *last;
};

struct ioas_sva_mm {
	struct ioas_sva *sva;                 /* constant */
	const struct ioas_sva_memory *memory; /* constant; until it has ended */
	struct ioas_asid_context *asid;       /* or NULL; constant */
	void (*exited)(struct ioas_asid_context *asid);
	struct ioas_sva_mm *next; /* sva->lock */
	unsigned int refs;        /* sva->lock */
	struct ioas_a32 gone;     /* 1: it has ended */
	struct ioas_a32 serving;  /* changed under sva->requests */

	struct ioas_lock lock;
	uint32_t pasid; /* IOAS_NO_PASID: none yet */
	struct ioas_sva_binding *bindings;
};

struct ioas_sva_binding {
	struct ioas_sva_device *dev;   /* constant */
	struct ioas_sva_mm *mm;        /* constant */
	uint32_t pasid;                /* constant */
	uint32_t asid;                 /* with mm->asid; constant */
	unsigned int count;            /* mm->lock */
	struct ioas_sva_binding *next; /* mm->lock */
	struct ioas_a32 serving;       /* changed under sva->requests */
};

/* A page that was asked for. All under sva->requests. */
struct ioas_sva_slot {
	struct ioas_page_request request;
	struct ioas_sva_binding *binding;
	struct ioas_sva_slot *next; /* free, not whole yet, or waiting */
	struct ioas_sva_slot *more; /* of the same group */
	bool asks;                  /* the address space counts who serves it */
};

struct ioas_sva_device {
	struct ioas_sva *sva;                 /* constant */
	struct ioas_sva_device_config config; /* constant */
	unsigned int bits; /* of a PASID that can be bound; constant */
	/* Leaves: made under sva->lock, until the end. */
	struct ioas_aptr *directory;
	struct ioas_a32 bound;  /* a number for who asks */
	struct ioas_a64 faults; /* the same */

	/* Under sva->requests. */
	struct ioas_sva_slot *slots; /* constant */
	struct ioas_sva_slot *free;
	struct ioas_sva_slot *part, **part_end; /* groups without a last one */
	struct ioas_sva_slot *head, *tail;      /* whole ones, oldest first */
	struct ioas_sva_device *next;           /* in line */
	uint64_t taken, overflows, dropped, responses[IOAS_PAGE_RESPONSE_NR];
};

/* In a forked child: what there was is the parent's (SVA-7). */
void ioas_sva_forked(void);
bool ioas_sva_alive(const struct ioas_sva *sva);
/* Is anything bound at all, by this process? One load. */
bool ioas_sva_any(void);

/*
 * For accesses by pointer, of this process's own memory: is there something to
 * access, in the section of IOAS_GRACE_DMA that the caller is in? Return: 0,
 * -ENOENT, -ESRCH, or -EFAULT: it is another's memory, or wraps.
 */
int ioas_sva_own(const struct ioas_sva_device *dev, uint32_t pasid,
                 uint64_t uaddr, uint64_t bytes);

/* As ioas_sva_serve(), of one device, until none is waiting. */
void ioas_sva_serve_own(struct ioas_sva_device *dev);
/* The device has forgotten what it asked for: groups without a last one go. */
void ioas_sva_drop_parts(struct ioas_sva_device *dev);

/* ---- Between the files of src/sva. ---- */

void ioas_sva_bind_forked(void);

/* Where the table has it, or NULL: there is no such leaf. */
struct ioas_aptr *ioas_sva_entry(const struct ioas_sva_device *dev,
                                 uint32_t pasid);
/* The same, and makes the leaf; NULL: no memory. [locked: sva->lock] */
struct ioas_aptr *ioas_sva_entry_locked(struct ioas_sva_device *dev,
                                        uint32_t pasid);
/* In a section: what is bound, or NULL. */
struct ioas_sva_binding *ioas_sva_find(const struct ioas_sva_device *dev,
                                       uint32_t pasid);

/* Numbers. 0, -ENOSPC (none of so many bits), -ENOMEM; and back. */
int ioas_sva_take_number_locked(struct ioas_sva *sva, struct ioas_sva_mm *mm,
                                unsigned int bits, uint32_t *ret_pasid);
void ioas_sva_give_number_locked(struct ioas_sva *sva, uint32_t pasid);

/* Life of an address space. */
void ioas_sva_mm_get_locked(struct ioas_sva_mm *mm);
void ioas_sva_mm_put(struct ioas_sva_mm *mm);
/* Does it go on? It does not, when its memory says so. */
bool ioas_sva_mm_ended(const struct ioas_sva_mm *mm);
void ioas_sva_mm_end(struct ioas_sva_mm *mm);

/* page.c: no request names the binding any more, nobody serves it. */
void ioas_sva_drain(struct ioas_sva_binding *binding);
/* Wait until *@serving is 0: a word of an address space or a binding. */
void ioas_sva_settle(struct ioas_sva *sva, struct ioas_a32 *serving);

#endif /* IOAS_SVA_SVA_H */
