/* SPDX-License-Identifier: MIT */
/*
 * Identify: what the controller and its namespaces are. Fields that are not
 * set are 0, which says "not reported" or "not supported" in each of them.
 *
 * Namespace management is not offered, but the lists that belong to it tell
 * the truth: what is active is allocated, and attached to controller 0.
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
	{92, 4, 1 << 8},                /* OAES: namespace attributes */
	{256, 2, 1 << 1},               /* OACS: Format NVM */
	{258, 1, 3},                    /* ACL: 4 */
	{259, 1, NVME_EVENTS - 1},      /* AERL */
	{260, 1, 1 | 1 << 1},           /* FRMW: one slot, read-only */
	{261, 1, 1 << 1 | 1 << 2},      /* LPA: effects; long log pages */
	{262, 1, NVME_LOG_ENTRIES - 1}, /* ELPE */
	{266, 2, NVME_KELVIN_WARM},     /* WCTEMP */
	{268, 2, NVME_KELVIN_HOT},      /* CCTEMP */
	{512, 1, NVME_SQE_LG2 << 4 | NVME_SQE_LG2}, /* SQES */
	{513, 1, NVME_CQE_LG2 << 4 | NVME_CQE_LG2}, /* CQES */
	/*
	 * ONCS: Compare, Write Uncorrectable, Dataset Management, Write
	 * Zeroes, Save and Select, Verify
	 */
	{520, 2, 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7},
	/* VWC: there is a cache; Flush takes NSID FFFFFFFFh */
	{525, 1, 1 | 3 << 1},
	/* SGLS: any alignment; bit buckets; longer than the data */
	{536, 4, 1 | 1 << 16 | 1 << 18},
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

/*
 * From the serial number, the one of namespace 1 being that of the subsystem;
 * version 8 says that the maker chose how.
 */
static void make_uuid(const struct nvme *n, uint32_t nsid, uint8_t *uuid)
{
	nvme_set(uuid, 8, mix(n->serial, UINT64_C(0xcbf29ce484222325)));
	nvme_set(uuid + 8, 8, mix(n->serial, UINT64_C(0x9e3779b97f4a7c15)));
	uuid[6] = (uuid[6] & 0x0f) | 0x80;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	uuid[15] ^= (uint8_t)(nsid - 1);
}

/* "nqn.2014-08.org.nvmexpress:uuid:" and the UUID, 7.9. */
static void set_subsystem_name(const struct nvme *n, uint8_t *at)
{
	static const char prefix[] = "nqn.2014-08.org.nvmexpress:uuid:";
	static const char digits[] = "0123456789abcdef";
	uint8_t uuid[UUID_BYTES];
	unsigned int i;

	make_uuid(n, 1, uuid);
	memcpy(at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	for (i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = (uint8_t)digits[uuid[i] >> 4];
		*at++ = (uint8_t)digits[uuid[i] & 15];
	}
}

static uint16_t identify_controller(struct nvme *n, struct nvme_request *req)
{
	set_fields(n->page, controller, COUNT(controller));
	nvme_set(n->page + 516, 4, n->namespaces); /* NN */
	set_text(n->page + 4, 20, n->serial);
	set_text(n->page + 24, 40, "ioas NVMe");
	set_text(n->page + 64, 8, NVME_FIRMWARE);
	set_subsystem_name(n, n->page + 768);
	return NVME_SUCCESS;
}

/*
 * NCAP and NUSE are NSZE: the controller does not offer thin provisioning,
 * though the file may have holes. Of a namespace that is not active all is 0.
 */
static uint16_t identify_namespace(struct nvme *n, struct nvme_request *req)
{
	/* DLFEAT: freed blocks read as zeros, also by Write Zeroes */
	static const struct field fields[] = {
		{25, 1, 1}, /* NLBAF: two formats */
		{33, 1, 1 | 1 << 3},
		{128 + 2, 1, NVME_BLOCK_LG2_MIN}, /* LBAF0.LBADS */
		{132 + 2, 1, NVME_BLOCK_LG2_MAX}, /* LBAF1.LBADS */
	};
	const struct nvme_namespace *ns = req->ns;

	if (!nvme_nsid(req) || nvme_nsid(req) > n->namespaces)
		return NVME_INVALID_NAMESPACE;
	if (!ns)
		return NVME_SUCCESS;
	nvme_set(n->page, 8, ns->blocks);
	nvme_set(n->page + 8, 8, ns->blocks);
	nvme_set(n->page + 16, 8, ns->blocks);
	n->page[26] = ns->block_lg2 == NVME_BLOCK_LG2_MAX; /* FLBAS */
	set_fields(n->page, fields, COUNT(fields));
	return NVME_SUCCESS;
}

/* Those above the one given. */
static uint16_t list_namespaces(struct nvme *n, struct nvme_request *req)
{
	uint32_t nsid = nvme_nsid(req);
	uint8_t *at = n->page;

	if (nsid >= NVME_NSID_ALL - 1)
		return NVME_INVALID_NAMESPACE;
	while (++nsid <= n->namespaces) {
		if (!ioas_nvme_namespace(n, nsid))
			continue;
		nvme_set(at, 4, nsid);
		at += 4;
	}
	return NVME_SUCCESS;
}

static uint16_t describe_namespace(struct nvme *n, struct nvme_request *req)
{
	const uint8_t type_uuid = 3;
	uint16_t status = ioas_nvme_check_namespace(n, req, NVME_ONE);

	if (status)
		return status;
	n->page[0] = type_uuid;
	n->page[1] = UUID_BYTES;
	make_uuid(n, nvme_nsid(req), n->page + 4);
	return NVME_SUCCESS;
}

/* From the identifier in dword 10 on; there is controller 0. */
static uint16_t list_controllers(struct nvme *n, struct nvme_request *req)
{
	const uint16_t from = (uint16_t)(nvme_dword(req, 10) >> 16);

	nvme_set(n->page, 2, !from);
	return NVME_SUCCESS;
}

static uint16_t list_attached(struct nvme *n, struct nvme_request *req)
{
	if (!nvme_nsid(req) || nvme_nsid(req) > n->namespaces)
		return NVME_INVALID_NAMESPACE;
	return req->ns ? list_controllers(n, req) : NVME_SUCCESS;
}

/* By CNS. The others belong to what Identify does not offer. */
static uint16_t (*const structures[])(struct nvme *n,
                                      struct nvme_request *req) = {
	[0x00] = identify_namespace, [0x01] = identify_controller,
	[0x02] = list_namespaces,    [0x03] = describe_namespace,
	[0x10] = list_namespaces,    /* that are allocated */
	[0x11] = identify_namespace, /* likewise */
	[0x12] = list_attached,      [0x13] = list_controllers,
};

uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_request *req)
{
	const uint8_t cns = (uint8_t)nvme_dword(req, 10);
	uint16_t status;

	if (cns >= COUNT(structures) || !structures[cns])
		return NVME_INVALID_FIELD;
	memset(n->page, 0, sizeof(n->page));
	status = structures[cns](n, req);
	if (status)
		return status;
	return ioas_nvme_put(n, req, n->page, sizeof(n->page), sizeof(n->page));
}
