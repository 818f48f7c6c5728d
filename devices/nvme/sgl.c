/* SPDX-License-Identifier: MIT */
/*
 * SGL descriptors: where a command's data is. The one in the command is the
 * data, or leads to a segment of more; a segment's last one leads on, and says
 * whether the next is the last.
 *
 *	SGL1 --> data
 *	SGL1 --> segment: data, bucket, data, segment --> ... last segment: data
 *
 * A bit bucket takes bytes that the program does not want to have; in a
 * command that sends data to the controller it stands for none.
 *
 * Data blocks begin at any byte. An SGL longer than the data is fine (Identify
 * says so), a shorter one is not. All in all there may be NVME_PIECES
 * descriptors, so that segments which lead round in a circle have an end.
 *
 * Source: NVM Express 1.4, 4.4; 4.6.1.2.1 for the status.
 */
#include "nvme/nvme.h"

#define DESCRIPTOR 16

enum type {
	DATA_BLOCK = 0x00, /* the sub type 0 is that of addresses */
	BIT_BUCKET = 0x10,
	SEGMENT = 0x20,
	LAST_SEGMENT = 0x30,
};

struct descriptor {
	uint64_t at;
	uint32_t bytes;
	uint8_t type; /* and sub type */
};

/* The way through an SGL. */
struct walk {
	struct descriptor segment; /* that is gone through */
	uint32_t left;             /* of the data */
	uint32_t seen;             /* descriptors */
	bool to_memory;
};

static struct descriptor read_descriptor(const uint8_t *at)
{
	return (struct descriptor){nvme_get(at, 8),
	                           (uint32_t)nvme_get(at + 8, 4), at[15]};
}

static bool leads_on(const struct descriptor *d)
{
	return d->type == SEGMENT || d->type == LAST_SEGMENT;
}

static uint16_t add(struct nvme *n, struct walk *w, const struct descriptor *d)
{
	uint32_t bytes = d->bytes < w->left ? d->bytes : w->left;
	const bool is_bucket = d->type == BIT_BUCKET;

	if (d->type != DATA_BLOCK && !is_bucket)
		return NVME_SGL_TYPE;
	if (!bytes || (is_bucket && !w->to_memory))
		return NVME_SUCCESS;
	n->piece[n->pieces++] = (struct nvme_piece){d->at, bytes, is_bucket};
	w->left -= bytes;
	return NVME_SUCCESS;
}

/* Is it there, and not too much? */
static uint16_t enter_segment(struct walk *w, const struct descriptor *d)
{
	if (!d->bytes || d->bytes % DESCRIPTOR)
		return NVME_SGL_SEGMENT;
	if (d->bytes / DESCRIPTOR > NVME_PIECES - w->seen)
		return NVME_SGL_COUNT;
	w->seen += d->bytes / DESCRIPTOR;
	w->segment = *d;
	return NVME_SUCCESS;
}

/*
 * The last descriptor of a segment: it has to lead on, and in the last segment
 * it may not. ret_more: there is another segment to go through.
 */
static uint16_t use_last(struct nvme *n, struct walk *w,
                         const struct descriptor *d, bool *ret_more)
{
	const bool is_last_segment = w->segment.type == LAST_SEGMENT;

	*ret_more = false;
	if (leads_on(d) == is_last_segment)
		return NVME_SGL_SEGMENT;
	if (is_last_segment)
		return add(n, w, d);
	*ret_more = true;
	return enter_segment(w, d);
}

static uint16_t use_inner(struct nvme *n, struct walk *w,
                          const struct descriptor *d)
{
	return leads_on(d) ? NVME_SGL_COUNT : add(n, w, d);
}

static uint16_t fetch(struct nvme *n, const struct nvme_request *req,
                      uint64_t at, uint32_t bytes)
{
	struct ioas_issuer issuer = req->issuer;

	issuer.role = "SGL segment";
	return ioas_dma_read(n->dev, at, n->list, bytes, &issuer)
	               ? NVME_DATA_TRANSFER
	               : NVME_SUCCESS;
}

/* All descriptors of a segment, a list buffer of them at a time. */
static uint16_t use_segment(struct nvme *n, const struct nvme_request *req,
                            struct walk *w, bool *ret_more)
{
	const struct descriptor segment = w->segment;
	uint16_t status = NVME_SUCCESS;
	uint32_t done, at;

	for (done = 0; !status && done < segment.bytes; done += DESCRIPTOR) {
		struct descriptor d;

		at = done % (uint32_t)sizeof(n->list);
		if (!at) {
			uint32_t step = segment.bytes - done;

			if (step > sizeof(n->list))
				step = sizeof(n->list);
			status = fetch(n, req, segment.at + done, step);
			if (status)
				break;
		}
		d = read_descriptor(n->list + at);
		if (done + DESCRIPTOR == segment.bytes)
			status = use_last(n, w, &d, ret_more);
		else
			status = use_inner(n, w, &d);
	}
	return status;
}

/* Bits 1 and 0 of an opcode say which way its data goes. */
static bool is_to_memory(const struct nvme_request *req)
{
	return (req->sqe[0] & 3) == 2;
}

uint16_t ioas_nvme_gather_sgl(struct nvme *n, const struct nvme_request *req,
                              uint32_t bytes)
{
	const struct descriptor first = read_descriptor(req->sqe + 24);
	struct walk w = {.left = bytes, .to_memory = is_to_memory(req)};
	bool more = leads_on(&first);
	uint16_t status;

	status = more ? enter_segment(&w, &first) : add(n, &w, &first);
	while (!status && more)
		status = use_segment(n, req, &w, &more);
	if (!status && w.left)
		return NVME_SGL_LENGTH;
	return status;
}
