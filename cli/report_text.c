/* SPDX-License-Identifier: MIT */
/* A finding for people: src/watch/text.c, with places in the program. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/report.h"

#define TEXT_MAX   (32u << 10)
#define FRAMES_MAX 10 /* of a site */
#define NOTE_MAX   3  /* of a site in a note */

/* Modules of frames without a symbol: named once, below. */
#define UNNAMED_MAX 16

struct writer {
	struct ioas_finding_writer base; /* first */
	const struct ioas_report_item *item;
	const struct ioas_report_module *unnamed[UNNAMED_MAX];
	unsigned int unnamed_count;
};

struct frame_line {
	struct ioas_text *text;
	const char *label;
	const struct ioas_report_frame *frame;
	bool ended; /* what called main() says nothing */
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The C library's, before main(). */
static bool is_start(const char *function)
{
	return function && (!strncmp(function, "__libc_start", 12) ||
	                    !strcmp(function, "_start"));
}

static void add_place(void *context, const struct ioas_place *place)
{
	struct frame_line *line = context;
	const struct ioas_report_frame *frame = line->frame;

	if (line->ended || is_start(place->function)) {
		line->ended = true;
		return;
	}
	ioas_text_add(line->text, "  %-12s %s ", line->label,
	              place->function ? place->function : "?");
	if (place->file)
		ioas_text_add(line->text, "(%s:%d)\n", base_of(place->file),
		              place->line);
	else
		ioas_text_add(line->text, "(%s+0x%" PRIx64 ")\n",
		              base_of(frame->module->path), frame->offset);
	line->label = "";
}

static void note_unnamed(struct writer *w,
                         const struct ioas_report_module *module)
{
	unsigned int i;

	for (i = 0; i < w->unnamed_count; i++)
		if (w->unnamed[i] == module)
			return;
	if (module && i < UNNAMED_MAX)
		w->unnamed[w->unnamed_count++] = module;
}

static void add_frame(struct writer *w, struct frame_line *line)
{
	const struct ioas_report_frame *frame = line->frame;

	if (ioas_symbols_find(w->item->report->symbols, frame, add_place, line))
		return;
	ioas_text_add(line->text, "  %-12s %s+0x%" PRIx64 "\n", line->label,
	              frame->module ? base_of(frame->module->path) : "",
	              frame->offset);
	line->label = "";
	note_unnamed(w, frame->module);
}

static void write_site(const struct ioas_finding_writer *self,
                       struct ioas_text *text, const char *label,
                       uint32_t number)
{
	struct writer *w = (struct writer *)(uintptr_t)self;
	const struct ioas_report_site *site =
		ioas_report_find_site(w->item->process, number);
	struct frame_line line = {.text = text, .label = label};
	enum ioas_check_id check = w->item->finding->check;
	unsigned int i, most = FRAMES_MAX;

	if (ioas_checks[check].severity == IOAS_NOTE)
		most = NOTE_MAX;
	for (i = 0; site && i < site->depth && i < most && !line.ended; i++) {
		line.frame = &site->frame[i];
		add_frame(w, &line);
	}
	if (site && i < site->depth && !line.ended)
		ioas_text_add(text, "  %-12s and %u more\n", "",
		              site->depth - i);
}

char *ioas_report_text(const struct ioas_report_item *item)
{
	struct writer w = {.base = {write_site}, .item = item};
	struct ioas_text text = {ioas_must(malloc(TEXT_MAX)), 0, TEXT_MAX};
	unsigned int i;

	ioas_finding_text(item->finding, &w.base, &text);
	for (i = 0; i < w.unnamed_count; i++)
		ioas_text_add(
			&text, "  %-12s %s is %s, build id %s\n",
			i ? "" : "no symbols:", base_of(w.unnamed[i]->path),
			w.unnamed[i]->path,
			*w.unnamed[i]->build ? w.unnamed[i]->build : "none");
	if (item->suppression)
		ioas_text_add(&text, "  %-12s %s\n",
		              "suppress by:", item->suppression);
	return text.at;
}
