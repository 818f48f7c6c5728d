/* SPDX-License-Identifier: MIT */
/*
 * The thread of an adaptive device.
 *
 *	cold --doorbells come often--> hot: which way is faster?
 *	 ^  the thread sleeps             |  open     doors open, it looks
 *	 |                                |  trapped  doors closed, it sleeps
 *	 '------- they come no more ------'
 *
 * Neither way is faster for every program. One that waits for each command
 * is served within its own store, when that traps, and often finds the
 * completion there already; one that keeps many commands in flight is held up
 * by each trap, while a thread could work beside it. Which it is cannot be seen
 * from the doorbells, and how busy the processors are is not to be seen at all.
 * So it is measured: the bytes that the device moves by DMA in a time, once
 * with open doors and once with closed ones. The better way is kept for a
 * while, and the other is tried again; less often, the longer the answer was
 * the same.
 *
 * Doors are closed in three steps: views fault again (doors->trap), what is
 * left in the cells reaches the model, cells count no more (open = false). Any
 * trapped store in between finds `open` and lets what is in the cells go first
 * (RUN-1).
 */
#include "base/atomic.h"
#include "pci/function.h"

#define US 1000u
#define MS 1000000u

/* This many trapped doorbells within this time: often. */
#define HOT_RINGS 32
#define HOT_TIME  (1 * MS)

/* No doorbell for so long, with open doors: they are closed. */
#define IDLE_TIME (200 * US)

/*
 * No doorbell for so long: the program may wait for this very processor, and
 * gets it. A round in which hooks.relax() does that.
 */
#define POLITE_TIME (4 * US)
#define YIELD       16

/* How long a way is tried, and kept: at first, and at most. */
#define TRIAL_TIME    (1 * MS)
#define KEEP_TIME_MIN (4 * MS)
#define KEEP_TIME_MAX (256 * MS)

/* Rounds over the cells used so far, between two over all of them. */
#define SHORT_ROUNDS 64

enum way {
	OPEN,
	TRAPPED,
	WAYS,
};

struct contest {
	uint64_t score[WAYS]; /* bytes a millisecond; 0: not tried yet */
	enum way best;
	uint64_t keep; /* ns */
};

/* ---- Cells. ---- */

/* Is a store to be seen in the cells before @end? Their pair is aligned. */
static bool any_store(const struct ioas_doors *doors, unsigned int end)
{
	unsigned int i;

	for (i = 0; i < end; i++)
		/* Relaxed: who takes the store orders. */
		if (ioas_a32_load_relaxed(&doors->cell[i]) != IOAS_CELL_EMPTY)
			return true;
	return false;
}

/* Return: stores taken. @pass: false drops them. */
static unsigned int take_stores_locked(struct ioas_device *dev, bool pass)
{
	struct ioas_runner *r = &dev->runner;
	struct ioas_posted store = {.bar = (uint8_t)dev->model->doorbells.bar,
	                            .size = sizeof(uint32_t)};
	unsigned int i, n = 0;

	for (i = 0; i < r->doors->cells; i++) {
		if (ioas_a32_load_relaxed(&r->doors->cell[i]) ==
		    IOAS_CELL_EMPTY)
			continue;
		/* Pairs with the program's store: what it points at is seen. */
		store.value =
			ioas_a32_exchange(&r->doors->cell[i], IOAS_CELL_EMPTY);
		store.offset = r->doors->offset + i * sizeof(uint32_t);
		/* Relaxed: written under the lock, and a hint elsewhere. */
		if (i >= ioas_a32_load_relaxed(&r->top))
			ioas_a32_store_relaxed(&r->top, i + 1);
		if (pass)
			ioas_runner_arrive_locked(dev, &store);
		n++;
	}
	ioas_count_locked(&dev->stats.polled, pass ? n : 0);
	return n;
}

void ioas_adapt_flush_locked(struct ioas_device *dev)
{
	if (dev->runner.open)
		take_stores_locked(dev, true);
}

void ioas_adapt_drop_locked(struct ioas_device *dev)
{
	if (dev->runner.open)
		take_stores_locked(dev, false);
}

void ioas_runner_rang_locked(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	uint64_t now;

	ioas_count_locked(&dev->stats.trapped, 1);
	if (r->mode != IOAS_MODE_ADAPTIVE || ++r->rings % HOT_RINGS)
		return;
	/* Relaxed: a thread that is about to be cold is told next time. */
	if (!ioas_a32_load_relaxed(&r->cold))
		return;
	now = ioas_hooks.now();
	if (now - r->since < HOT_TIME) {
		ioas_a32_store(&r->hot, 1);
		if (ioas_bell_ring(&r->bell))
			ioas_count_locked(&dev->stats.wakes, 1);
	}
	r->since = now;
}

/* ---- Opening and closing: the thread, which holds the session. ---- */

static bool open_doors(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	unsigned int i;

	/* Relaxed: nobody stores there before allow() lets them. */
	for (i = 0; i < r->doors->cells; i++)
		ioas_a32_store_relaxed(&r->doors->cell[i], IOAS_CELL_EMPTY);
	ioas_lock(&dev->lock);
	r->open = true;
	ioas_unlock(&dev->lock);
	return r->doors->allow(r->doors);
}

static void close_doors(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;

	r->doors->trap(r->doors);
	ioas_lock(&dev->lock);
	take_stores_locked(dev, true);
	r->open = false;
	ioas_unlock(&dev->lock);
}

/* ---- One way, for a while. ---- */

static bool must_leave(const struct ioas_runner *r)
{
	/* Pair with the store in ioas_runner_fini() and the add in leave(). */
	return ioas_a32_load(&r->stop) || ioas_a32_load(&r->leave);
}

static uint64_t bytes_moved(const struct ioas_device *dev)
{
	/* Relaxed: a measurement. */
	return ioas_a64_load_relaxed(&dev->stats.dma_read_bytes) +
	       ioas_a64_load_relaxed(&dev->stats.dma_written_bytes);
}

struct trial {
	uint64_t bytes, time;
	bool idle; /* doorbells come no more */
};

static bool look(struct ioas_device *dev, unsigned int round)
{
	struct ioas_runner *r = &dev->runner;
	bool all = round % SHORT_ROUNDS == 0;
	/* Relaxed: what is above is looked at in the round of all. */
	unsigned int top = ioas_a32_load_relaxed(&r->top);

	if (!any_store(r->doors, all ? r->doors->cells : top))
		return false;
	ioas_lock(&dev->lock);
	take_stores_locked(dev, true);
	ioas_unlock(&dev->lock);
	return true;
}

static void try_open(struct ioas_device *dev, uint64_t length,
                     struct trial *ret_trial)
{
	uint64_t begin = ioas_hooks.now(), now = begin, last = begin;
	uint64_t before = bytes_moved(dev);
	unsigned int round = 0;

	while (now - begin < length && now - last < IDLE_TIME &&
	       !must_leave(&dev->runner)) {
		if (look(dev, round++)) {
			now = ioas_hooks.now();
			last = now;
		} else if (round % 8 == 0) {
			now = ioas_hooks.now();
			if (now - last > POLITE_TIME)
				ioas_hooks.relax(YIELD);
		}
	}
	ret_trial->bytes = bytes_moved(dev) - before;
	ret_trial->time = now - begin;
	ret_trial->idle = now - last >= IDLE_TIME;
}

static bool leaves(void *context)
{
	return must_leave(context);
}

static void try_trapped(struct ioas_device *dev, uint64_t length,
                        struct trial *ret_trial)
{
	uint64_t begin = ioas_hooks.now(), before = bytes_moved(dev);
	uint64_t rings = ioas_a64_load_relaxed(&dev->stats.trapped);

	ioas_bell_sleep(&dev->runner.bell, begin + length, leaves,
	                &dev->runner);
	ret_trial->bytes = bytes_moved(dev) - before;
	ret_trial->time = ioas_hooks.now() - begin;
	rings = ioas_a64_load_relaxed(&dev->stats.trapped) - rings;
	ret_trial->idle = rings * (HOT_TIME / HOT_RINGS) < ret_trial->time / 2;
}

/* ---- The contest. ---- */

static enum way other(enum way way)
{
	return way == OPEN ? TRAPPED : OPEN;
}

static void score(struct contest *c, enum way way, const struct trial *t)
{
	uint64_t now = t->bytes / (t->time / US + 1);

	c->score[way] = c->score[way] ? (c->score[way] + now + 1) / 2 : now + 1;
}

/* A tie goes to the one that leaves the processor alone. */
static enum way winner(const struct contest *c)
{
	return c->score[OPEN] > c->score[TRAPPED] + c->score[TRAPPED] / 20
	               ? OPEN
	               : TRAPPED;
}

/* Return: is it still hot? */
static bool attempt(struct ioas_device *dev, struct contest *c, enum way way,
                    uint64_t length)
{
	struct trial t = {0};

	if (way == TRAPPED) {
		try_trapped(dev, length, &t);
	} else {
		if (open_doors(dev))
			try_open(dev, length, &t);
		close_doors(dev);
	}
	if (t.time)
		score(c, way, &t);
	return !t.idle && !must_leave(&dev->runner);
}

static void settle(struct contest *c)
{
	enum way best = winner(c);

	c->keep = best != c->best           ? KEEP_TIME_MIN
	          : c->keep < KEEP_TIME_MAX ? 2 * c->keep
	                                    : c->keep;
	c->best = best;
}

/* Holds the session. */
static void be_hot(struct ioas_device *dev, struct contest *c)
{
	bool hot = true;

	if (!c->score[OPEN])
		hot = attempt(dev, c, OPEN, TRIAL_TIME);
	if (hot && !c->score[TRAPPED])
		hot = attempt(dev, c, TRAPPED, TRIAL_TIME);
	if (hot)
		settle(c);
	while (hot) {
		hot = attempt(dev, c, c->best, c->keep) &&
		      attempt(dev, c, other(c->best), TRIAL_TIME);
		if (hot)
			settle(c);
	}
}

static bool is_hot(void *context)
{
	const struct ioas_runner *r = context;

	/* Pairs with the store in ioas_runner_rang_locked(). */
	return ioas_a32_load(&r->hot) || ioas_a32_load(&r->stop);
}

void ioas_adapt(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	struct contest contest = {.best = WAYS, .keep = KEEP_TIME_MIN};

	while (!ioas_a32_load(&r->stop)) {
		ioas_a32_store(&r->hot, 0);
		ioas_a32_store(&r->cold, 1);
		ioas_bell_sleep(&r->bell, UINT64_MAX, is_hot, r);
		if (!ioas_a32_load(&r->hot) || ioas_a32_load(&r->leave))
			continue;
		ioas_a32_store(&r->cold, 0);
		ioas_lock(&r->session);
		if (r->doors && !must_leave(r))
			be_hot(dev, &contest);
		ioas_unlock(&r->session);
	}
}

/* ---- Doors come and go: any thread. ---- */

/* The session, from the thread that may be in it. */
static void enter_session(struct ioas_runner *r, struct ioas_signals *ret_saved)
{
	ioas_hooks.signals_block(ret_saved);
	ioas_a32_add(&r->leave, 1);
	ioas_bell_ring(&r->bell);
	ioas_lock(&r->session);
}

static void leave_session(struct ioas_runner *r,
                          const struct ioas_signals *saved)
{
	ioas_unlock(&r->session);
	ioas_a32_add(&r->leave, UINT32_MAX);
	ioas_hooks.signals_restore(saved);
}

bool ioas_device_wants_doors(struct ioas_device *dev, unsigned int bar,
                             uint64_t offset, uint64_t bytes)
{
	uint64_t start = dev->model->doorbells.offset;
	uint64_t end = start + dev->model->doorbells.bytes;

	return dev->runner.mode == IOAS_MODE_ADAPTIVE &&
	       bar == dev->model->doorbells.bar && offset >= start &&
	       offset < end && bytes <= end - offset;
}

bool ioas_device_doors_give(struct ioas_device *dev, struct ioas_doors *doors)
{
	struct ioas_runner *r = &dev->runner;
	struct ioas_signals saved;
	bool taken;

	if (ioas_runner_start(dev))
		return false;
	enter_session(r, &saved);
	taken = !r->doors;
	if (taken)
		r->doors = doors;
	leave_session(r, &saved);
	return taken;
}

void ioas_device_doors_take_back(struct ioas_device *dev,
                                 struct ioas_doors *doors)
{
	struct ioas_runner *r = &dev->runner;
	struct ioas_signals saved;

	enter_session(r, &saved);
	if (r->doors == doors)
		r->doors = NULL;
	leave_session(r, &saved);
}
