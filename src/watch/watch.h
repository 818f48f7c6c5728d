/* SPDX-License-Identifier: MIT */
/*
 * The observer that turns events into findings. It keeps counts and the
 * mappings that ended last; it gives each finding to a sink and does not know
 * where findings go.
 *
 *	event --check it belongs to, is it asked for?--> cause (key)
 *	      --first time, and not too many--> finding --> sink
 *	      --again--> counted
 *
 * Laws
 *	WATCH-1  one cause, one report: the same check with the same sites,
 *	         device and command is reported once and counted after that
 *	WATCH-2  nothing found, nothing said
 *
 * No more than IOAS_WATCH_NAMED causes of a check are reported; the rest are
 * counted, so that a device gone wild cannot fill a disk.
 *
 * Observing is async-signal-safe, in fixed memory and without a lock.
 */
#ifndef IOAS_WATCH_WATCH_H
#define IOAS_WATCH_WATCH_H

#include "base/event.h"
#include "watch/check.h"
#include "watch/finding.h"
#include "watch/past.h"
#include "watch/seen.h"

#define IOAS_WATCH_NAMED 100

/* What a watch needs of its surroundings; each is async-signal-safe. */
struct ioas_watch_ways {
	void (*found)(const struct ioas_finding *finding);
	/* Something ioas cannot do for the program: one line of text. */
	void (*complain)(const char *text);
	uint64_t (*now)(void);    /* ns, never going back */
	uint32_t (*thread)(void); /* number of this thread */
};

struct ioas_watch {
	struct ioas_observer observer;      /* first */
	const struct ioas_watch_ways *ways; /* constant */
	uint32_t checks;                    /* bits; constant */
	struct ioas_a32 findings;           /* number of the last one */
	struct {
		struct ioas_a64 count, bytes, causes, reported;
	} tally[IOAS_CHECK_NR];
	struct ioas_past past;
	struct ioas_seen seen;
};

/* Begins to observe; @watch is zeroed and lives as long as the process. */
void ioas_watch_init(struct ioas_watch *watch,
                     const struct ioas_watch_ways *ways, uint32_t checks);

/* In a forked child, and between tests: as after init. */
void ioas_watch_forget(struct ioas_watch *watch);

/* What was found so far. */
void ioas_watch_tally(const struct ioas_watch *watch,
                      struct ioas_tally ret_tally[IOAS_CHECK_NR]);

/*
 * Each cause that came more than once: its finding's number, and how often it
 * came and about how many bytes, in all.
 */
void ioas_watch_repeated(const struct ioas_watch *watch,
                         void (*each)(uint32_t number, uint64_t count,
                                      uint64_t bytes));

#endif /* IOAS_WATCH_WATCH_H */
