/* SPDX-License-Identifier: MIT */
/*
 * What the targets of devices share: a device with an address space, memory
 * that it may reach in ways of its own, and a driver's ways to it.
 *
 * Memory, by page: the first ones the device may read and write; those from
 * FUZZ_FIRST_SAFE on it may only read, those from FUZZ_FIRST_FAR on it cannot
 * reach at all. All but the last are mapped in order at FUZZ_WINDOW.
 */
#ifndef FUZZ_BOARD_H
#define FUZZ_BOARD_H

#include "fuzz.h"
#include "pci/function.h"
#include "space/space.h"

#define FUZZ_FIRST_SAFE 48 /* page */
#define FUZZ_FIRST_FAR  56 /* page */
#define FUZZ_WINDOW     UINT64_C(0x100000)
#define FUZZ_EVENT      7 /* a handle; no other may be raised */

struct fuzz_board {
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_device *dev;
};

extern struct fuzz_board fuzz_board;

/* fuzz_begin(), and a device that decodes memory and is a bus master. */
void fuzz_board_begin(const struct ioas_device_request *request);
/* Memory that the device may not write is as it was; nothing is left. */
void fuzz_board_end(void);

char *fuzz_page_at(unsigned int page);
uint64_t fuzz_window(unsigned int page);

void fuzz_map(uint64_t iova, unsigned int page, unsigned int pages,
              unsigned int perm);
/* What is mapped at that address, if anything is. */
void fuzz_unmap(uint64_t iova);
void fuzz_map_window(void);

uint64_t fuzz_load(uint64_t at, unsigned int size);
void fuzz_store(uint64_t at, unsigned int size, uint64_t value);
void fuzz_config(unsigned int at, unsigned int size, uint32_t value);
void fuzz_reset(void);
/* One of the first pages goes away, is read-only, or comes again. */
void fuzz_protect_some(struct fuzz_input *in);

#endif /* FUZZ_BOARD_H */
