/* SPDX-License-Identifier: MIT */
/*
 * One step of a thread. What a thread is: an operation, and what its accesses
 * have given. To go on, the operation is run again from its start and given
 * the same; then it does one access that others can see, goes on to the next
 * such one, and is left there.
 *
 *	replayed accesses   from the log
 *	the step            on memory, and into the log
 *	accesses that commute with all that others may do: along with it
 *	the next one        left (pause)
 *
 * What is only used under the lock keeps in the state the values that it had
 * when the lock was taken, until it is released: the code that is run again
 * finds them as it first did.
 *
 * Taking a lock moves to the right of what others do, releasing it to the left:
 * so an acquisition goes with the access after it, a release with that before.
 */
#include <stddef.h>
#include <string.h>

#include "replay.h"

struct broken broken;
const char *misfit;
unsigned int run_missed;
const struct replay_case *the_case;

static struct {
	struct state *s;
	struct progress *p;
	unsigned int thread, at; /* at: in the log */
	bool consumed;           /* its one access is done */
	bool holds, whole, not_now, begins_anew, paused, after_id;
	bool probing, changed;
	unsigned int phase, used_words; /* of what is done under the lock */
	void *out[5];
} now;

/* ---- Leaving ---- */

__attribute__((noinline)) static _Noreturn void leave(void)
{
	__builtin_longjmp(now.out, 1);
}

void break_law(const char *law, const char *condition, const char *sentence)
{
	broken.law = law;
	broken.condition = condition;
	broken.sentence = sentence;
	leave();
}

static void law_broken(const char *law, const char *condition, const char *file,
                       int line)
{
	broken.file = file;
	broken.line = line;
	break_law(law, condition, "a law of the source");
}

static _Noreturn void engine_wrong(const char *sentence)
{
	break_law("ENGINE", sentence, "the engine is not fit for this code");
}

/* The next access would be another step. */
static void pause_before(void)
{
	if (!now.consumed) {
		now.consumed = true;
		return;
	}
	if (now.p->used && !now.holds && now.begins_anew) {
		/* The lock was released: nothing that was read matters. */
		if (!world_restarts((enum op)now.p->op))
			engine_wrong("no access after a release");
		now.p->used = 0;
		now.p->ids = 0;
	}
	now.paused = true;
	leave();
}

static void note(uint64_t value, bool id)
{
	struct progress *p = now.p;

	if (p->used == LOG)
		engine_wrong("a log has room for the operation");
	p->log[p->used] = narrow(value, id);
	if (id)
		p->ids |= 1u << p->used;
	p->used++;
	now.at = p->used;
}

static bool replayed(uint64_t *ret_value)
{
	struct progress *p = now.p;

	if (now.whole || now.at >= p->used)
		return false;
	*ret_value = wide(p->log[now.at], p->ids >> now.at & 1);
	now.at++;
	return true;
}

/* ---- Accesses ---- */

static unsigned int cpu_of(const void *cell)
{
	unsigned int i;

	for (i = 0; i < the_case->cpus; i++)
		if (cell == &cpu[i]->active)
			return i;
	return CPUS;
}

static bool is_pins(const void *cell)
{
	unsigned int i;

	for (i = 0; i < the_case->contexts; i++)
		if (cell == &context[i].pins)
			return true;
	return false;
}

/*
 * Nobody else can tell when it happens: reads under the lock of what is only
 * written under it (of pins: that there are some, or none), and a CPU's own
 * word, which others look at under the lock. Without the lock a CPU may as well
 * read that word later: others only ever make it 0, and the swap that follows
 * fails then as this would have.
 */
static bool commutes(const void *cell, bool load)
{
	if (!now.holds)
		return load && cpu_of(cell) == now.thread;
	if (cpu_of(cell) == now.thread)
		return true;
	return load && (!is_pins(cell) ? cpu_of(cell) == CPUS
	                               : now.thread < the_case->cpus);
}

/* ---- What is one step besides, when merged ---- */

static bool is_id(const void *cell)
{
	unsigned int i;

	for (i = 0; i < the_case->contexts; i++)
		if (cell == &context[i].id)
			return true;
	return false;
}

/* One device: nobody else changes pins, or looks at them without the lock. */
static bool holds_merged(void)
{
	return options.merged && now.holds &&
	       (now.thread < the_case->cpus || the_case->devices == 1);
}

static void fits(bool does, const char *sentence)
{
	if (!does)
		misfit = sentence;
}

/*
 * What is under the lock is one step when it is in this order: the generation
 * is written, each CPU's word is used once, an id is written. Then what a
 * switch without the lock does in the midst of it, it could have done before or
 * after; README.md says why.
 */
static void see_order(const void *cell, bool load)
{
	unsigned int c = cpu_of(cell);

	if (c != CPUS && c != now.thread) {
		run_missed |= (now.s->delays[c] != 0) << c;
		fits(now.phase == 1 && !(now.used_words >> c & 1),
		     "each word of a CPU once, after the generation is new");
		now.used_words |= 1u << c;
	} else if (!load && cell == &asids->generation.cell) {
		fits(now.phase == 0, "the generation first, and once");
		now.phase = 1;
	} else if (!load && is_id(cell)) {
		fits(now.phase < 2, "an id last, and once");
		now.phase = 2;
	}
}

/*
 * A look at an id and at the generation after it: if there was a rollover
 * between them, the switch might as well begin right after that.
 */
static bool is_merged(const void *cell, bool load)
{
	bool after_id = now.after_id;

	now.after_id = load && is_id(cell);
	if (holds_merged()) {
		see_order(cell, load);
		return true;
	}
	if (!options.merged)
		return false;
	if (cell == &asids->generation.cell)
		return after_id && load && !the_case->asymmetric;
	return is_pins(cell) && the_case->devices == 1;
}

static uint64_t get(const void *cell, unsigned int size)
{
	return size == 8 ? *(const uint64_t *)cell : *(const uint32_t *)cell;
}

static void put(void *cell, unsigned int size, uint64_t value)
{
	now.changed = true;
	if (size == 8)
		*(uint64_t *)cell = value;
	else
		*(uint32_t *)cell = (uint32_t)value;
}

static void show(const struct explore_site *site, const char *what,
                 uint64_t value, unsigned int size)
{
	if (!options.tracing)
		return;
	if (size == 8 && value == IOAS_ASID_IDLE)
		trace(now.thread, site->function, "%s %s: idle", what,
		      site->what);
	else if (size == 8)
		trace(now.thread, site->function, "%s %s: %llu.%llu", what,
		      site->what, (unsigned long long)(value >> BITS),
		      (unsigned long long)(value & ((1u << BITS) - 1)));
	else
		trace(now.thread, site->function, "%s %s: %llu%s%s", what,
		      site->what, (unsigned long long)(value & IOAS_ASID_PINS),
		      value & IOAS_ASID_GOING ? " going" : "",
		      value & IOAS_ASID_EXITED ? " exited" : "");
}

static uint64_t access(void *cell, unsigned int size, bool load,
                       const struct explore_site *site, const char *what)
{
	uint64_t value;

	if (!now.whole && !is_merged(cell, load) && !commutes(cell, load))
		pause_before();
	value = get(cell, size);
	if (!now.whole)
		note(value, size == 8);
	if (load)
		show(site, what, value, size);
	return value;
}

uint64_t explore_load(const void *cell, unsigned int size,
                      enum explore_order order, const struct explore_site *site)
{
	uint64_t value;

	/* In the short way of who never goes it: whatever it is. */
	if (!the_case->asymmetric && order == EXPLORE_RELAXED &&
	    !strcmp(site->function, "ioas_asid_switch"))
		return 0;
	if (replayed(&value))
		return value;
	return access((void *)(uintptr_t)cell, size, true, site, "load");
}

/* A CPU says what it runs, and nobody sees it yet. */
static bool delay(unsigned int c, uint64_t value,
                  const struct explore_site *site)
{
	struct state *s = now.s;

	if (c != now.thread || now.holds || !options.delays ||
	    !the_case->asymmetric)
		return false;
	if (s->delays[c] == DELAYED) {
		pause_before();
		cpu[c]->active = wide(s->delayed[c][0], true);
		s->delayed[c][0] = s->delayed[c][1];
		s->delays[c]--;
	}
	s->delayed[c][s->delays[c]++] = narrow(value, true);
	now.changed = true;
	note(value, true);
	show(site, "delayed store", value, 8);
	return true;
}

void explore_store(void *cell, unsigned int size, uint64_t value,
                   enum explore_order order, const struct explore_site *site)
{
	uint64_t was;

	if (replayed(&was) || delay(cpu_of(cell), value, site))
		return;
	access(cell, size, false, site, "store");
	put(cell, size, value);
	show(site, "store", value, size);
}

uint64_t explore_exchange(void *cell, unsigned int size, uint64_t value,
                          const struct explore_site *site)
{
	uint64_t was;

	if (replayed(&was))
		return was;
	was = access(cell, size, false, site, "exchange");
	put(cell, size, value);
	show(site, "exchange, was", was, size);
	return was;
}

uint64_t explore_add(void *cell, unsigned int size, uint64_t value,
                     const struct explore_site *site)
{
	uint64_t was;

	if (replayed(&was))
		return was;
	was = access(cell, size, false, site, "add");
	put(cell, size, was + value);
	show(site, "add, was", was, size);
	return was;
}

uint64_t explore_cas(void *cell, unsigned int size, uint64_t expected,
                     uint64_t value, const struct explore_site *site)
{
	uint64_t was;

	if (replayed(&was))
		return was;
	was = access(cell, size, false, site, "compare and swap");
	if (was == expected)
		put(cell, size, value);
	show(site, was == expected ? "compare and swap, was" : "no swap, is",
	     was, size);
	return was;
}

static void drain(struct state *s, unsigned int c)
{
	if (!s->delays[c])
		return;
	cpu[c]->active = wide(s->delayed[c][s->delays[c] - 1], true);
	memset(s->delayed[c], 0, sizeof(s->delayed[c]));
	s->delays[c] = 0;
}

void explore_fence(const struct explore_site *site)
{
	if (!run_again(true, site->function, "fence"))
		now.s->pending = 0;
}

void explore_compiler_barrier(const struct explore_site *site)
{
}

static bool barrier(void)
{
	unsigned int i;

	if (!now.s || run_again(true, "barrier", "barrier on all threads"))
		return true;
	for (i = 0; i < the_case->cpus; i++)
		drain(now.s, i);
	return true;
}

/* ---- The lock ---- */

#define AT_LOCK 0xa10 /* in a log */

/* A first 0 leads to the lock as well; whoever wants that looks whether. */
void run_forget(struct progress *p)
{
	memset(p->log, 0, p->used * sizeof(p->log[0]));
	/* The id; or what the CPU ran, and the id. */
	p->used = the_case->asymmetric ? 1 : 2;
	p->ids = (1u << p->used) - 1;
}

void replay_lock(const struct explore_site *site)
{
	uint64_t none = AT_LOCK;

	if (now.whole || replayed(&none)) {
		if (none != AT_LOCK)
			engine_wrong("a lock is taken where it was before");
		now.holds = true;
		return;
	}
	/* Merged: what was read to come here may as well be read now. */
	if (now.consumed &&
	    !(options.merged && !the_case->asymmetric && now.p->op == SWITCH)) {
		now.paused = true;
		leave();
	}
	if (now.s->lock || now.probing) {
		now.not_now = true;
		leave();
	}
	if (now.thread < the_case->cpus)
		drain(now.s, now.thread);
	now.s->lock = (uint8_t)(now.thread + 1);
	now.holds = true;
	note(AT_LOCK, false);
	if (options.tracing)
		trace(now.thread, site->function, "lock");
}

void replay_unlock(const struct explore_site *site)
{
	now.holds = false;
	if (now.whole)
		return;
	now.s->lock = 0;
	now.consumed = true;
	now.begins_anew = true;
	if (options.tracing)
		trace(now.thread, site->function, "unlock");
}

bool run_again(bool visible, const char *where, const char *what)
{
	uint64_t none;

	if (replayed(&none))
		return true;
	if (visible && !now.whole && !holds_merged())
		pause_before();
	if (!now.whole)
		note(0, false);
	if (options.tracing)
		trace(now.thread, where, "%s", what);
	return false;
}

/* ---- Steps ---- */

void run_init(void)
{
	ioas_hooks.law_broken = law_broken;
	ioas_hooks.barrier = barrier;
}

static void begin(struct state *s, struct progress *p, unsigned int t)
{
	now.s = s;
	now.p = p;
	now.thread = t;
	now.at = 0;
	now.consumed = now.holds = now.whole = now.not_now = false;
	now.begins_anew = now.paused = now.after_id = false;
	now.changed = false;
	now.phase = now.used_words = 0;
	state_to_memory(s);
}

static void end(struct state *s, struct progress *p)
{
	state_from_memory(s, !now.holds);
	p->holds = now.holds;
	if (!now.paused) {
		memset(p, 0, offsetof(struct progress, log));
		memset(p->log, 0, sizeof(p->log));
	}
}

enum outcome run_step(struct state *s, unsigned int t, enum op op,
                      unsigned int arg)
{
	struct progress *p = &s->thread[t];

	p->op = (uint8_t)op;
	p->arg = (uint8_t)arg;
	begin(s, p, t);
	if (!__builtin_setjmp(now.out))
		world_run(t, op, arg);
	if (broken.law)
		return BROKE;
	if (now.not_now)
		return NOT_NOW;
	end(s, &s->thread[t]);
	return WENT_ON;
}

bool run_is_vain(struct state *s, unsigned int t)
{
	enum op op = (enum op)s->thread[t].op;
	bool tracing = options.tracing;
	enum outcome outcome;

	options.tracing = false;
	now.probing = true;
	outcome = run_step(s, t, op, s->thread[t].arg);
	now.probing = false;
	options.tracing = tracing;
	if (outcome == BROKE)
		memset(&broken, 0, sizeof(broken));
	return outcome == NOT_NOW && !now.changed;
}

void run_begin(struct state *s, void (*fn)(struct state *s, unsigned int arg))
{
	now.s = NULL;
	now.whole = true;
	if (!__builtin_setjmp(now.out)) {
		fn(s, 0);
		state_from_memory(s, true);
	}
	now.s = s;
}

enum outcome run_whole(struct state *s,
                       void (*fn)(struct state *s, unsigned int arg),
                       unsigned int arg)
{
	static struct progress none;

	begin(s, &none, THREADS);
	now.whole = true;
	if (!__builtin_setjmp(now.out)) {
		fn(s, arg);
		state_from_memory(s, true);
	}
	return broken.law ? BROKE : WENT_ON;
}
