/* SPDX-License-Identifier: MIT */
/*
 * What is isolated together after an error: the devices of a group, POWER's
 * partitionable endpoint (PE).
 *
 *	normal --error--> frozen --thaw--> normal
 *	   |                 `----.
 *	   `--reset--> in reset <-'--end of reset--> normal
 *
 * Frozen, registers read as ones and are not written, and no DMA and no message
 * of the devices gets anywhere; I/O and DMA are thawed each for itself. Devices
 * do not know: a command that is refused in such a way ends as it does when
 * nobody answers. Configuration space can be read and written all the time.
 *
 * Errors are DMA that is refused, where the machine freezes on that, and those
 * that somebody injects: then the next access of a kind is one.
 *
 * Law
 *	WIN-12  a frozen PE changes no memory and delivers no interrupt
 *
 * All is read without a lock. An error freezes under the lock of the device
 * that made it, whose access ends there.
 *
 * Source: PAPR (LoPAPR 2.9, "Enhanced I/O Error Handling"); Linux 7.3
 * arch/powerpc/kernel/eeh.c, arch/powerpc/include/uapi/asm/eeh.h
 */
#ifndef IOAS_PCI_PE_H
#define IOAS_PCI_PE_H

#include "base/lock.h"
#include "base/types.h"

enum ioas_pe_stop {
	IOAS_PE_IO = 1 << 0,
	IOAS_PE_DMA = 1 << 1,
	IOAS_PE_RESET = 1 << 2, /* beside the others */
};

/* What an access is, for those that are injected. */
enum ioas_pe_access {
	IOAS_PE_LOAD,
	IOAS_PE_STORE,
	IOAS_PE_PORT_LOAD,
	IOAS_PE_PORT_STORE,
	IOAS_PE_DMA_READ,
	IOAS_PE_DMA_WRITE,
	IOAS_PE_ACCESSES
};

/* The next such access at an address like this one is an error. */
struct ioas_pe_trap {
	enum ioas_pe_access access;
	uint64_t address, mask; /* bits of it that count */
};

struct ioas_pe {
	struct ioas_a32 stopped; /* enum ioas_pe_stop */
	struct ioas_a32 armed;   /* there is a trap; written under lock */
	bool freezes;            /* on refused DMA; constant */
	struct ioas_lock lock;
	struct ioas_pe_trap trap; /* under lock */
};

/* Everything of the beginning. Nobody uses the devices. */
void ioas_pe_restart(struct ioas_pe *pe);
void ioas_pe_freeze(struct ioas_pe *pe);
/* These go on; a reset that was under way is over with the last of them. */
void ioas_pe_thaw(struct ioas_pe *pe, uint32_t what);
/* Stopped, until it is thawed: the devices are being reset. */
void ioas_pe_reset(struct ioas_pe *pe);
/* In place of what was armed before. */
void ioas_pe_arm(struct ioas_pe *pe, const struct ioas_pe_trap *trap);
/* For ioas_pe_stops(): is this the one? Then it is frozen. */
bool ioas_pe_springs(struct ioas_pe *pe, enum ioas_pe_access access,
                     uint64_t address);

static inline uint32_t ioas_pe_stopped(const struct ioas_pe *pe)
{
	/* Pairs with the changes in pe.c. */
	return ioas_a32_load(&pe->stopped);
}

/* Does this access get nowhere? @pe may be NULL. */
static inline bool ioas_pe_stops(struct ioas_pe *pe, uint32_t what,
                                 enum ioas_pe_access access, uint64_t address)
{
	if (!pe)
		return false;
	/* Pairs with the store in ioas_pe_arm(). */
	if (__builtin_expect(ioas_a32_load(&pe->armed), 0) &&
	    ioas_pe_springs(pe, access, address))
		return true;
	return ioas_pe_stopped(pe) & what;
}

#endif /* IOAS_PCI_PE_H */
