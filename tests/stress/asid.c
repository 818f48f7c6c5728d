/* SPDX-License-Identifier: MIT */
/*
 * Numbers of 8 bits for 10,000 contexts on 64 simulated CPUs, with as many
 * pinned as can be. Each CPU and each device has a translation cache that
 * shouts when a number translates for another context than the one it is of.
 *
 *	CPUs      switch, some seldom; what a number had cached must be theirs
 *	devices   pin, use, unpin; the last to unpin makes all of them forget
 *	exits     contexts end, pinned or not, and begin anew in their memory
 *	changes   tables change; after the invalidation nothing old is used
 *
 * By turns they are calm: few contexts, few pins, so that most switches are
 * short ones beside the rollovers.
 *
 * asid [SECONDS] [--exchange] [--no-controls]. First it breaks what it relies
 * on, each in a process of its own, which has to shout: a stress that is deaf
 * is a failure. The exit status is 1 when a law was broken, whose name is
 * printed.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ioas/asid.h>

#include "base/lock.h"
#include "host/host.h"

#define BITS     8
#define NUMBERS  (1u << BITS)
#define CPUS     64
#define THREADS  4 /* that have the CPUs */
#define CONTEXTS 10000
#define DEVICES  2
#define RING     120 /* pins of a device: more than can be, together */
#define HOT      240 /* contexts that are used while it is calm, */
#define FEW      8   /* and pins of a device */
#define EXITING  (UINT32_C(1) << 31)
#define NOISE    24 /* stores that miss, before each switch */
#define FIELD    (1u << 20)

/* An entry: which context, in which of its lives, and how old its tables. */
struct cache {
	struct ioas_lock lock;
	uint32_t who[NUMBERS], version[NUMBERS];
};

struct context {
	struct ioas_asid_context asid;
	struct ioas_a32 users, lives, version;
};

struct sim {
	struct ioas_asid_cpu *cpu;
	struct cache cache;
	struct context *current;
	/* Who and number, while it runs that: from after to before a switch. */
	struct ioas_a64 running __attribute__((aligned(64)));
};

struct seed {
	uint64_t state;
	unsigned int index;
};

static struct {
	struct ioas_asids *asids;
	struct context context[CONTEXTS];
	struct sim sim[CPUS];
	struct cache device[DEVICES];
	struct ioas_a32 owner[NUMBERS]; /* who is pinned under it */
	struct ioas_a32 stop, calm;
	struct ioas_a64 switches, pins, exits, late, changes;
	bool no_flush, no_forget, no_barrier, no_invalidate;
} s;

static uint32_t field[FIELD];

static _Noreturn void shout(const char *law, const char *what)
{
	printf("%s is broken: %s\n", law, what);
	fflush(stdout);
	_exit(1);
}

static void law_broken(const char *law, const char *condition, const char *file,
                       int line)
{
	shout(law, condition);
}

static void must(bool condition, const char *what)
{
	if (!condition) {
		printf("asid: %s\n", what);
		exit(2);
	}
}

static uint32_t random_below(struct seed *seed, uint32_t n)
{
	seed->state = seed->state * UINT64_C(6364136223846793005) +
	              UINT64_C(1442695040888963407);
	return (uint32_t)((seed->state >> 33) % n);
}

/* ---- Contexts ---- */

static uint32_t who(struct context *c)
{
	return (uint32_t)(c - s.context) + 1 + (ioas_a32_load(&c->lives) << 14);
}

/* Use a context: it does not exit meanwhile. */
static bool get(struct context *c)
{
	uint32_t seen = ioas_a32_load(&c->users);

	do {
		if (seen & EXITING)
			return false;
	} while (!ioas_a32_cas(&c->users, &seen, seen + 1));
	return true;
}

static void put(struct context *c)
{
	ioas_a32_add(&c->users, -1u);
}

static struct context *get_any(struct seed *seed)
{
	uint32_t n = ioas_a32_load_relaxed(&s.calm) ? HOT : CONTEXTS;
	struct context *c;

	do {
		c = &s.context[random_below(seed, n)];
	} while (!get(c));
	return c;
}

/* Its memory is ours: the next life. */
static void begin_anew(struct context *c)
{
	memset(&c->asid, 0xa5, sizeof(c->asid));
	ioas_asid_context_init(s.asids, &c->asid);
	ioas_a32_add(&c->lives, 1);
	ioas_a32_store(&c->users, 0);
}

/* ---- Caches ---- */

static void flush(void *arg, unsigned int cpu)
{
	struct cache *cache = &s.sim[cpu].cache;

	if (s.no_flush)
		return;
	ioas_lock(&cache->lock);
	memset(cache->who, 0, sizeof(cache->who));
	ioas_unlock(&cache->lock);
}

static void fill_locked(struct cache *cache, uint32_t number, struct context *c,
                        const char *law)
{
	uint32_t was = cache->who[number];

	if (was && was != who(c))
		shout(law, "a number translates for another context");
	cache->who[number] = who(c);
	cache->version[number] = ioas_a32_load(&c->version);
}

static void drop(struct cache *cache, uint32_t number, uint32_t whose)
{
	ioas_lock(&cache->lock);
	if (!whose || cache->who[number] == whose)
		cache->who[number] = 0;
	ioas_unlock(&cache->lock);
}

static void invalidate(void *arg, const struct ioas_asid_invalidation *what)
{
	uint32_t whose = who((struct context *)(void *)what->context);
	unsigned int i;

	if (s.no_invalidate)
		return;
	for (i = 0; i < CPUS; i++)
		drop(&s.sim[i].cache, what->number, whose);
	for (i = 0; i < DEVICES; i++)
		drop(&s.device[i], what->number, whose);
}

static void forget(void *arg, struct ioas_asid_context *context,
                   uint32_t number)
{
	unsigned int i;

	/* As long as a device may take; nobody waits. */
	if (number % 16 == 0)
		usleep(1000);
	ioas_a32_store(&s.owner[number], 0);
	for (i = 0; i < DEVICES && !s.no_forget; i++)
		drop(&s.device[i], number, 0);
}

static bool barrier_in_vain(void)
{
	return true;
}

/* ---- CPUs ---- */

static void look_at_others(const struct sim *own, uint32_t whose,
                           uint32_t number)
{
	uint32_t owner = ioas_a32_load(&s.owner[number]);
	unsigned int i;

	if (owner && owner != whose)
		shout("ASID_2", "a pinned number was given to another");
	for (i = 0; i < CPUS; i++) {
		uint64_t other = ioas_a64_load(&s.sim[i].running);

		if (!other || &s.sim[i] == own)
			continue;
		if ((uint32_t)other == number && other >> 32 != whose)
			shout("ASID_1", "two contexts run under one number");
		if (other >> 32 == whose && (uint32_t)other != number)
			shout("ASID_3", "a context runs under two numbers");
	}
}

/* Fill store buffers: what a switch says is seen late then. */
static void make_noise(struct seed *seed)
{
	unsigned int i;

	for (i = 0; i < NOISE; i++)
		__atomic_store_n(&field[random_below(seed, FIELD)], i,
		                 __ATOMIC_RELAXED);
}

static void run(struct sim *sim, struct seed *seed)
{
	struct context *next = get_any(seed);
	uint32_t number;

	/* From here on it walks no tables. */
	ioas_a64_store(&sim->running, 0);
	make_noise(seed);
	number = ioas_asid_switch(sim->cpu, &next->asid);
	ioas_lock(&sim->cache.lock);
	fill_locked(&sim->cache, number, next, "ASID_5");
	ioas_a64_store(&sim->running, (uint64_t)who(next) << 32 | number);
	ioas_unlock(&sim->cache.lock);
	if (sim->current)
		put(sim->current);
	sim->current = next;
	look_at_others(sim, who(next), number);
	ioas_a64_add(&s.switches, 1);
}

static void idle(struct sim *sim)
{
	ioas_a64_store(&sim->running, 0);
	ioas_asid_idle(sim->cpu);
	if (sim->current)
		put(sim->current);
	sim->current = NULL;
}

/* CPU i of a thread's switches every 2^(i mod 8) rounds only. */
static void *cpus(void *arg)
{
	struct seed *seed = arg;
	struct sim *first = &s.sim[seed->index * (CPUS / THREADS)];
	unsigned int round, i;

	for (round = 0; !ioas_a32_load(&s.stop); round++) {
		for (i = 0; i < CPUS / THREADS; i++) {
			if (round % (1u << i % 8))
				continue;
			if (random_below(seed, 64) == 0)
				idle(&first[i]);
			else
				run(&first[i], seed);
		}
	}
	for (i = 0; i < CPUS / THREADS; i++)
		idle(&first[i]);
	return NULL;
}

/* ---- Devices ---- */

struct pinned {
	struct context *context;
	uint32_t number;
};

static void pin(struct pinned *p, struct seed *seed)
{
	struct context *c = get_any(seed);
	int rc = ioas_asid_pin(&c->asid, &p->number);

	put(c);
	if (rc)
		return;
	p->context = c;
	ioas_a32_store(&s.owner[p->number], who(c));
	ioas_a64_add(&s.pins, 1);
}

static void use(struct cache *device, const struct pinned *p)
{
	uint32_t number;

	ioas_lock(&device->lock);
	fill_locked(device, p->number, p->context, "ASID_8");
	ioas_unlock(&device->lock);
	if (ioas_asid_pin(&p->context->asid, &number) == 0) {
		ioas_asid_unpin(&p->context->asid);
		if (number != p->number)
			shout("ASID_2", "a pinned context has another number");
	}
}

static void unpin(struct pinned *p)
{
	if (ioas_asid_unpin(&p->context->asid)) {
		ioas_a64_add(&s.late, 1);
		begin_anew(p->context);
	}
	p->context = NULL;
}

static void *device(void *arg)
{
	static struct pinned rings[DEVICES][RING];
	struct seed *seed = arg;
	struct pinned *ring = rings[seed->index], *p;
	unsigned int i;
	bool calm;

	while (!ioas_a32_load(&s.stop)) {
		p = &ring[random_below(seed, RING)];
		calm = ioas_a32_load(&s.calm) && p >= &ring[FEW];
		if (!p->context) {
			if (!calm)
				pin(p, seed);
			continue;
		}
		use(&s.device[seed->index], p);
		if (calm || random_below(seed, 8) == 0)
			unpin(p);
	}
	for (i = 0; i < RING; i++)
		if (ring[i].context)
			unpin(&ring[i]);
	return NULL;
}

/* ---- Exits, and tables that change ---- */

static void *exits(void *arg)
{
	struct seed *seed = arg;

	while (!ioas_a32_load(&s.stop)) {
		struct context *c = &s.context[random_below(seed, CONTEXTS)];
		uint32_t seen = 0;

		if (ioas_a32_load(&s.calm))
			usleep(100);
		if (!ioas_a32_cas(&c->users, &seen, EXITING))
			continue;
		ioas_a64_add(&s.exits, 1);
		if (ioas_asid_context_exit(&c->asid))
			begin_anew(c);
	}
	return NULL;
}

static void look_for_old(struct sim *sim, uint32_t whose, uint32_t version)
{
	uint64_t running;

	ioas_lock(&sim->cache.lock);
	running = ioas_a64_load(&sim->running);
	if (running >> 32 == whose &&
	    sim->cache.who[(uint32_t)running] == whose &&
	    (int32_t)(sim->cache.version[(uint32_t)running] - version) < 0)
		shout("ASID_10", "an entry is older than the invalidation");
	ioas_unlock(&sim->cache.lock);
}

static void *changes(void *arg)
{
	struct seed *seed = arg;
	unsigned int i;

	while (!ioas_a32_load(&s.stop)) {
		/* One that some CPU is likely to run. */
		struct sim *sim = &s.sim[random_below(seed, CPUS)];
		uint64_t running = ioas_a64_load(&sim->running);
		uint32_t index = (uint32_t)(running >> 32) & 0x3fff;
		struct context *c = index ? &s.context[index - 1] : NULL;
		uint32_t version;

		if (!c || !get(c))
			continue;
		version = ioas_a32_add(&c->version, 1);
		ioas_asid_invalidate(&c->asid, 0, UINT64_MAX);
		for (i = 0; i < CPUS; i++)
			look_for_old(&s.sim[i], who(c), version);
		put(c);
		ioas_a64_add(&s.changes, 1);
	}
	return NULL;
}

/* ---- All of it ---- */

static void begin(bool exchange)
{
	static const struct ioas_asid_ops ops = {
		.flush = flush,
		.invalidate = invalidate,
		.forget = forget,
	};
	struct ioas_asid_config config = {
		.bits = BITS,
		.cpus = CPUS,
		.way = exchange ? IOAS_ASID_EXCHANGE : IOAS_ASID_BEST,
		.ops = &ops,
	};
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	if (s.no_barrier)
		ioas_hooks.barrier = barrier_in_vain;
	must(!ioas_asids_create(&config, &s.asids), "no allocator");
	for (i = 0; i < CPUS; i++)
		must(!ioas_asid_join(s.asids, i, BITS, &s.sim[i].cpu), "CPU");
	for (i = 0; i < CONTEXTS; i++)
		ioas_asid_context_init(s.asids, &s.context[i].asid);
}

static void run_for(double seconds)
{
	static void *(*const start[])(void *) = {
		cpus, cpus, cpus, cpus, device, device, exits, changes};
	enum { N = sizeof(start) / sizeof(start[0]) };
	pthread_t thread[N];
	struct seed seed[N];
	unsigned int i;

	for (i = 0; i < N; i++) {
		seed[i].state = i * 7919 + 1;
		seed[i].index = i < THREADS ? i : i - THREADS;
		must(!pthread_create(&thread[i], NULL, start[i], &seed[i]),
		     "no thread");
	}
	for (i = 0; i < seconds * 10; i++) {
		usleep(100000);
		ioas_a32_store(&s.calm, i % 2 == 0);
	}
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < N; i++)
		pthread_join(thread[i], NULL);
}

/* In a process of its own: it has to shout within some seconds. */
static void control(const char *name, bool *broken, bool exchange)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	must(pid >= 0, "no process");
	if (!pid) {
		printf("control %-14s ", name);
		*broken = true;
		begin(exchange);
		run_for(20);
		printf("nothing was seen\n");
		exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	             WEXITSTATUS(status) == 1,
	     "a control was not seen: it is deaf");
}

static int report(void)
{
	struct ioas_asid_report r;

	ioas_asids_inspect(s.asids, &r);
	printf("%s: %" PRIu64 " switches, %" PRIu64 " by lock, %" PRIu64
	       " rollovers, %" PRIu64 " flushes\n",
	       r.asymmetric ? "asymmetric" : "exchange",
	       ioas_a64_load(&s.switches), r.slow, r.rollovers, r.flushes);
	printf("%" PRIu64 " pins, %" PRIu64 " refused, at most %u of %u; "
	       "%" PRIu64 " exits, %" PRIu64 " while pinned; %" PRIu64
	       " invalidations\n",
	       ioas_a64_load(&s.pins), r.refused, r.most_pinned, r.limit,
	       ioas_a64_load(&s.exits), ioas_a64_load(&s.late),
	       ioas_a64_load(&s.changes));
	must(r.pinned == 0, "pins are left");
	must(r.rollovers > 10 && r.refused && ioas_a64_load(&s.late) &&
	             r.most_pinned == r.limit,
	     "too little happened");
	return 0;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 60;
	bool exchange = false, controls = true;
	int i;

	for (i = 2; i < argc; i++) {
		exchange |= !strcmp(argv[i], "--exchange");
		controls &= strcmp(argv[i], "--no-controls") != 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (controls) {
		control("no-flush", &s.no_flush, exchange);
		control("no-forget", &s.no_forget, exchange);
		control("no-invalidate", &s.no_invalidate, exchange);
	}
	begin(exchange);
	run_for(seconds);
	return report();
}
