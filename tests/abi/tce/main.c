/* SPDX-License-Identifier: MIT */
/*
 *	abi-tce [-m MACHINE] [-c CONTRACT] [-n NAME] [-d | -D] [-o] [-p] [-b]
 *	        [-l] [WORD...]
 *
 * Runs every row on each machine and in each contract, or those given, or the
 * rows whose "subject, name (state)" contains NAME, '?' being any character.
 * Words are for the back end.
 * Of each row it checks the answer, what is in the argument then, and what is
 * there after it (after.c). With -p each is printed too:
 *
 *	ROW subject|name|state|answer|words|what is there
 *
 * Rows that break a kernel are left out where one answers; with -b nothing else
 * is run. -d runs the rows that look at a device, -D the others. Of a call that
 * is made in several states -o runs the first that the model gives each answer
 * in. -l lists rows and runs none.
 *
 * On a kernel each row is a process of its own: what a kernel forgets to give
 * back lasts as long as the process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tce.h"

static struct {
	struct abi_world world;
	struct abi_set set; /* what world.c wants to know of */
	const struct tce_machine *machine;
	const char *only;
	bool print, breaking, list, device, no_device, once;
	unsigned int rows, failed, left_out;
	char *writable, *read_only;
} run;

/* ---- Memory ---- */

#define ALIGNMENT ((size_t)0x10000)

static char *pages(size_t count)
{
	char *p = mmap(NULL, (count + 1) * PAGE, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + count * PAGE, PAGE, PROT_NONE)) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static void make_memory(void)
{
	char *place = pages(MEM_PAGES + 1 + ALIGNMENT / PAGE);
	size_t more = -(uintptr_t)place & (ALIGNMENT - 1);

	/* Names of places are aligned, so places are. */
	run.world.memory = place + more;
	if (mprotect(run.world.memory + (MEM_PAGES + 1) * PAGE,
	             ALIGNMENT - more, PROT_NONE))
		perror("mprotect");
	run.writable = pages(1);
	run.read_only = pages(1);
}

/* ---- A call ---- */

/* Where an argument is, so that a hole is behind it. */
static char *place(const struct tce_call *call)
{
	switch (call->place) {
	case AT_MEMORY:
		return run.writable + PAGE - call->bytes;
	case AT_READ_ONLY:
		return run.read_only + PAGE - call->bytes;
	case AT_HOLE:
		return run.writable + PAGE;
	case AT_NULL:
		break;
	}
	return NULL;
}

static bool by_address(const struct tce_call *call)
{
	return call->bytes || call->place != AT_MEMORY;
}

/* The argument after it, with names for addresses again, is in `after`. */
long tce_do(struct abi_world *w, const struct tce_call *call, char *after)
{
	union tce_argument argument = call->argument;
	char *at = place(call);
	long ret;

	abi_resolve(w, &argument, sizeof(argument));
	mprotect(run.read_only, PAGE, PROT_READ | PROT_WRITE);
	if (tce_reads(call, 1))
		memcpy(at, &argument, call->bytes);
	mprotect(run.read_only, PAGE, PROT_READ);
	ret = w->backend->ioctl(w->fd[call->on], call->command,
	                        by_address(call) ? (uintptr_t)at : call->value);
	memset(after, 0, sizeof(argument));
	if (!tce_reads(call, 1))
		return ret;
	memcpy(after, at, call->bytes);
	if (memcmp(after, &argument, call->bytes) == 0)
		memcpy(after, &call->argument, call->bytes);
	return ret;
}

/* ---- A row ---- */

struct verdict {
	const struct tce_row *row;
	char text[4 * TCE_TEXT];
};

static void complain(struct verdict *v, const char *what, const char *is,
                     const char *expected)
{
	size_t used = strlen(v->text);

	snprintf(v->text + used, sizeof(v->text) - used,
	         "     %s\n       is       %s\n       expected %s\n", what, is,
	         expected);
}

static void complain_value(struct verdict *v, const char *what, long is,
                           long expected)
{
	char texts[2][32];

	snprintf(texts[0], sizeof(texts[0]), "%ld", is);
	snprintf(texts[1], sizeof(texts[1]), "%ld", expected);
	complain(v, what, texts[0], texts[1]);
}

static int open_files(struct abi_world *w)
{
	const struct abi_backend *b = w->backend;
	static const enum abi_fd group[] = {FD_GROUP, FD_GROUP2};
	unsigned int i;

	memset(w->fd, -1, sizeof(w->fd));
	w->fd[FD_CONTAINER] = b->open_container();
	w->fd[FD_CONTAINER2] = b->open_container();
	for (i = 0; i < COUNT(group); i++)
		w->fd[group[i]] = b->open_group(i + 1);
	return w->fd[FD_CONTAINER] < 0 || w->fd[FD_GROUP2] < 0 ? -ENODEV : 0;
}

static int begin(const struct tce_row *row)
{
	struct abi_limits limits = {
		.entries = 65535,
		.memlock_pages = row->memlock ? row->memlock : UINT64_MAX,
		.contract = run.world.contract,
		.profile = run.machine->profile,
		.model = "edu",
	};
	int ret;

	tce_mark(&run.world);
	ret = run.world.backend->begin(&limits);
	return ret ? ret : open_files(&run.world);
}

static bool is_step(const struct tce_steps *s, unsigned int i)
{
	return i < TCE_STEPS && s->step[i].command;
}

/* Come to the state, both; then the call, and what is there then. */
static void try_row(struct verdict *v, struct tce_model *m)
{
	const struct tce_steps *s = &tce_steps[v->row->state];
	char is[TCE_TEXT], expected[TCE_TEXT];
	static struct tce_model before;
	struct tce_probes probes;
	union tce_argument out, at;
	long ret, model;
	unsigned int i;

	for (i = 0; is_step(s, i); i++) {
		ret = tce_do(&run.world, &s->step[i], (char *)&at);
		model = tce_model_call(m, &s->step[i], &out);
		if (ret != model)
			complain_value(v, "a call of the state", ret, model);
	}
	before = *m;
	ret = tce_do(&run.world, &v->row->call, (char *)&at);
	model = tce_model_call(m, &v->row->call, &out);
	if (ret != model)
		complain_value(v, "answer", ret, model);
	if (tce_reads(&v->row->call, 1) &&
	    memcmp(&out, &at, v->row->call.bytes) != 0)
		complain(v, "argument", "other words", "as the model has it");
	tce_probe(v->row, &before, m, &probes);
	if (run.world.backend->is_real && !run.machine->is_pseries)
		tce_probe_inside(m, &probes);
	tce_after(&run.world, &probes, is);
	tce_model_after(m, &probes, expected);
	if (strcmp(is, expected) != 0)
		complain(v, "what is there then", is, expected);
	if (!run.print)
		return;
	printf("ROW %s|%s|%s|%ld|", v->row->subject, v->row->name, s->name,
	       ret);
	for (i = 0; i < COUNT(at.word); i++)
		if (tce_reads(&v->row->call, 1) &&
		    at.word[i] != v->row->call.argument.word[i])
			printf(" %u=%" PRIx32, 4 * i, at.word[i]);
	printf("|%s\n", is);
}

/* Return: whether anything was wrong. */
static bool check_row(const struct tce_row *row)
{
	static struct tce_model model;
	static struct verdict v;
	int ret = begin(row);

	v.row = row;
	v.text[0] = '\0';
	tce_model_begin(&model, run.machine, run.world.contract, row->memlock);
	if (ret)
		complain_value(&v, "open", ret, 0);
	else
		try_row(&v, &model);
	if (run.world.backend->end())
		complain(&v, "in the end", "something is left", "nothing");
	if (v.text[0])
		printf("FAIL %s, %s (%s): %s, %s\n%s", row->subject, row->name,
		       tce_steps[row->state].name, run.machine->name,
		       ioas_contract_name[run.world.contract], v.text);
	fflush(stdout);
	return v.text[0];
}

static bool check_row_apart(const struct tce_row *row)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(check_row(row));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return true;
	return status != 0;
}

/* ---- All of them ---- */

/* What the model answers, and whether the kernel breaks. */
static long foretold(const struct tce_row *row, bool *ret_breaks)
{
	const struct tce_steps *s = &tce_steps[row->state];
	static struct tce_model m;
	union tce_argument out;
	unsigned int i;
	long ret;

	tce_model_begin(&m, run.machine, run.world.contract, row->memlock);
	for (i = 0; is_step(s, i); i++)
		tce_model_call(&m, &s->step[i], &out);
	ret = tce_model_call(&m, &row->call, &out);
	*ret_breaks = m.breaks && run.world.contract != IOAS_CONTRACT_STRICT;
	return ret;
}

/* The states of a call come one after another. */
static bool is_new(const struct tce_row *row, long answer)
{
	static char call[256];
	static long answers[T_NR];
	static unsigned int known;
	char text[sizeof(call)];
	unsigned int i;

	snprintf(text, sizeof(text), "%s, %s", row->subject, row->name);
	if (strcmp(text, call) != 0)
		known = 0;
	memcpy(call, text, sizeof(call));
	for (i = 0; i < known; i++)
		if (answers[i] == answer)
			return false;
	if (known < COUNT(answers))
		answers[known++] = answer;
	return true;
}

/* Is it a part, where '?' is any character? */
static bool has_text(const char *text, const char *part)
{
	size_t i;

	for (; *text; text++) {
		for (i = 0; part[i] && (part[i] == text[i] || part[i] == '?');
		     i++)
			;
		if (!part[i])
			return true;
	}
	return false;
}

static bool is_wanted(const struct tce_row *row)
{
	char text[256];
	bool breaks;
	long answer;

	snprintf(text, sizeof(text), "%s, %s (%s)", row->subject, row->name,
	         tce_steps[row->state].name);
	if (run.only && !has_text(text, run.only))
		return false;
	if (tce_looks(row) ? run.no_device : run.device)
		return false;
	if (tce_steps[row->state].only_powernv && run.machine->is_pseries)
		return false;
	answer = foretold(row, &breaks);
	if (breaks == run.breaking)
		return !run.once || is_new(row, answer);
	run.left_out++;
	return false;
}

static void run_row(const struct tce_row *row)
{
	struct tce_row copy = *row;
	bool wrong;

	if (!copy.memlock)
		copy.memlock = tce_steps[row->state].memlock;
	if (!is_wanted(&copy))
		return;
	run.rows++;
	if (run.list) {
		printf("%s, %s (%s)\n", row->subject, row->name,
		       tce_steps[row->state].name);
		return;
	}
	wrong = run.world.backend->is_real ? check_row_apart(&copy)
	                                   : check_row(&copy);
	run.failed += wrong;
}

static void run_machine(const struct tce_machine *machine,
                        unsigned int contracts)
{
	unsigned int i;

	run.machine = machine;
	for (i = 0; i < IOAS_CONTRACT_NR; i++) {
		run.world.contract = (enum ioas_contract)i;
		if (contracts & 1u << i)
			tce_rows(machine, run_row);
	}
}

static bool read_options(int argc, char **argv, unsigned int *ret_contracts)
{
	enum ioas_contract contract;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "m:c:n:dDopbl")) != -1) {
		if (c == 'c' && ioas_contract_find(optarg, &contract))
			*ret_contracts = 1u << contract;
		else if (c == 'n')
			run.only = optarg;
		else if (c == 'p')
			run.print = true;
		else if (c == 'b')
			run.breaking = true;
		else if (c == 'd')
			run.device = true;
		else if (c == 'D')
			run.no_device = true;
		else if (c == 'o')
			run.once = true;
		else if (c == 'l')
			run.list = true;
		else if (c != 'm')
			return false;
		for (i = 0; c == 'm' && i < tce_machines; i++)
			if (strcmp(tce_machine[i].name, optarg) == 0)
				run.machine = &tce_machine[i];
	}
	return run.list || abi_backend.set_up(argv + optind);
}

int main(int argc, char **argv)
{
	unsigned int contracts = (1u << IOAS_CONTRACT_NR) - 1;
	const struct tce_machine *only;
	size_t i;

	if (sysconf(_SC_PAGESIZE) != (long)PAGE) {
		printf("SKIPPED [1] abi-tce: the rows are for pages of 4 "
		       "KiB\n");
		return 77;
	}
	run.world.backend = &abi_backend;
	run.world.set = &run.set;
	if (!read_options(argc, argv, &contracts)) {
		fprintf(stderr, "abi-tce: not understood, see the head of "
		                "tce/main.c and of the back end\n");
		return 2;
	}
	make_memory();
	only = run.machine;
	for (i = 0; i < tce_machines; i++)
		if (!only || only == &tce_machine[i])
			run_machine(&tce_machine[i], contracts);
	if (!run.list)
		printf("%u rows, %u passed, %u failed\n", run.rows,
		       run.rows - run.failed, run.failed);
	return run.failed ? 1 : 0;
}
