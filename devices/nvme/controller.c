/* SPDX-License-Identifier: MIT */
/*
 * The controller: its registers, and how it is switched on and off.
 *
 *	power-on --CC.EN=1--> ready --CC.EN=0--> as at power-on, but AQA, ASQ
 *	   ^                  |                  and ACQ keep their values
 *	   |                  |--CC.SHN--> shut down: doorbells do nothing
 *	   |                  '--error--> CSTS.CFS: doorbells do nothing
 *	   '--- function level reset; NSSR, which leaves CSTS.NSSRO behind
 *
 * Enabling with settings that the capabilities do not offer ends in CSTS.CFS,
 * so that a driver sees an error and not a controller that never gets ready.
 * CC.CSS, MPS and AMS cannot be changed while it is enabled: stores leave them
 * as they are.
 *
 * Accesses are of 4 bytes, or of 8 to two neighbours; a load may also be
 * smaller or lie anywhere. The specification leaves other stores undefined
 * (3.1): they do nothing.
 *
 * Source: NVM Express 1.4, 3.1 (registers), 7.3 (resets), 7.6 (start and
 * shutdown).
 */
#include <string.h>

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

#define CC_FIXED (CC_CSS | CC_MPS | CC_AMS) /* while enabled */

#define AQA_MASK 0x0fff0fffu

#define NSSR_MAGIC 0x4e564d65u /* "NVMe" */

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
	       UINT64_C(1) << 17 |  /* AMS: weighted round robin */
	       UINT64_C(20) << 24 | /* TO: ready within 10 s */
	       UINT64_C(1) << 36 |  /* NSSRS */
	       UINT64_C(1) << 37 |  /* CSS: the NVM command set */
	       (uint64_t)(NVME_PAGE_LG2_MIN - 12) << 48 |
	       (uint64_t)(NVME_PAGE_LG2_MAX - 12) << 52;
}

/* Everything but what belongs to the medium, and AQA, ASQ, ACQ. */
static void controller_reset(struct nvme *n)
{
	const uint64_t cap = capabilities();
	const uint32_t kept = *reg(n, NVME_CSTS) & NVME_CSTS_NSSRO;

	memset(n->sq, 0, sizeof(n->sq));
	memset(n->cq, 0, sizeof(n->cq));
	memset(&n->arbiter, 0, sizeof(n->arbiter));
	memset(&n->ready, 0, sizeof(n->ready));
	memset(&n->posted, 0, sizeof(n->posted));
	memset(&n->unread, 0, sizeof(n->unread));
	memset(n->reg, 0, NVME_AQA);
	*reg(n, NVME_CAP) = (uint32_t)cap;
	n->reg[NVME_CAP / 4 + 1] = (uint32_t)(cap >> 32);
	*reg(n, NVME_VS) = NVME_VERSION;
	*reg(n, NVME_CSTS) = kept;
	n->event_requests = 0;
	n->pending = n->masked = 0;
	n->warnings = 0;
	ioas_nvme_features_default(n);
	ioas_nvme_settle(n);
}

/* Power-on, and what vfio-pci does at the last close: all is as new. */
void ioas_nvme_reset(void *state)
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

	return !(cc & CC_CSS) && (cc & CC_AMS & ~NVME_CC_WRR) == 0 &&
	       lg2 <= NVME_PAGE_LG2_MAX &&
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
	ioas_nvme_arbiter_add(n, 0);
	*reg(n, NVME_CSTS) |= NVME_CSTS_RDY;
}

/* No command is in flight here: a normal shutdown is a flush. */
static void shut_down(struct nvme *n, unsigned int how)
{
	if (how != SHN_NORMAL && how != SHN_ABRUPT)
		return;
	if (how == SHN_NORMAL && ioas_nvme_flush_all(n))
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
	if (old & CC_EN)
		value = (value & ~CC_FIXED) | (old & CC_FIXED);
	*reg(n, NVME_CC) = value & CC_MASK;
	if (!(old & CC_EN) && (value & CC_EN))
		start(n, value);
	if (!(old & CC_SHN) && (value & CC_SHN))
		shut_down(n, (value & CC_SHN) >> CC_SHN_LOW);
}

/*
 * Masks are for the pin and for MSI. With MSI-X a program shall leave them
 * alone (3.1.3), so they need not know which of the three it uses.
 */
static void store_intms(struct nvme *n, uint32_t value)
{
	*reg(n, NVME_INTMS) |= value;
	*reg(n, NVME_INTMC) = *reg(n, NVME_INTMS);
	ioas_nvme_settle(n);
}

static void store_intmc(struct nvme *n, uint32_t value)
{
	const uint32_t opened = *reg(n, NVME_INTMS) & value;

	*reg(n, NVME_INTMS) &= ~value;
	*reg(n, NVME_INTMC) = *reg(n, NVME_INTMS);
	ioas_nvme_unmask(n, opened);
}

static void store_csts(struct nvme *n, uint32_t value)
{
	*reg(n, NVME_CSTS) &= ~(value & NVME_CSTS_NSSRO);
}

/*
 * The controller is the subsystem. A real one would leave the bus for a while
 * too and come back with its configuration space empty; here that stays.
 */
static void store_nssr(struct nvme *n, uint32_t value)
{
	if (value != NSSR_MAGIC)
		return;
	ioas_nvme_reset(n);
	*reg(n, NVME_CSTS) |= NVME_CSTS_NSSRO;
}

/* Registers that can be written: by a function, or these bits of it. */
static const struct {
	uint16_t at;
	uint32_t mask;
	void (*store)(struct nvme *n, uint32_t value);
} writable[] = {
	{NVME_INTMS, 0, store_intms}, {NVME_INTMC, 0, store_intmc},
	{NVME_CC, 0, store_cc},       {NVME_AQA, AQA_MASK, NULL},
	{NVME_CSTS, 0, store_csts},   {NVME_NSSR, 0, store_nssr},
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

void ioas_nvme_store(void *state, unsigned int bar, uint64_t offset,
                     unsigned int size, uint64_t value)
{
	if (size < 4 || offset % size)
		return;
	store32(state, offset, (uint32_t)value);
	if (size == 8)
		store32(state, offset + 4, (uint32_t)(value >> 32));
}

/* Doorbells cannot be read back, 3.1.24: they and the rest are 0. */
uint64_t ioas_nvme_load(void *state, unsigned int bar, uint64_t offset,
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
