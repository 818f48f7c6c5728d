/* SPDX-License-Identifier: MIT */
/*
 * The steps to a law that broke, one line each: who, in which function, did
 * what to which variable. They are written while the steps are done once more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"

bool tracing;

static unsigned int number;

void trace_reset(void)
{
	number = 0;
}

/* A line of JSON's array: text is ours, without quotes and controls. */
static void line(const char *who, const char *where, const char *what)
{
	printf("%s{\"who\": \"%s\", \"where\": \"%s\", \"what\": \"%s\"}",
	       number++ ? ", " : "", who, where, what);
}

static const char *name(unsigned int thread)
{
	return the_case->thread[thread].name;
}

static const char *variable(const struct explore_site *site)
{
	return site->what + (site->what[0] == '&');
}

/* Numbers as a reader thinks of them: epochs, objects, negative ones. */
static const char *number_text(char *to, size_t bytes, uint64_t value,
                               unsigned int size)
{
	uint64_t shifted = value >> 16;

	if (value / 64 == EXPLORE_RANK / 64)
		snprintf(to, bytes, "n%" PRIu64, value % 64);
	else if (shifted / 64 == EXPLORE_RANK / 64)
		snprintf(to, bytes, "n%" PRIu64 ":%" PRIu64, shifted % 64,
		         value & 0xffff);
	else if (world_has((void *)(uintptr_t)value, 1))
		snprintf(to, bytes, "%s", symbol_of((void *)(uintptr_t)value));
	else if (size == 4)
		snprintf(to, bytes, "%" PRId32, (int32_t)value);
	else
		snprintf(to, bytes, "%" PRId64, (int64_t)value);
	return to;
}

static void access_text(char *to, size_t bytes, const struct pending *op,
                        uint64_t was)
{
	static const char *const verb[] = {
		[OP_LOAD] = "load",         [OP_STORE] = "store",
		[OP_EXCHANGE] = "exchange", [OP_ADD] = "add",
		[OP_CAS] = "cas",
	};
	char a[40], b[40], c[40];
	int n = snprintf(to, bytes, "%s %s [%s]", verb[op->kind],
	                 variable(op->site), symbol_of(op->at));

	to += n;
	bytes -= (size_t)n;
	number_text(a, sizeof(a), was, op->size);
	number_text(b, sizeof(b), op->value, op->size);
	number_text(c, sizeof(c), op->expected, op->size);
	if (op->kind == OP_LOAD)
		snprintf(to, bytes, ": %s", a);
	else if (op->kind == OP_STORE)
		snprintf(to, bytes, " = %s%s", b,
		         options.memory == MEMORY_SC ? "" : ", delayed");
	else if (op->kind == OP_CAS)
		snprintf(to, bytes, " %s -> %s: %s", c, b,
		         was == op->expected ? "done" : a);
	else
		snprintf(to, bytes, " %s: was %s", b, a);
}

static void other_text(char *to, size_t bytes, const struct pending *op,
                       uint64_t result)
{
	if (op->kind == OP_CHOOSE)
		snprintf(to, bytes, "chooses %" PRIu64, result);
	else if (op->kind == OP_PLAIN)
		snprintf(to, bytes, "%s from [%s]", op->site->what,
		         symbol_of(op->at));
	else if (op->kind == OP_WAIT || op->kind == OP_WAKE)
		snprintf(to, bytes, "%s on [%s]%s", op->site->what,
		         symbol_of(op->at),
		         op->kind == OP_WAIT &&
		                         memory_read(op->at, 4) != op->expected
		                 ? ": it has changed"
		                 : "");
	else
		snprintf(to, bytes, "%s%s", op->site->what,
		         op->kind == OP_BARRIER        ? " begins"
		         : op->kind == OP_BARRIER_WAIT ? " ends"
		                                       : "");
}

void trace_step(const struct head *head, unsigned int thread,
                const struct pending *op, uint64_t result)
{
	char text[300];

	if (!tracing)
		return;
	if (op->kind <= OP_CAS)
		access_text(text, sizeof(text), op, result);
	else
		other_text(text, sizeof(text), op, result);
	line(name(thread), op->site->function, text);
}

void trace_leave(unsigned int thread, const struct delayed *store)
{
	char text[300], value[40];

	if (!tracing)
		return;
	number_text(value, sizeof(value), store->value, store->size);
	snprintf(text, sizeof(text), "its delayed store to [%s] = %s is seen",
	         symbol_of(store->at), value);
	line(name(thread), "", text);
}

void trace_signal(unsigned int thread)
{
	if (tracing)
		line(name(thread), "", "a signal: its handler begins");
}

void trace_note(const char *text)
{
	line(name(now_thread), "", text);
}
