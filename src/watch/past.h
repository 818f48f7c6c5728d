/* SPDX-License-Identifier: MIT */
/*
 * The mappings that ended last, so that an access to one can be told from an
 * access to what never was. Fixed memory; written where a mapping ends, read
 * where an access was refused, by any threads at once and in signal handlers.
 *
 * A place is written under a ticket: odd while it is being written. A reader
 * that sees the ticket change leaves the place out. Two writers could meet in
 * one place only if IOAS_PAST_MAX mappings ended during one write; the reader
 * would then see a mixture of two real ones.
 */
#ifndef IOAS_WATCH_PAST_H
#define IOAS_WATCH_PAST_H

#include <stdbool.h>

#include "base/event.h"

#define IOAS_PAST_MAX 4096

/* How it ended. */
struct ioas_past_mapping {
	enum ioas_event_kind kind; /* UNMAP, or FREED: it goes on, without */
	uint32_t space;
	struct iova_range range;
	uint32_t site_map, site_gone;
	uint64_t time; /* ns */
	uint32_t thread;
};

struct ioas_past {
	struct ioas_a64 head; /* mappings that ended */
	struct ioas_past_slot {
		struct ioas_a64 ticket, what, first, last, sites, time, thread;
	} slot[IOAS_PAST_MAX];
};

void ioas_past_add(struct ioas_past *past,
                   const struct ioas_past_mapping *mapping);
/*
 * The latest one of this kind at an address. Space 0: of any space. False:
 * there is none.
 */
bool ioas_past_find(const struct ioas_past *past, enum ioas_event_kind kind,
                    uint32_t space, struct iova at,
                    struct ioas_past_mapping *ret_mapping);

#endif /* IOAS_WATCH_PAST_H */
