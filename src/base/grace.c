/* SPDX-License-Identifier: MIT */
/*
 * Grace periods by epochs. Each domain counts epochs, from 1. A reader writes
 * the epoch it began in into a slot of its own; a writer moves the epoch on
 * and waits until no slot holds an older one.
 *
 *	reader                            writer
 *	  e = epoch of the domain           take the thing away
 *	  slot = e                          new = ++epoch
 *	  compiler barrier   <- pairs ->    hooks.barrier()
 *	  load the thing, use it            for each slot: wait until it is
 *	  slot = 0                            0 or at least new
 *
 * Why sync may not miss a section (GRACE-1). hooks.barrier() is a full fence
 * at some point of every running thread. For each reader there are two cases:
 *
 *	the point lies behind its store to the slot: the scan sees the store,
 *	or a later one of the same thread;
 *	the point lies before it: its load of the thing comes after the point
 *	as well, and finds the thing taken away.
 *
 * A slot that holds `new` or more belongs to a reader whose load of the epoch
 * (acquire) saw what some writer published after this one's increment
 * (release; increments of other writers continue its release sequence): such a
 * reader finds the thing taken away. A slot is only stored to by release and
 * scanned by acquire, so that what an ended section did comes before what the
 * writer does next. Without hooks.barrier() both sides execute a full fence
 * in its place, which is the ordinary store buffering pattern.
 *
 * Where no other thread has a slot, there is nobody to make ordered, and the
 * barrier, a system call, is left out. Who takes a slot at that moment executes
 * a full fence before its first section, and the writer one before it looks:
 * either it sees that the slot is taken, or the section finds the thing gone.
 *
 * Writers take no lock: each has an epoch of its own to wait for, and a file
 * may be closed in a signal handler that interrupts another writer.
 *
 * Signal handlers. The slot is one word, epoch and depth, and a handler that
 * opens sections closes them before it returns. So the handler leaves the word
 * as it found it, whichever two instructions of enter or leave it came between.
 * An epoch that was loaded before the handler ran is older than need be, which
 * only makes a writer wait longer.
 *
 * Threads without a slot (all in use, or nobody would give it back at thread
 * exit) count themselves in a pair of shared counters. A section remembers
 * which of the two it went into, one per level. The writer sends newcomers to
 * the other counter and waits for each of them to be seen at 0 once; the turn
 * keeps newcomers from holding it up. The order here is by full fences on both
 * sides: a section that the writer's look missed began after it.
 *
 * Laws: GRACE-1, GRACE-2, GRACE-3, see grace.h.
 */
#include "base/grace.h"

#include "base/atomic.h"
#include "base/hooks.h"
#include "base/law.h"
#include "base/types.h"

#define READERS      256 /* threads with a slot of their own */
#define LEVELS       16  /* nested sections of a thread without one */
#define DEPTH_BITS   16
#define CLAIM_PERIOD 64 /* sections between two attempts to get one */

#define ALIGNED_TO_LINE __attribute__((aligned(64)))

/* Stored to by the owner alone; scanned by writers. */
struct reader {
	struct ioas_a32 taken; /* 1: has an owner */
	uint32_t fenced;       /* no hooks.barrier(); constant while taken */
	/* Per domain: epoch << DEPTH_BITS | nested sections; 0: in none. */
	struct ioas_a64 section[IOAS_GRACE_NR];
} ALIGNED_TO_LINE;

/* One line for what readers load, so that slots and counters do not move it. */
struct domain {
	struct ioas_a64 epoch ALIGNED_TO_LINE;
	struct ioas_a64 turn ALIGNED_TO_LINE; /* counter for newcomers: & 1 */
	struct ioas_a64 count[2];
};

/* What a thread knows about itself. */
struct self {
	struct reader *slot;
	bool claiming; /* or leaving: it cannot get a slot now */
	unsigned int attempts;
	struct ioas_a32 depth[IOAS_GRACE_NR]; /* sections without a slot */
	uint8_t counter[IOAS_GRACE_NR][LEVELS];
};

enum { UNKNOWN, BARRIER, NO_BARRIER };

static struct reader readers[READERS];
static struct ioas_a32 readers_top; /* slots from here on were never taken */
static struct ioas_a32 slotted; /* threads that may begin a section in one */
static struct domain domains[IOAS_GRACE_NR] = {
	[IOAS_GRACE_DMA] = {.epoch = {1}},
	[IOAS_GRACE_FILE] = {.epoch = {1}},
	[IOAS_GRACE_MEM] = {.epoch = {1}},
	[IOAS_GRACE_GUEST] = {.epoch = {1}},
};
static struct ioas_a32 barrier_state;

/* initial-exec: no call of the dynamic linker, which may allocate. */
static __thread struct self self __attribute__((tls_model("initial-exec")));

/* Threads that find it unknown at once all write the same answer. */
static bool barrier_works(void)
{
	uint32_t state = ioas_a32_load(&barrier_state);

	if (state == UNKNOWN) {
		state = ioas_hooks.barrier && ioas_hooks.barrier() ? BARRIER
		                                                   : NO_BARRIER;
		/* Pairs with the load above. */
		ioas_a32_store(&barrier_state, state);
	}
	return state == BARRIER;
}

/*
 * On the thread's way out. One that ends inside a section (it was cancelled)
 * runs no more and has left it. Sections of its last moments are counted: a
 * second slot might find nobody to give it back.
 */
static void release(void *arg)
{
	struct reader *r = arg;
	unsigned int d;

	for (d = 0; d < IOAS_GRACE_NR; d++)
		ioas_a64_store(&r->section[d], 0);
	self.claiming = true;
	self.slot = NULL;
	/* Pairs with the load in others_read(). */
	ioas_a32_add(&slotted, -1);
	/* Pairs with the exchange in take_free(): it is empty by then. */
	ioas_a32_store(&r->taken, 0);
}

/* Before the first section in slot @index: the writer has to look that far. */
static void raise_top(uint32_t index)
{
	uint32_t top = ioas_a32_load(&readers_top);

	while (top <= index)
		if (ioas_a32_cas(&readers_top, &top, index + 1))
			return;
}

static struct reader *take_free(void)
{
	uint32_t i, free = 0;

	for (i = 0; i < READERS; i++, free = 0) {
		if (ioas_a32_load_relaxed(&readers[i].taken))
			continue;
		/* Pairs with the store in release(). */
		if (!ioas_a32_cas(&readers[i].taken, &free, 1))
			continue;
		raise_top(i);
		return &readers[i];
	}
	return NULL;
}

static struct reader *claim(void)
{
	struct reader *r;

	/* While it is at it, a signal handler must not claim a second one. */
	if (!ioas_hooks.at_thread_exit || self.claiming ||
	    self.attempts++ % CLAIM_PERIOD != 0)
		return NULL;
	self.claiming = true;
	ioas_compiler_barrier();
	r = take_free();
	if (r && !ioas_hooks.at_thread_exit(release, r)) {
		ioas_a32_store(&r->taken, 0);
		r = NULL;
	}
	if (r) {
		r->fenced = !barrier_works();
		ioas_a32_add(&slotted, 1);
		ioas_fence(); /* pairs with the one in sync */
		self.slot = r;
	}
	ioas_compiler_barrier();
	self.claiming = false;
	return r;
}

static void enter_counted(enum ioas_grace_domain d)
{
	uint32_t level = ioas_a32_load_relaxed(&self.depth[d]);
	uint64_t counter;

	ioas_law(GRACE_3, level < LEVELS);
	/* Relaxed: own thread; its signal handlers use the levels above. */
	ioas_a32_store_relaxed(&self.depth[d], level + 1);
	ioas_compiler_barrier();
	/* Relaxed: either counter is right, a stale turn costs time only. */
	counter = ioas_a64_load_relaxed(&domains[d].turn) & 1;
	self.counter[d][level] = (uint8_t)counter;
	ioas_a64_add(&domains[d].count[counter], 1);
	ioas_fence(); /* pairs with the barrier or fence in sync */
}

static __attribute__((noinline)) void leave_counted(enum ioas_grace_domain d)
{
	uint32_t depth = ioas_a32_load_relaxed(&self.depth[d]);

	ioas_law(GRACE_3, depth > 0);
	/* Releases what the section did; pairs with the load in drained(). */
	ioas_a64_add(&domains[d].count[self.counter[d][depth - 1]], -1);
	ioas_compiler_barrier();
	ioas_a32_store_relaxed(&self.depth[d], depth - 1);
}

static inline void enter_slot(struct reader *r, enum ioas_grace_domain d)
{
	/* Relaxed: only this thread and its signal handlers store here. */
	uint64_t now = ioas_a64_load_relaxed(&r->section[d]);

	/* A branch, so that the store need not wait for the load. */
	if (__builtin_expect(now == 0, 1))
		now = ioas_a64_load(&domains[d].epoch) << DEPTH_BITS;
	/* Both pair with the increment and the scan in sync. */
	ioas_a64_store(&r->section[d], now + 1);
	if (__builtin_expect(r->fenced, 0))
		ioas_fence();
	else
		ioas_compiler_barrier();
}

/* Apart, so that the usual path saves no registers. */
static __attribute__((noinline)) void enter_without(enum ioas_grace_domain d)
{
	struct reader *r = claim();

	if (r)
		enter_slot(r, d);
	else
		enter_counted(d);
}

void ioas_grace_enter(enum ioas_grace_domain d)
{
	struct reader *r = self.slot;

	if (__builtin_expect(r != NULL, 1))
		enter_slot(r, d);
	else
		enter_without(d);
}

/* Nested sections that are in the slot, and the epoch above them. */
static uint64_t in_slot(const struct reader *r, enum ioas_grace_domain d)
{
	/* Relaxed: only this thread and its signal handlers store here. */
	return r ? ioas_a64_load_relaxed(&r->section[d]) : 0;
}

void ioas_grace_leave(enum ioas_grace_domain d)
{
	struct reader *r = self.slot;
	uint64_t now = in_slot(r, d);

	/* Pairs with the scan in sync: the section comes before it. */
	if (__builtin_expect((now & ioas_mask_lg2(DEPTH_BITS)) == 1, 1))
		ioas_a64_store(&r->section[d], 0);
	else if (now)
		ioas_a64_store(&r->section[d], now - 1);
	else /* sections in the slot are the inner ones: it is kept once had */
		leave_counted(d);
}

bool ioas_grace_inside(enum ioas_grace_domain d)
{
	return in_slot(self.slot, d) || ioas_a32_load_relaxed(&self.depth[d]);
}

/* Has counter @c been seen at 0? Pairs with the add in leave_counted(). */
static bool drained(const struct domain *domain, unsigned int c)
{
	return ioas_a64_load(&domain->count[c]) == 0;
}

static void sync_counted(struct domain *domain)
{
	bool seen[2] = {drained(domain, 0), drained(domain, 1)};
	unsigned int round = 0, c;

	for (c = 0; c < 2; c++) {
		if (seen[c])
			continue;
		/* Newcomers to the other one, or this may never end. */
		ioas_a64_store(&domain->turn, !c);
		while (!drained(domain, c))
			ioas_hooks.relax(round++);
	}
}

static void wait_for(const struct ioas_a64 *section, uint64_t wanted)
{
	unsigned int round = 0;
	uint64_t seen;

	/* Pairs with the stores in enter, leave and release(). */
	while ((seen = ioas_a64_load(section)) != 0 &&
	       seen >> DEPTH_BITS < wanted)
		ioas_hooks.relax(round++);
}

/* Can a thread be in a section of a slot, other than this one? */
static bool others_read(void)
{
	/* Pairs with the add in release(): its sections are over. */
	return ioas_a32_load(&slotted) > (self.slot ? 1 : 0);
}

void ioas_grace_sync(enum ioas_grace_domain d)
{
	uint64_t wanted;
	uint32_t i, top;

	ioas_law(GRACE_1, !ioas_grace_inside(d));
	wanted = ioas_a64_add(&domains[d].epoch, 1);
	ioas_fence(); /* pairs with the one in claim() */
	if (others_read() && barrier_works()) {
		bool ordered = ioas_hooks.barrier();

		ioas_law(GRACE_1, ordered);
	}
	top = ioas_a32_load(&readers_top); /* pairs with raise_top() */
	for (i = 0; i < top; i++)
		wait_for(&readers[i].section[d], wanted);
	sync_counted(&domains[d]);
}

unsigned int ioas_grace_threads(void)
{
	unsigned int i, n = 0;

	/* Relaxed: a number to look at. */
	for (i = 0; i < READERS; i++)
		n += ioas_a32_load_relaxed(&readers[i].taken);
	return n;
}

/* Only the calling thread is here, so nothing below races. */
void ioas_grace_forked(void)
{
	unsigned int i, d, level;

	for (i = 0; i < READERS; i++) {
		if (&readers[i] == self.slot)
			continue;
		for (d = 0; d < IOAS_GRACE_NR; d++)
			ioas_a64_store(&readers[i].section[d], 0);
		ioas_a32_store(&readers[i].taken, 0);
	}
	ioas_a32_store(&slotted, self.slot ? 1 : 0);
	for (d = 0; d < IOAS_GRACE_NR; d++) {
		struct domain *domain = &domains[d];

		ioas_a64_store(&domain->count[0], 0);
		ioas_a64_store(&domain->count[1], 0);
		for (level = 0; level < ioas_a32_load(&self.depth[d]); level++)
			ioas_a64_add(&domain->count[self.counter[d][level]], 1);
	}
}
