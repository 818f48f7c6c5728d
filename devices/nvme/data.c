/* SPDX-License-Identifier: MIT */
/*
 * A command's data: pieces of program memory, in order, from PRP entries or
 * from an SGL; and the two ways to move a structure of the controller's.
 *
 * Source: NVM Express 1.4, 4.3, 4.4.
 */
#include "nvme/nvme.h"

#define CDW0_PSDT 0xc000u

/* Admin commands never get here with one. */
bool ioas_nvme_has_sgl(const struct nvme_request *req)
{
	return nvme_dword(req, 0) & CDW0_PSDT;
}

uint16_t ioas_nvme_gather(struct nvme *n, struct nvme_request *req,
                          uint32_t bytes)
{
	n->pieces = 0;
	return ioas_nvme_has_sgl(req) ? ioas_nvme_gather_sgl(n, req, bytes)
	                              : ioas_nvme_gather_prp(n, req, bytes);
}

const char *ioas_nvme_role(const struct nvme *n, const struct nvme_request *req,
                           unsigned int piece)
{
	if (ioas_nvme_has_sgl(req))
		return "SGL data block";
	if (!piece)
		return "PRP1";
	return n->pieces == 2 ? "PRP2" : "PRP list entry";
}

/* The part of [data, data + bytes) for a piece, else zeros. */
static int put_piece(struct nvme *n, const struct nvme_request *req,
                     const struct nvme_piece *piece, const uint8_t *data,
                     uint32_t bytes)
{
	static const uint8_t zeros[512];
	uint32_t done, step;
	int err = 0;

	step = bytes < piece->bytes ? bytes : piece->bytes;
	if (step)
		err = ioas_dma_write(n->dev, piece->iova, data, step,
		                     &req->issuer);
	for (done = step; !err && done < piece->bytes; done += step) {
		step = piece->bytes - done;
		if (step > sizeof(zeros))
			step = sizeof(zeros);
		err = ioas_dma_write(n->dev, piece->iova + done, zeros, step,
		                     &req->issuer);
	}
	return err;
}

uint16_t ioas_nvme_put(struct nvme *n, struct nvme_request *req,
                       const uint8_t *data, uint32_t bytes, uint32_t total)
{
	uint16_t status = ioas_nvme_gather(n, req, total);
	uint32_t step;
	unsigned int i;

	if (status)
		return status;
	for (i = 0; i < n->pieces; i++, data += step, bytes -= step) {
		req->issuer.role = ioas_nvme_role(n, req, i);
		if (put_piece(n, req, &n->piece[i], data, bytes))
			return NVME_DATA_TRANSFER;
		step = n->piece[i].bytes < bytes ? n->piece[i].bytes : bytes;
	}
	return NVME_SUCCESS;
}

uint16_t ioas_nvme_take(struct nvme *n, struct nvme_request *req, uint8_t *data,
                        uint32_t bytes)
{
	uint16_t status = ioas_nvme_gather(n, req, bytes);
	unsigned int i;

	if (status)
		return status;
	for (i = 0; i < n->pieces; i++) {
		req->issuer.role = ioas_nvme_role(n, req, i);
		if (ioas_dma_read(n->dev, n->piece[i].iova, data,
		                  n->piece[i].bytes, &req->issuer))
			return NVME_DATA_TRANSFER;
		data += n->piece[i].bytes;
	}
	return NVME_SUCCESS;
}
