/* SPDX-License-Identifier: MIT */
/* What the engine looks like on the bus, and its life. */
#include "ioat/ioat.h"

/* Every error that there is may be cleared; none has been masked. */
static const struct ioas_config_register config[] = {
	{IOAT_CONFIG_DMAUNCERRSTS, 0, 0, UINT32_MAX},
	{IOAT_CONFIG_CHANERR, 0, 0, UINT32_MAX},
	{IOAT_CONFIG_CHANERRMASK, 0, UINT32_MAX, 0},
	{0, 0, 0, 0},
};

static int ioat_describe(struct ioas_device *dev,
                         struct ioas_function_desc *desc)
{
	struct ioat_identity identity;
	int err = ioat_identify(dev, &identity);

	if (!err)
		desc->device = identity.device;
	return err;
}

/* Power-on. */
static void ioat_reset(void *state)
{
	struct ioat *e = state;

	*e = (struct ioat){
		.dev = e->dev, .identity = e->identity, .state = IOAT_HALTED};
}

static int ioat_create(struct ioas_device *dev, void **ret_state)
{
	struct ioat_identity identity;
	struct ioat *e;
	int err = ioat_identify(dev, &identity);

	if (!err)
		err = ioas_device_alloc(dev, sizeof(*e), ret_state);
	if (err)
		return err;
	e = *ret_state;
	e->dev = dev;
	e->identity = identity;
	ioat_reset(e);
	return 0;
}

static void ioat_destroy(void *state)
{
	ioas_device_free(state, sizeof(struct ioat));
}

static const struct ioas_model_key keys[] = {
	{"id", "VENDOR:DEVICE", "which engine it is (8086:2021)"},
	{"version", "3.2|3.3|3.4", "of its registers (as the engine has it)"},
	{"xfercap", "SIZE", "largest transfer of a descriptor (1M)"},
	{"recovery", "TIME", "before it works again after an error (0)"},
	{NULL, NULL, NULL},
};

const struct ioas_model ioas_ioat_model = {
	.name = "ioat",
	.summary = "Intel I/OAT DMA engine: copies and fills, MSI-X",
	.keys = keys,
	.function =
		{
			.vendor = 0x8086,
			.device = 0x2021,
			.subsystem_vendor = 0x8086,
			.subsystem_device = 0,
			.class_code = 0x088000,
			.revision = 4,
			.bar = {[0] = {.size = 0x4000, .is_64bit = true}},
			.msix_vectors = 1,
			.msix_bar = 0,
			.msix_table = 0x2000,
			.msix_pba = 0x3000,
			.pcie = true,
			.vfs_max = 32,
			.config = config,
		},
	.describe = ioat_describe,
	.create = ioat_create,
	.destroy = ioat_destroy,
	.reset = ioat_reset,
	.load = ioat_load,
	.store = ioat_store,
	.work = ioat_engine_work,
	.doorbells = {.bar = 0,
                      .offset = IOAT_DMACOUNT,
                      .bytes = 2,
                      .width = 2},
};
