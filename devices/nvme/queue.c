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
 * one (7.5.1.3), so more would only be work. It is raised after the last
 * completion was written.
 *
 * Doorbells of queues that are not there, values beyond the queue, and a head
 * that overtakes the tail, are errors that the controller may report as events
 * (5.2); they change nothing. A queue in memory that the controller may not
 * read or write leaves it no way to tell but CSTS.CFS (9.5).
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

static void complete(struct nvme *n, const struct nvme_request *req,
                     uint16_t status)
{
	const int queue = req->issuer.queue;
	const struct nvme_sq *sq = &n->sq[queue];
	struct nvme_cq *cq = &n->cq[sq->cq];
	const struct ioas_issuer issuer = {"completion", NULL, queue, req->cid};
	const uint64_t at = cq->base + ((uint64_t)cq->tail << NVME_CQE_LG2);
	uint8_t cqe[1 << NVME_CQE_LG2] = {0};

	nvme_set(cqe, 4, req->result);
	nvme_set(cqe + 8, 2, sq->head);
	nvme_set(cqe + 10, 2, (unsigned int)queue);
	nvme_set(cqe + 12, 2, req->cid);
	nvme_set(cqe + 14, 2, (unsigned int)status << 1 | cq->phase);
	if (ioas_dma_write(n->dev, at, cqe, sizeof(cqe), &issuer)) {
		ioas_nvme_fatal(n);
		return;
	}
	cq->posted = true;
	cq->tail = (cq->tail + 1) % cq->entries;
	if (!cq->tail)
		cq->phase = !cq->phase;
}

static const struct nvme_command *find(const struct nvme_command *row,
                                       uint8_t opcode)
{
	while (row->name && row->opcode != opcode)
		row++;
	return row;
}

/* Neither fused commands nor SGLs are offered by Identify. */
#define CDW0_FUSE 0x0300u
#define CDW0_PSDT 0xc000u

static uint16_t execute(struct nvme *n, struct nvme_request *req)
{
	const struct nvme_command *table = req->issuer.queue
	                                           ? ioas_nvme_io_commands
	                                           : ioas_nvme_admin_commands;
	const struct nvme_command *command = find(table, req->sqe[0]);

	if (!command->name)
		return NVME_INVALID_OPCODE;
	req->issuer.command = command->name;
	if (nvme_dword(req, 0) & (CDW0_FUSE | CDW0_PSDT))
		return NVME_INVALID_FIELD;
	return command->run(n, req);
}

/* Return: false when the queue is empty, held, or the controller failed. */
static bool run_one(struct nvme *n, unsigned int queue)
{
	struct nvme_sq *sq = &n->sq[queue];
	struct nvme_cq *cq = &n->cq[sq->cq];
	struct nvme_request req = {
		.issuer = {"command fetch", NULL, (int)queue, -1},
	};
	uint16_t status;

	if (!sq->entries || sq->head == sq->tail)
		return false;
	cq->held = is_full(cq);
	if (cq->held || !fetch(n, sq, &req))
		return false;
	req.cid = (uint16_t)nvme_get(req.sqe + 2, 2);
	req.issuer.command = "command";
	req.issuer.id = req.cid;
	status = execute(n, &req);
	if (status) {
		ioas_nvme_log_error(n, &req, status);
		status |= NVME_MORE;
	}
	if (!req.held)
		complete(n, &req, status);
	return !(n->reg[NVME_CSTS / 4] & NVME_CSTS_CFS);
}

static void interrupt(struct nvme *n, struct nvme_cq *cq)
{
	if (cq->posted && cq->interrupts)
		ioas_device_interrupt(n->dev, cq->vector);
	cq->posted = false;
}

static void ring_sq(struct nvme *n, unsigned int queue, uint32_t tail)
{
	struct nvme_sq *sq = &n->sq[queue];

	if (tail >= sq->entries)
		return;
	sq->tail = tail;
	while (run_one(n, queue))
		;
	interrupt(n, &n->cq[sq->cq]);
}

/* Each queue in its turn, as round robin arbitration asks, 4.13. */
static bool run_next(struct nvme *n, unsigned int cq)
{
	unsigned int i, queue;

	for (i = 0; i < NVME_QUEUES; i++) {
		queue = (n->cq[cq].turn + i) % NVME_QUEUES;
		if (n->sq[queue].cq != cq || !run_one(n, queue))
			continue;
		n->cq[cq].turn = (uint16_t)(queue + 1);
		return true;
	}
	return false;
}

static uint32_t distance(const struct nvme_cq *cq, uint32_t to)
{
	return (to + cq->entries - cq->head) % cq->entries;
}

static void ring_cq(struct nvme *n, unsigned int queue, uint32_t head)
{
	struct nvme_cq *cq = &n->cq[queue];

	if (head >= cq->entries || distance(cq, head) > distance(cq, cq->tail))
		return;
	cq->head = head;
	if (!cq->held)
		return;
	cq->held = false;
	while (run_next(n, queue))
		;
	interrupt(n, cq);
}

void ioas_nvme_doorbell(struct nvme *n, uint64_t offset, uint32_t value)
{
	const uint64_t queue = offset / 8;

	if (queue >= NVME_QUEUES)
		return;
	if (offset % 8)
		ring_cq(n, (unsigned int)queue, value & 0xffff);
	else
		ring_sq(n, (unsigned int)queue, value & 0xffff);
}
