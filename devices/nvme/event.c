/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events: what the controller has to say without being asked.
 *
 * The program leaves requests with the controller; an event completes one. An
 * event without a request waits for one. Once an event of a type was told, the
 * type is masked until the program reads the log page that belongs to it (and
 * does not ask to keep the mask, RAE); that tells all there was, so what was
 * pending of the type is forgotten then.
 *
 *	raise --> pending --request, not masked--> completion, type masked
 *	             ^                                    |
 *	             '------- Get Log Page, RAE = 0 <-----'
 *
 * A warning is an event when it comes, or when the program begins to want it,
 * and again when a threshold is set that is crossed already.
 *
 * Source: NVM Express 1.4, 5.1 (Abort), 5.2, 5.21.1.4, 5.21.1.11.
 */
#include "nvme/nvme.h"

enum type {
	TYPE_ERROR = 0,
	TYPE_HEALTH = 1,
	TYPE_NOTICE = 2,
};

static const struct {
	uint8_t type, info, log;
} events[NVME_EVENT_COUNT] = {
	[NVME_EVENT_DOORBELL] = {TYPE_ERROR, 0, 1},
	[NVME_EVENT_DOORBELL_VALUE] = {TYPE_ERROR, 1, 1},
	[NVME_EVENT_TEMPERATURE] = {TYPE_HEALTH, 1, 2},
	[NVME_EVENT_NAMESPACE] = {TYPE_NOTICE, 0, 4},
};

uint16_t ioas_nvme_request_event(struct nvme *n, struct nvme_request *req)
{
	if (n->event_requests == NVME_EVENTS)
		return NVME_EVENT_LIMIT;
	n->event_request[n->event_requests++] = req->cid;
	req->held = true;
	return NVME_SUCCESS;
}

/* Take one out; the others keep their order. Return: its identifier. */
static uint16_t take_request(struct nvme *n, unsigned int i)
{
	const uint16_t cid = n->event_request[i];

	n->event_requests--;
	for (; i < n->event_requests; i++)
		n->event_request[i] = n->event_request[i + 1];
	return cid;
}

/*
 * Its completion and that of the Abort are two. Without room for both the
 * request stays, which Abort may do ("best effort").
 */
bool ioas_nvme_abort_event_request(struct nvme *n, uint16_t cid)
{
	const struct nvme_cq *cq = &n->cq[0];
	unsigned int i;

	if ((cq->tail + 2) % cq->entries == cq->head)
		return false;
	for (i = 0; i < n->event_requests; i++) {
		if (n->event_request[i] != cid)
			continue;
		take_request(n, i);
		ioas_nvme_complete_admin(n, cid, 0, NVME_ABORT_REQUESTED);
		return true;
	}
	return false;
}

void ioas_nvme_raise(struct nvme *n, enum nvme_event event)
{
	n->pending |= 1u << event;
}

void ioas_nvme_warn(struct nvme *n)
{
	const uint8_t now =
		ioas_nvme_warnings(n) & ioas_nvme_wanted_warnings(n);

	/* The temperature is all that a controller like this can warn of. */
	if (now & ~n->warnings)
		ioas_nvme_raise(n, NVME_EVENT_TEMPERATURE);
	n->warnings = now;
}

static bool may_tell(const struct nvme *n, unsigned int event)
{
	return (n->pending >> event & 1) &&
	       !(n->masked >> events[event].type & 1) && n->event_requests &&
	       ioas_nvme_admin_has_room(n);
}

static void tell(struct nvme *n, unsigned int event)
{
	const uint32_t result = (uint32_t)events[event].log << 16 |
	                        (uint32_t)events[event].info << 8 |
	                        events[event].type;

	n->pending &= ~(1u << event);
	n->masked |= 1u << events[event].type;
	ioas_nvme_complete_admin(n, take_request(n, 0), result, NVME_SUCCESS);
}

void ioas_nvme_deliver_events(struct nvme *n)
{
	unsigned int event;

	if (n->reg[NVME_CSTS / 4] & NVME_CSTS_CFS)
		return;
	for (event = 0; n->pending && event < NVME_EVENT_COUNT; event++) {
		if (may_tell(n, event))
			tell(n, event);
	}
}

void ioas_nvme_log_was_read(struct nvme *n, uint8_t log)
{
	unsigned int event;

	for (event = 0; event < NVME_EVENT_COUNT; event++) {
		if (events[event].log != log)
			continue;
		n->masked &= ~(1u << events[event].type);
		n->pending &= ~(1u << event);
	}
}
