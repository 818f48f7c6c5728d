/* SPDX-License-Identifier: MIT */
/*
 * Peer to peer: DMA to where the program mapped a BAR. The view cannot be
 * copied from or to; what it shows is accessed as the program would, but by
 * the device that does the DMA.
 */
#include "preload/peer.h"

#include <errno.h>
#include <string.h>

#include "base/grace.h"
#include "pci/function.h"
#include "preload/views.h"
#include "preload/wrap.h"

struct peer {
	struct ioas_device *self;
	uint64_t at; /* in the program */
	char *mine;
	uint64_t bytes;
	bool store;
};

static unsigned int unit_at(uint64_t at, uint64_t left)
{
	unsigned int unit = 8;

	while (unit > left || (at & (unit - 1)))
		unit /= 2;
	return unit;
}

/* The value's bytes are in the order of this processor, as on the bus. */
static int access_unit(const struct peer *p, const struct ioas_view *view,
                       unsigned int unit)
{
	const struct ioas_peer_access wanted = {
		.from = p->self,
		.to = ioas_file_device(view->handle->file),
		.bar = view->bar,
		.size = unit,
		.offset = view->offset + (p->at - view->start),
	};
	uint64_t value = 0;
	int err;

	if (p->store) {
		memcpy(&value, p->mine, unit);
		return ioas_device_peer_store(&wanted, value);
	}
	err = ioas_device_peer_load(&wanted, &value);
	if (!err)
		memcpy(p->mine, &value, unit);
	return err;
}

static void advance(struct peer *p, uint64_t bytes)
{
	p->at += bytes;
	p->mine += bytes;
	p->bytes -= bytes;
}

/* As far as the view goes. */
static int access_view(struct peer *p, const struct ioas_view *view)
{
	uint64_t left = view->start + view->bytes - p->at;
	unsigned int unit;
	int err = 0;

	/* No device of a forked child; and no bus leads a device to itself. */
	if (!view->handle || ioas_file_device(view->handle->file) == p->self)
		return -EIO;
	for (; left && p->bytes && !err; left -= unit) {
		unit = unit_at(p->at, p->bytes);
		err = access_unit(p, view, unit);
		if (!err)
			advance(p, unit);
	}
	return err;
}

static int access_memory(struct peer *p, uint64_t end)
{
	void *there = (void *)(uintptr_t)p->at;
	uint64_t bytes = end - p->at;
	int err = p->store ? ioas_hooks.copy(there, p->mine, bytes)
	                   : ioas_hooks.copy(p->mine, there, bytes);

	if (!err)
		advance(p, bytes);
	return err;
}

static int access_all(struct peer *p)
{
	const struct ioas_view *view;
	uint64_t next;
	int err = 0;

	while (p->bytes && !err) {
		next = ioas_view_next(p->at, p->at + p->bytes);
		view = next == p->at ? ioas_view_find(next) : NULL;
		if (view)
			err = access_view(p, view);
		else if (next != p->at)
			err = access_memory(p, next);
		else
			err = -EFAULT; /* it has just gone */
	}
	return err;
}

static int peer(void *self, void *program, void *mine, size_t bytes, bool store)
{
	struct peer p = {.self = self,
	                 .at = (uintptr_t)program,
	                 .mine = mine,
	                 .bytes = bytes,
	                 .store = store};
	int err = -EFAULT;

	ioas_grace_enter(IOAS_GRACE_FILE);
	if (ioas_view_next(p.at, p.at + bytes) != p.at + bytes)
		err = access_all(&p);
	ioas_grace_leave(IOAS_GRACE_FILE);
	return err;
}

void ioas_peer_hooks(struct ioas_hooks *hooks)
{
	hooks->peer = peer;
}
