/* SPDX-License-Identifier: MIT */
/*
 * Who uses the allocator, and what must hold: laws of <ioas/asid.h>.
 *
 *	CPUs     switch to any other context, or become idle
 *	devices  pin a context, cache an entry of it, unpin
 *	exits    of contexts that nobody runs, in one step; their memory is used
 *	         anew when it is given back
 *	changes  the tables of a context change and are invalidated
 *
 * Of caches only the entries under one number are kept: a law about caches that
 * breaks, breaks under some number. An entry stays until it is flushed, as that
 * is the worst. With EXCHANGE a CPU walks the tables of the context that it
 * leaves until the switch returns, and has an entry of it right after a flush.
 */
#include <string.h>

#include "replay.h"

static struct state *w;
static unsigned int self;

/* ---- Callbacks ---- */

static uint8_t fill(unsigned int c)
{
	return w->pending && w->changed == c + 1;
}

static void flush(void *arg, unsigned int c)
{
	if (run_again(false, "flush", "flush its cache"))
		return;
	w->cache[c] = w->stale[c] = 0;
	if (the_case->asymmetric || w->number[c] != the_case->watch)
		return;
	w->cache[c] = w->runs[c];
	if (w->runs[c])
		w->stale[c] = fill(w->runs[c] - 1u);
}

static void forget(void *arg, struct ioas_asid_context *c, uint32_t number)
{
	unsigned int d;

	if (run_again(true, "forget", "devices forget the context"))
		return;
	for (d = 0; d < the_case->devices && number == the_case->watch; d++)
		w->device_cache[d] = w->device_stale[d] = 0;
	w->bound[self - the_case->cpus] = 0;
	w->bound_number[self - the_case->cpus] = 0;
}

static void drop(uint8_t *cache, uint8_t *stale, bool runs)
{
	if (*cache != w->changed)
		return;
	*stale = 0;
	if (!runs)
		*cache = 0;
}

static void invalidate(void *arg, const struct ioas_asid_invalidation *what)
{
	unsigned int i;

	if (run_again(true, "invalidate", "caches forget the context"))
		return;
	if (what->number != the_case->watch)
		return;
	for (i = 0; i < the_case->cpus; i++)
		drop(&w->cache[i], &w->stale[i],
		     w->runs[i] == w->changed && w->number[i] == what->number);
	for (i = 0; i < the_case->devices; i++)
		drop(&w->device_cache[i], &w->device_stale[i], false);
}

static const struct ioas_asid_ops ops = {
	.flush = flush,
	.forget = forget,
	.invalidate = invalidate,
};

/* ---- Begin ---- */

static void *from_arena(size_t bytes)
{
	static uint64_t arena[1024] __attribute__((aligned(64)));

	memset(arena, 0, sizeof(arena));
	return bytes <= sizeof(arena) ? arena : NULL;
}

static void no_free(void *p, size_t bytes)
{
}

static void begin(struct state *s, unsigned int unused)
{
	static const uint32_t beyond[] = {7, 6, 5, 4, 3};
	struct ioas_asid_config config = {
		.bits = BITS,
		.cpus = the_case->cpus,
		.way = the_case->asymmetric ? IOAS_ASID_ASYMMETRIC
	                                    : IOAS_ASID_EXCHANGE,
		.reserved = beyond,
		.nreserved = (1u << BITS) - the_case->numbers,
		.ops = &ops,
	};
	unsigned int i;

	must_hold("ASID_4", !ioas_asids_create(&config, &asids), "no begin");
	for (i = 0; i < the_case->cpus; i++)
		must_hold("ASID_4", !ioas_asid_join(asids, i, BITS, &cpu[i]),
		          "a CPU cannot join");
	for (i = 0; i < the_case->contexts; i++)
		ioas_asid_context_init(asids, &context[i]);
	asids->generation.cell = GENERATION << BITS;
}

void world_init(struct state *s)
{
	static struct state none;

	ioas_hooks.alloc = from_arena;
	ioas_hooks.free = no_free;
	*s = none;
	run_begin(s, begin);
}

/* ---- Operations ---- */

/* The memory of a context is given back, and used for another one. */
static void begin_anew(unsigned int c)
{
	unsigned int i;

	ioas_asid_context_init(asids, &context[c]);
	w->life[c] = LIVE;
	for (i = 0; i < the_case->cpus; i++)
		if (w->cache[i] == c + 1)
			w->cache[i] = DEAD;
	for (i = 0; i < the_case->devices; i++)
		if (w->device_cache[i] == c + 1)
			w->device_cache[i] = DEAD;
}

static void do_switch(unsigned int t, unsigned int c)
{
	uint32_t number = ioas_asid_switch(cpu[t], &context[c]);

	w->runs[t] = (uint8_t)(c + 1);
	w->number[t] = (uint8_t)number;
	must_hold("ASID_6", number && number < the_case->numbers,
	          "a number that may not be given");
	if (number != the_case->watch)
		return;
	must_hold("ASID_5", !w->cache[t] || w->cache[t] == c + 1,
	          "a CPU has entries of another context under the number");
	must_hold("ASID_10", w->cache[t] != c + 1 || w->stale[t] != 2,
	          "an entry is used that was invalidated");
	if (!w->cache[t])
		w->stale[t] = fill(c);
	w->cache[t] = (uint8_t)(c + 1);
}

static void do_pin(unsigned int t, unsigned int c)
{
	unsigned int d = t - the_case->cpus;
	uint32_t number = 0;

	if (ioas_asid_pin(&context[c], &number))
		return;
	w->bound[d] = (uint8_t)(c + 1);
	w->bound_number[d] = (uint8_t)number;
	if (number != the_case->watch)
		return;
	must_hold("ASID_8", !w->device_cache[d] || w->device_cache[d] == c + 1,
	          "a device has entries of another context under the number");
	must_hold("ASID_10",
	          w->device_cache[d] != c + 1 || w->device_stale[d] != 2,
	          "a device uses an entry that was invalidated");
	if (!w->device_cache[d])
		w->device_stale[d] = fill(c);
	w->device_cache[d] = (uint8_t)(c + 1);
}

static void do_unpin(unsigned int t, unsigned int c)
{
	bool mine = ioas_asid_unpin(&context[c]);

	w->bound[t - the_case->cpus] = 0;
	w->bound_number[t - the_case->cpus] = 0;
	must_hold("ASID_11", !mine || w->life[c] == EXITED,
	          "memory of a live context was given back");
	if (mine)
		begin_anew(c);
}

static void do_change(unsigned int c)
{
	unsigned int i;

	ioas_asid_invalidate(&context[c], 0, UINT64_MAX);
	for (i = 0; i < the_case->cpus; i++) {
		if (w->cache[i] != c + 1 || !w->stale[i])
			continue;
		must_hold("ASID_10",
		          w->runs[i] != c + 1 ||
		                  w->number[i] != the_case->watch,
		          "the invalidation has returned, and an entry is "
		          "older");
		w->stale[i] = 2;
	}
	for (i = 0; i < the_case->devices; i++) {
		if (w->device_cache[i] != c + 1 || !w->device_stale[i])
			continue;
		must_hold("ASID_10",
		          w->bound[i] != c + 1 ||
		                  w->bound_number[i] != the_case->watch,
		          "the invalidation has returned, and an entry of a "
		          "device is older");
		w->device_stale[i] = 2;
	}
	w->changed = w->pending = 0;
}

bool world_restarts(enum op op)
{
	return op == UNPIN;
}

void world_run(unsigned int t, enum op op, unsigned int arg)
{
	if (op == SWITCH)
		do_switch(t, arg);
	else if (op == IDLE)
		ioas_asid_idle(cpu[t]);
	else if (op == PIN)
		do_pin(t, arg);
	else if (op == UNPIN)
		do_unpin(t, arg);
	else
		do_change(arg);
}

/* Does it come to the lock next, and has changed nothing until then? */
static bool is_vain(const struct state *s, unsigned int t, bool forgets)
{
	struct state copy = *s;
	bool vain;

	if (forgets)
		run_forget(&copy.thread[t]);
	w = &copy;
	vain = run_is_vain(&copy, t);
	w = NULL;
	return vain;
}

/* May a switch without the lock fail by now? What it does shows is_vain(). */
static bool is_late(const struct state *s, unsigned int t)
{
	return options.merged &&
	       (the_case->asymmetric ? s->seen[t] != s->generation
	                             : !s->active[t]);
}

/*
 * A switch that comes to the lock is as good as any that is there. Merged, and
 * with EXCHANGE, it is as good as one that has not begun.
 */
static void settle(struct state *s, unsigned int stepped)
{
	unsigned int t;

	for (t = 0; t < the_case->cpus; t++) {
		struct progress *p = &s->thread[t];

		if (p->op != SWITCH || p->holds || !p->log[p->used - 1] ||
		    !(t == stepped || is_late(s, t)) || !is_vain(s, t, false))
			continue;
		if (options.merged && !the_case->asymmetric)
			memset(p, 0, sizeof(*p));
		else if (is_vain(s, t, true))
			run_forget(p);
	}
}

/* What the operation makes true before its first access. */
static void start(struct state *s, unsigned int t, enum op op, unsigned int arg)
{
	static const char *const name[] = {
		[SWITCH] = "ioas_asid_switch",     [IDLE] = "ioas_asid_idle",
		[PIN] = "ioas_asid_pin",           [UNPIN] = "ioas_asid_unpin",
		[CHANGE] = "ioas_asid_invalidate",
	};
	unsigned int i;

	if (options.tracing && op == IDLE)
		trace(t, name[op], "begins");
	else if (options.tracing)
		trace(t, name[op], "context %c", 'A' + arg);
	if (op == IDLE || (op == SWITCH && the_case->asymmetric))
		s->runs[t] = s->number[t] = 0;
	if (op != CHANGE)
		return;
	s->changed = (uint8_t)(arg + 1);
	s->pending = 1;
	for (i = 0; i < the_case->cpus; i++)
		if (s->cache[i] == arg + 1)
			s->stale[i] = 1;
	for (i = 0; i < the_case->devices; i++)
		if (s->device_cache[i] == arg + 1)
			s->device_stale[i] = 1;
}

static void exit_now(struct state *s, unsigned int c)
{
	if (ioas_asid_context_exit(&context[c])) {
		begin_anew(c);
		return;
	}
	s->life[c] = EXITED;
}

/* ---- What may happen ---- */

static bool is_used(const struct state *s, unsigned int c)
{
	unsigned int i;

	for (i = 0; i < the_case->cpus; i++)
		if (s->runs[i] == c + 1)
			return true;
	for (i = 0; i < THREADS; i++)
		if (s->thread[i].arg == c && s->thread[i].op != NOTHING &&
		    s->thread[i].op != IDLE && s->thread[i].op != UNPIN)
			return true;
	return false;
}

static unsigned int begins(const struct state *s, unsigned int t,
                           struct choice *ret)
{
	unsigned int n = 0, c, d = t - the_case->cpus;
	bool is_cpu = t < the_case->cpus;

	if (!is_cpu && t != THREADS - 1 && s->bound[d]) {
		ret[n++] = (struct choice){(uint8_t)t, UNPIN,
		                           (uint8_t)(s->bound[d] - 1)};
		return n;
	}
	for (c = 0; c < the_case->contexts; c++) {
		struct choice ch = {(uint8_t)t, SWITCH, (uint8_t)c};

		if (s->life[c] != LIVE)
			continue;
		if (t == THREADS - 1)
			ch.op = CHANGE;
		else if (!is_cpu)
			ch.op = PIN;
		if ((t < CPUS && is_cpu && s->runs[t] == c + 1) ||
		    (ch.op == PIN && c >= the_case->pinnable) ||
		    (ch.op == CHANGE && !s->id[c]))
			continue;
		ret[n++] = ch;
	}
	if (is_cpu && the_case->idle && s->runs[t])
		ret[n++] = (struct choice){(uint8_t)t, IDLE, 0};
	return n;
}

unsigned int world_choices(const struct state *s, struct choice *ret)
{
	unsigned int last = the_case->cpus + the_case->devices, n = 0, t, c;

	for (t = 0; t < THREADS; t++) {
		const struct progress *p = &s->thread[t];

		if (t >= last && (t != THREADS - 1 || !the_case->changes))
			continue;
		if (p->op)
			ret[n++] = (struct choice){(uint8_t)t, p->op, p->arg};
		else
			n += begins(s, t, &ret[n]);
	}
	for (c = 0; c < the_case->contexts && the_case->exits && !s->lock; c++)
		if (s->life[c] == LIVE && (s->id[c] || s->pins[c]) &&
		    !is_used(s, c))
			ret[n++] = (struct choice){EXITS, 0, (uint8_t)c};
	for (t = 0; t < the_case->cpus; t++)
		if (s->delays[t])
			ret[n++] = (struct choice){DRAINS, 0, (uint8_t)t};
	return n;
}

/* ---- What must hold ---- */

static bool wrong(const char *law, const char *sentence)
{
	broken.law = law;
	broken.sentence = sentence;
	broken.condition = "in each state";
	return true;
}

static bool cpus_wrong(const struct state *s)
{
	unsigned int i, j;

	for (i = 0; i < the_case->cpus; i++) {
		for (j = 0; j < i; j++) {
			if (!s->runs[i] || !s->runs[j] || s->thread[i].op ||
			    s->thread[j].op)
				continue;
			if (s->runs[i] != s->runs[j] &&
			    s->number[i] == s->number[j])
				return wrong("ASID_1", "two CPUs run different "
				                       "contexts under one "
				                       "number");
			if (s->runs[i] == s->runs[j] &&
			    s->number[i] != s->number[j])
				return wrong("ASID_3", "a context runs under "
				                       "two numbers");
		}
	}
	return false;
}

static bool devices_wrong(const struct state *s)
{
	unsigned int d, i;

	for (d = 0; d < the_case->devices; d++) {
		if (!s->bound[d])
			continue;
		if ((s->id[s->bound[d] - 1] & ((1u << BITS) - 1)) !=
		    s->bound_number[d])
			return wrong("ASID_2",
			             "a pinned context has another number");
		for (i = 0; i < the_case->cpus; i++)
			if (!s->thread[i].op && s->runs[i] &&
			    s->runs[i] != s->bound[d] &&
			    s->number[i] == s->bound_number[d])
				return wrong("ASID_2", "a pinned number was "
				                       "given to another");
	}
	return false;
}

static bool contexts_wrong(const struct state *s)
{
	unsigned int c, pinned = 0, bits = 0;
	uint32_t numbers = 0, bit;

	for (c = 0; c < the_case->contexts; c++) {
		bit = 1u << (s->id[c] & ((1u << BITS) - 1));
		if (s->id[c] >> BITS == s->generation >> BITS) {
			if (numbers & bit)
				return wrong("ASID_1", "two contexts of a "
				                       "generation have one "
				                       "number");
			numbers |= bit;
		}
		if (s->pins[c] & 0x3f) {
			pinned++;
			bits |= bit;
		}
	}
	if (s->lock)
		return false;
	bit = (1u << the_case->numbers) - 2;
	if (pinned != s->npinned || (s->pinned & bit) != bits)
		return wrong("ASID_9", "not what is counted is pinned");
	return false;
}

/*
 * When a switch goes the short way, the long one would have come to the same:
 * so one that is on its way to the lock may as well begin anew there.
 */
static void see_fit(const struct state *s)
{
	unsigned int t;

	for (t = 0; t < the_case->cpus && !s->lock; t++) {
		bool is_short = the_case->asymmetric
		                        ? s->seen[t] == s->generation
		                        : s->active[t] != 0;

		if (is_short && s->flushed[t] != s->generation)
			misfit = "no flush is due when a switch can be short";
	}
}

enum outcome world_do(struct state *s, struct choice c)
{
	enum outcome outcome = WENT_ON;

	w = s;
	self = c.thread;
	if (c.thread == DRAINS) {
		s->active[c.arg] = s->delayed[c.arg][0];
		s->delayed[c.arg][0] = s->delayed[c.arg][1];
		s->delayed[c.arg][1] = 0;
		s->delays[c.arg]--;
		if (options.tracing)
			trace(c.arg, "", "its delayed store is seen");
	} else if (c.thread == EXITS) {
		if (options.tracing)
			trace(THREADS, "exit", "context %c exits", 'A' + c.arg);
		outcome = run_whole(s, exit_now, c.arg);
	} else {
		if (!s->thread[c.thread].op)
			start(s, c.thread, (enum op)c.op, c.arg);
		outcome = run_step(s, c.thread, (enum op)c.op, c.arg);
	}
	if (outcome != WENT_ON)
		return outcome;
	settle(s, c.thread);
	if (options.merged)
		see_fit(s);
	return cpus_wrong(s) || devices_wrong(s) || contexts_wrong(s) ? BROKE
	                                                              : WENT_ON;
}
