/* SPDX-License-Identifier: MIT */
/*
 * Get Log Page: the errors, the health and the firmware. They say what is so:
 * there is no sensor, no wear and no clock, and the fields about those hold
 * what a new device in a warm room would say.
 *
 * Source: NVM Express 1.4, 5.14.1, figures 194 to 196.
 */
#include <string.h>

#include "nvme/nvme.h"

#define ERROR_BYTES  64
#define HEALTH_BYTES 512
#define SLOT_BYTES   512

_Static_assert(NVME_LOG_ENTRIES *ERROR_BYTES <= NVME_IDENTIFY, "a page");

void ioas_nvme_log_error(struct nvme *n, const struct nvme_request *req,
                         uint16_t status)
{
	struct nvme_error *e = &n->error[n->health.errors % NVME_LOG_ENTRIES];
	const bool is_io = req->issuer.queue > 0;

	*e = (struct nvme_error){
		.count = ++n->health.errors,
		.lba = is_io ? nvme_qword(req, 10) : 0,
		.nsid = nvme_nsid(req),
		.queue = (uint16_t)req->issuer.queue,
		.cid = req->cid,
		.status = status | NVME_MORE,
	};
	if (status == NVME_READ_ERROR || status == NVME_WRITE_FAULT)
		n->health.media_errors++;
}

/* Newest first. */
static uint32_t error_log(struct nvme *n, uint8_t *page)
{
	uint64_t i;

	for (i = 0; i < NVME_LOG_ENTRIES && i < n->health.errors; i++) {
		const uint64_t at = n->health.errors - 1 - i;
		const struct nvme_error *e = &n->error[at % NVME_LOG_ENTRIES];
		uint8_t *entry = page + i * ERROR_BYTES;

		nvme_set(entry, 8, e->count);
		nvme_set(entry + 8, 2, e->queue);
		nvme_set(entry + 10, 2, e->cid);
		nvme_set(entry + 12, 2, (unsigned int)e->status << 1);
		nvme_set(entry + 14, 2, 0xffff); /* no one parameter */
		nvme_set(entry + 16, 8, e->lba);
		nvme_set(entry + 24, 4, e->nsid);
	}
	return NVME_LOG_ENTRIES * ERROR_BYTES;
}

/* Thousands of 512 bytes, rounded up. */
static uint64_t data_units(uint64_t blocks)
{
	return blocks / 1000 + (blocks % 1000 != 0);
}

static uint32_t health_log(struct nvme *n, uint8_t *page)
{
	const struct nvme_health *h = &n->health;

	nvme_set(page, 1, ioas_nvme_temperature_alarm(n) ? 1 << 1 : 0);
	nvme_set(page + 1, 2, NVME_KELVIN);
	nvme_set(page + 3, 1, 100); /* available spare, percent */
	nvme_set(page + 4, 1, 10);  /* its threshold */
	nvme_set(page + 32, 8, data_units(h->read_blocks));
	nvme_set(page + 48, 8, data_units(h->written_blocks));
	nvme_set(page + 64, 8, h->read_commands);
	nvme_set(page + 80, 8, h->write_commands);
	nvme_set(page + 112, 8, 1); /* power cycles */
	nvme_set(page + 160, 8, h->media_errors);
	nvme_set(page + 176, 8, h->errors);
	return HEALTH_BYTES;
}

static uint32_t firmware_log(struct nvme *n, uint8_t *page)
{
	page[0] = 1; /* slot 1 runs */
	memcpy(page + 8, NVME_FIRMWARE, 8);
	return SLOT_BYTES;
}

/* By log page identifier. Each returns the bytes of the log. */
static uint32_t (*const logs[])(struct nvme *n, uint8_t *page) = {
	[1] = error_log,
	[2] = health_log,
	[3] = firmware_log,
};

/* Dwords to send, from dwords 10 and 11; 0's based. */
static uint64_t wanted_bytes(const struct nvme_request *req)
{
	const uint64_t dwords = nvme_dword(req, 10) >> 16 |
	                        (uint64_t)(nvme_dword(req, 11) & 0xffff) << 16;

	return (dwords + 1) * 4;
}

uint16_t ioas_nvme_get_log_page(struct nvme *n, struct nvme_request *req)
{
	const uint8_t id = (uint8_t)nvme_dword(req, 10);
	const uint64_t offset = nvme_qword(req, 12), wanted = wanted_bytes(req);
	const uint32_t nsid = nvme_nsid(req);
	uint32_t bytes;

	if (id >= sizeof(logs) / sizeof(logs[0]) || !logs[id])
		return NVME_LOG_PAGE;
	if ((nsid && nsid != NVME_NSID_ALL) || wanted > NVME_TRANSFER_MAX)
		return NVME_INVALID_FIELD;
	memset(n->page, 0, sizeof(n->page));
	bytes = logs[id](n, n->page);
	if (offset % 4 || offset > bytes)
		return NVME_INVALID_FIELD;
	bytes -= (uint32_t)offset;
	if (bytes > wanted)
		bytes = (uint32_t)wanted;
	return ioas_nvme_put(n, req, n->page + offset, bytes, (uint32_t)wanted);
}
