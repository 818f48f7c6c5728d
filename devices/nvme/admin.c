/* SPDX-License-Identifier: MIT */
/*
 * Admin commands that are about queues, Abort, and the table of all.
 *
 * Every command is finished before the next is fetched, so Abort finds only
 * requests for events; of others it says that nothing was aborted (5.1).
 *
 * Source: NVM Express 1.4, 5.1, 5.3 to 5.6.
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
#define SQ_PRIORITY      6u

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
		.priority = (uint8_t)((nvme_dword(req, 11) & SQ_PRIORITY) >> 1),
	};
	ioas_nvme_arbiter_add(n, queue);
	n->cq[cq].users++;
	return NVME_SUCCESS;
}

/* Commands in it that were not fetched yet are never run. */
static uint16_t delete_sq(struct nvme *n, struct nvme_request *req)
{
	const uint16_t queue = queue_id(req);

	if (!is_there(n, queue, false))
		return NVME_QUEUE_ID;
	ioas_nvme_arbiter_remove(n, queue);
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
	ioas_nvme_forget_cq(n, queue);
	return NVME_SUCCESS;
}

#define ABORT_NOT_ABORTED 1u

static uint16_t abort_command(struct nvme *n, struct nvme_request *req)
{
	const uint16_t cid = (uint16_t)(nvme_dword(req, 10) >> 16);

	if (queue_id(req) || !ioas_nvme_abort_event_request(n, cid))
		req->result = ABORT_NOT_ABORTED;
	return NVME_SUCCESS;
}

#define FORMAT_EFFECTS \
	(NVME_EFFECT_CONTENT | NVME_EFFECT_CHANGES | NVME_EFFECT_ALONE_NS)

const struct nvme_command ioas_nvme_admin_commands[] = {
	{0x00, NVME_ANY, 0, "DELETE I/O SQ", delete_sq},
	{0x01, NVME_ANY, 0, "CREATE I/O SQ", create_sq},
	{0x02, NVME_ANY, 0, "GET LOG PAGE", ioas_nvme_get_log_page},
	{0x04, NVME_ANY, 0, "DELETE I/O CQ", delete_cq},
	{0x05, NVME_ANY, 0, "CREATE I/O CQ", create_cq},
	{0x06, NVME_ANY, 0, "IDENTIFY", ioas_nvme_identify},
	{0x08, NVME_ANY, 0, "ABORT", abort_command},
	{0x09, NVME_ANY, 0, "SET FEATURES", ioas_nvme_set_features},
	{0x0a, NVME_ANY, 0, "GET FEATURES", ioas_nvme_get_features},
	{0x0c, NVME_ANY, 0, "ASYNC EVENT REQUEST", ioas_nvme_request_event},
	{0x80, NVME_ONE_OR_ALL, FORMAT_EFFECTS, "FORMAT NVM", ioas_nvme_format},
	{0, 0, 0, NULL, NULL},
};
