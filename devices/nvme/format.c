/* SPDX-License-Identifier: MIT */
/*
 * Format NVM: another size of the blocks, and nothing of what was there.
 *
 * Every format leaves zeros, because no data of before may come back (5.23).
 * A format without secure erase gives the room back to the file system when it
 * can; one that erases user data writes. Cryptographic erase is not offered.
 *
 * The size of blocks is not written down anywhere: when the device is made
 * again, its options decide.
 *
 * Source: NVM Express 1.4, 5.23.
 */
#include <errno.h>

#include "nvme/nvme.h"

/* Dword 10 */
#define FORMAT(dword)     ((dword)&15)
#define PROTECTION(dword) ((dword) >> 5 & 7)
#define ERASE(dword)      ((dword) >> 9 & 7)

enum erase {
	ERASE_NONE,
	ERASE_USER_DATA,
};

static const uint8_t block_lg2[] = {NVME_BLOCK_LG2_MIN, NVME_BLOCK_LG2_MAX};

#define FORMATS (sizeof(block_lg2) / sizeof(block_lg2[0]))

int ioas_nvme_set_block_size(struct nvme_namespace *ns, unsigned int lg2)
{
	const uint64_t blocks = ioas_store_size(ns->store) >> lg2;

	if (!blocks)
		return -EINVAL;
	ns->block_lg2 = lg2;
	ns->blocks = blocks;
	return 0;
}

static bool may_have(const struct nvme_namespace *ns, unsigned int lg2)
{
	return ioas_store_size(ns->store) >> lg2;
}

static uint16_t check(const struct nvme_namespace *ns, uint32_t dword)
{
	if (ERASE(dword) > ERASE_USER_DATA)
		return NVME_INVALID_FIELD;
	if (FORMAT(dword) >= FORMATS || PROTECTION(dword) ||
	    !may_have(ns, block_lg2[FORMAT(dword)]))
		return NVME_INVALID_FORMAT;
	return NVME_SUCCESS;
}

static uint16_t format(struct nvme *n, struct nvme_namespace *ns,
                       uint32_t dword)
{
	const unsigned int lg2 = block_lg2[FORMAT(dword)];
	const bool discard = ERASE(dword) == ERASE_NONE;
	const bool differs = ns->block_lg2 != lg2;
	int err;

	/* More blocks of the smallest size fit than of any other. */
	err = ioas_store_zero(ns->store, 0,
	                      ioas_store_size(ns->store) >>
	                              NVME_BLOCK_LG2_MIN << NVME_BLOCK_LG2_MIN,
	                      discard);
	if (!err)
		err = ioas_store_flush(ns->store);
	if (!err)
		err = ioas_nvme_set_block_size(ns, lg2);
	if (err)
		return ioas_nvme_status_of(err, true);
	ns->marks = 0;
	if (!differs)
		return NVME_SUCCESS;
	ns->changed = true;
	if (ioas_nvme_wants_notice(n))
		ioas_nvme_raise(n, NVME_EVENT_NAMESPACE);
	return NVME_SUCCESS;
}

/* All are looked at before the first is touched. */
static uint16_t for_each(struct nvme *n, struct nvme_request *req, bool touch)
{
	const uint32_t dword = nvme_dword(req, 10);
	uint16_t status = NVME_SUCCESS;
	unsigned int i;

	for (i = 0; !status && i < n->namespaces; i++) {
		struct nvme_namespace *ns = &n->ns[i];

		if (!ns->store || (req->ns && req->ns != ns))
			continue;
		status = touch ? format(n, ns, dword) : check(ns, dword);
	}
	return status;
}

uint16_t ioas_nvme_format(struct nvme *n, struct nvme_request *req)
{
	uint16_t status = for_each(n, req, false);

	return status ? status : for_each(n, req, true);
}
