/* SPDX-License-Identifier: MIT */
/*
 * Every access that races with another thread goes through this header, and
 * through nothing else. The explorer compiles the same sources against a
 * replacement that interleaves these operations; code that uses an atomic
 * builtin directly would escape it.
 *
 * The cells are structs, so that a plain read of one does not compile.
 *
 *	load            acquire: what the storing thread did before is seen
 *	store           release: what this thread did before is seen with it
 *	load_relaxed,
 *	store_relaxed   no order; the call says why none is needed
 *	add, exchange, cas      acquire and release
 *	ioas_fence()            sequentially consistent, full
 *	ioas_compiler_barrier() for the half of an asymmetric pair whose other
 *	                        half is hooks.barrier()
 */
#ifndef IOAS_BASE_ATOMIC_H
#define IOAS_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

struct ioas_a32 {
	uint32_t cell;
};

struct ioas_a64 {
	uint64_t cell;
};

struct ioas_aptr {
	void *cell;
};

#define IOAS_ATOMIC_OPS(name, type)                                           \
	static inline type ioas_##name##_load(const struct ioas_##name *a)    \
	{                                                                     \
		return __atomic_load_n(&a->cell, __ATOMIC_ACQUIRE);           \
	}                                                                     \
	static inline type ioas_##name##_load_relaxed(                        \
		const struct ioas_##name *a)                                  \
	{                                                                     \
		return __atomic_load_n(&a->cell, __ATOMIC_RELAXED);           \
	}                                                                     \
	static inline void ioas_##name##_store(struct ioas_##name *a, type v) \
	{                                                                     \
		__atomic_store_n(&a->cell, v, __ATOMIC_RELEASE);              \
	}                                                                     \
	static inline void ioas_##name##_store_relaxed(struct ioas_##name *a, \
	                                               type v)                \
	{                                                                     \
		__atomic_store_n(&a->cell, v, __ATOMIC_RELAXED);              \
	}                                                                     \
	static inline type ioas_##name##_exchange(struct ioas_##name *a,      \
	                                          type v)                     \
	{                                                                     \
		return __atomic_exchange_n(&a->cell, v, __ATOMIC_ACQ_REL);    \
	}                                                                     \
	/* On failure *seen becomes what was found. */                        \
	static inline bool ioas_##name##_cas(struct ioas_##name *a,           \
	                                     type *seen, type v)              \
	{                                                                     \
		return __atomic_compare_exchange_n(&a->cell, seen, v, false,  \
		                                   __ATOMIC_ACQ_REL,          \
		                                   __ATOMIC_ACQUIRE);         \
	}

IOAS_ATOMIC_OPS(a32, uint32_t)
IOAS_ATOMIC_OPS(a64, uint64_t)
IOAS_ATOMIC_OPS(aptr, void *)

/* Returns the new value. To subtract, add the two's complement. */
static inline uint32_t ioas_a32_add(struct ioas_a32 *a, uint32_t n)
{
	return __atomic_add_fetch(&a->cell, n, __ATOMIC_ACQ_REL);
}

static inline uint64_t ioas_a64_add(struct ioas_a64 *a, uint64_t n)
{
	return __atomic_add_fetch(&a->cell, n, __ATOMIC_ACQ_REL);
}

static inline void ioas_fence(void)
{
#ifdef __SANITIZE_THREAD__
	/* The sanitizer has no fences; an exchange orders as much. */
	uint32_t own = 0;

	__atomic_exchange_n(&own, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void ioas_compiler_barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif /* IOAS_BASE_ATOMIC_H */
