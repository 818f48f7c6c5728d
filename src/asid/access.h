/* SPDX-License-Identifier: MIT */
/*
 * <ioas/asid.h> for ioas itself: the accesses of its short ways are those of
 * base/atomic.h, so that the explorer sees them.
 */
#ifndef IOAS_ASID_ACCESS_H
#define IOAS_ASID_ACCESS_H

#include "base/atomic.h"

#define IOAS_ASID_LOAD(word) \
	ioas_a64_load_relaxed((const struct ioas_a64 *)(const void *)(word))
#define IOAS_ASID_STORE(word, value) \
	ioas_a64_store_relaxed((struct ioas_a64 *)(void *)(word), (value))
#define IOAS_ASID_BARRIER() ioas_compiler_barrier()
#define IOAS_ASID_LOAD32(word) \
	ioas_a32_load_relaxed((const struct ioas_a32 *)(const void *)(word))
#define IOAS_ASID_CAS32(word, seen, value) \
	ioas_a32_cas((struct ioas_a32 *)(void *)(word), (seen), (value))

#include <ioas/asid.h>

#endif /* IOAS_ASID_ACCESS_H */
