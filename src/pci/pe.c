/* SPDX-License-Identifier: MIT */
/* See pe.h. */
#include "pci/pe.h"

static void change(struct ioas_pe *pe, uint32_t off, uint32_t on)
{
	uint32_t seen = ioas_a32_load(&pe->stopped), now;

	/* Pairs with the load in ioas_pe_stopped(), and with itself. */
	do {
		now = (seen & ~off) | on;
		if (!(now & (IOAS_PE_IO | IOAS_PE_DMA)))
			now = 0;
	} while (!ioas_a32_cas(&pe->stopped, &seen, now));
}

void ioas_pe_restart(struct ioas_pe *pe)
{
	/* Relaxed: nobody looks. */
	ioas_a32_store_relaxed(&pe->stopped, 0);
	ioas_a32_store_relaxed(&pe->armed, 0);
}

void ioas_pe_freeze(struct ioas_pe *pe)
{
	change(pe, 0, IOAS_PE_IO | IOAS_PE_DMA);
}

void ioas_pe_thaw(struct ioas_pe *pe, uint32_t what)
{
	change(pe, what, 0);
}

void ioas_pe_reset(struct ioas_pe *pe)
{
	change(pe, 0, IOAS_PE_IO | IOAS_PE_DMA | IOAS_PE_RESET);
}

void ioas_pe_arm(struct ioas_pe *pe, const struct ioas_pe_trap *trap)
{
	ioas_lock(&pe->lock);
	pe->trap = *trap;
	/* Pairs with the load in ioas_pe_stops(). */
	ioas_a32_store(&pe->armed, 1);
	ioas_unlock(&pe->lock);
}

bool ioas_pe_springs(struct ioas_pe *pe, enum ioas_pe_access access,
                     uint64_t address)
{
	bool springs;

	ioas_lock(&pe->lock);
	/* Relaxed: under the lock. */
	springs = ioas_a32_load_relaxed(&pe->armed) &&
	          pe->trap.access == access &&
	          !((address ^ pe->trap.address) & pe->trap.mask);
	if (springs)
		ioas_a32_store_relaxed(&pe->armed, 0);
	ioas_unlock(&pe->lock);
	if (springs)
		ioas_pe_freeze(pe);
	return springs;
}
