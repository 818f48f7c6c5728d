/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: set-up (pci/interrupt.c), the message on its way (pci/message.c),
 * the controller (src/msi) and the doorbells of a context, with base/grace.c as
 * a part of this file. What is around them is small here: a space is an object
 * with one doorbell in it, and the device has two vectors.
 *
 * Whoever takes an event away may put it at once: afterwards it is dead, and
 * nobody raises it (MSI-7). Whoever detaches a device may end the space.
 */
#include "base/event.h"
#include "base/grace.c"
#include "explore.h"
#include "pci/function.h"

#define WINDOW  UINT64_C(0x8000000)
#define VECTORS 2
#define EVENTS  4

static struct ioas_msi msi;
static struct ioas_device one, two;
static struct ioas_msi_doorbells *table;
static uint8_t entries[2][VECTORS * 16], pending[2][8];
static int events[2][VECTORS];
static const struct ioas_model model = {.name = "model"};

static EXPLORE_GHOST struct {
	bool dead[EVENTS];
	uint32_t raised[EVENTS];
	uint32_t lost, spoofed;
	uint64_t address[2]; /* what a thread was told */
} ghost;

struct ioas_aptr ioas_observers;

void ioas_tell_observers(struct ioas_observer *first,
                         const struct ioas_event *ev)
{
}

/* ---- What is around. ---- */

/* The space that is looked at has to be there. */
enum ioas_fault ioas_space_translate(const struct ioas_space *space,
                                     struct iova at, uint64_t bytes,
                                     unsigned int perm,
                                     struct ioas_translation *ret_t)
{
	if (at.raw - space->msi.first >= space->msi.bytes)
		return IOAS_FAULT_UNMAPPED;
	ret_t->doorbell.raw = msi.kind->doorbell;
	return IOAS_FAULT_DOORBELL;
}

/* Nobody tracks what is written, or logs it. */
enum ioas_fault ioas_space_translate_marked(const struct ioas_space *space,
                                            struct iova at, uint64_t bytes,
                                            unsigned int perm,
                                            struct ioas_translation *ret_t)
{
	return ioas_space_translate(space, at, bytes, perm, ret_t);
}

void ioas_log_mark_locked(struct ioas_device *dev, uint64_t iova,
                          uint64_t bytes)
{
}

int ioas_dma_refuse(const struct ioas_refusal *refusal)
{
	ghost.lost += refusal->kind == IOAS_EVENT_MESSAGE_LOST;
	ghost.spoofed += refusal->kind == IOAS_EVENT_SPOOF;
	return 0;
}

bool ioas_config_bus_master_locked(const struct ioas_device *dev)
{
	return true;
}

bool ioas_config_irq_enabled_locked(const struct ioas_device *dev)
{
	return dev->irq.mode == IOAS_IRQ_MSIX;
}

void ioas_config_irq_enable_locked(struct ioas_device *dev,
                                   enum ioas_irq_mode mode, unsigned int count)
{
}

bool ioas_config_intx_disabled_locked(const struct ioas_device *dev)
{
	return true;
}

void ioas_intx_begin_locked(struct ioas_device *dev)
{
}

void ioas_intx_settle_locked(struct ioas_device *dev)
{
}

static void signal_event(int event)
{
	explore_law(MSI_7, !ghost.dead[event], "an event that was put");
	ghost.raised[event]++;
}

/* ---- The program's calls. ---- */

static void arm(struct ioas_device *dev, int event)
{
	const struct phys doorbell = {msi.kind->doorbell};
	struct ioas_msi_doorbell d = {0};

	if (doorbell.raw)
		(void)!ioas_msi_doorbells_prepare(table, doorbell, &d);
	(void)!ioas_device_irq_prepare(dev, IOAS_IRQ_MSIX,
	                               doorbell.raw ? &d : NULL);
	ioas_device_irq_on(dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(dev, 0, event);
}

static void disarm(struct ioas_device *dev)
{
	int event = ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);

	if (event >= 0)
		ghost.dead[event] = true;
	ioas_device_irq_off(dev);
}

/* Another event in place of the one that is there. */
static void exchange(struct ioas_device *dev, int event)
{
	int old = ioas_device_irq_set(dev, 0, event);

	if (old >= 0)
		ghost.dead[old] = true;
}

static void detach(struct ioas_device *dev)
{
	void *space = ioas_aptr_exchange(&dev->space, NULL);

	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_hooks.free(space, sizeof(struct ioas_space));
}

/* ---- Threads. ---- */

static void raise(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	ioas_device_interrupt(dev, 0);
	ioas_unlock(&dev->lock);
}

static void raise_one(void)
{
	raise(&one);
}

static void raise_twice(void)
{
	raise(&one);
	raise(&one);
}

static void disarm_one(void)
{
	disarm(&one);
}

static void detach_one(void)
{
	detach(&one);
}

/* The context ends as a whole; the vector stays armed. */
static void end_context(void)
{
	detach(&one);
	ioas_delete(table);
}

static void compose_again(void)
{
	ioas_device_irq_set(&one, 0, 1);
}

static void disarm_two(void)
{
	disarm(&two);
}

static void exchange_two(void)
{
	exchange(&two, 3);
}

static void arm_two(void)
{
	arm(&two, 2);
}

static void prepare(unsigned int who, uint64_t phys)
{
	struct ioas_msi_doorbell d = {0};
	int rc = ioas_msi_doorbells_prepare(table, (struct phys){phys}, &d);

	explore_law(MSI_2, !rc, "there was room");
	ghost.address[who] = ioas_msi_doorbell_compose(&d, (struct phys){phys});
}

static void prepare_first(void)
{
	prepare(0, 0x8090040);
}

static void prepare_second(void)
{
	prepare(1, 0x9090040);
	prepare(1, 0x8090040);
}

/* ---- Cases. ---- */

static void begin_device(unsigned int i, struct ioas_device *dev)
{
	struct ioas_space *space = ioas_new(struct ioas_space);

	space->msi.first = WINDOW;
	space->msi.bytes = 0x100000;
	dev->space.cell = space;
	dev->model = &model;
	dev->msi = &msi;
	dev->msix_table = entries[i];
	dev->msix_pending = pending[i];
	dev->function.msix_vectors = VECTORS;
	dev->irq.event = events[i];
	dev->irq.room = VECTORS;
	dev->irq.claim.event = events[i];
	dev->irq.claim.name = i ? "two" : "one";
	dev->irq.claim.requester = i;
	dev->irq.mode = IOAS_IRQ_OFF;
	arm(dev, (int)i);
}

static void begin(const struct ioas_msi_kind *kind)
{
	const struct iova_range window = {WINDOW, WINDOW + 0xfffff};

	ioas_hooks.signal = signal_event;
	msi.kind = kind;
	table = ioas_new(struct ioas_msi_doorbells);
	ioas_msi_doorbells_init(table, &window, 12);
	begin_device(0, &one);
}

static void init_its(void)
{
	begin(&ioas_msi_its);
}

/* The first device's vector writes the interrupt of the second one's. */
static void init_shared(void)
{
	unsigned int i;

	begin(&ioas_msi_v2m);
	begin_device(1, &two);
	for (i = 0; i < 16; i++)
		entries[0][i] = entries[1][i];
}

static void init_shared_off(void)
{
	init_shared();
	disarm(&two);
}

static void init_table(void)
{
	const struct iova_range window = {WINDOW, WINDOW + 0xfffff};

	table = ioas_new(struct ioas_msi_doorbells);
	ioas_msi_doorbells_init(table, &window, 12);
}

static void each_was_raised_or_lost(void)
{
	explore_law(MSI_7, ghost.raised[0] + ghost.lost <= 2, "one too many");
	explore_law(MSI_8, ghost.spoofed == 0, "its own, taken for another's");
}

static void it_was_raised_or_put(void)
{
	explore_law(MSI_8, ghost.spoofed + ghost.lost == 1,
	            "another's interrupt was not told");
}

static void one_page_has_one_address(void)
{
	explore_law(MSI_2, ghost.address[0] == ghost.address[1],
	            "two addresses of one page");
	explore_law(MSI_2, ioas_msi_doorbells_count(table) == 2,
	            "two pages, and not two places");
}

const struct explore_case explore_cases[] = {
	{"prepare", "two prepare the same doorbell", init_table,
         .thread = {{"one", prepare_first}, {"two", prepare_second}},
         .rest = one_page_has_one_address},
	{"off", "an interrupt while its vector is switched off", init_its,
         .thread = {{"device", raise_twice}, {"program", disarm_one}},
         .rest = each_was_raised_or_lost},
	{"detach", "an interrupt while its space ends", init_its,
         .thread = {{"device", raise_twice}, {"program", detach_one}},
         .rest = each_was_raised_or_lost},
	{"context", "a vector is composed after its context has ended",
         init_its,
         .thread = {{"device", raise_one},
                    {"program", end_context},
                    {"vector", compose_again}},
         .rest = each_was_raised_or_lost},
	{"shared", "another device's interrupt while it is switched off",
         init_shared,
         .thread = {{"device", raise_one}, {"program", disarm_two}},
         .rest = it_was_raised_or_put},
	{"shared-exchange", "the same while it gets another event", init_shared,
         .thread = {{"device", raise_one}, {"program", exchange_two}},
         .rest = it_was_raised_or_put},
	{"shared-on", "the same while it is switched on", init_shared_off,
         .thread = {{"device", raise_one}, {"program", arm_two}},
         .rest = it_was_raised_or_put},
	{NULL},
};
