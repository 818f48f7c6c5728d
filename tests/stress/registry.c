/* SPDX-License-Identifier: MIT */
/*
 * Registered memory under threads that do everything at once, on a back end
 * that knows whose each frame is: pin takes one that was free for long, unpin
 * gives it back. So a translation that outlives its page leads to a frame that
 * is nobody's, or another page's, and is seen.
 *
 *	two holders   register and unregister the same few ranges, in all modes
 *	a reader      translates in sections, and looks at whose the frame is
 *	a mapper      counts, looks for a while, marks, puts
 *
 * registry [SECONDS] [--no-shadow]. The exit status is 1 when a law was broken,
 * whose name is printed. What was seen is printed as well: a stress in which
 * nothing met would show nothing.
 */
#include "mem/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "host/host.h"
#include "stress.h"

#define SHIFT  12
#define PAGES  8
#define FRAMES 1024 /* more than are pinned or wait to be unpinned */
#define BASE   (UINT64_C(1) << 40)
#define RW     (IOAS_READ | IOAS_WRITE)

static struct {
	struct ioas_lock lock; /* of who takes frames */
	unsigned int next;
	struct ioas_a32 owner[FRAMES]; /* page + 1, or 0 */
	struct ioas_a64 charged;
	struct ioas_a32 stop;
	struct ioas_registry *registry;
	struct ioas_holder *holder[2];
} s;

/* What happened, by thread. */
struct seen {
	uint64_t done, refused, raced;
	uint64_t random;
};

static struct seen writer_seen[2], reader_seen, mapper_seen;

/* ---- Back end and accountant. ---- */

static unsigned int page_of(uint64_t uaddr)
{
	return (unsigned int)((uaddr - BASE) >> SHIFT);
}

static unsigned int take_frame(unsigned int page)
{
	unsigned int frame, tries = 0;

	ioas_lock(&s.lock);
	do {
		frame = s.next++ % FRAMES;
		if (tries++ == FRAMES)
			broken("MEM-7", "frames are not given back");
	} while (ioas_a32_load(&s.owner[frame]));
	ioas_a32_store(&s.owner[frame], page + 1);
	ioas_unlock(&s.lock);
	return frame;
}

static int pin(const struct ioas_backend *self, const struct ioas_pin *what,
               struct ioas_extent *ret_extents, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < what->npages; i++)
		ret_extents[i] = (struct ioas_extent){
			/* Frame 0 would look like nothing. */
			(uint64_t)(take_frame(page_of(what->start) + i) + 1)
				<< SHIFT,
			1};
	return (int)i;
}

static void unpin(const struct ioas_backend *self, const struct ioas_pin *what,
                  uint64_t phys, bool dirty)
{
	unsigned int i;

	for (i = 0; i < what->npages; i++) {
		unsigned int frame = (unsigned int)(phys >> SHIFT) - 1 + i;
		uint32_t mine = page_of(what->start) + i + 1;

		if (!ioas_a32_cas(&s.owner[frame], &mine, 0))
			broken("MEM-1", "a frame is given back twice");
	}
}

static int charge(struct ioas_accountant *self, uint64_t npages)
{
	ioas_a64_add(&s.charged, npages);
	return 0;
}

static void uncharge(struct ioas_accountant *self, uint64_t npages)
{
	if (ioas_a64_add(&s.charged, -npages) > UINT32_MAX)
		broken("MEM-7", "more was given back than was charged");
}

/* ---- Threads. ---- */

static bool is_of(uint64_t phys, unsigned int page)
{
	return ioas_a32_load(&s.owner[(phys >> SHIFT) - 1]) == page + 1;
}

/* Is the frame the page's, and does it stay so for a while? */
static void look(uint64_t phys, unsigned int page, unsigned int times,
                 const char *law)
{
	while (times--) {
		if (!is_of(phys, page))
			broken(law, "the frame is not the page's");
		if (times % 16 == 0)
			sched_yield();
	}
}

static bool going_on(void)
{
	return !ioas_a32_load(&s.stop);
}

static void *reads(void *arg)
{
	struct seen *seen = &reader_seen;

	while (going_on()) {
		unsigned int page = (unsigned int)any(&seen->random, PAGES);
		uint64_t phys;

		ioas_mem_enter();
		phys = ioas_registry_translate(
			s.registry, BASE + ((uint64_t)page << SHIFT), RW);
		if (phys != IOAS_MEM_NONE) {
			look(phys, page, (unsigned int)any(&seen->random, 40),
			     "MEM-5");
			seen->done++;
		} else {
			seen->refused++;
		}
		ioas_mem_leave();
	}
	return NULL;
}

static void map_once(struct seen *seen)
{
	unsigned int page = (unsigned int)any(&seen->random, PAGES);
	struct ioas_mapping what = {
		.start = BASE + ((uint64_t)page << SHIFT),
		.length = 1u << SHIFT,
		.counts = 1 + any(&seen->random, 3),
		.perm = RW,
		.may_sleep = any(&seen->random, 2),
	};
	struct ioas_mapped got;
	int rc = ioas_registry_get(s.registry, &what, &got);

	seen->raced += rc == -ENXIO || rc == -EAGAIN;
	if (rc) {
		seen->refused++;
		return;
	}
	seen->done++;
	look(got.phys, page, (unsigned int)any(&seen->random, 40), "MEM-9");
	ioas_region_mark_dirty(got.region, what.start, what.length);
	if (any(&seen->random, 2) && ioas_region_get(got.region, 2))
		what.counts += 2;
	look(got.phys, page, 2, "MEM-9");
	ioas_region_put(got.region, what.counts);
}

static void *maps(void *arg)
{
	while (going_on())
		map_once(&mapper_seen);
	return NULL;
}

/*
 * What each holder has registered, by range and length: it alone changes that,
 * so it is told of nothing else.
 */
static bool held[2][PAGES / 2][2];

static void registered(bool *mine, int rc)
{
	if (!rc && *mine)
		broken("MEM-4", "a range is registered twice by one holder");
	*mine |= !rc;
}

static void unregistered(bool *mine, int rc)
{
	if ((rc == -ENOENT) == *mine)
		broken("MEM-4", "a holder has not what it registered");
	*mine &= rc != 0;
}

/* Register or unregister, whichever comes; a range stays for some turns. */
static void write_once(unsigned int self, struct seen *seen)
{
	uint64_t place = any(&seen->random, PAGES / 2),
		 large = any(&seen->random, 2);
	uint64_t start = BASE + (place << (SHIFT + 1));
	uint64_t length = (1 + large) << SHIFT;
	bool *mine = &held[self][place][large];
	struct ioas_register what = {
		.start = start,
		.length = length,
		.perm = RW,
		.flags = any(&seen->random, 2) ? IOAS_REGISTER_SHARE : 0,
	};
	struct ioas_unregister gone = {
		.start = start,
		.length = length,
		.mode = (enum ioas_unregister_mode)any(&seen->random, 3),
		.deadline = UINT64_MAX,
	};
	int rc;

	if (any(&seen->random, 2)) {
		rc = ioas_holder_register(s.holder[self], &what, NULL);
		registered(mine, rc);
	} else {
		rc = ioas_holder_unregister(s.holder[self], &gone);
		unregistered(mine, rc);
	}
	seen->done += rc == 0;
	seen->refused += rc != 0;
	seen->raced += rc == -EBUSY;
	if (any(&seen->random, 8) == 0)
		ioas_registry_settle(s.registry);
	/* Others have their turn while it is as it is. */
	if (any(&seen->random, 4) == 0)
		sched_yield();
}

static void *writes(void *arg)
{
	unsigned int self = (unsigned int)(uintptr_t)arg;

	while (going_on())
		write_once(self, &writer_seen[self]);
	return NULL;
}

/* ---- Beginning and end. ---- */

static const struct ioas_backend backend = {
	.name = "frames",
	.pin = pin,
	.unpin = unpin,
};

static void begin(bool no_shadow)
{
	static struct ioas_accountant accountant = {
		.charge = charge,
		.uncharge = uncharge,
	};
	struct ioas_registry_config config = {.backend = &backend,
	                                      .accountant = &accountant,
	                                      .page_shift = SHIFT,
	                                      .no_shadow = no_shadow};

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	must(ioas_registry_create(&config, &s.registry));
	must(ioas_holder_create(s.registry, &s.holder[0]));
	must(ioas_holder_create(s.registry, &s.holder[1]));
	reader_seen.random = 1;
	mapper_seen.random = 2;
	writer_seen[0].random = 3;
	writer_seen[1].random = 4;
}

static void end(void)
{
	struct ioas_registry_report left;
	unsigned int i;

	ioas_holder_destroy(s.holder[0]);
	ioas_holder_destroy(s.holder[1]);
	if (ioas_registry_settle(s.registry))
		broken("MEM-12", "something is quarantined for ever");
	ioas_registry_destroy(s.registry, &left);
	if (left.regions || left.counts || left.pinned || left.charged ||
	    ioas_a64_load(&s.charged))
		broken("MEM-7", "something was left");
	for (i = 0; i < FRAMES; i++)
		if (ioas_a32_load(&s.owner[i]))
			broken("MEM-7", "a frame was left pinned");
}

static void print(const char *who, const struct seen *seen)
{
	printf("%-8s %9lu done %9lu refused %9lu raced\n", who,
	       (unsigned long)seen->done, (unsigned long)seen->refused,
	       (unsigned long)seen->raced);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	static void *(*const life[])(void *) = {reads, maps, writes, writes};
	pthread_t thread[4];
	uintptr_t i;

	begin(argc > 2 && !strcmp(argv[2], "--no-shadow"));
	for (i = 0; i < 4; i++)
		must(-pthread_create(&thread[i], NULL, life[i],
		                     (void *)(i & 1)));
	sleep(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	end();
	print("holder", &writer_seen[0]);
	print("holder", &writer_seen[1]);
	print("reader", &reader_seen);
	print("mapper", &mapper_seen);
	if (!reader_seen.done || !mapper_seen.done || !writer_seen[0].done) {
		puts("nothing met anything: this shows nothing");
		return 2;
	}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
