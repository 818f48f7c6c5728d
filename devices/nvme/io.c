/* SPDX-License-Identifier: MIT */
/*
 * Commands of the namespace. Data moves between the file and the program's
 * pages, by one call of the store; nothing is copied in between.
 *
 * What a failure of the store becomes, and why:
 *
 *	memory gone     Data Transfer Error, as for any refused DMA
 *	no room         Write Fault. Capacity Exceeded is for a namespace that
 *	                reports less capacity than size (thin provisioning);
 *	                this one promises all of it, so a block that cannot be
 *	                written is a fault of its medium
 *	anything else   Unrecovered Read Error or Write Fault
 *
 * An unmap in another thread waits until the file has been read or written.
 *
 * Source: NVM Express 1.4, 6 (commands), 4.6.1.2 (status).
 */
#include <errno.h>
#include <string.h>

#include "nvme/nvme.h"

/* Dword 12 of Read, Write and Write Zeroes. */
#define FORCE_UNIT_ACCESS (1u << 30)
#define DEALLOCATE        (1u << 25)

/* Blocks of the namespace. */
struct extent {
	uint64_t first, count;
};

static struct extent extent_of(const struct nvme_request *req)
{
	return (struct extent){nvme_qword(req, 10),
	                       (nvme_dword(req, 12) & 0xffff) + 1};
}

static bool is_inside(const struct nvme *n, struct extent e)
{
	return e.first <= n->blocks && e.count <= n->blocks - e.first;
}

static uint16_t check_extent(const struct nvme *n,
                             const struct nvme_request *req)
{
	if (nvme_nsid(req) != NVME_NAMESPACES)
		return NVME_INVALID_NAMESPACE;
	return is_inside(n, extent_of(req)) ? NVME_SUCCESS : NVME_LBA_RANGE;
}

/* Between ioas_dma_begin() and ioas_dma_end(). */
static int find_segments(struct nvme *n, struct nvme_request *req,
                         unsigned int perm, unsigned int *ret_count)
{
	unsigned int i, count = 0;
	int err = 0;

	for (i = 0; !err && i < n->pieces; i++) {
		req->issuer.role = ioas_nvme_role(n, i);
		err = ioas_dma_segments(n->dev, n->piece[i].iova,
		                        n->piece[i].bytes, perm, n->segment,
		                        &count, NVME_SEGMENTS, &req->issuer);
	}
	*ret_count = count;
	return err;
}

static uint16_t status_of(int err, bool write)
{
	if (!err)
		return NVME_SUCCESS;
	if (err == -EFAULT)
		return NVME_DATA_TRANSFER;
	return write ? NVME_WRITE_FAULT : NVME_READ_ERROR;
}

/* The store found a page gone; which one it does not say. */
static void report_gone(struct nvme *n, struct nvme_request *req,
                        uint64_t bytes, unsigned int perm)
{
	req->issuer.role = ioas_nvme_role(n, 0);
	ioas_dma_gone(n->dev, n->piece[0].iova, bytes, perm, &req->issuer);
}

static uint16_t move(struct nvme *n, struct nvme_request *req, struct extent e,
                     bool write)
{
	/* To write to the medium, the device reads memory. */
	const unsigned int perm = write ? IOAS_READ : IOAS_WRITE;
	const uint64_t offset = e.first << NVME_BLOCK_LG2;
	unsigned int count;
	int err;

	ioas_dma_begin(n->dev);
	err = find_segments(n, req, perm, &count);
	if (err) {
		ioas_dma_end(n->dev);
		return NVME_DATA_TRANSFER;
	}
	if (write)
		err = ioas_store_write(n->store, n->segment, count, offset);
	else
		err = ioas_store_read(n->store, n->segment, count, offset);
	ioas_dma_end(n->dev);
	if (err == -EFAULT)
		report_gone(n, req, e.count << NVME_BLOCK_LG2, perm);
	return status_of(err, write);
}

static uint16_t transfer(struct nvme *n, struct nvme_request *req, bool write)
{
	const struct extent e = extent_of(req);
	uint16_t status = check_extent(n, req);

	if (status)
		return status;
	if (e.count > NVME_TRANSFER_MAX >> NVME_BLOCK_LG2)
		return NVME_INVALID_FIELD;
	status =
		ioas_nvme_gather(n, req, (uint32_t)(e.count << NVME_BLOCK_LG2));
	return status ? status : move(n, req, e, write);
}

static uint16_t do_flush(struct nvme *n)
{
	return status_of(ioas_store_flush(n->store), true);
}

/* What a write promises about the medium. */
static uint16_t settle(struct nvme *n, const struct nvme_request *req)
{
	if (ioas_nvme_write_cache(n) &&
	    !(nvme_dword(req, 12) & FORCE_UNIT_ACCESS))
		return NVME_SUCCESS;
	return do_flush(n);
}

static uint16_t run_read(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = transfer(n, req, false);

	if (!status) {
		n->health.read_commands++;
		n->health.read_blocks += extent_of(req).count;
	}
	return status;
}

static uint16_t run_write(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = transfer(n, req, true);

	if (status)
		return status;
	n->health.write_commands++;
	n->health.written_blocks += extent_of(req).count;
	return settle(n, req);
}

static uint16_t run_flush(struct nvme *n, struct nvme_request *req)
{
	const uint32_t nsid = nvme_nsid(req);

	if (nsid != NVME_NAMESPACES && nsid != NVME_NSID_ALL)
		return NVME_INVALID_NAMESPACE;
	return do_flush(n);
}

static int zero(struct nvme *n, struct extent e, bool discard)
{
	return ioas_store_zero(n->store, e.first << NVME_BLOCK_LG2,
	                       e.count << NVME_BLOCK_LG2, discard);
}

static uint16_t run_write_zeroes(struct nvme *n, struct nvme_request *req)
{
	const bool discard = nvme_dword(req, 12) & DEALLOCATE;
	uint16_t status = check_extent(n, req);

	if (!status)
		status = status_of(zero(n, extent_of(req), discard), true);
	return status ? status : settle(n, req);
}

#define RANGE_BYTES       16
#define DSM_DEALLOCATE    (1u << 2) /* of dword 11; the others are hints */
#define DSM_RANGES(dword) (((dword)&0xff) + 1)

_Static_assert(DSM_RANGES(0xff) * RANGE_BYTES <= NVME_IDENTIFY, "a page");

static struct extent range_at(const struct nvme *n, uint32_t i)
{
	const uint8_t *range = n->page + i * RANGE_BYTES;

	return (struct extent){nvme_get(range + 8, 8), nvme_get(range + 4, 4)};
}

/* All ranges are looked at before the first is touched. */
static uint16_t deallocate(struct nvme *n, uint32_t ranges)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < ranges; i++) {
		if (!is_inside(n, range_at(n, i)))
			return NVME_LBA_RANGE;
	}
	for (i = 0; !err && i < ranges; i++)
		err = zero(n, range_at(n, i), true);
	return status_of(err, true);
}

static uint16_t run_dataset_management(struct nvme *n, struct nvme_request *req)
{
	const uint32_t ranges = DSM_RANGES(nvme_dword(req, 10));
	uint16_t status;

	if (nvme_nsid(req) != NVME_NAMESPACES)
		return NVME_INVALID_NAMESPACE;
	status = ioas_nvme_take(n, req, n->page, ranges * RANGE_BYTES);
	if (status || !(nvme_dword(req, 11) & DSM_DEALLOCATE))
		return status;
	return deallocate(n, ranges);
}

const struct nvme_command ioas_nvme_io_commands[] = {
	{0x00, "FLUSH", run_flush},
	{0x01, "WRITE", run_write},
	{0x02, "READ", run_read},
	{0x08, "WRITE ZEROES", run_write_zeroes},
	{0x09, "DATASET MANAGEMENT", run_dataset_management},
	{0, NULL, NULL},
};
