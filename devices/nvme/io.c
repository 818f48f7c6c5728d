/* SPDX-License-Identifier: MIT */
/*
 * Read, Write and Flush. Data moves between the file and the program's pages,
 * by one call of the store; nothing is copied in between.
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
 * A write is one system call, whose data the kernel moves page by page of its
 * cache. A block is inside one such page, so a process that is killed leaves
 * each block as it was or as it was to be. That is what the controller
 * promises (AWUPF: one block).
 *
 * An unmap in another thread waits until the file has been read or written.
 *
 * Source: NVM Express 1.4, 6 (commands), 4.6.1.2 (status), 6.4 (atomicity).
 */
#include <errno.h>

#include "nvme/nvme.h"

/* Dword 12 of Read, Write and Write Zeroes. */
#define FORCE_UNIT_ACCESS (1u << 30)

struct nvme_extent ioas_nvme_extent(const struct nvme_request *req)
{
	return (struct nvme_extent){nvme_qword(req, 10),
	                            (nvme_dword(req, 12) & 0xffff) + 1};
}

bool ioas_nvme_is_inside(const struct nvme_namespace *ns, struct nvme_extent e)
{
	return e.first <= ns->blocks && e.count <= ns->blocks - e.first;
}

uint16_t ioas_nvme_check_extent(const struct nvme_request *req)
{
	return ioas_nvme_is_inside(req->ns, ioas_nvme_extent(req))
	               ? NVME_SUCCESS
	               : NVME_LBA_RANGE;
}

/* What is not wanted goes to the scratch page, again and again. */
static int add_bucket(struct nvme *n, uint32_t bytes, unsigned int *count)
{
	uint32_t step;

	for (; bytes; bytes -= step) {
		step = bytes < sizeof(n->scratch)
		               ? bytes
		               : (uint32_t)sizeof(n->scratch);
		if (*count == NVME_SEGMENTS)
			return -E2BIG;
		n->segment[(*count)++] =
			(struct ioas_segment){n->scratch, step};
	}
	return 0;
}

/* Between ioas_dma_begin() and ioas_dma_end(). */
static int find_segments(struct nvme *n, struct nvme_request *req,
                         unsigned int perm, unsigned int *ret_count)
{
	unsigned int i, count = 0;
	int err = 0;

	for (i = 0; !err && i < n->pieces; i++) {
		const struct nvme_piece *piece = &n->piece[i];

		req->issuer.role = ioas_nvme_role(n, req, i);
		if (piece->bucket)
			err = add_bucket(n, piece->bytes, &count);
		else
			err = ioas_dma_segments(n->dev, piece->iova,
			                        piece->bytes, perm, n->segment,
			                        &count, NVME_SEGMENTS,
			                        &req->issuer);
	}
	*ret_count = count;
	return err;
}

uint16_t ioas_nvme_status_of(int err, bool write)
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
	req->issuer.role = ioas_nvme_role(n, req, 0);
	ioas_dma_gone(n->dev, n->piece[0].iova, bytes, perm, &req->issuer);
}

/* In one section. Return: as the store, or -ENXIO: refused and reported. */
static int move_once(struct nvme *n, struct nvme_request *req, bool write,
                     uint64_t offset)
{
	/* To write to the medium, the device reads memory. */
	const unsigned int perm = write ? IOAS_READ : IOAS_WRITE;
	unsigned int count;
	int err;

	ioas_dma_begin(n->dev);
	err = find_segments(n, req, perm, &count);
	if (err)
		err = -ENXIO;
	else if (write)
		err = ioas_store_write(req->ns->store, n->segment, count,
		                       offset);
	else
		err = ioas_store_read(req->ns->store, n->segment, count,
		                      offset);
	ioas_dma_end(n->dev);
	return err;
}

static uint16_t move(struct nvme *n, struct nvme_request *req,
                     struct nvme_extent e, bool write)
{
	const unsigned int lg2 = req->ns->block_lg2;
	int err;

	do
		err = move_once(n, req, write, e.first << lg2);
	while (err == -EFAULT && ioas_dma_moved(n->dev));
	if (err == -ENXIO)
		return NVME_DATA_TRANSFER;
	if (err == -EFAULT)
		report_gone(n, req, e.count << lg2,
		            write ? IOAS_READ : IOAS_WRITE);
	return ioas_nvme_status_of(err, write);
}

/* The marks may make a transfer impossible before it begins. */
static uint16_t check_marks(const struct nvme_request *req,
                            struct nvme_extent e, bool write)
{
	if (write)
		return ioas_nvme_mark_may_unset(req->ns, e) ? NVME_SUCCESS
		                                            : NVME_WRITE_FAULT;
	return ioas_nvme_is_marked(req->ns, e) ? NVME_READ_ERROR : NVME_SUCCESS;
}

static uint16_t transfer(struct nvme *n, struct nvme_request *req, bool write)
{
	const struct nvme_extent e = ioas_nvme_extent(req);
	uint16_t status = ioas_nvme_check_extent(req);

	if (status)
		return status;
	if (e.count > NVME_TRANSFER_MAX >> req->ns->block_lg2)
		return NVME_INVALID_FIELD;
	status = ioas_nvme_gather(n, req,
	                          (uint32_t)(e.count << req->ns->block_lg2));
	if (!status)
		status = check_marks(req, e, write);
	return status ? status : move(n, req, e, write);
}

static uint16_t flush(const struct nvme_namespace *ns)
{
	return ioas_nvme_status_of(ioas_store_flush(ns->store), true);
}

uint16_t ioas_nvme_flush_all(struct nvme *n)
{
	uint16_t status = NVME_SUCCESS;
	unsigned int i;

	for (i = 0; !status && i < n->namespaces; i++) {
		if (n->ns[i].store)
			status = flush(&n->ns[i]);
	}
	return status;
}

uint16_t ioas_nvme_write_through(struct nvme *n, const struct nvme_request *req)
{
	if (ioas_nvme_write_cache(n) &&
	    !(nvme_dword(req, 12) & FORCE_UNIT_ACCESS))
		return NVME_SUCCESS;
	return flush(req->ns);
}

/* Blocks as the health log counts them: of 512 bytes. */
static uint64_t data_of(const struct nvme_request *req)
{
	return ioas_nvme_extent(req).count
	       << (req->ns->block_lg2 - NVME_BLOCK_LG2_MIN);
}

static uint16_t run_read(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = transfer(n, req, false);

	if (!status) {
		n->health.read_commands++;
		n->health.read_blocks += data_of(req);
	}
	return status;
}

static uint16_t run_write(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = transfer(n, req, true);

	if (status)
		return status;
	ioas_nvme_mark_unset(req->ns, ioas_nvme_extent(req));
	n->health.write_commands++;
	n->health.written_blocks += data_of(req);
	return ioas_nvme_write_through(n, req);
}

static uint16_t run_flush(struct nvme *n, struct nvme_request *req)
{
	return req->ns ? flush(req->ns) : ioas_nvme_flush_all(n);
}

int ioas_nvme_zero(const struct nvme_namespace *ns, struct nvme_extent e,
                   bool discard)
{
	return ioas_store_zero(ns->store, e.first << ns->block_lg2,
	                       e.count << ns->block_lg2, discard);
}

#define CONTENT NVME_EFFECT_CONTENT

const struct nvme_command ioas_nvme_io_commands[] = {
	{0x00, NVME_ONE_OR_ALL, 0, "FLUSH", run_flush},
	{0x01, NVME_ONE, CONTENT, "WRITE", run_write},
	{0x02, NVME_ONE, 0, "READ", run_read},
	{0x04, NVME_ONE, CONTENT, "WRITE UNCORRECTABLE",
         ioas_nvme_write_uncorrectable},
	{0x05, NVME_ONE, 0, "COMPARE", ioas_nvme_compare},
	{0x08, NVME_ONE, CONTENT, "WRITE ZEROES", ioas_nvme_write_zeroes},
	{0x09, NVME_ONE, CONTENT, "DATASET MANAGEMENT",
         ioas_nvme_dataset_management},
	{0x0c, NVME_ONE, 0, "VERIFY", ioas_nvme_verify},
	{0, 0, 0, NULL, NULL},
};
