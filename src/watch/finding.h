/* SPDX-License-Identifier: MIT */
/*
 * A finding, and its three shapes: the struct, made where the event happened;
 * a record of "name=value" lines, which goes from the library to the tool; and
 * text for people. The tool makes the struct again from the record, so what
 * a report shows is made from the same fields wherever it is written.
 *
 * Places in the program are numbers of sites (hooks.call_site); who writes
 * text gives a function that writes a site out.
 *
 * All of this is async-signal-safe: no allocation, no lock, no stdio but
 * vsnprintf() of integers and strings.
 */
#ifndef IOAS_WATCH_FINDING_H
#define IOAS_WATCH_FINDING_H

#include "base/event.h"
#include "watch/check.h"

#define IOAS_FINDING_PIECES IOAS_EVENT_PIECES

struct ioas_finding_mapping {
	struct iova_range range;
	uint32_t perm; /* 0: there is none */
};

/* Fields that do not apply are 0, strings NULL. */
struct ioas_finding {
	enum ioas_check_id check;
	uint32_t number;         /* from 1 in its process */
	uint32_t space;          /* number of the container's space */
	uint32_t perm;           /* of the access or of the mapping */
	struct iova_range range; /* of the access or of the mapping */
	uint64_t uaddr;          /* program memory at the mapping's start */
	uint32_t window;         /* + 1, that the mapping is in; 0: none */
	uint32_t early;          /* it was given back before it was mapped */
	const char *device, *model;

	/* A device access. */
	const char *command, *role;
	uint32_t queue, id; /* + 1; 0: none */
	uint32_t pasid;     /* `range` is of program addresses; 0: none */
	struct {
		struct iova_range range;
		uint32_t fault;
	} piece[IOAS_FINDING_PIECES];
	uint32_t pieces;
	uint32_t more; /* there are further pieces */
	struct ioas_finding_mapping at, below, above;

	/* The message of an interrupt. */
	uint32_t data;
	uint32_t vector;    /* + 1; 0: a write that was none's interrupt */
	const char *victim; /* device whose vector it names */
	uint32_t victim_vector;
	uint32_t raised; /* nothing stopped it */

	/* Sites. */
	uint32_t site_map;
	uint32_t site_gone; /* unmapped or freed there */
	uint32_t site_now;  /* the call or instruction that led to this */
	uint32_t site_registered;

	/* Of site_gone. */
	uint64_t age_ns;
	uint32_t thread;
	uint32_t same_thread; /* it was the thread of site_now */
};

/* ---- Records. ---- */

/*
 * Lines "name=value", fields of 0 left out. Return: bytes, at most @room; what
 * does not fit is left out by whole lines.
 */
size_t ioas_finding_encode(const struct ioas_finding *finding, char *ret_record,
                           size_t room);
/*
 * The lines are cut apart in place; strings point into them. False: it names
 * no check that there is.
 */
bool ioas_finding_decode(char *record, struct ioas_finding *ret_finding);

/* ---- Text. ---- */

/* Text in a buffer that its owner has; what does not fit is cut. */
struct ioas_text {
	char *at;
	size_t used, room; /* with the zero at the end; room is not 0 */
};

void ioas_text_add(struct ioas_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Several lines, each ended by a newline. @site adds lines of its own that
 * begin with @label, for a site that is not 0.
 */
struct ioas_finding_writer {
	void (*site)(const struct ioas_finding_writer *self,
	             struct ioas_text *text, const char *label, uint32_t site);
};

void ioas_finding_text(const struct ioas_finding *finding,
                       const struct ioas_finding_writer *writer,
                       struct ioas_text *text);

/* The site that a suppression is looked for first, or 0. */
uint32_t ioas_finding_site(const struct ioas_finding *finding);

/* "not mapped", for a piece. */
const char *ioas_fault_reason(uint32_t fault);
const char *ioas_perm_name(uint32_t perm);

/* How often a check found something, for the summary. */
struct ioas_tally {
	uint64_t count, bytes;
	uint64_t reported; /* of them in a report of their own */
};

/* One line without newline; nothing when there is nothing to say. */
void ioas_summary_text(const struct ioas_tally tally[IOAS_CHECK_NR],
                       struct ioas_text *text);

#endif /* IOAS_WATCH_FINDING_H */
