/* SPDX-License-Identifier: MIT */
/*
 * Queues: doorbell -> fetch -> run -> completion -> interrupt.
 *
 * A command is fetched only when its completion has room, so a completion is
 * never lost: a full queue holds its submission queues until the program moves
 * the head.
 *
 * One interrupt stands for all completions that one doorbell caused. MSI-X
 * messages are edges, and a driver goes through its queue to the end at each
 * one (7.5.1), so more would only be work. It is raised after the last
 * completion was written. The pin is a level: it is asserted while a queue
 * whose vector is not masked has completions that the program has not taken,
 * and a vector that is unmasked then is raised again.
 *
 * Doorbells of queues that are not there, values beyond the queue, and a head
 * that overtakes the tail, change nothing and are error events (5.2). A queue
 * in memory that the controller may not read or write leaves it no way to tell
 * but CSTS.CFS (9.5): it stops.
 *
 * Source: NVM Express 1.4, 3.1.24, 3.1.25, 4.1, 4.6, 7.2, 7.5, 9.5.
 */
#include <string.h>

#include "nvme/nvme.h"

static bool is_full(const struct nvme_cq *cq)
{
	return (cq->tail + 1) % cq->entries == cq->head;
}

static bool fetch(struct nvme *n, struct nvme_sq *sq, struct nvme_request *req)
{
	const uint64_t at = sq->base + ((uint64_t)sq->head << NVME_SQE_LG2);

	if (ioas_dma_read(n->dev, at, req->sqe, sizeof(req->sqe),
	                  &req->issuer)) {
		ioas_nvme_fatal(n);
		return false;
	}
	sq->head = (sq->head + 1) % sq->entries;
	return true;
}

/* No room: the queues that complete here have to wait. */
static void hold(struct nvme *n, unsigned int queue)
{
	unsigned int i;

	n->cq[queue].held = true;
	for (i = 0; i < NVME_QUEUES; i++) {
		if (n->sq[i].cq == queue)
			nvme_exclude(&n->ready, i);
	}
}

/* What a completion says, and of whom. */
struct completion {
	unsigned int queue;
	uint16_t cid, status;
	uint32_t result;
};

static void complete(struct nvme *n, const struct completion *c)
{
	const struct nvme_sq *sq = &n->sq[c->queue];
	struct nvme_cq *cq = &n->cq[sq->cq];
	const struct ioas_issuer issuer = {"completion", NULL, (int)c->queue,
	                                   c->cid, IOAS_NO_PASID};
	const uint64_t at = cq->base + ((uint64_t)cq->tail << NVME_CQE_LG2);
	uint8_t cqe[1 << NVME_CQE_LG2] = {0};

	nvme_set(cqe, 4, c->result);
	nvme_set(cqe + 8, 2, sq->head);
	nvme_set(cqe + 10, 2, c->queue);
	nvme_set(cqe + 12, 2, c->cid);
	nvme_set(cqe + 14, 2, (unsigned int)c->status << 1 | cq->phase);
	if (ioas_dma_write(n->dev, at, cqe, sizeof(cqe), &issuer)) {
		ioas_nvme_fatal(n);
		return;
	}
	nvme_include(&n->posted, sq->cq);
	if (cq->interrupts)
		nvme_include(&n->unread, sq->cq);
	cq->tail = (cq->tail + 1) % cq->entries;
	if (!cq->tail)
		cq->phase = !cq->phase;
	if (is_full(cq))
		hold(n, sq->cq);
}

bool ioas_nvme_admin_has_room(const struct nvme *n)
{
	return n->cq[0].entries && !is_full(&n->cq[0]);
}

void ioas_nvme_complete_admin(struct nvme *n, uint16_t cid, uint32_t result,
                              uint16_t status)
{
	const struct completion c = {0, cid, status, result};

	complete(n, &c);
}

static const struct nvme_command *find(const struct nvme_command *row,
                                       uint8_t opcode)
{
	while (row->name && row->opcode != opcode)
		row++;
	return row;
}

/*
 * Of an identifier that no namespace ever has, or of one that none has now,
 * 6.1.
 */
uint16_t ioas_nvme_check_namespace(struct nvme *n, struct nvme_request *req,
                                   enum nvme_scope scope)
{
	const uint32_t nsid = nvme_nsid(req);

	req->ns = ioas_nvme_namespace(n, nsid);
	if (scope == NVME_ANY || req->ns ||
	    (scope == NVME_ONE_OR_ALL && nsid == NVME_NSID_ALL))
		return NVME_SUCCESS;
	if (nsid && nsid <= n->namespaces)
		return NVME_INVALID_FIELD;
	return NVME_INVALID_NAMESPACE;
}

/*
 * Identify offers no fused commands. An SGL is for I/O commands, with metadata
 * (of which there is none) in one piece, 4.4.
 */
#define CDW0_FUSE     0x0300u
#define CDW0_PSDT     0xc000u
#define CDW0_PSDT_SGL 0x4000u

static uint16_t check_flags(const struct nvme_request *req)
{
	const uint32_t dword = nvme_dword(req, 0);
	const uint32_t psdt = dword & CDW0_PSDT;

	if (dword & CDW0_FUSE)
		return NVME_INVALID_FIELD;
	if (!psdt || (psdt == CDW0_PSDT_SGL && req->issuer.queue))
		return NVME_SUCCESS;
	return NVME_INVALID_FIELD;
}

static uint16_t execute(struct nvme *n, struct nvme_request *req)
{
	const struct nvme_command *table = req->issuer.queue
	                                           ? ioas_nvme_io_commands
	                                           : ioas_nvme_admin_commands;
	const struct nvme_command *command = find(table, req->sqe[0]);
	uint16_t status;

	if (!command->name)
		return NVME_INVALID_OPCODE;
	req->issuer.command = command->name;
	status = check_flags(req);
	if (!status)
		status = ioas_nvme_check_namespace(n, req, command->scope);
	return status ? status : command->run(n, req);
}

static void run(struct nvme *n, unsigned int queue, struct nvme_request *req)
{
	uint16_t status;

	req->cid = (uint16_t)nvme_get(req->sqe + 2, 2);
	req->issuer.command = "command";
	req->issuer.id = req->cid;
	status = execute(n, req);
	if (status) {
		ioas_nvme_log_error(n, req, status);
		status |= NVME_MORE;
	}
	if (!req->held) {
		const struct completion c = {queue, req->cid, status,
		                             req->result};

		complete(n, &c);
	}
}

static void run_one(struct nvme *n, unsigned int queue)
{
	struct nvme_sq *sq = &n->sq[queue];
	struct nvme_request req = {
		.issuer = {"command fetch", NULL, (int)queue, -1,
	                   IOAS_NO_PASID},
	};

	if (!fetch(n, sq, &req))
		return;
	if (sq->head == sq->tail)
		nvme_exclude(&n->ready, queue);
	run(n, queue, &req);
}

static bool is_stopped(const struct nvme *n)
{
	return n->reg[NVME_CSTS / 4] & NVME_CSTS_CFS;
}

/* The queue in @set that is not below @from, or NVME_NO_QUEUE. */
static unsigned int next(const struct nvme_set *set, unsigned int from)
{
	while (from < NVME_QUEUES && !nvme_includes(set, from))
		from++;
	return from;
}

#define MASKABLE 32 /* vectors that INTMS and INTMC reach */

static bool is_masked(const struct nvme *n, const struct nvme_cq *cq)
{
	return cq->vector < MASKABLE &&
	       (n->reg[NVME_INTMS / 4] >> cq->vector & 1);
}

static void interrupt(struct nvme *n, unsigned int queue)
{
	const struct nvme_cq *cq = &n->cq[queue];

	if (cq->interrupts && !is_masked(n, cq))
		ioas_device_interrupt(n->dev, cq->vector);
}

static void drive_line(struct nvme *n)
{
	bool level = false;
	unsigned int q = 0;

	if (!nvme_is_empty(&n->unread)) {
		for (q = next(&n->unread, 0); q < NVME_QUEUES && !level;
		     q = next(&n->unread, q + 1))
			level = !is_masked(n, &n->cq[q]);
	}
	if (level != n->line)
		ioas_device_line(n->dev, level);
	n->line = level;
}

void ioas_nvme_settle(struct nvme *n)
{
	unsigned int q;

	ioas_nvme_deliver_events(n);
	if (!nvme_is_empty(&n->posted)) {
		for (q = next(&n->posted, 0); q < NVME_QUEUES;
		     q = next(&n->posted, q + 1))
			interrupt(n, q);
		memset(&n->posted, 0, sizeof(n->posted));
	}
	drive_line(n);
}

/* What came while they were masked. */
void ioas_nvme_unmask(struct nvme *n, uint32_t vectors)
{
	unsigned int q;

	for (q = next(&n->unread, 0); q < NVME_QUEUES;
	     q = next(&n->unread, q + 1)) {
		if (n->cq[q].vector < MASKABLE &&
		    (vectors >> n->cq[q].vector & 1))
			interrupt(n, q);
	}
	drive_line(n);
}

void ioas_nvme_forget_cq(struct nvme *n, unsigned int queue)
{
	nvme_exclude(&n->posted, queue);
	nvme_exclude(&n->unread, queue);
}

static void run_ready(struct nvme *n)
{
	unsigned int queue;

	while (!nvme_is_empty(&n->ready) && !is_stopped(n)) {
		queue = ioas_nvme_arbiter_next(n);
		run_one(n, queue);
	}
	ioas_nvme_settle(n);
}

static void misuse(struct nvme *n, enum nvme_event event, uint16_t status)
{
	ioas_nvme_log_misuse(n, status);
	ioas_nvme_raise(n, event);
	ioas_nvme_settle(n);
}

static void ring_sq(struct nvme *n, unsigned int queue, uint32_t tail)
{
	struct nvme_sq *sq = &n->sq[queue];

	if (tail >= sq->entries) {
		misuse(n, NVME_EVENT_DOORBELL_VALUE, NVME_INVALID_FIELD);
		return;
	}
	sq->tail = tail;
	if (sq->head == tail)
		nvme_exclude(&n->ready, queue);
	else if (!n->cq[sq->cq].held)
		nvme_include(&n->ready, queue);
	run_ready(n);
}

static uint32_t distance(const struct nvme_cq *cq, uint32_t to)
{
	return (to + cq->entries - cq->head) % cq->entries;
}

/* There is room again: queues that waited for it are ready. */
static void release(struct nvme *n, unsigned int queue)
{
	unsigned int i;

	n->cq[queue].held = false;
	for (i = 0; i < NVME_QUEUES; i++) {
		if (n->sq[i].entries && n->sq[i].cq == queue &&
		    n->sq[i].head != n->sq[i].tail)
			nvme_include(&n->ready, i);
	}
}

static void ring_cq(struct nvme *n, unsigned int queue, uint32_t head)
{
	struct nvme_cq *cq = &n->cq[queue];

	if (head >= cq->entries ||
	    distance(cq, head) > distance(cq, cq->tail)) {
		misuse(n, NVME_EVENT_DOORBELL_VALUE, NVME_INVALID_FIELD);
		return;
	}
	cq->head = head;
	if (head == cq->tail)
		nvme_exclude(&n->unread, queue);
	if (cq->held && !is_full(cq))
		release(n, queue);
	run_ready(n);
}

void ioas_nvme_doorbell(struct nvme *n, uint64_t offset, uint32_t value)
{
	const uint64_t at = offset / 8;
	const unsigned int queue = at < NVME_QUEUES ? (unsigned int)at : 0;
	const bool is_cq = offset % 8;

	if (at >= NVME_QUEUES ||
	    !(is_cq ? n->cq[queue].entries : n->sq[queue].entries))
		misuse(n, NVME_EVENT_DOORBELL, NVME_QUEUE_ID);
	else if (is_cq)
		ring_cq(n, queue, value & 0xffff);
	else
		ring_sq(n, queue, value & 0xffff);
}
