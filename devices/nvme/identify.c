/* SPDX-License-Identifier: MIT */
/*
 * Identify: what the controller and its namespace are. Fields that are not
 * set are 0, which says "not reported" or "not supported" in each of them.
 *
 * Source: NVM Express 1.4, 5.15 and figures 245, 247, 249.
 */
#include <string.h>

#include "nvme/nvme.h"

/* A field of a structure: where, how wide, what. */
struct field {
	uint16_t at;
	uint8_t bytes;
	uint32_t value;
};

static void set_fields(uint8_t *page, const struct field *field,
                       unsigned int count)
{
	for (; count--; field++)
		nvme_set(page + field->at, field->bytes, field->value);
}

#define COUNT(array) (unsigned int)(sizeof(array) / sizeof((array)[0]))

static const struct field controller[] = {
	{0, 2, 0x1b36},                 /* VID */
	{2, 2, 0x1af4},                 /* SSVID */
	{77, 1, NVME_MDTS},             /* MDTS */
	{80, 4, NVME_VERSION},          /* VER */
	{111, 1, 1},                    /* CNTRLTYPE: an I/O controller */
	{258, 1, 3},                    /* ACL: 4 */
	{259, 1, NVME_EVENTS - 1},      /* AERL */
	{260, 1, 1 | 1 << 1},           /* FRMW: one slot, read-only */
	{261, 1, 1 << 2},               /* LPA: offsets and long log pages */
	{262, 1, NVME_LOG_ENTRIES - 1}, /* ELPE */
	{512, 1, NVME_SQE_LG2 << 4 | NVME_SQE_LG2}, /* SQES */
	{513, 1, NVME_CQE_LG2 << 4 | NVME_CQE_LG2}, /* CQES */
	{516, 4, NVME_NAMESPACES},                  /* NN */
	/* ONCS: Dataset Management, Write Zeroes, Save and Select */
	{520, 2, 1 << 2 | 1 << 3 | 1 << 4},
	/* VWC: there is a cache; Flush takes NSID FFFFFFFFh */
	{525, 1, 1 | 3 << 1},
};

static void set_text(uint8_t *at, size_t bytes, const char *text)
{
	size_t length = strnlen(text, bytes);

	memset(at, ' ', bytes);
	memcpy(at, text, length);
}

static uint64_t mix(const char *text, uint64_t h)
{
	for (; *text; text++) {
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
	}
	return h;
}

#define UUID_BYTES 16

/* From the serial number; version 8 says that the maker chose how. */
static void make_uuid(const struct nvme *n, uint8_t *uuid)
{
	nvme_set(uuid, 8, mix(n->serial, UINT64_C(0xcbf29ce484222325)));
	nvme_set(uuid + 8, 8, mix(n->serial, UINT64_C(0x9e3779b97f4a7c15)));
	uuid[6] = (uuid[6] & 0x0f) | 0x80;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

/* "nqn.2014-08.org.nvmexpress:uuid:" and the UUID, 7.9. */
static void set_subsystem_name(const struct nvme *n, uint8_t *at)
{
	static const char prefix[] = "nqn.2014-08.org.nvmexpress:uuid:";
	static const char digits[] = "0123456789abcdef";
	uint8_t uuid[UUID_BYTES];
	unsigned int i;

	make_uuid(n, uuid);
	memcpy(at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	for (i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = (uint8_t)digits[uuid[i] >> 4];
		*at++ = (uint8_t)digits[uuid[i] & 15];
	}
}

static uint16_t identify_controller(struct nvme *n, uint32_t nsid)
{
	set_fields(n->page, controller, COUNT(controller));
	set_text(n->page + 4, 20, n->serial);
	set_text(n->page + 24, 40, "ioas NVMe");
	set_text(n->page + 64, 8, NVME_FIRMWARE);
	set_subsystem_name(n, n->page + 768);
	return NVME_SUCCESS;
}

/*
 * NCAP and NUSE are NSZE: the controller does not offer thin provisioning,
 * though the file may have holes.
 */
static uint16_t identify_namespace(struct nvme *n, uint32_t nsid)
{
	/* DLFEAT: freed blocks read as zeros, also by Write Zeroes */
	static const struct field fields[] = {
		{33, 1, 1 | 1 << 3},
		{128 + 2, 1, NVME_BLOCK_LG2}, /* LBAF0.LBADS */
	};

	if (nsid != NVME_NAMESPACES)
		return NVME_INVALID_NAMESPACE;
	nvme_set(n->page, 8, n->blocks);
	nvme_set(n->page + 8, 8, n->blocks);
	nvme_set(n->page + 16, 8, n->blocks);
	set_fields(n->page, fields, COUNT(fields));
	return NVME_SUCCESS;
}

/* Those above the one given. */
static uint16_t list_namespaces(struct nvme *n, uint32_t nsid)
{
	if (nsid >= NVME_NSID_ALL - 1)
		return NVME_INVALID_NAMESPACE;
	if (nsid < NVME_NAMESPACES)
		nvme_set(n->page, 4, NVME_NAMESPACES);
	return NVME_SUCCESS;
}

static uint16_t describe_namespace(struct nvme *n, uint32_t nsid)
{
	const uint8_t type_uuid = 3;

	if (nsid != NVME_NAMESPACES)
		return NVME_INVALID_NAMESPACE;
	n->page[0] = type_uuid;
	n->page[1] = UUID_BYTES;
	make_uuid(n, n->page + 4);
	return NVME_SUCCESS;
}

/* By CNS. The others belong to what Identify does not offer. */
static uint16_t (*const structures[])(struct nvme *n, uint32_t nsid) = {
	identify_namespace,
	identify_controller,
	list_namespaces,
	describe_namespace,
};

uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_request *req)
{
	const uint8_t cns = (uint8_t)nvme_dword(req, 10);
	uint16_t status;

	if (cns >= COUNT(structures))
		return NVME_INVALID_FIELD;
	memset(n->page, 0, sizeof(n->page));
	status = structures[cns](n, nvme_nsid(req));
	if (status)
		return status;
	return ioas_nvme_put(n, req, n->page, sizeof(n->page), sizeof(n->page));
}
