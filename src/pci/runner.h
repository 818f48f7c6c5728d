/* SPDX-License-Identifier: MIT */
/*
 * When a device does what a doorbell asks for. A model may name an area of
 * doorbells: stores that only say "look", the last of which counts. Every
 * other register is served on the thread that touches it, at once.
 *
 *	inline    doorbells too: the storing thread runs the model
 *	thread    doorbells are posted (post.h); the device's own thread takes
 *	          them, each not before its time (latency)
 *	adaptive  begins as inline. While doorbells come often, the program's
 *	          views of pages that hold nothing but doorbells are opened, so
 *	          that a store there costs what a store costs, and the device's
 *	          thread looks at those pages (adapt.c). Only for doorbells of
 *	          4 bytes and models without work(); else it is as inline
 *
 * A model with work() does in a store what begins at once, and the rest in
 * pieces, with the lock given up between them. The storing thread does the
 * first ones; when they take long, the device's thread goes on with them and
 * the store ends, so the program sees a device that is busy (work.c). A piece
 * may have a time before which it is not to be done: the thread sleeps until
 * then. A device for which there is no thread to be had does it within the
 * first load or store after that time.
 *
 * An open page holds CELL_EMPTY wherever there is no store to be seen; who
 * finds another value exchanges it for CELL_EMPTY and has a store. So a value
 * that is stored again is seen again, and no copy of the page is kept.
 *
 * Who else touches the device while a doorbell is on its way (posted, or in an
 * open page)? A store to another register, a write to configuration space and
 * a reset come after it, as on a bus: the first two run it before themselves, a
 * reset drops it. A load does not wait for it, as it would not wait for a
 * device that is slow.
 *
 * Laws
 *	RUN-1  stores of one thread reach the model in their order
 *	RUN-2  after a reset returned, no store from before it reaches the model
 *	RUN-3  every doorbell reaches the model, or a later one of the same
 *	       register does
 *
 * Lock order: `session`, then the locks of the front end's doors, then nothing;
 * `session`, then the device's lock. What is marked [locked] is called under
 * the device's lock.
 */
#ifndef IOAS_PCI_RUNNER_H
#define IOAS_PCI_RUNNER_H

#include <ioas/device.h>

#include "base/hooks.h"
#include "base/lock.h"
#include "pci/post.h"

enum ioas_mode {
	IOAS_MODE_INLINE,
	IOAS_MODE_THREAD,
	IOAS_MODE_ADAPTIVE,
};

#define IOAS_CELL_EMPTY UINT32_MAX

/*
 * Whole pages of doorbells that the program has views of; the front end's.
 * open lets the program store there without a fault, close makes every store
 * fault again when it has returned; neither is called in a handler.
 */
struct ioas_doors {
	struct ioas_a32 *cell; /* the device's own mapping of them */
	unsigned int cells;
	uint64_t offset;                         /* of the first in the BAR */
	bool (*allow)(struct ioas_doors *doors); /* false: it cannot */
	void (*trap)(struct ioas_doors *doors);  /* cannot fail */
};

struct ioas_runner {
	enum ioas_mode mode;    /* constant */
	uint64_t latency;       /* ns; constant */
	struct ioas_post *post; /* of mode thread; constant */

	struct ioas_lock start;     /* who starts the thread */
	struct ioas_thread *thread; /* written under start */
	struct ioas_a32 running;    /* there is one */
	struct ioas_a32 stop;       /* it is to end */
	struct ioas_bell bell;
	struct ioas_a64 due; /* when work() has more; written [locked] */

	/* adaptive */
	struct ioas_lock session; /* held while the thread uses doors */
	struct ioas_doors *doors; /* under session */
	struct ioas_a32 leave;    /* who wants the session; counted */
	struct ioas_a32 hot;      /* doorbells come often: open */
	struct ioas_a32 cold;     /* the thread waits for hot */
	bool open;                /* cells may hold stores [locked] */
	struct ioas_a32 top;      /* cells from here on were not seen used */
	unsigned int rings;       /* trapped doorbells [locked] */
	uint64_t since;           /* when the last batch began [locked] */
};

/* Options every device has; the end has no name. */
extern const struct ioas_model_key ioas_runner_keys[];

/* 0, -EINVAL after ioas_device_fail(), -ENOMEM. */
int ioas_runner_init(struct ioas_device *dev);
/* The thread ends before it returns. */
void ioas_runner_fini(struct ioas_device *dev);

/*
 * The program is about to store to [offset, offset + bytes) of a BAR, or to be
 * able to: have the thread that stores there need. Making it is nothing for a
 * signal handler. Return: 0 or -ENOMEM.
 */
int ioas_device_expect(struct ioas_device *dev, unsigned int bar,
                       uint64_t offset, uint64_t bytes);

/* Is this a part of a BAR with doorbells only, and would doors help? */
bool ioas_device_wants_doors(struct ioas_device *dev, unsigned int bar,
                             uint64_t offset, uint64_t bytes);
/*
 * False: it has some already, or no thread. They live until taken back. Not in
 * a signal handler.
 */
bool ioas_device_doors_give(struct ioas_device *dev, struct ioas_doors *doors);
/* Closed and used no more when it returns. Others than the given: nothing. */
void ioas_device_doors_take_back(struct ioas_device *dev,
                                 struct ioas_doors *doors);

/* ---- Between the files of src/pci. ---- */

/* The thread, if it is not there. 0 or -ENOMEM. */
int ioas_runner_start(struct ioas_device *dev);
/* False: the store is the caller's to do. May wait for room. */
bool ioas_runner_post(struct ioas_device *dev, const struct ioas_posted *store);
bool ioas_is_doorbell(const struct ioas_device *dev,
                      const struct ioas_posted *store);
/* What was stored before reaches the model now [locked]. */
void ioas_runner_flush_locked(struct ioas_device *dev);
/* What was stored before never does (RUN-2) [locked]. */
void ioas_runner_drop_locked(struct ioas_device *dev);
/* A doorbell was served on the storing thread [locked]. */
void ioas_runner_rang_locked(struct ioas_device *dev);
/* One that was on its way is there [locked]. */
void ioas_runner_arrive_locked(struct ioas_device *dev,
                               const struct ioas_posted *store);
/* The store itself: function.c [locked]. */
void ioas_device_store_locked(struct ioas_device *dev,
                              const struct ioas_posted *store);

/* work.c: is there a piece to do now? */
bool ioas_work_is_due(const struct ioas_runner *r);
/* One piece, if there is any. Return: is there more to do now? [locked] */
bool ioas_work_piece_locked(struct ioas_device *dev);
/* Before an access, what a thread would have done by now [locked]. */
void ioas_work_catch_up_locked(struct ioas_device *dev);
/* Others wait for the lock: let them have it, before the next piece. */
void ioas_work_unlock(struct ioas_device *dev);
/* After a store: the first piece. Return: is the rest for the caller? */
bool ioas_work_begin_locked(struct ioas_device *dev);
/* The rest, or the beginning of it: the thread does what takes long. */
void ioas_work_go_on(struct ioas_device *dev);
/* All of it that is not the thread's to do [locked]. */
void ioas_work_end_locked(struct ioas_device *dev);

/* adapt.c: the thread of an adaptive device; until it is to stop. */
void ioas_adapt(struct ioas_device *dev);
void ioas_adapt_flush_locked(struct ioas_device *dev);
void ioas_adapt_drop_locked(struct ioas_device *dev);

#endif /* IOAS_PCI_RUNNER_H */
