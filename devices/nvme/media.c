/* SPDX-License-Identifier: MIT */
/*
 * What else can be done to blocks: zeros, deallocation, marks, and the reads
 * whose data goes nowhere (Compare, Verify).
 *
 * Compare moves a piece of at most a scratch page at a time from both sides.
 * Whoever writes the same blocks at the same time gets no promise from it; a
 * fused compare and write, which would need one, is not offered.
 *
 * Source: NVM Express 1.4, 6.6 (Compare), 6.7 (Dataset Management), 6.14
 * (Verify), 6.16 (Write Uncorrectable), 6.17 (Write Zeroes).
 */
#include <string.h>

#include "nvme/nvme.h"

#define DEALLOCATE (1u << 25) /* of dword 12 */

static uint16_t zero(struct nvme_namespace *ns, struct nvme_extent e,
                     bool discard)
{
	int err;

	if (!ioas_nvme_mark_may_unset(ns, e))
		return NVME_WRITE_FAULT;
	err = ioas_nvme_zero(ns, e, discard);
	if (!err)
		ioas_nvme_mark_unset(ns, e);
	return ioas_nvme_status_of(err, true);
}

uint16_t ioas_nvme_write_zeroes(struct nvme *n, struct nvme_request *req)
{
	const bool discard = nvme_dword(req, 12) & DEALLOCATE;
	uint16_t status = ioas_nvme_check_extent(req);

	if (!status)
		status = zero(req->ns, ioas_nvme_extent(req), discard);
	return status ? status : ioas_nvme_write_through(n, req);
}

/* A table that is full is a limit of this controller: an internal error. */
uint16_t ioas_nvme_write_uncorrectable(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = ioas_nvme_check_extent(req);

	if (!status && !ioas_nvme_mark_set(req->ns, ioas_nvme_extent(req)))
		status = NVME_INTERNAL;
	return status;
}

/* ---- Reads whose data goes nowhere ---- */

static uint16_t check_readable(const struct nvme_request *req)
{
	uint16_t status = ioas_nvme_check_extent(req);

	if (!status && ioas_nvme_is_marked(req->ns, ioas_nvme_extent(req)))
		status = NVME_READ_ERROR;
	return status;
}

/* The scratch page takes them all, one after the other. */
uint16_t ioas_nvme_verify(struct nvme *n, struct nvme_request *req)
{
	const struct nvme_extent e = ioas_nvme_extent(req);
	uint64_t at = e.first << req->ns->block_lg2;
	uint64_t left = e.count << req->ns->block_lg2, step;
	uint16_t status = check_readable(req);
	unsigned int count;

	for (; !status && left; left -= step, at += step) {
		for (step = 0, count = 0; step < left && count < NVME_SEGMENTS;
		     count++) {
			uint64_t bytes = left - step;

			if (bytes > sizeof(n->scratch))
				bytes = sizeof(n->scratch);
			n->segment[count] =
				(struct ioas_segment){n->scratch, bytes};
			step += bytes;
		}
		status = ioas_nvme_status_of(
			ioas_store_read(req->ns->store, n->segment, count, at),
			false);
	}
	return status;
}

/* Both sides of a step: memory in page, the medium in scratch. */
static uint16_t compare_step(struct nvme *n, struct nvme_request *req,
                             const struct nvme_piece *at, uint64_t offset)
{
	const struct ioas_segment segment = {n->scratch, at->bytes};
	uint16_t status;

	if (ioas_dma_read(n->dev, at->iova, n->page, at->bytes, &req->issuer))
		return NVME_DATA_TRANSFER;
	status = ioas_nvme_status_of(
		ioas_store_read(req->ns->store, &segment, 1, offset), false);
	if (status)
		return status;
	return memcmp(n->page, n->scratch, at->bytes) ? NVME_COMPARE_FAILURE
	                                              : NVME_SUCCESS;
}

_Static_assert(sizeof(((struct nvme *)0)->page) ==
                       sizeof(((struct nvme *)0)->scratch),
               "a step of Compare fits both");

static uint16_t compare_piece(struct nvme *n, struct nvme_request *req,
                              unsigned int piece, uint64_t offset)
{
	struct nvme_piece step = n->piece[piece];
	uint32_t left = step.bytes;
	uint16_t status = NVME_SUCCESS;

	req->issuer.role = ioas_nvme_role(n, req, piece);
	for (; !status && left; left -= step.bytes) {
		step.bytes = left < sizeof(n->page) ? left
		                                    : (uint32_t)sizeof(n->page);
		status = compare_step(n, req, &step, offset);
		step.iova += step.bytes;
		offset += step.bytes;
	}
	return status;
}

uint16_t ioas_nvme_compare(struct nvme *n, struct nvme_request *req)
{
	const struct nvme_extent e = ioas_nvme_extent(req);
	uint64_t offset = e.first << req->ns->block_lg2;
	uint16_t status = check_readable(req);
	unsigned int i;

	if (!status && e.count > NVME_TRANSFER_MAX >> req->ns->block_lg2)
		status = NVME_INVALID_FIELD;
	if (!status)
		status = ioas_nvme_gather(
			n, req, (uint32_t)(e.count << req->ns->block_lg2));
	for (i = 0; !status && i < n->pieces; i++) {
		status = compare_piece(n, req, i, offset);
		offset += n->piece[i].bytes;
	}
	if (status)
		return status;
	n->health.read_commands++;
	n->health.read_blocks += e.count
	                         << (req->ns->block_lg2 - NVME_BLOCK_LG2_MIN);
	return NVME_SUCCESS;
}

/* ---- Dataset Management ---- */

#define RANGE_BYTES       16
#define DSM_DEALLOCATE    (1u << 2) /* of dword 11; the others are hints */
#define DSM_RANGES(dword) (((dword)&0xff) + 1)

_Static_assert(DSM_RANGES(0xff) * RANGE_BYTES <= NVME_IDENTIFY, "a page");

static struct nvme_extent range_at(const struct nvme *n, uint32_t i)
{
	const uint8_t *range = n->page + i * RANGE_BYTES;

	return (struct nvme_extent){nvme_get(range + 8, 8),
	                            nvme_get(range + 4, 4)};
}

/* All ranges are looked at before the first is touched. */
static uint16_t deallocate(struct nvme *n, struct nvme_namespace *ns,
                           uint32_t ranges)
{
	uint16_t status = NVME_SUCCESS;
	uint32_t i;

	for (i = 0; i < ranges; i++) {
		if (!ioas_nvme_is_inside(ns, range_at(n, i)))
			return NVME_LBA_RANGE;
	}
	for (i = 0; !status && i < ranges; i++) {
		if (range_at(n, i).count)
			status = zero(ns, range_at(n, i), true);
	}
	return status;
}

uint16_t ioas_nvme_dataset_management(struct nvme *n, struct nvme_request *req)
{
	const uint32_t ranges = DSM_RANGES(nvme_dword(req, 10));
	uint16_t status = ioas_nvme_take(n, req, n->page, ranges * RANGE_BYTES);

	if (status || !(nvme_dword(req, 11) & DSM_DEALLOCATE))
		return status;
	return deallocate(n, req->ns, ranges);
}
