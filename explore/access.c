/* SPDX-License-Identifier: MIT */
/*
 * Accesses as the compiled sources announce them: atomic ones by the replaced
 * base/atomic.h, all others by what the compiler puts in for a race detector
 * (-fsanitize=thread), whose functions are here.
 *
 * Which are steps? Those to places that two threads use and one writes. This
 * is found by looking: exploration begins with no such place; every access is
 * noted, and when a new one has come up the exploration begins again with it.
 * When none comes up any more, every other access commutes with everything
 * that other threads do, and may be taken together with the step before it.
 *
 * Accesses that are not atomic are steps too, all together up to the next
 * atomic one. In a state in which two threads are about to make such accesses
 * to one place, and one writes, they race: that is DATA-RACE.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define WRITTEN 1
#define IS_STEP 2

#define NULL_PAGE 65536 /* below it there is never memory */
/* Atomic accesses of one step that are none: a loop has to come to an end. */
#define ALONG 512

static uint8_t *users; /* threads that have used these four bytes */
static uint8_t *flags;
static bool grew;
static unsigned int shared;
static bool in_plain, step_wrote;
static uint8_t first_kind;
static const void *last_look;
static unsigned int last_look_size;
static unsigned int taken_along;

/*
 * Objects that the step allocated. Two threads that allocate next would get
 * the same place, each if it were first: no race.
 */
#define OWN 8
static struct {
	const char *at;
	size_t bytes;
} own[OWN];
static unsigned int owned;

struct footprint footprint[FOOTPRINTS];
unsigned int footprints;

void access_init(void)
{
	free(users);
	free(flags);
	users = calloc(world_granules(), 1);
	flags = calloc(world_granules(), 1);
	grew = false;
	shared = 0;
}

bool access_grew(void)
{
	return grew;
}

unsigned int access_shared(void)
{
	return shared;
}

static bool is_shared(uint32_t granule)
{
	return (flags[granule] & WRITTEN) &&
	       (users[granule] & (users[granule] - 1));
}

void access_adopt(void)
{
	uint32_t i;

	shared = 0;
	for (i = 0; i < world_granules(); i++) {
		if (!is_shared(i))
			continue;
		flags[i] |= IS_STEP;
		shared++;
	}
	grew = false;
}

static void note(const void *at, size_t size, bool write)
{
	uint32_t i = world_granule(at);
	uint32_t last = world_granule((const char *)at + size - 1);

	for (; i <= last; i++) {
		users[i] |= (uint8_t)(1u << now_thread);
		if (write)
			flags[i] |= WRITTEN;
		if (!(flags[i] & IS_STEP) && is_shared(i))
			grew = true;
	}
}

bool access_is_step(const void *at, unsigned int size)
{
	uint32_t i = world_granule(at);
	uint32_t last = world_granule((const char *)at + size - 1);

	if (options.every_access)
		return true;
	for (; i <= last; i++)
		if (flags[i] & IS_STEP)
			return true;
	return false;
}

static void log_access(const void *at, uint32_t size, bool write, bool plain,
                       const struct explore_site *site)
{
	unsigned int i;

	if (write)
		step_wrote = true;
	for (i = 0; i < owned; i++)
		if ((size_t)((const char *)at - own[i].at) < own[i].bytes)
			return;
	if (footprints < FOOTPRINTS)
		footprint[footprints++] = (struct footprint){
			at, size, write, plain, site,
		};
}

void access_step(const struct pending *first)
{
	footprints = owned = 0;
	first_kind = first->kind;
	taken_along = 0;
	in_plain = first->kind == OP_PLAIN;
	step_wrote = false;
	if (first->kind <= OP_CAS)
		log_access(first->at, first->size, first->kind != OP_LOAD,
		           false, first->site);
}

/* A place where a signal may come, and nothing else happens. */
static void point(void)
{
	static const struct explore_site site = {"", "a moment", "", 0};
	struct pending next = {.kind = OP_POINT, .site = &site};

	if (the_case->thread[now_thread].handler && !now.handling)
		yield(&next);
}

static void must_be_there(const void *at, size_t size)
{
	if ((uintptr_t)at < NULL_PAGE)
		explore_broken("HEAP-1", "the object is there",
		               "NULL is used as an object");
	if (!world_is_live(at, size))
		explore_broken("HEAP-1", "the object is there",
		               "an object is used after it was freed");
}

/* ---- Atomic ones. ---- */

static uint64_t direct(const struct pending *op)
{
	uint64_t was = memory_read(op->at, op->size);

	if (op->kind == OP_STORE || op->kind == OP_EXCHANGE)
		memory_write(op->at, op->size, op->value);
	else if (op->kind == OP_ADD)
		memory_write(op->at, op->size, was + op->value);
	else if (op->kind == OP_CAS && was == op->expected)
		memory_write(op->at, op->size, op->value);
	return was;
}

static bool has_to_wait(const struct pending *op)
{
	return op->kind > OP_STORE && now.delays;
}

static uint64_t access_atomic(const struct pending *op)
{
	if (!now_running)
		return direct(op);
	if (on_stack(op->at) || on_tls(op->at) || world_is_ghost(op->at)) {
		point();
		return direct(op);
	}
	must_be_there(op->at, op->size);
	note(op->at, op->size, op->kind != OP_LOAD);
	if (!access_is_step(op->at, op->size) && !has_to_wait(op) &&
	    taken_along++ < ALONG) {
		point();
		if (op->kind == OP_LOAD) {
			last_look = op->at;
			last_look_size = op->size;
		} else {
			step_wrote = true;
		}
		return direct(op);
	}
	return yield(op);
}

uint64_t explore_load(const void *cell, unsigned int size,
                      enum explore_order order, const struct explore_site *site)
{
	struct pending op = {
		.kind = OP_LOAD,
		.at = (void *)(uintptr_t)cell,
		.size = (uint8_t)size,
		.order = (uint8_t)order,
		.site = site,
	};

	return access_atomic(&op);
}

void explore_store(void *cell, unsigned int size, uint64_t value,
                   enum explore_order order, const struct explore_site *site)
{
	struct pending op = {
		.kind = OP_STORE,
		.at = cell,
		.size = (uint8_t)size,
		.value = value,
		.order = (uint8_t)order,
		.site = site,
	};

	access_atomic(&op);
}

static uint64_t read_write(enum kind kind, void *cell, unsigned int size,
                           uint64_t value, const struct explore_site *site)
{
	struct pending op = {
		.kind = (uint8_t)kind,
		.at = cell,
		.size = (uint8_t)size,
		.value = value,
		.site = site,
	};

	return access_atomic(&op);
}

uint64_t explore_exchange(void *cell, unsigned int size, uint64_t value,
                          const struct explore_site *site)
{
	return read_write(OP_EXCHANGE, cell, size, value, site);
}

uint64_t explore_add(void *cell, unsigned int size, uint64_t value,
                     const struct explore_site *site)
{
	return read_write(OP_ADD, cell, size, value, site);
}

uint64_t explore_cas(void *cell, unsigned int size, uint64_t expected,
                     uint64_t value, const struct explore_site *site)
{
	struct pending op = {
		.kind = OP_CAS,
		.at = cell,
		.size = (uint8_t)size,
		.value = value,
		.expected = expected,
		.site = site,
	};

	return access_atomic(&op);
}

void explore_fence(const struct explore_site *site)
{
	struct pending op = {.kind = OP_FENCE, .site = site};

	if (now_running && (now.delays || options.every_access))
		yield(&op);
	else if (now_running)
		point();
}

void explore_compiler_barrier(const struct explore_site *site)
{
	if (now_running)
		point();
}

/*
 * A look that found nothing, and nothing was written since the step began: as
 * if it had not been. The thread stays in front of the look until that would
 * find something else. After more than a look it goes on when somebody else
 * has changed something since it came here last.
 */
void access_relax(void)
{
	static const struct explore_site site = {"", "waits a moment", "", 0};
	struct pending next = {.kind = OP_RELAX, .site = &site};

	if (!now_running)
		explore_broken("HANG-1", "somebody else can go on",
		               "waits where no other thread runs");
	if (first_kind == OP_LOAD && !step_wrote)
		give_up(SPINS);
	if (last_look && !access_is_step(last_look, last_look_size)) {
		note(last_look, last_look_size, true);
		users[world_granule(last_look)] = 0xff;
		grew = true;
		give_up(SPINS);
	}
	yield(&next);
}

/* ---- All others. ---- */

static void access_plain(const void *at, size_t size, bool write)
{
	static const struct explore_site site = {"", "plain access", "", 0};
	struct pending next = {
		.kind = OP_PLAIN,
		.at = (void *)(uintptr_t)at,
		.size = (uint8_t)size,
		.site = &site,
	};

	if (!now_running || world_is_ghost(at)) {
		if (write)
			world_touch(at, size);
		return;
	}
	if (on_tls(at))
		point();
	if (on_stack(at) || on_tls(at))
		return;
	must_be_there(at, size);
	if (!world_has(at, size))
		return;
	note(at, size, write);
	if (access_is_step(at, (unsigned int)size)) {
		if (!in_plain) {
			next.value = write;
			yield(&next);
			must_be_there(at, size);
		}
		log_access(at, (uint32_t)size, write, true, NULL);
	}
	if (write) {
		step_wrote = true;
		world_touch(at, size);
	}
}

void *access_alloc(size_t bytes)
{
	void *p = world_alloc(bytes);

	if (p && owned < OWN) {
		own[owned].at = p;
		own[owned++].bytes = bytes;
	}
	return p;
}

/* An object ends: whoever uses it has to have done so. */
void access_free(void *p, size_t bytes)
{
	static const struct explore_site site = {"", "free", "", 0};
	struct pending next = {.kind = OP_PLAIN, .at = p, .site = &site};

	if (now_running) {
		note(p, bytes, true);
		if (access_is_step(p, (unsigned int)bytes) && !in_plain)
			yield(&next);
		step_wrote = true;
	}
	world_free(p, bytes);
}

#define ANNOUNCED(size)                              \
	void __tsan_read##size(void *at);            \
	void __tsan_write##size(void *at);           \
	void __tsan_unaligned_read##size(void *at);  \
	void __tsan_unaligned_write##size(void *at); \
	void __tsan_read##size(void *at)             \
	{                                            \
		access_plain(at, size, false);       \
	}                                            \
	void __tsan_write##size(void *at)            \
	{                                            \
		access_plain(at, size, true);        \
	}                                            \
	void __tsan_unaligned_read##size(void *at)   \
	{                                            \
		access_plain(at, size, false);       \
	}                                            \
	void __tsan_unaligned_write##size(void *at)  \
	{                                            \
		access_plain(at, size, true);        \
	}

ANNOUNCED(1)
ANNOUNCED(2)
ANNOUNCED(4)
ANNOUNCED(8)
ANNOUNCED(16)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_read_range(void *at, unsigned long size);
void __tsan_write_range(void *at, unsigned long size);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *at, unsigned long size)
{
	access_plain(at, size, false);
}

void __tsan_write_range(void *at, unsigned long size)
{
	access_plain(at, size, true);
}

/* Calls of these in what is explored are renamed to the following. */
void *explore_memcpy(void *to, const void *from, size_t bytes);
void *explore_memmove(void *to, const void *from, size_t bytes);
void *explore_memset(void *to, int byte, size_t bytes);

void *explore_memmove(void *to, const void *from, size_t bytes)
{
	if (bytes) {
		access_plain(from, bytes, false);
		access_plain(to, bytes, true);
	}
	return memmove(to, from, bytes);
}

void *explore_memcpy(void *to, const void *from, size_t bytes)
{
	return explore_memmove(to, from, bytes);
}

void *explore_memset(void *to, int byte, size_t bytes)
{
	if (bytes)
		access_plain(to, bytes, true);
	return memset(to, byte, bytes);
}
