/* SPDX-License-Identifier: MIT */
/*
 * What a store has begun and is not over when it returns: work() of a model, a
 * piece at a time.
 *
 *	store, piece, piece, ...	the storing thread, for a while
 *	          piece, piece, ...	the device's thread, when it is there
 *
 * A program may ask a device for minutes of work by one store. The thread that
 * stores is in a signal handler meanwhile, with signals blocked, so it must not
 * be held for long; and who resets the device or closes it must not wait.
 *
 * A piece may also be due only later: then the device's thread sleeps until
 * that time. A device without a thread does it within the first access after
 * that.
 */
#include "pci/function.h"

#define MS UINT64_C(1000000)

/* What the storing thread does itself, when another could. */
#define SHARE (10 * MS)

#define NAP 32 /* a round in which hooks.relax() sleeps for a moment */

#define CONTENDED 2 /* the word of a lock that somebody may sleep on */

static bool is_now(uint64_t due)
{
	return due == IOAS_WORK_NOW ||
	       (due != IOAS_WORK_NONE && ioas_hooks.now() >= due);
}

static bool is_later(uint64_t due)
{
	return due != IOAS_WORK_NOW && due != IOAS_WORK_NONE;
}

static bool has_thread(const struct ioas_runner *r)
{
	/* Pairs with the store in ioas_runner_start(). */
	return ioas_a32_load(&r->running);
}

static void leave_to_thread(struct ioas_device *dev)
{
	if (ioas_bell_ring(&dev->runner.bell))
		ioas_a64_add(&dev->stats.wakes, 1);
}

bool ioas_work_is_due(const struct ioas_runner *r)
{
	/* Pairs with the stores below and in ioas_runner_arrive_locked(). */
	return is_now(ioas_a64_load(&r->due));
}

bool ioas_work_piece_locked(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	uint64_t due = dev->model->work ? dev->model->work(dev->state)
	                                : IOAS_WORK_NONE;

	ioas_pasid_serve_locked(dev);
	if (ioas_a64_load_relaxed(&r->due) != due) {
		/* Pairs with the loads in the thread, which wait for it. */
		ioas_a64_store(&r->due, due);
		/* It may sleep until another time. */
		if (is_later(due) && has_thread(r))
			leave_to_thread(dev);
	}
	return is_now(due);
}

void ioas_work_unlock(struct ioas_device *dev)
{
	/* Relaxed: a hint. Without a nap who wakes would come too late. */
	bool wanted = ioas_a32_load_relaxed(&dev->lock.word) == CONTENDED;

	ioas_unlock(&dev->lock);
	if (wanted)
		ioas_hooks.relax(NAP);
}

void ioas_work_catch_up_locked(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;

	/* Relaxed: only who holds the lock writes it. */
	if (!is_later(ioas_a64_load_relaxed(&r->due)) || has_thread(r) ||
	    !ioas_work_is_due(r))
		return;
	while (ioas_work_piece_locked(dev))
		;
}

bool ioas_work_begin_locked(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;

	if (!dev->model->work)
		return false;
	/* The thread is at it. */
	if (ioas_a64_load_relaxed(&r->due) == IOAS_WORK_NOW && has_thread(r))
		return false;
	return ioas_work_piece_locked(dev);
}

void ioas_work_go_on(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	uint64_t end = ioas_hooks.now() + SHARE;
	bool more = true;

	while (more) {
		if (has_thread(r) &&
		    (r->mode == IOAS_MODE_THREAD || ioas_hooks.now() >= end)) {
			leave_to_thread(dev);
			return;
		}
		ioas_lock(&dev->lock);
		more = ioas_work_piece_locked(dev);
		ioas_work_unlock(dev);
	}
}

void ioas_work_end_locked(struct ioas_device *dev)
{
	if (has_thread(&dev->runner))
		leave_to_thread(dev);
	else
		while (ioas_work_piece_locked(dev))
			;
}
