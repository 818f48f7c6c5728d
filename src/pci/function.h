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
 * Configuration space is the one that a program sees through vfio-pci: what
 * Linux lets its user write can be written, the rest keeps its value. So the
 * MSI-X control register is read-only here, and switched by irq_on() and
 * irq_off(); MSI's shows what the program wrote. The MSI-X table, which a
 * program reaches through its own mapping of the BAR, behaves as in hardware.
 *
 * Laws
 *	FN-1  the model runs one call at a time
 *	FN-2  no DMA with bus mastering off, and none after detach returned
 *	FN-3  a vector is given an event only while its mode is on
 *	MSI-7 no interrupt is delivered after it was switched off
 *	MSI-8 a device raises its own vectors only
 *	FN-4  the pin raises one event a mask: the next one needs an unmask
 *
 * Lock order: `lock` is taken before nothing else of the core, but for that of
 * the interrupt controller (msi/msi.h), and for that of another device by
 * ioas_device_peer_*(), which is tried and not waited for.
 * attach() does not take it, so a detach waits for the model's DMA and not for
 * the model.
 *
 * Sources: PCI Local Bus Specification 3.0, 6.1, 6.2.5 (BARs), 6.8 (MSI,
 * MSI-X); PCI Bus Power Management Interface Specification 1.2, 3.2; PCI
 * Express Base Specification 4.0, 7.5.3; Linux 7.3
 * drivers/vfio/pci/vfio_pci_config.c for what a program may write.
 */
#ifndef IOAS_PCI_FUNCTION_H
#define IOAS_PCI_FUNCTION_H

#include <ioas/device.h>

#include "base/event.h"
#include "base/lock.h"
#include "base/types.h"
#include "iova/msi_doorbell.h"
#include "msi/msi.h"
#include "pci/pe.h"
#include "pci/runner.h"
#include "space/space.h"
#include "sva/sva.h"

#define IOAS_CONFIG_SIZE 4096 /* of a PCI Express function; 256 without */
#define IOAS_BARS        6
#define IOAS_NO_EVENT    (-1)

#define IOAS_FAILURE_TEXT 256 /* bytes of a sentence that says why not */

struct ioas_bdf {
	uint32_t domain; /* 16 bits */
	uint8_t bus, slot, function;
};

#define IOAS_BDF_TEXT 16 /* bytes for "0000:01:00.0" and its end */

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
	/*
	 * Per vector: handle for hooks.signal, or none. Under the controller's
	 * lock as well while there is a claim (MSI-7).
	 */
	int *event;
	unsigned int room; /* entries in event; constant */
	bool level;        /* of the pin */
	bool masked;       /* INTx: delivered and not unmasked yet, or masked */
	bool msi_on; /* MSI as the device has it; the program's is apart */
	unsigned int msi_lg2; /* of the vectors that were last asked for */
	/* With a controller: its numbers, and where its messages go. */
	struct ioas_msi_claim claim;
	struct ioas_msi_doorbell doorbell;
	bool translated;             /* there is a doorbell */
	struct ioas_message message; /* of MSI's vector 0; not the program's */
};

/* Counts: ordered with nothing. */
struct ioas_device_stats {
	struct ioas_a64 loads, stores, dma_reads, dma_writes, dma_faults;
	struct ioas_a64 dma_read_bytes, dma_written_bytes, interrupts;
	/* Doorbells: stores that faulted, cells of open pages; wake-ups. */
	struct ioas_a64 trapped, polled, wakes;
};

/* What SR-IOV makes of a function. */
struct ioas_iov {
	uint16_t vfs;            /* of a physical one: how many it may have */
	uint16_t offset, stride; /* from its address to theirs */
	uint16_t vf_device;      /* their device id */
	uint8_t link;            /* its own slot and function */
	bool is_virtual;
};

struct ioas_log;

struct ioas_device {
	const struct ioas_model *model;     /* constant */
	struct ioas_msi *msi;               /* or NULL; constant */
	struct ioas_pe *pe;                 /* or NULL; constant */
	struct ioas_function_desc function; /* by its options; constant */
	struct ioas_iov iov;                /* constant */
	const struct ioas_option *options;  /* constant */
	unsigned int option_count;
	void *state;                     /* the model's; constant */
	char name[IOAS_BDF_TEXT];        /* "0000:01:00.0"; constant */
	char failure[IOAS_FAILURE_TEXT]; /* ioas_device_fail() */

	struct ioas_lock lock;
	uint8_t config[IOAS_CONFIG_SIZE];
	/* Bits that a write may change; constant. */
	uint8_t writable[IOAS_CONFIG_SIZE];
	uint8_t cleared[IOAS_CONFIG_SIZE]; /* by a written 1; constant */
	unsigned int config_size;          /* constant */
	unsigned int cap_pm, cap_msi, cap_msix, cap_pcie; /* offsets, 0: none */
	unsigned int cap_sriov;                           /* the same */
	unsigned int cap_ats, cap_pri, cap_pasid;         /* the same */
	uint8_t *msix_table;   /* 16 bytes a vector, as on the bus */
	uint8_t *msix_pending; /* one bit a vector */
	struct ioas_irq irq;
	bool serves_peer;           /* inside ioas_device_peer_*() */
	struct ioas_aptr waits_for; /* peer whose lock its own call wants */

	struct ioas_runner runner;
	struct ioas_aptr space; /* struct ioas_space; read by DMA */
	uint32_t moves;         /* when ioas_dma_begin() was called */
	bool logs;              /* can say what it wrote; constant */
	struct ioas_log *log;   /* or NULL: nobody asks; log.c */
	struct ioas_device_stats stats;

	/* What it sends PASIDs by, or NULL; and whose it is given. Constant. */
	struct ioas_sva_device *sva;
	uint32_t pasid;
};

/*
 * Bytes, as options have them: 4096, 0x1000, 4K; K, M, G and T are powers of
 * 1024. Return: 0, -EINVAL (no number), -ERANGE (above 2^63 - 1).
 */
int ioas_size_parse(const char *text, uint64_t *ret_bytes);

/* As Linux writes it: four, two, two and one hexadecimal digits. */
void ioas_bdf_format(struct ioas_bdf bdf, char ret_text[IOAS_BDF_TEXT]);

struct ioas_device_request {
	const struct ioas_model *model;
	struct ioas_bdf bdf;
	const struct ioas_option *options; /* kept, not copied */
	unsigned int option_count;
	/* What the function looks like; NULL: ask the model. */
	const struct ioas_function_desc *desc;
	struct ioas_iov iov;
	/* Where its messages go; NULL: its interrupts need none. Kept. */
	struct ioas_msi *msi;
	/*
	 * Of who opens it: what a device that sends PASIDs is bound to, as long
	 * as it is there. NULL: nothing. Kept.
	 */
	struct ioas_sva *sva;
	struct ioas_sva_mm *mm;
	/* With what it is isolated; NULL: it never is. Kept. */
	struct ioas_pe *pe;
};

/*
 * What the function looks like on the bus, with these options. Return: 0,
 * -ENOMEM, -EINVAL (the model describes a function that cannot be: a BAR whose
 * size is no power of two, ...), or what the model's describe() gave. On
 * failure ret_failure (of IOAS_FAILURE_TEXT bytes, when not NULL) says why.
 */
int ioas_device_describe(const struct ioas_device_request *request,
                         struct ioas_function_desc *ret_desc,
                         char *ret_failure);
/*
 * The device is in power-on state and in no address space.
 * Return: 0, -ENOMEM, or what ioas_device_describe() or the model's create()
 * gave. On failure ret_failure (of IOAS_FAILURE_TEXT bytes, when not NULL)
 * says why.
 */
int ioas_device_create(const struct ioas_device_request *request,
                       struct ioas_device **ret_dev, char *ret_failure);
void ioas_device_stats_add(struct ioas_device_stats *to,
                           const struct ioas_device_stats *more);
void ioas_device_destroy(struct ioas_device *dev); /* NULL is fine */

/* Configuration space. [offset, offset + bytes) is inside it. [model] */
void ioas_device_config_read(struct ioas_device *dev, unsigned int offset,
                             void *buffer, unsigned int bytes);
void ioas_device_config_write(struct ioas_device *dev, unsigned int offset,
                              const void *buffer, unsigned int bytes);

/*
 * A physical function has @vfs virtual ones now: its SR-IOV capability shows
 * them, and while there are some it stays in D0. [takes the lock]
 */
void ioas_device_vfs_set(struct ioas_device *dev, unsigned int vfs);

/* Size in bytes of a BAR as a region, 0 when it is not there. Any thread. */
uint64_t ioas_device_bar_size(const struct ioas_device *dev, unsigned int bar);
/* The same of its expansion ROM. */
uint64_t ioas_device_rom_size(const struct ioas_device *dev);
/* Is memory decoding on, and the function powered? [takes the lock] */
bool ioas_device_decodes(struct ioas_device *dev);
/* For I/O ports instead of memory? Any thread. */
bool ioas_device_bar_is_port(const struct ioas_device *dev, unsigned int bar);

/*
 * One register access: @size 1, 2, 4, 8, [offset, offset + size) inside the
 * BAR. The MSI-X table and pending bits are served here, the rest by the
 * model; a doorbell may be left to the device's thread (pci/runner.h). Ports
 * read as ones, and are not written, while I/O decoding is off. The ones with
 * _try look first whether memory decoding is on (for what is not ports) and
 * the function powered, and return false when not. [model]
 */
uint64_t ioas_device_load(struct ioas_device *dev, unsigned int bar,
                          uint64_t offset, unsigned int size);
void ioas_device_store(struct ioas_device *dev, unsigned int bar,
                       uint64_t offset, unsigned int size, uint64_t value);
bool ioas_device_load_try(struct ioas_device *dev, unsigned int bar,
                          uint64_t offset, unsigned int size,
                          uint64_t *ret_value);
bool ioas_device_store_try(struct ioas_device *dev, unsigned int bar,
                           uint64_t offset, unsigned int size, uint64_t value);

/*
 * The same for the DMA of another device (peer to peer), whose lock is held.
 * Two devices may wait for each other: one of them gives up at once; and after
 * a second the longest wait ends. Return: 0, or -EIO (so, or it does not
 * decode).
 */
struct ioas_peer_access {
	struct ioas_device *from, *to;
	unsigned int bar, size;
	uint64_t offset;
};

int ioas_device_peer_load(const struct ioas_peer_access *access,
                          uint64_t *ret_value);
int ioas_device_peer_store(const struct ioas_peer_access *access,
                           uint64_t value);

/*
 * What the device writes is remembered, page by page, in these ranges of I/O
 * addresses. Return: 0, -EINVAL (that is so already), -ENOMEM. [takes the lock]
 */
int ioas_device_log_start(struct ioas_device *dev,
                          const struct iova_range *ranges, unsigned int count,
                          unsigned int page_shift);
/* And not any more. [takes the lock] */
void ioas_device_log_stop(struct ioas_device *dev);
/*
 * The lowest page that was written, or the part of it that lies within: it is
 * forgotten when it does as a whole. Return: 1, 0 (there is none), -EINVAL
 * (nothing is remembered). [takes the lock]
 */
int ioas_device_log_next(struct ioas_device *dev, struct iova_range within,
                         struct iova_range *ret_dirty);
/* Nobody came to know of it. [takes the lock] */
void ioas_device_log_again(struct ioas_device *dev, struct iova_range dirty);

/*
 * As VFIO_DEVICE_RESET: the model is reset and the function is back in D0; the
 * rest of configuration space and the interrupt set-up stay as the user left
 * them; pending interrupts are gone. The program does the same by the function
 * level reset bit of its configuration space. [model]
 */
void ioas_device_reset(struct ioas_device *dev);
/*
 * As the first open and the last close of a device: the model is reset,
 * configuration space is back at its default (memory decoding on, bus
 * mastering off), interrupts are off. The caller puts the event handles
 * first. [model]
 */
void ioas_device_restart(struct ioas_device *dev);

/*
 * What a program may write is what vfio-pci lets it write, also where that is
 * no field of the device: all of the low byte of MSI's control, and all bits of
 * its address. Before the first access.
 */
void ioas_device_config_as_linux(struct ioas_device *dev);

/* @space may be NULL: detach. Waits until no DMA uses the old one (FN-2). */
void ioas_device_attach(struct ioas_device *dev, struct ioas_space *space);

/*
 * Interrupt set-up for uapi: changes `irq` under the lock and does what the
 * hardware would: MSI-X enable bits, vector masks, pending interrupts that an
 * unmask lets out. The arguments are checked by uapi; the handles are uapi's.
 * [model]
 *
 * prepare  while off, for MSI and MSI-X, where there is a controller: all that
 *      can fail. @doorbell is what messages are composed with; NULL: they go
 *      to the controller's own address. May be done again
 * on   from off; no vector has an event, each MSI-X vector is masked
 * set  while on (FN-3), any vector of the mode, also at or above the count of
 *      irq_on(), which an event raises. Returns the handle that was there
 *      before, or IOAS_NO_EVENT. An MSI-X vector is unmasked by an event,
 *      masked by IOAS_NO_EVENT
 * off  the handles are forgotten: take them back by set first
 */
unsigned int ioas_device_irq_count(const struct ioas_device *dev,
                                   enum ioas_irq_mode mode); /* any thread */
/* Return: 0, or -ENOSPC (the controller has no interrupt left). */
int ioas_device_irq_prepare(struct ioas_device *dev, enum ioas_irq_mode mode,
                            const struct ioas_msi_doorbell *doorbell);
void ioas_device_irq_on(struct ioas_device *dev, enum ioas_irq_mode mode,
                        unsigned int count);
void ioas_device_irq_off(struct ioas_device *dev);
int ioas_device_irq_set(struct ioas_device *dev, unsigned int vector,
                        int event);
/*
 * INTx while it is on: mask; or unmask, and raise the event again when the pin
 * is still asserted. Neither does anything in another mode. Unmask is without
 * effect while the program has INTx disabled in its command register. [model]
 */
void ioas_device_intx_mask(struct ioas_device *dev);
void ioas_device_intx_unmask(struct ioas_device *dev);
/* Raise a vector's event because the program asks for it. [takes the lock] */
void ioas_device_irq_loop_back(struct ioas_device *dev, unsigned int vector);

/* ---- Between the files of src/pci. _locked: under the device's lock. ---- */

/* log.c: its option, 0 or -EINVAL after ioas_device_fail(). */
int ioas_log_init(struct ioas_device *dev);
/* The device wrote there; and what was remembered is not any more. */
void ioas_log_mark_locked(struct ioas_device *dev, uint64_t iova,
                          uint64_t bytes);
void ioas_log_end_locked(struct ioas_device *dev);

/* sriov.c: the capability of a physical function, in config as it is built. */
void ioas_sriov_build(struct ioas_device *dev);
bool ioas_sriov_on_locked(const struct ioas_device *dev);

/*
 * pasid.c: its capabilities, in config as it is built, and what vfio-pci shows
 * of them; and what it is bound to. 0, -ENOMEM, -EOVERFLOW, -ENOSPC, after
 * ioas_device_fail().
 */
void ioas_pasid_build(struct ioas_device *dev);
void ioas_pasid_hide(struct ioas_device *dev);
int ioas_pasid_bind(struct ioas_device *dev,
                    const struct ioas_device_request *request);
void ioas_pasid_unbind(struct ioas_device *dev);
/* In a section: may addresses of the program be used? */
enum ioas_fault ioas_pasid_check(const struct ioas_device *dev, uint32_t pasid,
                                 uint64_t uaddr, uint64_t bytes);
/* Serve the page requests of the call that has just ended. */
void ioas_pasid_serve_locked(struct ioas_device *dev);
/* What was asked for in part is so no more. */
void ioas_pasid_reset_locked(struct ioas_device *dev);

/* Configuration space in its default state, and what may be written. */
void ioas_config_build(struct ioas_device *dev);
void ioas_config_default_locked(struct ioas_device *dev);
/* The device's own registers as they were at first. */
void ioas_config_own_locked(struct ioas_device *dev);
bool ioas_config_bus_master_locked(const struct ioas_device *dev);
/* The address that was written to a BAR. */
uint64_t ioas_config_bar_locked(const struct ioas_device *dev,
                                unsigned int bar);
bool ioas_config_decodes_locked(const struct ioas_device *dev);
bool ioas_config_ports_locked(const struct ioas_device *dev);
void ioas_config_power_on_locked(struct ioas_device *dev);
/* The enable bit of a mode; @count vectors are on (MSI). */
void ioas_config_irq_enable_locked(struct ioas_device *dev,
                                   enum ioas_irq_mode mode, unsigned int count);
/* Of the mode that is on: MSI can be switched by the program while it is. */
bool ioas_config_irq_enabled_locked(const struct ioas_device *dev);
bool ioas_config_intx_disabled_locked(const struct ioas_device *dev);
/* The interrupt bit of the status register. */
void ioas_config_intx_status_locked(struct ioas_device *dev, bool on);

/*
 * Fill in dev->function, from the model and the options. 0, -EINVAL or what the
 * model's describe() gave; after ioas_device_fail().
 */
int ioas_model_describe(struct ioas_device *dev);
void ioas_device_reset_locked(struct ioas_device *dev);

/* 0 or -ENOMEM; in both cases fini takes back what there is. */
int ioas_irq_init(struct ioas_device *dev);
void ioas_irq_fini(struct ioas_device *dev);
/* Off, table as at power-on, nothing pending. */
void ioas_irq_default_locked(struct ioas_device *dev);
void ioas_irq_forget_pending_locked(struct ioas_device *dev);
/* Raise a vector's event, if it has one. */
void ioas_irq_deliver_locked(struct ioas_device *dev, unsigned int vector);
/* message.c: the message of a vector goes out, as a write of the device. */
void ioas_message_send_locked(struct ioas_device *dev,
                              const struct ioas_message *message,
                              unsigned int vector);

/* A write of the device that met a doorbell. [locked, in a section] */
struct ioas_arrival {
	uint64_t iova, bytes;
	struct phys at;
	const void *data;
	const struct ioas_issuer *issuer;
};

/* False: it is no message; then nothing has happened. */
bool ioas_message_arrives(struct ioas_device *dev,
                          const struct ioas_arrival *arrival);
/* intx.c: the mode, the event or the command register has changed. */
void ioas_intx_begin_locked(struct ioas_device *dev);
void ioas_intx_settle_locked(struct ioas_device *dev);
void ioas_intx_command_locked(struct ioas_device *dev, bool was_disabled);
/* As ioas_device_line(). */
void ioas_intx_level_locked(struct ioas_device *dev, bool level);
/*
 * Does the access begin in the MSI-X table or in the pending bits? Then it is
 * served (bytes behind their end read as 0), and the model does not see it.
 */
bool ioas_msix_load_locked(struct ioas_device *dev, uint64_t at,
                           unsigned int size, uint64_t *ret_value);
bool ioas_msix_store_locked(struct ioas_device *dev, uint64_t at,
                            unsigned int size, uint64_t value);

/* An access that is refused after @done of its bytes. [locked, in a section] */
struct ioas_refusal {
	struct ioas_device *dev;
	struct ioas_space *space; /* may be NULL */
	uint64_t iova, bytes, done;
	unsigned int perm;
	enum ioas_fault fault;
	const struct ioas_issuer *issuer;
	enum ioas_event_kind kind; /* with `message`; else DMA_FAULT */
	const struct ioas_event_message *message;
};

/* Counts and tells it. Return: -EFAULT. */
int ioas_dma_refuse(const struct ioas_refusal *refusal);

/* Numbers of one writer, who holds the lock; read on any thread. */
static inline void ioas_count_locked(struct ioas_a64 *number, uint64_t n)
{
	/* Relaxed: a statistic, ordered with nothing. */
	ioas_a64_store_relaxed(number, ioas_a64_load_relaxed(number) + n);
}

#endif /* IOAS_PCI_FUNCTION_H */
