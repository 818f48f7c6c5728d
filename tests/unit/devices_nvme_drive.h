/* SPDX-License-Identifier: MIT */
/*
 * A small driver for the tests of devices/nvme: it knows the specification
 * and nothing of the model's sources.
 *
 * The program's memory is one pool of pages of 4 KiB (CC.MPS = 0) at
 * DRIVE_IOVA: queues of identifier q use pages 2q and 2q + 1, data starts at
 * page DRIVE_DATA. The file behind the namespace holds drive_byte() of each
 * offset.
 */
#ifndef DEVICES_NVME_DRIVE_H
#define DEVICES_NVME_DRIVE_H

#include <stdio.h>
#include <unistd.h>

#include "devices/models.h"
#include "devices_board.h"

#define DRIVE_PAGE    4096u
#define DRIVE_PAGES   512u
#define DRIVE_IOVA    UINT64_C(0x40000000)
#define DRIVE_DATA    16u
#define DRIVE_ENTRIES 16u
#define DRIVE_BLOCKS  4096u
#define DRIVE_FILE    (DRIVE_BLOCKS * 512u + 100u) /* the rest is not used */
#define DRIVE_QUEUES  6u
#define DRIVE_CC      0x00460000u
#define DRIVE_OPTIONS 6u /* besides file and serial */

enum drive_register {
	REG_CAP = 0x00,
	REG_VS = 0x08,
	REG_INTMS = 0x0c,
	REG_INTMC = 0x10,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_NSSR = 0x20,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,
};

#define CSTS_RDY   1u
#define CSTS_CFS   2u
#define CSTS_DOWN  8u
#define CSTS_NSSRO 16u

#define MORE 0x2000u
#define DNR  0x4000u

/* Status without the bits about trying again and the log. */
#define SC(status) ((status)&0x07ffu)

struct drive_queue {
	uint32_t entries, cq_entries;
	uint32_t tail, head; /* of the submission, of the completion queue */
	unsigned int phase;
};

struct drive {
	struct board *board;
	uint8_t *pool;
	char path[64];
	int fd;
	struct ioas_option option[2 + DRIVE_OPTIONS];
	struct drive_queue queue[DRIVE_QUEUES];
	uint16_t cid;
};

struct sqe {
	uint8_t opcode;
	uint8_t flags;
	uint32_t nsid;
	uint64_t prp1, prp2;
	uint32_t dw10, dw11, dw12, dw13;
};

struct cqe {
	uint32_t result;
	uint16_t sqhd, sqid, cid, status;
};

static inline uint8_t drive_byte(uint64_t i)
{
	return (uint8_t)(i % 251 ^ i / 512);
}

static inline uint64_t drive_iova(unsigned int page)
{
	return DRIVE_IOVA + (uint64_t)page * DRIVE_PAGE;
}

static inline uint8_t *drive_page(struct drive *d, unsigned int page)
{
	return d->pool + (size_t)page * DRIVE_PAGE;
}

static inline void put(uint8_t *at, unsigned int bytes, uint64_t value)
{
	for (; bytes--; value >>= 8)
		*at++ = (uint8_t)value;
}

static inline uint64_t take(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static inline uint32_t get32(struct drive *d, uint64_t at)
{
	return (uint32_t)board_load(d->board, at, 4);
}

static inline void set32(struct drive *d, uint64_t at, uint32_t value)
{
	board_store(d->board, at, 4, value);
}

static inline void ring_tail(struct drive *d, unsigned int q, uint32_t value)
{
	set32(d, REG_DOORBELLS + 8 * q, value);
}

static inline void ring_head(struct drive *d, unsigned int q, uint32_t value)
{
	set32(d, REG_DOORBELLS + 8 * q + 4, value);
}

static void drive_end(void *arg)
{
	struct drive *d = arg;

	close(d->fd);
	unlink(d->path);
	free(d);
}

static void drive_fill(struct drive *d)
{
	uint8_t *bytes = malloc(DRIVE_FILE);
	uint64_t i;

	assert_non_null(bytes);
	for (i = 0; i < DRIVE_FILE; i++)
		bytes[i] = drive_byte(i);
	assert_int_equal(pwrite(d->fd, bytes, DRIVE_FILE, 0), DRIVE_FILE);
	free(bytes);
}

/* A controller as it is after power-on; its pool is mapped. */
static struct drive *drive_new_with(struct rig *r,
                                    const struct ioas_option *option,
                                    unsigned int count)
{
	struct drive *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	strcpy(d->path, "devices_nvme_test.XXXXXX");
	d->fd = mkstemp(d->path);
	assert_true(d->fd >= 0);
	rig_defer(r, drive_end, d);
	drive_fill(d);
	d->option[0] = (struct ioas_option){"file", d->path};
	d->option[1] = (struct ioas_option){"serial", "TEST 1"};
	assert_true(count <= DRIVE_OPTIONS);
	if (count)
		memcpy(d->option + 2, option, count * sizeof(*option));
	d->board = board_new(r);
	board_plug(d->board, &ioas_nvme_model, d->option, 2 + count);
	d->pool = board_map(d->board, DRIVE_IOVA, DRIVE_PAGES * DRIVE_PAGE,
	                    IOAS_READ | IOAS_WRITE);
	return d;
}

static inline struct drive *drive_new(struct rig *r)
{
	return drive_new_with(r, NULL, 0);
}

static inline void drive_forget_queue(struct drive *d, unsigned int q,
                                      uint32_t entries)
{
	memset(drive_page(d, 2 * q), 0, 2 * DRIVE_PAGE);
	d->queue[q] = (struct drive_queue){entries, entries, 0, 0, 1};
}

static inline void drive_enable(struct drive *d)
{
	drive_forget_queue(d, 0, DRIVE_ENTRIES);
	set32(d, REG_AQA, (DRIVE_ENTRIES - 1) << 16 | (DRIVE_ENTRIES - 1));
	board_store(d->board, REG_ASQ, 8, drive_iova(0));
	board_store(d->board, REG_ACQ, 8, drive_iova(1));
	set32(d, REG_CC, DRIVE_CC | 1);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY);
}

/* Into the queue, without the doorbell. Return: its command identifier. */
static inline uint16_t drive_put(struct drive *d, unsigned int q,
                                 const struct sqe *sqe)
{
	struct drive_queue *queue = &d->queue[q];
	uint8_t *at = drive_page(d, 2 * q) + 64 * queue->tail;

	memset(at, 0, 64);
	at[0] = sqe->opcode;
	at[1] = sqe->flags;
	put(at + 2, 2, ++d->cid);
	put(at + 4, 4, sqe->nsid);
	put(at + 24, 8, sqe->prp1);
	put(at + 32, 8, sqe->prp2);
	put(at + 40, 4, sqe->dw10);
	put(at + 44, 4, sqe->dw11);
	put(at + 48, 4, sqe->dw12);
	put(at + 52, 4, sqe->dw13);
	queue->tail = (queue->tail + 1) % queue->entries;
	return d->cid;
}

static inline void drive_ring(struct drive *d, unsigned int q)
{
	ring_tail(d, q, d->queue[q].tail);
}

/* The next completion, without the doorbell. */
static inline bool drive_see(struct drive *d, unsigned int q,
                             struct cqe *ret_cqe)
{
	struct drive_queue *queue = &d->queue[q];
	const uint8_t *at = drive_page(d, 2 * q + 1) + 16 * queue->head;

	if ((at[14] & 1) != queue->phase)
		return false;
	*ret_cqe = (struct cqe){
		.result = (uint32_t)take(at, 4),
		.sqhd = (uint16_t)take(at + 8, 2),
		.sqid = (uint16_t)take(at + 10, 2),
		.cid = (uint16_t)take(at + 12, 2),
		.status = (uint16_t)(take(at + 14, 2) >> 1),
	};
	queue->head = (queue->head + 1) % queue->cq_entries;
	if (!queue->head)
		queue->phase ^= 1;
	return true;
}

/* One command from start to end. Return: its status, all bits. */
static inline uint16_t drive_run(struct drive *d, unsigned int q,
                                 const struct sqe *sqe, uint32_t *ret_result)
{
	uint16_t cid = drive_put(d, q, sqe);
	struct cqe cqe = {0};

	drive_ring(d, q);
	assert_true(drive_see(d, q, &cqe));
	ring_head(d, q, d->queue[q].head);
	assert_int_equal(cqe.cid, cid);
	assert_int_equal(cqe.sqid, q);
	assert_int_equal(cqe.sqhd, d->queue[q].tail);
	assert_int_equal(!(cqe.status & MORE), !SC(cqe.status));
	if (ret_result)
		*ret_result = cqe.result;
	return cqe.status;
}

#define check_status(d, q, sqe, wanted) \
	assert_int_equal(SC(drive_run(d, q, sqe, NULL)), wanted)

static inline struct sqe create_cq(unsigned int q, uint32_t entries)
{
	return (struct sqe){.opcode = 0x05,
	                    .prp1 = drive_iova(2 * q + 1),
	                    .dw10 = (entries - 1) << 16 | q,
	                    .dw11 = q << 16 | 3};
}

static inline struct sqe create_sq(unsigned int q, uint32_t entries,
                                   unsigned int cq)
{
	return (struct sqe){.opcode = 0x01,
	                    .prp1 = drive_iova(2 * q),
	                    .dw10 = (entries - 1) << 16 | q,
	                    .dw11 = cq << 16 | 1};
}

static inline void drive_add_queue(struct drive *d, unsigned int q,
                                   uint32_t entries)
{
	const struct sqe cq = create_cq(q, entries);
	const struct sqe sq = create_sq(q, entries, q);

	drive_forget_queue(d, q, entries);
	check_status(d, 0, &cq, 0);
	check_status(d, 0, &sq, 0);
}

/* Enabled, with I/O queue pair 1. */
static inline struct drive *drive_ready_with(struct rig *r,
                                             const struct ioas_option *option,
                                             unsigned int count)
{
	struct drive *d = drive_new_with(r, option, count);

	drive_enable(d);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
	return d;
}

static inline struct drive *drive_ready(struct rig *r)
{
	return drive_ready_with(r, NULL, 0);
}

static inline uint8_t drive_file_byte(struct drive *d, uint64_t i)
{
	uint8_t byte = 0;

	assert_int_equal(pread(d->fd, &byte, 1, (off_t)i), 1);
	return byte;
}

#endif /* DEVICES_NVME_DRIVE_H */
