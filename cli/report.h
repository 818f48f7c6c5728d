/* SPDX-License-Identifier: MIT */
/*
 * The report: what processes of the run found, as text or JSON.
 *
 *	listen.c --records--> report.c   processes: modules, sites, findings
 *	                      report_text.c, report_json.c   one finding
 *	                      symbols.c  module + offset -> function, file:line
 *	                      suppress.c which findings are not wanted
 */
#ifndef IOAS_CLI_REPORT_H
#define IOAS_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "watch/finding.h"

struct ioas_suppressions;
struct ioas_symbols;

/* A file that a process runs. */
struct ioas_report_module {
	uint32_t number; /* in its process */
	uint64_t base;   /* what its addresses are moved by */
	char *path;
	char *build; /* id in hexadecimal, "" when there is none */
};

struct ioas_report_frame {
	const struct ioas_report_module *module; /* NULL: none is known */
	uint64_t offset;
};

struct ioas_report_site {
	uint32_t number;
	unsigned int depth;
	struct ioas_report_frame *frame;
};

/* What was said of one finding. */
struct ioas_report_finding {
	enum ioas_check_id check;
	bool suppressed;
	uint64_t count, bytes;
};

struct ioas_report_process {
	struct ioas_report_process *next;
	pid_t pid;
	struct ioas_report_module **module;
	struct ioas_report_site **site;
	struct ioas_report_finding *finding; /* by number less one */
	size_t modules, sites, findings;
};

struct ioas_report {
	int fd;
	bool as_json;
	bool generate; /* print suppressions at the end: */
	char **generated;
	size_t generated_count;
	pid_t child; /* the program; its lines need no process id */
	unsigned long errors;
	struct ioas_suppressions *suppressions;
	struct ioas_symbols *symbols;
	struct ioas_report_process *processes;
};

/* A record of the library, without kind and process id; cut apart in place. */
void ioas_report_hello(struct ioas_report *report, pid_t pid);
void ioas_report_module(struct ioas_report *report, pid_t pid, char *record);
void ioas_report_site(struct ioas_report *report, pid_t pid, char *record);
void ioas_report_stack(struct ioas_report *report, pid_t pid, char *record);
void ioas_report_finding(struct ioas_report *report, pid_t pid, char *record);
void ioas_report_again(struct ioas_report *report, pid_t pid, char *record);
void ioas_report_end(struct ioas_report *report, pid_t pid, char *record);
/* A line that is no finding. */
void ioas_report_line(struct ioas_report *report, pid_t pid, const char *line);
/* An object of a process, which is whole but for its pid. */
void ioas_report_object(struct ioas_report *report, pid_t pid, char *text);
/* The run is over: sum up for processes that could not. */
void ioas_report_close(struct ioas_report *report);

const struct ioas_report_site *
ioas_report_find_site(const struct ioas_report_process *process,
                      uint32_t number);
/* All of it, however long; nobody left to tell is fine. */
void ioas_report_write(const struct ioas_report *report, const char *text);

/* ---- One finding. ---- */

struct ioas_report_item {
	const struct ioas_report *report;
	const struct ioas_report_process *process;
	const struct ioas_finding *finding;
	const char *suppression; /* what would suppress it; may be NULL */
};

/* Both are given back by free(). */
char *ioas_report_text(const struct ioas_report_item *item);
char *ioas_report_json(const struct ioas_report_item *item);

/* ---- symbols.c ---- */

/* A line of source; inlined functions give one each, the innermost first. */
struct ioas_place {
	const char *function; /* NULL: not known */
	const char *file;     /* NULL: not known */
	int line;
};

struct ioas_symbols *ioas_symbols_create(void);
void ioas_symbols_destroy(struct ioas_symbols *symbols);
/*
 * Calls @each at least once when there is anything to say; the strings are
 * good as long as @symbols. Return: how often.
 */
unsigned int ioas_symbols_find(struct ioas_symbols *symbols,
                               const struct ioas_report_frame *frame,
                               void (*each)(void *context,
                                            const struct ioas_place *place),
                               void *context);

/* Opens the file @m says, if it is still the one. NULL: it is not. */
struct Dwfl_Module;
struct Dwfl;
struct Dwfl_Module *ioas_symbols_open(struct Dwfl *dwfl,
                                      const struct ioas_report_module *m,
                                      uint64_t base);

/* ---- unwind.c ---- */

/* What a thread was doing: registers as DWARF counts them, and its stack. */
struct ioas_snapshot {
	uint64_t value[33];
	unsigned int values; /* the last is the address of the instruction */
	uint64_t at;
	uint8_t *byte;
	size_t bytes;
};

/*
 * The instruction and its callers, the innermost first, at most @max. Return:
 * how many.
 */
unsigned int ioas_unwind(const struct ioas_report_process *process,
                         const struct ioas_snapshot *snapshot,
                         struct ioas_report_frame *ret_frame, unsigned int max);

/* ---- suppress.c ---- */

/* NULL: no file. Ends the tool when the file cannot be used. */
struct ioas_suppressions *ioas_suppressions_read(const char *path);
bool ioas_suppressed(const struct ioas_suppressions *suppressions,
                     const struct ioas_report_item *item);
/* "CHECK:FUNCTION", to be given back by free(). */
char *ioas_suppression_of(const struct ioas_report_item *item);

#endif /* IOAS_CLI_REPORT_H */
