/* SPDX-License-Identifier: MIT */
/*
 * The options of `ioas run`, one table for the command line, for the
 * configuration file (the same names, "name value" on a line) and for --help.
 * They end at the program: everything after its name is its own.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* Where an option was given, for messages: "--profile" or "FILE:3". */
struct source {
	const char *where;
	unsigned int depth; /* files inside files */
};

static void take_setting(struct ioas_setting *setting, const char *value,
                         const struct source *source)
{
	setting->value = ioas_must(strdup(value));
	setting->where = ioas_must(strdup(source->where));
}

static void take_device(struct ioas_run_options *o, const char *value,
                        const struct source *source)
{
	size_t bytes = (o->devices + 1) * sizeof(*o->device);

	o->device = ioas_must(realloc(o->device, bytes));
	take_setting(&o->device[o->devices++], value, source);
}

static void take_profile(struct ioas_run_options *o, const char *value,
                         const struct source *source)
{
	take_setting(&o->profile, value, source);
}

static void take_report_file(struct ioas_run_options *o, const char *value,
                             const struct source *source)
{
	(void)source;
	o->report_file = ioas_must(strdup(value));
}

static void take_report(struct ioas_run_options *o, const char *value,
                        const struct source *source)
{
	if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
		ioas_die(IOAS_EXIT_SETUP, "%s: '%s' is neither text nor json",
		         source->where, value);
	o->report_json = !strcmp(value, "json");
}

static void take_check(struct ioas_run_options *o, const char *value,
                       const struct source *source)
{
	const char *wrong;
	uint32_t checks;
	size_t length;

	if (!ioas_checks_parse(value, &checks, &wrong, &length))
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%.*s' is no check; see ioas list checks",
		         source->where, (int)length, wrong);
	o->check = ioas_must(strdup(value));
}

static void take_suppressions(struct ioas_run_options *o, const char *value,
                              const struct source *source)
{
	(void)source;
	o->suppressions = ioas_must(strdup(value));
}

static void take_gen_suppressions(struct ioas_run_options *o, const char *value,
                                  const struct source *source)
{
	(void)value;
	(void)source;
	o->generate_suppressions = true;
}

static unsigned long long take_number(const char *value,
                                      unsigned long long most,
                                      const struct source *source)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 0);
	if (!isdigit((unsigned char)*value) || *end || errno || n > most)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is not a number from 0 to %llu",
		         source->where, value, most);
	return n;
}

static void take_error_exitcode(struct ioas_run_options *o, const char *value,
                                const struct source *source)
{
	o->error_exitcode = (int)take_number(value, 255, source);
}

static void take_memlock(struct ioas_run_options *o, const char *value,
                         const struct source *source)
{
	if (strcmp(value, "unlimited") != 0 && strcmp(value, "rlimit") != 0)
		take_number(value, ULLONG_MAX, source);
	o->memlock = ioas_must(strdup(value));
}

static void take_pin(struct ioas_run_options *o, const char *value,
                     const struct source *source)
{
	if (strcmp(value, "default") != 0 && strcmp(value, "strict") != 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is neither default nor strict",
		         source->where, value);
	o->pin = ioas_must(strdup(value));
}

/* "identity", "scattered", or "scattered:" and a number. */
static void take_frames(struct ioas_run_options *o, const char *value,
                        const struct source *source)
{
	static const char scattered[] = "scattered";
	size_t length = sizeof(scattered) - 1;
	bool orderless = !strncmp(value, scattered, length);

	if (orderless && value[length] == ':')
		take_number(value + length + 1, ULLONG_MAX, source);
	else if ((!orderless || value[length]) && strcmp(value, "identity"))
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is neither identity nor scattered[:SEED]",
		         source->where, value);
	o->frames = ioas_must(strdup(value));
}

static void take_dirty_pages(struct ioas_run_options *o, const char *value,
                             const struct source *source)
{
	if (strcmp(value, "mapped") != 0 && strcmp(value, "written") != 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is neither mapped nor written",
		         source->where, value);
	o->dirty_pages = ioas_must(strdup(value));
}

static void take_mmap(struct ioas_run_options *o, const char *value,
                      const struct source *source)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		ioas_die(IOAS_EXIT_SETUP, "%s: '%s' is neither on nor off",
		         source->where, value);
	o->mmap = ioas_must(strdup(value));
}

static void take_contract(struct ioas_run_options *o, const char *value,
                          const struct source *source)
{
	take_setting(&o->contract, value, source);
}

/* Its range is that of the kernel's parameter of this name. */
static void take_dma_entry_limit(struct ioas_run_options *o, const char *value,
                                 const struct source *source)
{
	take_number(value, UINT_MAX, source);
	o->dma_entry_limit = ioas_must(strdup(value));
}

static void take_interrupts(struct ioas_run_options *o, const char *value,
                            const struct source *source)
{
	if (strcmp(value, "isolated") != 0 && strcmp(value, "shared") != 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is neither isolated nor shared",
		         source->where, value);
	o->shared_interrupts = !strcmp(value, "shared");
}

static void take_unsafe_interrupts(struct ioas_run_options *o,
                                   const char *value,
                                   const struct source *source)
{
	(void)value;
	(void)source;
	o->unsafe_interrupts = true;
}

static void take_fake_hugepages(struct ioas_run_options *o, const char *value,
                                const struct source *source)
{
	(void)value;
	(void)source;
	o->fake_hugepages = true;
}

static void take_map(struct ioas_run_options *o, const char *value,
                     const struct source *source)
{
	(void)value;
	(void)source;
	o->map = true;
}

static void take_on_fault(struct ioas_run_options *o, const char *value,
                          const struct source *source)
{
	if (strcmp(value, "report") != 0 && strcmp(value, "freeze") != 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: '%s' is neither report nor freeze", source->where,
		         value);
	o->on_fault = ioas_must(strdup(value));
}

static void take_stats(struct ioas_run_options *o, const char *value,
                       const struct source *source)
{
	(void)value;
	(void)source;
	o->stats = true;
}

static void take_config(struct ioas_run_options *o, const char *value,
                        const struct source *source);

static const struct option_row {
	const char *name;
	char letter;       /* 0: none */
	const char *value; /* NULL: takes none */
	const char *help;
	void (*take)(struct ioas_run_options *o, const char *value,
	             const struct source *source);
} rows[] = {
	{"device", 'd', "MODEL[,KEY=VALUE]...",
         "add a device; may be repeated (ioas list devices)", take_device},
	{"profile", 0, "NAME[,KEY=VALUE]...",
         "the IOMMU that the program sees (default intel)", take_profile},
	{"config", 0, "FILE",
         "read options from FILE, one \"name value\" a line", take_config},
	{"report", 0, "text|json", "how findings are written (default text)",
         take_report},
	{"report-file", 0, "FILE", "findings go there, not to standard error",
         take_report_file},
	{"check", 0, "LIST",
         "what is checked (ioas list checks); all, none, -NAME", take_check},
	{"suppressions", 0, "FILE",
         "findings not wanted, one CHECK:FUNCTION a line", take_suppressions},
	{"gen-suppressions", 0, NULL,
         "end the report with what would suppress it", take_gen_suppressions},
	{"error-exitcode", 0, "N", "exit with N when there were findings",
         take_error_exitcode},
	{"memlock", 0, "unlimited|rlimit|BYTES",
         "how much memory may be pinned (default unlimited)", take_memlock},
	{"mmap", 0, "on|off",
         "may the program map device registers (default on, off with KVM)",
         take_mmap},
	{"pin", 0, "default|strict",
         "keep what the C library itself gives back, too (default no)",
         take_pin},
	{"frames", 0, "identity|scattered[:SEED]",
         "what the physical addresses of memory are (default identity)",
         take_frames},
	{"dirty-pages", 0, "mapped|written",
         "which ones VFIO_IOMMU_DIRTY_PAGES tells (default mapped)",
         take_dirty_pages},
	{"contract", 0, "strict|linux-7.3|linux-6.12",
         "whose answers the program gets (default strict)", take_contract},
	{"dma-entry-limit", 0, "N",
         "mappings that a container may have (default 65535)",
         take_dma_entry_limit},
	{"interrupts", 0, "isolated|shared",
         "can devices raise each other's interrupts (default isolated)",
         take_interrupts},
	{"allow-unsafe-interrupts", 0, NULL,
         "let containers have an IOMMU also where they can",
         take_unsafe_interrupts},
	{"fake-hugepages", 0, NULL,
         "show huge pages, and give ordinary memory for them",
         take_fake_hugepages},
	{"on-fault", 0, "report|freeze",
         "what refused DMA does to the group (default: as its machine)",
         take_on_fault},
	{"map", 0, NULL,
         "print what containers map, at the end, windows and tables", take_map},
	{"stats", 0, NULL, "print what was mapped and done, at the end",
         take_stats},
};

#define ROWS         (sizeof(rows) / sizeof(rows[0]))
#define LONG_OPTIONS 256 /* above every letter: what getopt_long() returns */

void ioas_options_help(void)
{
	size_t i;

	puts("usage: ioas run [OPTIONS] [--] PROGRAM [ARGS]\n");
	for (i = 0; i < ROWS; i++) {
		printf("  %c%c --%s %s\n      %s\n", rows[i].letter ? '-' : ' ',
		       rows[i].letter ? rows[i].letter : ' ', rows[i].name,
		       rows[i].value ? rows[i].value : "", rows[i].help);
	}
	puts("\nThe exit status is the program's; 125, 126 and 127 are ioas's "
	     "own failures.");
}

/* One line of a configuration file; comments begin with '#'. */
static void take_line(struct ioas_run_options *o, char *line,
                      const struct source *source)
{
	char *name = line + strspn(line, " \t");
	char *end = name + strlen(name);
	char *value;
	size_t i;

	while (end > name && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!*name || *name == '#')
		return;
	value = name + strcspn(name, " \t=");
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t=");
	for (i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].value && !*value)
			ioas_die(IOAS_EXIT_SETUP, "%s: '%s' needs a value: %s",
			         source->where, name, rows[i].value);
		if (!rows[i].value && *value)
			ioas_die(IOAS_EXIT_SETUP, "%s: '%s' takes no value",
			         source->where, name);
		rows[i].take(o, value, source);
		return;
	}
	ioas_die(IOAS_EXIT_SETUP,
	         "%s: unknown option '%s'; see ioas run --help", source->where,
	         name);
}

static void take_config(struct ioas_run_options *o, const char *value,
                        const struct source *source)
{
	struct source here = {.depth = source->depth + 1};
	char where[PATH_MAX + 16];
	char *line = NULL;
	size_t room = 0;
	unsigned int number = 0;
	FILE *file = fopen(value, "re");

	if (!file)
		ioas_die(IOAS_EXIT_SETUP,
		         "cannot read the configuration '%s': %s", value,
		         strerror(errno));
	if (here.depth > 8)
		ioas_die(IOAS_EXIT_SETUP,
		         "%s: configurations include each other",
		         source->where);
	here.where = where;
	while (getline(&line, &room, file) >= 0) {
		snprintf(where, sizeof(where), "%s:%u", value, ++number);
		take_line(o, line, &here);
	}
	if (ferror(file))
		ioas_die(IOAS_EXIT_SETUP,
		         "cannot read the configuration '%s': %s", value,
		         strerror(errno));
	free(line);
	fclose(file);
}

/* What getopt_long() did not take, named as it was written. */
static _Noreturn void refuse_option(int why, const char *word)
{
	bool known = optopt >= LONG_OPTIONS || optopt == 'h';

	if (why == ':')
		ioas_die(IOAS_EXIT_SETUP,
		         "option '%s' needs a value; see ioas run --help",
		         word);
	if (known)
		ioas_die(IOAS_EXIT_SETUP,
		         "option '%s' takes no value; see ioas run --help",
		         word);
	if (optopt)
		ioas_die(IOAS_EXIT_SETUP,
		         "unknown option '-%c'; see ioas run --help", optopt);
	ioas_die(IOAS_EXIT_SETUP, "unknown option '%s'; see ioas run --help",
	         word);
}

void ioas_options_parse(int argc, char **argv,
                        struct ioas_run_options *ret_options)
{
	struct option longs[ROWS + 2] = {{0}};
	char letters[2 * ROWS + 4] = "+:h";
	char *letter = letters + strlen(letters);
	struct source source = {0};
	char where[64];
	size_t i;
	int c;

	for (i = 0; i < ROWS; i++) {
		longs[i] = (struct option){rows[i].name, rows[i].value != NULL,
		                           NULL, (int)(LONG_OPTIONS + i)};
		if (!rows[i].letter)
			continue;
		*letter++ = rows[i].letter;
		if (rows[i].value)
			*letter++ = ':';
	}
	longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == 'h') {
			ioas_options_help();
			exit(0);
		}
		for (i = 0; i < ROWS; i++)
			if (c == (int)(LONG_OPTIONS + i) || c == rows[i].letter)
				break;
		if (i == ROWS)
			refuse_option(c, argv[optind - 1]);
		snprintf(where, sizeof(where), "--%s", rows[i].name);
		source.where = where;
		rows[i].take(ret_options, optarg, &source);
	}
	ret_options->program = argv + optind;
}
