/* SPDX-License-Identifier: MIT */
/*
 * Admin commands that are about the controller itself: queues, Abort, events.
 *
 * Every command is finished before the next is fetched, so Abort never finds
 * the one it names and says so (5.1). Asynchronous Event Requests are held,
 * up to the limit that Identify gives: the events of this controller have no
 * causes so far.
 *
 * Source: NVM Express 1.4, 5.1 to 5.6.
 */
#include "nvme/nvme.h"

/* Dword 10 of the commands about queues. */
static uint16_t queue_id(const struct nvme_request *req)
{
	return (uint16_t)nvme_dword(req, 10);
}

static uint32_t queue_entries(const struct nvme_request *req)
{
	return (nvme_dword(req, 10) >> 16) + 1;
}

/* Dword 11 */
#define QUEUE_CONTIGUOUS 1u
#define CQ_INTERRUPTS    2u

static uint16_t upper_half(const struct nvme_request *req)
{
	return (uint16_t)(nvme_dword(req, 11) >> 16);
}

/* CC.IOSQES and CC.IOCQES have to name the one size there is, 3.1.5. */
static bool entry_sizes_are_set(const struct nvme *n)
{
	const uint32_t cc = n->reg[NVME_CC / 4];

	return (cc >> 16 & 15) == NVME_SQE_LG2 &&
	       (cc >> 20 & 15) == NVME_CQE_LG2;
}

/* What both kinds of queue have in common, after the identifier. */
static uint16_t check_queue(const struct nvme *n,
                            const struct nvme_request *req)
{
	const uint64_t page = UINT64_C(1) << n->page_lg2;
	const uint32_t entries = queue_entries(req);

	if (entries < 2 || entries > NVME_IO_ENTRIES || !entry_sizes_are_set(n))
		return NVME_QUEUE_SIZE;
	if (nvme_qword(req, 6) & (page - 1))
		return NVME_PRP_OFFSET;
	if (!(nvme_dword(req, 11) & QUEUE_CONTIGUOUS))
		return NVME_INVALID_FIELD;
	return NVME_SUCCESS;
}

static bool is_free(const struct nvme *n, uint16_t queue, bool is_cq)
{
	if (!queue || queue >= NVME_QUEUES)
		return false;
	return is_cq ? !n->cq[queue].entries : !n->sq[queue].entries;
}

/* An I/O queue that is there. */
static bool is_there(const struct nvme *n, uint16_t queue, bool is_cq)
{
	if (!queue || queue >= NVME_QUEUES)
		return false;
	return is_cq ? n->cq[queue].entries : n->sq[queue].entries;
}

static uint16_t create_cq(struct nvme *n, struct nvme_request *req)
{
	const uint16_t queue = queue_id(req), vector = upper_half(req);
	uint16_t status;

	if (!is_free(n, queue, true))
		return NVME_QUEUE_ID;
	status = check_queue(n, req);
	if (status)
		return status;
	if (vector >= NVME_QUEUES)
		return NVME_VECTOR;
	n->cq[queue] = (struct nvme_cq){
		.base = nvme_qword(req, 6),
		.entries = queue_entries(req),
		.vector = vector,
		.phase = true,
		.interrupts = nvme_dword(req, 11) & CQ_INTERRUPTS,
	};
	return NVME_SUCCESS;
}

static uint16_t create_sq(struct nvme *n, struct nvme_request *req)
{
	const uint16_t queue = queue_id(req), cq = upper_half(req);
	uint16_t status;

	if (!is_free(n, queue, false) || !cq || cq >= NVME_QUEUES)
		return NVME_QUEUE_ID;
	if (!is_there(n, cq, true))
		return NVME_CQ_INVALID;
	status = check_queue(n, req);
	if (status)
		return status;
	n->sq[queue] = (struct nvme_sq){
		.base = nvme_qword(req, 6),
		.entries = queue_entries(req),
		.cq = cq,
	};
	n->cq[cq].users++;
	return NVME_SUCCESS;
}

/* Commands in it that were not fetched yet are never run. */
static uint16_t delete_sq(struct nvme *n, struct nvme_request *req)
{
	const uint16_t queue = queue_id(req);

	if (!is_there(n, queue, false))
		return NVME_QUEUE_ID;
	n->cq[n->sq[queue].cq].users--;
	n->sq[queue] = (struct nvme_sq){0};
	return NVME_SUCCESS;
}

static uint16_t delete_cq(struct nvme *n, struct nvme_request *req)
{
	const uint16_t queue = queue_id(req);

	if (!is_there(n, queue, true))
		return NVME_QUEUE_ID;
	if (n->cq[queue].users)
		return NVME_QUEUE_DELETION;
	n->cq[queue] = (struct nvme_cq){0};
	return NVME_SUCCESS;
}

#define ABORT_NOT_ABORTED 1u

static uint16_t abort_command(struct nvme *n, struct nvme_request *req)
{
	req->result = ABORT_NOT_ABORTED;
	return NVME_SUCCESS;
}

static uint16_t request_event(struct nvme *n, struct nvme_request *req)
{
	if (n->events_held == NVME_EVENTS)
		return NVME_EVENT_LIMIT;
	n->events_held++;
	req->held = true;
	return NVME_SUCCESS;
}

const struct nvme_command ioas_nvme_admin_commands[] = {
	{0x00, "DELETE I/O SQ", delete_sq},
	{0x01, "CREATE I/O SQ", create_sq},
	{0x02, "GET LOG PAGE", ioas_nvme_get_log_page},
	{0x04, "DELETE I/O CQ", delete_cq},
	{0x05, "CREATE I/O CQ", create_cq},
	{0x06, "IDENTIFY", ioas_nvme_identify},
	{0x08, "ABORT", abort_command},
	{0x09, "SET FEATURES", ioas_nvme_set_features},
	{0x0a, "GET FEATURES", ioas_nvme_get_features},
	{0x0c, "ASYNC EVENT REQUEST", request_event},
	{0, NULL, NULL},
};
