/* SPDX-License-Identifier: MIT */
/*
 *	abi [-c CONTRACT] [-m PROFILE] [-i] [-n NAME] [-s SUBJECT]... [-p] [-o]
 *	    [WORD...]
 *
 * Runs the table in each contract (or the one given), one fresh world for each
 * row (or those whose name contains NAME, of sets of these subjects).
 * Of a machine with the IOMMU of PROFILE it takes the sets that such a one can
 * answer: with -i those about interrupts that are not isolated, else others.
 * A real machine has to be what it is said to be. Not said: intel, on ioas all.
 * Words are for the back end. With -p rows are printed and nothing is checked,
 * with -o without what is read from a BAR. Else, of every row it checks what
 * the row says, and also what holds for all:
 *
 *	an argument is never read behind its end (a hole is there)
 *	what a call does not answer in is as it was
 *	after an error the container and the group say what they said before
 *	no event is raised that the row does not name
 *	when everything is closed, nothing is left mapped, held or claimed
 *	each command that exists has a row in which it succeeds, or answers
 *	that it is not there
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"

static const struct abi_set *const sets[] = {
	&abi_container_set, &abi_group_set,     &abi_type1_info_set,
	&abi_map_set,       &abi_unmap_set,     &abi_dirty_set,
	&abi_rules_set,     &abi_device_set,    &abi_irqs_set,
	&abi_intx_set,      &abi_ioeventfd_set, &abi_reset_set,
	&abi_config_set,    &abi_feature_set,   &abi_region_set,
	&abi_mmap_set,      &abi_unknown_set,   &abi_reserved_set,
	&abi_arm_set,       &abi_shared_set,    &abi_logging_set,
};

#define KINDS    3
#define COMMANDS 32

static struct {
	struct abi_world world;
	const struct abi_set *set;
	const char *only;                 /* part of a name, or NULL */
	const char *subject[COUNT(sets)]; /* of the only sets; none: all */
	unsigned int subjects;
	bool print;
	bool opaque; /* what a BAR reads as is not printed */
	bool shared; /* interrupts of the machine are not isolated */
	unsigned int rows, failed;
	bool said; /* of this row, that it failed */
	bool covered[KINDS][COMMANDS];
	/* Argument pages, each with a hole behind it. */
	char *writable, *read_only;
} run;

/* ---- Memory ---- */

/* Pages with a hole behind them. */
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
	run.world.memory = pages(MEM_PAGES + 1);
	if (mprotect(run.world.memory + MEM_PAGES * PAGE, PAGE, PROT_READ)) {
		perror("mprotect");
		exit(2);
	}
	run.writable = pages(4);
	run.read_only = pages(4);
}

/* ---- One row ---- */

static void fail(const struct abi_row *row, const char *what)
{
	if (!run.said)
		printf("FAIL %s: %s (state: %s, contract: %s)\n"
		       "     source: %s\n",
		       run.set->subject, row->name, abi_state_name[row->state],
		       ioas_contract_name[run.world.contract], run.set->source);
	printf("     %s\n", what);
	run.said = true;
}

static void fail_value(const struct abi_row *row, const char *what, long is,
                       long expected)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %ld, expected %ld", what, is,
	         expected);
	fail(row, text);
}

static void take_picture(struct abi_picture *p)
{
	const struct abi_world *w = &run.world;
	uint32_t argsz = sizeof(p->info);

	memset(p, 0, sizeof(*p));
	memcpy(p->info, &argsz, sizeof(argsz));
	p->status[0] = sizeof(p->status);
	if (w->fd[FD_CONTAINER] >= 0)
		p->info_answer = w->backend->ioctl(w->fd[FD_CONTAINER],
		                                   VFIO_IOMMU_GET_INFO,
		                                   (uintptr_t)p->info);
	if (w->fd[FD_GROUP] >= 0)
		p->status_answer = w->backend->ioctl(w->fd[FD_GROUP],
		                                     VFIO_GROUP_GET_STATUS,
		                                     (uintptr_t)p->status);
}

/* Bytes of memory that the row is about; those of a mapping are not. */
static size_t memory_bytes(const struct abi_row *row)
{
	return row->call == CALL_MMAP ? 0 : row->bytes;
}

/* Where the argument is, for its place, so that it ends at a hole. */
static char *place(const struct abi_row *row)
{
	switch (row->place) {
	case AT_MEMORY:
		return run.writable + 4 * PAGE - memory_bytes(row);
	case AT_READ_ONLY:
		return run.read_only + 4 * PAGE - memory_bytes(row);
	case AT_HOLE:
		return run.writable + 4 * PAGE;
	case AT_NULL:
		break;
	}
	return NULL;
}

static bool is_readable(const struct abi_row *row)
{
	return row->place == AT_MEMORY || row->place == AT_READ_ONLY;
}

/* Return: the argument as it was made, for the comparison; to be freed. */
static char *put_argument(const struct abi_row *row, char *at)
{
	char *copy = malloc(memory_bytes(row) + 1);

	if (!copy)
		abort();
	if (row->argument)
		memcpy(copy, row->argument, memory_bytes(row));
	else
		memset(copy, 0x5a, memory_bytes(row));
	abi_resolve(&run.world, copy, row->argument ? memory_bytes(row) : 0);
	mprotect(run.read_only, 4 * PAGE, PROT_READ | PROT_WRITE);
	if (is_readable(row) && memory_bytes(row))
		memcpy(at, copy, memory_bytes(row));
	mprotect(run.read_only, 4 * PAGE, PROT_READ);
	return copy;
}

static long make_call(const struct abi_row *row, char *at)
{
	const struct abi_backend *b = run.world.backend;
	int fd = run.world.fd[row->on];
	uint64_t position = abi_position(&run.world, row);
	bool by_address =
		row->argument || row->bytes || row->place != AT_MEMORY;
	ssize_t ret;

	switch (row->call) {
	case CALL_IOCTL:
		return b->ioctl(fd, row->command,
		                by_address ? (uintptr_t)at : row->value);
	case CALL_READ:
		return b->pread(fd, at, row->bytes, position);
	case CALL_WRITE:
		return b->pwrite(fd, at, row->bytes, position);
	case CALL_WRITE_READ:
		ret = b->pwrite(fd, at, row->bytes, position);
		return ret < 0 ? ret : b->pread(fd, at, row->bytes, position);
	case CALL_RAISE:
		return b->raise(fd);
	case CALL_MMAP:
		return b->mmap(fd, row->bytes, row->prot, row->flags, position);
	case CALL_SEEK:
		return b->seek(fd);
	case CALL_OPEN_GROUP:
		return b->open_group((unsigned int)row->value);
	case CALL_FILE:
		return b->file((unsigned int)row->value, row->file, at,
		               row->bytes);
	}
	return -EINVAL;
}

static void check_result(const struct abi_row *row, long ret)
{
	bool old = run.world.contract == IOAS_CONTRACT_LINUX_6_12;
	long expected = old && row->in_6_12 ? row->in_6_12 : row->expected;

	if (row->expected == ANY_FD && ret >= 0)
		return;
	if (ret != expected)
		fail_value(row, "answer", ret, expected);
}

static void check_memory(const struct abi_row *row, const char *at,
                         const char *before)
{
	char *expected;
	char text[64];
	size_t i;

	if (!is_readable(row) || !memory_bytes(row) || row->out_is_open)
		return;
	expected = malloc(memory_bytes(row));
	if (!expected)
		abort();
	memcpy(expected, row->out ? row->out : before, memory_bytes(row));
	if (row->out)
		abi_resolve(&run.world, expected, memory_bytes(row));
	for (i = 0; i < memory_bytes(row) && at[i] == expected[i]; i++)
		;
	if (i < memory_bytes(row)) {
		snprintf(text, sizeof(text), "argument, byte %zu", i);
		fail_value(row, text, (unsigned char)at[i],
		           (unsigned char)expected[i]);
	}
	free(expected);
}

static void count_signals(uint64_t signals[EVENTS])
{
	unsigned int i;

	for (i = 0; i < EVENTS; i++)
		signals[i] = run.world.backend->event_count(
			run.world.fd[FD_EVENT0 + i]);
}

static void check_signals(const struct abi_row *row,
                          const uint64_t signals[EVENTS])
{
	unsigned int i, raised = 0;

	for (i = 0; i < EVENTS; i++) {
		if (signals[i] > 1)
			fail_value(row, "signals of one event",
			           (long)signals[i], 1);
		raised |= (signals[i] ? 1u : 0) << i;
	}
	if (raised != row->signals)
		fail_value(row, "events raised", (long)raised,
		           (long)row->signals);
}

static void note_covered(const struct abi_row *row, long ret)
{
	unsigned int n = (unsigned int)_IOC_NR(row->command) - VFIO_BASE;
	unsigned int kind = row->on % KINDS;

	if (row->call == CALL_IOCTL && row->on <= FD_DEVICE2 && n < COMMANDS &&
	    (ret >= 0 || ret == -ENOTTY))
		run.covered[kind][n] = true;
}

static void check(const struct abi_row *row, const struct abi_outcome *o)
{
	check_result(row, o->answer);
	check_memory(row, o->is, o->was);
	check_signals(row, o->signals);
	/* A bad place for the answer is found when the work is done. */
	if (o->answer < 0 && !row->leaves && row->place != AT_READ_ONLY &&
	    memcmp(&o->before, &o->after, sizeof(o->before)) != 0)
		fail(row, "the error left a change behind");
}

static bool reads_bar(const struct abi_row *row)
{
	return row->call == CALL_READ && row->on == FD_DEVICE &&
	       row->position >> IOAS_REGION_SHIFT < VFIO_PCI_ROM_REGION_INDEX;
}

static void print(const struct abi_row *row, struct abi_outcome *o)
{
	if (!is_readable(row) || (run.opaque && reads_bar(row)))
		o->bytes = 0;
	abi_print(&run.world, run.set->subject, row, o);
}

static void try_row(const struct abi_row *row)
{
	char *at = place(row);
	struct abi_outcome o = {
		.is = at,
		.bytes = memory_bytes(row),
	};
	char *was;

	run.world.argument = at;
	was = put_argument(row, at);
	o.was = was;
	take_picture(&o.before);
	o.answer = make_call(row, at);
	if (row->expected == ANY_FD && o.answer >= 0)
		run.world.fd[FD_DEVICE2] = (int)o.answer;
	count_signals(o.signals);
	take_picture(&o.after);
	note_covered(row, o.answer);
	if (run.print)
		print(row, &o);
	else
		check(row, &o);
	free(was);
}

static bool is_wanted(const struct abi_row *row)
{
	if (run.only && !strstr(row->name, run.only))
		return false;
	return !row->in || (row->in & 1u << run.world.contract);
}

static void run_row(const struct abi_row *row)
{
	int ret;

	if (!is_wanted(row))
		return;
	run.rows++;
	run.said = false;
	ret = abi_enter(&run.world, row->state);
	if (!ret)
		try_row(row);
	else if (run.print)
		printf("ROW %s|%s|%s|no such state: %d\n", run.set->subject,
		       row->name, abi_state_name[row->state], ret);
	else
		fail_value(row, "the state cannot be reached", ret, 0);
	close(run.world.fd[FD_OTHER]);
	if (run.world.backend->end())
		fail(row, "something is left when everything is closed");
	run.failed += run.said;
}

static void run_states(const struct abi_row *row)
{
	struct abi_row copy = *row;

	run_row(&copy);
	if (!row->also)
		return;
	copy.state = row->also;
	run_row(&copy);
}

static void run_set(const struct abi_set *set)
{
	size_t i;

	run.set = set;
	run.world.set = set;
	for (i = 0; i < set->count; i++)
		run_states(&set->rows[i]);
	if (set->generate)
		set->generate(run_states);
}

/* Which commands there are, the machine of the last set says. */
static void check_covered(void)
{
	unsigned int kind, n;

	if (abi_enter(&run.world, S_OPEN))
		abort();
	for (kind = 0; kind < KINDS; kind++) {
		for (n = 0; n < COMMANDS; n++) {
			const char *name = run.world.backend->command(
				kind, IOAS_VFIO_COMMAND(n));

			if (!name || run.covered[kind][n])
				continue;
			printf("FAIL no row in which %s is answered\n", name);
			run.failed++;
			run.rows++;
		}
	}
	close(run.world.fd[FD_OTHER]);
	if (run.world.backend->end())
		abort();
}

/* A subject may be given with '_' for ' ', as one word of a shell's line. */
static bool is_subject(const char *subject, const char *given)
{
	for (; *subject && *given; subject++, given++)
		if (*subject != *given && (*subject != ' ' || *given != '_'))
			return false;
	return *subject == *given;
}

/* Can the machine answer it? */
static bool is_of_machine(const struct abi_set *set)
{
	const char *machine = run.world.profile;

	return !machine ||
	       (set->shared == run.shared &&
	        (!set->profile || strcmp(set->profile, machine) == 0));
}

static bool is_wanted_set(const struct abi_set *set)
{
	unsigned int i;

	if (!is_of_machine(set))
		return false;
	for (i = 0; i < run.subjects; i++)
		if (is_subject(set->subject, run.subject[i]))
			return true;
	return run.subjects == 0;
}

static void run_contract(enum ioas_contract contract)
{
	size_t i;

	run.world.contract = contract;
	for (i = 0; i < COUNT(sets); i++)
		if (is_wanted_set(sets[i]))
			run_set(sets[i]);
}

/* Return: false when they are not understood. */
static bool read_options(int argc, char **argv, unsigned int *ret_contracts)
{
	enum ioas_contract contract;
	int c;

	if (abi_backend.is_real)
		run.world.profile = "intel";
	while ((c = getopt(argc, argv, "c:m:in:s:po")) != -1) {
		if (c == 'c' && ioas_contract_find(optarg, &contract))
			*ret_contracts = 1u << contract;
		else if (c == 'm')
			run.world.profile = optarg;
		else if (c == 'i')
			run.shared = true;
		else if (c == 'n')
			run.only = optarg;
		else if (c == 's' && run.subjects < COUNT(run.subject))
			run.subject[run.subjects++] = optarg;
		else if (c == 'p')
			run.print = true;
		else if (c == 'o')
			run.opaque = true;
		else
			return false;
	}
	return abi_backend.set_up(argv + optind);
}

int main(int argc, char **argv)
{
	unsigned int i, contracts = (1u << IOAS_CONTRACT_NR) - 1;

	if (sysconf(_SC_PAGESIZE) != (long)PAGE) {
		printf("SKIPPED [1] abi: the rows are for pages of 4 KiB\n");
		return 77;
	}
	run.world.backend = &abi_backend;
	if (!read_options(argc, argv, &contracts)) {
		fprintf(stderr, "abi: not understood, see the head of main.c "
		                "and of the back end\n");
		return 2;
	}
	make_memory();
	for (i = 0; i < IOAS_CONTRACT_NR; i++)
		if (contracts & 1u << i)
			run_contract((enum ioas_contract)i);
	if (!run.only && !run.subjects && !run.print && !run.world.profile)
		check_covered();
	printf("%u rows, %u passed, %u failed\n", run.rows,
	       run.rows - run.failed, run.failed);
	return run.failed ? 1 : 0;
}
