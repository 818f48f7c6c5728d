/* SPDX-License-Identifier: MIT */
/*
 * Interrupts, from the model to an event of the program.
 *
 *	ioas_device_interrupt(v)                        (the pin: intx.c)
 *	  mode off, or its enable bit 0      dropped
 *	  MSI-X, vector masked               pending, until something unmasks it
 *	  else                               its message is written (message.c)
 *	                                     --> hooks.signal(event of a vector)
 *
 * A vector of MSI-X is masked by its control word in the table, which both the
 * program (through its mapping of the BAR) and irq_set() write; so are address
 * and data, and what is there is what goes out. MSI has no masks here: a vector
 * without event is dropped. Its message is not the one that the program sees
 * and writes in the capability, as with vfio-pci.
 *
 * Messages are composed when a vector gets its event, of values that prepare
 * left here (MSI-3): no table, no space is looked at.
 *
 * Everything runs under the device's lock, so an interrupt is either delivered
 * before irq_set() or irq_off() took its event away, or not at all (MSI-7).
 *
 * Sources: PCI Local Bus Specification 3.0, 6.8.2 and 6.8.3.5; Linux 7.3
 * drivers/vfio/pci/vfio_pci_config.c (MSI is shown as the program wrote it)
 */
#include <errno.h>
#include <string.h>

#include "base/event.h"
#include "pci/function.h"

#define ENTRY_BYTES    16
#define ENTRY_ADDRESS  0
#define ENTRY_DATA     8
#define ENTRY_CONTROL  12
#define ENTRY_MASKED   0x01
#define ADDRESS_UNUSED 0x03 /* low bits, always 0 */

/* ---- Storage ---- */

static size_t table_bytes(const struct ioas_device *dev)
{
	return (size_t)dev->function.msix_vectors * ENTRY_BYTES;
}

/* The pending bits come in whole words of 64. */
static size_t pending_bytes(const struct ioas_device *dev)
{
	return (dev->function.msix_vectors + 63u) / 64 * 8;
}

static size_t event_bytes(const struct ioas_device *dev)
{
	return dev->irq.room * sizeof(*dev->irq.event);
}

unsigned int ioas_device_irq_count(const struct ioas_device *dev,
                                   enum ioas_irq_mode mode)
{
	if (mode == IOAS_IRQ_INTX)
		return dev->function.intx;
	if (mode == IOAS_IRQ_MSI)
		return dev->function.msi_vectors;
	if (mode == IOAS_IRQ_MSIX)
		return dev->function.msix_vectors;
	return 0;
}

int ioas_irq_init(struct ioas_device *dev)
{
	unsigned int msi = ioas_device_irq_count(dev, IOAS_IRQ_MSI);
	unsigned int msix = ioas_device_irq_count(dev, IOAS_IRQ_MSIX);

	dev->irq.room = msi > msix ? msi : msix;
	if (!dev->irq.room)
		dev->irq.room = ioas_device_irq_count(dev, IOAS_IRQ_INTX);
	if (dev->irq.room)
		dev->irq.event = ioas_hooks.alloc(event_bytes(dev));
	if (dev->irq.room && !dev->irq.event)
		return -ENOMEM;
	dev->irq.claim.event = dev->irq.event;
	if (msix) {
		dev->msix_table = ioas_hooks.alloc(table_bytes(dev));
		dev->msix_pending = ioas_hooks.alloc(pending_bytes(dev));
		if (!dev->msix_table || !dev->msix_pending)
			return -ENOMEM;
	}
	ioas_irq_default_locked(dev);
	return 0;
}

void ioas_irq_fini(struct ioas_device *dev)
{
	if (dev->msi)
		ioas_msi_unclaim(dev->msi, &dev->irq.claim);
	if (dev->irq.event)
		ioas_hooks.free(dev->irq.event, event_bytes(dev));
	if (dev->msix_table)
		ioas_hooks.free(dev->msix_table, table_bytes(dev));
	if (dev->msix_pending)
		ioas_hooks.free(dev->msix_pending, pending_bytes(dev));
}

/* ---- Delivery ---- */

static uint8_t *control_of(struct ioas_device *dev, unsigned int vector)
{
	return dev->msix_table + (size_t)vector * ENTRY_BYTES + ENTRY_CONTROL;
}

void ioas_irq_deliver_locked(struct ioas_device *dev, unsigned int vector)
{
	struct ioas_event ev = {
		.kind = IOAS_EVENT_INTERRUPT,
		.number = vector,
		.device = dev->name,
		.model = dev->model->name,
	};

	if (dev->irq.event[vector] < 0)
		return;
	/* WIN-12 */
	if (dev->pe && ioas_pe_stopped(dev->pe) & IOAS_PE_DMA)
		return;
	ioas_hooks.signal(dev->irq.event[vector]);
	ioas_count_locked(&dev->stats.interrupts, 1);
	ioas_tell(&ev);
}

static uint64_t bytes_of(const uint8_t *from, unsigned int n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | from[n];
	return value;
}

static struct ioas_message message_of(const struct ioas_device *dev,
                                      unsigned int vector)
{
	const uint8_t *entry = dev->msix_table + (size_t)vector * ENTRY_BYTES;
	struct ioas_message message = dev->irq.message;

	if (dev->irq.mode == IOAS_IRQ_MSI) {
		message.data |= vector;
		return message;
	}
	message.address = bytes_of(entry + ENTRY_ADDRESS, 8);
	message.data = (uint32_t)bytes_of(entry + ENTRY_DATA, 4);
	return message;
}

static void send(struct ioas_device *dev, unsigned int vector)
{
	struct ioas_message message;

	if (!dev->msi) {
		ioas_irq_deliver_locked(dev, vector);
		return;
	}
	message = message_of(dev, vector);
	ioas_message_send_locked(dev, &message, vector);
}

void ioas_device_interrupt(struct ioas_device *dev, unsigned int vector)
{
	if (!ioas_config_irq_enabled_locked(dev) ||
	    vector >= ioas_device_irq_count(dev, dev->irq.mode))
		return;
	if (dev->irq.mode == IOAS_IRQ_MSIX &&
	    *control_of(dev, vector) & ENTRY_MASKED)
		dev->msix_pending[vector / 8] |= (uint8_t)(1u << vector % 8);
	else
		send(dev, vector);
}

/* A vector may have been unmasked: what waited goes out. */
static void let_out(struct ioas_device *dev, unsigned int vector)
{
	uint8_t *pending = dev->msix_pending + vector / 8;
	uint8_t bit = (uint8_t)(1u << vector % 8);

	if (!(*pending & bit) || *control_of(dev, vector) & ENTRY_MASKED ||
	    !ioas_config_irq_enabled_locked(dev))
		return;
	*pending &= (uint8_t)~bit;
	send(dev, vector);
}

/* ---- Set-up by uapi ---- */

static void mask_all(struct ioas_device *dev)
{
	unsigned int v;

	for (v = 0; v < dev->function.msix_vectors; v++)
		*control_of(dev, v) = ENTRY_MASKED;
}

void ioas_irq_forget_pending_locked(struct ioas_device *dev)
{
	if (dev->msix_pending)
		memset(dev->msix_pending, 0, pending_bytes(dev));
}

/*
 * Numbers go back first: nobody looks at the events of who has none (MSI-7).
 * What is mapped for them stays (MSI-5).
 */
static void forget_events(struct ioas_device *dev)
{
	unsigned int v;

	if (dev->msi)
		ioas_msi_unclaim(dev->msi, &dev->irq.claim);
	for (v = 0; v < dev->irq.room; v++)
		dev->irq.event[v] = IOAS_NO_EVENT;
}

/* Off has forgotten the events; with numbers, others may look at them. */
static void switch_to(struct ioas_device *dev, enum ioas_irq_mode mode,
                      unsigned int count)
{
	if (mode == IOAS_IRQ_OFF)
		forget_events(dev);
	mask_all(dev);
	ioas_irq_forget_pending_locked(dev);
	dev->irq.mode = mode;
	dev->irq.count = count;
	ioas_config_irq_enable_locked(dev, mode, count);
	ioas_intx_begin_locked(dev);
}

void ioas_irq_default_locked(struct ioas_device *dev)
{
	if (dev->msix_table)
		memset(dev->msix_table, 0, table_bytes(dev));
	switch_to(dev, IOAS_IRQ_OFF, 0);
}

/* The vectors of MSI lie together: the device puts them into the data. */
static int claim(struct ioas_device *dev, enum ioas_irq_mode mode)
{
	unsigned int count = ioas_device_irq_count(dev, mode);

	ioas_msi_unclaim(dev->msi, &dev->irq.claim);
	return ioas_msi_claim(dev->msi, &dev->irq.claim, count,
	                      mode == IOAS_IRQ_MSI);
}

int ioas_device_irq_prepare(struct ioas_device *dev, enum ioas_irq_mode mode,
                            const struct ioas_msi_doorbell *doorbell)
{
	int err;

	if (!dev->msi)
		return 0;
	ioas_lock(&dev->lock);
	err = claim(dev, mode);
	dev->irq.translated = doorbell;
	if (doorbell)
		dev->irq.doorbell = *doorbell;
	ioas_unlock(&dev->lock);
	return err;
}

static struct ioas_message compose(const struct ioas_device *dev,
                                   unsigned int vector, bool block)
{
	const struct ioas_irq *irq = &dev->irq;
	struct ioas_message message = {.data = vector};

	if (!dev->msi)
		return message;
	message = ioas_msi_compose(dev->msi, &irq->claim, vector, block);
	if (irq->translated)
		message.address = ioas_msi_doorbell_compose(
			&irq->doorbell, (struct phys){message.address});
	return message;
}

void ioas_device_irq_on(struct ioas_device *dev, enum ioas_irq_mode mode,
                        unsigned int count)
{
	ioas_lock(&dev->lock);
	ioas_law(FN_3, count <= ioas_device_irq_count(dev, mode));
	switch_to(dev, mode, count);
	if (mode == IOAS_IRQ_MSI)
		dev->irq.message = compose(dev, 0, true);
	ioas_unlock(&dev->lock);
}

void ioas_device_irq_off(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	switch_to(dev, IOAS_IRQ_OFF, 0);
	ioas_unlock(&dev->lock);
}

static void put32(uint8_t *at, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void set_entry(struct ioas_device *dev, unsigned int vector, bool on)
{
	uint8_t *entry = dev->msix_table + (size_t)vector * ENTRY_BYTES;
	struct ioas_message message;

	entry[ENTRY_CONTROL] = on ? 0 : ENTRY_MASKED;
	if (!on)
		return;
	message = compose(dev, vector, false);
	put32(entry + ENTRY_ADDRESS, (uint32_t)message.address);
	put32(entry + ENTRY_ADDRESS + 4, (uint32_t)(message.address >> 32));
	put32(entry + ENTRY_DATA, message.data);
	let_out(dev, vector);
}

/* MSI-7: nobody is just about to raise the old one. */
static int exchange_event(struct ioas_device *dev, unsigned int vector,
                          int event)
{
	int old = dev->irq.event[vector];

	if (dev->msi)
		ioas_lock(&dev->msi->lock);
	dev->irq.event[vector] = event;
	if (dev->msi)
		ioas_unlock(&dev->msi->lock);
	return old;
}

int ioas_device_irq_set(struct ioas_device *dev, unsigned int vector, int event)
{
	struct ioas_irq *irq = &dev->irq;
	int old;

	ioas_lock(&dev->lock);
	ioas_law(FN_3, vector < ioas_device_irq_count(dev, irq->mode));
	old = exchange_event(dev, vector, event < 0 ? IOAS_NO_EVENT : event);
	if (event >= 0 && vector >= irq->count)
		irq->count = vector + 1;
	if (irq->mode == IOAS_IRQ_MSIX)
		set_entry(dev, vector, event >= 0);
	ioas_intx_settle_locked(dev);
	ioas_unlock(&dev->lock);
	return old;
}

void ioas_device_irq_loop_back(struct ioas_device *dev, unsigned int vector)
{
	const struct ioas_irq *irq = &dev->irq;

	ioas_lock(&dev->lock);
	if (irq->event[vector] >= 0 && !(irq->mode == IOAS_IRQ_INTX &&
	                                 ioas_config_intx_disabled_locked(dev)))
		ioas_hooks.signal(irq->event[vector]);
	ioas_unlock(&dev->lock);
}

/* ---- The program's own loads and stores ---- */

/* Bytes of @size from @at that lie in [start, start + bytes), if it begins. */
static unsigned int inside(uint64_t at, unsigned int size, uint64_t start,
                           uint64_t bytes)
{
	if (at < start || at - start >= bytes)
		return 0;
	return (unsigned int)(start + bytes - at < size ? start + bytes - at
	                                                : size);
}

bool ioas_msix_load_locked(struct ioas_device *dev, uint64_t at,
                           unsigned int size, uint64_t *ret_value)
{
	const struct ioas_function_desc *f = &dev->function;
	unsigned int n = inside(at, size, f->msix_table, table_bytes(dev));

	if (n) {
		*ret_value = bytes_of(dev->msix_table + at - f->msix_table, n);
		return true;
	}
	n = inside(at, size, f->msix_pba, pending_bytes(dev));
	if (n)
		*ret_value = bytes_of(dev->msix_pending + at - f->msix_pba, n);
	return n;
}

/* Bits that are always 0, and what the new mask lets out. */
static void settle_entry(struct ioas_device *dev, unsigned int vector)
{
	uint8_t *entry = dev->msix_table + (size_t)vector * ENTRY_BYTES;

	entry[ENTRY_ADDRESS] &= (uint8_t)~ADDRESS_UNUSED;
	put32(entry + ENTRY_CONTROL, entry[ENTRY_CONTROL] & ENTRY_MASKED);
	let_out(dev, vector);
}

bool ioas_msix_store_locked(struct ioas_device *dev, uint64_t at,
                            unsigned int size, uint64_t value)
{
	const struct ioas_function_desc *f = &dev->function;
	unsigned int n = inside(at, size, f->msix_table, table_bytes(dev));
	uint64_t first = at - f->msix_table;
	unsigned int i;

	if (!n)
		return inside(at, size, f->msix_pba, pending_bytes(dev));
	for (i = 0; i < n; i++)
		dev->msix_table[first + i] = (uint8_t)(value >> 8 * i);
	settle_entry(dev, (unsigned int)(first / ENTRY_BYTES));
	if ((first + n - 1) / ENTRY_BYTES != first / ENTRY_BYTES)
		settle_entry(dev, (unsigned int)(first / ENTRY_BYTES) + 1);
	return true;
}
