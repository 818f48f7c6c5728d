/* SPDX-License-Identifier: MIT */
/*
 * Files that the process runs: the program and its libraries, each with a
 * number that stays. Found when a new stack leads through one, and all of them
 * when a register area is mapped: in the handler that serves it none can be
 * found. Never taken away, also when the program closes the library.
 */
#ifndef IOAS_PRELOAD_MODULES_H
#define IOAS_PRELOAD_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

#define IOAS_MODULES_MAX 1024
#define IOAS_NO_MODULE   UINT16_MAX
#define IOAS_BUILD_MAX   32 /* bytes of a build id that are kept */

struct ioas_module {
	uint64_t base;        /* what addresses in the file are moved by */
	uint64_t first, last; /* its code */
	const char *path;
	uint8_t build[IOAS_BUILD_MAX];
	unsigned int build_bytes;
	struct ioas_a32 sent; /* the tool knows it */
};

/*
 * The module of each address, or IOAS_NO_MODULE. Takes a lock, and the dynamic
 * linker's: not in a signal handler.
 */
void ioas_modules_find(const uint64_t *address, unsigned int count,
                       uint16_t *ret_module);
/* Find all that are loaded now. Locks as above. */
void ioas_modules_learn(void);
/* The module of one address among those that are known; anywhere. */
uint16_t ioas_module_known(uint64_t address);
/* NULL: there is none of this number. */
struct ioas_module *ioas_module(uint16_t number);
/* In a forked child. */
void ioas_modules_forked(void);

#endif /* IOAS_PRELOAD_MODULES_H */
