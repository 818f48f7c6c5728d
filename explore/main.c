/* SPDX-License-Identifier: MIT */
/*
 * One set: explores its cases and prints a line of JSON for each. ../verify
 * runs the programs of all sets and makes a table of it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const char *const memory_names[] = {"sc", "tso", "weak", NULL};

static const struct option long_options[] = {
	{"list", no_argument, NULL, 'l'},
	{"case", required_argument, NULL, 'c'},
	{"memory", required_argument, NULL, 'm'},
	{"delayed", required_argument, NULL, 'd'},
	{"every-access", no_argument, NULL, 'e'},
	{"no-rename", no_argument, NULL, 'n'},
	{"thorough", no_argument, NULL, 't'},
	{"max-states", required_argument, NULL, 's'},
	{"max-seconds", required_argument, NULL, 'x'},
	{"max-mbytes", required_argument, NULL, 'b'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *to)
{
	fputs("Usage: SET [OPTION]...   explore the cases of a set\n"
	      "  --list               their names\n"
	      "  --case NAME          this one\n"
	      "  --memory sc|tso|weak which orders the processor keeps (tso)\n"
	      "  --delayed N          stores a thread may delay, to 4 (2)\n"
	      "  --every-access       takes every access as a step of its own\n"
	      "  --no-rename          numbers that grow stay as they are\n"
	      "  --thorough           cases that take longer, too\n"
	      "  --max-states N --max-seconds N --max-mbytes N\n"
	      "                       stop there; the exit status is 3 then\n"
	      "Exit status: 0 all laws hold, 1 one broke, 2 wrong use.\n",
	      to);
}

static _Noreturn void wrong(const char *what, const char *value)
{
	fprintf(stderr, "explore: %s: '%s'\n", what, value);
	usage(stderr);
	exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || n < least || n > most)
		wrong("not a number that can be used here", text);
	return n;
}

static enum memory memory_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; memory_names[i]; i++)
		if (!strcmp(memory_names[i], name))
			return (enum memory)i;
	wrong("no such memory; there are sc, tso and weak", name);
}

static void list(void)
{
	const struct explore_case *c;

	for (c = explore_cases; c->name; c++)
		printf("%s\t%s\t%s\n", c->name, c->thorough ? "all" : "quick",
		       c->about);
}

static void print_text(const char *key, const char *text)
{
	printf(", \"%s\": \"", key);
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_broken(void)
{
	const char *file = broken.file ? broken.file : "";

	print_text("law", broken.law);
	print_text("condition", broken.condition);
	print_text("sentence", broken.sentence);
	print_text("file", file);
	printf(", \"line\": %d", broken.line);
}

/* @return: the exit status that it asks for. */
static int explore(const struct explore_case *c)
{
	struct result result;

	printf("{\"case\": \"%s\", \"memory\": \"%s\", \"delayed\": %u",
	       c->name, memory_names[options.memory], options.delayed);
	fputs(", \"trace\": [", stdout);
	result = search(c);
	printf("], \"states\": %llu, \"transitions\": %llu, \"depth\": %u, "
	       "\"passes\": %u, \"shared\": %u, \"bytes\": %llu, "
	       "\"seconds\": %.3f, \"steps\": %u, \"stopped\": %s",
	       (unsigned long long)result.states,
	       (unsigned long long)result.transitions, result.depth,
	       result.passes, result.shared, (unsigned long long)result.bytes,
	       result.seconds, result.trace, result.stopped ? "true" : "false");
	if (result.broke)
		print_broken();
	puts("}");
	fflush(stdout);
	if (result.broke)
		return 1;
	return result.stopped ? 3 : 0;
}

static int explore_all(const char *name)
{
	const struct explore_case *c;
	int status = 0, one;
	bool any = false;

	for (c = explore_cases; c->name; c++) {
		if (name ? strcmp(c->name, name) != 0
		         : c->thorough && !options.thorough)
			continue;
		any = true;
		one = explore(c);
		if (one == 1 || !status)
			status = one;
	}
	if (!any)
		wrong("no such case; --list names them", name ? name : "");
	return status;
}

static void option(int key, const char **name)
{
	switch (key) {
	case 'c':
		*name = optarg;
		break;
	case 'm':
		options.memory = memory_by_name(optarg);
		break;
	case 'd':
		options.delayed = (unsigned int)number(optarg, 1, DELAYED);
		break;
	case 'e':
		options.every_access = true;
		break;
	case 'n':
		options.no_rename = true;
		break;
	case 't':
		options.thorough = true;
		break;
	case 's':
		options.max_states = number(optarg, 1, UINT32_MAX);
		break;
	case 'x':
		options.max_seconds = (double)number(optarg, 1, 1u << 20);
		break;
	case 'b':
		options.max_bytes = number(optarg, 1, 1u << 20) << 20;
		break;
	default:
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	const char *name = NULL;
	int key;

	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (key == 'h') {
			usage(stdout);
			return 0;
		}
		if (key == 'l') {
			list();
			return 0;
		}
		option(key, &name);
	}
	if (optind < argc)
		wrong("not an option", argv[optind]);
	threads_init();
	world_init();
	return explore_all(name);
}
