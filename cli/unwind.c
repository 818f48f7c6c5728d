/* SPDX-License-Identifier: MIT */
/*
 * Callers of an instruction, from a snapshot of registers and stack, by the
 * unwind tables of the files that the process runs. It ends where the snapshot
 * or the files end, or a file is not the one that ran any more.
 */
#include <elfutils/libdwfl.h>
#include <string.h>

#include "cli/report.h"

struct walk {
	const struct ioas_snapshot *snapshot;
	struct ioas_report_frame *frame;
	unsigned int frames, max;
};

/* ---- What libdwfl asks of a process. ---- */

#define THREAD 1 /* the only one there is */

static pid_t next_thread(Dwfl *dwfl, void *argument, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = argument;
	return THREAD;
}

static bool get_thread(Dwfl *dwfl, pid_t id, void *argument, void **thread)
{
	(void)dwfl;
	*thread = argument;
	return id == THREAD;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_value,
                        void *argument)
{
	const struct walk *walk = argument;
	const struct ioas_snapshot *s = walk->snapshot;
	uint64_t at = address - s->at;

	(void)dwfl;
	if (s->bytes < sizeof(*ret_value) || at > s->bytes - sizeof(*ret_value))
		return false;
	memcpy(ret_value, s->byte + at, sizeof(*ret_value));
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct walk *walk = argument;
	const struct ioas_snapshot *s = walk->snapshot;

	if (!s->values)
		return false;
#if defined(__aarch64__)
	/* There the address of the instruction is no register. */
	dwfl_thread_state_register_pc(thread, s->value[s->values - 1]);
	return dwfl_thread_state_registers(thread, 0, s->values - 1, s->value);
#else
	return dwfl_thread_state_registers(thread, 0, s->values, s->value);
#endif
}

static const Dwfl_Thread_Callbacks of_thread = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- Walking. ---- */

static int step(Dwfl_Frame *state, void *argument)
{
	struct walk *walk = argument;
	struct ioas_report_frame *f = &walk->frame[walk->frames];
	Dwfl_Module *module;
	Dwarf_Addr pc;
	void **owner;
	bool exact;

	if (walk->frames == walk->max || !dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	/* The first is the instruction itself. */
	if (!exact && walk->frames)
		pc--;
	module =
		dwfl_addrmodule(dwfl_thread_dwfl(dwfl_frame_thread(state)), pc);
	if (!module)
		return DWARF_CB_ABORT;
	dwfl_module_info(module, &owner, NULL, NULL, NULL, NULL, NULL, NULL);
	f->module = *owner;
	if (!f->module)
		return DWARF_CB_ABORT;
	f->offset = pc - f->module->base;
	walk->frames++;
	return DWARF_CB_OK;
}

static void open_files(Dwfl *dwfl, const struct ioas_report_process *process)
{
	Dwfl_Module *module;
	void **owner;
	size_t i;

	dwfl_report_begin(dwfl);
	for (i = 0; i < process->modules; i++) {
		struct ioas_report_module *m = process->module[i];

		module = ioas_symbols_open(dwfl, m, m->base);
		if (!module)
			continue;
		dwfl_module_info(module, &owner, NULL, NULL, NULL, NULL, NULL,
		                 NULL);
		*owner = m;
	}
	dwfl_report_end(dwfl, NULL, NULL);
}

unsigned int ioas_unwind(const struct ioas_report_process *process,
                         const struct ioas_snapshot *snapshot,
                         struct ioas_report_frame *ret_frame, unsigned int max)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	struct walk walk = {snapshot, ret_frame, 0, max};
	Dwfl *dwfl = dwfl_begin(&callbacks);

	if (!dwfl)
		return 0;
	open_files(dwfl, process);
	if (dwfl_attach_state(dwfl, NULL, THREAD, &of_thread, &walk))
		dwfl_getthread_frames(dwfl, THREAD, step, &walk);
	dwfl_end(dwfl);
	return walk.frames;
}
