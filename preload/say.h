/* SPDX-License-Identifier: MIT */
/*
 * What the library says to the tool (host/run.h), and what it says when there
 * is no tool to hear it. Async-signal-safe; keeps no descriptor open.
 */
#ifndef IOAS_PRELOAD_SAY_H
#define IOAS_PRELOAD_SAY_H

#include <stdbool.h>
#include <stddef.h>

#include "host/run.h"

/* Is this process part of a run? False without IOAS_RUN. */
bool ioas_say_run(void);
/* "\0ioas-RUN-group-N": its length in bytes, for bind(2). */
size_t ioas_say_group_name(unsigned int group, char *ret_path, size_t bytes);
/* Likewise, of the socket of this process that `ioas map` asks. */
size_t ioas_say_map_name(char *ret_path, size_t bytes);

/* One record. @text is one line; cut at IOAS_RUN_LINE bytes. */
void ioas_say(enum ioas_record kind, const char *text);
/* A record for the tool alone: false when it is not there. */
bool ioas_say_tool(enum ioas_record kind, const char *text);
/*
 * Without the tool: text of any length, ended by a newline, to the report file
 * or, @always_shown or where there is none, to descriptor 2.
 */
void ioas_say_alone(const char *text, bool always_shown);
/* As snprintf(3), as a complaint. Not from a signal handler. */
void ioas_complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif /* IOAS_PRELOAD_SAY_H */
