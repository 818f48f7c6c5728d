/* SPDX-License-Identifier: MIT */
/*
 * An engine that copies memory: one channel of Intel's I/O Acceleration
 * Technology, version 3.
 *
 *	BAR 0   0x0000  registers of the device
 *	        0x0080  registers of channel 0
 *	        0x2000  MSI-X table, 0x3000 pending bits
 *
 *	CHAINADDR --> descriptor --next--> descriptor --next--> ...
 *	               source, destination, size
 *	DMACOUNT: how many of them are released, modulo 2^16
 *
 *	halted --CHAINADDR--> armed --DMACOUNT--> active --all done--> done
 *	  ^                     ^                  |  |                 |
 *	  |                     '---- CHAINADDR ---|--|-----------------'
 *	  '-- reset, abort, an error --------------'  '--SUSPEND--> suspended
 *
 * After an error an engine takes a while before it works off descriptors again:
 * recovery=, counted from the first that are released then. It is active
 * meanwhile.
 *
 * A program may release 65535 descriptors of a large copy each by one store,
 * so descriptors are not worked off in the store but in pieces
 * (ioat_engine_work()), between which everything here can be used: a channel
 * that is active can be looked at, suspended and reset.
 *
 * Choices, where the hardware is not known: docs/DIFFERENCES.md.
 *
 * Sources: registers, descriptors and identifiers as Linux 7.3
 * drivers/dma/ioat and DPDK 22.11 drivers/dma/ioat use them.
 */
#ifndef IOAS_DEVICES_IOAT_H
#define IOAS_DEVICES_IOAT_H

#include <ioas/device.h>

#define IOAT_DMACOUNT 0x86

/* Its own registers in configuration space. */
#define IOAT_CONFIG_DMAUNCERRSTS 0x148
#define IOAT_CONFIG_CHANERR      0x180
#define IOAT_CONFIG_CHANERRMASK  0x184

/* CHANSTS, bits 2:0. */
enum ioat_state {
	IOAT_ACTIVE,
	IOAT_DONE,
	IOAT_SUSPENDED,
	IOAT_HALTED,
	IOAT_ARMED,
};

/* CHANERR. */
#define IOAT_ERROR_SOURCE      (1u << 0)
#define IOAT_ERROR_DESTINATION (1u << 1)
#define IOAT_ERROR_NEXT        (1u << 2)
#define IOAT_ERROR_ALIGNMENT   (1u << 3)
#define IOAT_ERROR_CHAIN       (1u << 4)
#define IOAT_ERROR_CONTROL     (1u << 10)
#define IOAT_ERROR_LENGTH      (1u << 11)
#define IOAT_ERROR_COMPLETION  (1u << 12)

/* CHANCTRL; bit 0 is apart (interrupts_off). */
#define IOAT_CONTROL_REARM            (1u << 0)
#define IOAT_CONTROL_ERROR_COMPLETION (1u << 2)
#define IOAT_CONTROL_ERROR_ABORT      (1u << 3)
#define IOAT_CONTROL_ERROR_INTERRUPT  (1u << 4)

/* INTRCTRL. */
#define IOAT_INTERRUPT_MASTER  (1u << 0)
#define IOAT_INTERRUPT_STATUS  (1u << 1)
#define IOAT_INTERRUPT_RAISED  (1u << 2)
#define IOAT_INTERRUPT_VECTORS (1u << 3)

#define IOAT_CAPABILITY_FILL (1u << 6)

/* Bytes in front of the program that a fill writes at once. */
#define IOAT_PATTERN_BYTES 4096

/* One in work, as it was fetched. */
struct ioat_descriptor {
	uint64_t at;
	uint32_t size, control;
	uint64_t source, destination, next;
};

struct ioat_identity {
	uint16_t device;
	uint8_t version;     /* 0x33: 3.3 */
	uint8_t xfercap_lg2; /* of the largest transfer in bytes */
	uint64_t recovery;   /* ns */
};

struct ioat {
	struct ioas_device *dev;
	struct ioat_identity identity; /* constant */

	/* Of the device. */
	uint8_t genctrl;
	uint8_t intrctrl; /* what the program wrote */
	bool attention;   /* ATTNSTATUS, bit 0 */
	bool held;        /* until the device lets interrupts out */

	/* Of the channel. */
	enum ioat_state state;
	uint16_t control;
	bool interrupts_off; /* one was raised, and none was asked for again */
	uint64_t chain, completion;
	uint64_t completed; /* address of the last good descriptor */
	uint32_t error, error_mask;
	uint16_t count;    /* DMACOUNT */
	uint16_t consumed; /* modulo 2^16 */
	uint32_t number;   /* of descriptors since CHAINADDR, for reports */
	bool failed;       /* an error halted it; none was released since */
	uint64_t ready;    /* when it has recovered */

	/* The one in work. */
	uint64_t next; /* where it is, or will be */
	bool fetched;
	uint32_t moved; /* bytes of it */
	struct ioat_descriptor descriptor;
	uint8_t pattern[IOAT_PATTERN_BYTES];
};

/* identity.c: 0, or -EINVAL after ioas_device_fail(). */
int ioat_identify(struct ioas_device *dev, struct ioat_identity *ret_identity);

/* register.c */
uint64_t ioat_load(void *state, unsigned int bar, uint64_t offset,
                   unsigned int size);
void ioat_store(void *state, unsigned int bar, uint64_t offset,
                unsigned int size, uint64_t value);

/* engine.c */
void ioat_engine_reset(struct ioat *e);   /* halted */
void ioat_engine_restart(struct ioat *e); /* CHAINADDR was written */
void ioat_engine_release(struct ioat *e); /* DMACOUNT was written */
void ioat_engine_suspend(struct ioat *e);
void ioat_engine_resume(struct ioat *e);
void ioat_engine_abort(struct ioat *e);
/* One piece. Return: when there is more. */
uint64_t ioat_engine_work(void *state);

/* The registers of interrupts have changed: raise what may be raised now. */
void ioat_interrupt_settle(struct ioat *e);

#endif /* IOAS_DEVICES_IOAT_H */
