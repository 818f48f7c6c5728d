/* SPDX-License-Identifier: MIT */
/*
 * What processes of the run say of themselves, kept by process id. Numbers in
 * records are the process's own. A process that becomes another program begins
 * anew: its hello drops what was known.
 */
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Numbers beyond this are of no process of ours. */
#define NUMBERS_MAX (1u << 20)

/* ---- Output. ---- */

/*
 * A report that is not whole is worse when nobody says so. A line of JSON that
 * was begun is taken back: it is the last of the file, for nobody else writes
 * to that.
 */
static void not_written(const struct ioas_report *report, size_t begun)
{
	static bool said;
	int error = errno;
	off_t end = lseek(report->fd, 0, SEEK_END);

	if (report->fd == STDERR_FILENO)
		return;
	if (report->as_json && begun && end >= (off_t)begun &&
	    ftruncate(report->fd, end - (off_t)begun))
		error = errno;
	if (!said)
		ioas_say("the report is not complete: cannot write to the "
		         "report file: %s",
		         strerror(error));
	said = true;
}

void ioas_report_write(const struct ioas_report *report, const char *text)
{
	size_t bytes = strlen(text), done = 0;
	ssize_t n;

	while (done < bytes) {
		n = write(report->fd, text + done, bytes - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			not_written(report, done);
			return;
		}
		done += (size_t)n;
	}
}

/* @object is given away. */
static void write_json(const struct ioas_report *report, json_t *object)
{
	char *text = ioas_must(json_dumps(object, JSON_COMPACT));
	char *line = NULL;

	if (asprintf(&line, "%s\n", text) < 0)
		ioas_must(NULL);
	ioas_report_write(report, line);
	free(line);
	free(text);
	json_decref(object);
}

static void write_text(const struct ioas_report *report, pid_t pid,
                       const char *text)
{
	char *all = NULL;
	int n;

	if (pid == report->child)
		n = asprintf(&all, "ioas: %s", text);
	else
		n = asprintf(&all, "ioas: process %ld: %s", (long)pid, text);
	if (n < 0)
		ioas_must(NULL);
	ioas_report_write(report, all);
	free(all);
}

void ioas_report_line(struct ioas_report *report, pid_t pid, const char *line)
{
	char *text = NULL;

	if (report->as_json) {
		write_json(report,
		           ioas_must(json_pack("{s:s, s:I, s:s}", "type",
		                               "message", "pid",
		                               (json_int_t)pid, "text", line)));
		return;
	}
	if (asprintf(&text, "%s\n", line) < 0)
		ioas_must(NULL);
	write_text(report, pid, text);
	free(text);
}

void ioas_report_object(struct ioas_report *report, pid_t pid, char *text)
{
	json_t *object = json_loads(text, 0, NULL);

	/* Cut off, or none at all: what there is of it is shown as it is. */
	if (!json_is_object(object) || !report->as_json) {
		json_decref(object);
		ioas_report_line(report, pid, text);
		return;
	}
	if (json_object_set_new(object, "pid", ioas_must(json_integer(pid))))
		ioas_must(NULL);
	write_json(report, object);
}

/* ---- Processes. ---- */

static struct ioas_report_process *process_of(struct ioas_report *report,
                                              pid_t pid)
{
	struct ioas_report_process *p = report->processes;

	while (p && p->pid != pid)
		p = p->next;
	if (p)
		return p;
	p = ioas_must(calloc(1, sizeof(*p)));
	p->pid = pid;
	p->next = report->processes;
	report->processes = p;
	return p;
}

static void forget(struct ioas_report *report, pid_t pid)
{
	struct ioas_report_process **link = &report->processes, *p;
	size_t i;

	while (*link && (*link)->pid != pid)
		link = &(*link)->next;
	p = *link;
	if (!p)
		return;
	*link = p->next;
	for (i = 0; i < p->modules; i++) {
		free(p->module[i]->path);
		free(p->module[i]->build);
		free(p->module[i]);
	}
	for (i = 0; i < p->sites; i++) {
		free(p->site[i]->frame);
		free(p->site[i]);
	}
	free(p->module);
	free(p->site);
	free(p->finding);
	free(p);
}

/* Room for one more pointer. */
static void *grown(void *array, size_t count)
{
	return ioas_must(realloc(array, (count + 1) * sizeof(void *)));
}

/* ---- Records: lines "name=value". ---- */

/* The next one; false at the end. */
static bool next_field(char **record, char **ret_name, char **ret_value)
{
	char *line;

	while ((line = strsep(record, "\n"))) {
		*ret_name = line;
		*ret_value = strchr(line, '=');
		if (!*ret_value)
			continue;
		*(*ret_value)++ = '\0';
		return true;
	}
	return false;
}

static uint64_t hex(const char *text)
{
	return strtoull(text, NULL, 16);
}

void ioas_report_module(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_report_process *p = process_of(report, pid);
	struct ioas_report_module *m = ioas_must(calloc(1, sizeof(*m)));
	char *name, *value;

	while (next_field(&record, &name, &value)) {
		if (!strcmp(name, "number"))
			m->number = (uint32_t)hex(value);
		else if (!strcmp(name, "base"))
			m->base = hex(value);
		else if (!strcmp(name, "build") && !m->build)
			m->build = ioas_must(strdup(value));
		else if (!strcmp(name, "path") && !m->path)
			m->path = ioas_must(strdup(value));
	}
	if (!m->build)
		m->build = ioas_must(strdup(""));
	if (!m->path)
		m->path = ioas_must(strdup(""));
	p->module = grown(p->module, p->modules);
	p->module[p->modules++] = m;
}

static const struct ioas_report_module *
find_module(const struct ioas_report_process *p, uint32_t number)
{
	size_t i;

	for (i = 0; i < p->modules; i++)
		if (p->module[i]->number == number)
			return p->module[i];
	return NULL;
}

/* "3+1a2b 3+9f00" */
static void take_frames(const struct ioas_report_process *p, char *frames,
                        struct ioas_report_site *site)
{
	struct ioas_report_frame *f;
	char *one, *plus;

	while ((one = strsep(&frames, " "))) {
		plus = strchr(one, '+');
		if (!plus)
			continue;
		site->frame = ioas_must(
			realloc(site->frame, (site->depth + 1) * sizeof(*f)));
		f = &site->frame[site->depth++];
		f->module = find_module(p, (uint32_t)hex(one));
		f->offset = hex(plus + 1);
	}
}

void ioas_report_site(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_report_process *p = process_of(report, pid);
	struct ioas_report_site *site = ioas_must(calloc(1, sizeof(*site)));
	char *name, *value;

	while (next_field(&record, &name, &value)) {
		if (!strcmp(name, "number"))
			site->number = (uint32_t)hex(value);
		else if (!strcmp(name, "frames"))
			take_frames(p, value, site);
	}
	p->site = grown(p->site, p->sites);
	p->site[p->sites++] = site;
}

/* ---- Stacks of the MMIO handler, unwound here. ---- */

#define STACK_FRAMES 32

/* A stack becomes a site of its own, with the finding's number in it. */
#define SITE_OF_FINDING(number) (UINT32_C(0x80000000) | (number))

static void take_registers(char *values, struct ioas_snapshot *s)
{
	const unsigned int room = sizeof(s->value) / sizeof(s->value[0]);
	char *one;

	while (s->values < room && (one = strsep(&values, " ")))
		s->value[s->values++] = hex(one);
}

static void take_bytes(const char *digits, struct ioas_snapshot *s)
{
	size_t n = strlen(digits) / 2, i;
	char two[3] = "";

	if (s->byte)
		return;
	s->byte = ioas_must(malloc(n + 1));
	for (i = 0; i < n; i++) {
		memcpy(two, digits + 2 * i, 2);
		s->byte[i] = (uint8_t)hex(two);
	}
	s->bytes = n;
}

static void add_stack(struct ioas_report_process *p, uint32_t number,
                      const struct ioas_snapshot *snapshot)
{
	struct ioas_report_site *site = ioas_must(calloc(1, sizeof(*site)));

	site->number = SITE_OF_FINDING(number);
	site->frame = ioas_must(calloc(STACK_FRAMES, sizeof(*site->frame)));
	site->depth = ioas_unwind(p, snapshot, site->frame, STACK_FRAMES);
	p->site = grown(p->site, p->sites);
	p->site[p->sites++] = site;
}

void ioas_report_stack(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_snapshot snapshot = {.values = 0};
	uint32_t number = 0;
	char *name, *value;

	while (next_field(&record, &name, &value)) {
		if (!strcmp(name, "number"))
			number = (uint32_t)hex(value);
		else if (!strcmp(name, "registers"))
			take_registers(value, &snapshot);
		else if (!strcmp(name, "at"))
			snapshot.at = hex(value);
		else if (!strcmp(name, "bytes"))
			take_bytes(value, &snapshot);
	}
	if (snapshot.values && snapshot.byte)
		add_stack(process_of(report, pid), number, &snapshot);
	free(snapshot.byte);
}

/* Better than the instruction alone, when there is one. */
static void prefer_stack(const struct ioas_report_process *p,
                         struct ioas_finding *finding)
{
	const struct ioas_report_site *site =
		ioas_report_find_site(p, SITE_OF_FINDING(finding->number));

	if (site && site->depth)
		finding->site_now = site->number;
}

const struct ioas_report_site *
ioas_report_find_site(const struct ioas_report_process *p, uint32_t number)
{
	size_t i;

	for (i = 0; i < p->sites; i++)
		if (p->site[i]->number == number)
			return p->site[i];
	return NULL;
}

/* ---- Findings. ---- */

/* The place of a finding, made when it is not there; NULL: no such number. */
static struct ioas_report_finding *note_of(struct ioas_report_process *p,
                                           uint64_t number)
{
	size_t room = number;

	if (!number || number > NUMBERS_MAX)
		return NULL;
	if (room > p->findings) {
		p->finding = ioas_must(
			realloc(p->finding, room * sizeof(*p->finding)));
		memset(p->finding + p->findings, 0,
		       (room - p->findings) * sizeof(*p->finding));
		p->findings = room;
	}
	return &p->finding[number - 1];
}

static void show(struct ioas_report *report,
                 const struct ioas_report_item *item)
{
	char *text;

	if (report->as_json) {
		text = ioas_report_json(item);
		ioas_report_write(report, text);
	} else {
		text = ioas_report_text(item);
		write_text(report, item->process->pid, text);
	}
	free(text);
}

/* A suppression of its own line, once. */
static void keep_suppression(struct ioas_report *report, const char *line)
{
	size_t i;

	for (i = 0; i < report->generated_count; i++)
		if (!strcmp(report->generated[i], line))
			return;
	report->generated = grown(report->generated, report->generated_count);
	report->generated[report->generated_count++] = ioas_must(strdup(line));
}

static void count(struct ioas_report *report, struct ioas_report_finding *note,
                  const struct ioas_finding *finding)
{
	note->check = finding->check;
	note->count = 1;
	if (!finding->pieces)
		note->bytes = finding->range.last - finding->range.first + 1;
	if (!note->suppressed &&
	    ioas_checks[finding->check].severity == IOAS_FINDING)
		report->errors++;
}

void ioas_report_finding(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_report_process *p = process_of(report, pid);
	struct ioas_finding finding;
	struct ioas_report_item item = {report, p, &finding, NULL};
	struct ioas_report_finding *note;
	char *suppression;

	if (!ioas_finding_decode(record, &finding))
		return;
	note = note_of(p, finding.number);
	if (!note)
		return;
	prefer_stack(p, &finding);
	note->suppressed = ioas_suppressed(report->suppressions, &item);
	count(report, note, &finding);
	if (note->suppressed)
		return;
	suppression = ioas_suppression_of(&item);
	item.suppression = suppression;
	show(report, &item);
	if (report->generate)
		keep_suppression(report, suppression);
	free(suppression);
}

void ioas_report_again(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_report_process *p = process_of(report, pid);
	uint64_t number = 0, times = 0, bytes = 0;
	struct ioas_report_finding *note;
	char *name, *value;

	while (next_field(&record, &name, &value)) {
		if (!strcmp(name, "number"))
			number = hex(value);
		else if (!strcmp(name, "count"))
			times = hex(value);
		else if (!strcmp(name, "bytes"))
			bytes = hex(value);
	}
	note = note_of(p, number);
	if (!note)
		return;
	note->count = times;
	note->bytes = bytes;
}

/* ---- The end of a process. ---- */

/* As far as it was reported one by one. */
static void tally_notes(const struct ioas_report_process *p, bool suppressed,
                        struct ioas_tally ret_tally[IOAS_CHECK_NR])
{
	size_t i;

	for (i = 0; i < p->findings; i++) {
		const struct ioas_report_finding *note = &p->finding[i];

		if (note->suppressed != suppressed)
			continue;
		ret_tally[note->check].count += note->count;
		ret_tally[note->check].bytes += note->bytes;
	}
}

static void show_tally(struct ioas_report *report, pid_t pid,
                       const struct ioas_tally tally[IOAS_CHECK_NR])
{
	char line[1024];
	struct ioas_text text = {line, 0, sizeof(line)};
	json_t *all;
	unsigned int i;

	ioas_summary_text(tally, &text);
	if (!text.used)
		return;
	if (!report->as_json) {
		ioas_report_line(report, pid, line);
		return;
	}
	all = ioas_must(json_object());
	for (i = 0; i < IOAS_CHECK_NR; i++)
		if (tally[i].count)
			json_object_set_new(
				all, ioas_checks[i].name,
				ioas_must(json_pack(
					"{s:I, s:I}", "count",
					(json_int_t)tally[i].count, "bytes",
					(json_int_t)tally[i].bytes)));
	write_json(report,
	           ioas_must(json_pack("{s:s, s:I, s:o}", "type", "summary",
	                               "pid", (json_int_t)pid, "checks", all)));
}

static void take_tally(const char *name, const char *value,
                       struct ioas_tally ret_tally[IOAS_CHECK_NR])
{
	char *comma;
	unsigned int i;

	for (i = 0; i < IOAS_CHECK_NR; i++) {
		if (strcmp(ioas_checks[i].name, name) != 0)
			continue;
		ret_tally[i].count = strtoull(value, &comma, 16);
		ret_tally[i].bytes = *comma ? hex(comma + 1) : 0;
	}
}

void ioas_report_end(struct ioas_report *report, pid_t pid, char *record)
{
	struct ioas_tally all[IOAS_CHECK_NR] = {{0}},
			  not [IOAS_CHECK_NR] = {{0}};
	char *name, *value;
	unsigned int i;

	while (next_field(&record, &name, &value))
		take_tally(name, value, all);
	tally_notes(process_of(report, pid), true, not );
	for (i = 0; i < IOAS_CHECK_NR; i++) {
		all[i].count -= not [i].count;
		all[i].bytes -= not [i].bytes;
	}
	show_tally(report, pid, all);
	forget(report, pid);
}

void ioas_report_hello(struct ioas_report *report, pid_t pid)
{
	forget(report, pid);
}

static void show_generated(struct ioas_report *report)
{
	char *line = NULL;
	size_t i;

	if (report->as_json)
		return; /* each finding has its own */
	for (i = 0; i < report->generated_count; i++) {
		if (!i)
			ioas_report_write(
				report,
				"# What would suppress these findings; put the "
				"lines into a file for --suppressions.\n");
		if (asprintf(&line, "%s\n", report->generated[i]) < 0)
			ioas_must(NULL);
		ioas_report_write(report, line);
		free(line);
	}
}

void ioas_report_close(struct ioas_report *report)
{
	/* Ended by a signal: what they found is known. */
	while (report->processes) {
		struct ioas_report_process *p = report->processes;
		struct ioas_tally tally[IOAS_CHECK_NR] = {{0}};

		tally_notes(p, false, tally);
		show_tally(report, p->pid, tally);
		forget(report, p->pid);
	}
	show_generated(report);
	while (report->generated_count)
		free(report->generated[--report->generated_count]);
	free(report->generated);
	ioas_symbols_destroy(report->symbols);
}
