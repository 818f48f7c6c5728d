/* SPDX-License-Identifier: MIT */
/* CREATE and REMOVE: sizes, levels and page sizes; slots; what is charged. */
#include <stdio.h>

#include "calls.h"

#define V2_STATES                                                \
	(TCE_IN(T_V2) | TCE_IN(T_REGISTERED) | TCE_IN(T_BARE) |  \
	 TCE_IN(T_MAPPED) | TCE_IN(T_WIDE) | TCE_IN(T_HIGH) |    \
	 TCE_IN(T_EARLY) | TCE_IN(T_COARSE) | TCE_IN(T_ORPHAN) | \
	 TCE_IN(T_BESIDE) | TCE_IN(T_TWO) | TCE_IN(T_LEFT) | TCE_IN(T_V1))

static void emit_create(tce_emit *emit, uint64_t states, unsigned int shift,
                        uint64_t bytes, unsigned int levels)
{
	const struct tce_call call = CREATE(CONTAINER, shift, bytes, levels);
	char name[96];

	snprintf(name, sizeof(name), "shift %u, size 0x%jx, levels %u", shift,
	         (uintmax_t)bytes, levels);
	tce_emit_in(emit, "CREATE", name, &call, states);
}

static bool fits(const struct tce_machine *m, unsigned int shift,
                 unsigned int size, unsigned int levels)
{
	/* One level of it is more than is looked at in a moment. */
	return levels > 5 || !levels || m->is_pseries ||
	       size <= shift + 14 + 9 * (levels - 1);
}

static void rows_levels(const struct tce_machine *m, tce_emit *emit,
                        unsigned int shift, unsigned int size)
{
	unsigned int levels;

	if (m->is_pseries && size > 26)
		return;
	for (levels = 0; levels <= 6; levels++)
		if (fits(m, shift, size, levels))
			emit_create(emit, TCE_IN(T_BARE), shift,
			            UINT64_C(1) << size, levels);
}

static void rows_sizes(const struct tce_machine *m, tce_emit *emit)
{
	static const unsigned int size[] = {12, 16, 20, 21, 24, 26, 31, 40};
	unsigned int shift;
	size_t i;

	for (shift = 12; shift <= 30; shift++)
		for (i = 0; i < COUNT(size); i++)
			if (m->page_sizes >> shift & 1)
				rows_levels(m, emit, shift, size[i]);
}

static void rows_odd(tce_emit *emit)
{
	static const unsigned int shift[] = {0,  11, 13, 15,  20,        22,
	                                     63, 64, 76, 255, 0x80000000};
	uint64_t states = TCE_IN(T_MAPPED) | TCE_IN(T_BARE);
	size_t i;

	for (i = 0; i < COUNT(shift); i++)
		emit_create(emit, states, shift[i], TCE_HIGH_BYTES, 1);
	emit_create(emit, states, 12, 0, 1);
	emit_create(emit, states, 12, 3 * PAGE, 1);
	emit_create(emit, states, 12, 3 * PAGE, 2);
	emit_create(emit, states, 12, (TCE_HIGH_BYTES) + PAGE, 1);
	emit_create(emit, states, 12, TCE_HIGH_BYTES, UINT32_MAX);
}

/* Exactly what its table and the first window's are charged, and one less. */
static void rows_charged(const struct tce_machine *m, tce_emit *emit)
{
	static const struct {
		unsigned int shift, size, levels;
	} window[] = {{12, 24, 1}, {12, 26, 2}, {16, 26, 1}, {16, 31, 2},
	              {12, 21, 1}, {12, 20, 1}, {12, 26, 3}, {16, 26, 4}};
	static struct tce_model model;
	union tce_argument out;
	struct tce_row row = {.subject = "CREATE", .state = T_V2};
	char name[96];
	size_t i, less;

	for (i = 0; i < COUNT(window); i++) {
		const struct tce_call call =
			CREATE(CONTAINER, window[i].shift,
		               UINT64_C(1) << window[i].size, window[i].levels);
		unsigned int step;

		tce_model_begin(&model, m, IOAS_CONTRACT_STRICT, 0);
		for (step = 0; tce_steps[T_V2].step[step].command; step++)
			tce_model_call(&model, &tce_steps[T_V2].step[step],
			               &out);
		if (tce_model_call(&model, &call, &out))
			continue;
		for (less = 0; less < 2; less++) {
			row.call = call;
			row.memlock = model.locked - less;
			row.name = name;
			snprintf(name, sizeof(name),
			         "shift %u, size 2^%u, levels %u, "
			         "%lu pages may be locked",
			         window[i].shift, window[i].size,
			         window[i].levels, row.memlock);
			emit(&row);
		}
	}
}

static void rows_remove(tce_emit *emit)
{
	static const uint64_t at[] = {0,
	                              1,
	                              PAGE,
	                              TCE_LOW_BYTES - 1,
	                              TCE_LOW_BYTES,
	                              TCE_HIGH - 1,
	                              TCE_HIGH,
	                              TCE_HIGH + 0x12345,
	                              TCE_HIGH + TCE_HIGH_BYTES,
	                              UINT64_MAX};
	char name[64];
	size_t i;

	for (i = 0; i < COUNT(at); i++) {
		const struct tce_call call = REMOVE(CONTAINER, at[i]);

		snprintf(name, sizeof(name), "0x%jx", (uintmax_t)at[i]);
		tce_emit_in(emit, "REMOVE", name, &call, V2_STATES);
	}
}

/* With a limit that the first window does not come under. */
static void rows_no_room(tce_emit *emit)
{
	static const struct {
		const char *name;
		struct tce_call call;
	} rows[] = {
		{"MAP", MAP(CONTAINER, 3, MEM(0), 0x40000, PAGE)},
		{"UNMAP", UNMAP(CONTAINER, 0, PAGE)},
		{"CREATE", CREATE(CONTAINER, 12, TCE_HIGH_BYTES, 1)},
		{"CREATE, of no such page",
	         CREATE(CONTAINER, 13, TCE_HIGH_BYTES, 1)},
		{"REMOVE", REMOVE(CONTAINER, 0)},
		{"REGISTER", REGISTER(CONTAINER, MEM(32 * PAGE), 8 * PAGE)},
		{"REGISTER, one page too much",
	         REGISTER(CONTAINER, MEM(32 * PAGE), 9 * PAGE)},
		{"UNREGISTER", UNREGISTER(CONTAINER, MEM(0), 16 * PAGE)},
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		tce_emit_in(emit, "no room", rows[i].name, &rows[i].call,
		            TCE_IN(T_TIGHT));
}

void tce_rows_windows(const struct tce_machine *machine, tce_emit *emit)
{
	emit_create(emit, V2_STATES, 12, TCE_HIGH_BYTES, 1);
	emit_create(emit, V2_STATES, 12, 2 * TCE_LOW_BYTES, 1);
	emit_create(emit, V2_STATES, 16, TCE_HIGH_BYTES, 1);
	emit_create(emit, V2_STATES, 16, 2 * TCE_LOW_BYTES, 1);
	rows_sizes(machine, emit);
	rows_odd(emit);
	rows_charged(machine, emit);
	rows_remove(emit);
	rows_no_room(emit);
}
