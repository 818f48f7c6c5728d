/* SPDX-License-Identifier: MIT */
/*
 * The configuration file of `ioas run`. The parser is that of the tool, which
 * ends on a mistake; here the end is a jump, and what was open and allocated
 * by then is known and given back.
 *
 * The input is up to ten files, separated by form feeds, whose names are the
 * digits; "0" is the one read. What holds: a refusal says where and why, one
 * that is taken leaves values that the tool can work with.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "fuzz.h"

#define BLOCKS   4096
#define FILES    16
#define OPENS    64 /* files that include each other multiply */
#define TEXT_MAX 2048

static struct {
	const uint8_t *data;
	size_t size;
	void *block[BLOCKS];
	unsigned int blocks;
	FILE *file[FILES];
	unsigned int files, opens;
	jmp_buf out;
} w;

/* ---- In place of the C library ---- */

static void keep_block(void *p)
{
	fuzz_check(p && w.blocks < BLOCKS);
	w.block[w.blocks++] = p;
}

void fuzz_release(void *p)
{
	unsigned int i;

	for (i = 0; p && i < w.blocks; i++) {
		if (w.block[i] != p)
			continue;
		w.block[i] = w.block[--w.blocks];
		free(p);
		return;
	}
	fuzz_check(!p);
}

void *fuzz_realloc(void *p, size_t bytes)
{
	unsigned int i;

	for (i = 0; p && i < w.blocks && w.block[i] != p; i++)
		;
	if (p) {
		fuzz_check(i < w.blocks);
		w.block[i] = w.block[--w.blocks];
	}
	p = realloc(p, bytes);
	keep_block(p);
	return p;
}

char *fuzz_strdup(const char *text)
{
	char *copy = strdup(text);

	keep_block(copy);
	return copy;
}

/* A block that grows to what is needed and no further. */
ssize_t fuzz_getline(char **line, size_t *room, FILE *file)
{
	size_t n = 0;
	int c = EOF;

	do {
		if (n + 1 >= *room)
			*line = fuzz_realloc(*line, *room = n + 2);
		c = getc(file);
		if (c != EOF)
			(*line)[n++] = (char)c;
	} while (c != EOF && c != '\n');
	(*line)[n] = '\0';
	return n ? (ssize_t)n : -1;
}

/* The part of the input that the digit names. */
FILE *fuzz_fopen(const char *name, const char *mode)
{
	const uint8_t *at = w.data, *end = w.data + w.size, *stop;
	int part = name[0] - '0';
	FILE *file;

	errno = ENOENT;
	if (part < 0 || part > 9 || name[1] || w.opens++ == OPENS)
		return NULL;
	for (; part && (at = memchr(at, '\f', (size_t)(end - at))); part--)
		at++;
	if (!at)
		return NULL;
	stop = memchr(at, '\f', (size_t)(end - at));
	if (!stop)
		stop = end;
	if (stop == at)
		return NULL;
	file = fmemopen((void *)(uintptr_t)at, (size_t)(stop - at), "r");
	fuzz_check(file && w.files < FILES);
	w.file[w.files++] = file;
	return file;
}

int fuzz_fclose(FILE *file)
{
	/* They end in the order in which they include each other. */
	fuzz_check(w.files && w.file[w.files - 1] == file);
	w.files--;
	return fclose(file);
}

/* ---- In place of the rest of the tool ---- */

void ioas_die(int status, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fuzz_check(status == IOAS_EXIT_SETUP);
	fuzz_check(n > 0);
	longjmp(w.out, 1);
}

void *ioas_must(void *allocated)
{
	fuzz_check(allocated);
	return allocated;
}

/* ---- What must hold ---- */

static void check_text(const char *text)
{
	fuzz_check(!text || (*text && !strchr(text, '\n')));
	fuzz_check(!text || !isspace((unsigned char)text[strlen(text) - 1]));
}

/* Where it was given is known, line and all, when it was. */
static void check_setting(const struct ioas_setting *setting)
{
	check_text(setting->value);
	fuzz_check(!setting->value == !setting->where);
	fuzz_check(!setting->where || strchr(setting->where, ':'));
}

static void check_number(const char *text)
{
	char *end;

	if (!text || !strcmp(text, "unlimited") || !strcmp(text, "rlimit"))
		return;
	errno = 0;
	strtoull(text, &end, 0);
	fuzz_check(isdigit((unsigned char)*text) && !*end && !errno);
}

static void check_options(const struct ioas_run_options *o)
{
	unsigned int i;

	fuzz_check(o->error_exitcode >= -1 && o->error_exitcode <= 255);
	check_setting(&o->profile);
	check_text(o->report_file);
	check_text(o->memlock);
	check_number(o->memlock);
	check_setting(&o->contract);
	check_text(o->dma_entry_limit);
	check_number(o->dma_entry_limit);
	for (i = 0; i < o->devices; i++) {
		fuzz_check(o->device[i].value);
		check_setting(&o->device[i]);
	}
}

static void parse(void)
{
	static char run[] = "run", config[] = "--config=0", program[] = "true";
	char *argv[] = {run, config, program, NULL};
	struct ioas_run_options options = {.error_exitcode = -1};

	optind = 0; /* from the start, once more */
	ioas_options_parse(3, argv, &options);
	fuzz_check(options.program == argv + 2);
	fuzz_check(!w.files);
	check_options(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&w, 0, sizeof(w));
	w.data = data;
	w.size = size;
	if (!setjmp(w.out))
		parse();
	while (w.files)
		fclose(w.file[--w.files]);
	while (w.blocks)
		free(w.block[--w.blocks]);
	return 0;
}
