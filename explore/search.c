/* SPDX-License-Identifier: MIT */
/*
 * Breadth first over all states, so that the first trace to a law that breaks
 * is a shortest one. A state in full is kept only until it was gone into: the
 * pieces that its threads are, and the lines of memory that are not as in the
 * beginning. Of the others a fingerprint of 64 bits is left, and how they were
 * reached, to make a trace of. That two of n states have the same fingerprint,
 * so that one is missed, has the chance n^2 / 2^65.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine.h"

#define NODES_ROOM    (UINT64_C(1) << 31)
#define FRONTIER_ROOM (UINT64_C(1) << 35)
#define AUDIT_EVERY   1024

/* What happened next: a thread's step, a store that left, a signal. */
enum { DO_STEP, DO_LEAVE, DO_SIGNAL };

struct choice {
	uint8_t what, thread, branch, spare;
};

struct node {
	uint32_t parent;
	struct choice choice;
};

struct frontier {
	char *bytes;
	size_t used;
};

/* The accesses of each thread's next step, in the state being gone into. */
static struct {
	struct footprint at[FOOTPRINTS];
	unsigned int count;
	bool step;
} next_of[EXPLORE_THREADS];

static struct node *nodes;
static uint64_t *table, table_mask;
static struct frontier level[2];
static struct frontier *this_level, *next_level;
static struct result r;
static struct timespec began;
/* With so many states it is worth while to begin again for new steps. */
static uint64_t again_at;
static uint32_t from[EXPLORE_THREADS];
static bool moved;
/* Where a law broke: going into this state, by the choice if there is one. */
static struct {
	uint32_t node;
	struct choice choice;
	bool chosen;
} end;

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("explore: no address space for states");
		exit(2);
	}
	return p;
}

static void table_init(void)
{
	free(table);
	table_mask = (1u << 16) - 1;
	table = calloc(table_mask + 1, sizeof(*table));
	if (!nodes) {
		nodes = reserve(NODES_ROOM * sizeof(*nodes));
		level[0].bytes = reserve(FRONTIER_ROOM);
		level[1].bytes = reserve(FRONTIER_ROOM);
	}
}

static void table_grow(void)
{
	uint64_t mask = table_mask * 2 + 1, i, at;
	uint64_t *bigger = calloc(mask + 1, sizeof(*bigger));

	if (!bigger) {
		fprintf(stderr, "explore: no memory for more states\n");
		exit(2);
	}
	for (i = 0; i <= table_mask; i++) {
		if (!table[i])
			continue;
		for (at = table[i] & mask; bigger[at]; at = (at + 1) & mask)
			;
		bigger[at] = table[i];
	}
	free(table);
	table = bigger;
	table_mask = mask;
}

/* Return: it was not there. */
static bool table_add(uint64_t print)
{
	uint64_t at;

	print += !print;
	if (r.states * 2 > table_mask)
		table_grow();
	for (at = print & table_mask; table[at]; at = (at + 1) & table_mask)
		if (table[at] == print)
			return false;
	table[at] = print;
	return true;
}

/* ---- A state, kept and brought back. ---- */

static void rename_ranks(void)
{
	uint64_t present = world_ranks(), dense;
	unsigned int t;

	for (t = 0; t < threads; t++)
		present |= locals.piece[local_id[t]].ranks;
	if (!present || options.no_rename) {
		if (present >> 63) {
			fprintf(stderr, "explore: too many numbers that grow, "
			                "and they are not renamed\n");
			exit(2);
		}
		return;
	}
	dense = __builtin_popcountll(present) == 64
	                ? UINT64_MAX
	                : (UINT64_C(1) << __builtin_popcountll(present)) - 1;
	if (present == dense)
		return;
	world_rename(present);
	for (t = 0; t < threads; t++)
		local_rename(t, present);
}

static uint64_t fingerprint(void)
{
	uint64_t h = explore_mix(world_hash(), 7);
	unsigned int t;

	for (t = 0; t < threads; t++)
		h = explore_mix(h, locals.piece[local_id[t]].hash);
	return h;
}

static void push(struct frontier *f)
{
	uint32_t *count = (uint32_t *)(void *)(f->bytes + f->used);

	memcpy(count + 1, local_id, threads * sizeof(*local_id));
	*count = world_save((struct world_line *)(void *)(count + 1 + threads));
	f->used += sizeof(*count) * (1 + threads) +
	           *count * sizeof(struct world_line);
}

static size_t pop(const struct frontier *f, size_t at)
{
	const uint32_t *count = (const uint32_t *)(const void *)(f->bytes + at);

	memcpy(local_id, count + 1, threads * sizeof(*local_id));
	memcpy(from, local_id, sizeof(from));
	world_load(
		(const struct world_line *)(const void *)(count + 1 + threads),
		*count);
	return at + sizeof(*count) * (1 + threads) +
	       *count * sizeof(struct world_line);
}

static void add_node(uint32_t parent, struct choice choice)
{
	if (r.states >= options.max_states || r.states >= NODES_ROOM) {
		r.stopped = true;
		return;
	}
	nodes[r.states++] = (struct node){parent, choice};
	push(next_level);
}

/* ---- Going into a state. ---- */

static enum outcome do_choice(struct choice c)
{
	if (c.what == DO_STEP)
		return thread_step(c.thread, c.branch);
	if (c.what == DO_SIGNAL)
		return thread_signal(c.thread);
	thread_leave(c.thread, c.branch);
	return broken.law ? BROKE : WENT_ON;
}

static void tell_change(struct head *head, void *arg)
{
	head->relaxed = RELAX_CHANGED;
}

/* After a choice: the state as it is kept. */
static void settle(struct choice c)
{
	unsigned int t;

	world_commit();
	for (t = 0; t < threads && world_changed(); t++)
		if (t != c.thread && local_head(t)->relaxed == RELAX_SAME)
			local_edit(t, tell_change, NULL);
	rename_ranks();
}

static void keep_footprint(unsigned int thread)
{
	memcpy(next_of[thread].at, footprint, footprints * sizeof(*footprint));
	next_of[thread].count = footprints;
	next_of[thread].step = true;
}

static bool take(uint32_t node, struct choice c)
{
	enum outcome outcome = do_choice(c);

	if (c.what == DO_STEP)
		keep_footprint(c.thread);
	if (outcome == BROKE) {
		end.choice = c;
		end.chosen = true;
		return false;
	}
	r.transitions++;
	if (outcome == WENT_ON) {
		moved = true;
		settle(c);
		if (table_add(fingerprint()))
			add_node(node, c);
	}
	memcpy(local_id, from, sizeof(from));
	world_undo();
	return true;
}

static bool take_steps(uint32_t node, uint8_t thread)
{
	const struct head *head = local_head(thread);
	struct choice c = {.what = DO_STEP, .thread = thread};
	unsigned int branches = 1;

	if (!step_ready(head, thread))
		return true;
	if (head->next.kind == OP_CHOOSE)
		branches = head->next.branches;
	for (; c.branch < branches; c.branch++)
		if (!take(node, c))
			return false;
	c.what = DO_SIGNAL;
	c.branch = 0;
	if (!the_case->thread[thread].handler || head->handling)
		return true;
	return take(node, c);
}

static bool take_leaves(uint32_t node, uint8_t thread)
{
	unsigned int may = step_may_leave(local_head(thread));
	struct choice c = {.what = DO_LEAVE, .thread = thread};

	for (; may >> c.branch; c.branch++)
		if ((may >> c.branch & 1) && !take(node, c))
			return false;
	return true;
}

static bool conflict(const struct footprint *a, const struct footprint *b)
{
	return (a->write || b->write) && (a->plain || b->plain) &&
	       (const char *)a->at < (const char *)b->at + b->size &&
	       (const char *)b->at < (const char *)a->at + a->size;
}

static bool race_between(unsigned int t, unsigned int u)
{
	const struct footprint *a, *b;
	unsigned int i, j;

	for (i = 0; i < next_of[t].count; i++) {
		for (j = 0; j < next_of[u].count; j++) {
			a = &next_of[t].at[i];
			b = &next_of[u].at[j];
			if (!conflict(a, b))
				continue;
			snprintf(broken.text, sizeof(broken.text),
			         "%s and %s are both about to use the same %u "
			         "bytes, %s%s",
			         the_case->thread[t].name,
			         the_case->thread[u].name, (unsigned)a->size,
			         a->site   ? a->site->what
			         : b->site ? b->site->what
			                   : "none of them atomically",
			         a->site || b->site ? " and without atomics"
			                            : "");
			return true;
		}
	}
	return false;
}

static bool races(void)
{
	unsigned int t, u;

	for (t = 0; t < threads; t++) {
		for (u = 0; u < t && next_of[t].step; u++) {
			if (!next_of[u].step || !race_between(t, u))
				continue;
			set_broken("DATA-RACE", broken.text);
			broken.condition = "at most one uses it, or all read";
			return true;
		}
	}
	return false;
}

static bool at_rest(void)
{
	unsigned int t;

	for (t = 0; t < threads; t++)
		if (!local_head(t)->done && !the_case->thread[t].serves)
			return false;
	return true;
}

static bool check_rest(void)
{
	enum outcome outcome = WENT_ON;

	if (!at_rest()) {
		set_broken("HANG-1", "nobody can go on any more");
		broken.condition = "somebody can go on";
		return false;
	}
	if (the_case->rest)
		outcome = engine_call(the_case->rest);
	world_undo();
	return outcome != BROKE;
}

static bool go_into(uint32_t node)
{
	uint8_t t;

	moved = false;
	end.node = node;
	end.chosen = false;
	memset(next_of, 0, sizeof(next_of));
	for (t = 0; t < threads; t++)
		if (!take_leaves(node, t) || !take_steps(node, t))
			return false;
	if (races())
		return false;
	if (!moved && !check_rest())
		return false;
	if (node % AUDIT_EVERY == 0)
		world_audit();
	return true;
}

/* ---- A pass. ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - began.tv_sec) +
	       (double)(t.tv_nsec - began.tv_nsec) / 1e9;
}

static uint64_t bytes_used(void)
{
	return (table_mask + 1) * sizeof(*table) + r.states * sizeof(*nodes) +
	       level[0].used + level[1].used + locals.used + world_pieces.used +
	       (locals.count + world_pieces.count) * sizeof(struct piece);
}

static bool over_limits(void)
{
	uint64_t bytes = bytes_used();

	if (bytes > r.bytes)
		r.bytes = bytes;
	if (seconds() > options.max_seconds || bytes > options.max_bytes)
		r.stopped = true;
	return r.stopped;
}

/* One level. Return: false when a law broke, in *ret_node's execution. */
static bool go_level(uint32_t *node)
{
	size_t at = 0;

	next_level->used = 0;
	while (at < this_level->used) {
		at = pop(this_level, at);
		if (!go_into((*node)++))
			return false;
		if (*node % 4096 == 0 && over_limits())
			return true;
	}
	return true;
}

static void swap_levels(void)
{
	struct frontier *f = this_level;

	this_level = next_level;
	next_level = f;
}

static void start(void)
{
	static const struct choice none;

	memset(&broken, 0, sizeof(broken));
	r.states = r.transitions = 0;
	r.depth = 0;
	table_init();
	this_level = &level[0];
	next_level = &level[1];
	next_level->used = 0;
	/* Broken; or a thread waits for what is a step from now on: again. */
	if (threads_begin() != WENT_ON)
		return;
	world_commit();
	rename_ranks();
	table_add(fingerprint());
	add_node(0, none);
}

/* False: it has to begin again, with more steps. */
static bool pass(struct world_line *first, uint32_t first_lines)
{
	uint32_t node = 0;
	bool holds = true;

	world_undo();
	world_load(first, first_lines);
	start();
	if (broken.law) {
		r.broke = !access_grew();
		return r.broke;
	}
	while (holds && next_level->used && !r.stopped &&
	       !(access_grew() && r.states >= again_at)) {
		swap_levels();
		holds = go_level(&node);
		r.depth++;
		over_limits();
	}
	r.broke = !holds;
	return !access_grew();
}

static void passes(struct world_line *first, uint32_t first_lines)
{
	again_at = 1024;
	do {
		access_adopt();
		r.passes++;
		if (r.states >= again_at)
			again_at = r.states * 2;
	} while (!pass(first, first_lines) && !r.stopped);
}

/* ---- The trace. ---- */

static uint32_t path(struct choice *ret_choices, uint32_t room)
{
	uint32_t n = 0, i, at;

	if (end.chosen)
		ret_choices[n++] = end.choice;
	for (at = end.node; at && n < room; at = nodes[at].parent)
		ret_choices[n++] = nodes[at].choice;
	for (i = 0; i < n / 2; i++) {
		struct choice c = ret_choices[i];

		ret_choices[i] = ret_choices[n - 1 - i];
		ret_choices[n - 1 - i] = c;
	}
	return n;
}

static void show(const struct world_line *first, uint32_t first_lines)
{
	static struct choice choices[1 << 16];
	uint32_t n = path(choices, 1 << 16), i;
	struct broken why = broken;

	memset(&broken, 0, sizeof(broken));
	world_undo();
	world_load(first, first_lines);
	trace_reset();
	tracing = true;
	threads_begin();
	for (i = 0; i < n && !broken.law; i++) {
		do_choice(choices[i]);
		settle(choices[i]);
		world_forget();
	}
	tracing = false;
	broken = why;
	r.trace = n;
	world_undo();
	world_load(first, first_lines);
}

/* ---- All of it. ---- */

struct result search(const struct explore_case *c)
{
	static struct world_line *origin, *first;
	static uint32_t origin_lines;
	uint32_t first_lines;
	bool every_access = options.every_access;

	if (!origin) {
		world_begin();
		origin = calloc(world_lines(), sizeof(*origin));
		first = calloc(world_lines(), sizeof(*first));
		origin_lines = world_save(origin);
	}
	memset(&r, 0, sizeof(r));
	memset(&broken, 0, sizeof(broken));
	the_case = c;
	threads = 0;
	clock_gettime(CLOCK_MONOTONIC, &began);
	world_load(origin, origin_lines);
	hooks_init();
	if (c->init && engine_call(c->init) == BROKE) {
		r.broke = true;
		return r;
	}
	world_commit();
	first_lines = world_save(first);
	access_init();
	passes(first, first_lines);
	r.shared = access_shared();
	if (r.broke && !r.shared && !options.every_access) {
		/* On the way of one thread alone: with steps to be seen. */
		options.every_access = true;
		passes(first, first_lines);
	}
	/* In the steps in which it was found. */
	if (r.broke)
		show(first, first_lines);
	options.every_access = every_access;
	r.seconds = seconds();
	return r;
}
