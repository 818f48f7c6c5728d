/* SPDX-License-Identifier: MIT */
/*
 * The controller: its registers, and how it is switched on and off.
 *
 *	power-on --CC.EN=1--> ready --CC.EN=0--> as at power-on, but AQA, ASQ
 *	                      |                  and ACQ keep their values
 *	                      |--CC.SHN--> shut down: doorbells do nothing
 *	                      '--error--> CSTS.CFS: doorbells do nothing
 *
 * Enabling with settings that the capabilities do not offer ends in CSTS.CFS,
 * so that a driver sees an error and not a controller that never gets ready.
 *
 * Accesses are of 4 bytes, or of 8 to two neighbours; a load may also be
 * smaller or lie anywhere. The specification leaves other stores undefined
 * (3.1): they do nothing.
 *
 * Source: NVM Express 1.4, 3.1 (registers), 7.3.2 (resets), 7.6.2 (shutdown).
 */
#include <errno.h>
#include <string.h>

#include "models.h"
#include "nvme/nvme.h"

#define CC_EN      (1u << 0)
#define CC_CSS     (7u << 4)
#define CC_MPS     (15u << 7)
#define CC_AMS     (7u << 11)
#define CC_SHN     (3u << 14)
#define CC_SHN_LOW 14
#define CC_MASK    0x00fffff1u

#define SHN_NORMAL 1
#define SHN_ABRUPT 2

#define AQA_MASK 0x0fff0fffu

static uint32_t *reg(struct nvme *n, enum nvme_register at)
{
	return &n->reg[at / 4];
}

static uint64_t reg64(const struct nvme *n, enum nvme_register at)
{
	return n->reg[at / 4] | (uint64_t)n->reg[at / 4 + 1] << 32;
}

static uint64_t capabilities(void)
{
	return (NVME_IO_ENTRIES - 1) |
	       UINT64_C(1) << 16 |  /* CQR: queues are contiguous */
	       UINT64_C(20) << 24 | /* TO: ready within 10 s */
	       UINT64_C(1) << 37 |  /* CSS: the NVM command set */
	       (uint64_t)(NVME_PAGE_LG2_MIN - 12) << 48 |
	       (uint64_t)(NVME_PAGE_LG2_MAX - 12) << 52;
}

/* Everything but what belongs to the medium, and AQA, ASQ, ACQ. */
static void controller_reset(struct nvme *n)
{
	const uint64_t cap = capabilities();

	memset(n->sq, 0, sizeof(n->sq));
	memset(n->cq, 0, sizeof(n->cq));
	memset(n->reg, 0, NVME_AQA);
	*reg(n, NVME_CAP) = (uint32_t)cap;
	n->reg[NVME_CAP / 4 + 1] = (uint32_t)(cap >> 32);
	*reg(n, NVME_VS) = NVME_VERSION;
	n->events_held = 0;
	ioas_nvme_features_default(n);
}

static void power_on(void *state)
{
	struct nvme *n = state;

	memset(n->reg, 0, sizeof(n->reg));
	controller_reset(n);
}

/* An error that no completion can tell. */
void ioas_nvme_fatal(struct nvme *n)
{
	*reg(n, NVME_CSTS) |= NVME_CSTS_CFS;
}

static bool settings_are_valid(const struct nvme *n, uint32_t cc)
{
	uint32_t aqa = n->reg[NVME_AQA / 4];
	unsigned int lg2 =
		NVME_PAGE_LG2_MIN + (cc & CC_MPS) / (CC_MPS & -CC_MPS);
	uint64_t addresses = reg64(n, NVME_ASQ) | reg64(n, NVME_ACQ);

	return !(cc & (CC_CSS | CC_AMS)) && lg2 <= NVME_PAGE_LG2_MAX &&
	       !(addresses & ((UINT64_C(1) << lg2) - 1)) && (aqa & 0xfff) &&
	       aqa >> 16;
}

static void start(struct nvme *n, uint32_t cc)
{
	uint32_t aqa = *reg(n, NVME_AQA);

	*reg(n, NVME_CSTS) &= ~(uint32_t)NVME_CSTS_SHST;
	if (!settings_are_valid(n, cc)) {
		ioas_nvme_fatal(n);
		return;
	}
	n->page_lg2 = NVME_PAGE_LG2_MIN + (cc & CC_MPS) / (CC_MPS & -CC_MPS);
	n->sq[0] = (struct nvme_sq){.base = reg64(n, NVME_ASQ),
	                            .entries = (aqa & 0xfff) + 1};
	n->cq[0] = (struct nvme_cq){.base = reg64(n, NVME_ACQ),
	                            .entries = (aqa >> 16) + 1,
	                            .phase = true,
	                            .interrupts = true,
	                            .users = 1};
	*reg(n, NVME_CSTS) |= NVME_CSTS_RDY;
}

/* No command is in flight here: a normal shutdown is a flush. */
static void shut_down(struct nvme *n, unsigned int how)
{
	if (how != SHN_NORMAL && how != SHN_ABRUPT)
		return;
	if (how == SHN_NORMAL && ioas_store_flush(n->store))
		ioas_nvme_fatal(n);
	*reg(n, NVME_CSTS) |= NVME_CSTS_SHST_COMPLETE;
}

static void store_cc(struct nvme *n, uint32_t value)
{
	uint32_t old = *reg(n, NVME_CC);

	if ((old & CC_EN) && !(value & CC_EN)) {
		controller_reset(n);
		return;
	}
	*reg(n, NVME_CC) = value & CC_MASK;
	if (!(old & CC_EN) && (value & CC_EN))
		start(n, value);
	if (!(old & CC_SHN) && (value & CC_SHN))
		shut_down(n, (value & CC_SHN) >> CC_SHN_LOW);
}

/* Masks matter to pin and MSI interrupts alone, 7.5.1; they are kept. */
static void store_intms(struct nvme *n, uint32_t value)
{
	*reg(n, NVME_INTMS) |= value;
	*reg(n, NVME_INTMC) = *reg(n, NVME_INTMS);
}

static void store_intmc(struct nvme *n, uint32_t value)
{
	*reg(n, NVME_INTMS) &= ~value;
	*reg(n, NVME_INTMC) = *reg(n, NVME_INTMS);
}

/* Registers that can be written: by a function, or these bits of it. */
static const struct {
	uint16_t at;
	uint32_t mask;
	void (*store)(struct nvme *n, uint32_t value);
} writable[] = {
	{NVME_INTMS, 0, store_intms}, {NVME_INTMC, 0, store_intmc},
	{NVME_CC, 0, store_cc},       {NVME_AQA, AQA_MASK, NULL},
	{NVME_ASQ, 0xfffff000, NULL}, {NVME_ASQ + 4, 0xffffffff, NULL},
	{NVME_ACQ, 0xfffff000, NULL}, {NVME_ACQ + 4, 0xffffffff, NULL},
};

static void store_register(struct nvme *n, uint64_t at, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
		if (writable[i].at != at)
			continue;
		if (writable[i].store)
			writable[i].store(n, value);
		else
			n->reg[at / 4] = value & writable[i].mask;
	}
}

static bool is_working(const struct nvme *n)
{
	const uint32_t all = NVME_CSTS_RDY | NVME_CSTS_CFS | NVME_CSTS_SHST;

	return (n->reg[NVME_CSTS / 4] & all) == NVME_CSTS_RDY;
}

static void store32(struct nvme *n, uint64_t at, uint32_t value)
{
	if (at < NVME_DOORBELLS)
		store_register(n, at, value);
	else if (is_working(n))
		ioas_nvme_doorbell(n, at - NVME_DOORBELLS, value);
}

static void bar_store(void *state, unsigned int bar, uint64_t offset,
                      unsigned int size, uint64_t value)
{
	if (size < 4 || offset % size)
		return;
	store32(state, offset, (uint32_t)value);
	if (size == 8)
		store32(state, offset + 4, (uint32_t)(value >> 32));
}

/* Doorbells cannot be read back, 3.1.24: they and the rest are 0. */
static uint64_t bar_load(void *state, unsigned int bar, uint64_t offset,
                         unsigned int size)
{
	const struct nvme *n = state;
	uint64_t value = 0, at;

	while (size--) {
		at = offset + size;
		value <<= 8;
		if (at < NVME_REGISTERS_END)
			value |= n->reg[at / 4] >> 8 * (at % 4) & 0xff;
	}
	return value;
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

static int set_up(struct nvme *n, const char *path)
{
	int err = read_serial(n->dev, n->serial, path);

	if (err)
		return err;
	err = ioas_store_open(n->dev, path, &n->store);
	if (err)
		return err;
	n->blocks = ioas_store_size(n->store) >> NVME_BLOCK_LG2;
	if (!n->blocks) {
		ioas_device_fail(n->dev,
		                 "%s is smaller than one block of %d "
		                 "bytes",
		                 path, 1 << NVME_BLOCK_LG2);
		ioas_store_close(n->store);
		return -EINVAL;
	}
	return 0;
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
	power_on(n);
	*ret_state = n;
	return 0;
}

static void nvme_destroy(void *state)
{
	struct nvme *n = state;

	ioas_store_close(n->store);
	ioas_device_free(n, sizeof(*n));
}

static const struct ioas_model_key keys[] = {
	{"file", "PATH", "file or block device that holds the blocks; locked"},
	{"size", "SIZE", "RAM of SIZE bytes instead of a file"},
	{"serial", "TEXT", "serial number, 1 to 20 ASCII characters"},
	{NULL, NULL, NULL},
};

const struct ioas_model ioas_nvme_model = {
	.name = "nvme",
	.summary = "NVM Express 1.4 controller, one namespace of 512-byte "
		   "blocks",
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
			.pcie = true,
		},
	.create = nvme_create,
	.destroy = nvme_destroy,
	.reset = power_on,
	.load = bar_load,
	.store = bar_store,
};
