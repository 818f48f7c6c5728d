/* SPDX-License-Identifier: MIT */
#include "watch/watch.h"

#include <inttypes.h>
#include <string.h>

#include <ioas/device.h>

/* ---- Events to findings. ---- */

static struct ioas_finding_mapping
mapping_of(const struct ioas_event_mapping *m)
{
	return (struct ioas_finding_mapping){m->range, m->perm};
}

/* What every event says. */
static void fill(const struct ioas_event *ev, struct ioas_finding *f)
{
	f->space = ev->space;
	f->perm = ev->perm;
	f->range = ev->range;
	f->uaddr = ev->uaddr.raw;
	f->device = ev->device;
	f->model = ev->model;
	f->site_map = ev->site;
	f->site_now = ev->site_now;
}

static void fill_issuer(const struct ioas_issuer *issuer,
                        struct ioas_finding *f)
{
	if (!issuer)
		return;
	f->command = issuer->command;
	f->role = issuer->role;
	f->queue = issuer->queue < 0 ? 0 : (uint32_t)issuer->queue + 1;
	f->id = issuer->id < 0 ? 0 : (uint32_t)issuer->id + 1;
	f->pasid = issuer->pasid;
}

static void fill_access(const struct ioas_event *ev, struct ioas_finding *f)
{
	const struct ioas_event_access *access = ev->access;
	unsigned int i;

	fill_issuer(ev->issuer, f);
	if (!access) {
		f->pieces = 1;
		f->piece[0].range = ev->range;
		f->piece[0].fault = ev->fault;
		return;
	}
	f->range = access->range;
	f->pieces = access->pieces;
	for (i = 0; i < access->pieces; i++) {
		f->piece[i].range = access->piece[i].range;
		f->piece[i].fault = access->piece[i].fault;
	}
	f->more = access->more;
	f->at = mapping_of(&access->at);
	f->below = mapping_of(&access->below);
	f->above = mapping_of(&access->above);
}

static enum ioas_check_id check_of_fault(const struct ioas_event *ev)
{
	static const enum ioas_check_id check[] = {
		[IOAS_FAULT_NONE] = IOAS_CHECK_WILD_DMA,
		[IOAS_FAULT_UNMAPPED] = IOAS_CHECK_WILD_DMA,
		[IOAS_FAULT_PERMISSION] = IOAS_CHECK_READ_ONLY,
		[IOAS_FAULT_APERTURE] = IOAS_CHECK_OUTSIDE_APERTURE,
		[IOAS_FAULT_GONE] = IOAS_CHECK_MEMORY_GONE,
		[IOAS_FAULT_NO_MASTER] = IOAS_CHECK_NO_BUS_MASTER,
		[IOAS_FAULT_NO_SPACE] = IOAS_CHECK_NO_CONTAINER,
		[IOAS_FAULT_PEER] = IOAS_CHECK_PEER,
		[IOAS_FAULT_DOORBELL] = IOAS_CHECK_MSI_SPOOF,
		[IOAS_FAULT_NO_PASID] = IOAS_CHECK_UNBOUND_PASID,
		[IOAS_FAULT_PROCESS] = IOAS_CHECK_PROCESS_MEMORY,
		[IOAS_FAULT_FROZEN] = IOAS_CHECK_WILD_DMA,
	};

	if (ev->fault == IOAS_FAULT_DOORBELL && !(ev->perm & IOAS_WRITE))
		return IOAS_CHECK_WILD_DMA;
	if (ev->fault == IOAS_FAULT_PERMISSION && !(ev->perm & IOAS_WRITE))
		return IOAS_CHECK_WRITE_ONLY;
	return check[ev->fault];
}

/* How what was there before came to its end. */
static void fill_past(struct ioas_watch *watch, const struct ioas_event *ev,
                      struct ioas_finding *f)
{
	enum ioas_event_kind kind = ev->fault == IOAS_FAULT_GONE
	                                    ? IOAS_EVENT_FREED
	                                    : IOAS_EVENT_UNMAP;
	struct iova at = {ev->range.first};
	struct ioas_past_mapping m;
	uint64_t now;

	if (!ioas_past_find(&watch->past, kind, ev->space, at, &m))
		return;
	now = watch->ways->now();
	if (f->check == IOAS_CHECK_WILD_DMA)
		f->check = IOAS_CHECK_USE_AFTER_UNMAP;
	f->site_map = m.site_map;
	f->site_gone = m.site_gone;
	f->age_ns = now > m.time ? now - m.time : 0;
	f->thread = m.thread;
	f->same_thread = m.thread == watch->ways->thread();
}

/* Only where an earlier mapping explains the fault. */
static bool past_matters(enum ioas_fault fault)
{
	return fault == IOAS_FAULT_UNMAPPED || fault == IOAS_FAULT_GONE ||
	       fault == IOAS_FAULT_NO_SPACE;
}

static void make_fault(struct ioas_watch *watch, const struct ioas_event *ev,
                       struct ioas_finding *f)
{
	f->check = check_of_fault(ev);
	fill_access(ev, f);
	if (past_matters(ev->fault))
		fill_past(watch, ev, f);
}

/* ---- Causes. ---- */

static uint64_t mix_text(uint64_t key, const char *text)
{
	for (; text && *text; text++)
		key = ioas_seen_mix(key, (unsigned char)*text);
	return key;
}

/*
 * Where no site is known, the address has to tell causes apart. For an access
 * the sites of the mapping say nothing about who asked for it: what the device
 * was told to do is part of the cause.
 */
static uint64_t key_of(const struct ioas_finding *f)
{
	uint64_t key = ioas_seen_mix(UINT64_C(0x10a5), f->check + 1);

	key = ioas_seen_mix(key, f->site_map);
	key = ioas_seen_mix(key, f->site_gone);
	key = ioas_seen_mix(key, f->site_now);
	key = mix_text(key, f->device);
	key = mix_text(key, f->command);
	key = mix_text(key, f->role);
	key = mix_text(key, f->victim);
	key = ioas_seen_mix(key, f->queue);
	key = ioas_seen_mix(key, f->vector);
	key = ioas_seen_mix(key, f->piece[0].fault);
	if (!f->site_map && !f->site_gone && (f->pieces || !f->site_now)) {
		key = ioas_seen_mix(key, f->range.first);
		key = ioas_seen_mix(key, f->space);
	}
	return key ? key : 1;
}

static uint64_t bytes_of(const struct ioas_finding *f)
{
	return f->pieces ? 0 : f->range.last - f->range.first + 1;
}

static void report(struct ioas_watch *watch, struct ioas_finding *f,
                   struct ioas_seen_cause *cause)
{
	if (ioas_a64_add(&watch->tally[f->check].causes, 1) > IOAS_WATCH_NAMED)
		return;
	ioas_a64_add(&watch->tally[f->check].reported, 1);
	f->number = ioas_a32_add(&watch->findings, 1);
	if (cause)
		/* Pairs with the load in ioas_watch_repeated(). */
		ioas_a32_store(&cause->number, f->number);
	watch->ways->found(f);
}

static void find(struct ioas_watch *watch, struct ioas_finding *f)
{
	struct ioas_seen_cause *cause;
	uint64_t bytes = bytes_of(f);

	if (!(watch->checks >> f->check & 1))
		return;
	ioas_a64_add(&watch->tally[f->check].count, 1);
	ioas_a64_add(&watch->tally[f->check].bytes, bytes);
	cause = ioas_seen_find(&watch->seen, key_of(f));
	if (cause)
		ioas_a64_add(&cause->bytes, bytes);
	/* WATCH-1 */
	if (!cause || ioas_a64_add(&cause->count, 1) == 1)
		report(watch, f, cause);
}

/* ---- Kinds of event. ---- */

static void remember(struct ioas_watch *watch, const struct ioas_event *ev)
{
	struct ioas_past_mapping m = {
		.kind = ev->kind,
		.space = ev->space,
		.range = ev->range,
		.site_map = ev->site,
		.site_gone = ev->site_now,
		.time = watch->ways->now(),
		.thread = watch->ways->thread(),
	};

	ioas_past_add(&watch->past, &m);
}

static void on_fault(struct ioas_watch *watch, const struct ioas_event *ev)
{
	struct ioas_finding f = {.number = 0};

	fill(ev, &f);
	make_fault(watch, ev, &f);
	find(watch, &f);
}

static void on_message(struct ioas_watch *watch, const struct ioas_event *ev,
                       enum ioas_check_id check)
{
	const struct ioas_event_message *message = ev->message;
	struct ioas_finding f = {
		.check = check,
		.data = message->data,
		.vector = message->vector,
		.victim = message->owner,
		.victim_vector = message->owner_vector,
		.raised = message->raised,
	};

	fill(ev, &f);
	fill_access(ev, &f);
	find(watch, &f);
}

static void on_lost(struct ioas_watch *watch, const struct ioas_event *ev)
{
	on_message(watch, ev, IOAS_CHECK_LOST_INTERRUPT);
}

static void on_spoof(struct ioas_watch *watch, const struct ioas_event *ev)
{
	on_message(watch, ev, IOAS_CHECK_MSI_SPOOF);
}

static void on_mapping(struct ioas_watch *watch, const struct ioas_event *ev,
                       enum ioas_check_id check)
{
	struct ioas_finding f = {.check = check};

	fill(ev, &f);
	find(watch, &f);
}

static void on_freed(struct ioas_watch *watch, const struct ioas_event *ev)
{
	struct ioas_finding f = {
		.check = IOAS_CHECK_FREED_WHILE_MAPPED,
		.window = ev->window,
		.early = ev->number != 0,
		.site_registered = ev->site_registered,
	};

	remember(watch, ev);
	fill(ev, &f);
	find(watch, &f);
}

static void on_reset_live(struct ioas_watch *watch, const struct ioas_event *ev)
{
	on_mapping(watch, ev, IOAS_CHECK_LEAK_AT_RESET);
}

static void on_close_live(struct ioas_watch *watch, const struct ioas_event *ev)
{
	on_mapping(watch, ev, IOAS_CHECK_LEAK_ON_CLOSE);
}

/* How the process came to its end says nothing of the mapping. */
static void on_exit_live(struct ioas_watch *watch, const struct ioas_event *ev)
{
	struct ioas_event alone = *ev;

	alone.site_now = 0;
	on_mapping(watch, &alone, IOAS_CHECK_LEAK_AT_EXIT);
}

static void on_denied(struct ioas_watch *watch, const struct ioas_event *ev)
{
	_Static_assert(IOAS_CHECK_NR - IOAS_CHECK_MAP_BEFORE_IOMMU ==
	                       IOAS_DENIED_NR,
	               "a check for each denial");
	on_mapping(
		watch, ev,
		(enum ioas_check_id)(IOAS_CHECK_MAP_BEFORE_IOMMU + ev->number));
}

static void on_unknown(struct ioas_watch *watch, const struct ioas_event *ev)
{
	char line[256];
	struct ioas_text text = {line, 0, sizeof(line)};

	ioas_text_add(&text,
	              "ioctl 0x%" PRIx64
	              " on a %s is not emulated: answered as by a kernel "
	              "without it; later calls of it are not reported",
	              ev->number, ev->what);
	watch->ways->complain(line);
}

static void on_stale(struct ioas_watch *watch, const struct ioas_event *ev)
{
	char line[256];
	struct ioas_text text = {line, 0, sizeof(line)};

	ioas_text_add(&text,
	              "a VFIO file (%s) was inherited from the parent process; "
	              "it answers ENODEV: open it in the process that uses it",
	              ev->what);
	watch->ways->complain(line);
}

static void (*const on[IOAS_EVENT_NR])(struct ioas_watch *watch,
                                       const struct ioas_event *ev) = {
	[IOAS_EVENT_UNMAP] = remember,
	[IOAS_EVENT_DMA_FAULT] = on_fault,
	[IOAS_EVENT_MESSAGE_LOST] = on_lost,
	[IOAS_EVENT_SPOOF] = on_spoof,
	[IOAS_EVENT_FREED] = on_freed,
	[IOAS_EVENT_LIVE_AT_RESET] = on_reset_live,
	[IOAS_EVENT_LIVE_AT_CLOSE] = on_close_live,
	[IOAS_EVENT_LIVE_AT_EXIT] = on_exit_live,
	[IOAS_EVENT_DENIED] = on_denied,
	[IOAS_EVENT_UNKNOWN] = on_unknown,
	[IOAS_EVENT_STALE_FILE] = on_stale,
};

static void observe(struct ioas_observer *self, const struct ioas_event *ev)
{
	struct ioas_watch *watch =
		ioas_container_of(self, struct ioas_watch, observer);

	if (on[ev->kind])
		on[ev->kind](watch, ev);
}

/* ---- Life. ---- */

/* What takes long to gather, or comes often, and is not asked for. */
static uint32_t deaf_by(uint32_t checks)
{
	uint32_t deaf = 0;

	if (!(checks >> IOAS_CHECK_LEAK_AT_RESET & 1))
		deaf |= UINT32_C(1) << IOAS_EVENT_LIVE_AT_RESET;
	if (!(checks >> IOAS_CHECK_MAP_BEFORE_IOMMU))
		deaf |= UINT32_C(1) << IOAS_EVENT_DENIED;
	return deaf;
}

void ioas_watch_init(struct ioas_watch *watch,
                     const struct ioas_watch_ways *ways, uint32_t checks)
{
	watch->observer.event = observe;
	watch->ways = ways;
	watch->checks = checks;
	watch->observer.deaf = deaf_by(checks);
	ioas_observe(&watch->observer);
}

void ioas_watch_forget(struct ioas_watch *watch)
{
	/* Nobody observes now: plain writes. */
	memset(&watch->findings, 0, sizeof(watch->findings));
	memset(watch->tally, 0, sizeof(watch->tally));
	memset(&watch->past, 0, sizeof(watch->past));
	memset(&watch->seen, 0, sizeof(watch->seen));
}

void ioas_watch_tally(const struct ioas_watch *watch,
                      struct ioas_tally ret_tally[IOAS_CHECK_NR])
{
	unsigned int i;

	for (i = 0; i < IOAS_CHECK_NR; i++)
		ret_tally[i] = (struct ioas_tally){
			.count = ioas_a64_load(&watch->tally[i].count),
			.bytes = ioas_a64_load(&watch->tally[i].bytes),
			.reported = ioas_a64_load(&watch->tally[i].reported),
		};
}

void ioas_watch_repeated(const struct ioas_watch *watch,
                         void (*each)(uint32_t number, uint64_t count,
                                      uint64_t bytes))
{
	unsigned int i;

	for (i = 0; i < IOAS_SEEN_MAX; i++) {
		const struct ioas_seen_cause *c = &watch->seen.cause[i];
		uint64_t count = ioas_a64_load(&c->count);
		/* Pairs with the store in report(). */
		uint32_t number = ioas_a32_load(&c->number);

		if (count > 1 && number)
			each(number, count, ioas_a64_load(&c->bytes));
	}
}
