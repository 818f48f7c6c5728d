/* SPDX-License-Identifier: MIT */
/*
 * Options and what is printed; as the other engine has them (../main.c), so
 * that verify.py runs both.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

#define WALK_SECONDS 1

struct options options = {
	.delays = true,
	.merged = true,
	.max_seconds = 600,
	.max_bytes = UINT64_C(8) << 30,
};

static unsigned int lines;

static void print_text(const char *text)
{
	putchar('"');
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void name_of(unsigned int thread, char *ret, size_t room)
{
	if (thread < the_case->cpus)
		snprintf(ret, room, "cpu%u", thread);
	else if (thread == THREADS)
		snprintf(ret, room, "exits");
	else if (thread == THREADS - 1)
		snprintf(ret, room, "changes");
	else
		snprintf(ret, room, "device%u", thread - the_case->cpus);
}

void trace(unsigned int thread, const char *where, const char *format, ...)
{
	char text[256], who[16];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	name_of(thread, who, sizeof(who));
	printf("%s{\"who\": \"%s\", \"where\": \"%s\", \"what\": ",
	       lines++ ? ", " : "", who, where);
	print_text(text);
	putchar('}');
}

static int explore(void)
{
	struct result r;

	run_init();
	printf("{\"case\": \"%s\", \"memory\": \"%s\", \"delayed\": %u, "
	       "\"trace\": [",
	       the_case->name, options.delays ? "tso" : "sc",
	       options.delays ? DELAYED : 0);
	if (the_case->walk && options.max_seconds > WALK_SECONDS)
		options.max_seconds = WALK_SECONDS;
	if (the_case->walk)
		options.merged = false;
	r = the_case->walk ? walk() : search();
	printf("], \"states\": %llu, \"transitions\": %llu, \"depth\": %u, "
	       "\"passes\": 1, \"shared\": 0, \"bytes\": %llu, "
	       "\"seconds\": %.3f, \"steps\": %u, \"stopped\": %s, "
	       "\"walk\": %s, \"merged\": %s, \"rests\": %llu",
	       (unsigned long long)r.states, (unsigned long long)r.transitions,
	       r.depth, (unsigned long long)r.bytes, r.seconds, r.steps,
	       r.stopped ? "true" : "false", the_case->walk ? "true" : "false",
	       options.merged ? "true" : "false", (unsigned long long)r.rests);
	if (r.broke) {
		fputs(", \"law\": ", stdout);
		print_text(broken.law);
		fputs(", \"condition\": ", stdout);
		print_text(broken.condition);
		fputs(", \"sentence\": ", stdout);
		print_text(broken.sentence);
		fputs(", \"file\": ", stdout);
		print_text(broken.file);
		printf(", \"line\": %d", broken.line);
	}
	puts("}");
	fflush(stdout);
	return r.broke ? 1 : r.stopped ? 3 : 0;
}

static void list(void)
{
	const struct replay_case *c;

	for (c = replay_cases; c->name; c++)
		printf("%s\t%s\t%s\n", c->name, c->thorough ? "all" : "quick",
		       c->about);
}

static void find(const char *name)
{
	for (the_case = replay_cases; the_case->name; the_case++)
		if (!strcmp(the_case->name, name))
			return;
	fprintf(stderr, "no case %s; --list names them\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"list", no_argument, NULL, 'l'},
		{"case", required_argument, NULL, 'c'},
		{"memory", required_argument, NULL, 'm'},
		{"delayed", required_argument, NULL, 'd'},
		{"single", no_argument, NULL, 's'},
		{"rests", no_argument, NULL, 'r'},
		{"max-seconds", required_argument, NULL, 'x'},
		{"max-mbytes", required_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	int key;

	find(replay_cases[0].name);
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (key == 'l') {
			list();
			return 0;
		}
		if (key == 'c')
			find(optarg);
		else if (key == 'm')
			options.delays = strcmp(optarg, "sc") != 0;
		else if (key == 's')
			options.merged = false;
		else if (key == 'r')
			options.rests = true;
		else if (key == 'x')
			options.max_seconds = atof(optarg);
		else if (key == 'b')
			options.max_bytes = strtoull(optarg, NULL, 10) << 20;
		else if (key != 'd')
			return 2;
	}
	return explore();
}
