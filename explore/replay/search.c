/* SPDX-License-Identifier: MIT */
/*
 * Breadth first over all states, and random walks.
 *
 * A state that was gone into is a fingerprint of 64 bits in a table, and how it
 * was reached: the state before, and the choice. States to go into are kept in
 * bytes, those of one depth after those of the one before.
 *
 * A walk is many short ones, each with other weights: one actor is chosen 4, 16
 * and 64 times as often as another. What goes wrong when one CPU sits still
 * while others go through two generations is not met otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "replay.h"

#define MOST_STATES (UINT64_C(1) << 28)
#define RESTS       (UINT64_C(1) << 26)
#define WALK        600 /* steps */

static struct result r;
static struct timespec began;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)(t.tv_sec - began.tv_sec) +
	       (double)(t.tv_nsec - began.tv_nsec) / 1e9;
}

/* Addresses that cost memory only where they are written to. */
static void *addresses(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* ---- States that were seen ---- */

static uint64_t *table, mask, *rests;
static uint32_t *parent;
static struct choice *how;

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) *
	                      (b ^ 0xd1b54a32d192ed03u);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t fingerprint(const uint8_t *bytes, unsigned int n)
{
	uint64_t h = n, word;
	unsigned int i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&word, bytes + i, 8);
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, bytes + i, n - i);
	h = mix(mix(h, word), 0x2545f4914f6cdd1du);
	return h ? h : 1;
}

/* Return: it was not there. */
static bool put(uint64_t *t, uint64_t m, uint64_t print)
{
	uint64_t i = print & m;

	while (t[i] && t[i] != print)
		i = (i + 1) & m;
	if (t[i])
		return false;
	t[i] = print;
	return true;
}

static void grow(void)
{
	uint64_t m = mask * 2 + 1, i, *t = addresses((m + 1) * sizeof(*t));

	for (i = 0; i <= mask; i++)
		if (table[i])
			put(t, m, table[i]);
	munmap(table, (mask + 1) * sizeof(*table));
	table = t;
	mask = m;
}

static bool is_new(uint64_t print, uint32_t from, struct choice c)
{
	if (!put(table, mask, print))
		return false;
	parent[r.states] = from;
	how[r.states] = c;
	r.states++;
	if (r.states * 3 > (mask + 1) * 2)
		grow();
	return true;
}

/* ---- States to go into ---- */

static struct frontier {
	uint8_t *bytes;
	size_t used, room;
} level[2];

static void push(struct frontier *f, const uint8_t *bytes, unsigned int n)
{
	if (f->used + STATE_BYTES + 64 > f->room) {
		f->room = f->room ? f->room * 2 : 1 << 20;
		f->bytes = realloc(f->bytes, f->room);
		if (!f->bytes)
			abort();
	}
	memcpy(f->bytes + f->used, bytes, n);
	f->used += n;
}

static uint64_t bytes_used(void)
{
	return (mask + 1) * sizeof(*table) +
	       r.states * (sizeof(*parent) + sizeof(*how)) + level[0].room +
	       level[1].room;
}

static bool over_limits(void)
{
	uint64_t bytes = bytes_used();

	if (bytes > r.bytes)
		r.bytes = bytes;
	if (seconds() > options.max_seconds || bytes > options.max_bytes ||
	    r.states + CHOICES > MOST_STATES)
		r.stopped = true;
	return r.stopped;
}

/* ---- Breadth first ---- */

static struct {
	uint32_t node; /* where a law broke, by this choice */
	struct choice choice;
} end;

static bool is_rest(const struct state *s)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		if (s->thread[i].op)
			return false;
	for (i = 0; i < the_case->cpus; i++)
		if (!s->runs[i])
			return false;
	return true;
}

/* Of steps merged or not, the same: README.md. */
static void count_rest(const struct state *s)
{
	static uint8_t bytes[STATE_BYTES + 64];
	bool merged = options.merged;
	struct state t = *s;
	struct naming order;
	unsigned int i;

	if (!options.rests || !is_rest(s))
		return;
	for (i = 0; i < the_case->cpus; i++) {
		if (t.delays[i])
			t.active[i] = t.delayed[i][t.delays[i] - 1];
		memset(t.delayed[i], 0, sizeof(t.delayed[i]));
		t.delays[i] = 0;
	}
	if (!rests)
		rests = addresses(RESTS * sizeof(*rests));
	options.merged = true;
	state_normal(&t, &order);
	options.merged = merged;
	r.rests += put(rests, RESTS - 1,
	               fingerprint(bytes, state_pack(&t, bytes)));
}

/*
 * Merged: a store leaves its buffer when somebody would see it, and at no other
 * time, for nobody could tell.
 */
static bool is_unseen(struct choice c)
{
	return options.merged && c.thread == DRAINS &&
	       !(run_missed >> c.arg & 1);
}

static bool go_into(const struct state *s, uint32_t node)
{
	static uint8_t bytes[STATE_BYTES + 64];
	struct choice choice[CHOICES];
	unsigned int n = world_choices(s, choice), i, length;
	struct naming order;
	struct state next;
	bool moved = false;

	run_missed = 0;
	for (i = 0; i < n; i++) {
		enum outcome outcome;

		/* They are the last. */
		if (is_unseen(choice[i]))
			continue;
		next = *s;
		outcome = world_do(&next, choice[i]);
		if (outcome == NOT_NOW)
			continue;
		moved = true;
		r.transitions++;
		if (outcome == BROKE) {
			end.node = node;
			end.choice = choice[i];
			return false;
		}
		state_normal(&next, &order);
		length = state_pack(&next, bytes);
		if (!is_new(fingerprint(bytes, length), node, choice[i]))
			continue;
		push(&level[1], bytes, length);
		count_rest(&next);
	}
	if (!moved)
		broken = (struct broken){"HANG-1", "somebody can go on",
		                         "nobody can go on", NULL, 0};
	end.node = node;
	end.choice.op = NOTHING;
	return moved;
}

static void swap_levels(void)
{
	struct frontier f = level[0];

	level[0] = level[1];
	level[1] = f;
	level[1].used = 0;
}

static bool go_level(uint32_t *node)
{
	struct state s;
	size_t at = 0;

	while (at < level[0].used) {
		at += state_unpack(&s, level[0].bytes + at);
		if (!go_into(&s, (*node)++))
			return false;
		if (*node % 4096 == 0 && over_limits())
			return true;
	}
	return true;
}

static void first(struct state *s)
{
	static uint8_t bytes[STATE_BYTES + 64];
	static const struct choice none;
	struct naming order;
	unsigned int length;

	world_init(s);
	state_normal(s, &order);
	length = state_pack(s, bytes);
	is_new(fingerprint(bytes, length), 0, none);
	push(&level[1], bytes, length);
}

/* ---- The trace, with names that stay ---- */

static unsigned int path(struct choice *ret, unsigned int room)
{
	unsigned int n = 0, i;
	uint32_t at;

	if (end.choice.op || end.choice.thread)
		ret[n++] = end.choice;
	for (at = end.node; at && n < room; at = parent[at])
		ret[n++] = how[at];
	for (i = 0; i < n / 2; i++) {
		struct choice c = ret[i];

		ret[i] = ret[n - 1 - i];
		ret[n - 1 - i] = c;
	}
	return n;
}

static struct choice renamed(struct choice c, const struct naming *name)
{
	if (c.thread == DRAINS)
		c.arg = name->cpu[c.arg];
	else if (c.op != IDLE)
		c.arg = name->context[c.arg];
	if (c.thread < the_case->cpus)
		c.thread = name->cpu[c.thread];
	return c;
}

static void rename_by(struct naming *name, const struct naming *order)
{
	const struct naming was = *name;
	unsigned int i;

	for (i = 0; i < the_case->contexts; i++)
		name->context[i] = was.context[order->context[i]];
	for (i = 0; i < the_case->cpus; i++)
		name->cpu[i] = was.cpu[order->cpu[i]];
}

/*
 * The choices name contexts as they were sorted in each state: two states go
 * side by side, one that is sorted and one that is not.
 */
static void show(void)
{
	static struct choice choices[4096];
	unsigned int n = path(choices, 4096), i;
	struct naming name, order;
	struct state sorted, plain;
	struct broken why = broken;

	world_init(&sorted);
	world_init(&plain);
	for (i = 0; i < CONTEXTS; i++)
		name.context[i] = (uint8_t)i;
	for (i = 0; i < CPUS; i++)
		name.cpu[i] = (uint8_t)i;
	r.steps = n;
	for (i = 0; i < n; i++) {
		memset(&broken, 0, sizeof(broken));
		options.tracing = true;
		world_do(&plain, renamed(choices[i], &name));
		options.tracing = false;
		memset(&broken, 0, sizeof(broken));
		if (world_do(&sorted, choices[i]) != WENT_ON)
			break;
		state_normal(&sorted, &order);
		rename_by(&name, &order);
	}
	broken = why;
}

static void forget_all(void)
{
	if (table)
		munmap(table, (mask + 1) * sizeof(*table));
	memset(&r, 0, sizeof(r));
	mask = (1 << 16) - 1;
	table = addresses((mask + 1) * sizeof(*table));
	level[0].used = level[1].used = 0;
}

/* Return: a law broke. */
static bool go_everywhere(void)
{
	struct state s;
	uint32_t node = 0;
	bool holds = true;

	forget_all();
	first(&s);
	while (holds && level[1].used && !r.stopped) {
		swap_levels();
		holds = go_level(&node);
		r.depth++;
	}
	over_limits();
	return !holds;
}

struct result search(void)
{
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	parent = addresses(MOST_STATES * sizeof(*parent));
	how = addresses(MOST_STATES * sizeof(*how));
	r.broke = go_everywhere();
	/* Where a law broke, it did so by steps that there are. */
	if (!r.broke && misfit) {
		fprintf(stderr,
		        "%s: every step by itself, for not always: %s\n",
		        the_case->name, misfit);
		options.merged = false;
		r.broke = go_everywhere();
	}
	r.seconds = seconds();
	if (r.broke) {
		r.stopped = false;
		show();
	}
	return r;
}

/* ---- Walks ---- */

static uint64_t seed = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 32) * n >> 32);
}

/* A place for each thread, exits, drains. */
#define ACTORS (THREADS + 2)

static unsigned int actor(struct choice c)
{
	return c.thread == EXITS    ? THREADS
	       : c.thread == DRAINS ? THREADS + 1
	                            : c.thread;
}

static struct choice choose(const struct choice *choice, unsigned int n,
                            const uint32_t *weight)
{
	uint32_t per[ACTORS] = {0}, all = 0, at;
	unsigned int i;

	for (i = 0; i < n; i++)
		per[actor(choice[i])]++;
	for (i = 0; i < ACTORS; i++)
		if (per[i])
			all += weight[i];
	at = random_below(all);
	for (i = 0; i < ACTORS; i++) {
		if (!per[i])
			continue;
		if (at < weight[i])
			break;
		at -= weight[i];
	}
	at = random_below(per[i]);
	for (; actor(*choice) != i || at--; choice++)
		;
	return *choice;
}

static void draw_weights(uint32_t *weight)
{
	unsigned int i;

	for (i = 0; i < ACTORS; i++)
		weight[i] = 256u >> 2 * random_below(5);
}

/* Return: a law broke; the steps are in *trail. */
static bool one_walk(struct choice *trail)
{
	struct choice choice[CHOICES];
	uint32_t weight[ACTORS];
	struct state s, next;
	enum outcome outcome;
	unsigned int n;

	draw_weights(weight);
	world_init(&s);
	for (n = 0; n < WALK;) {
		trail[n] = choose(choice, world_choices(&s, choice), weight);
		next = s;
		outcome = world_do(&next, trail[n]);
		r.transitions += outcome != NOT_NOW;
		r.states = r.transitions;
		n += outcome != NOT_NOW;
		r.depth = n;
		if (outcome == BROKE)
			return true;
		if (outcome == WENT_ON)
			s = next;
		else if (random_below(64) == 0)
			draw_weights(weight);
	}
	return false;
}

struct result walk(void)
{
	static struct choice trail[WALK + 1];
	struct broken why;
	struct state s;
	unsigned int i;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	memset(&r, 0, sizeof(r));
	while (!r.broke && seconds() < options.max_seconds)
		r.broke = one_walk(trail);
	r.seconds = seconds();
	if (!r.broke)
		return r;
	r.steps = r.depth;
	why = broken;
	memset(&broken, 0, sizeof(broken));
	world_init(&s);
	options.tracing = true;
	for (i = 0; i < r.steps; i++)
		world_do(&s, trail[i]);
	options.tracing = false;
	broken = why;
	return r;
}
