/* SPDX-License-Identifier: MIT */
/*
 * Findings as text:
 *
 *	ERROR: use-after-unmap: DMA fault: device 0000:01:00.0 (nvme) cannot
 *	WRITE 4096 bytes at IOVA 0x10a400000: unmapped before
 *	  issued by:   SQ 1, CID 0x17, READ, PRP1
 *	  ...
 *
 * The first line stands alone, the others say more.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <ioas/perm.h>

#include "watch/finding.h"

void ioas_text_add(struct ioas_text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at + text->used, text->room - text->used, format,
	              args);
	va_end(args);
	if (n > 0)
		text->used += (size_t)n;
	if (text->used > text->room - 1)
		text->used = text->room - 1;
}

const char *ioas_perm_name(uint32_t perm)
{
	static const char *const name[] = {"nothing", "READ", "WRITE",
	                                   "READ|WRITE"};

	return name[perm & (IOAS_READ | IOAS_WRITE)];
}

static const char *const fault_reason[] = {
	[IOAS_FAULT_NONE] = "nothing refused it",
	[IOAS_FAULT_UNMAPPED] = "not mapped",
	[IOAS_FAULT_PERMISSION] = "mapped, but not for this",
	[IOAS_FAULT_APERTURE] = "beyond the addresses the IOMMU translates",
	[IOAS_FAULT_GONE] =
		"mapped, but the memory behind it is gone or protected",
	[IOAS_FAULT_NO_MASTER] = "bus mastering is off in its command register",
	[IOAS_FAULT_NO_SPACE] = "its group is in no container with an IOMMU",
	[IOAS_FAULT_PEER] =
		"mapped, but the registers there do not answer the device",
	[IOAS_FAULT_DOORBELL] =
		"only messages of interrupts are taken there, 4 bytes each",
	[IOAS_FAULT_NO_PASID] = "that PASID is not bound to it",
	[IOAS_FAULT_PROCESS] =
		"the program has no such memory, or may not do that there",
	[IOAS_FAULT_FROZEN] = "its group is isolated after an error",
};

const char *ioas_fault_reason(uint32_t fault)
{
	return fault < IOAS_ARRAY_SIZE(fault_reason) ? fault_reason[fault]
	                                             : "refused";
}

#define RANGE_FORMAT    "0x%" PRIx64 "-0x%" PRIx64
#define RANGE_VALUES(r) (r).first, (r).last
#define LABEL           "  %-12s "

/* ---- The first line, one function for each kind. ---- */

static void say_access(const struct ioas_finding *f, struct ioas_text *text)
{
	const char *reason = ioas_fault_reason(f->piece[0].fault);

	if (f->check == IOAS_CHECK_USE_AFTER_UNMAP)
		reason = "not mapped any more";
	ioas_text_add(text,
	              "DMA fault: device %s (%s) cannot %s %" PRIu64
	              " bytes at %s 0x%" PRIx64,
	              f->device ? f->device : "?", f->model ? f->model : "?",
	              ioas_perm_name(f->perm),
	              f->range.last - f->range.first + 1,
	              f->pasid ? "address" : "IOVA", f->range.first);
	if (f->pasid)
		ioas_text_add(text, " of PASID %u", f->pasid);
	ioas_text_add(text, ": %s", reason);
}

static void say_who(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "device %s (%s)", f->device ? f->device : "?",
	              f->model ? f->model : "?");
}

static void say_message(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "data 0x%x at IOVA 0x%" PRIx64, f->data,
	              f->range.first);
}

/* What became of a message that was to be an interrupt. */
static void say_lost(const struct ioas_finding *f, struct ioas_text *text)
{
	uint32_t fault = f->piece[0].fault;
	const char *reason = ioas_fault_reason(fault);

	if (fault == IOAS_FAULT_NONE)
		reason = "memory is mapped there, and has been written";
	if (fault == IOAS_FAULT_DOORBELL)
		reason = "the interrupt controller knows no such interrupt";
	say_who(f, text);
	ioas_text_add(text, " cannot raise vector %u: ", f->vector - 1);
	say_message(f, text);
	ioas_text_add(text, ": %s", reason);
}

/* Of plain writes also what is no message at all. */
static void say_spoof(const struct ioas_finding *f, struct ioas_text *text)
{
	if (f->piece[0].fault == IOAS_FAULT_DOORBELL) {
		say_access(f, text);
		return;
	}
	say_who(f, text);
	if (f->vector)
		ioas_text_add(text, ", for its vector %u,", f->vector - 1);
	ioas_text_add(text, " writes an interrupt that is not its own: ");
	say_message(f, text);
	if (!f->victim)
		ioas_text_add(text, ": nobody's");
	else
		ioas_text_add(text, ": vector %u of device %s, %s",
		              f->victim_vector, f->victim,
		              f->raised ? "which was raised"
		                        : "which was not raised");
}

static void add_mapping(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text,
	              "IOVA " RANGE_FORMAT " (%s, program memory 0x%" PRIx64
	              ", container %u",
	              RANGE_VALUES(f->range), ioas_perm_name(f->perm), f->uaddr,
	              f->space);
	if (f->window)
		ioas_text_add(text, ", window %u", f->window - 1);
	ioas_text_add(text, ")");
}

static void say_freed(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "memory given back %s mapped: ",
	              f->early ? "before it was" : "while it is");
	add_mapping(f, text);
}

static void say_close(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "leak at close: still mapped: ");
	add_mapping(f, text);
}

static void say_reset(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "alive at reset of %s: still mapped: ",
	              f->device ? f->device : "a device");
	add_mapping(f, text);
}

static void say_exit(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "alive at exit: still mapped: ");
	add_mapping(f, text);
}

static void say_denied(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text, "call refused: %s", ioas_checks[f->check].help);
	if (!f->space)
		return;
	ioas_text_add(text, ": ");
	add_mapping(f, text);
}

static void say_empty(const struct ioas_finding *f, struct ioas_text *text)
{
	ioas_text_add(text,
	              "call without effect: %s: IOVA 0x%" PRIx64
	              ", container %u",
	              ioas_checks[f->check].help, f->range.first, f->space);
}

#define DENIED                                 \
	{                                      \
		say_denied, "called at:", NULL \
	}

/* Checks that are not here are about an access. */
static const struct saying {
	void (*say)(const struct ioas_finding *f, struct ioas_text *text);
	const char *now; /* label of site_now; NULL: it is not shown */
	const char *gone;
} sayings[IOAS_CHECK_NR] = {
	[IOAS_CHECK_USE_AFTER_UNMAP] = {say_access, "done by:", "unmapped at:"},
	[IOAS_CHECK_FREED_WHILE_MAPPED] = {say_freed, "freed at:", NULL},
	[IOAS_CHECK_MEMORY_GONE] = {say_access, "done by:", "freed at:"},
	[IOAS_CHECK_NO_CONTAINER] = {say_access, "done by:", "unmapped at:"},
	[IOAS_CHECK_LOST_INTERRUPT] = {say_lost, "done by:", NULL},
	[IOAS_CHECK_MSI_SPOOF] = {say_spoof, "done by:", NULL},
	[IOAS_CHECK_LEAK_ON_CLOSE] = {say_close, "closed at:", NULL},
	[IOAS_CHECK_LEAK_AT_RESET] = {say_reset, "reset at:", NULL},
	[IOAS_CHECK_LEAK_AT_EXIT] = {say_exit, NULL, NULL},
	[IOAS_CHECK_MAP_BEFORE_IOMMU] = DENIED,
	[IOAS_CHECK_STALE_MAP] = DENIED,
	[IOAS_CHECK_ENTRY_LIMIT] = DENIED,
	[IOAS_CHECK_MEMLOCK] = DENIED,
	[IOAS_CHECK_MAP_OUTSIDE_APERTURE] = DENIED,
	[IOAS_CHECK_RESERVED_OVERLAP] = DENIED,
	[IOAS_CHECK_UNREGISTERED] = DENIED,
	[IOAS_CHECK_NOT_ENABLED] = DENIED,
	[IOAS_CHECK_ZERO_UNMAP] = {say_empty, "called at:", NULL},
};

static const struct saying *saying_of(const struct ioas_finding *f)
{
	static const struct saying access = {say_access, "done by:", NULL};

	return sayings[f->check].say ? &sayings[f->check] : &access;
}

/* ---- The other lines. ---- */

static void add_issuer(const struct ioas_finding *f, struct ioas_text *text)
{
	const char *separator = "";

	if (!f->queue && !f->id && !f->command && !f->role)
		return;
	ioas_text_add(text, LABEL, "issued by:");
	if (f->queue) {
		ioas_text_add(text, "SQ %u", f->queue - 1);
		separator = ", ";
	}
	if (f->id) {
		ioas_text_add(text, "%sCID 0x%x", separator, f->id - 1);
		separator = ", ";
	}
	if (f->command) {
		ioas_text_add(text, "%s%s", separator, f->command);
		separator = ", ";
	}
	if (f->role)
		ioas_text_add(text, "%s%s", separator, f->role);
	ioas_text_add(text, "\n");
}

/* Only when the first line does not say it already. */
static void add_pieces(const struct ioas_finding *f, struct ioas_text *text)
{
	uint32_t i;

	if (!f->pieces ||
	    (f->pieces == 1 && f->piece[0].range.first == f->range.first &&
	     f->piece[0].range.last == f->range.last))
		return;
	for (i = 0; i < f->pieces; i++)
		ioas_text_add(
			text, LABEL RANGE_FORMAT ": %s\n",
			i ? "" : "refused:", RANGE_VALUES(f->piece[i].range),
			ioas_fault_reason(f->piece[i].fault));
	if (f->more)
		ioas_text_add(text, LABEL "and more of it\n", "");
}

static void add_age(const struct ioas_finding *f, struct ioas_text *text)
{
	if (!f->age_ns && !f->thread)
		return;
	if (f->age_ns < 1000000)
		ioas_text_add(text, LABEL "%" PRIu64 " us", "",
		              f->age_ns / 1000);
	else
		ioas_text_add(text, LABEL "%" PRIu64 ".%" PRIu64 " ms", "",
		              f->age_ns / 1000000, f->age_ns / 100000 % 10);
	ioas_text_add(text, " before, by %s %u\n",
	              f->same_thread ? "this thread," : "thread", f->thread);
}

static void add_neighbour(const struct ioas_finding_mapping *m,
                          const char *label, const char *where,
                          struct ioas_text *text)
{
	ioas_text_add(text, LABEL RANGE_FORMAT " %s, %s\n", label,
	              RANGE_VALUES(m->range), ioas_perm_name(m->perm), where);
}

static void add_neighbours(const struct ioas_finding *f, struct ioas_text *text)
{
	const char *label = "neighbours:";

	if (f->at.perm)
		add_neighbour(&f->at, "mapping:", "here", text);
	if (f->below.perm) {
		add_neighbour(&f->below, label, "below", text);
		label = "";
	}
	if (f->above.perm)
		add_neighbour(&f->above, label, "above", text);
}

static void add_site(const struct ioas_finding_writer *writer,
                     struct ioas_text *text, const char *label, uint32_t site)
{
	if (site && label)
		writer->site(writer, text, label, site);
}

void ioas_finding_text(const struct ioas_finding *f,
                       const struct ioas_finding_writer *writer,
                       struct ioas_text *text)
{
	const struct saying *saying = saying_of(f);
	const struct ioas_check *check = &ioas_checks[f->check];

	ioas_text_add(text, "%s: %s: ",
	              check->severity == IOAS_FINDING ? "ERROR" : "note",
	              check->name);
	saying->say(f, text);
	ioas_text_add(text, "\n");
	add_issuer(f, text);
	add_pieces(f, text);
	add_site(writer, text, saying->now, f->site_now);
	if (saying->gone) {
		add_site(writer, text, saying->gone, f->site_gone);
		add_age(f, text);
	}
	add_site(writer, text, "mapped at:", f->site_map);
	add_site(writer, text, "registered:", f->site_registered);
	add_neighbours(f, text);
	if (check->law)
		ioas_text_add(text, LABEL "%s\n", "law:", check->law);
}

uint32_t ioas_finding_site(const struct ioas_finding *f)
{
	const struct saying *saying = saying_of(f);

	if (saying->gone && f->site_gone)
		return f->site_gone;
	if (f->check == IOAS_CHECK_FREED_WHILE_MAPPED && f->site_now)
		return f->site_now;
	if (saying->say == say_denied && f->site_now)
		return f->site_now;
	if (f->site_map)
		return f->site_map;
	return f->site_now;
}

/* ---- The summary. ---- */

static void add_tallies(const struct ioas_tally tally[IOAS_CHECK_NR],
                        enum ioas_severity severity, struct ioas_text *text)
{
	const char *before = text->used ? "; notes: " : "summary: ";
	unsigned int i;

	if (severity == IOAS_NOTE && !text->used)
		before = "summary: notes: ";

	for (i = 0; i < IOAS_CHECK_NR; i++) {
		const struct ioas_tally *t = &tally[i];

		if (!t->count || ioas_checks[i].severity != severity)
			continue;
		ioas_text_add(text, "%s%" PRIu64 " %s", before, t->count,
		              ioas_checks[i].name);
		before = ", ";
		if (t->bytes)
			ioas_text_add(text, " (%" PRIu64 " KiB)",
			              t->bytes >> 10);
	}
}

void ioas_summary_text(const struct ioas_tally tally[IOAS_CHECK_NR],
                       struct ioas_text *text)
{
	add_tallies(tally, IOAS_FINDING, text);
	add_tallies(tally, IOAS_NOTE, text);
}
