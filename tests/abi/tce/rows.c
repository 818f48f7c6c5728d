/* SPDX-License-Identifier: MIT */
/* Machines; what is wrong with an argument before all else is looked at. */
#include <stdio.h>
#include <string.h>

#include "calls.h"

#define K4   (UINT64_C(1) << 12)
#define K64  (UINT64_C(1) << 16)
#define M2   (UINT64_C(1) << 21)
#define M16  (UINT64_C(1) << 24)
#define M256 (UINT64_C(1) << 28)
#define G1   (UINT64_C(1) << 30)

const struct tce_machine tce_machine[] = {
	{"power9", "power9", false, false, 2 * G1, K4 | K64 | M2 | G1, 5},
	{"power8", "power8", false, true, 2 * G1, K4 | K64 | M16 | M256, 5},
	{"pseries", "pseries", true, false, G1, K4 | K64 | M2 | M16, 1},
};
const size_t tce_machines = COUNT(tce_machine);

void tce_emit_in(tce_emit *emit, const char *subject, const char *name,
                 const struct tce_call *call, uint64_t states)
{
	struct tce_row row = {.subject = subject, .name = name, .call = *call};
	unsigned int i;

	for (i = 0; i < T_NR; i++) {
		row.state = (enum tce_state)i;
		if (states & TCE_IN(i))
			emit(&row);
	}
}

/* One that is good, in some state, of each command that has an argument. */
static const struct {
	const char *name;
	size_t least;   /* bytes that are looked at */
	uint32_t flags; /* that it knows */
	struct tce_call call;
} command[] = {
	{"GET_INFO", 16, UINT32_MAX, INFO(CONTAINER, 32)},
	{"MAP_DMA", 32, 3, MAP(CONTAINER, 3, MEM(8 * PAGE), 0x40000, PAGE)},
	{"UNMAP_DMA", 24, 0, UNMAP(CONTAINER, 0, PAGE)},
	{"REGISTER", 24, 0, REGISTER(CONTAINER, MEM(20 * PAGE), PAGE)},
	{"UNREGISTER", 24, 0, UNREGISTER(CONTAINER, MEM(0), 16 * PAGE)},
	{"CREATE", 40, 0, CREATE(CONTAINER, 12, G1, 1)},
	{"REMOVE", 16, 0, REMOVE(CONTAINER, 0)},
	{"EEH", 12, 0, EEH(CONTAINER, VFIO_EEH_PE_GET_STATE)},
};

static void emit_place(tce_emit *emit, const char *name, struct tce_call call,
                       enum abi_place place)
{
	call.place = place;
	if (place == AT_NULL || place == AT_HOLE)
		call.bytes = 0;
	tce_emit_in(emit, "argument", name, &call, TCE_SOME);
}

static void emit_cut(tce_emit *emit, const char *name, struct tce_call call,
                     size_t bytes)
{
	call.bytes = bytes;
	tce_emit_in(emit, "argument", name, &call, TCE_SOME);
}

static void emit_argsz(tce_emit *emit, const char *name, struct tce_call call,
                       uint32_t argsz)
{
	call.argument.word[0] = argsz;
	tce_emit_in(emit, "argument", name, &call, TCE_SOME);
}

static void emit_flags(tce_emit *emit, const char *name, struct tce_call call,
                       uint32_t flags)
{
	call.argument.word[1] |= flags;
	tce_emit_in(emit, "argument", name, &call,
	            TCE_IN(T_V1) | TCE_IN(T_V1_MAPPED) | TCE_IN(T_V2) |
	                    TCE_IN(T_MAPPED) | TCE_IN(T_BARE));
}

void tce_rows_arguments(const struct tce_machine *machine, tce_emit *emit)
{
	char name[96];
	size_t i;

#define NAMED(what) \
	(snprintf(name, sizeof(name), "%s, %s", command[i].name, what), name)
	for (i = 0; i < COUNT(command); i++) {
		const struct tce_call *call = &command[i].call;
		uint32_t least = (uint32_t)command[i].least, bit;

		emit_place(emit, NAMED("as it should be"), *call, AT_MEMORY);
		emit_place(emit, NAMED("null"), *call, AT_NULL);
		emit_place(emit, NAMED("a hole"), *call, AT_HOLE);
		emit_place(emit, NAMED("only to read"), *call, AT_READ_ONLY);
		emit_cut(emit, NAMED("cut"), *call, least - 1);
		emit_argsz(emit, NAMED("argsz 0"), *call, 0);
		emit_argsz(emit, NAMED("argsz too small"), *call, least - 1);
		emit_argsz(emit, NAMED("argsz larger"), *call, least + 64);
		for (bit = 1; bit; bit <<= 1) {
			char flag[32];

			snprintf(flag, sizeof(flag), "flag 0x%x", bit);
			if (!(command[i].flags & bit) &&
			    (bit < 32 || bit == 1u << 31))
				emit_flags(emit, NAMED(flag), *call, bit);
		}
	}
#undef NAMED
}

void tce_rows(const struct tce_machine *machine, tce_emit *emit)
{
	tce_rows_arguments(machine, emit);
	tce_rows_groups(machine, emit);
	tce_rows_memory(machine, emit);
	tce_rows_windows(machine, emit);
}
