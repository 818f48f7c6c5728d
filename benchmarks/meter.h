/* SPDX-License-Identifier: MIT */
/*
 * Measuring what takes nanoseconds. The peers of a row are run in turn, slice
 * by slice, in one process: a slice is short (SLICE_NS), so that most slices
 * meet no interruption, and whatever disturbs the machine disturbs all peers.
 * What counts is the ratio of minima; the medians show how disturbed it was.
 *
 * A row is printed as one line of JSON; benchmarks/bench.py makes the table and
 * decides whether what was wanted is met.
 *
 * IOAS_BENCH_SMOKE  few and short slices: is the output right?
 * IOAS_BENCH_SLOW   a case with this name does its work 50 times over, to show
 *                   that a bound that is missed is seen to be missed
 */
#ifndef BENCHMARKS_METER_H
#define BENCHMARKS_METER_H

#include <stddef.h>

/* One of the peers. It does its operation @n times. */
struct meter_case {
	const char *name;
	void (*slice)(void *state, unsigned long n);
	void *state;
	unsigned long n;    /* operations in a slice; see meter_run() */
	double min, median; /* nanoseconds an operation; results */
};

/*
 * Interleave and measure; ends the process when there is no memory. How many
 * operations make a slice is found out.
 */
void meter_run(struct meter_case *cases, size_t count);

/*
 * The same with so many slices, of as many operations as the cases say: for
 * what takes so differently long that a short slice of it means nothing.
 */
void meter_run_long(struct meter_case *cases, size_t count, size_t slices);

/*
 * Print a row: @ours beside @baseline, which may be NULL. @wanted is NULL or an
 * expression that bench.py knows, like "ratio >= 10".
 */
void meter_row(const char *bench, const struct meter_case *ours,
               const struct meter_case *baseline, const char *wanted);

/* The same, and how many that makes a second. */
void meter_row_rate(const char *bench, const struct meter_case *ours,
                    const struct meter_case *baseline, const char *wanted);

/* A row in another unit than nanoseconds, beside nothing. */
void meter_row_in(const char *unit, const char *bench,
                  const struct meter_case *ours, const char *wanted);

/* A row that is a difference: what @ours costs more than @baseline. */
void meter_row_difference(const char *bench, const char *name,
                          const struct meter_case *ours,
                          const struct meter_case *baseline,
                          const char *wanted);

/* The physical limit: a load whose address is the load before, in L1. */
struct meter_chase {
	void *at;
	void *ring[512];
};

void meter_chase_init(struct meter_chase *chase);
void meter_chase_slice(void *chase, unsigned long n);

/* The compiler must believe that @value is used. */
static inline void meter_use(const void *value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

#endif /* BENCHMARKS_METER_H */
