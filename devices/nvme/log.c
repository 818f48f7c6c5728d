/* SPDX-License-Identifier: MIT */
/*
 * Get Log Page: errors, health, firmware, which namespaces changed, and what
 * the commands do. They say what is so:
 * there is no sensor, no wear and no clock, and the fields about those hold
 * what a new device in a warm room would say.
 *
 * Source: NVM Express 1.4, 5.14.1.1 to 5.14.1.5.
 */
#include <string.h>

#include "nvme/nvme.h"

#define ERROR_BYTES  64
#define HEALTH_BYTES 512
#define SLOT_BYTES   512

_Static_assert(NVME_LOG_ENTRIES *ERROR_BYTES <= NVME_IDENTIFY, "a page");

static struct nvme_error *new_entry(struct nvme *n)
{
	return &n->error[n->health.errors++ % NVME_LOG_ENTRIES];
}

void ioas_nvme_log_error(struct nvme *n, const struct nvme_request *req,
                         uint16_t status)
{
	struct nvme_error *e = new_entry(n);
	const bool is_io = req->issuer.queue > 0;

	*e = (struct nvme_error){
		.count = n->health.errors,
		.lba = is_io ? nvme_qword(req, 10) : 0,
		.nsid = nvme_nsid(req),
		.queue = (uint16_t)req->issuer.queue,
		.cid = req->cid,
		.status = status | NVME_MORE,
	};
	if (status == NVME_READ_ERROR || status == NVME_WRITE_FAULT)
		n->health.media_errors++;
}

#define NO_ID 0xffff /* of a queue, of a command */

void ioas_nvme_log_misuse(struct nvme *n, uint16_t status)
{
	struct nvme_error *e = new_entry(n);

	*e = (struct nvme_error){
		.count = n->health.errors,
		.queue = NO_ID,
		.cid = NO_ID,
		.status = status,
	};
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

	nvme_set(page, 1, ioas_nvme_warnings(n));
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

#define CHANGED_BYTES 4096

static uint32_t changed_log(struct nvme *n, uint8_t *page)
{
	uint32_t i;

	for (i = 0; i < n->namespaces; i++) {
		if (!n->ns[i].changed)
			continue;
		nvme_set(page, 4, i + 1);
		page += 4;
	}
	return CHANGED_BYTES;
}

#define EFFECTS_BYTES 4096
#define EFFECTS_IO    1024 /* where I/O commands begin */

static void set_effects(uint8_t *at, const struct nvme_command *row)
{
	for (; row->name; row++)
		nvme_set(at + 4 * row->opcode, 4,
		         row->effects | NVME_EFFECT_RUNS);
}

static uint32_t effects_log(struct nvme *n, uint8_t *page)
{
	set_effects(page, ioas_nvme_admin_commands);
	set_effects(page + EFFECTS_IO, ioas_nvme_io_commands);
	return EFFECTS_BYTES;
}

/* By log page identifier. Each returns the bytes of the log. */
static uint32_t (*const logs[])(struct nvme *n, uint8_t *page) = {
	[1] = error_log,   [2] = health_log,  [3] = firmware_log,
	[4] = changed_log, [5] = effects_log,
};

#define CHANGED_LOG 4

/* What the program was told it need not be told again. */
static void was_read(struct nvme *n, uint8_t id)
{
	unsigned int i;

	ioas_nvme_log_was_read(n, id);
	for (i = 0; id == CHANGED_LOG && i < n->namespaces; i++)
		n->ns[i].changed = false;
}

/* Dwords to send, from dwords 10 and 11; 0's based. */
static uint64_t wanted_bytes(const struct nvme_request *req)
{
	const uint64_t dwords = nvme_dword(req, 10) >> 16 |
	                        (uint64_t)(nvme_dword(req, 11) & 0xffff) << 16;

	return (dwords + 1) * 4;
}

#define RETAIN_EVENT (1u << 15) /* RAE, of dword 10 */

static bool is_of_controller(const struct nvme_request *req)
{
	return !nvme_nsid(req) || nvme_nsid(req) == NVME_NSID_ALL;
}

uint16_t ioas_nvme_get_log_page(struct nvme *n, struct nvme_request *req)
{
	const uint8_t id = (uint8_t)nvme_dword(req, 10);
	const uint64_t offset = nvme_qword(req, 12), wanted = wanted_bytes(req);
	uint16_t status;
	uint32_t bytes;

	if (id >= sizeof(logs) / sizeof(logs[0]) || !logs[id])
		return NVME_LOG_PAGE;
	if (!is_of_controller(req) || wanted > NVME_TRANSFER_MAX)
		return NVME_INVALID_FIELD;
	memset(n->page, 0, sizeof(n->page));
	bytes = logs[id](n, n->page);
	if (offset % 4 || offset > bytes)
		return NVME_INVALID_FIELD;
	bytes -= (uint32_t)offset;
	if (bytes > wanted)
		bytes = (uint32_t)wanted;
	status = ioas_nvme_put(n, req, n->page + offset, bytes,
	                       (uint32_t)wanted);
	if (!status && !(nvme_dword(req, 10) & RETAIN_EVENT))
		was_read(n, id);
	return status;
}
