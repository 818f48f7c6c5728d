/* SPDX-License-Identifier: MIT */
/* What messages look like, one controller each. Sources: see msi.h. */
#include "msi/msi.h"

/* ---- Arm: the doorbell is a register, the data a number. ---- */

static struct ioas_message number_compose(const struct ioas_msi_kind *kind,
                                          uint32_t base, uint32_t number)
{
	return (struct ioas_message){kind->doorbell, number};
}

/* The other registers of the page take nothing from a device. */
static bool number_decode(const struct ioas_msi_kind *kind,
                          const struct ioas_message *message,
                          uint32_t *ret_number)
{
	*ret_number = message->data;
	return message->address == kind->doorbell;
}

/*
 * The ITS translates the pair of device and event. Its translation register is
 * in a page of 64 KiB of its own.
 */
const struct ioas_msi_kind ioas_msi_its = {
	.name = "its",
	.end = UINT32_C(1) << 16,
	.per_requester = true,
	.isolated = true,
	.doorbell = UINT64_C(0x08090040),
	.compose = number_compose,
	.decode = number_decode,
};

/* Without an ITS: a frame that makes shared interrupts of what is written. */
const struct ioas_msi_kind ioas_msi_v2m = {
	.name = "v2m",
	.first = 32, /* lower ones are private to a processor */
	.end = 1020,
	.doorbell = UINT64_C(0x08020040),
	.compose = number_compose,
	.decode = number_decode,
};

/* ---- x86: the range is what makes it a message. ---- */

#define RANGE      UINT32_C(0xfee00000)
#define RANGE_LAST UINT32_C(0xfeefffff)

#define VTD_REMAPPED  UINT32_C(0x10)
#define VTD_SUBHANDLE UINT32_C(0x08)
#define VTD_TOP       UINT32_C(0x04) /* bit 15 of the number */
#define VTD_SHIFT     5
#define VTD_LOW       UINT32_C(0x7fff)

static struct ioas_message vtd_compose(const struct ioas_msi_kind *kind,
                                       uint32_t base, uint32_t number)
{
	uint32_t address = RANGE | VTD_REMAPPED | VTD_SUBHANDLE |
	                   (base & VTD_LOW) << VTD_SHIFT |
	                   (base > VTD_LOW ? VTD_TOP : 0);

	return (struct ioas_message){address, number - base};
}

/* Messages of the old format are blocked: remapping would be no wall else. */
static bool vtd_decode(const struct ioas_msi_kind *kind,
                       const struct ioas_message *message, uint32_t *ret_number)
{
	uint32_t address = (uint32_t)message->address;
	uint32_t number = address >> VTD_SHIFT & VTD_LOW;

	if (address & VTD_TOP)
		number |= VTD_LOW + 1;
	if (address & VTD_SUBHANDLE)
		number += message->data & 0xffff;
	*ret_number = number;
	return address & VTD_REMAPPED;
}

const struct ioas_msi_kind ioas_msi_vtd = {
	.name = "vtd",
	.end = UINT32_C(1) << 16,
	.isolated = true,
	.range = {RANGE, RANGE_LAST},
	.compose = vtd_compose,
	.decode = vtd_decode,
};

#define AMD_ENTRY UINT32_C(0x7ff) /* the bits that choose it */

static struct ioas_message amd_compose(const struct ioas_msi_kind *kind,
                                       uint32_t base, uint32_t number)
{
	return (struct ioas_message){RANGE, number};
}

static bool amd_decode(const struct ioas_msi_kind *kind,
                       const struct ioas_message *message, uint32_t *ret_number)
{
	*ret_number = message->data & AMD_ENTRY;
	return true;
}

const struct ioas_msi_kind ioas_msi_amd = {
	.name = "amd",
	.end = AMD_ENTRY + 1,
	.per_requester = true,
	.isolated = true,
	.range = {RANGE, RANGE_LAST},
	.compose = amd_compose,
	.decode = amd_decode,
};

/*
 * Without remapping: a processor and one of its vectors. Those below APIC_LOW
 * and the last ones are not for devices.
 */
#define APIC_TARGET_SHIFT 12
#define APIC_TARGETS      256
#define APIC_LOW          0x30
#define APIC_VECTORS      192 /* a multiple of 32: a block stays on one */

static struct ioas_message apic_compose(const struct ioas_msi_kind *kind,
                                        uint32_t base, uint32_t number)
{
	uint32_t target = number / APIC_VECTORS;

	return (struct ioas_message){RANGE | target << APIC_TARGET_SHIFT,
	                             APIC_LOW + number % APIC_VECTORS};
}

static bool apic_decode(const struct ioas_msi_kind *kind,
                        const struct ioas_message *message,
                        uint32_t *ret_number)
{
	uint32_t target = (uint32_t)message->address >> APIC_TARGET_SHIFT;
	uint32_t vector = message->data & 0xff;

	*ret_number = (target & (APIC_TARGETS - 1)) * APIC_VECTORS + vector -
	              APIC_LOW;
	return vector >= APIC_LOW && vector < APIC_LOW + APIC_VECTORS;
}

const struct ioas_msi_kind ioas_msi_apic = {
	.name = "apic",
	.end = APIC_TARGETS * APIC_VECTORS,
	.range = {RANGE, RANGE_LAST},
	.compose = apic_compose,
	.decode = apic_decode,
};

/* ---- POWER: bit 60 is what makes it a message. ---- */

#define PHB_MESSAGE   (UINT64_C(1) << 60)
#define PHB_SHIFT     4
#define PHB_NUMBERS   (UINT32_C(1) << 12)
#define PHB_DATA_BITS UINT32_C(0x1f) /* that the data add to the number */

/* A block of MSI is aligned, and no larger than the data can say. */
static struct ioas_message phb_compose(const struct ioas_msi_kind *kind,
                                       uint32_t base, uint32_t number)
{
	uint32_t high = base & ~PHB_DATA_BITS;

	return (struct ioas_message){PHB_MESSAGE | (uint64_t)high << PHB_SHIFT,
	                             (base & PHB_DATA_BITS) + (number - base)};
}

static bool phb_decode(const struct ioas_msi_kind *kind,
                       const struct ioas_message *message, uint32_t *ret_number)
{
	*ret_number = ((uint32_t)(message->address >> PHB_SHIFT) &
	               (PHB_NUMBERS - 1)) |
	              (message->data & PHB_DATA_BITS);
	return true;
}

const struct ioas_msi_kind ioas_msi_phb = {
	.name = "phb",
	.end = PHB_NUMBERS,
	.isolated = true,
	.range = {PHB_MESSAGE, PHB_MESSAGE | ((PHB_NUMBERS << PHB_SHIFT) - 1)},
	.compose = phb_compose,
	.decode = phb_decode,
};
