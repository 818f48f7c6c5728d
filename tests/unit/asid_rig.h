/* SPDX-License-Identifier: MIT */
/*
 * An allocator with a few CPUs and contexts, and a cache for each CPU that
 * shouts when a number translates for another context. Each test of it is two:
 * one for each way to switch.
 */
#ifndef ASID_RIG_H
#define ASID_RIG_H

#include <string.h>

#include <ioas/asid.h>

#include "rig.h"

#define ASID_CPUS     8
#define ASID_CONTEXTS 600
#define ASID_NUMBERS  256

static struct asid_world {
	struct ioas_asids *asids;
	struct ioas_asid_cpu *cpu[ASID_CPUS];
	struct ioas_asid_context context[ASID_CONTEXTS];
	/* Whose entries are cached under a number; NULL: none. */
	struct ioas_asid_context *cached[ASID_CPUS][ASID_NUMBERS];
	struct ioas_asid_config config;
	unsigned int flushes[ASID_CPUS], broadcasts, forgets;
	uint32_t forgot; /* number of the last */
	struct ioas_asid_invalidation invalidated;
	unsigned int invalidations;
	struct ioas_asid_renumbering renumbered;
	unsigned int renumberings;
	/* Called inside of forget, once. */
	void (*meanwhile)(void);
} w;

static void w_flush(void *arg, unsigned int cpu)
{
	w.flushes[cpu]++;
	memset(w.cached[cpu], 0, sizeof(w.cached[cpu]));
}

static void w_flush_all(void *arg)
{
	w.broadcasts++;
	memset(w.cached, 0, sizeof(w.cached));
}

static void w_invalidate(void *arg, const struct ioas_asid_invalidation *what)
{
	w.invalidations++;
	w.invalidated = *what;
}

static void w_forget(void *arg, struct ioas_asid_context *context,
                     uint32_t number)
{
	void (*meanwhile)(void) = w.meanwhile;

	w.forgets++;
	w.forgot = number;
	w.meanwhile = NULL;
	if (meanwhile)
		meanwhile();
}

static void w_renumbered(void *arg, const struct ioas_asid_renumbering *what)
{
	w.renumberings++;
	w.renumbered = *what;
}

static const struct ioas_asid_ops w_ops = {
	.flush = w_flush,
	.flush_all = w_flush_all,
	.invalidate = w_invalidate,
	.forget = w_forget,
	.renumbered = w_renumbered,
};

/* w.config says more than these, when it is set before. */
static void w_begin(struct rig *r, enum ioas_asid_way way, unsigned int bits,
                    unsigned int cpus)
{
	struct ioas_asid_config config = w.config;
	unsigned int i;

	if (way == IOAS_ASID_ASYMMETRIC && !ioas_hooks.barrier())
		rig_skip("no barrier for a process");
	memset(&w, 0, sizeof(w));
	config.way = way;
	config.bits = bits;
	config.cpus = cpus;
	config.ops = &w_ops;
	rig_ok(r, ioas_asids_create(&config, &w.asids));
	rig_defer(r, RIG_CALL(ioas_asids_destroy), w.asids);
	for (i = 0; i < cpus; i++)
		rig_ok(r, ioas_asid_join(w.asids, i, bits, &w.cpu[i]));
	for (i = 0; i < ASID_CONTEXTS; i++)
		ioas_asid_context_init(w.asids, &w.context[i]);
}

/* Context @c runs on a CPU: its number. */
static inline uint32_t w_run(unsigned int cpu, unsigned int c)
{
	uint32_t n = ioas_asid_switch(w.cpu[cpu], &w.context[c]);
	struct ioas_asid_context **cached = &w.cached[cpu][n];

	assert_int_not_equal(n, 0);
	/* ASID-1: what is cached under the number is the context's. */
	if (*cached)
		assert_ptr_equal(*cached, &w.context[c]);
	*cached = &w.context[c];
	return n;
}

static inline uint32_t w_pin(struct rig *r, unsigned int c)
{
	uint32_t n = 0;

	rig_ok(r, ioas_asid_pin(&w.context[c], &n));
	return n;
}

static inline struct ioas_asid_report w_report(void)
{
	struct ioas_asid_report report;

	ioas_asids_inspect(w.asids, &report);
	return report;
}

/* Contexts from @c on run on a CPU until a generation begins. */
static inline unsigned int w_roll(unsigned int cpu, unsigned int c)
{
	uint64_t before = w_report().rollovers;

	while (w_report().rollovers == before)
		w_run(cpu, c++);
	return c;
}

/* A test for each way. */
#define W_BOTH(name)                                 \
	static void name##_asymmetric(struct rig *r) \
	{                                            \
		name(r, IOAS_ASID_ASYMMETRIC);       \
	}                                            \
	static void name##_exchange(struct rig *r)   \
	{                                            \
		name(r, IOAS_ASID_EXCHANGE);         \
	}
#define W_TESTS(name) RIG_TEST(name##_asymmetric), RIG_TEST(name##_exchange)

#endif /* ASID_RIG_H */
