/* SPDX-License-Identifier: MIT */
/*
 * Events to lines. A line says what happened, where, and which command of the
 * device did it:
 *
 *	DMA fault: device 0000:01:00.0 (nvme) cannot WRITE 4096 bytes at IOVA
 *	0x10a400000: not mapped; issued by SQ 1, CID 0x17, READ, PRP1
 *
 * Runs wherever the event happened, also in the MMIO handler: no allocation,
 * no lock, buffers of fixed size on the stack.
 */
#include "watch/watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <ioas/device.h>

#define LINE 512

/* Appends to a line of fixed size; what does not fit is cut. */
struct line {
	char text[LINE];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void
line_add(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, LINE - line->used, format, args);
	va_end(args);
	if (n > 0)
		line->used += (size_t)n;
	if (line->used > LINE - 1)
		line->used = LINE - 1;
}

static const char *perm_name(unsigned int perm)
{
	static const char *const name[] = {"nothing", "READ", "WRITE",
	                                   "READ|WRITE"};

	return name[perm & (IOAS_READ | IOAS_WRITE)];
}

static void add_issuer(struct line *line, const struct ioas_issuer *issuer)
{
	const char *separator = "; issued by ";

	if (!issuer)
		return;
	if (issuer->queue >= 0) {
		line_add(line, "%sSQ %d", separator, issuer->queue);
		separator = ", ";
	}
	if (issuer->id >= 0) {
		line_add(line, "%sCID 0x%x", separator,
		         (unsigned int)issuer->id);
		separator = ", ";
	}
	if (issuer->command) {
		line_add(line, "%s%s", separator, issuer->command);
		separator = ", ";
	}
	if (issuer->role)
		line_add(line, "%s%s", separator, issuer->role);
}

static const char *const fault_reason[] = {
	[IOAS_FAULT_NONE] = "no reason",
	[IOAS_FAULT_UNMAPPED] = "not mapped",
	[IOAS_FAULT_PERMISSION] = "mapped, but not for this",
	[IOAS_FAULT_APERTURE] = "beyond the addresses the IOMMU translates",
	[IOAS_FAULT_GONE] =
		"mapped, but the memory behind it is gone or protected",
	[IOAS_FAULT_NO_MASTER] = "bus mastering is off in its command register",
	[IOAS_FAULT_NO_SPACE] = "its group is in no container with an IOMMU",
};

static void say_fault(struct line *line, const struct ioas_event *ev)
{
	line_add(line,
	         "DMA fault: device %s (%s) cannot %s %" PRIu64
	         " bytes at IOVA 0x%" PRIx64 ": %s",
	         ev->device, ev->model, perm_name(ev->perm),
	         ev->range.last - ev->range.first + 1, ev->range.first,
	         fault_reason[ev->fault]);
	add_issuer(line, ev->issuer);
}

static void add_mapping(struct line *line, const struct ioas_event *ev)
{
	line_add(line,
	         "IOVA 0x%" PRIx64 "-0x%" PRIx64
	         " (%s, program memory 0x%" PRIx64 ", container %u)",
	         ev->range.first, ev->range.last, perm_name(ev->perm),
	         ev->uaddr.raw, ev->space);
}

static void say_live_at_close(struct line *line, const struct ioas_event *ev)
{
	line_add(line, "leak at close: still mapped: ");
	add_mapping(line, ev);
}

static void say_live_at_exit(struct line *line, const struct ioas_event *ev)
{
	line_add(line, "alive at exit: still mapped: ");
	add_mapping(line, ev);
}

static void say_unknown(struct line *line, const struct ioas_event *ev)
{
	line_add(line,
	         "ioctl 0x%" PRIx64 " on a %s is not emulated: answered as by "
	         "a kernel without it; later calls of it are not reported",
	         ev->number, ev->what);
}

static void say_stale(struct line *line, const struct ioas_event *ev)
{
	line_add(line,
	         "a VFIO file (%s) was inherited from the parent process; it "
	         "answers ENODEV: open it in the process that uses it",
	         ev->what);
}

/* What is said of an event; one line per kind. */
static const struct saying {
	void (*say)(struct line *line, const struct ioas_event *ev);
	enum ioas_severity severity;
	const char *sum; /* in the summary, after the number */
} sayings[IOAS_EVENT_NR] = {
	[IOAS_EVENT_DMA_FAULT] = {say_fault, IOAS_FINDING, "DMA faults"},
	[IOAS_EVENT_LIVE_AT_CLOSE] = {say_live_at_close, IOAS_FINDING,
                                      "mappings left at close"},
	[IOAS_EVENT_LIVE_AT_EXIT] = {say_live_at_exit, IOAS_NOTE,
                                     "mappings alive at exit"},
	[IOAS_EVENT_UNKNOWN] = {say_unknown, IOAS_COMPLAINT, NULL},
	[IOAS_EVENT_STALE_FILE] = {say_stale, IOAS_COMPLAINT, NULL},
};

static void observe(struct ioas_observer *self, const struct ioas_event *ev)
{
	struct ioas_watch *watch =
		ioas_container_of(self, struct ioas_watch, observer);
	const struct saying *saying = &sayings[ev->kind];
	struct line line = {.used = 0};

	ioas_a64_add(&watch->bytes[ev->kind],
	             ev->range.last - ev->range.first + 1);
	if (ioas_a64_add(&watch->count[ev->kind], 1) > IOAS_WATCH_NAMED)
		return;
	if (!saying->say)
		return;
	saying->say(&line, ev);
	watch->sink(saying->severity, line.text);
}

void ioas_watch_init(struct ioas_watch *watch,
                     void (*sink)(enum ioas_severity severity,
                                  const char *text))
{
	watch->observer.event = observe;
	watch->sink = sink;
	ioas_observe(&watch->observer);
}

void ioas_watch_summary(struct ioas_watch *watch)
{
	struct line line = {.used = 0};
	const char *separator = "summary: ";
	unsigned int kind;

	for (kind = 0; kind < IOAS_EVENT_NR; kind++) {
		uint64_t count = ioas_a64_load(&watch->count[kind]);

		if (!count || !sayings[kind].sum)
			continue;
		line_add(&line, "%s%" PRIu64 " %s", separator, count,
		         sayings[kind].sum);
		if (kind != IOAS_EVENT_DMA_FAULT)
			line_add(&line, " (%" PRIu64 " KiB)",
			         ioas_a64_load(&watch->bytes[kind]) >> 10);
		separator = ", ";
	}
	if (line.used)
		watch->sink(IOAS_NOTE, line.text);
}
