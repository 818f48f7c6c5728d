/* SPDX-License-Identifier: MIT */
/*
 * The grace period: base/grace.c whole, which is compiled as a part of this
 * file so that its epochs can be made numbers that the engine renames.
 *
 * Readers look at an object in a section. Writers put a new one in its place,
 * wait, and free the old one, so that a section that was missed uses an object
 * that was freed (HEAP-1). GRACE-1 is asked directly as well.
 */
#include "base/grace.c"

#include "explore.h"

struct thing {
	uint64_t value;
};

static struct ioas_aptr published;

static EXPLORE_GHOST struct {
	uint8_t depth[EXPLORE_THREADS];
	/* Per writer: threads in sections that it has to wait for. */
	uint8_t awaited[EXPLORE_THREADS];
	bool quick[EXPLORE_THREADS]; /* in enter or leave, with a slot */
	bool (*barrier)(void);
	void *(*alloc)(size_t bytes);
} ghost;

/* ---- Sections, and what is known of them. ---- */

static void enter_section(enum ioas_grace_domain d)
{
	unsigned int t = explore_self();

	ghost.quick[t] = self.slot != NULL;
	ioas_grace_enter(d);
	ghost.quick[t] = false;
	ghost.depth[t]++;
}

static void has_ended(unsigned int t)
{
	unsigned int w;

	ghost.depth[t] = 0;
	for (w = 0; w < EXPLORE_THREADS; w++)
		ghost.awaited[w] &= (uint8_t) ~(1u << t);
}

static void leave_section(enum ioas_grace_domain d)
{
	unsigned int t = explore_self();

	if (--ghost.depth[t] == 0)
		has_ended(t);
	ghost.quick[t] = self.slot != NULL;
	ioas_grace_leave(d);
	ghost.quick[t] = false;
}

static void sync_sections(enum ioas_grace_domain d)
{
	unsigned int me = explore_self(), t;
	uint8_t open = 0;

	for (t = 0; t < EXPLORE_THREADS; t++)
		if (ghost.depth[t])
			open |= (uint8_t)(1u << t);
	ghost.awaited[me] = open;
	explore_note("calls ioas_grace_sync()");
	ioas_grace_sync(d);
	explore_note("ioas_grace_sync() has returned");
	explore_law(GRACE_1, !ghost.awaited[me],
	            "a section that had begun before sync was called is open");
}

static void use(void)
{
	struct thing *thing = ioas_aptr_load(&published);

	explore_law(GRACE_1, thing->value == 1, "not what was published");
}

static struct thing *make(void)
{
	struct thing *thing = ioas_new(struct thing);

	thing->value = 1;
	return thing;
}

static void replace(enum ioas_grace_domain d)
{
	struct thing *old = ioas_aptr_exchange(&published, make());

	sync_sections(d);
	ioas_delete(old);
}

/* As entries of page tables are cleared: without a locked instruction. */
static void replace_by_store(enum ioas_grace_domain d)
{
	struct thing *old = ioas_aptr_load(&published);

	ioas_aptr_store(&published, make());
	sync_sections(d);
	ioas_delete(old);
}

/* ---- Threads. ---- */

static void read_once(void)
{
	enter_section(IOAS_GRACE_DMA);
	use();
	leave_section(IOAS_GRACE_DMA);
}

static void read_for_ever(void)
{
	for (;;)
		read_once();
}

static void read_nested(void)
{
	for (;;) {
		enter_section(IOAS_GRACE_DMA);
		use();
		read_once();
		use();
		leave_section(IOAS_GRACE_DMA);
	}
}

static void read_either(void)
{
	enum ioas_grace_domain d;

	for (;;) {
		d = explore_choose(2) ? IOAS_GRACE_DMA : IOAS_GRACE_FILE;
		enter_section(d);
		leave_section(d);
	}
}

static void write_for_ever(void)
{
	for (;;)
		replace(IOAS_GRACE_DMA);
}

static void store_for_ever(void)
{
	for (;;)
		replace_by_store(IOAS_GRACE_DMA);
}

static void write_once(void)
{
	replace(IOAS_GRACE_DMA);
}

static void write_twice(void)
{
	write_once();
	write_once();
}

/* A thread that ends inside of a section: it was cancelled. */
static void end_inside(void)
{
	enter_section(IOAS_GRACE_DMA);
	use();
	if (explore_choose(2))
		leave_section(IOAS_GRACE_DMA);
	else
		has_ended(explore_self());
}

static void read_twice(void)
{
	read_once();
	read_once();
}

static void read_and_fork(void)
{
	unsigned int inside = explore_choose(2), me = explore_self(), t;

	if (inside)
		enter_section(IOAS_GRACE_DMA);
	explore_fork();
	for (t = 0; t < EXPLORE_THREADS; t++)
		if (t != me)
			has_ended(t);
	ioas_grace_forked();
	if (inside)
		leave_section(IOAS_GRACE_DMA);
	replace(IOAS_GRACE_DMA);
	read_once();
	explore_law(GRACE_3, !ioas_grace_inside(IOAS_GRACE_DMA),
	            "the child is in a section that it left");
}

/* ---- Cases. ---- */

static bool checked_barrier(void)
{
	explore_law(GRACE_2, !ghost.quick[explore_self()],
	            "a system call in enter or leave, with a slot");
	return ghost.barrier();
}

static void *checked_alloc(size_t bytes)
{
	explore_law(GRACE_2, !ghost.quick[explore_self()],
	            "an allocation in enter or leave, with a slot");
	return ghost.alloc(bytes);
}

/* Nobody knows yet whether there is a process-wide barrier. */
static void init_first(void)
{
	unsigned int d;

	for (d = 0; d < IOAS_GRACE_NR; d++)
		domains[d].epoch.cell = EXPLORE_RANK + 1;
	ghost.barrier = ioas_hooks.barrier;
	ioas_hooks.barrier = checked_barrier;
	ghost.alloc = ioas_hooks.alloc;
	ioas_hooks.alloc = checked_alloc;
	ioas_aptr_store(&published, make());
}

static void init(void)
{
	init_first();
	explore_law(GRACE_2, barrier_works(), "there is no barrier");
}

static void init_fenced(void)
{
	init_first();
	ioas_hooks.barrier = NULL;
}

/* No thread gets a slot: all are counted. */
static void init_counted(void)
{
	init();
	ioas_hooks.at_thread_exit = NULL;
}

static bool refuse(void (*fn)(void *arg), void *arg)
{
	return false;
}

/* One that asks for a slot does not get it. */
static void init_refused(void)
{
	init();
	ioas_hooks.at_thread_exit = refuse;
}

static bool first_only(void (*fn)(void *arg), void *arg)
{
	return explore_self() == 0;
}

/* One thread has a slot, the others are counted. */
static void init_mixed(void)
{
	init();
	ioas_hooks.at_thread_exit = first_only;
}

static void nothing_taken(void)
{
	explore_law(GRACE_3, ioas_grace_threads() == 0,
	            "a slot has an owner, and no thread is there");
	explore_law(GRACE_1, explore_objects() == 1,
	            "not one object at the end");
}

const struct explore_case explore_cases[] = {
	{"slots", "two readers, one writer, any number of rounds", init,
         .thread = {{"reader1", read_for_ever},
                    {"reader2", read_for_ever},
                    {"writer", write_for_ever}}},
	{"stores", "a writer that stores, and a reader that takes its slot",
         init,
         .thread = {{"reader", read_for_ever}, {"writer", store_for_ever}}},
	{"fences", "one of them once, without a process-wide barrier",
         init_fenced,
         .thread = {{"reader1", read_for_ever},
                    {"reader2", read_once},
                    {"writer", write_for_ever}}},
	{"fences-rounds", "likewise, any number of rounds of both", init_fenced,
         .thread = {{"reader1", read_for_ever},
                    {"reader2", read_for_ever},
                    {"writer", write_for_ever}},
         .thorough = true},
	{"counted", "likewise, readers without slots", init_counted,
         .thread = {{"reader1", read_for_ever},
                    {"reader2", read_for_ever},
                    {"writer", write_for_ever}}},
	{"nested", "sections in sections", init,
         .thread = {{"reader", read_nested}, {"writer", write_for_ever}}},
	{"nested-counted", "sections in sections, without slots", init_counted,
         .thread = {{"reader", read_nested}, {"writer", write_for_ever}}},
	{"writers", "two writers and a reader", init,
         .thread = {{"reader", read_for_ever},
                    {"writer1", write_for_ever},
                    {"writer2", write_for_ever}}},
	{"writers-counted", "two writers and a reader without a slot",
         init_counted,
         .thread = {{"reader", read_for_ever},
                    {"writer1", write_for_ever},
                    {"writer2", write_for_ever}}},
	{"mixed", "a reader with a slot, one without", init_mixed,
         .thread = {{"slotted", read_for_ever},
                    {"counted", read_once},
                    {"writer", write_for_ever}}},
	{"refused", "slots are asked for and not given", init_refused,
         .thread = {{"reader", read_twice}, {"writer", write_twice}},
         .rest = nothing_taken},
	{"ends", "threads that end, also inside of a section", init,
         .thread = {{"reader1", end_inside},
                    {"reader2", end_inside},
                    {"writer", write_twice}},
         .rest = nothing_taken},
	{"domains", "sections of two domains", init,
         .thread = {{"reader", read_either}, {"writer", write_for_ever}}},
	{"signal", "a handler with a section comes between any two accesses",
         init,
         .thread = {{"reader", read_for_ever, read_once},
                    {"writer", write_once}}},
	{"signal-rounds", "likewise, any number of rounds of the writer", init,
         .thread = {{"reader", read_for_ever, read_once},
                    {"writer", write_for_ever}},
         .thorough = true},
	{"signal-counted", "likewise, without a slot", init_counted,
         .thread = {{"reader", read_for_ever, read_once},
                    {"writer", write_for_ever}}},
	{"first", "whether there is a barrier is found out meanwhile",
         init_first,
         .thread = {{"reader", read_for_ever}, {"writer", write_for_ever}}},
	{"signal-first", "likewise, and a handler comes between", init_first,
         .thread = {{"reader", read_once, read_once}, {"writer", write_once}},
         .rest = nothing_taken},
	{"signal-writer", "a writer interrupts a writer", init,
         .thread = {{"reader", read_for_ever},
                    {"writer", write_for_ever, write_once}}},
	{"fork", "the child of a process with a reader and a writer", init,
         .thread = {{"forks", read_and_fork},
                    {"reader", read_for_ever},
                    {"writer", write_for_ever}}},
	{"fork-counted", "likewise, without slots", init_counted,
         .thread = {{"forks", read_and_fork},
                    {"reader", read_for_ever},
                    {"writer", write_for_ever}}},
	{NULL},
};
