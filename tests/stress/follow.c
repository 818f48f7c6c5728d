/* SPDX-License-Identifier: MIT */
/*
 * Registered memory that the program gives back while devices use it (MEM-10),
 * under threads that do everything at once. The memory is real, and each page
 * of it begins with whose it is: with its number, or with that of a stranger.
 *
 *	a holder   registers and unregisters a few ranges, in all modes
 *	a mover    gives a page back: moves it aside or loses it, waits for a
 *	           grace period, and puts a stranger where it was; then all of
 *	           it back again
 *	a mapper   counts, writes the frame down, and takes both back
 *	a device   looks at what is behind the frames that are written down
 *	a reader   translates in sections, and looks at what is there
 *
 * What is registered is the page's own memory, so to register and to give back
 * take turns; all else races.
 *
 * follow [SECONDS]. The exit status is 1 when a law was broken, whose name is
 * printed; 2 when nothing met anything, which would show nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/grace.h"
#include "base/lock.h"
#include "host/host.h"
#include "mem/registry.h"
#include "space/move.h"
#include "stress.h"

#define PAGES    8
#define STRANGER 1000
#define RW       (IOAS_READ | IOAS_WRITE)

static struct {
	struct ioas_lock turn; /* who registers, or has given back */
	struct ioas_a32 stop;
	struct ioas_a64 written[PAGES]; /* frames, for the device */
	uint64_t page_bytes, home, aside;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
} s;

/* What happened, by thread. */
struct seen {
	const char *who;
	uint64_t done, refused;
	uint64_t random;
};

static uint64_t at_home(unsigned int page)
{
	return s.home + page * s.page_bytes;
}

static struct ioas_a32 *first_word(uint64_t at)
{
	return (struct ioas_a32 *)(uintptr_t)at;
}

/* Is it the page's memory, and does it stay so for a while? */
static void look(uint64_t frame, unsigned int page, unsigned int times)
{
	while (times--) {
		if (ioas_a32_load(first_word(frame)) != page + 1)
			broken("MEM-10", "a stranger's memory is reached");
		if (times % 16 == 0)
			sched_yield();
	}
}

/* ---- Threads. ---- */

static void read_once(struct seen *seen)
{
	unsigned int page = (unsigned int)any(&seen->random, PAGES);
	uint64_t frame;

	ioas_mem_enter();
	frame = ioas_registry_translate(s.registry, at_home(page), RW);
	if (frame != IOAS_MEM_NONE) {
		look(frame, page, (unsigned int)any(&seen->random, 40));
		seen->done++;
	} else {
		seen->refused++;
	}
	ioas_mem_leave();
}

static void access_once(struct seen *seen)
{
	unsigned int page = (unsigned int)any(&seen->random, PAGES);
	uint64_t frame;

	ioas_grace_enter(IOAS_GRACE_DMA);
	/* Pairs with whoever writes it down, or changes it. */
	frame = ioas_a64_load(&s.written[page]);
	if (frame) {
		look(frame, page, (unsigned int)any(&seen->random, 40));
		seen->done++;
	} else {
		seen->refused++;
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void map_once(struct seen *seen)
{
	unsigned int page = (unsigned int)any(&seen->random, PAGES), i;
	struct ioas_mapping what = {.start = at_home(page),
	                            .length = s.page_bytes,
	                            .counts = 1,
	                            .perm = RW};
	struct ioas_mapped got;
	int rc;

	ioas_mem_enter();
	rc = ioas_registry_get(s.registry, &what, &got);
	if (!rc)
		ioas_a64_store(&s.written[page], got.phys);
	ioas_mem_leave();
	seen->done += !rc;
	seen->refused += rc != 0;
	if (rc)
		return;
	for (i = (unsigned int)any(&seen->random, 8); i; i--)
		sched_yield();
	ioas_a64_store(&s.written[page], 0);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ioas_region_put(got.region, 1);
}

/* What the registry's user does with what it wrote down. */
static void moved(void *context, const struct ioas_moved *what)
{
	uint64_t first = (what->start - s.home) / s.page_bytes, i;

	for (i = 0; i < what->length / s.page_bytes; i++) {
		uint64_t to = what->lost ? 0 : what->to + i * s.page_bytes;
		uint64_t old = ioas_a64_load(&s.written[first + i]);

		/* Unless the mapper has just taken it out. */
		while (old && !ioas_a64_cas(&s.written[first + i], &old, to))
			;
	}
}

static bool move(uint64_t from, uint64_t to, bool lose)
{
	struct uaddr_range range = {from, from + s.page_bytes - 1};
	struct uaddr at = {to};
	struct ioas_move m;
	int rc;

	ioas_move_begin(&m);
	rc = ioas_move_prepare_locked(range, at, NULL);
	if (!rc && lose)
		ioas_move_lose_locked(range);
	else if (!rc)
		ioas_move_to_locked(range, at, NULL);
	ioas_move_end(&m);
	ioas_grace_sync(IOAS_GRACE_DMA);
	return rc == 0;
}

static void move_once(struct seen *seen)
{
	unsigned int page = (unsigned int)any(&seen->random, PAGES);
	uint64_t home = at_home(page), aside = home - s.home + s.aside;
	bool lose = any(&seen->random, 8) == 0;

	ioas_lock(&s.turn);
	ioas_a32_store(first_word(aside), page + 1);
	if (move(home, aside, lose)) {
		ioas_a32_store(first_word(home), STRANGER);
		sched_yield();
		ioas_a32_store(first_word(home), page + 1);
		if (!lose && !move(aside, home, false))
			broken("MEM-10", "it does not come back");
		seen->done++;
	}
	ioas_a32_store(first_word(aside), STRANGER);
	ioas_unlock(&s.turn);
	sched_yield();
}

static void hold_once(struct seen *seen)
{
	uint64_t start =
		at_home((unsigned int)any(&seen->random, PAGES / 2) * 2);
	uint64_t length = (1 + any(&seen->random, 2)) * s.page_bytes;
	struct ioas_register what = {
		.start = start, .length = length, .perm = RW};
	struct ioas_unregister gone = {
		.start = start,
		.length = length,
		.mode = (enum ioas_unregister_mode)any(&seen->random, 3),
		.deadline = UINT64_MAX};
	int rc;

	if (any(&seen->random, 2)) {
		ioas_lock(&s.turn);
		rc = ioas_holder_register(s.holder, &what, NULL);
		ioas_unlock(&s.turn);
	} else {
		rc = ioas_holder_unregister(s.holder, &gone);
	}
	seen->done += rc == 0;
	seen->refused += rc != 0;
	if (any(&seen->random, 16) == 0)
		ioas_registry_settle(s.registry);
	sched_yield();
}

/* ---- Beginning and end. ---- */

static struct life {
	void (*once)(struct seen *seen);
	struct seen seen;
} lives[] = {
	{hold_once, {"holder", 0, 0, 1}},   {move_once, {"mover", 0, 0, 2}},
	{map_once, {"mapper", 0, 0, 3}},    {read_once, {"reader", 0, 0, 4}},
	{access_once, {"device", 0, 0, 5}},
};

static void *live(void *arg)
{
	struct life *life = arg;

	while (!ioas_a32_load(&s.stop))
		life->once(&life->seen);
	return NULL;
}

static uint64_t some_memory(void)
{
	void *p = mmap(NULL, PAGES * s.page_bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -errno : 0);
	return (uintptr_t)p;
}

static void begin(void)
{
	struct ioas_registry_config config = {.moved = moved};
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	s.page_bytes = UINT64_C(1) << ioas_hooks.page_shift;
	s.home = some_memory();
	s.aside = some_memory();
	for (i = 0; i < PAGES; i++)
		ioas_a32_store(first_word(at_home(i)), i + 1);
	must(ioas_registry_create(&config, &s.registry));
	must(ioas_holder_create(s.registry, &s.holder));
}

static void end(void)
{
	struct ioas_registry_report left;

	ioas_holder_destroy(s.holder);
	if (ioas_registry_settle(s.registry))
		broken("MEM-12", "something is quarantined for ever");
	ioas_registry_destroy(s.registry, &left);
	if (left.regions || left.counts || left.pinned || ioas_pins_any())
		broken("MEM-7", "something was left");
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	pthread_t thread[IOAS_ARRAY_SIZE(lives)];
	bool met = true;
	size_t i;

	begin();
	for (i = 0; i < IOAS_ARRAY_SIZE(lives); i++)
		must(-pthread_create(&thread[i], NULL, live, &lives[i]));
	sleep(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < IOAS_ARRAY_SIZE(lives); i++)
		pthread_join(thread[i], NULL);
	end();
	for (i = 0; i < IOAS_ARRAY_SIZE(lives); i++) {
		printf("%-8s %9lu done %9lu refused\n", lives[i].seen.who,
		       (unsigned long)lives[i].seen.done,
		       (unsigned long)lives[i].seen.refused);
		met &= lives[i].seen.done != 0;
	}
	puts(met ? "[  PASSED  ] 1 test(s)." : "nothing met anything");
	return met ? 0 : 2;
}
