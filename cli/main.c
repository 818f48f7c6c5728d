/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void say(const char *format, va_list args)
{
	flockfile(stderr);
	fputs("ioas: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void ioas_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void ioas_die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(status);
}

void *ioas_must(void *allocated)
{
	if (!allocated)
		ioas_die(IOAS_EXIT_SETUP, "out of memory");
	return allocated;
}

static int verb_help(int argc, char **argv);

static int verb_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("ioas " IOAS_VERSION);
	return 0;
}

static const struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"run", "[OPTIONS] [--] PROGRAM [ARGS]",
         "run a program that drives PCI devices through VFIO", ioas_verb_run},
	{"list", "devices|profiles|checks [--json]", "what can be given to run",
         ioas_verb_list},
	{"map", "[--report text|json] PID",
         "what a process maps that runs under 'ioas run --map'", ioas_verb_map},
	{"doctor", "[PROGRAM [ARGS]]",
         "will it work here, and what is not caught", ioas_verb_doctor},
	{"help", "", "this text", verb_help},
	{"version", "", "the version", verb_version},
};

static void print_verbs(FILE *to)
{
	size_t i;

	fputs("ioas: a software IOMMU and VFIO in userspace\n\n", to);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(to, "  ioas %s %s\n      %s\n", verbs[i].name,
		        verbs[i].arguments, verbs[i].help);
	fputs("\nOptions of run: ioas run --help, ioas-run(1).\n", to);
}

static int verb_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_verbs(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	size_t i;

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		name = "version";
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(name, verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	if (*name)
		ioas_say("unknown verb '%s'", name);
	print_verbs(stderr);
	return IOAS_EXIT_SETUP;
}
