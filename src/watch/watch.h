/* SPDX-License-Identifier: MIT */
/*
 * The observer that turns events into findings: lines for the user. It keeps
 * counts; it gives each line to a sink and does not know where lines go.
 *
 * Every finding is named until IOAS_WATCH_NAMED of its kind were; the rest are
 * counted and appear in the summary, so that a device gone wild cannot fill a
 * disk. Nothing found, nothing said.
 */
#ifndef IOAS_WATCH_WATCH_H
#define IOAS_WATCH_WATCH_H

#include "base/event.h"

#define IOAS_WATCH_NAMED 100

enum ioas_severity {
	IOAS_NOTE,    /* worth knowing; no defect by itself */
	IOAS_FINDING, /* a defect of the program: --error-exitcode counts it */
	IOAS_COMPLAINT, /* something ioas cannot do for the program */
};

struct ioas_watch {
	struct ioas_observer observer; /* first */
	/* @text is one line without newline; async-signal-safe */
	void (*sink)(enum ioas_severity severity, const char *text);
	struct ioas_a64 count[IOAS_EVENT_NR];
	struct ioas_a64 bytes[IOAS_EVENT_NR]; /* of mappings */
};

/* Begins to observe; @watch lives as long as the process. */
void ioas_watch_init(struct ioas_watch *watch,
                     void (*sink)(enum ioas_severity severity,
                                  const char *text));

/* The process ends: one line that sums up, when there is something to say. */
void ioas_watch_summary(struct ioas_watch *watch);

#endif /* IOAS_WATCH_WATCH_H */
