/* SPDX-License-Identifier: MIT */
/*
 * The observer that turns events into findings: lines for the user. It keeps
 * counts; it gives each line to a sink and does not know where lines go.
 */
#ifndef IOAS_WATCH_WATCH_H
#define IOAS_WATCH_WATCH_H

#include "base/event.h"
#include "base/lock.h"

enum ioas_severity {
	IOAS_NOTE,    /* worth knowing; no defect by itself */
	IOAS_FINDING, /* a defect of the program: --error-exitcode counts it */
};

struct ioas_watch {
	struct ioas_observer observer; /* first */
	/* @text is one line without newline; async-signal-safe */
	void (*sink)(enum ioas_severity severity, const char *text);
	struct ioas_lock lock;
	struct ioas_a64 maps, unmaps, mapped_bytes; /* totals */
	struct ioas_a64 faults, live_at_close, live_at_exit;
};

void ioas_watch_init(struct ioas_watch *watch,
                     void (*sink)(enum ioas_severity severity,
                                  const char *text));

#endif /* IOAS_WATCH_WATCH_H */
