/* SPDX-License-Identifier: MIT */
/*
 * PRP entries: where a command's data is. Two of them in the command, or the
 * second points to a list, whose last entry in a page points on to the next
 * list.
 *
 *	PRP1 --> |   ....|   begins anywhere in a page, ends with the page
 *	PRP2 --> |.......|   a page, or:
 *	     --> list: page, page, ..., next list
 *
 * A page here is the controller's (CC.MPS), not the program's. Every entry but
 * PRP1 names the start of a page; a list begins at a multiple of 8.
 *
 * Source: NVM Express 1.4, 4.3.
 */
#include <string.h>

#include "nvme/nvme.h"

#define ENTRY 8

static uint32_t page_bytes(const struct nvme *n)
{
	return 1u << n->page_lg2;
}

static uint32_t offset_in_page(const struct nvme *n, uint64_t prp)
{
	return (uint32_t)prp & (page_bytes(n) - 1);
}

static void add(struct nvme *n, uint64_t iova, uint32_t bytes)
{
	n->piece[n->pieces++] = (struct nvme_piece){iova, bytes, false};
}

/* A page of the data. Return: how much is left after it. */
static uint32_t add_page(struct nvme *n, uint64_t prp, uint32_t left)
{
	uint32_t bytes = left < page_bytes(n) ? left : page_bytes(n);

	add(n, prp, bytes);
	return left - bytes;
}

static uint32_t pages_for(const struct nvme *n, uint32_t bytes)
{
	return (bytes + page_bytes(n) - 1) >> n->page_lg2;
}

/* One page of a list. */
struct list {
	uint64_t at;      /* where it begins; then where the next one does */
	uint32_t entries; /* of data */
	bool more;        /* another list follows */
};

static void measure(const struct nvme *n, struct list *list, uint32_t left)
{
	uint32_t wanted = pages_for(n, left);
	uint32_t room = (page_bytes(n) - offset_in_page(n, list->at)) / ENTRY;

	list->more = wanted > room;
	list->entries = list->more ? room - 1 : wanted;
}

/* The entries of one list page have been fetched: use them. */
static uint16_t use_list(struct nvme *n, struct list *list, uint32_t *left)
{
	const uint8_t *entry = n->list;
	uint32_t i;
	uint64_t prp;

	for (i = 0; i < list->entries; i++, entry += ENTRY) {
		prp = nvme_get(entry, ENTRY);
		if (offset_in_page(n, prp))
			return NVME_PRP_OFFSET;
		*left = add_page(n, prp, *left);
	}
	list->at = nvme_get(entry, ENTRY);
	return NVME_SUCCESS;
}

static uint16_t fetch_list(struct nvme *n, const struct nvme_request *req,
                           const struct list *list)
{
	struct ioas_issuer issuer = req->issuer;

	issuer.role = "PRP list";
	if (ioas_dma_read(n->dev, list->at, n->list,
	                  (list->entries + list->more) * ENTRY, &issuer))
		return NVME_DATA_TRANSFER;
	return NVME_SUCCESS;
}

/*
 * A first list may begin with its last entry; one that follows and does so
 * again would let a program send us round in circles, and is refused.
 */
static uint16_t gather_list(struct nvme *n, const struct nvme_request *req,
                            uint64_t prp2, uint32_t left)
{
	struct list list = {.at = prp2};
	bool first = true;
	uint16_t status;

	for (; left; first = false) {
		if (list.at % ENTRY)
			return NVME_PRP_OFFSET;
		measure(n, &list, left);
		if (!list.entries && !first)
			return NVME_PRP_OFFSET;
		status = fetch_list(n, req, &list);
		if (!status)
			status = use_list(n, &list, &left);
		if (status)
			return status;
	}
	return NVME_SUCCESS;
}

uint16_t ioas_nvme_gather_prp(struct nvme *n, const struct nvme_request *req,
                              uint32_t bytes)
{
	const uint64_t prp1 = nvme_qword(req, 6), prp2 = nvme_qword(req, 8);
	uint32_t first = page_bytes(n) - offset_in_page(n, prp1);

	if (prp1 % 4)
		return NVME_PRP_OFFSET;
	if (first > bytes)
		first = bytes;
	add(n, prp1, first);
	bytes -= first;
	if (!bytes)
		return NVME_SUCCESS;
	if (bytes > page_bytes(n))
		return gather_list(n, req, prp2, bytes);
	if (offset_in_page(n, prp2))
		return NVME_PRP_OFFSET;
	add(n, prp2, bytes);
	return NVME_SUCCESS;
}
