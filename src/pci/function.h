/* SPDX-License-Identifier: MIT */
/*
 * A PCI function without a bus: configuration space, BARs, interrupts, and the
 * model behind it. This is struct ioas_device of <ioas/device.h>.
 *
 *	uapi: config, BAR, interrupt set-up, attach   preload: trapped accesses
 *	                  \                           /
 *	                   function ----> model (devices/NAME)
 *	                   |     \
 *	       space (its DMA)    hooks.signal (its interrupts)
 *
 * Everything here except the fields marked constant is under `lock`. A call
 * marked [model] takes the lock and may run the model: signals are blocked by
 * the caller (hooks.signals_block, or the mask of the trap handler), so a
 * signal handler of the program can never find the lock held by its own
 * thread.
 *
 * Laws
 *	FN-1  the model runs one call at a time
 *	FN-2  no DMA with bus mastering off, and none after detach returned
 *	MSI-7 no interrupt is delivered after it was switched off
 */
#ifndef IOAS_PCI_FUNCTION_H
#define IOAS_PCI_FUNCTION_H

#include <ioas/device.h>

#include "base/lock.h"
#include "base/types.h"
#include "space/space.h"

#define IOAS_CONFIG_SIZE 4096 /* of a PCI Express function; 256 without */
#define IOAS_BARS        6
#define IOAS_NO_EVENT    (-1)

struct ioas_bdf {
	uint32_t domain;
	uint8_t bus, slot, function;
};

/* One option as given: key=value. Strings live as long as the device. */
struct ioas_option {
	const char *key;
	const char *value;
};

/* Interrupt modes; the values are the VFIO interrupt indexes. */
enum ioas_irq_mode {
	IOAS_IRQ_INTX,
	IOAS_IRQ_MSI,
	IOAS_IRQ_MSIX,
	IOAS_IRQ_OFF,
};

struct ioas_irq {
	enum ioas_irq_mode mode;
	unsigned int count; /* vectors on, in this mode */
	int *event;         /* per vector: handle for hooks.signal, or none */
	unsigned int room;  /* entries in event; constant */
};

struct ioas_device_stats {
	struct ioas_a64 loads, stores, dma_reads, dma_writes, dma_faults;
	struct ioas_a64 dma_read_bytes, dma_written_bytes, interrupts;
};

struct ioas_device {
	const struct ioas_model *model;    /* constant */
	const struct ioas_option *options; /* constant */
	unsigned int option_count;
	void *state;       /* the model's; constant */
	char name[16];     /* "0000:01:00.0"; constant */
	char failure[256]; /* ioas_device_fail() */

	struct ioas_lock lock;
	uint8_t config[IOAS_CONFIG_SIZE];
	uint8_t writable[IOAS_CONFIG_SIZE]; /* bits a write may change; constant
	                                     */
	unsigned int config_size;           /* constant */
	unsigned int cap_pm, cap_msi, cap_msix, cap_pcie; /* offsets, 0: none */
	uint8_t *msix_table;   /* 16 bytes a vector, as on the bus */
	uint8_t *msix_pending; /* one bit a vector */
	struct ioas_irq irq;

	struct ioas_aptr space; /* struct ioas_space; read by DMA */
	struct ioas_device_stats stats;
};

/*
 * The device is in power-on state and in no address space.
 * Return: 0, -ENOMEM, or what the model's create() gave; `failure` says why.
 * On failure *ret_failure (of 256 bytes, when not NULL) holds the text.
 */
struct ioas_device_request {
	const struct ioas_model *model;
	struct ioas_bdf bdf;
	const struct ioas_option *options; /* kept, not copied */
	unsigned int option_count;
};

int ioas_device_create(const struct ioas_device_request *request,
                       struct ioas_device **ret_dev, char *ret_failure);
/* Options only, nothing kept: what `ioas run` does before it starts. */
int ioas_device_check(const struct ioas_device_request *request,
                      char *ret_failure);
void ioas_device_destroy(struct ioas_device *dev); /* NULL is fine */

/* Configuration space. [offset, offset + bytes) is inside it. [model] */
void ioas_device_config_read(struct ioas_device *dev, unsigned int offset,
                             void *buffer, unsigned int bytes);
void ioas_device_config_write(struct ioas_device *dev, unsigned int offset,
                              const void *buffer, unsigned int bytes);

/* Size in bytes of a BAR as a region, 0 when it is not there. Any thread. */
uint64_t ioas_device_bar_size(const struct ioas_device *dev, unsigned int bar);
/* Is memory decoding on? [takes the lock] */
bool ioas_device_decodes(struct ioas_device *dev);

/*
 * One register access: @size 1, 2, 4, 8, [offset, offset + size) inside the
 * BAR. The MSI-X table and pending bits are served here, the rest by the
 * model. [model]
 */
uint64_t ioas_device_load(struct ioas_device *dev, unsigned int bar,
                          uint64_t offset, unsigned int size);
void ioas_device_store(struct ioas_device *dev, unsigned int bar,
                       uint64_t offset, unsigned int size, uint64_t value);

/*
 * As VFIO_DEVICE_RESET: the model is reset, configuration space stays as the
 * user left it, interrupt set-up stays. [model]
 */
void ioas_device_reset(struct ioas_device *dev);
/*
 * As the first open and the last close of a device: the model is reset,
 * configuration space is back at its default (memory decoding on, bus
 * mastering off), interrupts are off. The caller puts the event handles
 * first. [model]
 */
void ioas_device_restart(struct ioas_device *dev);

/* @space may be NULL: detach. Waits until no DMA uses the old one (FN-2). */
void ioas_device_attach(struct ioas_device *dev, struct ioas_space *space);

/*
 * Interrupt set-up for uapi: changes `irq` under the lock and does what the
 * hardware would: MSI-X enable bits, vector masks, pending interrupts that an
 * unmask lets out. The arguments are checked by uapi; the handles are uapi's.
 * Each returns the handle that was there before, or IOAS_NO_EVENT. [model]
 */
unsigned int ioas_device_irq_count(const struct ioas_device *dev,
                                   enum ioas_irq_mode mode);
void ioas_device_irq_on(struct ioas_device *dev, enum ioas_irq_mode mode,
                        unsigned int count);
void ioas_device_irq_off(struct ioas_device *dev);
int ioas_device_irq_set(struct ioas_device *dev, unsigned int vector,
                        int event);

#endif /* IOAS_PCI_FUNCTION_H */
