/* SPDX-License-Identifier: MIT */
/*
 * The options of a controller, and the model.
 *
 * Each namespace has three: the file, memory in place of one (`ioas run` makes
 * that and gives its path), and the size of a block. Those of the first have
 * no number. A number may be left out: that namespace is not active then.
 */
#include <errno.h>
#include <string.h>

#include "models.h"
#include "nvme/nvme.h"

/* The options of namespace i + 1. */
static const struct {
	const char *file, *size, *blocks;
} namespace_keys[] = {
	{"file", "size", "blocks"},
	{"file2", "size2", "blocks2"},
	{"file3", "size3", "blocks3"},
	{"file4", "size4", "blocks4"},
};

_Static_assert(sizeof(namespace_keys) / sizeof(namespace_keys[0]) ==
                       NVME_NAMESPACES,
               "options for each namespace");

/* NULL: there is none, or it is not active. */
struct nvme_namespace *ioas_nvme_namespace(struct nvme *n, uint32_t nsid)
{
	if (!nsid || nsid > n->namespaces || !n->ns[nsid - 1].store)
		return NULL;
	return &n->ns[nsid - 1];
}

uint32_t ioas_nvme_nsid_of(const struct nvme *n,
                           const struct nvme_namespace *ns)
{
	return (uint32_t)(ns - n->ns) + 1;
}

static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return h;
}

/* Without one given: the same for the same file, so that names stay. */
static void serial_from_path(char *serial, const char *path)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t h = hash(path);
	unsigned int i;

	memcpy(serial, "IOAS", 4);
	for (i = 4; i < 20; i++, h >>= 4)
		serial[i] = digits[h & 15];
}

static int read_serial(struct ioas_device *dev, char *serial, const char *path)
{
	const char *text = ioas_device_option(dev, "serial");
	size_t length = text ? strlen(text) : 0;
	size_t i;

	for (i = 0; i < length && text[i] >= 0x20 && text[i] < 0x7f; i++)
		;
	if (text && (!length || length > 20 || i != length)) {
		ioas_device_fail(dev,
		                 "serial=%s: give 1 to 20 printable ASCII "
		                 "characters",
		                 text);
		return -EINVAL;
	}
	if (text)
		memcpy(serial, text, length);
	else
		serial_from_path(serial, path);
	return 0;
}

/* Without one given, @lg2 stays. */
static int read_block_size(struct ioas_device *dev, const char *key,
                           unsigned int *lg2)
{
	uint64_t bytes = UINT64_C(1) << *lg2;
	int err = ioas_device_option_size(dev, key, &bytes);

	if (err)
		return err;
	if (bytes != 1u << NVME_BLOCK_LG2_MIN &&
	    bytes != 1u << NVME_BLOCK_LG2_MAX) {
		ioas_device_fail(dev,
		                 "%s=%s: a block has 512 or 4096 bytes; give "
		                 "one of them",
		                 key, ioas_device_option(dev, key));
		return -EINVAL;
	}
	*lg2 = bytes == 1u << NVME_BLOCK_LG2_MIN ? NVME_BLOCK_LG2_MIN
	                                         : NVME_BLOCK_LG2_MAX;
	return 0;
}

/* Of memory the size is what the user wrote, not the path. */
static int too_small(struct nvme *n, unsigned int i, const char *path,
                     unsigned int block)
{
	const char *size = ioas_device_option(n->dev, namespace_keys[i].size);

	ioas_device_fail(n->dev,
	                 "%s%s%s is smaller than one block of %u bytes; give "
	                 "it %u bytes or more",
	                 size ? namespace_keys[i].size : "", size ? "=" : "",
	                 size ? size : path, block, block);
	return -EINVAL;
}

static int open_namespace(struct nvme *n, unsigned int i, const char *path,
                          unsigned int lg2)
{
	struct nvme_namespace *ns = &n->ns[i];
	int err = ioas_store_open(n->dev, path, &ns->store);

	if (err)
		return err;
	if (ioas_nvme_set_block_size(ns, lg2))
		return too_small(n, i, path, 1u << lg2);
	return 0;
}

static int check_unused(struct ioas_device *dev, const char *blocks,
                        const char *file)
{
	if (!ioas_device_option(dev, blocks))
		return 0;
	ioas_device_fail(dev, "%s= needs a namespace: give %s= as well", blocks,
	                 file);
	return -EINVAL;
}

/* Blocks of all namespaces are like those of the first, unless told so. */
static int open_namespaces(struct nvme *n)
{
	unsigned int first = NVME_BLOCK_LG2_MIN, lg2, i;
	const char *path;
	int err;

	for (i = 0; i < NVME_NAMESPACES; i++) {
		path = ioas_device_option(n->dev, namespace_keys[i].file);
		lg2 = first;
		err = read_block_size(n->dev, namespace_keys[i].blocks, &lg2);
		if (!err && path)
			err = open_namespace(n, i, path, lg2);
		else if (!err)
			err = check_unused(n->dev, namespace_keys[i].blocks,
			                   namespace_keys[i].file);
		if (err)
			return err;
		if (path)
			n->namespaces = i + 1;
		if (i == 0)
			first = lg2;
	}
	return 0;
}

static void close_namespaces(struct nvme *n)
{
	unsigned int i;

	for (i = 0; i < NVME_NAMESPACES; i++)
		ioas_store_close(n->ns[i].store);
}

static int set_up(struct nvme *n, const char *path)
{
	int err = read_serial(n->dev, n->serial, path);

	if (err)
		return err;
	err = open_namespaces(n);
	if (err)
		close_namespaces(n);
	return err;
}

static int nvme_create(struct ioas_device *dev, void **ret_state)
{
	const char *path = ioas_device_option(dev, "file");
	struct nvme *n;
	void *memory;
	int err;

	if (!path) {
		ioas_device_fail(dev, "nvme needs file=PATH, a file or block "
		                      "device that holds its blocks");
		return -EINVAL;
	}
	err = ioas_device_alloc(dev, sizeof(*n), &memory);
	if (err)
		return err;
	n = memory;
	n->dev = dev;
	err = set_up(n, path);
	if (err) {
		ioas_device_free(n, sizeof(*n));
		return err;
	}
	ioas_nvme_reset(n);
	*ret_state = n;
	return 0;
}

static void nvme_destroy(void *state)
{
	struct nvme *n = state;

	close_namespaces(n);
	ioas_device_free(n, sizeof(*n));
}

static const struct ioas_model_key keys[] = {
	{"file", "PATH", "file or block device that holds the blocks; locked"},
	{"size", "SIZE", "RAM of SIZE bytes instead of a file"},
	{"blocks", "512|4096", "bytes of a block; 512 if not given"},
	{"file2", "PATH", "namespace 2, likewise"},
	{"size2", "SIZE", "RAM for namespace 2"},
	{"blocks2", "512|4096", "its blocks; as of namespace 1 if not given"},
	{"file3", "PATH", "namespace 3"},
	{"size3", "SIZE", "RAM for namespace 3"},
	{"blocks3", "512|4096", "its blocks"},
	{"file4", "PATH", "namespace 4"},
	{"size4", "SIZE", "RAM for namespace 4"},
	{"blocks4", "512|4096", "its blocks"},
	{"serial", "TEXT", "serial number, 1 to 20 ASCII characters"},
	{NULL, NULL, NULL},
};

const struct ioas_model ioas_nvme_model = {
	.name = "nvme",
	.summary = "NVM Express 1.4 controller, up to four namespaces",
	.keys = keys,
	.function =
		{
			.vendor = 0x1b36,
			.device = 0x0010,
			.subsystem_vendor = 0x1af4,
			.subsystem_device = 0x1100,
			.class_code = 0x010802,
			.revision = 2,
			.bar = {[0] = {.size = 0x4000, .is_64bit = true}},
			.msix_vectors = NVME_QUEUES,
			.msix_bar = 0,
			.msix_table = 0x2000,
			.msix_pba = 0x3000,
			.msi_vectors = 32,
			.intx = true,
			.pcie = true,
		},
	.create = nvme_create,
	.destroy = nvme_destroy,
	.reset = ioas_nvme_reset,
	.load = ioas_nvme_load,
	.store = ioas_nvme_store,
	/* The rest of the page is reserved for more of them, 3.1. */
	.doorbells = {.bar = 0,
                      .offset = NVME_DOORBELLS,
                      .bytes = 0x1000,
                      .width = 4},
};
