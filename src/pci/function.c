/* SPDX-License-Identifier: MIT */
/* The life of a function, its register accesses and its resets. */
#include "pci/function.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/event.h"
#include "base/grace.h"

void ioas_bdf_format(struct ioas_bdf bdf, char ret_text[IOAS_BDF_TEXT])
{
	snprintf(ret_text, IOAS_BDF_TEXT, "%04x:%02x:%02x.%x",
	         bdf.domain & 0xffffu, bdf.bus, bdf.slot & 0x1fu,
	         bdf.function & 0x7u);
}

/* ---- Life ---- */

static void free_device(struct ioas_device *dev)
{
	ioas_pasid_unbind(dev);
	ioas_runner_fini(dev);
	ioas_irq_fini(dev);
	ioas_delete(dev);
}

static void tell_failure(const char *text, char *ret_failure)
{
	if (ret_failure)
		snprintf(ret_failure, IOAS_FAILURE_TEXT, "%s", text);
}

/* Why it failed, then its end. */
static int give_up(struct ioas_device *dev, int err, char *ret_failure)
{
	if (err == -ENOMEM && !dev->failure[0])
		ioas_device_fail(dev, "out of memory");
	tell_failure(dev->failure, ret_failure);
	free_device(dev);
	return err;
}

static int describe(struct ioas_device *dev,
                    const struct ioas_device_request *request)
{
	if (!request->desc)
		return ioas_model_describe(dev);
	dev->function = *request->desc;
	return 0;
}

/* As the controller sees who writes. */
static uint32_t requester_of(struct ioas_bdf bdf)
{
	return bdf.domain << 16 | (uint32_t)bdf.bus << 8 |
	       (bdf.slot & 0x1fu) << 3 | (bdf.function & 0x7u);
}

/* A device of which only is known what it looks like. */
static int outline(const struct ioas_device_request *request,
                   struct ioas_device **ret_dev, char *ret_failure)
{
	struct ioas_device *dev = ioas_new(struct ioas_device);
	int err;

	if (!dev) {
		tell_failure("out of memory", ret_failure);
		return -ENOMEM;
	}
	dev->model = request->model;
	dev->options = request->options;
	dev->option_count = request->option_count;
	dev->iov = request->iov;
	dev->msi = request->msi;
	dev->pe = request->pe;
	dev->irq.claim.requester = requester_of(request->bdf);
	dev->irq.claim.name = dev->name;
	ioas_bdf_format(request->bdf, dev->name);
	err = describe(dev, request);
	if (err)
		return give_up(dev, err, ret_failure);
	*ret_dev = dev;
	return 0;
}

int ioas_device_describe(const struct ioas_device_request *request,
                         struct ioas_function_desc *ret_desc, char *ret_failure)
{
	struct ioas_device *dev;
	int err = outline(request, &dev, ret_failure);

	if (err)
		return err;
	*ret_desc = dev->function;
	free_device(dev);
	return 0;
}

/* A device without the model's state. */
static int make(const struct ioas_device_request *request,
                struct ioas_device **ret_dev, char *ret_failure)
{
	struct ioas_device *dev;
	int err = outline(request, &dev, ret_failure);

	if (err)
		return err;
	err = ioas_log_init(dev);
	if (!err)
		err = ioas_runner_init(dev);
	if (err)
		return give_up(dev, err, ret_failure);
	ioas_config_build(dev);
	ioas_pasid_hide(dev);
	err = ioas_irq_init(dev);
	if (!err)
		err = ioas_pasid_bind(dev, request);
	if (err)
		return give_up(dev, err, ret_failure);
	*ret_dev = dev;
	return 0;
}

int ioas_device_create(const struct ioas_device_request *request,
                       struct ioas_device **ret_dev, char *ret_failure)
{
	struct ioas_device *dev = NULL;
	int err = make(request, &dev, ret_failure);

	if (err)
		return err;
	err = dev->model->create(dev, &dev->state);
	if (err)
		return give_up(dev, err, ret_failure);
	*ret_dev = dev;
	return 0;
}

void ioas_device_stats_add(struct ioas_device_stats *to,
                           const struct ioas_device_stats *more)
{
#define ADD(field) ioas_a64_add(&to->field, ioas_a64_load_relaxed(&more->field))
	ADD(loads);
	ADD(stores);
	ADD(dma_reads);
	ADD(dma_writes);
	ADD(dma_faults);
	ADD(dma_read_bytes);
	ADD(dma_written_bytes);
	ADD(interrupts);
	ADD(trapped);
	ADD(polled);
	ADD(wakes);
#undef ADD
}

void ioas_device_destroy(struct ioas_device *dev)
{
	if (!dev)
		return;
	/* Its thread may be inside the model. */
	ioas_runner_fini(dev);
	ioas_device_attach(dev, NULL);
	ioas_pasid_unbind(dev);
	dev->model->destroy(dev->state);
	/* Nobody has the lock any more. */
	ioas_log_end_locked(dev);
	free_device(dev);
}

uint64_t ioas_device_now(const struct ioas_device *dev)
{
	return ioas_hooks.now();
}

/* ---- Registers ---- */

uint64_t ioas_device_bar_size(const struct ioas_device *dev, unsigned int bar)
{
	return bar < IOAS_BARS ? dev->function.bar[bar].size : 0;
}

bool ioas_device_bar_is_port(const struct ioas_device *dev, unsigned int bar)
{
	return bar < IOAS_BARS && dev->function.bar[bar].port;
}

#define ROM_LEAST 2048 /* bytes that its register can express */

uint64_t ioas_device_rom_size(const struct ioas_device *dev)
{
	uint64_t size = ROM_LEAST;

	while (size < dev->function.rom_bytes)
		size *= 2;
	return dev->function.rom ? size : 0;
}

static bool is_deaf_port(const struct ioas_device *dev, unsigned int bar)
{
	return ioas_device_bar_is_port(dev, bar) &&
	       !ioas_config_ports_locked(dev);
}

static bool has_msix_in(const struct ioas_device *dev, unsigned int bar)
{
	return dev->msix_table && bar == dev->function.msix_bar;
}

/* Linux does not look at I/O decoding; the ports are deaf then. */
static bool answers_locked(const struct ioas_device *dev, unsigned int bar)
{
	return ioas_device_bar_is_port(dev, bar) ||
	       ioas_config_decodes_locked(dev);
}

/* Is the group isolated? Or from this very access on. */
static bool is_frozen(const struct ioas_device *dev, unsigned int bar,
                      uint64_t offset, bool store)
{
	enum ioas_pe_access access = store ? IOAS_PE_STORE : IOAS_PE_LOAD;

	if (!dev->pe)
		return false;
	if (ioas_device_bar_is_port(dev, bar))
		access = store ? IOAS_PE_PORT_STORE : IOAS_PE_PORT_LOAD;
	return ioas_pe_stops(dev->pe, IOAS_PE_IO, access,
	                     ioas_config_bar_locked(dev, bar) + offset);
}

static uint64_t load_locked(struct ioas_device *dev, unsigned int bar,
                            uint64_t offset, unsigned int size)
{
	uint64_t value;

	ioas_work_catch_up_locked(dev);
	ioas_count_locked(&dev->stats.loads, 1);
	if (is_deaf_port(dev, bar) || is_frozen(dev, bar, offset, false))
		value = UINT64_MAX;
	else if (!has_msix_in(dev, bar) ||
	         !ioas_msix_load_locked(dev, offset, size, &value))
		value = dev->model->load(dev->state, bar, offset, size);
	/* A model may give more than was asked for. */
	return size < 8 ? value & ioas_mask_lg2(8 * size) : value;
}

uint64_t ioas_device_load(struct ioas_device *dev, unsigned int bar,
                          uint64_t offset, unsigned int size)
{
	uint64_t value;

	ioas_lock(&dev->lock);
	value = load_locked(dev, bar, offset, size);
	ioas_unlock(&dev->lock);
	return value;
}

bool ioas_device_load_try(struct ioas_device *dev, unsigned int bar,
                          uint64_t offset, unsigned int size,
                          uint64_t *ret_value)
{
	bool on;

	ioas_lock(&dev->lock);
	on = answers_locked(dev, bar);
	if (on)
		*ret_value = load_locked(dev, bar, offset, size);
	ioas_unlock(&dev->lock);
	return on;
}

void ioas_device_store_locked(struct ioas_device *dev,
                              const struct ioas_posted *store)
{
	ioas_count_locked(&dev->stats.stores, 1);
	if (is_deaf_port(dev, store->bar) ||
	    is_frozen(dev, store->bar, store->offset, true))
		return;
	if (!has_msix_in(dev, store->bar) ||
	    !ioas_msix_store_locked(dev, store->offset, store->size,
	                            store->value))
		dev->model->store(dev->state, store->bar, store->offset,
		                  store->size, store->value);
	ioas_pasid_serve_locked(dev);
}

static struct ioas_posted make_store(unsigned int bar, uint64_t offset,
                                     unsigned int size, uint64_t value)
{
	return (struct ioas_posted){
		.bar = (uint8_t)bar,
		.size = (uint8_t)size,
		.offset = offset,
		.value = size < 8 ? value & ioas_mask_lg2(8 * size) : value,
	};
}

/*
 * On the storing thread, after what it stored before. Return: is there more to
 * do?
 */
static bool store_here_locked(struct ioas_device *dev,
                              const struct ioas_posted *store)
{
	ioas_work_catch_up_locked(dev);
	ioas_runner_flush_locked(dev);
	ioas_device_store_locked(dev, store);
	if (ioas_is_doorbell(dev, store))
		ioas_runner_rang_locked(dev);
	return ioas_work_begin_locked(dev);
}

void ioas_device_store(struct ioas_device *dev, unsigned int bar,
                       uint64_t offset, unsigned int size, uint64_t value)
{
	struct ioas_posted store = make_store(bar, offset, size, value);
	bool more;

	if (ioas_runner_post(dev, &store))
		return;
	ioas_lock(&dev->lock);
	more = store_here_locked(dev, &store);
	ioas_unlock(&dev->lock);
	if (more)
		ioas_work_go_on(dev);
}

bool ioas_device_store_try(struct ioas_device *dev, unsigned int bar,
                           uint64_t offset, unsigned int size, uint64_t value)
{
	struct ioas_posted store = make_store(bar, offset, size, value);
	bool on, more = false;

	/* What is posted is looked at when it arrives. */
	if (ioas_runner_post(dev, &store))
		return true;
	ioas_lock(&dev->lock);
	on = answers_locked(dev, bar);
	if (on)
		more = store_here_locked(dev, &store);
	ioas_unlock(&dev->lock);
	if (more)
		ioas_work_go_on(dev);
	return on;
}

/* ---- Peer to peer ---- */

#define PEER_ROUNDS 1024 /* about a second, by hooks.relax */

/* Both hold what the other wants: the lower of the two gives up. */
static bool loses(const struct ioas_peer_access *a)
{
	/* Pairs with the stores in peer_enter(), of the other thread. */
	return ioas_aptr_load(&a->to->waits_for) == a->from && a->from < a->to;
}

/* Its thread may be waiting for ours: do not wait for ever. */
static bool peer_enter(const struct ioas_peer_access *a)
{
	unsigned int round;
	bool done = false;

	/* Pairs with the load in loses(). */
	ioas_aptr_store(&a->from->waits_for, a->to);
	for (round = 0; !done && round < PEER_ROUNDS && !loses(a); round++) {
		done = ioas_lock_try(&a->to->lock);
		if (!done)
			ioas_hooks.relax(round);
	}
	ioas_aptr_store(&a->from->waits_for, NULL);
	if (done)
		a->to->serves_peer = true;
	return done;
}

static void peer_leave(const struct ioas_peer_access *a)
{
	a->to->serves_peer = false;
	ioas_unlock(&a->to->lock);
}

int ioas_device_peer_load(const struct ioas_peer_access *access,
                          uint64_t *ret_value)
{
	bool on;

	/* Who serves such an access does none: a chain of them may close. */
	if (access->from->serves_peer || !peer_enter(access))
		return -EIO;
	on = ioas_config_decodes_locked(access->to);
	if (on)
		*ret_value = load_locked(access->to, access->bar,
		                         access->offset, access->size);
	peer_leave(access);
	return on ? 0 : -EIO;
}

int ioas_device_peer_store(const struct ioas_peer_access *access,
                           uint64_t value)
{
	struct ioas_posted store =
		make_store(access->bar, access->offset, access->size, value);
	bool on;

	if (access->from->serves_peer)
		return -EIO;
	if (ioas_runner_post(access->to, &store))
		return 0;
	if (!peer_enter(access))
		return -EIO;
	on = ioas_config_decodes_locked(access->to);
	if (on && store_here_locked(access->to, &store))
		ioas_work_end_locked(access->to);
	peer_leave(access);
	return on ? 0 : -EIO;
}

/* ---- Resets ---- */

static void reset_model(struct ioas_device *dev)
{
	struct ioas_event ev = {
		.kind = IOAS_EVENT_RESET,
		.device = dev->name,
		.model = dev->model->name,
	};

	ioas_runner_drop_locked(dev);
	ioas_intx_level_locked(dev, false);
	ioas_pasid_reset_locked(dev);
	dev->model->reset(dev->state);
	/* Relaxed: who goes on with the work finds that there is none. */
	ioas_a64_store_relaxed(&dev->runner.due, IOAS_WORK_NONE);
	ioas_tell(&ev);
}

void ioas_device_reset_locked(struct ioas_device *dev)
{
	reset_model(dev);
	ioas_config_power_on_locked(dev);
	ioas_config_own_locked(dev);
	ioas_irq_forget_pending_locked(dev);
}

void ioas_device_reset(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	ioas_device_reset_locked(dev);
	ioas_unlock(&dev->lock);
}

void ioas_device_restart(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	reset_model(dev);
	ioas_config_default_locked(dev);
	ioas_irq_default_locked(dev);
	ioas_log_end_locked(dev);
	ioas_unlock(&dev->lock);
}

/* ---- Address space ---- */

void ioas_device_attach(struct ioas_device *dev, struct ioas_space *space)
{
	/* Pairs with the load in dma.c, which lies in a section. */
	void *old = ioas_aptr_exchange(&dev->space, space);

	if (old)
		ioas_grace_sync(IOAS_GRACE_DMA);
}
