/* SPDX-License-Identifier: MIT */
/**
 * DOC: Address-space identifiers that devices can share
 *
 * A translation cache keeps entries of many address spaces, each under a small
 * number: an ASID, or a VMID. There are fewer numbers than address spaces. So a
 * number is given for a generation, and when all are taken a new generation
 * begins (a rollover): every cache is flushed before its processor uses a
 * number of it. Who ran when it began keeps its number.
 *
 * A device that works on an address space has to know its number all the time,
 * not only while a processor runs it. Such a context is pinned: it keeps its
 * number until the last pin is gone, whatever rolls over.
 *
 *	context --switch--> runs on a CPU under a number, until the next switch
 *	context --pin-----> has one number, for devices, until the last unpin
 *	rollover            the numbers that CPUs run and pinned ones stay;
 *	                    all others are free
 *
 * A CPU is whatever runs one context at a time: a processor, a virtual one, a
 * thread that simulates one.
 *
 * Ways to switch, of one behaviour (enum ioas_asid_way):
 *	ASYMMETRIC  two loads and a store, no locked instruction; a rollover has
 *	            a barrier on all threads of the process
 *	EXCHANGE    an exchange for each switch; needs nothing from the system
 *
 * What a CPU may cache, and when: from the call of ioas_asid_switch() to its
 * return, and while it is idle (ioas_asid_idle()), a CPU does not walk tables
 * of any context. With EXCHANGE and IOAS_ASID_FLUSH_LAZY it may go on to walk
 * those of the context it leaves until the switch returns.
 *
 * Laws
 *	ASID-1   no two CPUs run different contexts under one number, and no two
 *	         live contexts of a generation have one number
 *	ASID-2   a pinned context keeps its number over any number of rollovers,
 *	         and nobody else gets it
 *	ASID-3   a context that CPUs ran when a generation began has one number
 *	         on all of them
 *	ASID-4   after a rollover a number is free: switch never fails
 *	ASID-5   after a rollover a CPU's cache is flushed before it runs
 *	         anything under a number of the new generation
 *	ASID-6   reserved numbers are never given; 0 is one of them
 *	ASID-7   an invalidation is for a context: it reaches the number under
 *	         which entries of it can be used
 *	ASID-8   a number is free for others only after devices have forgotten
 *	         it (forget), and then with the next rollover
 *	ASID-9   the limit of pinned contexts saturates at 0; a pin that is
 *	         refused changes nothing
 *	ASID-10  once an invalidation has returned, no cached translation of
 *	         what was invalidated is used by any CPU or device
 *	ASID-11  a context begins without pins, also in memory that had one; one
 *	         that has exited is neither run nor pinned again
 *	ASID-12  the generation never wraps: it has what 64 bits leave beside a
 *	         number
 *
 * Nothing here sets errno; errors are negative and leave results and state as
 * they were. A process calls ioas_begin() first. No function here is for a
 * signal handler that may have interrupted another. A forked child makes its
 * own: what the parent has is not to be used there.
 */
#ifndef IOAS_ASID_H
#define IOAS_ASID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IOAS_ASID_BITS 24   /* of a number, at most */
#define IOAS_ASID_CPUS 1024 /* at most */

/* A context's pins: their number, and two marks. */
#define IOAS_ASID_PINS 0x3fffffffu /* at most */

struct ioas_asids;

/**
 * struct ioas_asid_context - an address space. The caller's memory, from
 * ioas_asid_context_init() until ioas_asid_context_exit() gives it back.
 * Nobody else reads or writes its members.
 */
struct ioas_asid_context {
	uint64_t id; /* generation and number; 0: none so far */
	struct ioas_asids *asids;
	uint32_t pins; /* and in the highest bits: goes, has exited */
	uint32_t mask; /* of a number; with pairs without bit 0; constant */
};

/**
 * struct ioas_asid_cpu - a CPU, by ioas_asid_join(). A line of its own.
 * Nobody else reads or writes its members.
 */
struct ioas_asid_cpu {
	uint64_t active; /* id of what it runs */
	/*
	 * Of its last flush. Only this CPU writes it. EXCHANGE: no id is of
	 * this generation, so that the short way below is never gone.
	 */
	uint64_t seen;
	uint64_t mask;              /* of a number; constant */
	const uint64_t *generation; /* constant */
	struct ioas_asids *asids;   /* constant */
	uint64_t flushed;           /* as seen, of either way */
	uint32_t index;             /* constant */
	uint32_t joined;
} __attribute__((aligned(64)));

/** struct ioas_asid_invalidation - what caches shall forget. */
struct ioas_asid_invalidation {
	struct ioas_asid_context *context;
	uint32_t number; /* under this one, */
	uint32_t count;  /* and with pairs (2) under the next one as well */
	uint64_t first;  /* addresses as they were given to */
	uint64_t last;   /* ioas_asid_invalidate() */
};

/** struct ioas_asid_renumbering - a context has another number. */
struct ioas_asid_renumbering {
	struct ioas_asid_context *context;
	uint32_t number; /* as ioas_asid_pin() would say it */
	/* Told late, or not in order: the highest is what counts. */
	uint64_t generation;
};

/**
 * struct ioas_asid_ops - what caches have to do. Each gets config->arg first.
 *
 * @flush:      LAZY: this CPU forgets all entries of contexts. On the thread
 *              that switches, under the allocator's lock: it may not sleep, and
 *              may not call the functions below
 * @flush_all:  BROADCAST: every CPU does. At a rollover, likewise
 * @invalidate: CPUs and devices forget what is said. On the thread that calls
 *              ioas_asid_invalidate(); may sleep. NULL: there is no need
 * @forget:     devices forget everything of a context that is about to lose
 *              its last pin, under the number that pin gave out. On the thread
 *              that unpins; may sleep for as long as it likes: neither
 *              switches nor other pins wait for it. NULL: whoever unpins has
 *              seen to that before
 * @renumbered: a context that had a number has another one; for devices that
 *              follow instead of pinning. On the thread that switched or
 *              pinned, before that returns, under no lock; may sleep. NULL:
 *              nobody wants to know
 */
struct ioas_asid_ops {
	void (*flush)(void *arg, unsigned int cpu);
	void (*flush_all)(void *arg);
	void (*invalidate)(void *arg,
	                   const struct ioas_asid_invalidation *what);
	void (*forget)(void *arg, struct ioas_asid_context *context,
	               uint32_t number);
	void (*renumbered)(void *arg, const struct ioas_asid_renumbering *what);
};

/** enum ioas_asid_way - how a switch is made known to rollovers. */
enum ioas_asid_way {
	IOAS_ASID_BEST, /* ASYMMETRIC where there is a barrier */
	IOAS_ASID_ASYMMETRIC,
	IOAS_ASID_EXCHANGE,
};

/** enum ioas_asid_flush - whose cache is flushed when. */
enum ioas_asid_flush {
	IOAS_ASID_FLUSH_LAZY,      /* each CPU's at its next switch */
	IOAS_ASID_FLUSH_BROADCAST, /* all at a rollover */
};

/** struct ioas_asid_config - see ioas_asids_create(). */
struct ioas_asid_config {
	unsigned int bits; /* width of numbers, 1 to 24 */
	unsigned int cpus; /* there may be, 1 to 1024 */
	/*
	 * Two numbers a context, even and odd: one for the kernel's entries,
	 * the next for the user's. switch returns the even one, pin the odd.
	 */
	bool pairs;
	enum ioas_asid_way way;
	enum ioas_asid_flush flush;
	const uint32_t *reserved; /* numbers never to be given, beside 0; */
	size_t nreserved;         /* with pairs both of the two are not */
	const struct ioas_asid_ops *ops; /* the caller's, until destroy */
	void *arg;
};

/** struct ioas_asid_report - what has happened, and what there is. */
struct ioas_asid_report {
	uint64_t rollovers;
	uint64_t slow;       /* switches that took the lock */
	uint64_t flushes;    /* of a CPU, or by broadcast */
	uint64_t renumbered; /* contexts that got another number than before */
	uint64_t kept;       /* contexts that kept theirs over a rollover */
	uint64_t refused;    /* pins beyond the limit */
	uint32_t usable;     /* numbers that may be given; pairs count once */
	uint32_t taken;      /* of them, in this generation */
	uint32_t limit;      /* of pinned contexts */
	uint32_t pinned;     /* contexts now */
	uint32_t most_pinned;
	bool asymmetric; /* the way that BEST became */
};

/**
 * ioas_asid_limit() - how many contexts can be pinned at a time
 * @config: as for ioas_asids_create(); bits, cpus, pairs and reserved numbers
 *          are looked at
 *
 * Of the usable numbers each CPU may keep one over a rollover, and one has to
 * be free then (ASID-4, ASID-9).
 *
 * Return: that number; 0 when none is left, or @config cannot be; cannot fail
 *
 * Threads: any
 * Source: Linux 7.3 arch/arm64/mm/context.c asids_update_limit()
 */
IOAS_API uint32_t ioas_asid_limit(const struct ioas_asid_config *config);

/**
 * ioas_asids_create() - begin an allocator of numbers
 * @config:    what it is like
 * @ret_asids: the allocator, the caller's until ioas_asids_destroy()
 *
 * Pins are possible at once.
 *
 * Return: 0, or
 *   -EINVAL  a width, number of CPUs, way or policy that cannot be; a reserved
 *            number too wide; no ops, or without what the policy needs
 *   -ENOSPC  fewer usable numbers than one more than CPUs: ASID-4 cannot hold
 *   -ENOTSUP ASYMMETRIC, and the system has no barrier for a process
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3 arch/arm64/mm/context.c asids_init()
 */
IOAS_API IOAS_MUST int ioas_asids_create(const struct ioas_asid_config *config,
                                         struct ioas_asids **ret_asids);

/**
 * ioas_asids_destroy() - end it
 * @asids: the allocator, or NULL
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses it, its CPUs or contexts, during or after the call
 * Source: none
 */
IOAS_API void ioas_asids_destroy(struct ioas_asids *asids);

/**
 * ioas_asids_inspect() - what has happened so far
 * @asids:      the allocator
 * @ret_report: is filled in
 *
 * Return: nothing; cannot fail
 *
 * Threads: any. Takes the allocator's lock
 * Source: none
 */
IOAS_API void ioas_asids_inspect(struct ioas_asids *asids,
                                 struct ioas_asid_report *ret_report);

/**
 * ioas_asid_join() - a CPU begins to switch
 * @asids:   the allocator
 * @index:   which, from 0 to config->cpus - 1; what flush is called with
 * @bits:    width of the numbers that this CPU can use
 * @ret_cpu: the CPU, the allocator's
 *
 * Its cache is flushed at its first switch. It is idle until then.
 *
 * Return: 0, or
 *   -EINVAL  no such CPU
 *   -ERANGE  its numbers are narrower than those that are given: two contexts
 *            would be one to it
 *   -EBUSY   it has joined
 *
 * Threads: any. Takes the allocator's lock
 * Source: Linux 7.3 arch/arm64/mm/context.c verify_cpu_asid_bits()
 */
IOAS_API IOAS_MUST int ioas_asid_join(struct ioas_asids *asids,
                                      unsigned int index, unsigned int bits,
                                      struct ioas_asid_cpu **ret_cpu);

/**
 * ioas_asid_leave() - a CPU switches no more
 * @cpu: the CPU; it walks no tables. It may join again
 *
 * Return: nothing; cannot fail
 *
 * Threads: the one that switches on @cpu. Takes the allocator's lock
 * Source: none
 */
IOAS_API void ioas_asid_leave(struct ioas_asid_cpu *cpu);

/**
 * ioas_asid_context_init() - begin a context
 * @asids:   the allocator
 * @context: the caller's memory, whatever was in it
 *
 * It has no number and no pin.
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses @context
 * Source: Linux 7.3 arch/arm64/include/asm/mmu_context.h init_new_context()
 */
IOAS_API void ioas_asid_context_init(struct ioas_asids *asids,
                                     struct ioas_asid_context *context);

/**
 * ioas_asid_context_exit() - end a context
 * @context: a context that no CPU runs: each that did has switched since, is
 *           idle, or has left
 *
 * When it is pinned, its number stays with it, and so does the memory, until
 * ioas_asid_unpin() has taken the last pin: devices may go on, and find
 * whatever its tables say. It can be invalidated, but neither run nor pinned.
 *
 * Return: true: the memory is the caller's again; false: it will be when
 * ioas_asid_unpin() says so; cannot fail
 *
 * Threads: any, once. Takes the allocator's lock
 * Source: Linux 7.3 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c
 *         arm_smmu_mm_release()
 */
IOAS_API IOAS_MUST bool
ioas_asid_context_exit(struct ioas_asid_context *context);

/**
 * ioas_asid_invalidate() - a context's tables have changed
 * @context: the context; it may run, be pinned, or have exited with pins
 * @first:   first address whose translation changed
 * @last:    last one
 *
 * Calls ops->invalidate with the number under which entries of the context can
 * be used, unless it never had one. What the caller wrote to tables before is
 * seen by whoever walks them under a number that is given later (ASID-10).
 *
 * Return: nothing; cannot fail
 *
 * Threads: any, wait-free but for ops->invalidate
 * Source: Linux 7.3 arch/arm64/include/asm/tlbflush.h flush_tlb_mm()
 */
IOAS_API void ioas_asid_invalidate(struct ioas_asid_context *context,
                                   uint64_t first, uint64_t last);

/**
 * ioas_asid_pin_slow() - what ioas_asid_pin() calls when it has to
 * @context:    as there
 * @ret_number: as there
 *
 * The first pin, one while the last goes, and each that is refused.
 *
 * Return: 0, or
 *   -ENOSPC    as there
 *   -ESRCH     as there
 *   -EOVERFLOW as there
 *
 * Threads: any. Takes the allocator's lock
 * Source: as ioas_asid_pin()
 */
IOAS_API IOAS_MUST int ioas_asid_pin_slow(struct ioas_asid_context *context,
                                          uint32_t *ret_number);

/**
 * ioas_asid_unpin_slow() - what ioas_asid_unpin() calls when it has to
 * @context: as there
 *
 * The last pin.
 *
 * Return: as ioas_asid_unpin(); cannot fail
 *
 * Threads: any. Takes the allocator's lock, after ops->forget
 * Source: as ioas_asid_unpin()
 */
IOAS_API bool ioas_asid_unpin_slow(struct ioas_asid_context *context);

/**
 * ioas_asid_switch_slow() - what ioas_asid_switch() calls when it has to
 * @cpu:     the CPU
 * @context: what it will run
 *
 * EXCHANGE is in here; and the lock, a number where there is none, a rollover
 * when all are taken, the flush that is due.
 *
 * Return: the number; cannot fail (ASID-4)
 *
 * Threads: the one that switches on @cpu. Takes the allocator's lock
 * Source: Linux 7.3 arch/arm64/mm/context.c check_and_switch_context()
 */
IOAS_API uint32_t ioas_asid_switch_slow(struct ioas_asid_cpu *cpu,
                                        struct ioas_asid_context *context);

/**
 * ioas_asid_idle() - a CPU runs no context
 * @cpu: the CPU; it walks no tables
 *
 * A rollover keeps no number for it. What it ran last may exit.
 *
 * Return: nothing; cannot fail
 *
 * Threads: the one that switches on @cpu; lock-free
 * Source: Linux 7.3 arch/arm64/kvm/vmid.c kvm_arm_vmid_clear_active()
 */
IOAS_API void ioas_asid_idle(struct ioas_asid_cpu *cpu);

/*
 * The accesses of the short way. The library's own sources, and tools that
 * watch how threads interleave, put others in their place.
 */
#ifndef IOAS_ASID_LOAD
#define IOAS_ASID_LOAD(word) __atomic_load_n((word), __ATOMIC_RELAXED)
#define IOAS_ASID_STORE(word, value) \
	__atomic_store_n((word), (value), __ATOMIC_RELAXED)
#define IOAS_ASID_BARRIER()    __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define IOAS_ASID_LOAD32(word) __atomic_load_n((word), __ATOMIC_RELAXED)
#define IOAS_ASID_CAS32(word, seen, value)                          \
	__atomic_compare_exchange_n((word), (seen), (value), false, \
	                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#endif

/*
 * A CPU is about to run a context: under which number? With pairs the even one
 * of the two. Never fails. On the thread that is the CPU; no context is
 * switched to while it exits.
 *
 * The short way: the id is of the generation that this CPU has seen, so its
 * cache was flushed for it; it says what it runs, and then the generation is
 * still that one. A rollover makes the next generation known, lets all threads
 * pass a barrier, and then looks what CPUs run: either it finds this store, or
 * the load here finds the new generation.
 */
static inline uint32_t ioas_asid_switch(struct ioas_asid_cpu *cpu,
                                        struct ioas_asid_context *context)
{
	uint64_t id = IOAS_ASID_LOAD(&context->id), seen = cpu->seen;

	if (__builtin_expect(id - seen <= cpu->mask, 1)) {
		IOAS_ASID_STORE(&cpu->active, id);
		/* Pairs with the barrier of a rollover. */
		IOAS_ASID_BARRIER();
		if (__builtin_expect(IOAS_ASID_LOAD(cpu->generation) == seen,
		                     1))
			return (uint32_t)(id - seen);
	}
	return ioas_asid_switch_slow(cpu, context);
}

/* Of a pinned one. The generation may change meanwhile, the number does not. */
static inline uint32_t
ioas_asid_pinned_number(const struct ioas_asid_context *context)
{
	uint32_t mask = context->mask;

	return ((uint32_t)IOAS_ASID_LOAD(&context->id) & mask) | (~mask & 1);
}

/**
 * ioas_asid_pin() - let a context keep its number
 * @context:    the context; it need not have run
 * @ret_number: its number for devices: with pairs the odd one. May be NULL
 *
 * Pins are counted. All pins of a context have one number.
 *
 * Return: 0, or
 *   -ENOSPC    as many contexts are pinned as can be (ioas_asid_limit())
 *   -ESRCH     it has exited
 *   -EOVERFLOW more than 2^30 - 1 pins
 *
 * Threads: any. Lock-free when it is pinned; else, and while its last pin goes,
 * takes the allocator's lock
 * Source: Linux 6.12 arch/arm64/mm/context.c arm64_mm_context_get()
 */
IOAS_MUST static inline int ioas_asid_pin(struct ioas_asid_context *context,
                                          uint32_t *ret_number)
{
	uint32_t seen = IOAS_ASID_LOAD32(&context->pins);

	while (__builtin_expect(seen - 1 < IOAS_ASID_PINS - 1, 1)) {
		/* Pairs with the one that made the first: its id is there. */
		if (!IOAS_ASID_CAS32(&context->pins, &seen, seen + 1))
			continue;
		if (ret_number)
			*ret_number = ioas_asid_pinned_number(context);
		return 0;
	}
	return ioas_asid_pin_slow(context, ret_number);
}

/**
 * ioas_asid_unpin() - take a pin back
 * @context: the context; it has a pin of the caller's
 *
 * The device that the pin was for uses the number no more. With the last pin
 * ops->forget is called first, and the number stays pinned until that returns.
 *
 * Return: true: it has exited, this was the last pin, and the memory is the
 * caller's again; cannot fail. Without a pin it ends the process (ASID-2)
 *
 * Threads: any. Lock-free unless it is the last; else takes the allocator's
 * lock, after ops->forget
 * Source: Linux 6.12 arch/arm64/mm/context.c arm64_mm_context_put()
 */
static inline bool ioas_asid_unpin(struct ioas_asid_context *context)
{
	uint32_t seen = IOAS_ASID_LOAD32(&context->pins);

	while (__builtin_expect((seen & IOAS_ASID_PINS) > 1, 1))
		if (IOAS_ASID_CAS32(&context->pins, &seen, seen - 1))
			return false;
	return ioas_asid_unpin_slow(context);
}

#ifdef __cplusplus
}
#endif

#endif /* IOAS_ASID_H */
