/* SPDX-License-Identifier: MIT */
/*
 * The explorer's replacement of src/base/atomic.h: the same types and the same
 * names, but every operation goes to the engine, which decides what happens
 * between it and the next. A use passes along the function that it is in and
 * the words of its argument; traces are made of them.
 *
 * An operation is a macro here and a function there. That makes no difference
 * to sources that call them as functions, which a test sees to.
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

/* Where an operation stands in the source, and its name for traces. */
struct explore_site {
	const char *function, *what, *file;
	int line;
};

enum explore_order { EXPLORE_RELAXED, EXPLORE_ORDERED };

uint64_t explore_load(const void *cell, unsigned int size,
                      enum explore_order order,
                      const struct explore_site *site);
void explore_store(void *cell, unsigned int size, uint64_t value,
                   enum explore_order order, const struct explore_site *site);
/* Each returns what was there before. */
uint64_t explore_exchange(void *cell, unsigned int size, uint64_t value,
                          const struct explore_site *site);
uint64_t explore_add(void *cell, unsigned int size, uint64_t value,
                     const struct explore_site *site);
uint64_t explore_cas(void *cell, unsigned int size, uint64_t expected,
                     uint64_t value, const struct explore_site *site);
void explore_fence(const struct explore_site *site);
void explore_compiler_barrier(const struct explore_site *site);

#define EXPLORE_SITE(text)                                 \
	({                                                 \
		static const struct explore_site site_ = { \
			__func__,                          \
			text,                              \
			__FILE__,                          \
			__LINE__,                          \
		};                                         \
		&site_;                                    \
	})

#define EXPLORE_OPS(name, type, via)                                          \
	static inline type explore_##name##_load(                             \
		const struct ioas_##name *a, enum explore_order order,        \
		const struct explore_site *site)                              \
	{                                                                     \
		return (type)(via)explore_load(&a->cell, sizeof(type), order, \
		                               site);                         \
	}                                                                     \
	static inline void explore_##name##_store(                            \
		struct ioas_##name *a, type v, enum explore_order order,      \
		const struct explore_site *site)                              \
	{                                                                     \
		explore_store(&a->cell, sizeof(type), (via)v, order, site);   \
	}                                                                     \
	static inline type explore_##name##_exchange(                         \
		struct ioas_##name *a, type v,                                \
		const struct explore_site *site)                              \
	{                                                                     \
		return (type)(via)explore_exchange(&a->cell, sizeof(type),    \
		                                   (via)v, site);             \
	}                                                                     \
	static inline bool explore_##name##_cas(                              \
		struct ioas_##name *a, type *seen, type v,                    \
		const struct explore_site *site)                              \
	{                                                                     \
		type was = (type)(via)explore_cas(&a->cell, sizeof(type),     \
		                                  (via)*seen, (via)v, site);  \
                                                                              \
		if (was == *seen)                                             \
			return true;                                          \
		*seen = was;                                                  \
		return false;                                                 \
	}

EXPLORE_OPS(a32, uint32_t, uint32_t)
EXPLORE_OPS(a64, uint64_t, uint64_t)
EXPLORE_OPS(aptr, void *, uintptr_t)

#define ioas_a32_load(a) \
	explore_a32_load((a), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_a64_load(a) \
	explore_a64_load((a), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_aptr_load(a) \
	explore_aptr_load((a), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_a32_load_relaxed(a) \
	explore_a32_load((a), EXPLORE_RELAXED, EXPLORE_SITE(#a))
#define ioas_a64_load_relaxed(a) \
	explore_a64_load((a), EXPLORE_RELAXED, EXPLORE_SITE(#a))
#define ioas_aptr_load_relaxed(a) \
	explore_aptr_load((a), EXPLORE_RELAXED, EXPLORE_SITE(#a))

#define ioas_a32_store(a, v) \
	explore_a32_store((a), (v), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_a64_store(a, v) \
	explore_a64_store((a), (v), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_aptr_store(a, v) \
	explore_aptr_store((a), (v), EXPLORE_ORDERED, EXPLORE_SITE(#a))
#define ioas_a32_store_relaxed(a, v) \
	explore_a32_store((a), (v), EXPLORE_RELAXED, EXPLORE_SITE(#a))
#define ioas_a64_store_relaxed(a, v) \
	explore_a64_store((a), (v), EXPLORE_RELAXED, EXPLORE_SITE(#a))
#define ioas_aptr_store_relaxed(a, v) \
	explore_aptr_store((a), (v), EXPLORE_RELAXED, EXPLORE_SITE(#a))

#define ioas_a32_exchange(a, v) explore_a32_exchange((a), (v), EXPLORE_SITE(#a))
#define ioas_a64_exchange(a, v) explore_a64_exchange((a), (v), EXPLORE_SITE(#a))
#define ioas_aptr_exchange(a, v) \
	explore_aptr_exchange((a), (v), EXPLORE_SITE(#a))

#define ioas_a32_cas(a, seen, v) \
	explore_a32_cas((a), (seen), (v), EXPLORE_SITE(#a))
#define ioas_a64_cas(a, seen, v) \
	explore_a64_cas((a), (seen), (v), EXPLORE_SITE(#a))
#define ioas_aptr_cas(a, seen, v) \
	explore_aptr_cas((a), (seen), (v), EXPLORE_SITE(#a))

static inline uint32_t explore_a32_add(struct ioas_a32 *a, uint32_t n,
                                       const struct explore_site *site)
{
	return (uint32_t)explore_add(&a->cell, sizeof(n), n, site) + n;
}

static inline uint64_t explore_a64_add(struct ioas_a64 *a, uint64_t n,
                                       const struct explore_site *site)
{
	return explore_add(&a->cell, sizeof(n), n, site) + n;
}

#define ioas_a32_add(a, n) explore_a32_add((a), (n), EXPLORE_SITE(#a))
#define ioas_a64_add(a, n) explore_a64_add((a), (n), EXPLORE_SITE(#a))

#define ioas_fence() explore_fence(EXPLORE_SITE("fence"))
#define ioas_compiler_barrier() \
	explore_compiler_barrier(EXPLORE_SITE("compiler barrier"))

#endif /* IOAS_BASE_ATOMIC_H */
