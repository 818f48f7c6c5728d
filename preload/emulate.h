/* SPDX-License-Identifier: MIT */
/*
 * Doing what a faulting instruction would have done, had its memory operand
 * been a register of a device. What follows depends on the processor; this
 * header does not.
 *
 * Laws
 *	TRAP-1  an instruction is done as the processor would do it, or not at
 *	        all: nothing is guessed
 *	TRAP-2  each element of the operand is one access of the device, in
 *	        order: a vector is accessed 8 bytes at a time, a repeated
 *	        string element by element
 */
#ifndef IOAS_PRELOAD_EMULATE_H
#define IOAS_PRELOAD_EMULATE_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/* Registers at [start, start + bytes). */
struct ioas_bus {
	uint64_t start, bytes;
	int prot;      /* PROT_READ, PROT_WRITE: what the program may do */
	void *context; /* for the two calls */
	/* @offset from start. Return: 0, or -EIO: the device is silent */
	int (*load)(void *context, uint64_t offset, unsigned int size,
	            uint64_t *ret_value);
	int (*store)(void *context, uint64_t offset, unsigned int size,
	             uint64_t value);
};

enum ioas_emulated {
	IOAS_EMULATED_DONE,   /* the context is that of the next instruction */
	IOAS_EMULATED_DENIED, /* the program's mapping does not allow it */
	IOAS_EMULATED_BUS,    /* beyond the end, or the device is silent */
	IOAS_EMULATED_UNALIGNED, /* which this processor does not do */
	IOAS_EMULATED_FAULT,     /* its other operand is bad: fault_address */
	IOAS_EMULATED_UNKNOWN,   /* see bytes and reason */
};

#define IOAS_INSTRUCTION_MAX 15

struct ioas_decode_cache;

struct ioas_emulation {
	const struct ioas_bus *bus;
	struct ioas_decode_cache *cache;
	ucontext_t *context; /* of the fault; changed */
	uint64_t fault_address;
	/* When it is unknown. */
	uint8_t bytes[IOAS_INSTRUCTION_MAX];
	unsigned int length; /* of bytes */
	const char *reason;
};

/* Load the decoder: 0 or -ENOTSUP (it is not there, which was said aloud). */
int ioas_decoder_load(void);

struct ioas_decode_cache *ioas_decode_cache_create(void); /* NULL: no memory */
void ioas_decode_cache_destroy(struct ioas_decode_cache *cache);

/* One caller at a time for a cache. Allocates nothing. */
enum ioas_emulated ioas_emulate(struct ioas_emulation *emulation);

#endif /* IOAS_PRELOAD_EMULATE_H */
