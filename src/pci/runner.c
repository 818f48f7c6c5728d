/* SPDX-License-Identifier: MIT */
#include "pci/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pci/function.h"

/* ---- Options ---- */

const struct ioas_model_key ioas_runner_keys[] = {
	{"mode", "inline|thread|adaptive",
         "who runs the device when a doorbell is stored to (adaptive)"},
	{"latency", "TIME",
         "a doorbell reaches the device TIME later, as in 50us (0)"},
	{"dma-logging", "on|off",
         "whether it can say which pages it wrote, for migration (off)"},
	{NULL, NULL, NULL},
};

static const struct {
	const char *name;
	enum ioas_mode mode;
} modes[] = {
	{"inline", IOAS_MODE_INLINE},
	{"thread", IOAS_MODE_THREAD},
	{"adaptive", IOAS_MODE_ADAPTIVE},
};

static int read_mode(struct ioas_device *dev)
{
	const char *text = ioas_device_option(dev, "mode");
	unsigned int i;

	dev->runner.mode = IOAS_MODE_ADAPTIVE;
	if (!text)
		return 0;
	for (i = 0; i < IOAS_ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, text) != 0)
			continue;
		dev->runner.mode = modes[i].mode;
		return 0;
	}
	ioas_device_fail(dev,
	                 "mode=%.80s is none: write mode=inline, "
	                 "mode=thread or mode=adaptive",
	                 text);
	return -EINVAL;
}

static bool has_doorbells(const struct ioas_device *dev)
{
	return dev->model->doorbells.bytes;
}

static int read_latency(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	int err = ioas_device_option_time(dev, "latency", &r->latency);

	if (err || !r->latency)
		return err;
	if (!has_doorbells(dev)) {
		ioas_device_fail(dev,
		                 "latency= delays doorbells, and %s has none: "
		                 "leave it out",
		                 dev->model->name);
		return -EINVAL;
	}
	if (r->mode == IOAS_MODE_INLINE) {
		ioas_device_fail(dev,
		                 "latency= needs a thread of the device, and "
		                 "mode=inline has none: use mode=thread, or "
		                 "leave mode= out");
		return -EINVAL;
	}
	/* What is late has to be posted. */
	r->mode = IOAS_MODE_THREAD;
	return 0;
}

/* ---- Life ---- */

int ioas_runner_init(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	int err = read_mode(dev);

	ioas_a64_store_relaxed(&r->due, IOAS_WORK_NONE);
	if (!err)
		err = read_latency(dev);
	if (err)
		return err;
	if (!has_doorbells(dev))
		r->mode = IOAS_MODE_INLINE;
	/* To look at pages takes a processor besides the program's. */
	if (r->mode == IOAS_MODE_ADAPTIVE && !ioas_hooks.parallel())
		r->mode = IOAS_MODE_INLINE;
	/* A cell of a page that is looked at is one store of 4 bytes. */
	if (r->mode == IOAS_MODE_ADAPTIVE &&
	    (dev->model->doorbells.width != sizeof(uint32_t) ||
	     dev->model->work))
		r->mode = IOAS_MODE_INLINE;
	if (r->mode != IOAS_MODE_THREAD)
		return 0;
	r->post = ioas_new(struct ioas_post);
	if (!r->post)
		return -ENOMEM;
	ioas_post_init(r->post);
	return 0;
}

void ioas_runner_fini(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;

	if (r->thread) {
		/* Pairs with the loads in the thread. */
		ioas_a32_store(&r->stop, 1);
		ioas_bell_ring(&r->bell);
		ioas_hooks.thread_join(r->thread);
		r->thread = NULL;
	}
	if (r->post)
		ioas_delete(r->post);
	r->post = NULL;
}

/* ---- The thread of mode thread, and of a model with work ---- */

void ioas_runner_arrive_locked(struct ioas_device *dev,
                               const struct ioas_posted *store)
{
	/* As on a bus: a function that does not decode does not see it. */
	if (!ioas_config_decodes_locked(dev))
		return;
	ioas_device_store_locked(dev, store);
	if (dev->model->work)
		ioas_a64_store(&dev->runner.due, IOAS_WORK_NOW);
}

/* How long it looks for more before it sleeps, in ns: about one wake-up. */
#define LINGER 20000

static bool stopped(const struct ioas_runner *r)
{
	/* Pairs with the store in ioas_runner_fini(). */
	return ioas_a32_load(&r->stop);
}

static bool any_posted(const struct ioas_runner *r)
{
	return r->post && ioas_post_any(r->post);
}

static bool has_work(const struct ioas_runner *r)
{
	return stopped(r) || ioas_work_is_due(r) || any_posted(r);
}

struct nap {
	const struct ioas_runner *r;
	uint64_t until;
	bool posted; /* a store that is posted ends it */
};

static bool ends(void *context)
{
	const struct nap *nap = context;

	/* Pairs with the stores of work.c: not the time it was set for. */
	return stopped(nap->r) || ioas_a64_load(&nap->r->due) < nap->until ||
	       (nap->posted && any_posted(nap->r));
}

/* Until there is work, or the first of the posted stores is due. */
static void sleep_until(struct ioas_runner *r, uint64_t due)
{
	struct nap nap = {r, ioas_a64_load(&r->due), due == UINT64_MAX};

	if (due < nap.until)
		nap.until = due;
	ioas_bell_sleep(&r->bell, nap.until, ends, &nap);
}

/* Bring what is due to the model. Return: when the next one is, or never. */
static uint64_t serve_locked(struct ioas_device *dev, bool *ret_any)
{
	struct ioas_posted store;
	uint64_t due = UINT64_MAX;

	*ret_any = false;
	while (dev->runner.post && ioas_post_next(dev->runner.post, &store)) {
		if (store.due && store.due > ioas_hooks.now()) {
			due = store.due;
			break;
		}
		ioas_post_take(dev->runner.post);
		ioas_runner_arrive_locked(dev, &store);
		*ret_any = true;
	}
	return due;
}

/* The same, and a piece of work. */
static uint64_t serve(struct ioas_device *dev, bool *ret_any)
{
	uint64_t due;

	ioas_lock(&dev->lock);
	due = serve_locked(dev, ret_any);
	if (ioas_work_is_due(&dev->runner))
		ioas_work_piece_locked(dev);
	ioas_work_unlock(dev);
	return due;
}

/* Is it worth while to look again at once? */
static bool lingers(const struct ioas_runner *r, uint64_t last)
{
	return r->post && !r->latency && ioas_hooks.now() - last < LINGER;
}

static void run_posted(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	uint64_t last = 0, due;
	bool any;

	while (!stopped(r)) {
		if (!has_work(r)) {
			if (!lingers(r, last))
				sleep_until(r, UINT64_MAX);
			continue;
		}
		due = serve(dev, &any);
		if (any)
			last = ioas_hooks.now();
		if (due != UINT64_MAX && !ioas_work_is_due(r))
			sleep_until(r, due);
	}
}

static void run(void *argument)
{
	struct ioas_device *dev = argument;

	if (dev->runner.mode == IOAS_MODE_ADAPTIVE)
		ioas_adapt(dev);
	else
		run_posted(dev);
}

/* Without domain 0, which nearly all have: a thread's name is short. */
static void name_thread(const struct ioas_device *dev, char *ret_name,
                        size_t bytes)
{
	const char *bdf = dev->name;

	if (!strncmp(bdf, "0000:", 5))
		bdf += 5;
	snprintf(ret_name, bytes, "ioas:%s", bdf);
}

int ioas_runner_start(struct ioas_device *dev)
{
	struct ioas_runner *r = &dev->runner;
	struct ioas_signals saved;
	char name[32];

	name_thread(dev, name, sizeof(name));
	ioas_hooks.signals_block(&saved);
	ioas_lock(&r->start);
	if (!r->thread) {
		r->thread = ioas_hooks.thread_start(name, run, dev);
		/* Pairs with the loads before something is left to it. */
		ioas_a32_store(&r->running, r->thread != NULL);
	}
	ioas_unlock(&r->start);
	ioas_hooks.signals_restore(&saved);
	return ioas_a32_load(&r->running) ? 0 : -ENOMEM;
}

int ioas_device_expect(struct ioas_device *dev, unsigned int bar,
                       uint64_t offset, uint64_t bytes)
{
	uint64_t start = dev->model->doorbells.offset;
	uint64_t end = start + dev->model->doorbells.bytes;

	/* Pairs with the store in ioas_runner_start(). */
	if (ioas_a32_load(&dev->runner.running))
		return 0;
	if (dev->model->work)
		return ioas_runner_start(dev);
	if (dev->runner.mode != IOAS_MODE_THREAD ||
	    bar != dev->model->doorbells.bar || offset >= end ||
	    offset + bytes <= start)
		return 0;
	return ioas_runner_start(dev);
}

/* ---- Stores on their way ---- */

bool ioas_is_doorbell(const struct ioas_device *dev,
                      const struct ioas_posted *store)
{
	uint64_t start = dev->model->doorbells.offset;

	return store->bar == dev->model->doorbells.bar &&
	       store->offset >= start &&
	       store->offset - start < dev->model->doorbells.bytes;
}

bool ioas_runner_post(struct ioas_device *dev, const struct ioas_posted *store)
{
	struct ioas_runner *r = &dev->runner;
	struct ioas_posted posted = *store;

	if (r->mode != IOAS_MODE_THREAD || !ioas_a32_load(&r->running) ||
	    !ioas_is_doorbell(dev, store))
		return false;
	if (r->latency)
		posted.due = ioas_hooks.now() + r->latency;
	ioas_a64_add(&dev->stats.trapped, 1);
	ioas_post_put(r->post, &posted);
	if (ioas_bell_ring(&r->bell))
		ioas_a64_add(&dev->stats.wakes, 1);
	return true;
}

void ioas_runner_flush_locked(struct ioas_device *dev)
{
	struct ioas_posted store;

	if (dev->runner.mode == IOAS_MODE_ADAPTIVE)
		ioas_adapt_flush_locked(dev);
	while (dev->runner.post && ioas_post_next(dev->runner.post, &store)) {
		ioas_post_take(dev->runner.post);
		ioas_runner_arrive_locked(dev, &store);
	}
	/* Whoever flushes does not do it. */
	if (ioas_work_is_due(&dev->runner))
		ioas_bell_ring(&dev->runner.bell);
}

void ioas_runner_drop_locked(struct ioas_device *dev)
{
	struct ioas_posted store;

	if (dev->runner.mode == IOAS_MODE_ADAPTIVE)
		ioas_adapt_drop_locked(dev);
	while (dev->runner.post && ioas_post_next(dev->runner.post, &store))
		ioas_post_take(dev->runner.post);
}
