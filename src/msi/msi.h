/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers, as devices see them: a place that takes writes of
 * four bytes, and what such a write means. A message is one: address and data.
 *
 *	set-up      claim --numbers--> compose: the message of a vector
 *	interrupt   address, data, requester --decode--> whose, which vector
 *
 * Numbers are the numbers that a controller knows interrupts by. A device
 * claims as many as it has vectors, in one piece, for as long as a mode of
 * interrupts is on.
 *
 *	kind       a message names            and belongs to
 *	its        a device's own event       the requester
 *	vtd        an entry of one table      the requester that is in the entry
 *	amd        an entry of the            the requester
 *	           requester's table
 *	phb        one interrupt source of    the group of devices (PE) that it
 *	           the host bridge            was given to
 *	v2m, apic  an interrupt of the        whoever has claimed it: any device
 *	           machine                    can raise any (not isolated)
 *
 * Laws
 *	MSI-7  nothing is delivered for a claim that has ended, nor to an event
 *	       that was taken away
 *	MSI-8  a device raises its own vectors only; what else it writes is
 *	       known as such
 *
 * Who decodes a message of its own holds its own lock and needs none of these;
 * whose it is otherwise is looked up under the controller's lock, which comes
 * last of all: nothing is locked inside of it. Claims and the events in them
 * are changed under both.
 *
 * Sources: Arm GIC Architecture Specification (IHI 0069H) 5.2 and
 * GITS_TRANSLATER; Arm GICv2m (ARM DEN 0077) MSI_SETSPI_NS; Intel
 * Virtualization Technology for Directed I/O 5.1.2.2 and 5.1.5; AMD I/O
 * Virtualization Technology (IOMMU) Specification 2.2.5; Intel 64 Software
 * Developer's Manual volume 3, 11.11 (message formats without remapping).
 */
#ifndef IOAS_MSI_MSI_H
#define IOAS_MSI_MSI_H

#include <stdbool.h>

#include "base/lock.h"
#include "base/types.h"

/* As a vector of MSI-X holds it. */
struct ioas_message {
	uint64_t address;
	uint32_t data;
};

#define IOAS_MESSAGE_BYTES 4

/* Interrupts of one device, from `on` to `off`. */
struct ioas_msi_claim {
	uint32_t requester; /* domain, bus, slot and function; constant */
	const char *name;   /* of the device; constant */
	uint32_t first;     /* number; controller's and device's lock */
	uint32_t count;     /* 0: nothing is claimed; the same */
	const int *event;   /* of each; the array is constant */
	struct ioas_msi_claim *next; /* controller's lock */
};

struct ioas_msi_kind {
	const char *name;
	uint32_t first, end; /* numbers that there are */
	bool per_requester;  /* each device has all of them */
	bool isolated;       /* other devices cannot raise them */
	uint64_t doorbell;   /* physical address, to be translated to; or 0: */
	struct iova_range range; /* writes there are not translated */
	/* The message of @number, in a block that begins at @base. */
	struct ioas_message (*compose)(const struct ioas_msi_kind *kind,
	                               uint32_t base, uint32_t number);
	/* False: this is no message at all. */
	bool (*decode)(const struct ioas_msi_kind *kind,
	               const struct ioas_message *message,
	               uint32_t *ret_number);
};

extern const struct ioas_msi_kind ioas_msi_its, ioas_msi_vtd, ioas_msi_amd,
	ioas_msi_v2m, ioas_msi_apic, ioas_msi_phb;

struct ioas_msi {
	const struct ioas_msi_kind *kind; /* constant */
	struct ioas_lock lock;
	struct ioas_msi_claim *claims; /* by first number; under lock */
};

/*
 * @count numbers; @aligned: the first one is a multiple of the power of two
 * that @count is. Under the device's lock. Return: 0, or -ENOSPC.
 */
int ioas_msi_claim(struct ioas_msi *msi, struct ioas_msi_claim *claim,
                   uint32_t count, bool aligned);
/* Under the device's lock; fine when nothing is claimed (MSI-7). */
void ioas_msi_unclaim(struct ioas_msi *msi, struct ioas_msi_claim *claim);

/*
 * The message of a vector: at the controller's own, physical, address. With
 * @block it is the one of a device that adds the number of the vector to the
 * data (MSI). Nothing is allocated or waited for (MSI-3).
 */
struct ioas_message ioas_msi_compose(const struct ioas_msi *msi,
                                     const struct ioas_msi_claim *claim,
                                     uint32_t vector, bool block);

enum ioas_msi_verdict {
	IOAS_MSI_OWN,     /* *ret_vector of the device itself */
	IOAS_MSI_FOREIGN, /* number of another; or nobody's: see owner */
	IOAS_MSI_NONSENSE /* no message */
};

/*
 * What a write of @claim's device means. @message has the physical address.
 * Under the device's lock.
 */
enum ioas_msi_verdict ioas_msi_decode(const struct ioas_msi *msi,
                                      const struct ioas_msi_claim *claim,
                                      const struct ioas_message *message,
                                      uint32_t *ret_number);

/* Whose interrupt a foreign number is. */
struct ioas_msi_owner {
	char name[16]; /* of the device; empty: nobody's */
	uint32_t vector;
	bool raised; /* it was: the controller does not isolate */
};

/*
 * Find out, for @claim's device, and raise it where nothing stops that.
 * Takes the controller's lock.
 */
void ioas_msi_meet(struct ioas_msi *msi, const struct ioas_msi_claim *claim,
                   uint32_t number, struct ioas_msi_owner *ret_owner);

#endif /* IOAS_MSI_MSI_H */
