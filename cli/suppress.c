/* SPDX-License-Identifier: MIT */
/*
 * Findings that nobody wants to see. A line of the file is CHECK:FUNCTION, both
 * with the wildcards of the shell; it fits when any frame of the finding, of
 * whichever stack, is in such a function or in a file of such a name.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/report.h"

struct suppression {
	char *check, *function;
};

struct ioas_suppressions {
	struct suppression *line;
	size_t lines;
};

static void take_line(struct ioas_suppressions *all, char *line,
                      const char *path, unsigned int number)
{
	char *check = line + strspn(line, " \t");
	char *end = check + strlen(check);
	char *colon;

	while (end > check && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!*check || *check == '#')
		return;
	colon = strchr(check, ':');
	if (!colon || colon == check || !colon[1])
		ioas_die(IOAS_EXIT_SETUP,
		         "%s:%u: '%s' is no suppression; write CHECK:FUNCTION, "
		         "as use-after-unmap:my_driver_*",
		         path, number, check);
	*colon = '\0';
	all->line = ioas_must(
		realloc(all->line, (all->lines + 1) * sizeof(*all->line)));
	all->line[all->lines++] = (struct suppression){
		ioas_must(strdup(check)), ioas_must(strdup(colon + 1))};
}

struct ioas_suppressions *ioas_suppressions_read(const char *path)
{
	struct ioas_suppressions *all;
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	FILE *file;

	if (!path)
		return NULL;
	file = fopen(path, "re");
	if (!file)
		ioas_die(IOAS_EXIT_SETUP,
		         "cannot read the suppressions '%s': %s", path,
		         strerror(errno));
	all = ioas_must(calloc(1, sizeof(*all)));
	while (getline(&line, &room, file) >= 0)
		take_line(all, line, path, ++number);
	if (ferror(file))
		ioas_die(IOAS_EXIT_SETUP,
		         "cannot read the suppressions '%s': %s", path,
		         strerror(errno));
	free(line);
	fclose(file);
	return all;
}

static const char *file_of(const struct ioas_report_frame *frame)
{
	const char *slash;

	if (!frame->module)
		return NULL;
	slash = strrchr(frame->module->path, '/');
	return slash ? slash + 1 : frame->module->path;
}

/* ---- Does one fit? ---- */

struct match {
	const char *function; /* wanted */
	bool found;
};

static void match_place(void *context, const struct ioas_place *place)
{
	struct match *m = context;

	if (place->function && !fnmatch(m->function, place->function, 0))
		m->found = true;
}

static bool fits_site(const struct ioas_report_item *item, uint32_t number,
                      const char *function)
{
	const struct ioas_report_site *site =
		ioas_report_find_site(item->process, number);
	struct match match = {function, false};
	const char *file;
	unsigned int i;

	for (i = 0; site && i < site->depth && !match.found; i++) {
		file = file_of(&site->frame[i]);
		match.found = file && !fnmatch(function, file, 0);
		ioas_symbols_find(item->report->symbols, &site->frame[i],
		                  match_place, &match);
	}
	return match.found;
}

static bool fits(const struct suppression *s,
                 const struct ioas_report_item *item)
{
	const struct ioas_finding *f = item->finding;

	if (fnmatch(s->check, ioas_checks[f->check].name, 0))
		return false;
	/* Also where no place is known. */
	return !strcmp(s->function, "*") ||
	       fits_site(item, f->site_now, s->function) ||
	       fits_site(item, f->site_gone, s->function) ||
	       fits_site(item, f->site_map, s->function) ||
	       fits_site(item, f->site_registered, s->function);
}

bool ioas_suppressed(const struct ioas_suppressions *suppressions,
                     const struct ioas_report_item *item)
{
	size_t i;

	for (i = 0; suppressions && i < suppressions->lines; i++)
		if (fits(&suppressions->line[i], item))
			return true;
	return false;
}

/* ---- What would fit? ---- */

static void first_function(void *context, const struct ioas_place *place)
{
	const char **function = context;

	if (!*function)
		*function = place->function;
}

char *ioas_suppression_of(const struct ioas_report_item *item)
{
	const struct ioas_finding *f = item->finding;
	const struct ioas_report_site *site =
		ioas_report_find_site(item->process, ioas_finding_site(f));
	const char *function = NULL;
	char *line = NULL;
	unsigned int i;

	/* Of the file that the place is in: what called it has other names. */
	for (i = 0; site && i < site->depth && !function &&
	            site->frame[i].module == site->frame[0].module;
	     i++)
		ioas_symbols_find(item->report->symbols, &site->frame[i],
		                  first_function, &function);
	if (!function && site && site->depth)
		function = file_of(&site->frame[0]);
	if (asprintf(&line, "%s:%s", ioas_checks[f->check].name,
	             function ? function : "*") < 0)
		ioas_must(NULL);
	return line;
}
