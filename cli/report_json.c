/* SPDX-License-Identifier: MIT */
/* A finding as one line of JSON; ioas-report(5) says what is in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/report.h"

static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, ioas_must(value)))
		ioas_must(NULL);
}

static void set_string(json_t *object, const char *name, const char *value)
{
	/* Paths need not be UTF-8. */
	if (value)
		set(object, name,
		    json_string(value) ? json_string(value)
		                       : json_string("(not UTF-8)"));
}

/* Numbers of 64 bits do not survive every reader of JSON. */
static void set_address(json_t *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	set(object, name, json_string(text));
}

static json_t *range(const struct iova_range *r)
{
	json_t *o = ioas_must(json_object());

	set_address(o, "first", r->first);
	set_address(o, "last", r->last);
	return o;
}

static json_t *mapping(const struct ioas_finding_mapping *m)
{
	json_t *o = range(&m->range);

	set_string(o, "permission", ioas_perm_name(m->perm));
	return o;
}

/* ---- Places in the program. ---- */

static void add_place(void *context, const struct ioas_place *place)
{
	json_t *places = context;
	json_t *o = ioas_must(json_object());

	set_string(o, "function", place->function);
	set_string(o, "file", place->file);
	if (place->file)
		set(o, "line", json_integer(place->line));
	json_array_append_new(places, o);
}

static json_t *frame_json(const struct ioas_report *report,
                          const struct ioas_report_frame *frame)
{
	json_t *o = ioas_must(json_object());
	json_t *places = ioas_must(json_array());

	if (frame->module) {
		set_string(o, "module", frame->module->path);
		if (*frame->module->build)
			set_string(o, "build_id", frame->module->build);
	}
	set_address(o, "offset", frame->offset);
	ioas_symbols_find(report->symbols, frame, add_place, places);
	set(o, "places", places);
	return o;
}

static void set_site(json_t *object, const char *name,
                     const struct ioas_report_item *item, uint32_t number)
{
	const struct ioas_report_site *site =
		ioas_report_find_site(item->process, number);
	json_t *frames;
	unsigned int i;

	if (!site)
		return;
	frames = ioas_must(json_array());
	for (i = 0; i < site->depth; i++)
		json_array_append_new(
			frames, frame_json(item->report, &site->frame[i]));
	set(object, name, frames);
}

/* ---- What it is about. ---- */

static void set_issuer(json_t *object, const struct ioas_finding *f)
{
	json_t *o = ioas_must(json_object());

	if (f->queue)
		set(o, "queue", json_integer(f->queue - 1));
	if (f->id)
		set(o, "command_id", json_integer(f->id - 1));
	set_string(o, "command", f->command);
	set_string(o, "role", f->role);
	if (json_object_size(o))
		set(object, "issued_by", o);
	else
		json_decref(o);
}

static void set_access(json_t *object, const struct ioas_finding *f)
{
	json_t *pieces = ioas_must(json_array());
	uint32_t i;

	set_issuer(object, f);
	for (i = 0; i < f->pieces; i++) {
		json_t *piece = range(&f->piece[i].range);

		set_string(piece, "reason",
		           ioas_fault_reason(f->piece[i].fault));
		json_array_append_new(pieces, piece);
	}
	set(object, "refused", pieces);
	set(object, "refused_more", json_boolean(f->more));
	if (f->at.perm)
		set(object, "mapping_here", mapping(&f->at));
	if (f->below.perm)
		set(object, "mapping_below", mapping(&f->below));
	if (f->above.perm)
		set(object, "mapping_above", mapping(&f->above));
}

static void set_message(json_t *object, const struct ioas_finding *f)
{
	json_t *message = ioas_must(json_object());
	json_t *victim;

	set(message, "data", json_integer(f->data));
	if (f->vector)
		set(message, "vector", json_integer(f->vector - 1));
	if (f->victim) {
		victim = ioas_must(json_object());
		set_string(victim, "device", f->victim);
		set(victim, "vector", json_integer(f->victim_vector));
		set(victim, "raised", json_boolean(f->raised));
		set(message, "victim", victim);
	}
	set(object, "message", message);
}

static void set_past(json_t *object, const struct ioas_report_item *item)
{
	const struct ioas_finding *f = item->finding;

	set_site(object, "gone_at", item, f->site_gone);
	if (!f->age_ns && !f->thread)
		return;
	set(object, "gone_ns_before", json_integer((json_int_t)f->age_ns));
	set(object, "gone_by_thread", json_integer(f->thread));
}

static void set_head(json_t *object, const struct ioas_report_item *item)
{
	const struct ioas_finding *f = item->finding;
	const struct ioas_check *check = &ioas_checks[f->check];

	set(object, "type", json_string("finding"));
	set_string(object, "check", check->name);
	set_string(object, "severity",
	           check->severity == IOAS_FINDING ? "error" : "note");
	set(object, "pid", json_integer(item->process->pid));
	set(object, "number", json_integer(f->number));
	set_string(object, "device", f->device);
	set_string(object, "model", f->model);
	set(object, "container", json_integer(f->space));
	if (f->window)
		set(object, "window", json_integer(f->window - 1));
	set_string(object, "permission", ioas_perm_name(f->perm));
	if (f->pasid)
		set(object, "pasid", json_integer(f->pasid));
	set(object, f->pasid ? "address" : "iova", range(&f->range));
}

char *ioas_report_json(const struct ioas_report_item *item)
{
	const struct ioas_finding *f = item->finding;
	json_t *o = ioas_must(json_object());
	char *text, *line = NULL;

	set_head(o, item);
	if (f->check == IOAS_CHECK_LOST_INTERRUPT ||
	    (f->check == IOAS_CHECK_MSI_SPOOF &&
	     f->piece[0].fault != IOAS_FAULT_DOORBELL))
		set_message(o, f);
	if (f->pieces)
		set_access(o, f);
	else
		set_address(o, "memory", f->uaddr);
	if (f->early)
		set(o, "freed_before_map", json_true());
	set_site(o, "done_at", item, f->site_now);
	set_past(o, item);
	set_site(o, "mapped_at", item, f->site_map);
	set_site(o, "registered_at", item, f->site_registered);
	set_string(o, "law", ioas_checks[f->check].law);
	set_string(o, "suppression", item->suppression);
	text = ioas_must(json_dumps(o, JSON_COMPACT));
	if (asprintf(&line, "%s\n", text) < 0)
		ioas_must(NULL);
	free(text);
	json_decref(o);
	return line;
}
