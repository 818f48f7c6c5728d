/* SPDX-License-Identifier: MIT */
/*
 * An educational device, and the model to copy for a first one of your own:
 * copy this file, give it a new name, and add one line each to
 * devices/models.c, devices/models.h and devices/meson.build. Then
 * `ioas list devices` knows it and `ioas run -d NAME -- PROGRAM` has one.
 *
 * It computes factorials and copies between memory and a buffer of its own,
 * and says by an interrupt, MSI or the pin, when it is done:
 *
 *	0x00  identification       reads 0x010000ed
 *	0x04  liveness             reads the inverse of what was written
 *	0x08  factorial            n in, n! modulo 2^32 out
 *	0x20  status               0x80: interrupt after a factorial
 *	0x24  interrupt status     why there was an interrupt: 1 factorial,
 *	                           0x100 DMA, others raised by the program
 *	0x60  interrupt raise      sets these bits and interrupts
 *	0x64  interrupt acknowledge  clears these bits; none left: pin off
 *	0x80  DMA source           } one is an I/O virtual address, the other
 *	0x88  DMA destination      } lies in the buffer, 0x40000 to 0x40fff
 *	0x90  DMA count            bytes
 *	0x98  DMA command          1 start, 2 to memory, 4 interrupt at the end,
 *	                           8 ask for the pages first, with a PASID
 *
 * With the option pasid= it can work on addresses of the program as well, which
 * are not mapped for it, and with pri= ask for pages that are not there:
 *
 *	0xa0  PASID                what transfers carry; 0: none, the address is
 *	                           an I/O virtual address
 *	0xa8  PASID of the program  reads what names who opened the device
 *	0xb0  pages                what was answered last: 0 they are there, 1
 *	                           they are not to be had, 2 do not ask again
 *
 * Registers below 0x80 take accesses of 4 bytes, the others of 4 or 8. Other
 * accesses read as 0 or do nothing. A transfer that leaves the buffer, or that
 * the IOMMU refuses, moves nothing more and ends like any other: a device of
 * this kind has no way to tell, but ioas reports what the IOMMU refused.
 *
 * Source: register layout of the "edu" device of QEMU 10.0, docs/specs/edu.rst.
 */
#include <errno.h>

#include "models.h"

#define STATUS_INTERRUPT    0x80u
#define INTERRUPT_FACTORIAL 0x001u
#define INTERRUPT_DMA       0x100u
#define DMA_START           1u
#define DMA_TO_MEMORY       2u
#define DMA_INTERRUPT       4u
#define DMA_PAGES           8u
#define PRI_MAX             512u
#define BUFFER_START        0x40000u
#define BUFFER_BYTES        4096u
#define PASID_MASK          0xfffffu
#define WIDE                0x80 /* from here on registers have 8 bytes */

/* All that one device remembers. Calls come one at a time: no lock. */
struct edu {
	struct ioas_device *dev;
	/* What the registers read as. */
	uint64_t identification, liveness, factorial, status, interrupts, zero;
	uint64_t source, destination, count, command;
	uint64_t pasid, own_pasid, pages;
	uint8_t buffer[BUFFER_BYTES];
};

/* The program has one of the two, or neither; the other does nothing then. */
static void raise_interrupt(struct edu *e, uint32_t why)
{
	e->interrupts |= why;
	ioas_device_line(e->dev, e->interrupts != 0);
	if (why)
		ioas_device_interrupt(e->dev, 0);
}

static void store_factorial(struct edu *e, uint64_t value)
{
	uint32_t n = (uint32_t)value, product = 1;

	/* From 34 on the product is 0 modulo 2^32 and stays so. */
	for (; n && product; n--)
		product *= n;
	e->factorial = product;
	if (e->status & STATUS_INTERRUPT)
		raise_interrupt(e, INTERRUPT_FACTORIAL);
}

static uint8_t *buffer_at(struct edu *e, uint64_t address)
{
	const uint64_t at = address - BUFFER_START;

	if (address < BUFFER_START || at > BUFFER_BYTES ||
	    e->count > BUFFER_BYTES - at)
		return NULL;
	return e->buffer + at;
}

/*
 * DMA by I/O virtual address. The issuer is what a report of a refused access
 * shows as the reason for it; a refused access needs no more than that here.
 */
static void move(struct edu *e)
{
	const struct ioas_issuer issuer = {"DMA", NULL, -1, -1,
	                                   (uint32_t)e->pasid};
	const bool to_memory = e->command & DMA_TO_MEMORY;
	uint8_t *mine = buffer_at(e, to_memory ? e->source : e->destination);
	int err;

	if (!mine)
		return;
	if (to_memory)
		err = ioas_dma_write(e->dev, e->destination, mine, e->count,
		                     &issuer);
	else
		err = ioas_dma_read(e->dev, e->source, mine, e->count, &issuer);
	(void)err;
}

static void finish(struct edu *e)
{
	e->command &= ~(uint64_t)DMA_START;
	if (e->command & DMA_INTERRUPT)
		raise_interrupt(e, INTERRUPT_DMA);
}

/* Its first page and its last: there is no room for more in the buffer. */
static int ask_for_pages(struct edu *e)
{
	const bool to_memory = e->command & DMA_TO_MEMORY;
	struct ioas_page_request page = {
		.uaddr = to_memory ? e->destination : e->source,
		.pasid = (uint32_t)e->pasid,
		.perm = to_memory ? IOAS_WRITE : IOAS_READ,
	};
	int err = ioas_dma_request_page(e->dev, &page);

	if (err)
		return err;
	if (e->count)
		page.uaddr += e->count - 1;
	page.last = true;
	return ioas_dma_request_page(e->dev, &page);
}

/* The answer comes at the end of the store that asked. */
static void edu_paged(void *state, uint32_t group,
                      enum ioas_page_response response)
{
	struct edu *e = state;

	e->pages = response;
	if (response == IOAS_PAGE_SUCCESS)
		move(e);
	finish(e);
}

/* The transfer is over when the store returns: no thread, nothing to wait. */
static void store_command(struct edu *e, uint64_t command)
{
	e->command = command;
	if (!(command & DMA_START))
		return;
	if (e->pasid && command & DMA_PAGES) {
		if (!ask_for_pages(e))
			return;
		e->pages = IOAS_PAGE_FAILURE;
	} else {
		move(e);
	}
	finish(e);
}

static void store_liveness(struct edu *e, uint64_t value)
{
	e->liveness = (uint32_t)~value;
}

static void store_status(struct edu *e, uint64_t value)
{
	e->status = value & STATUS_INTERRUPT;
}

static void store_raise(struct edu *e, uint64_t value)
{
	raise_interrupt(e, (uint32_t)value);
}

static void store_acknowledge(struct edu *e, uint64_t value)
{
	e->interrupts &= ~value;
	ioas_device_line(e->dev, e->interrupts != 0);
}

static void store_pasid(struct edu *e, uint64_t value)
{
	/* Without the option there is none. */
	e->pasid = e->own_pasid ? value & PASID_MASK : IOAS_NO_PASID;
}

static void store_nothing(struct edu *e, uint64_t value)
{
}

/* A line for each register: where, what it reads as, what a store does. */
static const struct edu_register {
	uint64_t at;
	size_t field; /* of struct edu, 8 bytes */
	void (*store)(struct edu *e, uint64_t value); /* NULL: it is kept */
} registers[] = {
	{0x00, offsetof(struct edu, identification), store_nothing},
	{0x04, offsetof(struct edu, liveness), store_liveness},
	{0x08, offsetof(struct edu, factorial), store_factorial},
	{0x20, offsetof(struct edu, status), store_status},
	{0x24, offsetof(struct edu, interrupts), store_nothing},
	{0x60, offsetof(struct edu, zero), store_raise},
	{0x64, offsetof(struct edu, zero), store_acknowledge},
	{0x80, offsetof(struct edu, source), NULL},
	{0x88, offsetof(struct edu, destination), NULL},
	{0x90, offsetof(struct edu, count), NULL},
	{0x98, offsetof(struct edu, command), store_command},
	{0xa0, offsetof(struct edu, pasid), store_pasid},
	{0xa8, offsetof(struct edu, own_pasid), store_nothing},
	{0xb0, offsetof(struct edu, pages), store_nothing},
	{0},
};

/* The register of an access, or the last line: none. */
static const struct edu_register *find(uint64_t at, unsigned int size)
{
	const struct edu_register *r = registers;

	if (size != 4 && (size != 8 || at < WIDE))
		at = UINT64_MAX;
	while (r->field && r->at != at)
		r++;
	return r;
}

static uint64_t *value_of(struct edu *e, const struct edu_register *r)
{
	return (uint64_t *)(void *)((uint8_t *)e + r->field);
}

static uint64_t edu_load(void *state, unsigned int bar, uint64_t offset,
                         unsigned int size)
{
	const struct edu_register *r = find(offset, size);

	return r->field ? *value_of(state, r) : 0;
}

static void edu_store(void *state, unsigned int bar, uint64_t offset,
                      unsigned int size, uint64_t value)
{
	const struct edu_register *r = find(offset, size);

	if (r->store)
		r->store(state, value);
	else if (r->field)
		*value_of(state, r) = value;
}

/* Power-on. */
static void edu_reset(void *state)
{
	struct edu *e = state;

	*e = (struct edu){.dev = e->dev,
	                  .identification = 0x010000ed,
	                  .liveness = UINT32_MAX,
	                  .own_pasid = ioas_device_pasid(e->dev)};
}

/* The only place that may allocate. */
static int edu_create(struct ioas_device *dev, void **ret_state)
{
	struct edu *e;
	int err = ioas_device_alloc(dev, sizeof(*e), ret_state);

	if (err)
		return err;
	e = *ret_state;
	e->dev = dev;
	edu_reset(e);
	return 0;
}

static void edu_destroy(void *state)
{
	ioas_device_free(state, sizeof(struct edu));
}

static int number_option(struct ioas_device *dev, const char *key,
                         uint64_t most, uint64_t *ret_value)
{
	int err = ioas_device_option_size(dev, key, ret_value);

	if (!err && *ret_value > most) {
		ioas_device_fail(dev, "%s= is a number up to %u", key,
		                 (unsigned int)most);
		err = -EINVAL;
	}
	return err;
}

/* What sends PASIDs is PCI Express. */
static int edu_describe(struct ioas_device *dev,
                        struct ioas_function_desc *desc)
{
	uint64_t bits = 0, requests = 0;
	int err = number_option(dev, "pasid", IOAS_PASID_BITS_MAX, &bits);

	if (!err)
		err = number_option(dev, "pri", PRI_MAX, &requests);
	/* A transfer asks for two. */
	if (!err && requests == 1) {
		ioas_device_fail(dev, "pri= is a number from 2 on");
		err = -EINVAL;
	}
	if (err)
		return err;
	desc->pcie |= bits != 0;
	desc->pasid_bits = (uint8_t)bits;
	desc->page_requests = (uint16_t)requests;
	return 0;
}

static const struct ioas_model_key keys[] = {
	{"pasid", "BITS", "send PASIDs of so many bits, 1 to 20"},
	{"pri", "N", "ask for pages, 2 to 512 at once; with pasid="},
	{NULL, NULL, NULL}};

const struct ioas_model ioas_edu_model = {
	.name = "edu",
	.summary = "educational device: factorials, DMA, MSI or INTx",
	.keys = keys,
	.function =
		{
			.vendor = 0x1234,
			.device = 0x11e8,
			.subsystem_vendor = 0x1af4,
			.subsystem_device = 0x1100,
			.class_code = 0x00ff00,
			.revision = 0x10,
			.bar = {[0] = {.size = 1 << 20}},
			.msi_vectors = 1,
			.intx = true,
			.vfs_max = 32,
		},
	.describe = edu_describe,
	.create = edu_create,
	.destroy = edu_destroy,
	.reset = edu_reset,
	.load = edu_load,
	.store = edu_store,
	.paged = edu_paged,
};
