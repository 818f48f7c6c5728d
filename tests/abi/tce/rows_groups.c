/* SPDX-License-Identifier: MIT */
/* Types, groups that come and go, commands of the other type, errors. */
#include <stdio.h>

#include "calls.h"

static void rows_numbers(tce_emit *emit)
{
	struct tce_call call = {.on = FD_CONTAINER};
	unsigned long n;
	char name[64];

	for (n = 0; n <= 12; n++) {
		call.value = n;
		call.command = VFIO_CHECK_EXTENSION;
		snprintf(name, sizeof(name), "CHECK_EXTENSION %lu", n);
		tce_emit_in(emit, "container", name, &call,
		            TCE_IN(T_OPEN) | TCE_IN(T_ATTACHED) | TCE_IN(T_V1) |
		                    TCE_IN(T_V2) | TCE_IN(T_MAPPED));
		call.command = VFIO_SET_IOMMU;
		snprintf(name, sizeof(name), "SET_IOMMU %lu", n);
		tce_emit_in(emit, "container", name, &call,
		            TCE_IN(T_OPEN) | TCE_IN(T_ATTACHED) | TCE_IN(T_V1) |
		                    TCE_IN(T_V2) | TCE_IN(T_MAPPED));
	}
	call.command = VFIO_GET_API_VERSION;
	call.value = 0;
	tce_emit_in(emit, "container", "GET_API_VERSION", &call, TCE_SOME);
}

/* Nothing is copied in for a command that is not there. */
static void rows_commands(tce_emit *emit)
{
	struct tce_call call = {.on = FD_CONTAINER, .place = AT_NULL};
	unsigned int n;
	char name[64];

	for (n = 12; n <= 24; n++) {
		call.command = IOAS_VFIO_COMMAND(n);
		if (call.command == VFIO_IOMMU_ENABLE ||
		    call.command == VFIO_IOMMU_DISABLE)
			continue;
		snprintf(name, sizeof(name), "command %u, null", n);
		tce_emit_in(emit, "container", name, &call, TCE_SOME);
	}
}

static void rows_enable(const struct tce_machine *m, tce_emit *emit)
{
	static const struct tce_call enable = NO_ARGUMENT(CONTAINER, ENABLE),
				     disable = NO_ARGUMENT(CONTAINER, DISABLE);
	struct tce_row row = {
		.subject = "ENABLE", .state = T_V1, .call = enable};
	unsigned int less;

	tce_emit_in(emit, "ENABLE", "ENABLE", &enable, TCE_EVERYWHERE);
	tce_emit_in(emit, "ENABLE", "DISABLE", &disable, TCE_EVERYWHERE);
	for (less = 0; less < 2; less++) {
		row.memlock = m->low_bytes / PAGE - less;
		row.name = less ? "one page more than may be locked"
		                : "as much as may be locked";
		emit(&row);
	}
}

static void rows_attach(tce_emit *emit)
{
	static const struct {
		const char *name;
		struct tce_call call;
	} rows[] = {
		{"group 1", ATTACH(GROUP, CONTAINER)},
		{"group 2", ATTACH(GROUP2, CONTAINER)},
		{"group 2 to the other", ATTACH(GROUP2, CONTAINER2)},
		{"group 1 leaves",
	         NO_ARGUMENT_OF(GROUP, VFIO_GROUP_UNSET_CONTAINER)},
		{"group 2 leaves",
	         NO_ARGUMENT_OF(GROUP2, VFIO_GROUP_UNSET_CONTAINER)},
		{"type 2", TYPE(CONTAINER, 2)},
		{"type 7", TYPE(CONTAINER, 7)},
		{"type 7 of the other", TYPE(CONTAINER2, 7)},
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		tce_emit_in(emit, "groups", rows[i].name, &rows[i].call,
		            TCE_EVERYWHERE);
}

static void rows_info(tce_emit *emit)
{
	static const uint32_t argsz[] = {16, 24, 31, 32, 33, 48};
	char name[64];
	size_t i;

	for (i = 0; i < COUNT(argsz); i++) {
		const struct tce_call call = INFO(CONTAINER, argsz[i]);

		snprintf(name, sizeof(name), "argsz %u", argsz[i]);
		tce_emit_in(emit, "GET_INFO", name, &call, TCE_SOME);
	}
}

static void rows_eeh(tce_emit *emit)
{
	static const uint64_t states = TCE_IN(T_ATTACHED) | TCE_IN(T_V1) |
	                               TCE_IN(T_V2) | TCE_IN(T_MAPPED) |
	                               TCE_IN(T_TWO);
	struct tce_call call;
	char name[64];
	uint32_t op;

	for (op = 0; op <= 11; op++) {
		/* Fundamental: whether there is one is the machine's. */
		if (op == VFIO_EEH_PE_RESET_FUNDAMENTAL ||
		    op == VFIO_EEH_PE_INJECT_ERR)
			continue;
		call = (struct tce_call)EEH(CONTAINER, op);
		snprintf(name, sizeof(name), "operation %u", op);
		tce_emit_in(emit, "EEH", name, &call, states);
	}
	call = (struct tce_call)EEH(CONTAINER, VFIO_EEH_PE_INJECT_ERR);
	call.argument.eeh.argsz = 39;
	tce_emit_in(emit, "EEH", "injection, argsz too small", &call, states);
	call.argument.eeh.argsz = 40;
	call.bytes = 39;
	tce_emit_in(emit, "EEH", "injection, cut", &call, states);
	call.bytes = 40;
	call.argument.eeh.err.func = 20;
	tce_emit_in(emit, "EEH", "injection, no such function", &call, states);
	call.argument.eeh.err.func = 0;
	call.argument.eeh.err.type = 2;
	tce_emit_in(emit, "EEH", "injection, no such type", &call, states);
}

void tce_rows_groups(const struct tce_machine *machine, tce_emit *emit)
{
	rows_numbers(emit);
	rows_commands(emit);
	rows_enable(machine, emit);
	rows_attach(emit);
	rows_info(emit);
	rows_eeh(emit);
}
