/* SPDX-License-Identifier: MIT */
/*
 * bench-asid: address-space identifiers, beside the published way
 * (asid_peer.h). Numbers have 16 bits.
 *
 *	switch-N    to the next of N contexts, all of this generation
 *	...-two     while a second thread does so on another CPU
 *	nested      a pin of a context that is pinned, and unpin
 *	first       a pin of one that is not, and unpin
 *	slow        to the next of 100,000 contexts: each gets a number, and
 *	            after 65535 of them there is a rollover
 *	rollover    as many pinned as can be: every switch to a new one is one;
 *	            the bound is the peer's and two barriers of this run
 *	longest     switch while pins, unpins and rollovers go on, and a device
 *	            takes 20 ms to forget; of each 50 ms, without the moments in
 *	            which the system took the processor away
 *	limit       a store and two loads; its ratio is how many times that a
 *	            switch takes
 *	locked      a compare and swap that nobody disturbs; its ratio is how
 *	            many times that a first pin and its unpin take. They have
 *	            three such operations, as the peer's have: each takes the
 *	            lock, which a store releases (ioas_light_unlock()), and
 *	            unpin says that the last pin goes. Nested ones have two,
 *	            the peer's four: 2.07 is the most there can be, so they
 *	            are inlined, as switch is
 *
 * Both ways have to give the same numbers, first of all.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <ioas/asid.h>

#include "base/atomic.h"
#include "benchmarks/asid_peer.h"
#include "benchmarks/meter.h"
#include "host/host.h"

#define BITS  16
#define CPUS  2
#define MANY  60000
#define SLOW  100000
#define PINS  ((1u << BITS) - CPUS - 2)
#define OTHER (SLOW + 3)

/* One allocator of each way, with contexts. */
struct way {
	struct ioas_asids *asids;
	struct ioas_asid_cpu *cpu[CPUS];
	struct ioas_asid_context *context;
	struct peer_asids *peer;
	struct peer_context *peers;
};

/* What a slice goes through: contexts from 0 to count - 1, by turns. */
struct turn {
	struct way *way;
	unsigned int cpu, at, count;
};

static struct way usual, slow, full, blocked;

/* ---- Callbacks ---- */

static void flush(void *arg, unsigned int cpu)
{
}

static void take_20_ms(void)
{
	usleep(20000);
}

static void forget_slowly(void *arg, struct ioas_asid_context *context,
                          uint32_t number)
{
	take_20_ms();
}

static void begin(struct way *way, unsigned int bits, unsigned int count,
                  bool sleepy)
{
	static const struct ioas_asid_ops ops = {.flush = flush};
	static const struct ioas_asid_ops sleeps = {.flush = flush,
	                                            .forget = forget_slowly};
	struct ioas_asid_config config = {
		.bits = bits,
		.cpus = CPUS,
		.way = IOAS_ASID_ASYMMETRIC,
		.ops = sleepy ? &sleeps : &ops,
	};
	unsigned int i;

	way->context = calloc(count, sizeof(*way->context));
	way->peers = calloc(count, sizeof(*way->peers));
	way->peer = peer_asids_create(bits, CPUS);
	if (!way->context || !way->peers || !way->peer ||
	    ioas_asids_create(&config, &way->asids))
		abort();
	for (i = 0; i < count; i++)
		ioas_asid_context_init(way->asids, &way->context[i]);
	for (i = 0; i < CPUS; i++)
		if (ioas_asid_join(way->asids, i, bits, &way->cpu[i]))
			abort();
}

/* ---- Switch ---- */

/* tools/check-reader looks at its instructions. */
uint32_t bench_asid_switch(struct ioas_asid_cpu *cpu,
                           struct ioas_asid_context *context);

__attribute__((noinline, aligned(64))) uint32_t
bench_asid_switch(struct ioas_asid_cpu *cpu, struct ioas_asid_context *context)
{
	return ioas_asid_switch(cpu, context);
}

/* How many contexts there are to the last one, or to the end of the slice. */
static inline unsigned long round_of(const struct turn *t, unsigned long n)
{
	unsigned long left = t->count - t->at;

	return n < left ? n : left;
}

static inline void end_round(struct turn *t, unsigned long done)
{
	t->at += (unsigned int)done;
	if (t->at == t->count)
		t->at = 0;
}

static void switch_ours(void *state, unsigned long n)
{
	struct turn *t = state;
	struct ioas_asid_cpu *cpu = t->way->cpu[t->cpu];
	struct ioas_asid_context *context;
	unsigned long round, i;
	uint32_t sum = 0;

	for (; n; n -= round) {
		round = round_of(t, n);
		context = &t->way->context[t->at];
		for (i = 0; i < round; i++)
			sum += ioas_asid_switch(cpu, &context[i]);
		end_round(t, round);
	}
	meter_use((void *)(uintptr_t)sum);
}

static void switch_peers(void *state, unsigned long n)
{
	struct turn *t = state;
	struct peer_asids *peer = t->way->peer;
	struct peer_context *context;
	unsigned long round, i;
	uint32_t sum = 0;

	for (; n; n -= round) {
		round = round_of(t, n);
		context = &t->way->peers[t->at];
		for (i = 0; i < round; i++)
			sum += peer_asid_switch(peer, t->cpu, &context[i]);
		end_round(t, round);
	}
	meter_use((void *)(uintptr_t)sum);
}

/* What a short switch cannot do without. */
static void store_and_loads(void *state, unsigned long n)
{
	static struct ioas_a64 own, generation;
	struct turn *t = state;
	struct ioas_asid_context *context;
	unsigned long round, i;
	uint64_t sum = 0;

	for (; n; n -= round) {
		round = round_of(t, n);
		context = &t->way->context[t->at];
		for (i = 0; i < round; i++) {
			ioas_a64_store_relaxed(&own, context[i].id);
			sum += ioas_a64_load_relaxed(&generation);
		}
		end_round(t, round);
	}
	meter_use((void *)(uintptr_t)sum);
}

/* ---- Pins ---- */

static void pin_ours(void *state, unsigned long n)
{
	struct turn *t = state;
	struct ioas_asid_context *context = &t->way->context[t->at];
	uint32_t number;

	while (n--) {
		if (ioas_asid_pin(context, &number))
			abort();
		meter_use((void *)(uintptr_t)number);
		ioas_asid_unpin(context);
	}
}

static void pin_peers(void *state, unsigned long n)
{
	struct turn *t = state;
	struct peer_context *context = &t->way->peers[t->at];
	uint32_t number;

	while (n--) {
		number = peer_asid_pin(t->way->peer, context);
		meter_use((void *)(uintptr_t)number);
		peer_asid_unpin(t->way->peer, context);
	}
}

static void pin_both(struct way *way, unsigned int i)
{
	if (ioas_asid_pin(&way->context[i], NULL) ||
	    !peer_asid_pin(way->peer, &way->peers[i]))
		abort();
}

/* ---- Rows ---- */

static void compare(const char *name, struct turn turn,
                    void (*ours)(void *, unsigned long),
                    void (*peers)(void *, unsigned long), const char *wanted)
{
	struct turn other = turn;
	struct meter_case cases[] = {
		{.name = name, .slice = ours, .state = &turn},
		{.name = "peer", .slice = peers, .state = &other},
	};

	meter_run(cases, 2);
	meter_row("asid", &cases[0], &cases[1], wanted);
}

static struct {
	void (*slice)(void *state, unsigned long n);
	int ended;
} second;

static void *help(void *turns)
{
	struct turn *turn = turns;
	void (*slice)(void *, unsigned long);

	while (!__atomic_load_n(&second.ended, __ATOMIC_ACQUIRE)) {
		slice = __atomic_load_n(&second.slice, __ATOMIC_ACQUIRE);
		if (slice)
			slice(&turn[slice == switch_peers], 64);
	}
	return NULL;
}

#define TOGETHER(way)                                                    \
	static void together_##way(void *state, unsigned long n)         \
	{                                                                \
		__atomic_store_n(&second.slice, switch_##way,            \
		                 __ATOMIC_RELEASE);                      \
		switch_##way(state, n);                                  \
		__atomic_store_n(&second.slice, NULL, __ATOMIC_RELEASE); \
	}
TOGETHER(ours)
TOGETHER(peers)

static void two(const char *name, unsigned int count, const char *wanted)
{
	struct turn turn = {&usual, 0, 0, count};
	struct turn others[] = {{&usual, 1, 0, count}, {&usual, 1, 0, count}};
	pthread_t thread;

	second.ended = 0;
	if (pthread_create(&thread, NULL, help, others))
		abort();
	compare(name, turn, together_ours, together_peers, wanted);
	__atomic_store_n(&second.ended, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

static void barriers(void *state, unsigned long n)
{
	while (n--)
		if (!ioas_hooks.barrier())
			abort();
}

static void rollover(void)
{
	/* The three that are not pinned, by turns. */
	struct way three = full;
	struct turn ours = {&three, 0, 0, 3}, peers = ours,
		    other = {&three, 1, 3, 4};
	struct meter_case cases[] = {
		{.name = "rollover", .slice = switch_ours, .state = &ours},
		{.name = "peer", .slice = switch_peers, .state = &peers},
		{.name = "barrier", .slice = barriers},
	};
	char wanted[40];

	three.context += PINS;
	three.peers += PINS;
	/* CPU 1 keeps a number: of the others' three, one is free. */
	switch_ours(&other, 1);
	other.at = 3;
	switch_peers(&other, 1);
	meter_run(cases, 3);
	snprintf(wanted, sizeof(wanted), "min <= %.1f",
	         cases[1].min + 2 * cases[2].min);
	meter_row("asid", &cases[0], &cases[1], wanted);
	meter_row("asid", &cases[2], NULL, NULL);
}

static void swap(void *state, unsigned long n)
{
	static struct ioas_a64 word;
	uint64_t seen = 0;

	for (; n--; seen++)
		if (!ioas_a64_cas(&word, &seen, seen + 1))
			seen = ioas_a64_load(&word) - 1;
	ioas_a64_store(&word, 0);
}

static void locked(void)
{
	struct turn turn = {&usual, 0, 10, 1};
	struct meter_case cases[] = {
		{.name = "locked", .slice = swap, .state = NULL},
		{.name = "first", .slice = pin_ours, .state = &turn},
	};

	meter_run(cases, 2);
	meter_row("asid", &cases[0], &cases[1], NULL);
}

static void limits(void)
{
	struct turn turn = {&usual, 0, 0, 8}, other = turn;
	struct meter_case cases[] = {
		{.name = "limit", .slice = store_and_loads, .state = &turn},
		{.name = "switch", .slice = switch_ours, .state = &other},
	};

	meter_run(cases, 2);
	/* How much of it is left: its own time beside ours. */
	meter_row("asid", &cases[0], &cases[1], "ratio <= 2.5");
}

/* ---- The longest ---- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static long taken_away(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return r.ru_nivcsw;
}

static void *pin_slowly(void *arg)
{
	bool peer = arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&second.ended, __ATOMIC_ACQUIRE); i++) {
		unsigned int c = OTHER - 3 + i % 3;

		if (peer) {
			peer_asid_pin(blocked.peer, &blocked.peers[c]);
			peer_asid_unpin_waiting(blocked.peer, &blocked.peers[c],
			                        take_20_ms);
			usleep(1000);
			continue;
		}
		if (ioas_asid_pin(&blocked.context[c], NULL))
			abort();
		ioas_asid_unpin(&blocked.context[c]);
	}
	return NULL;
}

/* A switch; 0 when it took long and the system stopped us meanwhile. */
static uint64_t one_switch(struct turn *t, bool peer, long *taken)
{
	uint64_t begun = now(), took;
	long before = *taken;

	if (peer)
		switch_peers(t, 1);
	else
		switch_ours(t, 1);
	took = now() - begun;
	if (took < 10000)
		return took;
	*taken = taken_away();
	return *taken == before ? took : 0;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Each 50 ms: two device calls at least are on their way. */
static struct meter_case longest(const char *name, bool peer,
                                 unsigned int windows)
{
	struct turn t = {&blocked, 0, 0, 1000};
	struct meter_case c = {.name = name};
	double of[64];
	pthread_t thread;
	unsigned int w;
	uint64_t end, one;
	long taken = taken_away();

	second.ended = 0;
	if (pthread_create(&thread, NULL, pin_slowly, peer ? &second : NULL))
		abort();
	for (w = 0; w < windows; w++) {
		of[w] = 0;
		for (end = now() + 50000000; now() < end;) {
			one = one_switch(&t, peer, &taken);
			if ((double)one > of[w])
				of[w] = (double)one;
		}
	}
	__atomic_store_n(&second.ended, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	qsort(of, windows, sizeof(of[0]), by_value);
	c.min = of[0];
	c.median = of[windows / 2];
	return c;
}

static void longest_switch(void)
{
	unsigned int windows = getenv("IOAS_BENCH_SMOKE") ? 3 : 40;
	struct meter_case ours = longest("longest", false, windows);
	struct meter_case peer = longest("under the lock", true, windows);

	meter_row("asid", &ours, &peer, "median <= 1e5");
}

/* ---- All of it ---- */

/* Which numbers are given is the same rule. */
static void check_same(struct way *way, unsigned int count)
{
	unsigned int i, cpu;

	for (i = 0; i < 2 * count; i++) {
		cpu = i / 7 % CPUS;
		if (ioas_asid_switch(way->cpu[cpu], &way->context[i % count]) ==
		    peer_asid_switch(way->peer, cpu, &way->peers[i % count]))
			continue;
		fprintf(stderr, "bench-asid: the two ways disagree\n");
		exit(1);
	}
}

int main(void)
{
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	begin(&usual, BITS, MANY, false);
	begin(&slow, BITS, SLOW, false);
	begin(&full, BITS, PINS + 4, false);
	begin(&blocked, 8, OTHER, true);
	check_same(&slow, SLOW);
	check_same(&usual, MANY);
	for (i = 0; i < PINS; i++)
		pin_both(&full, i);
	compare("switch-8", (struct turn){&usual, 0, 0, 8}, switch_ours,
	        switch_peers, "ratio >= 8");
	compare("switch-60000", (struct turn){&usual, 0, 0, MANY}, switch_ours,
	        switch_peers, "ratio >= 8");
	two("switch-8-two", 8, "ratio >= 8");
	two("switch-60000-two", MANY, "ratio >= 8");
	pin_both(&usual, 9);
	compare("nested", (struct turn){&usual, 0, 9, 1}, pin_ours, pin_peers,
	        "ratio >= 2");
	compare("first", (struct turn){&usual, 0, 10, 1}, pin_ours, pin_peers,
	        "ratio >= 0.833");
	compare("slow", (struct turn){&slow, 0, 0, SLOW}, switch_ours,
	        switch_peers, "ratio >= 0.909");
	rollover();
	limits();
	locked();
	longest_switch();
	return 0;
}
