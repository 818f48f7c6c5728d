/* SPDX-License-Identifier: MIT */
/*
 * What happens, told to whoever listens. The layers that act (space, pci,
 * uapi) tell and never know who hears; src/watch hears. Telling costs one load
 * when nobody listens.
 *
 * An observer runs where the event happened, which may be inside a signal
 * handler with a device's lock held: it allocates nothing, takes no lock that
 * is held while events are told, and does not call back into the core.
 */
#ifndef IOAS_BASE_EVENT_H
#define IOAS_BASE_EVENT_H

#include "base/atomic.h"
#include "base/types.h"

struct ioas_issuer;

enum ioas_event_kind {
	IOAS_EVENT_MAP,
	IOAS_EVENT_UNMAP,
	IOAS_EVENT_DMA_FAULT,     /* a device access that was refused */
	IOAS_EVENT_INTERRUPT,     /* vector in `number` */
	IOAS_EVENT_MESSAGE_LOST,  /* an interrupt that reached nobody */
	IOAS_EVENT_SPOOF,         /* a message that is not the device's own */
	IOAS_EVENT_RESET,         /* the device was reset */
	IOAS_EVENT_FREED,         /* memory of a mapping, given back by the
	                             program while it is mapped */
	IOAS_EVENT_LIVE_AT_RESET, /* a mapping, when its device was reset */
	IOAS_EVENT_LIVE_AT_CLOSE, /* a mapping, when its container ended */
	IOAS_EVENT_LIVE_AT_EXIT,  /* a mapping, when the process ended */
	IOAS_EVENT_DENIED,        /* a call that did nothing: why in `number` */
	IOAS_EVENT_UNKNOWN,       /* a command that does not exist here */
	IOAS_EVENT_STALE_FILE,    /* a call on a file inherited over fork */
	IOAS_EVENT_NR
};

/* Why a device access was refused. */
enum ioas_fault {
	IOAS_FAULT_NONE,
	IOAS_FAULT_UNMAPPED,   /* no mapping there */
	IOAS_FAULT_PERMISSION, /* a mapping, but not for this */
	IOAS_FAULT_APERTURE,   /* beyond what the IOMMU translates */
	IOAS_FAULT_GONE,      /* mapped, but the program took the memory away */
	IOAS_FAULT_NO_MASTER, /* bus mastering is off */
	IOAS_FAULT_NO_SPACE,  /* the device is in no address space */
	IOAS_FAULT_PEER,      /* a device's registers, which did not answer */
	IOAS_FAULT_DOORBELL,  /* where writes of 4 bytes are interrupts */
	IOAS_FAULT_NO_PASID,  /* its PASID is not bound */
	IOAS_FAULT_ENDED,     /* what it was bound to has ended: not told */
	IOAS_FAULT_PROCESS,   /* the program may not do that there itself */
	IOAS_FAULT_FROZEN,    /* its group is isolated: nobody is told */
};

/* Why a call did nothing. */
enum ioas_denial {
	IOAS_DENIED_NO_IOMMU,     /* the container has none yet */
	IOAS_DENIED_MAPPED,       /* something is mapped there */
	IOAS_DENIED_ENTRIES,      /* the container has as many as it may */
	IOAS_DENIED_MEMLOCK,      /* the process has pinned as much as it may */
	IOAS_DENIED_APERTURE,     /* the IOMMU does not translate that */
	IOAS_DENIED_RESERVED,     /* that is taken by others, as interrupts */
	IOAS_DENIED_EMPTY,        /* there is nothing to unmap */
	IOAS_DENIED_UNREGISTERED, /* memory that nobody has registered */
	IOAS_DENIED_NOT_ENABLED,  /* nothing can be mapped yet */
	IOAS_DENIED_NR
};

/* A mapping. perm 0: there is none. */
struct ioas_event_mapping {
	struct iova_range range;
	struct uaddr uaddr;
	unsigned int perm;
	uint32_t site; /* hooks.call_site of its map */
};

#define IOAS_EVENT_PIECES 4

/* What more there is to say of a device access that was refused. */
struct ioas_event_access {
	struct iova_range range; /* all that the device asked for */
	/* Those parts that would be refused, each for its reason, in order. */
	struct ioas_event_piece {
		struct iova_range range;
		enum ioas_fault fault;
	} piece[IOAS_EVENT_PIECES];
	unsigned int pieces;
	bool more; /* there are further ones */
	/*
	 * The mapping at the first refused address, and its neighbours. None
	 * of them when the space was being changed at that moment.
	 */
	struct ioas_event_mapping at, below, above;
};

/* The message of an interrupt that went wrong; `range` is where it went. */
struct ioas_event_message {
	uint32_t data;
	uint32_t vector;       /* + 1; 0: a write that was none's interrupt */
	const char *owner;     /* device whose vector it names, or NULL */
	uint32_t owner_vector; /* and which */
	bool raised;           /* nothing stopped it */
};

/* Fields that do not apply are 0. Pointers are good during the call only. */
struct ioas_event {
	enum ioas_event_kind kind;
	enum ioas_fault fault;
	unsigned int space;       /* number of the address space, from 1 */
	unsigned int perm;        /* IOAS_READ, IOAS_WRITE */
	struct iova_range range;  /* of the mapping or the access */
	struct uaddr uaddr;       /* of a mapping's first byte */
	uint32_t site;            /* where it was mapped: hooks.call_site */
	uint32_t site_now;        /* where this happens */
	uint32_t site_registered; /* FREED: where its memory was registered */
	uint32_t window;          /* FREED: + 1; 0: it is in none */
	uint64_t number;          /* command, vector, enum ioas_denial; FREED:
	                             1, before it was mapped */
	const char *device;       /* "0000:01:00.0" */
	const char *model;        /* "nvme" */
	const char *what;         /* "container", "group", "device" */
	const struct ioas_issuer *issuer;
	const struct ioas_event_access *access;   /* of a fault; may be NULL */
	const struct ioas_event_message *message; /* of what went wrong */
};

struct ioas_observer {
	void (*event)(struct ioas_observer *self, const struct ioas_event *ev);
	struct ioas_observer *next; /* written before it is published */
	uint32_t deaf; /* bits by kind that need not be told; constant */
};

/* Observers are only ever added, by one thread at a time. */
extern struct ioas_aptr ioas_observers;
void ioas_observe(struct ioas_observer *observer);
void ioas_tell_observers(struct ioas_observer *first,
                         const struct ioas_event *ev);

static inline void ioas_tell(const struct ioas_event *ev)
{
	/* Pairs with the store in ioas_observe(). */
	struct ioas_observer *first = ioas_aptr_load(&ioas_observers);

	if (first)
		ioas_tell_observers(first, ev);
}

/* Does anybody want events of this kind, which take long to gather? */
bool ioas_event_wanted(enum ioas_event_kind kind);

#endif /* IOAS_BASE_EVENT_H */
