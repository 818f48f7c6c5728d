/* SPDX-License-Identifier: MIT */
/*
 * Set Features and Get Features. No feature can be saved, so the saved value
 * is the default one (5.13.1), and all can be changed.
 *
 * Interrupt coalescing is a wish that a controller may leave alone
 * (5.21.1.8): the values are kept and nothing is delayed.
 *
 * Source: NVM Express 1.4, 5.13, 5.21.
 */
#include <string.h>

#include "nvme/nvme.h"

enum feature_id {
	ARBITRATION = 0x01,
	POWER_MANAGEMENT = 0x02,
	TEMPERATURE_THRESHOLD = 0x04,
	ERROR_RECOVERY = 0x05,
	WRITE_CACHE = 0x06,
	NUMBER_OF_QUEUES = 0x07,
	INTERRUPT_COALESCING = 0x08,
	INTERRUPT_VECTOR = 0x09,
	WRITE_ATOMICITY = 0x0a,
	EVENTS = 0x0b,
};

/* Where in n->feature a value is; the feature's own number but for one. */
#define UNDER_TEMPERATURE 0x0c

#define IO_QUEUES (NVME_QUEUES - 2u) /* 0's based */

struct feature {
	uint8_t id;
	bool per_namespace;
	uint32_t initial;
	uint32_t mask; /* bits that may be set */
	/* NULL: the value is kept as it is, under the feature's number */
	uint16_t (*set)(struct nvme *n, struct nvme_request *req);
	uint16_t (*get)(struct nvme *n, struct nvme_request *req, bool initial);
};

static uint32_t value_of(const struct nvme_request *req)
{
	return nvme_dword(req, 11);
}

/* Dword 11 of the threshold: TMPTH, TMPSEL, THSEL */
#define THRESHOLD(dword) ((dword)&0xffff)
#define SENSOR(dword)    ((dword) >> 16 & 15)
#define SIDE(dword)      ((dword) >> 20 & 3)
#define ALL_SENSORS      15
#define OVER             0
#define UNDER            1

/* The composite temperature is the only one. */
static bool threshold_slot(uint32_t dword, bool set, unsigned int *ret_slot)
{
	if (SENSOR(dword) && !(set && SENSOR(dword) == ALL_SENSORS))
		return false;
	if (SIDE(dword) > UNDER)
		return false;
	*ret_slot =
		SIDE(dword) == OVER ? TEMPERATURE_THRESHOLD : UNDER_TEMPERATURE;
	return true;
}

static uint16_t set_threshold(struct nvme *n, struct nvme_request *req)
{
	unsigned int slot;

	if (!threshold_slot(value_of(req), true, &slot))
		return NVME_INVALID_FIELD;
	n->feature[slot] = THRESHOLD(value_of(req));
	n->warnings = 0;
	ioas_nvme_warn(n);
	return NVME_SUCCESS;
}

static uint16_t get_threshold(struct nvme *n, struct nvme_request *req,
                              bool initial)
{
	unsigned int slot;

	if (!threshold_slot(value_of(req), false, &slot))
		return NVME_INVALID_FIELD;
	req->result = n->feature[slot];
	if (initial)
		req->result = slot == UNDER_TEMPERATURE ? 0 : NVME_KELVIN_WARM;
	return NVME_SUCCESS;
}

#define WARN_TEMPERATURE (1u << 1)

uint8_t ioas_nvme_warnings(const struct nvme *n)
{
	if (NVME_KELVIN >= n->feature[TEMPERATURE_THRESHOLD] ||
	    NVME_KELVIN <= n->feature[UNDER_TEMPERATURE])
		return WARN_TEMPERATURE;
	return 0;
}

/* The event configuration */
#define WANTED_WARNINGS 0xffu
#define WANTED_NOTICE   (1u << 8)

uint8_t ioas_nvme_wanted_warnings(const struct nvme *n)
{
	return n->feature[EVENTS] & WANTED_WARNINGS;
}

bool ioas_nvme_wants_notice(const struct nvme *n)
{
	return n->feature[EVENTS] & WANTED_NOTICE;
}

static uint16_t set_events(struct nvme *n, struct nvme_request *req)
{
	n->feature[EVENTS] = value_of(req);
	ioas_nvme_warn(n);
	return NVME_SUCCESS;
}

/* Of one namespace, or when set of all of them, 5.21.1.5 */
static uint16_t set_recovery(struct nvme *n, struct nvme_request *req)
{
	unsigned int i;

	for (i = 0; i < n->namespaces; i++) {
		if (!req->ns || req->ns == &n->ns[i])
			n->ns[i].error_recovery = value_of(req);
	}
	return NVME_SUCCESS;
}

static uint16_t get_recovery(struct nvme *n, struct nvme_request *req,
                             bool initial)
{
	req->result = initial ? 0 : req->ns->error_recovery;
	return NVME_SUCCESS;
}

/* Off means that what was written is on the medium: so is what was before. */
static uint16_t set_write_cache(struct nvme *n, struct nvme_request *req)
{
	if (!value_of(req) && ioas_nvme_flush_all(n))
		return NVME_WRITE_FAULT;
	n->feature[WRITE_CACHE] = value_of(req);
	return NVME_SUCCESS;
}

bool ioas_nvme_write_cache(const struct nvme *n)
{
	return n->feature[WRITE_CACHE];
}

static bool any_io_queue(const struct nvme *n)
{
	unsigned int i;

	for (i = 1; i < NVME_QUEUES; i++) {
		if (n->sq[i].entries || n->cq[i].entries)
			return true;
	}
	return false;
}

/* All there are, whatever was asked for, 5.21.1.7. */
static uint16_t get_queues(struct nvme *n, struct nvme_request *req,
                           bool initial)
{
	req->result = IO_QUEUES << 16 | IO_QUEUES;
	return NVME_SUCCESS;
}

static uint16_t set_queues(struct nvme *n, struct nvme_request *req)
{
	const uint32_t value = value_of(req);

	if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff)
		return NVME_INVALID_FIELD;
	if (any_io_queue(n))
		return NVME_SEQUENCE;
	return get_queues(n, req, false);
}

#define COALESCING_OFF (1u << 16)

static uint16_t set_vector(struct nvme *n, struct nvme_request *req)
{
	const uint32_t vector = value_of(req) & 0xffff;

	if (vector >= NVME_QUEUES)
		return NVME_INVALID_FIELD;
	n->no_coalescing[vector] = value_of(req) & COALESCING_OFF;
	return NVME_SUCCESS;
}

static uint16_t get_vector(struct nvme *n, struct nvme_request *req,
                           bool initial)
{
	const uint32_t vector = value_of(req) & 0xffff;

	if (vector >= NVME_QUEUES)
		return NVME_INVALID_FIELD;
	req->result = vector;
	if (n->no_coalescing[vector] && !initial)
		req->result |= COALESCING_OFF;
	return NVME_SUCCESS;
}

static const struct feature features[] = {
	{ARBITRATION, false, 0, 0xffffff07, NULL, NULL},
	/* There is one power state, 0; the workload hint is free. */
	{POWER_MANAGEMENT, false, 0, 7 << 5, NULL, NULL},
	{TEMPERATURE_THRESHOLD, false, NVME_KELVIN_WARM, 0x003fffff,
         set_threshold, get_threshold},
	/* DULBE is not offered. */
	{ERROR_RECOVERY, true, 0, 0xffff, set_recovery, get_recovery},
	{WRITE_CACHE, false, 1, 1, set_write_cache, NULL},
	{NUMBER_OF_QUEUES, false, 0, 0xffffffff, set_queues, get_queues},
	{INTERRUPT_COALESCING, false, 0, 0xffff, NULL, NULL},
	{INTERRUPT_VECTOR, false, 0, 0x1ffff, set_vector, get_vector},
	{WRITE_ATOMICITY, false, 0, 1, NULL, NULL},
	/* Critical warnings, and the one notice that OAES offers. */
	{EVENTS, false, 0, WANTED_WARNINGS | WANTED_NOTICE, set_events, NULL},
};

#define COUNT (sizeof(features) / sizeof(features[0]))

_Static_assert(UNDER_TEMPERATURE < NVME_FEATURE_SLOTS, "a slot per feature");

void ioas_nvme_features_default(struct nvme *n)
{
	unsigned int i;

	memset(n->feature, 0, sizeof(n->feature));
	memset(n->no_coalescing, 0, sizeof(n->no_coalescing));
	for (i = 0; i < NVME_NAMESPACES; i++)
		n->ns[i].error_recovery = 0;
	for (i = 0; i < COUNT; i++)
		n->feature[features[i].id] = features[i].initial;
}

/* AB: log2 of the burst, or no limit. LPW, MPW, HPW are 0's based. */
#define BURST(value) ((value)&7)
#define NO_LIMIT     7

unsigned int ioas_nvme_burst(const struct nvme *n)
{
	const uint32_t burst = BURST(n->feature[ARBITRATION]);

	return burst == NO_LIMIT ? UINT32_MAX : 1u << burst;
}

/* Class 1 is high, 3 is low; bits 31 to 24 are high's weight. */
unsigned int ioas_nvme_weight(const struct nvme *n, unsigned int class)
{
	return (n->feature[ARBITRATION] >> 8 * (NVME_CLASSES - class) & 0xff) +
	       1;
}

static const struct feature *find(const struct nvme_request *req)
{
	const uint8_t id = (uint8_t)nvme_dword(req, 10);
	unsigned int i;

	for (i = 0; i < COUNT; i++) {
		if (features[i].id == id)
			return &features[i];
	}
	return NULL;
}

/* A controller's feature may be read under a namespace, but not set. */
static uint16_t check_nsid(struct nvme *n, const struct feature *f,
                           struct nvme_request *req, bool set)
{
	const uint32_t nsid = nvme_nsid(req);
	uint16_t status;

	if (f->per_namespace)
		return ioas_nvme_check_namespace(
			n, req, set ? NVME_ONE_OR_ALL : NVME_ONE);
	if (!nsid || nsid == NVME_NSID_ALL)
		return NVME_SUCCESS;
	status = ioas_nvme_check_namespace(n, req, NVME_ONE);
	/*
	 * Controllers from before NVM Express 1.2 take the write cache's with
	 * a namespace too, and QEMU's nvme:// driver gives one.
	 */
	if (!status && set && f->id != WRITE_CACHE)
		status = NVME_NOT_PER_NAMESPACE;
	return status;
}

#define SAVE (1u << 31) /* of dword 10 */

uint16_t ioas_nvme_set_features(struct nvme *n, struct nvme_request *req)
{
	const struct feature *f = find(req);
	uint16_t status;

	if (!f)
		return NVME_INVALID_FIELD;
	if (nvme_dword(req, 10) & SAVE)
		return NVME_NOT_SAVEABLE;
	status = check_nsid(n, f, req, true);
	if (status)
		return status;
	if (value_of(req) & ~f->mask)
		return NVME_INVALID_FIELD;
	if (f->set)
		return f->set(n, req);
	n->feature[f->id] = value_of(req);
	return NVME_SUCCESS;
}

enum select {
	SELECT_CURRENT,
	SELECT_DEFAULT,
	SELECT_SAVED,
	SELECT_CAPABILITIES,
};

#define CAN_CHANGE    (1u << 2)
#define PER_NAMESPACE (1u << 1)

uint16_t ioas_nvme_get_features(struct nvme *n, struct nvme_request *req)
{
	const struct feature *f = find(req);
	const uint32_t select = nvme_dword(req, 10) >> 8 & 7;
	uint16_t status;

	if (!f || select > SELECT_CAPABILITIES)
		return NVME_INVALID_FIELD;
	status = check_nsid(n, f, req, false);
	if (status)
		return status;
	if (select == SELECT_CAPABILITIES)
		req->result =
			CAN_CHANGE | (f->per_namespace ? PER_NAMESPACE : 0);
	else if (f->get)
		return f->get(n, req, select != SELECT_CURRENT);
	else if (select != SELECT_CURRENT)
		req->result = f->initial;
	else
		req->result = n->feature[f->id];
	return NVME_SUCCESS;
}
