/* SPDX-License-Identifier: MIT */
/*
 * The message of an interrupt on its way: a write of four bytes by the device,
 * like all its others.
 *
 *	address --the device's space--> memory        written, and lost
 *	                            --> not mapped    lost
 *	                            --> doorbell --controller--> own vector
 *	                                                     --> another's:
 *	                                                         stopped
 *	                                                     --> none: lost
 *
 * The address is translated each time: what is cached nowhere needs no
 * invalidation, and the way through a table that is in use is short. It lies
 * in a section, so a detach or the end of a space waits for it.
 *
 * Law: MSI-8 (msi/msi.h). What went wrong is told; a vector that has no event
 * is not: whoever took the event away knows.
 *
 * Source: PCI Local Bus Specification 3.0, 6.8.1 (a message is a write by a
 * bus master)
 */
#include "base/event.h"
#include "base/grace.h"
#include "base/law.h"
#include "pci/function.h"

/* A message, as far as it got. */
struct way {
	struct ioas_device *dev;
	uint64_t iova;
	uint32_t data;
	uint32_t vector; /* + 1; 0: a write that is nobody's interrupt */
	const struct ioas_issuer *issuer;
};

/* On the bus the first byte is the lowest. */
static uint32_t get32(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static void put32(uint8_t *to, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < IOAS_MESSAGE_BYTES; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static void tell(const struct way *w, enum ioas_event_kind kind,
                 enum ioas_fault fault, const struct ioas_msi_owner *owner)
{
	struct ioas_event_message message = {
		.data = w->data,
		.vector = w->vector,
	};
	struct ioas_refusal refusal = {
		.dev = w->dev,
		/* Pairs with the exchange in ioas_device_attach(). */
		.space = ioas_aptr_load(&w->dev->space),
		.iova = w->iova,
		.bytes = IOAS_MESSAGE_BYTES,
		.perm = IOAS_WRITE,
		.fault = fault,
		.issuer = w->issuer,
		.kind = kind,
		.message = &message,
	};

	if (owner && owner->name[0]) {
		message.owner = owner->name;
		message.owner_vector = owner->vector;
		message.raised = owner->raised;
	}
	(void)ioas_dma_refuse(&refusal);
}

/* It names an interrupt that is not the device's own. */
static void meet_another(const struct way *w, uint32_t number)
{
	struct ioas_msi_owner owner;
	bool anybodys;

	ioas_msi_meet(w->dev->msi, &w->dev->irq.claim, number, &owner);
	anybodys = owner.name[0] || !w->vector;
	tell(w, anybodys ? IOAS_EVENT_SPOOF : IOAS_EVENT_MESSAGE_LOST,
	     anybodys ? IOAS_FAULT_NONE : IOAS_FAULT_DOORBELL, &owner);
}

/* False: it is no message. */
static bool ring(const struct way *w, struct phys at)
{
	const struct ioas_message message = {at.raw, w->data};
	const struct ioas_msi_claim *own = &w->dev->irq.claim;
	uint32_t number;

	switch (ioas_msi_decode(w->dev->msi, own, &message, &number)) {
	case IOAS_MSI_OWN:
		ioas_law(MSI_8, number - own->first < own->count);
		ioas_irq_deliver_locked(w->dev, number - own->first);
		return true;
	case IOAS_MSI_FOREIGN:
		meet_another(w, number);
		return true;
	default:
		return false;
	}
}

bool ioas_message_arrives(struct ioas_device *dev, const struct ioas_arrival *a)
{
	struct way w = {.dev = dev, .iova = a->iova, .issuer = a->issuer};

	if (!dev->msi || a->bytes != IOAS_MESSAGE_BYTES ||
	    a->iova & (IOAS_MESSAGE_BYTES - 1))
		return false;
	w.data = get32(a->data);
	return ring(&w, a->at);
}

/*
 * Memory takes it like anything else; an interrupt it is not. False: it was
 * lost, and *ret_fault is why.
 */
static bool go(const struct way *w, enum ioas_fault *ret_fault)
{
	/* Pairs with the exchange in ioas_device_attach(). */
	const struct ioas_space *space = ioas_aptr_load(&w->dev->space);
	uint8_t bytes[IOAS_MESSAGE_BYTES];
	struct ioas_translation t;

	*ret_fault = IOAS_FAULT_NO_MASTER;
	if (!ioas_config_bus_master_locked(w->dev))
		return false;
	/* Nobody is told: it is as if it had arrived. */
	if (w->dev->pe && ioas_pe_stopped(w->dev->pe) & IOAS_PE_DMA)
		return true;
	*ret_fault = IOAS_FAULT_NO_SPACE;
	if (!space)
		return false;
	*ret_fault = ioas_space_access(space, (struct iova){w->iova},
	                               sizeof(bytes), IOAS_WRITE, &t);
	if (*ret_fault == IOAS_FAULT_DOORBELL)
		return ring(w, t.doorbell);
	put32(bytes, w->data);
	if (!*ret_fault && ioas_hooks.copy(t.pointer, bytes, sizeof(bytes)))
		*ret_fault = IOAS_FAULT_GONE;
	if (!*ret_fault)
		ioas_log_mark_locked(w->dev, w->iova, sizeof(bytes));
	return false;
}

void ioas_message_send_locked(struct ioas_device *dev,
                              const struct ioas_message *message,
                              unsigned int vector)
{
	const struct way w = {
		.dev = dev,
		.iova = message->address,
		.data = message->data,
		.vector = vector + 1,
	};
	enum ioas_fault fault;

	ioas_grace_enter(IOAS_GRACE_DMA);
	if (!go(&w, &fault))
		tell(&w, IOAS_EVENT_MESSAGE_LOST, fault, NULL);
	ioas_grace_leave(IOAS_GRACE_DMA);
}
