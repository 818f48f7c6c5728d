/* SPDX-License-Identifier: MIT */
#include "benchmarks/meter.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS       100000.0
#define SLICE_SMOKE_NS 10000.0
#define SLICES         1000 /* of each peer */
#define SLICES_SMOKE   100
#define SLOWED         50

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double slice(const struct meter_case *c)
{
	const char *slow = getenv("IOAS_BENCH_SLOW");
	int times = slow && !strcmp(slow, c->name) ? SLOWED : 1;
	double start = now_ns();

	while (times--)
		c->slice(c->state, c->n);
	return (now_ns() - start) / (double)c->n;
}

static double once(const struct meter_case *c)
{
	double start = now_ns();

	c->slice(c->state, c->n);
	return now_ns() - start;
}

/* How many operations take as long as a slice should? */
static void calibrate(struct meter_case *c, double wanted_ns)
{
	double took;

	/* The second time: the first one may meet what is not there yet. */
	c->slice(c->state, 1);
	for (c->n = 1; c->n < 1UL << 30; c->n *= 2) {
		took = once(c);
		if (took >= wanted_ns / 2 && once(c) >= wanted_ns / 2)
			return;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run(struct meter_case *cases, size_t count, size_t slices)
{
	double *took = malloc(count * slices * sizeof(*took));
	size_t i, c;

	if (!took) {
		fputs("bench: out of memory\n", stderr);
		exit(1);
	}
	for (i = 0; i < slices; i++)
		for (c = 0; c < count; c++)
			took[c * slices + i] = slice(&cases[c]);
	for (c = 0; c < count; c++) {
		qsort(took + c * slices, slices, sizeof(*took), compare);
		cases[c].min = took[c * slices];
		cases[c].median = took[c * slices + slices / 2];
	}
	free(took);
}

void meter_run(struct meter_case *cases, size_t count)
{
	const char *smoke = getenv("IOAS_BENCH_SMOKE");
	size_t c;

	for (c = 0; c < count; c++)
		calibrate(&cases[c], smoke ? SLICE_SMOKE_NS : SLICE_NS);
	run(cases, count, smoke ? SLICES_SMOKE : SLICES);
}

void meter_run_long(struct meter_case *cases, size_t count, size_t slices)
{
	run(cases, count, getenv("IOAS_BENCH_SMOKE") ? 1 : slices);
}

static void print_string(const char *name, const char *value)
{
	if (value)
		printf(", \"%s\": \"%s\"", name, value);
	else
		printf(", \"%s\": null", name);
}

static void print_number(const char *name, double value, bool known)
{
	if (known)
		printf(", \"%s\": %.3f", name, value);
	else
		printf(", \"%s\": null", name);
}

struct row {
	const char *bench, *unit, *wanted;
	double ratio;      /* 0: there is none */
	double per_second; /* 0: not asked for */
};

static void print_row(const struct row *row, const struct meter_case *ours,
                      const struct meter_case *baseline)
{
	printf("{\"bench\": \"%s\"", row->bench);
	print_string("case", ours->name);
	print_string("unit", row->unit);
	print_number("min", ours->min, true);
	print_number("median", ours->median, true);
	print_number("per_second", row->per_second, row->per_second > 0);
	print_number("baseline", baseline ? baseline->min : 0, !!baseline);
	print_number("ratio", row->ratio, row->ratio > 0);
	print_string("wanted", row->wanted);
	puts("}");
	fflush(stdout);
}

static struct row beside(const char *bench, const struct meter_case *ours,
                         const struct meter_case *baseline, const char *wanted)
{
	struct row row = {.bench = bench, .unit = "ns", .wanted = wanted};

	if (baseline && ours->min > 0)
		row.ratio = baseline->min / ours->min;
	return row;
}

void meter_row(const char *bench, const struct meter_case *ours,
               const struct meter_case *baseline, const char *wanted)
{
	struct row row = beside(bench, ours, baseline, wanted);

	print_row(&row, ours, baseline);
}

void meter_row_rate(const char *bench, const struct meter_case *ours,
                    const struct meter_case *baseline, const char *wanted)
{
	struct row row = beside(bench, ours, baseline, wanted);

	if (ours->min > 0)
		row.per_second = 1e9 / ours->min;
	print_row(&row, ours, baseline);
}

void meter_row_in(const char *unit, const char *bench,
                  const struct meter_case *ours, const char *wanted)
{
	struct row row = {.bench = bench, .unit = unit, .wanted = wanted};

	print_row(&row, ours, NULL);
}

void meter_row_difference(const char *bench, const char *name,
                          const struct meter_case *ours,
                          const struct meter_case *baseline, const char *wanted)
{
	struct row row = {.bench = bench, .unit = "ns", .wanted = wanted};
	struct meter_case difference = {
		.name = name,
		.min = ours->min - baseline->min,
		.median = ours->median - baseline->median,
	};

	print_row(&row, &difference, baseline);
}

void meter_chase_init(struct meter_chase *chase)
{
	size_t count = sizeof(chase->ring) / sizeof(chase->ring[0]);
	size_t i;

	/* A step that is odd visits every entry before it comes back. */
	for (i = 0; i < count; i++)
		chase->ring[i] = &chase->ring[(i + 167) % count];
	chase->at = &chase->ring[0];
}

void meter_chase_slice(void *state, unsigned long n)
{
	struct meter_chase *chase = state;
	void *at = chase->at;

	while (n--) {
		at = *(void *volatile *)at;
		/* One load at a time, however clever the compiler is. */
		__asm__ volatile("" : "+r"(at));
	}
	chase->at = at;
}
