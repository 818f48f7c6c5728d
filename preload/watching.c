/* SPDX-License-Identifier: MIT */
#include "preload/watching.h"

#include "preload/say.h"
#include "watch/watch.h"

static struct ioas_watch watch;

static void sink(enum ioas_severity severity, const char *text)
{
	static const enum ioas_record record[] = {
		[IOAS_NOTE] = IOAS_RECORD_NOTE,
		[IOAS_FINDING] = IOAS_RECORD_FINDING,
		[IOAS_COMPLAINT] = IOAS_RECORD_COMPLAINT,
	};

	ioas_say(record[severity], text);
}

void ioas_watching_begin(void)
{
	ioas_watch_init(&watch, sink);
}

void ioas_watching_end(void)
{
	ioas_watch_summary(&watch);
}

void ioas_watching_forked(void)
{
	unsigned int i;

	/* Relaxed: a forked child has one thread. */
	for (i = 0; i < IOAS_EVENT_NR; i++) {
		ioas_a64_store_relaxed(&watch.count[i], 0);
		ioas_a64_store_relaxed(&watch.bytes[i], 0);
	}
}
