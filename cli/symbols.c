/* SPDX-License-Identifier: MIT */
/*
 * From an address in a file to functions and lines, by libdw: from debug data
 * where there is some, beside the file or in the system's folder for it; else
 * a function from the symbol table, when the address is inside it as the table
 * says: never just the nearest one. Only ever of the file that ran: its build
 * id must be the one that the process had.
 *
 * Files are opened when they are first asked for, and stay open.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/report.h"

struct file {
	struct file *next;
	char *path, *build;
	Dwfl *dwfl;
	Dwfl_Module *module; /* NULL: cannot be used */
};

struct ioas_symbols {
	struct file *files;
};

struct ioas_symbols *ioas_symbols_create(void)
{
	/* Asking a server would keep the program waiting. */
	unsetenv("DEBUGINFOD_URLS");
	return ioas_must(calloc(1, sizeof(struct ioas_symbols)));
}

void ioas_symbols_destroy(struct ioas_symbols *symbols)
{
	struct file *f;

	while (symbols && (f = symbols->files)) {
		symbols->files = f->next;
		if (f->dwfl)
			dwfl_end(f->dwfl);
		free(f->path);
		free(f->build);
		free(f);
	}
	free(symbols);
}

/* ---- Files. ---- */

static bool build_is(Dwfl_Module *module, const char *wanted)
{
	const unsigned char *bits;
	GElf_Addr where;
	int i, bytes = dwfl_module_build_id(module, &bits, &where);
	char byte[3];

	if (bytes < 0 || strlen(wanted) != 2 * (size_t)bytes)
		return false;
	for (i = 0; i < bytes; i++) {
		snprintf(byte, sizeof(byte), "%02x", bits[i]);
		if (memcmp(byte, wanted + 2 * i, 2) != 0)
			return false;
	}
	return true;
}

Dwfl_Module *ioas_symbols_open(Dwfl *dwfl, const struct ioas_report_module *m,
                               uint64_t base)
{
	int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	Dwfl_Module *module;

	if (fd < 0)
		return NULL;
	/* It keeps the descriptor. */
	module = dwfl_report_elf(dwfl, m->path, m->path, fd, base, true);
	if (!module)
		close(fd);
	if (module && *m->build && !build_is(module, m->build))
		module = NULL;
	return module;
}

static struct file *open_file(const struct ioas_report_module *m)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	struct file *f = ioas_must(calloc(1, sizeof(*f)));

	f->path = ioas_must(strdup(m->path));
	f->build = ioas_must(strdup(m->build));
	f->dwfl = dwfl_begin(&callbacks);
	if (!f->dwfl)
		return f;
	dwfl_report_begin(f->dwfl);
	/* At the addresses that the file itself has. */
	f->module = ioas_symbols_open(f->dwfl, m, 0);
	dwfl_report_end(f->dwfl, NULL, NULL);
	return f;
}

static struct file *file_of(struct ioas_symbols *symbols,
                            const struct ioas_report_module *m)
{
	struct file *f;

	for (f = symbols->files; f; f = f->next)
		if (!strcmp(f->path, m->path) && !strcmp(f->build, m->build))
			return f;
	f = open_file(m);
	f->next = symbols->files;
	symbols->files = f;
	return f;
}

/* ---- Addresses. ---- */

/* A function of the table that says to hold the address, or NULL. */
static const char *symbol_at(Dwfl_Module *module, GElf_Addr address)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name = dwfl_module_addrinfo(module, address, &offset,
	                                        &symbol, NULL, NULL, NULL);

	return name && symbol.st_size && offset < symbol.st_size ? name : NULL;
}

struct finding_place {
	Dwfl_Module *module;
	GElf_Addr address;
	void (*each)(void *context, const struct ioas_place *place);
	void *context;
	struct ioas_place place; /* with the line of the function to come */
	unsigned int count;
};

static void give(struct finding_place *f, const char *function)
{
	f->place.function = function;
	f->each(f->context, &f->place);
	f->count++;
}

/* Where the function that was inlined as @die was called from. */
static void call_line(Dwarf_Die *die, Dwarf_Die *unit, struct ioas_place *place)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;
	size_t count;

	place->file = NULL;
	if (!dwarf_getsrcfiles(unit, &files, &count) &&
	    dwarf_attr(die, DW_AT_call_file, &attribute) &&
	    !dwarf_formudata(&attribute, &number))
		place->file = dwarf_filesrc(files, number, NULL, NULL);
	if (dwarf_attr(die, DW_AT_call_line, &attribute) &&
	    !dwarf_formudata(&attribute, &number))
		place->line = (int)number;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

/*
 * The function that was inlined as the first of these, then whatever it was
 * inlined into, up to a function that has code of its own.
 */
static void give_functions(struct finding_place *f, Dwarf_Die *unit,
                           Dwarf_Die *scopes, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (!is_function(&scopes[i]))
			continue;
		give(f, dwarf_diename(&scopes[i]));
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			return;
		call_line(&scopes[i], unit, &f->place);
	}
}

/*
 * By debug data. The scopes of an address lead from an inlined function to
 * where it was written; those of its entry, to where it was inlined.
 */
static void find_by_scopes(struct finding_place *f)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(f->module, f->address, &bias);
	Dwarf_Die *written = NULL, *inlined = NULL;
	int i = 0, count;

	if (!unit)
		return;
	count = dwarf_getscopes(unit, f->address - bias, &written);
	while (i < count && !is_function(&written[i]))
		i++;
	if (i < count) {
		count = dwarf_getscopes_die(&written[i], &inlined);
		give_functions(f, unit, inlined, count);
	}
	free(inlined);
	free(written);
}

static void find_line(struct finding_place *f)
{
	Dwfl_Line *line = dwfl_module_getsrc(f->module, f->address);

	if (line)
		f->place.file = dwfl_lineinfo(line, NULL, &f->place.line, NULL,
		                              NULL, NULL);
}

unsigned int ioas_symbols_find(struct ioas_symbols *symbols,
                               const struct ioas_report_frame *frame,
                               void (*each)(void *context,
                                            const struct ioas_place *place),
                               void *context)
{
	struct finding_place f = {
		.address = frame->offset, .each = each, .context = context};
	const char *symbol;

	if (!frame->module)
		return 0;
	f.module = file_of(symbols, frame->module)->module;
	if (!f.module)
		return 0;
	find_line(&f);
	find_by_scopes(&f);
	if (f.count)
		return f.count;
	symbol = symbol_at(f.module, f.address);
	if (symbol || f.place.file)
		give(&f, symbol);
	return f.count;
}
